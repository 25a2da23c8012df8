"""Retries for dials of low confidence: other crop windows, and the face's principal colors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from clockread.geometry import Floats, Window
from clockread.opencv import cv2
from clockread.pose import PosedDial, PoseNetwork, estimate
from clockread.sampling import crop_window

RETRY_BELOW = 0.9  # raw confidence; dials below it are retried
MIN_CLOCK_LOGIT = -2.0  # of the context network; dials below it are hardly clocks, and not retried
WINDOW_SCALES = (0.9, 1.12)  # of the first window's side; the pose network errs differently
FACE_SIDE = 64  # pixels to which the face is sampled to measure its colors
FACE_TO_DIAL: Floats = np.array(  # from these pixels to the dial plane
    [[2 / FACE_SIDE, 0, -1 + 1 / FACE_SIDE], [0, 2 / FACE_SIDE, -1 + 1 / FACE_SIDE], [0, 0, 1.0]]
)
INSIDE_FACE = np.hypot(*np.meshgrid(*[np.linspace(-1, 1, FACE_SIDE)] * 2)) < 0.95
BRIGHTNESS_BGR = np.array([0.114, 0.587, 0.299])  # weights of the colors (ITU-R BT.601)
SAME_CORRELATION = 0.995  # correlation above which a projection adds nothing to the brightness
FAINT_RATIO = 0.25  # ratio of standard deviations below which the brightness is mostly noise
CONTRAST = 50.0  # grey levels, standard deviation of a projection
MIN_DEVIATION = 3.0  # grey levels; colors with a smaller standard deviation are ignored

Color = NDArray[np.uint8]


def other_windows(
    images: Sequence[NDArray[np.uint8]], windows: Sequence[Window], network: PoseNetwork
) -> list[list[PosedDial]]:
    """Estimate the poses of dials in windows of other sizes; runs the pose network once.

    Args:
        images: the grey photo (H, W) of each dial.
        windows: the dial's first window in that photo.
        network: the pose network.

    Returns:
        The poses of each dial, one per window size.

    """
    n = len(windows)
    wanted = [Window(w.x, w.y, w.side * size) for size in WINDOW_SCALES for w in windows]
    posed = estimate([*images] * len(WINDOW_SCALES), wanted, network)
    return [posed[i::n] for i in range(n)]


def principal_greys(dial: PosedDial, color: Color) -> list[PosedDial]:
    """Return the dial with patches projected onto the first two principal colors of its face.

    A red hand on a blue face of equal brightness is invisible in the brightness, but not along the
    direction in which the colors of the face vary most (Jolliffe, "Principal Component Analysis",
    2002), or second most. Directions with too little variance, and the brightness itself, are left
    out. ``color`` is the photo, BGR (H, W, 3) uint8.
    """
    patch, _ = crop_window(color, dial.window)
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    to_patch = dial.in_patch @ FACE_TO_DIAL
    face = cv2.warpPerspective(
        patch, to_patch, (FACE_SIDE, FACE_SIDE), flags=how, borderMode=cv2.BORDER_REPLICATE
    )
    pixels = np.asarray(face, np.float64)[INSIDE_FACE]
    mean = pixels.mean(axis=0)
    covariance = np.cov((pixels - mean).T)
    variances, axes = np.linalg.eigh(covariance)  # ascending
    contrast = math.sqrt(BRIGHTNESS_BGR @ covariance @ BRIGHTNESS_BGR)
    out = []
    for i in (2, 1):
        deviation, axis = math.sqrt(max(float(variances[i]), 0.0)), axes[:, i]
        along = deviation * abs(axis @ BRIGHTNESS_BGR)
        is_brightness = contrast > FAINT_RATIO * deviation and along > SAME_CORRELATION * contrast
        if is_brightness or deviation < MIN_DEVIATION:
            continue
        upwards = axis if axis @ BRIGHTNESS_BGR >= 0 else -axis
        projection = (upwards * (CONTRAST / deviation)).astype(np.float32)
        levels = (np.asarray(patch, np.float32) - mean.astype(np.float32)) @ projection
        out.append(replace(dial, patch=np.clip(levels + 128, 0, 255).astype(np.uint8)))
    return out
