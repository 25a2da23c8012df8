"""The result: one dial in many frames, with its start, its rate and the time of every frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from clockread.clock import (
    angle_of,
    circular_difference,
    clock_text,
    hand_angles,
    minutes_apart,
    seconds_past_twelve,
)
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
    """The time by all frames of the track, as `Track.shown_at` returns it."""

    @property
    def agrees(self) -> bool:
        """Whether the frame alone gives the time of all frames modulo 12 hours, within 90 s."""
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

    @property
    def dial_hours(self) -> int:
        """Hours on the dial: 12 or 24."""
        return self.fit.dial_hours

    @cached_property
    def noon_up(self) -> bool:
        """Whether a 24-hour dial has 12 at the top, instead of 24, by the hour hands of frames."""
        turned = 0.0
        for one in (frame.reading for frame in self.frames):
            if one.dial_hours == self.dial_hours == 24:
                right, _ = hand_angles(one.minutes, one.dial_hours)
                off = float(angle_of(np.array(one.hour_sincos)) - right)
                turned += one.confidence * math.cos(math.radians(off))
        return turned < 0

    @cached_property
    def disagreeing(self) -> int:
        """The number of frames that alone give another time."""
        return sum(not frame.agrees for frame in self.frames)

    def shown_at(self, time: float) -> float:
        """Return the seconds past twelve that the dial shows at a time of the frames' clock.

        0 ≤ s < 43200; on a 24-hour dial they are past midnight, and 0 ≤ s < 86400.
        """
        return self.fit.at(time - self.frames[0].time)

    def text_at(self, time: float) -> str:
        """Return the time that the dial shows as ``h:mm``, or ``h:mm:ss`` with a second hand."""
        return self._text(self.shown_at(time))

    def _text(self, shown: float) -> str:
        return time_text(shown, seconds=self.has_seconds, hours=self.dial_hours)

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
            "time": alone["time"],
            "confidence": alone["confidence"],
            "fused": self._text(frame.shown),
            "agrees": frame.agrees,
            "box": alone["box"],
        }


def seconds_shown(reading: Reading) -> float:
    """Return the time of a reading as seconds past twelve, 0 ≤ s < 43200.

    On a 24-hour dial they are past midnight, and 0 ≤ s < 86400.
    """
    return seconds_past_twelve(reading.minutes, reading.second) % (3600 * reading.dial_hours)


def time_text(shown: float, *, seconds: bool, hours: int = 12) -> str:
    """Return seconds past twelve as ``h:mm``, rounded down, or as ``h:mm:ss``."""
    minutes, rest = divmod(math.floor(shown + 1e-6), 60)
    return clock_text(minutes, rest if seconds else None, hours)


def on_its_dial(fit: Fit, times: Sequence[float], readings: Sequence[Reading]) -> Fit:
    """Return a fit, which is modulo 12 hours, on a dial of 24 hours if most readings are of one.

    Args:
        fit: start and rate.
        times: of the readings, seconds since the start of the track.
        readings: the readings; those of a 24-hour dial vote for the half of the day.

    """
    of_day = [(t, one) for t, one in zip(times, readings, strict=True) if one.dial_hours == 24]
    weight = sum(one.confidence for _, one in of_day)
    if 2 * weight <= sum(one.confidence for one in readings):
        return fit
    morning = replace(fit, dial_hours=24)
    period = 3600 * morning.dial_hours
    wrong = sum(
        one.confidence
        for t, one in of_day
        if abs(circular_difference(seconds_shown(one), morning.at(t), period)) > period / 4
    )
    return replace(morning, start=fit.start + SECONDS_ON_DIAL) if 2 * wrong > weight else morning
