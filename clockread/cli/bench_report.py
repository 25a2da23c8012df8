"""The measurements of ``clockread bench``, and how they are written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, TextIO

from clockread.cli.console import console_for
from clockread.stages import CHOOSE, CONTEXT, DECODE, DECODE_AGAIN, FIND, POSE, READ, UNWRAP

if TYPE_CHECKING:
    from rich.table import Table

    from clockread.runtime.gpu_report import GpuReport

STAGES = {  # and the unit that each is divided by
    DECODE: "photo",
    FIND: "photo",
    POSE: "dial",
    UNWRAP: "dial",
    READ: "dial",
    CONTEXT: "dial",
    CHOOSE: "dial",
    DECODE_AGAIN: "dial",
}


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
    share_cores: bool  # whether decoding and the networks use the same cores
    stages: tuple[StageTime, ...]  # of a pass without workers, all threads on one batch

    @property
    def of_slowest_stage(self) -> float:
        """Bulk rate divided by the lower of the two limits."""
        limits = [limit.median for limit in (self.decoding_only, self.networks_only) if limit]
        return self.photos_per_second.median / min(limits)

    @property
    def of_shared_cores(self) -> float | None:
        """Bulk rate divided by the rate that both limits allow together, if they share cores."""
        if self.networks_only is None or not self.share_cores:
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
    gpu: GpuReport | None  # None without CUDA
    # Operators that an accelerator leaves to the CPU, with their numbers, by network.
    nodes_elsewhere: dict[str, dict[str, int]]
    model: str  # the one in use
    threads: int
    photos: int
    source: str  # where the photos come from
    repeats: int
    workers: int  # in bulk
    latency_ms: dict[str, float]  # percentiles, one photo from encoded bytes to readings
    latency_photos: int  # that these percentiles come from
    starts: int  # processes started to measure the following
    start_seconds: Spread  # of a whole process of `clockread predict` on one photo
    batches: tuple[BatchReport, ...]
    peak_memory_mb: float | None  # of this process; None if the system does not report it


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
    if report.gpu is not None:
        g = report.gpu
        say(f"GPU {g.name}, {g.memory_mb} MB, driver {g.driver}, {g.precision}")
        say(f"onnxruntime {g.onnxruntime} for CUDA {g.cuda}, cuDNN {g.cudnn}")
    for role, nodes in report.nodes_elsewhere.items():
        count = ", ".join(f"{number} {name}" for name, number in nodes.items())
        say(f"nodes of {role} that are not on the accelerator: {count or 'none'}")
    say(f"{report.photos} photos ({report.source}), {report.batches[0].dials} dials read")
    percentiles = ", ".join(f"{name} {value:.1f} ms" for name, value in report.latency_ms.items())
    say(f"one photo at a time, with decoding: {percentiles} ({report.latency_photos} photos)")
    start = _cell(report.start_seconds, 2)
    say(f"a process that reads one photo: {start} s ({report.starts} processes)")
    if report.peak_memory_mb is not None:
        say(f"peak memory of this process: {report.peak_memory_mb:.0f} MB")
    passes = f"median (lowest-highest) of {report.repeats} passes"
    say(f"in bulk, {report.workers} workers; {passes}, after one for warm-up:")
    console.print(_bulk_table(report.batches))
    say("per stage, without workers, all threads on one batch:")
    console.print(_stage_table(report.batches))


def _bulk_table(batches: Sequence[BatchReport]) -> Table:
    limits = ("networks alone", "decoding alone")
    ratios: tuple[str, ...] = ("of lower limit", "of joint limit", "of one worker")
    if not all(b.share_cores for b in batches):
        ratios = ("of lower limit", "of one worker")
    table = _table("batch", "dials/s", "photos/s", *limits, *ratios)
    for b in batches:
        rates = (b.dials_per_second, b.photos_per_second, b.networks_only, b.decoding_only)
        joint = (b.of_shared_cores,) if b.share_cores else ()
        shares = (b.of_slowest_stage, *joint, b.of_one_worker)
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
