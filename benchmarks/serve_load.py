"""Load and faults of `clockread serve`, by Locust: `python -m benchmarks.serve_load PHOTOS`.

Phases, each of which alternates two kinds of runs, so that other load on the machine disturbs both:

1. the library in bulk, and the server at full load
2. one photo at a time, by the library and by the server
3. the server at half of its rate, without and with faulty clients, which vanish, send garbage, send
   slowly or send decompression bombs

Every answer is compared with the library's reading. Clients and server share this machine's CPUs.
Needs the extras `serve` and `load`.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Annotated, Any
from urllib.parse import urlsplit

import psutil
import typer

from benchmarks.options import ModelOption, ThreadsOption
from clockread import ClockReader
from clockread.listing import list_photos
from clockread.runtime.cpus import bounded_threads

START_SECONDS = 60
STOP_SECONDS = 90
MIN_SECONDS = 3  # of a phase
ALONE_PHOTOS = 200
FAULTS_PER_SECOND = 5.0
SLICE_SECONDS = 30.0  # of half load without and with faults, in turns
CLIENTS_PER_FAULT = 5  # per second: each takes some seconds at most


@dataclass(frozen=True)
class Phase:
    """The requests of one phase."""

    requests: int
    failures: int
    rate: float  # answers of readers per second
    p50: float  # ms
    p99: float  # ms
    faults: int
    messages: dict[str, int]


@contextmanager
def server(model: str, threads: int, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run `clockread serve`; yield its process and address, and stop it."""
    command = [sys.executable, "-m", "clockread", "serve", "--port", "0"]
    options = ["--model", model, "--threads", str(threads)]
    with log.open("w") as file, subprocess.Popen(command + options, stdout=file) as process:
        end = time.monotonic() + START_SECONDS
        while not (lines := log.read_text().splitlines()):
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit("the server did not start")
            time.sleep(0.05)
        try:
            yield process, f"http://127.0.0.1:{json.loads(lines[0])['port']}"
        finally:
            process.terminate()  # without effect if it has ended
            process.wait(STOP_SECONDS)


def load(
    host: str,
    photos: Sequence[tuple[str, list[str]]],
    *,
    readers: int,
    seconds: float,
    rate: float = 0.0,
    faults: float = 0.0,
) -> list[dict[str, Any]]:
    """Run Locust against the server, and return its statistics.

    Args:
        host: the server's address.
        photos: paths, and the times that the library reads.
        readers: clients that behave.
        seconds: duration.
        rate: requests per second of all readers; 0: as fast as answers arrive.
        faults: clients per second that do not behave.

    """
    faulty = math.ceil(CLIENTS_PER_FAULT * faults)
    settings = {"photos": photos, "rate": rate, "readers": readers}
    with tempfile.TemporaryDirectory() as name:
        plan = Path(name) / "plan.json"
        plan.write_text(json.dumps({**settings, "faults": faults, "faulty": faulty}))
        count = str(readers + faulty)
        command = [
            sys.executable, "-m", "locust", "-f", str(Path(__file__).with_name("serve_users.py")),
            "--headless", "--json", "--skip-log", "--host", host, "--users", count,
            "--spawn-rate", count, "--run-time", f"{max(MIN_SECONDS, round(seconds))}s",
            "--stop-timeout", str(STOP_SECONDS), "--exit-code-on-error", "0",
            *(["Reader", "Faulty"] if faults else ["Reader"]),
        ]  # fmt: skip
        environment = {**os.environ, "PLAN": str(plan)}
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    stats: list[dict[str, Any]] = json.loads(done.stdout)
    return stats


def phase_of(*slices: Sequence[dict[str, Any]]) -> Phase:
    """Return the figures of Locust's statistics of one or more runs."""
    every = [one for stats in slices for one in stats]
    reads = [one for one in every if one["method"] == "POST"]
    times: Counter[float] = Counter()
    failures: Counter[str] = Counter()
    for one in reads:
        times.update({float(ms): count for ms, count in one["response_times"].items()})
    for one in every:
        failures[one["name"]] += one["num_failures"]
    requests = sum(one["num_requests"] for one in reads)
    seconds = sum(one["last_request_timestamp"] - one["start_time"] for one in reads)
    return Phase(
        requests=requests,
        failures=failures.total(),
        rate=requests / seconds if requests else 0.0,  # none if the server answered none in time
        p50=percentile(sorted(times.items()), 0.5),
        p99=percentile(sorted(times.items()), 0.99),
        faults=sum(one["num_requests"] for one in every if one["method"] != "POST"),
        messages=dict(+failures),
    )


def percentile(times: Sequence[tuple[float, int]], share: float) -> float:
    """Return the time that a share of the requests does not exceed; times with counts, sorted."""
    total, seen = sum(count for _, count in times), 0
    for ms, count in times:
        seen += count
        if seen >= share * total:
            return ms
    return 0.0


def bulk_rate(reader: ClockReader, photos: Sequence[bytes], seconds: float) -> float:
    """Return the photos per second of `ClockReader.stream`."""
    many = [photos[i % len(photos)] for i in range(max(len(photos), 128))]
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        count += sum(result.error is None for result in reader.stream(many))
    return count / (time.perf_counter() - began)


def alone_ms(reader: ClockReader, host: str, photos: Sequence[bytes]) -> dict[str, float]:
    """Return the median times of one photo at a time, in turns by the library and the server."""
    connection = HTTPConnection(urlsplit(host).netloc)
    times: dict[str, list[float]] = {"library": [], "server": []}
    for i in range(ALONE_PHOTOS):
        photo = photos[i % len(photos)]
        began = time.perf_counter()
        reader.read(photo)
        read = time.perf_counter()
        connection.request("POST", "/v1/read", photo)
        connection.getresponse().read()
        times["library"].append(1000 * (read - began))
        times["server"].append(1000 * (time.perf_counter() - read))
    more = [server - library for library, server in zip(*times.values(), strict=True)]
    medians = {name: round(median(values), 1) for name, values in times.items()}
    return {**medians, "difference": round(median(more), 1)}


