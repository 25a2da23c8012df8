"""Dials per second of the renderer on one core: `python -m benchmarks.render`."""

from __future__ import annotations

import statistics
import time
from typing import Annotated

import cv2
import typer

from training.dials.presets import PRESETS
from training.dials.render import render


def main(
    size: Annotated[int, typer.Option(help="Pixels per side.")] = 128,
    preset: str = "varied",
    count: Annotated[int, typer.Option(help="Dials per round.")] = 300,
    rounds: int = 5,
) -> None:
    """Measure the renderer on one core."""
    cv2.setNumThreads(1)
    for seed in range(count):  # glyphs and photographs are loaded on first use
        render(seed, PRESETS[preset], size)
    rates = []
    for number in range(rounds):
        began = time.perf_counter()
        for seed in range(number * count, (number + 1) * count):
            render(seed, PRESETS[preset], size)
        rates.append(count / (time.perf_counter() - began))
    spread = f"lowest {min(rates):.0f}, highest {max(rates):.0f}"
    rate = f"{statistics.median(rates):.0f} dials/s on one core ({spread})"
    print(f"{size} x {size}, preset {preset}: {rate}")


if __name__ == "__main__":
    typer.run(main)
