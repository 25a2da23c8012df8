"""Losses in `keras.ops`."""

from __future__ import annotations

import math

import keras
import numpy as np
from keras import ops

_POINTS = np.concatenate(
    [
        np.zeros((1, 2)),
        np.stack([np.sin(np.arange(8) * math.pi / 4), -np.cos(np.arange(8) * math.pi / 4)], axis=1),
    ]
).astype(np.float32)
CENTRE_WEIGHT = (
    3.0  # of the centre against one of the eight rim points: an error there turns both hands
)


def _projected(pose: keras.KerasTensor) -> keras.KerasTensor:
    """(n, 7) poses to (n, 9, 2): the centre and eight rim points (see `clockread.geometry`)."""
    u = ops.convert_to_tensor(_POINTS)
    c, s11, s12, s22, v = pose[:, None, :2], pose[:, 2:3], pose[:, 3:4], pose[:, 4:5], pose[:, 5:7]
    x = s11 * u[:, 0] + s12 * u[:, 1]
    y = s12 * u[:, 0] + s22 * u[:, 1]
    depth = 1.0 + ops.matmul(v, ops.transpose(u))
    return ops.stack([x, y], axis=-1) / ops.maximum(depth, 0.2)[:, :, None] + c


def pose_loss(true: keras.KerasTensor, pred: keras.KerasTensor) -> keras.KerasTensor:
    """Mean distance of the projected centre and rim, in true dial radii; ``true`` (n, 8) ends with 1 for dials, 0 for none."""
    away = _projected(pred) - _projected(true[:, :7])
    distance = ops.sqrt(ops.sum(ops.square(away), axis=-1) + 1e-6)
    radius = ops.sqrt(ops.maximum(true[:, 2] * true[:, 4] - ops.square(true[:, 3]), 1e-3))
    weights = ops.convert_to_tensor(
        np.array([CENTRE_WEIGHT] + [1.0] * 8, np.float32) / (CENTRE_WEIGHT + 8)
    )
    return ops.sum(distance * weights, axis=1) / radius * true[:, 7]


def circular_cross_entropy(true: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
    """Cross-entropy of (n, bins) logits against soft targets."""
    return -ops.sum(true * ops.log_softmax(logits, axis=-1), axis=-1)
