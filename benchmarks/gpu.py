"""The first run on a GPU: `python -m benchmarks.gpu PHOTOS`.

PHOTOS is a folder of photos of clocks. The parts describe the GPU, show which nodes are not on it,
time the networks by batch size and by options, compare the readings of the photos with those of the
CPU, and measure rates. A part that fails says why, and the others still run. `--save` writes all
figures as JSON. Needs `pip install ".[gpu]"` only.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Literal

import numpy as np
import typer

from benchmarks.tables import percent, print_table
from clockread.cli.sample_photos import GENERATED_PHOTOS, generated_photos
from clockread.errors import ClockreadError
from clockread.finder import iou
from clockread.images import ImageSource
from clockread.listing import list_photos
from clockread.reader import SAME_DIAL_IOU, ClockReader
from clockread.reading import PhotoResult
from clockread.runtime.cpus import usable_threads
from clockread.runtime.fixed_batch import NVIDIA_BATCH
from clockread.runtime.gpu_options import GpuOptions
from clockread.runtime.gpu_report import describe
from clockread.runtime.manifest import ModelEntry, load_manifest, model_bytes
from clockread.runtime.network import Call
from clockread.runtime.providers import open_session

WARM_UP = 3  # calls that are not timed
# The targets: rates relative to the CPU, dials per second of the networks alone, equal minutes.
MIN_SPEEDUP, MIN_NETWORKS, MIN_EQUAL = 2.0, 20_000, 0.99
VARIANTS: dict[str, dict[str, Any]] = {  # changes of GpuOptions
    "clockread's options": {},
    "channels first": {"prefer_nhwc": False},
    "fused biases": {"fuse_conv_bias": True},
    "exhaustive search": {"cudnn_conv_algo_search": "EXHAUSTIVE"},
    "default search": {"cudnn_conv_algo_search": "DEFAULT"},
    "without TF32": {"use_tf32": False},
}

Provider = Literal["cuda", "tensorrt", "cpu"]


@dataclass(frozen=True)
class Setup:
    """The arguments of the benchmark."""

    photos: list[Path]
    provider: Provider
    gpu: GpuOptions
    rounds: int  # timed calls, and passes over photos
    batches: tuple[int, ...]  # ascending
    bulk: int  # photos of a pass

    def reader(self, model: str = "default", **options: Any) -> ClockReader:
        """Return a reader on the GPU, with changes of its options."""
        gpu = None if self.provider == "cpu" else replace(self.gpu, **options)
        return ClockReader(self.provider, model=model, gpu=gpu)


@dataclass(frozen=True)
class Table:
    """The figures of a part."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def networks() -> dict[str, ModelEntry]:
    """Return the networks of the float model, by role."""
    return dict(load_manifest().models["default"])


def about(setup: Setup) -> Table:
    """Describe the GPU, its libraries and the CPU beside it."""
    facts: dict[str, Any] = asdict(describe(setup.gpu))
    chosen = " ".join(f"{name}={value}" for name, value in facts.pop("options").items())
    facts |= {"options": chosen, "usable CPU threads": usable_threads()}
    return Table(("", "value"), [(name, str(value)) for name, value in facts.items()])


def nodes(setup: Setup) -> Table:
    """Count the nodes that the GPU leaves to the CPU; there should be none."""
    elsewhere = {
        role: network.nodes_elsewhere() for role, network in setup.reader().networks.items()
    }
    rows = [
        (role, str(counts.total()), ", ".join(f"{n} {name}" for name, n in counts.items()))
        for role, counts in elsewhere.items()
    ]
    return Table(("network", "nodes", "operators"), rows)


def sizes(setup: Setup) -> Table:
    """Time calls of fixed batch, and calls of one session that alternate between two batches."""
    small, large = setup.batches[0], setup.batches[-1]
    rows = []
    for role, entry in networks().items():
        fixed = [_milliseconds(setup, entry, [size], size) for size in setup.batches]
        same = _milliseconds(setup, entry, [large])
        mixed = _milliseconds(setup, entry, [large, small])
        rows.append([role, *(f"{value:.2f}" for value in (*fixed, same, mixed))])
    columns = [f"{size}, fixed" for size in setup.batches]
    return Table(("ms per call", *columns, f"{large}, free", f"{large} and {small}, free"), rows)


def options(setup: Setup) -> Table:
    """Time calls of the largest batch with other options."""
    size = setup.batches[-1]
    rows = []
    for title, change in VARIANTS.items():
        changed = replace(setup, gpu=replace(setup.gpu, **change))
        times = [_milliseconds(changed, entry, [size], size) for entry in networks().values()]
        rows.append([title, *(f"{value:.2f}" for value in times), f"{sum(times):.2f}"])
    return Table((f"ms per call of {size}", *networks(), "together"), rows)


def parity(setup: Setup) -> Table:
    """Compare the readings of the photos with those of the CPU."""
    rows = []
    for model in ("default",) if setup.provider == "tensorrt" else ("default", "small"):
        expected = _results(ClockReader("cpu", model=model), setup.photos)
        for title in ("clockread's options", "without TF32"):
            found = _results(setup.reader(model, **VARIANTS[title]), setup.photos)
            rows.append([f"{model}, {title}", *_differences(expected, found)])
    columns = ("readings of the CPU", "found", "of these, same minutes", "confidence differs by")
    return Table(("", *columns), rows)


