"""The evidence of single frames as log-likelihoods, which decoding a track adds up."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from clockread.clock import MINUTES_ON_DIAL
from clockread.evidence import Evidence
from clockread.geometry import Floats
from clockread.reading import Reading

SECONDS_ON_DIAL = 60 * MINUTES_ON_DIAL
SECONDS_PER_TURN = 60  # of the second hand
STEP = 5  # seconds between the times of which the likelihood is kept
STEPS = SECONDS_ON_DIAL // STEP
PHASES = 240  # directions of the second hand
OUTLIER_SHARE = 0.08  # assumed share of frames whose evidence is wrong
MAX_PRESENCE = 6.0  # limit, on either side of 0, of the logit of there being a second hand
# The networks learn targets of 2.4 degrees, and the minute hand is found to about one degree. A
# Gaussian to the power of 6 is narrower by the square root of 6.
SHARPNESS = 6.0
MODE_REACH = 90  # seconds to either side of a time that count as its mode, whose mass is kept
_HOURS = MINUTES_ON_DIAL // 60
_PER_MINUTE = SECONDS_PER_TURN // STEP
_FLOOR = 0.02  # added to densities with a mean of 1, before their logs are compared
_MAX_LOG_RATIO = math.log(20.0)  # limit between two minutes, on either side of 0
_TINY = 1e-12  # added to divisors and to arguments of logarithms


@dataclass(frozen=True, eq=False)
class Observation:
    """The evidence of one frame; log-likelihoods are relative to a uniform distribution."""

    by_time: Floats  # (STEPS,), of the times on the dial every `STEP` seconds
    sharp: Floats  # (STEPS,), the same with narrow modes, to distinguish rates
    by_second: Floats  # (PHASES,), of the second hand's directions, if there is such a hand
    presence: float  # logit of there being a second hand
    minutes: int  # the most likely whole minutes past twelve
    second: float | None  # the most likely second, 0 ≤ second < 60; None if no hand is seen

    @classmethod
    def of(cls, evidence: Evidence) -> Observation:
        """Return the observation that the evidence of a reading gives."""
        # Dials of 24 hours are followed modulo 12 hours.
        whole = np.asarray(evidence.by_time, np.float64).reshape(-1, MINUTES_ON_DIAL).sum(axis=0)
        log = _interpolated(np.log(whole + _TINY))
        density = evidence.minute(60 * _PER_MINUTE)
        if density is None:
            fine = narrow = np.exp(log).ravel()
        else:
            fine = np.exp(log + np.tile(_between_minutes(density), (_HOURS, 1))).ravel()
            narrowed = _sharpened(density, SHARPNESS, MODE_REACH // STEP) / (density + _TINY)
            narrow = fine * np.tile(narrowed, _HOURS)
        by_time, sharp = (_log_with_outliers(x / x.mean()) for x in (fine, narrow))
        minutes = int(whole.argmax())
        if (density := evidence.second(PHASES)) is None:
            return cls(by_time, sharp, np.zeros(PHASES, np.float32), -MAX_PRESENCE, minutes, None)
        p = min(max(evidence.second_presence, 1e-9), 1 - 1e-9)
        presence = min(max(math.log(p / (1 - p)), -MAX_PRESENCE), MAX_PRESENCE)
        seen = float(density.argmax()) * SECONDS_PER_TURN / PHASES if presence >= 0 else None
        return cls(by_time, sharp, _log_with_outliers(density), presence, minutes, seen)


def observed(reading: Reading) -> Observation:
    """Return the observation that a reading gives, also one whose evidence was not kept."""
    return Observation.of(reading.evidence or Evidence.of_time(reading.minutes, reading.confidence))


def _between_minutes(minute: Floats) -> Floats:
    """Return the logs of how much more likely the minute hand is between marks than at them.

    Decoding looks at the marks only, and most hands move between them: a narrow distribution that
    lies between two marks tells the time to a few seconds.

    Args:
        minute: density (60 · n,) of the hand's angle.

    Returns:
        (60, n), from each minute to the next.

    """
    log = np.log(minute + _FLOOR).reshape(60, _PER_MINUTE)
    return np.asarray(np.clip(log - _interpolated(log[:, 0]), -_MAX_LOG_RATIO, _MAX_LOG_RATIO))


def _interpolated(of_minutes: Floats) -> Floats:
    """Return values (n, `_PER_MINUTE`) between those (n,) of minutes, which come full circle."""
    share = np.arange(_PER_MINUTE) / _PER_MINUTE
    return np.asarray(of_minutes[:, None] * (1 - share) + np.roll(of_minutes, -1)[:, None] * share)


def _sharpened(density: Floats, power: float, reach: int) -> Floats:
    """Narrow the modes of a circular density (n,) without a change of their mass.

    Args:
        density: the density.
        power: a Gaussian mode becomes narrower by its square root.
        reach: places to either side of a place that count as its mode.

    """
    narrow = (density / density.max()) ** power
    return np.asarray(narrow * _summed(density, reach) / (_summed(narrow, reach) + _TINY))


def _summed(density: Floats, reach: int) -> Floats:
    """Return the sums (n,) of a circular density over ``reach`` places to either side."""
    around = np.concatenate([density[-reach:], density, density[:reach]])
    return np.asarray(np.lib.stride_tricks.sliding_window_view(around, 2 * reach + 1).sum(axis=1))


def _log_with_outliers(density: Floats) -> Floats:
    return np.asarray(np.log((1 - OUTLIER_SHARE) * density + OUTLIER_SHARE), np.float32)
