"""Detections → poses: a first estimate of each homography, which reading the hands refines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clockread.geometry import MIRROR, Floats, Window, bounding_boxes, compose
from clockread.sampling import FROM_UNIT, crop_window

if TYPE_CHECKING:
    from clockread.runtime.network import Network

BOX_MARGIN = 1.15  # side of the pose network's window relative to the box
PATCH_MARGIN = 1.45  # side of the patch relative to the face, with room for pose refinement

Patches = NDArray[np.uint8]
# (n, PATCH, PATCH) -> poses (n, 7), dial logits (n, 1)
PoseNetwork = Callable[[Patches], tuple[Floats, Floats]]


@dataclass(frozen=True)
class PosedDial:
    """A dial with its pose, and the patch from which its polar image is sampled."""

    homography: Floats  # (3, 3), dial plane (12 not yet known) to photo pixels
    dial_logit: float
    patch: Patches
    window: Window

    @property
    def in_patch(self) -> Floats:
        """Homography (3, 3) from the dial plane to the patch's pixels."""
        return FROM_UNIT @ np.linalg.inv(self.window.from_unit()) @ self.homography

    def in_mirror(self) -> PosedDial:
        """Return the dial with a plane whose angles run counterclockwise in the photo."""
        return replace(self, homography=self.homography @ MIRROR)


def pose_network(network: Network) -> PoseNetwork:
    """Return the pose network of a session."""

    def run(patches: Patches) -> tuple[Floats, Floats]:
        pose, dial = network(patches, "pose", "dial")
        return pose, dial

    return run


def estimate(
    images: Sequence[NDArray[np.uint8]], windows: Sequence[Window], network: PoseNetwork
) -> list[PosedDial]:
    """Estimate the pose of each dial; runs the network once.

    Args:
        images: the grey photo (H, W) of each dial.
        windows: the dial's window in that photo.
        network: the pose network.

    Returns:
        Each dial with its pose and a patch around its face.

    """
    if not windows:
        return []
    cuts = [crop_window(image, window) for image, window in zip(images, windows, strict=True)]
    poses, logits = network(np.stack([patch for patch, _ in cuts]))
    homographies = np.stack([window.from_unit() for _, window in cuts]) @ compose(poses)
    posed = []
    for i, (x, y, width, height) in enumerate(bounding_boxes(homographies).tolist()):
        side = max(width, height) * PATCH_MARGIN
        around = Window(x + width / 2, y + height / 2, side).limited(cuts[i][1])
        patch, window = crop_window(images[i], around)
        posed.append(PosedDial(homographies[i], float(logits[i, 0]), patch, window))
    return posed
