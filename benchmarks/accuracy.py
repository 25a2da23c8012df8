"""How often clockread is right: `python -m benchmarks.accuracy PHOTOS`, ± 1 minute counts as right.

PHOTOS holds `clocks.csv` + `clocks/` (boxes and times of clocks in whole photographs) and/or `time144.csv` + `time144/`
(photographs of one dial each). Prints one line a figure, or JSON with --format json.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer

from clockread.clock import MINUTES_ON_DIAL, circular_difference
from clockread.confidence import expected_calibration_error
from clockread.finder import iou
from clockread.geometry import Box
from clockread.images import DECODE_MIN_SIDE, ImageSource, load_color, load_photo
from clockread.listing import list_photos
from clockread.reader import ClockReader
from clockread.reading import Reading

GIVEN_MARGIN = 1.15  # a given box is cut with 15 % around it
SAME_DIAL = 0.3  # IoU of a reading's box with the labelled one from which both mean one dial; both include the bezel, or should
RIGHT = 1  # minutes
LEAST_PART = 64  # pixels, a side of a photo's part without its clock
THRESHOLDS = (
    0.0,
    0.3,
    0.5,
    0.7,
    0.8,
    0.9,
    0.95,
    0.98,
)  # least confidences of the accuracy/coverage curve


@dataclass(frozen=True)
class Label:
    """One labelled dial; ``box`` is None where the photo is the dial."""

    file: Path
    minutes: int
    box: Box | None


@dataclass(frozen=True)
class Outcome:
    """A label and what was read; None where no reading overlaps it."""

    label: Label
    reading: Reading | None

    @property
    def away(self) -> int:
        """Circular difference in minutes, 0..360; 720 where nothing was read."""
        if self.reading is None:
            return MINUTES_ON_DIAL
        return int(
            abs(circular_difference(self.reading.minutes, self.label.minutes, MINUTES_ON_DIAL))
        )


def labels(folder: Path, name: str) -> list[Label]:
    """Labels of one set, in file order; empty where the set is not there."""
    table = folder / f"{name}.csv"
    if not table.exists():
        return []
    with table.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [
        Label(
            folder / name / row["file"],
            int(row["hour"]) % 12 * 60 + int(row["minute"]),
            (float(row["x"]), float(row["y"]), float(row["w"]), float(row["h"]))
            if "x" in row
            else None,
        )
        for row in rows
    ]


def given_crop(image: np.ndarray, box: Box | None) -> np.ndarray:
    """The part of a photo (H, W, ...) that a given box shows with its margin; the whole photo where there is no box."""
    if box is None:
        return image
    x, y, w, h = box
    half = max(w, h) * GIVEN_MARGIN / 2
    cx, cy = x + w / 2, y + h / 2
    return image[
        max(0, round(cy - half)) : round(cy + half), max(0, round(cx - half)) : round(cx + half)
    ]


def read_given(reader: ClockReader, wanted: list[Label]) -> list[Outcome]:
    """Read each labelled box, cut with its margin, by the path of --cropped."""
    crops: list[ImageSource] = []
    for label in wanted:
        image = load_color(label.file, min_side=DECODE_MIN_SIDE)[:, :, ::-1]
        crops.append(np.ascontiguousarray(given_crop(image, label.box)))
    readings = reader.read(crops, cropped=True)
    return [Outcome(label, r[0] if r else None) for label, r in zip(wanted, readings, strict=True)]


def read_found(reader: ClockReader, wanted: list[Label]) -> tuple[list[Outcome], int]:
    """Read whole photographs; the best reading that overlaps each label's box. Also counts readings that overlap no label."""
    outcomes, strays = [], 0
    photos = [load_photo(label.file) for label in wanted]
    for label, result in zip(wanted, reader.read_photos(photos), strict=True):
        assert label.box is not None
        over = [r for r in result.readings if iou(r.box, label.box) >= SAME_DIAL]
        strays += len(result.readings) - len(over)
        outcomes.append(Outcome(label, over[0] if over else None))
    return outcomes, strays


