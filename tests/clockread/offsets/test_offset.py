"""Offsets of photographed clocks from the times of their photos."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from conftest import READING, Run
from PIL import Image

from clockread.cli.sample_photos import dial_picture
from clockread.errors import ImageError
from clockread.offsets.offset import Shot, joint_offset, offset_text
from clockread.offsets.taken import taken

TAKEN = datetime(2026, 3, 1, 16, 0, 0)


def photo(path: Path, shown: float, at: datetime | None, model: str = "One") -> Path:
    """Save a photo of a clock with the time and camera in its EXIF data."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Maker", model
    if at is not None:
        details = exif.get_ifd(0x8769)
        details[0x9003] = at.strftime("%Y:%m:%d %H:%M:%S")
        details[0x9291] = f"{at.microsecond // 1000:03d}"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(dial_picture(shown % 43_200)).save(path, quality=90, exif=exif)
    return path


def on_dial(at: datetime) -> float:
    return (at.hour * 3600 + at.minute * 60 + at.second + at.microsecond / 1e6) % 43_200


def shots(folder: Path, ahead: float, model: str = "One", count: int = 4) -> Path:
    for i in range(count):
        at = TAKEN + timedelta(seconds=137.25 * i)
        photo(folder / f"{model}-{i}.jpg", on_dial(at) + ahead, at, model)
    return folder


class TestTaken:
    def test_by_exif(self, tmp_path: Path) -> None:
        at = TAKEN + timedelta(milliseconds=250)
        found = taken(str(photo(tmp_path / "a.jpg", 0, at)), "exif")
        assert (found.at, found.camera) == (at, "Maker One")

    def test_by_file(self, tmp_path: Path) -> None:
        path = photo(tmp_path / "a.jpg", 0, None)
        os.utime(path, (TAKEN.timestamp(), TAKEN.timestamp()))
        assert taken(str(path), "file").at == TAKEN
        with pytest.raises(ImageError, match="no EXIF time"):
            taken(str(path), "exif")

    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(ImageError, match="no such file"):
            taken(str(tmp_path / "a.jpg"), "exif")


class TestCommand:
    def test_two_cameras_to_the_second(self, run: Run, tmp_path: Path) -> None:
        shots(tmp_path, 192.0, "One")
        shots(tmp_path, -3661.0, "Two")
        before = {path: path.read_bytes() for path in tmp_path.iterdir()}
        code, out, err = run("offset", tmp_path)
        assert (code, err) == (0, "")
        assert "+0:03:12" in out
        assert "-1:01:01" in out
        assert "exiftool -AllDates+=0:03:12 -if" in out
        assert "exiftool -AllDates-=1:01:01 -if" in out
        assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before

    def test_a_photo_that_disagrees_is_outvoted(self, run: Run, tmp_path: Path) -> None:
        shots(tmp_path, 60.0)
        photo(tmp_path / "other.jpg", 1000.0, TAKEN)
        _, out, _ = run("offset", tmp_path, "--format", "jsonl", "--by", "folder")
        *photos, group = [json.loads(line) for line in out.splitlines()]
        assert group["offset_seconds"] == pytest.approx(60, abs=1.0)
        assert group["photos_disagreeing"] == 1
        assert [Path(one["path"]).name for one in photos if not one["agrees"]] == ["other.jpg"]
        assert group["group"] == str(tmp_path)

    def test_at_a_given_time(self, run: Run, tmp_path: Path) -> None:
        path = photo(tmp_path / "a.jpg", 4 * 3600 + 30.0, None)
        _, out, _ = run("offset", path, "--at", "16:00:00", "--format", "jsonl")
        assert json.loads(out.splitlines()[-1])["offset_seconds"] == pytest.approx(30, abs=1)
        assert "exiftool" not in run("offset", path, "--at", "2026-03-01T16:00")[1]

    def test_a_photo_without_a_time_is_an_error_and_the_others_count(
        self, run: Run, tmp_path: Path
    ) -> None:
        shots(tmp_path, 10.0, count=2)
        photo(tmp_path / "z.jpg", 0.0, None)
        code, out, err = run("offset", tmp_path, "--format", "csv")
        assert code == 1
        assert len(out.splitlines()) == 4
        assert len(err.splitlines()) == 1
        assert "z.jpg: no EXIF time" in err

    def test_usage(self, run: Run) -> None:
        assert run("offset")[0] == 2
        assert run("offset", "x.jpg", "--at", "noon")[0] == 2
        code, out, err = run("offset", "-", "--at", "12:00")
        assert (code, out) == (2, "")
        assert "name files" in err


def test_readings_without_distributions_are_decoded_by_their_times() -> None:
    apart = [timedelta(minutes=7 * i) for i in range(4)]
    shown = [*(243 + 7 * i for i in range(3)), 500]  # minutes past twelve; the last is misread
    found = joint_offset(
        "One",
        [
            Shot("", TAKEN + after, replace(READING, minutes=minutes))
            for after, minutes in zip(apart, shown, strict=True)
        ],
    )
    assert found.seconds == pytest.approx(180, abs=30)
    assert (found.has_seconds, found.disagreeing) == (False, 1)
    assert found.spread == 0


def test_offset_texts() -> None:
    assert offset_text(192.4) == "+0:03:12"
    assert offset_text(-3661.0) == "-1:01:01"
    assert offset_text(-0.3) == "+0:00:00"
    assert offset_text(100.0, exact=False) == "+0:02"
