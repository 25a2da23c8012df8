"""Rendered dials, hard in different ways, read through the API; see tests/golden/README.md."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from conftest import GOLDEN, minutes_of

pytest.importorskip("onnxruntime", reason="reading needs the cpu or gpu extra")

from clockread import ClockReader, Reading
from clockread.clock import circular_difference
from clockread.finder import iou
from clockread.geometry import bounding_box, project
from clockread.reader import Effort

CASES: dict[str, dict[str, Any]] = json.loads((GOLDEN / "golden.json").read_text(encoding="utf-8"))
RIM = np.stack([np.sin(np.arange(16) * np.pi / 8), -np.cos(np.arange(16) * np.pi / 8)], axis=1)
TWELVE = np.array([[0.0, -1.0]])


@pytest.fixture(scope="module")
def reader() -> ClockReader:
    return ClockReader("cpu", model="default")


@pytest.fixture(scope="module")
def readings(reader: ClockReader) -> dict[str, list[Reading]]:
    return {name: reader.read(GOLDEN / f"{name}.jpg") for name in CASES}


def radius(homography: np.ndarray) -> float:
    """Mean radius of a dial in pixels."""
    return float(
        np.linalg.norm(
            project(homography, RIM) - project(homography, np.zeros((1, 2))), axis=1
        ).mean()
    )


def rim_error(reading: Reading, truth: dict[str, Any]) -> float:
    """Mean distance of the rim's points, the twelve included, from where they are, in radii."""
    true = np.array(truth["homography"])
    return float(
        np.linalg.norm(
            project(np.array(reading.homography), RIM) - project(true, RIM), axis=1
        ).mean()
        / radius(true)
    )


def pairs(readings: dict[str, list[Reading]]) -> list[tuple[str, dict[str, Any], Reading]]:
    """Each true dial with the reading whose face lies on it."""
    out = []
    for name, case in CASES.items():
        for truth in case["truth"]:
            face = bounding_box(np.array(truth["homography"]))
            out += [
                (name, truth, reading)
                for reading in readings[name]
                if iou(reading.face, face) > 0.6
            ]
    return out


def test_there_are_two_dozen_small_pictures() -> None:
    assert len(CASES) == 24
    files = list(GOLDEN.glob("*.jpg"))
    assert {file.stem for file in files} == set(CASES)
    assert sum(file.stat().st_size for file in files) < 400_000


def test_every_dial_is_found_once_and_nothing_else(readings: dict[str, list[Reading]]) -> None:
    assert {name: len(found) for name, found in readings.items()} == {
        name: len(case["truth"]) for name, case in CASES.items()
    }
    assert len(pairs(readings)) == sum(len(case["truth"]) for case in CASES.values()) == 25


def test_times_seconds_and_poses_are_true(readings: dict[str, list[Reading]]) -> None:
    found = pairs(readings)
    assert all(
        abs(circular_difference(reading.minutes, minutes_of(truth["time"]), 720)) <= 1
        for _, truth, reading in found
    )
    for name, truth, reading in found:
        if truth["second"] is None:
            assert reading.second is None, name
        else:
            assert reading.second is not None, name
            assert abs(circular_difference(reading.second, truth["second"], 60)) <= 1, name
    errors = [rim_error(reading, truth) for _, truth, reading in found]
    assert np.median(errors) < 0.025
    assert max(errors) < 0.12
    assert np.mean(errors) < 0.03


def test_twelve_is_where_the_dial_has_it(readings: dict[str, list[Reading]]) -> None:
    for name, truth, reading in pairs(readings):
        true = np.array(truth["homography"])
        away = project(np.array(reading.homography), TWELVE) - project(true, TWELVE)
        assert np.linalg.norm(away) < 0.12 * radius(true), name


