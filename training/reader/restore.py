"""Exported networks back into Keras, for when the run that they came from is gone.

    python -m training.reader.restore reader/pose              # as a finished run: what needs it can be run
    python -m training.reader.restore --as-start reader/hands  # as the start of a new run: `run_all --only reader/hands` goes on from there
    python -m training.reader.restore --as-start reader/hands --exported '{"local": 1}'  # of a shallower network than today's

An exported file has no names of layers and no normalizations. Its weights are told by their place in the graph, which is that of
the same architecture exported with other weights; what the normalizations divide by is measured again.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

import keras
import numpy as np
import typer
from numpy.typing import NDArray

from clockread.reader import ClockReader
from clockread.runtime.manifest import DEFAULT, load_manifest, model_bytes
from training.reader.export import EXPORTED, OUTPUTS, folded, to_onnx
from training.reader.finder_network import FinderConfig, build_finder
from training.reader.loop import (
    ORIGIN_FILE,
    RESULT_FILE,
    START_FILE,
    WEIGHTS_FILE,
    run_folder,
    write_json,
)
from training.reader.networks import (
    HandsConfig,
    PoseConfig,
    build_hands,
    build_pose,
    grow,
    with_sincos,
)
from training.reader.quantize import calibration_inputs
from training.splits import PROFILES

BUILD: dict[str, tuple[Callable[[Any], keras.Model], Any]] = {
    "reader/finder": (build_finder, FinderConfig()),
    "reader/pose": (build_pose, PoseConfig()),
    "reader/hands": (build_hands, HandsConfig()),
}
MEASURED_ON = 128  # inputs that the normalizations' means and variances are taken from
_NORM = "_norm"


def restored(
    model: keras.Model, data: bytes, outputs: tuple[str, ...], inputs: NDArray[np.uint8]
) -> None:
    """Give a network the weights of an ONNX file that one of the same architecture was exported to.

    ``inputs`` (n, …) uint8 are what the normalizations' means and variances are measured on. Raises ValueError where the file is of
    another architecture.
    """
    plain = folded(model)
    rng = np.random.default_rng(0)
    for layer in plain.layers:
        layer.set_weights(
            [rng.normal(size=w.shape).astype(np.float32) for w in layer.get_weights()]
        )
    known, wanted = _weights(to_onnx(plain, outputs), outputs), _weights(data, outputs)
    if [w.shape for w in known] != [w.shape for w in wanted]:
        raise ValueError(
            f"the file is not of this {model.name} network: it has {len(wanted)} weights of other shapes than its {len(known)}"
        )
    pairs = [(k, w) for k, w in zip(known, wanted, strict=True) if k.size]
    for layer in plain.layers:
        layer.set_weights([_same_order(own, pairs) for own in layer.get_weights()])
    _unfold(plain, model, inputs)


def _weights(data: bytes, outputs: tuple[str, ...]) -> list[NDArray[np.float32]]:
    """All float constants of a graph, in the order in which a walk back from its outputs meets them, each once."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load_from_string(data).graph
    made = {value: node for node in graph.node for value in node.output}
    stored = {weight.name: weight for weight in graph.initializer}
    seen: set[str] = set()
    found: list[NDArray[np.float32]] = []
    waiting = list(reversed(outputs))
    while waiting:
        value = waiting.pop()
        if value in seen:
            continue
        seen.add(value)
        if value in stored:
            array = numpy_helper.to_array(stored[value])
            if array.dtype in (np.float16, np.float32):
                found.append(array.astype(np.float32))
        elif value in made:
            waiting.extend(reversed(made[value].input))
    return found


