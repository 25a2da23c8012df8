"""Contribution and cost of each part of the reader: `python -m benchmarks.ablation PHOTOS`.

Each row leaves something out. Shares right within one minute on rendered dials (cropped) and on the
sets `clocks` and `time144` of a photos folder; milliseconds of one core per dial on photographs
with a given box.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import typer

from benchmarks.options import ModelsOption, PhotosArgument
from benchmarks.tables import percent, print_table
from clockread.clock import right_within
from clockread.images import load_photo
from clockread.reader import ONCE, ClockReader, Effort
from clockread.runtime.manifest import load_manifest
from training import splits
from training.evaluation import labels, load_given, on_rendered, read_found, share_right

FULL = Effort()
NO_RETRY = replace(FULL, retry_below=0.0)
EFFORTS = {  # row: model, effort
    "everything": ("auto", FULL),
    "everything, in floats": ("default", FULL),
    "retry with other windows too": ("auto", replace(FULL, windows=True)),
    "no retry": ("auto", NO_RETRY),
    "no retry, two passes": ("auto", replace(NO_RETRY, passes=2)),
    "no retry, one pass": ("auto", replace(NO_RETRY, passes=1)),
    "no search in tiles": ("auto", replace(FULL, tiles=False)),
    "no retry, one pass, no tiles": ("auto", ONCE),
    "the model small": ("small", FULL),
    "small, no retry": ("small", NO_RETRY),
    "small, no retry, one pass, no tiles": ("small", ONCE),
}
RENDERED = {"varied": 2000, "hard": 1000, "worn": 1000}
COLUMNS = (
    *("", *(f"{preset}, {count:,}" for preset, count in RENDERED.items())),
    *("clocks, box given", "clocks, found", "time144", "ms per dial", "slowest dial"),
)


def main(photos: PhotosArgument, models: ModelsOption = None) -> None:
    """Measure the reader without each part."""
    sets = {name: labels(photos, name) for name in ("clocks", "time144")}
    crops = {name: [load_photo(load_given(label)) for label in sets[name]] for name in sets}

    def measured(reader: ClockReader) -> Iterator[str]:
        for preset, count in RENDERED.items():
            yield percent(on_rendered(reader, preset, splits.VALIDATION.start, count)[1].mean())
        costs: list[float] = []
        shares = []
        for name, wanted in sets.items():
            right = []
            for photo, label in zip(crops[name], wanted, strict=True):
                began = time.process_time()
                reading = reader.read_photos([photo], cropped=True)[0].readings[0]
                costs.append(1000 * (time.process_time() - began))
                right.append(right_within(reading.minutes, label.minutes))
            shares.append(percent(float(np.mean(right))))
        found = percent(share_right(read_found(reader, sets["clocks"]).outcomes))
        yield from (shares[0], found, shares[1], f"{np.mean(costs):.1f}", f"{np.max(costs):.0f}")

    known = load_manifest(models).models
    rows = []
    for name, (model, effort) in EFFORTS.items():
        if model in ("auto", *known):
            reader = ClockReader("cpu", threads=1, model=model, models=models, effort=effort)
            rows.append([name, *measured(reader)])
    print_table("right within one minute", COLUMNS, rows)


if __name__ == "__main__":
    typer.run(main)
