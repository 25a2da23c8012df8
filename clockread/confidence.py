"""Raw confidence and scores → calibrated probabilities, and the measures of calibration.

Platt scaling ("Probabilistic outputs for support vector machines", 1999):
p = sigmoid(slope · logit(raw) + offset). Both numbers are fitted on rendered dials that were not
used in training (`training.reader.calibration`) and stored in the manifest beside the model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

EDGE = 1e-4  # raw confidence is clipped to EDGE..1 - EDGE: beyond, there is no data to fit to
BINS = 10  # of a reliability diagram, of equal width


@dataclass(frozen=True)
class Calibration:
    """Platt scaling of a raw confidence; the default is the identity, apart from clipping."""

    slope: float = 1.0
    offset: float = 0.0

    def __call__(self, raw: float) -> float:
        """Return the probability, 0..1, of being right."""
        return _sigmoid(self.slope * _logit(raw) + self.offset)


def _logit(p: float) -> float:
    p = min(max(p, EDGE), 1 - EDGE)
    return math.log(p / (1 - p))


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


@dataclass(frozen=True)
class ClockScore:
    """The probability that a detection is a clock: logistic regression on all networks' scores."""

    finder_score: float = 0.84  # weight of the logit of the finder's score
    confidence: float = 0.6  # of the logit of the reading's confidence: on a clock, the hands agree
    dial_logit: float = 0.52  # of the pose network's logit, which sees the dial enlarged
    offset: float = -0.75

    def __call__(self, finder_score: float, confidence: float, dial_logit: float) -> float:
        """Return the probability, 0..1, of being a clock."""
        scores = self.finder_score * _logit(finder_score) + self.confidence * _logit(confidence)
        return _sigmoid(scores + self.dial_logit * dial_logit + self.offset)


def fitted(raw: Floats, right: NDArray[np.bool_]) -> Calibration:
    """Return the maximum-likelihood calibration of raw confidences (n,) to ``right`` (n,).

    Needs both right and wrong readings.
    """
    slope, offset = _regression(np.array([[_logit(float(p))] for p in raw]), right)
    return Calibration(slope, offset)


def fitted_presence(
    finder_score: Floats, confidence: Floats, dial_logit: Floats, clock: NDArray[np.bool_]
) -> ClockScore:
    """Return the maximum-likelihood weights of the clock score.

    Args:
        finder_score: (n,), 0..1.
        confidence: calibrated, (n,), 0..1.
        dial_logit: (n,).
        clock: whether each detection is a clock, (n,); both clocks and non-clocks are needed.

    Returns:
        The weights.

    """
    logits = [[_logit(float(p)) for p in scores] for scores in (finder_score, confidence)]
    return ClockScore(*_regression(np.column_stack([*logits, dial_logit]), clock))


def _regression(x: Floats, right: NDArray[np.bool_]) -> list[float]:
    """Return the weights of the columns of x (n, k) and an offset, by Newton's method."""
    # Platt's targets keep the fit finite if all readings above some confidence are right
    positives = int(right.sum())
    y = np.where(right, (positives + 1) / (positives + 2), 1 / (len(right) - positives + 2))
    design = np.column_stack([x, np.ones(len(x))])
    weights = np.zeros(design.shape[1])
    weights[0] = 1.0
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (p - y)
        hessian = design.T @ (design * (p * (1 - p))[:, None])
        step = np.linalg.solve(hessian + 1e-9 * np.eye(len(weights)), gradient)
        weights = weights - step
        if np.abs(step).max() < 1e-9:
            break
    return [float(weight) for weight in weights]


@dataclass(frozen=True)
class Bin:
    """One bin of a reliability diagram."""

    confidence: float  # mean of its readings, 0..1
    right: float  # share of its readings, 0..1
    count: int


def reliability(confidence: Floats, right: NDArray[np.bool_], bins: int = BINS) -> list[Bin]:
    """Return the bins of a reliability diagram, of equal width, without the empty ones."""
    which = np.minimum((np.asarray(confidence) * bins).astype(int), bins - 1)
    members = [which == b for b in range(bins)]
    return [
        Bin(float(confidence[inside].mean()), float(right[inside].mean()), int(inside.sum()))
        for inside in members
        if inside.any()
    ]


def expected_calibration_error(
    confidence: Floats, right: NDArray[np.bool_], bins: int = BINS
) -> float:
    """Return the mean distance of confidence and accuracy over the bins, weighted by their counts.

    Guo et al., "On calibration of modern neural networks", 2017.
    """
    found = reliability(confidence, right, bins)
    return sum(b.count * abs(b.confidence - b.right) for b in found) / len(confidence)
