"""The work of ``clockread predict``: photos to results, results to text as they come."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, TextIO

from PIL import Image

from clockread.bulk import PART_PHOTOS, Entry, PhotoReader, read_in_order
from clockread.cli import output as formats
from clockread.cli import signals
from clockread.cli.inputs import STDIN_NAME, Photos, each_frame, frames_in
from clockread.cli.progress import progress_bar
from clockread.errors import ClockreadError, one_line
from clockread.images import Photo
from clockread.listing import OVERLAY_COMMENT, OVERLAY_SUFFIX, counted
from clockread.reading import PhotoResult

OVERLAY_QUALITY = 90  # of JPEG, 1..100
Frames = Literal["first", "all"]


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
    frames: Frames = "first",
) -> int:
    """Read photos and write their results to ``stream`` as they come.

    Args:
        photos: the photos, and what was passed over.
        reader: reads them.
        stream: for results; messages go to standard error.
        output: one of formats.FORMATS.
        cropped: whether each photo is one dial.
        overlay_folder: where each photo is saved with its readings drawn on it.
        quiet: whether to leave out progress and messages.
        seconds: whether times have seconds if there is a second hand.
        workers: see bulk.read_in_order.
        batch_size: see bulk.read_in_order.
        lenient: whether photos that are cut off are read as far as they go.
        frames: which frames of animations and pages of files with several are read.

    Returns:
        The number of photos that could not be processed.

    """
    overlays = (
        None
        if overlay_folder is None
        else OverlayFolder(
            overlay_folder, [entry.name for entry in photos.entries], seconds=seconds
        )
    )
    counts = [frames_in(entry) if frames == "all" else 1 for entry in photos.entries]
    entries = (
        replace(
            entry,
            lenient=lenient,
            overlay=None if overlays is None else overlays.path_for(entry.name),
        )
        for entry in each_frame(photos.entries, counts)
    )
    failed = done = 0
    # Lines of results and a moving bar would overwrite each other on one terminal.
    hidden = quiet or (output != "table" and stream.isatty())
    results = read_in_order(
        entries,
        reader,
        count=sum(counts),
        cropped=cropped,
        workers=workers,
        batch_size=batch_size,
        finish=None if overlays is None else overlays.save,
    )
    writer = formats.open_writer(
        output, stream, seconds=seconds, summary=not quiet, passed_over=photos.passed_over
    )
    # The bar ends first: a table that the writer prints at its end would push a bar that is still there up the screen.
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
    counted_in_table = (
        output == "table" and stream.isatty() and (sys.stderr is None or sys.stderr.isatty())
    )
    if quiet or counted_in_table:
        return failed
    if photos.passed_over:
        print(f"clockread: passed over: {counted(photos.passed_over)}", file=sys.stderr)
    if failed:
        print(f"clockread: {failed} of {done} photos could not be processed", file=sys.stderr)
    return failed


class OverlayFolder:
    """Saves overlays as DIR/<stem>.overlay.jpg; of equal stems the second becomes <stem>-2, and no input photo is overwritten."""

    def __init__(self, folder: Path, inputs: Sequence[str], *, seconds: bool = False) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = (
                "a file is in its place" if isinstance(error, FileExistsError) else error.strerror
            )
            raise ClockreadError(
                f"{one_line(str(folder))}: cannot make this folder for overlays ({reason}); choose another"
            ) from error
        self._folder, self._seconds = folder, seconds
        self._taken = {os.path.realpath(name).casefold() for name in inputs if "\0" not in name}

    def path_for(self, name: str) -> Path:
        """Return where the overlay of a photo goes; each call takes the path that it returns."""
        stem = "stdin" if name == STDIN_NAME else Path(name).stem
        path, number = self._folder / f"{stem}{OVERLAY_SUFFIX}", 1
        while (key := os.path.realpath(path).casefold()) in self._taken:
            number += 1
            path = self._folder / f"{stem}-{number}{OVERLAY_SUFFIX}"
        self._taken.add(key)
        return path

    def save(self, entry: Entry, photo: Photo, result: PhotoResult) -> PhotoResult:
        """Draw and save one photo's readings; the result says why if that cannot be done."""
        from clockread.overlay import draw, enlarged  # which most runs do not need

        path = entry.overlay
        if path is None:
            return result
        color = photo.in_color()
        if color is None:
            return replace(
                result,
                error=f"{one_line(entry.name)}: it cannot be decoded again for its overlay; was it moved or changed?",
            )
        color, factor = enlarged(color)
        drawn = draw(color, result.readings, scale=result.scale / factor, seconds=self._seconds)
        encoded = io.BytesIO()
        Image.fromarray(drawn[..., ::-1]).save(
            encoded, "JPEG", quality=OVERLAY_QUALITY, comment=OVERLAY_COMMENT
        )
        try:
            path.write_bytes(encoded.getvalue())
        except OSError as error:
            return replace(
                result,
                error=f"{one_line(str(path))}: the overlay could not be saved ({error.strerror}); check the folder",
            )
        return result
