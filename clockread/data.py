"""The data folder, and files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def data_folder(named: Path | None = None) -> Path:
    """Return the data folder: ``named``, else `$CLOCKREAD_DATA`, else `~/.cache/clockread`."""
    if named is not None:
        return named
    variable = os.environ.get("CLOCKREAD_DATA")
    return Path(variable) if variable else Path.home() / ".cache" / "clockread"


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file in one step, creating its folder; the old or the new file always exists.

    Raises OSError if it cannot be written; nothing is left of the new file then, nor after an
    interrupt.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)
        partial.replace(path)
    except BaseException:  # also a signal
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
