"""Tables on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

WIDTH = 200  # columns at most, also if the output is a file


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table, its first column left-aligned, the others right-aligned."""
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    for row in rows:
        table.add_row(*row)
    Console(width=WIDTH).print(table)


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share as a percentage, a dash if there is none."""
    return "–" if share is None else f"{share:.{digits}%}"
