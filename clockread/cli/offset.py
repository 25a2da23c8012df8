"""``clockread offset``: how far photographed clocks are from the times of their photos."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as time_of_day
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TextIO

import typer
from typer import Option

from clockread.cli import readers, signals
from clockread.cli.exits import EXIT_OK, EXIT_PHOTO_ERROR, run_and_exit
from clockread.cli.options import (
    CroppedOption,
    DeviceOption,
    FilesArgument,
    ModelOption,
    ProviderOption,
    QuietOption,
    ThreadsOption,
)
from clockread.cli.tables import Layout, write_fitting
from clockread.errors import ImageError, one_line
from clockread.fields import percent
from clockread.listing import skipped
from clockread.streams import complain

if TYPE_CHECKING:
    from clockread.offsets.offset import Offset, Shot
    from clockread.offsets.taken import Camera, TimeSource
    from clockread.parallel import Entry
    from clockread.reader import ClockReader

GroupBy = Literal["camera", "folder"]
OffsetFormat = Literal["table", "jsonl", "csv"]
ALL_PHOTOS = "all photos"  # the group of photos whose time is given
COMMAND_CONFIDENCE = 0.9  # of an offset, below which no command is written
ANY_DATE = date(1900, 1, 1)  # of photos of which only the time of day is given
COLUMNS = ("path", "taken", "group", "time", "confidence", "offset_seconds", "agrees", "error")
LAYOUT = Layout(
    dispensable=("spread", "photos", "disagree", "confidence"), left=("group",), name="group"
)


@dataclass(frozen=True)
class Row:
    """A photo, with the clock in it or the reason why it is left out."""

    path: str
    group: str = ""
    camera: Camera | None = None  # None if the photo's time is given
    taken: str | None = None  # as far as it is known: the time of day alone, or with its date
    shot: Shot | None = None
    error: str | None = None


def offset(
    paths: FilesArgument = None,
    *,
    time: Annotated[
        Literal["exif", "file"] | None,
        Option(help="The photo's time: by its EXIF data, as by default, or the file's."),
    ] = None,
    at: Annotated[
        str | None,
        Option(metavar="TIME", help="The photos' time: 2026-03-01T10:15:00 or 10:15:00."),
    ] = None,
    by: Annotated[GroupBy, Option(help="One offset per camera, or per folder.")] = "camera",
    output: Annotated[OffsetFormat, Option("--format", help="Output format.")] = "table",
    cropped: CroppedOption = False,
    provider: ProviderOption = "auto",
    device: DeviceOption = None,
    model: ModelOption = "auto",
    threads: ThreadsOption = None,
    quiet: QuietOption = False,
) -> None:
    """Report how far photographed clocks are from their photos' times. Changes no photo."""
    from clockread.cli.inputs import STDIN_NAME, find_photos

    if not paths:
        raise typer.BadParameter("name at least one photo, folder or pattern.", param_hint="PATHS")
    if STDIN_NAME in paths:
        problem = "standard input has no name, by which photos are grouped and their times changed"
        raise typer.BadParameter(f"{problem}: name files.", param_hint="PATHS")
    if at is not None and time is not None:
        raise typer.BadParameter("--at and --time exclude each other.")
    fixed = None if at is None else _moment(at)
    source = time or "exif"

    def action() -> int:
        from clockread.image_files import silence_decoders

        silence_decoders()
        reader = readers.make_reader(provider, device=device, model=model, threads=threads)
        photos = find_photos(paths, None)
        read = (_row(entry, reader, source, fixed, by, cropped) for entry in photos.entries)
        rows: list[Row] = []
        stop: signals.Stop | None = None
        with signals.hold():
            try:
                for row in signals.between(read):
                    rows.append(row)  # noqa: PERF402  # those before a signal are kept
            except signals.Stop as stopped:
                stop = stopped
            changed = None if fixed or stop else Change(paths, source, by)
            code = _write(rows, output, changed, quiet=quiet or stop is not None)
            if photos.passed_over and not quiet:
                complain(skipped(photos.passed_over))
            if stop is not None:
                raise stop
        return code

    run_and_exit(action, quiet=quiet)


@dataclass(frozen=True)
class Change:
    """The times of photos that could be changed."""

    paths: Sequence[str]
    time: TimeSource
    by: GroupBy


def _write(rows: Sequence[Row], output: OffsetFormat, change: Change | None, *, quiet: bool) -> int:
    """Write photos and offsets to standard output; return the exit code."""
    offsets = _offsets(rows)
    {"table": _table, "jsonl": _json_lines, "csv": _csv}[output](rows, offsets, sys.stdout)
    if output == "table" and change is not None:
        _commands(rows, offsets, change, sys.stdout)
    sys.stdout.flush()
    failed = [row.error for row in rows if row.error is not None]
    for error in failed:
        complain(error)
    if not offsets and not failed and not quiet:
        complain("no clock found")
    return EXIT_PHOTO_ERROR if failed else EXIT_OK


def _moment(text: str) -> datetime | time_of_day:
    for form in ("%H:%M:%S", "%H:%M"):
        try:
            return datetime.strptime(text, form).time()
        except ValueError:
            continue
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        message = f"{one_line(text)!r} is not a time, such as 2026-03-01T10:15:00 or 10:15:00."
        raise typer.BadParameter(message, param_hint="--at") from None


