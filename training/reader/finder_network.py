"""The finder, a detection network for whole scenes, and its losses; `keras.ops` only."""

from __future__ import annotations

from dataclasses import dataclass

import keras
from keras import layers, ops

from clockread.finder import SCENE, SIZE_UNIT, STRIDE
from training.reader.networks import conv, standardized

_RARE = -4.6  # logit of 1 %, the initial bias: most cells are far from any dial

assert SCENE % 32 == 0  # five halvings


@dataclass(frozen=True)
class FinderConfig:
    """Channels of the network at strides of 4, 8, 16 and 32 scene pixels."""

    channels: tuple[int, int, int, int] = (24, 40, 64, 96)
    blocks: int = 2  # residual blocks of two convolutions at stride 16
    dilations: tuple[int, ...] = (1, 2, 4, 1, 2)  # at stride 32: their field is the whole scene


SMALL_FINDER = FinderConfig(channels=(16, 24, 48, 56), blocks=1, dilations=(1, 2, 4))


def _folded(x: keras.KerasTensor, block: int) -> keras.KerasTensor:
    """Fold (n, h, w, 1) to (n, h / block, w / block, block²); one-channel convolutions are slow."""
    cells = SCENE // block
    x = ops.reshape(x, (-1, cells, block, cells, block))
    return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4)), (-1, cells, cells, block * block))


def _enlarged(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return layers.UpSampling2D(2, interpolation="nearest", name=name)(x)


def build_finder(config: FinderConfig | None = None) -> keras.Model:
    """Build the network from scenes (n, 320, 320) uint8 to `heat` and `box`.

    ``heat`` (n, 40, 40) holds logits of a dial's center; ``box`` (n, 40, 40, 4) holds dx, dy,
    log w, log h, see `clockread.finder.peaks`.
    """
    c = config or FinderConfig()
    scene = keras.Input((SCENE, SCENE), dtype="uint8", name="scene")
    x = layers.ReLU()(conv(_folded(standardized(scene), 4), c.channels[0], 3, "stem"))
    fine = x = layers.ReLU()(conv(x, c.channels[1], 3, "down8", strides=2))
    x = layers.ReLU()(conv(x, c.channels[2], 3, "down16", strides=2))
    for i in range(c.blocks):
        y = layers.ReLU()(conv(x, c.channels[2], 3, f"block{i}a"))
        x = layers.ReLU()(layers.Add()([x, conv(y, c.channels[2], 3, f"block{i}b")]))
    middle = x
    x = layers.ReLU()(conv(x, c.channels[3], 3, "down32", strides=2))
    for i, dilation in enumerate(c.dilations):
        x = layers.ReLU()(
            layers.Add()([x, conv(x, c.channels[3], 3, f"wide{i}", dilation_rate=dilation)])
        )
    x = _enlarged(conv(x, c.channels[2], 1, "up16"), "enlarge16")
    x = layers.ReLU()(layers.Add()([x, conv(middle, c.channels[2], 1, "lateral16")]))
    x = layers.ReLU()(conv(x, c.channels[2], 3, "merge16"))
    x = _enlarged(conv(x, c.channels[1], 1, "up8"), "enlarge8")
    x = layers.ReLU()(layers.Add()([x, conv(fine, c.channels[1], 1, "lateral8")]))
    x = layers.ReLU()(conv(x, c.channels[1] + 8, 3, "merge8"))
    heat = layers.Conv2D(
        1, 1, bias_initializer=keras.initializers.Constant(_RARE), name="heat_map"
    )(x)
    box = layers.Conv2D(4, 1, dtype="float32", name="box")(x)
    return keras.Model(
        scene, {"heat": ops.cast(heat[..., 0], "float32"), "box": box}, name="finder"
    )


def heat_loss(true: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
    """Return the focal loss (n,) of logits (n, c, c).

    Cells with value 1 are centers; other cells are down-weighted the closer they are to a center.
    "Objects as Points" (Zhou et al., 2019), equation 1, summed over cells and divided by the
    batch's mean number of centers.
    """
    logits = ops.clip(logits, -12.0, 12.0)
    probability = ops.sigmoid(logits)
    center = ops.cast(true >= 0.9999, "float32")
    hit = center * ops.square(1.0 - probability) * ops.softplus(-logits)
    other = (1.0 - center) * (1.0 - true) ** 4 * ops.square(probability) * ops.softplus(logits)
    return ops.sum(hit + other, axis=(1, 2)) / (ops.mean(ops.sum(center, axis=(1, 2))) + 0.1)


def box_loss(true: keras.KerasTensor, box: keras.KerasTensor) -> keras.KerasTensor:
    """Return the mean absolute error (n,) of boxes (n, c, c, 4).

    ``true`` (n, c, c, 5) ends with the weight of each cell. Errors of the center are relative to
    the dial's size, as errors of the logarithm of the size are.
    """
    weight = true[..., 4]
    size = ops.exp(true[..., 2:4]) * (SIZE_UNIT / STRIDE)  # cells
    away = ops.abs(box - true[..., :4])
    away = ops.sum(away[..., :2] / size, axis=-1) * 2.0 + ops.sum(away[..., 2:], axis=-1)
    return ops.sum(away * weight, axis=(1, 2)) / (ops.mean(ops.sum(weight, axis=(1, 2))) + 0.1)
