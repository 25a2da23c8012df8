"""The rate of `clockread bulk` beside `clockread predict`: `python -m benchmarks.bulk_rate PHOTOS`.

Both read the same photos in turns, on as many cores. Start-up is excluded: photos and seconds count
from when all workers read. Core seconds are processor time, which depends less than the rate on
what else the machine does; Ray's own processes take it per second, not per photo. Needs the extras
`ray` and `load`, and symbolic links.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

import psutil
import pyarrow.parquet as pq
import typer

from benchmarks.options import ModelOption, ThreadsOption
from clockread.listing import list_photos
from clockread.parallel import PART_PHOTOS
from clockread.runtime.cpus import bounded_threads

POLL_SECONDS = 0.1
WORKER = "ray::MapWorker"
STARTED_SECONDS = 3.0  # of processor time, after which a worker reads: its start takes about two
MILLION, SECONDS_PER_HOUR = 1_000_000, 3600


@dataclass(frozen=True)
class Rate:
    """What a command did after every worker had given its first results."""

    photos: int
    seconds: float
    core_seconds: float
    """Processor time of the processes that read."""
    other_core_seconds: float = 0.0
    """Processor time of Ray's own processes, and of the driver."""

    @property
    def per_second(self) -> float:
        """Photos per second."""
        return self.photos / self.seconds

    @property
    def per_core_second(self) -> float:
        """Photos per second of one core."""
        return self.photos / self.core_seconds


class CoreSeconds:
    """The processor time of a process and its descendants, also of those that have ended."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._used: dict[int, float] = {}
        self._workers: set[int] = set()

    def __call__(self) -> tuple[float, float]:
        """Return the seconds so far of Ray's workers, and those of all others."""
        with suppress(psutil.Error):
            for process in (self._process, *self._process.children(recursive=True)):
                with suppress(psutil.Error, IndexError):
                    times = process.cpu_times()
                    self._used[process.pid] = times.user + times.system
                    if process.cmdline()[0].startswith(WORKER):
                        self._workers.add(process.pid)
        working = sum(self._used[pid] for pid in self._workers)
        return working, sum(self._used.values()) - working

    @property
    def started(self) -> int:
        """The number of workers that have worked for `STARTED_SECONDS`."""
        return sum(self._used[pid] >= STARTED_SECONDS for pid in self._workers)


def linked(photos: list[Path], count: int, folder: Path) -> None:
    """Link the photos, as often as needed, under different names in a folder."""
    for i, photo in zip(range(count), itertools.cycle(photos), strict=False):
        (folder / f"{i:06}{photo.suffix}").symlink_to(photo.resolve())


def command(name: str, *arguments: object) -> list[str]:
    """Return a command of clockread."""
    return [sys.executable, "-m", "clockread", name, *map(str, arguments)]


def predict_rate(folder: Path, threads: int, model: str) -> Rate:
    """Return the rate of `clockread predict`."""
    words = command("predict", folder, "--format", "jsonl", "--quiet", "--provider", "cpu")
    words += ["--model", model, "--threads", str(threads)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        used = CoreSeconds(process.pid)
        assert process.stdout is not None
        first = PART_PHOTOS * threads
        for _ in itertools.islice(process.stdout, first):
            pass
        began, (_, before) = time.time(), used()
        photos = 0
        for _ in process.stdout:
            photos += 1
            ended = time.time()
        _, after = used()
    return Rate(photos, ended - began, after - before)


def bulk_rate(folder: Path, out: Path, threads: int, model: str, part_size: int) -> Rate:
    """Return the rate of `clockread bulk`."""
    words = command("bulk", folder, out, "--workers", threads, "--model", model, "--quiet")
    words += ["--part-size", str(part_size)]
    began, before, after = 0.0, (0.0, 0.0), (0.0, 0.0)
    with subprocess.Popen(words) as process:
        used = CoreSeconds(process.pid)
        done = 0
        while process.poll() is None:
            after, written = used(), times_of(out)
            if not began and len(written) > done and used.started >= threads:
                began, before = max(written), after
            done = len(written)
            time.sleep(POLL_SECONDS)
    written = times_of(out)
    photos = sum(rows for at, rows in written.items() if at > began)
    working, other = (b - a for a, b in zip(before, after, strict=True))
    return Rate(photos, max(written) - began, working, other)


def times_of(out: Path) -> dict[float, int]:
    """Return when each part was written, and its photos."""
    return {file.stat().st_mtime: pq.read_metadata(file).num_rows for file in out.glob("part-*")}


def main(
    folder: Annotated[Path, typer.Argument(metavar="PHOTOS", help="Folder of photos.")],
    count: Annotated[int, typer.Option(min=100, help="Photos per run.")] = 2000,
    rounds: Annotated[int, typer.Option(min=1, help="Runs of each command, in turns.")] = 3,
    part_size: Annotated[int, typer.Option(min=1, help="Photos per part.")] = 64,
    model: ModelOption = "auto",
    threads: ThreadsOption = None,
) -> None:
    """Print the rates of both commands as JSON."""
    workers = bounded_threads(threads)
    left_out = PART_PHOTOS * workers  # from `predict`, before its rate is measured
    if count <= left_out:
        raise SystemExit(f"--count {count}: use more than {left_out} for {workers} threads")
    predicted, bulk = [], []
    with tempfile.TemporaryDirectory() as name:
        photos = Path(name) / "photos"
        photos.mkdir()
        linked(list_photos([folder]), count, photos)
        for i in range(rounds):
            predicted.append(predict_rate(photos, workers, model))
            bulk.append(bulk_rate(photos, Path(name) / f"out-{i}", workers, model, part_size))
    shares = [b.per_second / p.per_second for b, p in zip(bulk, predicted, strict=True)]
    core_shares = [
        b.per_core_second / p.per_core_second for b, p in zip(bulk, predicted, strict=True)
    ]
    per_core_second = median(rate.per_core_second for rate in bulk)
    ray_cores = [rate.other_core_seconds / rate.seconds for rate in bulk]
    report = {
        "photos": count,
        "workers": workers,
        "load_average": round(psutil.getloadavg()[1], 1),
        "predict": [asdict(rate) for rate in predicted],
        "bulk": [asdict(rate) for rate in bulk],
        "predict_photos_per_second": [round(rate.per_second, 1) for rate in predicted],
        "bulk_photos_per_second": [round(rate.per_second, 1) for rate in bulk],
        "bulk_share_of_predict": round(median(shares), 3),
        "predict_photos_per_core_second": [round(r.per_core_second, 1) for r in predicted],
        "bulk_photos_per_core_second": [round(rate.per_core_second, 1) for rate in bulk],
        "bulk_share_of_predict_per_core_second": round(median(core_shares), 3),
        "cores_that_ray_takes": [round(cores, 3) for cores in ray_cores],
        "core_hours_per_million": round(MILLION / per_core_second / SECONDS_PER_HOUR, 1),
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    typer.run(main)
