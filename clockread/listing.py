"""Paths → photos: folders are searched, patterns expanded, and other files counted by kind."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from clockread.errors import ImageError, one_line, reason_of

PHOTO_SUFFIXES = frozenset((
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".heic", ".heif", ".hif",
    ".avif", ".avifs", ".jp2", ".j2k", ".jpf", ".jpx", ".tif", ".tiff", ".bmp", ".dib", ".gif",
    ".pgm", ".ppm", ".pbm", ".pnm",
))  # fmt: skip
OVERLAY_SUFFIX = ".overlay.jpg"  # of files that --save-overlay writes
OVERLAY_COMMENT = b"drawn by clockread"  # in the header of such a picture
OVERLAY_HEADER = 512  # bytes at its start that hold the comment
# Kinds of files that are passed over.
OVERLAYS, NO_SUFFIX, SPECIAL = "drawn by clockread", "without a suffix", "pipes or devices"


@dataclass
class Folder:
    """The files in a folder and those below it."""

    photos: list[Path] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)
    """Other files by kind: a suffix such as ".mov", or words."""
    problems: list[tuple[Path, str]] = field(default_factory=list)
    """Folders that cannot be listed, and why, one line each."""


def search(folder: Path) -> Folder:
    """Find the photos in a folder and below, in sorted order.

    Files count as photos by their suffix. Hidden files and folders are left out, clockread's own
    overlays are passed over, and a folder to which several links lead is searched once.
    """
    found = Folder()
    seen: set[tuple[int, int]] = set()
    left = [folder]  # a stack, because folders can be nested deeper than Python calls
    while left:
        path = left.pop()
        if path != folder and not is_folder(path):
            _sort_in(path, found)
            continue
        try:
            status = path.stat()
            inside = sorted(path.iterdir(), reverse=True)
        except OSError as error:
            problem = f"cannot list this folder ({reason_of(error)}); check its permissions"
            found.problems.append((path, f"{one_line(str(path))}: {problem}"))
            continue
        if (status.st_dev, status.st_ino) not in seen:
            seen.add((status.st_dev, status.st_ino))
            left += [one for one in inside if not one.name.startswith(".")]
    return found


def list_photos(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """Return the photos to read: files as given, even if missing, and the photos in folders.

    Raises ImageError for a folder without photos or one that cannot be listed.
    """
    photos: list[Path] = []
    for path in map(Path, paths):
        if not is_folder(path):
            photos.append(path)
            continue
        found = search(path)
        if found.problems:
            raise ImageError(found.problems[0][1])
        if not found.photos:
            raise ImageError(no_photos_in(path, found.passed_over))
        photos += found.photos
    return photos


def no_photos_in(folder: Path | str, passed_over: Counter[str]) -> str:
    """Return the message for a folder without photos."""
    there = f", only {counted(passed_over)}" if passed_over else ""
    remedy = "photos end in .jpg, .png, .heic, .webp, .avif, .tif or the like"
    return f"{one_line(str(folder))}: no photos in this folder{there}; {remedy}"


def counted(kinds: Counter[str]) -> str:
    """Return kinds with their counts, most frequent first: "3 .mov, 1 without a suffix"."""
    ordered = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} {kind}" for kind, count in ordered)


def skipped(kinds: Counter[str]) -> str:
    """Return the message about files that a command passes over."""
    return f"skipped files: {counted(kinds)}"


def is_pattern(path: str) -> bool:
    """Return whether a path is a pattern like ``**/*.jpg``, and not an existing file's name."""
    return glob.has_magic(path) and not os.path.lexists(path)


def expand_pattern(pattern: str) -> list[str]:
    """Return the files and folders that a pattern matches, sorted.

    What is in a folder that is matched too, as by ``photos/**``, is left out: the folder is
    searched as a whole.
    """
    found: list[str] = []
    folders: set[Path] = set()
    for match in sorted(glob.glob(pattern, recursive=True)):  # noqa: PTH207  # also absolute ones
        path = Path(match)
        if folders.isdisjoint(path.parents):  # a folder is sorted before what is in it
            found.append(match)
            if is_folder(path):
                folders.add(path)
    return found


def passed_over_as(name: str) -> str | None:
    """Return the kind as which a file of this name is passed over, or None for a photo."""
    name = name.lower()
    if name.endswith(OVERLAY_SUFFIX):
        return OVERLAYS
    suffix = Path(name).suffix
    return None if suffix in PHOTO_SUFFIXES else one_line(suffix) or NO_SUFFIX


def _sort_in(path: Path, found: Folder) -> None:
    if kind := passed_over_as(path.name):
        found.passed_over[kind] += 1
    elif path.is_file() or not path.exists():  # a broken link is reported when it is read
        found.photos.append(path)
    else:
        found.passed_over[SPECIAL] += 1


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Return whether a path is a folder, or a link to one; False for an invalid path."""
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):
        return False


def is_overlay(path: str | os.PathLike[str]) -> bool:
    """Return whether --save-overlay wrote a file, by its name and the comment in its header."""
    if not os.fspath(path).lower().endswith(OVERLAY_SUFFIX):
        return False
    try:
        with Path(path).open("rb") as file:
            return OVERLAY_COMMENT in file.read(OVERLAY_HEADER)
    except (OSError, ValueError):
        return False
