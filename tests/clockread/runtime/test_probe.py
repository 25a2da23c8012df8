"""The network that proves that a provider works."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from clockread.errors import ProviderError
from clockread.runtime import probe, providers


def test_the_probe_gives_the_stored_outputs_on_the_real_runtime() -> None:
    session = providers.open_session(probe.PROBE_MODEL, "cpu", threads=1)
    probe.check(session)
    (output,) = session.run(None, {"x": probe.PROBE_INPUT})
    np.testing.assert_allclose(output, probe.PROBE_OUTPUT, atol=1e-4)


@pytest.mark.parametrize("factor", [1.05, 0.0, np.nan])
def test_wrong_outputs_are_found(factor: float) -> None:
    session = SimpleNamespace(run=lambda *_: [probe.PROBE_OUTPUT * np.float32(factor)])
    with pytest.raises(ProviderError, match="computes wrong results"):
        probe.check(session)  # type: ignore[arg-type]


def test_rounding_to_tf32_is_within_the_tolerance() -> None:
    """Its mantissa has 10 bits instead of 23."""
    bits = probe.PROBE_OUTPUT.view(np.uint32) & np.uint32(0xFFFFE000)
    session = SimpleNamespace(run=lambda *_: [bits.view(np.float32)])
    probe.check(session)  # type: ignore[arg-type]


def test_the_stored_model_is_the_one_described() -> None:
    onnx = pytest.importorskip("onnx", reason="needs the train extra")
    from onnx import TensorProto, helper, numpy_helper

    def weights(name: str, values: np.ndarray, *shape: int) -> object:
        return numpy_helper.from_array(values.astype(np.float32).reshape(shape), name)

    nodes = [
        helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["f", "a"], ["u"]),
        helper.make_node("Conv", ["u", "w", "b"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("MatMul", ["r", "m"], ["l"]),
        helper.make_node("Softmax", ["l"], ["s"], axis=-1),
        helper.make_node("ReduceMean", ["s"], ["y"], axes=[1, 2], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "probe",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [2, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 4])],
        [
            weights("w", (np.arange(72) * 7 % 11 - 5) / 512, 8, 1, 3, 3),
            weights("b", (np.arange(8) * 5 % 7 - 3) / 4, 8),
            weights("m", (np.arange(32) * 3 % 13 - 6) / 8, 8, 4),
            numpy_helper.from_array(np.array([1], np.int64), "a"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    assert onnx.load_from_string(probe.PROBE_MODEL) == model
