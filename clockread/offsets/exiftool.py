"""The commands of exiftool that set the times of photos by their clocks."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clockread.listing import expand_pattern, is_folder, is_pattern
from clockread.offsets.offset import offset_text
from clockread.offsets.taken import Camera, TimeSource

TAGS: dict[TimeSource, str] = {"exif": "AllDates", "file": "FileModifyDate"}
SPECIAL_IN_PERL = frozenset('"$@\\`')  # in a string in double quotes
NO_CHANGE = "+0:00:00"


@dataclass
class Targets:
    """The files and folders that exiftool is to search; no photo is in two of them."""

    trees: list[str] = field(default_factory=list)
    """Folders with those below them."""
    plain: list[str] = field(default_factory=list)
    """Files, and folders without those below them."""

    @classmethod
    def of(cls, paths: Iterable[str]) -> Targets:
        """Return the targets that hold the photos of files, folders and patterns.

        A pattern that clockread has expanded, not the shell, stands for the folders of its photos.
        """
        trees: list[str] = []
        folders: list[str] = []
        files: list[str] = []
        for path in paths:
            matches = expand_pattern(path) if is_pattern(path) else []
            trees += [one for one in matches or [path] if is_folder(one)]
            folders += [os.path.dirname(one) or "." for one in matches if not is_folder(one)]  # noqa: PTH120  # keeps "./"
            files += [] if matches or is_folder(path) else [path]
        roots, flat = _resolved(trees), _resolved(folders)
        kept_trees = [one for one in _distinct(trees) if not _within(one, roots)]
        kept = [one for one in _distinct(folders) if not _within(one, roots, itself=True)]
        kept += [
            one
            for one in _distinct(files)
            if not _within(one, roots) and Path(one).resolve().parent not in flat
        ]
        return cls(kept_trees, kept)


def commands(
    seconds: float, by: TimeSource, targets: Targets, cameras: Sequence[Camera] = ()
) -> list[str]:
    """Return the commands that add an offset to the times of photos; none if it is zero.

    Args:
        seconds: the offset.
        by: which of a photo's times is set.
        targets: where the photos are.
        cameras: whose photos are changed, a command for each; by default all photos are.

    """
    text = offset_text(seconds)
    if text == NO_CHANGE:
        return []
    change = f"-{TAGS[by]}{text[0]}={text[1:]}"
    conditions = [["-if", condition(one)] for one in cameras] or [[]]
    places = [["-r", *targets.trees]] if targets.trees else []
    places += [targets.plain] if targets.plain else []
    return [
        shlex.join(["exiftool", change, *only, *where]) for only in conditions for where in places
    ]


def condition(camera: Camera) -> str:
    """Return the expression, in Perl, that is true for the photos of one camera."""
    texts = {"Make": camera.make, "Model": camera.model, "SerialNumber": camera.serial}
    return " and ".join(
        f'$EXIF:{tag} eq "{_escaped(text)}"' if text else f"not $EXIF:{tag}"
        for tag, text in texts.items()
    )


def _escaped(text: str) -> str:
    """Return a text as it is written in a string of Perl, in which exiftool also replaces tags."""
    return "".join(
        f"\\x{{{ord(one):x}}}" if one in SPECIAL_IN_PERL or not one.isprintable() else one
        for one in text
    )


def _distinct(paths: Sequence[str]) -> list[str]:
    """Return the first of the paths that lead to each file or folder."""
    found: dict[Path, str] = {}
    for one in paths:
        found.setdefault(Path(one).resolve(), one)
    return list(found.values())


def _resolved(paths: Iterable[str]) -> set[Path]:
    return {Path(one).resolve() for one in paths}


def _within(path: str, folders: set[Path], *, itself: bool = False) -> bool:
    """Return whether a path is below a resolved folder, or with ``itself`` is one of them."""
    place = Path(path).resolve()
    return any(one in folders for one in place.parents) or (itself and place in folders)