def beside(image: np.ndarray, box: Box) -> np.ndarray | None:
    """The largest part (h, w, ...) of a photo to one side of a box and its margin; None where none has a side of `LEAST_PART` pixels."""
    x, y, w, h = box
    away = (GIVEN_MARGIN - 1) / 2 * max(w, h)
    left, top, right, bottom = (
        round(x - away),
        round(y - away),
        round(x + w + away),
        round(y + h + away),
    )
    parts = [image[:, : max(0, left)], image[:, right:], image[: max(0, top)], image[bottom:]]
    large = [part for part in parts if min(part.shape[:2]) >= LEAST_PART]
    return max(large, key=lambda part: part.shape[0] * part.shape[1], default=None)


def read_beside(reader: ClockReader, wanted: list[Label]) -> dict[str, Any]:
    """How many of the parts beside the labelled clocks give a reading; a few show another clock."""
    parts: list[ImageSource] = []
    for label in wanted:
        assert label.box is not None
        part = beside(load_color(label.file)[:, :, ::-1], label.box)
        if part is not None:
            parts.append(np.ascontiguousarray(part))
    return read_all_the_same(reader.read(parts))


def read_all_the_same(readings: Sequence[Sequence[Reading]]) -> dict[str, Any]:
    """Shares of photographs without a clock that give a reading, and one with a confidence of at least a half."""
    count = max(1, len(readings))
    sure = sum(bool(r) and r[0].confidence >= 0.5 for r in readings)
    return {
        "photographs": len(readings),
        "with_a_reading": sum(map(bool, readings)) / count,
        "confidence_0.5": sure / count,
    }


def summary(outcomes: list[Outcome]) -> dict[str, Any]:
    """Counts and shares of right readings, and how far confidence can be trusted."""
    n = len(outcomes)
    right = [o.away <= RIGHT for o in outcomes]
    sure = [o for o in outcomes if o.reading is not None and o.reading.confidence >= 0.9]
    return {
        "photographs": n,
        "exact": sum(o.away == 0 for o in outcomes) / n,
        "within_1_min": sum(right) / n,
        "within_5_min": sum(o.away <= 5 for o in outcomes) / n,
        "not_found": sum(o.reading is None for o in outcomes),
        "confidence_0.9_share": len(sure) / n,
        "confidence_0.9_right": (sum(o.away <= RIGHT for o in sure) / len(sure)) if sure else None,
        "expected_calibration_error": calibration_error(outcomes),
        "coverage": coverage(outcomes),
    }


def calibration_error(outcomes: list[Outcome]) -> float | None:
    """How far confidence is from the share right, on the average, over what was read."""
    read = [o for o in outcomes if o.reading is not None]
    if not read:
        return None
    confidence = np.array([o.reading.confidence for o in read if o.reading is not None])
    return expected_calibration_error(confidence, np.array([o.away <= RIGHT for o in read]))


def coverage(outcomes: list[Outcome]) -> dict[str, tuple[float, float | None]]:
    """By least confidence: the share of dials that are still read, and the share of these that are right."""
    curve: dict[str, tuple[float, float | None]] = {}
    for least in THRESHOLDS:
        kept = [o for o in outcomes if o.reading is not None and o.reading.confidence >= least]
        curve[f"{least:g}"] = (
            len(kept) / len(outcomes),
            sum(o.away <= RIGHT for o in kept) / len(kept) if kept else None,
        )
    return curve


def write_failures(outcomes: list[Outcome], folder: Path, given: bool) -> None:
    """A picture of every wrong reading with its pose, hands, label and time drawn on it."""
    from clockread.overlay import draw

    folder.mkdir(parents=True, exist_ok=True)
    for outcome in outcomes:
        if outcome.away <= RIGHT:
            continue
        image = load_color(outcome.label.file)
        if given:
            image = given_crop(image, outcome.label.box)
        scale = max(1.0, 400 / max(image.shape[:2])) if given else 1.0
        drawn: np.ndarray = draw(image, [outcome.reading] if outcome.reading else [])
        if scale > 1:
            drawn = cv2.resize(drawn, None, fx=scale, fy=scale)
        hour, minute = divmod(outcome.label.minutes, 60)
        cv2.putText(
            drawn,
            f"is {hour}:{minute:02d}",
            (4, drawn.shape[0] - 8),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.6,
            (0, 0, 255),
            2,
        )
        cv2.imwrite(str(folder / f"{outcome.label.file.stem}.jpg"), drawn)