def _same_order(
    own: NDArray[np.float32], pairs: list[tuple[NDArray[np.float32], NDArray[np.float32]]]
) -> NDArray[np.float32]:
    """The wanted weights that stand where the graph has ``own``, in the order of Keras: the converter turns axes and adds some of 1."""
    sorted_own = np.sort(own, axis=None)
    for known, wanted in pairs:
        if known.size != own.size or not np.array_equal(np.sort(known, axis=None), sorted_own):
            continue
        sides = [side for side in known.shape if side > 1]
        slim, slim_wanted = known.reshape(sides), wanted.reshape(sides)
        for axes in itertools.permutations(range(len(sides))):
            turned = slim.transpose(axes)
            if np.array_equal(turned.ravel(), own.ravel()):
                return slim_wanted.transpose(axes).reshape(own.shape)
    raise ValueError(f"no weights of shape {own.shape} in the file: it is of another architecture")


def _unfold(plain: keras.Model, model: keras.Model, inputs: NDArray[np.uint8]) -> None:
    """Set ``model`` to the function of ``plain``, its normalizations to what they see of ``inputs``."""
    names = [
        layer.name.removesuffix(_NORM)
        for layer in model.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    probe = keras.Model(plain.inputs, [plain.get_layer(name).output for name in names])
    before = dict(
        zip(
            names,
            (
                keras.ops.convert_to_numpy(out)
                for out in probe(inputs[:MEASURED_ON], training=False)
            ),
            strict=True,
        )
    )
    for layer in plain.layers:
        weights = layer.get_weights()
        if not weights:
            continue
        if layer.name not in before:
            model.get_layer(layer.name).set_weights(weights)
            continue
        kernel, bias = weights
        out = before[layer.name].reshape(-1, len(bias))
        norm = model.get_layer(layer.name + _NORM)
        variance = out.var(axis=0)
        model.get_layer(layer.name).set_weights([kernel])
        norm.set_weights(
            [np.sqrt(variance + norm.epsilon), out.mean(axis=0), out.mean(axis=0) - bias, variance]
        )


def main(
    networks: Annotated[list[str], typer.Argument(help="Which: " + ", ".join(BUILD))],
    profile: Annotated[
        str, typer.Option(help="Whose run folders are written: " + ", ".join(PROFILES))
    ] = "reduced",
    as_start: Annotated[
        bool,
        typer.Option(
            "--as-start", help="As weights to begin a new run with, not as a finished run."
        ),
    ] = False,
    exported: Annotated[
        str,
        typer.Option(
            help="How the exported networks' options differ from today's, as JSON.", metavar="JSON"
        ),
    ] = "{}",
) -> None:
    """Put exported networks back where training looks for its own."""
    for name in networks:
        if name not in BUILD:
            raise typer.BadParameter(f"{name!r}: use one of {', '.join(BUILD)}")
    try:
        different = dict(json.loads(exported))
        as_before = {name: replace(BUILD[name][1], **different) for name in networks}
    except (ValueError, TypeError) as error:
        raise typer.BadParameter(f"--exported {exported}: {error}") from None
    if different and not as_start:
        raise typer.BadParameter(
            "--exported: a network of other options is no finished run of today's; use --as-start"
        )
    entries = load_manifest(EXPORTED).models[DEFAULT]
    inputs = calibration_inputs(ClockReader("cpu", model=DEFAULT, models=EXPORTED), profile)
    for name in networks:
        role = name.removeprefix("reader/")
        build, config = BUILD[name]
        entry, model = entries[role], build(as_before[name])
        as_exported = with_sincos(model) if role == "hands" else model
        restored(as_exported, model_bytes(entry), OUTPUTS[role], inputs[role])
        if different:
            smaller, model = model, build(config)
            grow(model, smaller)
        folder = run_folder(profile, name)
        model.save_weights(folder / (START_FILE if as_start else WEIGHTS_FILE))
        write_json(
            folder / (ORIGIN_FILE if as_start else RESULT_FILE),
            {**entry.training, "sha256": entry.sha256, "metrics": dict(entry.metrics)},
        )
        print(f"{name}: {entry.path.name} is in {folder}")


if __name__ == "__main__":
    typer.run(main)
