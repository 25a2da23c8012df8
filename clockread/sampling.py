"""Sampling of dials: square patches of fixed size, and their polar images (angles × radii)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from clockread.geometry import Floats, Window
from clockread.opencv import cv2

ANGLES = 240  # rows; 1.5° per row, clockwise from the pose's up
RADII = 64  # columns
OUTER_RADIUS = 1.12  # face radii; a slightly too small pose still shows the rim
PATCH = 160  # pixels per side; its dial's radius is 50 to 75, about one polar sample per pixel

# (3, 3), from the patch's [-1, 1] square to its pixels (centers at integers)
FROM_UNIT: Floats = np.array(
    [[PATCH / 2, 0, PATCH / 2 - 0.5], [0, PATCH / 2, PATCH / 2 - 0.5], [0, 0, 1.0]]
)
TO_UNIT: Floats = np.linalg.inv(FROM_UNIT)


def downsample(image: NDArray[np.uint8], by: int) -> NDArray[np.uint8]:
    """Return the means of ``by`` × ``by`` pixels of an image (H, W, ...), without the remainder."""
    if by == 1:
        return image
    height, width = image.shape[0] // by, image.shape[1] // by
    whole = image[: height * by, : width * by]
    small = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


def crop_window(
    image: NDArray[np.uint8], window: Window, side: int = PATCH
) -> tuple[NDArray[np.uint8], Window]:
    """Resize a window of an image to a square patch.

    Shrinks by area averaging: first by a whole factor, which is many times faster, then by the
    rest, which is less than two. Enlarges bilinearly. Beyond the image, its border is repeated.

    Args:
        image: grey (H, W) or color (H, W, 3).
        window: in pixels of the image.
        side: of the patch, pixels.

    Returns:
        The patch (side, side) or (side, side, 3), and the window rounded to whole pixels.

    """
    height, width = image.shape[:2]
    by = max(1, int(window.side / side))
    size = max(2, round(window.side / by) * by)
    left, top = round(window.x - size / 2 + 0.5), round(window.y - size / 2 + 0.5)
    x0, y0, x1, y1 = max(0, left), max(0, top), min(width, left + size), min(height, top + size)
    x0, y0 = min(x0, width - 1), min(y0, height - 1)
    part = image[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
    before_x, before_y = max(0, -left), max(0, -top)
    after_x, after_y = size - before_x - part.shape[1], size - before_y - part.shape[0]
    if before_x or before_y or after_x > 0 or after_y > 0:
        around = (before_y, max(0, after_y), before_x, max(0, after_x))
        bordered = cv2.copyMakeBorder(part, *around, cv2.BORDER_REPLICATE)
        part = np.asarray(bordered, dtype=np.uint8)[:size, :size]
    how = cv2.INTER_AREA if size > side else cv2.INTER_LINEAR
    patch = cv2.resize(downsample(part, by), (side, side), interpolation=how)
    rounded = Window(left - 0.5 + size / 2, top - 0.5 + size / 2, float(size))
    return np.asarray(patch, dtype=np.uint8), rounded


@dataclass(frozen=True, eq=False)
class PolarGrid:
    """Where a polar image samples the dial plane."""

    angles: int  # rows, clockwise from the pose's up
    radii: int  # columns
    outer_radius: float  # face radii

    @cached_property
    def points(self) -> NDArray[np.float32]:
        """Homogeneous points (3, angles · radii) of the dial plane, row by row."""
        angle = np.deg2rad(np.arange(self.angles) * (360.0 / self.angles))[:, None]
        radius = ((np.arange(self.radii) + 0.5) * (self.outer_radius / self.radii))[None, :]
        x, y = np.sin(angle) * radius, -np.cos(angle) * radius
        return np.stack([x, y, np.ones_like(x)]).reshape(3, -1).astype(np.float32)


FACE_GRID = PolarGrid(ANGLES, RADII, OUTER_RADIUS)


def unwrap(
    image: NDArray[np.uint8], homography: NDArray[np.floating], grid: PolarGrid = FACE_GRID
) -> NDArray[np.uint8]:
    """Sample the polar image (angles, radii), uint8, of a dial in a grey image.

    Samples bilinearly; outside the image, its border is repeated. The image should have about one
    pixel per sample: much larger dials alias.

    Args:
        image: grey (H, W).
        homography: (3, 3), from the dial plane to the image's pixels.
        grid: where to sample.

    """
    h = np.asarray(homography, dtype=np.float32)
    q = h @ grid.points
    q[:2] /= np.maximum(q[2], 1e-3)
    x, y = q[:2].reshape(2, grid.angles, grid.radii)
    polar = cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(polar, dtype=np.uint8)
