"""Hands → time as ONNX nodes: three distributions decoded jointly; see `clockread.decoding`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clockread.clock import (
    MINUTES_ON_DIAL,
    SECOND_HAND_DEGREES_PER_SECOND,
    circular_difference,
    sincos,
)
from clockread.decoding import FLOOR, DecodingWeights, rotation_prior
from clockread.hypotheses import RARE
from clockread.reading import MIN_SECOND
from training.edge.context import Context
from training.edge.geometry import angle_of
from training.edge.graph import Graph
from training.edge.hands import BINS, SIZES
from training.edge.tensor import FLOAT, INT, Tensor

_STEP = 360 / BINS  # degrees per bin
_FINE = MINUTES_ON_DIAL // BINS  # minutes of the hour hand per bin
_HOURS, _MINUTES = 12, 60


@dataclass(frozen=True)
class Decoded:
    """The jointly decoded times of n dials."""

    minutes: Tensor  # (n, 1), whole
    confidence: Tensor  # (n, 1), raw
    turn: Tensor  # (n, 2), sin and cos of the rotation of 12 against the pose's up
    hour: Tensor  # (n, 2), mean resultant against 12
    minute: Tensor  # (n, 2)
    second: Tensor  # (n, 1), whole, 0..59, or -1 if no second hand is seen clearly


def decode(g: Graph, logits: Tensor, context: Context) -> Decoded:
    """Return the most likely of the 720 times, from both hands and the place of 12 together.

    The confidence of mirrored dials, and of those with 24 hours, is that of their being neither.
    """
    w = DecodingWeights()
    hour, minute, twelve, second, has_second = logits.split(*SIZES.values())

    hour_fine = _by_minute(_floored(_softmax(hour * w.hour) @ _spread(g, w.hour_deviation)))
    minute_w = _floored(_softmax(minute * w.minute))
    prior = rotation_prior(BINS)
    twelve_w = _floored(_softmax(twelve * w.twelve)) * np.exp(prior - prior.max())
    twelve_w = twelve_w * _floored(_softmax(context.twelve * w.context))
    twelve_w = twelve_w / twelve_w.reduce("Max", 1, keep=True)
    number = g.constant(np.array([w.rotations]), INT)
    likely, turns = g.ops("TopK", [FLOAT, INT], twelve_w, number, axis=1)

    places = turns.unsqueeze(2)
    at_hour = _around(places * _FINE, np.arange(MINUTES_ON_DIAL), MINUTES_ON_DIAL)
    at_minute = _around(places, np.arange(_MINUTES) * (BINS // _MINUTES), BINS)
    hours = hour_fine.take_along(at_hour).reshape(-1, w.rotations, _HOURS, _MINUTES)
    minutes = minute_w.take_along(at_minute).reshape(-1, w.rotations, 1, _MINUTES)
    full = hours.part(0, 1, 3) * w.full_hour_share
    joint = (hours * (1 - w.full_hour_share) + full) * (minutes * likely.unsqueeze(2, 3))
    joint = joint.reshape(-1, w.rotations, MINUTES_ON_DIAL)

    by_time = joint.sum(1)
    by_time = by_time / by_time.sum(1, keep=True)
    best = g.op("ArgMax", by_time, dtype=INT, axis=1, keepdims=1)
    near = (best + np.array([-1, 0, 1]) + MINUTES_ON_DIAL) % MINUTES_ON_DIAL
    confidence = by_time.take_along(near).sum(1, keep=True)
    for other in (context.mirrored, context.day):
        confidence = confidence * (-RARE - other).map("Sigmoid")

    of_best = g.op("GatherND", joint.transpose(0, 2, 1), best, batch_dims=1)
    directions = g.constant(sincos(np.arange(BINS) * _STEP), FLOAT)
    turn = (of_best.unsqueeze(2) * directions.take(turns)).sum(1)
    turn = turn / _length(turn).maximum(1e-20)
    back = [turned_back(_softmax(part) @ directions, turn) for part in (hour, minute, second)]
    sine, cosine = back[2].split(1, 1)
    clear = (has_second >= 0.0) & (_length(back[2]) >= MIN_SECOND)
    seconds = (angle_of(sine, cosine) / SECOND_HAND_DEGREES_PER_SECOND).map("Round").to(INT)
    seconds = (seconds + 60) % 60
    seconds = g.where(clear, seconds, -1, INT)
    return Decoded(best, confidence, turn, back[0], back[1], seconds)


def turned_back(pair: Tensor, turn: Tensor) -> Tensor:
    """Rotate (sin, cos) pairs (n, 2) counterclockwise by angles, given as (sin, cos) too."""
    sine, cosine = turn.split(1, 1)
    swapped = pair.take(np.array([1, 0]), 1)
    return pair * cosine + swapped * pair.graph.concat(0.0 - sine, sine, axis=1)


def rotation(turn: Tensor) -> Tensor:
    """Return rotations (n, 3, 3) of the dial plane, clockwise by angles given as (sin, cos)."""
    # [[c, -s, 0], [s, c, 0], [0, 0, 1]]
    places = np.array([[0, -1, 0, 1, 0, 0, 0, 0, 0], [1, 0, 0, 0, 1, 0, 0, 0, 0]])
    return (turn @ places + np.eye(9)[8]).reshape(-1, 3, 3)


def _softmax(logits: Tensor) -> Tensor:
    return logits.graph.op("Softmax", logits, axis=-1)


def _floored(p: Tensor) -> Tensor:
    return p * (1 - FLOOR) + FLOOR / BINS


def _length(pair: Tensor) -> Tensor:
    return (pair * pair).sum(1, keep=True).map("Sqrt")


def _spread(g: Graph, deviation: float) -> Tensor:
    """Return the matrix (BINS, BINS) that blurs a distribution on the circle.

    onnxruntime makes it of one row when it loads the model.
    """
    degrees = circular_difference(np.arange(BINS) * _STEP, 0.0, 360.0)
    row = np.exp(-0.5 * (degrees / deviation) ** 2)
    bins = g.arange(g.constant(np.array([BINS]), INT))
    return g.constant(row / row.sum(), FLOAT).take(
        (bins.unsqueeze(0) - bins.unsqueeze(1) + BINS) % BINS
    )


def _by_minute(p: Tensor) -> Tensor:
    """Interpolate distributions (n, BINS) of the hour hand to (n, MINUTES_ON_DIAL)."""
    after = p.graph.concat(p.part(1, BINS), p.part(0, 1), axis=1)
    share = np.arange(_FINE) / _FINE
    return (p.unsqueeze(2) * (1 - share) + after.unsqueeze(2) * share).reshape(-1, MINUTES_ON_DIAL)


def _around(start: Tensor, offsets: np.ndarray, size: int) -> Tensor:
    """Return indices on a circle, start + offset, (n, k·m) of (n, k, 1) and (m,)."""
    places = (start + offsets[None, None]) % size
    return places.reshape(-1, len(offsets) * DecodingWeights().rotations)
