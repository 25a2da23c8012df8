"""``clockread video``: the clocks of a video, each decoded from all of its frames."""

from __future__ import annotations

import re
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer import Argument, Option

from clockread.cli import signals
from clockread.cli.options import (
    CroppedOption,
    ModelOption,
    ProviderOption,
    QuietOption,
    ThreadsOption,
)
from clockread.errors import VideoError, one_line
from clockread.streams import complain

if TYPE_CHECKING:
    from clockread.tracking.track import Track

TrackFormat = Literal["table", "jsonl", "csv"]

OVERLAY_SUFFIX = ".overlay.mp4"
UNITS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def duration(text: str) -> float:
    """Return the seconds of a duration such as ``0.5``, ``1s``, ``200ms``, ``2m`` or ``1h``."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)\s*", text.lower())
    if match is None or match[2] not in UNITS:
        message = f"{one_line(text)!r} is not a duration, such as 0.5s, 1s, 2m or 1h."
        raise typer.BadParameter(message)
    return float(match[1]) * UNITS[match[2]]


def _rate(text: str) -> float | None:
    try:
        return None if text == "auto" else float(text)
    except ValueError:
        message = f"{one_line(text)!r} is not auto or a number, such as 0, 1 or 60."
        raise typer.BadParameter(message) from None


def video(
    file: Annotated[Path, Argument(metavar="FILE", help="A video.")],
    *,
    every: Annotated[
        str, Option(metavar="TIME", help="Time between the frames that are read: 0.5s, 1s, 2m.")
    ] = "1s",
    fps: Annotated[
        float | None, Option(min=0.001, help="The same as frames per second of the video.")
    ] = None,
    all_frames: Annotated[bool, Option("--all", help="Read every frame.")] = False,
    rate: Annotated[
        str,
        Option(help="Seconds that the clocks advance per second, if it is known; 0 is stopped."),
    ] = "auto",
    min_frames: Annotated[
        int, Option(min=1, help="Leave out clocks that are read in fewer frames.")
    ] = 2,
    cropped: CroppedOption = False,
    output: Annotated[TrackFormat, Option("--format", help="Output format.")] = "table",
    save_overlay: Annotated[
        Path | None, Option(metavar="DIR", help="Save the video with the times drawn on it here.")
    ] = None,
    plot: Annotated[
        Path | None, Option(metavar="FILE", help="Save a plot of shown time against video time.")
    ] = None,
    provider: ProviderOption = "auto",
    model: ModelOption = "auto",
    threads: ThreadsOption = None,
    quiet: QuietOption = False,
) -> None:
    """Read the clocks of a video: each is followed, and decoded from all of its frames."""
    from clockread.cli import app as cli

    step = 0.0 if all_frames else 1.0 / fps if fps else duration(every)
    known = _rate(rate)

    def action() -> int:
        from clockread.options import VIDEO
        from clockread.runtime.cpus import bounded_threads

        workers = bounded_threads(threads)
        reader = cli.make_reader(provider, model=model, threads=1, effort=VIDEO)
        return read_video(
            file,
            reader,
            every=step,
            rate=known,
            min_frames=min_frames,
            cropped=cropped,
            output=output,
            overlay_folder=save_overlay,
            plot=plot,
            workers=workers,
            quiet=quiet,
        )

    cli.run(action, quiet=quiet)


def read_video(
    file: Path,
    reader: Any,
    *,
    every: float = 1.0,
    rate: float | None = None,
    min_frames: int = 2,
    cropped: bool = False,
    output: TrackFormat = "table",
    overlay_folder: Path | None = None,
    plot: Path | None = None,
    workers: int = 1,
    quiet: bool = False,
) -> int:
    """Read a video and write its tracks to standard output.

    Args:
        file: the video.
        reader: reads its frames.
        every: seconds between the frames that are read; 0 reads all.
        rate: of all clocks, if it is known.
        min_frames: frames in which a clock must be read.
        cropped: whether each frame is one dial.
        output: the format.
        overlay_folder: folder for the video with the times drawn on it, or None.
        plot: file for the plot, or None.
        workers: threads that read.
        quiet: whether to leave out progress and notes.

    Returns:
        The exit code: 1 if not all frames could be read.

    """
    from clockread.cli.tracks import write_tracks
    from clockread.tracking.tracker import Tracker
    from clockread.video.files import Video

    if plot is not None:
        from clockread.video.plot import import_matplotlib

        import_matplotlib()
    tracker = Tracker(rate, min_frames)
    stopped: signals.Stop | None = None
    try:
        with Video(str(file), file) as opened:
            try:
                _read(opened, reader, tracker, every, cropped, workers, quiet)
            except signals.Stop as stop:
                stopped = stop
    except VideoError as error:
        complain(str(error))
        return 1
    tracks = tracker.tracks()
    write_tracks(tracks, sys.stdout, output)
    if stopped is not None:
        raise stopped
    problems = list(opened.problems)
    if tracks and overlay_folder is not None:
        problems += _save_overlay(file, overlay_folder, tracks, every)
    if tracks and plot is not None:
        problems += _save_plot(plot, tracks, str(file))
    if not tracks and not quiet:
        complain(f"{one_line(str(file))}: no clock found")
    if not quiet:
        for note in opened.notes:
            complain(f"{one_line(str(file))}: {note}")
    for problem in problems:
        complain(problem)
    return 1 if problems else 0


def _read(
    opened: Any, reader: Any, tracker: Any, every: float, cropped: bool, workers: int, quiet: bool
) -> None:
    from clockread.cli.progress import progress_bar
    from clockread.tracking.tracker import read_frames

    expected = 0
    if opened.duration:
        expected = int(opened.duration * (1 / every if every else opened.rate or 25))
    frames = ((one.time, one.photo) for one in opened.photos(every))
    with signals.hold(), progress_bar(expected, hidden=quiet) as advance:
        results = read_frames(reader, frames, workers=workers, cropped=cropped)
        for time, result in signals.between(results):
            tracker.add(time, result.readings)
            advance()


def _save_overlay(file: Path, folder: Path, tracks: list[Track], every: float) -> list[str]:
    from clockread.video.overlay import save_overlay

    target = folder / f"{file.stem}{OVERLAY_SUFFIX}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_overlay(file, target, tracks, every)
    except (OSError, VideoError) as error:
        return [f"{one_line(str(target))}: the overlay could not be saved ({error})"]
    return []


def _save_plot(path: Path, tracks: list[Track], title: str) -> list[str]:
    from clockread.video.plot import save_plot

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of typefaces without a character of the title
            save_plot(path, tracks, one_line(title))
    except (OSError, ValueError) as error:
        return [f"{one_line(str(path))}: the plot could not be saved ({error})"]
    return []
