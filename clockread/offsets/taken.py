"""When a photo was taken: by its EXIF data or its file; and by which camera."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from clockread.errors import ImageError, one_line, reason_of
from clockread.file_access import open_photo
from clockread.image_formats import open_header

TimeSource = Literal["exif", "file"]

MAKE, MODEL, DATE_TIME, EXIF = 0x010F, 0x0110, 0x0132, 0x8769  # tags of EXIF 2.32
DATE_TIME_ORIGINAL, SUBSECONDS_ORIGINAL, SERIAL_NUMBER = 0x9003, 0x9291, 0xA431
FORMAT = "%Y:%m:%d %H:%M:%S"
NO_CAMERA = "unknown camera"


@dataclass(frozen=True, order=True)
class Camera:
    """A camera, as its photos name it; empty where they do not.

    The texts are those that exiftool compares: spaces at the end of make and model do not count.
    """

    make: str = ""
    model: str = ""
    serial: str = ""

    @property
    def label(self) -> str:
        """Its name in results, such as ``Maker Phone (123)``."""
        make, model, serial = self.make.strip(), self.model.strip(), self.serial.strip()
        words = [
            model if model.startswith(make) else f"{make} {model}".strip(),
            serial and f"({serial})",
        ]
        return one_line(" ".join(filter(None, words))) or NO_CAMERA


@dataclass(frozen=True)
class Taken:
    """When and by what a photo was taken."""

    at: datetime  # local time of the camera, without a time zone
    camera: Camera


def taken(path: str, by: TimeSource) -> Taken:
    """Return when a photo was taken.

    Args:
        path: the photo.
        by: "exif", the time that the camera wrote into it, or "file", when the file was changed.

    Raises:
        ImageError: if it cannot be read, or has no such time.

    """
    shown = one_line(path)
    with open_photo(path, shown) as file:
        changed = os.fstat(file.fileno()).st_mtime
        camera, at = Camera(), None
        try:
            exif = open_header(file, shown).getexif()
            camera, at = _camera(exif), _time(exif)
        except Exception as error:  # the many errors of Pillow's plugins
            if by == "exif":
                problem = f"its EXIF data cannot be read ({reason_of(error)})"
                raise ImageError(f"{shown}: {problem}; use --time file or --at") from error
    if by == "file":
        return Taken(datetime.fromtimestamp(changed), camera)
    if at is None:
        raise ImageError(f"{shown}: no EXIF time in it; use --time file or --at")
    return Taken(at, camera)


def _camera(exif: Any) -> Camera:
    make, model = (_text(exif.get(tag, "")).rstrip() for tag in (MAKE, MODEL))
    return Camera(make, model, _text(exif.get_ifd(EXIF).get(SERIAL_NUMBER, "")))


def _time(exif: Any) -> datetime | None:
    details = exif.get_ifd(EXIF)
    for value in (details.get(DATE_TIME_ORIGINAL), exif.get(DATE_TIME)):
        try:
            at = datetime.strptime(_text(value).strip(), FORMAT)
        except ValueError:
            continue
        digits = _text(details.get(SUBSECONDS_ORIGINAL, "")).strip()
        return at + timedelta(seconds=float(f"0.{digits}") if digits.isdecimal() else 0.0)
    return None


def _text(value: Any) -> str:
    """Return a value of EXIF data as text, which ends at its first NUL."""
    return str(value).partition("\0")[0]
