"""Exported networks back into Keras."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("keras", reason="training needs the train extra")
pytest.importorskip("tf2onnx", reason="training needs the train extra")

import keras
import typer

from clockread.context import CONTEXT_GRID
from clockread.finder import SCENE
from clockread.sampling import ANGLES, PATCH, RADII
from training.reader.export import OUTPUTS, folded, to_onnx
from training.reader.finder_network import FinderConfig, build_finder
from training.reader.networks import (
    ContextConfig,
    HandsConfig,
    PoseConfig,
    build_context,
    build_hands,
    build_pose,
    grow,
    with_sincos,
)
from training.reader.quantize import BATCH, quantized
from training.reader.restore import main, restored

SEED = 3  # of the initial weights
SHAPES = {
    "finder": (SCENE, SCENE),
    "pose": (PATCH, PATCH),
    "hands": (ANGLES, RADII),
    "context": (CONTEXT_GRID.angles, CONTEXT_GRID.radii),
}


def small(role: str, width: int = 8) -> keras.Model:
    keras.utils.set_random_seed(SEED)  # whatever tests ran before
    if role == "finder":
        return build_finder(FinderConfig(channels=(8, 8, width, 16), dilations=(1, 2)))
    if role == "pose":
        return build_pose(PoseConfig(channels=(8, width, 16, 16), blocks=(0, 1, 0, 0), dense=16))
    if role == "context":
        return build_context(ContextConfig(stem=8, folds=(8, 8), width=16, dilations=(1, 4)))
    return with_sincos(
        build_hands(HandsConfig(stem=8, fold=8, local=1, width=2 * width, dilations=(1, 4)))
    )


def trained(role: str) -> keras.Model:
    """A network with weights and normalizations unlike those that one begins with."""
    model, rng = small(role), np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
        else:
            layer.set_weights([w + rng.normal(0, 0.05, w.shape) for w in layer.get_weights()])
    return model


def values(model: keras.Model, inputs: np.ndarray, **how: bool) -> dict[str, np.ndarray]:
    return {
        name: np.asarray(keras.ops.convert_to_numpy(v)) for name, v in model(inputs, **how).items()
    }


def silence(model: keras.Model, name: str) -> None:
    """Let a normalization return zeros, as training does with channels that nothing uses."""
    norm = model.get_layer(name)
    zeros = np.zeros(norm.gamma.shape)
    norm.set_weights([zeros, zeros, *norm.get_weights()[2:]])


@pytest.mark.slow
@pytest.mark.parametrize("role", SHAPES)
def test_a_restored_network_does_what_the_exported_one_does(role):
    model = trained(role)
    if role == "finder":
        silence(model, "block1b_norm")
    inputs = np.random.default_rng(0).integers(0, 256, (12, *SHAPES[role]), dtype=np.uint8)
    again = small(role)
    restored(again, to_onnx(folded(model), OUTPUTS[role]), OUTPUTS[role], inputs)
    exported, found = (
        values(folded(model), inputs, training=False),
        values(again, inputs, training=False),
    )
    for name, value in exported.items():
        np.testing.assert_allclose(
            found[name], value, atol=2e-4 * max(1.0, np.abs(value).max()), err_msg=name
        )
    # with measured normalizations, it does nearly the same by the batch's own mean and variance
    for name, value in values(again, inputs, training=True).items():
        np.testing.assert_allclose(
            value, exported[name], atol=0.02 * max(1.0, np.abs(exported[name]).max()), err_msg=name
        )


def test_a_grown_network_does_what_the_shallower_one_did():
    model, inputs = (
        trained("hands"),
        np.random.default_rng(0).integers(0, 256, (4, *SHAPES["hands"]), dtype=np.uint8),
    )
    deeper = with_sincos(
        build_hands(HandsConfig(stem=8, fold=8, local=2, width=16, dilations=(1, 4, 2)))
    )
    grow(deeper, model)
    before, after = values(model, inputs, training=False), values(deeper, inputs, training=False)
    for name, value in before.items():
        np.testing.assert_allclose(
            after[name], value, atol=1e-5 * max(1.0, np.abs(value).max()), err_msg=name
        )


def test_a_network_does_not_grow_into_a_shallower_one():
    deeper = with_sincos(
        build_hands(HandsConfig(stem=8, fold=8, local=2, width=16, dilations=(1, 4, 2)))
    )
    with pytest.raises(ValueError, match="has no layers"):
        grow(small("hands"), deeper)


def test_an_unknown_profile_is_refused():
    with pytest.raises(typer.BadParameter, match="'fast': use one of smoke, reduced, full"):
        main(["reader/pose"], profile="fast")


@pytest.mark.slow
def test_a_file_of_another_architecture_is_refused():
    inputs = np.zeros((2, *SHAPES["hands"]), np.uint8)
    data = to_onnx(folded(small("hands")), OUTPUTS["hands"])
    with pytest.raises(ValueError, match="not of this hands network"):
        restored(small("hands", width=12), data, OUTPUTS["hands"], inputs)


@pytest.mark.slow
def test_a_quantized_network_is_restored_with_its_rounded_weights():
    model = trained("pose")
    inputs = np.random.default_rng(0).integers(0, 256, (BATCH, *SHAPES["pose"]), dtype=np.uint8)
    again = small("pose")
    int8 = quantized(to_onnx(folded(model), OUTPUTS["pose"]), "patch", inputs)
    restored(again, int8, OUTPUTS["pose"], inputs)
    before, after = values(model, inputs, training=False), values(again, inputs, training=False)
    for name, value in before.items():
        away = np.abs(after[name] - value).std()
        assert 0 < away < 0.05 * max(value.std(), 0.1), name
