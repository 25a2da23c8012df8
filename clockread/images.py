"""Photos in, grey pixels out: files, bytes and arrays of any size, or one clear ImageError.

The size is read from the header before a pixel is decoded, so a photo is either refused, with the limit in the message,
or decoded at a size that the reader can use. Nothing here sets an environment variable or writes to standard error.
"""

from __future__ import annotations

import io
import os
import stat
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from clockread import headers
from clockread.errors import ImageError, one_line
from clockread.opencv import cv2

ImageSource: TypeAlias = str | os.PathLike[str] | bytes | np.ndarray

MIN_SIDE = 16  # pixels; no dial can be read in less
DECODE_MIN_SIDE = 2048  # pixels; a photo is decoded reduced only while its long side keeps at least this many
LOG_SILENT = 0  # of OpenCV's log levels
REDUCTIONS = (8, 4, 2)  # what JPEG decoders can do on the way
MAX_PIXELS = 400_000_000  # in the header; above it a photo is refused
MAX_DECODED_BYTES = 400_000_000  # memory for the photos that cannot be decoded reduced (all but sequential JPEG)
MAX_FILE_BYTES = 500_000_000
STRIP_PIXELS = 1 << 22  # arrays are converted in strips of about this many pixels, to keep copies small

PHOTO_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif", ".pgm", ".ppm", ".pbm", ".pnm"),
)
READABLE_KINDS = "JPEG, PNG, WebP, TIFF, BMP, GIF, PGM or PPM"

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Photo:
    """A decoded photo.

    Decoded pixel ``i`` covers the full-size pixels ``scale * i`` to ``scale * (i + 1)``, in both directions.
    """

    name: str  # the path, or "<bytes>", "<array>", "-"
    pixels: Pixels  # (H, W) grey, turned upright as EXIF says
    width: int  # pixels of the upright photo at its full size
    height: int
    scale: float  # full-size pixels per decoded pixel: 1, 2, 4 or 8
    source: ImageSource | None = field(default=None, repr=False, compare=False)  # what it was decoded from
    min_side: int = DECODE_MIN_SIDE  # that it was decoded with

    def in_color(self) -> Pixels | None:
        """The photo decoded again, to BGR (H, W, 3) of the same size; None where that is no longer, or not, possible."""
        if self.source is None:
            return None
        try:
            color = load_color(self.source, name=self.name, min_side=self.min_side)
        except ImageError:  # changed or gone since, or more than memory allows in color
            return None
        return color if color.shape[:2] == self.pixels.shape else None


def load_photo(source: ImageSource, *, name: str | None = None, min_side: int = DECODE_MIN_SIDE) -> Photo:
    """Decode a photo to grey, upright, and reduced by 2, 4 or 8 while its long side keeps ``min_side`` pixels.

    source: a path, the bytes of an encoded photo, or an array (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA of uint8,
        uint16, or floats in 0..1. 16-bit values are scaled by the range they use (8, 10, 12, 14 or 16 bits); what is
        transparent shows white; of an animation the first picture counts.
    name: stands for the photo in messages and results; by default the path, "<bytes>" or "<array>".

    Raises ImageError for anything that cannot be read, with one line that says what, which photo, and what to do.
    """
    name = name_of(source) if name is None else name
    pixels, size, scale = _load(source, one_line(name), min_side, color=False)
    return Photo(name, pixels, size[0], size[1], float(scale), source, min_side)


def load_color(source: ImageSource, *, name: str | None = None, min_side: int | None = None) -> Pixels:
    """Decode a photo to BGR uint8 (H, W, 3), upright, at its full size; sources and errors as in load_photo.

    With ``min_side`` it is reduced exactly as load_photo(min_side=…) reduces it; without, photos that need more memory
    than MAX_DECODED_BYTES are refused.
    """
    return _load(source, one_line(name_of(source) if name is None else name), min_side, color=True)[0]


