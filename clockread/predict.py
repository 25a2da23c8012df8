"""The work of ``clockread predict``: paths to results, in chunks, so that memory stays bounded however many photos there are."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, TextIO

from clockread import formats
from clockread.errors import ClockreadError, ImageError
from clockread.formats import PhotoResult
from clockread.images import DECODE_MIN_SIDE, MAX_FILE_BYTES, ImageSource, Photo, list_photos, load_color, load_photo, one_line

if TYPE_CHECKING:
    from clockread.reader import Reading

CHUNK_PHOTOS = 32
CHUNK_PIXELS = 64_000_000  # decoded grey pixels, a byte each
STDIN_NAME = "-"
OVERLAY_SUFFIX = ".overlay.jpg"
OVERLAY_QUALITY = 90


class PhotoReader(Protocol):
    """What the commands need of clockread.reader.ClockReader."""

    @property
    def provider(self) -> str:
        """The provider really in use."""

    def read_photos(
        self, photos: Sequence[Photo], *, cropped: bool = False, timings: dict[str, float] | None = None
    ) -> list[list[Reading]]:
        """Readings of each photo, best first."""


@dataclass(frozen=True)
class Entry:
    """A photo to read, or the reason why there is none."""

    name: str
    source: ImageSource | None
    error: str | None = None


@dataclass(frozen=True)
class _Loaded:
    entry: Entry
    photo: Photo | None
    error: str | None


def predict_photos(
    paths: Sequence[str],
    reader: PhotoReader,
    stream: TextIO,
    output: str,
    *,
    cropped: bool = False,
    overlay_folder: Path | None = None,
    quiet: bool = False,
    seconds: bool = False,
    stdin: BinaryIO | None = None,
) -> int:
    """Read photos and write their results to ``stream``; returns the number of photos with an error.

    output: one of formats.FORMATS; seconds: in the times too, where there is a second hand; stdin: where "-" reads, by default
    the process's standard input.
    """
    entries = expand(paths, sys.stdin.buffer if stdin is None else stdin)
    overlays = None if overlay_folder is None else OverlayFolder(overlay_folder, [entry.name for entry in entries])
    failed = 0
    writer = formats.open_writer(output, stream, seconds=seconds)
    # Lines of results and a moving bar would overwrite each other on one terminal.
    with _progress(len(entries), hidden=quiet or (output != "table" and stream.isatty())) as advance:
        try:
            for chunk in _chunks(entries):
                photos = [loaded.photo for loaded in chunk if loaded.photo is not None]
                readings = iter(reader.read_photos(photos, cropped=cropped) if photos else [])
                for loaded in chunk:
                    result = _result(loaded, [] if loaded.photo is None else next(readings))
                    if overlays is not None and loaded.photo is not None:
                        result = replace(result, error=overlays.save(loaded.entry, loaded.photo, result.readings))
                    failed += result.error is not None
                    writer.write(result)
                    advance()
        finally:
            writer.close()
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


def _chunks(entries: Sequence[Entry]) -> Iterator[list[_Loaded]]:
    chunk: list[_Loaded] = []
    pixels = 0
    for entry in entries:
        loaded = _load(entry)
        chunk.append(loaded)
        pixels += 0 if loaded.photo is None else loaded.photo.pixels.size
        if len(chunk) == CHUNK_PHOTOS or pixels >= CHUNK_PIXELS:
            yield chunk
            chunk, pixels = [], 0
    if chunk:
        yield chunk


def _load(entry: Entry) -> _Loaded:
    if entry.source is None:
        return _Loaded(entry, None, entry.error)
    try:
        return _Loaded(entry, load_photo(entry.source, name=entry.name), None)
    except ImageError as error:
        return _Loaded(entry, None, str(error))
    except MemoryError:
        return _Loaded(entry, None, f"{one_line(entry.name)}: not enough memory to decode it; save it smaller")


def _result(loaded: _Loaded, readings: Sequence[Reading]) -> PhotoResult:
    photo = loaded.photo
    width, height = (None, None) if photo is None else (photo.width, photo.height)
    return PhotoResult(loaded.entry.name, width, height, tuple(readings), loaded.error)


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

    def save(self, entry: Entry, photo: Photo, readings: Sequence[Reading]) -> str | None:
        """Draw and save one photo's readings; returns why it could not, or None."""
        import cv2

        from clockread.overlay import draw

        path = self._free_path("stdin" if entry.name == STDIN_NAME else Path(entry.name).stem)
        try:
            if entry.source is None:
                return entry.error
            drawn = draw(load_color(entry.source, name=entry.name, min_side=DECODE_MIN_SIDE), readings, scale=photo.scale)
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


@contextmanager
def _progress(total: int, *, hidden: bool) -> Iterator[Callable[[], object]]:
    if hidden or total < 2 or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=total)
        yield lambda: bar.advance(task)
