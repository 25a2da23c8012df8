"""What the frames of a track say of its times, in the form in which times and rates add it up."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clockread.clock import MINUTES_ON_DIAL
from clockread.evidence import Evidence

Floats = NDArray[np.floating]

SECONDS_ON_DIAL = 60 * MINUTES_ON_DIAL
SECONDS_PER_TURN = 60  # of the second hand
STEP = 15  # seconds between the times of which the likelihood is kept
STEPS = SECONDS_ON_DIAL // STEP
PHASES = 240  # directions of the second hand
OUTLIERS = 0.08  # share of frames whose evidence may be of something else
SURE = 6.0  # logit of a second hand's presence that a frame is trusted to give, at most
_PER_MINUTE = SECONDS_PER_TURN // STEP
_FLOOR = 0.02  # added to densities with a mean of 1, before they are divided
_MOST = 20.0  # of a factor between two minutes, and its reciprocal the least


@dataclass(frozen=True, eq=False)
class Observation:
    """What one frame says; log-likelihoods are relative to knowing nothing."""

    by_time: Floats  # (STEPS,), of the times on the dial every `STEP` seconds
    by_second: Floats  # (PHASES,), of the second hand's directions, if there is such a hand
    presence: float  # logit of there being a second hand
    minutes: int  # the most likely whole minutes past twelve
    second: float | None  # the most likely second, 0 ≤ second < 60; None if no hand is seen

    @classmethod
    def of(cls, evidence: Evidence) -> Observation:
        """Return the observation that the evidence of a reading gives."""
        # Dials of 24 hours are followed modulo 12 hours.
        whole = np.asarray(evidence.by_time, np.float64).reshape(-1, MINUTES_ON_DIAL).sum(axis=0)
        share = np.arange(_PER_MINUTE) / _PER_MINUTE
        fine = whole[:, None] * (1 - share) + np.roll(whole, -1)[:, None] * share
        if (minute := evidence.minute()) is not None:
            fine = fine * np.tile(_between_minutes(minute), (len(whole) // 60, 1))
        by_time = _log_with_outliers(fine.ravel() / fine.mean())
        minutes = int(whole.argmax())
        if (second := evidence.second()) is None:
            return cls(by_time, np.zeros(PHASES, np.float32), -SURE, minutes, None)
        density = _density(second)
        p = min(max(evidence.second_presence, 1e-9), 1 - 1e-9)
        presence = min(max(math.log(p / (1 - p)), -SURE), SURE)
        seen = float(density.argmax()) * SECONDS_PER_TURN / PHASES if presence >= 0 else None
        return cls(by_time, _log_with_outliers(density), presence, minutes, seen)


def _between_minutes(minute: Floats) -> Floats:
    """Return how much more likely the minute hand is between two marks than at them, (60, n).

    Decoding looks at the marks only, and most hands move between them: a narrow distribution that
    lies between two marks tells the time to a few seconds.
    """
    density = _density(minute) + _FLOOR
    by_mark = density.reshape(60, -1)[:, :: PHASES // 60 // _PER_MINUTE]
    share = np.arange(_PER_MINUTE) / _PER_MINUTE
    ends = by_mark[:, :1] * (1 - share) + np.roll(by_mark[:, :1], -1, axis=0) * share
    return np.clip(by_mark / ends, 1 / _MOST, _MOST)


def _density(p: Floats) -> Floats:
    """Return a circular distribution (bins,) as a density (PHASES,) with a mean of 1."""
    at = np.arange(PHASES) * len(p) / PHASES
    density = np.interp(at, np.arange(len(p) + 1), np.append(p, p[0]))
    return np.asarray(density / density.mean())


def _log_with_outliers(density: Floats) -> Floats:
    return np.asarray(np.log((1 - OUTLIERS) * density + OUTLIERS), np.float32)
