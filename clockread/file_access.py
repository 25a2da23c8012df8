"""Encoded photos from files, pipes, open files and bytes, or one ImageError."""

from __future__ import annotations

import io
import os
import select
import stat
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

from clockread.errors import ImageError, one_line, reason_of

MAX_FILE_BYTES = 500_000_000
READ_SIZE = 1 << 20  # bytes that are asked for at once from an open file or a pipe
PIPE_WAIT = 30.0  # seconds that a pipe may stay silent


@runtime_checkable
class OpenFile(Protocol):
    """A file that is open for reading bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes."""


def open_photo(
    source: str | os.PathLike[str] | bytes | bytearray | memoryview, name: str
) -> BinaryIO:
    """Open an encoded photo for reading: a regular file of a usable size, or bytes."""
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
            f"{name}: cannot be read ({reason_of(error)}); check the disk and copy it again"
        ) from error


def _checked_file(source: str | os.PathLike[str], name: str) -> Path:
    if not name:
        raise ImageError("'': an empty path; name a photo")
    path = Path(os.fsdecode(source))
    try:
        status = path.stat()
    except FileNotFoundError as error:
        if path.is_symlink():
            problem = f"broken symbolic link to {one_line(os.fspath(path.readlink()))}"
            raise ImageError(
                f"{name}: {problem}, which does not exist; repair or remove it"
            ) from error
        raise ImageError(f"{name}: no such file; check the path") from error
    except PermissionError as error:
        raise ImageError(
            f"{name}: no permission to look into its folder; change the folder's permissions"
        ) from error
    except (OSError, ValueError) as error:
        raise ImageError(f"{name}: not a usable path ({reason_of(error)}); check it") from error
    size = status.st_size
    if stat.S_ISDIR(status.st_mode):
        problem = "a folder, not a photo; give the photos in it"
    elif not stat.S_ISREG(status.st_mode):
        problem = "a device or a socket, not a file; save the photo to a file first"
    elif size == 0:
        problem = "empty file (0 bytes); copy it again"
    elif size > MAX_FILE_BYTES:
        problem = f"{size:,} bytes, more than the limit of {MAX_FILE_BYTES:,}; save it smaller"
    else:
        return path
    raise ImageError(f"{name}: {problem}")


def is_pipe(source: str | os.PathLike[str]) -> bool:
    """Return whether a path is that of a named pipe."""
    try:
        return stat.S_ISFIFO(Path(os.fsdecode(source)).stat().st_mode)
    except (OSError, ValueError):
        return False


def without_pipe(
    source: str | os.PathLike[str] | bytes, name: str
) -> str | os.PathLike[str] | bytes:
    """Return the bytes of a named pipe, which can be read only once; other sources unchanged."""
    if isinstance(source, bytes) or not is_pipe(source):
        return source
    return read_pipe(Path(os.fsdecode(source)), name)


def read_pipe(path: Path, name: str) -> bytes:
    """Read a named pipe, such as /dev/stdin or a shell's ``<(command)``; raise if it is silent."""
    try:
        with io.FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK)) as pipe:
            return read_all(_PatientPipe(pipe, name), name)
    except OSError as error:
        raise ImageError(
            f"{name}: this pipe cannot be read ({reason_of(error)}); save the photo to a file first"
        ) from error


class _PatientPipe:
    """A pipe whose reads wait for data, but not forever."""

    def __init__(self, pipe: io.FileIO, name: str) -> None:
        self._pipe, self._name = pipe, name

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes, b"" at the end."""
        if not select.select([self._pipe], [], [], PIPE_WAIT)[0]:
            problem = f"a pipe into which nothing was written for {PIPE_WAIT:g} seconds"
            raise ImageError(f"{self._name}: {problem}; write a photo into it")
        return self._pipe.read(size) or b""


def read_all(file: OpenFile, name: str) -> bytes:
    """Read the rest of an open file in pieces: one request would allocate memory for all of it."""
    chunks, total = [], 0
    try:
        while chunk := file.read(READ_SIZE):
            if not isinstance(chunk, bytes | bytearray | memoryview):
                raise ImageError(
                    f"{name}: its read() gives {type(chunk).__name__}, not bytes; "
                    'open it for reading bytes, as with mode "rb"'
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
        problem = f"this file cannot be read ({reason_of(error)})"
        raise ImageError(f"{name}: {problem}; open it for reading bytes") from error
    return b"".join(chunks)
