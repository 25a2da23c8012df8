"""Accuracy on labeled photos: `python -m benchmarks.accuracy PHOTOS`.

Reads all sets of a photos folder (see `training/evaluation.py`): dials with times, by their given
box and in the whole photo; and photos without a time to read, where every reading is false. A time
is right within one minute; in brackets are 95 % intervals (Wilson).
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.options import FormatOption, ModelOption, ModelsOption, PhotosArgument
from benchmarks.tables import percent, print_table
from clockread.clock import clock_text
from clockread.geometry import Box
from clockread.images import ImageSource, load_color
from clockread.listing import list_photos
from clockread.overlay import draw
from clockread.reader import ClockReader
from training.evaluation import (
    CONFIDENCES,
    CONFIDENT,
    GIVEN_MARGIN,
    Label,
    Measurement,
    best_of,
    crop_given,
    labels,
    read_sets,
    wilson,
)

MIN_SIDE_BESIDE = 64  # pixels per side of a photo's part without its clock
MIN_OF_KIND = 5  # dials of a kind that is reported
FAILURE_SIDE = 400  # pixels to which small crops are enlarged


def crop_beside(image: NDArray[np.uint8], box: Box) -> NDArray[np.uint8] | None:
    """Return the largest part (h, w, ...) of a photo to one side of a box and its margin.

    None if no part has `MIN_SIDE_BESIDE` pixels per side.
    """
    x, y, w, h = box
    away = (GIVEN_MARGIN - 1) / 2 * max(w, h)
    left, top = max(0, round(x - away)), max(0, round(y - away))
    right, bottom = round(x + w + away), round(y + h + away)
    parts = [image[:, :left], image[:, right:], image[:top], image[bottom:]]
    large = [part for part in parts if min(part.shape[:2]) >= MIN_SIDE_BESIDE]
    return max(large, key=lambda part: part.shape[0] * part.shape[1], default=None)


def read_beside(reader: ClockReader, wanted: Sequence[Label]) -> Measurement:
    """Read the parts of photos beside their labeled clocks; a few show another clock."""
    no_times: list[Label] = []
    parts: list[ImageSource] = []
    for label in wanted:
        assert label.box is not None
        part = crop_beside(load_color(label.file)[:, :, ::-1], label.box)
        if part is not None:
            no_times.append(Label(label.file, math.nan, None))
            parts.append(np.ascontiguousarray(part))
    return Measurement(list(map(best_of, no_times, reader.read(parts))), cropped=True)


def read_folder(reader: ClockReader, folder: Path) -> Measurement:
    """Read all photos of a folder without clocks."""
    results = [result for result in reader.stream(list_photos([folder])) if result.error is None]
    no_times = [Label(Path(result.path), math.nan, None) for result in results]
    return Measurement(list(map(best_of, no_times, (r.readings for r in results))), cropped=False)


def measure(
    folder: Path, reader: ClockReader, without: Path | None = None
) -> Iterator[tuple[str, Measurement]]:
    """Read all sets of a photos folder, and a folder of photos without clocks; yields names too."""
    yield from read_sets(reader, folder)
    if clocks := labels(folder, "clocks"):
        yield "beside the clocks", read_beside(reader, clocks)
    if without is not None:
        yield "photographs without clocks", read_folder(reader, without)


def kinds(measured: Measurement) -> dict[str, Measurement]:
    """Return the parts of a set by kind, those with at least `MIN_OF_KIND` dials."""
    names = dict.fromkeys(kind for o in measured.outcomes for kind in o.label.kinds)
    parts = {name: [o for o in measured.outcomes if name in o.label.kinds] for name in names}
    return {
        name: Measurement(part, measured.cropped)
        for name, part in parts.items()
        if MIN_OF_KIND <= len(part) < len(measured.outcomes)
    }


def figures(measured: Measurement) -> dict[str, Any]:
    """Return a set's figures, the 95 % intervals of its main shares, and the same by kind."""
    outcomes = measured.outcomes
    n, sure = len(outcomes), [o for o in outcomes if o.read(CONFIDENT)]
    if measured.has_times:
        intervals = {
            "exact": wilson(sum(o.right(0) for o in outcomes), n),
            "within_1_min": wilson(sum(o.right() for o in outcomes), n),
            "confidence_0.9_right": wilson(sum(o.right() for o in sure), len(sure)),
        }
    else:
        intervals = {
            "with_a_reading": wilson(sum(o.read() for o in outcomes), n),
            "confidence_0.5": wilson(sum(o.read(0.5) for o in outcomes), n),
            "confidence_0.9": wilson(len(sure), n),
        }
    by_kind = {name: figures(part) for name, part in kinds(measured).items()}
    return {
        **measured.figures(),
        "intervals_95": intervals,
        **({"by_kind": by_kind} if by_kind else {}),
    }


