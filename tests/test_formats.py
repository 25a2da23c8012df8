from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace

import pytest

from clockread import formats
from clockread.formats import open_writer
from clockread.reading import PhotoResult, Reading

READING = Reading(
    minutes=9,
    confidence=0.98765,
    hour_sincos=(0.0785, 0.9969),
    minute_sincos=(0.80902, 0.58779),
    box=(10.123, 20.0, 300.5, 310.25),
    center=(160.4, 175.1),
    homography=((150.0, 1.5, 160.4), (-1.25, 155.0, 175.1), (1.23456789e-4, -2e-5, 1.0)),
    rotation=-1.25,
    dial_score=0.75,
)
GOOD = PhotoResult("a.jpg", 640, 480, (READING, replace(READING, minutes=609)), None)
NONE = PhotoResult("b.jpg", 64, 48, (), None)
BAD = PhotoResult("c.jpg", None, None, (), "c.jpg: no such file; check the path")


def written(name: str, *results: PhotoResult, seconds: bool = False) -> str:
    stream = io.StringIO()
    writer = open_writer(name, stream, seconds=seconds)
    for result in results:
        writer.write(result)
    writer.close()
    return stream.getvalue()


def strict(text: str) -> object:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_the_keys_of_a_photo_are_the_documented_ones() -> None:
    photo = GOOD.to_dict()
    assert list(photo) == ["path", "width", "height", "readings", "error", "notes"]
    assert list(photo["readings"][0]) == [
        "time", "hour", "minute", "confidence", "box", "center", "hour_sincos", "minute_sincos", "rotation", "homography", "dial_score",
        "second", "second_sincos", "second_presence", "disagreement", "consistent",
    ]  # fmt: skip


def test_values_are_rounded_and_twelve_stands_for_zero() -> None:
    first, second = GOOD.to_dict()["readings"]
    assert (first["time"], first["hour"], first["minute"], first["confidence"]) == ("12:09", 0, 9, 0.9877)
    assert (second["time"], second["hour"], second["minute"]) == ("10:09", 10, 9)
    assert first["box"] == [10.12, 20.0, 300.5, 310.25]
    assert first["center"] == [160.4, 175.1]
    assert first["minute_sincos"] == [0.809, 0.5878]
    assert first["homography"][2] == [0.00012345679, -2e-05, 1.0]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_json_never_holds_nan(bad: float) -> None:
    reading = replace(
        READING, confidence=bad, box=(bad, 1, 2, 3), center=(1, bad), hour_sincos=(bad, bad), rotation=bad, homography=((bad,) * 3,) * 3
    )
    for name in ("json", "jsonl"):
        text = written(name, PhotoResult("a.jpg", 64, 48, (reading,), None))
        assert strict(text)
        assert "null" in text
    assert "nan" not in written("csv", PhotoResult("a", 64, 48, (reading,), None)).lower()
    assert "a.jpg" in written("table", PhotoResult("a.jpg", 64, 48, (reading,), None))


def test_no_negative_zero() -> None:
    assert "-0.0" not in written("jsonl", replace(GOOD, readings=(replace(READING, rotation=-0.001, center=(-0.0, -0.001)),)))


def test_jsonl_is_written_as_results_come() -> None:
    stream = io.StringIO()
    writer = open_writer("jsonl", stream)
    for i, result in enumerate((GOOD, NONE, BAD), start=1):
        writer.write(result)
        lines = stream.getvalue().splitlines()
        assert len(lines) == i
        assert strict(lines[-1]) == result.to_dict()
    assert json.loads(lines[2]) == {"path": "c.jpg", "width": None, "height": None, "readings": [], "error": BAD.error, "notes": []}


def test_json_is_one_array_also_when_empty() -> None:
    assert strict(written("json", GOOD, NONE, BAD)) == [GOOD.to_dict(), NONE.to_dict(), BAD.to_dict()]
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
    for part in ("a.jpg", "12:09", "10:09", "99 %", "10 20 300 310", "no clock found", "no such file", "d[red].jpg"):
        assert part in text
    assert text.count("a.jpg") == 1


def test_strange_names_survive() -> None:
    name = "caf\u00e9\udcff\n\x1b[31m.jpg"
    result = PhotoResult(name, 64, 48, (), None)
    text = written("jsonl", result)
    assert json.loads(text)["path"] == name
    for form in formats.FORMATS:
        text = written(form, result)
        text.encode("utf-8")
        assert "\x1b" not in text
    assert len(written("csv", result).splitlines()) == 2


def test_unknown_format() -> None:
    with pytest.raises(ValueError, match="choose one of table, jsonl, json, csv"):
        open_writer("xml", io.StringIO())


def test_seconds_are_told_where_there_is_a_second_hand_and_they_are_asked_for() -> None:
    at_45 = replace(READING, second_sincos=(-0.95, 0.02), second_presence=0.97)
    photo = PhotoResult("d.jpg", 9, 9, (at_45, READING), None)
    assert [r["time"] for r in photo.to_dict(seconds=True)["readings"]] == ["12:09:45", "12:09"]
    assert [(r["time"], r["second"]) for r in photo.to_dict()["readings"]] == [("12:09", 45), ("12:09", None)]
    for name in ("jsonl", "json", "csv", "table"):
        assert "12:09:45" in written(name, photo, seconds=True)
        assert "12:09:45" not in written(name, photo)


def test_hands_that_cannot_both_be_right_are_marked() -> None:
    torn = PhotoResult("e.jpg", 9, 9, (replace(READING, disagreement=-13.25), replace(READING, disagreement=3.0), READING), None)
    of_json = [(r["disagreement"], r["consistent"]) for r in torn.to_dict()["readings"]]
    assert of_json == [(-13.25, False), (3.0, True), (None, True)]
    rows = list(csv.DictReader(io.StringIO(written("csv", torn))))
    assert [row["consistent"] for row in rows] == ["false", "true", "true"]
    assert written("table", torn).count("hands disagree") == 1
