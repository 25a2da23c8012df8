"""Configurations of the report's networks, as frozen dataclasses. Nothing here imports Keras.

A fit is identified by a hash of its configuration (`training.report.runs.Fit.description`): class
name, field names and values. Renaming or changing any of them discards the finished fits and the
checkpoints of unfinished ones. New fields must default to None, which is left out of the hash.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from training.precision import Precision

Activation = Literal["relu", "sigmoid", "tanh"]
Regularization = Literal["none", "l1", "l2", "dropout"]
Optimizer = Literal["sgd", "nesterov", "rmsprop", "adam", "nadam"]
Init = Literal["glorot_uniform", "glorot_normal", "he_normal", "random_normal"]
Phases = tuple[tuple[int, float], ...]  # (epochs, learning rate of Adam), in order


@dataclass(frozen=True)
class MlpConfig:
    """Vanilla MLP; the defaults are the report's."""

    hidden: tuple[int, ...] = (300, 100)
    activation: Activation = "relu"  # of the hidden layers
    init: Init = "glorot_uniform"
    init_stddev: float = 0.05  # of random_normal only
    output_init: Init | None = None  # of the output layer; None: same as the hidden layers
    optimizer: Optimizer = "sgd"
    rate: float = 0.01
    regularization: Regularization = "none"
    penalty: float = 0.01  # of l1 and l2
    dropout: float = 0.2  # with regularization "dropout", before every dense layer
    batch: int = 32
    epochs: int = 30
    images: int = 0  # for training; 0 means all


@dataclass(frozen=True)
class CnnConfig:
    """Vanilla CNN; the defaults are the report's, and the textbook's if the report gives none."""

    channels: tuple[int, ...] = (64, 128, 128, 256, 256)  # first 7x7, then 3x3; pools after 1, 3, 5
    dense: tuple[int, ...] = (128, 64)
    activation: Activation = "relu"  # of convolutions and hidden dense layers
    init: Init = "glorot_uniform"
    init_stddev: float = 0.05
    output_init: Init | None = None
    optimizer: Optimizer = "nadam"
    rate: float = 0.001
    regularization: Regularization = "dropout"  # of the hidden dense layers
    penalty: float = 0.01
    dropout: float = 0.5
    batch: int = 32
    epochs: int = 14
    images: int = 0
    precision: Precision = "float32"  # where the hardware has it: see `usable_precision`
    tested_after: int | None = None  # epoch after which the test images are evaluated as well


Config = MlpConfig | CnnConfig


@dataclass(frozen=True)
class PermutationConfig:
    """A classifier and the permutation of its input pixels."""

    order: str  # "fixed": one permutation for all images; "per-image": a new one for every image
    network: Any = field(repr=False)  # MlpConfig or CnnConfig
    seed: int = 2  # of the permutations

    @property
    def images(self) -> int:
        """Number of training images, 0 for all."""
        return int(self.network.images)


@dataclass(frozen=True)
class Trunk:
    """Size of the convolutional trunk that all tell-the-time networks share."""

    side: int = 150  # pixels of an image
    channels: tuple[int, ...] = (16, 32, 64, 128)
    dense: int = 256
    precision: Precision | None = None  # of the trunk; None: float32, as the heads always


@dataclass(frozen=True)
class TimeConfig:
    """A tell-the-time network and its training."""

    kind: str  # of `training.report.time_networks.HEADS`
    phases: Phases
    batch: int
    trunk: Trunk
    per_time: int = 25  # images of each time
    every: int = 1  # minutes between times
    renderer: int | None = None  # version of the rendered set; None for given images
    places: int | None = None  # camera places of the turned set
    # (epoch, epochs, rate): a second training, from the model as it was after that epoch
    retrain: tuple[int, int, float] | None = None

    @property
    def epochs(self) -> int:
        """Number of epochs of all phases."""
        return sum(epochs for epochs, _ in self.phases)

    def rate(self, epoch: int) -> float:
        """Return Adam's learning rate in an epoch, from 0."""
        for epochs, rate in self.phases:
            if epoch < epochs:
                return rate
            epoch -= epochs
        return self.phases[-1][1]
