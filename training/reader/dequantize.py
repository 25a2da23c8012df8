"""Floating-point networks from networks that were quantized to 8 bits.

Their weights keep the rounding of the 8 bits; their activations are no longer rounded.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.reader.lean_graph import remove_unused_constants


def is_quantized(data: bytes) -> bool:
    """Return whether an ONNX file contains weights or activations in 8-bit integers."""
    import onnx

    return any(n.op_type == "DequantizeLinear" for n in onnx.load_from_string(data).graph.node)


def dequantized(data: bytes) -> bytes:
    """Return the network without quantization.

    Args:
        data: An ONNX file with QuantizeLinear and DequantizeLinear nodes.

    Returns:
        The ONNX file without these nodes: weights and biases are float32.

    """
    import onnx
    from onnx import numpy_helper

    proto = onnx.load_from_string(data)
    graph = proto.graph
    stored = {tensor.name: tensor for tensor in graph.initializer}
    same: dict[str, str] = {}  # a quantized or dequantized value → that in floating point
    nodes = []
    for node in graph.node:  # makers come before readers
        if node.op_type == "DequantizeLinear" and node.input[0] in stored:
            values = _values(node, *(numpy_helper.to_array(stored[name]) for name in node.input))
            graph.initializer.append(numpy_helper.from_array(values, node.output[0]))
        elif node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            same[node.output[0]] = same.get(node.input[0], node.input[0])
        else:
            nodes.append(node)
    for node in nodes:
        for i, name in enumerate(node.input):
            node.input[i] = same.get(name, name)
    del graph.node[:], graph.value_info[:]
    graph.node.extend(nodes)
    remove_unused_constants(graph)
    onnx.checker.check_model(proto, full_check=True)
    return bytes(proto.SerializeToString(deterministic=True))


def _values(
    node: Any, integers: NDArray[Any], scale: NDArray[np.float32], zero: NDArray[Any] | int = 0
) -> NDArray[np.float32]:
    """Return the values (float32) of stored integers: scale · (integers - zero), by channel."""
    if scale.size > 1:
        axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
        channels = [-1 if i == axis else 1 for i in range(integers.ndim)]
        scale, zero = scale.reshape(channels), np.reshape(zero, channels) if np.ndim(zero) else zero
    return np.asarray(scale * (integers.astype(np.float32) - np.float32(zero)), np.float32)
