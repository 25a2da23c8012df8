"""Tracks as text: a table, JSON lines with all frames, or CSV with one row per frame."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from clockread.cli.console import write_table

if TYPE_CHECKING:
    from clockread.tracking.track import Track

DOUBTFUL_BELOW = 0.5  # confidence
FRAME_COLUMNS = ("at", "time", "confidence", "fused", "agrees")
TRACK_COLUMNS = ("track", "rate", "kind", "track_confidence")
BOX_COLUMNS = ("x", "y", "w", "h")


def write_tracks(tracks: Sequence[Track], stream: TextIO, output: str) -> None:
    """Write tracks to a text stream as ``table``, ``jsonl`` or ``csv``."""
    {"table": _table, "jsonl": _json_lines, "csv": _csv}[output](tracks, stream)
    stream.flush()


def _json_lines(tracks: Sequence[Track], stream: TextIO) -> None:
    stream.writelines(json.dumps(track.to_dict(), allow_nan=False) + "\n" for track in tracks)


def _csv(tracks: Sequence[Track], stream: TextIO) -> None:
    rows = csv.writer(stream, lineterminator="\n")
    rows.writerow([*TRACK_COLUMNS, *FRAME_COLUMNS, *BOX_COLUMNS])
    for track in tracks:
        values = track.to_dict()
        start = [values["track"], values["rate"], values["kind"], values["confidence"]]
        for frame in values["frames"]:
            agrees = str(frame["agrees"]).lower()
            cells = [frame[name] for name in FRAME_COLUMNS[:-1]]
            rows.writerow([*start, *cells, agrees, *frame["box"]])


def _table(tracks: Sequence[Track], stream: TextIO) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    if not tracks:
        return
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in ("clock", "from", "to", "shows at first", "at last"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("rate", no_wrap=True)
    for name in ("confidence", "frames", "disagree", "drift per hour"):
        table.add_column(name, justify="right", no_wrap=True)
    for track in tracks:
        first, last = track.frames[0].time, track.frames[-1].time
        mark = "?" if track.confidence < DOUBTFUL_BELOW else ""
        table.add_row(
            str(track.number),
            _seconds(first),
            _seconds(last),
            track.text_at(first) + mark,
            track.text_at(last) + mark,
            _rate(track),
            f"{track.confidence:.0%}".replace("%", " %"),
            str(len(track.frames)),
            str(track.disagreeing),
            _drift(track),
        )
    write_table(table, stream)


def _seconds(value: float) -> str:
    return f"{value:.1f} s"


def _rate(track: Track) -> str:
    if track.kind == "free":
        return f"× {track.rate:.4g}"
    return track.kind


def _drift(track: Track) -> str:
    if track.drift is None:
        return ""
    return f"{track.drift.per_hour:+.1f} ± {track.drift.error:.1f} s"
