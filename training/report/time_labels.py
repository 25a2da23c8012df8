"""How each tell-the-time network writes a time down, how its outputs are read back, and how wrong a time is.

A time is a number of minutes past twelve, 0..719. Every codec has `encode` (labels for training), `decode` (as the report decodes:
atan2, negative degrees + 360, rounding) and `jointly` (all outputs together name the most likely of the 720 times, as the
reader does). The report's worked examples are in tests/test_time_labels.py.
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
Outputs = Mapping[str, NDArray[Any]]  # head -> (n,) labels or (n, k) outputs
ALL_TIMES = np.arange(MINUTES_ON_DIAL)


class Codec(Protocol):
    """Labels and outputs of one way to write a time."""

    def encode(self, minutes: Minutes) -> dict[str, NDArray[Any]]:
        """(n,) minutes to labels by head."""

    def decode(self, outputs: Outputs) -> Minutes:
        """Outputs by head to (n,) minutes, as the report does."""

    def jointly(self, outputs: Outputs) -> Minutes:
        """Outputs by head to the (n,) most likely of the 720 times."""


def hours_as_number(minutes: Minutes) -> NDArray[np.float64]:
    """11:30 → 11.5, 01:25 → 1.42: hours with two decimals."""
    return np.round(np.asarray(minutes) / 60, 2)


def _most_likely(
    outputs: NDArray[Any], codes: NDArray[Any], noise: NDArray[Any] | float
) -> Minutes:
    return np.asarray(joint_log_likelihood(outputs, codes, noise).argmax(axis=1))


@dataclass(frozen=True)
class MultiHead:
    """`hour`: softmax over 12; `minute`: a number 0..59."""

    hour_noise: float = 0.2
    minute_noise: float = 2.0  # minutes

    def encode(self, minutes: Minutes) -> dict[str, NDArray[Any]]:
        """Hour 0..11 as a class, minute as a number."""
        hour, minute = np.divmod(minutes, 60)
        return {"hour": hour, "minute": minute.astype(np.float32)}

    def decode(self, outputs: Outputs) -> Minutes:
        """The likeliest hour and the rounded minute, apart."""
        minute = np.rint(outputs["minute"].reshape(-1)).astype(np.int64)
        return np.asarray((outputs["hour"].argmax(axis=1) * 60 + minute) % MINUTES_ON_DIAL)

    def jointly(self, outputs: Outputs) -> Minutes:
        """Hour shares and minute together."""
        codes = np.concatenate([np.eye(12)[ALL_TIMES // 60], (ALL_TIMES % 60)[:, None]], axis=1)
        values = np.concatenate([outputs["hour"], outputs["minute"].reshape(-1, 1)], axis=1)
        return _most_likely(values, codes, np.array([self.hour_noise] * 12 + [self.minute_noise]))


@dataclass(frozen=True)
class Regression:
    """`hours`: one number, 11:30 → 11.5."""

    noise: float = 0.1  # hours

    def encode(self, minutes: Minutes) -> dict[str, NDArray[Any]]:
        """Hours with two decimals."""
        return {"hours": hours_as_number(minutes).astype(np.float32)}

    def decode(self, outputs: Outputs) -> Minutes:
        """The nearest minute."""
        return (
            np.rint(outputs["hours"].reshape(-1).astype(np.float64) * 60).astype(np.int64)
            % MINUTES_ON_DIAL
        )

    def jointly(self, outputs: Outputs) -> Minutes:
        """The likeliest time; differs from rounding only about twelve, where the number jumps."""
        return _most_likely(
            outputs["hours"].reshape(-1, 1), hours_as_number(ALL_TIMES)[:, None], self.noise
        )


@dataclass(frozen=True)
class Classes:
    """`time`: softmax over the 720 times, 11:55 → 715, 0:12 → 12."""

    def encode(self, minutes: Minutes) -> dict[str, NDArray[Any]]:
        """The minute past twelve as a class."""
        return {"time": np.asarray(minutes)}

    def decode(self, outputs: Outputs) -> Minutes:
        """The likeliest class."""
        return np.asarray(outputs["time"].argmax(axis=1))

    def jointly(self, outputs: Outputs) -> Minutes:
        """The time with the most probability about it: neighbours on the dial vote too."""
        away = np.minimum(ALL_TIMES, MINUTES_ON_DIAL - ALL_TIMES)
        near = np.fft.rfft(np.exp(-0.5 * (away / SPREADS[-1]) ** 2))
        return np.asarray(
            np.fft.irfft(
                np.fft.rfft(outputs["time"], axis=1) * near, n=MINUTES_ON_DIAL, axis=1
            ).argmax(axis=1)
        )


@dataclass(frozen=True)
class MeanClass(Classes):
    """`time`: softmax over the 720 times whose mean class is the prediction (see `training.report.time_networks.sine_loss`)."""

    def encode(self, minutes: Minutes) -> dict[str, NDArray[Any]]:
        """The minute past twelve as a number, for the loss takes differences of it."""
        return {"time": np.asarray(minutes, np.float32)}

    def decode(self, outputs: Outputs) -> Minutes:
        """The mean class, rounded."""
        return np.rint(outputs["time"] @ ALL_TIMES).astype(np.int64) % MINUTES_ON_DIAL


@dataclass(frozen=True)
class Number:
    """`time`: one number, the minute past twelve or any whole turn away from it (see `training.report.time_networks.sine_loss`)."""

    def encode(self, minutes: Minutes) -> dict[str, NDArray[Any]]:
        """The minute past twelve as a number."""
        return {"time": np.asarray(minutes, np.float32)}

    def decode(self, outputs: Outputs) -> Minutes:
        """Rounded, within the dial."""
        return (
            np.rint(outputs["time"].reshape(-1).astype(np.float64)).astype(np.int64)
            % MINUTES_ON_DIAL
        )

    def jointly(self, outputs: Outputs) -> Minutes:
        """The same: one number has nothing to be joined with."""
        return self.decode(outputs)


@dataclass(frozen=True)
class UnitCircle:
    """`point`: (sin θ/2, cos θ/2) of the θ minutes past twelve, in degrees: once round the circle in 12 hours. 09:00 → (-1, 0)."""

    noise: float = 0.05

    def encode(self, minutes: Minutes) -> dict[str, NDArray[Any]]:
        """The point, two numbers."""
        point = sincos(np.asarray(minutes) / 2).astype(np.float32)
        return {"sin": point[:, 0], "cos": point[:, 1]}

    def decode(self, outputs: Outputs) -> Minutes:
        """atan2, + 360 where negative, twice that, rounded."""
        return (
            np.rint(angle_of(_columns(outputs, "sin", "cos")) * 2).astype(np.int64)
            % MINUTES_ON_DIAL
        )

    def jointly(self, outputs: Outputs) -> Minutes:
        """The nearest of the 720 points: the same as rounding, for there is one hand only."""
        return _most_likely(_columns(outputs, "sin", "cos"), sincos(ALL_TIMES / 2), self.noise)


PAIR_HEADS = ("hour_sin", "hour_cos", "minute_sin", "minute_cos")


@dataclass(frozen=True)
class SinCos:
    """Four heads: hour and minute each as (sin, cos). 03:00 → ((1, 0), (0, 1)); 06:10 → ((0, -1), (0.866, 0.5)).

    The report's own example of 06:10 has the minute's two coordinates swapped: sin 60° = 0.866, cos 60° = 0.5.
    """

    noise: float = 0.15

    def encode(self, minutes: Minutes) -> dict[str, NDArray[Any]]:
        """Sin and cos of whole hour × 30° and minute × 6°."""
        return dict(zip(PAIR_HEADS, encode(np.asarray(minutes)).astype(np.float32).T, strict=True))

    def decode(self, outputs: Outputs) -> Minutes:
        """Each pair by atan2, + 360 where negative, rounded to its hour or minute."""
        return decode_rounding(_columns(outputs, *PAIR_HEADS))

    def jointly(self, outputs: Outputs) -> Minutes:
        """Both pairs together."""
        return _most_likely(_columns(outputs, *PAIR_HEADS), encode(ALL_TIMES), self.noise)


def _columns(outputs: Outputs, *heads: str) -> NDArray[np.float64]:
    return np.stack([np.asarray(outputs[h], np.float64).reshape(-1) for h in heads], axis=1)


def common_sense_error(found: Minutes, true: Minutes) -> NDArray[np.float64]:
    """Minutes (n,) between two times the short way round the dial of 720, 0..360."""
    return np.asarray(minutes_apart(found, true))


def error_summary(found: Minutes, true: Minutes) -> dict[str, float]:
    """Common-sense error: mean, median and largest in minutes, shares of exact ones, within 1 and 5 minutes, beyond an hour."""
    away = common_sense_error(found, true)
    return {
        "mean": float(away.mean()),
        "median": float(np.median(away)),
        "exact": float((away == 0).mean()),
        "within_1": float((away <= 1).mean()),
        "within_5": float((away <= 5).mean()),
        "beyond_60": float((away > 60).mean()),
        "max": float(away.max()),
    }