def measure(folder: Path, reader: ClockReader, failures: Path | None = None) -> dict[str, Any]:
    """All figures of a folder of labelled photographs."""
    report: dict[str, Any] = {}
    began = time.perf_counter()
    clocks, turned = labels(folder, "clocks"), labels(folder, "time144")
    if clocks:
        given = read_given(reader, clocks)
        report["clocks, box given"] = summary(given)
        found, strays = read_found(reader, clocks)
        overlaps = [
            iou(o.reading.box, o.label.box)
            for o in found
            if o.reading is not None and o.label.box is not None
        ]
        more = {"readings_elsewhere": strays, "mean_overlap": sum(overlaps) / max(1, len(overlaps))}
        report["clocks, found in the photo"] = {**summary(found), **more}
        report["beside the clocks"] = read_beside(reader, clocks)
        if failures is not None:
            write_failures(given, failures / "given", given=True)
            write_failures(found, failures / "found", given=False)
    if turned:
        outcomes = read_given(reader, turned)
        report["time144, the photo is the dial"] = summary(outcomes)
        if failures is not None:
            write_failures(outcomes, failures / "time144", given=True)
    if report:
        report["seconds"] = round(time.perf_counter() - began, 2)
        report["provider"] = reader.provider
    return report


def clockless(folder: Path, reader: ClockReader, failures: Path | None = None) -> dict[str, Any]:
    """How many photographs of a folder, none of which shows a clock, give a reading all the same."""
    from clockread.overlay import draw

    results = [r for r in reader.stream(list_photos([folder])) if r.error is None]
    if failures is not None:
        failures.mkdir(parents=True, exist_ok=True)
        for r in results:
            if r.readings:
                cv2.imwrite(
                    str(failures / f"{Path(r.path).stem}.jpg"), draw(load_color(r.path), r.readings)
                )
    return read_all_the_same([r.readings for r in results])


def main(
    photos: Annotated[Path, typer.Argument(help="Folder with clocks.csv and/or time144.csv.")],
    model: Annotated[
        str,
        typer.Option(help="Model of the manifest; auto is what is read with where none is named."),
    ] = "auto",
    provider: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    failures: Annotated[
        Path | None,
        typer.Option(help="Write every wrong photo here, with the reading drawn on it."),
    ] = None,
    models: Annotated[
        Path | None,
        typer.Option(help="Folder with a manifest.json; by default the models of the package."),
    ] = None,
    without: Annotated[
        Path | None,
        typer.Option(help="Folder of photographs without clocks: how many give a reading."),
    ] = None,
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Measure accuracy on labelled photographs."""
    reader = ClockReader(provider, model=model, models=models)
    report = measure(photos, reader, failures)
    if without is not None:
        report["photographs without clocks"] = clockless(
            without, reader, failures and failures / "without"
        )
    if not report:
        print(
            f"{photos}: no clocks.csv and no time144.csv; give a folder that has one",
            file=sys.stderr,
        )
        raise SystemExit(2)
    if output == "json":
        print(json.dumps(report, indent=1))
        return
    for name, figures in report.items():
        if isinstance(figures, dict):
            print(f"{name}:")
            for key, value in figures.items():
                if isinstance(value, dict):
                    print("  least confidence         read    right")
                    for least, (share, right) in value.items():
                        print(
                            f"  {least:>16}        {share:6.1%}  "
                            + ("     –" if right is None else f"{right:6.1%}")
                        )
                else:
                    print(
                        f"  {key:26} {value:.1%}"
                        if isinstance(value, float)
                        else f"  {key:26} {value}"
                    )
        else:
            print(f"{name}: {figures}")


if __name__ == "__main__":
    typer.run(main)