@pytest.mark.parametrize("name", CASES)
def test_readings_are_the_noted_ones(name: str, readings: dict[str, list[Reading]]) -> None:
    expected = CASES[name]["readings"]
    found = [reading.to_dict() for reading in readings[name]]
    if len(expected) > 1:  # whose scores may be too near each other for their order
        expected, found = (sorted(some, key=lambda one: one["box"]) for some in (expected, found))
    assert [(one["time"], one["second"]) for one in found] == [
        (one["time"], one["second"]) for one in expected
    ]
    for one, noted in zip(found, expected, strict=True):
        for key in ("confidence", "dial_score", "second_presence"):
            assert one[key] == pytest.approx(noted[key], abs=0.05), key
        assert one["box"] == pytest.approx(noted["box"], abs=2)
        assert abs(circular_difference(one["rotation"], noted["rotation"], 360)) < 2
        assert one["disagreement"] == pytest.approx(noted["disagreement"], abs=1.5)
        now, then = (project(np.array(some["homography"]), RIM) for some in (one, noted))
        assert np.linalg.norm(now - then, axis=1).mean() < 0.012 * radius(
            np.array(noted["homography"])
        )


def test_int8_reads_the_times_that_are_clear(readings: dict[str, list[Reading]]) -> None:
    """It rounds differently by processor and runtime: only clear readings are the same."""
    int8 = ClockReader("cpu", model="int8")
    for name, of_default in readings.items():
        times = {reading.time for reading in int8.read(GOLDEN / f"{name}.jpg")}
        assert {reading.time for reading in of_default if reading.confidence > 0.97} <= times, name


def test_only_other_greys_show_red_hands_on_blue() -> None:
    photo, time = GOLDEN / "red-on-blue.jpg", CASES["red-on-blue"]["truth"][0]["time"]
    without = ClockReader("cpu", model="default", effort=Effort(colors=False)).read(
        photo, cropped=True
    )[0]
    assert without.confidence < 0.9
    both = ClockReader("cpu", model="default").read([GOLDEN / "doubtful.jpg", photo], cropped=True)
    assert both[1][0].time == time, "each dial in the colors of its own photo"
    assert both[1][0].confidence > 0.95


def test_the_surest_of_several_windows_counts() -> None:
    photo = GOLDEN / "retried.jpg"
    without = ClockReader("cpu", model="default", effort=Effort(windows=False, colors=False)).read(
        photo
    )[0]
    effort = Effort(colors=False, windows=True)
    reader = ClockReader("cpu", model="default", effort=effort)
    reader.networks["pose"].recorded = calls = []
    (with_windows,) = reader.read(photo)
    assert without.confidence < 0.9
    assert with_windows.confidence >= without.confidence
    assert len(calls) == 2, "the other windows go through the network in one batch"


def test_refined_poses_are_nearer_to_the_truth() -> None:
    once = ClockReader("cpu", model="default", effort=Effort(passes=1))
    often = ClockReader("cpu", model="default")
    names = [name for name in CASES if "tilted" in name or "turned" in name]
    errors = [
        np.mean(
            [
                rim_error(reader.read(GOLDEN / f"{name}.jpg")[0], CASES[name]["truth"][0])
                for name in names
            ]
        )
        for reader in (once, often)
    ]
    assert errors[1] < 0.8 * errors[0]


def test_a_dial_too_small_for_the_whole_photo_is_found_in_a_tile() -> None:
    reader = ClockReader("cpu", model="default")
    reader.networks["finder"].recorded = calls = []
    reader.read(GOLDEN / "far.jpg")
    assert [call.size for call in calls] == [1, 4]
    assert len(reader.read(GOLDEN / "far.jpg")) == 1
    hasty = ClockReader("cpu", model="default", effort=Effort(tiles=False))
    hasty.networks["finder"].recorded = calls = []
    hasty.read(GOLDEN / "far.jpg")
    assert [call.size for call in calls] == [1]


def test_a_reading_is_made_of_what_the_manifest_calibrates(reader: ClockReader) -> None:
    from clockread.confidence import DialScore
    from clockread.runtime.manifest import load_manifest

    fit = load_manifest().entry("hands", "default").calibration
    (reading,) = reader.read(GOLDEN / "doubtful.jpg")
    dial_score = DialScore(**fit["presence"])
    assert reading.dial_score == pytest.approx(
        dial_score(
            reading.finder_score, reading.confidence, reading.dial_logit, reading.clock_logit
        )
    )
    assert 0.3 < reading.finder_score < 0.99
    assert math.isfinite(reading.dial_logit)
