"""Readings of successive frames → one trail per dial, by place and size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from clockread.clock import Pair
from clockread.geometry import Box

MAX_MOVE = 0.7  # sides of the face that a dial may move between two frames
MAX_MOVE_ALONE = 4.0  # the same if no other dial is in sight
MAX_GROWTH = 0.5  # change of the logarithm of its size between two frames


class Located(Protocol):
    """Something with a place in a frame; `clockread.reading.Reading` is one."""

    @property
    def center(self) -> Pair:
        """The x and y of the hands' axis, pixels."""

    @property
    def face(self) -> Box:
        """The x, y, width and height of the face, pixels."""


_R = TypeVar("_R", bound=Located)


@dataclass
class Trail(Generic[_R]):
    """Where one dial was last seen, and how it moved."""

    number: int  # from 1, in the order of appearance
    last: _R
    time: float  # when it was last seen, seconds
    velocity: Pair = (0.0, 0.0)  # pixels per second

    def expected(self, time: float) -> Pair:
        """Return the position predicted from the last velocity."""
        x, y = self.last.center
        dt = time - self.time
        return x + self.velocity[0] * dt, y + self.velocity[1] * dt

    def move(self, reading: _R, time: float) -> None:
        """Go on to the reading of a later frame."""
        dt = time - self.time
        if dt > 0:
            (x0, y0), (x1, y1) = self.last.center, reading.center
            self.velocity = (x1 - x0) / dt, (y1 - y0) / dt
        self.last, self.time = reading, time


@dataclass
class Follower(Generic[_R]):
    """Gives the readings of each frame to the trails of the dials that they show."""

    forget_after: float = math.inf  # seconds out of sight after which a trail ends
    trails: list[Trail[_R]] = field(default_factory=list)
    _count: int = 0

    def add(self, time: float, readings: Sequence[_R]) -> list[tuple[Trail[_R], _R]]:
        """Return the trail of each reading of a frame; dials that are new begin one.

        Frames must come in the order of their times, seconds.
        """
        self.trails = [t for t in self.trails if time - t.time <= self.forget_after]
        latest = max((t.time for t in self.trails), default=-math.inf)
        in_sight = [t for t in self.trails if t.time == latest]
        alone = len(readings) == 1 and len(in_sight) == 1
        pairs = sorted(
            ((_distance(t, r, time), i, j) for i, t in enumerate(self.trails)
             for j, r in enumerate(readings)),
        )  # fmt: skip
        taken: dict[int, Trail[_R]] = {}
        for distance, i, j in pairs:
            trail = self.trails[i]
            limit = MAX_MOVE_ALONE if alone and trail is in_sight[0] else MAX_MOVE
            if distance <= limit and j not in taken and trail not in taken.values():
                taken[j] = trail
        out = []
        for j, reading in enumerate(readings):
            if j in taken:
                taken[j].move(reading, time)
            else:
                self._count += 1
                taken[j] = Trail(self._count, reading, time)
                self.trails.append(taken[j])
            out.append((taken[j], reading))
        return out


def _distance(trail: Trail[_R], reading: _R, time: float) -> float:
    """Return a reading's distance from a trail in sides of the face; inf if the sizes differ."""
    before, now = (math.sqrt(max(r.face[2] * r.face[3], 1.0)) for r in (trail.last, reading))
    if abs(math.log(now / before)) > MAX_GROWTH:
        return math.inf
    places = (trail.last.center, trail.expected(time))
    return min(math.dist(reading.center, place) for place in places) / max(before, now)
