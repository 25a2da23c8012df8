"""Photos in, pixels out: files, bytes, open files, arrays and Pillow images of any size, or one clear ImageError.

Nothing here writes to standard error, changes a setting of another library or keeps a file open.
"""

from __future__ import annotations

import io
import os
import select
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from clockread.errors import ImageError, one_line
from clockread.image_files import (
    Decoded,
    Decoding,
    count_frames,
    decode_file,
    decode_image,
    open_frames,
)
from clockread.pixels import Pixels, check_size, reduced, reduction_for, scale_of

DECODE_MIN_SIDE = (
    2048  # pixels; a photo is decoded reduced only while its long side keeps at least this many
)
MAX_FILE_BYTES = 500_000_000
READ_SIZE = 1 << 20  # bytes that are asked for at once from an open file or a pipe
PIPE_WAIT = 30.0  # seconds that a pipe may stay silent


@runtime_checkable
class OpenFile(Protocol):
    """A file that is open for reading bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes."""


@runtime_checkable
class ArrayLike(Protocol):
    """What numpy can take as an array, such as a tensor of another library."""

    def __array__(self) -> NDArray[Any]:
        """Return its values."""


@dataclass(frozen=True)
class Photo:
    """A decoded photo.

    Decoded pixel ``i`` covers the full-size pixels ``scale * i`` to ``scale * (i + 1)``, in both directions.
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
        """Return the photo decoded again to BGR (H, W, 3) at the same size, or None if that is not possible."""
        if self.source is None:
            return None
        try:
            color = load_color(
                self.source, name=self.name, min_side=self.min_side, lenient=self.lenient
            )
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
    """Decode a photo to grey, upright, and reduced by 2, 4 or 8 while its long side keeps ``min_side`` pixels.

    Args:
        source: a path; the bytes of an encoded photo, or a file open for reading them; an image of Pillow; an array, or an object
            that numpy can take as one, (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA, of bool, whole numbers in 0..255 or 0..65535,
            or floats in 0..1. Values of more than 8 bits are scaled by the range they use (8, 10, 12, 14 or 16 bits). Transparent
            parts become white, or black if the rest is white. Of an animation or a file with several pages, the first is decoded.
            A `Photo` is returned unchanged.
        name: name of the photo in messages and results; by default the path, ``<bytes>``, ``<array>``, ``<image>`` or
            ``<file>``.
        min_side: pixels, 2048 by default; None decodes at full size.
        lenient: whether a photo that is cut off is decoded as far as it goes.

    Returns:
        The decoded photo.

    Raises:
        ImageError: if the photo cannot be read; one line with the photo, the problem and the remedy.

    """
    if isinstance(source, Photo):
        return source
    name = name_of(source) if name is None else name
    source = _lasting(source, one_line(name))
    decoded = _load(source, one_line(name), Decoding(min_side, lenient=lenient))
    return Photo(
        name,
        decoded.pixels,
        *decoded.size,
        float(decoded.reduction),
        source,
        min_side,
        lenient,
        decoded.notes,
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
        min_side: pixels; the photo is reduced exactly as `load_photo` reduces it. With None it has its full size, and photos that
            need more than 400 MB are refused.
        lenient: as in `load_photo`.

    Returns:
        The pixels.

    Raises:
        ImageError: as in `load_photo`.

    """
    name = one_line(name_of(source) if name is None else name)
    if isinstance(source, Photo):
        if source.source is None:
            raise ImageError(
                f"{name}: a photo without its source, which cannot be decoded in color; give the source itself"
            )
        return load_color(
            source.source, name=name, min_side=source.min_side, lenient=source.lenient
        )
    return _load(
        _lasting(source, name), name, Decoding(min_side, color=True, lenient=lenient)
    ).pixels


def load_frames(
    source: str | os.PathLike[str] | bytes,
    *,
    name: str | None = None,
    min_side: int | None = DECODE_MIN_SIDE,
) -> Iterator[Photo]:
    """Decode the frames of an animation, or the pages of a file, one after the other.

    Args:
        source: a path, or the bytes of an encoded photo.
        name: as in `load_photo`.
        min_side: as in `load_photo`.

    Yields:
        A photo per frame, whose name ends in "#" and a number from 1; of a file with one frame, one photo without a number.

    Raises:
        ImageError: as in `load_photo`, also after frames that were read, if a later one is damaged.

    """
    name = name_of(source) if name is None else name
    with _opened(source, one_line(name)) as file:
        count = count_frames(file, one_line(name))
        if count == 1:
            yield load_photo(source, name=name, min_side=min_side)
            return
        for i, frame in enumerate(open_frames(file, one_line(name)), start=1):
            yield load_photo(frame, name=f"{name}#{i}", min_side=min_side)


def frames_of(source: str | os.PathLike[str] | bytes, *, name: str | None = None) -> int:
    """Return how many frames or pages a photo has, at least 1; errors as in `load_photo`."""
    name = one_line(name_of(source) if name is None else name)
    with _opened(source, name) as file:
        return count_frames(file, name)


def name_of(source: object) -> str:
    """Return what stands for a photo in messages and results: its path, "<bytes>", "<array>", "<image>" or "<file>"."""
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
    """Return a source that can be decoded more than once: the bytes of an open file or of a pipe."""
    if isinstance(source, Image.Image | Photo):
        return source
    if isinstance(source, OpenFile):
        return read_all(source, name)
    if isinstance(source, str | os.PathLike) and _is_pipe(source):
        return _read_pipe(Path(os.fsdecode(source)), name)
    return source


def _load(source: ImageSource, name: str, how: Decoding) -> Decoded:
    if isinstance(source, Image.Image):
        return decode_image(source, name, how)
    if isinstance(source, bytes | bytearray | memoryview | str | os.PathLike):
        with _opened(source, name) as file:
            return decode_file(file, name, how)
    if isinstance(source, np.ndarray):
        return _from_array(source, name, how)
    if isinstance(source, ArrayLike):
        try:
            array = np.asarray(source)
        except Exception as error:  # such as of a tensor that is not in the main memory
            reason = one_line(str(error), 120)
            raise ImageError(
                f"{name}: a {type(source).__name__} that is no array ({reason}); convert it to a numpy array"
            ) from error
        return _from_array(array, name, how)
    raise ImageError(
        f"{name}: not a photo; give a path, the bytes of a photo, an open file, a Pillow image or a numpy array"
    )


def _opened(source: str | os.PathLike[str] | bytes | bytearray | memoryview, name: str) -> BinaryIO:
    """Open encoded photos for reading."""
    if isinstance(source, bytes | bytearray | memoryview):
        if not len(source):
            raise ImageError(f"{name}: empty (0 bytes); give it a photo")
        return io.BytesIO(source)
    path = _checked_file(source, name)
    try:
        return path.open("rb")
    except PermissionError as error:
        raise ImageError(
            f"{name}: no permission to read this file; change its permissions"
        ) from error
    except OSError as error:
        raise ImageError(
            f"{name}: cannot be read ({_reason(error)}); check the disk and copy it again"
        ) from error


def _checked_file(source: str | os.PathLike[str], name: str) -> Path:
    if not name:
        raise ImageError("'': an empty path; name a photo")
    path = Path(os.fsdecode(source))
    try:
        status = path.stat()
    except FileNotFoundError as error:
        if path.is_symlink():
            target = one_line(os.fspath(path.readlink()))
            raise ImageError(
                f"{name}: broken symbolic link to {target}, which does not exist; repair or remove it"
            ) from error
        raise ImageError(f"{name}: no such file; check the path") from error
    except PermissionError as error:
        raise ImageError(
            f"{name}: no permission to look into its folder; change the folder's permissions"
        ) from error
    except (OSError, ValueError) as error:
        raise ImageError(f"{name}: not a usable path ({_reason(error)}); check it") from error
    if stat.S_ISDIR(status.st_mode):
        raise ImageError(f"{name}: a folder, not a photo; give the photos in it")
    if not stat.S_ISREG(status.st_mode):
        raise ImageError(
            f"{name}: a device or a socket, not a file; save the photo to a file first"
        )
    if status.st_size == 0:
        raise ImageError(f"{name}: empty file (0 bytes); copy it again")
    if status.st_size > MAX_FILE_BYTES:
        raise ImageError(
            f"{name}: {status.st_size:,} bytes, more than the limit of {MAX_FILE_BYTES:,}; save it smaller"
        )
    return path


def _is_pipe(source: str | os.PathLike[str]) -> bool:
    try:
        return stat.S_ISFIFO(Path(os.fsdecode(source)).stat().st_mode)
    except (OSError, ValueError):
        return False


def _read_pipe(path: Path, name: str) -> bytes:
    """Read a named pipe, such as /dev/stdin or that of a shell's ``<(command)``, to its end; one that stays silent is an error."""
    try:
        with io.FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK)) as pipe:
            return read_all(_PatientPipe(pipe, name), name)
    except OSError as error:
        raise ImageError(
            f"{name}: this pipe cannot be read ({_reason(error)}); save the photo to a file first"
        ) from error


