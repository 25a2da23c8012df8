"""Homographies and windows as ONNX nodes; see `clockread.geometry`.

Windows are tensors (n, 3): x and y of the center and the side, in pixels. Points have x before y.
"""

from __future__ import annotations

import numpy as np

from clockread.geometry import POSE_SIZE
from training.edge.tensor import Tensor


def _ones(rows: int, columns: int, *places: tuple[int, int]) -> np.ndarray:
    out = np.zeros((rows, columns), np.float32)
    out[tuple(zip(*places, strict=True))] = 1.0
    return out


_CORNER = np.eye(9)[8]  # the 1 at the lower right of a homography
# A pose (cx, cy, s11, s12, s22, v1, v2) times this is its matrix without c·vᵀ, row by row, …
_LINEAR = ((0, 2), (1, 5), (2, 0), (3, 1), (3, 3), (4, 4), (5, 6), (6, 7))
_VECTORS = ((0, 9), (1, 10), (5, 12), (6, 13))  # … and c and v, both with a 0 behind
_OF_POSE = _ones(POSE_SIZE, 15, *_LINEAR, *_VECTORS)
_OF_WINDOW = _ones(3, 9, (0, 2), (1, 5), (2, 0), (2, 4))  # (x, y, half) times this


def compose(pose: Tensor) -> Tensor:
    """Return the homographies (n, 3, 3) of poses (n, 7)."""
    linear, c, v = (pose @ _OF_POSE).split(9, 3, 3)
    return (linear + _CORNER).reshape(-1, 3, 3) + c.unsqueeze(2) @ v.unsqueeze(1)


def from_unit(window: Tensor) -> Tensor:
    """Return the matrices (n, 3, 3) from the [-1, 1] squares of windows (n, 3) to pixels."""
    return (window * np.array([1, 1, 0.5]) @ _OF_WINDOW + _CORNER).reshape(-1, 3, 3)


def to_unit(window: Tensor) -> Tensor:
    """Return the matrices (n, 3, 3) from pixels to the [-1, 1] squares of windows (n, 3)."""
    center, side = window.split(2, 1)
    per_pixel = 2.0 / side
    inverse = window.graph.concat(0.0 - center * per_pixel, per_pixel, axis=1)
    return (inverse @ _OF_WINDOW + _CORNER).reshape(-1, 3, 3)


def project(homography: Tensor, points: np.ndarray) -> Tensor:
    """Map points (k, 2) of the dial through homographies (n, 3, 3) to (n, 2, k)."""
    columns = np.concatenate([points.T, np.ones((1, len(points)))])
    xy, w = (homography @ columns).split(2, 1, axis=1)
    return xy / w


def corners(homography: Tensor, rim: np.ndarray) -> tuple[Tensor, Tensor]:
    """Return the top left and bottom right corners (n, 2) of the boxes around the rim."""
    points = project(homography, rim)
    return points.reduce("Min", 2), points.reduce("Max", 2)


def angle_of(sine: Tensor, cosine: Tensor) -> Tensor:
    """Return angles in degrees, -90 to 270, of pairs of any length.

    ONNX has no arctangent of two arguments.
    """
    graph = sine.graph
    near = graph.op("Abs", cosine) < 1e-12
    angle = (sine / graph.where(near, 1e-12, cosine)).map("Atan") * (180 / np.pi)
    return graph.where(cosine < 0.0, angle + 180.0, angle)