def at_sigterm(
    process: subprocess.Popen[bytes],
    host: str,
    photos: Sequence[bytes],
    clients: int,
    seconds: float,
) -> dict[str, int]:
    """Send SIGTERM under full load; count answers, refused connections and lost requests.

    A second SIGTERM would end the server at once, so this waits for its end; `exit_code` is its
    exit code.
    """
    counts: Counter[str] = Counter()

    def client() -> None:
        connection = HTTPConnection(urlsplit(host).netloc, timeout=STOP_SECONDS)
        for photo in cycle(photos):
            if connection.sock is None:
                try:
                    connection.connect()
                except ConnectionRefusedError:
                    counts["refused"] += 1
                    return
            try:
                connection.request("POST", "/v1/read", photo)
                response = connection.getresponse()
                response.read()
                counts[f"status {response.status}"] += 1
            except (OSError, HTTPException):
                counts["lost"] += 1
                connection.close()

    with ThreadPoolExecutor(clients) as pool:
        running = [pool.submit(client) for _ in range(clients)]
        time.sleep(seconds)
        process.terminate()
        for future in running:
            future.result()
    return {"lost": 0, **counts, "exit_code": process.wait(STOP_SECONDS)}


def memory(process: subprocess.Popen[bytes]) -> float:
    """Return the resident memory of a process, MB."""
    return float(psutil.Process(process.pid).memory_info().rss) / 1e6


def main(
    folder: Annotated[Path, typer.Argument(metavar="PHOTOS", help="Folder of photos.")],
    requests: Annotated[int, typer.Option(min=100, help="Requests with faults.")] = 20_000,
    clients: Annotated[int, typer.Option(min=1, help="Clients of the full load.")] = 32,
    seconds: Annotated[float, typer.Option(min=1, help="Duration of each other phase.")] = 20.0,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of bulk and full load.")] = 3,
    model: ModelOption = "auto",
    threads: ThreadsOption = None,
) -> None:
    """Print the figures of all phases as JSON."""
    began = time.monotonic()
    paths = [str(path) for path in list_photos([folder])]
    encoded = [Path(path).read_bytes() for path in paths]
    reader = ClockReader("cpu", model=model, threads=threads)
    photos = [
        (path, [reading.time for reading in result.readings])
        for path, result in zip(paths, reader.stream(encoded), strict=True)
        if result.error is None
    ]
    encoded = [Path(path).read_bytes() for path, _ in photos]
    with tempfile.TemporaryDirectory() as name:
        log = Path(name) / "log"
        with server(model, bounded_threads(threads), log) as (process, host):
            report = _report(
                process, host, reader, photos, encoded, (requests, clients, rounds), seconds
            )
        lines = log.read_text().splitlines()
    report["minutes"] = round((time.monotonic() - began) / 60, 1)
    report["server_log"] = {
        "lines": len(lines),
        "internal_errors": sum(json.loads(line).get("status") == 500 for line in lines),
    }
    print(json.dumps(report, indent=2))


def _report(
    process: subprocess.Popen[bytes],
    host: str,
    reader: ClockReader,
    photos: Sequence[tuple[str, list[str]]],
    encoded: Sequence[bytes],
    counts: tuple[int, int, int],
    seconds: float,
) -> dict[str, Any]:
    requests, clients, rounds = counts
    bulk, full = [], []
    for _ in range(rounds):
        bulk.append(bulk_rate(reader, encoded, seconds))
        full.append(phase_of(load(host, photos, readers=clients, seconds=seconds)))
    alone = alone_ms(reader, host, encoded)
    served = median(phase.rate for phase in full)
    rate = served / 2
    half: list[list[dict[str, Any]]] = []
    faulty: list[list[dict[str, Any]]] = []
    resident = []
    sent = 0
    while sent < requests:
        for faults, slices in ((0.0, half), (FAULTS_PER_SECOND, faulty)):
            slices.append(
                load(host, photos, readers=clients, seconds=SLICE_SECONDS, rate=rate, faults=faults)
            )
        resident.append(memory(process))
        latest = phase_of(faulty[-1])
        sent += latest.requests + latest.faults
        print(f"{sent} of {requests} requests with faults", file=sys.stderr, flush=True)
        if not latest.requests:
            raise SystemExit("the server answers no photo beside the faults")
    return {
        "photos": len(photos),
        "cpus": psutil.cpu_count(),
        "load_average": round(psutil.getloadavg()[0], 1),
        "bulk_photos_per_second": [round(rate, 1) for rate in bulk],
        "served_photos_per_second": [round(phase.rate, 1) for phase in full],
        "served_share_of_bulk": round(served / median(bulk), 3),
        "alone_ms": alone,
        "half_load": vars(phase_of(*half)),
        "with_faults": vars(phase_of(*faulty)),
        "requests_with_faults": sent,
        "p99_of_slices": {
            "half_load": [phase_of(one).p99 for one in half],
            "with_faults": [phase_of(one).p99 for one in faulty],
        },
        "failures_at_full_load": [phase.messages for phase in full],
        "memory_mb": [round(mb) for mb in resident],
        "at_sigterm": at_sigterm(process, host, encoded, clients, MIN_SECONDS),
    }


if __name__ == "__main__":
    typer.run(main)
