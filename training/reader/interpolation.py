"""Weights between those that a continued run began with and those that it ends with.

A run that is continued on other data forgets some of what it could do. The mean of both ends keeps
most of either (Wortsman et al., "Robust fine-tuning of zero-shot models", 2022). The statistics of
normalizations are no mean of both, so they are measured again (Izmailov et al., "Averaging weights
leads to wider optima", 2018).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import keras

if TYPE_CHECKING:
    from training.reader.batches import Batches

MEASURED = 24  # batches that give the statistics of normalizations


def interpolate(model: keras.Model, start: Path, kept: float, data: Batches) -> None:
    """Move a trained network's weights towards those that its run began with.

    Args:
        model: The network.
        start: The file of the initial weights.
        kept: Share of these, 0..1.
        data: Training batches; those of the first epoch are used.

    """
    trained = model.get_weights()
    model.load_weights(start)
    pairs = zip(model.get_weights(), trained, strict=True)
    model.set_weights([kept * before + (1 - kept) * after for before, after in pairs])
    data.epoch = 0
    measure_statistics(model, data, min(MEASURED, len(data)))


def measure_statistics(model: keras.Model, data: Batches, count: int) -> None:
    """Set the statistics of a network's normalizations to the means over ``count`` batches."""
    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    momenta = [norm.momentum for norm in norms]
    for i in range(count):
        for norm in norms:
            norm.momentum = i / (i + 1)
        model(data[i][0], training=True)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
