"""`clockread bulk` in Ray: killed workers and killed drivers lose nothing and repeat nothing."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import EXAMPLES, ROOT, Run

pytest.importorskip("ray", reason='needs the ray extra: pip install ".[cpu,ray]"')
pytest.importorskip("onnxruntime", reason="reading needs the cpu or gpu extra")

import pyarrow.parquet as pq

PROC = Path("/proc")
COPIES, PART = 100, 8  # of each example; photos per part
START_SECONDS, END_SECONDS = 240.0, 600.0  # on a busy machine
BROKEN = "zz.jpg"  # the last photo to be read
MARK = "CLOCKREAD_TEST_RUN"  # in the environment of all processes of a run

needs_proc = pytest.mark.skipif(
    not (PROC / "self" / "environ").exists(), reason="finds the processes in /proc"
)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for i in range(COPIES):
        for photo in EXAMPLES.glob("*.jpg"):
            shutil.copy(photo, folder / f"{photo.stem}-{i}.jpg")
    (folder / BROKEN).write_bytes(b"no photo")
    return folder


@pytest.fixture
def mark() -> Iterator[str]:
    """The mark of the runs of a test, whose last processes are killed."""
    mark = uuid.uuid4().hex
    yield mark
    for pid in processes(mark):
        os.kill(pid, signal.SIGKILL)


def start(photos: Path, out: Path, mark: str, *options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "clockread", "bulk", photos, out, "--part-size", PART]
    return subprocess.Popen(
        [str(word) for word in (*command, *options)],
        env={**os.environ, MARK: mark},
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )


def processes(mark: str, title: str = "") -> list[int]:
    """The processes of a run whose titles begin so."""
    found = []
    for folder in PROC.glob("[0-9]*"):
        try:
            marked = f"{MARK}={mark}".encode() in (folder / "environ").read_bytes()
            if marked and (folder / "cmdline").read_text().startswith(title):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def wait_for(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + START_SECONDS
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.05)


def written(out: Path) -> dict[str, int]:
    """The parts that are done, and when they were written."""
    return {file.name: file.stat().st_mtime_ns for file in out.glob("part-*")}


def with_first_results(photos: Path, out: Path, mark: str) -> subprocess.Popen[str]:
    """A run that has written its first part, and reads on."""
    process = start(photos, out, mark)
    wait_for(lambda: written(out), process)
    return process


def finished(process: subprocess.Popen[str]) -> str:
    _, message = process.communicate(timeout=END_SECONDS)
    assert "Traceback" not in message
    assert process.returncode == 1, message  # a photo is broken
    return message


def check_rows(photos: Path, out: Path) -> None:
    rows = pq.read_table(out).to_pylist()
    assert sorted(row["path"] for row in rows) == sorted(map(str, photos.iterdir()))
    assert [Path(row["path"]).name for row in rows if row["error"]] == [BROKEN]
    counts = {Path(row["path"]).stem.partition("-")[0]: len(row["readings"]) for row in rows}
    assert counts == {"zz": 0, "two": 2, "wall": 1}


@pytest.mark.slow
@needs_proc
def test_a_killed_worker_loses_nothing_and_repeats_nothing(
    photos: Path, tmp_path: Path, mark: str
) -> None:
    out = tmp_path / "out"
    process = with_first_results(photos, out, mark)
    workers = processes(mark, "ray::MapWorker")
    assert workers, "no worker was found"
    os.kill(workers[0], signal.SIGKILL)
    before = written(out)
    finished(process)
    check_rows(photos, out)
    assert before.items() <= written(out).items()
    assert len(before) < len(written(out))


@pytest.mark.slow
@needs_proc
def test_a_killed_driver_loses_nothing_and_the_next_run_repeats_nothing(
    photos: Path, tmp_path: Path, mark: str
) -> None:
    out = tmp_path / "out"
    process = with_first_results(photos, out, mark)
    process.kill()
    process.communicate()
    before = written(out)
    message = finished(start(photos, out, mark))
    check_rows(photos, out)
    assert before.items() <= written(out).items()
    left, done = map(int, re.search(r"(\d+) photos? to read, (\d+) read", message).groups())  # type: ignore[union-attr]
    assert left + done == len(list(photos.iterdir()))
    assert left > 0
    assert done >= PART * len(before)

    shutil.copy(EXAMPLES / "wall.jpg", tmp_path / "new.jpg")
    (tmp_path / "list.txt").write_text(f"{tmp_path / 'new.jpg'}\n{photos / 'wall-0.jpg'}\n")
    third = start(tmp_path / "list.txt", out, mark, "--quiet")
    assert third.communicate(timeout=END_SECONDS) == (None, "")
    assert third.returncode == 0
    assert pq.read_table(out).num_rows == len(list(photos.iterdir())) + 1


@pytest.mark.slow
@needs_proc
def test_sigterm_keeps_what_is_done_and_ends_with_143(
    photos: Path, tmp_path: Path, mark: str
) -> None:
    out = tmp_path / "out"
    process = with_first_results(photos, out, mark)
    process.terminate()
    _, message = process.communicate(timeout=START_SECONDS)
    assert process.returncode == 143, message
    assert "terminated" in message
    assert pq.read_table(out).num_rows >= PART


@pytest.mark.parametrize(("unwritten", "code"), [(True, 1), (False, 2)])
def test_results_that_cannot_be_written_are_1_and_a_missing_model_is_2(
    unwritten: bool, code: int, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clockread.cluster import run as cluster_run

    stopped = {"photos": 0, "failed": 0, "stop": "the reason", "unwritten": unwritten}
    monkeypatch.setattr(cluster_run, "_cluster", lambda _: contextlib.nullcontext())
    monkeypatch.setattr(cluster_run, "_rows", lambda *_: iter([stopped]))
    assert run("bulk", EXAMPLES, tmp_path, "--quiet") == (code, "", "clockread: the reason\n")


def test_bad_input_is_one_line_before_ray_starts(tmp_path: Path, run: Run) -> None:
    code, out, err = run("bulk", tmp_path / "missing", tmp_path / "out")
    assert (code, out) == (2, "")
    assert err.endswith("missing: no such folder or list; check the path\n")
    assert err.count("\n") == 1


@pytest.mark.parametrize("form", ["127.0.0.1:{}", "ray://127.0.0.1:{}"])
def test_an_address_where_nothing_listens_is_one_line(form: str, tmp_path: Path, run: Run) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = form.format(unused.getsockname()[1])
        began = time.monotonic()
        code, out, err = run("bulk", EXAMPLES, tmp_path, "--address", address)
    assert time.monotonic() - began < 30
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith(
        f"clockread: --address {address}: no cluster can be reached or started (Connection refused)"
    )


def test_a_second_run_has_nothing_to_do(tmp_path: Path, run: Run) -> None:
    from clockread.cluster.parts import Part, commit, rows_of
    from clockread.cluster.places import opened
    from clockread.cluster.worker import ReadOptions
    from clockread.reading import PhotoResult

    paths = sorted(map(str, EXAMPLES.glob("*.jpg")))
    rows = rows_of(
        [PhotoResult(path, 1, 1, (), None).to_dict() for path in paths], ReadOptions().stored
    )
    commit(opened(str(tmp_path))[0], Part.of(0, paths).name, rows)
    code, _, err = run("bulk", EXAMPLES, tmp_path)
    assert code == 0
    assert f"0 photos to read, {len(paths)} read before" in err
