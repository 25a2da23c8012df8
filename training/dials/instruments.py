"""Round instruments other than clocks, drawn as carefully: gauges, meters, compasses, scales.

They share cases, glass, light and camera with the clocks; most have one pointer, an arc scale with
a gap, and a unit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

import numpy as np

from training.dials.canvas import (
    AZIMUTH,
    RADIUS,
    Canvas,
    X,
    Y,
    around,
    at_angle,
    bar,
    disc_points,
    pick_font,
    spun,
    trapezoid,
    turned,
)
from training.dials.case import Tones, draw_case, pick_tones
from training.dials.face import WORDS, draw_face
from training.dials.glass import draw_glass
from training.dials.hands import Hand, draw_hands, profile
from training.dials.presets import Preset
from training.dials.randomness import near_tone, other_tone
from training.dials.scales import (
    LABELS,
    UNITS,
    Arc,
    draw_pointers,
    draw_scale,
    draw_sectors,
    draw_texts,
    needle_tone,
    pick_arc,
    pick_figures,
    sector,
)

_PLAIN = Preset(strap=0.0, scale=0.0, openwork=0.0, tracery=0.0)
_WORDS_OF_WEATHER = ("STORMY", "RAIN", "CHANGE", "FAIR", "VERY DRY")


def _gauge(rng: Random, canvas: Canvas, tones: Tones) -> None:
    """Draw a pressure gauge, thermometer, hygrometer or speedometer."""
    arc, radius = pick_arc(rng), rng.uniform(0.78, 0.97)
    if rng.random() < 0.4:
        draw_sectors(rng, canvas, arc, radius + rng.uniform(-0.08, 0.03), tones.face)
    room = draw_scale(rng, canvas, arc, radius, pick_figures(rng), tones.ink)
    if rng.random() < 0.35 and room > 0.45:  # a second unit inside
        second = other_tone(rng, tones.face, 60, 150)
        inner = room * rng.uniform(0.9, 1.0)
        room = draw_scale(rng, canvas, arc, inner, pick_figures(rng), second)
    draw_texts(rng, canvas, tones, room)
    if rng.random() < 0.25:  # screws or a stop pin
        for side in (-1, 1):
            place = (side * rng.uniform(0.1, 0.2), rng.uniform(0.25, 0.5))
            canvas.circle(rng.uniform(0.03, 0.05), near_tone(rng, 150, 70), center=place)
    count = rng.choices((0, 1, 2), (6, 80, 14))[0]
    share = 0.0 if rng.random() < 0.15 else rng.random()  # many rest at zero
    angles = [arc.at(share), arc.at(rng.random())][:count]
    draw_pointers(rng, canvas, tones, angles, rng.uniform(0.6, 1.0) * radius)


def _meter(rng: Random, canvas: Canvas, tones: Tones) -> None:
    """Draw a panel meter: a flat arc, and a pivot near the bottom behind a cover."""
    pivot, span = rng.uniform(0.35, 0.6), rng.uniform(70, 110)
    arc, radius = Arc(-span / 2, span), rng.uniform(0.95, 1.15)
    texts = pick_figures(rng)
    if rng.random() < 0.3:
        band = sector(arc, radius - 0.06, radius, rng.uniform(0.5, 0.8))
        canvas.fill([band + (0, pivot)], other_tone(rng, tones.face, 40, 150))
    parts = len(texts) - 1
    for count, half, length in ((parts, 0.014, 0.12), (parts * 5, 0.007, 0.06)):
        ticks = spun(
            bar(half, -radius, -radius + length), arc.start + np.linspace(0, span, count + 1)
        )
        canvas.fill([tick + (0, pivot) for tick in ticks], tones.ink)
    font = pick_font(rng)
    for i, text in enumerate(texts):
        x, y = at_angle(radius + 0.1, math.radians(arc.at(i / parts)))
        canvas.write(font, text, (x, y + pivot), 0.1, tones.ink)
    canvas.write(pick_font(rng), rng.choice(UNITS), (0, rng.uniform(-0.15, 0.15)), 0.22, tones.ink)
    half = rng.uniform(0.008, 0.02)
    needle = turned(
        trapezoid(half, 0, half * 0.4, -radius * rng.uniform(0.8, 1.0)), arc.at(rng.random())
    )
    canvas.fill([needle + (0, pivot)], needle_tone(rng, tones))
    cover = disc_points(36, rng.uniform(0.2, 0.45), (0, pivot + rng.uniform(0.1, 0.3)))
    canvas.fill([cover], near_tone(rng, tones.ink, 60))


def _indicator(rng: Random, canvas: Canvas, tones: Tones) -> None:
    """Draw an indicator of few words, such as MIN and MAX, with a broad pointer."""
    font, height = pick_font(rng), rng.uniform(0.12, 0.22)
    words = rng.choice(
        (("MIN", "MAX"), ("PUMP ON", "PUMP OFF"), ("E", "F"), ("OPEN", "SHUT"), ("C", "H"))
    )
    y = rng.uniform(-0.5, 0.1)
    for word, side in zip(words, (-1, 1), strict=True):
        canvas.write(font, word, (side * 0.5, y), height, tones.ink, aspect=0.8)
    arc = pick_arc(rng)
    for share in [i / 4 for i in range(rng.randrange(2, 6))]:
        mark = rng.choice((bar(0.04, -0.95, -0.8), trapezoid(0.08, -0.95, 0.0, -0.78)))
        canvas.fill([turned(mark, arc.at(share))], near_tone(rng, tones.ink, 50))
    for y in (0.35, 0.5, 0.65):
        if rng.random() < 0.6:
            canvas.write(
                font, rng.choice(LABELS), (0, y), rng.uniform(0.06, 0.12), tones.ink, aspect=0.8
            )
    if rng.random() < 0.3:
        canvas.fill(
            [bar(0.18, -0.08, 0.08) + (rng.uniform(0.2, 0.5), rng.uniform(0, 0.3))],
            near_tone(rng, 200, 50),
        )
    draw_pointers(rng, canvas, tones, [arc.at(rng.random())], rng.uniform(0.7, 0.95))


def _compass(rng: Random, canvas: Canvas, tones: Tones) -> None:
    """Draw a compass: degrees, the four letters, a rose, and a needle of two tones."""
    ink, heading = tones.ink, rng.choice((0.0, rng.uniform(0, 360)))
    radius, fine = rng.uniform(0.8, 0.97), rng.choice((36, 72, 120))
    for count, length in ((fine, 0.05), (12, 0.09)):
        canvas.fill(
            spun(bar(0.007, -radius, -radius + length), np.arange(count) * 360 / count), ink
        )
    font, at = pick_font(rng), radius - 0.17
    if rng.random() < 0.6:
        for i in range(12):
            a = math.radians(30 * i + heading)
            canvas.write(font, str(30 * i or 360), at_angle(at, a), 0.08, ink, 30 * i + heading)
        at -= 0.17
    letters = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
    upright = rng.random() < 0.5
    for i, letter in enumerate(letters):
        if i % 2 == 0 or rng.random() < 0.4:
            degrees = 45 * i + heading
            height = 0.2 if i % 2 == 0 else 0.1
            place = at_angle(at, math.radians(degrees))
            canvas.write(font, letter, place, height, ink, 0 if upright else degrees)
    if rng.random() < 0.75:
        _draw_rose(rng, canvas, tones, heading, at - 0.1)
    if rng.random() < 0.85:
        half, reach, turn = rng.uniform(0.03, 0.09), rng.uniform(0.45, 0.8), rng.uniform(0, 360)
        for side, tone in (
            (0, other_tone(rng, tones.face, 50, 150)),
            (180, near_tone(rng, ink, 90)),
        ):
            canvas.fill([turned(trapezoid(half, 0, 0.0, -reach), turn + side)], tone)
        canvas.circle(half * rng.uniform(0.6, 1.2), near_tone(rng, 180, 60))


def _draw_rose(rng: Random, canvas: Canvas, tones: Tones, heading: float, reach: float) -> None:
    """Draw a star of 4, 8 or 16 points, each half dark and half light."""
    dark, light = tones.ink, (tones.ink + 3 * tones.face) / 4
    base = rng.uniform(0.08, 0.16)
    for level in range(rng.randrange(1, 4))[::-1]:  # the shortest points lie lowest
        count = 4 if level == 0 else 4 * 2 ** (level - 1)
        offset = 0 if level == 0 else 180 / count
        length = reach * (1 - 0.25 * level)
        for i in range(count):
            for side, tone in ((-1, dark), (1, light)):
                point = np.array([[0, 0], [side * base * 0.7, -base], [0, -length]])
                canvas.fill([turned(point, heading + offset + 360 * i / count)], tone)


def _kitchen_scale(rng: Random, canvas: Canvas, tones: Tones) -> None:
    """Draw the dial of a scale: weights all round, 0 at the top, and a long pointer."""
    last, step = rng.choice(
        ((5, 0.5), (10, 1), (3, 0.25), (500, 50), (20, 1), (1000, 100), (12, 1), (120, 10))
    )
    count = round(last / step)
    texts = [f"{step * i:g}" for i in range(count)]
    arc = Arc(0, 360 * count / (count + rng.choice((0, 0, 1))))
    draw_scale(rng, canvas, arc, rng.uniform(0.85, 0.97), [*texts, ""], tones.ink)
    unit = "kg" if last <= 20 else rng.choice(("g", "lb"))
    canvas.write(
        pick_font(rng), unit, (0, rng.uniform(-0.45, 0.5)), rng.uniform(0.1, 0.2), tones.ink
    )
    if rng.random() < 0.5:
        text = f"MAX {last:g} {unit}"
        canvas.write(pick_font(rng), text, (0, rng.uniform(0.3, 0.6)), 0.08, tones.ink)
    angle = 0.0 if rng.random() < 0.3 else arc.at(rng.random())
    draw_pointers(rng, canvas, tones, [angle], rng.uniform(0.65, 0.9))


def _telephone(rng: Random, canvas: Canvas, tones: Tones) -> None:
    """Draw a rotary dial: ten holes, digits, a finger stop and a label in the middle."""
    wheel = near_tone(rng, tones.face, 60)
    canvas.circle(0.97, wheel)
    canvas.circle(0.97, near_tone(rng, wheel, 60), 0.02)
    start, size, at = rng.uniform(15, 40), rng.uniform(0.12, 0.15), rng.uniform(0.68, 0.76)
    font, below = pick_font(rng), rng.choice((tones.ink, other_tone(rng, wheel, 60, 200)))
    digit = 255 - below if abs(255 - 2 * below) > 60 else 0.0
    step = rng.uniform(27, 30.5)
    for i in range(10):
        place = at_angle(at, math.radians(start - step * i))
        canvas.circle(size, below, center=place)
        canvas.circle(size, near_tone(rng, wheel, 70), 0.015, place)
        if rng.random() < 0.95:
            canvas.write(font, str((i + 1) % 10), place, size * 0.9, digit)
    stop = turned(trapezoid(0.03, -0.99, 0.05, -0.55), start + rng.uniform(60, 85))
    canvas.fill([stop], near_tone(rng, 200, 55))
    label = rng.uniform(0.3, 0.45)
    canvas.circle(label, near_tone(rng, 220, 35))
    canvas.circle(label, near_tone(rng, 100, 80), 0.02)
    if rng.random() < 0.7:
        number = "".join(rng.choices("0123456789", k=rng.randrange(3, 7)))
        canvas.write(font, number, (0, rng.uniform(-0.1, 0.1)), 0.12, 30.0)


def _wheel(rng: Random, canvas: Canvas, _tones: Tones) -> None:
    """Draw a car's wheel: tire with letters, rim, spokes, bolts and a hub cap."""
    canvas.circle(1.0, rng.uniform(15, 70))
    rim = rng.uniform(0.6, 0.82)
    font, size = pick_font(rng), (1 - rim) * rng.uniform(0.2, 0.4)
    if rng.random() < 0.6:
        for start in (0, 180) if rng.random() < 0.7 else (rng.uniform(0, 360),):
            for i, letter in enumerate(rng.choice(WORDS + LABELS).upper()):
                a = start + i * size * 60
                canvas.write(font, letter, at_angle((1 + rim) / 2, math.radians(a)), size, 200, a)
    metal, dark = rng.uniform(110, 235), rng.uniform(10, 80)
    canvas.circle(rim, metal)
    canvas.circle(rim * rng.uniform(0.85, 0.94), dark)
    n, half = rng.choice((4, 5, 5, 6, 7, 8, 10, 12, 15)), rng.uniform(0.02, 0.12)
    spoke = trapezoid(half * rng.uniform(0.7, 1.8), -0.1, half, -rim * 0.92)
    pair = [spoke] if rng.random() < 0.6 else [turned(spoke * (0.5, 1), s * 9) for s in (-1, 1)]
    start = rng.uniform(0, 360)
    for i in range(n):
        for part in pair:
            canvas.fill([turned(part, start + 360 * i / n)], near_tone(rng, metal, 15))
    hub = rng.uniform(0.12, 0.3)
    canvas.circle(hub, near_tone(rng, metal, 40))
    for x, y in around(rng.choice((4, 5, 5)), hub * 0.65):
        canvas.circle(hub * 0.14, dark, center=(x, y))
    canvas.circle(hub * 0.35, rng.uniform(20, 230))
    canvas.shade(1 + 0.25 * np.sin(2 * AZIMUTH + rng.uniform(0, 6.3)) * (rim > RADIUS))


