"""Retries of dials of low confidence as ONNX nodes; see `clockread.retry`."""

from __future__ import annotations

import numpy as np

from clockread.retry import (
    BRIGHTNESS_BGR,
    CONTRAST,
    FACE_SIDE,
    FACE_TO_DIAL,
    FAINT_RATIO,
    INSIDE_FACE,
    MIN_DEVIATION,
    SAME_CORRELATION,
    WINDOW_SCALES,
)
from clockread.sampling import PATCH
from training.edge.graph import Graph
from training.edge.pose import Posed
from training.edge.sampling import PhotoInput, crop_window
from training.edge.tensor import BOOL, INT, Tensor

_OF_RGB = BRIGHTNESS_BGR[::-1].copy()


def other_windows(window: Tensor) -> Tensor:
    """Return windows (k·n, 3) of k other sizes about the same centers."""
    sizes = [window * np.array([1.0, 1.0, scale]) for scale in WINDOW_SCALES]
    return window.graph.concat(*sizes, axis=0)


def principal_greys(photo: PhotoInput, dials: Posed) -> tuple[Tensor, Tensor]:
    """Return patches (2·n, 1, PATCH, PATCH) of n > 0 dials in their two principal colors.

    Also whether (2·n,) each shows something that the brightness does not.
    """
    g = photo.pixels.graph
    patch = crop_window(photo, dials.window, colors=True)
    mean, covariance = _face_colors(g, patch, dials.homography)
    brightness = g.constant(_OF_RGB[:, None], mean.dtype)
    contrast = (brightness.transpose(1, 0) @ covariance @ brightness).squeeze(1).map("Sqrt")
    patches, useful = [], []
    for variance, axis in _principal_axes(covariance):
        deviation = variance.maximum(0.0).map("Sqrt")  # (n, 1)
        bright = axis @ brightness  # (n, 1)
        seen = deviation * bright.map("Abs")
        same = (contrast > deviation * FAINT_RATIO) & (seen > contrast * SAME_CORRELATION)
        useful.append(((deviation >= MIN_DEVIATION) & same.map("Not")).squeeze(1))
        upwards = (
            axis * g.where(bright < 0.0, -1.0, 1.0) * (CONTRAST / deviation.maximum(MIN_DEVIATION))
        )
        levels = (patch - mean.unsqueeze(1)) @ upwards.unsqueeze(1, 3)
        patches.append((levels + 128.0).clip(0.0, 255.0).map("Floor"))
    patches = [p.reshape(-1, 1, PATCH, PATCH) for p in patches]
    return g.concat(*patches, axis=0), g.concat(*useful, axis=0, dtype=BOOL)


def _face_colors(g: Graph, patch: Tensor, homography: Tensor) -> tuple[Tensor, Tensor]:
    """Return the means (n, 1, 3) and covariances (n, 3, 3) of the colors within the faces."""
    steps = np.arange(FACE_SIDE) * FACE_TO_DIAL[0, 0] + FACE_TO_DIAL[0, 2]
    x, y = np.meshgrid(steps, steps)
    grid = np.stack([x[INSIDE_FACE], y[INSIDE_FACE], np.ones(int(INSIDE_FACE.sum()))])
    count = grid.shape[1]
    xy, w = (homography @ grid).split(2, 1, axis=1)
    points = (xy / w).transpose(0, 2, 1).unsqueeze(1)  # (n, 1, count, 2)
    face = g.op(
        "GridSample",
        patch.transpose(0, 3, 1, 2),
        points,
        mode="bilinear",
        padding_mode="border",
        align_corners=0,
    )
    face = face.map("Round").squeeze(2)  # (n, 3, count)
    mean = face.reduce("Mean", 2, keep=True)
    away = face - mean
    return mean.transpose(0, 2, 1), away @ away.transpose(0, 2, 1) * (1 / (count - 1))


def _principal_axes(covariance: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Return the two largest eigenvalues (n, 1), with eigenvectors (n, 3), of (n, 3, 3).

    The eigenvalues of a symmetric matrix are the roots of a cubic in trigonometric form; an
    eigenvector is a column of the product of the matrix less each of the two other eigenvalues.
    """
    g = covariance.graph
    unit = np.eye(3)
    mean = (covariance * unit).sum(2, keep=True).sum(1, keep=True) * (1 / 3)
    centered = covariance - mean * unit
    spread = ((centered * centered).sum(2, keep=True).sum(1, keep=True) * (1 / 6)).map("Sqrt")
    spread = spread.maximum(1e-6)
    half_determinant = g.op("Det", centered / spread).reshape(-1, 1, 1) * 0.5
    angle = half_determinant.clip(-1.0, 1.0).map("Acos") * (1 / 3)
    first = mean + spread * angle.map("Cos") * 2.0
    third = mean + spread * (angle + 2 * np.pi / 3).map("Cos") * 2.0
    second = mean * 3.0 - first - third

    def axis(a: Tensor, b: Tensor) -> Tensor:
        product = (covariance - a * unit) @ (covariance - b * unit)
        lengths = (product * product).sum(1)  # (n, 3) of its columns
        longest = g.op("ArgMax", lengths, dtype=INT, axis=1, keepdims=1)
        column = g.op("GatherND", product.transpose(0, 2, 1), longest, batch_dims=1)
        length = lengths.reduce("Max", 1, keep=True).map("Sqrt")
        return column / length.maximum(1e-12)

    return [(first.squeeze(2), axis(second, third)), (second.squeeze(2), axis(first, third))]
