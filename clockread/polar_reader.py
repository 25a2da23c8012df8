"""Detected dials → hands: pose, polar image, reading with pose refinement, and retries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from clockread.geometry import Window
from clockread.hands import Hands, HandsOutput, hands_network, read_hands, read_refined
from clockread.images import Photo
from clockread.options import Effort
from clockread.pose import BOX_MARGIN, PosedDial, estimate, pose_network
from clockread.retry import other_windows, principal_greys
from clockread.runtime.network import Network
from clockread.stages import Dial, StageTimer

ReadDial = tuple[PosedDial, Hands]


class PolarReader:
    """Reads dials by the pose and reading networks, and retries those of low confidence.

    Args:
        pose: the pose network.
        hands: the reading network.
        effort: passes and retries per dial.
        min_dial_logit: of the pose network; detected dials below it are dropped.
        batch_size: most dials that go through a network at once.

    """

    def __init__(
        self, pose: Network, hands: Network, effort: Effort, min_dial_logit: float, batch_size: int
    ) -> None:
        pose.open()
        hands.open()
        self.networks: Mapping[str, Network] = {"pose": pose, "hands": hands}
        self._pose, self._hands = pose_network(pose), hands_network(hands)
        self._effort, self._min_dial_logit, self._batch_size = effort, min_dial_logit, batch_size

    def read(self, dials: Sequence[Dial], timer: StageTimer) -> None:
        """Fill in poses and hands; detections that turn out not to be clocks keep None."""
        with timer("pose"):
            posed = estimate(*_windows(dials), self._pose)
        kept = [
            (dial, one)
            for dial, one in zip(dials, posed, strict=True)
            if dial.detection is None or one.dial_logit >= self._min_dial_logit
        ]
        clocks = [dial for dial, _ in kept]
        read = self._read_hands([one for _, one in kept], timer)
        below = self._effort.retry_below
        retried = [i for i, (_, hands) in enumerate(read) if hands.confidence < below]
        if retried:
            again = self._retry([clocks[i] for i in retried], [read[i] for i in retried], timer)
            for i, best in zip(retried, again, strict=True):
                read[i] = best
        for dial, (one, hands) in zip(clocks, read, strict=True):
            dial.posed, dial.hands = one, hands

    def _retry(
        self, dials: Sequence[Dial], read: Sequence[ReadDial], timer: StageTimer
    ) -> list[ReadDial]:
        """Retry dials; return the reading of the highest confidence for each."""
        attempts: list[list[PosedDial]] = [[] for _ in dials]
        if self._effort.windows:
            with timer("pose"):
                attempts = other_windows(*_windows(dials), self._pose)
        if self._effort.colors:
            with timer("decode again"):
                colors = _in_color(dial.photo for dial in dials)
                for (posed, _), color, tries in zip(read, colors, attempts, strict=True):
                    if color is not None:
                        tries.extend(principal_greys(posed, color))
        results = iter(self._read_hands([posed for tries in attempts for posed in tries], timer))
        return [
            max([first, *islice(results, len(tries))], key=lambda one: one[1].confidence)
            for first, tries in zip(read, attempts, strict=True)
        ]

    def _read_hands(self, posed: Sequence[PosedDial], timer: StageTimer) -> list[ReadDial]:
        def timed(polar: NDArray[np.uint8]) -> HandsOutput:
            with timer("read"):
                return self._hands(polar)

        read: list[ReadDial] = []
        with timer("unwrap"):
            for start in range(0, len(posed), self._batch_size):
                batch = posed[start : start + self._batch_size]
                refined, output = read_refined(batch, timed, self._effort.passes)
                read += zip(refined, read_hands(output), strict=True)
        return read


def _windows(dials: Sequence[Dial]) -> tuple[list[NDArray[np.uint8]], list[Window]]:
    """Return the photo's pixels and the pose network's window of each dial."""
    return [d.photo.pixels for d in dials], [d.window(BOX_MARGIN) for d in dials]


def _in_color(photos: Iterable[Photo]) -> Iterable[NDArray[np.uint8] | None]:
    """Decode photos again, in color; equal ones that follow each other are decoded once."""
    last: Photo | None = None
    color: NDArray[np.uint8] | None = None
    for photo in photos:
        if photo is not last:
            last, color = photo, photo.in_color()
        yield color
