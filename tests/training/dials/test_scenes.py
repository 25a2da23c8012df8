from __future__ import annotations

from random import Random

import numpy as np
import pytest

pytest.importorskip("PIL")
pytest.importorskip("matplotlib")

from clockread.finder import PADDING, SCENE
from training.dials import scenes as module
from training.dials import things
from training.dials.dial import draw_dial
from training.dials.presets import PRESETS
from training.dials.scenes import CLOCKS, EVERYTHING, SMALLEST, Scene, render_scene


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [render_scene(seed) for seed in range(80)]


def test_the_same_seed_gives_the_same_scene(scenes: list[Scene]) -> None:
    for seed in (0, 3, 17):
        again = render_scene(seed)
        np.testing.assert_array_equal(again.image, scenes[seed].image)
        np.testing.assert_array_equal(again.boxes, scenes[seed].boxes)
    assert any((scenes[0].image != scene.image).any() for scene in scenes[1:3])


def test_bringing_an_object_near_to_its_surroundings_leaves_the_object_as_it_was() -> None:
    rng = Random(1)
    dial = draw_dial(rng, PRESETS["varied"])
    before, wall = dial.canvas.grey.copy(), np.full((50, 50), 20, np.uint8)
    settled = [module._settled(rng, dial, wall) for _ in range(20)]
    np.testing.assert_array_equal(dial.canvas.grey, before)
    assert any((one.canvas.grey != before).any() for one in settled)


def test_shapes(scenes: list[Scene]) -> None:
    for scene in scenes:
        assert scene.image.shape == (SCENE, SCENE)
        assert scene.image.dtype == np.uint8
        assert scene.boxes.ndim == 2
        assert scene.boxes.shape[1] == 4
        assert scene.boxes.dtype == np.float32


def test_every_clock_has_its_center_in_the_picture(scenes: list[Scene]) -> None:
    for scene in scenes:
        x, y, w, h = scene.frame
        centers = scene.boxes[:, :2] + scene.boxes[:, 2:] / 2
        assert (centers > [x, y]).all()
        assert (centers < [x + w, y + h]).all()
        assert (scene.boxes[:, 2:].max(axis=1) >= SMALLEST - 1e-3).all()
        assert (scene.boxes[:, 2:] > 0).all()


def test_bars_are_plain(scenes: list[Scene]) -> None:
    barred = [scene for scene in scenes if scene.frame[2:] != (SCENE, SCENE)]
    assert len(barred) > 20
    for scene in barred:
        x, y, w, h = scene.frame
        bars = np.ones((SCENE, SCENE), bool)
        bars[y : y + h, x : x + w] = False
        assert (scene.image[bars] == PADDING).all()


def test_none_one_and_several_clocks(scenes: list[Scene]) -> None:
    counts = np.bincount([len(scene.boxes) for scene in scenes], minlength=5)
    assert 0.08 * len(scenes) < counts[0] < 0.35 * len(scenes)
    assert counts[1] > 0.4 * len(scenes)
    assert counts[2:5].sum() > 0.1 * len(scenes)
    assert counts[5:].sum() == 0


def test_another_size_is_the_same_kind_of_scene() -> None:
    scene = render_scene(5, 200)
    assert scene.image.shape == (200, 200)
    assert max(scene.frame[2:]) == 200


def test_things_that_are_no_clocks_change_the_picture_and_not_the_labels(
    scenes: list[Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    thing = np.full((60, 40, 2), 255, np.uint8)
    for of in (module, things):
        monkeypatch.setattr(of, "things", lambda: (thing,))
    monkeypatch.setattr(module, "_THINGS", 1.0)
    busy = [render_scene(seed) for seed in range(20)]
    monkeypatch.setattr(module, "things", tuple)
    plain = [render_scene(seed) for seed in range(20)]
    for a, b in zip(busy, plain, strict=True):
        np.testing.assert_array_equal(a.boxes, b.boxes)
    assert sum(bool((a.image != b.image).any()) for a, b in zip(busy, plain, strict=True)) > 15


def test_the_mix_of_everything_keeps_the_labels_valid() -> None:
    wide = [render_scene(seed, mix=EVERYTHING) for seed in range(40)]
    np.testing.assert_array_equal(wide[7].image, render_scene(7, mix=EVERYTHING).image)
    test_every_clock_has_its_center_in_the_picture(wide)
    counts = np.bincount([len(scene.boxes) for scene in wide], minlength=5)
    assert counts[0] > 2
    assert counts[1] > 10
    cut = [
        bool((s.boxes[:, :2] < s.frame[:2]).any())
        or bool((s.boxes[:, :2] + s.boxes[:, 2:] > np.add(s.frame[:2], s.frame[2:])).any())
        for s in wide
    ]
    assert sum(cut) > 5


def test_the_default_mix_is_that_of_clocks(scenes: list[Scene]) -> None:
    np.testing.assert_array_equal(render_scene(3, mix=CLOCKS).image, scenes[3].image)
    assert (render_scene(3, mix=EVERYTHING).image != scenes[3].image).any()
