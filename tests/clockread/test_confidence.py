"""Confidence and how often readings are right."""

from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np
import pytest

from clockread.confidence import (
    Calibration,
    DialScore,
    expected_calibration_error,
    fitted,
    fitted_dial_score,
    reliability,
)


def drawn(slope: float, offset: float, n: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Beliefs, and outcomes that are right as often as sigmoid(slope · logit + offset)."""
    rng = np.random.default_rng(0)
    believed = rng.uniform(0.02, 0.98, n)
    true = 1 / (1 + np.exp(-slope * np.log(believed / (1 - believed)) - offset))
    return believed, rng.random(n) < true


def fit(raw: np.ndarray, right: np.ndarray) -> Calibration:
    """A fit to readings about whose context the network says nothing."""
    logits = np.random.default_rng(2).normal(0, 1, (2, len(raw)))
    return fitted(raw, *logits, right)


def test_the_fit_finds_what_was_drawn() -> None:
    found = fit(*drawn(0.6, -0.4))
    assert (found.clock, found.whole) == (pytest.approx(0, abs=0.05), pytest.approx(0, abs=0.05))
    assert found.slope == pytest.approx(0.6, abs=0.05)
    assert found.offset == pytest.approx(-0.4, abs=0.05)


def test_calibrating_lowers_the_error() -> None:
    believed, right = drawn(0.5, -0.5)
    calibration = fit(believed, right)
    after = np.array([calibration(float(p)) for p in believed])
    assert expected_calibration_error(believed, right) > 0.1
    assert expected_calibration_error(after, right) < 0.02
    assert (np.diff(after[np.argsort(believed)]) >= 0).all()  # the order of readings stays


def test_without_numbers_it_is_the_identity() -> None:
    for p in (0.001, 0.3, 0.5, 0.95):
        assert Calibration()(p) == pytest.approx(p)
        assert Calibration(clock=0.5, whole=0.7)(p) == pytest.approx(p), "of an unknown context"
    assert 0 < Calibration(3, -2)(0.0) < Calibration(3, -2)(1.0) < 1


def test_all_right_keeps_the_fit_finite() -> None:
    calibration = fit(np.linspace(0.1, 0.9, 50), np.ones(50, bool))
    assert np.isfinite([calibration.slope, calibration.offset]).all()
    assert calibration(0.9) > 0.9


def test_bins_count_every_reading() -> None:
    confidence = np.array([0.0, 0.04, 0.5, 0.95, 1.0])
    right = np.array([False, True, True, True, True])
    bins = reliability(confidence, right)
    assert [(b.count, b.right) for b in bins] == [(2, 0.5), (1, 1.0), (2, 1.0)]
    assert expected_calibration_error(confidence, right) == pytest.approx(
        (2 * 0.48 + 0.5 + 2 * 0.025) / 5
    )


def test_presence_weighs_what_tells_clocks() -> None:
    rng = np.random.default_rng(1)
    finder, sure = rng.uniform(0.1, 0.9, (2, 20_000))
    logit = rng.normal(0, 4, 20_000)
    context = rng.normal(0, 4, 20_000)
    true = DialScore(finder_score=1.0, confidence=0.5, dial_logit=0.5, offset=-1.0, clock_logit=0.8)
    scores = np.column_stack([finder, sure, logit, context]).tolist()
    chance = np.array([true(*row) for row in scores])
    fit = fitted_dial_score(finder, sure, logit, context, rng.random(20_000) < chance)
    for name, value in asdict(true).items():
        assert getattr(fit, name) == pytest.approx(value, abs=0.1)
    assert fit(0.9, 0.9, 8.0) > 0.95
    assert fit(0.9, 0.9, 2.0, -8.0) < 0.05
    assert fit(0.2, 0.2, -8.0) < 0.01


def test_presence_and_calibration_by_hand() -> None:
    assert Calibration(0.5, 0.25)(0.9) == pytest.approx(1 / (1 + np.exp(-(0.5 * np.log(9) + 0.25))))
    logit = 0.84 * np.log(0.6 / 0.4) + 0.6 * np.log(9) + 0.52 * 1.5 - 0.75
    assert DialScore()(0.6, 0.9, 1.5) == pytest.approx(1 / (1 + np.exp(-logit)))
    assert DialScore()(0.5, 0.5, -1e6) == 0.0


def test_a_fit_meets_platts_targets() -> None:
    """With two confidences, the fit gives the mean of Platt's targets of each."""
    believed = np.repeat([0.3, 0.7], 10)
    right = np.array([True] * 3 + [False] * 7 + [True] * 8 + [False] * 2)
    yes, no = 12 / 13, 1 / 11  # of 11 that are right and 9 that are wrong
    calibration = fitted(believed, np.zeros(20), np.zeros(20), right)
    assert calibration(0.3) == pytest.approx((3 * yes + 7 * no) / 10, abs=1e-5)
    assert calibration(0.7) == pytest.approx((8 * yes + 2 * no) / 10, abs=1e-5)


def test_context_lowers_the_confidence_of_what_is_no_clock() -> None:
    """Half of the readings are of gauges, which the context network tells from clocks."""
    rng = np.random.default_rng(3)
    clock = rng.random(4000) < 0.5
    raw, logits = rng.uniform(0.5, 0.99, 4000), np.where(clock, 3.0, -3.0) + rng.normal(0, 1, 4000)
    calibration = fitted(raw, logits, rng.normal(0, 1, 4000), clock & (rng.random(4000) < raw))
    assert calibration(0.95, 3.0, 0.0) > 0.85
    assert calibration(0.95, -3.0, 0.0) < 0.15


def test_logits_of_the_context_are_limited_and_may_be_unknown() -> None:
    calibration, score = Calibration(1.0, 0.0, 0.5, 0.25), DialScore(clock_logit=0.5)
    assert calibration(0.5, 100.0, -100.0) == pytest.approx(1 / (1 + np.exp(-(4.0 - 2.0))))
    assert calibration(0.5, math.nan, math.nan) == pytest.approx(0.5)
    assert score(0.6, 0.9, 1.5, math.nan) == score(0.6, 0.9, 1.5)
    assert score(0.6, 0.9, 1.5, 50.0) == score(0.6, 0.9, 1.5, 8.0) > score(0.6, 0.9, 1.5)
