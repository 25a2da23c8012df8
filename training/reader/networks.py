"""The networks, in Keras 3 `keras.ops` only, so that any Keras backend trains them and TensorFlow exports them."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from clockread.geometry import POSE_SIZE
from clockread.sampling import ANGLES, PATCH, RADII

HEADS = ("hour", "minute", "twelve", "second")  # the circular distributions that `hands` gives
BINS = ANGLES // 2  # angular bins of each distribution


@dataclass(frozen=True)
class HandsConfig:
    """Width and depth of the polar reading network."""

    stem: int = 24  # channels of the first 2-D convolution
    fold: int = 32  # channels of the second, which are folded with the radius
    local: int = 2  # residual 2-D convolutions before that
    width: int = 128  # channels of the circular 1-D convolutions
    kernel: int = 3  # bins that each of these sees
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
    """uint8 grey (n, h, w) to float (n, h, w, 1), zero mean and unit deviation each (8 grey levels are taken for noise)."""
    x = ops.cast(x, "float32")
    mean = ops.mean(x, axis=(1, 2), keepdims=True)
    centred = x - mean
    deviation = ops.sqrt(ops.mean(ops.square(centred), axis=(1, 2), keepdims=True))
    return ops.expand_dims(centred / (deviation + 8.0), -1)


def _circular(x: keras.KerasTensor, pad: int) -> keras.KerasTensor:
    """Repeat ``pad`` rows of the angle axis (axis 1) at both ends."""
    return ops.concatenate([x[:, -pad:], x, x[:, :pad]], axis=1)


_ANGLES = np.arange(BINS) * (2 * np.pi / BINS)


_WAVES = 7  # numbers that each angle gives to the pose's change


def _harmonics() -> NDArray[np.float32]:
    """(BINS · _WAVES, 7): how what the angles give adds up to a pose's change; a turned dial gives the same change, turned.

    The first number's mean is a change of size. The others come in pairs, a shift along the radius and one along the rim: their
    first harmonics move the centre, the second ones stretch (what a shift or a stretch does to a circle), and the last pair's
    first harmonics are the perspective. Columns: size, cx, cy, stretch along x against y, along the diagonal, v1, v2.
    """
    angles = np.arange(BINS) * (2 * np.pi / BINS)
    s, c, s2, c2 = np.sin(angles), np.cos(angles), np.sin(2 * angles), np.cos(2 * angles)
    out = np.zeros((BINS, _WAVES, POSE_SIZE), np.float32)
    out[:, 0, 0] = 0.5
    for pair, x, y in (
        (1, 1, 2),
        (5, 5, 6),
    ):  # outwards is (sin, -cos), clockwise along the rim (cos, sin)
        out[:, pair, x], out[:, pair, y] = s, -c
        out[:, pair + 1, x], out[:, pair + 1, y] = c, s
    out[:, 3, 3], out[:, 3, 4] = -c2, -s2
    out[:, 4, 3], out[:, 4, 4] = s2, -c2
    return (out * (2.0 / BINS)).reshape(BINS * _WAVES, POSE_SIZE)


def _pose_change(x: keras.KerasTensor) -> keras.KerasTensor:
    """(n, BINS, channels) to the dial's pose (n, 7) in the coordinates of the assumed one: (0, 0, 1, 0, 1, 0, 0) where that is right."""
    waves = layers.Dense(_WAVES, dtype="float32", kernel_initializer="zeros", name="waves")(x)
    change = ops.matmul(layers.Flatten(dtype="float32")(waves), _harmonics())
    size, cx, cy, along, across, v1, v2 = (change[:, i] for i in range(POSE_SIZE))
    return ops.stack([cx, cy, 1 + size + along, across, 1 + size - along, v1, v2], axis=-1)


