"""How each tell-the-time network encodes a time, how its outputs are decoded, and their error.

A time is a number of minutes past twelve, 0..719. Every codec has `encode` (labels for training),
`decode` (as the report decodes: atan2, negative degrees + 360, rounding) and `decode_jointly` (the
most likely of the 720 times by all outputs together, as the reader decodes). The report's worked
examples are in tests/training/report/test_time_labels.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from clockread.clock import MINUTES_ON_DIAL, angle_of, minutes_apart, sincos
from clockread.upright_reader import SPREADS, decode_rounding, encode, joint_log_likelihood

Minutes = NDArray[np.int64]
Labels = dict[str, NDArray[Any]]  # head -> (n,)
Outputs = Mapping[str, NDArray[Any]]  # head -> (n,) labels or (n, k) outputs
ALL_TIMES = np.arange(MINUTES_ON_DIAL)


class Codec(Protocol):
    """Labels and outputs of one encoding of the time."""

    def encode(self, minutes: Minutes) -> Labels:
        """Return labels by head of (n,) minutes."""

    def decode(self, outputs: Outputs) -> Minutes:
        """Return the (n,) minutes of outputs by head, decoded as in the report."""

    def decode_jointly(self, outputs: Outputs) -> Minutes:
        """Return the (n,) most likely of the 720 times, given all outputs."""


def hours_as_number(minutes: Minutes) -> NDArray[np.float64]:
    """Return hours with two decimals: 11:30 → 11.5, 01:25 → 1.42."""
    return np.round(np.asarray(minutes) / 60, 2)


def _most_likely(outputs: Any, codes: Any, noise: NDArray[Any] | float) -> Minutes:
    return np.asarray(joint_log_likelihood(outputs, codes, noise).argmax(axis=1))


def _rounded(values: NDArray[Any]) -> Minutes:
    return np.rint(values).astype(np.int64) % MINUTES_ON_DIAL


def _columns(outputs: Outputs, *heads: str) -> NDArray[np.float64]:
    return np.stack([np.asarray(outputs[h], np.float64).reshape(-1) for h in heads], axis=1)


@dataclass(frozen=True)
class MultiHead:
    """`hour`: softmax over 12; `minute`: a number 0..59."""

    hour_noise: float = 0.2
    minute_noise: float = 2.0  # minutes

    def encode(self, minutes: Minutes) -> Labels:
        """Return the hour 0..11 as a class, the minute as a number."""
        hour, minute = np.divmod(minutes, 60)
        return {"hour": hour, "minute": minute.astype(np.float32)}

    def decode(self, outputs: Outputs) -> Minutes:
        """Return the most probable hour with the rounded minute, decoded independently."""
        minute = np.rint(outputs["minute"].reshape(-1)).astype(np.int64)
        return np.asarray((outputs["hour"].argmax(axis=1) * 60 + minute) % MINUTES_ON_DIAL)

    def decode_jointly(self, outputs: Outputs) -> Minutes:
        """Return the most likely time by the hours' probabilities and the minute."""
        codes = np.concatenate([np.eye(12)[ALL_TIMES // 60], (ALL_TIMES % 60)[:, None]], axis=1)
        values = np.concatenate([outputs["hour"], outputs["minute"].reshape(-1, 1)], axis=1)
        return _most_likely(values, codes, np.array([self.hour_noise] * 12 + [self.minute_noise]))


@dataclass(frozen=True)
class Regression:
    """`hours`: one number, 11:30 → 11.5."""

    noise: float = 0.1  # hours

    def encode(self, minutes: Minutes) -> Labels:
        """Return hours with two decimals."""
        return {"hours": hours_as_number(minutes).astype(np.float32)}

    def decode(self, outputs: Outputs) -> Minutes:
        """Return the nearest minute."""
        return _rounded(outputs["hours"].reshape(-1).astype(np.float64) * 60)

    def decode_jointly(self, outputs: Outputs) -> Minutes:
        """Return the most likely time; it differs from rounding only near twelve."""
        hours = hours_as_number(ALL_TIMES)[:, None]
        return _most_likely(outputs["hours"].reshape(-1, 1), hours, self.noise)


@dataclass(frozen=True)
class Classes:
    """`time`: softmax over the 720 times, 11:55 → 715, 0:12 → 12."""

    def encode(self, minutes: Minutes) -> Labels:
        """Return the minute past twelve as a class."""
        return {"time": np.asarray(minutes)}

    def decode(self, outputs: Outputs) -> Minutes:
        """Return the most probable class."""
        return np.asarray(outputs["time"].argmax(axis=1))

    def decode_jointly(self, outputs: Outputs) -> Minutes:
        """Return the time with the most probability in its neighborhood on the dial."""
        distance = np.minimum(ALL_TIMES, MINUTES_ON_DIAL - ALL_TIMES)
        kernel = np.fft.rfft(np.exp(-0.5 * (distance / SPREADS[-1]) ** 2))
        smooth = np.fft.irfft(np.fft.rfft(outputs["time"], axis=1) * kernel, MINUTES_ON_DIAL, 1)
        return np.asarray(smooth.argmax(axis=1))


@dataclass(frozen=True)
class MeanClass(Classes):
    """`time`: softmax over the 720 times; the prediction is its mean class (see `sine_loss`)."""

    def encode(self, minutes: Minutes) -> Labels:
        """Return the minute past twelve as a number, since the loss subtracts it."""
        return {"time": np.asarray(minutes, np.float32)}

    def decode(self, outputs: Outputs) -> Minutes:
        """Return the mean class, rounded."""
        return _rounded(outputs["time"] @ ALL_TIMES)


@dataclass(frozen=True)
class Number:
    """`time`: one number, the minute past twelve plus any number of turns (see `sine_loss`)."""

    def encode(self, minutes: Minutes) -> Labels:
        """Return the minute past twelve as a number."""
        return {"time": np.asarray(minutes, np.float32)}

    def decode(self, outputs: Outputs) -> Minutes:
        """Return the rounded number, modulo 720."""
        return _rounded(outputs["time"].reshape(-1).astype(np.float64))

    def decode_jointly(self, outputs: Outputs) -> Minutes:
        """Return the same as `decode`: there is only one output."""
        return self.decode(outputs)


@dataclass(frozen=True)
class UnitCircle:
    """`sin`, `cos`: (sin θ/2, cos θ/2) of θ minutes past twelve, in degrees. 09:00 → (-1, 0)."""

    noise: float = 0.05

    def encode(self, minutes: Minutes) -> Labels:
        """Return the two coordinates of the point, which turns once in 12 hours."""
        point = sincos(np.asarray(minutes) / 2).astype(np.float32)
        return {"sin": point[:, 0], "cos": point[:, 1]}

    def decode(self, outputs: Outputs) -> Minutes:
        """Return atan2 in degrees, + 360 if negative, doubled and rounded."""
        return _rounded(angle_of(_columns(outputs, "sin", "cos")) * 2)

    def decode_jointly(self, outputs: Outputs) -> Minutes:
        """Return the nearest of the 720 points; the same as rounding, as there is only one hand."""
        return _most_likely(_columns(outputs, "sin", "cos"), sincos(ALL_TIMES / 2), self.noise)


PAIR_HEADS = ("hour_sin", "hour_cos", "minute_sin", "minute_cos")


@dataclass(frozen=True)
class SinCos:
    """Four heads: whole hour × 30° and minute × 6°, each as (sin, cos).

    03:00 → ((1, 0), (0, 1)); 06:10 → ((0, -1), (0.866, 0.5)). The report's own example of 06:10
    has the minute's two coordinates swapped: sin 60° = 0.866, cos 60° = 0.5.
    """

    noise: float = 0.15

    def encode(self, minutes: Minutes) -> Labels:
        """Return the four coordinates."""
        return dict(zip(PAIR_HEADS, encode(np.asarray(minutes)).astype(np.float32).T, strict=True))

    def decode(self, outputs: Outputs) -> Minutes:
        """Return each pair's atan2, + 360 if negative, rounded to its hour or minute."""
        return decode_rounding(_columns(outputs, *PAIR_HEADS))

    def decode_jointly(self, outputs: Outputs) -> Minutes:
        """Return the most likely time by both pairs together."""
        return _most_likely(_columns(outputs, *PAIR_HEADS), encode(ALL_TIMES), self.noise)


def common_sense_error(found: Minutes, true: Minutes) -> NDArray[np.float64]:
    """Return the minutes (n,) between two times along the shorter way around the dial, 0..360."""
    return np.asarray(minutes_apart(found, true))


def error_summary(found: Minutes, true: Minutes) -> dict[str, float]:
    """Summarize common-sense errors.

    Returns:
        Mean, median and largest error in minutes; the shares of exact times, of errors within 1
        and 5 minutes and of errors beyond an hour.

    """
    error = common_sense_error(found, true)
    return {
        "mean": float(error.mean()),
        "median": float(np.median(error)),
        "exact": float((error == 0).mean()),
        "within_1": float((error <= 1).mean()),
        "within_5": float((error <= 5).mean()),
        "beyond_60": float((error > 60).mean()),
        "max": float(error.max()),
    }
