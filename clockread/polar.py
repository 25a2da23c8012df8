"""Polar sampling of a dial: one row an angle, one column a radius, sampled once from the dial's patch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clockread.opencv import cv2

ANGLES = 240  # rows; 1.5° a row, row 0 at the pose's up, clockwise
RADII = 64  # columns
OUTER_RADIUS = 1.12  # in face radii: the grid reaches past the rim, so that a pose that is a little small loses nothing


def _grid() -> NDArray[np.float32]:
    angle = np.deg2rad(np.arange(ANGLES) * (360.0 / ANGLES))[:, None]
    radius = ((np.arange(RADII) + 0.5) * (OUTER_RADIUS / RADII))[None, :]
    points = np.stack([np.sin(angle) * radius, -np.cos(angle) * radius, np.ones_like(angle * radius)], axis=0)
    return points.reshape(3, -1).astype(np.float32)


_GRID = _grid()


def unwrap(image: NDArray[np.uint8], homography: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Polar image (ANGLES, RADII), uint8, of a grey ``image`` through a (3, 3) dial-plane-to-pixel homography.

    Bilinear; pixels outside the image repeat its border. The image should hold the dial at a radius of 50 to 100 pixels:
    far larger ones alias (see `patches`).
    """
    h = np.asarray(homography, dtype=np.float32)
    q = h @ _GRID
    q[:2] /= np.maximum(q[2], 1e-3)
    shape = (ANGLES, RADII)
    return np.asarray(
        cv2.remap(image, q[0].reshape(shape), q[1].reshape(shape), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8
    )
