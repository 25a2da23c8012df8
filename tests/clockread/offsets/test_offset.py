"""Offsets of photographed clocks from the times of their photos."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest
from conftest import READING, Run
from PIL import Image

from clockread.cli import signals
from clockread.cli.offset import Change, Row, _commands
from clockread.cli.sample_photos import dial_picture
from clockread.errors import ImageError
from clockread.offsets.exiftool import Targets, commands, condition
from clockread.offsets.offset import Offset, Shot, joint_offset, offset_text
from clockread.offsets.taken import Camera, Taken, taken

TAKEN = datetime(2026, 3, 1, 16, 0, 0)


def photo(
    path: Path, shown: float, at: datetime | None, model: str = "One", serial: str = ""
) -> Path:
    """Save a photo of a clock with the time and camera in its EXIF data."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Maker", model
    details = exif.get_ifd(0x8769)
    if serial:
        details[0xA431] = serial
    if at is not None:
        exif[0x0132] = at.strftime("%Y:%m:%d %H:%M:%S")
        details[0x9003] = at.strftime("%Y:%m:%d %H:%M:%S")
        details[0x9291] = f"{at.microsecond // 1000:03d}"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(dial_picture(shown % 43_200)).save(path, quality=90, exif=exif)
    return path


def on_dial(at: datetime) -> float:
    return (at.hour * 3600 + at.minute * 60 + at.second + at.microsecond / 1e6) % 43_200


def shots(folder: Path, ahead: float, model: str = "One", count: int = 4, serial: str = "") -> Path:
    for i in range(count):
        at = TAKEN + timedelta(seconds=137.25 * i)
        photo(folder / f"{model}{serial}-{i}.jpg", on_dial(at) + ahead, at, model, serial)
    return folder


def commands_in(out: str) -> list[list[str]]:
    return [shlex.split(line) for line in out.splitlines() if line.startswith("  exiftool ")]


