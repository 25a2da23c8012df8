"""Results as text: JSON lines, JSON, CSV, and a table for people. Every format shows each photo, in order, errors too."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from clockread.images import one_line
from clockread.pipeline import PhotoResult
from clockread.timecode import clock_text

if TYPE_CHECKING:
    from rich.console import Console

    from clockread.reading import Reading

FORMATS = ("table", "jsonl", "json", "csv")
CONFIDENCE_DIGITS = 4
PIXEL_DIGITS = 2
SINCOS_DIGITS = 4
DEGREE_DIGITS = 2
HOMOGRAPHY_SIGNIFICANT_DIGITS = 8  # its last row is many orders smaller than its last column
_DISAGREE = "the hands disagree"
WIDTH_WITHOUT_TERMINAL = 200  # characters; a file or a pipe has no width of its own

# fmt: off
CSV_COLUMNS = (
    "path", "width", "height",
    "time", "hour", "minute", "confidence", "x", "y", "w", "h", "center_x", "center_y",
    "hour_sin", "hour_cos", "minute_sin", "minute_cos", "rotation", "dial_score",
    "second", "second_sin", "second_cos", "second_presence", "disagreement", "consistent",
    "error",
)
# fmt: on


class Writer(Protocol):
    """Writes results to a stream; close() completes the document."""

    def write(self, result: PhotoResult) -> None:
        """Add one photo."""

    def close(self) -> None:
        """Write what a complete document still needs."""


def open_writer(name: str, stream: TextIO, *, seconds: bool = False) -> Writer:
    """Writer of one of FORMATS onto a text stream, times with ``seconds`` or without; raises ValueError for another name."""
    if name == "jsonl":
        return _JsonLines(stream, seconds=seconds)
    if name == "json":
        return _Json(stream, seconds=seconds)
    if name == "csv":
        return _Csv(stream, seconds=seconds)
    if name == "table":
        return _Table(stream, seconds=seconds)
    raise ValueError(f"no format {name!r}; choose one of {', '.join(FORMATS)}")


def as_dict(result: PhotoResult, *, seconds: bool = False) -> dict[str, Any]:
    """The JSON object of a photo. Numbers are rounded, and None where they are not finite: JSON has no NaN.

    With ``seconds`` a time is ``h:mm:ss`` where a second hand is seen.
    """
    return {
        "path": result.path,
        "width": result.width,
        "height": result.height,
        "readings": [_reading_dict(reading, seconds=seconds) for reading in result.readings],
        "error": result.error,
    }


def _reading_dict(reading: Reading, *, seconds: bool) -> dict[str, Any]:
    return {
        "time": clock_text(reading.minutes, reading.second if seconds else None),
        "hour": int(reading.hour),
        "minute": int(reading.minute),
        "confidence": _number(reading.confidence, CONFIDENCE_DIGITS),
        "box": _numbers(reading.box, PIXEL_DIGITS),
        "center": _numbers(reading.center, PIXEL_DIGITS),
        "hour_sincos": _numbers(reading.hour_sincos, SINCOS_DIGITS),
        "minute_sincos": _numbers(reading.minute_sincos, SINCOS_DIGITS),
        "rotation": _number(reading.rotation, DEGREE_DIGITS),
        "homography": [[_significant(value) for value in row] for row in reading.homography],
        "dial_score": _number(reading.dial_score, CONFIDENCE_DIGITS),
        "second": reading.second,
        "second_sincos": _numbers(reading.second_sincos, SINCOS_DIGITS),
        "second_presence": _number(reading.second_presence, CONFIDENCE_DIGITS),
        "disagreement": _number(reading.disagreement, DEGREE_DIGITS),
        "consistent": reading.consistent,
    }


def _number(value: float, digits: int) -> float | None:
    value = float(value)
    return round(value, digits) + 0.0 if math.isfinite(value) else None  # + 0.0 turns -0.0 into 0.0


def _numbers(values: Iterable[float], digits: int) -> list[float | None]:
    return [_number(value, digits) for value in values]


def _significant(value: float) -> float | None:
    value = float(value)
    return float(f"{value:.{HOMOGRAPHY_SIGNIFICANT_DIGITS}g}") + 0.0 if math.isfinite(value) else None


def _json_text(result: PhotoResult, *, seconds: bool) -> str:
    # ASCII only, so that any file name, even one that is no valid text, survives any terminal or pipe.
    return json.dumps(as_dict(result, seconds=seconds), allow_nan=False, ensure_ascii=True)


def console_for(stream: TextIO) -> Console:
    """A rich console that writes to a stream and leaves a broken pipe to its caller."""
    from rich.console import Console

    class PlainConsole(Console):
        def on_broken_pipe(self) -> None:  # rich would exit with 1 by itself
            raise BrokenPipeError

    return PlainConsole(file=stream, width=None if stream.isatty() else WIDTH_WITHOUT_TERMINAL, highlight=False)


class _Stream:
    def __init__(self, stream: TextIO, *, seconds: bool) -> None:
        self._stream, self._seconds = stream, seconds


class _JsonLines(_Stream):
    def write(self, result: PhotoResult) -> None:
        self._stream.write(_json_text(result, seconds=self._seconds) + "\n")
        self._stream.flush()

    def close(self) -> None:
        self._stream.flush()


class _Json(_Stream):
    def __init__(self, stream: TextIO, *, seconds: bool) -> None:
        super().__init__(stream, seconds=seconds)
        self._separator = "[\n"

    def write(self, result: PhotoResult) -> None:
        self._stream.write(self._separator + _json_text(result, seconds=self._seconds))
        self._separator = ",\n"

    def close(self) -> None:
        self._stream.write("[]\n" if self._separator == "[\n" else "\n]\n")
        self._stream.flush()


class _Csv(_Stream):
    def __init__(self, stream: TextIO, *, seconds: bool) -> None:
        super().__init__(stream, seconds=seconds)
        self._rows = csv.writer(stream, lineterminator="\n")
        self._rows.writerow(CSV_COLUMNS)

    def write(self, result: PhotoResult) -> None:
        photo = as_dict(result, seconds=self._seconds)
        start = [one_line(result.path, 4096), photo["width"], photo["height"]]
        readings = photo["readings"]
        for r in readings:
            hands = [*r["hour_sincos"], *r["minute_sincos"]]
            row = [r["time"], r["hour"], r["minute"], r["confidence"], *r["box"], *r["center"], *hands, r["rotation"], r["dial_score"]]
            more = [r["second"], *r["second_sincos"], r["second_presence"], r["disagreement"], str(r["consistent"]).lower()]
            self._rows.writerow([*start, *row, *more, result.error])
        if not readings:
            self._rows.writerow([*start, *[None] * (len(CSV_COLUMNS) - len(start) - 1), result.error])
        self._stream.flush()

    def close(self) -> None:
        self._stream.flush()


class _Table(_Stream):
    """Collects all rows, because a column is as wide as its widest cell."""

    def __init__(self, stream: TextIO, *, seconds: bool) -> None:
        super().__init__(stream, seconds=seconds)
        self._results: list[PhotoResult] = []

    def write(self, result: PhotoResult) -> None:
        self._results.append(result)

    def close(self) -> None:
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        table.add_column("photo", overflow="fold")
        table.add_column("time", justify="right", no_wrap=True)
        table.add_column("confidence", justify="right", no_wrap=True)
        table.add_column("box (x, y, w, h)", justify="right", no_wrap=True)
        table.add_column("note", overflow="fold")
        for result in self._results:
            photo = Text(one_line(result.path, 4096))
            for i, reading in enumerate(result.readings):
                box = " ".join("?" if value is None else f"{value:.0f}" for value in _numbers(reading.box, 0))
                percent = _number(reading.confidence * 100, 0)
                cells = [
                    Text(clock_text(reading.minutes, reading.second if self._seconds else None), style="bold"),
                    Text("?" if percent is None else f"{percent:.0f} %"),
                    Text(box),
                ]
                note = _note(result) if i == 0 else ""
                if not reading.consistent:
                    note = f"{note}; {_DISAGREE}" if note else _DISAGREE
                table.add_row(photo if i == 0 else "", *cells, Text(note, style="red" if result.error else "dim"))
            if not result.readings:
                table.add_row(photo, "", "", "", Text(_note(result), style="red" if result.error else "dim"))
        console_for(self._stream).print(table)
        self._stream.flush()


def _note(result: PhotoResult) -> str:
    if result.error is None:
        return "" if result.readings else "no clock found"
    prefix = f"{one_line(result.path)}: "
    return result.error.removeprefix(prefix)
