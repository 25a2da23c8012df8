"""Tracks as text: a table, JSON lines with all frames, or CSV with one row per frame."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from clockread.cli.output import DOUBTFUL_MARK, is_doubtful
from clockread.cli.tables import Layout, write_fitting
from clockread.fields import percent

if TYPE_CHECKING:
    from clockread.tracking.track import Track

FRAME_COLUMNS = ("at", "time", "confidence", "fused", "agrees")
TRACK_COLUMNS = ("track", "rate", "kind", "track_confidence")
BOX_COLUMNS = ("x", "y", "w", "h")
LAYOUT = Layout(
    dispensable=("drift per hour", "disagree", "frames", "from", "to", "confidence"),
    left=("rate",),
)


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
    if not tracks:
        return
    rows = [_cells(track) for track in tracks]
    write_fitting({name: [row[name] for row in rows] for name in rows[0]}, LAYOUT, stream)


def _cells(track: Track) -> dict[str, str]:
    first, last = track.frames[0].time, track.frames[-1].time
    mark = DOUBTFUL_MARK * is_doubtful(track.confidence)
    return {
        "clock": str(track.number),
        "from": _seconds(first),
        "to": _seconds(last),
        "shows at first": track.text_at(first) + mark,
        "at last": track.text_at(last) + mark,
        "rate": _rate(track),
        "confidence": percent(track.confidence),
        "frames": str(len(track.frames)),
        "disagree": str(track.disagreeing),
        "drift per hour": _drift(track),
    }


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