def _stopwatch(rng: Random, canvas: Canvas, tones: Tones) -> None:
    """Draw a stopwatch: 60 or 30 seconds round the face, and one small dial for minutes."""
    last = rng.choice((60, 60, 30, 100, 15))
    count = 12 if last in (60, 30) else 10 if last == 100 else 15
    texts = [str(last)] + [f"{last * i / count:g}" for i in range(1, count)]
    if rng.random() < 0.3:
        texts[0] = "0"
    draw_scale(rng, canvas, Arc(0, 360), rng.uniform(0.88, 0.97), [*texts, ""], tones.ink)
    r, y = rng.uniform(0.17, 0.26), rng.choice((-1, -1, 1)) * rng.uniform(0.32, 0.45)
    canvas.circle(r, near_tone(rng, tones.face, 20), center=(0, y))
    canvas.circle(r, tones.ink, 0.01, (0, y))
    ticks = spun(bar(0.006, -r, -r * 0.85), np.arange(30) * 12)
    canvas.fill([tick + (0, y) for tick in ticks], tones.ink)
    hand = turned(
        trapezoid(0.012, r * 0.2, 0.006, -r * 0.8), rng.choice((0.0, rng.uniform(0, 360)))
    )
    canvas.fill([hand + (0, y)], tones.ink)
    angle = 0.0 if rng.random() < 0.4 else rng.uniform(0, 360)
    half = rng.uniform(0.006, 0.015)
    tail = profile([(-rng.uniform(0.15, 0.35), half * rng.uniform(1, 4)), (0, half)])
    hand_ = Hand(
        [[profile([(0, half), (rng.uniform(0.8, 0.95), half * 0.4)])], [tail]],
        angle,
        needle_tone(rng, tones),
    )
    draw_hands(rng, canvas, [hand_], rng.uniform(0.03, 0.07), tones.ink)


