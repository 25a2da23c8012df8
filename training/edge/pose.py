"""Windows → poses as ONNX nodes; see `clockread.pose`."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from clockread.geometry import BOX_RIM, MAX_GROWTH, MIN_SIDE
from clockread.pose import PATCH_MARGIN
from clockread.sampling import PATCH
from training.edge.geometry import compose, corners, from_unit, to_unit
from training.edge.sampling import PhotoInput, crop_window, whole_window
from training.edge.tensor import UINT8, Tensor


class Posed(NamedTuple):
    """n dials with their poses."""

    patch: Tensor  # (n, 1, PATCH, PATCH), float but whole
    window: Tensor  # (n, 3) of the patches
    homography: Tensor  # (n, 3, 3) from the dial to the patch's [-1, 1] square
    dial_logit: Tensor  # (n, 1)


def estimate(photo: PhotoInput, network: Path, window: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return homographies (n, 3, 3), dial logits (n, 1), and windows (n, 3) of the faces."""
    g = window.graph
    whole = whole_window(window)
    patch = crop_window(photo, whole).squeeze(3).to(UINT8)
    pose = g.network(network, {"patch": patch})
    homography = from_unit(whole) @ compose(pose["pose"])
    low, high = corners(homography, BOX_RIM)
    widest = (high - low).reduce("Max", 1, keep=True) * PATCH_MARGIN
    side = widest.maximum(MIN_SIDE).minimum(whole.part(2, 3) * MAX_GROWTH)
    face = whole_window(g.concat((low + high) * 0.5, side, axis=1))
    return homography, pose["dial"], face


def patches(photo: PhotoInput, homography: Tensor, logit: Tensor, face: Tensor) -> Posed:
    """Return the posed dials with patches around their faces; n > 0."""
    patch = crop_window(photo, face).reshape(-1, 1, PATCH, PATCH)
    return Posed(patch, face, to_unit(face) @ homography, logit)
