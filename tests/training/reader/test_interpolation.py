"""Weights between both ends of a continued run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras", reason="training needs the train extra")

import keras

from training.reader.batches import Batches
from training.reader.interpolation import interpolate
from training.reader.loop import Schedule


class Numbers(Batches):
    """Two columns, the second ten times the first."""

    def __getitem__(self, index: int) -> tuple[np.ndarray, None]:
        x = np.random.default_rng((self.epoch, index)).normal(3.0, 2.0, (400, 1))
        return np.concatenate([x, 10 * x], axis=1).astype(np.float32), None


def network() -> keras.Model:
    x = keras.Input((2,))
    return keras.Model(x, keras.layers.BatchNormalization()(keras.layers.Dense(1)(x)))


@pytest.mark.parametrize(("kept", "kernel"), [(0.0, 3.0), (0.25, 2.5), (1.0, 1.0)])
def test_weights_lie_between_both_and_statistics_are_measured(
    kept: float, kernel: float, tmp_path: Path
) -> None:
    start, trained = network(), network()
    for model, value in ((start, 1.0), (trained, 3.0)):
        model.layers[1].set_weights([np.full((2, 1), value), np.zeros(1)])
    start.save_weights(tmp_path / "start.weights.h5")
    data = Numbers(Schedule(1, steps_per_epoch=6))
    data.epoch = 5
    interpolate(trained, tmp_path / "start.weights.h5", kept, data)
    dense, norm = trained.layers[1:]
    assert dense.get_weights()[0].ravel() == pytest.approx([kernel, kernel])
    *_, mean, variance = norm.get_weights()
    assert mean[0] == pytest.approx(11 * kernel * 3.0, rel=0.05)
    assert variance[0] == pytest.approx((11 * kernel * 2.0) ** 2, rel=0.1)
    assert data.epoch == 0
    assert norm.momentum == 0.99
