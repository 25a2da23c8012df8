"""Packages of Debian, PyPI and npm, downloaded and unpacked without installation."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

Kind = Literal["deb", "wheel", "npm"]
_PIP = (sys.executable, "-m", "pip", "download")


class PackageError(RuntimeError):
    """A package could not be downloaded; the message is one line."""


def unpack(kind: Kind, package: str, folder: Path) -> Path:
    """Download a package and unpack it into a new folder below ``folder``; return that folder.

    Args:
        kind: Package manager: apt-get with dpkg-deb, pip, or npm.
        package: Name of the package; for npm, it may end in a version (``name@1.2.3``).
        folder: Existing folder for the download, which is deleted after it is unpacked.

    Raises:
        PackageError: the package manager or the package does not exist.

    """
    commands = {
        "deb": ["apt-get", "-q", "download", package],
        "wheel": [*_PIP, "--quiet", "--no-deps", "--only-binary=:all:", package],
        "npm": ["npm", "pack", "--silent", package],
    }
    _run(commands[kind], folder)
    archives = sorted(folder.glob({"deb": "*.deb", "wheel": "*.whl", "npm": "*.tgz"}[kind]))
    if not archives:
        raise PackageError(f"{commands[kind][0]} downloaded nothing")
    archive = archives[0]
    root = folder / "root"
    if kind == "deb":
        _run(["dpkg-deb", "-x", str(archive), str(root)], folder)
    elif kind == "wheel":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(root)
    else:
        with tarfile.open(archive) as tar:
            tar.extractall(root, filter="data")
    archive.unlink()
    return root


def carve_webp(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (offset, bytes) of the WebP files inside other bytes, such as Qt resource archives."""
    start = data.find(b"RIFF")
    while start >= 0:
        length = 8 + int.from_bytes(data[start + 4 : start + 8], "little")
        if data[start + 8 : start + 12] == b"WEBP" and start + length <= len(data):
            yield start, data[start : start + length]
            start = data.find(b"RIFF", start + length)
        else:
            start = data.find(b"RIFF", start + 4)


def _run(command: list[str], folder: Path) -> None:
    if shutil.which(command[0]) is None:
        raise PackageError(f"{command[0]} is not installed")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise PackageError(lines[-1] if lines else f"{command[0]} ended with {done.returncode}")