def _barometer(rng: Random, canvas: Canvas, tones: Tones) -> None:
    """Draw a barometer: weather words along the scale, and two ornate pointers."""
    arc = Arc(-rng.uniform(120, 150), 0)
    arc = Arc(arc.start, -2 * arc.start)
    texts = (
        [str(v) for v in range(960, 1060, 10)] if rng.random() < 0.6 else ["28", "29", "30", "31"]
    )
    room = draw_scale(rng, canvas, arc, rng.uniform(0.85, 0.97), texts, tones.ink)
    font = pick_font(rng)
    for i, word in enumerate(_WORDS_OF_WEATHER):
        angle = arc.at((i + 0.5) / 5)
        place = at_angle(room - 0.05, math.radians(angle))
        canvas.write(font, word, place, 0.09, tones.ink, angle, 0.85)
    if rng.random() < 0.4:  # the works are visible
        canvas.circle(rng.uniform(0.2, 0.4), near_tone(rng, 110, 60))
    angles = [arc.at(rng.random()) for _ in range(rng.choice((1, 2, 2)))]
    draw_pointers(rng, canvas, tones, angles, rng.uniform(0.65, 0.9))


def _timer(rng: Random, canvas: Canvas, tones: Tones) -> None:
    """Draw a knob: a kitchen timer, a thermostat, the lock of a safe."""
    last, step = rng.choice(((60, 5), (100, 10), (100, 5), (6, 1), (10, 1), (30, 5), (250, 50)))
    count = round(last / step)
    span = 360 * count / (count + (0 if last in (60, 100) else rng.randrange(1, 4)))
    arc = Arc(0, span * rng.choice((-1, 1)))
    draw_scale(
        rng,
        canvas,
        arc,
        rng.uniform(0.85, 0.97),
        [f"{step * i:g}" for i in range(count)] + [""],
        tones.ink,
    )
    knob, turn = rng.uniform(0.3, 0.55), rng.uniform(0, 360)
    canvas.circle(knob, near_tone(rng, tones.face, 90))
    canvas.circle(knob, tones.ink, 0.015)
    grip = near_tone(rng, tones.face, 90)
    if rng.random() < 0.6:  # a grip across
        canvas.fill(
            [turned(bar(knob * rng.uniform(0.12, 0.3), -knob * 0.95, knob * 0.95), turn)], grip
        )
    else:  # ribs
        canvas.fill(spun(bar(0.012, -knob, -knob * 0.85), np.arange(40) * 9), tones.ink)
    canvas.fill(
        [turned(trapezoid(0.02, -knob * 0.5, 0.02, -knob * 0.95), turn)], needle_tone(rng, tones)
    )


