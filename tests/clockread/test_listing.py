"""Which files of folders and patterns are read, and how the others are counted."""

from __future__ import annotations

import inspect
import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from clockread import listing
from clockread.errors import ImageError
from clockread.listing import counted, expand_pattern, is_pattern, list_photos, search


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_folders_expand_in_sorted_order(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "b.PNG",
        "a.jpg",
        "sub/c.webp",
        "sub/notes.txt",
        ".hidden.jpg",
        ".cache/d.jpg",
        "z.tif",
    )
    names = [str(path.relative_to(tmp_path)) for path in list_photos([tmp_path])]
    assert names == ["a.jpg", "b.PNG", "sub/c.webp", "z.tif"]


def test_photos_of_phones_are_photos(tmp_path: Path) -> None:
    touch(tmp_path, "IMG_1.HEIC", "b.heif", "c.avif", "d.jp2", "e.JFIF")
    assert len(list_photos([tmp_path])) == 5


def test_named_files_stay_as_given(tmp_path: Path) -> None:
    assert list_photos([tmp_path / "missing.xyz"]) == [tmp_path / "missing.xyz"]


def test_what_is_passed_over_is_counted_by_kind(tmp_path: Path) -> None:
    touch(
        tmp_path, "a.jpg", "b.MOV", "sub/c.mov", "d.txt", "README", "a.overlay.jpg", ".hidden.mov"
    )
    found = search(tmp_path)
    assert [path.name for path in found.photos] == ["a.jpg"]
    assert found.passed_over == Counter(
        {".mov": 2, ".txt": 1, listing.NO_SUFFIX: 1, listing.OVERLAYS: 1}
    )
    assert counted(found.passed_over).startswith("2 .mov, ")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    found = search(tmp_path)
    assert (found.photos, found.passed_over) == ([], Counter({listing.SPECIAL: 1}))


def test_folder_without_photos(tmp_path: Path) -> None:
    touch(tmp_path, "notes.txt")
    with pytest.raises(ImageError, match=r"no photos in this folder, only 1 \.txt"):
        list_photos([tmp_path])


def test_loops_of_links_end(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "sub/b.jpg")
    (tmp_path / "sub" / "up").symlink_to(tmp_path)
    (tmp_path / "sub" / "self").symlink_to("self")
    assert [path.name for path in search(tmp_path).photos] == ["a.jpg", "b.jpg"]


def test_a_folder_that_may_not_be_entered_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "a.jpg", "lost+found/b.jpg", "z.jpg")
    whole = Path.iterdir

    def refuse(path: Path) -> object:
        if path.name == "lost+found":
            raise PermissionError(13, "Permission denied")
        return whole(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    found = search(tmp_path)
    assert [path.name for path in found.photos] == ["a.jpg", "z.jpg"]
    (problem,) = found.problems
    folder = tmp_path / "lost+found"
    assert problem == (
        folder,
        f"{folder}: cannot list this folder (Permission denied); check its permissions",
    )
    with pytest.raises(ImageError, match="cannot list"):
        list_photos([tmp_path])


@pytest.mark.skipif(os.name == "nt", reason="paths are shorter there")
def test_folders_may_be_nested_deeper_than_calls(tmp_path: Path) -> None:
    deep = "d/" * 300 + "deep.jpg"
    touch(tmp_path, "a.jpg", deep)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 200)
    try:
        found = search(tmp_path)
    finally:
        sys.setrecursionlimit(limit)
    assert found.photos == [tmp_path / "a.jpg", tmp_path / deep]


def test_patterns(tmp_path: Path) -> None:
    touch(tmp_path, "b.jpg", "a.jpg", "c.png", "sub/d.jpg", "odd[1].jpg")
    assert [Path(path).name for path in expand_pattern(f"{tmp_path}/*.jpg")] == [
        "a.jpg",
        "b.jpg",
        "odd[1].jpg",
    ]
    assert [Path(path).name for path in expand_pattern(f"{tmp_path}/**/*.jpg")] == [
        "a.jpg",
        "b.jpg",
        "odd[1].jpg",
        "d.jpg",
    ]
    assert expand_pattern(f"{tmp_path}/none*.jpg") == []


def test_what_is_in_a_folder_that_a_pattern_matches_is_not_matched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "photos/a.jpg", "photos/sub/b.jpg", "photos 2/c.jpg", "d.jpg")
    monkeypatch.chdir(tmp_path)
    assert expand_pattern("photos/**") == ["photos/"]
    assert expand_pattern("./**") == ["./"]
    assert expand_pattern("**") == ["d.jpg", "photos", "photos 2"]
    assert expand_pattern("photos*/*") == ["photos 2/c.jpg", "photos/a.jpg", "photos/sub"]


def test_names_and_patterns(tmp_path: Path) -> None:
    touch(tmp_path, "odd[1].jpg")
    assert is_pattern(f"{tmp_path}/none*.jpg")
    assert not is_pattern(f"{tmp_path}/none.jpg")
    assert not is_pattern(f"{tmp_path}/odd[1].jpg"), "there is a file of this very name"


def test_every_suffix_in_a_folder_is_a_photo_in_any_case(tmp_path: Path) -> None:
    names = [
        f"{i}.{suffix}"
        for i, suffix in enumerate(
            ("jpg", "jpeg", "JPEG", "png", "Tif", "tiff", "gif", "bmp", "webp", "pgm", "hif")
        )
    ]
    touch(tmp_path, *names, "a.jpg.txt", "b.jpeg~")
    assert sorted(path.name for path in list_photos([tmp_path])) == sorted(names)
