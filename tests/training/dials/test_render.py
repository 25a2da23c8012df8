"""The renderer: exact labels, determinism, variety."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="the fonts of drawn dials come with the train extra")

from clockread.clock import circular_difference, hand_angles
from clockread.geometry import decompose, project
from training.dials import render as render_module
from training.dials import things
from training.dials.camera import Optics
from training.dials.canvas import CANVAS, RADIUS, UNIT, Canvas
from training.dials.dial import Dial, draw_dial
from training.dials.hands import Hand, draw_hands
from training.dials.presets import PRESETS
from training.dials.render import extent, paste, render, render_without
from training.dials.things import Thing

SIZE = 128


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_the_same_seed_gives_the_same_picture(preset: str) -> None:
    for seed in range(2):
        a, b = (render(seed, PRESETS[preset], SIZE) for _ in range(2))
        np.testing.assert_array_equal(a.image, b.image)
        np.testing.assert_array_equal(a.homography, b.homography)
        assert a.dial.minutes == b.dial.minutes


def test_seeds_differ() -> None:
    assert (
        render(1, PRESETS["varied"], SIZE).image != render(2, PRESETS["varied"], SIZE).image
    ).mean() > 0.5


def test_hands_stand_where_the_time_says() -> None:
    away_hour, away_minute = [], []
    for seed in range(100):
        dial = render(seed, PRESETS["plain"], 32).dial
        hour, minute = hand_angles(dial.minutes)
        away_hour.append(float(circular_difference(dial.hour_angle, hour, 360)))
        away_minute.append(float(circular_difference(dial.minute_angle, minute, 360)))
    assert np.std(away_hour) < 3
    assert min(away_minute) > -2.5
    assert max(away_minute) < 8.5  # up to a minute late where a second hand runs


def test_most_dials_lie_in_their_crop_and_turned_ones_are_labeled() -> None:
    inside, rotations = 0, []
    for seed in range(100):
        picture = render(seed, PRESETS["varied"], SIZE)
        left, top, right, bottom = extent(picture.homography, 1.0)
        inside += left > -4 and top > -4 and right < SIZE + 4 and bottom < SIZE + 4
        rotations.append(abs(float(decompose(picture.homography)[1])))
    assert inside >= 80
    assert 0.1 < np.mean(np.array(rotations) > 20) < 0.5


@pytest.mark.parametrize(
    "kind", ["plain", "mirrored", "backwards", "twentyfour", "oblong", "worn", "side"]
)
def test_the_labeled_hands_are_on_the_picture(kind: str) -> None:
    """On plain dials, the face under the labeled minute hand differs from the face beside it."""
    seen = 0
    preset = PRESETS["plain"] if kind == "plain" else replace(PRESETS["plain"], **{kind: 1.0})
    for seed in range(40):
        picture = render(seed, preset, 256)
        across = []
        for off in (0.0, -15.0, 15.0):
            a = np.deg2rad(picture.dial.minute_angle + off)
            radii = np.linspace(0.25, 0.45, 12)
            points = (
                project(
                    picture.homography, np.stack([radii * np.sin(a), -radii * np.cos(a)], axis=1)
                )
                .round()
                .astype(int)
            )
            points = points.clip(0, 255)
            across.append(float(np.median(picture.image[points[:, 1], points[:, 0]])))
        seen += abs(across[0] - across[1]) > 15 or abs(across[0] - across[2]) > 15
    assert seen >= 30


def test_behind_openwork_is_what_is_behind_it() -> None:
    """Between the marks of an openwork dial another background shows; its marks and hands stay."""
    open_dials = 0
    for seed in range(40):
        dial = draw_dial(Random(seed), replace(PRESETS["plain"], openwork=1.0))
        if dial.canvas.wall_tone is None or dial.outer < 1.03:
            continue
        open_dials += 1
        place = np.array([[60.0, 0, 99.5], [0, 60, 99.5], [0, 0, 1]])
        dark, light = (
            paste(dial, np.full((200, 200), tone, np.uint8), place).astype(int)
            for tone in (40, 215)
        )
        y, x = np.indices(dark.shape)
        inside = np.hypot(x - 99.5, y - 99.5) < 54
        seen_through = light - dark > 120
        assert 0.2 < seen_through[inside].mean() < 0.99
    assert open_dials >= 10


def test_polished_hands_are_lighter_here_and_darker_there() -> None:
    bar = np.array([[-0.1, 0], [0.1, 0], [0.1, -0.9], [-0.1, -0.9]])
    tones = []
    for sheen in (None, (100.0, 1.5, 0.0)):
        canvas = Canvas()
        draw_hands(Random(3), canvas, [Hand([[bar]], 90.0, 50.0, sheen=sheen)], 0.0, 0.0)
        along = canvas.grey[CANVAS // 2, CANVAS // 2 + UNIT // 10 : CANVAS // 2 + int(0.85 * UNIT)]
        tones.append(np.ptp(along.astype(int)))
    assert tones[0] <= 2
    assert tones[1] > 80


def test_drawn_dials_are_flat_and_some_are_bare() -> None:
    preset = replace(
        PRESETS["drawn"], numerals=0.0, bare=1.0, smile=0.0, sub_dials=0.0, date=0.0, textured=0.0
    )
    marked, bare = (
        [draw_dial(Random(seed), replace(preset, bare=share)) for seed in range(60)]
        for share in (0.0, 1.0)
    )
    assert any(dial.oriented for dial in marked)
    assert not any(
        dial.oriented for dial in bare
    )  # nothing tells where 12 is, so these stay upright

    def tones(dials: list[Dial]) -> float:
        return float(np.median([len(np.unique(d.canvas.grey[RADIUS < 0.9])) for d in dials]))

    textured = [
        draw_dial(Random(seed), replace(preset, bare=1.0, textured=1.0)) for seed in range(60)
    ]
    assert tones(bare) < tones(textured)


def test_presets_draw_what_they_say() -> None:
    watches, towers = (
        [draw_dial(Random(seed), PRESETS[name]) for seed in range(60)]
        for name in ("watch", "tower")
    )
    with_second = [
        np.mean([not np.isnan(d.second_angle) for d in dials]) for dials in (watches, towers)
    ]
    assert with_second[0] > 0.5
    assert with_second[1] < 0.15
    see_through = [
        np.mean([d.canvas.wall_share < 0.8 for d in dials]) for dials in (watches, towers)
    ]
    assert see_through[0] == 0
    assert see_through[1] > 0.05


def test_a_third_and_more_without_a_dial_are_things(monkeypatch: pytest.MonkeyPatch) -> None:
    square = np.full((60, 60, 2), 255, np.uint8)
    square[:, :30, 0] = 0
    clean = replace(PRESETS["varied"], optics=Optics(clean=1.0))
    monkeypatch.setattr(things, "things", tuple)
    monkeypatch.setattr(render_module, "things", tuple)
    before = [render_without(seed, clean, 96) for seed in range(60)]
    monkeypatch.setattr(things, "things", lambda: (square,))
    monkeypatch.setattr(render_module, "things", lambda: (square,))
    after = [render_without(seed, clean, 96) for seed in range(60)]
    changed = [a for a, b in zip(after, before, strict=True) if (a != b).any()]
    assert 0.25 * len(after) < len(changed) < 0.6 * len(after)
    assert all(
        np.ptp(picture.astype(int)) > 200 for picture in changed
    )  # black and white halves are there
    np.testing.assert_array_equal(after[3], render_without(3, clean, 96))


def test_a_thing_lies_where_it_is_laid() -> None:
    pixels = np.full((20, 40, 2), 255, np.uint8)
    image = np.zeros((100, 100), np.uint8)
    thing = Thing(pixels, np.array([[0.0, -1.0], [1.0, 0.0]]), 1.0)  # a quarter turn
    assert thing.reach == (10, 20)
    thing.lay(image, 30, 60)
    ys, xs = np.nonzero(image > 127)
    assert (xs.min(), xs.max()) == pytest.approx((20, 39), abs=1.01)
    assert (ys.min(), ys.max()) == pytest.approx((40, 79), abs=1.01)
