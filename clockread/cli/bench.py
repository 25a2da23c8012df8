"""``clockread bench``: latency, bulk rates beside what the networks alone and decoding alone would allow, stages, start, memory.

Rates are medians of the measured passes with the lowest and the highest; one pass before them is not measured: it fills caches and
lets the runtime settle its memory. Passes of the whole, of the networks alone and of decoding alone take turns, so that what else
the machine does meanwhile falls on all three.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Protocol, TextIO, TypeVar

import numpy as np

from clockread.bulk import PART_PHOTOS, Entry, PhotoReader, Plan, read_in_order
from clockread.cli import sample_photos
from clockread.cli.output import console_for
from clockread.errors import ClockreadError, ProviderError
from clockread.images import ImageSource, load_photo, name_of
from clockread.listing import list_photos

STAGES = {
    "decode": "photo",
    "find": "photo",
    "pose": "dial",
    "unwrap": "dial",
    "read": "dial",
    "decode again": "dial",
}  # and counted by what
LEAST_LATENCIES = 100  # photos read one at a time; fewer are repeated
LEAST_BULK = 64  # photos per worker in a bulk pass; fewer are repeated, because short passes do not reach the bulk rate
PERCENTILES = (50, 90, 99)
STARTS = 5  # processes started to measure how long the first reading takes
START_LIMIT = 120  # seconds


class Network(Protocol):
    """One network of a reader, as network.Network is."""

    calls: Counter[int]  # how often it was called, by batch size

    def idle_call(self, batch: int) -> None:
        """Run it on ``batch`` inputs of no meaning."""


class MeasuredReader(PhotoReader, Protocol):
    """A reader whose networks can be run alone."""

    model: str  # the one in use

    @property
    def networks(self) -> Mapping[str, Network]:
        """By role."""


_T = TypeVar("_T")
ReaderOf = Callable[[int, int], MeasuredReader]  # of a batch size and a number of threads


@dataclass(frozen=True)
class Spread:
    """The median, lowest and highest of repeated measurements."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """The spread of at least one value."""
        measured = sorted(values)
        return cls(median(measured), measured[0], measured[-1])


@dataclass(frozen=True)
class StageTime:
    """Milliseconds that one photo or one dial spends in a stage; None where no dial was found to count by."""

    stage: str
    per: str  # "photo" or "dial"
    milliseconds: Spread | None


@dataclass(frozen=True)
class BatchReport:
    """What one batch size gives. Rates include decoding."""

    batch_size: int
    dials: int  # read in one pass
    photos_per_second: Spread
    dials_per_second: Spread
    networks_only: (
        Spread | None
    )  # photos per second of the networks on ready tensors, the same calls; None where they are not known
    decoding_only: Spread  # photos per second
    one_worker: (
        Spread | None
    )  # photos per second of a single worker on a single thread; None if there is only one
    stages: tuple[StageTime, ...]  # of a pass without workers, all threads on one batch

    @property
    def of_slowest_stage(self) -> float:
        """Bulk rate over that of the slower of the two limits."""
        limits = [
            self.decoding_only.median,
            *([self.networks_only.median] if self.networks_only else []),
        ]
        return self.photos_per_second.median / min(limits)

    @property
    def of_shared_cores(self) -> float | None:
        """Bulk rate over what decoding and networks allow that share the same cores; of use where the networks run on the CPU."""
        if self.networks_only is None:
            return None
        return self.photos_per_second.median * (
            1 / self.decoding_only.median + 1 / self.networks_only.median
        )

    @property
    def of_one_worker(self) -> float | None:
        """Bulk rate over that of a single worker."""
        return (
            None
            if self.one_worker is None
            else self.photos_per_second.median / self.one_worker.median
        )


@dataclass(frozen=True)
class BenchReport:
    """A whole measurement."""

    provider: str  # the one really in use
    model: str  # the one in use
    threads: int
    photos: int
    source: str  # where the photos come from
    repeats: int
    workers: int  # in bulk
    latency_ms: dict[
        str, float
    ]  # of one photo, from its encoded bytes to its readings: percentiles
    latency_photos: int  # that these percentiles come from
    start_seconds: (
        Spread | None
    )  # from the start of a process to the end of `clockread predict` on one photo
    batches: tuple[BatchReport, ...]
    peak_memory_mb: float | None  # of this process in all; None where the system does not tell


def measure(
    reader_of: ReaderOf,
    provider: str,
    batch_sizes: Sequence[int],
    folder: Path | None,
    repeats: int,
    threads: int,
    predict_options: Sequence[str] | None = None,
) -> BenchReport:
    """Measure reading.

    reader_of: makes the reader of a batch size and a number of threads; provider: the one asked for; folder: of photos, or None for
    generated ones; predict_options: of the `clockread predict` whose start is measured, or None to leave that out.

    Raises ProviderError where the reader uses another provider than the one asked for: no figure is better than a wrong one.
    """
    alone = reader_of(1, threads)
    if provider != "auto" and provider not in alone.provider.lower():
        raise ProviderError(
            f"asked for provider {provider}, but {alone.provider} is what would run; nothing was measured"
        )
    paths = [] if folder is None else [str(path) for path in list_photos([folder])]
    sources: Sequence[ImageSource] = sample_photos.generated_photos() if folder is None else paths
    width, height = sample_photos.GENERATED_SIZE
    generated = (
        f"generated, {width} x {height} JPEG, {sample_photos.GENERATED_DIALS} drawn dials each"
    )
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
        source=generated if folder is None else str(folder),
        repeats=repeats,
        workers=plan.workers,
        latency_ms={f"p{p}": float(np.percentile(latencies, p)) for p in PERCENTILES},
        latency_photos=len(latencies),
        start_seconds=None if predict_options is None else _start(sources[0], predict_options),
        batches=batches,
        peak_memory_mb=_peak_memory_mb(),
    )


def _latencies(reader: MeasuredReader, sources: Sequence[ImageSource], repeats: int) -> list[float]:
    """Milliseconds of each photo, one at a time."""
    rounds = max(repeats, -(-LEAST_LATENCIES // len(sources)))
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
    reader = wide if plan.threads == threads else reader_of(batch_size, plan.threads)
    _staged_pass(wide, sources)
    staged, dials = zip(*(_staged_pass(wide, sources) for _ in range(repeats)), strict=True)
    many = [*sources] * -(-LEAST_BULK * plan.workers // len(sources))
    before = {role: Counter(network.calls) for role, network in reader.networks.items()}
    _bulk_pass(reader, many, plan.workers, batch_size)
    calls = [
        (network, size)
        for role, network in reader.networks.items()
        for size, count in (network.calls - before[role]).items()
        for _ in range(count)
    ]
    bulk, networks, decoding, single = [], [], [], []
    for _ in range(repeats):
        bulk.append(len(many) / _bulk_pass(reader, many, plan.workers, batch_size))
        if plan.workers > 1:
            single.append(len(many) / _bulk_pass(reader, many, 1, batch_size))
        decoding.append(len(many) / _spread_over(plan.workers, load_photo, many))
        if calls:
            networks.append(
                len(many)
                / _spread_over(plan.workers, lambda call: call[0].idle_call(call[1]), calls)
            )
    per_photo = dials[0] / len(sources)
    return BatchReport(
        batch_size=batch_size,
        dials=dials[0],
        photos_per_second=Spread.of(bulk),
        dials_per_second=Spread.of(rate * per_photo for rate in bulk),
        networks_only=Spread.of(networks) if networks else None,
        decoding_only=Spread.of(decoding),
        one_worker=Spread.of(single) if single else None,
        stages=tuple(
            _stage_time(stage, staged, len(sources) if per == "photo" else dials[0])
            for stage, per in STAGES.items()
        ),
    )


def _staged_pass(
    reader: MeasuredReader, sources: Sequence[ImageSource]
) -> tuple[dict[str, float], int]:
    """Seconds by stage, and dials, of a pass without workers."""
    timings: dict[str, float] = {"decode": 0.0}
    dials = 0
    for first in range(0, len(sources), PART_PHOTOS):
        before = time.perf_counter()
        photos = [load_photo(source) for source in sources[first : first + PART_PHOTOS]]
        timings["decode"] += time.perf_counter() - before
        dials += sum(len(result.readings) for result in reader.read_photos(photos, timings=timings))
    return timings, dials


def _bulk_pass(
    reader: MeasuredReader, sources: Sequence[ImageSource], workers: int, batch_size: int
) -> float:
    """Seconds of a pass as `clockread predict` makes it. Raises ClockreadError for a photo that cannot be read."""
    before = time.perf_counter()
    entries = (Entry(name_of(source), source) for source in sources)
    for result in read_in_order(
        entries, reader, count=len(sources), workers=workers, batch_size=batch_size
    ):
        if result.error:
            raise ClockreadError(result.error)
    return time.perf_counter() - before


def _spread_over(workers: int, work: Callable[[_T], object], items: Sequence[_T]) -> float:
    """Seconds in which ``workers`` threads do all items."""
    before = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(work, items):
            pass
    return time.perf_counter() - before


def _stage_time(stage: str, passes: Sequence[dict[str, float]], count: int) -> StageTime:
    times = [1000 * timings.get(stage, 0.0) / count for timings in passes] if count else []
    return StageTime(stage, STAGES[stage], Spread.of(times) if times else None)


def predict_command(photos: str | Path, *options: str) -> list[str]:
    """The command of a process of its own that reads a photo, or a folder of photos, as JSON lines."""
    program = (
        [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "clockread"]
    )
    return [*program, "predict", str(photos), "--format", "jsonl", *options]


def _start(source: ImageSource, options: Sequence[str]) -> Spread:
    """Seconds of whole processes that read one photo."""
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
        batches = [
            asdict(batch)
            | {
                name: getattr(batch, name)
                for name in ("of_slowest_stage", "of_shared_cores", "of_one_worker")
            }
            for batch in report.batches
        ]
        stream.write(
            json.dumps({**asdict(report), "batches": batches}, indent=2, allow_nan=False) + "\n"
        )
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    console = console_for(stream)

    def say(line: str) -> None:
        console.print(line, markup=False, highlight=False)

    say(f"provider {report.provider}, model {report.model}, {report.threads} threads")
    say(f"{report.photos} photos ({report.source}), {report.batches[0].dials} dials read")
    percentiles = ", ".join(f"{name} {value:.1f} ms" for name, value in report.latency_ms.items())
    say(f"one photo at a time, decoding included: {percentiles} ({report.latency_photos} photos)")
    if report.start_seconds is not None:
        say(
            f"process start to the end of the first photo: {_cell(report.start_seconds, 2)} s ({STARTS} processes)"
        )
    if report.peak_memory_mb is not None:
        say(f"peak memory of this process: {report.peak_memory_mb:.0f} MB")
    say(
        f"in bulk, {report.workers} workers; median of {report.repeats} passes (lowest-highest), after one that is not measured:"
    )
    bulk = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in (
        "batch",
        "dials/s",
        "photos/s",
        "networks alone",
        "decoding alone",
        "of the slower",
        "of both",
        "of one worker",
    ):
        bulk.add_column(heading, justify="right")
    stages = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("batch", *(f"{stage}, ms/{per}" for stage, per in STAGES.items())):
        stages.add_column(heading, justify="right")
    for batch in report.batches:
        shared, single = (
            "" if ratio is None else f"{ratio:.0%}"
            for ratio in (batch.of_shared_cores, batch.of_one_worker)
        )
        alone = "" if batch.networks_only is None else _cell(batch.networks_only, 1)
        rates = [
            _cell(batch.dials_per_second, 1),
            _cell(batch.photos_per_second, 1),
            alone,
            _cell(batch.decoding_only, 1),
        ]
        bulk.add_row(str(batch.batch_size), *rates, f"{batch.of_slowest_stage:.0%}", shared, single)
        times = [
            "no dials" if s.milliseconds is None else _cell(s.milliseconds, 2) for s in batch.stages
        ]
        stages.add_row(str(batch.batch_size), *times)
    console.print(bulk)
    say("each stage, without workers, all threads on one batch:")
    console.print(stages)


def _cell(spread: Spread, digits: int) -> str:
    return f"{spread.median:.{digits}f} ({spread.lowest:.{digits}f}-{spread.highest:.{digits}f})"
