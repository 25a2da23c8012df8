"""The data folder, and files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


class NotTrainedError(FileNotFoundError):
    """The weights of a required network are missing; the message says how to train it."""


def data_folder(named: Path | None = None) -> Path:
    """Return the data folder: ``named``, else `$CLOCKREAD_DATA`, else `~/.cache/clockread`."""
    if named is not None:
        return named
    variable = os.environ.get("CLOCKREAD_DATA")
    return Path(variable) if variable else Path.home() / ".cache" / "clockread"


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file in one step, creating its folder; the old or the new file always exists."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    partial.write_bytes(content.encode() if isinstance(content, str) else content)
    partial.replace(path)
