"""Photos in, pixels out: files, bytes, open files, arrays and Pillow images, or one ImageError.

Nothing here writes to standard error, changes a setting of another library or keeps a file open.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from clockread.errors import ImageError, one_line, reason_of
from clockread.file_access import OpenFile, open_photo, read_all, without_pipe
from clockread.image_files import (
    Decoded,
    Decoding,
    count_frames,
    decode_file,
    decode_image,
    open_frames,
    size_in_header,
)
from clockread.pixels import MAX_PIXELS, Pixels, check_size, reduced, reduction_for, scale_of

DECODE_MIN_SIDE = 2048  # pixels that the long side of a photo keeps if it is decoded reduced


@runtime_checkable
class ArrayLike(Protocol):
    """An object that numpy can take as an array, such as a tensor of another library."""

    def __array__(self) -> NDArray[Any]:
        """Return its values."""


@dataclass(frozen=True)
class Photo:
    """A decoded photo.

    Decoded pixel ``i`` covers the full-size pixels ``scale * i`` to ``scale * (i + 1)``, in both
    directions.
    """

    name: str
    """The path, or ``<bytes>``, ``<array>``, ``<image>``, ``<file>`` or ``-``."""
    pixels: Pixels
    """Grey pixels (H, W) uint8, upright by EXIF."""
    width: int
    """Pixels of the upright photo at full size."""
    height: int
    """As `width`."""
    scale: float
    """Full-size pixels per decoded pixel: 1, 2, 4 or 8."""
    source: ImageSource | None = field(default=None, repr=False, compare=False)
    """The source from which the photo can be decoded again."""
    min_side: int | None = DECODE_MIN_SIDE
    """The `min_side` it was decoded with."""
    lenient: bool = False
    """The `lenient` it was decoded with."""
    notes: tuple[str, ...] = ()
    """Remarks about the photo, one line each."""

    def in_color(self) -> Pixels | None:
        """Decode the photo again, to BGR (H, W, 3) at the same size; None if not possible."""
        if self.source is None:
            return None
        try:
            color = load_color(self, name=self.name)
        except ImageError:  # changed or gone since, or more than memory allows in color
            return None
        return color if color.shape[:2] == self.pixels.shape else None


ImageSource: TypeAlias = (
    str
    | os.PathLike[str]
    | bytes
    | bytearray
    | memoryview
    | NDArray[Any]
    | Image.Image
    | OpenFile
    | ArrayLike
    | Photo
)


def load_photo(
    source: ImageSource,
    *,
    name: str | None = None,
    min_side: int | None = DECODE_MIN_SIDE,
    lenient: bool = False,
) -> Photo:
    """Decode a photo to grey, upright, reduced by 2, 4 or 8 if ``min_side`` pixels are left.

    Args:
        source: a path; the bytes of an encoded photo, or a file open for reading them; an image of
            Pillow; an array, or an object that numpy can take as one, (H, W), (H, W, 1), (H, W, 3)
            RGB or (H, W, 4) RGBA, of bool, whole numbers in 0..255 or 0..65535, or floats in 0..1.
            Values of more than 8 bits are scaled by the range they use (8, 10, 12, 14 or 16 bits).
            Transparent parts become white, or black if the rest is white. Of an animation or a file
            with several pages, the first is decoded. A `Photo` is returned unchanged.
        name: name of the photo in messages and results; by default the path, ``<bytes>``,
            ``<array>``, ``<image>`` or ``<file>``.
        min_side: pixels that the long side keeps, 2048 by default; None decodes at full size.
        lenient: whether a photo that is cut off is decoded as far as it goes.

    Returns:
        The decoded photo.

    Raises:
        ImageError: if the photo cannot be read; one line: the photo, the problem, the remedy.

    """
    if isinstance(source, Photo):
        return source
    name = name_of(source) if name is None else name
    source = _lasting(source, one_line(name))
    decoded = _load(source, one_line(name), Decoding(min_side, lenient=lenient))
    scale = float(decoded.reduction)
    return Photo(
        name, decoded.pixels, *decoded.size, scale, source, min_side, lenient, decoded.notes
    )


def load_color(
    source: ImageSource,
    *,
    name: str | None = None,
    min_side: int | None = None,
    lenient: bool = False,
) -> Pixels:
    """Decode a photo to BGR uint8 (H, W, 3), upright, by default at full size.

    Args:
        source: as in `load_photo`.
        name: as in `load_photo`.
        min_side: pixels; the photo is reduced exactly as by `load_photo`. With None it has its full
            size, and photos that need more than 400 MB are refused.
        lenient: as in `load_photo`.

    Returns:
        The pixels.

    Raises:
        ImageError: as in `load_photo`.

    """
    name = one_line(name_of(source) if name is None else name)
    if isinstance(source, Photo):
        photo = source
        if photo.source is None:
            problem = "a photo without its source, which cannot be decoded in color"
            raise ImageError(f"{name}: {problem}; give the source itself")
        source, min_side, lenient = photo.source, photo.min_side, photo.lenient
    how = Decoding(min_side, color=True, lenient=lenient)
    return _load(_lasting(source, name), name, how).pixels


def load_frames(
    source: str | os.PathLike[str] | bytes,
    *,
    name: str | None = None,
    min_side: int | None = DECODE_MIN_SIDE,
    max_pixels: int = MAX_PIXELS,
    lenient: bool = False,
) -> Iterator[Photo]:
    """Decode the frames of an animation, or the pages of a file, one after the other.

    Args:
        source: a path, or the bytes of an encoded photo.
        name: as in `load_photo`.
        min_side: as in `load_photo`.
        max_pixels: pixels of a frame, by its header, beyond which it is refused.
        lenient: whether a file that is cut off is read as far as it goes: the frames before its
            end, and the pixels of the last that are there.

    Yields:
        A photo per frame, whose name ends in "#" and a number from 1; of a file with one frame, one
        photo without a number.

    Raises:
        ImageError: as in `load_photo`; also after frames that were read, if a later one is damaged
            or too large.

    """
    name = name_of(source) if name is None else name
    shown = one_line(name)
    source = without_pipe(source, shown)
    with open_photo(source, shown) as file:
        count = count_frames(file, shown, lenient=lenient)
        if count == 1:
            check_size(*size_in_header(file, shown), shown, max_pixels)
            yield load_photo(source, name=name, min_side=min_side, lenient=lenient)
            return
        frames = open_frames(file, shown, max_pixels, lenient=lenient)
        for i, (frame, notes) in enumerate(frames, start=1):
            photo = load_photo(frame, name=f"{name}#{i}", min_side=min_side)
            yield replace(photo, notes=notes)


def frames_of(
    source: str | os.PathLike[str] | bytes, *, name: str | None = None, lenient: bool = False
) -> int:
    """Return how many frames or pages a photo has, at least 1; errors as in `load_photo`.

    With ``lenient``, of a file that is cut off, those that are there in part or whole.
    """
    name = one_line(name_of(source) if name is None else name)
    with open_photo(source, name) as file:
        return count_frames(file, name, lenient=lenient)


def size_of(source: str | os.PathLike[str] | bytes, *, name: str | None = None) -> tuple[int, int]:
    """Return the width and height of an encoded photo, pixels, before its rotation by EXIF.

    Only the header is read; errors as in `load_photo`.
    """
    name = one_line(name_of(source) if name is None else name)
    with open_photo(source, name) as file:
        return size_in_header(file, name)


def name_of(source: object) -> str:
    """Return the name of a photo in messages: its path, or "<bytes>", "<array>" and the like."""
    if isinstance(source, Photo):
        return source.name
    if isinstance(source, bytes | bytearray | memoryview):
        return "<bytes>"
    if isinstance(source, Image.Image):
        return str(getattr(source, "filename", "")) or "<image>"
    if isinstance(source, str | os.PathLike):
        return os.fsdecode(source)
    if isinstance(source, OpenFile):
        named = getattr(source, "name", None)
        return named if isinstance(named, str) and named else "<file>"
    return "<array>" if isinstance(source, ArrayLike) else f"<{type(source).__name__}>"


def is_one_image(images: object) -> bool:
    """Return whether something that can be iterated over is one image, not several."""
    if isinstance(
        images, str | bytes | bytearray | memoryview | os.PathLike | OpenFile | Image.Image | Photo
    ):
        return True
    return isinstance(images, ArrayLike) and len(np.shape(images)) < 4


def _lasting(source: ImageSource, name: str) -> ImageSource:
    """Return a source that can be decoded repeatedly: the bytes of an open file or of a pipe."""
    if isinstance(source, Image.Image | Photo):
        return source
    if isinstance(source, OpenFile):
        return read_all(source, name)
    if isinstance(source, str | os.PathLike):
        return without_pipe(source, name)
    return source


def _load(source: ImageSource, name: str, how: Decoding) -> Decoded:
    if isinstance(source, Image.Image):
        return decode_image(source, name, how)
    if isinstance(source, bytes | bytearray | memoryview | str | os.PathLike):
        with open_photo(source, name) as file:
            return decode_file(file, name, how)
    if isinstance(source, np.ndarray):
        return _from_array(source, name, how)
    if isinstance(source, ArrayLike):
        try:
            array = np.asarray(source)
        except Exception as error:  # such as of a tensor that is not in the main memory
            problem = f"a {type(source).__name__} that is no array ({reason_of(error)})"
            raise ImageError(f"{name}: {problem}; convert it to a numpy array") from error
        return _from_array(array, name, how)
    raise ImageError(
        f"{name}: not a photo; give a path, the bytes of a photo, an open file, a Pillow image "
        "or a numpy array"
    )


def _from_array(array: NDArray[Any], name: str, how: Decoding) -> Decoded:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        remedy = "give (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)"
        raise ImageError(f"{name}: an array of shape {array.shape} is not a photo; {remedy}")
    if array.size == 0:
        raise ImageError(f"{name}: an empty array of shape {array.shape}; give it pixels")
    height, width = array.shape[:2]
    check_size(width, height, name)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    size, scale, upright = (width, height), scale_of(array, name), 1  # EXIF orientation
    reduction = reduction_for(size, how.min_side)

    def rows(top: int, bottom: int) -> NDArray[Any]:
        return array[top:bottom]

    pixels = reduced(rows, size, scale, reduction, upright, color=how.color)
    if np.may_share_memory(pixels, array):  # which the caller may change
        pixels = pixels.copy()
    return Decoded(pixels, size, reduction)
