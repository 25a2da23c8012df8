"""``clockread predict``: reads photos and writes each result as soon as it exists."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from clockread.cli import signals
from clockread.cli.inputs import Photos, each_frame, frames_in, with_pipe_read
from clockread.cli.output import open_writer
from clockread.cli.overlays import OverlayFolder
from clockread.cli.progress import progress_bar
from clockread.listing import skipped
from clockread.parallel import PART_PHOTOS, Entry, PhotoReader, read_in_order
from clockread.streams import complain


def predict_photos(
    photos: Photos,
    reader: PhotoReader,
    stream: TextIO,
    output: str,
    *,
    cropped: bool = False,
    overlay_folder: Path | None = None,
    quiet: bool = False,
    seconds: bool = False,
    workers: int = 1,
    batch_size: int = PART_PHOTOS,
    lenient: bool = False,
    all_frames: bool = False,
) -> int:
    """Read photos and write each result to ``stream`` as soon as it exists.

    Args:
        photos: the photos, and the skipped files.
        reader: reads the photos.
        stream: receives results; messages go to standard error.
        output: a format of `open_writer`.
        cropped: whether each photo is one dial.
        overlay_folder: folder for photos with their readings drawn on them, or None.
        quiet: whether to leave out progress and messages.
        seconds: whether times have seconds if a second hand is seen.
        workers: see bulk.read_in_order.
        batch_size: see bulk.read_in_order.
        lenient: whether the intact part of a cut-off photo is read.
        all_frames: whether to read all frames of an animation and all pages of a file.

    Returns:
        The number of photos that could not be processed.

    """
    overlays = None
    if overlay_folder is not None:
        inputs = [entry.name for entry in photos.entries]
        overlays = OverlayFolder(overlay_folder, inputs, seconds=seconds)
    entries = [replace(entry, lenient=lenient) for entry in photos.entries]
    counts = [1] * len(entries)
    if all_frames:
        entries = list(map(with_pipe_read, entries))  # which frames_in cannot count
        counts = list(map(frames_in, entries))

    def prepared(entry: Entry) -> Entry:
        return entry if overlays is None else replace(entry, overlay=overlays.path_for(entry.name))

    failed = done = 0
    # Lines of results and a moving bar would overwrite each other on one terminal.
    hidden = quiet or (output != "table" and stream.isatty())
    results = read_in_order(
        map(prepared, each_frame(entries, counts)),
        reader,
        count=sum(counts),
        cropped=cropped,
        workers=workers,
        batch_size=batch_size,
        finish=None if overlays is None else overlays.save,
    )
    writer = open_writer(
        output, stream, seconds=seconds, summary=not quiet, passed_over=photos.passed_over
    )
    # The bar ends first: the table that the writer prints at its end would scroll it up.
    with (
        signals.hold(),
        contextlib.closing(writer),
        contextlib.closing(results),
        progress_bar(sum(counts), hidden=hidden) as advance,
    ):
        for result in signals.between(results):
            failed += result.error is not None
            done += 1
            writer.write(result)
            advance()
    on_screen = stream.isatty() and (sys.stderr is None or sys.stderr.isatty())
    if quiet or (output == "table" and on_screen):  # the table's summary has both counts
        return failed
    if photos.passed_over:
        complain(skipped(photos.passed_over))
    if failed:
        which = "1 photo" if done == 1 else f"{failed} of {done} photos"
        complain(f"{which} could not be processed")
    return failed
