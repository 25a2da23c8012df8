"""Families of pictures: how often dials have each feature, and what the camera does to them."""

from __future__ import annotations

from dataclasses import dataclass, field

from training.dials.camera import Optics


@dataclass(frozen=True)
class Preset:
    """How often dials have each feature; shares are of all dials if not stated otherwise."""

    optics: Optics = field(default_factory=Optics)
    numerals: float = 0.8
    roman: float = 0.44  # of those with numerals
    light_face: float = 0.68
    second_hand: float = 0.42
    shaped: float = 0.0  # square, oval and many-sided faces (not only cases)
    marker: float = 0.12  # plain drawn-on hands
    alarm: float = 0.05  # a third hand that is set anywhere: an alarm's, another time zone's
    lume: float = 0.12  # luminous strips on the hands
    sheen: float = 0.15  # hands of polished metal: light and dark along the hand
    sub_dials: float = 0.12
    date: float = 0.16  # a date window
    strap: float = 0.12
    scale: float = 0.18  # a scale on a bezel that is wide enough
    openwork: float = 0.03  # the background shows between ring, numerals and hands
    tracery: float = 0.04
    bold: float = 0.0  # thick hands with round ends or outlines, as in pictograms
    bare: float = 0.0  # no mark of the hours, of those without numerals
    smile: float = 0.0  # eyes and a mouth
    careless: float = 0.0  # hour hand at the full hour whatever the minute, or off by degrees
    textured: float = 1.0  # share that may have a face texture, glare, reflections, a rim's shadow
    flat_wall: float = 0.0  # one tone behind the clock, mostly white
    gauge: float = 0.0  # instruments other than clocks
    worn: float = 0.0  # wristwatches with lugs, crown and strap, on a wrist or on cloth
    chronograph: float = 0.0  # subdials with hands, a stopped second hand, pushers if worn
    oblong: float = 0.0  # rectangular faces, wider or taller than their circle
    twentyfour: float = 0.0  # 24 hours on the dial
    backwards: float = 0.0  # hands run counter-clockwise, texts are not mirrored
    mirrored: float = 0.0  # the whole picture
    cut: float = 0.0  # only a part of the face is in the picture
    side: float = 0.0  # the case has a visible side if seen obliquely
    reflection: float = 0.0  # a window or the sky over a large part of the face
    stout_second: float = 0.0  # second hands as wide as a minute hand, of those there are
    margin: tuple[float, float] = (0.97, 1.75)  # crop side over the dial's box, log-uniform
    shift: float = 0.07  # standard deviation of the crop's center, in crop half sides


PRESETS = {
    "varied": Preset(),
    "hard": Preset(
        Optics(max_tilt=68, frontal=0.2, turned=0.6, clean=0.02, blur=1.6, noise=1.4),
        numerals=0.75,
        second_hand=0.6,
    ),
    "shaped": Preset(shaped=0.8),
    "watch": Preset(
        Optics(turned=0.5, frontal=0.5, max_tilt=55),
        numerals=0.5,
        light_face=0.45,
        second_hand=0.65,
        marker=0.0,
        alarm=0.1,
        lume=0.4,
        sheen=0.4,
        sub_dials=0.4,
        date=0.45,
        strap=0.55,
        scale=0.6,
        openwork=0.0,
        tracery=0.0,
    ),
    "tower": Preset(
        Optics(frontal=0.2, max_tilt=66, turned=0.03, clean=0.03, blur=1.5),
        roman=0.75,
        light_face=0.5,
        second_hand=0.03,
        marker=0.03,
        alarm=0.0,
        lume=0.02,
        sub_dials=0.01,
        date=0.0,
        strap=0.0,
        scale=0.0,
        openwork=0.3,
        tracery=0.25,
    ),
    "film": Preset(Optics(dark=0.6, blur=1.5, noise=1.8, clean=0.0), second_hand=0.3, marker=0.02),
    "drawn": Preset(
        Optics(max_tilt=35, frontal=0.9, turned=0.12, clean=0.6, blur=0.5, noise=0.5, dark=0.03),
        numerals=0.5,
        roman=0.3,
        light_face=0.8,
        second_hand=0.35,
        sheen=0.05,
        sub_dials=0.04,
        date=0.1,
        strap=0.08,
        openwork=0.0,
        tracery=0.02,
        bold=0.55,
        bare=0.55,
        smile=0.04,
        careless=0.3,
        textured=0.25,
        flat_wall=0.75,
        margin=(0.97, 2.2),
    ),
    "plain": Preset(Optics(max_tilt=20, frontal=0.8, turned=0.0, clean=0.5, blur=0.5, noise=0.5)),
    "gauge": Preset(
        Optics(turned=0.15, max_tilt=60, dark=0.2), gauge=1.0, side=0.6, reflection=0.1
    ),
    "chronograph": Preset(
        Optics(turned=0.4, frontal=0.5, max_tilt=58),
        numerals=0.4,
        roman=0.15,
        light_face=0.5,
        second_hand=0.95,
        marker=0.0,
        alarm=0.0,
        lume=0.4,
        sheen=0.3,
        sub_dials=0.0,
        date=0.35,
        scale=0.35,
        worn=0.6,
        chronograph=1.0,
        side=0.7,
        reflection=0.08,
        stout_second=0.15,
        openwork=0.0,
        tracery=0.0,
    ),
    "worn": Preset(
        Optics(turned=0.85, frontal=0.3, max_tilt=68, blur=1.3),
        numerals=0.35,
        roman=0.3,
        light_face=0.45,
        second_hand=0.65,
        marker=0.0,
        alarm=0.08,
        lume=0.4,
        sheen=0.35,
        sub_dials=0.05,
        date=0.4,
        scale=0.4,
        worn=1.0,
        chronograph=0.2,
        side=0.85,
        reflection=0.12,
        stout_second=0.2,
        openwork=0.0,
        tracery=0.0,
        margin=(1.0, 2.2),
    ),
    "oblong": Preset(
        oblong=1.0, side=0.6, second_hand=0.25, roman=0.55, sub_dials=0.0, marker=0.02
    ),
    "mirrored": Preset(numerals=0.92, backwards=0.3, mirrored=1.0, side=0.2),
    "twentyfour": Preset(twentyfour=1.0, marker=0.04, sub_dials=0.02, scale=0.05, side=0.3),
    "severe": Preset(  # many of them unreadable
        Optics(max_tilt=84, frontal=0.15, turned=0.6, clean=0.0, blur=2.2, noise=2.2, dark=0.5),
        numerals=0.6,
        second_hand=0.6,
        worn=0.5,
        chronograph=0.15,
        side=0.8,
        reflection=0.3,
        margin=(1.0, 2.5),
    ),
    "cut": Preset(cut=1.0, shaped=0.15, worn=0.15, side=0.3, reflection=0.05),
}
