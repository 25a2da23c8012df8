"""``clockread predict``: reads photos and writes each result as soon as it exists."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from PIL import Image

from clockread.bulk import PART_PHOTOS, Entry, PhotoReader, read_in_order
from clockread.cli import signals
from clockread.cli.inputs import STDIN_NAME, Photos, each_frame, frames_in
from clockread.cli.output import open_writer
from clockread.cli.progress import progress_bar
from clockread.data import write_whole
from clockread.errors import ClockreadError, one_line
from clockread.images import Photo
from clockread.listing import OVERLAY_COMMENT, OVERLAY_SUFFIX, counted
from clockread.reading import PhotoResult

OVERLAY_QUALITY = 90  # of JPEG, 1..100
JPEG_MAX_SIDE = 65_500  # pixels; libjpeg writes no longer ones


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
    counts = [frames_in(entry) if all_frames else 1 for entry in photos.entries]

    def prepared(entry: Entry) -> Entry:
        overlay = None if overlays is None else overlays.path_for(entry.name)
        return replace(entry, lenient=lenient, overlay=overlay)

    failed = done = 0
    # Lines of results and a moving bar would overwrite each other on one terminal.
    hidden = quiet or (output != "table" and stream.isatty())
    results = read_in_order(
        map(prepared, each_frame(photos.entries, counts)),
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
        print(f"clockread: skipped files: {counted(photos.passed_over)}", file=sys.stderr)
    if failed:
        print(f"clockread: {failed} of {done} photos could not be processed", file=sys.stderr)
    return failed


def make_folder(folder: Path) -> None:
    """Make a folder for overlays unless it is there; raise ClockreadError if it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        exists = isinstance(error, FileExistsError)
        reason = "a file has this name" if exists else error.strerror
        problem = f"cannot make this folder for overlays ({reason}); choose another"
        raise ClockreadError(f"{one_line(str(folder))}: {problem}") from error


class OverlayFolder:
    """Saves overlays as DIR/<stem>.overlay.jpg.

    A second photo of the same stem becomes <stem>-2, and no input photo is overwritten.
    """

    def __init__(self, folder: Path, inputs: Sequence[str], *, seconds: bool = False) -> None:
        make_folder(folder)
        self._folder, self._seconds = folder, seconds
        self._taken = {os.path.realpath(name).casefold() for name in inputs if "\0" not in name}

    def path_for(self, name: str) -> Path:
        """Return a path for the overlay of a photo; no other call returns the same path."""
        stem = "stdin" if name == STDIN_NAME else Path(name).stem
        path, number = self._folder / f"{stem}{OVERLAY_SUFFIX}", 1
        while (key := os.path.realpath(path).casefold()) in self._taken:
            number += 1
            path = self._folder / f"{stem}-{number}{OVERLAY_SUFFIX}"
        self._taken.add(key)
        return path

    def save(self, entry: Entry, photo: Photo, result: PhotoResult) -> PhotoResult:
        """Draw and save one photo's readings; if that fails, the result has the error."""
        from clockread.overlay import draw, enlarged  # not needed by most runs

        path = entry.overlay
        if path is None:
            return result
        color = photo.in_color()
        if color is None:
            problem = "it cannot be decoded again for its overlay; was it moved or changed?"
            return replace(result, error=f"{one_line(entry.name)}: {problem}")
        color, factor = enlarged(color)
        drawn = draw(color, result.readings, scale=result.scale / factor, seconds=self._seconds)
        longest = max(drawn.shape[:2])
        if longest > JPEG_MAX_SIDE:
            problem = (
                f"its overlay would be {longest} pixels long; JPEGs have at most {JPEG_MAX_SIDE}"
            )
            return replace(result, error=f"{one_line(entry.name)}: {problem}")
        encoded = io.BytesIO()
        try:
            Image.fromarray(drawn[..., ::-1]).save(
                encoded, "JPEG", quality=OVERLAY_QUALITY, comment=OVERLAY_COMMENT
            )
            write_whole(path, encoded.getvalue())
        except OSError as error:
            problem = f"the overlay could not be saved ({error.strerror}); check the folder"
            return replace(result, error=f"{one_line(str(path))}: {problem}")
        return result
