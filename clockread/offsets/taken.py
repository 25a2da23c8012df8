"""When a photo was taken: by its EXIF data or its file; and by which camera."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from clockread.errors import ImageError, one_line, reason_of
from clockread.image_formats import PLUGINS, heic_library

TimeSource = Literal["exif", "file"]

MAKE, MODEL, DATE_TIME, EXIF = 0x010F, 0x0110, 0x0132, 0x8769  # tags of EXIF 2.32
DATE_TIME_ORIGINAL, SUBSECONDS_ORIGINAL, SERIAL_NUMBER = 0x9003, 0x9291, 0xA431
FORMAT = "%Y:%m:%d %H:%M:%S"
NO_CAMERA = "unknown camera"


@dataclass(frozen=True)
class Taken:
    """When and by what a photo was taken."""

    at: datetime  # local time of the camera, without a time zone
    camera: str


def taken(path: str, by: TimeSource) -> Taken:
    """Return when a photo was taken.

    Args:
        path: the photo.
        by: "exif", the time that the camera wrote into it, or "file", when the file was changed.

    Raises:
        ImageError: if it cannot be read, or has no such time.

    """
    shown = one_line(path)
    try:
        changed = Path(path).stat().st_mtime
        exif = _exif(path)
    except FileNotFoundError as error:
        raise ImageError(f"{shown}: no such file; check the path") from error
    except Exception as error:  # the many errors of Pillow's plugins
        problem = f"its EXIF data cannot be read ({reason_of(error)})"
        raise ImageError(f"{shown}: {problem}; use --time file or --at") from error
    camera = _camera(exif)
    if by == "file":
        return Taken(datetime.fromtimestamp(changed), camera)
    at = _time(exif)
    if at is None:
        raise ImageError(f"{shown}: no EXIF time in it; use --time file or --at")
    return Taken(at, camera)


def _exif(path: str) -> Any:
    if os.path.splitext(path)[1].lower() in (".heic", ".heif", ".hif"):  # noqa: PTH122
        with Path(path).open("rb") as file:
            return heic_library().HeifImageFile(file, "").getexif()
    with Image.open(path, formats=list(PLUGINS)) as image:
        return image.getexif()


def _camera(exif: Any) -> str:
    make, model = (str(exif.get(tag, "")).strip("\0 ") for tag in (MAKE, MODEL))
    serial = str(exif.get_ifd(EXIF).get(SERIAL_NUMBER, "")).strip("\0 ")
    words = [
        model if model.startswith(make) else f"{make} {model}".strip(),
        serial and f"({serial})",
    ]
    return one_line(" ".join(filter(None, words))) or NO_CAMERA


def _time(exif: Any) -> datetime | None:
    details = exif.get_ifd(EXIF)
    for value in (details.get(DATE_TIME_ORIGINAL), exif.get(DATE_TIME)):
        try:
            at = datetime.strptime(str(value).strip("\0 "), FORMAT)
        except ValueError:
            continue
        digits = str(details.get(SUBSECONDS_ORIGINAL, "")).strip("\0 ")
        return at + timedelta(seconds=float(f"0.{digits}") if digits.isdecimal() else 0.0)
    return None