def list_photos(paths: Iterable[str | os.PathLike[str]]) -> list[Path | Literal["-"]]:
    """Photos to read: files and "-" as given, folders replaced by the photos in them and below, in sorted order.

    In folders, files count by their suffix and hidden ones do not count; a file that is named is always listed, even when it
    does not exist (load_photo says so). Links to folders are followed once. Raises ImageError for a folder without photos.
    """
    found: list[Path | Literal["-"]] = []
    for given in paths:
        if given == "-":
            found.append("-")
            continue
        path = Path(given)
        if not _is_folder(path):
            found.append(path)
            continue
        inside = list(_photos_below(path, set()))
        if not inside:
            raise ImageError(
                f"{one_line(str(path))}: no photos in this folder; it needs files that end in .jpg, .png, .webp, .tif, .bmp or the like"
            )
        found.extend(inside)
    return found


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _photos_below(folder: Path, seen: set[tuple[int, int]]) -> Iterator[Path]:
    try:
        identity = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise ImageError(f"{one_line(str(folder))}: cannot list this folder ({_reason(error)}); check its permissions") from error
    if (identity.st_dev, identity.st_ino) in seen:  # a link that leads back up
        return
    seen.add((identity.st_dev, identity.st_ino))
    for entry in entries:
        path = folder / entry.name
        if entry.name.startswith("."):
            continue
        if _is_folder(path):
            yield from _photos_below(path, seen)
        elif path.suffix.lower() in PHOTO_SUFFIXES:
            yield path


def name_of(source: ImageSource) -> str:
    """What stands for a photo in messages and results: its path, "<bytes>" or "<array>"."""
    if isinstance(source, np.ndarray):
        return "<array>"
    if isinstance(source, bytes | bytearray | memoryview):
        return "<bytes>"
    try:
        return os.fsdecode(source)
    except TypeError:
        return f"<{type(source).__name__}>"


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _load(source: ImageSource, name: str, min_side: int | None, *, color: bool) -> tuple[Pixels, tuple[int, int], int]:
    """Pixels, (width, height) at full size, and the reduction."""
    if isinstance(source, np.ndarray):
        return _from_array(source, name, min_side, color=color)
    if isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
        if not data:
            raise ImageError(f"{name}: empty (0 bytes); give it a photo")
        return _decode(data, _checked_header(io.BytesIO(data), name, min_side, color=color), name, min_side, color=color)
    if not isinstance(source, str | os.PathLike):
        raise ImageError(f"{name}: not a photo; give a path, the bytes of a photo, or a numpy array")
    path = _checked_file(source, name)
    try:
        with path.open("rb") as file:
            header = _checked_header(file, name, min_side, color=color)
            file.seek(0)
            data = file.read(MAX_FILE_BYTES + 1)
    except PermissionError as error:
        raise ImageError(f"{name}: no permission to read this file; change its permissions") from error
    except OSError as error:
        raise ImageError(f"{name}: cannot be read ({_reason(error)}); check the disk and copy it again") from error
    return _decode(data, header, name, min_side, color=color)


def _checked_file(source: str | os.PathLike[str], name: str) -> Path:
    if not name:
        raise ImageError("'': an empty path; name a photo")
    path = Path(os.fsdecode(source))
    try:
        status = path.stat()
    except FileNotFoundError as error:
        if path.is_symlink():
            target = one_line(os.fspath(path.readlink()))
            raise ImageError(f"{name}: broken symbolic link to {target}, which does not exist; repair or remove it") from error
        raise ImageError(f"{name}: no such file; check the path") from error
    except PermissionError as error:
        raise ImageError(f"{name}: no permission to look into its folder; change the folder's permissions") from error
    except (OSError, ValueError) as error:
        raise ImageError(f"{name}: not a usable path ({_reason(error)}); check it") from error
    if stat.S_ISDIR(status.st_mode):
        raise ImageError(f"{name}: a folder, not a photo; give the photos in it")
    if not stat.S_ISREG(status.st_mode):
        raise ImageError(f"{name}: a pipe or a device, not a file; save the photo to a file first")
    if status.st_size == 0:
        raise ImageError(f"{name}: empty file (0 bytes); copy it again")
    if status.st_size > MAX_FILE_BYTES:
        raise ImageError(f"{name}: {status.st_size:,} bytes, more than the limit of {MAX_FILE_BYTES:,}; save it smaller")
    return path


