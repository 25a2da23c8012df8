"""Hands → time: three circular distributions decoded jointly into one of the 720 times of a dial.

Angles are in degrees, clockwise, 0 at 12 o'clock.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clockread.clock import MINUTES_ON_DIAL, angle_of, circular_difference, sincos

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class DecodingWeights:
    """Weights of the joint decoding: exponents of the three distributions, and the model of the hour hand; see `benchmarks/decoding.py`."""

    hour: float = 1.0
    minute: float = 0.85  # lower values trust the hour hand more if the second hand is mistaken for the minute hand, but reduce confidence
    twelve: float = 0.9  # lower values read upright dials better and rotated ones worse
    full_hour_share: float = 0.02  # share of dials whose hour hand points to the full hour at any minute: pictograms, toys
    hour_deviation: float = (
        2.5  # degrees, standard deviation of the hour hand's error; drawn dials alone would have 1
    )
    rotations: int = (
        8  # most likely rotations that are combined with all 720 times; more only take longer
    )


_FLOOR = (
    2e-4  # uniform share mixed into every distribution, so that no single hand can rule out a time
)
_MODE_REACH = 2  # bins on either side of the mode that are averaged to find the angle between bins
# Degrees, share, standard deviation. Small shares: numerals outweigh the prior, and a dial without marks is assumed upright.
_UPRIGHT = ((0.0, 0.9, 10.0), (90.0, 0.02, 8.0), (180.0, 0.01, 8.0), (270.0, 0.02, 8.0))


@dataclass(frozen=True)
class Decoded:
    """The jointly decoded times of n dials."""

    minutes: NDArray[np.int64]  # (n,), 0..719
    confidence: Floats  # (n,), probability that ``minutes`` is right within one minute
    rotation: Floats  # (n,), degrees clockwise of 12 against the pose's up, -180..180
    hour_sincos: Floats  # (n, 2), mean resultant against 12
    minute_sincos: Floats  # (n, 2)


def rotation_prior(bins: int) -> Floats:
    """Return the log prior (bins,) of the rotation of a photographed dial: mostly upright, sometimes turned by a quarter."""
    degrees = np.arange(bins) * (360.0 / bins)
    total = np.full(bins, (1.0 - sum(share for _, share, _ in _UPRIGHT)) / bins)
    for mean, share, deviation in _UPRIGHT:
        bump = np.exp(-0.5 * (circular_difference(degrees, mean, 360.0) / deviation) ** 2)
        total += share * bump / bump.sum()
    return np.asarray(np.log(total))


def _log_softmax(logits: Floats) -> Floats:
    x = np.asarray(logits, dtype=np.float64)
    x = x - x.max(axis=-1, keepdims=True)
    return np.asarray(x - np.log(np.exp(x).sum(axis=-1, keepdims=True)))


def resultant(logits: Floats) -> Floats:
    """Return the mean resultants (n, 2), as (sin, cos), of distributions given as logits (n, bins)."""
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
    return np.asarray(np.maximum(p, 0.0) * (1 - _FLOOR) + _FLOOR / p.shape[-1])


def likeliest(by_time: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Return the most likely time (n,) of probabilities (n, 720), and the probability (n,) that it is right within one minute."""
    best = by_time.argmax(axis=1)
    near = (best[:, None] + np.array([-1, 0, 1])) % MINUTES_ON_DIAL
    return best, np.take_along_axis(by_time, near, axis=1).sum(axis=1)


def modal_angle(logits: Floats) -> Floats:
    """Return the angles (n,) in degrees [0, 360) of the modes of distributions given as logits (n, bins), to a fraction of a bin."""
    p = np.exp(_log_softmax(logits))
    bins = p.shape[1]
    around = (p.argmax(axis=1)[:, None] + np.arange(-_MODE_REACH, _MODE_REACH + 1)) % bins
    directions = sincos(around * (360.0 / bins))
    return angle_of((np.take_along_axis(p, around, axis=1)[:, :, None] * directions).sum(axis=1))


