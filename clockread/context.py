"""Poses → context: a network that sees each dial with its surroundings.

The reading network sees the face only. The polar image of this stage reaches past the case, so that
it shows the strap, the lugs and the crown of a watch, and anything else that indicates where 12 is.
The same network says whether the dial is a clock at all, runs backwards, or has 24 hours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clockread.geometry import Floats, Window, bounding_box
from clockread.pose import PosedDial
from clockread.sampling import PolarGrid, crop_window, unwrap

if TYPE_CHECKING:
    from clockread.runtime.network import Network

CONTEXT_GRID = PolarGrid(angles=240, radii=80, outer_radius=1.75)  # straps and lugs reach it
CONTEXT_MARGIN = 1.9  # side of the window that is sampled, relative to the box of the face

Polars = NDArray[np.uint8]


@dataclass(frozen=True)
class ContextOutput:
    """Outputs of the context network for n dials: logits."""

    twelve: Floats  # (n, bins) over the angle of 12 against the pose's up
    clock: Floats  # (n, 1) of being a clock rather than an instrument or anything else
    whole: Floats  # (n, 1) of nearly the whole face being in the photo
    mirrored: Floats  # (n, 1) of the hands running counterclockwise
    day: Floats  # (n, 1) of 24 hours on the dial
    noon_up: Floats  # (n, 1), if so, of 12 being at the top and 24 at the bottom

    def take(self, rows: NDArray[np.integer]) -> ContextOutput:
        """Return the outputs of some of the dials."""
        return ContextOutput(*(getattr(self, field.name)[rows] for field in fields(self)))

    def in_mirror(self) -> ContextOutput:
        """Return the outputs with angles as of the dials seen in a mirror: a becomes -a."""
        return replace(self, twelve=np.roll(self.twelve[:, ::-1], 1, axis=1))


def joined(parts: Sequence[ContextOutput]) -> ContextOutput:
    """Return the outputs for the dials of all parts, at least one."""
    names = [field.name for field in fields(ContextOutput)]
    return ContextOutput(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))


ContextNetwork = Callable[[Polars], ContextOutput]  # of (n, *CONTEXT_GRID)


def context_network(network: Network) -> ContextNetwork:
    """Return the context network of a session."""
    names = [field.name for field in fields(ContextOutput)]
    return lambda polar: ContextOutput(*network(polar, *names))


def unwrap_context(images: Sequence[NDArray[np.uint8]], dials: Sequence[PosedDial]) -> Polars:
    """Return the polar images (n, 240, 80) of posed dials and their surroundings.

    Args:
        images: the grey photo (H, W) of each dial.
        dials: the dials.

    """
    return np.stack([_unwrapped(*pair) for pair in zip(images, dials, strict=True)])


def _unwrapped(image: NDArray[np.uint8], dial: PosedDial) -> NDArray[np.uint8]:
    patch, window = crop_window(image, context_window(dial))
    around = replace(dial, patch=patch, window=window)
    return unwrap(patch, around.in_patch, CONTEXT_GRID)


def context_window(dial: PosedDial) -> Window:
    """Return the window of a photo that is sampled."""
    return Window.around(bounding_box(dial.homography), CONTEXT_MARGIN).limited(dial.window)
