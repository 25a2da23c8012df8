"""Ablation of the reading network's training: `python -m training.reader.ablation`.

Short trainings that differ in one thing, with the same samples, seed and schedule. Too short to
rank variants by their final accuracy, long enough to rank them by how fast they learn. Each result
is a file of its own; a variant that has one is not trained again.
"""

from __future__ import annotations

import json
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
from clockread.runtime.manifest import DEFAULT
from clockread.sampling import ANGLES, RADII
from training import markdown, splits
from training.evaluation import on_photographs, on_rendered
from training.experiment import NotTrainedError
from training.precision import MIXED, usable_precision
from training.reader.batches import HandsBatches
from training.reader.export import OUTPUTS, folded, to_onnx
from training.reader.export_folder import EXPORTED, ExportFolder
from training.reader.hands import LOSS_WEIGHTS, LOSSES, found_poses
from training.reader.loop import Schedule, computing_in, fit, run_folder, write_json
from training.reader.networks import HandsConfig, build_hands, with_sincos
from training.reader.pose import MIX, VALIDATION_DIALS, training_backgrounds, training_shards

RESULTS = Path(__file__).resolve().parents[1] / "results" / "ablation"
PHOTOGRAPHS = ("clocks, box given", "time144, the photo is the dial")  # sets in the table
HEAD = "|varied|hard|54 clocks, box given|144 dials|parameters|ms per pass"
TIMED_DIALS, TIMED_ROUNDS = 64, 15
# The baseline: network and presets of renderer 3, before `HandsConfig` got two more layers.
BASE = HandsConfig(local=1, dilations=(1, 2, 4, 8, 16, 32, 1, 4))
BASE_PRESETS = ("film", "hard", "shaped", "tower", "varied", "watch")


@dataclass(frozen=True)
class Variant:
    """One training; the defaults are the baseline."""

    about: str
    config: HandsConfig = BASE
    presets: tuple[str, ...] = BASE_PRESETS  # of the training crops
    found: bool = True  # whether half of the crops have poses of the pose network, not true ones
    lit: bool = True  # whether exposure, contrast and noise are augmented
    coarse: tuple[int, int] = (1, 1)  # angles and radii of the polar image averaged into one
    weights: tuple[tuple[str, float], ...] = ()  # of losses, by output, that differ
    passes: int = Effort().passes


VARIANTS = {
    "as-it-is": Variant("unchanged"),
    "narrow": Variant("width 96 instead of 128", replace(BASE, width=96)),
    "wide": Variant("width 160", replace(BASE, width=160)),
    "shallow": Variant(
        "4 circular convolutions instead of 8", replace(BASE, dilations=(1, 4, 16, 32))
    ),
    "deeper": Variant(
        "as shipped now: one more residual 2-D and two more circular convolutions", HandsConfig()
    ),
    "no-local": Variant(
        "no residual 2-D convolution before the radius is folded", replace(BASE, local=0)
    ),
    "true-poses": Variant("jittered true poses only, none from the pose network", found=False),
    "not-relit": Variant("crops as rendered, without exposure augmentation", lit=False),
    "half-angles": Variant("120 angles instead of 240", coarse=(2, 1)),
    "half-radii": Variant("32 radii instead of 64", coarse=(1, 2)),
    "one-look": Variant(
        "no pose refinement, neither learned nor used", weights=(("change", 0.0),), passes=1
    ),
    "no-second": Variant("second hand not learned", weights=(("second", 0.0), ("has_second", 0.0))),
    "only-varied": Variant("crops of the preset `varied` only", presets=("varied",)),
    "no-styles": Variant(
        "no crops of watches, towers and films", presets=("hard", "shaped", "varied")
    ),
}


