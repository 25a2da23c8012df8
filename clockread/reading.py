"""Results: the reading of one dial, and all readings of one photo, with their JSON form."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from clockread.clock import (
    SECOND_HAND_DEGREES_PER_SECOND,
    Pair,
    angle_of,
    clock_text,
    hour_hand_speed,
    seconds_past_twelve,
)
from clockread.confidence import Calibration, DialScore
from clockread.evidence import Evidence
from clockread.fields import FIELDS
from clockread.finder import Detection
from clockread.geometry import Box, bounding_box, enclosing, rotation_matrix
from clockread.hands import Hands
from clockread.images import Photo
from clockread.pose import PosedDial

MIN_SECOND = 0.5  # presence and resultant length from which a second hand is reported
MAX_DISAGREEMENT = 18.0  # minutes of hour-hand travel; 9 degrees on a 12-hour dial


@dataclass(frozen=True)
class Reading:
    """The time of one dial. Pixels are those of the upright photo at full size."""

    minutes: int
    """Nearest whole minute past twelve, 0..719; past midnight, 0..1439, on a 24-hour dial."""
    confidence: float
    """Probability, 0..1, that the time is right within one minute."""
    hour_sincos: Pair
    """Mean resultant (sin, cos) of the hour hand against the dial's 12; its length is at most 1."""
    minute_sincos: Pair
    """Mean resultant of the minute hand."""
    box: Box
    """x, y, width and height of the clock with its case, if the case was detected.

    With ``cropped=True``, of the face.
    """
    center: Pair
    """x and y of the hands' axis."""
    homography: tuple[tuple[float, float, float], ...]
    """3x3 matrix from the dial plane (unit circle, 12 at (0, -1)) to photo pixels.

    It has a negative determinant if the dial is mirrored.
    """
    rotation: float
    """Degrees by which 12 is turned clockwise from the photo's up, -180..180."""
    dial_score: float
    """Probability, 0..1, of being a clock, from all networks; 1.0 with ``cropped=True``."""
    second_sincos: Pair = (0.0, 0.0)
    """Mean resultant of the second hand, if there is one."""
    second_presence: float = 0.0
    """Probability, 0..1, that there is a second hand."""
    disagreement: float = math.nan
    """Degrees, -15..15, by which the hour hand is ahead of the place that the minute hand implies.

    On a 24-hour dial -7.5..7.5; nan if unknown.
    """
    finder_score: float = 1.0
    """Score of the finder, 0..1; 1.0 with ``cropped=True``."""
    dial_logit: float = math.nan
    """Logit of the pose network for being a dial."""
    dial_hours: int = 12
    """Hours on the dial: 12 or 24."""
    mirrored: bool = False
    """Whether the hands run counterclockwise: a mirrored photo, or a clock for a mirror."""
    clock_logit: float = math.nan
    """Logit of the context network for being a clock rather than an instrument or anything else."""
    whole_logit: float = math.nan
    """Logit of the context network for the whole face being in the photo."""
    evidence: Evidence | None = field(default=None, repr=False, compare=False)
    """The distributions behind the time; only of `ClockReader.read_photos` with ``evidence``."""

    @cached_property
    def face(self) -> Box:
        """x, y, width and height of the face."""
        return bounding_box(np.array(self.homography))

    @property
    def hour(self) -> int:
        """Hour shown, 0..11, or 0..23 on a 24-hour dial."""
        return int(self.minutes) // 60

    @property
    def minute(self) -> int:
        """Nearest whole minute, 0..59: at 10:09:50, 10."""
        return int(self.minutes) % 60

    @property
    def time(self) -> str:
        """``h:mm`` as on the dial; with 12 hours, 12 for hour 0."""
        return self.time_text()

    @property
    def second(self) -> int | None:
        """Second shown, 0..59; None if no second hand is seen clearly."""
        if self.second_presence < MIN_SECOND or math.hypot(*self.second_sincos) < MIN_SECOND:
            return None
        angle = float(angle_of(np.array(self.second_sincos)))
        return round(angle / SECOND_HAND_DEGREES_PER_SECOND) % 60

    @property
    def consistent(self) -> bool:
        """False if the hands contradict each other by more than 18 minutes; True if unknown."""
        return not abs(self.disagreement) / hour_hand_speed(self.dial_hours) > MAX_DISAGREEMENT

    def time_text(self, *, seconds: bool = False) -> str:
        """Return ``h:mm``, or ``h:mm:ss`` with ``seconds``, if a second hand is seen.

        Without seconds, the minute is the nearest one; with seconds, the one that has begun:
        nine minutes and 50 seconds past ten are 10:10 and 10:09:50.
        """
        second = self.second if seconds else None
        if second is None:
            return clock_text(self.minutes, None, self.dial_hours)
        begun = round(seconds_past_twelve(self.minutes, second)) // 60
        return clock_text(begun, second, self.dial_hours)

    def to_dict(self, *, seconds: bool = False) -> dict[str, Any]:
        """Return the JSON object of this reading: its `FIELDS`.

        Numbers are rounded, and None if they are not finite, because JSON has no NaN. With
        ``seconds``, "time" has seconds if a second hand is seen.
        """
        values = {field.name: _json(getattr(self, field.name), field.rounded) for field in FIELDS}
        return {**values, "time": self.time_text(seconds=seconds)}


