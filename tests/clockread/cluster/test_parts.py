"""Parts: the division of the photos that are not done, and files that are whole or absent."""

from __future__ import annotations

import math
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import READING

pytest.importorskip("pyarrow", reason="needs the ray extra")

import pyarrow as pa
import pyarrow.parquet as pq

from clockread.cluster import parts
from clockread.cluster.places import opened
from clockread.errors import ClockreadError
from clockread.fields import FIELDS
from clockread.reading import PhotoResult

OPTIONS = {"model": "auto", "cropped": False}
PATHS = [f"/{i}.jpg" for i in range(10)]
NAMES = [parts.Part.of(i, PATHS[i : i + 1]).name for i in range(4)]


def table(*paths: str, options: dict[str, Any] = OPTIONS) -> Any:
    return parts.rows_of(
        [PhotoResult(path, None, None, (), "no").to_dict() for path in paths], options
    )


def test_rows_have_the_same_values_as_json() -> None:
    readings = (READING, replace(READING, disagreement=math.nan, second_presence=0.9))
    results = [
        PhotoResult("/a.jpg", 640, 480, readings, None, 1.0, ("a note",)).to_dict(),
        PhotoResult("/b.jpg", None, None, (), "no such file").to_dict(),
    ]
    assert parts.rows_of(results, OPTIONS).to_pylist() == results
    assert [field.name for field in parts.READING] == [field.name for field in FIELDS]


def test_all_photos_are_in_one_part_each() -> None:
    split = parts.split(PATHS, [], 4)
    assert [path for part in split for path in part.paths] == PATHS
    assert [len(part.paths) for part in split] == [4, 4, 2]
    assert len({part.name for part in split}) == 3


def test_the_rest_after_whole_parts_is_divided_as_the_first_time() -> None:
    first = parts.split(PATHS, [], 4)
    for done in range(3):
        rest = parts.split(PATHS, first[done].paths, 4)
        assert rest == [part for i, part in enumerate(first) if i != done]


def test_new_photos_are_read_without_those_that_are_done() -> None:
    (part,) = parts.split([*PATHS, "/new.jpg"], PATHS, 4)
    assert part.paths == ("/new.jpg",)


def test_a_part_appears_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = opened(str(tmp_path))

    def broken(table: Any, path: str, **_: Any) -> None:
        Path(path).write_bytes(b"PAR1")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(pq, "write_table", broken)
        with pytest.raises(ClockreadError, match=r"cannot be written \(No space left"):
            parts.commit(folder, NAMES[1], table("/a.jpg"))
    assert not parts.exists(folder, NAMES[1])
    assert parts.find_done(folder, OPTIONS).paths == set()
    parts.commit(folder, NAMES[1], table("/a.jpg"))
    assert parts.exists(folder, NAMES[1])
    assert parts.find_done(folder, OPTIONS).paths == {"/a.jpg"}
    assert pq.read_table(tmp_path)["path"].to_pylist() == ["/a.jpg"]


def test_damaged_results_are_removed_and_named(tmp_path: Path) -> None:
    folder, _ = opened(str(tmp_path))
    (tmp_path / NAMES[1]).write_bytes(b"PAR1")
    (tmp_path / NAMES[2]).touch()
    (tmp_path / "mine.parquet").write_bytes(b"of somebody else")
    parts.commit(folder, NAMES[3], table("/a.jpg"))
    done = parts.find_done(folder, OPTIONS)
    assert done == parts.Done(frozenset(["/a.jpg"]), (NAMES[1], NAMES[2]))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["mine.parquet", NAMES[3]]


FOREIGN = {
    "part-00000-3f2a1b.snappy.parquet": pa.table({"x": [1]}),  # as Spark names its files
    "part-00001-3f2a1b.snappy.parquet": b"of somebody else",
    NAMES[1]: pa.table({"x": [1]}),
    NAMES[2]: pa.table({"path": ["/a.jpg"]}),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_parts_of_other_programs_are_refused_and_stay(tmp_path: Path, name: str) -> None:
    folder, content = opened(str(tmp_path))[0], FOREIGN[name]
    if isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    else:
        pq.write_table(content, tmp_path / name)
    before = (tmp_path / name).read_bytes()
    parts.prepare(folder)
    with pytest.raises(ClockreadError, match=f"did not write, such as {name}; choose another"):
        parts.find_done(folder, OPTIONS)
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == before


def test_results_of_other_options_are_refused(tmp_path: Path) -> None:
    folder, _ = opened(str(tmp_path))
    parts.commit(folder, NAMES[1], table("/a.jpg"))
    with pytest.raises(ClockreadError, match="read with cropped False, not True"):
        parts.find_done(folder, {**OPTIONS, "cropped": True})


def test_half_written_files_are_removed_when_their_writer_must_be_gone(tmp_path: Path) -> None:
    old, young = f".{NAMES[1]}.0123abcd", f".{NAMES[2]}.0123abcd"
    foreign = ".part-00000-3f2a1b.snappy.parquet.crc"  # as Spark writes it
    for name in (old, young, f".{NAMES[2]}.tries", foreign, ".other"):
        (tmp_path / name).touch()
    long_ago = time.time() - parts.ABANDONED_SECONDS - 60
    for name in (old, foreign, ".other"):
        os.utime(tmp_path / name, (long_ago, long_ago))
    parts.prepare(opened(str(tmp_path))[0])
    left = sorted(file.name for file in tmp_path.iterdir())
    assert left == sorted([".other", young, foreign])


def test_the_folder_of_results_is_made_and_a_file_is_refused(tmp_path: Path) -> None:
    parts.prepare(opened(str(tmp_path / "a" / "b"))[0])
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    for name in ("file", "file/inside"):
        with pytest.raises(ClockreadError, match=f"{name}: .*choose another"):
            parts.prepare(opened(str(tmp_path / name))[0])
