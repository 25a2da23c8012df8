"""``clockread bench``: latency, bulk rates and their limits, stages, start-up and memory.

Rates are the median, lowest and highest of the measured passes. One pass before them is not
measured: it fills caches and lets the runtime settle its memory. Passes of the whole program, of
the networks alone and of decoding alone alternate, so that other load on the machine affects all
three alike.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, TextIO, TypeAlias, TypeVar

import numpy as np

from clockread.bulk import PART_PHOTOS, Entry, PhotoReader, Plan, read_in_order
from clockread.cli import sample_photos
from clockread.cli.output import console_for
from clockread.errors import ClockreadError, ProviderError
from clockread.images import ImageSource, load_photo, name_of
from clockread.listing import list_photos

if TYPE_CHECKING:
    from rich.table import Table

    from clockread.reader import ClockReader

STAGES = {  # and the unit that each is divided by
    "decode": "photo",
    "find": "photo",
    "pose": "dial",
    "unwrap": "dial",
    "read": "dial",
    "context": "dial",
    "decode again": "dial",
}
MIN_LATENCIES = 100  # photos read one at a time; fewer are repeated
MIN_BULK = 64  # photos per worker and bulk pass; shorter passes do not reach the bulk rate
PERCENTILES = (50, 90, 99)
STARTS = 5  # processes started to measure how long the first reading takes
START_LIMIT = 120  # seconds

_T = TypeVar("_T")
# Makes the reader of a batch size and a number of threads.
ReaderOf: TypeAlias = "Callable[[int, int], ClockReader]"


@dataclass(frozen=True)
class Spread:
    """The median, lowest and highest of repeated measurements."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Return the spread of at least one value."""
        measured = sorted(values)
        return cls(median(measured), measured[0], measured[-1])


@dataclass(frozen=True)
class StageTime:
    """Time that one photo or one dial spends in a stage."""

    stage: str
    per: str  # "photo" or "dial"
    milliseconds: Spread | None  # None without dials to divide by


@dataclass(frozen=True)
class BatchReport:
    """Measurements with one batch size. Rates include decoding."""

    batch_size: int
    dials: int  # read in one pass
    photos_per_second: Spread
    dials_per_second: Spread
    # Photos per second of the same calls of the networks on ready tensors; None if not known.
    networks_only: Spread | None
    decoding_only: Spread  # photos per second
    one_worker: Spread | None  # photos per second on a single thread; None if there is only one
    stages: tuple[StageTime, ...]  # of a pass without workers, all threads on one batch

    @property
    def of_slowest_stage(self) -> float:
        """Bulk rate divided by the lower of the two limits."""
        limits = [limit.median for limit in (self.decoding_only, self.networks_only) if limit]
        return self.photos_per_second.median / min(limits)

    @property
    def of_shared_cores(self) -> float | None:
        """Bulk rate divided by the rate that both limits allow together, if they share cores."""
        if self.networks_only is None:
            return None
        seconds = 1 / self.decoding_only.median + 1 / self.networks_only.median  # per photo
        return self.photos_per_second.median * seconds

    @property
    def of_one_worker(self) -> float | None:
        """Bulk rate divided by that of a single worker."""
        one = self.one_worker
        return None if one is None else self.photos_per_second.median / one.median


@dataclass(frozen=True)
class BenchReport:
    """All measurements."""

    provider: str  # the one in use
    model: str  # the one in use
    threads: int
    photos: int
    source: str  # where the photos come from
    repeats: int
    workers: int  # in bulk
    latency_ms: dict[str, float]  # percentiles, one photo from encoded bytes to readings
    latency_photos: int  # that these percentiles come from
    start_seconds: Spread  # of a whole process of `clockread predict` on one photo
    batches: tuple[BatchReport, ...]
    peak_memory_mb: float | None  # of this process; None if the system does not report it


