"""The page as files for a static host."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from clockread.data import write_whole
from clockread.errors import OutputError, PageError, one_line, reason_of
from clockread.page.models import reader_bytes
from clockread.page.runtime import runtime_files
from clockread.runtime.manifest import (
    PACKAGE_FOLDER,
    QUANTIZED,
    REINSTALL,
    SMALL,
    load_manifest,
    model_bytes,
)

# Of a package installed from a wheel, and of a checkout
WEB_FOLDERS = (PACKAGE_FOLDER / "web", PACKAGE_FOLDER.parent / "web")
EXAMPLE_FOLDERS = (PACKAGE_FOLDER / "web" / "examples", PACKAGE_FOLDER.parent / "examples")
EXAMPLES = ("wall.jpg", "two.jpg")
INDEX, SERVICE_WORKER = "index.html", "service-worker.js"
MARK = b'<html lang="en" data-live="'  # of the page's documents, by which they are recognized
VERSION_DIGITS = 16  # of the hash that names a version of the site


def page_files(models: Mapping[str, str], runtime: Path | None) -> dict[str, bytes]:
    """Return the page's files by their path, without the service worker's list.

    Args:
        models: models by use: "live", "still" and "hands", as `index.html` names them.
        runtime: see `runtime_files`.

    Raises:
        ClockreadError: a file is missing or damaged.

    """
    manifest = load_manifest()
    web, examples = _existing(WEB_FOLDERS), _existing(EXAMPLE_FOLDERS)
    try:
        files = {p.name: p.read_bytes() for p in sorted(web.iterdir()) if p.is_file()}
        files |= {f"examples/{name}": (examples / name).read_bytes() for name in EXAMPLES}
    except OSError as error:
        raise PageError(f"{web} cannot be read ({reason_of(error)}): {REINSTALL}") from error
    for name, data in runtime_files(runtime).items():
        files[f"runtime/{name}"] = data
    for model in dict.fromkeys((models["live"], models["still"])):
        files[f"models/reader-{model}.onnx"] = reader_bytes(manifest, model)
    hands = models["hands"]
    files[f"models/hands-{hands}.onnx"] = model_bytes(manifest.entry("hands", hands))
    return files


def write_site(folder: Path, runtime: Path | None = None) -> int:
    """Write the page's files into a folder, and return their size in bytes.

    Other files in the folder stay. Raises PageError if it cannot be written, or has a page of
    another origin.
    """
    if folder.exists() and not folder.is_dir():
        raise PageError(f"{one_line(str(folder))}: a file, not a folder; choose another path")
    check_replaceable(folder / INDEX)
    files = page_files({"live": SMALL, "still": QUANTIZED, "hands": QUANTIZED}, runtime)
    files[SERVICE_WORKER] = _service_worker(files)
    for name, data in files.items():
        write_file(folder / name, data)
    return sum(map(len, files.values()))


def check_replaceable(page: Path) -> None:
    """Raise PageError if there is something else than an earlier page of clockread."""
    name = one_line(str(page))
    if page.is_dir():
        raise PageError(f"{name}: a folder; name an HTML file")
    try:
        is_other = page.exists() and MARK not in page.read_bytes()
    except OSError as error:
        raise PageError(
            f"{name}: it cannot be read ({reason_of(error)}); check its permissions"
        ) from error
    if is_other:
        raise PageError(f"{name}: not written by clockread; remove it, or choose another place")


def write_file(path: Path, data: bytes) -> None:
    """Write a file whole, creating its folder; raise OutputError if it cannot be written."""
    try:
        write_whole(path, data)
    except OSError as error:
        problem = f"cannot be written ({reason_of(error)})"
        remedy = "check the space and the permissions"
        raise OutputError(f"{one_line(str(path))}: {problem}; {remedy}") from error


def _service_worker(files: Mapping[str, bytes]) -> bytes:
    """Return the service worker with the list of files, and a version that changes with them."""
    digest = hashlib.sha256()
    for name, data in sorted(files.items()):
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    names = sorted(name for name in files if name not in (INDEX, SERVICE_WORKER))
    listed = json.dumps(["./", INDEX, *names], indent=1)
    version = digest.hexdigest()[:VERSION_DIGITS]
    head = f'const VERSION = "{version}";\nconst FILES = {listed};\n\n'
    return head.encode() + files[SERVICE_WORKER]


def _existing(folders: tuple[Path, ...]) -> Path:
    return next((folder for folder in folders if folder.is_dir()), folders[0])
