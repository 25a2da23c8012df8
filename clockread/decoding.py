"""Hands → time: circular distributions decoded jointly into one of the times of a dial.

Angles are in degrees, clockwise, 0 at 12 o'clock.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clockread.clock import angle_of, circular_difference, sincos
from clockread.geometry import Floats


@dataclass(frozen=True)
class DecodingWeights:
    """Weights of the joint decoding, chosen by `benchmarks/decoding.py`.

    The first four are exponents of the distributions.
    """

    hour: float = 1.0
    minute: float = 0.85  # lower values limit the harm of a second hand read as the minute hand
    twelve: float = 0.9  # lower values read upright dials better and rotated ones worse
    context: float = 0.7  # of the context network's place of 12
    full_hour_share: float = 0.02  # of dials whose hour hand points to the full hour: toys, icons
    hour_deviation: float = 2.5  # degrees, of the hour hand's error; drawn dials alone would have 1
    rotations: int = 8  # most likely ones, combined with all times; more only take longer


FLOOR = 2e-4  # uniform share mixed into each distribution: no single hand can rule out a time
EXTREME_LOGIT = 60.0  # larger ones are clipped, against overflows
_MODE_REACH = 2  # bins on either side of the mode that are averaged to find the angle between bins
# Degrees, share, standard deviation. Small shares: numerals outweigh the prior, and a dial without
# marks is assumed upright.
_UPRIGHT = ((0.0, 0.9, 10.0), (90.0, 0.02, 8.0), (180.0, 0.01, 8.0), (270.0, 0.02, 8.0))


@dataclass(frozen=True)
class Hours:
    """What the hour hand of a dial shows."""

    count: int = 12  # hours per turn of the hour hand: 12 or 24
    noon_up: bool = False  # whether 12 is at the top of a 24-hour dial, instead of 24

    @property
    def minutes(self) -> int:
        """Minutes per turn of the hour hand."""
        return 60 * self.count


TWELVE_HOURS = Hours()


@dataclass(frozen=True)
class Decoded:
    """The jointly decoded times of n dials."""

    minutes: NDArray[np.int64]  # (n,), 0..719, or 0..1439 on a 24-hour dial
    confidence: Floats  # (n,), probability that ``minutes`` is right within one minute
    rotation: Floats  # (n,), degrees clockwise of 12 against the pose's up, -180..180
    hour_sincos: Floats  # (n, 2), mean resultant against 12
    minute_sincos: Floats  # (n, 2)
    log_likelihood: Floats  # (n,), log of the likelihood, averaged over all times, up to a constant
    by_time: Floats  # (n, times), probabilities of all times


def rotation_prior(bins: int) -> Floats:
    """Return the log prior (bins,) of a dial's rotation: mostly upright, or by a quarter turn."""
    degrees = np.arange(bins) * (360.0 / bins)
    total = np.full(bins, (1.0 - sum(share for _, share, _ in _UPRIGHT)) / bins)
    for mean, share, deviation in _UPRIGHT:
        bump = np.exp(-0.5 * (circular_difference(degrees, mean, 360.0) / deviation) ** 2)
        total += share * bump / bump.sum()
    return np.asarray(np.log(total))


def sigmoid(logits: Floats) -> Floats:
    """Return the probabilities of logits of any shape."""
    x = np.clip(np.asarray(logits, np.float64), -EXTREME_LOGIT, EXTREME_LOGIT)
    return np.asarray(1 / (1 + np.exp(-x)))


def _log_softmax(logits: Floats) -> Floats:
    x = np.asarray(logits, dtype=np.float64)
    x = x - x.max(axis=-1, keepdims=True)
    return np.asarray(x - np.log(np.exp(x).sum(axis=-1, keepdims=True)))


def resultant(logits: Floats) -> Floats:
    """Return the mean resultants (n, 2), (sin, cos), of distributions given as logits (n, bins)."""
    return _mean_direction(np.exp(_log_softmax(logits)))


def _mean_direction(p: Floats) -> Floats:
    bins = p.shape[1]
    return np.asarray(p @ sincos(np.arange(bins) * (360.0 / bins)))


def turned_back(pairs: Floats, degrees: Floats) -> Floats:
    """Return (sin, cos) pairs (n, 2), each rotated counterclockwise by ``degrees`` (n,)."""
    back = np.deg2rad(np.asarray(degrees))
    s, c = np.sin(back), np.cos(back)
    return np.stack([pairs[:, 0] * c - pairs[:, 1] * s, pairs[:, 0] * s + pairs[:, 1] * c], axis=-1)


def _floored(p: Floats) -> Floats:
    return np.asarray(np.maximum(p, 0.0) * (1 - FLOOR) + FLOOR / p.shape[-1])