def coarsened(model: keras.Model, angles: int, radii: int) -> keras.Model:
    """Return a network that averages groups of so many angles and radii of its polar images."""
    image = keras.Input((ANGLES, RADII), dtype="uint8", name="polar")
    x = ops.reshape(
        ops.cast(image, "float32"), (-1, ANGLES // angles, angles, RADII // radii, radii)
    )
    x = ops.repeat(ops.repeat(ops.mean(x, axis=(2, 4)), angles, axis=1), radii, axis=2)
    return keras.Model(image, model(ops.cast(x + 0.5, "uint8")), name=model.name)


def _train(
    variant: Variant, folder: Path, schedule: Schedule
) -> tuple[keras.Model, dict[str, Any]]:
    """Train a variant; return its network in single precision, and the run's result."""
    shards = training_shards("reduced")[: len(MIX)]
    chosen = [i for i, preset in enumerate(MIX) if preset in variant.presets]
    found = found_poses("reduced", shards[: len(shards) // 2]) if variant.found else []
    chosen.sort(key=lambda i: i >= len(found))  # shards with found poses come first
    data = HandsBatches(
        [shards[i] for i in chosen],
        [found[i] for i in chosen if i < len(found)],
        training_backgrounds("reduced"),
        schedule,
        lit=variant.lit,
    )
    keras.utils.set_random_seed(schedule.seed)
    with computing_in(schedule.precision):
        model = _network(variant)
    weights = {**LOSS_WEIGHTS, **dict(variant.weights)}
    result = fit(model, data, LOSSES, schedule, folder, loss_weights=weights, resume=True)
    exact = _network(variant)  # in single precision
    exact.set_weights(model.get_weights())
    return exact, result


def _network(variant: Variant) -> keras.Model:
    model = build_hands(variant.config)
    return model if variant.coarse == (1, 1) else coarsened(model, *variant.coarse)


def reader_with(model: keras.Model, folder: Path, passes: int) -> ClockReader:
    """Return the shipped reader, with one thread and without retries, with another network.

    Args:
        model: The reading network.
        folder: Empty folder for the reader's models.
        passes: Largest number of refinement passes.

    """
    shipped = ExportFolder(EXPORTED)
    exports = shipped.copy(DEFAULT, folder)
    data = to_onnx(model, OUTPUTS["hands"])
    exports.put(DEFAULT, "hands", data, shipped.models[DEFAULT]["hands"])
    exports.save()
    effort = Effort(passes=passes, retry_below=0.0)
    return ClockReader("cpu", model=DEFAULT, models=folder, threads=1, effort=effort)


def milliseconds(reader: ClockReader) -> float:
    """Return the median milliseconds per dial of the reading network, on one core."""
    rng, network = np.random.default_rng(0), hands_network(reader.networks["hands"])
    polar: NDArray[np.uint8] = rng.integers(0, 256, (TIMED_DIALS, ANGLES, RADII), dtype=np.uint8)
    times = []
    for _ in range(TIMED_ROUNDS):
        began = time.process_time()
        network(polar)
        times.append(1000 * (time.process_time() - began) / TIMED_DIALS)
    return float(np.median(times))


def _measure(
    variant: Variant, model: keras.Model, result: Mapping[str, Any], photos: Path | None
) -> dict[str, Any]:
    """Return a variant's cost, and its accuracy within a minute in the whole reader."""
    network = with_sincos(model)
    if variant.coarse == (1, 1):
        network = folded(network)
    with tempfile.TemporaryDirectory() as scratch:
        reader = reader_with(network, Path(scratch), variant.passes)
        rendered = {
            preset: float(on_rendered(reader, preset, splits.VALIDATION.start, n)[1].mean())
            for preset, n in VALIDATION_DIALS.items()
        }
        whole = ClockReader(model=DEFAULT, models=Path(scratch))  # with retries
        photographs = {
            name: {k: figures[k] for k in ("photographs", "within_1_min")}
            for name, figures in on_photographs(whole, photos).items()
        }
        return {
            "about": variant.about,
            "samples": result["schedule"]["samples"],
            "seconds": result["seconds"],
            "parameters": int(model.count_params()),
            "milliseconds": milliseconds(reader),
            "rendered": rendered,
            "photographs": photographs,
        }


def _file(name: str, samples: int) -> Path:
    return RESULTS / f"{name}-{samples}.json"


def table(samples: int) -> str:
    """Return the existing results as a Markdown table."""
    rows = []
    for name, variant in VARIANTS.items():
        file = _file(name, samples)
        if not file.exists():
            continue
        r = json.loads(file.read_text())
        sets = (r["photographs"].get(name) for name in PHOTOGRAPHS)
        photographs = [f"{of['within_1_min']:.1%}" if of else "–" for of in sets]
        rendered = [f"{r['rendered'][preset]:.1%}" for preset in VALIDATION_DIALS]
        costs = [f"{r['parameters']:,}", f"{r['milliseconds']:.2f}"]
        rows.append([variant.about, *rendered, *photographs, *costs])
    return "\n".join(markdown.table(HEAD, rows))


def main(
    only: Annotated[
        str, typer.Option(help="Names, separated by commas: " + ", ".join(VARIANTS))
    ] = "",
    samples: Annotated[int, typer.Option(help="Number of samples per training.")] = 96_000,
    photos: Annotated[
        Path | None, typer.Option(envvar="CLOCKREAD_PHOTOS", help="Folder of labeled photographs.")
    ] = None,
    show: Annotated[
        bool, typer.Option("--table", help="Only print the table of existing results.")
    ] = False,
) -> None:
    """Train and measure the variants that have no result yet, and print the table."""
    wanted = [name for name in only.split(",") if name]
    if unknown := [name for name in wanted if name not in VARIANTS]:
        raise typer.BadParameter(f"{', '.join(unknown)}: use {', '.join(VARIANTS)}")
    schedule = Schedule(samples, precision=usable_precision(MIXED), average=0.995)
    for name, variant in VARIANTS.items():
        file = _file(name, samples)
        if show or file.exists() or (wanted and name not in wanted):
            continue
        try:
            model, result = _train(variant, run_folder("ablation", f"{name}-{samples}"), schedule)
        except NotTrainedError as error:
            raise SystemExit(str(error)) from None
        figures = _measure(variant, model, result, photos)
        write_json(file, {**figures, "variant": asdict(variant)})
        print(f"{name}: {json.dumps(figures)}", flush=True)
    print(table(samples))


if __name__ == "__main__":
    typer.run(main)
