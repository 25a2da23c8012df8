"""Results as text: JSON lines, JSON, CSV and a table.

Every format has every photo, in order, also those with errors.
"""

from __future__ import annotations

import csv
import json
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TextIO, get_args

from clockread.cli.console import write_unpadded
from clockread.cli.tables import (
    UNLIMITED,
    elided,
    elided_path,
    empty_table,
    total_width,
    unlimited_console,
)
from clockread.errors import one_line
from clockread.fields import FIELDS, percent
from clockread.listing import counted

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from clockread.reading import PhotoResult

Format = Literal["table", "jsonl", "json", "csv"]
DOUBTFUL_BELOW = 0.5  # confidence
DOUBTFUL_MARK = "?"
DOUBTFUL_STYLE = "yellow"
ERROR_STYLE = "red"
BOX = "box (x, y, w, h)"  # a column heading
MIN_PHOTO_WIDTH, MIN_NOTE_WIDTH = 12, 10  # columns, on a very narrow terminal

READING_COLUMNS = tuple(column for field in FIELDS for column in field.csv_columns)
CSV_COLUMNS = ("path", "width", "height", *READING_COLUMNS, "error", "notes")


class Writer:
    """Writes results to a text stream; close() completes the document."""

    def __init__(self, stream: TextIO, *, seconds: bool) -> None:
        self._stream, self._seconds = stream, seconds

    def write(self, result: PhotoResult) -> None:
        """Add one photo."""
        raise NotImplementedError

    def close(self) -> None:
        """Write the rest of a complete document."""
        self._stream.flush()