def rates(setup: Setup) -> Table:
    """Measure bulk rates on generated photos of 640×480, decoding included, and the networks'."""
    photos: list[ImageSource] = [*generated_photos()] * -(-setup.bulk // GENERATED_PHOTOS)
    of_cpu = _passes(ClockReader("cpu", model="int8"), photos, setup.rounds)
    of_gpu = _passes(setup.reader(), photos, setup.rounds)
    before = time.perf_counter()
    for call in of_gpu.calls:
        call()
    alone = of_gpu.dials / (time.perf_counter() - before)
    target = f"{MIN_SPEEDUP * of_cpu.rate:.0f}"
    return Table(
        ("", "dials/s", "target"),
        [
            (f"CPU, int8, {usable_threads()} threads", f"{of_cpu.rate:.0f}", ""),
            (f"{setup.provider}, one process", f"{of_gpu.rate:.0f}", target),
            # A CPU's workers share other networks than those that are recorded.
            ("networks alone", f"{alone:.0f}" if of_gpu.calls else "–", f"{MIN_NETWORKS}"),
        ],
    )


@dataclass(frozen=True)
class Passes:
    """Repeated passes over photos."""

    rate: float  # dials per second, the median of the passes
    dials: int  # of one pass
    calls: list[Call]  # of the networks in the last pass, if they are known


def _passes(reader: ClockReader, photos: Sequence[ImageSource], rounds: int) -> Passes:
    """Read the photos once for warming up, then several times."""
    found: list[float] = []
    calls: list[Call] = []
    dials = 0
    for _ in range(rounds + 1):
        calls = []
        for network in reader.networks.values():
            network.recorded = calls
        before = time.perf_counter()
        dials = sum(len(result.readings) for result in reader.stream(photos))
        found.append(dials / (time.perf_counter() - before))
    return Passes(median(found[1:]), dials, calls)


def _results(reader: ClockReader, photos: Sequence[Path]) -> list[PhotoResult]:
    return list(reader.stream(photos))


def _differences(expected: Sequence[PhotoResult], found: Sequence[PhotoResult]) -> list[str]:
    """Return how far readings differ: counts, the share of equal minutes, and confidences."""
    pairs = []
    count = 0
    for one, other in zip(expected, found, strict=True):
        for reading in one.readings:
            count += 1
            same = [r for r in other.readings if iou(r.face, reading.face) >= SAME_DIAL_IOU]
            pairs += [(reading, best) for best in same[:1]]
    equal = sum(a.minutes == b.minutes for a, b in pairs) / max(1, len(pairs))
    moved = max((abs(a.confidence - b.confidence) for a, b in pairs), default=0.0)
    verdict = "" if equal >= MIN_EQUAL else f", below {MIN_EQUAL:.0%}"
    return [str(count), str(len(pairs)), f"{percent(equal)}{verdict}", f"{moved:.3f}"]


def _milliseconds(
    setup: Setup, entry: ModelEntry, batches: Sequence[int], fixed: int | None = None
) -> float:
    """Return the median time of a call that takes the batch sizes in turn."""
    ((name, spec),) = entry.inputs.items()
    session = open_session(
        model_bytes(entry),
        setup.provider,
        1,
        dimensions={str(spec.shape[0]): fixed} if fixed else None,
        gpu=setup.gpu,
    )
    sides = [int(side) for side in spec.shape[1:]]
    rng = np.random.default_rng(0)
    inputs = [rng.integers(0, 256, (size, *sides), np.uint8) for size in batches]
    seconds = []
    for number in range(WARM_UP + setup.rounds):
        before = time.perf_counter()
        for batch in inputs:
            session.run(None, {name: batch})
        if number >= WARM_UP:
            seconds.append((time.perf_counter() - before) / len(inputs))
    return 1000 * median(seconds)


PARTS: dict[str, Callable[[Setup], Table]] = {
    "GPU": about,
    "nodes that are not on the GPU": nodes,
    "batch sizes": sizes,
    "options": options,
    "readings against the CPU's": parity,
    "rates": rates,
}


def measured(setup: Setup) -> Iterator[tuple[str, Table | str]]:
    """Run all parts; give each table, or why there is none."""
    for title, part in PARTS.items():
        try:
            yield title, part(setup)
        except Exception as error:  # onnxruntime's exceptions have no common base
            lines = str(error).strip().splitlines() or [""]
            yield title, f"{type(error).__name__}: {lines[0]}"


def main(
    photos: Annotated[Path, typer.Argument(help="Folder of photos of clocks.")],
    provider: Annotated[
        Provider, typer.Option(help="cpu only tries this script, without a GPU.")
    ] = "cuda",
    device: Annotated[int, typer.Option(min=0, help="Number of the GPU.")] = 0,
    rounds: Annotated[int, typer.Option(min=1, help="Timed calls and passes.")] = 10,
    bulk: Annotated[int, typer.Option(min=1, help="Photos of a pass.")] = 1024,
    save: Annotated[Path | None, typer.Option(help="Write all figures here, as JSON.")] = None,
) -> None:
    """Measure clockread on a GPU."""
    setup = Setup(
        list_photos([photos]), provider, GpuOptions(device), rounds, NVIDIA_BATCH.sizes, bulk
    )
    try:
        setup.reader().close()
    except ClockreadError as error:
        typer.echo(f"benchmarks.gpu: {error}", err=True)
        raise typer.Exit(2) from None
    figures: dict[str, Any] = {}
    for title, table in measured(setup):
        if isinstance(table, str):
            print(f"{title}: FAILED, {table}")
            figures[title] = {"failed": table}
            continue
        print_table(title, table.columns, table.rows)
        figures[title] = asdict(table)
    if save is not None:
        save.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
