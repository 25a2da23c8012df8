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
    """The time of one dial. Pixels are those of the upright photo at full size."""

    minutes: int
    """Whole minutes past twelve on the dial, 0..719."""
    confidence: float
    """Probability, 0..1, that the time is right within one minute."""
    hour_sincos: Pair
    """Mean resultant (sin, cos) of the hour hand relative to the dial's 12; its length is at most 1."""
    minute_sincos: Pair
    """Mean resultant of the minute hand."""
    box: Box
    """x, y, width and height of the clock with its case, as far as the case was detected; of the face with ``cropped=True``."""
    center: Pair
    """x and y of the hands' axis."""
    homography: tuple[tuple[float, float, float], ...]
    """3x3 matrix from the dial plane (unit circle, 12 at (0, -1)) to photo pixels."""
    rotation: float
    """Degrees by which 12 is turned clockwise from the photo's up, -180..180."""
    dial_score: float
    """Probability, 0..1, that this is a clock, from all three networks; 1.0 with ``cropped=True``."""
    second_sincos: Pair = (0.0, 0.0)
    """Mean resultant of the second hand, if there is one."""
    second_presence: float = 0.0
    """Probability, 0..1, that there is a second hand."""
    disagreement: float = math.nan
    """Degrees by which the hour hand is ahead of where the minute hand puts it, -15..15; nan if unknown."""
    finder_score: float = 1.0
    """Score of the finder, 0..1; 1.0 with ``cropped=True``."""
    dial_logit: float = math.nan
    """Logit of the pose network for being a dial."""

    @cached_property
    def face(self) -> Box:
        """x, y, width and height of the face."""
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
        """Second shown, 0..59; None if no second hand is seen clearly."""
        if self.second_presence < MIN_SECOND or math.hypot(*self.second_sincos) < MIN_SECOND:
            return None
        return round(float(angle_of(np.array(self.second_sincos))) / 6) % 60

    @property
    def consistent(self) -> bool:
        """False if the two hands contradict each other by more than 9 degrees; True also if that is unknown."""
        return not abs(self.disagreement) > MAX_DISAGREEMENT

    def time_text(self, *, seconds: bool = False) -> str:
        """Return ``h:mm``, or ``h:mm:ss`` with ``seconds``, if a second hand is seen."""
        return clock_text(self.minutes, self.second if seconds else None)

    def to_dict(self, *, seconds: bool = False) -> dict[str, Any]:
        """Return the JSON object of this reading.

        Numbers are rounded, and None if they are not finite, because JSON has no NaN.

        Args:
            seconds: whether "time" has seconds, if a second hand is seen.

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
    """The readings of one photo, or the reason why it could not be read."""

    path: str
    """The path as given; ``-`` for standard input, ``<bytes>`` or ``<array>``; a frame ends in ``#`` and its number, from 1."""
    width: int | None
    """Pixels of the upright photo at full size; None if it could not be read."""
    height: int | None
    """As `width`."""
    readings: tuple[Reading, ...]
    """The readings, best first."""
    error: str | None
    """The reason why the photo could not be read, in one line, or None."""
    scale: float = 1.0
    """Full-size pixels per decoded pixel."""
    notes: tuple[str, ...] = ()
    """Remarks about a photo that was read, such as that it has more frames; one line each."""
    below_min_confidence: int = 0
    """The number of readings left out because of `min_confidence`."""

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
    return (
        float(f"{value:.{HOMOGRAPHY_SIGNIFICANT_DIGITS}g}") + 0.0 if math.isfinite(value) else None
    )


def reading_of(
    photo: Photo,
    dial: Detection | None,
    posed: PosedDial,
    hands: Hands,
    confidence: float,
    clock_score: ClockScore,
) -> Reading:
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
