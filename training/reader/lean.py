"""Smaller graphs of a model's circular networks: `python -m training.reader.lean`.

Prints, for each network, its nodes in a session of fixed batch as on accelerators, without those
that only change a shape, and the time of a call on the CPU, both before and after. `--save`
writes the rewritten networks. A network whose outputs change in any bit is refused.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from clockread.runtime.manifest import DEFAULT
from training.reader.export import leaner
from training.reader.export_folder import EXPORTED, ExportFolder
from training.reader.quantize import quantization_inputs

ROLES = ("hands", "context")  # the circular networks
BATCHES = (1, 8, 32)
VIEWS = frozenset(("Reshape", "Squeeze", "Unsqueeze"))  # operators that compute nothing
CALL_SECONDS = 0.02  # of one measurement, at least


def rewritten(folder: ExportFolder, model: str, role: str, inputs: NDArray[np.uint8]) -> bytes:
    """Return a network of a folder with a smaller graph.

    Args:
        folder: with the model, saved.
        model: name of a model in floating point.
        role: of the network.
        inputs: Inputs (n, …) on which outputs are compared, beside random ones.

    Raises:
        ValueError: an output differs in some bit.

    """
    before = folder.data(model, role)
    after = leaner(before)
    random = np.random.default_rng(0).integers(0, 256, inputs.shape, np.uint8)
    different = differences(before, after, (inputs, random))
    if different:
        raise ValueError(f"{role} of {model}: {', '.join(different)} would change")
    return after


def differences(before: bytes, after: bytes, inputs: Iterable[NDArray[np.uint8]]) -> list[str]:
    """Return the outputs in which two networks differ in some bit, in batches of `BATCHES`."""
    old, new = _session(before), _session(after)
    names = [output.name for output in old.get_outputs()]
    different: set[str] = set()
    for batch in (some[:size] for some in inputs for size in BATCHES):
        feed = {old.get_inputs()[0].name: batch}
        for name, a, b in zip(names, old.run(names, feed), new.run(names, feed), strict=True):
            if a.tobytes() != b.tobytes():
                different.add(name)
    return [name for name in names if name in different]


def nodes(data: bytes, size: int = BATCHES[1]) -> int:
    """Return the nodes that compute, in a session of fixed batch on any provider.

    Fusions of single providers are not among them.
    """
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.add_free_dimension_override_by_name("batch", size)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "optimized.onnx"
        options.optimized_model_filepath = str(file)
        onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        graph = onnx.load(file).graph
    return sum(node.op_type not in VIEWS for node in graph.node)


def seconds(
    before: bytes, after: bytes, inputs: NDArray[np.uint8], rounds: int
) -> tuple[float, float]:
    """Return the processor time of a call before, and the median ratio of a call after to it.

    Both take turns; each uses one thread.
    """
    sessions = _session(before), _session(after)
    feed = {sessions[0].get_inputs()[0].name: inputs}
    calls = 1 + int(CALL_SECONDS / max(_seconds(sessions[0], feed, 2), 1e-6))
    first, ratios = [], []
    for number in range(rounds):
        order = (0, 1) if number % 2 else (1, 0)
        taken = {i: _seconds(sessions[i], feed, calls) for i in order}
        first.append(taken[0])
        ratios.append(taken[1] / taken[0])
    return median(first), median(ratios)


def _seconds(session: Any, feed: dict[str, NDArray[np.uint8]], calls: int) -> float:
    began = time.process_time()
    for _ in range(calls):
        session.run(None, feed)
    return (time.process_time() - began) / calls


def _session(data: bytes) -> Any:
    from clockread.runtime.providers import open_session

    return open_session(data, "cpu", 1)


def main(
    folder: Annotated[Path, typer.Option(help="Folder with manifest.json.")] = EXPORTED,
    model: Annotated[str, typer.Option(help="Model in floating point.")] = DEFAULT,
    rounds: Annotated[int, typer.Option(min=1, help="Measurements of each time.")] = 40,
    save: Annotated[bool, typer.Option("--save", help="Write the rewritten networks.")] = False,
) -> None:
    """Rewrite the circular networks of a model with fewer nodes and the same outputs."""
    exports = ExportFolder(folder)
    inputs = quantization_inputs(folder, "smoke")
    for role in ROLES:
        before = exports.data(model, role)
        after = rewritten(exports, model, role, inputs[role])
        print(f"{role}: {nodes(before)} nodes before, {nodes(after)} after; outputs are the same")
        for size in BATCHES:
            taken, ratio = seconds(before, after, inputs[role][:size], rounds)
            print(f"  batch {size}: {1000 * taken:.2f} ms before, {ratio:.3f} times that after")
        if after != before:
            exports.put_rewritten(model, role, after)
    if save:
        exports.save()


if __name__ == "__main__":
    typer.run(main)
