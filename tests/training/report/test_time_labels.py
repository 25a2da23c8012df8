"""The report's worked examples, and properties of every encoding of the time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from clockread.upright_reader import decode_jointly, decode_rounding, encode
from training.report.time_labels import (
    Classes,
    Codec,
    MeanClass,
    MultiHead,
    Number,
    Regression,
    SinCos,
    UnitCircle,
    common_sense_error,
    error_summary,
    hours_as_number,
)

ALL = np.arange(720)


def at(hour: int, minute: int) -> np.ndarray:
    return np.array([hour % 12 * 60 + minute])


def perfect(codec: Codec, minutes: np.ndarray) -> dict[str, Any]:
    """Outputs of a network that is always right."""
    labels = codec.encode(minutes)
    if isinstance(codec, MultiHead):
        return {"hour": np.eye(12)[labels["hour"]], "minute": labels["minute"][:, None]}
    if isinstance(codec, Classes):
        return {"time": np.eye(720)[labels["time"].astype(int)]}
    return {head: values[:, None] for head, values in labels.items()}


@pytest.mark.parametrize(
    ("hour", "minute", "number"), [(11, 30, 11.5), (1, 25, 1.42), (0, 0, 0.0), (11, 59, 11.98)]
)
def test_hours_as_a_number(hour: int, minute: int, number: float) -> None:
    assert hours_as_number(at(hour, minute))[0] == number


@pytest.mark.parametrize(("hour", "minute", "label"), [(11, 55, 715), (0, 12, 12)])
def test_classes(hour: int, minute: int, label: int) -> None:
    assert Classes().encode(at(hour, minute))["time"][0] == label


def test_a_label_of_hour_and_minute() -> None:
    labels = MultiHead().encode(at(6, 10))
    assert (labels["hour"][0], labels["minute"][0]) == (6, 10)


@pytest.mark.parametrize(
    ("hour", "minute", "point", "minutes"),
    [(0, 0, (0, 1), 0), (9, 0, (-1, 0), 540), (3, 0, (1, 0), 180)],
)
def test_points_on_the_unit_circle(
    hour: int, minute: int, point: tuple[float, float], minutes: int
) -> None:
    labels = UnitCircle().encode(at(hour, minute))
    np.testing.assert_allclose((labels["sin"][0], labels["cos"][0]), point, atol=1e-6)
    # atan2 gives -90 degrees for 09:00, which the report makes 270: 270 × 2 = 540
    assert UnitCircle().decode(labels)[0] == minutes


def test_three_o_clock_as_pairs() -> None:
    np.testing.assert_allclose(encode(at(3, 0))[0], [1, 0, 0, 1], atol=1e-12)


def test_ten_past_six_as_pairs_is_not_as_the_report_prints_it() -> None:
    pairs = encode(at(6, 10))[0]
    np.testing.assert_allclose(
        pairs, [0, -1, np.sin(np.deg2rad(60)), np.cos(np.deg2rad(60))], atol=1e-12
    )
    # the report's example swaps the minute's coordinates, (0.5, 0.866): 30 degrees, 6:05
    printed = np.array([[0, -1, 0.5, 0.866]])
    assert decode_rounding(printed)[0] == 6 * 60 + 5


@pytest.mark.parametrize(
    "codec", [MultiHead(), Regression(), Classes(), MeanClass(), Number(), UnitCircle(), SinCos()]
)
def test_all_times_round_trip(codec: Codec) -> None:
    np.testing.assert_array_equal(codec.decode(perfect(codec, ALL)), ALL)


@pytest.mark.parametrize(
    "codec", [MultiHead(), Regression(), Classes(), MeanClass(), Number(), UnitCircle(), SinCos()]
)
def test_joint_decoding_of_perfect_outputs_is_the_time(codec: Codec) -> None:
    np.testing.assert_array_equal(codec.decode_jointly(perfect(codec, ALL)), ALL)


def test_joint_decoding_resolves_an_hour_between_two() -> None:
    """Images of 6:58 and 7:00 look alike: the hour's output is between 6 and 7."""
    pairs = 0.45 * encode(at(6, 58)) + 0.55 * encode(at(7, 0))
    assert common_sense_error(decode_rounding(pairs), at(6, 59))[0] >= 59
    minutes, confidence = decode_jointly(pairs)
    assert common_sense_error(minutes, at(6, 59))[0] <= 1
    assert 0 < confidence[0] <= 1


def test_rounding_past_the_last_minute_is_the_next_hour() -> None:
    outputs = {"hour": np.eye(12)[[11]], "minute": np.array([[59.8]])}
    assert MultiHead().decode(outputs)[0] == 0


def test_common_sense_error_goes_the_short_way() -> None:
    np.testing.assert_array_equal(
        common_sense_error(np.array([719, 0, 360, 5]), np.array([0, 719, 0, 5])), [1, 1, 360, 0]
    )
    assert error_summary(np.array([0, 1, 6, 61]), np.zeros(4, int)) == {
        "mean": 17.0,
        "median": 3.5,
        "exact": 0.25,
        "within_1": 0.5,
        "within_5": 0.5,
        "beyond_60": 0.25,
        "max": 61.0,
    }
