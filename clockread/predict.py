"""The work of ``clockread predict``: paths to results, written as they come."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, TextIO

from clockread import formats, signals
from clockread.errors import ClockreadError, ImageError, one_line
from clockread.images import DECODE_MIN_SIDE, MAX_FILE_BYTES, list_photos, load_color
from clockread.pipeline import Entry, PhotoReader, read_in_order
from clockread.reading import PhotoResult

STDIN_NAME = "-"
OVERLAY_SUFFIX = ".overlay.jpg"
OVERLAY_QUALITY = 90


def predict_photos(
    entries: Sequence[Entry],
    reader: PhotoReader,
    stream: TextIO,
    output: str,
    *,
    cropped: bool = False,
    overlay_folder: Path | None = None,
    quiet: bool = False,
    seconds: bool = False,
    workers: int = 1,
) -> int:
    """Read photos and write their results to ``stream``; returns the number of photos with an error.

    output: one of formats.FORMATS; seconds: in the times too, where there is a second hand; workers: see pipeline.
    """
    overlays = None if overlay_folder is None else OverlayFolder(overlay_folder, [entry.name for entry in entries])
    failed = 0
    writer = formats.open_writer(output, stream, seconds=seconds)
    # Lines of results and a moving bar would overwrite each other on one terminal.
    hidden = quiet or (output != "table" and stream.isatty())
    results = read_in_order(entries, reader, cropped=cropped, workers=workers)
    with signals.hold(), _progress(len(entries), hidden=hidden) as advance, contextlib.closing(writer), contextlib.closing(results):
        for entry, read in zip(entries, signals.between(results), strict=True):
            result = read if overlays is None or read.error else replace(read, error=overlays.save(entry, read))
            failed += result.error is not None
            writer.write(result)
            advance()
    if failed and not quiet:
        print(f"clockread: {failed} of {len(entries)} photos could not be processed", file=sys.stderr)
    return failed


def expand(paths: Sequence[str], stdin: BinaryIO) -> list[Entry]:
    """Entries of paths, in order: folders as the photos in them, a folder without any as one entry that is an error."""
    entries: list[Entry] = []
    stdin_used = False
    for path in paths:
        if path != STDIN_NAME:
            entries += _path_entries(path)
        elif stdin_used:
            entries.append(Entry(STDIN_NAME, None, "-: standard input was read already; name it once"))
        else:
            stdin_used = True
            entries.append(_stdin_entry(stdin))
    return entries


def _path_entries(path: str) -> list[Entry]:
    try:
        found = [os.fspath(photo) for photo in list_photos([path])]
    except ImageError as error:
        return [Entry(path, None, str(error))]
    if found == [os.fspath(Path(path))]:
        found = [path]  # a named file keeps its spelling, which Path would tidy
    return [Entry(name, name) for name in found]


def _stdin_entry(stdin: BinaryIO) -> Entry:
    if stdin.isatty():
        return Entry(STDIN_NAME, None, "-: standard input is a terminal; send a photo into it: clockread predict - < photo.jpg")
    try:
        data = stdin.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        return Entry(STDIN_NAME, None, f"-: standard input cannot be read ({error.strerror}); send a photo into it")
    if len(data) > MAX_FILE_BYTES:
        return Entry(STDIN_NAME, None, f"-: more bytes than the limit of {MAX_FILE_BYTES:,}; send a smaller photo")
    return Entry(STDIN_NAME, data)


class OverlayFolder:
    """Saves overlays as DIR/<stem>.overlay.jpg; of equal stems the second becomes <stem>-2, and no input photo is overwritten."""

    def __init__(self, folder: Path, inputs: Sequence[str]) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = "a file is in its place" if isinstance(error, FileExistsError) else error.strerror
            raise ClockreadError(f"{one_line(str(folder))}: cannot make this folder for overlays ({reason}); choose another") from error
        self._folder = folder
        self._taken = {os.path.realpath(name).casefold() for name in inputs if "\0" not in name}

    def save(self, entry: Entry, result: PhotoResult) -> str | None:
        """Draw and save one photo's readings; returns why it could not, or None."""
        import cv2

        from clockread.overlay import draw

        path = self._free_path("stdin" if entry.name == STDIN_NAME else Path(entry.name).stem)
        try:
            if entry.source is None:
                return entry.error
            drawn = draw(load_color(entry.source, name=entry.name, min_side=DECODE_MIN_SIDE), result.readings, scale=result.scale)
            done, encoded = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, OVERLAY_QUALITY])
            if not done:
                return f"{one_line(str(path))}: the overlay could not be encoded; this is a fault of clockread"
            path.write_bytes(encoded.tobytes())
        except ImageError as error:
            return str(error)
        except OSError as error:
            return f"{one_line(str(path))}: the overlay could not be saved ({error.strerror}); check the folder"
        return None

    def _free_path(self, stem: str) -> Path:
        path, number = self._folder / f"{stem}{OVERLAY_SUFFIX}", 1
        while (key := os.path.realpath(path).casefold()) in self._taken:
            number += 1
            path = self._folder / f"{stem}-{number}{OVERLAY_SUFFIX}"
        self._taken.add(key)
        return path


@contextlib.contextmanager
def _progress(total: int, *, hidden: bool) -> Iterator[Callable[[], object]]:
    if hidden or total < 2 or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=total)
        yield lambda: bar.advance(task)
