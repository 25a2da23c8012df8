"""The six tell-the-time networks: one convolutional trunk, and the heads of each way to write a time.

The report does not give its trunk. Ours, the same for all six: pixels standardized image by image; 5x5 convolution with stride 2,
then three times a 3x3 convolution and a 2x2 max-pool, each followed by batch normalization and ReLU (after the pool: a third
faster on CPUs than before it); a dense layer with ReLU. Hidden activations are ReLU everywhere; heads are linear or softmax.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from clockread.clock import MINUTES_ON_DIAL
from clockread.upright_reader import OUTPUT
from training.reader.networks import standardized
from training.report.time_labels import (
    PAIR_HEADS,
    Classes,
    Codec,
    MeanClass,
    MultiHead,
    Number,
    Regression,
    SinCos,
    UnitCircle,
)


@dataclass(frozen=True)
class Trunk:
    """Size of the shared trunk."""

    side: int = 150  # pixels of an image
    channels: tuple[int, ...] = (16, 32, 64, 128)
    dense: int = 256
    precision: str | None = (
        None  # of the trunk's products, as Keras names it; None: float32, as the heads always are
    )


@dataclass(frozen=True)
class Head:
    """One output: ``units`` linear numbers, or a softmax over them."""

    units: int
    loss: str  # Keras' name, or one of SINES
    metric: str  # Keras' name, or none

    @property
    def activation(self) -> str:
        """Softmax for classes, else linear."""
        return "softmax" if self.units > 1 else "linear"


CODECS: dict[str, Codec] = {
    "multi-head": MultiHead(),
    "regression": Regression(),
    "classification-720": Classes(),
    "sine-loss": MeanClass(),
    "sine-loss-undivided": MeanClass(),
    "sine-loss-number": Number(),
    "unit-circle": UnitCircle(),
    "sin-cos": SinCos(),
}
_NUMBER = Head(1, "mean_squared_error", "mae")
_CROSS_ENTROPY = "sparse_categorical_crossentropy"
HEADS: dict[str, dict[str, Head]] = {
    "multi-head": {"hour": Head(12, _CROSS_ENTROPY, "accuracy"), "minute": _NUMBER},
    "regression": {"hours": _NUMBER},
    "classification-720": {"time": Head(MINUTES_ON_DIAL, _CROSS_ENTROPY, "accuracy")},
    "sine-loss": {"time": Head(MINUTES_ON_DIAL, "sine", "")},
    "sine-loss-undivided": {"time": Head(MINUTES_ON_DIAL, "sine-undivided", "")},
    "sine-loss-number": {"time": Head(1, "sine", "")},
    "unit-circle": {"sin": _NUMBER, "cos": _NUMBER},
    "sin-cos": dict.fromkeys(PAIR_HEADS, _NUMBER),
}


def sine_loss(true: keras.KerasTensor, pred: keras.KerasTensor) -> keras.KerasTensor:
    """Squared sin(deg2rad((label − pred) / 4)), as the report prints it: zero at the label, one six hours away; (n,).

    The labels (n,) are 0..719. Of 720 shares (n, 720) ``pred`` is the mean category, Σ p_k·k: the report does not say how
    categories become the number that it subtracts, and the likeliest one has no gradient at all. Of one output (n, 1) it is that.
    """
    return _squared_sine(true, pred, 4.0)


def undivided_sine_loss(true: keras.KerasTensor, pred: keras.KerasTensor) -> keras.KerasTensor:
    """Squared sin(deg2rad(label − pred)), as in the report's worked example: zero every three hours round the dial; (n,)."""
    return _squared_sine(true, pred, 1.0)


SINES = {"sine": sine_loss, "sine-undivided": undivided_sine_loss}


def _squared_sine(true: Any, pred: Any, divisor: float) -> Any:
    if pred.shape[-1] == 1:
        number = ops.reshape(pred, (-1,))
    else:
        number = ops.sum(
            pred * ops.convert_to_tensor(np.arange(MINUTES_ON_DIAL, dtype=np.float32)), axis=-1
        )
    away = (ops.reshape(ops.cast(true, "float32"), (-1,)) - number) / divisor
    return ops.square(ops.sin(away * (np.pi / 180)))


def build_time(kind: str, trunk: Trunk | None = None) -> keras.Model:
    """(n, side, side) uint8 to a dict of the heads of ``kind``, (n, units) each."""
    t = trunk or Trunk()
    image = keras.Input((t.side, t.side), dtype="uint8", name="clock")
    x = standardized(image)
    for i, channels in enumerate(t.channels):
        kernel, stride = (5, 2) if i == 0 else (3, 1)
        x = layers.Conv2D(
            channels,
            kernel,
            strides=stride,
            padding="same",
            use_bias=False,
            dtype=t.precision,
            name=f"conv{i}",
        )(x)
        if i > 0:
            x = layers.MaxPooling2D(2, dtype=t.precision)(x)
        x = layers.BatchNormalization(dtype=t.precision, name=f"conv{i}_norm")(x)
        x = layers.ReLU(dtype=t.precision)(x)
    x = layers.Flatten(dtype=t.precision)(x)
    x = layers.Dense(t.dense, activation="relu", dtype=t.precision, name="dense")(x)
    outputs = {
        name: layers.Dense(head.units, activation=head.activation, dtype="float32", name=name)(x)
        for name, head in HEADS[kind].items()
    }
    return keras.Model(image, outputs, name=kind.replace("-", "_"))


def compile_time(model: keras.Model, kind: str, rate: float) -> None:
    """Adam with the report's losses and metrics, unweighted."""
    heads = HEADS[kind]
    jit = "auto" if keras.backend.backend() == "jax" else False
    model.compile(
        keras.optimizers.Adam(rate),
        {name: SINES.get(head.loss, head.loss) for name, head in heads.items()},
        metrics={name: [head.metric] if head.metric else [] for name, head in heads.items()},
        jit_compile=jit,
    )


def with_pairs(model: keras.Model) -> keras.Model:
    """The four-head network with one output "pairs" (n, 4), as `clockread.upright_reader` reads it."""
    return keras.Model(
        model.inputs[0],
        {OUTPUT: ops.concatenate([model.output[name] for name in PAIR_HEADS], axis=-1)},
        name="sincos",
    )
