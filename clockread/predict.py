"""The work of ``clockread predict``: paths to photos, photos to results, results to text as they come."""

from __future__ import annotations

import contextlib
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Literal, TextIO

from clockread import formats
from clockread.errors import ClockreadError, ImageError, one_line
from clockread.images import Photo, frames_of, load_frames, read_all
from clockread.listing import OVERLAY_SUFFIX, counted, expand_pattern, no_photos_in, search
from clockread.opencv import cv2
from clockread.overlay import draw
from clockread.pipeline import PART_PHOTOS, Entry, PhotoReader, read_in_order
from clockread.reading import PhotoResult

STDIN_NAME = "-"
OVERLAY_QUALITY = 90  # of JPEG, 1..100
Frames = Literal["first", "all"]


@dataclass
class Photos:
    """The photos to read, in order, and what was passed over on the way to them."""

    entries: list[Entry] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)  # files in folders that are no photos, by kind

    def add(self, path: str) -> None:
        """Add a file, the photos of a folder, or those that a pattern matches."""
        if not os.path.lexists(path) and (matches := list(expand_pattern(path))):
            for match in matches:
                self.add(match)
        elif Path(path).is_dir() if "\0" not in path else False:
            self._add_folder(path)
        else:
            self.entries.append(Entry(path, path))

    def _add_folder(self, path: str) -> None:
        found = search(Path(path))
        self.passed_over += found.passed_over
        self.entries += [Entry(name, name) for name in map(os.fspath, found.photos)]
        self.entries += [Entry(os.fspath(folder), None, why) for folder, why in found.problems]
        if not found.photos and not found.problems:
            self.entries.append(Entry(path, None, no_photos_in(path, found.passed_over)))


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
        workers: see pipeline.read_in_order.
        batch_size: likewise.
        lenient: whether photos that are cut off are read as far as they go.
        frames: which frames of animations and pages of files with several are read.

    Returns:
        The number of photos that could not be processed.

    """
    overlays = None if overlay_folder is None else OverlayFolder(overlay_folder, [entry.name for entry in photos.entries], seconds=seconds)
    count = sum(_frames_in(entry) for entry in photos.entries) if frames == "all" else len(photos.entries)
    entries = (
        replace(entry, lenient=lenient, overlay=None if overlays is None else overlays.path_for(entry.name))
        for entry in (_each_frame(photos.entries) if frames == "all" else photos.entries)
    )
    failed = done = 0
    # Lines of results and a moving bar would overwrite each other on one terminal.
    hidden = quiet or (output != "table" and stream.isatty())
    results = read_in_order(
        entries,
        reader,
        count=count,
        cropped=cropped,
        workers=workers,
        batch_size=batch_size,
        finish=None if overlays is None else overlays.save,
    )
    writer = formats.open_writer(output, stream, seconds=seconds)
    with _progress(count, hidden=hidden) as advance, contextlib.closing(writer), contextlib.closing(results):
        for result in results:
            failed += result.error is not None
            done += 1
            writer.write(result)
            advance()
    if photos.passed_over and not quiet:
        print(f"clockread: passed over in folders: {counted(photos.passed_over)}", file=sys.stderr)
    if failed and not quiet:
        print(f"clockread: {failed} of {done} photos could not be processed", file=sys.stderr)
    return failed


def find_photos(paths: Sequence[str], stdin: BinaryIO | None, *, files_from: str | None = None, null: bool = False) -> Photos:
    """Return the photos of paths, in order, then those of a list of paths.

    Args:
        paths: files, folders, patterns, and "-" for standard input.
        stdin: standard input; None if it is closed.
        files_from: a file of further paths, one per line; "-" for standard input.
        null: whether NUL ends a path in it, rather than a line end.

    Raises:
        ClockreadError: if the list cannot be read.

    """
    photos = Photos()
    stdin_used = files_from == STDIN_NAME
    for path in paths:
        if path != STDIN_NAME:
            photos.add(path)
        elif stdin_used:
            photos.entries.append(Entry(STDIN_NAME, None, "-: standard input was read already; name it once"))
        else:
            stdin_used = True
            photos.entries.append(_stdin_entry(stdin))
    for path in [] if files_from is None else _listed(files_from, stdin, null=null):
        photos.add(path)
    return photos


def _listed(name: str, stdin: BinaryIO | None, *, null: bool) -> Iterator[str]:
    """Give the paths of a list; empty lines are left out."""
    try:
        if name == STDIN_NAME and stdin is None:
            raise ClockreadError("--files-from -: standard input is closed; send a list of paths into it")
        data = stdin.read() if name == STDIN_NAME and stdin is not None else Path(name).read_bytes()
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise ClockreadError(f"--files-from {one_line(name)}: this list cannot be read ({reason}); check the path") from error
    for line in data.split(b"\0") if null else data.splitlines():
        if line:
            yield os.fsdecode(line)


def _stdin_entry(stdin: BinaryIO | None) -> Entry:
    if stdin is None:
        return Entry(STDIN_NAME, None, "-: standard input is closed; send a photo into it: clockread predict - < photo.jpg")
    if stdin.isatty():
        return Entry(STDIN_NAME, None, "-: standard input is a terminal; send a photo into it: clockread predict - < photo.jpg")
    try:
        return Entry(STDIN_NAME, read_all(stdin, STDIN_NAME))
    except ImageError as error:
        return Entry(STDIN_NAME, None, str(error))


def _frames_in(entry: Entry) -> int:
    """Return how many entries `_each_frame` makes of one: its frames, or one that says what is wrong."""
    if entry.error is not None or not isinstance(entry.source, str | bytes):
        return 1
    try:
        return frames_of(entry.source, name=entry.name)
    except ImageError:
        return 1


def _each_frame(entries: Sequence[Entry]) -> Iterator[Entry]:
    """Give an entry for each frame of each photo; frames are decoded as they are drawn."""
    for entry in entries:
        if entry.error is not None or not isinstance(entry.source, str | bytes) or _frames_in(entry) == 1:
            yield entry
            continue
        try:
            for photo in load_frames(entry.source, name=entry.name):
                yield Entry(photo.name, photo)
        except ImageError as error:
            yield Entry(entry.name, None, str(error))


class OverlayFolder:
    """Saves overlays as DIR/<stem>.overlay.jpg; of equal stems the second becomes <stem>-2, and no input photo is overwritten."""

    def __init__(self, folder: Path, inputs: Sequence[str], *, seconds: bool = False) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = "a file is in its place" if isinstance(error, FileExistsError) else error.strerror
            raise ClockreadError(f"{one_line(str(folder))}: cannot make this folder for overlays ({reason}); choose another") from error
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
        path = entry.overlay
        color = photo.in_color()
        if path is None:
            return result
        if color is None:
            return replace(result, error=f"{one_line(entry.name)}: it cannot be decoded again for its overlay; was it moved or changed?")
        drawn = draw(color, result.readings, scale=result.scale)
        done, encoded = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, OVERLAY_QUALITY])
        if not done:
            return replace(result, error=f"{one_line(str(path))}: the overlay could not be encoded; this is a fault of clockread")
        try:
            path.write_bytes(encoded.tobytes())
        except OSError as error:
            return replace(result, error=f"{one_line(str(path))}: the overlay could not be saved ({error.strerror}); check the folder")
        return result


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