@dataclass(frozen=True, slots=True)
class PhotoResult:
    """The readings of one photo, or the reason why it could not be read."""

    path: str
    """The path as given; ``-`` for standard input; ``<bytes>``, ``<array>`` or the like.

    The path of a frame ends in ``#`` and its number, from 1.
    """
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
    """Remarks about a photo that was read, such as its further frames; one line each."""
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


def _json(value: Any, rounded: str) -> Any:
    """Return numbers, also nested ones, in a format, and None for those that are not finite."""
    if not rounded:
        return value
    if isinstance(value, tuple):
        return [_json(one, rounded) for one in value]
    return float(format(value, rounded)) + 0.0 if math.isfinite(value) else None  # no -0.0


def reading_of(
    photo: Photo,
    dial: Detection | None,
    posed: PosedDial,
    hands: Hands,
    calibration: Calibration,
    dial_score_of: DialScore,
) -> Reading:
    """Convert the hands of a dial to a reading in full-size pixels.

    Args:
        photo: the photo.
        dial: the detection, or None if the whole photo is the dial.
        posed: the dial's final pose.
        hands: the decoded hands.
        calibration: gives the confidence.
        dial_score_of: gives the dial score.

    Returns:
        The reading.

    """
    # decoded pixel i covers full-size pixels scale·i to scale·(i + 1)
    scale = photo.scale
    to_full = np.array([[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2], [0, 0, 1.0]])
    confidence = calibration(hands.confidence, hands.clock_logit, hands.whole_logit)
    turned = to_full @ posed.homography @ rotation_matrix(hands.rotation)
    turned /= turned[2, 2]
    box, finder_score, dial_score = bounding_box(turned), 1.0, 1.0
    if dial is not None:
        x, y, width, height = (value * scale for value in dial.box)
        box = enclosing((x, y, width, height), box, photo.width, photo.height)
        scores = dial.score, confidence, posed.dial_logit, hands.clock_logit
        finder_score, dial_score = dial.score, dial_score_of(*scores)
    located = {
        "confidence": confidence,
        "box": box,
        "center": (float(turned[0, 2]), float(turned[1, 2])),
        "homography": tuple((float(a), float(b), float(c)) for a, b, c in turned),
        "dial_score": dial_score,
        "finder_score": finder_score,
        "dial_logit": posed.dial_logit,
    }
    shown = {name: value for name, value in vars(hands).items() if name != "log_likelihood"}
    return Reading(**{**shown, **located})