class _PatientPipe:
    """A pipe whose reads wait for data, but not forever."""

    def __init__(self, pipe: io.FileIO, name: str) -> None:
        self._pipe, self._name = pipe, name

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes, b"" at the end."""
        if not select.select([self._pipe], [], [], PIPE_WAIT)[0]:
            raise ImageError(
                f"{self._name}: a pipe into which nothing was written for {PIPE_WAIT:g} seconds; write a photo into it"
            )
        return self._pipe.read(size) or b""


def read_all(file: OpenFile, name: str) -> bytes:
    """Read an open file from where it stands, piece by piece: a single request is met with memory for all of it."""
    chunks, total = [], 0
    try:
        while chunk := file.read(READ_SIZE):
            if not isinstance(chunk, bytes | bytearray | memoryview):
                raise ImageError(
                    f'{name}: its read() gives {type(chunk).__name__}, not bytes; open it for reading bytes, as with mode "rb"'
                )
            chunks.append(chunk)
            total += len(chunk)
            if total > MAX_FILE_BYTES:
                raise ImageError(
                    f"{name}: more bytes than the limit of {MAX_FILE_BYTES:,}; send a smaller photo"
                )
    except (OSError, ValueError) as error:  # closed, or open for writing
        if isinstance(error, ImageError):
            raise
        raise ImageError(
            f"{name}: this file cannot be read ({one_line(str(error), 120)}); open it for reading bytes"
        ) from error
    return b"".join(chunks)


def _from_array(array: NDArray[Any], name: str, how: Decoding) -> Decoded:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise ImageError(
            f"{name}: an array of shape {array.shape} is not a photo; give (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)"
        )
    if array.size == 0:
        raise ImageError(f"{name}: an empty array of shape {array.shape}; give it pixels")
    height, width = array.shape[:2]
    check_size(width, height, name)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    reduction = reduction_for((width, height), how.min_side)
    upright = 1  # EXIF orientation
    pixels = reduced(
        lambda top, bottom: array[top:bottom],
        (width, height),
        scale_of(array, name),
        reduction,
        upright,
        color=how.color,
    )
    # The photo keeps its pixels when the caller changes the array.
    return Decoded(
        pixels.copy() if np.may_share_memory(pixels, array) else pixels, (width, height), reduction
    )


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
