"""The record of a dial on its way through the stages, and the time that each stage takes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from clockread.geometry import Box, Window

# Names of the stages.
DECODE = "decode"  # photos
FIND = "find"  # the finder network, with its input and output
POSE = "pose"  # the same of the pose network
UNWRAP = "unwrap"  # polar images, and pose corrections
READ = "read"  # the reading network
CONTEXT = "context"  # the context network
CHOOSE = "choose"  # the most probable time and kind of dial, from the outputs of both
DECODE_AGAIN = "decode again"  # photos of retried dials, in color

if TYPE_CHECKING:
    from clockread.finder import Detection
    from clockread.hands import Hands
    from clockread.images import Photo
    from clockread.pose import PosedDial
    from clockread.runtime.network import Network


@dataclass
class Dial:
    """A candidate dial. Each stage fills in its part, which stays None if it is not a clock."""

    photo: Photo
    detection: Detection | None  # None if the whole photo is one dial
    posed: PosedDial | None = None
    hands: Hands | None = None

    @property
    def box(self) -> Box:
        """x, y, width, height in decoded pixels of the photo."""
        if self.detection is not None:
            return self.detection.box
        height, width = self.photo.pixels.shape
        return 0.0, 0.0, float(width), float(height)

    def window(self, margin: float) -> Window:
        """Return the window around the box, enlarged by ``margin`` if it was detected."""
        return Window.around(self.box, 1.0 if self.detection is None else margin)


class DialReader(Protocol):
    """Reads detected dials: by pose and polar image, or upright."""

    @property
    def networks(self) -> Mapping[str, Network]:
        """The networks in use, by role."""

    def read(self, dials: Sequence[Dial], timer: StageTimer) -> None:
        """Fill in poses and hands in one batch."""


class StageTimer:
    """Adds the seconds of each named stage to a dictionary, if there is one.

    Time in a nested stage does not count for the outer one.
    """

    def __init__(self, timings: dict[str, float] | None) -> None:
        self._timings = timings
        self._nested = 0.0  # seconds spent in stages nested in the current one

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time the block of a ``with`` statement."""
        outer, self._nested = self._nested, 0.0
        began = time.perf_counter()
        yield
        took = time.perf_counter() - began
        if self._timings is not None:
            self._timings[stage] = self._timings.get(stage, 0.0) + took - self._nested
        self._nested = outer + took
