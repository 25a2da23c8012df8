"""The kinds of pictures beyond ordinary clocks: instruments, mirrored and cut dials, 24 hours."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from random import Random

import cv2
import numpy as np
import pytest
import typer

pytest.importorskip("matplotlib", reason="the fonts of drawn dials come with the train extra")

from clockread.clock import circular_difference
from clockread.geometry import project
from training.dials import contact_sheet, instruments
from training.dials import dial as dial_module
from training.dials.canvas import CANVAS, RADIUS, Canvas
from training.dials.case import Tones
from training.dials.dial import draw_dial, draw_no_dial
from training.dials.presets import PRESETS
from training.dials.randomness import chance, log_uniform
from training.dials.render import (
    case_extent,
    extent,
    paste,
    render,
    visible_share,
)

SIZE = 96
CLOCKS = [name for name in PRESETS if name != "gauge"]


def placed(scale: float = 60.0, tilt: float = 0.0, size: int = 300) -> np.ndarray:
    """Return a pose in the middle of a picture; with ``tilt`` (0..1) the right side recedes."""
    middle = (size - 1) / 2
    shape = np.array([[math.sqrt(1 - tilt**2), 0, 0], [0, 1, 0], [0.2 * tilt, 0, 1.0]])
    return np.array([[scale, 0, middle], [0, scale, middle], [0, 0, 1.0]]) @ shape


def test_a_certain_chance_draws_no_random_number() -> None:
    rng, untouched = Random(1), Random(1)
    assert chance(rng, 1.0)
    assert not chance(rng, 0.0)
    assert rng.random() == untouched.random()


def test_log_uniform_numbers_stay_in_their_range() -> None:
    numbers = [log_uniform(rng, 0.01, 1.0) for rng in map(Random, range(200))]
    assert 0.01 <= min(numbers) < max(numbers) <= 1.0
    assert 0.3 < np.mean(np.array(numbers) < 0.1) < 0.7


@pytest.mark.parametrize("name", CLOCKS)
def test_clocks_have_a_time_within_their_hours(name: str) -> None:
    for seed in range(12):
        dial = draw_dial(Random(seed), PRESETS[name])
        assert dial.is_clock
        assert 0 <= dial.minutes < 60 * dial.hours
        assert 0 <= dial.hour_angle < 360
        assert dial.hours == (24 if name == "twentyfour" else 12)


def test_instruments_and_lookalikes_have_no_time() -> None:
    for seed in range(30):
        for dial in (draw_dial(Random(seed), PRESETS["gauge"]), draw_no_dial(Random(seed))):
            assert not dial.is_clock
            assert dial.minutes == -1
            angles = (dial.hour_angle, dial.minute_angle, dial.second_angle)
            assert all(math.isnan(angle) for angle in angles)


@pytest.mark.parametrize("kind", [kind for kind, _ in instruments._KINDS])
def test_every_instrument_draws_on_the_face(kind: instruments.Instrument) -> None:
    for seed in range(4):
        canvas = Canvas()
        canvas.circle(1.0, 200)
        kind(Random(seed), canvas, instruments.pick_tones(Random(seed)))
        assert np.std(canvas.grey[RADIUS < 0.9]) > 3


@pytest.mark.parametrize("name", ["varied", "worn", "twentyfour"])
def test_a_mirrored_dial_is_the_flip_of_the_plain_one(name: str) -> None:
    for seed in range(6):
        plain, flipped = (
            render(seed, replace(PRESETS[name], mirrored=share), SIZE) for share in (0.0, 1.0)
        )
        np.testing.assert_array_equal(flipped.image, plain.image[:, ::-1])
        assert (flipped.dial.mirrored, plain.dial.mirrored) == (True, False)
        assert flipped.dial.minutes == plain.dial.minutes
        assert np.linalg.det(flipped.homography) > 0, "the pose itself never mirrors"
        for angle in ("hour_angle", "minute_angle"):
            tips = []
            for picture in (plain, flipped):
                a = math.radians(getattr(picture.dial, angle))
                tip = np.array([[0.6 * math.sin(a), -0.6 * math.cos(a)]])
                tips.append(project(picture.homography, tip)[0])
            assert tips[1] == pytest.approx([SIZE - 1 - tips[0][0], tips[0][1]], abs=1e-6)


def test_texts_of_a_backwards_dial_can_be_read() -> None:
    glyph = np.zeros((40, 20), np.uint8)
    glyph[:, :6] = 255  # dark on the left only
    shown = []
    for backwards in (False, True):
        canvas = Canvas()
        canvas.backwards = backwards
        canvas.stamp(glyph, -0.5 if backwards else 0.5, 0.0, 0.4, 0.0, 0.0)
        if backwards:
            canvas.flip()
        shown.append(canvas.grey)
    assert np.abs(shown[0].astype(int) - shown[1]).mean() < 0.3
    dials = [draw_dial(Random(seed), PRESETS["mirrored"]) for seed in range(60)]
    assert 0.15 < np.mean([dial.mirrored for dial in dials]) < 0.5


def test_hands_of_24_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    printed: list[bool] = []  # whether noon is at the top of the dial, by its numerals
    draw = dial_module.draw_24_hours

    def noted(rng: Random, canvas: Canvas, tones: Tones, noon_up: bool) -> None:
        printed.append(noon_up)
        draw(rng, canvas, tones, noon_up)

    monkeypatch.setattr(dial_module, "draw_24_hours", noted)
    preset = replace(PRESETS["plain"], twentyfour=1.0, second_hand=0.0)
    dials = [draw_dial(Random(seed), preset) for seed in range(40)]
    for dial, noon_up in zip(dials, printed, strict=True):
        right = dial.minutes / 4 + 180 * noon_up
        assert abs(float(circular_difference(dial.hour_angle, right, 360))) < 12
        assert abs(float(circular_difference(dial.minute_angle, dial.minutes % 60 * 6, 360))) < 3
    assert 0.1 < np.mean(printed) < 0.6, "12 is at the top of some"
    assert sum(dial.minutes >= 720 for dial in dials) > 7


def test_the_visible_share_of_cut_dials() -> None:
    shares = []
    for seed in range(40):
        picture = render(seed, PRESETS["cut"], SIZE)
        shares.append(picture.visible)
        now = visible_share(picture.homography, SIZE, SIZE)
        assert now >= picture.visible - 1e-9, "a photo's edge may lie inside the crop"
    assert min(shares) > 0.33
    assert max(shares) < 0.95
    assert np.std(shares) > 0.1
    whole = [render(seed, PRESETS["plain"], SIZE).visible for seed in range(20)]
    assert np.median(whole) > 0.98


def test_the_visible_share_of_a_half_hidden_face_is_a_half() -> None:
    homography = np.array([[20.0, 0, -0.5], [0, 20, 40], [0, 0, 1]])
    assert visible_share(homography, 100, 100) == pytest.approx(0.5, abs=0.05)
    assert visible_share(homography, 100, 200) == pytest.approx(0.5, abs=0.05)


def test_a_worn_watch_shows_its_12_by_strap_and_crown() -> None:
    place, opaque = placed(), []
    for seed in range(20):
        dial = draw_dial(Random(seed), replace(PRESETS["worn"], numerals=0.0, side=0.0))
        assert dial.oriented
        assert dial.surroundings is not None
        dark, light = (paste(dial, np.full((300, 300), t, np.uint8), place) for t in (0, 255))
        row = round(149.5 - 60 * (dial.outer + 0.1))
        opaque.append(int(light[row, 150]) - int(dark[row, 150]) < 60)
    assert np.mean(opaque) > 0.85


def test_the_central_hand_of_many_chronographs_stands_at_12() -> None:
    dials = [draw_dial(Random(seed), PRESETS["chronograph"]) for seed in range(40)]
    assert 0.4 < np.mean([dial.second_angle == 0 for dial in dials]) < 0.9


def test_subdials_are_drawn() -> None:
    for seed in range(10):
        with_them, without = (
            render(seed, replace(PRESETS["plain"], chronograph=share), SIZE).dial.canvas.grey
            for share in (1.0, 0.0)
        )
        assert (with_them != without)[RADIUS < 0.8].mean() > 0.03


def test_the_box_of_a_rectangular_case_is_rectangular() -> None:
    wide = 0
    for seed in range(20):
        dial = draw_dial(Random(seed), PRESETS["oblong"])
        assert dial.half is not None
        left, top, right, bottom = case_extent(placed(), dial)
        assert right - left == pytest.approx(120 * dial.half[0])
        assert bottom - top == pytest.approx(120 * dial.half[1])
        assert max(dial.half) * 96 < CANVAS / 2, "it fits on the canvas"
        wide += right - left > bottom - top
    assert 3 < wide < 18
    round_dial = draw_dial(Random(0), PRESETS["plain"])
    assert case_extent(placed(), round_dial) == extent(placed(), round_dial.outer)


def test_the_side_of_a_case_is_seen_obliquely_and_where_the_dial_is_nearer() -> None:
    dial = replace(draw_dial(Random(1), PRESETS["plain"]), side=(0.4, 255.0))
    flat = replace(dial, side=None)
    wall = np.full((300, 300), 7, np.uint8)
    frontal, oblique = placed(), placed(tilt=0.8)
    np.testing.assert_array_equal(paste(dial, wall, frontal), paste(flat, wall, frontal))
    seen = np.nonzero(paste(dial, wall, oblique) != paste(flat, wall, oblique))
    assert len(seen[0]) > 200
    assert (seen[1] < 150).mean() > 0.9, "the right side recedes, so the left flank is seen"


@pytest.mark.parametrize("preset", ["gauge", "scenes"])
def test_contact_sheets(preset: str, tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    contact_sheet.main(out, preset, seed=3, rows=2, columns=3, size=64)
    assert cv2.imread(str(out)).shape == (128, 192, 3)


def test_a_contact_sheet_of_an_unknown_preset_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match=r"use one of varied, .*, scenes"):
        contact_sheet.main(tmp_path / "sheet.png", "sundial")
