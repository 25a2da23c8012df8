"""A plot of the time that each clock shows against the time of the video."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clockread.clock import clock_text
from clockread.errors import ClockreadError, one_line, reason_of
from clockread.tracking.observations import SECONDS_ON_DIAL
from clockread.tracking.track import seconds_shown

if TYPE_CHECKING:
    from clockread.tracking.track import Track

INSTALL = "pip install matplotlib"
SIZE, DPI = (9.0, 5.0), 120  # inches, pixels per inch
HALF = SECONDS_ON_DIAL / 2


def import_matplotlib() -> Any:
    """Return matplotlib's Figure, or raise ClockreadError with the command that installs it."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        problem = f"--plot needs matplotlib ({reason_of(error)})"
        raise ClockreadError(f"{problem}: {INSTALL}") from error
    return Figure


def check_path(path: Path) -> None:
    """Raise ClockreadError if a plot cannot be saved there, or matplotlib is missing."""
    formats = import_matplotlib()().canvas.get_supported_filetypes()
    name, folder, suffix = one_line(str(path)), path.parent, path.suffix.lower().removeprefix(".")
    if path.is_dir():
        raise ClockreadError(f"{name}: a folder; name a file such as plot.png")
    if suffix and suffix not in formats:
        names = ", ".join(f".{one}" for one in sorted(formats))
        raise ClockreadError(f"{name}: no format of plots; choose one of {names}")
    if not folder.is_dir():
        remedy = "choose another" if folder.exists() else "make it, or choose another"
        problem = "a file, not a folder" if folder.exists() else "no such folder"
        raise ClockreadError(f"{one_line(str(folder))}: {problem}; {remedy}")


def save_plot(path: Path, tracks: Sequence[Track], title: str) -> None:
    """Save a plot: a line per fit, and a dot per frame, hollow if it disagrees.

    Args:
        path: where to save it; its suffix gives the format.
        tracks: at least one.
        title: above the plot.

    """
    figure = import_matplotlib()(figsize=SIZE, dpi=DPI, layout="constrained")
    axes = figure.subplots()
    for track in tracks:
        _draw(axes, track)
    axes.set_xlabel("video time, s")
    axes.set_ylabel("shown time")
    hours = min(track.dial_hours for track in tracks)
    axes.yaxis.set_major_formatter(lambda value, _: clock_text(round(value * 60), hours=hours))
    axes.set_title(title)
    axes.legend(loc="best", fontsize="small")
    axes.grid(alpha=0.3)
    figure.savefig(path)


def _draw(axes: Any, track: Track) -> None:
    first = track.frames[0]
    times = np.array([frame.time for frame in track.frames])
    fitted = first.shown + track.rate * (times - first.time)  # goes on past twelve
    alone = np.array([seconds_shown(frame.reading) for frame in track.frames])
    off = (alone - fitted + HALF) % SECONDS_ON_DIAL - HALF
    agrees = np.array([frame.agrees for frame in track.frames])
    label = f"clock {track.number}: {track.text_at(first.time)}, {track.kind}, × {track.rate:.4g}"
    (line,) = axes.plot(times, fitted / 3600, linewidth=1, label=label)
    color = line.get_color()
    axes.plot(times[agrees], (fitted + off)[agrees] / 3600, ".", color=color)
    if not agrees.all():
        axes.plot(
            times[~agrees],
            (fitted + off)[~agrees] / 3600,
            "o",
            color=color,
            fillstyle="none",
            label=f"frames that disagree: {track.disagreeing}",
        )