def _checked_header(stream: BinaryIO, name: str, min_side: int | None, *, color: bool) -> headers.Header:
    try:
        header = headers.read_header(stream)
    except headers.UnknownKindError as error:
        hint = "a HEIC or AVIF photo; save it as JPEG first" if str(error) else f"its content is not a photo; it must be {READABLE_KINDS}"
        raise ImageError(f"{name}: {hint}") from error
    except headers.DamagedError as error:
        raise ImageError(f"{name}: damaged: {error}; copy or save it again") from error
    width, height = header.oriented_size
    _check_size(width, height, name)
    needed = header.decoded_bytes
    if color and header.kind == "JPEG":
        needed = max(needed, 3 * header.pixels // _reduction(width, height, min_side) ** 2)
    if needed > MAX_DECODED_BYTES:
        raise ImageError(
            f"{name}: too large: {width} x {height} pixels of this {header.kind} take {needed / 1e6:,.0f} MB to decode, "
            f"the limit is {MAX_DECODED_BYTES / 1e6:,.0f} MB; save it smaller, or as a JPEG that is not progressive",
        )
    return header


def _check_size(width: int, height: int, name: str) -> None:
    if min(width, height) < MIN_SIDE:
        raise ImageError(f"{name}: too small: {width} x {height} pixels, the minimum is {MIN_SIDE} on each side; use a larger photo")
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{name}: too large: {width} x {height} = {width * height / 1e6:,.0f} million pixels, "
            f"the limit is {MAX_PIXELS / 1e6:,.0f} million; save it smaller",
        )


def _reduction(width: int, height: int, min_side: int | None) -> int:
    if min_side is None:
        return 1
    return next((by for by in REDUCTIONS if max(width, height) >= by * min_side and min(width, height) >= by * MIN_SIDE), 1)


def _decode(data: bytes, header: headers.Header, name: str, min_side: int | None, *, color: bool) -> tuple[Pixels, tuple[int, int], int]:
    width, height = header.oriented_size
    reduction = _reduction(width, height, min_side)
    jpeg = header.kind == "JPEG"
    decoded = _imdecode(data, _jpeg_flags(reduction, color=color) if jpeg else cv2.IMREAD_UNCHANGED)
    if decoded is None:
        raise ImageError(f"{name}: damaged: its pixels cannot be decoded; copy or save it again")
    if jpeg:
        return _upright(decoded, header.orientation), (width, height), reduction
    if decoded.ndim == 3:
        decoded = decoded[..., 0] if decoded.shape[2] == 1 else decoded
    if header.kind != "TIFF":  # whose orientation OpenCV applies by itself, whatever the flags
        decoded = _upright(decoded, header.orientation)
    height, width = decoded.shape[:2]
    return _to_uint8(decoded, name, reduction, color=color, bgr=True), (width, height), reduction


def _jpeg_flags(reduction: int, *, color: bool) -> int:
    grey_flags = {
        1: cv2.IMREAD_GRAYSCALE,
        2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
        4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
        8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
    }
    color_flags = {1: cv2.IMREAD_COLOR, 2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}
    return (color_flags if color else grey_flags)[reduction] | cv2.IMREAD_IGNORE_ORIENTATION


def _imdecode(data: bytes, flags: int) -> NDArray[Any] | None:
    with _quiet_opencv:
        try:
            decoded: NDArray[Any] | None = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        except (cv2.error, MemoryError):
            return None
    return decoded


def _set_log_level(level: int) -> int:
    """Set OpenCV's log level and return the one before."""
    # OpenCV 4 has the function at its top, OpenCV 5 in utils.logging.
    set_level = getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel
    return int(set_level(level))


