"""From what the networks say of one dial to a reading, without any network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from conftest import READING

from clockread.confidence import Calibration, DialScore
from clockread.finder import Detection
from clockread.geometry import Floats, Window, compose, project, rotation_matrix
from clockread.hands import Hands
from clockread.images import Photo
from clockread.pose import PosedDial
from clockread.reading import PhotoResult, reading_of

HANDS = Hands(
    minutes=615,
    confidence=0.8,
    rotation=30.0,
    hour_sincos=(-0.7, 0.6),
    minute_sincos=(0.9, 0.1),
    second_sincos=(0.2, -0.95),
    second_presence=0.9,
    disagreement=3.25,
    clock_logit=1.5,
    whole_logit=-0.5,
)
HOMOGRAPHY = np.array([[52.0, 4.0, 120.0], [-3.0, 47.0, 90.0], [0.05, -0.08, 1.0]])
CALIBRATION = Calibration(0.9, 0.1, 0.2, 0.3)
DIAL_SCORE = DialScore(0.7, 0.5, 0.3, -0.2, 0.4)


def posed(homography: Floats = HOMOGRAPHY, logit: float = 2.5) -> PosedDial:
    return PosedDial(homography, logit, np.zeros((160, 160), np.uint8), Window(120, 90, 150))


def photo(scale: float = 1.0, size: tuple[int, int] = (240, 180)) -> Photo:
    width, height = size
    return Photo(
        "a.jpg",
        np.zeros((height, width), np.uint8),
        round(width * scale),
        round(height * scale),
        scale,
    )


@pytest.mark.parametrize("scale", [1.0, 2.0, 8.0])
def test_a_reading_is_in_pixels_of_the_full_size(scale: float) -> None:
    reading = reading_of(
        photo(scale),
        Detection((70.0, 40.0, 101.0, 103.0), 0.6),
        posed(),
        HANDS,
        CALIBRATION,
        DIAL_SCORE,
    )
    points = np.array([[0.0, 0.0], [0.0, -1.0], [0.3, 0.4]])
    seen = project(HOMOGRAPHY @ rotation_matrix(30.0), points)
    full = (
        seen * scale + (scale - 1) / 2
    )  # decoded pixel i covers full-size pixels scale * i to scale * (i + 1)
    np.testing.assert_allclose(project(np.array(reading.homography), points), full, atol=1e-6)
    assert reading.homography[2][2] == 1.0
    assert reading.center == pytest.approx(full[0])


def test_twelve_is_turned_clockwise_by_the_rotation() -> None:
    upright = posed(compose(np.array([100, 80, 50, 0, 50, 0, 0.0])))
    reading = reading_of(
        photo(), None, upright, replace(HANDS, rotation=90.0), CALIBRATION, DIAL_SCORE
    )
    np.testing.assert_allclose(
        project(np.array(reading.homography), np.array([[0.0, -1.0]]))[0], [150, 80], atol=1e-9
    )
    assert reading.rotation == 90.0


def test_what_the_hands_say_is_kept() -> None:
    reading = reading_of(
        photo(), Detection((70.0, 40.0, 101.0, 103.0), 0.6), posed(), HANDS, CALIBRATION, DIAL_SCORE
    )
    for name in (
        "minutes",
        "rotation",
        "hour_sincos",
        "minute_sincos",
        "second_sincos",
        "second_presence",
        "disagreement",
        "clock_logit",
        "whole_logit",
        "dial_hours",
        "mirrored",
    ):
        assert getattr(reading, name) == getattr(HANDS, name), name
    assert (reading.finder_score, reading.dial_logit) == (0.6, 2.5)
    sure = 1 / (1 + math.exp(-(0.9 * math.log(0.8 / 0.2) + 0.2 * 1.5 - 0.3 * 0.5 + 0.1)))
    assert reading.confidence == pytest.approx(sure)
    expected = 0.7 * math.log(0.6 / 0.4) + 0.5 * math.log(sure / (1 - sure)) + 0.3 * 2.5 - 0.2
    expected += 0.4 * 1.5
    assert reading.dial_score == pytest.approx(1 / (1 + math.exp(-expected)))


def test_a_box_holds_the_case_and_the_face_within_the_photo() -> None:
    circle = posed(compose(np.array([100, 80, 50, 0, 50, 0, 0.0])))
    case = Detection((45.0, 60.0, 60.0, 200.0), 0.6)
    reading = reading_of(photo(2.0), case, circle, HANDS, CALIBRATION, DIAL_SCORE)
    assert reading.face == pytest.approx((2 * 50 + 0.5, 2 * 30 + 0.5, 200, 200), abs=1)
    assert reading.box == pytest.approx((90, 60.5, 210.5, 299.5), abs=1)
    cropped = reading_of(photo(2.0), None, circle, HANDS, CALIBRATION, DIAL_SCORE)
    assert cropped.box == cropped.face
    assert (cropped.finder_score, cropped.dial_score) == (1.0, 1.0)


def test_a_24_hour_dial_has_a_time_of_the_day() -> None:
    hands = replace(HANDS, minutes=1085, dial_hours=24)
    reading = reading_of(photo(), None, posed(), hands, CALIBRATION, DIAL_SCORE)
    assert (reading.time, reading.hour, reading.minute) == ("18:05", 18, 5)
    assert reading.to_dict()["dial_hours"] == 24
    midnight = replace(reading, minutes=7)
    assert midnight.time == "0:07"


def direction(second: float, length: float = 1.0) -> tuple[float, float]:
    return length * math.sin(second * math.pi / 30), length * math.cos(second * math.pi / 30)


@pytest.mark.parametrize(
    ("presence", "length", "shown"),
    [(0.51, 0.51, 20), (0.49, 1.0, None), (1.0, 0.49, None), (0.9, 0.2, None), (0.5, 0.5001, 20)],
)
def test_a_second_needs_presence_and_direction(
    presence: float, length: float, shown: int | None
) -> None:
    assert (
        replace(READING, second_sincos=direction(20, length), second_presence=presence).second
        == shown
    )


@pytest.mark.parametrize(("at", "second"), [(0.0, 0), (59.7, 0), (59.4, 59), (0.4, 0), (44.6, 45)])
def test_seconds_are_rounded_and_never_60(at: float, second: int) -> None:
    assert replace(READING, second_sincos=direction(at), second_presence=1.0).second == second


@pytest.mark.parametrize(
    ("degrees", "hours", "consistent"),
    [
        (8.9, 12, True),
        (9.0, 12, True),
        (9.1, 12, False),
        (-9.1, 12, False),
        (-8.9, 12, True),
        (math.nan, 12, True),
        (14.9, 12, False),
        (4.4, 24, True),
        (4.6, 24, False),
        (-4.6, 24, False),
        (math.nan, 24, True),
    ],
)
def test_hands_agree_within_18_minutes(degrees: float, hours: int, consistent: bool) -> None:
    reading = replace(READING, disagreement=degrees, dial_hours=hours)
    assert reading.consistent == consistent


@pytest.mark.parametrize(
    ("minutes", "second", "hours", "text"),
    [
        (610, 50, 12, "10:09:50"),  # the minute hand is nearly at 10
        (609, 50, 12, "10:08:50"),
        (610, 5, 12, "10:10:05"),
        (609, 5, 12, "10:09:05"),
        (0, 45, 12, "11:59:45"),
        (0, 45, 24, "23:59:45"),
        (1110, 2, 24, "18:30:02"),
    ],
)
def test_a_second_belongs_to_the_minute_that_has_begun(
    minutes: int, second: int, hours: int, text: str
) -> None:
    reading = replace(READING, minutes=minutes, dial_hours=hours, second_presence=1.0)
    assert replace(reading, second_sincos=direction(second)).time_text(seconds=True) == text


def test_times_of_a_reading() -> None:
    reading = replace(READING, minutes=755 % 720, second_sincos=direction(7), second_presence=1.0)
    assert (reading.hour, reading.minute, reading.second, reading.time) == (0, 35, 7, "12:35")
    assert (reading.time_text(), reading.time_text(seconds=True)) == ("12:35", "12:35:07")
    assert (replace(READING, minutes=719).hour, replace(READING, minutes=719).minute) == (11, 59)


def test_objects_have_seconds_if_they_are_wanted() -> None:
    reading = replace(READING, minutes=35, second_sincos=direction(7), second_presence=1.0)
    result = PhotoResult("a.jpg", 9, 8, (reading,), None)
    assert reading.to_dict()["time"] == "12:35"
    assert [one["time"] for one in result.to_dict()["readings"]] == ["12:35"]
    assert [one["time"] for one in result.to_dict(seconds=True)["readings"]] == ["12:35:07"]


def test_the_face_is_the_box_of_the_rim() -> None:
    assert replace(
        READING, homography=((30.0, 0.0, 100.0), (0.0, 20.0, 70.0), (0.0, 0.0, 1.0))
    ).face == pytest.approx((70, 50, 60, 40))


def test_a_reading_without_details() -> None:
    assert (READING.second, READING.second_presence, READING.consistent) == (None, 0.0, True)
    assert (READING.finder_score, READING.dial_hours, READING.mirrored) == (1.0, 12, False)
    unknown = ("disagreement", "dial_logit", "clock_logit", "whole_logit")
    assert all(math.isnan(getattr(READING, name)) for name in unknown)
    assert READING.evidence is None


def test_a_result_without_details() -> None:
    result = PhotoResult("a.jpg", 9, 8, (), None)
    assert (result.scale, result.notes, result.below_min_confidence) == (1.0, (), 0)
    assert result.to_dict() == {
        "path": "a.jpg",
        "width": 9,
        "height": 8,
        "readings": [],
        "error": None,
        "notes": [],
    }


class Stubbed:
    """A ClockReader without networks, to test how it selects from given readings."""

    def __init__(self, **options: Any) -> None:
        from clockread import ClockReader

        self.reader = ClockReader("cpu", threads=1, **options)

    def result(
        self, readings: Sequence[Any], candidates: int = 0, least: float = 0.0
    ) -> PhotoResult:
        return self.reader._result(photo(), list(readings), candidates, least)


@pytest.fixture(scope="module")
def stubbed() -> Stubbed:
    pytest.importorskip("onnxruntime", reason="a reader opens its sessions")
    return Stubbed(min_confidence=0.5, max_clocks=3)


def dial(x: float, dial_score: float, confidence: float = 0.9, radius: float = 20.0) -> Any:
    homography = ((radius, 0.0, x), (0.0, radius, 60.0), (0.0, 0.0, 1.0))
    return replace(READING, homography=homography, dial_score=dial_score, confidence=confidence)


def test_the_best_reading_of_each_dial_is_given_best_first(stubbed: Stubbed) -> None:
    weak, better, other = dial(50, 0.7), dial(54, 0.9), dial(150, 0.8)
    assert stubbed.result([weak, other, better]).readings == (better, other)
    sure, unsure = dial(50, 0.9, 0.95), dial(54, 0.9, 0.6)
    assert stubbed.result([unsure, sure]).readings == (sure,), (
        "of equal scores the surer time counts"
    )


def test_dials_are_one_from_half_of_their_boxes_on(stubbed: Stubbed) -> None:
    # squares of 40 pixels, moved by d: IoU is (40 - d) / (40 + d), so 0.5 at 13.3
    assert len(stubbed.result([dial(50, 0.9), dial(63, 0.8)]).readings) == 1
    assert len(stubbed.result([dial(50, 0.9), dial(64, 0.8)]).readings) == 2


def test_readings_below_the_least_score_are_no_clocks(stubbed: Stubbed) -> None:
    assert [
        r.dial_score for r in stubbed.result([dial(50, 0.64), dial(150, 0.65)], least=0.65).readings
    ] == [0.65]


def test_unsure_readings_are_counted_unless_their_dial_is_given(stubbed: Stubbed) -> None:
    hidden = stubbed.result([dial(50, 0.9, 0.49), dial(150, 0.9, 0.5), dial(152, 0.95, 0.2)])
    assert ([r.confidence for r in hidden.readings], hidden.below_min_confidence) == ([0.5], 1)


def test_the_limit_of_clocks_is_a_note(stubbed: Stubbed) -> None:
    assert stubbed.result([], candidates=2).notes == ()
    (note,) = stubbed.result([], candidates=3).notes
    assert note == "only the 3 most likely dials were read; the option max_clocks raises the limit"
    (note,) = Stubbed(max_clocks=1).result([], candidates=1).notes
    assert note == "only the most likely dial was read; the option max_clocks raises the limit"
