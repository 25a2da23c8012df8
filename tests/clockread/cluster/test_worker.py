"""A worker: the rows of a part, also of photos that cannot be read or are in a store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import EXAMPLES, Run

pytest.importorskip("pyarrow", reason="needs the ray extra")
pytest.importorskip("onnxruntime", reason="reading needs the cpu or gpu extra")

import pyarrow.parquet as pq
from pyarrow import fs

from clockread.cluster import places, tries, worker
from clockread.cluster.places import opened
from clockread.cluster.worker import ReadOptions, Worker


@pytest.fixture
def results(tmp_path: Path) -> Path:
    (tmp_path / "results").mkdir()
    return tmp_path / "results"


def make(results: Path, **options: Any) -> Worker:
    return Worker(ReadOptions(**options), places.Stores(), opened(str(results))[0])


def part(*paths: object, name: str = "part-1.parquet", problem: str | None = None) -> Any:
    return {"name": name, "paths": [*map(str, paths)], "problems": [problem] * len(paths)}


def test_a_part_has_the_rows_that_predict_writes(results: Path, run: Run) -> None:
    photos = [EXAMPLES / "wall.jpg", EXAMPLES / "missing.jpg", EXAMPLES / "two.jpg"]
    answer = make(results, seconds=True)(part(*photos))
    assert answer == {
        "name": "part-1.parquet",
        "photos": 3,
        "failed": 1,
        "stop": None,
        "unwritten": False,
    }
    _, out, _ = run("predict", *photos, "--format", "jsonl", "--seconds", "--threads", 1)
    rows = pq.read_table(results / "part-1.parquet").to_pylist()
    assert rows == [json.loads(line) for line in out.splitlines()]
    assert "no such file" in rows[1]["error"]


def test_a_part_that_is_done_is_not_read_again(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (results / "part-1.parquet").write_bytes(b"done")
    monkeypatch.setattr(worker, "ClockReader", None)
    assert make(results)(part("/a.jpg"))["photos"] == 1
    assert (results / "part-1.parquet").read_bytes() == b"done"


def test_a_problem_of_a_name_becomes_the_error_of_its_row(results: Path) -> None:
    assert make(results)(part("/a.jpg", problem="/a.jpg: not in UTF-8"))["failed"] == 1
    (row,) = pq.read_table(results / "part-1.parquet").to_pylist()
    assert (row["path"], row["error"]) == ("/a.jpg", "/a.jpg: not in UTF-8")


def test_photos_in_a_store_are_fetched_in_order_and_keep_their_addresses(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = fs.SubTreeFileSystem(str(EXAMPLES), fs.LocalFileSystem())
    monkeypatch.setattr(places, "_file_system", lambda *_: (files, ""))
    addresses = [f"s3://bucket/{name}" for name in ("two.jpg", "missing.jpg", "wall.jpg")]
    assert make(results)(part(*addresses))["failed"] == 1
    rows = pq.read_table(results / "part-1.parquet").to_pylist()
    assert [row["path"] for row in rows] == addresses
    assert [len(row["readings"]) for row in rows] == [2, 0, 1]
    assert (
        rows[1]["error"]
        == "s3://bucket/missing.jpg: no such photo in this store; check the address"
    )


def test_a_model_that_does_not_exist_and_a_full_disk_stop_the_run(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = make(results, model="huge")(part(EXAMPLES / "wall.jpg"))
    assert "huge" in answer["stop"]
    assert not answer["unwritten"]

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    answer = make(results)(part(EXAMPLES / "wall.jpg"))
    assert "results cannot be written (No space left on device)" in answer["stop"]
    assert answer["unwritten"]
    assert answer["photos"] == 0


class Killed(BaseException):
    """The end of a process: nothing after it runs."""


def test_a_photo_that_kills_its_workers_becomes_a_row_with_an_error(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = [EXAMPLES / "wall.jpg", EXAMPLES / "two.jpg"]

    class Reader(worker.ClockReader):
        def read_photos(self, photos: Any, **options: Any) -> Any:
            if any(photo.name == str(EXAMPLES / "two.jpg") for photo in photos):
                raise Killed
            return super().read_photos(photos, **options)

    monkeypatch.setattr(worker, "ClockReader", Reader)
    for _ in range(tries.CAREFUL_AFTER + tries.MAX_DEATHS):
        with pytest.raises(Killed):
            make(results)(part(*photos))
        assert not (results / "part-1.parquet").exists()
    assert make(results)(part(*photos))["failed"] == 1
    rows = pq.read_table(results / "part-1.parquet").to_pylist()
    assert [len(row["readings"]) for row in rows] == [1, 0]
    assert "killed the process that read it" in rows[1]["error"]
    assert [file.name for file in results.iterdir()] == ["part-1.parquet"]


def test_a_worker_that_dies_by_accident_costs_no_photo(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(worker, "commit", lambda *_: (_ for _ in ()).throw(Killed))
        for _ in range(tries.CAREFUL_AFTER + tries.MAX_DEATHS + 1):
            with pytest.raises(Killed):
                make(results)(part(EXAMPLES / "wall.jpg", EXAMPLES / "two.jpg"))
    assert make(results)(part(EXAMPLES / "wall.jpg", EXAMPLES / "two.jpg"))["failed"] == 0
