"""Calibrated probabilities as ONNX nodes; see `clockread.confidence`."""

from __future__ import annotations

from clockread.confidence import EDGE, LOGIT_LIMIT, Calibration, DialScore
from training.edge.tensor import Tensor


def _logit(p: Tensor) -> Tensor:
    p = p.clip(EDGE, 1 - EDGE)
    return (p / (1.0 - p)).map("Log")


def _bounded(logit: Tensor) -> Tensor:
    return logit.clip(-LOGIT_LIMIT, LOGIT_LIMIT)


def calibrated(raw: Tensor, clock: Tensor, whole: Tensor, w: Calibration) -> Tensor:
    """Return the probability of being right, of raw confidences and logits of one shape."""
    of_context = _bounded(clock) * w.clock + _bounded(whole) * w.whole
    return (_logit(raw) * w.slope + of_context + w.offset).map("Sigmoid")


def dial_score(
    score: Tensor, confidence: Tensor, dial_logit: Tensor, clock_logit: Tensor, w: DialScore
) -> Tensor:
    """Return the probability of being a clock, of tensors of one shape."""
    of_networks = _logit(score) * w.finder_score + _logit(confidence) * w.confidence
    of_context = _bounded(clock_logit) * w.clock_logit
    return (of_networks + dial_logit * w.dial_logit + of_context + w.offset).map("Sigmoid")
