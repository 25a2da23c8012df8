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
_SIDE = 64  # pixels per side of the face from which its colors are measured
_TO_DISC: Floats = np.array(  # from its pixels to the dial plane
    [[2 / _SIDE, 0, -1 + 1 / _SIDE], [0, 2 / _SIDE, -1 + 1 / _SIDE], [0, 0, 1.0]]
)
_INSIDE = np.hypot(*np.meshgrid(np.linspace(-1, 1, _SIDE), np.linspace(-1, 1, _SIDE))) < 0.95
_BRIGHTNESS = np.array([0.114, 0.587, 0.299])  # of blue, green, red (ITU-R BT.601)
_SAME = 0.995  # correlation above which a projection adds nothing to the brightness
_FAINT = 0.25  # ratio of standard deviations below which the brightness is mostly noise
_CONTRAST = 50.0  # grey levels, standard deviation of a projection
_LEAST = 3.0  # grey levels; colors with a smaller standard deviation are ignored

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
    to_patch = dial.in_patch @ _TO_DISC
    face = cv2.warpPerspective(
        patch, to_patch, (_SIDE, _SIDE), flags=how, borderMode=cv2.BORDER_REPLICATE
    )
    pixels = np.asarray(face, np.float64)[_INSIDE]
    mean = pixels.mean(axis=0)
    covariance = np.cov((pixels - mean).T)
    variances, axes = np.linalg.eigh(covariance)  # ascending
    contrast = math.sqrt(_BRIGHTNESS @ covariance @ _BRIGHTNESS)
    out = []
    for i in (2, 1):
        deviation, axis = math.sqrt(max(float(variances[i]), 0.0)), axes[:, i]
        along = deviation * abs(axis @ _BRIGHTNESS)
        is_brightness = contrast > _FAINT * deviation and along > _SAME * contrast
        if is_brightness or deviation < _LEAST:
            continue
        upwards = axis if axis @ _BRIGHTNESS >= 0 else -axis
        projection = (upwards * (_CONTRAST / deviation)).astype(np.float32)
        levels = (np.asarray(patch, np.float32) - mean.astype(np.float32)) @ projection
        out.append(replace(dial, patch=np.clip(levels + 128, 0, 255).astype(np.uint8)))
    return out