def measure(
    reader_of: ReaderOf,
    provider: str,
    batch_sizes: Sequence[int],
    folder: Path | None,
    repeats: int,
    threads: int,
    predict_options: Sequence[str],
) -> BenchReport:
    """Measure reading.

    Args:
        reader_of: makes the reader of a batch size and a number of threads.
        provider: the execution provider asked for.
        batch_sizes: batch sizes to measure.
        folder: folder of photos, or None for generated ones.
        repeats: measured passes.
        threads: CPU threads.
        predict_options: options of the `clockread predict` whose start-up is measured.

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
    plan = Plan.of(len(sources), threads)
    latencies = _latencies(alone, sources, repeats)
    batches = tuple(
        _batch_report(reader_of, size, sources, repeats, threads, plan) for size in batch_sizes
    )
    return BenchReport(
        provider=alone.provider,
        model=alone.model,
        threads=threads,
        photos=len(sources),
        source=source,
        repeats=repeats,
        workers=plan.workers,
        latency_ms={f"p{p}": float(np.percentile(latencies, p)) for p in PERCENTILES},
        latency_photos=len(latencies),
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
    before = {role: Counter(network.calls) for role, network in reader.networks.items()}
    _bulk_pass(reader, many, plan.workers, batch_size)
    calls = [
        partial(network.idle_call, size)
        for role, network in reader.networks.items()
        for size, count in (network.calls - before[role]).items()
        for _ in range(count)
    ]
    seconds: dict[str, list[float]] = {"bulk": [], "networks": [], "decoding": [], "single": []}
    for _ in range(repeats):
        seconds["bulk"].append(_bulk_pass(reader, many, plan.workers, batch_size))
        if plan.workers > 1:
            seconds["single"].append(_bulk_pass(reader, many, 1, batch_size))
        seconds["decoding"].append(_divided(plan.workers, load_photo, many))
        if calls:
            seconds["networks"].append(_divided(plan.workers, lambda call: call(), calls))
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
        stages=tuple(
            _stage_time(stage, staged, len(sources) if per == "photo" else dials[0])
            for stage, per in STAGES.items()
        ),
    )


def _staged_pass(
    reader: PhotoReader, sources: Sequence[ImageSource]
) -> tuple[dict[str, float], int]:
    """Return the seconds per stage, and the dials, of a pass without workers."""
    timings: dict[str, float] = {"decode": 0.0}
    dials = 0
    for first in range(0, len(sources), PART_PHOTOS):
        before = time.perf_counter()
        photos = [load_photo(source) for source in sources[first : first + PART_PHOTOS]]
        timings["decode"] += time.perf_counter() - before
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
    return peak / 1e6 if sys.platform == "darwin" else peak / 1024


def write(report: BenchReport, stream: TextIO, output: str) -> None:
    """Write a report to a text stream, as "json" or as a "table"."""
    if output == "json":
        ratios = ("of_slowest_stage", "of_shared_cores", "of_one_worker")
        batches = [asdict(b) | {name: getattr(b, name) for name in ratios} for b in report.batches]
        content = {**asdict(report), "batches": batches}
        stream.write(json.dumps(content, indent=2, allow_nan=False) + "\n")
        return
    console = console_for(stream)
    say = partial(console.print, markup=False)
    say(f"provider {report.provider}, model {report.model}, {report.threads} threads")
    say(f"{report.photos} photos ({report.source}), {report.batches[0].dials} dials read")
    percentiles = ", ".join(f"{name} {value:.1f} ms" for name, value in report.latency_ms.items())
    say(f"one photo at a time, with decoding: {percentiles} ({report.latency_photos} photos)")
    start = _cell(report.start_seconds, 2)
    say(f"a process that reads one photo: {start} s ({STARTS} processes)")
    if report.peak_memory_mb is not None:
        say(f"peak memory of this process: {report.peak_memory_mb:.0f} MB")
    passes = f"median (lowest-highest) of {report.repeats} passes"
    say(f"in bulk, {report.workers} workers; {passes}, after one for warm-up:")
    console.print(_bulk_table(report.batches))
    say("per stage, without workers, all threads on one batch:")
    console.print(_stage_table(report.batches))


def _bulk_table(batches: Sequence[BatchReport]) -> Table:
    limits = ("networks alone", "decoding alone")
    ratios = ("of lower limit", "of joint limit", "of one worker")
    table = _table("batch", "dials/s", "photos/s", *limits, *ratios)
    for b in batches:
        rates = (b.dials_per_second, b.photos_per_second, b.networks_only, b.decoding_only)
        shares = (b.of_slowest_stage, b.of_shared_cores, b.of_one_worker)
        cells = ["" if rate is None else _cell(rate, 1) for rate in rates]
        cells += ["" if share is None else f"{share:.0%}" for share in shares]
        table.add_row(str(b.batch_size), *cells)
    return table


def _stage_table(batches: Sequence[BatchReport]) -> Table:
    table = _table("batch", *(f"{stage}, ms/{per}" for stage, per in STAGES.items()))
    for b in batches:
        times = (stage.milliseconds for stage in b.stages)
        cells = ("no dials" if time is None else _cell(time, 2) for time in times)
        table.add_row(str(b.batch_size), *cells)
    return table


def _table(*headings: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Column, Table

    columns = (Column(heading, justify="right") for heading in headings)
    return Table(*columns, box=SIMPLE_HEAD, pad_edge=False)


def _cell(spread: Spread, digits: int) -> str:
    return f"{spread.median:.{digits}f} ({spread.lowest:.{digits}f}-{spread.highest:.{digits}f})"
