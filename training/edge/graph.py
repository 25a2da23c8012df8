"""ONNX graphs under construction: nodes, subgraphs and inlined networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnx
from onnx import helper, numpy_helper

from training.edge.names import shorten
from training.edge.tensor import BOOL, FLOAT, INT, DType, Tensor, Value

OPSET = 17  # that of the networks, which are inlined as they are
IR_VERSION = 8
Body: TypeAlias = Callable[..., tuple[Tensor, Sequence[Tensor]]]


@dataclass
class _Scope:
    """The nodes and weights of one graph or subgraph."""

    nodes: list[Any] = field(default_factory=list)
    weights: dict[str, Any] = field(default_factory=dict)


class Graph:
    """A graph under construction.

    Every node has a name, in the finished model too: onnxruntime 1.20 mistakes unnamed ones for
    each other.
    """

    def __init__(self) -> None:
        self._scopes = [_Scope()]
        self._constants: dict[tuple[str, tuple[int, ...], bytes], Tensor] = {}
        self._count = 0
        self._stage = ""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Name the tensors that are made in a ``with`` statement after a stage."""
        outer, self._stage = self._stage, f"{self._stage}{name}/"
        yield
        self._stage = outer

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{self._stage}{kind}{self._count}"

    def input(self, name: str, dtype: DType) -> Tensor:
        """Return an input of the whole graph."""
        return Tensor(self, name, dtype)

    def constant(self, value: Value, dtype: DType) -> Tensor:
        """Return a constant; a tensor stays as it is.

        Equal constants are stored once, in the outermost graph.
        """
        if isinstance(value, Tensor):
            return value
        array = np.asarray(value, dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            name = f"c{len(self._constants)}"
            self._scopes[0].weights[name] = numpy_helper.from_array(array, name)
            self._constants[key] = Tensor(self, name, dtype)
        return self._constants[key]

    def ops(
        self, kind: str, dtypes: Sequence[DType], *inputs: Tensor, **attributes: Any
    ) -> list[Tensor]:
        """Add a node with several outputs, of the given types."""
        names = [self._name(kind) for _ in dtypes]
        node = helper.make_node(kind, [t.name for t in inputs], names, names[0], **attributes)
        self._scopes[-1].nodes.append(node)
        return [Tensor(self, name, dtype) for name, dtype in zip(names, dtypes, strict=True)]

    def op(
        self, kind: str, *inputs: Tensor, dtype: DType | None = None, **attributes: Any
    ) -> Tensor:
        """Add a node with one output, by default of its first input's type."""
        return self.ops(kind, [dtype or inputs[0].dtype], *inputs, **attributes)[0]

    def concat(self, *parts: Value, axis: int, dtype: DType = FLOAT) -> Tensor:
        """Join tensors along an axis."""
        return self.op("Concat", *(self.constant(p, dtype) for p in parts), axis=axis)

    def where(self, condition: Tensor, a: Value, b: Value, dtype: DType = FLOAT) -> Tensor:
        """Return ``a`` where the condition is true, else ``b``."""
        values = (self.constant(a, dtype), self.constant(b, dtype))
        return self.op("Where", condition, *values, dtype=dtype)

    def arange(self, stop: Tensor) -> Tensor:
        """Return the whole numbers (n,) from 0 to ``stop`` (1,), exclusive."""
        limits = (self.constant(0, INT), stop.squeeze(0), self.constant(1, INT))
        return self.op("Range", *limits)

    def scan(
        self, body: Callable[..., Tensor], *sequences: Tensor, shape: tuple[int, ...]
    ) -> Tensor:
        """Apply ``body`` to the rows of tensors (n, …), n > 0; return results (n, ``*shape``)."""
        names = [self._name("row") for _ in sequences]
        rows = [Tensor(self, n, s.dtype) for n, s in zip(names, sequences, strict=True)]
        subgraph, (dtype,) = self._subgraph(rows, lambda: [body(*rows)], shape)
        return self.op("Scan", *sequences, dtype=dtype, body=subgraph, num_scan_inputs=len(rows))

    def loop(self, trips: int, go: Tensor, state: Sequence[Tensor], body: Body) -> list[Tensor]:
        """Repeat ``body`` while a condition of one element holds; return the last state.

        Args:
            trips: the largest number of repetitions.
            go: whether to begin at all.
            state: tensors whose shapes, but not ranks, may change.
            body: gives (whether to go on, the next state) for (the repetition (), *state).

        """
        number = Tensor(self, self._name("trip"), INT)
        going = Tensor(self, self._name("going"), BOOL)
        inside = [Tensor(self, self._name("state"), s.dtype) for s in state]

        def run() -> list[Tensor]:
            again, after = body(number, *inside)
            return [again.reshape(), *(self._copied(t, inside) for t in after)]

        subgraph, dtypes = self._subgraph([number, going, *inside], run, numbers=2)
        count = self.constant(trips, INT)
        return self.ops("Loop", dtypes[1:], count, go.reshape(), *state, body=subgraph)

    def branch(
        self,
        condition: Tensor,
        then: Callable[[], Sequence[Tensor]],
        otherwise: Callable[[], Sequence[Tensor]],
    ) -> list[Tensor]:
        """Run one of two functions that give tensors of the same types."""
        yes, dtypes = self._subgraph([], then)
        no, _ = self._subgraph([], otherwise)
        return self.ops("If", dtypes, condition, then_branch=yes, else_branch=no)

    def _copied(self, tensor: Tensor, inputs: Sequence[Tensor]) -> Tensor:
        return tensor.map("Identity") if tensor in inputs else tensor

    def _subgraph(
        self,
        inputs: Sequence[Tensor],
        function: Callable[[], Sequence[Tensor]],
        shape: Sequence[int] | None = None,
        numbers: int = 0,
    ) -> tuple[Any, list[DType]]:
        """Return what a function adds as a graph of its own, and the types of its results.

        Args:
            inputs: of the graph.
            function: gives the results.
            shape: of each result, if it is known.
            numbers: how many inputs, from the first, are single numbers; other shapes are open.

        """
        self._scopes.append(_Scope())
        outputs = function()
        scope = self._scopes.pop()
        own = {name for node in scope.nodes for name in node.output}
        assert all(t.name in own for t in outputs), "a subgraph's results must be its own"
        graph = helper.make_graph(
            scope.nodes,
            self._name("body"),
            [_value_info(t, [] if i < numbers else None) for i, t in enumerate(inputs)],
            [_value_info(t, shape) for t in outputs],
            list(scope.weights.values()),
        )
        return graph, [t.dtype for t in outputs]

    def network(self, file: Path, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Inline an exported network, weights included, into the innermost graph.

        Return its outputs, float32.
        """
        network = onnx.load(file).graph
        scope = self._scopes[-1]
        names = {"": "", **{name: tensor.name for name, tensor in inputs.items()}}
        for weight in network.initializer:
            names[weight.name] = weight.name = f"{self._stage}{weight.name}"
            scope.weights[weight.name] = weight
        for node in network.node:
            node.name = f"{self._stage}{node.name}"
            node.input[:] = [names[name] for name in node.input]
            for name in node.output:
                names[name] = f"{self._stage}{name}" if name else ""
            node.output[:] = [names[name] for name in node.output]
            scope.nodes.append(node)
        return {o.name: Tensor(self, names[o.name], FLOAT) for o in network.output}

    def model(
        self,
        name: str,
        inputs: Mapping[Tensor, Sequence[str | int]],
        outputs: Mapping[str, tuple[Tensor, Sequence[str | int]]],
        metadata: Mapping[str, str],
    ) -> Any:
        """Return the checked model, without nodes that no output needs, with short names.

        Args:
            name: of the graph.
            inputs: shapes by tensor; a name is a free size.
            outputs: tensors and shapes by the outputs' names.
            metadata: texts by key.

        """
        (root,) = self._scopes
        for output, (tensor, _) in outputs.items():
            root.nodes.append(helper.make_node("Identity", [tensor.name], [output], f"to_{output}"))
        nodes, used = _needed(root.nodes, set(outputs))
        graph = helper.make_graph(
            nodes,
            name,
            [_value_info(t, shape) for t, shape in inputs.items()],
            [_value_info(t, shape, n) for n, (t, shape) in outputs.items()],
            [w for n, w in root.weights.items() if n in used],
        )
        shorten(graph)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="clockread"
        )
        model.ir_version = IR_VERSION
        helper.set_model_props(model, dict(metadata))
        onnx.checker.check_model(model)
        return model


def _value_info(tensor: Tensor, shape: Sequence[str | int] | None, name: str = "") -> Any:
    kind = helper.np_dtype_to_tensor_dtype(tensor.dtype)
    return helper.make_tensor_value_info(name or tensor.name, kind, shape)


def _needed(nodes: Sequence[Any], wanted: set[str]) -> tuple[list[Any], set[str]]:
    """Return the nodes that lead to the wanted tensors, and the names of all that these use."""
    used, kept = set(wanted), []
    for node in reversed(nodes):
        if used.intersection(node.output):
            kept.append(node)
            used.update(_captured(node))
    return kept[::-1], used


def _captured(node: Any) -> set[str]:
    """Return the names of all tensors that a node uses, those of its subgraphs included."""
    names = set(node.input)
    for attribute in node.attribute:
        if attribute.HasField("g"):
            names.update(*(_captured(inner) for inner in attribute.g.node))
    return names