class TestTaken:
    def test_by_exif(self, tmp_path: Path) -> None:
        at = TAKEN + timedelta(milliseconds=250)
        found = taken(str(photo(tmp_path / "a.jpg", 0, at)), "exif")
        assert (found.at, found.camera) == (at, Camera("Maker", "One"))
        assert found.camera.label == "Maker One"
        assert Camera("Maker", "Maker One ", " 12 ").label == "Maker One (12)"
        assert Camera().label == "unknown camera"

    def test_of_a_tiff(self, tmp_path: Path) -> None:
        path = photo(tmp_path / "a.tif", 0, TAKEN)
        found = taken(str(path), "exif")
        assert (found.at, found.camera.label) == (TAKEN, "Maker One")

    def test_of_a_photo_that_pillow_would_refuse(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = photo(tmp_path / "a.jpg", 0, TAKEN)
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
        assert taken(str(path), "exif").at == TAKEN

    def test_of_a_heic_photo_with_another_suffix(self, tmp_path: Path) -> None:
        heif = pytest.importorskip("pillow_heif")
        jpeg = photo(tmp_path / "b.jpg", 0, TAKEN)
        with Image.open(jpeg) as image:
            file = heif.from_pillow(image)
        file.save(tmp_path / "a.jpg", format="HEIF")
        assert taken(str(tmp_path / "a.jpg"), "exif").at == TAKEN

    def test_exif_data_that_cannot_be_read_is_one_error(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: object) -> None:
            raise SyntaxError("not a TIFF")

        path = photo(tmp_path / "a.jpg", 0, TAKEN)
        os.utime(path, (TAKEN.timestamp(), TAKEN.timestamp()))
        monkeypatch.setattr(Image.Exif, "get_ifd", broken)
        with pytest.raises(
            ImageError, match=r"its EXIF data cannot be read \(not a TIFF\); use --"
        ):
            taken(str(path), "exif")
        assert taken(str(path), "file") == Taken(TAKEN, Camera())

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
        assert commands_in(out) == [
            ["exiftool", "-AllDates+=0:03:12", "-if", condition(Camera("Maker", "One"))]
            + ["-r", str(tmp_path)],
            ["exiftool", "-AllDates-=1:01:01", "-if", condition(Camera("Maker", "Two"))]
            + ["-r", str(tmp_path)],
        ]
        assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before

    def test_two_cameras_of_one_model_are_changed_by_their_serial_numbers(
        self, run: Run, tmp_path: Path
    ) -> None:
        shots(tmp_path, 192.0, serial="123", count=2)
        shots(tmp_path, -60.0, serial="456", count=2)
        _, out, _ = run("offset", tmp_path)
        assert [line[1] for line in commands_in(out)] == [
            "-AllDates+=0:03:12",
            "-AllDates-=0:01:00",
        ]
        for line, serial in zip(commands_in(out), ("123", "456"), strict=True):
            assert line[3].endswith(f'$EXIF:SerialNumber eq "{serial}"')

    def test_a_folder_is_changed_without_those_below_it(self, run: Run, tmp_path: Path) -> None:
        shots(tmp_path, 192.0, count=2)
        shots(tmp_path / "below", 60.0, count=2)
        _, out, _ = run("offset", tmp_path, "--by", "folder", "--time", "exif")
        assert sorted(commands_in(out)) == [
            ["exiftool", "-AllDates+=0:01:00", str(tmp_path / "below")],
            ["exiftool", "-AllDates+=0:03:12", str(tmp_path)],
        ]

    def test_a_photo_that_disagrees_is_outvoted(self, run: Run, tmp_path: Path) -> None:
        shots(tmp_path, 60.0)
        photo(tmp_path / "other.jpg", 1000.0, TAKEN)
        _, out, _ = run("offset", tmp_path, "--format", "jsonl", "--by", "folder")
        *photos, group = [json.loads(line) for line in out.splitlines()]
        assert group["offset_seconds"] == pytest.approx(60, abs=1.0)
        assert group["photos_disagreeing"] == 1
        assert [Path(one["path"]).name for one in photos if not one["agrees"]] == ["other.jpg"]
        assert group["group"] == str(tmp_path)

    @pytest.mark.parametrize(
        ("confidence", "minutes", "reason"),
        [
            (0.43, (243, 243, 243), "the offset is uncertain (43 %)"),
            (0.89, (243, 243, 243), "the offset is uncertain (89 %)"),
            (float("nan"), (243, 243, 243), "the offset is uncertain (?)"),
            (0.95, (243, 500), "1 of 2 photos disagree"),
            (0.90, (243, 243, 500), None),
        ],
    )
    def test_an_offset_that_is_uncertain_gives_no_command(
        self, confidence: float, minutes: tuple[int, ...], reason: str | None
    ) -> None:
        taken_at = [
            Shot("a.jpg", TAKEN, replace(READING, minutes=one, second_presence=0.0))
            for one in minutes
        ]
        found = Offset("One", 180.0, 0.0, confidence, False, tuple(taken_at))
        out = io.StringIO()
        _commands([Row("a.jpg", "One", Camera())], [found], Change(["a"], "file", "camera"), out)
        if reason is None:
            assert len(commands_in(out.getvalue())) == 1
        else:
            assert out.getvalue() == f"\nno command for One: {reason}; add photos\n"

    def test_at_a_given_time(self, run: Run, tmp_path: Path) -> None:
        path = photo(tmp_path / "a.jpg", 4 * 3600 + 30.0, None)
        _, out, _ = run("offset", path, "--at", "16:00:00", "--format", "jsonl")
        shown, group = map(json.loads, out.splitlines())
        assert shown["taken"] == "16:00:00"
        assert group["group"] == "all photos"
        assert group["offset_seconds"] == pytest.approx(30, abs=1)
        _, out, _ = run("offset", path, "--at", "2026-03-01T16:00", "--format", "csv")
        assert ",2026-03-01T16:00:00," in out
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

    def test_skipped_files_are_said(self, run: Run, tmp_path: Path) -> None:
        photo(tmp_path / "a.jpg", on_dial(TAKEN), TAKEN)
        (tmp_path / "b.mov").touch()
        assert run("offset", tmp_path)[2] == "clockread: skipped files: 1 .mov\n"
        assert run("offset", tmp_path, "--quiet")[2] == ""

    @pytest.mark.parametrize("output", ["table", "csv"])
    def test_a_signal_keeps_what_was_read(
        self,
        run: Run,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        output: str,
    ) -> None:
        between = signals.between

        def some(items: Iterator[object]) -> Iterator[object]:
            yield from islice(between(items), 3)
            raise signals.Stop(signal.SIGINT)

        monkeypatch.setattr(signals, "between", some)
        with pytest.raises(signals.Stop):  # which ends a process of its own
            run("offset", shots(tmp_path, 192.0), "--format", output)
        out, err = capsys.readouterr()
        assert err == ""
        if output == "csv":
            assert [row["confidence"] != "" for row in csv.DictReader(io.StringIO(out))] == [
                True
            ] * 3
        else:
            assert "+0:03:12" in out
            assert "exiftool" not in out, "commands would change the other photos too"

    def test_photos_as_tiff(self, run: Run, tmp_path: Path) -> None:
        paths = [photo(tmp_path / f"{i}.tif", on_dial(TAKEN) + 60, TAKEN) for i in range(2)]
        code, out, err = run("offset", *paths)
        assert (code, err) == (0, "")
        assert re.search(r"\+0:0(0:5[89]|1:0[0-2]) ", out), "a minute, to about a second"

    def test_usage(self, run: Run) -> None:
        assert run("offset")[0] == 2
        assert run("offset", "x.jpg", "--at", "noon")[0] == 2
        code, out, err = run("offset", "x.jpg", "--at", "12:00", "--time", "file")
        assert (code, out) == (2, "")
        assert "--at and --time exclude each other" in err
        code, out, err = run("offset", "-", "--at", "12:00")
        assert (code, out) == (2, "")
        assert "name files" in err


class TestTargets:
    def test_no_photo_is_in_two_of_them(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        for name in ("a/1.jpg", "a/below/2.jpg", "b/3.jpg", "b/4.png", "c/5.jpg", "6.jpg"):
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).touch()

        def of(*paths: str) -> tuple[list[str], list[str]]:
            found = Targets.of(paths)
            return found.trees, found.plain

        assert of("a", "a/below", "a/1.jpg", "./a") == (["a"], [])
        assert of("b/*.jpg", "b/4.png", "c/5.jpg") == ([], ["b", "c/5.jpg"])
        assert of("*.jpg", "a") == (["a"], ["."])
        assert of("*/*.jpg", "a") == (["a"], ["b", "c"])
        assert of("missing*.jpg", "6.jpg") == ([], ["missing*.jpg", "6.jpg"])
        Path("[1].jpg").touch()
        assert of("[1].jpg") == ([], ["[1].jpg"])

    def test_folders_and_files_get_commands_of_their_own(self) -> None:
        lines = commands(60, "file", Targets(["a b"], ["c.jpg"]), [Camera()])
        only = "'not $EXIF:Make and not $EXIF:Model and not $EXIF:SerialNumber'"
        assert lines == [
            f"exiftool -FileModifyDate+=0:01:00 -if {only} -r 'a b'",
            f"exiftool -FileModifyDate+=0:01:00 -if {only} c.jpg",
        ]
        assert commands(0.2, "exif", Targets(["a"])) == []

    def test_no_text_of_a_photo_leaves_its_string(self) -> None:
        found = condition(Camera("Max & Co.", 'D"5" $x @y \\', "1`2`\n"))
        assert found == (
            '$EXIF:Make eq "Max & Co." and $EXIF:Model eq "D\\x{22}5\\x{22} \\x{24}x \\x{40}y '
            '\\x{5c}" and $EXIF:SerialNumber eq "1\\x{60}2\\x{60}\\x{a}"'
        )


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
