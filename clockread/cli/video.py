"""``clockread video``: the clocks of a video, each decoded from all of its frames."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from typer import Argument, Option

from clockread.cli import readers, signals
from clockread.cli.exits import EXIT_OK, EXIT_PHOTO_ERROR, run_and_exit
from clockread.cli.options import (
    CroppedOption,
    DeviceOption,
    ModelOption,
    ProviderOption,
    QuietOption,
    ThreadsOption,
    duration,
    finite,
)
from clockread.errors import ClockreadError, VideoError, one_line, reason_of
from clockread.streams import complain

if TYPE_CHECKING:
    from clockread.reader import ClockReader
    from clockread.tracking.track import Track
    from clockread.tracking.tracker import Tracker
    from clockread.video.files import Video

TrackFormat = Literal["table", "jsonl", "csv"]

DEFAULT_EVERY = "1s"
OVERLAY_SUFFIX = ".overlay.mp4"


def _rate(text: str) -> float | None:
    try:
        return None if text == "auto" else float(text)
    except ValueError:
        message = f"{one_line(text)!r} is not auto or a number, such as 0, 1 or 60."
        raise typer.BadParameter(message, param_hint="--rate") from None


def video(
    file: Annotated[Path, Argument(metavar="FILE", help="A video.")],
    *,
    every: Annotated[
        str | None,
        Option(
            metavar="TIME",
            help=f"Time between the frames that are read: 0.5s, 2m; by default {DEFAULT_EVERY}.",
        ),
    ] = None,
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
    if (every is not None) + (fps is not None) + all_frames > 1:
        raise typer.BadParameter("--every, --fps and --all exclude each other.")
    step = duration(DEFAULT_EVERY if every is None else every, "--every")
    step = 0.0 if all_frames else 1.0 / fps if fps else step
    known = _rate(rate)

    def action() -> int:
        from clockread.options import VIDEO
        from clockread.runtime.cpus import bounded_threads

        workers = bounded_threads(threads)
        run = VideoRun(
            file, step, known, min_frames, cropped, output, save_overlay, plot, workers, quiet
        )
        return run.read(
            readers.make_reader(provider, device=device, model=model, threads=1, effort=VIDEO)
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
        After a signal, the tracks and the plot of the frames so far are written.

        Raises:
            ClockreadError: before anything is read, for a path that cannot be that of a video, of
                a plot or of overlays.

        """
        from clockread.video.files import Video

        name = one_line(str(self.file))
        self._check_paths()
        tracks: list[Track] | None = None
        try:
            with Video(str(self.file), self.file) as opened, signals.hold():
                tracks, left_out, stop = self._tracks(opened, reader)
                problems = [*self._write(tracks), *([] if stop else opened.problems)]
                for problem in problems:
                    complain(problem)
                if stop is not None:
                    raise stop
            if tracks and self.overlay_folder is not None:
                unsaved = self._save_overlay(self.overlay_folder, tracks)
                for problem in unsaved:
                    complain(problem)
                problems += unsaved
        except VideoError as error:
            complain(str(error))
            return EXIT_PHOTO_ERROR
        except signals.Stop as stop:
            if tracks and self.overlay_folder is not None:
                complain(f"{name}: {stop}; no overlay was written")
            raise
        notes = [] if tracks else [self._without_tracks(left_out)]
        for note in [] if self.quiet else [*notes, *opened.notes]:
            complain(f"{name}: {note}")
        return EXIT_PHOTO_ERROR if problems else EXIT_OK

    def _check_paths(self) -> None:
        from clockread.cli.overlays import make_folder
        from clockread.video.files import is_photo

        if is_photo(self.file):
            name = one_line(str(self.file))
            raise ClockreadError(f"{name}: a photo; read it with `clockread predict`")
        if self.plot is not None:
            from clockread.video.plot import check_path

            check_path(self.plot)
        if self.overlay_folder is not None:
            make_folder(self.overlay_folder)

    def _tracks(
        self, opened: Video, reader: ClockReader
    ) -> tuple[list[Track], int, signals.Stop | None]:
        """Return the tracks, the number of clocks left out, and the signal that ended reading."""
        from clockread.tracking.tracker import Tracker

        tracker, stopped = Tracker(self.rate, self.min_frames), None
        try:
            self._add_frames(opened, reader, tracker)
        except signals.Stop as stop:  # what was read so far is written
            stopped = stop
        return tracker.tracks(), tracker.left_out, stopped

    def _write(self, tracks: list[Track]) -> list[str]:
        """Write the tracks, and the plot if asked for; return the problems, one line each."""
        from clockread.cli.tracks import write_tracks

        write_tracks(tracks, sys.stdout, self.output)
        if not tracks or self.plot is None:
            return []
        title = one_line(self.file.name)
        return _saved(self.plot, partial(_save_plot, self.plot, tracks, title))

    def _without_tracks(self, left_out: int) -> str:
        if not left_out:
            return "no clock found"
        clocks = "1 clock was" if left_out == 1 else f"{left_out} clocks were"
        more = "read more frames with --all, or add" if self.every else "add"
        return f"{clocks} read in fewer than {self.min_frames} frames; {more} --min-frames 1"

    def _add_frames(self, opened: Video, reader: ClockReader, tracker: Tracker) -> None:
        from clockread.cli.progress import progress_bar
        from clockread.tracking.tracker import read_frames
        from clockread.video.files import FRAMES_PER_SECOND

        per_second = 1 / self.every if self.every else opened.rate or FRAMES_PER_SECOND
        expected = int((opened.duration or 0) * per_second)
        frames = ((one.time, one.photo) for one in opened.photos(self.every))
        with signals.hold(), progress_bar(expected, unit="frames", hidden=self.quiet) as advance:
            results = read_frames(reader, frames, workers=self.workers, cropped=self.cropped)
            for time, result in signals.between(results):
                tracker.add(time, result.readings)
                advance()

    def _save_overlay(self, folder: Path, tracks: list[Track]) -> list[str]:
        target = folder / f"{self.file.stem}{OVERLAY_SUFFIX}"
        return _saved(target, partial(_save_overlay, self.file, target, tracks, self.every))


def _saved(path: Path, save: Callable[[], None]) -> list[str]:
    try:
        save()
    except (OSError, ValueError) as error:
        return [f"{one_line(str(path))}: it could not be saved ({reason_of(error)})"]
    return []


def _save_overlay(file: Path, target: Path, tracks: list[Track], every: float) -> None:
    from clockread.video.overlay import save_overlay

    try:
        save_overlay(file, target, tracks, every)
    except BaseException:  # also of a signal: a part of an overlay looks like a whole one
        target.unlink(missing_ok=True)
        raise


def _save_plot(path: Path, tracks: list[Track], title: str) -> None:
    from clockread.video.plot import save_plot

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of typefaces without a character of the title
        save_plot(path, tracks, title)
