"""PyInstaller hooks; the entry point `pyinstaller40` names `get_hook_dirs`."""

from __future__ import annotations

from pathlib import Path


def get_hook_dirs() -> list[str]:
    """Return the folder of the hooks."""
    return [str(Path(__file__).parent)]
