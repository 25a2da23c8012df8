"""Networks in 8-bit integers, and back in floating point."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnx", reason="training needs the train extra")

import onnx
from onnx import TensorProto, helper, numpy_helper

from training.reader.dequantize import dequantized, is_quantized
from training.reader.export import canonical
from training.reader.quantize import BATCH, quantized
from training.reader.rounding import place_rounding

CHANNELS, SIDE, WIDTH, NARROW = 16, 8, 32, 4
FEATURES = CHANNELS * SIDE * SIDE


def network() -> bytes:
    """Two convolutions with a sum of both, a wide product, and a narrow one for the output."""
    rng = np.random.default_rng(0)

    def weights(name: str, *shape: int) -> onnx.TensorProto:
        inputs = np.prod(shape) / max(CHANNELS, shape[-1])
        values = rng.normal(0, (2 / inputs) ** 0.5, shape)
        return numpy_helper.from_array(values.astype(np.float32), name)

    nodes = [
        helper.make_node("Conv", ["image", "w1", "b1"], ["first"], "first", pads=[1] * 4),
        helper.make_node("Relu", ["first"], ["one"], "one"),
        helper.make_node("Conv", ["one", "w2", "b2"], ["second"], "second", pads=[1] * 4),
        helper.make_node("Add", ["one", "second"], ["sum"], "sum"),
        helper.make_node("Flatten", ["sum"], ["flat"], "flat"),
        helper.make_node("Gemm", ["flat", "w3", "b3"], ["wide"], "wide"),
        helper.make_node("Relu", ["wide"], ["features"], "features"),
        helper.make_node("Gemm", ["features", "w4", "b4"], ["out"], "out"),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 1, SIDE, SIDE])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n", NARROW])
    constants = [
        weights("w1", CHANNELS, 1, 3, 3),
        weights("b1", CHANNELS),
        weights("w2", CHANNELS, CHANNELS, 3, 3),
        weights("b2", CHANNELS),
        weights("w3", FEATURES, WIDTH),
        weights("b3", WIDTH),
        weights("w4", WIDTH, NARROW),
        weights("b4", NARROW),
    ]
    graph = helper.make_graph(nodes, "network", [image], [out], constants)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(proto.SerializeToString())


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(1).normal(0, 1, (2 * BATCH + 5, 1, SIDE, SIDE)).astype(np.float32)


@pytest.fixture(scope="module")
def int8(images) -> bytes:
    return quantized(network(), "image", images)


def outputs(data: bytes, images: np.ndarray) -> np.ndarray:
    from onnxruntime import InferenceSession

    session = InferenceSession(data, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"image": images})[0])


def constants_of(data: bytes, dtype: type) -> list[np.ndarray]:
    """The stored arrays of a type, the largest first."""
    stored = map(numpy_helper.to_array, onnx.load_from_string(data).graph.initializer)
    return sorted((a for a in stored if a.dtype == dtype and a.size > 1), key=lambda a: -a.size)


def test_a_quantized_network_computes_nearly_the_same(int8, images):
    exact, rounded = outputs(network(), images), outputs(int8, images)
    assert 0 < np.abs(rounded - exact).std() < 0.02 * exact.std()


def test_wide_products_have_8_bit_weights_and_narrow_ones_do_not(int8):
    wide = [WIDTH * FEATURES, 9 * CHANNELS**2, 9 * CHANNELS]
    assert [w.size for w in constants_of(int8, np.int8)][: len(wide)] == wide
    assert NARROW * WIDTH in [w.size for w in constants_of(int8, np.float32)]


def test_what_a_floating_point_product_reads_is_not_rounded(int8):
    graph = onnx.load_from_string(int8).graph
    made = {value: node for node in graph.node for value in node.output}
    narrow = made["out"]
    assert made[narrow.input[0]].op_type == "Relu"
    assert made[made[narrow.input[0]].input[0]].op_type == "Gemm"


def test_a_product_is_rounded_once_after_its_relu(int8):
    graph = onnx.load_from_string(int8).graph
    made = {value: node for node in graph.node for value in node.output}
    rounded = [node for node in graph.node if node.op_type == "QuantizeLinear"]
    relus = [made[q.input[0]] for q in rounded if made.get(q.input[0], q).op_type == "Relu"]
    assert [made[relu.input[0]].op_type for relu in relus] == ["Conv"]


def padded(*, slices_of: str = "image") -> onnx.ModelProto:
    """A value padded around its first axis and transposed, rounded, and multiplied."""
    constants = {
        "last": np.array([-2]),
        "end": np.array([2**40]),
        "start": np.array([0]),
        "two": np.array([2]),
        "axis": np.array([0]),
        "scale": np.array(0.02, np.float32),
        "zero": np.array(128, np.uint8),
        "weights": np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Neg", ["image"], ["other"]),
        helper.make_node("Slice", [slices_of, "last", "end", "axis"], ["before"]),
        helper.make_node("Slice", [slices_of, "start", "two", "axis"], ["after"]),
        helper.make_node("Concat", ["before", "image", "after"], ["wide"], axis=0),
        helper.make_node("Transpose", ["wide"], ["turned"], perm=[1, 0]),
        helper.make_node("QuantizeLinear", ["turned", "scale", "zero"], ["bytes"]),
        helper.make_node("DequantizeLinear", ["bytes", "scale", "zero"], ["rounded"]),
        helper.make_node("MatMul", ["rounded", "weights"], ["out"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [6, 4])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, [4, 3])
    stored = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "padded", [image], [out], stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(
    ("slices_of", "rounded"), [("image", "image"), ("other", "wide")], ids=["padding", "join"]
)
def test_bytes_are_moved_instead_of_floats(slices_of: str, rounded: str):
    proto = padded(slices_of=slices_of)
    values = np.random.default_rng(1).normal(size=(6, 4)).astype(np.float32)
    expected = outputs(proto.SerializeToString(), values)
    place_rounding(proto.graph)
    canonical(proto)
    onnx.checker.check_model(proto, full_check=True)
    np.testing.assert_array_equal(outputs(proto.SerializeToString(), values), expected)
    made = {value: node for node in proto.graph.node for value in node.output}
    (quantize,) = (node for node in proto.graph.node if node.op_type == "QuantizeLinear")
    source = quantize.input[0]
    assert (source == "image") == (rounded == "image")
    assert source == "image" or made[source].op_type == "Concat"
    floats = made[made["out"].input[0]]
    assert floats.op_type == "DequantizeLinear"
    assert made[floats.input[0]].op_type == "Transpose"


def test_sums_are_not_rounded_twice(int8):
    """A sum reads its branches as their products left them, and is rounded for the next product."""
    graph = onnx.load_from_string(int8).graph
    (add,) = (node for node in graph.node if node.op_type == "Add")
    readers = [node.op_type for node in graph.node if add.output[0] in node.input]
    assert readers == ["Flatten"]


def test_every_stored_constant_is_read(int8):
    graph = onnx.load_from_string(int8).graph
    read = {value for node in graph.node for value in node.input}
    assert {tensor.name for tensor in graph.initializer} <= read


def test_a_network_in_floating_point_again_keeps_the_rounded_weights(int8, images):
    again = dequantized(int8)
    assert is_quantized(int8)
    assert not is_quantized(again)
    exact, floating = outputs(network(), images), outputs(again, images)
    assert np.abs(floating - exact).std() < np.abs(outputs(int8, images) - exact).std()
    for before, after in zip(
        constants_of(int8, np.int8),
        constants_of(quantized(again, "image", images), np.int8),
        strict=True,
    ):
        np.testing.assert_array_equal(after, before)