def open_writer(
    name: str,
    stream: TextIO,
    *,
    seconds: bool = False,
    summary: bool = True,
    passed_over: Counter[str] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Writer:
    """Open a writer onto a text stream.

    Args:
        name: the format.
        stream: receives the results.
        seconds: whether times have seconds if a second hand is seen.
        summary: whether a table ends with a line of counts and the time since it was opened.
        passed_over: skipped files by kind, such as ".mov"; the summary counts them at the end.
        clock: monotonic time, seconds.

    Returns:
        The writer.

    Raises:
        ValueError: for an unknown format.

    """
    if name == "table":
        counts = _Summary(passed_over, clock) if summary else None
        return _Table(stream, seconds=seconds, summary=counts)
    writers: dict[str, type[Writer]] = {"jsonl": _JsonLines, "json": _Json, "csv": _Csv}
    if name not in writers:
        raise ValueError(f"no format {name!r}; choose one of {', '.join(get_args(Format))}")
    return writers[name](stream, seconds=seconds)


def _json_text(result: PhotoResult, *, seconds: bool) -> str:
    # ASCII only, so that any file name, even an invalid one, survives any terminal or pipe.
    return json.dumps(result.to_dict(seconds=seconds), allow_nan=False, ensure_ascii=True)


class _JsonLines(Writer):
    def write(self, result: PhotoResult) -> None:
        self._stream.write(_json_text(result, seconds=self._seconds) + "\n")
        self._stream.flush()


class _Json(Writer):
    def __init__(self, stream: TextIO, *, seconds: bool) -> None:
        super().__init__(stream, seconds=seconds)
        self._separator = "[\n"

    def write(self, result: PhotoResult) -> None:
        self._stream.write(self._separator + _json_text(result, seconds=self._seconds))
        self._separator = ",\n"

    def close(self) -> None:
        self._stream.write("[]\n" if self._separator == "[\n" else "\n]\n")
        self._stream.flush()


class _Rows:
    r"""Stream for csv.writer that ends rows with ``\n``.

    The writer itself must end rows with ``\r\n``, or it leaves a ``\r`` in a name unquoted.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, row: str) -> None:
        self._stream.write(row.removesuffix("\r\n") + "\n")


class _Csv(Writer):
    """Writes names unchanged to a file or a pipe; a terminal gets control characters escaped."""

    def __init__(self, stream: TextIO, *, seconds: bool) -> None:
        super().__init__(stream, seconds=seconds)
        self._rows = csv.writer(_Rows(stream), lineterminator="\r\n")
        self._rows.writerow(CSV_COLUMNS)

    def write(self, result: PhotoResult) -> None:
        photo = result.to_dict(seconds=self._seconds)
        shown = _shown if self._stream.isatty() else str
        start = [shown(result.path), photo["width"], photo["height"]]
        end = [result.error, shown("; ".join(result.notes))]
        for reading in photo["readings"]:
            cells = [
                cell
                for field in FIELDS
                if field.csv_columns
                for cell in _cells(reading[field.name])
            ]
            self._rows.writerow([*start, *cells, *end])
        if not photo["readings"]:
            self._rows.writerow([*start, *[None] * len(READING_COLUMNS), *end])
        self._stream.flush()


def _cells(value: Any) -> Sequence[Any]:
    """Return the cells of a field of a reading in JSON: one, or one per number of a list."""
    if isinstance(value, bool):
        return [str(value).lower()]
    return value if isinstance(value, list) else [value]


def _shown(text: str) -> str:
    return one_line(text, UNLIMITED)


class _Summary:
    """The last line of a table: counts of photos, clocks and problems, and the elapsed time."""

    def __init__(self, passed_over: Counter[str] | None, clock: Callable[[], float]) -> None:
        self._passed_over = Counter() if passed_over is None else passed_over
        self._clock, self._began = clock, clock()

    def line(self, results: Sequence[PhotoResult], *, ascii_only: bool) -> Text:
        """Return the counts of ``results``, and of skipped files by kind."""
        from rich.text import Text

        counts = self._counts(results)
        if self._passed_over:
            files = f"{_count(self._passed_over.total(), 'file')} skipped"
            counts.append(Text.assemble(files, (f" ({counted(self._passed_over)})", "dim")))
        elapsed = _duration(self._clock() - self._began)
        separator = "-" if ascii_only else "·"
        return Text.assemble(Text(", ").join(counts), (f" {separator} {elapsed}", "dim"))

    @staticmethod
    def _counts(results: Sequence[PhotoResult]) -> list[Text]:
        from rich.text import Text

        readings = [reading for result in results for reading in result.readings]
        doubtful = sum(is_doubtful(reading.confidence) for reading in readings)
        left_out = sum(result.below_min_confidence for result in results)
        without = sum(map(_is_without_clock, results))
        errors = sum(result.error is not None for result in results)
        counts = [Text(_count(len(results), "photo")), Text(_count(len(readings), "clock"))]
        problems = (
            (doubtful, f"{doubtful:,} doubtful ({DOUBTFUL_MARK})", DOUBTFUL_STYLE),
            (left_out, f"{left_out:,} below --min-confidence", ""),
            (without, f"{without:,} without a clock", ""),
            (errors, _count(errors, "error"), ERROR_STYLE),
        )
        return counts + [Text(text, style) for number, text, style in problems if number]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _duration(seconds: float) -> str:
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(max(60, int(seconds)), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"


def is_doubtful(confidence: float) -> bool:
    """Return whether a time is marked as doubtful."""
    return not confidence >= DOUBTFUL_BELOW  # nan is doubtful too


def _is_without_clock(result: PhotoResult) -> bool:
    return result.error is None and not result.readings and not result.below_min_confidence


@dataclass(frozen=True)
class _Row:
    photo: str
    time: str = ""
    confidence: str = ""
    box: str = ""
    error: str = ""
    note: str = ""
    doubtful: bool = False


class _Table(Writer):
    """Collects all rows, because a column is as wide as its widest cell."""

    def __init__(self, stream: TextIO, *, seconds: bool, summary: _Summary | None) -> None:
        super().__init__(stream, seconds=seconds)
        self._summary = summary
        self._results: list[PhotoResult] = []

    def write(self, result: PhotoResult) -> None:
        self._results.append(result)

    def close(self) -> None:
        console = unlimited_console(self._stream)
        rows = [row for result in self._results for row in _rows(result, seconds=self._seconds)]
        with console.capture() as capture:
            if rows:
                console.print(_table(rows, console.width))
            if rows and self._summary is not None:
                console.line()
            if self._summary is not None:
                ascii_only = console.options.ascii_only  # as tables are drawn
                console.print(self._summary.line(self._results, ascii_only=ascii_only))
        write_unpadded(capture.get(), self._stream)
        self._stream.flush()


def _rows(result: PhotoResult, *, seconds: bool) -> Iterator[_Row]:
    error = _shown((result.error or "").removeprefix(f"{one_line(result.path)}: "))
    left_out = result.below_min_confidence
    notes = ["no clock found"] if _is_without_clock(result) else []
    notes += [f"{_count(left_out, 'reading')} below --min-confidence"] if left_out else []
    notes += map(_shown, result.notes)
    if not result.readings:
        yield _Row(_shown(result.path), error=error, note="; ".join(notes))
    for i, reading in enumerate(result.readings):
        doubtful = is_doubtful(reading.confidence)
        own = [*(notes if i == 0 else []), *([] if reading.consistent else ["the hands disagree"])]
        yield _Row(
            photo=_shown(result.path) if i == 0 else "",
            time=_aligned(reading.time_text(seconds=seconds)) + DOUBTFUL_MARK * doubtful,
            confidence=percent(reading.confidence),
            box=" ".join(map(_integer, reading.box)),
            error=error if i == 0 else "",
            note="; ".join(own),
            doubtful=doubtful,
        )


def _integer(value: float) -> str:
    return f"{value:.0f}" if math.isfinite(value) else "?"


def _aligned(time_text: str) -> str:
    return time_text if time_text[1:2].isdigit() else f" {time_text}"


def _table(rows: Sequence[_Row], width: int) -> Table:
    """Return a table that fits ``width`` columns.

    If it does not fit, boxes are left out; then names are shortened and notes wrap. On a very
    narrow terminal, confidences are left out too, so that times never are.
    """
    from rich.cells import cell_len
    from rich.text import Text

    columns = {
        "photo": [row.photo for row in rows],
        "time": [row.time for row in rows],
        "confidence": [row.confidence for row in rows],
        BOX: [row.box for row in rows],
        "note": ["; ".join(filter(None, (row.error, row.note))) for row in rows],
    }
    widths = {
        name: max(map(cell_len, (name, *cells))) for name, cells in columns.items() if any(cells)
    }
    if total_width(widths) > width:
        widths.pop(BOX, None)
    least = {"photo": MIN_PHOTO_WIDTH, "note": MIN_NOTE_WIDTH}
    narrowest = {name: min(wide, least.get(name, wide)) for name, wide in widths.items()}
    if total_width(narrowest) > width:
        widths.pop("confidence", None)
    if (excess := total_width(widths) - width) > 0:
        notes = widths.get("note", 0)
        room = widths["photo"] + notes - excess
        note_room = min(notes, max(room - widths["photo"], room // 2))
        widths["photo"] = max(MIN_PHOTO_WIDTH, room - note_room)
        if notes:
            widths["note"] = max(MIN_NOTE_WIDTH, room - widths["photo"])
        widths["photo"] = max(1, widths["photo"] - max(0, total_width(widths) - width))

    table = empty_table()
    for name, column_width in widths.items():
        justify: Literal["left", "right"] = "right" if name in ("confidence", BOX) else "left"
        table.add_column(name, width=column_width, justify=justify, no_wrap=name != "note")
    note_width = widths.get("note", 0)
    for row in rows:
        reading_style = DOUBTFUL_STYLE if row.doubtful else ""
        error = Text(_with_short_words(row.error, note_width), ERROR_STYLE)
        note = Text(_with_short_words(row.note, note_width), "dim")
        cells = {
            "photo": Text(elided_path(row.photo, widths["photo"])),
            "time": Text(row.time, reading_style or "bold"),
            "confidence": Text(row.confidence, reading_style),
            BOX: Text(row.box, "dim"),
            "note": Text("; ").join(filter(None, (error, note))),
        }
        table.add_row(*(cells[name] for name in widths))
    return table


def _with_short_words(text: str, width: int) -> str:
    """Shorten words, such as paths, that do not fit one line of a column, so that none is split."""
    return " ".join(elided(word, width) for word in text.split(" "))
