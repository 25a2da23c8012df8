"""Tables that fit their terminal: less important columns are left out, and headings wrap."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Literal, TextIO

from clockread.cli.console import console_for, write_unpadded

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

ELLIPSIS = "…"
SEPARATOR = os.sep  # of folders
UNLIMITED = sys.maxsize  # columns
TABLE_GAP = 2  # spaces between two columns
MIN_NAME_WIDTH = 16  # columns, to which names are shortened before columns are left out


@dataclass(frozen=True)
class Layout:
    """The alignment of a table's columns, and those that it may leave out or shorten to fit."""

    dispensable: Sequence[str]  # columns that may be left out, the first one first
    left: Sequence[str] = ()  # columns that are aligned to the left; others are to the right
    name: str | None = None  # a column whose cells may be shortened


def write_fitting(columns: Mapping[str, Sequence[str]], layout: Layout, stream: TextIO) -> None:
    """Write columns of cells, by their headings, as a table; in a file or a pipe, all of them.

    Cells other than names are never shortened: on a terminal that is too narrow even for the
    indispensable columns, lines are longer than it is wide.
    """
    from rich.text import Text

    console = unlimited_console(stream)
    headings, widths = _fitting(columns, layout, console.width)
    table = empty_table()
    for column, heading in headings.items():
        justify: Literal["left", "right"] = "left" if column in layout.left else "right"
        table.add_column(Text(heading), justify=justify, width=widths[column], no_wrap=True)
    cells = [
        [Text(elided_path(cell, widths[column])) for cell in columns[column]] for column in headings
    ]
    for row in zip(*cells, strict=True):
        table.add_row(*row)
    console.width = max(console.width, total_width(widths))
    with console.capture() as capture:
        console.print(table)
    write_unpadded(capture.get(), stream)


def _fitting(
    columns: Mapping[str, Sequence[str]], layout: Layout, width: int
) -> tuple[dict[str, str], dict[str, int]]:
    """Return the headings, wrapped if they must be, and the widths of the columns that fit."""
    for dropped, wrapped in product(range(len(layout.dispensable) + 1), (False, True)):
        kept = [column for column in columns if column not in layout.dispensable[:dropped]]
        headings = {one: _wrapped(one, columns[one]) if wrapped else one for one in kept}
        widths = {one: _widest((*headings[one].split("\n"), *columns[one])) for one in kept}
        excess = max(0, total_width(widths) - width)
        if layout.name is not None and excess:
            widest = widths[layout.name]
            widths[layout.name] = max(min(widest, MIN_NAME_WIDTH), widest - excess)
        if total_width(widths) <= width:
            break
    return headings, widths


def _wrapped(heading: str, cells: Sequence[str]) -> str:
    """Return a heading on lines as wide as the widest cell, or its widest word."""
    return textwrap.fill(heading, _widest((*heading.split(" "), *cells)))


def _widest(texts: Sequence[str]) -> int:
    from rich.cells import cell_len

    return max(map(cell_len, texts))


def unlimited_console(stream: TextIO) -> Console:
    """Return a console that is as wide as its terminal, and without limit for a file or a pipe."""
    console = console_for(stream)
    if not stream.isatty():
        console.width = UNLIMITED
    return console


def empty_table() -> Table:
    """Return a table without columns, in the style of all results."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    padding = (0, TABLE_GAP - 1, 0, 0)
    return Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=padding)


def total_width(widths: Mapping[str, int]) -> int:
    """Return the width of a table from those of its columns."""
    return sum(widths.values()) + TABLE_GAP * (len(widths) - 1)


def elided_path(path: str, width: int) -> str:
    """Return a path in at most ``width`` columns, without its first folders if it is too long.

    If its name alone is too long, the middle of the name is left out.
    """
    from rich.cells import cell_len

    if cell_len(path) <= width:
        return path
    *folders, name = path.split(SEPARATOR)
    for i in range(1, len(folders) + 1):
        shorter = SEPARATOR.join((ELLIPSIS, *folders[i:], name))
        if cell_len(shorter) <= width:
            return shorter
    return elided(name, width)


def elided(text: str, width: int) -> str:
    """Return a text in at most ``width`` columns, without its middle if it is too long."""
    from rich.cells import cell_len

    if cell_len(text) <= width:
        return text
    head, tail = text[: (width - 1) // 2], text[-(width // 2) :]
    while cell_len(head) > (width - 1) // 2:
        head = head[:-1]
    # A combining character at the start would merge with the ellipsis.
    while cell_len(tail) > width // 2 or (tail and cell_len(tail[0]) == 0):
        tail = tail[1:]
    return f"{head}{ELLIPSIS}{tail}"
