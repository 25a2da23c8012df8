"""Times on a dial as angles and as (sin, cos) pairs.

Angles are in degrees, clockwise, 0 at 12 o'clock. A time is in minutes on the dial,
0 ≤ t < 720, or 0 ≤ t < 1440 on a 24-hour dial.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clockread.geometry import Floats

MINUTES_ON_DIAL = 720
MINUTE_HAND_DEGREES_PER_MINUTE = 6.0
SECOND_HAND_DEGREES_PER_SECOND = 6.0

Pair = tuple[float, float]
Numbers = NDArray[np.floating] | NDArray[np.integer]


def hour_hand_speed(hours: int) -> float:
    """Return the degrees per minute of the hour hand of a dial of 12 or 24 hours."""
    return MINUTE_HAND_DEGREES_PER_MINUTE / hours


def hand_angles(minutes: float | Floats, hours: int = 12) -> tuple[Floats, Floats]:
    """Return the angles of hour hand and minute hand, [0, 360), on a dial of 12 or 24 hours.

    Times are ``minutes`` past twelve, or past midnight with 24 ``hours``, when that is at the top.
    """
    t = np.asarray(minutes, dtype=np.float64)
    return (t * hour_hand_speed(hours)) % 360.0, (t * MINUTE_HAND_DEGREES_PER_MINUTE) % 360.0


def sincos(degrees: float | Floats) -> Floats:
    """Return (sin, cos) of an angle; shape (..., 2), values in [-1, 1]."""
    r = np.deg2rad(np.asarray(degrees, dtype=np.float64))
    return np.stack([np.sin(r), np.cos(r)], axis=-1)


def angle_of(pair: Floats) -> Floats:
    """Return the angle in degrees [0, 360) of (sin, cos) pairs (..., 2) of any length."""
    pair = np.asarray(pair)
    return np.rad2deg(np.arctan2(pair[..., 0], pair[..., 1])) % 360.0


def circular_difference(a: float | Numbers, b: float | Numbers, period: float) -> Floats:
    """Return the signed shortest distance from ``b`` to ``a``, in [-period/2, period/2)."""
    return (np.asarray(a, dtype=np.float64) - b + period / 2) % period - period / 2


def minutes_apart(found: float | Numbers, true: float | Numbers) -> Floats:
    """Return the minutes between dial times, the short way round, in [0, 360]."""
    return np.abs(circular_difference(found, true, MINUTES_ON_DIAL))


def right_within(
    found: float | Numbers, true: float | Numbers, minutes: float = 1
) -> NDArray[np.bool_]:
    """Return whether dial times are at most ``minutes`` from the true ones."""
    return minutes_apart(found, true) <= minutes


def seconds_past_twelve(minutes: int, second: float | None) -> float:
    """Return the time of hands that show a rounded whole minute and perhaps a second.

    With a second, the minute is the one that has begun: at 10:09:50, the minute hand is nearest to
    10. The time may then be negative.
    """
    if second is None:
        return 60.0 * minutes
    return 60.0 * round((60.0 * minutes - second) / 60.0) + second


def clock_text(minutes: int, second: int | None = None, hours: int = 12) -> str:
    """Return a dial time as ``h:mm``, or ``h:mm:ss`` with a ``second``.

    With 12 ``hours`` on the dial, hour 0 is written as 12.
    """
    hour, minute = divmod(int(minutes) % (60 * hours), 60)
    return f"{hour if hours == 24 else hour or 12}:{minute:02d}" + (
        "" if second is None else f":{second:02d}"
    )


def disagreement(hour: Floats, minute: Floats, hours: int = 12) -> Floats:
    """Return the degrees by which hour hands are ahead of where minute hands put them.

    The minute hand gives the position of the hour hand between two hours, whichever these are.

    Args:
        hour: angles (n,) of the hour hands against 12, degrees.
        minute: the same of the minute hands.
        hours: on the dials, 12 or 24.

    Returns:
        Degrees (n,), [-15, 15) with 12 hours and half of that with 24.

    """
    spacing = 360.0 / hours
    return circular_difference(np.asarray(hour), np.asarray(minute) % 360.0 / hours, spacing)


def pair_of(values: Floats) -> Pair:
    """Return an array (2,) as a tuple."""
    return float(values[0]), float(values[1])
