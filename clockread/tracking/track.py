"""The result: one dial in many frames, with its start, its rate and the time of every frame."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from clockread.clock import clock_text, minutes_apart, seconds_past_twelve
from clockread.reading import Reading
from clockread.tracking.drift import Drift
from clockread.tracking.fit import Fit, Kind
from clockread.tracking.observations import SECONDS_ON_DIAL

AGREES_WITHIN = 1.5  # minutes: one, and half a minute because readings are whole minutes


@dataclass(frozen=True)
class TrackFrame:
    """One frame of a track."""

    time: float
    """Seconds, as given with the frame."""
    reading: Reading
    """The time by this frame alone."""
    shown: float
    """The time by all frames of the track: seconds past twelve, 0 ≤ s < 43200."""

    @property
    def agrees(self) -> bool:
        """Whether the frame alone gives the time of all frames, within 90 seconds."""
        return bool(minutes_apart(self.reading.minutes, self.shown / 60) <= AGREES_WITHIN)


@dataclass(frozen=True)
class Track:
    """One dial in many frames."""

    number: int
    """From 1, in the order in which the dials appear."""
    fit: Fit
    """Start and rate; its time 0 is that of the first frame."""
    frames: tuple[TrackFrame, ...]
    """The frames in which the dial was read, in order."""
    drift: Drift | None
    """Seconds per hour that the dial gains on its rate, with their error.

    None for the kind ``free``, for fewer than 8 usable frames, or for a standard error above 10
    seconds per hour.
    """

    @property
    def rate(self) -> float:
        """Seconds that the dial advances per second: 0 if stopped, 1 in real time."""
        return self.fit.rate

    @property
    def kind(self) -> Kind:
        """``stopped``, ``real time`` or ``free``."""
        return self.fit.kind

    @property
    def confidence(self) -> float:
        """Probability, 0..1, that the times are right within one minute."""
        return self.fit.confidence

    @property
    def has_seconds(self) -> bool:
        """Whether a second hand gave the seconds."""
        return self.fit.has_seconds

    @cached_property
    def disagreeing(self) -> int:
        """The number of frames that alone give another time."""
        return sum(not frame.agrees for frame in self.frames)

    def shown_at(self, time: float) -> float:
        """Return the seconds past twelve that the dial shows at a time of the frames' clock."""
        return self.fit.at(time - self.frames[0].time)

    def text_at(self, time: float) -> str:
        """Return the time that the dial shows as ``h:mm``, or ``h:mm:ss`` with a second hand."""
        return time_text(self.shown_at(time), seconds=self.has_seconds)

    def to_dict(self, *, frames: bool = True) -> dict[str, Any]:
        """Return the JSON object of this track, with one object per frame unless switched off."""
        first, last = self.frames[0], self.frames[-1]
        out: dict[str, Any] = {
            "track": self.number,
            "from": round(first.time, 3),
            "to": round(last.time, 3),
            "start": self.text_at(first.time),
            "end": self.text_at(last.time),
            "start_seconds": round(first.shown, 2),
            "rate": round(self.rate, 4),
            "kind": self.kind,
            "rate_confidence": round(self.fit.rate_confidence, 4),
            "confidence": round(self.confidence, 4),
            "has_seconds": self.has_seconds,
            "drift": None if self.drift is None else round(self.drift.per_hour, 2),
            "drift_error": None if self.drift is None else round(self.drift.error, 2),
            "frames_used": len(self.frames),
            "frames_disagreeing": self.disagreeing,
        }
        if frames:
            out["frames"] = [self._frame_dict(frame) for frame in self.frames]
        return out

    def _frame_dict(self, frame: TrackFrame) -> dict[str, Any]:
        alone = frame.reading.to_dict(seconds=True)
        return {
            "at": round(frame.time, 3),
            "time": reading_text(frame.reading),
            "confidence": alone["confidence"],
            "fused": time_text(frame.shown, seconds=self.has_seconds),
            "agrees": frame.agrees,
            "box": alone["box"],
        }


def seconds_shown(reading: Reading) -> float:
    """Return the time of a reading as seconds past twelve, 0 ≤ s < 43200.

    On a 24-hour dial whose second hand is not seen, s < 86400.
    """
    shown = seconds_past_twelve(reading.minutes, reading.second)
    return shown if reading.second is None else shown % SECONDS_ON_DIAL


def time_text(shown: float, *, seconds: bool) -> str:
    """Return seconds past twelve as ``h:mm``, rounded down, or as ``h:mm:ss``."""
    minutes, rest = divmod(math.floor(shown + 1e-6), 60)
    return clock_text(minutes, rest if seconds else None)


def reading_text(reading: Reading) -> str:
    """Return the time of one reading as ``h:mm``, or ``h:mm:ss`` if a second hand is seen."""
    return time_text(seconds_shown(reading), seconds=reading.second is not None)
