"""Times, angles and joint decoding."""

from __future__ import annotations

import numpy as np
import pytest

from clockread.clock import (
    angle_of,
    circular_difference,
    clock_text,
    disagreement,
    hand_angles,
    sincos,
)
from clockread.decoding import (
    DecodingWeights,
    Hours,
    decode,
    likeliest,
    modal_angle,
    resultant,
    rotation_prior,
    sigmoid,
    turned_back,
)

BINS = 120
DEGREES = np.arange(BINS) * 3.0


def test_extreme_logits_give_probabilities_without_overflow() -> None:
    logits = np.array([[-1e9, -2.0, 0.0], [2.0, 1e9, np.log(3)]], np.float32)
    with np.errstate(all="raise"):
        p = sigmoid(logits)
    assert (p.shape, p.dtype) == ((2, 3), np.float64)
    np.testing.assert_allclose(p, [[0, 0.119203, 0.5], [0.880797, 1, 0.75]], atol=1e-6)


def bump(degrees: np.ndarray, deviation: float = 2.5) -> np.ndarray:
    """Logits of a wrapped normal about each of n angles."""
    return (
        -0.5
        * (circular_difference(DEGREES[None, :], np.asarray(degrees)[:, None], 360.0) / deviation)
        ** 2
    )


def logits_of(
    minutes: np.ndarray, rotation: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    hour, minute = hand_angles(minutes)
    return bump(hour + rotation), bump(minute + rotation), bump(rotation)


@pytest.mark.parametrize(
    ("minutes", "hour", "minute"), [(0, 0, 0), (180, 90, 0), (370, 185, 60), (719, 359.5, 354)]
)
def test_hand_angles(minutes: int, hour: float, minute: float) -> None:
    assert hand_angles(minutes) == (pytest.approx(hour), pytest.approx(minute))


def test_sincos_and_back() -> None:
    angles = np.arange(0.0, 360.0, 7.0)
    np.testing.assert_allclose(angle_of(sincos(angles) * 0.3), angles, atol=1e-9)
    np.testing.assert_allclose(sincos(90.0), [1.0, 0.0], atol=1e-12)


@pytest.mark.parametrize(("a", "b", "way"), [(1, 719, 2), (719, 1, -2), (360, 0, -360), (5, 5, 0)])
def test_circular_difference(a: float, b: float, way: float) -> None:
    assert circular_difference(a, b, 720) == way


@pytest.mark.parametrize(
    ("minutes", "text"), [(0, "12:00"), (59, "12:59"), (60, "1:00"), (719, "11:59"), (609, "10:09")]
)
def test_clock_text(minutes: int, text: str) -> None:
    assert clock_text(minutes) == text


def test_clock_text_of_24_hours() -> None:
    assert [clock_text(m, hours=24) for m in (0, 59, 725, 1439)] == [
        "0:00",
        "0:59",
        "12:05",
        "23:59",
    ]


def test_every_time_is_decoded_upright() -> None:
    times = np.arange(720)
    decoded = decode(*logits_of(times, np.zeros(720)))
    np.testing.assert_array_equal(decoded.minutes, times)
    assert decoded.confidence.min() > 0.9


@pytest.mark.parametrize("rotation", [-4.5, 33.0, 90.0, 180.0, 271.0])
def test_numerals_overrule_the_prior_of_upright_dials(rotation: float) -> None:
    times = np.arange(0, 720, 7)
    turns = np.full(len(times), rotation)
    decoded = decode(*logits_of(times, turns))
    assert np.abs(circular_difference(decoded.minutes, times, 720)).max() <= 1
    assert np.abs(circular_difference(decoded.rotation, turns, 360)).max() < 1.5


def test_without_numerals_a_dial_is_taken_for_upright() -> None:
    times = np.arange(0, 720, 11)
    hour, minute, _ = logits_of(times, np.zeros(len(times)))
    twelve = np.log(np.where(np.arange(BINS) % 30 == 0, 0.25, 1e-9))  # four-fold symmetric marks
    decoded = decode(hour, minute, np.tile(twelve, (len(times), 1)))
    np.testing.assert_array_equal(decoded.minutes, times)


def test_what_is_weighed_with_nothing_says_nothing() -> None:
    times = np.arange(0, 720, 11)
    turned = logits_of(times, np.full(len(times), 90.0))
    believed = decode(*turned, weights=DecodingWeights(twelve=0.0))
    assert np.abs(believed.rotation).max() < 45  # the prior's place of 12, not the numerals'
    no_minute = decode(*turned, weights=DecodingWeights(minute=0.0))
    assert (
        np.abs(circular_difference(no_minute.minutes, times, 720)).max() <= 20
    )  # the hour hand alone
    assert (no_minute.minutes != times).any()


def test_the_more_slack_the_less_the_hour_hand_tells_of_the_minute() -> None:
    # a clear hour hand at 3:30 and a minute hand that is at 24 or, a little less likely, at 30
    hour, minute = (
        bump(np.array([105.0]), 1.0),
        np.logaddexp(bump(np.array([144.0])), bump(np.array([180.0])) - 0.7),
    )
    tight, loose = (
        decode(
            hour, minute, bump(np.array([0.0])), weights=DecodingWeights(hour_deviation=slack)
        ).minutes[0]
        for slack in (1.0, 8.0)
    )
    assert (tight, loose) == (210, 204)


def test_a_blurred_hour_hand_is_settled_by_the_minute_hand() -> None:
    # The hour hand alone would say 3:50 (115 degrees). With the minute hand at 50 it can only be
    # 3:50, at 10 only 3:10 or 4:10.
    hour, minute = bump(np.array([115.0]), 6.0), bump(np.array([300.0]))
    assert decode(hour, minute, bump(np.array([0.0]))).minutes[0] == 230


def test_hands_that_say_nothing_give_no_confidence() -> None:
    flat = np.zeros((1, BINS))
    assert decode(flat, flat, bump(np.array([0.0]))).confidence[0] < 0.05


def test_every_time_of_a_24_hour_dial_is_decoded() -> None:
    times = np.arange(0, 1440, 7)
    minute = bump(times * 6.0 % 360)
    for noon_up in (False, True):
        hour = bump((times / 4 + 180 * noon_up) % 360)
        decoded = decode(hour, minute, bump(0.0 * times), hours=Hours(24, noon_up))
        np.testing.assert_array_equal(decoded.minutes, times)
        assert decoded.confidence.min() > 0.5


def test_the_context_network_has_a_say_in_where_twelve_is() -> None:
    """The marks of the dial repeat at every quarter; only its surroundings show which is 12."""
    times = np.arange(0, 720, 11)
    hour, minute, _ = logits_of(times, np.full(len(times), 90.0))
    marks = np.tile(np.log(np.where(np.arange(BINS) % 30 == 0, 0.25, 1e-9)), (len(times), 1))
    context = bump(np.full(len(times), 90.0), 4.0)
    assert (decode(hour, minute, marks).minutes != times).mean() > 0.9
    np.testing.assert_array_equal(decode(hour, minute, marks, context).minutes, times)
    silent = decode(hour, minute, marks, context, weights=DecodingWeights(context=0.0))
    np.testing.assert_array_equal(silent.minutes, decode(hour, minute, marks).minutes)


def test_hands_against_twelve() -> None:
    decoded = decode(*logits_of(np.array([90]), np.array([90.0])))
    assert angle_of(decoded.hour_sincos)[0] == pytest.approx(45, abs=1)
    assert angle_of(decoded.minute_sincos)[0] == pytest.approx(180, abs=1)
    assert np.hypot(*decoded.minute_sincos[0]) == pytest.approx(1, abs=0.01)


def test_rotation_prior_is_a_distribution_that_prefers_upright() -> None:
    p = np.exp(rotation_prior(BINS))
    assert p.sum() == pytest.approx(1)
    assert p.argmax() == 0
    assert p[30] > 3 * p[15]


@pytest.mark.parametrize(("minutes", "off"), [(0, 0.0), (187, 4.0), (719, -6.5), (359, 14.0)])
def test_disagreement_is_how_far_the_hour_hand_is_ahead(minutes: int, off: float) -> None:
    hour, minute = hand_angles(minutes)
    assert disagreement(hour + off, minute) == pytest.approx(off)
    assert disagreement(hour + off, minute - 360) == pytest.approx(off)


def test_modal_angle_keeps_to_the_highest_peak() -> None:
    two = np.logaddexp(bump(np.array([100.7])), bump(np.array([250.0])) - 0.5)
    assert modal_angle(two)[0] == pytest.approx(100.7, abs=0.5)
    assert modal_angle(bump(np.array([359.6])))[0] == pytest.approx(359.6, abs=0.5)


def test_modal_angle_is_as_exact_all_round_the_dial() -> None:
    angles = np.arange(0.0, 360.0, 7.3)
    away = circular_difference(modal_angle(bump(angles)), angles, 360)
    assert np.abs(away).max() < 0.05


def test_resultants_turn_back() -> None:
    pairs = resultant(bump(np.array([30.0, 200.0])))
    np.testing.assert_allclose(
        angle_of(turned_back(pairs, np.array([10.0, -20.0]))), [20.0, 220.0], atol=1e-3
    )
    assert np.hypot(*resultant(np.zeros((1, BINS)))[0]) < 1e-9


def test_an_hour_hand_on_the_full_hour_is_allowed_for() -> None:
    hour, minute, twelve = (
        bump(np.array([at])) for at in (30.0, 180.0, 0.0)
    )  # 1:30 as pictograms have it
    strict, lenient = (
        decode(hour, minute, twelve, weights=DecodingWeights(full_hour_share=share))
        for share in (0.0, 0.02)
    )
    assert clock_text(int(lenient.minutes[0])) == "1:30"
    assert lenient.confidence[0] > max(0.5, strict.confidence[0])


def test_shares_of_the_prior() -> None:
    p = np.exp(rotation_prior(BINS))

    def near(degrees: float) -> float:
        return float(p[np.abs(circular_difference(DEGREES, degrees, 360)) <= 21].sum())

    assert [near(at) for at in (0, 90, 180, 270)] == pytest.approx(
        [0.865, 0.026, 0.016, 0.026], abs=0.02
    )
    assert p.min() * BINS == pytest.approx(0.05, abs=0.001), "nothing is impossible"


def test_full_hours_are_allowed_for_by_default() -> None:
    hour, minute, twelve = (bump(np.array([at])) for at in (30.0, 180.0, 0.0))
    decoded = decode(hour, minute, twelve)
    assert clock_text(int(decoded.minutes[0])) == "1:30"
    assert decoded.confidence[0] > 0.5


def test_no_hand_alone_rules_out_a_time() -> None:
    logits = [np.full((1, BINS), -1e3) for _ in range(3)]
    for one, at in zip(logits, (40, 90, 0), strict=True):  # hands that contradict each other
        one[0, at] = 0.0
    decoded = decode(*logits)
    assert np.isfinite(decoded.confidence).all()
    assert 0 < decoded.confidence[0] < 0.9
    assert np.isfinite(decoded.rotation).all()


def test_confidence_counts_a_minute_to_either_side() -> None:
    by_time = np.zeros((2, 720))
    by_time[0, [719, 0, 1, 2]] = 0.2, 0.4, 0.3, 0.1
    by_time[1, [100, 101, 103]] = 0.5, 0.2, 0.3
    best, confidence = likeliest(by_time)
    assert best.tolist() == [0, 100]
    np.testing.assert_allclose(confidence, [0.9, 0.7])
