from __future__ import annotations

import csv
import io
import json
import math
import re
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from conftest import READING
from rich.cells import cell_len

from clockread.cli.output import CSV_COLUMNS, open_writer
from clockread.cli.tables import elided_path
from clockread.errors import one_line
from clockread.reading import PhotoResult, Reading

GOOD = PhotoResult("a.jpg", 640, 480, (READING, replace(READING, minutes=609)), None)
NONE = PhotoResult("b.jpg", 64, 48, (), None)
BAD = PhotoResult("c.jpg", None, None, (), "c.jpg: no such file; check the path")


def written(name: str, *results: PhotoResult, **options: Any) -> str:
    stream = io.StringIO()
    writer = open_writer(name, stream, **options)
    for result in results:
        writer.write(result)
    writer.close()
    return stream.getvalue()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "COLUMNS", "LINES", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")


def on_terminal(
    columns: int, name: str, *results: PhotoResult, color: bool = False, **options: Any
) -> str:
    """What a terminal shows; without escape sequences unless ``color``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(columns))
        if color:
            patch.delenv("NO_COLOR")
        stream = Terminal()
        writer = open_writer(name, stream, **options)
        for result in results:
            writer.write(result)
        writer.close()
    return stream.getvalue() if color else re.sub(r"\x1b\[[\d;]*m", "", stream.getvalue())


def strict(text: str) -> object:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_the_keys_of_a_photo_are_the_documented_ones() -> None:
    photo = GOOD.to_dict()
    assert list(photo) == ["path", "width", "height", "readings", "error", "notes"]
    assert list(photo["readings"][0]) == [
        "time", "hour", "minute", "confidence", "box", "center", "hour_sincos", "minute_sincos",
        "rotation", "homography", "dial_score", "second", "second_sincos", "second_presence",
        "disagreement", "consistent", "dial_hours", "mirrored",
    ]  # fmt: skip


WHOLE = replace(
    READING,
    second_sincos=(-0.95043, 0.02046),
    second_presence=0.97128,
    disagreement=-13.254,
    finder_score=0.8,
    dial_logit=1.5,
)


def test_the_json_object_of_a_reading() -> None:
    photo = PhotoResult("a.jpg", 640, 480, (WHOLE,), None, 2.0, ("the first of 3 frames",), 1)
    assert json.loads(written("jsonl", photo)) == {
        "path": "a.jpg",
        "width": 640,
        "height": 480,
        "readings": [
            {
                "time": "12:09",
                "hour": 0,
                "minute": 9,
                "confidence": 0.9877,
                "box": [10.12, 20.0, 300.5, 310.25],
                "center": [160.4, 175.1],
                "hour_sincos": [0.0785, 0.9969],
                "minute_sincos": [0.809, 0.5878],
                "rotation": -1.25,
                "homography": [
                    [150.0, 1.5, 160.4],
                    [-1.25, 155.0, 175.1],
                    [0.00012345679, -2e-05, 1.0],
                ],
                "dial_score": 0.75,
                "second": 45,
                "second_sincos": [-0.9504, 0.0205],
                "second_presence": 0.9713,
                "disagreement": -13.25,
                "consistent": False,
                "dial_hours": 12,
                "mirrored": False,
            }
        ],
        "error": None,
        "notes": ["the first of 3 frames"],
    }


def test_the_csv_row_of_a_reading() -> None:
    photo = PhotoResult(
        "a.jpg", 640, 480, (WHOLE,), "a.overlay.jpg: the disk is full", 2.0, ("one", "two")
    )
    (row,) = csv.DictReader(io.StringIO(written("csv", photo)))
    assert row == {
        "path": "a.jpg", "width": "640", "height": "480", "time": "12:09", "hour": "0",
        "minute": "9", "confidence": "0.9877", "x": "10.12", "y": "20.0", "w": "300.5",
        "h": "310.25", "center_x": "160.4", "center_y": "175.1", "hour_sin": "0.0785",
        "hour_cos": "0.9969", "minute_sin": "0.809", "minute_cos": "0.5878", "rotation": "-1.25",
        "dial_score": "0.75", "second": "45", "second_sin": "-0.9504", "second_cos": "0.0205",
        "second_presence": "0.9713", "disagreement": "-13.25", "consistent": "false",
        "dial_hours": "12", "mirrored": "false",
        "error": "a.overlay.jpg: the disk is full", "notes": "one; two",
    }  # fmt: skip
    (row,) = csv.DictReader(io.StringIO(written("csv", NONE)))
    assert {name: value for name, value in row.items() if value} == {
        "path": "b.jpg",
        "width": "64",
        "height": "48",
    }


def test_the_table_literally() -> None:
    torn = PhotoResult(
        "d.jpg",
        9,
        9,
        (WHOLE, replace(WHOLE, minutes=609, confidence=0.4)),
        "d.jpg: no room",
        notes=("a note",),
    )
    assert written("table", torn, summary=False).splitlines()[2:] == [
        "d.jpg  12:09         99 %     10 20 300 310  no room; a note; the hands disagree",
        "       10:09?        40 %     10 20 300 310  the hands disagree",
    ]


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_each_result_is_flushed(form: str) -> None:
    class Stream(io.StringIO):
        flushed = ""

        def flush(self) -> None:
            self.flushed = self.getvalue()

    stream = Stream()
    writer = open_writer(form, stream)
    for result in (GOOD, NONE, BAD):
        writer.write(result)
        assert result.path in stream.flushed


def test_values_are_rounded_and_twelve_stands_for_zero() -> None:
    first, second = GOOD.to_dict()["readings"]
    assert (first["time"], first["hour"], first["minute"], first["confidence"]) == (
        "12:09",
        0,
        9,
        0.9877,
    )
    assert (second["time"], second["hour"], second["minute"]) == ("10:09", 10, 9)
    assert first["box"] == [10.12, 20.0, 300.5, 310.25]
    assert first["center"] == [160.4, 175.1]
    assert first["minute_sincos"] == [0.809, 0.5878]
    assert first["homography"][2] == [0.00012345679, -2e-05, 1.0]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_json_never_holds_nan(bad: float) -> None:
    reading = replace(
        READING,
        confidence=bad,
        box=(bad, 1, 2, 3),
        center=(1, bad),
        hour_sincos=(bad, bad),
        rotation=bad,
        homography=((bad,) * 3,) * 3,
    )
    for name in ("json", "jsonl"):
        text = written(name, PhotoResult("a.jpg", 64, 48, (reading,), None))
        assert strict(text)
        assert "null" in text
    assert "nan" not in written("csv", PhotoResult("a", 64, 48, (reading,), None)).lower()
    assert "a.jpg" in written("table", PhotoResult("a.jpg", 64, 48, (reading,), None))


def test_no_negative_zero() -> None:
    assert "-0.0" not in written(
        "jsonl", replace(GOOD, readings=(replace(READING, rotation=-0.001, center=(-0.0, -0.001)),))
    )


def test_jsonl_is_written_as_results_come() -> None:
    stream = io.StringIO()
    writer = open_writer("jsonl", stream)
    for i, result in enumerate((GOOD, NONE, BAD), start=1):
        writer.write(result)
        lines = stream.getvalue().splitlines()
        assert len(lines) == i
        assert strict(lines[-1]) == result.to_dict()
    assert json.loads(lines[2]) == {
        "path": "c.jpg",
        "width": None,
        "height": None,
        "readings": [],
        "error": BAD.error,
        "notes": [],
    }


def test_json_is_one_array_also_when_empty() -> None:
    assert strict(written("json", GOOD, NONE, BAD)) == [
        GOOD.to_dict(),
        NONE.to_dict(),
        BAD.to_dict(),
    ]
    assert strict(written("json")) == []


def test_csv_has_a_row_for_each_reading_and_for_photos_without() -> None:
    rows = list(csv.DictReader(io.StringIO(written("csv", GOOD, NONE, BAD))))
    assert [(row["path"], row["time"], row["hour"], row["error"]) for row in rows] == [
        ("a.jpg", "12:09", "0", ""),
        ("a.jpg", "10:09", "10", ""),
        ("b.jpg", "", "", ""),
        ("c.jpg", "", "", BAD.error),
    ]
    assert rows[0]["minute_cos"] == "0.5878"
    assert rows[0]["dial_score"] == "0.75"
    assert None not in rows[0]
    assert None not in rows[0].values()


def test_table_shows_times_notes_and_errors() -> None:
    text = written("table", GOOD, NONE, BAD, PhotoResult("d[red].jpg", 64, 48, (), None))
    for part in (
        "a.jpg",
        "12:09",
        "10:09",
        "99 %",
        "10 20 300 310",
        "no clock found",
        "no such file",
        "d[red].jpg",
    ):
        assert part in text
    assert text.count("a.jpg") == 1


STRANGE_NAMES = [
    "caf\u00e9\udcff\n\x1b[31m.jpg",
    "Screenshot 10.09\u202fAM.png",
    "a\u00a0b\u3000c  d.jpg",
    "\u3000leading and trailing\u00a0",
    "family \U0001f468\u200d\U0001f469\u200d\U0001f467.jpg",
    "carriage\rreturn.jpg",
    'comma, and "quotes".jpg',
    "d[red].jpg",
    "1e3",
    "x" * 5000 + ".jpg",
]


@pytest.mark.parametrize("name", STRANGE_NAMES)
@pytest.mark.parametrize("readings", [(), (READING,)])
def test_every_format_gives_back_the_very_name(name: str, readings: tuple[Reading, ...]) -> None:
    result = PhotoResult(name, 64, 48, readings, None)
    for form in ("json", "jsonl"):
        text = written(form, result)
        assert text.isascii()
        photo = json.loads(text)
        assert (photo[0] if form == "json" else photo)["path"] == name
    rows = list(csv.DictReader(io.StringIO(written("csv", result), newline="")))
    assert [row["path"] for row in rows] == [name]
    assert one_line(name, len(name) * 10) in written("table", result)


@pytest.mark.parametrize("form", ["csv", "table"])
def test_a_terminal_gets_no_control_characters_of_a_name(form: str) -> None:
    result = PhotoResult(
        "caf\u00e9\udcff\n\x1b[31m\u202e.jpg", 64, 48, (), None, notes=("two\nlines",)
    )
    text = on_terminal(80, form, result)
    assert "caf\u00e9\\udcff\\n\\x1b[31m\\u202e.jpg" in text
    assert "two\\nlines" in text
    assert "two\nlines" not in text


def test_csv_ends_its_rows_as_other_tools_do() -> None:
    assert "\r" not in written("csv", GOOD, NONE, BAD)


def test_unknown_format() -> None:
    with pytest.raises(ValueError, match="choose one of table, jsonl, json, csv"):
        open_writer("xml", io.StringIO())


def test_seconds_are_told_where_there_is_a_second_hand_and_they_are_asked_for() -> None:
    at_45 = replace(READING, second_sincos=(-0.95, 0.02), second_presence=0.97)
    photo = PhotoResult("d.jpg", 9, 9, (at_45, READING), None)
    assert [r["time"] for r in photo.to_dict(seconds=True)["readings"]] == ["12:08:45", "12:09"]
    assert [(r["time"], r["second"]) for r in photo.to_dict()["readings"]] == [
        ("12:09", 45),
        ("12:09", None),
    ]
    for name in ("jsonl", "json", "csv", "table"):
        assert "12:08:45" in written(name, photo, seconds=True)
        assert "12:08:45" not in written(name, photo)


def test_hands_that_cannot_both_be_right_are_marked() -> None:
    torn = PhotoResult(
        "e.jpg",
        9,
        9,
        (replace(READING, disagreement=-13.25), replace(READING, disagreement=3.0), READING),
        None,
    )
    of_json = [(r["disagreement"], r["consistent"]) for r in torn.to_dict()["readings"]]
    assert of_json == [(-13.25, False), (3.0, True), (None, True)]
    rows = list(csv.DictReader(io.StringIO(written("csv", torn))))
    assert [row["consistent"] for row in rows] == ["false", "true", "true"]
    assert written("table", torn).count("hands disagree") == 1


def test_notes_are_shown_and_written() -> None:
    noted = replace(GOOD, notes=("the first of 12 frames", "no EXIF"))
    for form in ("csv", "table"):
        assert "the first of 12 frames; no EXIF" in written(form, noted)
    assert json.loads(written("jsonl", noted))["notes"] == ["the first of 12 frames", "no EXIF"]
    assert CSV_COLUMNS[-2:] == ("error", "notes")
    rows = list(
        csv.DictReader(
            io.StringIO(written("csv", noted, NONE, replace(BAD, notes=("tried twice",))))
        )
    )
    assert [(row["error"], row["notes"]) for row in rows] == [
        ("", "the first of 12 frames; no EXIF"),
        ("", "the first of 12 frames; no EXIF"),
        ("", ""),
        (BAD.error, "tried twice"),
    ]


def test_a_photo_whose_readings_were_left_out_is_not_said_to_be_without_a_clock() -> None:
    first, *_, last = written("table", replace(NONE, below_min_confidence=1)).splitlines()[2:]
    assert first.endswith("  1 reading below --min-confidence")
    assert last.startswith("1 photo, 0 clocks, 1 below --min-confidence · ")
    text = written(
        "table",
        replace(GOOD, below_min_confidence=2),
        replace(NONE, notes=("the first of 3 frames",)),
    )
    assert "2 readings below --min-confidence" in text
    assert "no clock found; the first of 3 frames" in text
    assert "2 photos, 2 clocks, 2 below --min-confidence, 1 without a clock" in text


DOUBTFUL = replace(READING, confidence=0.4999)
CLOCK = "\u6642\u8a08"
FOLDER = "/home/ada/pictures/2024/summer holiday/italy"
WIDE = (
    PhotoResult(
        f"{FOLDER}/IMG_1.jpg", 640, 480, (READING, replace(DOUBTFUL, disagreement=-13.0)), None
    ),
    PhotoResult(f"{FOLDER}/{'very-long-name-' * 6}7.jpg", 640, 480, (), None),
    PhotoResult(f"{FOLDER}/{CLOCK * 20} \U0001f550.jpg", 640, 480, (READING,), None),
    PhotoResult(
        f"{FOLDER}/gone.jpg", None, None, (), f"{FOLDER}/gone.jpg: no such file; check the path"
    ),
    PhotoResult(
        "o.jpg",
        9,
        9,
        (READING,),
        f"/overlays{FOLDER}/o.overlay.jpg: "
        "the overlay could not be saved (No space left on device)",
    ),
    PhotoResult(
        "n.jpg",
        9,
        9,
        (READING,),
        None,
        notes=("the first of 12 frames; the option frames=all reads each",),
    ),
)


@pytest.mark.parametrize("columns", [26, 30, 40])
def test_a_very_narrow_terminal_shows_whole_times(columns: int) -> None:
    lines = on_terminal(columns, "table", *WIDE).splitlines()
    assert max(map(cell_len, lines)) <= columns
    assert lines[0].split() == ["photo", "time", "note"]
    assert sum("12:09" in line.split() for line in lines) == 4


def test_the_summary_is_ascii_where_the_table_is() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), "ascii", errors="backslashreplace")
    writer = open_writer("table", stream, clock=iter((0.0, 1.5)).__next__)
    writer.write(GOOD)
    writer.close()
    assert stream.buffer.getvalue().decode().splitlines()[-1] == "1 photo, 2 clocks - 1.5 s"


@pytest.mark.parametrize("columns", [50, 60, 80, 120, 200])
def test_the_table_fits_the_terminal_and_breaks_no_word(columns: int) -> None:
    text = on_terminal(columns, "table", *WIDE, passed_over=Counter({".mov": 2, ".txt": 1}))
    lines = text.splitlines()
    assert max(map(cell_len, lines)) <= columns
    rows = lines[2 : lines.index("")]
    names = [line.split("  ")[0].split("/")[-1] for line in rows if line[0] != " "]
    assert len(names) == len(WIDE)
    assert {"IMG_1.jpg", "gone.jpg", "o.jpg", "n.jpg"} <= set(names)
    start = lines[0].index("note")
    words = " ".join(line[start:] for line in rows if cell_len(line) == len(line)).split()
    texts = [text for result in WIDE for text in (result.error or "", *result.notes)]
    whole = {
        word for text in (*texts, "no clock found", "the hands disagree") for word in text.split()
    }
    assert len(words) > 20
    assert {word for word in words if "\u2026" not in word} <= whole
    assert any(
        word.endswith(".jpg:") for word in words
    )  # the middle of a long word is left out, not its end


def test_the_box_gives_way_before_the_name() -> None:
    photo = PhotoResult("holiday/in/italy/IMG_20240712_101500.jpg", 640, 480, (READING,), None)
    assert "10 20 300 310" in on_terminal(100, "table", photo)
    narrow = on_terminal(65, "table", photo)
    assert "10 20 300 310" not in narrow
    assert photo.path in narrow
    narrower = on_terminal(55, "table", photo)
    assert photo.path not in narrower
    assert "…/in/italy/IMG_20240712_101500.jpg" in narrower


def test_a_file_or_pipe_gets_every_name_and_note_whole() -> None:
    text = written("table", *WIDE)
    for result in WIDE:
        assert result.path in text
        assert (result.error or "").removeprefix(f"{result.path}: ") in text
    assert "…" not in text
    assert "10 20 300 310" in text
    assert "\x1b" not in text
    assert all(line == line.rstrip() for line in text.splitlines())


@pytest.mark.parametrize(
    ("path", "width", "shown"),
    [
        ("a/b/c.jpg", 9, "a/b/c.jpg"),
        ("aa/bb/c.jpg", 10, "…/bb/c.jpg"),
        ("aa/bb/c.jpg", 9, "…/c.jpg"),
        ("/aa/c.jpg", 8, "…/c.jpg"),
        ("aa/c.jpg", 7, "…/c.jpg"),
        ("aa/c.jpg", 6, "c.jpg"),
        ("aa/abcdefghij.jpg", 9, "abcd….jpg"),
        ("\u6642\u6642\u6642\u6642.jpg", 9, "\u6642\u6642….jpg"),
        ("abcdefghe\u0301jp", 7, "abc…jp"),  # the accent must not join the ellipsis
    ],
)
def test_folders_are_left_out_first_then_the_middle_of_a_name(
    path: str, width: int, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clockread.cli.tables.SEPARATOR", "/")
    assert elided_path(path, width) == shown
    assert cell_len(shown) <= width


@pytest.mark.parametrize(
    ("confidence", "doubtful"),
    [(0.0, True), (0.4999, True), (0.5, False), (1.0, False), (math.nan, True)],
)
def test_doubtful_readings_are_marked_with_and_without_color(
    confidence: float, doubtful: bool
) -> None:
    photo = PhotoResult("a.jpg", 9, 9, (replace(READING, confidence=confidence), READING), None)
    for text in (written("table", photo), on_terminal(80, "table", photo)):
        assert text.count("12:09") == 2
        assert text.count("12:09?") == doubtful
        assert ("1 doubtful (?)" in text.splitlines()[-1]) == doubtful
    assert ("\x1b[33m12:09?" in on_terminal(80, "table", photo, color=True)) == doubtful
    assert ("\x1b[33m" in on_terminal(80, "table", photo, color=True)) == doubtful


def test_digits_of_times_are_aligned() -> None:
    times = [
        replace(READING, minutes=m, confidence=c) for m, c in ((65, 0.9), (605, 0.9), (65, 0.1))
    ]
    seconds = [replace(r, second_sincos=(0.0, 1.0), second_presence=1.0) for r in times]
    lines = written(
        "table", PhotoResult("a.jpg", 9, 9, (*times, *seconds), None), seconds=True
    ).splitlines()[2:-2]
    assert len({re.search(r"\d:", line).end() for line in lines}) == 1  # type: ignore[union-attr]


def summary(*results: PhotoResult, took: float = 2.14, **options: Any) -> str:
    times = iter((100.0, 100.0 + took))
    return written("table", *results, clock=lambda: next(times), **options).splitlines()[-1]


def test_the_last_line_counts() -> None:
    assert summary(GOOD, took=0.04) == "1 photo, 2 clocks · 0.0 s"
    assert summary() == "0 photos, 0 clocks · 2.1 s"
    one = PhotoResult("a.jpg", 9, 9, (DOUBTFUL,), None)
    passed_over = Counter({".mov": 2, "without a suffix": 1})
    assert summary(one, NONE, BAD, passed_over=passed_over) == (
        "3 photos, 1 clock, 1 doubtful (?), 1 without a clock, 1 error, "
        "3 files skipped (2 .mov, 1 without a suffix) · 2.1 s"
    )
    assert summary(one, one, NONE, NONE, BAD, BAD, passed_over=Counter({".mov": 1})) == (
        "6 photos, 2 clocks, 2 doubtful (?), 2 without a clock, 2 errors, "
        "1 file skipped (1 .mov) · 2.1 s"
    )
    assert summary(*[GOOD] * 617).startswith("617 photos, 1,234 clocks · ")


def test_a_summary_that_is_wider_than_the_terminal_breaks_between_words() -> None:
    many = Counter({f".{letter}{letter}": n for n, letter in enumerate("abcdefg", start=1)})
    whole = "28 files skipped (7 .gg, 6 .ff, 5 .ee, 4 .dd, 3 .cc, 2 .bb, 1 .aa) · "
    assert whole in summary(GOOD, passed_over=many)
    lines = on_terminal(60, "table", GOOD, passed_over=many).splitlines()
    assert whole in " ".join(line.strip() for line in lines[lines.index("") :])


def test_files_passed_over_may_be_counted_after_the_writer_was_opened() -> None:
    passed_over: Counter[str] = Counter()
    stream = io.StringIO()
    writer = open_writer("table", stream, passed_over=passed_over)
    passed_over[".mov"] += 1
    writer.write(GOOD)
    writer.close()
    assert "1 file skipped (1 .mov)" in stream.getvalue()


@pytest.mark.parametrize(
    ("took", "text"),
    [
        (59.94, "59.9 s"),
        (61.2, "1 min 1 s"),
        (3600.0, "1 h 0 min"),
        (3599.9, "59 min 59 s"),
        (59.97, "1 min 0 s"),
    ],
)
def test_long_times_are_given_in_minutes_and_hours(took: float, text: str) -> None:
    assert summary(GOOD, took=took).endswith(f" · {text}")


def test_the_summary_can_be_left_out() -> None:
    text = written("table", GOOD, BAD, summary=False)
    assert "1 error" not in text
    assert text.splitlines()[-1].startswith("c.jpg")


def test_only_the_table_has_a_summary() -> None:
    for form in ("json", "jsonl", "csv"):
        assert "skipped" not in written(form, GOOD, passed_over=Counter({".mov": 3}))


def test_an_error_and_a_note_beside_a_reading_keep_the_disagreement() -> None:
    torn = PhotoResult(
        "x/d.jpg", 9, 9, (WHOLE,), "x/d.jpg: no room", notes=("a note",), below_min_confidence=1
    )
    line = written("table", torn, summary=False).splitlines()[2]
    assert line.endswith("no room; 1 reading below --min-confidence; a note; the hands disagree")
    assert line.count("x/d.jpg") == 1
