"""The pose network and the reading network, in `keras.ops` only: any Keras backend trains them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from clockread.context import CONTEXT_GRID
from clockread.geometry import POSE_SIZE
from clockread.sampling import ANGLES, PATCH, RADII

HEADS = ("hour", "minute", "twelve", "second")  # the circular distributions among the outputs
FLAGS = ("clock", "whole", "mirrored", "day", "noon_up")  # the other outputs of the context network
BINS = ANGLES // 2  # angular bins of each distribution
MEAN_POSE = np.array([0, 0, 0.7, 0, 0.7, 0, 0])  # the approximate pose of dials in crops

assert PATCH % 32 == 0  # five halvings in `build_pose`


@dataclass(frozen=True)
class HandsConfig:
    """Width and depth of the polar reading network."""

    stem: int = 24  # channels of the first 2-D convolution
    fold: int = 32  # channels of the second; the radius is then folded into them
    local: int = 2  # residual 2-D convolutions before that
    width: int = 128  # channels of the circular 1-D convolutions
    kernel: int = 3  # of these, in bins
    dilations: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 1, 4, 16, 2)


SMALL_HANDS = HandsConfig(local=0, width=96, kernel=5, dilations=(1, 2, 4, 8, 16, 1))


@dataclass(frozen=True)
class PoseConfig:
    """Channels of the pose network at 40, 20, 10 and 5 pixels."""

    channels: tuple[int, int, int, int] = (24, 48, 96, 128)
    blocks: tuple[int, int, int, int] = (0, 1, 2, 0)  # residual blocks at each size
    squeeze: int = 0  # channels of the last map before it is flattened; 0: all
    dense: int = 160


SMALL_POSE = PoseConfig(channels=(16, 32, 64, 96), blocks=(0, 1, 1, 0), squeeze=40, dense=96)


def standardized(x: keras.KerasTensor) -> keras.KerasTensor:
    """Standardize grey uint8 images (n, h, w) to zero mean and unit deviation (n, h, w, 1).

    8 grey levels are added to the deviation, so that noise is not amplified.
    """
    x = ops.cast(x, "float32")
    mean = ops.mean(x, axis=(1, 2), keepdims=True)
    centered = x - mean
    deviation = ops.sqrt(ops.mean(ops.square(centered), axis=(1, 2), keepdims=True))
    return ops.expand_dims(centered / (deviation + 8.0), -1)


def normed(layer: keras.layers.Layer, x: keras.KerasTensor) -> keras.KerasTensor:
    """Apply a layer without bias, and a BatchNormalization that is named after it."""
    return layers.BatchNormalization(name=f"{layer.name}_norm")(layer(x))


def conv(
    x: keras.KerasTensor, channels: int, kernel: Any, name: str, **options: Any
) -> keras.KerasTensor:
    """Apply a 2-D convolution, padded unless ``options`` say otherwise, and a normalization."""
    options = {"padding": "same", **options}
    return normed(layers.Conv2D(channels, kernel, use_bias=False, name=name, **options), x)


def _circular(x: keras.KerasTensor, pad: int) -> keras.KerasTensor:
    """Repeat ``pad`` rows of the angle axis (axis 1) at both ends."""
    return ops.concatenate([x[:, -pad:], x, x[:, :pad]], axis=1)


_WAVES = 7  # numbers per angle that add up to the pose correction


def _harmonics() -> NDArray[np.float32]:
    """Return the matrix (BINS · _WAVES, 7) from the numbers of all angles to a pose correction.

    A rotated dial gives the same correction, rotated. The mean of the first number is a change of
    size. The others are pairs, a shift along the radius and one along the rim: the first harmonics
    of the first pair move the center, the second harmonics of the next one stretch the circle, and
    the first harmonics of the last pair are the perspective. Columns: size, cx, cy, stretch along x
    against y, stretch along the diagonal, v1, v2.
    """
    angles = np.arange(BINS) * (2 * np.pi / BINS)
    s, c, s2, c2 = np.sin(angles), np.cos(angles), np.sin(2 * angles), np.cos(2 * angles)
    out = np.zeros((BINS, _WAVES, POSE_SIZE), np.float32)
    out[:, 0, 0] = 0.5
    # outwards is (sin, -cos), clockwise along the rim (cos, sin)
    for pair, x, y in ((1, 1, 2), (5, 5, 6)):
        out[:, pair, x], out[:, pair, y] = s, -c
        out[:, pair + 1, x], out[:, pair + 1, y] = c, s
    out[:, 3, 3], out[:, 3, 4] = -c2, -s2
    out[:, 4, 3], out[:, 4, 4] = s2, -c2
    return (out * (2.0 / BINS)).reshape(BINS * _WAVES, POSE_SIZE)


def _pose_change(x: keras.KerasTensor) -> keras.KerasTensor:
    """Return the pose correction (n, 7) of features (n, BINS, channels).

    It is the dial's pose in the coordinates of the assumed one; (0, 0, 1, 0, 1, 0, 0) is none.
    """
    waves = layers.Dense(_WAVES, dtype="float32", kernel_initializer="zeros", name="waves")(x)
    change = ops.matmul(layers.Flatten(dtype="float32")(waves), _harmonics())
    size, cx, cy, along, across, v1, v2 = (change[:, i] for i in range(POSE_SIZE))
    return ops.stack([cx, cy, 1 + size + along, across, 1 + size - along, v1, v2], axis=-1)


def build_hands(config: HandsConfig | None = None) -> keras.Model:
    """Build the reading network of polar images (n, 240, 64) uint8.

    Outputs: ``hour``, ``minute``, ``twelve``, ``second`` (n, 120), logits over the angle against
    the pose's up; ``has_second`` (n, 1), the logit of there being a second hand; ``change`` (n, 7),
    the dial's pose in the coordinates of the pose used for unwrapping.

    The radius is folded into channels after two convolutions; the field of the circular 1-D
    convolutions is then the whole dial.
    """
    c = config or HandsConfig()
    image = keras.Input((ANGLES, RADII), dtype="uint8", name="polar")
    x = standardized(image)
    x = ops.pad(_circular(x, 2), ((0, 0), (0, 0), (1, 0), (0, 0)))
    x = conv(x, c.stem, (5, 3), "stem", strides=(2, 2), padding="valid")
    x = ops.pad(_circular(layers.ReLU()(x), 1), ((0, 0), (0, 0), (1, 0), (0, 0)))
    x = layers.ReLU()(conv(x, c.fold, 3, "fold", strides=(1, 2), padding="valid"))
    for i in range(c.local):
        y = ops.pad(_circular(x, 1), ((0, 0), (0, 0), (1, 1), (0, 0)))
        y = conv(y, c.fold, 3, f"local{i}", padding="valid")
        x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.Reshape((BINS, RADII // 4 * c.fold))(x)
    x = normed(layers.Dense(c.width, use_bias=False, name="mix"), x)
    for i, dilation in enumerate(c.dilations):
        y = _circular(layers.ReLU()(x), c.kernel // 2 * dilation)
        ring = layers.Conv1D(
            c.width, c.kernel, dilation_rate=dilation, use_bias=False, name=f"ring{i}"
        )
        x = layers.Add()([x, normed(ring, y)])
    x = layers.ReLU()(x)
    logits = layers.Dense(len(HEADS), name="logits")(x)
    outputs = {name: ops.cast(logits[:, :, i], "float32") for i, name in enumerate(HEADS)}
    most = layers.GlobalMaxPooling1D()(x)
    outputs["has_second"] = layers.Dense(1, dtype="float32", name="has_second")(most)
    outputs["change"] = _pose_change(x)
    return keras.Model(image, outputs, name="hands")


@dataclass(frozen=True)
class ContextConfig:
    """Width and depth of the context network."""

    stem: int = 12  # channels of the first 2-D convolution
    folds: tuple[int, int] = (20, 32)  # channels of the next two; each halves the radii
    width: int = 64  # channels of the circular 1-D convolutions
    dilations: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 4)
    hidden: int = 48  # units between the dial's features and the flags


def build_context(config: ContextConfig | None = None) -> keras.Model:
    """Build the context network of polar images (n, 240, 80) uint8.

    Outputs: ``twelve`` (n, 120), logits over the angle against the pose's up; a logit (n, 1) for
    each of `FLAGS`.
    """
    c = config or ContextConfig()
    image = keras.Input((CONTEXT_GRID.angles, CONTEXT_GRID.radii), dtype="uint8", name="polar")
    x = standardized(image)
    x = ops.pad(_circular(x, 2), ((0, 0), (0, 0), (1, 0), (0, 0)))
    x = layers.ReLU()(conv(x, c.stem, (5, 3), "stem", strides=(2, 2), padding="valid"))
    for i, channels in enumerate(c.folds):
        x = ops.pad(_circular(x, 1), ((0, 0), (0, 0), (1, 0), (0, 0)))
        x = layers.ReLU()(conv(x, channels, 3, f"fold{i}", strides=(1, 2), padding="valid"))
    x = layers.Reshape((BINS, CONTEXT_GRID.radii // 8 * c.folds[-1]))(x)
    x = normed(layers.Dense(c.width, use_bias=False, name="mix"), x)
    for i, dilation in enumerate(c.dilations):
        y = _circular(layers.ReLU()(x), dilation)
        ring = layers.Conv1D(c.width, 3, dilation_rate=dilation, use_bias=False, name=f"ring{i}")
        x = layers.Add()([x, normed(ring, y)])
    x = layers.ReLU()(x)
    twelve = layers.Dense(1, name="twelve_logits")(x)
    pools = [layers.GlobalMaxPooling1D()(x), layers.GlobalAveragePooling1D()(x)]
    hidden = layers.ReLU()(layers.Dense(c.hidden, name="hidden")(layers.Concatenate()(pools)))
    outputs = {"twelve": ops.cast(twelve[:, :, 0], "float32")}
    for flag in FLAGS:
        outputs[flag] = layers.Dense(1, dtype="float32", name=flag)(hidden)
    return keras.Model(image, outputs, name="context")


def grow(model: keras.Model, smaller: keras.Model) -> None:
    """Give a network the weights of a shallower one; its further residual layers become identities.

    Layers are matched by name; ValueError if a layer's shape differs or ``model`` lacks it.
    """
    known = {layer.name: layer.get_weights() for layer in smaller.layers if layer.get_weights()}
    for layer in model.layers:
        if layer.name in known:
            layer.set_weights(known.pop(layer.name))
        elif isinstance(layer, layers.BatchNormalization):
            layer.gamma.assign(ops.zeros_like(layer.gamma))
    if known:
        raise ValueError(f"the {model.name} network has no layers {', '.join(known)}")


def with_sincos(hands: keras.Model) -> keras.Model:
    """Add outputs `<head>_sincos` (n, 2), the mean resultants (sin, cos) of the distributions.

    The direction of a resultant is the angle against the pose's up, its length, 0..1, a confidence
    (Mardia & Jupp, "Directional Statistics", 2.3).
    """
    angles = np.arange(BINS) * (2 * np.pi / BINS)
    directions = np.stack([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)
    pairs = {
        f"{head}_sincos": ops.matmul(ops.softmax(hands.output[head], axis=-1), directions)
        for head in HEADS
    }
    return keras.Model(hands.input, {**hands.output, **pairs}, name=hands.name)


def build_pose(config: PoseConfig | None = None) -> keras.Model:
    """Build the pose network of patches (n, 160, 160) uint8.

    Outputs: ``pose`` (n, 7) in the patch's [-1, 1] square; ``dial`` (n, 1), the logit of its
    being a dial.
    """
    c = config or PoseConfig()
    image = keras.Input((PATCH, PATCH), dtype="uint8", name="patch")
    x = ops.average_pool(standardized(image), 2, strides=2)
    for stage, (channels, blocks) in enumerate(zip(c.channels, c.blocks, strict=True)):
        x = layers.ReLU()(conv(x, channels, 5 if stage == 0 else 3, f"down{stage}", strides=2))
        for block in range(blocks):
            y = layers.ReLU()(conv(x, channels, 3, f"block{stage}{block}a"))
            y = conv(y, channels, 3, f"block{stage}{block}b")
            x = layers.ReLU()(layers.Add()([x, y]))
    if c.squeeze:
        x = layers.ReLU()(conv(x, c.squeeze, 1, "squeeze"))
    x = layers.Flatten()(x)
    x = normed(layers.Dense(c.dense, use_bias=False, name="mix"), x)
    x = layers.ReLU()(x)  # without the normalization, nearly all of these units die
    start = keras.initializers.Constant(MEAN_POSE.tolist())
    pose = layers.Dense(POSE_SIZE, bias_initializer=start, dtype="float32", name="pose")(x)
    dial = layers.Dense(1, dtype="float32", name="dial")(x)
    return keras.Model(image, {"pose": pose, "dial": dial}, name="pose")
