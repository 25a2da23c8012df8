"""Decoding of photos by Pillow: a fixed list of formats, within limits, whole, or one ImageError.

Pillow knows the size before it decodes a pixel, so that a photo is refused, with the limit in the
message, or decoded at a size that the reader can use. Its plugins are called directly rather than
through `Image.open`, whose pixel limit is one global variable of the process, and which imports
every plugin for a file that is not a JPEG.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageFile, _imaging

from clockread.errors import ImageError, ImageTooLargeError, reason_of
from clockread.image_formats import (
    FURTHER_DAMAGED,
    frame_count,
    frame_note,
    has_frame,
    open_header,
)
from clockread.opencv import cv2
from clockread.pixels import (
    EXIF_ORIENTATION,
    MAX_PIXELS,
    Pixels,
    array_for,
    check_size,
    image_pixels,
    orientation_of,
    reduced,
    reduction_for,
    scale_of,
    upright,
)

MAX_DECODED_BYTES = 400_000_000  # of memory, for photos decoded at full size: all but JPEG
# Maximum bytes of memory per byte of a file: a flat picture as PNG reaches 1,000, with one bit
# per pixel 8,000. More is a decompression bomb.
MEMORY_PER_FILE_BYTE = 8300
ALWAYS_ALLOWED_MEMORY = 64_000_000  # bytes, whatever the file's size
ROWS_PER_STRIP = 278  # tag of TIFF 6.0
TAIL_BYTES = 64  # at a file's end, where its end marker is looked for first

# Bytes per pixel of Pillow's modes; 4 for all others.
STORED_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}
# Further bytes per pixel that decoding takes at its peak, measured with 21 million pixels.
DECODER_BYTES = {"WEBP": 12, "JPEG2000": 16, "AVIF": 6, "HEIF": 4, "GIF": 4}
DEEP_BYTES = 12  # the same for colors of 16 bits, which OpenCV decodes a second time

# Formats whose frames are decoded each by itself; others are drawn on the frame before.
SEPARATE = frozenset(("TIFF", "WEBP", "AVIF"))

# The remedy names the option as the command line, HTTP and Python have it in common.
READ_IN_PART = "or read what is there with the option lenient"

JPEG_END, PNG_END = b"\xff\xd9", b"IEND"
# Bytes that continue a scan that is cut off, in two ways; after a whole scan they are ignored.
JPEG_FILLERS = (bytes(range(1, 255)) * 4, bytes(range(254, 0, -1)) * 4)


@dataclass(frozen=True)
class Decoding:
    """How a photo is decoded."""

    min_side: int | None  # pixels that the long side keeps at least; None: never reduced
    color: bool = False  # to BGR instead of grey
    lenient: bool = False  # whether a photo that is cut off gives the pixels that are there


@dataclass(frozen=True)
class Decoded:
    """A decoded photo."""

    pixels: Pixels  # grey (H, W) or BGR (H, W, 3), upright
    size: tuple[int, int]  # (width, height) of the upright photo at its full size, pixels
    reduction: int  # full-size pixels per decoded pixel
    notes: tuple[str, ...] = ()  # what a person should know of it, a line each


def decode_file(file: BinaryIO, name: str, how: Decoding) -> Decoded:
    """Decode the photo in a seekable binary file; of an animation or several pages, the first.

    Raises:
        ImageError: not a whole photo of a supported format within the limits; names ``name``.
    """
    with _one_error(name, "its content cannot be decoded"):
        opened = open_header(file, name)
        scan = file.tell()  # of a JPEG: Pillow has read all before it, such as a thumbnail
        _check_memory(opened, file, name, how)
        image: Image.Image = opened
        array: Pixels | None = None
        size, reduction = image.size, reduction_for(image.size, how.min_side)
        notes, deep = frame_note(image), _is_deep(image)
        if image.format in ("JPEG", "MPO"):
            image, array, found = _load_jpeg(image, file, scan, name, how, reduction)
        else:
            found = _load(image, file, name, how)
        if deep:
            pixels, orientation = _decode_deep(image, file, name, reduction, how)
        else:
            orientation = orientation_of(image)
            left = reduction if image.size == size else 1  # a JPEG is reduced by now
            pixels = image_pixels(image, name, left, orientation, color=how.color, array=array)
    return Decoded(
        upright(pixels, orientation),
        size[::-1] if orientation >= 5 else size,
        reduction,
        (*notes, *found),
    )


def decode_image(image: Image.Image, name: str, how: Decoding) -> Decoded:
    """Decode an image that Pillow has opened, of any mode; errors as in `decode_file`."""
    with _one_error(name, "its pixels cannot be converted"):
        check_size(*image.size, name)
        image.load()
        size, orientation = image.size, orientation_of(image)
        reduction = reduction_for(size, how.min_side)
        pixels = image_pixels(image, name, reduction, orientation, color=how.color)
        pixels = upright(pixels, orientation)
    return Decoded(pixels, size[::-1] if orientation >= 5 else size, reduction)


def open_frames(
    file: BinaryIO, name: str, max_pixels: int, *, lenient: bool = False
) -> Iterator[tuple[Image.Image, tuple[str, ...]]]:
    """Yield each frame of an animation, or page of a file, and notes on it.

    Each is checked before it is decoded, because pages differ in size and kind. With ``lenient``, a
    frame that is cut off is decoded as far as it goes.

    Raises:
        ImageError: as in `decode_file`, or for a frame of more than ``max_pixels``; also after
            frames that were read.
    """
    how = Decoding(None, color=True, lenient=lenient)
    with _one_error(name, "its frames cannot be decoded"):
        image = open_header(file, name)
        _check_memory(image, file, name, how, max_pixels)
        count = frame_count(image, lenient=lenient)
    for i in range(count):
        numbered = f"{name}#{i + 1}" if count > 1 else name
        with _one_error(name, f"frame {i + 1} of {count} cannot be decoded"):
            image.seek(i)
            _check_memory(image, file, numbered, how, max_pixels)
            orientation = orientation_of(image)
            if image.format in SEPARATE:
                image._im = None  # noqa: SLF001  # else it has the rest of the page before it
            notes = _load_pixels(image, numbered, how)
            frame = image.copy()
            last = lenient and i + 1 < count and not has_frame(image, i + 1)
        if orientation > 1:  # a copy keeps it for the first frame only
            frame.getexif()[EXIF_ORIENTATION] = orientation
        yield frame, (*notes, FURTHER_DAMAGED) if last else notes
        if last:
            return


def count_frames(file: BinaryIO, name: str, *, lenient: bool = False) -> int:
    """Return the number of frames or pages in a seekable binary file; raise as `decode_file`.

    With ``lenient``, those before a damage are counted.
    """
    with _one_error(name, "its frames cannot be counted"):
        return frame_count(open_header(file, name), lenient=lenient)


def size_in_header(file: BinaryIO, name: str) -> tuple[int, int]:
    """Return the width and height, pixels, that a file's header states; raise as `decode_file`."""
    with _one_error(name, "its header cannot be read"):
        return open_header(file, name).size