def _row(
    entry: Entry,
    reader: ClockReader,
    time: TimeSource,
    fixed: datetime | time_of_day | None,
    by: GroupBy,
    cropped: bool,
) -> Row:
    """Read one photo."""
    from clockread.offsets.offset import Shot
    from clockread.offsets.taken import taken
    from clockread.parallel import load
    from clockread.reading import PhotoResult

    photo = load(entry)
    if isinstance(photo, PhotoResult):
        return Row(entry.name, error=photo.error)
    camera, group = None, ALL_PHOTOS
    if isinstance(fixed, time_of_day):
        at, shown = datetime.combine(ANY_DATE, fixed), fixed.isoformat()
    elif fixed is not None:
        at, shown = fixed, fixed.isoformat()
    else:
        try:
            when = taken(entry.name, time)
        except ImageError as error:
            return Row(entry.name, error=str(error))
        at, shown, camera, group = when.at, when.at.isoformat(), when.camera, when.camera.label
    if by == "folder":
        group = str(Path(entry.name).parent)
    [result] = reader.read_photos([photo], cropped=cropped, evidence=True)
    if not result.readings:
        return Row(entry.name, group)
    best = max(result.readings, key=lambda one: one.confidence * one.dial_score)
    return Row(entry.name, group, camera, shown, Shot(entry.name, at, best))


def _offsets(rows: Sequence[Row]) -> list[Offset]:
    from clockread.offsets.offset import joint_offset

    groups: dict[str, list[Shot]] = {}
    for row in rows:
        if row.shot is not None:
            groups.setdefault(row.group, []).append(row.shot)
    return [joint_offset(group, shots) for group, shots in groups.items()]


def _cells(rows: Sequence[Row], offsets: Sequence[Offset]) -> Iterator[dict[str, Any]]:
    from clockread.offsets.offset import offset_of

    found = {one.group: one for one in offsets}
    for row in rows:
        cells: dict[str, Any] = dict.fromkeys(COLUMNS)
        cells |= {"path": row.path, "group": row.group or None, "error": row.error}
        if (shot := row.shot) is not None:
            cells |= {
                "taken": row.taken,
                "time": shot.reading.time_text(seconds=True),
                "confidence": round(shot.reading.confidence, 4),
                "offset_seconds": round(offset_of(shot), 1),
                "agrees": found[row.group].agrees(shot),
            }
        yield cells


def _json_lines(rows: Sequence[Row], offsets: Sequence[Offset], stream: TextIO) -> None:
    stream.writelines(json.dumps(cells) + "\n" for cells in _cells(rows, offsets))
    stream.writelines(json.dumps(_group_dict(one)) + "\n" for one in offsets)


def _group_dict(one: Offset) -> dict[str, Any]:
    return {
        "group": one.group,
        "offset_seconds": round(one.seconds, 1),
        "spread_seconds": round(one.spread, 1),
        "has_seconds": one.has_seconds,
        "confidence": round(one.confidence, 4),
        "photos": len(one.shots),
        "photos_disagreeing": one.disagreeing,
    }


def _csv(rows: Sequence[Row], offsets: Sequence[Offset], stream: TextIO) -> None:
    table = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    table.writeheader()
    for cells in _cells(rows, offsets):
        agrees = cells["agrees"]
        table.writerow({**cells, "agrees": None if agrees is None else str(agrees).lower()})


def _table(_: Sequence[Row], offsets: Sequence[Offset], stream: TextIO) -> None:
    from clockread.offsets.offset import offset_text

    if not offsets:
        return
    columns = {
        "group": [one_line(one.group) for one in offsets],
        "clock is ahead by": [offset_text(one.seconds, exact=one.has_seconds) for one in offsets],
        "spread": [f"{one.spread:.0f} s" for one in offsets],
        "confidence": [percent(one.confidence) for one in offsets],
        "photos": [str(len(one.shots)) for one in offsets],
        "disagree": [str(one.disagreeing) for one in offsets],
    }
    write_fitting(columns, LAYOUT, stream)


def _commands(
    rows: Sequence[Row], offsets: Sequence[Offset], change: Change, stream: TextIO
) -> None:
    """Write the commands that would set the photos' times by the clock, if the offset is sure."""
    from clockread.offsets.exiftool import Targets, commands

    lines: list[str] = []
    refused: list[str] = []
    named = Targets.of(change.paths)
    for one in offsets:
        if (doubt := _doubt(one)) is not None:
            refused.append(f"no command for {one_line(one.group)}: {doubt}; add photos")
            continue
        cameras, targets = [], Targets(plain=[one.group])
        if change.by == "camera":
            found = {row.camera for row in rows if row.group == one.group}
            cameras, targets = sorted(camera for camera in found if camera is not None), named
        lines += commands(one.seconds, change.time, targets, cameras)
    if lines:
        stream.write("\nTo set the photos' times by the clock (offsets are modulo 12 hours):\n")
        stream.writelines(f"  {line}\n" for line in lines)
    if refused:
        stream.writelines(["\n", *(f"{line}\n" for line in refused)])


def _doubt(offset: Offset) -> str | None:
    """Return why photos should not be changed by an offset, or None."""
    if not offset.confidence >= COMMAND_CONFIDENCE:  # nan is doubtful too
        return f"the offset is uncertain ({percent(offset.confidence)})"
    if 2 * offset.disagreeing >= len(offset.shots):
        return f"{offset.disagreeing} of {len(offset.shots)} photos disagree"
    return None
