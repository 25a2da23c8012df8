"""What one photo says about a dial's time: distributions that the photos of a track add up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clockread.clock import MINUTES_ON_DIAL

Floats = NDArray[np.floating]

_SPREAD = np.array([0.2, 0.6, 0.2])  # of a reading without distributions, one minute to each side


@dataclass(frozen=True, eq=False)
class Evidence:
    """The distributions behind one reading, as the networks and the decoding left them."""

    by_time: Floats  # (720,) or (1440,) probabilities of the whole minutes past twelve
    minute_logits: Floats | None = (
        None  # (bins,) over the minute hand's angle against the pose's up
    )
    second_logits: Floats | None = None  # (bins,) of the second hand
    rotation: float = 0.0  # degrees, of 12 clockwise against the pose's up
    second_presence: float = 0.0  # probability, 0..1, that there is a second hand

    @classmethod
    def of_time(cls, minutes: int, confidence: float) -> Evidence:
        """Return the evidence of a reading of which only time and confidence, 0..1, are known."""
        p = np.full(MINUTES_ON_DIAL, (1.0 - confidence) / MINUTES_ON_DIAL)
        p[(minutes + np.array([-1, 0, 1])) % MINUTES_ON_DIAL] += confidence * _SPREAD
        return cls(p)

    def minute(self) -> Floats | None:
        """Return the distribution (bins,) of the minute hand's angle against 12."""
        return None if self.minute_logits is None else _turned(self.minute_logits, self.rotation)

    def second(self) -> Floats | None:
        """Return the distribution (bins,) of the second hand's angle against 12."""
        return None if self.second_logits is None else _turned(self.second_logits, self.rotation)


def _turned(logits: Floats, rotation: float) -> Floats:
    """Return a distribution (bins,) against a zero that lies ``rotation`` degrees clockwise."""
    p = np.exp(np.asarray(logits, np.float64) - np.max(logits))
    p /= p.sum()
    at = np.arange(len(p)) + rotation * len(p) / 360.0
    low = np.floor(at).astype(int)
    part = at - low
    return np.asarray(p[low % len(p)] * (1 - part) + p[(low + 1) % len(p)] * part)