def decode(
    hour: Floats,
    minute: Floats,
    twelve: Floats,
    prior: Floats | None = None,
    weights: DecodingWeights | None = None,
) -> Decoded:
    """Return the most likely of the 720 times, from both hands and the place of 12 together.

    ``hour``, ``minute`` and ``twelve`` are logits (n, bins) over the angle against the pose's up, bins a multiple of 60;
    ``prior`` is a log probability (bins,) of the place of 12 (default `rotation_prior`). The hour hand must agree with the
    minute hand or, on a small share of dials, point to the full hour:

        P(t, r) ∝ P_hour(t, r) · P_minute(r + 6t°)^b · P_twelve(r)^c · P(r)
        P_hour(t, r) = (1 - e) · P_hour(r + t/2°)^a + e · P_hour(r + 30°·⌊t/60⌋)^a

    summed over the rotation r. The exponents a, b, c and the share e are those of ``weights``.
    """
    w = weights or DecodingWeights()
    n, bins = np.shape(hour)
    step = 360.0 / bins
    hour_p, minute_p = np.exp(_log_softmax(hour)), np.exp(_log_softmax(minute))
    degrees = np.arange(bins) * step
    slack = np.exp(-0.5 * (circular_difference(degrees, 0.0, 360.0) / w.hour_deviation) ** 2)
    weighed = [
        np.exp(_log_softmax(np.asarray(x) * of))
        for x, of in ((hour, w.hour), (minute, w.minute), (twelve, w.twelve))
    ]
    weighed[0] = np.fft.irfft(np.fft.rfft(weighed[0]) * np.fft.rfft(slack / slack.sum()), n=bins)
    hour_w, minute_w, twelve_w = (_floored(p) for p in weighed)
    prior = rotation_prior(bins) if prior is None else np.asarray(prior)
    twelve_w = twelve_w * np.exp(prior - prior.max())
    twelve_w /= twelve_w.max(
        axis=1, keepdims=True
    )  # keeps all products well within single precision

    fine = MINUTES_ON_DIAL // bins  # hour hand: half a degree per minute, between bins
    at = np.arange(MINUTES_ON_DIAL) / fine
    low, part = np.floor(at).astype(int), at % 1.0
    hour_fine = (hour_w[:, low] * (1 - part) + hour_w[:, (low + 1) % bins] * part).astype(
        np.float32
    )
    minute_w = minute_w.astype(np.float32)
    hour_twice = np.concatenate([hour_fine, hour_fine], axis=1)
    minute_twice = np.concatenate([minute_w, minute_w], axis=1)
    tried = min(w.rotations, bins)
    turns = np.argpartition(-twelve_w, tried - 1, axis=1)[:, :tried]  # (n, k)
    rows = np.arange(n)[:, None]
    hours = np.lib.stride_tricks.sliding_window_view(hour_twice, MINUTES_ON_DIAL, axis=1)[
        rows, turns * fine
    ]
    minutes = np.lib.stride_tricks.sliding_window_view(minute_twice, bins, axis=1)[rows, turns][
        ..., :: bins // 60
    ]
    hours = hours.reshape(n, tried, 12, 60)
    joint = hours * np.float32(1 - w.full_hour_share) + hours[..., :1] * np.float32(
        w.full_hour_share
    )
    joint *= (minutes * twelve_w[rows, turns][:, :, None].astype(np.float32))[:, :, None, :]
    joint = joint.reshape(n, tried, MINUTES_ON_DIAL)
    by_time = joint.sum(axis=1, dtype=np.float64)
    by_time /= by_time.sum(axis=1, keepdims=True)
    best, confidence = likeliest(by_time)
    of_best = np.take_along_axis(joint, best[:, None, None], axis=2)[:, :, 0]
    rotation = angle_of((of_best[:, :, None] * sincos(turns * step)).sum(axis=1))
    hour_pair, minute_pair = (turned_back(_mean_direction(p), rotation) for p in (hour_p, minute_p))
    return Decoded(
        best, confidence, circular_difference(rotation, 0.0, 360.0), hour_pair, minute_pair
    )
