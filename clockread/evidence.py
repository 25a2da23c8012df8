"""The evidence of one photo for a dial's time: distributions that tracking adds up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clockread.clock import MINUTES_ON_DIAL
from clockread.geometry import Floats

_SPREAD = np.array([0.2, 0.6, 0.2])  # of a reading without distributions, one minute to each side


@dataclass(frozen=True, eq=False)
class Evidence:
    """The distributions behind one reading, as the networks and the decoding left them."""

    by_time: Floats  # (720,) or (1440,) probabilities of the whole minutes past twelve
    minute_logits: Floats | None = None  # (bins,) over the hand's angle against the pose's up
    second_logits: Floats | None = None  # (bins,) of the second hand
    rotation: float = 0.0  # degrees, of 12 clockwise against the pose's up
    second_presence: float = 0.0  # probability, 0..1, that there is a second hand

    @classmethod
    def of_time(cls, minutes: int, confidence: float) -> Evidence:
        """Return the evidence of a reading of which only time and confidence, 0..1, are known."""
        p = np.full(MINUTES_ON_DIAL, (1.0 - confidence) / MINUTES_ON_DIAL)
        p[(minutes + np.array([-1, 0, 1])) % MINUTES_ON_DIAL] += confidence * _SPREAD
        return cls(p)

    def minute(self, count: int) -> Floats | None:
        """Return the density of the minute hand's angle against 12; see `density_of`."""
        return None if self.minute_logits is None else self._density(self.minute_logits, count)

    def second(self, count: int) -> Floats | None:
        """Return the density of the second hand's angle against 12; see `density_of`."""
        return None if self.second_logits is None else self._density(self.second_logits, count)

    def _density(self, logits: Floats, count: int) -> Floats:
        return density_of(logits, self.rotation, count)


def density_of(logits: Floats, rotation: float, count: int) -> Floats:
    """Return a circular density with a mean of 1 at evenly spaced angles.

    Its logarithm is interpolated by Catmull and Rom's cubic ("A class of local interpolating
    splines", 1974), which is exact for a normal distribution: modes lie between bins as they do
    at bins.

    Args:
        logits: (bins,) over the angle.
        rotation: degrees of the first angle.
        count: of angles.

    Returns:
        The density, (count,).

    """
    x = np.asarray(logits, np.float64)
    at = np.arange(count) * len(x) / count + rotation * len(x) / 360.0
    low = np.floor(at).astype(int)
    t = at - low
    before, a, b, after = (x[(low + k) % len(x)] for k in (-1, 0, 1, 2))
    log = a + t / 2 * (
        b - before + t * (2 * before - 5 * a + 4 * b - after + t * (3 * (a - b) + after - before))
    )
    density = np.exp(log - log.max())
    return np.asarray(density / density.mean())
