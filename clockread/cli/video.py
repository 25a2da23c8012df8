"""``clockread video``: the clocks of a video, each decoded from all of its frames."""

from __future__ import annotations

import math
import re
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from typer import Argument, Option

from clockread.cli import signals
from clockread.cli.exits import EXIT_OK, EXIT_PHOTO_ERROR, run_and_exit
from clockread.cli.options import (
    CroppedOption,
    DeviceOption,
    ModelOption,
    ProviderOption,
    QuietOption,
    ThreadsOption,
    finite,
)
from clockread.errors import VideoError, one_line, reason_of
from clockread.streams import complain

if TYPE_CHECKING:
    from clockread.reader import ClockReader
    from clockread.tracking.track import Track
    from clockread.tracking.tracker import Tracker
    from clockread.video.files import Video

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
    if text == "auto":
        return None
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not math.isfinite(rate):
        message = f"{one_line(text)!r} is not auto or a number, such as 0, 1 or 60."
        raise typer.BadParameter(message, param_hint="--rate")
    return rate


def video(
    file: Annotated[Path, Argument(metavar="FILE", help="A video.")],
    *,
    every: Annotated[
        str, Option(metavar="TIME", help="Time between the frames that are read: 0.5s, 1s, 2m.")
    ] = "1s",
    fps: Annotated[
        float | None,
        Option(min=0.001, callback=finite, help="The same as frames per second of the video."),
    ] = None,
    all_frames: Annotated[bool, Option("--all", help="Read every frame.")] = False,
    rate: Annotated[
        str,
        Option(
            callback=finite,
            help="Seconds that the clocks advance per second, if it is known; 0 is stopped.",
        ),
    ] = "auto",
    min_frames: Annotated[
        int, Option(min=1, help="Leave out clocks that are read in fewer frames.")
    ] = 2,
    cropped: CroppedOption = False,
    output: Annotated[TrackFormat, Option("--format", help="Output format.")] = "table",
    save_overlay: Annotated[
        Path | None, Option(metavar="DIR", help="Save the video here with the times drawn on it.")
    ] = None,
    plot: Annotated[
        Path | None, Option(metavar="FILE", help="Save a plot of shown time against video time.")
    ] = None,
    provider: ProviderOption = "auto",
    device: DeviceOption = None,
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
        run = VideoRun(
            file, step, known, min_frames, cropped, output, save_overlay, plot, workers, quiet
        )
        return run.read(
            cli.make_reader(provider, device=device, model=model, threads=1, effort=VIDEO)
        )

    run_and_exit(action, quiet=quiet)


@dataclass(frozen=True)
class VideoRun:
    """A video to read, and what to write of it."""

    file: Path
    every: float = 1.0  # seconds between the frames that are read; 0 reads all
    rate: float | None = None  # of all clocks, if it is known
    min_frames: int = 2  # in which a clock must be read
    cropped: bool = False  # whether each frame is one dial
    output: TrackFormat = "table"
    overlay_folder: Path | None = None
    plot: Path | None = None
    workers: int = 1  # threads that read
    quiet: bool = False  # leaves out progress and notes

    def read(self, reader: ClockReader) -> int:
        """Read the video, write its tracks to standard output, and return the exit code.

        It is 1 if not all frames could be read, or the overlay or the plot could not be saved.
        """
        from clockread.cli.tracks import write_tracks
        from clockread.tracking.tracker import Tracker
        from clockread.video.files import Video

        if self.plot is not None:
            from clockread.video.plot import import_matplotlib

            import_matplotlib()
        tracker = Tracker(self.rate, self.min_frames)
        stopped: signals.Stop | None = None
        try:
            with Video(str(self.file), self.file) as opened:
                try:
                    self._add_frames(opened, reader, tracker)
                except signals.Stop as stop:  # what was read so far is written
                    stopped = stop
        except VideoError as error:
            complain(str(error))
            return EXIT_PHOTO_ERROR
        tracks = tracker.tracks()
        write_tracks(tracks, sys.stdout, self.output)
        if stopped is not None:
            raise stopped
        problems = [*opened.problems, *self._save(tracks)]
        notes = [] if tracks else ["no clock found"]
        for note in [] if self.quiet else [*notes, *opened.notes]:
            complain(f"{one_line(str(self.file))}: {note}")
        for problem in problems:
            complain(problem)
        return EXIT_PHOTO_ERROR if problems else EXIT_OK

    def _add_frames(self, opened: Video, reader: ClockReader, tracker: Tracker) -> None:
        from clockread.cli.progress import progress_bar
        from clockread.tracking.tracker import read_frames
        from clockread.video.files import FRAMES_PER_SECOND

        per_second = 1 / self.every if self.every else opened.rate or FRAMES_PER_SECOND
        expected = int((opened.duration or 0) * per_second)
        frames = ((one.time, one.photo) for one in opened.photos(self.every))
        with signals.hold(), progress_bar(expected, hidden=self.quiet) as advance:
            results = read_frames(reader, frames, workers=self.workers, cropped=self.cropped)
            for time, result in signals.between(results):
                tracker.add(time, result.readings)
                advance()

    def _save(self, tracks: list[Track]) -> list[str]:
        """Save the overlay and the plot, if asked for; return the problems, one line each."""
        problems: list[str] = []
        if tracks and self.overlay_folder is not None:
            target = self.overlay_folder / f"{self.file.stem}{OVERLAY_SUFFIX}"
            problems += _saved(
                target, partial(_save_overlay, self.file, target, tracks, self.every)
            )
        if tracks and self.plot is not None:
            title = one_line(self.file.name)
            problems += _saved(self.plot, partial(_save_plot, self.plot, tracks, title))
        return problems


def _saved(path: Path, save: Callable[[], None]) -> list[str]:
    try:
        save()
    except (OSError, ValueError) as error:
        return [f"{one_line(str(path))}: it could not be saved ({reason_of(error)})"]
    return []


def _save_overlay(file: Path, target: Path, tracks: list[Track], every: float) -> None:
    from clockread.video.overlay import save_overlay

    target.parent.mkdir(parents=True, exist_ok=True)
    save_overlay(file, target, tracks, every)


def _save_plot(path: Path, tracks: list[Track], title: str) -> None:
    from clockread.video.plot import save_plot

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of typefaces without a character of the title
        save_plot(path, tracks, title)
