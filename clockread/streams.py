"""Standard streams that may be closed, full or gone."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from collections.abc import Iterator
from typing import TextIO

NAMES = ("stdin", "stdout", "stderr")

_replacing = threading.Lock()  # held while the streams of the process are replaced


def prepare() -> None:
    """Make the three standard streams usable, before anything else opens a file.

    The null device replaces a closed stream: otherwise the next file opened would get its number,
    and results or messages would be written into a photo. Writing to standard error never fails
    afterwards, because a message that nobody can receive is not a reason to stop.
    """
    for number, name in enumerate(NAMES):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number: this one
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            stream = os.fdopen(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
    if type(sys.stderr) is io.TextIOWrapper:
        encoding, raw = sys.stderr.encoding, sys.stderr.detach()
        messages = _Messages(raw, encoding, "backslashreplace", line_buffering=True)
        sys.stderr = sys.__stderr__ = messages  # type: ignore[misc]


class _Messages(io.TextIOWrapper):
    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError:
            abandon(self)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            abandon(self)


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Discard printed text, such as a library's advice about NumPy versions if its import fails.

    The text of all threads is discarded: for imports only, which happen once.
    """
    with (
        _replacing,
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        yield


def complain(message: str) -> None:
    """Print a message as one line on standard error."""
    try:
        print(f"clockread: {' '.join(message.split())}", file=sys.stderr)
    except OSError:
        abandon(sys.stderr)


def abandon(stream: TextIO) -> None:
    """Discard buffered output, so that Python does not complain about it at exit."""
    with contextlib.suppress(OSError, ValueError):  # a stream without a file descriptor
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
