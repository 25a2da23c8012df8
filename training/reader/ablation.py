"""What each ingredient of the reading network's training is worth: `python -m training.reader.ablation`.

One short training each, with one thing changed and all else alike: the same samples, seed and schedule. Too short to tell the last
point of accuracy, long enough to tell what helps learning. Each result is a file of its own; what is there is not trained again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import keras
import numpy as np
import typer
from keras import ops
from numpy.typing import NDArray

from clockread.hands import hands_network
from clockread.reader import ClockReader, Effort
from clockread.runtime.manifest import DEFAULT, MANIFEST_NAME
from clockread.sampling import ANGLES, RADII
from training import splits
from training.data import NotTrainedError
from training.evaluation import on_photographs, on_rendered
from training.reader.batches import HandsBatches
from training.reader.export import EXPORTED, OUTPUTS, folded, to_onnx
from training.reader.hands import LOSS_WEIGHTS, found_poses, hands_losses
from training.reader.loop import Schedule, computing_in, fit, run_folder, write_json
from training.reader.networks import HandsConfig, build_hands, with_sincos
from training.reader.pose import MIX, training_backgrounds, training_shards
from training.reader.quantize import VALIDATION

RESULTS = Path(__file__).resolve().parents[1] / "results" / "ablation"
TIMED_DIALS, TIMED_ROUNDS = 64, 15
# What the variants are told against: network and presets of renderer 3, before `HandsConfig` got two more layers.
BASE = HandsConfig(local=1, dilations=(1, 2, 4, 8, 16, 32, 1, 4))
BASE_PRESETS = ("film", "hard", "shaped", "tower", "varied", "watch")


@dataclass(frozen=True)
class Variant:
    """One training; the defaults are those of `BASE`."""

    about: str
    config: HandsConfig = BASE
    presets: tuple[str, ...] = BASE_PRESETS  # of the rendered crops that it learns from
    found: bool = True  # whether half of the crops come by the pose network's poses; else all by true ones that are jittered
    lit: bool = True  # whether exposure, contrast and noise are drawn anew for every sample
    coarse: tuple[int, int] = (1, 1)  # how many angles and radii of the polar image are one
    weights: tuple[tuple[str, float], ...] = ()  # of losses that weigh otherwise
    looks: int = Effort().passes


VARIANTS = {
    "as-it-is": Variant("as it is"),
    "narrow": Variant("width 96 in place of 128", replace(BASE, width=96)),
    "wide": Variant("width 160", replace(BASE, width=160)),
    "shallow": Variant(
        "4 circular convolutions in place of 8", replace(BASE, dilations=(1, 4, 16, 32))
    ),
    "deeper": Variant(
        "as shipped now: one more residual 2-D and two more circular convolutions", HandsConfig()
    ),
    "no-local": Variant(
        "no residual 2-D convolution before the radius is folded", replace(BASE, local=0)
    ),
    "true-poses": Variant("jittered true poses only, none of the pose network", found=False),
    "not-relit": Variant("crops as they were rendered, exposure not drawn anew", lit=False),
    "half-angles": Variant("120 angles in place of 240", coarse=(2, 1)),
    "half-radii": Variant("32 radii in place of 64", coarse=(1, 2)),
    "one-look": Variant(
        "the pose is not mended: neither learned nor used", weights=(("change", 0.0),), looks=1
    ),
    "no-second": Variant(
        "the second hand is not learned", weights=(("second", 0.0), ("has_second", 0.0))
    ),
    "only-varied": Variant("crops of the preset `varied` only", presets=("varied",)),
    "no-styles": Variant(
        "no crops of watches, towers and films", presets=("hard", "shaped", "varied")
    ),
}


def coarsened(model: keras.Model, angles: int, radii: int) -> keras.Model:
    """``model`` behind a polar image of which so many angles and radii are averaged into one; the grid's size stays."""
    image = keras.Input((ANGLES, RADII), dtype="uint8", name="polar")
    x = ops.reshape(
        ops.cast(image, "float32"), (-1, ANGLES // angles, angles, RADII // radii, radii)
    )
    x = ops.repeat(ops.repeat(ops.mean(x, axis=(2, 4)), angles, axis=1), radii, axis=2)
    return keras.Model(image, model(ops.cast(x + 0.5, "uint8")), name=model.name)


def trained(
    variant: Variant, folder: Path, schedule: Schedule
) -> tuple[keras.Model, dict[str, Any]]:
    """The variant's network, trained (again from its last checkpoint), and the run's result."""
    shards = training_shards("reduced")[: len(MIX)]
    chosen = [i for i, preset in enumerate(MIX) if preset in variant.presets]
    found = found_poses("reduced", shards[: len(shards) // 2]) if variant.found else []
    chosen.sort(key=lambda i: i >= len(found))  # those with poses first
    data = HandsBatches(
        [shards[i] for i in chosen],
        [found[i] for i in chosen if i < len(found)],
        training_backgrounds("reduced"),
        schedule.steps_per_epoch,
        schedule.batch,
        schedule.seed,
        lit=variant.lit,
    )
    keras.utils.set_random_seed(schedule.seed)
    with computing_in(schedule.precision):
        model = _network(variant)
    weights = {**LOSS_WEIGHTS, **dict(variant.weights)}
    result = fit(model, data, hands_losses(), schedule, folder, loss_weights=weights, resume=True)
    exact = _network(variant)  # in single precision, for export
    exact.set_weights(model.get_weights())
    return exact, result


def _network(variant: Variant) -> keras.Model:
    model = build_hands(variant.config)
    return model if variant.coarse == (1, 1) else coarsened(model, *variant.coarse)


def reader_with(model: keras.Model, folder: Path, looks: int) -> ClockReader:
    """The shipped reader with another reading network, written with a manifest to ``folder``; one thread, nothing for unsure dials."""
    manifest = json.loads((EXPORTED / MANIFEST_NAME).read_text())
    entries = manifest["models"][DEFAULT]
    for role in ("finder", "pose"):
        shutil.copy(EXPORTED / entries[role]["file"], folder)
    data = to_onnx(model, OUTPUTS["hands"])
    (folder / "hands.onnx").write_bytes(data)
    entries["hands"] |= {
        "file": "hands.onnx",
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    write_json(folder / MANIFEST_NAME, {**manifest, "models": {DEFAULT: entries}})
    return ClockReader(
        "cpu", model=DEFAULT, models=folder, threads=1, effort=Effort(passes=looks, retry_below=0.0)
    )


def milliseconds(reader: ClockReader) -> float:
    """Of one core, for one dial's polar image through the reading network, in a batch; the median of several rounds."""
    polar: NDArray[np.uint8] = np.random.default_rng(0).integers(
        0, 256, (TIMED_DIALS, ANGLES, RADII), dtype=np.uint8
    )
    times = []
    for _ in range(TIMED_ROUNDS):
        began = time.process_time()
        hands_network(reader.networks["hands"])(polar)
        times.append(1000 * (time.process_time() - began) / TIMED_DIALS)
    return float(np.median(times))


def measured(
    variant: Variant, model: keras.Model, result: Mapping[str, Any], photos: Path | None = None
) -> dict[str, Any]:
    """What a variant's network costs and how often it is right within a minute, through the whole reader."""
    plain = folded(with_sincos(model)) if variant.coarse == (1, 1) else with_sincos(model)
    with tempfile.TemporaryDirectory() as scratch:
        reader = reader_with(plain, Path(scratch), variant.looks)
        figures = {
            preset: float(on_rendered(reader, preset, splits.VALIDATION.start, n)[1].mean())
            for preset, n in VALIDATION.items()
        }
        photographs = on_photographs(ClockReader(model=DEFAULT, models=Path(scratch)), photos)
        return {
            "about": variant.about,
            "samples": result["schedule"]["samples"],
            "seconds": result["seconds"],
            "parameters": int(model.count_params()),
            "milliseconds": milliseconds(reader),
            "rendered": figures,
            "photographs": {
                name: {k: of[k] for k in ("photographs", "within_1_min")}
                for name, of in photographs.items()
            },
        }


def _file(name: str, samples: int) -> Path:
    return RESULTS / f"{name}-{samples // 1000}k.json"


def table(samples: int) -> str:
    """The results that are there, as Markdown."""
    rows = [
        "| | varied | hard | photographs, box given | 144 dials | parameters | ms |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in VARIANTS:
        file = _file(name, samples)
        if not file.exists():
            continue
        r = json.loads(file.read_text())
        given = [
            f"{r['photographs'][of]['within_1_min']:.1%}" if of in r["photographs"] else "–"
            for of in ("clocks, box given", "time144, the photo is the dial")
        ]
        rendered = [f"{r['rendered'][preset]:.1%}" for preset in VALIDATION]
        cells = [r["about"], *rendered, *given, f"{r['parameters']:,}", f"{r['milliseconds']:.2f}"]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def main(
    only: Annotated[
        str, typer.Option(help="Names, separated by commas: " + ", ".join(VARIANTS))
    ] = "",
    samples: Annotated[int, typer.Option(help="Drawn in each training.")] = 96_000,
    photos: Annotated[
        Path | None,
        typer.Option(envvar="CLOCKREAD_PHOTOS", help="Folder of labelled photographs."),
    ] = None,
    show: Annotated[
        bool, typer.Option("--table", help="Only print the table of the results that are there.")
    ] = False,
) -> None:
    """Train and measure the variants that have no result yet, and print the table."""
    unknown = [name for name in only.split(",") if name and name not in VARIANTS]
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}: use {', '.join(VARIANTS)}")
    schedule = Schedule(samples, precision="mixed_bfloat16", average=0.995)
    for name in [] if show else [name for name in VARIANTS if not only or name in only.split(",")]:
        file = _file(name, samples)
        if file.exists():
            continue
        try:
            model, result = trained(
                VARIANTS[name], run_folder("ablation", f"{name}-{samples}"), schedule
            )
        except NotTrainedError as error:
            raise SystemExit(str(error)) from None
        figures = measured(VARIANTS[name], model, result, photos)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, {**figures, "variant": asdict(VARIANTS[name])})
        print(f"{name}: {json.dumps(figures)}", flush=True)
    print(table(samples))


if __name__ == "__main__":
    typer.run(main)
