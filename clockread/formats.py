"""Results as text: JSON lines, JSON, CSV, and a table for people. Every format shows each photo, in order, errors too."""

from __future__ import annotations

import csv
import json
import math
from typing import TYPE_CHECKING, Protocol, TextIO

from clockread.errors import one_line

if TYPE_CHECKING:
    from rich.console import Console

    from clockread.reading import PhotoResult

FORMATS = ("table", "jsonl", "json", "csv")
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


def _json_text(result: PhotoResult, *, seconds: bool) -> str:
    # ASCII only, so that any file name, even one that is no valid text, survives any terminal or pipe.
    return json.dumps(result.to_dict(seconds=seconds), allow_nan=False, ensure_ascii=True)


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
        photo = result.to_dict(seconds=self._seconds)
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
                box = " ".join(f"{value:.0f}" if math.isfinite(value) else "?" for value in reading.box)
                cells = [
                    Text(reading.time_text(seconds=self._seconds), style="bold"),
                    Text(f"{100 * reading.confidence:.0f} %" if math.isfinite(reading.confidence) else "?"),
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
