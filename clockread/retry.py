"""Unsure dials → other ways to look at them: through other windows, and in other greys than the photo's brightness."""

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

RETRY_BELOW = 0.9  # confidence from which a dial is not looked at again
WINDOW_SCALES = (0.9, 1.12)  # sizes of further windows over the first one's: the pose network sees another picture, and errs otherwise
_SIDE = 64  # pixels a side of the face on which its colors are measured
_TO_DISC: Floats = np.array([[2 / _SIDE, 0, -1 + 1 / _SIDE], [0, 2 / _SIDE, -1 + 1 / _SIDE], [0, 0, 1.0]])  # its pixels to the dial plane
_INSIDE = np.hypot(*np.meshgrid(np.linspace(-1, 1, _SIDE), np.linspace(-1, 1, _SIDE))) < 0.95
_BRIGHTNESS = np.array([0.114, 0.587, 0.299])  # of blue, green, red (ITU-R BT.601)
_SAME = 0.995  # correlation from which a grey is the brightness once more
_FAINT = 0.25  # share of a color's deviation below which that of its brightness is lost in noise
_CONTRAST = 50.0  # standard deviation of a made grey
_LEAST = 3.0  # standard deviation, grey levels, of a color worth looking at

Color = NDArray[np.uint8]


def other_windows(images: Sequence[NDArray[np.uint8]], windows: Sequence[Window], network: PoseNetwork) -> list[list[PosedDial]]:
    """For each dial, its poses by the pose network through windows of other sizes; one batch."""
    n = len(windows)
    wanted = [Window(w.x, w.y, w.side * size) for size in WINDOW_SCALES for w in windows]
    posed = estimate([*images] * len(WINDOW_SCALES), wanted, network)
    return [posed[i::n] for i in range(n)]


def principal_greys(dial: PosedDial, color: Color) -> list[PosedDial]:
    """The dial with patches in the greys of its face's first two principal colors; fewer where it has no such colors.

    ``color`` is the photo, BGR (H, W, 3) uint8. A red hand on a blue face as bright as itself is lost in the brightness, but not
    in the direction in which the face's colors differ most (Jolliffe, "Principal Component Analysis", 2002), or second most.
    """
    patch, _ = crop_window(color, dial.window)
    face = cv2.warpPerspective(
        patch, dial.in_patch @ _TO_DISC, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    pixels = np.asarray(face, np.float64)[_INSIDE]
    mean = pixels.mean(axis=0)
    covariance = np.cov((pixels - mean).T)
    variances, axes = np.linalg.eigh(covariance)  # ascending
    contrast = math.sqrt(_BRIGHTNESS @ covariance @ _BRIGHTNESS)
    out = []
    for variance, axis in ((variances[2], axes[:, 2]), (variances[1], axes[:, 1])):
        deviation = math.sqrt(max(float(variance), 0.0))
        same = contrast > _FAINT * deviation and deviation * abs(axis @ _BRIGHTNESS) > _SAME * contrast
        if same or deviation < _LEAST:
            continue
        upwards = axis if axis @ _BRIGHTNESS >= 0 else -axis
        levels = (np.asarray(patch, np.float32) - mean.astype(np.float32)) @ (upwards * (_CONTRAST / deviation)).astype(np.float32)
        out.append(replace(dial, patch=np.clip(levels + 128, 0, 255).astype(np.uint8)))
    return out
