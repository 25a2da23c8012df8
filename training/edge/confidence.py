"""Calibrated probabilities as ONNX nodes; see `clockread.confidence`."""

from __future__ import annotations

from clockread.confidence import EDGE, Calibration, ClockScore
from training.edge.graph import Tensor


def _logit(p: Tensor) -> Tensor:
    p = p.clip(EDGE, 1 - EDGE)
    return (p / (1.0 - p)).map("Log")


def calibrated(raw: Tensor, calibration: Calibration) -> Tensor:
    """Return the probability of being right, of raw confidences of any shape."""
    return (_logit(raw) * calibration.slope + calibration.offset).map("Sigmoid")


def clock_score(score: Tensor, confidence: Tensor, dial_logit: Tensor, w: ClockScore) -> Tensor:
    """Return the probability of being a clock, of tensors of one shape."""
    of_networks = _logit(score) * w.finder_score + _logit(confidence) * w.confidence
    return (of_networks + dial_logit * w.dial_logit + w.offset).map("Sigmoid")
