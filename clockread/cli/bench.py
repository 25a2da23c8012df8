"""``clockread bench``: latency, bulk rates and their limits, stages, start-up and memory.

Rates are the median, lowest and highest of the measured passes. One pass before them is not
measured: it fills caches and lets the runtime settle its memory. Passes of the whole program, of
the networks alone and of decoding alone alternate, so that other load on the machine affects all
three alike. The networks alone make the calls of a whole pass again, in their order, because an
accelerator may be slower if the size of the batch changes, and on random inputs.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np

from clockread.cli import sample_photos
from clockread.cli.bench_report import STAGES, BatchReport, BenchReport, Spread, StageTime
from clockread.errors import ClockreadError, ProviderError
from clockread.images import ImageSource, load_photo, name_of
from clockread.listing import list_photos
from clockread.parallel import PART_PHOTOS, Entry, PhotoReader, Plan, read_in_order
from clockread.runtime.gpu_options import GpuOptions
from clockread.runtime.gpu_report import describe
from clockread.runtime.providers import LIBRARIES, ORT_NAMES
from clockread.stages import DECODE

if TYPE_CHECKING:
    from clockread.reader import ClockReader
    from clockread.runtime.network import Call

MIN_LATENCIES = 100  # photos read one at a time; fewer are repeated
MIN_BULK = 64  # photos per worker and bulk pass; shorter passes do not reach the bulk rate
PERCENTILES = (50, 90, 99)
STARTS = 5  # processes started to measure how long the first reading takes
START_LIMIT = 120  # seconds
CPU_BATCHES = (1, 8, 32)
ACCELERATOR_BATCHES = (8, 32, 128, 512)

_T = TypeVar("_T")
# Makes the reader of a batch size and a number of threads.
ReaderOf: TypeAlias = "Callable[[int, int], ClockReader]"


def measure(
    reader_of: ReaderOf,
    provider: str,
    batch_sizes: Sequence[int] | None,
    folder: Path | None,
    repeats: int,
    threads: int,
    predict_options: Sequence[str],
    device: int = 0,
) -> BenchReport:
    """Measure reading.

    Args:
        reader_of: makes the reader of a batch size and a number of threads.
        provider: the execution provider asked for.
        batch_sizes: batch sizes to measure; None for those that suit the provider.
        folder: folder of photos, or None for generated ones.
        repeats: measured passes.
        threads: CPU threads.
        predict_options: options of the `clockread predict` whose start-up is measured.
        device: number of the GPU.

    Returns:
        The measurements.

    Raises:
        ProviderError: if the reader uses another provider than the one asked for.

    """
    alone = reader_of(1, threads)
    if provider != "auto" and provider not in alone.provider.lower():
        message = f"asked for provider {provider}, but {alone.provider} would run"
        raise ProviderError(f"{message}; nothing was measured")
    sources: Sequence[ImageSource]
    if folder is None:
        sources = sample_photos.generated_photos()
        width, height = sample_photos.GENERATED_SIZE
        dials = sample_photos.GENERATED_DIALS
        source = f"generated, {width} x {height} JPEG, {dials} drawn dials each"
    else:
        sources = [str(path) for path in list_photos([folder])]
        source = str(folder)
    if batch_sizes is None:
        batch_sizes = ACCELERATOR_BATCHES if alone.on_accelerator else CPU_BATCHES
    plan = Plan.of(len(sources), threads)
    latencies = _latencies(alone, sources, repeats)
    batches = tuple(
        _batch_report(reader_of, size, sources, repeats, threads, plan) for size in batch_sizes
    )
    networks = alone.networks.items() if alone.on_accelerator else ()
    on_nvidia = alone.provider in {ORT_NAMES[name] for name in LIBRARIES}
    return BenchReport(
        provider=alone.provider,
        gpu=describe(GpuOptions(device)) if on_nvidia else None,
        nodes_elsewhere={role: dict(network.nodes_elsewhere()) for role, network in networks},
        model=alone.model,
        threads=threads,
        photos=len(sources),
        source=source,
        repeats=repeats,
        workers=plan.workers,
        latency_ms={f"p{p}": float(np.percentile(latencies, p)) for p in PERCENTILES},
        latency_photos=len(latencies),
        starts=STARTS,
        start_seconds=_start(sources[0], predict_options),
        batches=batches,
        peak_memory_mb=_peak_memory_mb(),
    )


def _latencies(reader: PhotoReader, sources: Sequence[ImageSource], repeats: int) -> list[float]:
    """Return the milliseconds of each photo, read one at a time."""
    rounds = max(repeats, -(-MIN_LATENCIES // len(sources)))
    reader.read_photos([load_photo(sources[0])])
    out = []
    for source in [*sources] * rounds:
        before = time.perf_counter()
        reader.read_photos([load_photo(source)])
        out.append(1000 * (time.perf_counter() - before))
    return out


def _batch_report(
    reader_of: ReaderOf,
    batch_size: int,
    sources: Sequence[ImageSource],
    repeats: int,
    threads: int,
    plan: Plan,
) -> BatchReport:
    wide = reader_of(batch_size, threads)
    same = plan.threads == threads or wide.on_accelerator
    reader = wide if same else reader_of(batch_size, plan.threads)
    _staged_pass(wide, sources)
    staged, dials = zip(*(_staged_pass(wide, sources) for _ in range(repeats)), strict=True)
    many = [*sources] * -(-MIN_BULK * plan.workers // len(sources))
    with _recorded(reader) as calls:
        _bulk_pass(reader, many, plan.workers, batch_size)
    seconds: dict[str, list[float]] = {"bulk": [], "networks": [], "decoding": [], "single": []}
    for _ in range(repeats):
        seconds["bulk"].append(_bulk_pass(reader, many, plan.workers, batch_size))
        if plan.workers > 1:
            seconds["single"].append(_bulk_pass(reader, many, 1, batch_size))
        seconds["decoding"].append(_divided(plan.workers, load_photo, many))
        if calls:
            callers = 1 if reader.on_accelerator else plan.workers
            seconds["networks"].append(_divided(callers, lambda call: call(), calls))
    rates = {name: [len(many) / value for value in values] for name, values in seconds.items()}
    per_photo = dials[0] / len(sources)
    return BatchReport(
        batch_size=batch_size,
        dials=dials[0],
        photos_per_second=Spread.of(rates["bulk"]),
        dials_per_second=Spread.of(rate * per_photo for rate in rates["bulk"]),
        networks_only=Spread.of(rates["networks"]) if calls else None,
        decoding_only=Spread.of(rates["decoding"]),
        one_worker=Spread.of(rates["single"]) if plan.workers > 1 else None,
        share_cores=not reader.on_accelerator,
        stages=tuple(
            _stage_time(stage, staged, len(sources) if per == "photo" else dials[0])
            for stage, per in STAGES.items()
        ),
    )


@contextmanager
def _recorded(reader: ClockReader) -> Iterator[list[Call]]:
    """Record the calls of a reader's networks, in their order, while the block runs."""
    calls: list[Call] = []
    for network in reader.networks.values():
        network.recorded = calls
    try:
        yield calls
    finally:
        for network in reader.networks.values():
            network.recorded = None


