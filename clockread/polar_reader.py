"""Detected dials → hands: pose, polar image, reading with pose refinement, and retries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from clockread.context import ContextOutput, context_network
from clockread.geometry import Window
from clockread.hands import HandsNetwork, HandsOutput, hands_network
from clockread.hypotheses import ReadDial, read_again, read_posed
from clockread.images import Photo
from clockread.options import Effort
from clockread.pose import BOX_MARGIN, PosedDial, estimate, pose_network
from clockread.retry import other_windows, principal_greys
from clockread.runtime.network import Network
from clockread.stages import CONTEXT, DECODE_AGAIN, POSE, READ, UNWRAP, Dial, StageTimer

Grey = NDArray[np.uint8]


class PolarReader:
    """Reads dials by the pose, reading and context networks, and retries those of low confidence.

    Args:
        pose: the pose network.
        hands: the reading network.
        context: the context network.
        effort: passes and retries per dial.
        min_dial_logit: of the pose network; detected dials below it are dropped.
        batch_size: maximum number of dials per call of a network.

    """

    def __init__(
        self,
        pose: Network,
        hands: Network,
        context: Network,
        effort: Effort,
        min_dial_logit: float,
        batch_size: int,
    ) -> None:
        self.networks: Mapping[str, Network] = {"pose": pose, "hands": hands, "context": context}
        for network in self.networks.values():
            network.open()
        self._pose, self._hands = pose_network(pose), hands_network(hands)
        self._context = context_network(context)
        self._effort, self._min_dial_logit, self._batch_size = effort, min_dial_logit, batch_size

    def read(self, dials: Sequence[Dial], timer: StageTimer) -> None:
        """Fill in poses and hands; detections that turn out not to be clocks keep None."""
        with timer(POSE):
            posed = estimate(*_windows(dials), self._pose)
        kept = [
            (dial, one)
            for dial, one in zip(dials, posed, strict=True)
            if dial.detection is None or one.dial_logit >= self._min_dial_logit
        ]
        clocks = [dial for dial, _ in kept]
        read = self._read_posed(clocks, [one for _, one in kept], timer)
        retried = [i for i, one in enumerate(read) if self._effort.retries(one.hands)]
        if retried:
            again = self._retry([clocks[i] for i in retried], [read[i] for i in retried], timer)
            for i, best in zip(retried, again, strict=True):
                read[i] = best
        for dial, one in zip(clocks, read, strict=True):
            dial.posed, dial.hands = one.posed, one.hands

    def _retry(
        self, dials: Sequence[Dial], read: Sequence[ReadDial], timer: StageTimer
    ) -> list[ReadDial]:
        """Retry dials; return the reading of the highest confidence for each."""
        attempts: list[list[PosedDial]] = [[] for _ in dials]
        if self._effort.windows:
            with timer(POSE):
                attempts = other_windows(*_windows(dials), self._pose)
        if self._effort.colors:
            with timer(DECODE_AGAIN):
                colors = _in_color(dial.photo for dial in dials)
                for one, color, tries in zip(read, colors, attempts, strict=True):
                    if color is not None:
                        tries.extend(principal_greys(one.unmirrored, color))
        tries = [posed for of_dial in attempts for posed in of_dial]
        known = [one.context for one, of_dial in zip(read, attempts, strict=True) for _ in of_dial]
        results = iter(self._read_again(tries, known, timer))
        return [
            max([first, *islice(results, len(of_dial))], key=lambda one: one.hands.confidence)
            for first, of_dial in zip(read, attempts, strict=True)
        ]

    def _read_posed(
        self, dials: Sequence[Dial], posed: Sequence[PosedDial], timer: StageTimer
    ) -> list[ReadDial]:
        def context(polar: Grey) -> ContextOutput:
            with timer(CONTEXT):
                return self._context(polar)

        images, passes = [dial.photo.pixels for dial in dials], self._effort.passes
        read: list[ReadDial] = []
        with timer(UNWRAP):
            for part in self._batches(len(posed)):
                networks = self._timed_hands(timer), context
                read += read_posed(images[part], posed[part], *networks, passes, timer)
        return read

    def _read_again(
        self, posed: Sequence[PosedDial], known: Sequence[ContextOutput], timer: StageTimer
    ) -> list[ReadDial]:
        hands, passes = self._timed_hands(timer), self._effort.passes
        read: list[ReadDial] = []
        with timer(UNWRAP):
            for part in self._batches(len(posed)):
                read += read_again(posed[part], known[part], hands, passes, timer)
        return read

    def _batches(self, count: int) -> list[slice]:
        size = self._batch_size
        return [slice(start, start + size) for start in range(0, count, size)]

    def _timed_hands(self, timer: StageTimer) -> HandsNetwork:
        def hands(polar: Grey) -> HandsOutput:
            with timer(READ):
                return self._hands(polar)

        return hands


def _windows(dials: Sequence[Dial]) -> tuple[list[Grey], list[Window]]:
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
