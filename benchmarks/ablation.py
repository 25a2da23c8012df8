"""What each part of the reader is worth, and costs: `python -m benchmarks.ablation PHOTOS`.

Every row leaves something out. Right within a minute on rendered dials (cropped) and on the labelled photographs of PHOTOS (see
accuracy.py), and milliseconds of one core a dial, on the photographs with a given box.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.accuracy import RIGHT, given_crop, labels, read_found, summary
from clockread.clock import MINUTES_ON_DIAL, circular_difference
from clockread.images import DECODE_MIN_SIDE, load_color, load_photo
from clockread.reader import ONCE, ClockReader, Effort
from clockread.runtime.manifest import load_manifest
from training import splits
from training.reader.calibration import on_rendered

FULL = Effort()
EFFORTS = {
    "everything": FULL,
    "everything, in float32": FULL,
    "no other greys": replace(FULL, colors=False),
    "no other windows": replace(FULL, windows=False),
    "neither": replace(FULL, retry_below=0.0),
    "neither, two looks": replace(FULL, retry_below=0.0, passes=2),
    "neither, one look": replace(FULL, retry_below=0.0, passes=1),
    "no tiles": replace(FULL, tiles=False),
    "one look, no tiles": ONCE,
    "the model small": ONCE,
}
MODELS = {"everything, in float32": "default", "the model small": "small"}


def main(
    photos: Annotated[Path, typer.Argument(help="Folder with clocks.csv and time144.csv.")],
    models: Annotated[
        Path | None,
        typer.Option(help="Folder with a manifest.json; by default the models of the package."),
    ] = None,
) -> None:
    """Measure with each part left out."""
    sets = {name: labels(photos, name) for name in ("clocks", "time144")}
    crops = {
        name: [
            load_photo(
                np.ascontiguousarray(
                    given_crop(
                        load_color(label.file, min_side=DECODE_MIN_SIDE)[:, :, ::-1], label.box
                    )
                )
            )
            for label in wanted
        ]
        for name, wanted in sets.items()
    }
    table = Table()
    for column in (
        "",
        "varied, 2,000",
        "hard, 1,000",
        "clocks, box given",
        "clocks, found",
        "time144",
        "ms a dial",
        "most",
    ):
        table.add_column(column, justify="left" if not column else "right")
    known = load_manifest(models).models
    for name, effort in EFFORTS.items():
        if MODELS.get(name, "default") not in known:
            continue
        reader = ClockReader(
            "cpu", threads=1, model=MODELS.get(name, "auto"), models=models, effort=effort
        )
        row = [
            f"{on_rendered(reader, preset, splits.VALIDATION.start, n)[1].mean():.1%}"
            for preset, n in (("varied", 2000), ("hard", 1000))
        ]
        costs: list[float] = []
        for key, wanted in sets.items():
            right = 0
            for photo, label in zip(crops[key], wanted, strict=True):
                began = time.process_time()
                reading = reader.read_photos([photo], cropped=True)[0].readings[0]
                costs.append(1000 * (time.process_time() - began))
                right += bool(
                    abs(circular_difference(reading.minutes, label.minutes, MINUTES_ON_DIAL))
                    <= RIGHT
                )
            row.append(f"{right / len(wanted):.1%}")
        row.insert(3, f"{summary(read_found(reader, sets['clocks'])[0])['within_1_min']:.1%}")
        table.add_row(name, *row, f"{np.mean(costs):.1f}", f"{np.max(costs):.0f}")
    Console(width=140).print(table)


if __name__ == "__main__":
    typer.run(main)
