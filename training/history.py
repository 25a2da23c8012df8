"""The history of a training run: a line of JSON per epoch, which survives interruptions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clockread.data import write_whole


def append_row(file: Path, row: Mapping[str, Any]) -> None:
    """Append an epoch's figures, which include its number as ``epoch``."""
    with file.open("a") as out:
        out.write(json.dumps(row) + "\n")


def drop_partial_line(file: Path) -> None:
    """Remove the incomplete last line that a killed run left behind."""
    text = file.read_text() if file.exists() else ""
    if text and not text.endswith("\n"):
        write_whole(file, text[: text.rfind("\n") + 1])


def read_rows(file: Path) -> list[dict[str, Any]]:
    """Return the figures of all epochs in order; if an epoch ran twice, the second run counts."""
    lines = file.read_text().splitlines() if file.exists() else ()
    rows = {row["epoch"]: row for row in map(json.loads, lines)}
    return [rows[epoch] for epoch in sorted(rows)]


def columns_of(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Return the values of each figure; one that some epochs lack has fewer values."""
    columns: dict[str, list[Any]] = {}
    for row in rows:
        for key, value in row.items():
            columns.setdefault(key, []).append(value)
    return columns
