"""Tables on text streams, by rich."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

WIDTH_WITHOUT_TERMINAL = 200  # columns, for a file or a pipe


def console_for(stream: TextIO) -> Console:
    """Return a rich console that writes to a stream and leaves a broken pipe to its caller."""
    from rich.console import Console

    class PlainConsole(Console):
        def on_broken_pipe(self) -> None:  # rich would exit with 1
            raise BrokenPipeError

    width = None if stream.isatty() else WIDTH_WITHOUT_TERMINAL
    return PlainConsole(file=stream, width=width, highlight=False)


def write_unpadded(text: str, stream: TextIO) -> None:
    """Write the lines of a text without the spaces with which rich pads the last column."""
    stream.writelines(f"{line.rstrip(' ')}\n" for line in text.split("\n")[:-1])
