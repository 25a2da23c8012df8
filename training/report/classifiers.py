"""The report's two classifiers, "Vanilla MLP" and "Vanilla CNN", built from configurations.

They are the networks of Géron, "Hands-On Machine Learning", 2nd edition, chapters 10 and 14. If the
report gives no value, the textbook's is used: Glorot-uniform initialization, batches of 32, 'same'
padding and Nadam for the CNN, pixels divided by 255 for the MLP and standardized pixel by pixel (by
the training images) for the CNN, weight penalties on every dense layer, dropout 0.2 before every
dense layer.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from training.report.configs import CnnConfig, Config, MlpConfig
from training.report.image_data import CLASSES, SIDE


def _initializer(config: Config, seed: int, *, output: bool = False) -> keras.Initializer:
    init = config.output_init if output and config.output_init is not None else config.init
    if init == "random_normal":
        return keras.initializers.RandomNormal(stddev=config.init_stddev, seed=seed)
    return keras.initializers.get({"class_name": init, "config": {"seed": seed}})


def _penalty(config: Config) -> keras.Regularizer | None:
    kinds: dict[str, Any] = {"l1": keras.regularizers.L1, "l2": keras.regularizers.L2}
    return kinds[config.regularization](config.penalty) if config.regularization in kinds else None


def make_optimizer(config: Config) -> keras.Optimizer:
    """Return the optimizer of a configuration; "nesterov" is SGD with Nesterov momentum 0.9."""
    if config.optimizer == "nesterov":
        return keras.optimizers.SGD(config.rate, momentum=0.9, nesterov=True)
    names = {"sgd": "SGD", "rmsprop": "RMSprop", "adam": "Adam", "nadam": "Nadam"}
    return getattr(keras.optimizers, names[config.optimizer])(config.rate)


def build_mlp(config: MlpConfig, seed: int = 0) -> keras.Model:
    """Build the MLP: (n, 28, 28) uint8 to (n, 10) probabilities through dense layers."""
    image = keras.Input((SIDE, SIDE), dtype="uint8", name="image")
    x = layers.Flatten()(layers.Rescaling(1 / 255)(image))
    sizes = (*config.hidden, CLASSES)
    for i, units in enumerate(sizes):
        if config.regularization == "dropout":
            x = layers.Dropout(config.dropout, seed=seed + 100 + i)(x)
        last = i == len(sizes) - 1
        x = layers.Dense(
            units,
            activation="softmax" if last else config.activation,
            kernel_initializer=_initializer(config, seed + i, output=last),
            kernel_regularizer=_penalty(config),
            name=f"dense{i}",
        )(x)
    return keras.Model(image, x, name="mlp")


def build_cnn(
    config: CnnConfig, images: NDArray[np.uint8] | None = None, seed: int = 0
) -> keras.Model:
    """Build the CNN: (n, 28, 28) uint8 to (n, 10) probabilities through five convolutions.

    Args:
        config: Size and initialization.
        images: (n, 28, 28), by which pixels are standardized; None: pixels are divided by 255.
        seed: Of the initial weights and of dropout.

    """
    image = keras.Input((SIDE, SIDE), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 255)(image)
    if images is not None:
        scaled = images.astype(np.float32) / 255
        # Pixels that are dark in nearly all images have a deviation near 0. The textbook adds 1e-7,
        # which scales them without bound in test images; here the floor is one grey level.
        deviation = np.maximum(scaled.std(axis=0), 1 / 255)
        x = layers.Normalization(
            axis=(1, 2), mean=scaled.mean(axis=0), variance=deviation**2, name="standardize"
        )(x)
    x = layers.Reshape((SIDE, SIDE, 1))(x)
    common: dict[str, Any] = {"activation": config.activation, "dtype": config.precision}
    for i, channels in enumerate(config.channels):
        init = _initializer(config, seed + i)
        x = layers.Conv2D(
            channels,
            7 if i == 0 else 3,
            padding="same",
            kernel_initializer=init,
            name=f"conv{i}",
            **common,
        )(x)
        if i % 2 == 0:
            x = layers.MaxPooling2D(2, dtype=config.precision)(x)
    x = layers.Flatten(dtype=config.precision)(x)
    for i, units in enumerate(config.dense):
        x = layers.Dense(
            units,
            kernel_initializer=_initializer(config, seed + 10 + i),
            kernel_regularizer=_penalty(config),
            name=f"dense{i}",
            **common,
        )(x)
        if config.regularization == "dropout":
            x = layers.Dropout(config.dropout, seed=seed + 100 + i, dtype=config.precision)(x)
    init = _initializer(config, seed + 20, output=True)
    x = layers.Dense(CLASSES, activation="softmax", kernel_initializer=init, name="classes")(x)
    return keras.Model(image, x, name="cnn")


def build(config: Config, images: NDArray[np.uint8] | None = None, seed: int = 0) -> keras.Model:
    """Build the network of a configuration; see `build_cnn`."""
    if isinstance(config, MlpConfig):
        return build_mlp(config, seed)
    return build_cnn(config, images, seed)
