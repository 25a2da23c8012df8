"""Random draws that several parts of the renderer share."""

from __future__ import annotations

import math
from random import Random


def chance(rng: Random, share: float) -> bool:
    """Return True with probability ``share``.

    A share of 0 or 1 draws no random number, so adding a feature to one preset does not change the
    pixels of another.
    """
    return share >= 1 or (share > 0 and rng.random() < share)


def log_uniform(rng: Random, low: float, high: float) -> float:
    """Return a number between ``low`` and ``high`` whose logarithm is uniform."""
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def clip_tone(tone: float) -> float:
    """Return a tone limited to 0..255."""
    return float(min(255.0, max(0.0, tone)))


def near_tone(rng: Random, tone: float, most: float) -> float:
    """Return a tone at most ``most`` grey levels from another."""
    return clip_tone(tone + rng.uniform(-most, most))


def other_tone(rng: Random, tone: float, least: float, most: float) -> float:
    """Return a tone ``least`` to ``most`` grey levels from another, clipped to 0..255."""
    return clip_tone(tone + rng.choice((-1, 1)) * rng.uniform(least, most))
