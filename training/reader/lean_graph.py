"""ONNX graphs with fewer nodes and the same outputs, bit for bit.

A node that costs little on a CPU costs the start of a kernel on a GPU. The converter of the
circular networks writes three things with more nodes than they need:

- circular padding of long rows, as two slices and a concatenation, instead of one Gather
- the bias of a one-dimensional convolution, as an addition of its own
- a reshape whose sizes are computed from those of the batch, although only the first is unknown

Rewriting them changes no operand and the order of no sum.

The converter also transposes the input of each one-dimensional convolution to channels first, and
its output back. That stays: in residual blocks that are channels first, a Gather would copy single
numbers, and onnxruntime's CPU provider would take longer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Numbers behind the axis of a Gather, which copies them as one. With 16 or 32, it takes longer on a
# CPU than two slices and a concatenation do; with 64 or 128 it does not.
ROW = 64
END = 2**31 - 1  # a slice with this end, or a larger one, reaches to the end of its axis

Shapes = Mapping[str, list[int]]  # by value; a size that is not known is 0


def rewrite(proto: Any) -> bool:
    """Rewrite a model's graph in place, as the module describes; return whether it changed.

    Nodes and weights without use are removed. Names of new values begin with "lean".
    """
    shapes, before = _shapes(proto), len(proto.graph.node)
    graph = _Graph(proto.graph)
    for node in list(proto.graph.node):
        if node.op_type == "Reshape":
            _fix_sizes(graph, node, shapes)
        elif node.op_type == "Concat":
            _pad_by_gather(graph, node, shapes)
        elif node.op_type == "Add":
            _move_bias(graph, node)
    graph.prune()
    return len(proto.graph.node) < before


def remove_unused_constants(graph: Any) -> None:
    """Remove the constants that no node reads: onnxruntime warns of each of them."""
    read = {value for node in graph.node for value in node.input}
    used = [constant for constant in graph.initializer if constant.name in read]
    del graph.initializer[:]
    graph.initializer.extend(used)


class _Graph:
    """A graph whose nodes are replaced one by one."""

    def __init__(self, graph: Any) -> None:
        from onnx import numpy_helper

        self._graph = graph
        self._constants = {w.name: numpy_helper.to_array(w) for w in graph.initializer}
        self._maker = {value: node for node in graph.node for value in node.output}
        self._uses: dict[str, int] = {}
        for node in graph.node:
            for value in node.input:
                self._uses[value] = self._uses.get(value, 0) + 1

    def made_by(self, value: str, kind: str) -> Any | None:
        """Return the node that makes a value, if it is of a kind."""
        node = self._maker.get(value)
        return node if node is not None and node.op_type == kind else None

    def used_once(self, value: str) -> bool:
        """Return whether one node uses a value, once, and no output of the graph is it."""
        outputs = {output.name for output in self._graph.output}
        return self._uses.get(value) == 1 and value not in outputs

    def constant(self, value: str) -> NDArray[Any] | None:
        """Return a constant; one that is stored in half precision as float32."""
        cast = self.made_by(value, "Cast")
        array = self._constants.get(value if cast is None else cast.input[0])
        if cast is None or array is None:
            return array
        return array.astype(np.float32) if array.dtype == np.float16 else None

    def numbers(self, value: str) -> list[int]:
        """Return the elements of a constant of whole numbers, or none."""
        array = self._constants.get(value)
        return [] if array is None or array.dtype.kind != "i" else array.ravel().tolist()

    def add_constant(self, array: NDArray[Any]) -> str:
        """Add a constant and return its name."""
        from onnx import numpy_helper

        name = f"lean{len(self._graph.initializer)}"
        while name in self._constants or name in self._maker:
            name += "_"
        self._graph.initializer.append(numpy_helper.from_array(array, name))
        self._constants[name] = array
        return name

    def replace(self, node: Any, kind: str, inputs: Iterable[str], **attributes: Any) -> None:
        """Turn a node into another one that makes the same value."""
        from onnx import helper

        name = node.name
        node.CopyFrom(helper.make_node(kind, list(inputs), list(node.output), name, **attributes))

    def prune(self) -> None:
        """Remove the nodes and weights that lead to no output."""
        used = {output.name for output in self._graph.output}
        kept = []
        for node in reversed(self._graph.node):  # users come after makers
            if used.intersection(node.output):
                used.update(node.input)
                kept.append(node)
        del self._graph.node[:]
        self._graph.node.extend(kept[::-1])
        remove_unused_constants(self._graph)


def _fix_sizes(graph: _Graph, reshape: Any, shapes: Shapes) -> None:
    """Give a reshape constant sizes, if its output's first size is the only unknown one."""
    value, sizes = reshape.input
    shape = shapes.get(reshape.output[0], [])
    if not graph.numbers(sizes) and shape and all(shape[1:]):
        constant = graph.add_constant(np.array([-1, *shape[1:]], np.int64))
        graph.replace(reshape, "Reshape", [value, constant])


def _pad_by_gather(graph: _Graph, concat: Any, shapes: Shapes) -> None:
    """Turn a concatenation of the end, the whole and the start of an axis into a Gather.

    One with rows shorter than `ROW` stays.
    """
    if len(concat.input) != 3:
        return
    before, value, after = concat.input
    axis = next(int(a.i) for a in concat.attribute if a.name == "axis")
    end, start = _part(graph, before, value), _part(graph, after, value)
    shape = shapes.get(value, [])
    if end is None or start is None or (end[0], start[0]) != (axis, axis):
        return
    if not shape or not shape[axis] or math.prod(shape[axis + 1 :]) < ROW:
        return
    length = shape[axis]
    (_, first, to_end), (_, from_start, last) = end, start
    if -length <= first < 0 and to_end >= END and from_start == 0 and 0 < last <= length:
        index = np.arange(first, length + last, dtype=np.int32) % length
        graph.replace(concat, "Gather", [value, graph.add_constant(index)], axis=axis)


def _part(graph: _Graph, value: str, whole: str) -> tuple[int, int, int] | None:
    """Return (axis, start, end) if a value is a part of another one along a single axis."""
    node = graph.made_by(value, "Slice")
    if node is None or node.input[0] != whole or len(node.input) != 4:
        return None
    starts, ends, axes = (graph.numbers(name) for name in node.input[1:])
    parts = [
        (axis, start, end)
        for axis, start, end in zip(axes, starts, ends, strict=True)
        if start != 0 or end < END
    ]
    return parts[0] if len(parts) == 1 else None


def _move_bias(graph: _Graph, add: Any) -> None:
    """Move a constant (1, channels, 1) that is added to a squeezed convolution into it."""
    squeeze = graph.made_by(add.input[0], "Squeeze")
    convolution = None if squeeze is None else graph.made_by(squeeze.input[0], "Conv")
    bias = graph.constant(add.input[1])
    if squeeze is None or convolution is None or bias is None or len(convolution.input) != 2:
        return
    weights = graph.constant(convolution.input[1])
    if weights is None or bias.shape != (1, len(weights), 1):
        return
    if graph.numbers(squeeze.input[1]) != [2] or weights.ndim != 4:
        return
    if graph.used_once(squeeze.output[0]) and graph.used_once(convolution.output[0]):
        convolution.input.append(graph.add_constant(bias.ravel()))
        graph.replace(add, "Squeeze", list(squeeze.input))


def _shapes(proto: Any) -> dict[str, list[int]]:
    from onnx import shape_inference

    known = shape_inference.infer_shapes(proto, data_prop=True).graph
    return {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*known.value_info, *known.input, *known.output)
    }
