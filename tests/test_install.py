"""The system libraries that an installation needs, and the files that it contains."""

from __future__ import annotations

import importlib
import mmap
import re
import struct
import sys
from pathlib import Path

import pytest
from conftest import ROOT, run_python

# Libraries of the C library, and three that every Debian has without a desktop: apt needs the C++
# ones, dpkg and Python itself need zlib.
SYSTEM = re.compile(
    r"(libc|libm|libpthread|libdl|librt|libutil|libstdc\+\+|libgcc_s|libz|ld-linux[-\w]*)\.so\.\d+"
)
MODULES = {
    "cv2": "opencv_*.libs",
    "onnxruntime": None,
    "PIL": "pillow.libs",
    "numpy": "numpy.libs",
}  # and where their libraries lie


def needed_libraries(path: Path) -> list[str]:
    """Return the DT_NEEDED entries of a 64-bit little-endian ELF file.

    Their strings are in the section that the dynamic section links to.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _needed(data) if data[:6] == b"\x7fELF\x02\x01" else []


def _needed(data: mmap.mmap) -> list[str]:
    (start,) = struct.unpack_from("<Q", data, 0x28)
    size, count = struct.unpack_from("<HH", data, 0x3A)
    sections = [
        struct.unpack_from("<IIQQQQI", data, start + i * size) for i in range(count)
    ]  # name, type, …, offset, size, link
    found = []
    for _, kind, _, _, offset, length, link in sections:
        if kind != 6:  # SHT_DYNAMIC
            continue
        for at in range(offset, offset + length, 16):
            tag, value = struct.unpack_from("<QQ", data, at)
            if tag == 1:  # DT_NEEDED
                begin = sections[link][4] + value
                found.append(data[begin : data.find(b"\0", begin)].decode())
    return found


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads ELF files")
@pytest.mark.parametrize("module", MODULES)
def test_libraries_need_nothing_that_a_minimal_system_lacks(module: str) -> None:
    """Such as libGL.so.1 and libxcb.so.1, which only the full opencv-python needs."""
    folder = Path(importlib.import_module(module).__file__ or "").parent
    pattern = MODULES[module]
    folders = [folder, *(folder.parent.glob(pattern) if pattern else [])]
    files = [
        file for place in folders for file in place.rglob("*.so*") if "_providers_" not in file.name
    ]  # those of CUDA need CUDA
    needed = {library: file.name for file in files for library in needed_libraries(file)}
    assert "libc.so.6" in needed, "nothing was read"
    brought = {file.name for file in files}
    missing = {
        library: file
        for library, file in needed.items()
        if library not in brought and not SYSTEM.fullmatch(library)
    }
    assert missing == {}


def requirements() -> dict[str, list[str]]:
    """The names of required distributions by extra, those of the base installation under ""."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    base, _, rest = text.partition("[project.optional-dependencies]")
    extras = re.finditer(
        r"^(\w+) = \[(.*?)\]( |$)", rest.partition("[project.scripts]")[0], re.MULTILINE | re.DOTALL
    )
    lists = {
        "": base[base.index("\ndependencies = [") :],
        **{match[1]: match[2] for match in extras},
    }
    return {extra: re.findall(r'"([a-z0-9-]+)[\[>=]', wanted) for extra, wanted in lists.items()}


def test_the_base_brings_neither_opencv_nor_a_runtime() -> None:
    """Whoever has their own would have two that overwrite each other."""
    wanted = requirements()
    assert wanted[""] == ["numpy", "pillow", "rich", "typer"]
    for extra, runtime in (
        ("cpu", "onnxruntime"),
        ("gpu", "onnxruntime-gpu"),
        ("train", "onnxruntime"),
    ):
        assert {runtime, "opencv-python-headless"} <= set(wanted[extra])
    assert not [
        name
        for names in wanted.values()
        for name in names
        if name.startswith("opencv") and name != "opencv-python-headless"
    ]


def test_the_hook_of_pyinstaller_is_where_its_entry_point_says() -> None:
    package, _, function = re.search(
        r'hook-dirs = "([\w.]+)(:)(\w+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    ).groups()  # type: ignore[union-attr]
    (folder,) = getattr(importlib.import_module(package), function)()
    assert (Path(folder) / "hook-clockread.py").is_file()
    # What it collects lies where a frozen program looks for models.
    from clockread.runtime.manifest import EXPORTED_FOLDERS, PACKAGE_FOLDER

    assert EXPORTED_FOLDERS[0] == PACKAGE_FOLDER / "exported"
    assert '"clockread/exported"' in (Path(folder) / "hook-clockread.py").read_text(
        encoding="utf-8"
    )


def test_the_base_installation_imports_without_opencv_and_runtime() -> None:
    code = (
        "import sys; sys.modules['cv2'] = sys.modules['onnxruntime'] = None; "
        "import clockread, clockread.cli, clockread.cli.info"
    )
    done = run_python("-c", code)
    assert done.returncode == 0, done.stderr