Instrument = Callable[[Random, Canvas, Tones], None]
_KINDS: tuple[tuple[Instrument, float], ...] = (
    (_gauge, 46), (_meter, 5), (_indicator, 6), (_compass, 10), (_kitchen_scale, 7),
    (_telephone, 4), (_wheel, 5), (_stopwatch, 6), (_barometer, 6), (_timer, 5),
)  # fmt: skip


def _pipe(rng: Random, canvas: Canvas, outer: float) -> None:
    """Draw the fitting below a pressure gauge."""
    half = rng.uniform(0.12, 0.25)
    metal = rng.uniform(60, 220)
    for part in (
        bar(half, outer * 0.9, outer + 0.2),
        bar(half * 1.5, outer + 0.15, outer + 0.35),
        bar(half * 1.1, outer + 0.3, 1.7),
    ):
        canvas.solid(part, near_tone(rng, metal, 30))
    across = np.abs(X) < half * 1.6
    canvas.shade(np.where(across & (outer < Y), 1.15 - 0.5 * np.abs(X / half) / 1.6, 1))


def draw_instrument(rng: Random) -> tuple[Canvas, float]:
    """Draw an instrument, seen straight on, and return it with its outer radius."""
    canvas, tones = Canvas(), pick_tones(rng)
    outer = draw_case(rng, canvas, tones, _PLAIN)
    canvas.wall_tone = None
    canvas.fill([disc_points(56)], 255, canvas.mask)
    draw_face(rng, canvas, tones, _PLAIN)
    kind = rng.choices([kind for kind, _ in _KINDS], [weight for _, weight in _KINDS])[0]
    kind(rng, canvas, tones)
    if kind is _gauge and rng.random() < 0.2:
        _pipe(rng, canvas, outer)
    draw_glass(rng, canvas)
    return canvas, outer
