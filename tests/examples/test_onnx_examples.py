"""The same photo, read from one ONNX file in several languages, shows the same time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import EXAMPLES, ROOT, TIMES

from clockread.data import data_folder
from training.packages import Kind, PackageError, unpack

MODEL = ROOT / "exported" / "reader-int8.onnx"
SOURCES = EXAMPLES / "onnx"
MAX_LINES = 40
NODE_PACKAGES = ("onnxruntime-node@1.30.0", "sharp@0.35.5")
CPP_PACKAGE = "com.github.asus4.onnxruntime@0.4.9"  # npm's only one with headers and a library
HEADERS = "*/iOS~/*/ios-arm64/*/Headers/onnxruntime_cxx_api.h"  # the same for all systems

pytestmark = pytest.mark.skipif(not MODEL.exists(), reason=f"{MODEL.name} is not built")
Reader = Callable[[str], list[str]]


def read_by(*command: str | Path, folder: Path | None = None) -> Reader:
    """The times that a program prints for an example photo, best first."""

    def read(name: str) -> list[str]:
        done = subprocess.run(
            [*map(str, command), str(MODEL), str(EXAMPLES / name)],
            capture_output=True,
            text=True,
            check=True,
            cwd=folder,
        )
        return [line.split()[0] for line in done.stdout.splitlines()]

    return read


def unpacked(kind: Kind, package: str) -> Path:
    """The folder of a package, which is downloaded once."""
    target = data_folder() / "packages" / package.replace("@", "-")
    if not target.exists():
        partial = target.with_name(f"{target.name}.{os.getpid()}")
        partial.mkdir(parents=True)
        try:
            unpack(kind, package, partial).rename(target)
        except PackageError as error:
            pytest.skip(f"{package}: {error}")
        finally:
            shutil.rmtree(partial)
    return target


@pytest.fixture(scope="module")
def python_reader() -> Reader:
    pytest.importorskip("onnxruntime", reason="needs an onnxruntime")
    return read_by(sys.executable, SOURCES / "read.py")


@pytest.fixture(scope="module")
def node_reader() -> Reader:
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    folder = data_folder() / "packages" / "node"
    if not (folder / "node_modules" / "sharp").exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(
            [*command, *NODE_PACKAGES], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.skip(f"npm cannot install {' and '.join(NODE_PACKAGES)}: {done.stderr.strip()}")
    shutil.copy(SOURCES / "read.mjs", folder)  # Node looks for packages beside the script
    return read_by("node", folder / "read.mjs")


@pytest.fixture(scope="module")
def cpp_reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None or sys.platform != "linux" or os.uname().machine != "x86_64":
        pytest.skip("needs a C++ compiler on Linux, x86-64")
    decoder = unpacked("deb", "libstb-dev") / "usr" / "include"
    runtime = unpacked("npm", CPP_PACKAGE)
    headers = next(runtime.rglob(HEADERS)).parent
    folder = tmp_path_factory.mktemp("cpp")
    library = next(runtime.rglob("Linux/x64/libonnxruntime.so"))
    for name in ("libonnxruntime.so", "libonnxruntime.so.1"):
        (folder / name).symlink_to(library)
    options = ["-std=c++17", "-I", headers, "-I", decoder, "-L", folder, f"-Wl,-rpath,{folder}"]
    command = [compiler, SOURCES / "read.cpp", *options, "-lonnxruntime", "-o", folder / "read"]
    subprocess.run([str(part) for part in command], check=True)
    return read_by(folder / "read")


@pytest.mark.slow
@pytest.mark.parametrize("language", ["python", "node", "cpp"])
def test_every_language_reads_the_same_times(language: str, request: pytest.FixtureRequest) -> None:
    read: Reader = request.getfixturevalue(f"{language}_reader")
    assert read("wall.jpg") == ["5:08"]
    assert sorted(read("two.jpg")) == sorted(clock["time"] for clock in TIMES["two.jpg"])


@pytest.mark.parametrize("file", sorted(p.name for p in SOURCES.iterdir() if p.is_file()))
def test_an_example_is_short(file: str) -> None:
    assert len((SOURCES / file).read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def test_the_python_example_does_without_clockread() -> None:
    text = (SOURCES / "read.py").read_text(encoding="utf-8")
    assert "import clockread" not in text
    assert "from clockread" not in text