def likeliest(by_time: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Return the most likely times (n,) and their confidence (n,) for probabilities (n, times).

    The confidence is the probability of being right within one minute.
    """
    best = by_time.argmax(axis=1)
    near = (best[:, None] + np.array([-1, 0, 1])) % by_time.shape[1]
    return best, np.take_along_axis(by_time, near, axis=1).sum(axis=1)


def modal_angle(logits: Floats) -> Floats:
    """Return the angles (n,), degrees [0, 360), of the modes of distributions given as logits.

    Angles are found to a fraction of a bin of the logits (n, bins).
    """
    p = np.exp(_log_softmax(logits))
    bins = p.shape[1]
    around = (p.argmax(axis=1)[:, None] + np.arange(-_MODE_REACH, _MODE_REACH + 1)) % bins
    directions = sincos(around * (360.0 / bins))
    return angle_of((np.take_along_axis(p, around, axis=1)[:, :, None] * directions).sum(axis=1))


def _turned(p: Floats, turns: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return distributions (n, bins) rotated by numbers of bins (n, k), as (n, k, bins)."""
    twice = np.concatenate([p, p], axis=1, dtype=np.float32)
    views = np.lib.stride_tricks.sliding_window_view(twice, p.shape[1], axis=1)
    return np.asarray(views[np.arange(len(p))[:, None], turns])


def decode(
    hour: Floats,
    minute: Floats,
    twelve: Floats,
    context: Floats | None = None,
    *,
    hours: Hours = TWELVE_HOURS,
    prior: Floats | None = None,
    weights: DecodingWeights | None = None,
) -> Decoded:
    """Find the most likely time, from both hands and the place of 12 together.

    The hour hand must agree with the minute hand or, on a small share of dials, point to the full
    hour:

        P(t, r) ∝ P_hour(t, r) · P_minute(r + 6t°)^b · P_twelve(r)^c · P_context(r)^d · P(r)
        P_hour(t, r) = (1 - e) · P_hour(r + t/2°)^a + e · P_hour(r + 30°·⌊t/60⌋)^a

    summed over the rotation r. On a 24-hour dial, the hour hand moves at half that speed.

    Args:
        hour: logits (n, bins) over the angle against the pose's up; bins is a multiple of 60
            that divides 720.
        minute: as ``hour``.
        twelve: as ``hour``.
        context: as ``hour``, the place of 12 by the context network, if there is one.
        hours: the hours on the dials.
        prior: log probability (bins,) of the place of 12, by default `rotation_prior`.
        weights: the exponents a, b, c, d and the share e.

    Returns:
        Times, confidence, rotation and hands of the n dials.

    """
    w = weights or DecodingWeights()
    n, bins = np.shape(hour)
    step = 360.0 / bins
    hour_p, minute_p = np.exp(_log_softmax(hour)), np.exp(_log_softmax(minute))
    degrees = np.arange(bins) * step
    slack = np.exp(-0.5 * (circular_difference(degrees, 0.0, 360.0) / w.hour_deviation) ** 2)
    weighted = [
        np.exp(_log_softmax(np.asarray(x) * of))
        for x, of in ((hour, w.hour), (minute, w.minute), (twelve, w.twelve))
    ]
    weighted[0] = np.fft.irfft(np.fft.rfft(weighted[0]) * np.fft.rfft(slack / slack.sum()), n=bins)
    hour_w, minute_w, twelve_w = (_floored(p) for p in weighted)
    if hours.noon_up:
        hour_w = np.roll(hour_w, bins // 2, axis=1)
    if context is not None:
        twelve_w = twelve_w * _floored(np.exp(_log_softmax(np.asarray(context) * w.context)))
    prior = rotation_prior(bins) if prior is None else np.asarray(prior)
    twelve_w = twelve_w * np.exp(prior - prior.max())
    largest = twelve_w.max(axis=1, keepdims=True)
    twelve_w /= largest  # keeps all products within single precision

    fine = hours.minutes // bins  # minutes of the hour hand per bin
    at = np.arange(hours.minutes) / fine
    low, part = np.floor(at).astype(int), at % 1.0
    hour_fine = hour_w[:, low] * (1 - part) + hour_w[:, (low + 1) % bins] * part
    tried = min(w.rotations, bins)
    turns = np.argpartition(-twelve_w, tried - 1, axis=1)[:, :tried]  # (n, k)
    by_hour = _turned(hour_fine, turns * fine).reshape(n, tried, hours.count, 60)
    by_minute = _turned(minute_w, turns)[..., :: bins // 60]
    of_twelve = np.take_along_axis(twelve_w, turns, axis=1)[:, :, None].astype(np.float32)
    full, usual = np.float32(w.full_hour_share), np.float32(1 - w.full_hour_share)
    joint = by_hour * usual + by_hour[..., :1] * full
    joint *= (by_minute * of_twelve)[:, :, None, :]
    joint = joint.reshape(n, tried, hours.minutes)
    by_time = joint.sum(axis=1, dtype=np.float64)
    total = by_time.sum(axis=1, keepdims=True)
    by_time /= total
    best, confidence = likeliest(by_time)
    of_best = np.take_along_axis(joint, best[:, None, None], axis=2)[:, :, 0]
    rotation = angle_of((of_best[:, :, None] * sincos(turns * step)).sum(axis=1))
    hour_pair, minute_pair = (turned_back(_mean_direction(p), rotation) for p in (hour_p, minute_p))
    signed = circular_difference(rotation, 0.0, 360.0)
    likelihood = np.log(total * largest / hours.minutes)[:, 0]
    return Decoded(best, confidence, signed, hour_pair, minute_pair, likelihood, by_time)