def _staged_pass(
    reader: PhotoReader, sources: Sequence[ImageSource]
) -> tuple[dict[str, float], int]:
    """Return the seconds per stage, and the dials, of a pass without workers."""
    timings: dict[str, float] = {DECODE: 0.0}
    dials = 0
    for first in range(0, len(sources), PART_PHOTOS):
        before = time.perf_counter()
        photos = [load_photo(source) for source in sources[first : first + PART_PHOTOS]]
        timings[DECODE] += time.perf_counter() - before
        dials += sum(len(result.readings) for result in reader.read_photos(photos, timings=timings))
    return timings, dials


def _bulk_pass(
    reader: PhotoReader, sources: Sequence[ImageSource], workers: int, batch_size: int
) -> float:
    """Return the seconds of a pass like that of `clockread predict`; a bad photo is an error."""
    before = time.perf_counter()
    entries = (Entry(name_of(source), source) for source in sources)
    for result in read_in_order(
        entries, reader, count=len(sources), workers=workers, batch_size=batch_size
    ):
        if result.error:
            raise ClockreadError(result.error)
    return time.perf_counter() - before


def _divided(workers: int, work: Callable[[_T], object], items: Sequence[_T]) -> float:
    """Return the seconds in which ``workers`` threads process all items."""
    before = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(work, items):
            pass
    return time.perf_counter() - before


def _stage_time(stage: str, passes: Sequence[dict[str, float]], count: int) -> StageTime:
    times = [1000 * timings.get(stage, 0.0) / count for timings in passes] if count else []
    return StageTime(stage, STAGES[stage], Spread.of(times) if times else None)


def predict_command(photos: str | Path, *options: str) -> list[str]:
    """Return the command of a new process that reads a photo, or a folder, as JSON lines."""
    module = [] if getattr(sys, "frozen", False) else ["-m", "clockread"]
    return [sys.executable, *module, "predict", str(photos), "--format", "jsonl", *options]


def _start(source: ImageSource, options: Sequence[str]) -> Spread:
    """Return the seconds of whole processes that read one photo."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo.jpg"
        path.write_bytes(
            source if isinstance(source, bytes) else Path(name_of(source)).read_bytes()
        )
        command = predict_command(path, "--quiet", *options)
        seconds = []
        for _ in range(STARTS + 1):
            before = time.perf_counter()
            try:
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=START_LIMIT)
            except subprocess.SubprocessError as error:
                raise ClockreadError(f"a process that reads one photo failed: {error}") from error
            seconds.append(time.perf_counter() - before)
    return Spread.of(seconds[1:])


def _peak_memory_mb() -> float | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)  # bytes, elsewhere kilobytes
