"""Distributions that install into one folder: OpenCV's four, and those of onnxruntime."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata


def version(distribution: str) -> str | None:
    """Return the version of an installed distribution, or None."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def install_command(distributions: Sequence[str], install: str) -> str:
    """Return the command that makes a working installation by ``install``.

    Distributions that share a folder overwrite each other, and pip takes a damaged one for
    complete. So the command removes all of them before it installs one.
    """
    if any(version(name) for name in distributions):
        return f"pip uninstall -y {' '.join(distributions)} && {install}"
    return install
