"""The six tell-the-time networks: one convolutional trunk, and the heads of each way to write a time.

The report does not give its trunk. Ours, the same for all six: pixels standardized image by image; 5x5 convolution with stride 2,
then three times a 3x3 convolution and a 2x2 max-pool, each followed by batch normalization and ReLU (after the pool: a third
faster on CPUs than before it); a dense layer with ReLU. Hidden activations are ReLU everywhere; heads are linear or softmax.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers, ops

from clockread.clock import MINUTES_ON_DIAL
from clockread.upright_reader import OUTPUT
from training.networks import standardized
from training.time_labels import PAIR_HEADS, Classes, Codec, MeanClass, MultiHead, Regression, SinCos, UnitCircle


@dataclass(frozen=True)
class Trunk:
    """Size of the shared trunk."""

    side: int = 150  # pixels of an image
    channels: tuple[int, ...] = (16, 32, 64, 128)
    dense: int = 256


@dataclass(frozen=True)
class Head:
    """One output: ``units`` linear numbers, or a softmax over them."""

    units: int
    loss: str  # Keras' name, or "sine"
    metric: str  # Keras' name

    @property
    def activation(self) -> str:
        """Softmax for classes, else linear."""
        return "softmax" if self.units > 1 else "linear"


CODECS: dict[str, Codec] = {
    "multi-head": MultiHead(),
    "regression": Regression(),
    "classification-720": Classes(),
    "sine-loss": MeanClass(),
    "unit-circle": UnitCircle(),
    "sin-cos": SinCos(),
}
_NUMBER = Head(1, "mean_squared_error", "mae")
_CROSS_ENTROPY = "sparse_categorical_crossentropy"
HEADS: dict[str, dict[str, Head]] = {
    "multi-head": {"hour": Head(12, _CROSS_ENTROPY, "accuracy"), "minute": _NUMBER},
    "regression": {"hours": _NUMBER},
    "classification-720": {"time": Head(MINUTES_ON_DIAL, _CROSS_ENTROPY, "accuracy")},
    "sine-loss": {"time": Head(MINUTES_ON_DIAL, "sine", "sine")},
    "unit-circle": {"sin": _NUMBER, "cos": _NUMBER},
    "sin-cos": dict.fromkeys(PAIR_HEADS, _NUMBER),
}


def sine_loss(true: keras.KerasTensor, pred: keras.KerasTensor) -> keras.KerasTensor:
    """Squared sin(deg2rad((label − pred) / 4)) of labels (n,) 0..719 and shares (n, 720) of the classes; (n,).

    The report does not say how 720 categories become the number that it subtracts. Taking the likeliest category has no
    gradient at all, so ``pred`` is the mean category, Σ p_k·k.
    """
    categories = ops.convert_to_tensor(np.arange(MINUTES_ON_DIAL, dtype=np.float32))
    mean = ops.sum(pred * categories, axis=-1)
    away = (ops.reshape(ops.cast(true, "float32"), (-1,)) - mean) / 4 * (np.pi / 180)
    return ops.square(ops.sin(away))


def build_time(kind: str, trunk: Trunk | None = None) -> keras.Model:
    """(n, side, side) uint8 to a dict of the heads of ``kind``, (n, units) each."""
    t = trunk or Trunk()
    image = keras.Input((t.side, t.side), dtype="uint8", name="clock")
    x = standardized(image)
    for i, channels in enumerate(t.channels):
        kernel, stride = (5, 2) if i == 0 else (3, 1)
        x = layers.Conv2D(channels, kernel, strides=stride, padding="same", use_bias=False, name=f"conv{i}")(x)
        if i > 0:
            x = layers.MaxPooling2D(2)(x)
        x = layers.ReLU()(layers.BatchNormalization(name=f"conv{i}_norm")(x))
    x = layers.Dense(t.dense, activation="relu", name="dense")(layers.Flatten()(x))
    outputs = {name: layers.Dense(head.units, activation=head.activation, name=name)(x) for name, head in HEADS[kind].items()}
    return keras.Model(image, outputs, name=kind.replace("-", "_"))


def compile_time(model: keras.Model, kind: str, rate: float) -> None:
    """Adam with the report's losses and metrics, unweighted."""
    heads = HEADS[kind]
    jit = "auto" if keras.backend.backend() == "jax" else False
    model.compile(
        keras.optimizers.Adam(rate),
        {name: sine_loss if head.loss == "sine" else head.loss for name, head in heads.items()},
        metrics={name: [] if head.metric == "sine" else [head.metric] for name, head in heads.items()},
        jit_compile=jit,
    )


def with_pairs(model: keras.Model) -> keras.Model:
    """The four-head network with one output "pairs" (n, 4), as `clockread.upright_reader` reads it."""
    return keras.Model(model.inputs[0], {OUTPUT: ops.concatenate([model.output[name] for name in PAIR_HEADS], axis=-1)}, name="sincos")
