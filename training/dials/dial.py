"""A whole dial, drawn as seen straight on: a clock, an instrument or a lookalike."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from random import Random

from clockread.clock import hand_angles
from training.dials.canvas import Canvas
from training.dials.case import Tones, draw_case, pick_tones
from training.dials.chronograph import draw_subdials
from training.dials.face import draw_extras, draw_face, draw_numerals, draw_track
from training.dials.glass import draw_glass, draw_occlusion, draw_reflection
from training.dials.hands import draw_hands, make_alarm, make_marker, make_pair, make_second
from training.dials.instruments import draw_instrument
from training.dials.lookalikes import draw_lookalike
from training.dials.oblong import draw_oblong_case, draw_oblong_track
from training.dials.presets import Preset
from training.dials.randomness import chance
from training.dials.twentyfour import draw_24_hours
from training.dials.watch import draw_watch


@dataclass(frozen=True)
class Dial:
    """A dial as drawn, before any camera sees it.

    Angles are as seen, in degrees clockwise from the dial's top, also if the dial is mirrored.
    """

    canvas: Canvas
    outer: float  # case radius over face radius
    oriented: bool  # numerals, a mark at 12, or a strap show where 12 is
    minutes: int  # time shown, whole minutes past twelve, below 60 × hours; -1 if not a clock
    hour_angle: float  # where the hand really points; nan if not a clock
    minute_angle: float
    second_angle: float  # of the central second hand; nan without one
    is_clock: bool = True
    mirrored: bool = False  # the hands run counter-clockwise
    hours: int = 12  # on the dial, 12 or 24
    half: tuple[float, float] | None = None  # half width and height of a rectangular case
    side: tuple[float, float] | None = None  # the case's depth in dial radii, and its side's tone
    surroundings: Canvas | None = None  # behind the dial; its unit is `watch.REACH` dial radii

    def flipped(self) -> Dial:
        """Return the labels of the dial as seen in a mirror; the drawing stays."""
        angles = (self.hour_angle, self.minute_angle, self.second_angle)
        hour, minute, second = (-angle % 360 for angle in angles)
        return replace(
            self,
            mirrored=not self.mirrored,
            hour_angle=hour,
            minute_angle=minute,
            second_angle=second,
        )


def _angles(rng: Random, minutes: float, hours: int, careless: float) -> tuple[float, float]:
    """Return where hour and minute hand point, degrees; a share ``careless`` is drawn wrong.

    Angles are counted from the top, which is 12, or midnight if the dial has 24 hours.
    """
    slower = 12 / hours  # the hour hand, than that of a usual dial
    hour, minute = (float(v) for v in hand_angles(minutes, hours))
    hour += slower * (rng.gauss(0, 1.2) if rng.random() < 0.93 else rng.gauss(0, 4))
    if chance(rng, careless):
        if rng.random() < 0.6:
            hour = 360 / hours * (int(minutes) // 60)
        else:
            hour += slower * max(-12.0, min(12.0, rng.gauss(0, 6)))
    return hour, minute + rng.gauss(0, 0.5)


@dataclass(frozen=True)
class _Case:
    """What `draw_dial` keeps of a case."""

    outer: float
    face: tuple[float, float] | None = None  # half sizes of a rectangular face
    half: tuple[float, float] | None = None  # the same of its case
    surroundings: Canvas | None = None


def _draw_case(
    rng: Random, canvas: Canvas, tones: Tones, preset: Preset, *, chronograph: bool
) -> _Case:
    """Draw case and face."""
    worn, oblong = chance(rng, preset.worn), chance(rng, preset.oblong)
    if oblong:
        face, half = draw_oblong_case(rng, canvas, tones)
        return _Case(max(half), face, half)
    if worn:
        outer, around = draw_watch(rng, canvas, tones, preset.scale, chronograph=chronograph)
    else:
        outer, around = draw_case(rng, canvas, tones, preset), None
    draw_face(rng, canvas, tones, preset)
    return _Case(outer, surroundings=around)


def _draw_hours(
    rng: Random, canvas: Canvas, tones: Tones, preset: Preset, case: _Case, noon_up: bool | None
) -> bool:
    """Draw track and numerals, of 24 hours if ``noon_up`` is given; return whether 12 is marked."""
    numerals = rng.random() < preset.numerals
    if noon_up is not None:
        draw_24_hours(rng, canvas, tones, noon_up)
        return True
    if case.face is not None:
        draw_oblong_track(rng, canvas, tones, case.face, numerals=numerals)
        return True
    track = draw_track(rng, canvas, tones, numerals, preset.bare)
    if numerals:
        draw_numerals(rng, canvas, tones, track, preset.roman)
    return numerals or track.twelve_marked or case.surroundings is not None


def _draw_hands(
    rng: Random, canvas: Canvas, tones: Tones, preset: Preset, angles: tuple[float, float, float]
) -> None:
    """Draw the hands for hour, minute and second, degrees; the last is nan without one."""
    hour, minute, second_angle = angles
    marker = rng.random() < preset.marker
    if marker:
        pair = make_marker(rng, hour, minute, tones.hands)
    else:
        pair = make_pair(rng, hour, minute, tones, preset)
    if rng.random() < 0.06:
        pair.reverse()
    hands = [make_alarm(rng, tones.face)] if rng.random() < preset.alarm else []
    hands += pair
    if not math.isnan(second_angle):
        second = make_second(rng, second_angle, tones.hands, tones.face)
        if chance(rng, preset.stout_second):
            second.shapes[0][0][:, 0] *= rng.uniform(1.5, 3.0)
        hands = [second, *hands] if rng.random() < 0.15 else [*hands, second]
    capless = (marker and rng.random() < 0.7) or rng.random() < 0.05
    cap = 0.0 if capless else rng.uniform(0.015, 0.09)
    cap_tone = tones.hands if rng.random() < 0.7 else rng.uniform(0, 255)
    draw_hands(rng, canvas, hands, cap, cap_tone)


def draw_dial(rng: Random, preset: Preset, shown: float | None = None) -> Dial:
    """Draw a whole clock, or an instrument in a share of cases, seen straight on.

    With ``shown``, seconds past twelve, it is the same clock at that time, its minute hand moving
    between the minutes.
    """
    if chance(rng, preset.gauge):
        return _draw_gauge(rng, preset)
    hours = 24 if chance(rng, preset.twentyfour) else 12
    minutes = rng.randrange(60 * hours)
    has_second = rng.random() < preset.second_hand
    seconds = rng.random() * 60
    late = seconds / 60 if has_second and rng.random() < 0.6 else 0.0
    if shown is not None:
        minutes, seconds = int(shown // 60) % (60 * hours), shown % 60
        late = seconds / 60
    hour, minute = _angles(rng, minutes + late, hours, preset.careless)
    noon_up = rng.random() < 0.35 if hours == 24 else None
    if noon_up:
        hour += 180
    canvas, tones = Canvas(), pick_tones(rng, preset.light_face)
    canvas.backwards = chance(rng, preset.backwards)
    chronograph = chance(rng, preset.chronograph)
    case = _draw_case(rng, canvas, tones, preset, chronograph=chronograph)
    oriented = _draw_hours(rng, canvas, tones, preset, case, noon_up)
    draw_extras(rng, canvas, tones, preset)
    if chronograph:
        draw_subdials(rng, canvas, tones, seconds)
        if rng.random() < 0.65:  # the central hand is not running
            seconds = 0.0
    second = seconds * 6 if has_second else math.nan
    _draw_hands(rng, canvas, tones, preset, (hour, minute, second))
    canvas.lift_marks()
    if canvas.wall_tone is None and chance(rng, preset.textured):
        draw_glass(rng, canvas)
    if chance(rng, preset.reflection):
        draw_reflection(rng, canvas)
    draw_occlusion(rng, canvas)
    dial = Dial(
        canvas,
        case.outer,
        oriented,
        minutes,
        hour % 360,
        minute % 360,
        second,
        hours=hours,
        half=case.half,
        side=_pick_side(rng, preset, canvas),
        surroundings=case.surroundings,
    )
    if canvas.backwards:
        canvas.flip()
        dial = dial.flipped()
    return dial


def _draw_gauge(rng: Random, preset: Preset) -> Dial:
    canvas, outer = draw_instrument(rng)
    if chance(rng, preset.reflection):
        draw_reflection(rng, canvas)
    return replace(_not_a_clock(canvas, outer), side=_pick_side(rng, preset, canvas))


def _pick_side(rng: Random, preset: Preset, canvas: Canvas) -> tuple[float, float] | None:
    """Return depth and tone of the case's side, or None if the dial is flat."""
    if canvas.wall_tone is not None or not chance(rng, preset.side):
        return None
    return rng.uniform(0.06, 0.5), rng.uniform(20, 220)


def _not_a_clock(canvas: Canvas, outer: float) -> Dial:
    return Dial(canvas, outer, True, -1, math.nan, math.nan, math.nan, is_clock=False)


def draw_no_dial(rng: Random) -> Dial:
    """Draw something that only looks like a clock."""
    return _not_a_clock(draw_lookalike(rng), 1.1)
