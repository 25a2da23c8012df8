"""Results: the reading of one dial, and all readings of one photo, with their JSON form."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from clockread.clock import Pair, angle_of, clock_text
from clockread.confidence import ClockScore
from clockread.finder import Detection
from clockread.geometry import Box, bounding_box, enclosing, rotation_matrix
from clockread.hands import Hands
from clockread.images import Photo
from clockread.pose import PosedDial

MIN_SECOND = 0.5  # presence and resultant length from which a second hand is reported
# Digits after the point in JSON and CSV. A homography's last row is orders of magnitude smaller than its last column.
PROBABILITY_DIGITS = 4
PIXEL_DIGITS = 2
SINCOS_DIGITS = 4
DEGREE_DIGITS = 2
HOMOGRAPHY_SIGNIFICANT_DIGITS = 8
MAX_DISAGREEMENT = 9.0  # degrees; equals 18 minutes of hour-hand travel


@dataclass(frozen=True)
class Reading:
    """One dial's time. All pixel values are in the oriented photo at its full size."""

    minutes: int  # whole minutes past twelve on the dial, 0..719
    confidence: float  # probability, 0..1, that the time is right within one minute
    hour_sincos: Pair  # mean resultant (sin, cos) of the hour hand against the dial's 12; length <= 1
    minute_sincos: Pair  # the same for the minute hand
    box: Box  # x, y, width, height of the clock, its case included as far as that was found; of the face with cropped=True
    center: Pair  # x, y of the hands' axis, pixels
    homography: tuple[tuple[float, float, float], ...]  # 3x3, dial plane (unit disc, 12 at (0, -1)) -> photo pixels
    rotation: float  # degrees clockwise by which 12 is turned from the photo's up, -180..180
    dial_score: float  # probability, 0..1, that this is a clock, by what all networks say of it (1.0 with cropped=True)
    second_sincos: Pair = (0.0, 0.0)  # mean resultant of the second hand, if there is one
    second_presence: float = 0.0  # probability, 0..1, that there is a second hand
    disagreement: float = math.nan  # degrees by which the hour hand is ahead of where the minute hand says, -15..15; nan: not known
    finder_score: float = 1.0  # 0..1, what the finder says of its being a clock (1.0 with cropped=True)
    dial_logit: float = math.nan  # what the pose network says of that

    @cached_property
    def face(self) -> Box:
        """x, y, width, height of the face, pixels."""
        return bounding_box(np.array(self.homography))

    @property
    def hour(self) -> int:
        """Hour shown, 0..11."""
        return self.minutes // 60

    @property
    def minute(self) -> int:
        """Minute shown, 0..59."""
        return self.minutes % 60

    @property
    def time(self) -> str:
        """``h:mm`` as on the dial, 12 for hour 0."""
        return clock_text(self.minutes)

    @property
    def second(self) -> int | None:
        """Second shown, 0..59; None where no second hand is seen clearly."""
        if self.second_presence < MIN_SECOND or math.hypot(*self.second_sincos) < MIN_SECOND:
            return None
        return round(float(angle_of(np.array(self.second_sincos))) / 6) % 60

    @property
    def consistent(self) -> bool:
        """Whether the two hands agree: the hour hand is about where the minute hand puts it; True if that is not known."""
        return not abs(self.disagreement) > MAX_DISAGREEMENT

    def time_text(self, *, seconds: bool = False) -> str:
        """Return ``h:mm``, or ``h:mm:ss`` if ``seconds`` is set and a second hand is seen."""
        return clock_text(self.minutes, self.second if seconds else None)

    def to_dict(self, *, seconds: bool = False) -> dict[str, Any]:
        """Return the JSON object of this reading.

        Numbers are rounded, and None if they are not finite, because JSON has no NaN. ``seconds``: in "time" too, if a second hand is seen.
        """
        return {
            "time": self.time_text(seconds=seconds),
            "hour": int(self.hour),
            "minute": int(self.minute),
            "confidence": _number(self.confidence, PROBABILITY_DIGITS),
            "box": _numbers(self.box, PIXEL_DIGITS),
            "center": _numbers(self.center, PIXEL_DIGITS),
            "hour_sincos": _numbers(self.hour_sincos, SINCOS_DIGITS),
            "minute_sincos": _numbers(self.minute_sincos, SINCOS_DIGITS),
            "rotation": _number(self.rotation, DEGREE_DIGITS),
            "homography": [[_significant(value) for value in row] for row in self.homography],
            "dial_score": _number(self.dial_score, PROBABILITY_DIGITS),
            "second": self.second,
            "second_sincos": _numbers(self.second_sincos, SINCOS_DIGITS),
            "second_presence": _number(self.second_presence, PROBABILITY_DIGITS),
            "disagreement": _number(self.disagreement, DEGREE_DIGITS),
            "consistent": self.consistent,
        }


