"""The drift of a dial from its rate: the slope of a line through the errors of single frames."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clockread.clock import circular_difference
from clockread.geometry import Floats
from clockread.tracking.fit import Fit
from clockread.tracking.observations import SECONDS_PER_TURN, STEP, STEPS, Observation
from clockread.tracking.robust import standard_deviation

LEAST_FRAMES = 8
MAX_ERROR = 10.0  # seconds per hour; a drift that is known less well is not reported
_REACH = 60 // STEP  # steps to either side of the fused time in which a frame's own is looked for
_ROBUST = 2.5  # standard deviations from the median beyond which a frame does not count
_LEAST_REACH = 1.0  # seconds from the median within which a frame always counts


@dataclass(frozen=True)
class Drift:
    """What a dial gains on its rate."""

    per_hour: float
    """Seconds per hour."""
    error: float
    """Standard error, seconds per hour."""


def drift_of(times: Floats, frames: Sequence[Observation], fit: Fit) -> Drift | None:
    """Return the drift of a track, or None if it is not known well enough.

    Args:
        times: of the frames, seconds since the start of the track, (n,).
        frames: the observation of each frame.
        fit: start and rate.

    """
    if fit.kind == "free":
        return None
    off = np.array([_off(one, fit.at(t), fit) for one, t in zip(frames, times, strict=True)])
    seen = np.isfinite(off)
    if seen.sum() < LEAST_FRAMES:
        return None
    t, off = np.asarray(times, np.float64)[seen] / 3600, off[seen]
    kept = np.abs(off - np.median(off)) <= max(_ROBUST * standard_deviation(off), _LEAST_REACH)
    t, off = t[kept], off[kept]
    spread = float(((t - t.mean()) ** 2).sum())
    if len(t) < LEAST_FRAMES or spread == 0:
        return None
    slope = float(((t - t.mean()) * off).sum() / spread)
    rest = off - off.mean() - slope * (t - t.mean())
    error = math.sqrt(max(float((rest**2).sum()) / (len(t) - 2), 1e-6) / spread)
    return Drift(slope, error) if error <= MAX_ERROR else None


def _off(one: Observation, shown: float, fit: Fit) -> float:
    """Return by how many seconds a frame alone is ahead of the fused time; nan if unknown."""
    if fit.has_seconds:
        if one.second is None:
            return math.nan
        return float(circular_difference(one.second, shown, SECONDS_PER_TURN))
    steps = round(shown / STEP) + np.arange(-_REACH, _REACH + 1)
    weight = np.exp(np.asarray(one.sharp, np.float64)[steps % STEPS])
    return float((weight * (steps * STEP - shown)).sum() / weight.sum())
