"""Short names in one-file readers."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="training needs the train extra")

from onnxruntime import InferenceSession

from training.edge.graph import Graph
from training.edge.tensor import BOOL, FLOAT

NODES = 100  # more than one digit can number


def model() -> Any:
    """A branch that adds a thousand, or nothing, to a value of the outer graph."""
    graph = Graph()
    value, condition = graph.input("value", FLOAT), graph.input("condition", BOOL)
    with graph.stage("stage"):
        result = value
        for number in range(NODES):
            result = result + float(number)
        (result,) = graph.branch(condition, lambda: [result + 1000.0], lambda: [result + 0.0])
    shapes = {value: ["n"], condition: []}
    return graph.model("test", shapes, {"result": (result, ["n"])}, {})


def nodes_of(graph: Any) -> list[Any]:
    nodes = []
    for node in graph.node:
        nodes.append(node)
        for attribute in node.attribute:
            nodes += nodes_of(attribute.g)
    return nodes


def test_values_of_outer_graphs_keep_their_meaning() -> None:
    session = InferenceSession(model().SerializeToString(), providers=["CPUExecutionProvider"])
    given = np.array([1.0, 2.0], np.float32)
    for condition, more in ((True, 1000), (False, 0)):
        (result,) = session.run(None, {"value": given, "condition": np.array(condition)})
        np.testing.assert_array_equal(result, given + sum(range(NODES)) + more)


def test_names_are_short_and_each_node_has_its_own() -> None:
    graph = model().graph
    assert [v.name for v in (*graph.input, *graph.output)] == ["value", "condition", "result"]
    names = Counter(node.name for node in nodes_of(graph))
    assert len(names) > NODES
    assert set(names.values()) == {1}
    inside = {value for node in nodes_of(graph) for value in (node.name, *node.input)}
    assert max(map(len, inside - {"value", "condition", "result"})) <= 2
