"""Confidence that means something: what the networks believe, turned into how often they are right.

Platt, "Probabilistic outputs for support vector machines" (1999): p = sigmoid(slope · logit(believed) + offset), both numbers
fitted on rendered dials that no training saw (`training.calibration`), and kept in the manifest beside the model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

EDGE = 1e-4  # beliefs are taken for no closer to 0 and 1: beyond, there is nothing to fit on
BINS = 10  # of reliability diagrams, equally wide


@dataclass(frozen=True)
class Calibration:
    """A rising function of 0..1 into 0..1; as it is made without numbers, the identity (but for EDGE)."""

    slope: float = 1.0
    offset: float = 0.0

    def __call__(self, believed: float) -> float:
        """Probability of being right, 0..1."""
        return _sigmoid(self.slope * _logit(believed) + self.offset)


def _logit(p: float) -> float:
    p = min(max(p, EDGE), 1 - EDGE)
    return math.log(p / (1 - p))


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


@dataclass(frozen=True)
class ClockScore:
    """Probability, 0..1, that what was found and read is a clock: a logistic regression on what each network says of it."""

    finder_score: float = 0.84  # weight of the logit of the finder's score
    confidence: float = 0.6  # of the logit of the reading's confidence: hands that agree tell clocks from plates
    dial_logit: float = 0.52  # of the pose network's own logit: it sees a dial larger than the finder does
    offset: float = -0.75

    def __call__(self, finder_score: float, confidence: float, dial_logit: float) -> float:
        """Probability of being a clock, 0..1."""
        scores = self.finder_score * _logit(finder_score) + self.confidence * _logit(confidence)
        return _sigmoid(scores + self.dial_logit * dial_logit + self.offset)


def fitted(believed: Floats, right: NDArray[np.bool_]) -> Calibration:
    """The calibration that makes ``right`` (n,) most likely; needs some right and some wrong ones."""
    slope, offset = _regression(np.array([[_logit(float(p))] for p in believed]), right)
    return Calibration(slope, offset)


def fitted_presence(finder_score: Floats, confidence: Floats, dial_logit: Floats, clock: NDArray[np.bool_]) -> ClockScore:
    """The weights that make ``clock`` (n,) most likely; needs some clocks and some other things."""
    columns = [[_logit(float(f)), _logit(float(c)), float(d)] for f, c, d in zip(finder_score, confidence, dial_logit, strict=True)]
    return ClockScore(*_regression(np.array(columns), clock))


def _regression(x: Floats, right: NDArray[np.bool_]) -> list[float]:
    """Weights of the columns of x (n, k) and an offset, by Newton's method."""
    # Platt's targets keep the fit finite where all are right above some belief
    positives = int(right.sum())
    y = np.where(right, (positives + 1) / (positives + 2), 1 / (len(right) - positives + 2))
    design = np.column_stack([x, np.ones(len(x))])
    weights = np.zeros(design.shape[1])
    weights[0] = 1.0
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (p - y)
        step = np.linalg.solve(design.T @ (design * (p * (1 - p))[:, None]) + 1e-9 * np.eye(len(weights)), gradient)
        weights = weights - step
        if np.abs(step).max() < 1e-9:
            break
    return [float(weight) for weight in weights]


@dataclass(frozen=True)
class Bin:
    """Readings of about the same confidence."""

    confidence: float  # their mean
    right: float  # share
    count: int


def reliability(confidence: Floats, right: NDArray[np.bool_], bins: int = BINS) -> list[Bin]:
    """Readings by their confidence, in equally wide bins without the empty ones: the points of a reliability diagram."""
    which = np.minimum((np.asarray(confidence) * bins).astype(int), bins - 1)
    return [
        Bin(float(confidence[which == b].mean()), float(right[which == b].mean()), int((which == b).sum()))
        for b in range(bins)
        if (which == b).any()
    ]


def expected_calibration_error(confidence: Floats, right: NDArray[np.bool_], bins: int = BINS) -> float:
    """Mean distance between confidence and share right, over the bins by their counts (Guo et al., 2017)."""
    return sum(b.count * abs(b.confidence - b.right) for b in reliability(confidence, right, bins)) / len(confidence)
