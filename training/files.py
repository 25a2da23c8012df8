"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


class NotTrainedError(FileNotFoundError):
    """The weights of a network that something needs are not there; the message says what to run."""


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file in one step, making its folder: a killed run, or one of several processes, leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    partial.write_bytes(content.encode() if isinstance(content, str) else content)
    partial.replace(path)
