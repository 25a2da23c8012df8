"""The overlays of ``--save-overlay``: photos with their readings drawn on them."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from clockread.cli.inputs import STDIN_NAME
from clockread.data import write_whole
from clockread.errors import ClockreadError, one_line
from clockread.images import Photo
from clockread.listing import OVERLAY_COMMENT, OVERLAY_SUFFIX
from clockread.parallel import Entry
from clockread.reading import PhotoResult

OVERLAY_QUALITY = 90  # of JPEG, 1..100
JPEG_MAX_SIDE = 65_500  # pixels; libjpeg writes no longer ones


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
        self._numbers: dict[str, int] = {}  # the last one of each stem

    def path_for(self, name: str) -> Path:
        """Return a path for the overlay of a photo; no other call returns the same path."""
        stem = "stdin" if name == STDIN_NAME else Path(name).stem
        number = self._numbers.get(stem.casefold(), 0)
        while True:
            number += 1
            numbered = stem if number == 1 else f"{stem}-{number}"
            path = self._folder / f"{numbered}{OVERLAY_SUFFIX}"
            if (key := os.path.realpath(path).casefold()) not in self._taken:
                break
        self._numbers[stem.casefold()] = number
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
