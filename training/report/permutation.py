"""Part 2 of the report: the accuracy of MLP and CNN on images with permuted pixels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from training.experiment import Settings
from training.report.classification import TRAINER as ORIGINAL_TRAINER
from training.report.classification import at_profile, data_sets, train_on
from training.report.configs import CnnConfig, MlpConfig, PermutationConfig
from training.report.image_data import ImageSet, load
from training.report.runs import Fit

TRAINER = "permuted"
EPOCHS = 15
ORDERS = ("original", "fixed", "per-image")


def permuted(images: np.ndarray, order: str, seed: int) -> np.ndarray:
    """Return (n, 28, 28) images with permuted pixels.

    Args:
        images: (n, 28, 28).
        order: "original"; "fixed": the same permutation for all; "per-image": a new one for each.
        seed: Of the permutations.

    """
    flat = images.reshape(len(images), -1)
    rng = np.random.default_rng(seed)
    if order == "fixed":
        flat = flat[:, rng.permutation(flat.shape[1])]
    elif order == "per-image":
        flat = rng.permuted(flat, axis=1)
    return np.ascontiguousarray(flat.reshape(images.shape))


def plan(entry: str, profile: str, _data: Path | None = None) -> list[Fit]:
    """Return all fits of permutation/mlp or permutation/cnn, one per data set and order.

    The fit of the original order is the vanilla network's own, if that has as many epochs. The
    folder of `--data` changes no fit, for its files are checked.
    """
    mlp = entry.endswith("mlp")
    network = at_profile(MlpConfig() if mlp else CnnConfig(), profile)
    if profile == "full" or (profile == "reduced" and mlp):
        network = replace(network, epochs=EPOCHS)
    configs = {order: (PermutationConfig(order, network), TRAINER) for order in ORDERS[1:]}
    configs = {ORDERS[0]: (network, ORIGINAL_TRAINER), **configs}
    return [
        Fit(entry, images, order, 0, config, trainer)
        for images in data_sets(profile)
        for order, (config, trainer) in configs.items()
    ]


def train(fit: Fit, settings: Settings, work: Path) -> dict[str, Any]:
    """Train one classifier on permuted images."""
    config: PermutationConfig = fit.config
    source = load(fit.data, settings.data).cut(config.images)
    parts = []
    for i, (images, labels) in enumerate((source.train, source.validation, source.test)):
        # the three parts share the fixed permutation, but no permutation of "per-image"
        seed = config.seed + (i if config.order == "per-image" else 0)
        parts.append((permuted(images, config.order, seed), labels))
    network = replace(fit, config=config.network)
    return train_on(ImageSet(source.name, *parts), network, settings, work)