def silence_decoders() -> None:
    """Keep Pillow and libtiff from printing about damaged files, in this whole process.

    For programs that own their standard error; an ImageError reports the problem in one line.
    Pillow does not set the one error handler of libtiff, so it is set here by its name
    (TIFFSetErrorHandler, libtiff's manual); without libtiff nothing happens.
    """
    warnings.filterwarnings("ignore", module=r"PIL\.")
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    with contextlib.suppress(OSError, AttributeError, TypeError):
        set_handler = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
        set_handler.argtypes, set_handler.restype = [ctypes.c_void_p], ctypes.c_void_p
        set_handler(None)


@contextlib.contextmanager
def _one_error(name: str, problem: str) -> Iterator[None]:
    """Turn the many errors that Pillow's plugins raise for damaged files into an ImageError."""
    try:
        yield
    except (ImageError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise ImageTooLargeError(
            f"{name}: too large: more pixels than the {2 * (Image.MAX_IMAGE_PIXELS or 0):,} "
            "of this format; save it smaller"
        ) from error
    except Exception as error:
        raise ImageError(
            f"{name}: damaged: {problem} ({reason_of(error)}); copy or save it again"
        ) from error


def _check_memory(
    image: ImageFile.ImageFile,
    file: BinaryIO,
    name: str,
    how: Decoding,
    max_pixels: int = MAX_PIXELS,
) -> None:
    """Raise ImageError for a photo that is too small or too large, before decoding a pixel."""
    (width, height), kind = image.size, image.format or ""
    check_size(width, height, name, max_pixels)
    pixels = width * height
    if kind in ("JPEG", "MPO"):
        by = reduction_for(image.size, how.min_side)
        needed = pixels * (
            (4 if how.color else 1) / by**2
            + (_coefficient_bytes(image) if image.info.get("progressive") else 0)
        )
        remedy = "save it smaller, or as a JPEG that is not progressive"
    else:
        needed = pixels * (
            STORED_BYTES.get(image.mode, 4)
            + (DEEP_BYTES if _is_deep(image) else DECODER_BYTES.get(kind, 0))
        )
        if kind == "TIFF":  # decoded strip by strip
            needed += (
                4 * width * min(height, int(getattr(image, "tag_v2", {}).get(ROWS_PER_STRIP, 1)))
            )
        remedy = "save it smaller, or as JPEG"
    if needed > MAX_DECODED_BYTES:
        raise ImageTooLargeError(
            f"{name}: too large: {width} x {height} pixels of this {kind} take "
            f"{needed / 1e6:,.0f} MB to decode, "
            f"the limit is {MAX_DECODED_BYTES / 1e6:,.0f} MB; {remedy}"
        )
    position = file.tell()
    bytes_in_file = file.seek(0, io.SEEK_END)
    file.seek(position)
    if kind not in ("JPEG", "MPO") and needed > max(
        ALWAYS_ALLOWED_MEMORY, MEMORY_PER_FILE_BYTE * bytes_in_file
    ):
        raise ImageError(
            f"{name}: damaged or a decompression bomb: {width} x {height} pixels in "
            f"{bytes_in_file:,} bytes; copy or save it again"
        )


def _coefficient_bytes(image: ImageFile.ImageFile) -> float:
    """Return the bytes per pixel that a progressive JPEG keeps to its last scan: 2 per coefficient.

    They do not depend on the size at which it is decoded.
    """
    areas = [
        horizontal * vertical for _, horizontal, vertical, _ in getattr(image, "layer", [])
    ] or [1]
    return float(2 * sum(areas) / max(*areas, 1))


def _load_jpeg(
    image: Image.Image, file: BinaryIO, scan: int, name: str, how: Decoding, reduction: int
) -> tuple[Image.Image, Pixels | None, tuple[str, ...]]:
    """Decode a JPEG; as in viewers, it is whole if its pixels are, also without an end marker."""
    mode = "RGB" if how.color else "L"
    target = image.size[0] // reduction, image.size[1] // reduction
    image.draft(mode, target)
    array = array_for(image)
    if _contains(file, JPEG_END, scan):
        try:
            image.load()
        except OSError:
            pass  # it was the end marker of something else
        else:
            return image, array, ()
    file.seek(0)
    data = file.read()
    rest = [b""]
    # Filled up with zeros by a recovery program or a broken download.
    if data.endswith(bytes(TAIL_BYTES)):
        data = data.rstrip(b"\0")
        if data.endswith(b"\xff"):  # a byte of pixels that is 0xFF is followed by zero
            data += b"\0"
        rest = [bytes(n) for n in range(3)]  # the pixels' last bytes may have been zero
    data = data.removesuffix(JPEG_END[:1])

    def ended(more: bytes) -> Image.Image:
        again = open_header(io.BytesIO(data + more + JPEG_END), name)
        again.draft(mode, target)
        again.load()
        return again

    # A scan that is cut off continues with the bytes that follow, so that they change its pixels. A
    # whole scan ignores them.
    for zeros in rest:
        whole = ended(zeros)
        if all(
            np.array_equal(np.asarray(whole), np.asarray(ended(zeros + filler)))
            for filler in JPEG_FILLERS
        ):
            return whole, None, ("its end marker is missing, its pixels are complete",)
    if not how.lenient:
        raise ImageError(
            f"{name}: damaged: it is cut off before its end; copy it again, {READ_IN_PART}"
        )
    return ended(b""), None, ("cut off: only a part of its pixels could be decoded",)


def _load(image: Image.Image, file: BinaryIO, name: str, how: Decoding) -> tuple[str, ...]:
    """Decode a photo of another format; return notes on it."""
    if notes := _load_pixels(image, name, how):
        return notes
    if image.format == "PNG" and not _contains(file, PNG_END, 0):
        return ("its end marker (IEND) is missing, its pixels are complete",)
    return ()


def _load_pixels(image: Image.Image, name: str, how: Decoding) -> tuple[str, ...]:
    try:
        image.load()
    except (MemoryError, Image.DecompressionBombError):
        raise
    except Exception as error:
        if (
            how.lenient
            and isinstance(image, ImageFile.ImageFile)
            and getattr(image, "_im", None) is not None
        ):
            image.tile = []  # nothing is left to decode: the pixels so far count
            _complete(image)
            return ("cut off or damaged: only a part of its pixels could be decoded",)
        problem = (
            "it is cut off before its end"
            if "truncated" in str(error)
            else f"its pixels cannot be decoded ({reason_of(error)})"
        )
        raise ImageError(f"{name}: damaged: {problem}; copy it again, {READ_IN_PART}") from error
    return ()


def _complete(image: ImageFile.ImageFile) -> None:
    """Do what Pillow does after decoding: put a frame on that before it, turn a TIFF upright."""
    try:
        image.load_end()
    except Exception:  # of what follows the pixels
        if image.tell():
            raise


def _contains(file: BinaryIO, marker: bytes, start: int) -> bool:
    """Return whether a file contains a marker after ``start``; usually it is at the end."""
    end = file.seek(0, io.SEEK_END)
    file.seek(max(start, end - TAIL_BYTES))
    if marker in file.read():
        return True
    file.seek(start)
    return marker in file.read()


def _is_deep(image: Image.Image) -> bool:
    """Return whether a photo has 16-bit colors, of which Pillow keeps 8: too few if 10 are used."""
    tiles = getattr(image, "tile", [])
    return image.mode in ("RGB", "RGBA", "LA") and bool(tiles) and ";16" in str(tiles[0][3])


def _decode_deep(
    image: Image.Image, file: BinaryIO, name: str, reduction: int, how: Decoding
) -> tuple[Pixels, int]:
    """Decode a whole photo of 16-bit colors by OpenCV; return pixels and orientation."""
    file.seek(0)
    array = cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_UNCHANGED)
    if array is None:
        raise ImageError(f"{name}: damaged: its pixels cannot be decoded; copy or save it again")
    orientation = orientation_of(image)  # OpenCV turns a TIFF, as Pillow does
    size, scale = (array.shape[1], array.shape[0]), scale_of(array, name)
    pixels = reduced(
        lambda top, bottom: array[top:bottom],
        size,
        scale,
        reduction,
        orientation,
        color=how.color,
        bgr=True,
    )
    return pixels, orientation
