"""Raw confidence and scores → calibrated probabilities, and the measures of calibration.

Platt scaling ("Probabilistic outputs for support vector machines", 1999), with the logits of the
context network beside that of the raw confidence: a gauge has no time, and a dial that is cut off
may lack the place to which a hand points. The weights are fitted on rendered dials that were not
used in training (`training.reader.calibration`) and stored in the manifest beside the model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clockread.geometry import Floats

EDGE = 1e-4  # raw confidence is clipped to EDGE..1 - EDGE: beyond, there is no data to fit to
LOGIT_LIMIT = 8.0  # of the context network's logits; larger ones say no more
BINS = 10  # of a reliability diagram, of equal width


@dataclass(frozen=True)
class Calibration:
    """Logistic regression of being right; the default is the identity, apart from clipping."""

    slope: float = 1.0  # weight of the logit of the raw confidence
    offset: float = 0.0
    clock: float = 0.0  # weight of the context network's logit for a clock
    whole: float = 0.0  # the same, for the whole face being in the photo

    def __call__(self, raw: float, clock_logit: float = 0.0, whole_logit: float = 0.0) -> float:
        """Return the probability, 0..1, of being right; a logit that is nan counts as 0."""
        of_context = self.clock * bounded(clock_logit) + self.whole * bounded(whole_logit)
        return _sigmoid(self.slope * _logit(raw) + of_context + self.offset)


def stored_weights(stored: Mapping[str, Any]) -> tuple[Calibration, DialScore]:
    """Return the weights of confidence and dial score that a manifest has for a model."""
    weights = {f.name: float(stored.get(f.name, f.default)) for f in fields(Calibration)}
    return Calibration(**weights), DialScore(**stored.get("presence", {}))


def bounded(logit: float) -> float:
    """Return a logit of the context network within ±`LOGIT_LIMIT`, and 0 for nan."""
    return 0.0 if math.isnan(logit) else min(max(logit, -LOGIT_LIMIT), LOGIT_LIMIT)


def _logit(p: float) -> float:
    p = min(max(p, EDGE), 1 - EDGE)
    return math.log(p / (1 - p))


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


@dataclass(frozen=True)
class DialScore:
    """The probability that a detection is a clock: logistic regression on all networks' scores."""

    finder_score: float = 0.84  # weight of the logit of the finder's score
    confidence: float = 0.6  # of the logit of the reading's confidence: on a clock, the hands agree
    dial_logit: float = 0.52  # of the pose network's logit, which sees the dial enlarged
    offset: float = -0.75
    clock_logit: float = 0.0  # of the context network's, which sees what is around the dial

    def __call__(
        self, finder_score: float, confidence: float, dial_logit: float, clock_logit: float = 0.0
    ) -> float:
        """Return the probability, 0..1, of being a clock; a clock logit that is nan counts as 0."""
        scores = self.finder_score * _logit(finder_score) + self.confidence * _logit(confidence)
        of_context = self.clock_logit * bounded(clock_logit)
        return _sigmoid(scores + self.dial_logit * dial_logit + of_context + self.offset)


def fitted(
    raw: Floats, clock_logit: Floats, whole_logit: Floats, right: NDArray[np.bool_]
) -> Calibration:
    """Return the maximum-likelihood calibration.

    Args:
        raw: raw confidences, (n,), 0..1.
        clock_logit: of the context network, (n,).
        whole_logit: the same, (n,).
        right: whether each reading is right, (n,); both are needed.

    """
    columns = [[_logit(float(p)) for p in raw]]
    columns += [[bounded(float(x)) for x in logits] for logits in (clock_logit, whole_logit)]
    slope, clock, whole, offset = _regression(np.column_stack(columns), right)
    return Calibration(slope, offset, clock, whole)


def fitted_dial_score(
    finder_score: Floats,
    confidence: Floats,
    dial_logit: Floats,
    clock_logit: Floats,
    clock: NDArray[np.bool_],
) -> DialScore:
    """Return the maximum-likelihood weights of the dial score.

    Args:
        finder_score: (n,), 0..1.
        confidence: calibrated, (n,), 0..1.
        dial_logit: (n,).
        clock_logit: (n,).
        clock: whether each detection is a clock, (n,); both clocks and non-clocks are needed.

    Returns:
        The weights.

    """
    columns = [[_logit(float(p)) for p in scores] for scores in (finder_score, confidence)]
    columns += [list(dial_logit), [bounded(float(x)) for x in clock_logit]]
    *of_networks, of_context, offset = _regression(np.column_stack(columns), clock)
    of_finder, of_confidence, of_pose = of_networks
    return DialScore(of_finder, of_confidence, of_pose, offset, of_context)


def _regression(x: Floats, right: NDArray[np.bool_]) -> list[float]:
    """Return the weights of the columns of x (n, k) and an offset, by Newton's method."""
    # Platt's targets keep the fit finite if all readings above some confidence are right
    positives = int(right.sum())
    y = np.where(right, (positives + 1) / (positives + 2), 1 / (len(right) - positives + 2))
    design = np.column_stack([x, np.ones(len(x))])
    weights = np.zeros(design.shape[1])
    weights[0] = 1.0

    def cost(weights: Floats) -> float:
        logits = design @ weights
        return float((np.logaddexp(0, logits) - y * logits).sum())

    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(design @ weights, -500, 500)))
        gradient = design.T @ (p - y)
        hessian = design.T @ (design * (p * (1 - p))[:, None])
        step = np.linalg.solve(hessian + 1e-9 * np.eye(len(weights)), gradient)
        before = cost(weights)
        while cost(weights - step) > before and np.abs(step).max() >= 1e-9:
            step = step / 2  # where the curvature changes much, a whole step goes too far
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
