"""Readings with the times of their photos → one offset per group, decoded jointly.

The photos of one camera that show clocks of one time are a track at the rate 1: its start gives the
offset, to the second if a second hand is seen, and a photo that is misread is outvoted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from clockread.clock import circular_difference
from clockread.reading import Reading
from clockread.tracking.fit import REAL_TIME, fit
from clockread.tracking.observations import SECONDS_ON_DIAL, observed
from clockread.tracking.robust import standard_deviation
from clockread.tracking.track import AGREES_WITHIN, seconds_shown


@dataclass(frozen=True)
class Shot:
    """A photographed clock."""

    path: str
    taken: datetime
    reading: Reading


@dataclass(frozen=True)
class Offset:
    """How far the clocks of a group of photos are ahead of the photos' times, modulo 12 hours."""

    group: str
    seconds: float  # -21600 ≤ s < 21600
    spread: float  # seconds, standard deviation of the photos that agree
    confidence: float  # probability, 0..1, that it is right within one minute
    has_seconds: bool  # whether second hands were seen
    shots: tuple[Shot, ...]

    def agrees(self, shot: Shot) -> bool:
        """Return whether this photo alone gives the offset, within 90 seconds."""
        return abs(_apart(offset_of(shot), self.seconds)) <= 60 * AGREES_WITHIN

    @property
    def disagreeing(self) -> int:
        """The number of photos that alone give another offset."""
        return sum(not self.agrees(shot) for shot in self.shots)


def offset_of(shot: Shot) -> float:
    """Return the seconds by which the clock is ahead of the photo's time, by that photo alone."""
    return _apart(seconds_shown(shot.reading), _on_dial(shot.taken))


def joint_offset(group: str, shots: Sequence[Shot]) -> Offset:
    """Decode the offset of a group of at least one photo."""
    first = min(shot.taken for shot in shots)
    times = np.array([(shot.taken - first).total_seconds() for shot in shots])
    found = fit(times, [observed(shot.reading) for shot in shots], REAL_TIME)
    seconds = _apart(found.start, _on_dial(first))
    off = np.array([_apart(offset_of(shot), seconds) for shot in shots])
    near = off[np.abs(off) <= 60 * AGREES_WITHIN]
    spread = standard_deviation(near) if len(near) else 0.0
    return Offset(group, seconds, spread, found.confidence, found.has_seconds, tuple(shots))


def _on_dial(at: datetime) -> float:
    """Return a time of day as seconds past twelve."""
    passed = 3600 * at.hour + 60 * at.minute + at.second + at.microsecond / 1e6
    return passed % SECONDS_ON_DIAL


def _apart(a: float, b: float) -> float:
    return float(circular_difference(a, b, SECONDS_ON_DIAL))


def offset_text(seconds: float, *, exact: bool = True) -> str:
    """Return an offset as ``+0:03:12``, or ``+0:03`` if it is not ``exact``."""
    whole = round(abs(seconds)) if exact else 60 * round(abs(seconds) / 60)
    hours, rest = divmod(whole, 3600)
    sign = "-" if seconds < 0 and whole else "+"
    text = f"{sign}{hours}:{rest // 60:02d}"
    return text + (f":{rest % 60:02d}" if exact else "")