def build_hands(config: HandsConfig | None = None) -> keras.Model:
    """(n, 240, 64) uint8 polar images to what can be read off them.

    ``hour``, ``minute``, ``twelve``, ``second`` (n, 120): logits of where each is, over the pose's angle; ``has_second`` (n, 1): logit
    of there being a second hand; ``change`` (n, 7): the dial's pose in the coordinates of the one it was unwrapped through.
    The radius is folded into channels after two convolutions; circular 1-D convolutions then see the whole dial.
    """
    c = config or HandsConfig()
    image = keras.Input((ANGLES, RADII), dtype="uint8", name="polar")
    x = standardized(image)
    x = ops.pad(_circular(x, 2), ((0, 0), (0, 0), (1, 0), (0, 0)))
    x = layers.Conv2D(c.stem, (5, 3), strides=(2, 2), padding="valid", use_bias=False, name="stem")(
        x
    )
    x = layers.ReLU()(layers.BatchNormalization(name="stem_norm")(x))
    x = ops.pad(_circular(x, 1), ((0, 0), (0, 0), (1, 0), (0, 0)))
    x = layers.Conv2D(c.fold, 3, strides=(1, 2), padding="valid", use_bias=False, name="fold")(x)
    x = layers.ReLU()(layers.BatchNormalization(name="fold_norm")(x))
    for i in range(c.local):
        y = layers.Conv2D(c.fold, 3, padding="valid", use_bias=False, name=f"local{i}")(
            ops.pad(_circular(x, 1), ((0, 0), (0, 0), (1, 1), (0, 0)))
        )
        x = layers.ReLU()(layers.Add()([x, layers.BatchNormalization(name=f"local{i}_norm")(y)]))
    x = layers.Reshape((BINS, RADII // 4 * c.fold))(x)
    x = layers.Dense(c.width, use_bias=False, name="mix")(x)
    x = layers.BatchNormalization(name="mix_norm")(x)
    for i, dilation in enumerate(c.dilations):
        y = layers.ReLU()(x)
        y = _circular(y, c.kernel // 2 * dilation)
        y = layers.Conv1D(
            c.width,
            c.kernel,
            dilation_rate=dilation,
            padding="valid",
            use_bias=False,
            name=f"ring{i}",
        )(y)
        y = layers.BatchNormalization(name=f"ring{i}_norm")(y)
        x = layers.Add()([x, y])
    x = layers.ReLU()(x)
    logits = layers.Dense(len(HEADS), name="logits")(x)
    outputs = {name: ops.cast(logits[:, :, i], "float32") for i, name in enumerate(HEADS)}
    outputs["has_second"] = layers.Dense(1, dtype="float32", name="has_second")(
        layers.GlobalMaxPooling1D()(x)
    )
    outputs["change"] = _pose_change(x)
    return keras.Model(image, outputs, name="hands")


def grow(model: keras.Model, smaller: keras.Model) -> None:
    """Give a network the weights of a shallower one: what it has more are residual layers, which begin as identities.

    Layers are told by their names. Raises ValueError where one of both networks has another shape, or is missing in ``model``.
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
    """The reading network with three more outputs, `<head>_sincos` (n, 2): each distribution's mean resultant (sin, cos).

    Its direction is the angle against the pose's up, its length 0..1 a confidence (Mardia & Jupp, "Directional Statistics", 2.3).
    """
    angles = np.arange(BINS) * (2 * np.pi / BINS)
    directions = np.stack([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)
    pairs = {
        f"{head}_sincos": ops.matmul(ops.softmax(hands.output[head], axis=-1), directions)
        for head in HEADS
    }
    return keras.Model(hands.input, {**hands.output, **pairs}, name=hands.name)


def _conv(
    x: keras.KerasTensor, channels: int, kernel: int, stride: int, name: str
) -> keras.KerasTensor:
    x = layers.Conv2D(channels, kernel, strides=stride, padding="same", use_bias=False, name=name)(
        x
    )
    return layers.BatchNormalization(name=f"{name}_norm")(x)


def build_pose(config: PoseConfig | None = None) -> keras.Model:
    """(n, 160, 160) uint8 patches to `pose` (n, 7) in the patch's [-1, 1] square and `dial` (n, 1), the logit of its being one."""
    c = config or PoseConfig()

    image = keras.Input((PATCH, PATCH), dtype="uint8", name="patch")
    x = ops.average_pool(standardized(image), 2, strides=2)
    for stage, (channels, blocks) in enumerate(zip(c.channels, c.blocks, strict=True)):
        x = layers.ReLU()(_conv(x, channels, 5 if stage == 0 else 3, 2, f"down{stage}"))
        for block in range(blocks):
            y = layers.ReLU()(_conv(x, channels, 3, 1, f"block{stage}{block}a"))
            y = _conv(y, channels, 3, 1, f"block{stage}{block}b")
            x = layers.ReLU()(layers.Add()([x, y]))
    if c.squeeze:
        x = layers.ReLU()(_conv(x, c.squeeze, 1, 1, "squeeze"))
    x = layers.Flatten()(x)
    x = layers.BatchNormalization(name="mix_norm")(
        layers.Dense(c.dense, use_bias=False, name="mix")(x)
    )
    x = layers.ReLU()(
        x
    )  # without the normalization nearly all of these units die in the first minute
    # the bias is the average dial, so that training starts from one
    start = keras.initializers.Constant([0, 0, 0.7, 0, 0.7, 0, 0])
    pose = layers.Dense(POSE_SIZE, bias_initializer=start, dtype="float32", name="pose")(x)
    dial = layers.Dense(1, dtype="float32", name="dial")(x)
    return keras.Model(image, {"pose": pose, "dial": dial}, name="pose")
