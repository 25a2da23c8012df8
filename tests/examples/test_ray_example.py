"""The Ray Data example on two workers, one of which is killed; only where ray is installed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT

pytest.importorskip("ray", reason='the example needs the ray extra: pip install ".[cpu,ray]"')
pq = pytest.importorskip("pyarrow.parquet", reason="the example needs the ray extra")

COPIES = 150


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for i in range(COPIES):
        for photo in (ROOT / "examples").glob("*.jpg"):
            shutil.copy(photo, folder / f"{photo.stem}-{i}.jpg")
    (folder / "broken.jpg").write_bytes(b"no photo")
    return folder


def start(photos: Path, out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, str(ROOT / "examples" / "ray_data.py"), str(photos), str(out)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0"}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def workers() -> list[int]:
    """Processes that run the example's actors."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            title = (folder / "cmdline").read_text()
        except OSError:
            continue
        if title.startswith("ray::") and "Worker" in title:
            found.append(int(folder.name))
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="finds the workers in /proc")
def test_a_killed_worker_loses_nothing_and_a_second_run_reads_nothing_twice(
    photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = start(photos, out)
    deadline = time.monotonic() + 120
    while not (killed := workers()) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert killed, "the workers never started"
    time.sleep(3)  # until they read
    for worker in workers()[:1]:
        os.kill(worker, signal.SIGKILL)
    text, _ = process.communicate(timeout=300)
    assert process.returncode == 0, text[-3000:]
    table = pq.read_table(out)
    names = [Path(path).name for path in table["path"].to_pylist()]
    assert sorted(names) == sorted(photo.name for photo in photos.iterdir())
    errors = [
        Path(path).name
        for path, error in zip(table["path"].to_pylist(), table["error"].to_pylist(), strict=True)
        if error
    ]
    assert errors == ["broken.jpg"]
    assert any(readings for readings in table["readings"].to_pylist())

    (out / "half.parquet").write_bytes(b"PAR1")
    shutil.copy(next(photos.glob("*.jpg")), photos / "new.jpg")
    text, _ = start(photos, out).communicate(timeout=300)
    assert "1 of " in text
    assert sorted(Path(path).name for path in pq.read_table(out)["path"].to_pylist()) == sorted(
        photo.name for photo in photos.iterdir()
    )