class _QuietOpenCV:
    """Keeps OpenCV from logging what an ImageError says better; its log level is one for all threads, so they are counted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._level_before = 0

    def __enter__(self) -> None:
        with self._lock:
            if self._users == 0:
                self._level_before = _set_log_level(LOG_SILENT)
            self._users += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                _set_log_level(self._level_before)


_quiet_opencv = _QuietOpenCV()


def _upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Undo an EXIF orientation (EXIF 2.32, tag 0x0112)."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _from_array(array: NDArray[Any], name: str, min_side: int | None, *, color: bool) -> tuple[Pixels, tuple[int, int], int]:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise ImageError(f"{name}: an array of shape {array.shape} is not a photo; give (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)")
    height, width = array.shape[:2]
    if array.size == 0:
        raise ImageError(f"{name}: an empty array of shape {array.shape}; give it pixels")
    _check_size(width, height, name)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    reduction = _reduction(width, height, min_side)
    return _to_uint8(array, name, reduction, color=color, bgr=False), (width, height), reduction


def _to_uint8(array: NDArray[Any], name: str, reduction: int, *, color: bool, bgr: bool) -> Pixels:
    """Grey (H, W) or BGR (H, W, 3) pixels of an array (H, W), (H, W, 3) or (H, W, 4), reduced, in strips."""
    factor = _factor_to_255(array, name)
    # A picture that is transparent everywhere is one whose alpha was never filled in (32-bit BMP), not an invisible one.
    alpha = array.ndim == 3 and array.shape[2] == 4 and bool(array[..., 3].any())
    white = 255.0 / factor
    height, width = (side // reduction * reduction for side in array.shape[:2])
    rows = max(reduction, STRIP_PIXELS // width // reduction * reduction)
    result = np.empty((height // reduction, width // reduction, *([3] if color else [])), np.uint8)
    for top in range(0, height, rows):
        strip: NDArray[Any] = array[top : min(top + rows, height), :width]
        if alpha:
            opacity = strip[..., 3:].astype(np.float32) / np.float32(_alpha_range(array.dtype))
            strip = strip[..., :3] * opacity + np.float32(white) * (1 - opacity)
        elif strip.ndim == 3:
            strip = strip[..., :3]
        if strip.dtype != np.uint8 or factor != 1.0:
            strip = np.rint(strip * np.float32(factor)).clip(0, 255).astype(np.uint8)
        strip = _to_channels(np.ascontiguousarray(strip), color=color, bgr=bgr)
        if reduction > 1:
            strip = cv2.resize(strip, (width // reduction, strip.shape[0] // reduction), interpolation=cv2.INTER_AREA)
        result[top // reduction : top // reduction + strip.shape[0]] = strip
    return result


def _to_channels(strip: NDArray[Any], *, color: bool, bgr: bool) -> NDArray[Any]:
    if strip.ndim == 2:
        return cv2.cvtColor(strip, cv2.COLOR_GRAY2BGR) if color else strip
    if color:
        return strip if bgr else cv2.cvtColor(strip, cv2.COLOR_RGB2BGR)
    return cv2.cvtColor(strip, cv2.COLOR_BGR2GRAY if bgr else cv2.COLOR_RGB2GRAY)


def _alpha_range(dtype: np.dtype[Any]) -> float:
    return float(np.iinfo(dtype).max) if dtype.kind == "u" else 1.0


def _factor_to_255(array: NDArray[Any], name: str) -> float:
    if array.dtype == np.uint8:
        return 1.0
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:
        # Cameras keep 10, 12 or 14 bits in 16; scaled by 65535 such a photo would be black.
        channels = array[..., :3] if array.ndim == 3 else array
        bits = max(8, int(channels.max()).bit_length())
        return 255.0 / ((1 << bits + bits % 2) - 1)
    if array.dtype.kind == "f":
        low, high = float(array.min()), float(array.max())  # NaN anywhere makes both NaN
        if not (np.isfinite(low) and np.isfinite(high)):
            raise ImageError(f"{name}: its pixels hold NaN or infinite values; replace them first")
        if low < 0 or high > 1:
            raise ImageError(f"{name}: float pixels must be in 0..1, these are in {low:g}..{high:g}; scale them, or convert to uint8")
        return 255.0
    raise ImageError(f"{name}: pixels of type {array.dtype} are not read; convert them to uint8, uint16 or float in 0..1")
