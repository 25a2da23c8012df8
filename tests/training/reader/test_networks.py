"""Properties of the networks that training relies on."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("keras", reason="training needs the train extra")

import keras

from clockread.geometry import compose, project, rotation_matrix
from clockread.sampling import ANGLES, PATCH, RADII
from training.reader.export import folded
from training.reader.losses import CENTER_AND_RIM, circular_cross_entropy, pose_loss
from training.reader.networks import BINS, HEADS, build_hands, build_pose, with_sincos


@pytest.fixture(scope="module")
def hands() -> keras.Model:
    keras.utils.set_random_seed(1)
    return build_hands()


@pytest.fixture(scope="module")
def polar() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (3, ANGLES, RADII)).astype(np.uint8)


def outputs(model: keras.Model, batch: np.ndarray) -> dict[str, np.ndarray]:
    return {
        name: np.asarray(keras.ops.convert_to_numpy(value))
        for name, value in model(batch, training=False).items()
    }


@pytest.mark.parametrize("rows", [2, 60, 120])
def test_turning_the_dial_turns_the_answer(
    hands: keras.Model, polar: np.ndarray, rows: int
) -> None:
    still, turned = outputs(hands, polar), outputs(hands, np.roll(polar, rows, axis=1))
    for head in HEADS:
        assert np.ptp(still[head]) > 0.01
        np.testing.assert_allclose(turned[head], np.roll(still[head], rows // 2, axis=1), atol=1e-4)


def test_turning_the_dial_turns_the_change(polar: np.ndarray) -> None:
    """The rim of the changed pose turns with the dial."""
    keras.utils.set_random_seed(3)
    model = build_hands()
    waves = model.get_layer("waves")
    waves.set_weights(
        [np.random.default_rng(3).normal(0, 0.3, w.shape) for w in waves.get_weights()]
    )
    rows = 46
    still, turned = (outputs(model, p)["change"] for p in (polar, np.roll(polar, rows, axis=1)))
    assert (
        np.abs(still - [0, 0, 1, 0, 1, 0, 0]).max(axis=0).min() > 1e-4
    )  # each of the seven is at work
    turn = rotation_matrix(rows * 360 / ANGLES)
    np.testing.assert_allclose(
        compose(turned), turn @ compose(still) @ np.linalg.inv(turn), atol=1e-4
    )


def test_an_untrained_network_changes_nothing(hands: keras.Model, polar: np.ndarray) -> None:
    np.testing.assert_array_equal(
        outputs(hands, polar)["change"], np.tile([0, 0, 1, 0, 1, 0, 0], (3, 1))
    )


def test_brightness_and_contrast_hardly_matter(hands: keras.Model, polar: np.ndarray) -> None:
    dim = (polar // 2 + 30).astype(np.uint8)
    a, b = outputs(hands, polar), outputs(hands, dim)
    for head in HEADS:
        assert np.abs(a[head] - b[head]).max() < 0.2 * np.ptp(a[head])


def test_sincos_point_at_the_most_likely_angle(hands: keras.Model, polar: np.ndarray) -> None:
    values = outputs(with_sincos(hands), polar)
    for head in HEADS:
        pair = values[f"{head}_sincos"]
        assert pair.shape == (3, 2)
        p = np.exp(values[head] - values[head].max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        a = np.arange(BINS) * 2 * np.pi / BINS
        np.testing.assert_allclose(
            pair, np.stack([p @ np.sin(a), p @ np.cos(a)], axis=1), atol=1e-5
        )


def test_folding_keeps_the_function() -> None:
    keras.utils.set_random_seed(2)
    model = build_pose()
    rng = np.random.default_rng(2)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    batch = rng.integers(0, 256, (2, PATCH, PATCH)).astype(np.uint8)
    a, b = outputs(model, batch), outputs(folded(model), batch)
    for name, value in a.items():
        np.testing.assert_allclose(b[name], value, atol=3e-3 * np.abs(value).max())
        assert (b[name] != value).any()  # half precision is not nothing


@pytest.mark.slow
def test_the_same_network_gives_the_same_file(hands: keras.Model) -> None:
    pytest.importorskip("tf2onnx", reason="exporting needs the train extra")
    from training.reader.export import OUTPUTS, to_onnx

    model = folded(with_sincos(hands))
    assert to_onnx(model, OUTPUTS["hands"]) == to_onnx(model, OUTPUTS["hands"])


def test_pose_loss_is_the_distance_of_projected_points_in_radii() -> None:
    true = np.array([0.1, -0.2, 0.6, 0.05, 0.5, 0.1, -0.05, 1.0], np.float32)
    found = true[:7] + np.array([0.03, 0.01, 0.02, -0.02, 0.04, 0.03, 0.02], np.float32)
    away = np.linalg.norm(
        project(compose(found), CENTER_AND_RIM) - project(compose(true[:7]), CENTER_AND_RIM), axis=1
    )
    expected = (3 * away[0] + away[1:].sum()) / 11 / np.sqrt(0.6 * 0.5 - 0.05**2)
    got = keras.ops.convert_to_numpy(
        pose_loss(keras.ops.convert_to_tensor(true[None]), keras.ops.convert_to_tensor(found[None]))
    )
    assert got[0] == pytest.approx(expected, rel=0.02)


def test_backgrounds_have_no_pose_to_be_wrong_about() -> None:
    true = np.array([[0, 0, 0.7, 0, 0.7, 0, 0, 0]], np.float32)
    found = np.full((1, 7), 0.9, np.float32)
    assert (
        keras.ops.convert_to_numpy(
            pose_loss(keras.ops.convert_to_tensor(true), keras.ops.convert_to_tensor(found))
        )[0]
        == 0
    )


def test_cross_entropy_is_least_at_the_target() -> None:
    target = np.full((1, BINS), 1e-6, np.float32)
    target[0, 7] = 1 - 1e-6 * (BINS - 1)
    right, wrong = np.zeros((1, BINS), np.float32), np.zeros((1, BINS), np.float32)
    right[0, 7], wrong[0, 8] = 9, 9

    def loss(logits: np.ndarray) -> float:
        value = circular_cross_entropy(
            keras.ops.convert_to_tensor(target), keras.ops.convert_to_tensor(logits)
        )
        return float(keras.ops.convert_to_numpy(value)[0])

    assert loss(right) < 0.05 < loss(np.zeros((1, BINS), np.float32)) < loss(wrong)
