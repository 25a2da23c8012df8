"""Frames with times → tracks: each frame is read, its dials are followed, each track is decoded."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from clockread.images import ImageSource, Photo, name_of
from clockread.parallel import Entry, read_in_order
from clockread.reading import PhotoResult, Reading
from clockread.tracking.drift import drift_of
from clockread.tracking.fit import fit
from clockread.tracking.follow import Follower
from clockread.tracking.observations import Observation, observed
from clockread.tracking.track import Track, TrackFrame, on_its_dial

if TYPE_CHECKING:
    from clockread.reader import ClockReader

MOST_OBSERVED = 500  # frames of a track whose evidence is kept, evenly spread: 35 MB
PART_FRAMES = 8  # frames that are decoded before they are read together

Timed = tuple[float, ImageSource]


@dataclass
class _Sightings:
    """The readings of one dial, and the evidence of as many as are kept."""

    times: list[float] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    observed: list[tuple[float, Observation]] = field(default_factory=list)
    _every: int = 1

    def add(self, time: float, reading: Reading) -> None:
        if len(self.times) % self._every == 0:
            self.observed.append((time, observed(reading)))
            if len(self.observed) > MOST_OBSERVED:
                self.observed = self.observed[::2]
                self._every *= 2
        self.times.append(time)
        self.readings.append(replace(reading, evidence=None))


class Tracker:
    """Collects the results of frames, and decodes the tracks of their dials.

    Args:
        rate: the rate of every dial, if it is known.
        min_frames: frames in which a dial must be read.

    Raises:
        ValueError: for a rate that is not finite.

    """

    def __init__(self, rate: float | None = None, min_frames: int = 1) -> None:
        if rate is not None and not math.isfinite(rate):
            raise ValueError(f"rate is {rate}: give a finite number, or None to find it")
        self._rate, self._min_frames = rate, min_frames
        self._follower: Follower[Reading] = Follower()
        self._seen: dict[int, _Sightings] = {}

    def add(self, time: float, readings: Sequence[Reading]) -> None:
        """Add the readings of a frame; frames come in the order of their times, seconds."""
        for trail, reading in self._follower.add(time, readings):
            self._seen.setdefault(trail.number, _Sightings()).add(time, reading)

    @property
    def left_out(self) -> int:
        """The number of dials that were read in too few frames."""
        return sum(len(one.times) < self._min_frames for one in self._seen.values())

    def tracks(self) -> list[Track]:
        """Return the tracks, in the order in which their dials appeared."""
        kept = [one for one in self._seen.values() if len(one.times) >= self._min_frames]
        return [self._track(number, one) for number, one in enumerate(kept, start=1)]

    def _track(self, number: int, seen: _Sightings) -> Track:
        times = np.array([time for time, _ in seen.observed]) - seen.times[0]
        frames = [one for _, one in seen.observed]
        found = fit(times, frames, self._rate)
        found = on_its_dial(found, [time - seen.times[0] for time in seen.times], seen.readings)
        shown = (
            TrackFrame(time, reading, found.at(time - seen.times[0]))
            for time, reading in zip(seen.times, seen.readings, strict=True)
        )
        return Track(number, found, tuple(shown), drift_of(times, frames, found))


class _WithEvidence:
    """A reader whose readings keep their evidence."""

    def __init__(self, reader: ClockReader) -> None:
        self._reader = reader

    @property
    def part_photos(self) -> int:
        return self._reader.part_photos

    def read_photos(
        self,
        photos: Sequence[Photo],
        *,
        cropped: bool = False,
        timings: dict[str, float] | None = None,
    ) -> list[PhotoResult]:
        return self._reader.read_photos(photos, cropped=cropped, timings=timings, evidence=True)


def read_frames(
    reader: ClockReader, frames: Iterable[Timed], *, workers: int = 1, cropped: bool = False
) -> Iterator[tuple[float, PhotoResult]]:
    """Read frames ahead on several workers; yield time and result of each, in order.

    Args:
        reader: reads them; with several workers, on one thread.
        frames: times in seconds, ascending, and images.
        workers: see `clockread.parallel.read_in_order`.
        cropped: whether each frame is one dial that fills it.

    Yields:
        The time, and the result with the evidence of its readings.

    """
    times: deque[float] = deque()

    def entries() -> Iterator[Entry]:
        for time, image in frames:
            times.append(time)
            yield Entry(name_of(image), image)

    results = read_in_order(
        entries(), _WithEvidence(reader), cropped=cropped, workers=workers, batch_size=PART_FRAMES
    )
    for result in results:
        yield times.popleft(), result


def track_frames(
    reader: ClockReader,
    frames: Iterable[Timed],
    *,
    workers: int = 1,
    cropped: bool = False,
    rate: float | None = None,
    min_frames: int = 1,
) -> list[Track]:
    """Read frames on several workers and decode their tracks; see `ClockReader.track`."""
    tracker = Tracker(rate, min_frames)
    for time, result in read_frames(reader, frames, workers=workers, cropped=cropped):
        tracker.add(time, result.readings)
    return tracker.tracks()
