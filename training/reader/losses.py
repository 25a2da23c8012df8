"""Losses of the pose network and the reading network, in `keras.ops`."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from clockread.geometry import rim

CENTER_AND_RIM = np.concatenate([np.zeros((1, 2)), rim(8)])  # (9, 2), on the dial plane
CENTER_WEIGHT = 3.0  # of the center; rim points have 1. An error there turns both hands


def _projected(pose: keras.KerasTensor) -> keras.KerasTensor:
    """Return center and eight rim points (n, 9, 2) of poses (n, 7), see `clockread.geometry`."""
    u = ops.convert_to_tensor(CENTER_AND_RIM.astype(np.float32))
    c, s11, s12, s22, v = pose[:, None, :2], pose[:, 2:3], pose[:, 3:4], pose[:, 4:5], pose[:, 5:7]
    x = s11 * u[:, 0] + s12 * u[:, 1]
    y = s12 * u[:, 0] + s22 * u[:, 1]
    depth = 1.0 + ops.matmul(v, ops.transpose(u))
    return ops.stack([x, y], axis=-1) / ops.maximum(depth, 0.2)[:, :, None] + c


def pose_loss(true: keras.KerasTensor, pred: keras.KerasTensor) -> keras.KerasTensor:
    """Return the mean distance (n,) of the projected center and rim, in true dial radii.

    ``true`` (n, 8) is a pose, and 1 for a dial or 0 for a background, whose loss is 0.
    """
    away = _projected(pred) - _projected(true[:, :7])
    distance = ops.sqrt(ops.sum(ops.square(away), axis=-1) + 1e-6)
    radius = ops.sqrt(ops.maximum(true[:, 2] * true[:, 4] - ops.square(true[:, 3]), 1e-3))
    weights = np.array([CENTER_WEIGHT] + [1.0] * 8, np.float32) / (CENTER_WEIGHT + 8)
    weights = ops.convert_to_tensor(weights)
    return ops.sum(distance * weights, axis=1) / radius * true[:, 7]


def circular_cross_entropy(true: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
    """Return the cross-entropy (n,) of logits (n, bins) against soft targets (n, bins)."""
    return -ops.sum(true * ops.log_softmax(logits, axis=-1), axis=-1)
