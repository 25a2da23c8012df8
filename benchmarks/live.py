"""Delay and rate of `ClockReader.stream` on live sources: `python -m benchmarks.live`.

The camera is a generator that yields a photo every 1 / FPS seconds, however long the previous one
takes, as a thread that takes pictures does. The delay is the time from a photo to its result.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from statistics import median
from typing import Annotated

import typer

from benchmarks.options import ModelOption
from clockread import ClockReader
from clockread.cli.sample_photos import generated_photos


def main(
    fps: Annotated[float, typer.Option(min=0.1, help="Photos per second of the camera.")] = 10.0,
    frames: Annotated[int, typer.Option(min=2, help="Photos of the camera.")] = 50,
    files: Annotated[int, typer.Option(min=1, help="Photos of the list.")] = 1000,
    rounds: Annotated[int, typer.Option(min=1, help="Passes over the list.")] = 3,
    model: ModelOption = "auto",
) -> None:
    """Print the delays of a camera and the rate of a list as JSON."""
    photos = generated_photos()
    reader = ClockReader("cpu", model=model)
    there: list[float] = []

    def camera() -> Iterator[bytes]:
        began = time.perf_counter()
        for i in range(frames):
            time.sleep(max(0.0, began + (i + 1) / fps - time.perf_counter()))
            there.append(time.perf_counter())
            yield photos[i % len(photos)]

    began = time.perf_counter()
    given = [time.perf_counter() for result in reader.stream(camera()) if result.error is None]
    delays = sorted(1000 * (after - before) for before, after in zip(there, given, strict=True))
    rates = []
    for _ in range(rounds):
        start = time.perf_counter()
        for result in reader.stream([photos[i % len(photos)] for i in range(files)]):
            assert result.error is None
        rates.append(files / (time.perf_counter() - start))
    report = {
        "first_result_seconds": round(given[0] - began, 3),
        "delay_ms": {"median": round(median(delays), 1), "highest": round(delays[-1], 1)},
        "list_photos_per_second": {
            "median": round(median(rates), 1),
            "all": [round(rate, 1) for rate in rates],
        },
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    typer.run(main)
