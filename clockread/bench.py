"""``clockread bench``: the time of each stage of reading, and dials and photos per second, by batch size.

Each figure is the median of the measured passes; its spread is the lowest and the highest pass. One pass before them is not
measured: it fills caches and lets the runtime settle its memory.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TextIO

import cv2
import numpy as np
from numpy.typing import NDArray

from clockread.errors import ProviderError
from clockread.formats import console_for
from clockread.images import ImageSource, list_photos, load_photo
from clockread.pipeline import PART_PHOTOS, PhotoReader
from clockread.timecode import hand_angles

STAGES = {"decode": "photo", "find": "photo", "pose": "dial", "unwrap": "dial", "read": "dial"}  # and what each is counted by
GENERATED_PHOTOS = 16
GENERATED_SIZE = (640, 480)  # width, height, pixels
GENERATED_DIALS = 2  # in each photo
GENERATED_SEED = 20240

ReaderOf = Callable[[int], PhotoReader]


@dataclass(frozen=True)
class StageTime:
    """Milliseconds that one photo or one dial spends in a stage; None where no dial was found to count by."""

    stage: str
    per: str  # "photo" or "dial"
    median_ms: float | None
    lowest_ms: float | None
    highest_ms: float | None


@dataclass(frozen=True)
class BatchReport:
    """What one batch size gives, decoding included."""

    batch_size: int
    dials: int  # read in one pass
    photos_per_second: float
    dials_per_second: float
    stages: tuple[StageTime, ...]


@dataclass(frozen=True)
class BenchReport:
    """A whole measurement."""

    provider: str  # the one really in use
    photos: int
    source: str  # where the photos come from
    repeats: int
    batches: tuple[BatchReport, ...]


@dataclass(frozen=True)
class _Pass:
    seconds: float
    dials: int
    stages: dict[str, float]


def measure(reader_of: ReaderOf, provider: str, batch_sizes: Sequence[int], folder: Path | None, repeats: int) -> BenchReport:
    """Measure reading for each batch size.

    reader_of: makes the reader of a batch size; provider: the one asked for; folder: of photos, or None for generated ones.

    Raises ProviderError where the reader uses another provider than the one asked for: no figure is better than a wrong one.
    """
    readers = [reader_of(size) for size in batch_sizes]
    for reader in readers:
        if provider != "auto" and provider not in reader.provider.lower():
            raise ProviderError(f"asked for provider {provider}, but {reader.provider} is what would run; nothing was measured")
    sources: Sequence[ImageSource] = generated_photos() if folder is None else [str(path) for path in list_photos([folder])]
    batches = tuple(_batch_report(reader, size, sources, repeats) for reader, size in zip(readers, batch_sizes, strict=True))
    width, height = GENERATED_SIZE
    source = f"generated, {width} x {height} JPEG, {GENERATED_DIALS} drawn dials each" if folder is None else str(folder)
    return BenchReport(readers[0].provider, len(sources), source, repeats, batches)


def _batch_report(reader: PhotoReader, batch_size: int, sources: Sequence[ImageSource], repeats: int) -> BatchReport:
    _one_pass(reader, sources)
    passes = [_one_pass(reader, sources) for _ in range(repeats)]
    seconds = median(p.seconds for p in passes)
    dials = passes[0].dials
    stages = tuple(_stage_time(stage, passes, len(sources) if per == "photo" else dials) for stage, per in STAGES.items())
    return BatchReport(batch_size, dials, len(sources) / seconds, dials / seconds, stages)


def _one_pass(reader: PhotoReader, sources: Sequence[ImageSource]) -> _Pass:
    timings: dict[str, float] = {}
    decode = 0.0
    dials = 0
    start = time.perf_counter()
    for first in range(0, len(sources), PART_PHOTOS):
        before = time.perf_counter()
        photos = [load_photo(source) for source in sources[first : first + PART_PHOTOS]]
        decode += time.perf_counter() - before
        dials += sum(len(readings) for readings in reader.read_photos(photos, timings=timings))
    return _Pass(time.perf_counter() - start, dials, {**timings, "decode": decode})


def _stage_time(stage: str, passes: Sequence[_Pass], count: int) -> StageTime:
    if count == 0:
        return StageTime(stage, STAGES[stage], None, None, None)
    times = [1000 * p.stages.get(stage, 0.0) / count for p in passes]
    return StageTime(stage, STAGES[stage], median(times), min(times), max(times))


def generated_photos(count: int = GENERATED_PHOTOS, seed: int = GENERATED_SEED) -> list[bytes]:
    """JPEG photos of plain drawn dials before noise; the same bytes for the same arguments and OpenCV version."""
    rng = np.random.default_rng(seed)
    return [_generated_photo(rng) for _ in range(count)]


def _generated_photo(rng: np.random.Generator) -> bytes:
    width, height = GENERATED_SIZE
    coarse = rng.integers(40, 200, (height // 40, width // 40, 3), dtype=np.uint8)
    picture = cv2.resize(coarse, GENERATED_SIZE, interpolation=cv2.INTER_CUBIC)
    noise = rng.normal(0, 8, picture.shape)
    photo = np.clip(picture + noise, 0, 255).astype(np.uint8)
    for i in range(GENERATED_DIALS):
        radius = int(rng.integers(80, 130))
        center = (round(width * (i + 0.5) / GENERATED_DIALS), height // 2 + int(rng.integers(-60, 60)))
        _draw_dial(photo, center, radius, int(rng.integers(720)))
    return cv2.imencode(".jpg", photo)[1].tobytes()


def _draw_dial(photo: NDArray[np.uint8], center: tuple[int, int], radius: int, minutes: int) -> None:
    def radial_line(degrees: float, inner: float, outer: float, thickness: int) -> None:
        direction = np.array([np.sin(np.deg2rad(degrees)), -np.cos(np.deg2rad(degrees))])
        start, end = (np.rint(center + r * radius * direction).astype(int).tolist() for r in (inner, outer))
        cv2.line(photo, start, end, (20, 20, 20), thickness, cv2.LINE_AA)

    cv2.circle(photo, center, radius, (245, 245, 245), cv2.FILLED, cv2.LINE_AA)
    cv2.circle(photo, center, radius, (30, 30, 30), max(2, radius // 20), cv2.LINE_AA)
    for hour in range(12):
        radial_line(30.0 * hour, 0.75 if hour % 3 == 0 else 0.85, 0.93, 3)
    hour_angle, minute_angle = hand_angles(minutes)
    radial_line(float(hour_angle), 0, 0.5, 7)
    radial_line(float(minute_angle), 0, 0.8, 4)


def write(report: BenchReport, stream: TextIO, output: str) -> None:
    """Write a report to a text stream, as "json" or as a "table"."""
    if output == "json":
        stream.write(json.dumps(asdict(report), indent=2, allow_nan=False) + "\n")
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("batch", *(f"{stage}, ms/{per}" for stage, per in STAGES.items()), "dials/s", "photos/s"):
        table.add_column(heading, justify="right")
    for batch in report.batches:
        cells = [_cell(stage) for stage in batch.stages]
        table.add_row(str(batch.batch_size), *cells, f"{batch.dials_per_second:.1f}", f"{batch.photos_per_second:.1f}")
    console = console_for(stream)
    console.print(
        f"provider {report.provider}; {report.photos} photos ({report.source}), {report.batches[0].dials} dials read", markup=False
    )
    console.print(f"median of {report.repeats} passes (lowest-highest); rates include decoding", markup=False)
    console.print(table)


def _cell(stage: StageTime) -> str:
    if stage.median_ms is None:
        return "no dials"
    return f"{stage.median_ms:.2f} ({stage.lowest_ms:.2f}-{stage.highest_ms:.2f})"