def write_failures(measured: Measurement, folder: Path) -> None:
    """Write every photo with a wrong reading into a folder, with reading and label drawn on it."""
    folder.mkdir(parents=True, exist_ok=True)
    for outcome in measured.outcomes:
        label = outcome.label
        if outcome.right() or (outcome.reading is None and math.isnan(label.minutes)):
            continue
        image = load_color(label.file)
        if measured.cropped:
            image = crop_given(image, label.box)
        drawn = draw(image, [outcome.reading] if outcome.reading else [])
        if measured.cropped and (scale := FAILURE_SIDE / max(image.shape[:2])) > 1:
            drawn = np.asarray(cv2.resize(drawn, None, fx=scale, fy=scale), np.uint8)
        if not math.isnan(label.minutes):
            at, font = (4, drawn.shape[0] - 8), cv2.FONT_HERSHEY_SIMPLEX
            cv2.putText(
                drawn, f"is {clock_text(int(label.minutes))}", at, font, 0.6, (0, 0, 255), 2
            )
        cv2.imwrite(str(folder / f"{label.file.stem}.jpg"), drawn)


def _share(of: dict[str, Any], key: str) -> str:
    if of[key] is None:
        return "–"
    low, high = of["intervals_95"][key]
    return f"{of[key]:.1%} ({100 * low:.0f}–{100 * high:.0f})"


def _rows(name: str, of: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield name, of
    for kind, part in of.get("by_kind", {}).items():
        yield f"  {kind}", part


def print_report(report: dict[str, dict[str, Any]]) -> None:
    """Print the figures of all sets, by set and kind, then by confidence."""
    rows = [row for name, of in report.items() for row in _rows(name, of)]
    timed = [(name, of) for name, of in rows if "within_1_min" in of]
    false = [(name, of) for name, of in rows if "with_a_reading" in of]
    sure = f"confidence ≥ {CONFIDENT:g}"
    if timed:
        print_table(
            "right within one minute, with 95 % intervals",
            ("", "dials", "right", "exact", "not found", sure, "of these right", "wrong", "ECE"),
            [
                (
                    name,
                    str(of["photographs"]),
                    *(_share(of, key) for key in ("within_1_min", "exact")),
                    str(of["not_found"]),
                    percent(of["confidence_0.9_share"]),
                    _share(of, "confidence_0.9_right"),
                    str(of["confidence_0.9_wrong"]),
                    percent(of["expected_calibration_error"]),
                )
                for name, of in timed
            ],
        )
    if false:
        keys = ("with_a_reading", "confidence_0.5", "confidence_0.9")
        print_table(
            "no time to read: photos that give a reading all the same",
            ("", "photos", "with a reading", "confidence ≥ 0.5", sure),
            [
                (name, str(of["photographs"]), *(_share(of, key) for key in keys))
                for name, of in false
            ],
        )
    print_table(
        "by least confidence: share that is read, and share of these right",
        ("", *(f"≥ {c:g}" for c in CONFIDENCES)),
        [(name, *_curve(of)) for name, of in report.items()],
    )


def _curve(of: dict[str, Any]) -> list[str]:
    if "coverage" not in of:
        return [percent(share) for share in of["by_confidence"].values()]
    return [f"{percent(share)}, {percent(right)}" for share, right in of["coverage"].values()]


def main(
    photos: PhotosArgument,
    model: ModelOption = "auto",
    provider: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    failures: Annotated[
        Path | None, typer.Option(help="Folder for all wrong photos, with the reading drawn on.")
    ] = None,
    models: ModelsOption = None,
    without: Annotated[Path | None, typer.Option(help="Folder of photos without clocks.")] = None,
    output: FormatOption = "table",
) -> None:
    """Measure accuracy on labeled photos."""
    reader = ClockReader(provider, model=model, models=models)
    began = time.perf_counter()
    report = {}
    for name, measured in measure(photos, reader, without):
        report[name] = figures(measured)
        if failures is not None and not name.startswith("beside"):
            write_failures(measured, failures / name)
    if not report:
        print(f"{photos}: no labels; give a folder with NAME.csv beside NAME/", file=sys.stderr)
        raise SystemExit(2)
    seconds = round(time.perf_counter() - began, 2)
    if output == "json":
        print(json.dumps({**report, "seconds": seconds, "provider": reader.provider}, indent=1))
        return
    print_report(report)
    print(f"model {reader.model}, provider {reader.provider}, {seconds} s")


if __name__ == "__main__":
    typer.run(main)