@dataclass(frozen=True, slots=True)
class PhotoResult:
    """The readings of one photo, or the reason why there are none."""

    path: str  # as given, "-" for standard input, "<bytes>" or "<array>"; of a frame with "#" and its number, from 1
    width: int | None  # pixels of the upright photo at full size; None if it could not be read
    height: int | None
    readings: tuple[Reading, ...]  # best first
    error: str | None  # one line, or None
    scale: float = 1.0  # full-size pixels per decoded pixel
    notes: tuple[str, ...] = ()  # what a person should know of a photo that was read, such as that it has more frames; a line each
    below_min_confidence: int = 0  # readings that were left out, because their confidence is below what was asked for

    def to_dict(self, *, seconds: bool = False) -> dict[str, Any]:
        """Return the JSON object of this photo; see `Reading.to_dict`."""
        return {
            "path": self.path,
            "width": self.width,
            "height": self.height,
            "readings": [reading.to_dict(seconds=seconds) for reading in self.readings],
            "error": self.error,
            "notes": list(self.notes),
        }


def _number(value: float, digits: int) -> float | None:
    value = float(value)
    return round(value, digits) + 0.0 if math.isfinite(value) else None  # + 0.0 turns -0.0 into 0.0


def _numbers(values: Iterable[float], digits: int) -> list[float | None]:
    return [_number(value, digits) for value in values]


def _significant(value: float) -> float | None:
    value = float(value)
    return float(f"{value:.{HOMOGRAPHY_SIGNIFICANT_DIGITS}g}") + 0.0 if math.isfinite(value) else None


def reading_of(photo: Photo, dial: Detection | None, posed: PosedDial, hands: Hands, confidence: float, clock_score: ClockScore) -> Reading:
    """Return the reading of a detected dial, or of a photo that is one dial (``dial`` None)."""
    # decoded pixel i covers full-size pixels scale·i to scale·(i + 1): its centre is at scale·i + (scale − 1)/2
    scale = photo.scale
    to_full = np.array([[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2], [0, 0, 1.0]])
    turned = to_full @ posed.homography @ rotation_matrix(hands.rotation)
    turned /= turned[2, 2]
    box, finder_score, dial_score = bounding_box(turned), 1.0, 1.0
    if dial is not None:
        x, y, width, height = (value * scale for value in dial.box)
        box = enclosing((x, y, width, height), box, photo.width, photo.height)
        finder_score, dial_score = dial.score, clock_score(dial.score, confidence, posed.dial_logit)
    return Reading(
        minutes=hands.minutes,
        confidence=confidence,
        hour_sincos=hands.hour_sincos,
        minute_sincos=hands.minute_sincos,
        box=box,
        center=(float(turned[0, 2]), float(turned[1, 2])),
        homography=tuple((float(a), float(b), float(c)) for a, b, c in turned),
        rotation=hands.rotation,
        dial_score=dial_score,
        second_sincos=hands.second_sincos,
        second_presence=hands.second_presence,
        disagreement=hands.disagreement,
        finder_score=finder_score,
        dial_logit=posed.dial_logit,
    )
