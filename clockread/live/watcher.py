"""Frames of a source → events: a clock shows another minute, is still there, or is gone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from clockread.clock import circular_difference
from clockread.errors import ImageError, VideoError
from clockread.images import Photo, load_photo
from clockread.live.sources import Frame, Source, SourceLostError
from clockread.reading import PhotoResult, Reading
from clockread.tracking.follow import Follower
from clockread.tracking.track import AGREES_WITHIN, seconds_shown

FORGET_AFTER = 3600.0  # seconds after which a clock that comes back is a new one
GONE_AFTER = 60.0  # seconds out of sight after which a clock counts as gone
FIRST_DELAY, LONGEST_DELAY = 1.0, 60.0  # seconds before a source is opened again

Kind = Literal["change", "every", "gone"]


class Reader(Protocol):
    """The part of `clockread.reader.ClockReader` that watching needs."""

    def read_photos(self, photos: Sequence[Photo], *, cropped: bool = False) -> list[PhotoResult]:
        """Return the result of each photo."""


@dataclass(frozen=True)
class Event:
    """An event of one clock, to be written as a line."""

    kind: Kind
    at: float  # seconds since 1970, when the frame arrived
    source: str
    clock: int  # from 1, in the order in which the clocks appear
    reading: Reading | None  # None if the clock is gone

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object of this event."""
        reading = {} if self.reading is None else self.reading.to_dict(seconds=True)
        if self.reading is not None:
            hour, minute = divmod(_minute(self.reading), 60)
            reading |= {"hour": hour, "minute": minute}
        names = ("time", "hour", "minute", "second", "confidence", "box")
        return {
            "at": datetime.fromtimestamp(self.at).astimezone().isoformat(timespec="milliseconds"),
            "source": self.source,
            "event": self.kind,
            "clock": self.clock,
            **{name: reading.get(name) for name in names},
        }


def _minute(reading: Reading) -> int:
    """Return the whole minute shown, past twelve, or past midnight on a 24-hour dial.

    With a second hand, it is the one that has begun.
    """
    return int(seconds_shown(reading) // 60)


@dataclass
class _State:
    """What is known of one clock."""

    reading: Reading  # the last that was believed
    at: float  # of that reading
    seen: float  # when the clock was last in sight
    doubted: tuple[Reading, float] | None = None  # the last reading, if it contradicts that one

    def believes(self, reading: Reading, at: float) -> bool:
        """Return whether a reading follows from the one believed or from the one doubted."""
        if _follows(self.reading, self.at, reading, at):
            return True
        return self.doubted is not None and _follows(*self.doubted, reading, at)


def _follows(before: Reading, then: float, now: Reading, at: float) -> bool:
    """Return whether a clock that runs, or stands still, shows one reading after another."""
    period = 60 * min(before.dial_hours, now.dial_hours)
    apart = (
        circular_difference(now.minutes, before.minutes + minutes, period)
        for minutes in ((at - then) / 60, 0.0)
    )
    return any(bool(abs(minutes) <= AGREES_WITHIN) for minutes in apart)


@dataclass
class Watcher:
    """Turns the readings of successive frames into events.

    A reading that contradicts the one before counts once the next reading of that clock confirms
    it, so that a glare or a passer-by causes no wrong event. Frames in which the clock is not
    found do not count between the two: with a camera in whose frames it is found now and then, a
    clock that is set would otherwise never be believed.
    """

    source: str
    every: float | None = None  # seconds between events of a clock that does not change
    min_confidence: float = 0.5
    gone_after: float = GONE_AFTER
    _follower: Follower[Reading] = field(
        default_factory=lambda: Follower(forget_after=FORGET_AFTER)
    )
    _states: dict[int, _State] = field(default_factory=dict)
    _told: float | None = None

    def add(self, at: float, readings: Sequence[Reading]) -> list[Event]:
        """Return the events that the readings of a frame cause; ``at`` in seconds since 1970."""
        events = []
        confident = [one for one in readings if one.confidence >= self.min_confidence]
        for trail, reading in self._follower.add(at, confident):
            events += self._seen(trail.number, at, reading)
        for number in [n for n, one in self._states.items() if at - one.seen > self.gone_after]:
            del self._states[number]
            events.append(Event("gone", at, self.source, number, None))
        if self.every is not None and (self._told is None or at - self._told >= self.every):
            told = {event.clock for event in events}
            events += [
                Event("every", at, self.source, number, state.reading)
                for number, state in self._states.items()
                if number not in told
            ]
            self._told = at
        return events

    def _seen(self, number: int, at: float, reading: Reading) -> list[Event]:
        state = self._states.get(number)
        if state is None:
            self._states[number] = _State(reading, at, at)
            return [Event("change", at, self.source, number, reading)]
        state.seen = at
        if not state.believes(reading, at):
            state.doubted = reading, at
            return []
        changed = _minute(reading) != _minute(state.reading)
        state.reading, state.at, state.doubted = reading, at, None
        return [Event("change", at, self.source, number, reading)] if changed else []


def frames_forever(
    source: Source,
    *,
    interval: float,
    lost: Callable[[str], None],
    wait: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Frame]:
    """Yield frames of a source, and open it again if it is lost.

    Args:
        source: the source.
        interval: seconds between two frames; not used for a source that queues its frames.
        lost: called with one line when the source is lost, and when it is back.
        wait: whether to wait for a source that is not there at the start.
        sleep: waits for a number of seconds.

    Raises:
        VideoError: if the source is not there at the start, unless ``wait``.

    """
    delay, ever, last = FIRST_DELAY, False, ""
    while True:
        try:
            for frame in source.frames():
                if last:
                    lost(f"{source.name}: it is back")
                delay, ever, last = FIRST_DELAY, True, ""
                began = time.monotonic()
                yield frame
                if not source.queued:
                    sleep(max(0.0, interval - (time.monotonic() - began)))
            if source.single:
                continue
            problem = f"{source.name}: it gives no more frames"
        except VideoError as error:
            if not (ever or wait or isinstance(error, SourceLostError)):
                raise
            problem = str(error)
        if problem != last:
            lost(f"{problem}; trying again, at first after {delay:.0f} s")
        last = problem
        sleep(delay)
        delay = min(2 * delay, LONGEST_DELAY)


def events_of(
    frames: Iterator[Frame],
    reader: Reader,
    watcher: Watcher,
    *,
    cropped: bool = False,
    failed: Callable[[str], None] = lambda _: None,
) -> Iterator[Event]:
    """Read frames one after the other and yield their events.

    Args:
        frames: the frames.
        reader: reads them.
        watcher: turns readings into events.
        cropped: whether each frame is one dial.
        failed: called with one line that says why a frame cannot be read.

    """
    for frame in frames:
        try:
            photo = load_photo(frame.image, name=frame.name)
        except ImageError as error:
            failed(str(error))
            continue
        [result] = reader.read_photos([photo], cropped=cropped)
        yield from watcher.add(frame.at, result.readings)
