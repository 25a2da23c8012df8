"""``clockread watch``: a JSON line whenever a clock of a camera or folder shows another minute."""

from __future__ import annotations

import json
import time
from typing import Annotated

from typer import Argument, Option

from clockread.cli import signals
from clockread.cli.options import (
    CroppedOption,
    ModelOption,
    ProviderOption,
    QuietOption,
    ThreadsOption,
)
from clockread.cli.video import duration
from clockread.errors import VideoError
from clockread.streams import complain

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
        str, Option(metavar="TIME", help="Time between two pictures that are read.")
    ] = "1s",
    every: Annotated[
        str | None,
        Option(metavar="TIME", help="Also write a line per clock this often, without a change."),
    ] = None,
    min_confidence: Annotated[
        float, Option(min=0.0, max=1.0, help="Ignore readings below this, 0 to 1.")
    ] = DEFAULT_CONFIDENCE,
    wait: Annotated[
        bool, Option("--wait", help="Wait for a source that is not there at the start.")
    ] = False,
    count: Annotated[int | None, Option(min=1, help="Stop after this many lines.")] = None,
    cropped: CroppedOption = False,
    provider: ProviderOption = "auto",
    model: ModelOption = "auto",
    threads: ThreadsOption = None,
    quiet: QuietOption = False,
) -> None:
    """Watch a camera or a folder: a JSON line whenever a clock shows another minute."""
    from clockread.cli import app as cli

    pause, repeat = duration(interval), None if every is None else duration(every)

    def tell(message: str) -> None:
        if not quiet:
            complain(message)

    def action() -> int:
        from clockread.image_files import silence_decoders
        from clockread.live.sources import source_of
        from clockread.live.watcher import Watcher, events_of, pictures_forever
        from clockread.runtime.cpus import bounded_threads

        silence_decoders()
        try:
            opened = source_of(source)
            reader = cli.make_reader(provider, model=model, threads=bounded_threads(threads))
            watcher = Watcher(opened.name, repeat, min_confidence)
            pictures = pictures_forever(
                opened, interval=pause, lost=tell, wait=wait, sleep=time.sleep
            )
            events = events_of(pictures, reader, watcher, cropped=cropped, failed=complain)
            with signals.hold():
                for number, event in enumerate(signals.between(events), start=1):
                    print(json.dumps(event.to_dict(), allow_nan=False), flush=True)
                    if number == count:
                        break
        except VideoError as error:
            complain(str(error))
            return 1
        return 0

    cli.run(action, quiet=quiet)
