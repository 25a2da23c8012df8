"""What `clockread bulk` finds to read: folders and lists, here and in stores."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from conftest import save_png

pa = pytest.importorskip("pyarrow", reason="needs the ray extra")
pytest.importorskip("pyarrow.parquet", reason="needs the ray extra")

import pyarrow.parquet as pq  # noqa: E402
from pyarrow import csv  # noqa: E402

from clockread.cluster import places  # noqa: E402
from clockread.cluster.photos import find_photos  # noqa: E402
from clockread.errors import ClockreadError  # noqa: E402


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photos = tmp_path / "photos"
    for name in ("b.png", "sub folder/a.PNG", ".hidden.png"):
        save_png(photos / name, 128)
    (photos / "film.mov").touch()
    (photos / "b.overlay.jpg").touch()
    return photos


@pytest.fixture
def store(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of the folder in a store: pyarrow's own, without a network."""
    files = pa.fs.SubTreeFileSystem(str(folder.parent), pa.fs.LocalFileSystem())

    def from_uri(uri: str) -> tuple[Any, str]:
        if not uri.startswith("s3://bucket/"):
            raise pa.ArrowInvalid("Unrecognized filesystem type in URI")
        return files, "photos"

    places._file_system.cache_clear()
    fake = type("FileSystem", (), {"from_uri": staticmethod(from_uri)})
    monkeypatch.setattr(places.fs, "FileSystem", fake)
    return "s3://bucket"


def test_a_folder_gives_its_photos_with_absolute_paths_and_counts_the_rest(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    wanted = find_photos("photos")
    assert wanted.paths == [str(folder / "b.png"), str(folder / "sub folder" / "a.PNG")]
    assert dict(wanted.passed_over) == {".mov": 1, "drawn by clockread": 1}
    assert find_photos(folder.as_uri()).paths == wanted.paths


def test_a_store_gives_addresses_and_keeps_its_options_to_itself(store: str) -> None:
    wanted = find_photos(f"{store}?region=eu-west-1")
    assert wanted.paths == ["s3://bucket/b.png", "s3://bucket/sub folder/a.PNG"]
    assert dict(wanted.passed_over) == {".mov": 1, "drawn by clockread": 1}
    assert wanted.stores.options == {"s3": "region=eu-west-1"}
    place = wanted.stores.place("s3://bucket/sub folder/a.PNG")
    assert place.files.get_file_info([place.path])[0].size > 0


def test_lists_of_three_kinds_name_photos_once(tmp_path: Path) -> None:
    paths = ["/a.jpg", "s3://bucket/b c.jpg", "/a.jpg", None]
    table = pa.table({"path": pa.array(paths, pa.string()), "other": range(4)})
    pq.write_table(table, tmp_path / "list.parquet")
    coded = pa.table({"path": pa.array(paths, pa.string()).dictionary_encode()})
    pq.write_table(coded, tmp_path / "coded.parquet")
    csv.write_csv(table, tmp_path / "list.csv")
    (tmp_path / "list.txt").write_text("/a.jpg\ns3://bucket/b c.jpg\r\n/a.jpg\n\n")
    for name in ("list.parquet", "coded.parquet", "list.csv", "list.txt"):
        wanted = find_photos(str(tmp_path / name))
        assert wanted.paths == ["/a.jpg", "s3://bucket/b c.jpg"], name
        assert dict(wanted.passed_over) == {"named twice": 1, "empty": 1}, name


@pytest.mark.parametrize(("name", "head"), [("list.txt", ""), ("list.csv", "path\n")])
def test_a_byte_order_mark_is_no_part_of_the_first_path(
    tmp_path: Path, name: str, head: str
) -> None:
    (tmp_path / name).write_text(f"{head}/a.jpg\n/b.jpg\n", encoding="utf-8-sig")
    assert find_photos(str(tmp_path / name)).paths == ["/a.jpg", "/b.jpg"]


def test_relative_paths_of_a_list_start_at_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.txt").write_text("x/../a.jpg\na.jpg\n")
    assert find_photos("list.txt").paths == [str(tmp_path / "a.jpg")]


def test_a_name_that_parquet_cannot_store_is_a_problem_of_that_photo(tmp_path: Path) -> None:
    try:
        save_png(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png")), 128)
    except OSError:
        pytest.skip("this file system has UTF-8 names only")
    wanted = find_photos(str(tmp_path))
    assert wanted.paths == [str(tmp_path / r"\udcff.png")]
    assert "not in UTF-8" in wanted.problems[wanted.paths[0]]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("missing", None, "no such folder or list"),
        ("photo.jpg", b"x", "neither a folder nor a list"),
        ("empty.txt", b"\n", "names no photo"),
        ("broken.parquet", b"PAR1", "cannot be read"),
        ("other.csv", b"name\na.jpg\n", "no column 'path'"),
        ("broken.csv", b"path\n\xff\xfe\n", "cannot be read"),
    ],
)
def test_each_bad_input_is_one_line(
    tmp_path: Path, name: str, data: bytes | None, message: str
) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(ClockreadError, match=message) as caught:
        find_photos(str(tmp_path / name))
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_parquet_list_without_paths_in_its_column_is_one_line(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"path": [1, 2], "photo": ["/a.jpg", "/b.jpg"]}), tmp_path / "l.parquet"
    )
    with pytest.raises(ClockreadError, match="has int64 instead of paths"):
        find_photos(str(tmp_path / "l.parquet"))
    with pytest.raises(ClockreadError, match="no column 'foto'"):
        find_photos(str(tmp_path / "l.parquet"), "foto")
    assert find_photos(str(tmp_path / "l.parquet"), "photo").paths == ["/a.jpg", "/b.jpg"]


def test_a_folder_without_photos_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "film.mov").touch()
    with pytest.raises(ClockreadError, match=r"no photos in this folder, only 1 \.mov"):
        find_photos(str(tmp_path))


@pytest.mark.parametrize("address", ["http://host/photos", "nonsense://x"])
def test_an_unknown_kind_of_address_is_one_line(address: str) -> None:
    with pytest.raises(ClockreadError, match=r"cannot be opened .* pyarrow knows file, s3"):
        find_photos(address)


def test_a_password_in_an_address_is_refused_without_repeating_it() -> None:
    with pytest.raises(ClockreadError, match="put it into the environment") as caught:
        find_photos("s3://key:secret@bucket/photos")
    assert "secret@" not in str(caught.value)
