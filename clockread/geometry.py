"""The geometry of dials: homographies, rotation-free poses, boxes and square windows.

The dial plane has the hands' axis at (0, 0), the face's edge at radius 1, x to the right and y
down, so 12 o'clock is at (0, -1) and a hand at angle a (degrees, clockwise) points to
(sin a, -cos a). A homography maps it to pixels (or to a crop's own [-1, 1] square).

A *pose* is that homography without its in-plane rotation: seven numbers
(cx, cy, s11, s12, s22, v1, v2) for

    [[S + c vᵀ, c], [vᵀ, 1]],   S = [[s11, s12], [s12, s22]] symmetric positive definite.

S is the left polar factor of the Jacobian at the center (Higham, "Computing the polar
decomposition", 1986), so a rotated dial has the same kind of pose as an upright one, and a network
can regress it without knowing where 12 is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Box = tuple[float, float, float, float]  # x, y, width, height
POSE_SIZE = 7
MIRROR: Floats = np.diag([-1.0, 1.0, 1.0])  # of the dial plane, about the line through 12 and 6

# Side of a window that a pose gives: pixels at least, and at most this multiple of the window in
# which the pose was found.
MIN_SIDE, MAX_GROWTH = 4.0, 3.0


def rotation_matrix(degrees: float | Floats) -> Floats:
    """Return the (..., 3, 3) rotation of the dial plane by ``degrees``, clockwise on the screen."""
    r = np.deg2rad(np.asarray(degrees, dtype=np.float64))
    out = np.zeros((*r.shape, 3, 3))
    out[..., 0, 0] = out[..., 1, 1] = np.cos(r)
    out[..., 0, 1] = -np.sin(r)
    out[..., 1, 0] = np.sin(r)
    out[..., 2, 2] = 1.0
    return out


def decompose(homography: Floats) -> tuple[Floats, Floats]:
    """Split (..., 3, 3) homographies into poses (..., 7) and rotations (...) in degrees, -180..180.

    The homography must keep orientation (a dial seen from its front).
    """
    h = np.asarray(homography, dtype=np.float64)
    h = h / h[..., 2:3, 2:3]
    c = h[..., :2, 2]
    j = h[..., :2, :2] - c[..., :, None] * h[..., 2, None, :2]  # Jacobian at the center
    turn = np.arctan2(j[..., 1, 0] - j[..., 0, 1], j[..., 0, 0] + j[..., 1, 1])
    degrees = np.rad2deg(turn)
    back = np.swapaxes(rotation_matrix(degrees)[..., :2, :2], -1, -2)
    s = j @ back
    v = (h[..., 2, None, :2] @ back)[..., 0, :]
    pose = np.concatenate([c, s[..., 0, :1], s[..., 0, 1:], s[..., 1, 1:], v], axis=-1)
    return pose, degrees


def compose(pose: Floats, degrees: float | Floats = 0.0) -> Floats:
    """Return homographies (..., 3, 3) of poses (..., 7), with 12 turned clockwise by ``degrees``.

    The inverse of `decompose`.
    """
    p = np.asarray(pose, dtype=np.float64)
    c, s, v = p[..., :2], p[..., (2, 3, 3, 4)], p[..., 5:7]
    h = np.zeros((*p.shape[:-1], 3, 3))
    h[..., :2, :2] = s.reshape(*s.shape[:-1], 2, 2) + c[..., :, None] * v[..., None, :]
    h[..., :2, 2] = c
    h[..., 2, :2] = v
    h[..., 2, 2] = 1.0
    return h @ rotation_matrix(degrees)


def project(homography: Floats, points: Floats) -> Floats:
    """Map (n, 2) dial points through (..., 3, 3) homographies to (..., n, 2)."""
    h = np.asarray(homography)
    ones = np.ones((len(points), 1))
    q = np.concatenate([np.asarray(points), ones], axis=1) @ np.swapaxes(h, -1, -2)
    return q[..., :2] / q[..., 2:]


def rim(points: int) -> Floats:
    """Return points (n, 2) spread evenly over the face's edge, clockwise from 12 o'clock."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return np.stack([np.sin(angle), -np.cos(angle)], axis=1)


BOX_RIM = rim(32)


def bounding_boxes(homographies: Floats) -> Floats:
    """Return x, y, width, height (..., 4) of the projected rim of (..., 3, 3) homographies."""
    projected = project(homographies, BOX_RIM)
    low, high = projected.min(axis=-2), projected.max(axis=-2)
    return np.concatenate([low, high - low], axis=-1)


def bounding_box(homography: Floats) -> Box:
    """Return the box of `bounding_boxes` for one (3, 3) homography, as a tuple."""
    x, y, width, height = bounding_boxes(homography)
    return float(x), float(y), float(width), float(height)


def enclosing(a: Box, b: Box, width: float, height: float) -> Box:
    """Return the smallest box around two boxes, clipped to a photo.

    Args:
        a: x, y, width, height in pixels.
        b: the other box.
        width: of the photo, pixels.
        height: of the photo, pixels.

    Returns:
        x, y, width, height in pixels; sides are 0 if the boxes lie outside the photo.

    """
    x0, y0 = max(0.0, min(a[0], b[0])), max(0.0, min(a[1], b[1]))
    x1, y1 = min(width, max(a[0] + a[2], b[0] + b[2])), min(height, max(a[1] + a[3], b[1] + b[3]))
    return x0, y0, max(0.0, x1 - x0), max(0.0, y1 - y0)


@dataclass(frozen=True)
class Window:
    """A square, axis-aligned window of a photo, in pixels (pixel centers at integers)."""

    x: float  # center
    y: float
    side: float

    @classmethod
    def around(cls, box: Box, margin: float) -> Window:
        """Return the window of side ``margin`` × the longer side of ``box``, about its center.

        ``box`` has pixel edges at integers, as a detection has.
        """
        x, y, w, h = box
        return cls(x + (w - 1) / 2, y + (h - 1) / 2, max(w, h) * margin)

    def limited(self, found_in: Window) -> Window:
        """Return a window that a pose gives, with a sensible side even if the pose is wrong.

        ``found_in`` is the window in which the pose was found.
        """
        return replace(self, side=min(max(self.side, MIN_SIDE), MAX_GROWTH * found_in.side))

    @classmethod
    def whole(cls, side: int) -> Window:
        """Return the window of a whole square image with ``side`` pixels per side."""
        return cls((side - 1) / 2, (side - 1) / 2, side)

    def from_unit(self) -> Floats:
        """Return the (3, 3) matrix from the window's [-1, 1] square to photo pixels."""
        half = self.side / 2
        return np.array([[half, 0, self.x], [0, half, self.y], [0, 0, 1.0]])
