"""Finds the photos to read: files, folders, patterns, lists of paths, standard input and frames."""

from __future__ import annotations

import codecs
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from clockread.errors import ClockreadError, ImageError, one_line
from clockread.file_access import read_all, without_pipe
from clockread.images import frames_of, load_frames
from clockread.listing import (
    OVERLAYS,
    expand_pattern,
    is_folder,
    is_overlay,
    is_pattern,
    no_photos_in,
    search,
)
from clockread.parallel import Entry

STDIN_NAME = "-"


@dataclass
class Photos:
    """The photos to read, in order, and the numbers of files that are skipped."""

    entries: list[Entry] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)  # other files in folders, by kind

    def add(self, path: str) -> None:
        """Add a file, the photos of a folder, or those that a pattern matches."""
        if is_pattern(path):
            matches = expand_pattern(path)
            for match in matches:
                self.add(match)
            if not matches:
                problem = f"{one_line(path)}: no file matches this pattern; check it"
                self.entries.append(Entry(path, None, problem))
        elif is_folder(path):
            self._add_folder(path)
        elif is_overlay(path):  # a shell's *.jpg matches it too
            self.passed_over[OVERLAYS] += 1
        else:
            self.entries.append(Entry(path, path))

    def _add_folder(self, path: str) -> None:
        found = search(Path(path))
        self.passed_over += found.passed_over
        self.entries += [Entry(name, name) for name in map(os.fspath, found.photos)]
        self.entries += [Entry(os.fspath(folder), None, why) for folder, why in found.problems]
        if not found.photos and not found.problems:
            self.entries.append(Entry(path, None, no_photos_in(path, found.passed_over)))


def find_photos(
    paths: Sequence[str],
    stdin: BinaryIO | None,
    *,
    files_from: str | None = None,
    null: bool = False,
) -> Photos:
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
            error = "-: standard input was read already; name it once"
            photos.entries.append(Entry(STDIN_NAME, None, error))
        else:
            stdin_used = True
            photos.entries.append(_stdin_entry(stdin))
    for path in [] if files_from is None else _listed(files_from, stdin, null=null):
        photos.add(path)
    return photos


def _listed(name: str, stdin: BinaryIO | None, *, null: bool) -> Iterator[str]:
    """Yield the paths of a list; empty lines are left out."""
    try:
        if name != STDIN_NAME:
            data = Path(name).read_bytes()
        elif stdin is not None:
            data = stdin.read()
        else:
            problem = "standard input is closed; send a list of paths into it"
            raise ClockreadError(f"--files-from -: {problem}")
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        problem = f"this list cannot be read ({reason}); check the path"
        raise ClockreadError(f"--files-from {one_line(name)}: {problem}") from error
    data = data.removeprefix(codecs.BOM_UTF8)  # which Windows' programs write
    for line in data.split(b"\0") if null else data.splitlines():
        if line:
            yield os.fsdecode(line)


def _stdin_entry(stdin: BinaryIO | None) -> Entry:
    if stdin is None or stdin.isatty():
        problem = f"standard input is {'closed' if stdin is None else 'a terminal'}"
        remedy = "send a photo into it: clockread predict - < photo.jpg"
        return Entry(STDIN_NAME, None, f"-: {problem}; {remedy}")
    try:
        return Entry(STDIN_NAME, read_all(stdin, STDIN_NAME))
    except ImageError as error:
        return Entry(STDIN_NAME, None, str(error))


def with_pipe_read(entry: Entry) -> Entry:
    """Return an entry with the bytes of its named pipe, or why there are none; others unchanged."""
    if entry.error is not None or not isinstance(entry.source, str | bytes):
        return entry
    try:
        return replace(entry, source=without_pipe(entry.source, one_line(entry.name)))
    except ImageError as error:
        return Entry(entry.name, None, str(error))


def frames_in(entry: Entry) -> int:
    """Return the number of entries that `each_frame` yields for one: its frames, or one error."""
    if entry.error is not None or not isinstance(entry.source, str | bytes):
        return 1
    try:
        return frames_of(entry.source, name=entry.name, lenient=entry.lenient)
    except ImageError:
        return 1


def each_frame(entries: Sequence[Entry], counts: Sequence[int]) -> Iterator[Entry]:
    """Yield an entry per frame of each photo, as many as ``counts`` (see `frames_in`) says.

    Frames are decoded when they are requested. One that is damaged ends those of its photo.
    """
    for entry, count in zip(entries, counts, strict=True):
        if count == 1 or not isinstance(entry.source, str | bytes):
            yield entry
            continue
        try:
            for photo in load_frames(entry.source, name=entry.name, lenient=entry.lenient):
                yield Entry(photo.name, photo)
        except ImageError as error:
            yield Entry(entry.name, None, str(error))
