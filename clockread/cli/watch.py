"""``clockread watch``: a JSON line whenever a clock of a camera or folder shows another minute."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Annotated, TextIO

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
from clockread.errors import VideoError
from clockread.streams import complain

if TYPE_CHECKING:
    from clockread.reader import ClockReader

DEFAULT_CONFIDENCE = 0.5


def watch(
    source: Annotated[
        str,
        Argument(
            metavar="SOURCE",
            help="A camera's number, an address (rtsp://…, http://…), or a folder for new photos.",
        ),
    ],
    *,
    interval: Annotated[
        str, Option(metavar="TIME", help="Time between two frames of a camera or an address.")
    ] = "1s",
    every: Annotated[
        str | None,
        Option(metavar="TIME", help="Also write a line per clock this often, without a change."),
    ] = None,
    min_confidence: Annotated[
        float,
        Option(min=0.0, max=1.0, callback=finite, help="Ignore readings below this, 0 to 1."),
    ] = DEFAULT_CONFIDENCE,
    wait: Annotated[
        bool, Option("--wait", help="Wait for a source that is not there at the start.")
    ] = False,
    count: Annotated[int | None, Option(min=1, help="Stop after this many lines.")] = None,
    cropped: CroppedOption = False,
    provider: ProviderOption = "auto",
    device: DeviceOption = None,
    model: ModelOption = "auto",
    threads: ThreadsOption = None,
    quiet: QuietOption = False,
) -> None:
    """Watch a camera or a folder: a JSON line whenever a clock shows another minute."""
    run = WatchRun(
        source,
        duration(interval, "--interval"),
        None if every is None else duration(every, "--every"),
        min_confidence,
        wait,
        count,
        cropped,
        quiet,
    )

    def action() -> int:
        from clockread.image_files import silence_decoders

        silence_decoders()
        reader = readers.make_reader(provider, device=device, model=model, threads=threads)
        return run.write(reader, sys.stdout)

    run_and_exit(action, quiet=quiet)


@dataclass(frozen=True)
class WatchRun:
    """A source to watch, and which lines to write of it."""

    source: str
    interval: float = 1.0  # seconds between two frames of a camera or an address
    every: float | None = None  # seconds between lines without a change
    min_confidence: float = DEFAULT_CONFIDENCE
    wait: bool = False  # whether to wait for a source that is not there at the start
    count: int | None = None  # of lines, after which to stop
    cropped: bool = False  # whether each frame is one dial
    quiet: bool = False  # leaves out what is lost and back

    def write(self, reader: ClockReader, stream: TextIO) -> int:
        """Write the lines of a source until it ends; return the exit code."""
        from clockread.live.sources import source_of
        from clockread.live.watcher import Watcher, events_of, frames_forever

        def lost(message: str) -> None:
            if not self.quiet:
                complain(message)

        try:
            opened = source_of(self.source, wait=self.wait)
            frames = frames_forever(opened, interval=self.interval, lost=lost, wait=self.wait)
            watcher = Watcher(opened.name, self.every, self.min_confidence)
            events = events_of(frames, reader, watcher, cropped=self.cropped, failed=complain)
            with signals.hold():
                for event in signals.between(islice(events, self.count)):
                    stream.write(json.dumps(event.to_dict(), allow_nan=False) + "\n")
                    stream.flush()
        except VideoError as error:
            complain(str(error))
            return EXIT_PHOTO_ERROR
        return EXIT_OK
