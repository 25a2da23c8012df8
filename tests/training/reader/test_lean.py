"""Exported networks with fewer nodes and the same outputs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("keras", reason="training needs the train extra")
pytest.importorskip("onnx", reason="training needs the train extra")

import onnx
from onnx import TensorProto, helper, numpy_helper

from training.reader.export import leaner
from training.reader.export_folder import EXPORTED, REWRITTEN, Description, ExportFolder
from training.reader.lean import ROLES, differences, nodes
from training.reader.lean_graph import ROW, rewrite

LENGTH = 6  # of the axis that is padded


def model(made: list[Any], constants: dict[str, Any], shape: tuple[int, ...]) -> Any:
    """A model with the input ``x`` (batch, *shape) and the output ``y``."""
    graph = helper.make_graph(
        made,
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", *shape])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8)


def padding(
    first: int = -2, last: int = 1, row: int = ROW, order: str = "end x start", axis: int = 1
) -> Any:
    """Circular padding of (batch, LENGTH, row) as the converter writes it."""
    end = 2**31 - 1
    made = [
        helper.make_node("Slice", ["x", "first", "ends", "axes"], ["end"], "a"),
        helper.make_node("Slice", ["x", "zeros", "last", "axes"], ["start"], "b"),
        helper.make_node("Concat", order.split(), ["y"], "c", axis=axis),
    ]
    constants = {"first": [0, first], "ends": [end, end], "zeros": [0, 0], "last": [end, last]}
    return model(made, {**constants, "axes": [0, 1]}, (LENGTH, row))


def convolution(bias: np.ndarray, outputs: str = "", **attributes: Any) -> Any:
    """A one-dimensional convolution of (batch, 3, 1, 5) with its bias behind the squeeze."""
    made = [
        helper.make_node("Conv", ["x", "w"], ["image"], "a"),
        helper.make_node("Squeeze", ["image", "two"], ["row"], "b"),
        helper.make_node("Add", ["row", "bias"], ["sum"], "c"),
        helper.make_node("Mul", ["sum", outputs or "sum"], ["y"], "d"),
    ]
    weights = np.random.default_rng(0).normal(size=(4, 3, 1, 3)).astype(np.float32)
    return model(made, {"w": weights, "two": [2], "bias": bias.astype(np.float32)}, (3, 1, 5))


def output(proto: Any, *shape: int) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(proto.SerializeToString())
    x = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    (values,) = session.run(None, {"x": x})
    return np.asarray(values)


def kinds(proto: Any) -> list[str]:
    return [node.op_type for node in proto.graph.node]


@pytest.mark.parametrize(("first", "last"), [(-2, 1), (-1, 1), (-LENGTH, LENGTH)])
def test_circular_padding_becomes_one_gather(first: int, last: int) -> None:
    proto = padding(first, last)
    before = output(proto, 3, LENGTH, ROW)
    assert rewrite(proto)
    assert kinds(proto) == ["Gather"]
    np.testing.assert_array_equal(output(proto, 3, LENGTH, ROW), before)
    assert len(proto.graph.initializer) == 1, "constants without use are gone"


@pytest.mark.parametrize(
    "proto",
    [
        padding(row=ROW - 1),
        padding(order="start x end"),
        padding(order="x x start"),
        padding(first=2),
        padding(first=-LENGTH - 1),
        padding(order="end x"),
    ],
)
def test_what_is_not_circular_padding_of_long_rows_stays(proto: Any) -> None:
    before = proto.SerializeToString(deterministic=True)
    rewrite(proto)
    assert "Gather" not in kinds(proto)
    row = proto.graph.input[0].type.tensor_type.shape.dim[2].dim_value
    np.testing.assert_array_equal(
        output(proto, 2, LENGTH, row), output(onnx.load_from_string(before), 2, LENGTH, row)
    )


def test_a_bias_moves_into_its_convolution() -> None:
    proto = convolution(np.arange(4).reshape(1, 4, 1))
    before = output(proto, 2, 3, 1, 5)
    assert rewrite(proto)
    assert kinds(proto) == ["Conv", "Squeeze", "Mul"]
    np.testing.assert_array_equal(output(proto, 2, 3, 1, 5), before)


@pytest.mark.parametrize(
    "proto",
    [
        convolution(np.arange(3).reshape(1, 1, 3)),  # along the positions
        convolution(np.arange(12).reshape(1, 4, 3)),
        convolution(np.arange(4).reshape(1, 4, 1), outputs="row"),  # needed without it
    ],
)
def test_another_addition_stays(proto: Any) -> None:
    before = output(proto, 2, 3, 1, 5)
    assert not rewrite(proto)
    np.testing.assert_array_equal(output(proto, 2, 3, 1, 5), before)


def test_only_the_batch_may_be_unknown_in_a_reshape() -> None:
    made = [
        helper.make_node("Shape", ["x"], ["shape"], "a"),
        helper.make_node("Gather", ["shape", "zero"], ["n"], "b"),
        helper.make_node("Concat", ["n", "rest"], ["sizes"], "c", axis=0),
        helper.make_node("Reshape", ["x", "sizes"], ["y"], "d"),
    ]
    proto = model(made, {"zero": [0], "rest": [12]}, (3, 4))
    assert rewrite(proto)
    assert kinds(proto) == ["Reshape"]
    assert output(proto, 5, 3, 4).shape == (5, 12)


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_an_exported_network_is_the_same_in_every_bit(role: str) -> None:
    pytest.importorskip("tf2onnx", reason="training needs the train extra")
    import keras

    from training.reader.export import OUTPUTS, folded, to_onnx
    from training.reader.networks import (
        ContextConfig,
        HandsConfig,
        build_context,
        build_hands,
        with_sincos,
    )

    keras.utils.set_random_seed(0)
    network = (
        with_sincos(build_hands(HandsConfig(stem=4, fold=8, local=1, width=64, dilations=(1, 4))))
        if role == "hands"
        else build_context(ContextConfig(stem=4, folds=(4, 8), width=64, dilations=(1, 4)))
    )
    rng = np.random.default_rng(1)
    for layer in network.layers:
        layer.set_weights([np.abs(rng.normal(0.1, 0.3, w.shape)) for w in layer.get_weights()])
    before = to_onnx(folded(network), OUTPUTS[role])
    after = leaner(before)
    inputs = rng.integers(0, 256, (32, *network.input.shape[1:]), np.uint8)
    assert differences(before, after, (inputs,)) == []
    assert nodes(before) - nodes(after) == 3 * 2 + 2, "stem and two rings: padding, and biases"
    kinds_after = Counter(kinds(onnx.load_from_string(after)))
    assert kinds_after["Shape"] == 0
    assert leaner(after) == after
    assert differences(before, to_onnx(folded(small_change(network)), OUTPUTS[role]), (inputs,))


def small_change(network: Any) -> Any:
    """The same network with another first weight."""
    layer = network.get_layer("mix")
    layer.set_weights([weights * 1.01 for weights in layer.get_weights()])
    return network


def test_the_shipped_networks_have_nothing_left_to_rewrite() -> None:
    exports = ExportFolder(EXPORTED)
    for role in ROLES:
        data = exports.data("default", role)
        assert leaner(data) == data
        assert REWRITTEN in exports.models["default"][role]["training"]


def test_a_rewritten_network_is_still_that_of_its_run(tmp_path: Path) -> None:
    description: Description = {
        "opset": 17,
        "inputs": {},
        "outputs": {},
        "preprocessing": {},
        "training": {"seed": 7},
        "metrics": {"largest_difference_to_keras": 1e-6, "change_by_half_precision": 1e-3},
    }
    exports = ExportFolder(tmp_path)
    old = exports.put("default", "hands", b"before", description)["sha256"]
    new = exports.put_rewritten("default", "hands", b"after")
    assert (new["training"]["seed"], new["metrics"]) == (7, description["metrics"])
    assert exports.has("default", "hands", old)
    assert exports.has("default", "hands", new["sha256"])
    assert not exports.has("default", "hands", None)
    assert not exports.has("default", "hands", "0" * 64)
