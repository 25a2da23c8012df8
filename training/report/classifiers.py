"""The report's two classifiers, "Vanilla MLP" and "Vanilla CNN", from frozen configurations.

They are the networks of Géron, "Hands-On Machine Learning", 2nd edition, chapters 10 and 14. Where the report is silent the
textbook decides: Glorot-uniform initialization, batches of 32, 'same' padding and Nadam for the CNN, pixels divided by 255 for
the MLP and standardized pixel by pixel (by the training images) for the CNN, weight penalties on every dense layer, dropout 0.2
in front of every dense layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from training.report.image_data import CLASSES, SIDE

Activation = Literal["relu", "sigmoid", "tanh"]
Regularization = Literal["none", "l1", "l2", "dropout"]
Optimizer = Literal["sgd", "nesterov", "rmsprop", "adam", "nadam"]
Init = Literal["glorot_uniform", "glorot_normal", "he_normal", "random_normal"]


@dataclass(frozen=True)
class MlpConfig:
    """Vanilla MLP; the defaults are the report's."""

    hidden: tuple[int, ...] = (300, 100)
    activation: Activation = "relu"  # of the hidden layers
    init: Init = "glorot_uniform"
    init_stddev: float = 0.05  # of random_normal only
    output_init: Init | None = None  # of the output layer; None: as the hidden ones
    optimizer: Optimizer = "sgd"
    rate: float = 0.01
    regularization: Regularization = "none"
    penalty: float = 0.01  # of l1 and l2
    dropout: float = 0.2  # with regularization "dropout", in front of every dense layer
    batch: int = 32
    epochs: int = 30
    images: int = 0  # for training; 0 means all


@dataclass(frozen=True)
class CnnConfig:
    """Vanilla CNN; the defaults are the report's, and the textbook's where the report is silent."""

    channels: tuple[int, ...] = (
        64,
        128,
        128,
        256,
        256,
    )  # the first 7x7, the others 3x3; a pool after 1, 3 and 5
    dense: tuple[int, ...] = (128, 64)
    activation: Activation = "relu"  # of convolutions and hidden dense layers
    init: Init = "glorot_uniform"
    init_stddev: float = 0.05
    output_init: Init | None = None
    optimizer: Optimizer = "nadam"
    rate: float = 0.001
    regularization: Regularization = (
        "dropout"  # of the hidden dense layers: dropout, or l1, l2, none in its place
    )
    penalty: float = 0.01
    dropout: float = 0.5
    batch: int = 32
    epochs: int = 14
    images: int = 0
    precision: Literal["float32", "mixed_bfloat16"] = (
        "float32"  # mixed: products in bfloat16, weights and logits in float32
    )
    tested_after: int | None = (
        None  # an earlier epoch after which the test images are looked at, too
    )


Config = MlpConfig | CnnConfig


def _initializer(config: Config, seed: int, *, output: bool = False) -> keras.Initializer:
    init = config.output_init if output and config.output_init is not None else config.init
    if init == "random_normal":
        return keras.initializers.RandomNormal(stddev=config.init_stddev, seed=seed)
    return keras.initializers.get({"class_name": init, "config": {"seed": seed}})


def _penalty(config: Config) -> keras.Regularizer | None:
    kinds: dict[str, Any] = {"l1": keras.regularizers.L1, "l2": keras.regularizers.L2}
    return kinds[config.regularization](config.penalty) if config.regularization in kinds else None


def make_optimizer(config: Config) -> keras.Optimizer:
    """The optimizer by name; "nesterov" is SGD with momentum 0.9 and Nesterov's step."""
    rate = config.rate
    makers: dict[str, Any] = {
        "sgd": lambda: keras.optimizers.SGD(rate),
        "nesterov": lambda: keras.optimizers.SGD(rate, momentum=0.9, nesterov=True),
        "rmsprop": lambda: keras.optimizers.RMSprop(rate),
        "adam": lambda: keras.optimizers.Adam(rate),
        "nadam": lambda: keras.optimizers.Nadam(rate),
    }
    return makers[config.optimizer]()


def build_mlp(config: MlpConfig, seed: int = 0) -> keras.Model:
    """(n, 28, 28) uint8 to (n, 10) probabilities through dense layers."""
    image = keras.Input((SIDE, SIDE), dtype="uint8", name="image")
    x = layers.Flatten()(layers.Rescaling(1 / 255)(image))
    sizes = (*config.hidden, CLASSES)
    for i, units in enumerate(sizes):
        if config.regularization == "dropout":
            x = layers.Dropout(config.dropout, seed=seed + 100 + i)(x)
        x = layers.Dense(
            units,
            activation=config.activation if i < len(sizes) - 1 else "softmax",
            kernel_initializer=_initializer(config, seed + i, output=i == len(sizes) - 1),
            kernel_regularizer=_penalty(config),
            name=f"dense{i}",
        )(x)
    return keras.Model(image, x, name="mlp")


def build_cnn(
    config: CnnConfig, images: NDArray[np.uint8] | None = None, seed: int = 0
) -> keras.Model:
    """(n, 28, 28) uint8 to (n, 10) probabilities through five convolutions.

    ``images`` (n, 28, 28) are those that pixels are standardized by; without them the pixels are only divided by 255.
    """
    image = keras.Input((SIDE, SIDE), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 255)(image)
    if images is not None:
        scaled = images.astype(np.float32) / 255
        # pixels that are dark in nearly all images have next to no deviation; the textbook adds 1e-7, which blows them up
        # without bound in test images, so the floor is one grey level
        deviation = np.maximum(scaled.std(axis=0), 1 / 255)
        x = layers.Normalization(
            axis=(1, 2), mean=scaled.mean(axis=0), variance=deviation**2, name="standardize"
        )(x)
    x = layers.Reshape((SIDE, SIDE, 1))(x)
    for i, channels in enumerate(config.channels):
        x = layers.Conv2D(
            channels,
            7 if i == 0 else 3,
            padding="same",
            activation=config.activation,
            dtype=config.precision,
            kernel_initializer=_initializer(config, seed + i),
            name=f"conv{i}",
        )(x)
        if i % 2 == 0:
            x = layers.MaxPooling2D(2, dtype=config.precision)(x)
    x = layers.Flatten(dtype=config.precision)(x)
    for i, units in enumerate(config.dense):
        x = layers.Dense(
            units,
            activation=config.activation,
            dtype=config.precision,
            kernel_initializer=_initializer(config, seed + 10 + i),
            kernel_regularizer=_penalty(config),
            name=f"dense{i}",
        )(x)
        if config.regularization == "dropout":
            x = layers.Dropout(config.dropout, seed=seed + 100 + i, dtype=config.precision)(x)
    output_init = _initializer(config, seed + 20, output=True)
    x = layers.Dense(CLASSES, activation="softmax", kernel_initializer=output_init, name="classes")(
        x
    )
    return keras.Model(image, x, name="cnn")


def build(config: Config, images: NDArray[np.uint8] | None = None, seed: int = 0) -> keras.Model:
    """The network of a configuration."""
    return (
        build_mlp(config, seed)
        if isinstance(config, MlpConfig)
        else build_cnn(config, images, seed)
    )
