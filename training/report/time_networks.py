"""The six tell-the-time networks: a shared convolutional trunk, and heads per encoding of the time.

The report does not give its trunk. Ours is the same for all six: pixels standardized per image; a
5x5 convolution with stride 2, then three 3x3 convolutions, each with a 2x2 max-pool; batch
normalization and ReLU after each convolution (after its pool, which is a third faster on CPUs); a
dense layer. All hidden activations are ReLU, heads are linear or softmax.
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
from training.report.configs import Trunk
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

OPTIMIZER = keras.optimizers.Adam


@dataclass(frozen=True)
class Head:
    """One output: ``units`` linear numbers, or a softmax over them."""

    units: int
    loss: str  # Keras' name, or one of SINES
    metric: str  # Keras' name, or ""

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


def sine_loss(true: Any, pred: Any) -> Any:
    """Return the squared sin(deg2rad((label − prediction) / 4)) (n,), as the report prints it.

    It is 0 at the label and 1 six hours away. The report does not say how 720 classes become the
    number that is subtracted. Here it is the mean class, Σ p_k·k, since the most probable class
    has no gradient.

    Args:
        true: Labels (n,), 0..719.
        pred: Class probabilities (n, 720), or the number itself (n, 1).

    """
    return _squared_sine(true, pred, 4.0)


def undivided_sine_loss(true: Any, pred: Any) -> Any:
    """Return the squared sin(deg2rad(label − prediction)) (n,), as in the report's worked example.

    It is 0 every three hours around the dial.
    """
    return _squared_sine(true, pred, 1.0)


SINES = {"sine": sine_loss, "sine-undivided": undivided_sine_loss}


def _squared_sine(true: Any, pred: Any, divisor: float) -> Any:
    if pred.shape[-1] == 1:
        number = ops.reshape(pred, (-1,))
    else:
        classes = ops.convert_to_tensor(np.arange(MINUTES_ON_DIAL, dtype=np.float32))
        number = ops.sum(pred * classes, axis=-1)
    difference = (ops.reshape(ops.cast(true, "float32"), (-1,)) - number) / divisor
    return ops.square(ops.sin(difference * (np.pi / 180)))


def build_time(kind: str, trunk: Trunk) -> keras.Model:
    """Build a network: (n, side, side) uint8 to the heads of ``kind`` by name, (n, units) each."""
    image = keras.Input((trunk.side, trunk.side), dtype="uint8", name="clock")
    precision = trunk.precision
    x = standardized(image)
    for i, channels in enumerate(trunk.channels):
        kernel, stride = (5, 2) if i == 0 else (3, 1)
        conv = layers.Conv2D(
            channels, kernel, stride, "same", use_bias=False, dtype=precision, name=f"conv{i}"
        )
        x = conv(x)
        if i > 0:
            x = layers.MaxPooling2D(2, dtype=precision)(x)
        x = layers.BatchNormalization(dtype=precision, name=f"conv{i}_norm")(x)
        x = layers.ReLU(dtype=precision)(x)
    x = layers.Flatten(dtype=precision)(x)
    x = layers.Dense(trunk.dense, activation="relu", dtype=precision, name="dense")(x)
    outputs = {
        name: layers.Dense(head.units, activation=head.activation, dtype="float32", name=name)(x)
        for name, head in HEADS[kind].items()
    }
    return keras.Model(image, outputs, name=kind.replace("-", "_"))


def compile_time(model: keras.Model, kind: str, rate: float) -> None:
    """Compile a network with Adam and the report's losses and metrics, unweighted."""
    heads = HEADS[kind]
    model.compile(
        OPTIMIZER(rate),
        {name: SINES.get(head.loss, head.loss) for name, head in heads.items()},
        metrics={name: [head.metric] if head.metric else [] for name, head in heads.items()},
        jit_compile="auto" if keras.backend.backend() == "jax" else False,
    )


def with_pairs(model: keras.Model) -> keras.Model:
    """Return the four-head network with one output "pairs" (n, 4), which clockread reads."""
    pairs = ops.concatenate([model.output[name] for name in PAIR_HEADS], axis=-1)
    return keras.Model(model.inputs[0], {OUTPUT: pairs}, name="sincos")
