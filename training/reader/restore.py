"""Recreation of training runs from exported networks, if the original runs are gone.

    python -m training.reader.restore reader/pose              # as a finished run
    python -m training.reader.restore --as-start reader/hands  # as initial weights of a new run
    python -m training.reader.restore --as-start reader/hands --exported '{"local": 1}'

The last command is for an exported network that is shallower than today's configuration.

The weights of the model `small` are stored in 8-bit integers only. Its networks are recreated with
these rounded weights.

An exported file contains neither layer names nor normalization layers. Weights are matched by
their position in the graph, compared with the same architecture exported with other weights; the
statistics of the normalizations are measured again.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Annotated, Any

import keras
import numpy as np
import typer
from numpy.typing import NDArray

from clockread.runtime.manifest import DEFAULT, SMALL, ModelEntry, load_manifest, model_bytes
from training.reader.dequantize import dequantized, is_quantized
from training.reader.export import OUTPUTS, folded, leaner, to_onnx
from training.reader.export_folder import EXPORTED
from training.reader.loop import (
    ORIGIN_FILE,
    RESULT_FILE,
    START_FILE,
    WEIGHTS_FILE,
    run_folder,
    write_json,
)
from training.reader.networks import grow
from training.reader.quantize import prepared, quantization_inputs
from training.reader.tasks import SMALL_TASKS, TASKS
from training.splits import PROFILES

MEASURED_ON = 128  # inputs that the means and variances of normalizations are measured on
_NORM = "_norm"
_CONV_INPUTS = 3  # of an ONNX convolution: image, kernel and bias


def restored(
    model: keras.Model, data: bytes, outputs: tuple[str, ...], inputs: NDArray[np.uint8]
) -> None:
    """Set the weights of a network to those of an ONNX file.

    Args:
        model: A network of the architecture that was exported.
        data: The ONNX file, in floating point or quantized.
        outputs: Its outputs.
        inputs: Inputs (n, …) that the statistics of the normalizations are measured on.

    Raises:
        ValueError: the file has another architecture.

    """
    plain = folded(model)
    rng = np.random.default_rng(0)
    for layer in plain.layers:
        shapes = [w.shape for w in layer.get_weights()]
        layer.set_weights([rng.normal(size=shape).astype(np.float32) for shape in shapes])
    exported = to_onnx(plain, outputs)
    if is_quantized(data):
        files = prepared(exported), dequantized(data)
    else:
        files = leaner(exported), leaner(data)
    known, wanted = (_weights(file, outputs) for file in files)
    if [w.shape for w in known] != [w.shape for w in wanted]:
        raise ValueError(
            f"the file is not of this {model.name} network: "
            f"the shapes of its {len(wanted)} weights differ from the network's {len(known)}"
        )
    pairs = [(k, w) for k, w in zip(known, wanted, strict=True) if k.size]
    for layer in plain.layers:
        layer.set_weights([_same_order(own, pairs) for own in layer.get_weights()])
    _unfold(plain, model, inputs)


def _weights(data: bytes, outputs: tuple[str, ...]) -> list[NDArray[np.float32]]:
    """Return each float constant of a graph once, in the order of a walk back from its outputs.

    A convolution without a bias has one of zeros: the converter leaves those out.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load_from_string(data).graph
    made = {value: node for node in graph.node for value in node.output}
    stored = {weight.name: weight for weight in graph.initializer}
    seen: set[str] = set()
    found: list[NDArray[np.float32]] = []
    waiting: list[str | None] = list(reversed(outputs))
    while waiting:
        value = waiting.pop()
        if value is None:
            found.append(np.zeros(len(found[-1]), np.float32))
            continue
        if value in seen:
            continue
        seen.add(value)
        if value in stored:
            array = numpy_helper.to_array(stored[value])
            if array.dtype in (np.float16, np.float32):
                found.append(array.astype(np.float32))
        elif value in made:
            node = made[value]
            no_bias = node.op_type == "Conv" and len(node.input) == _CONV_INPUTS - 1
            waiting.extend(reversed([*node.input, *[None] * no_bias]))
    return found


def _same_order(
    own: NDArray[np.float32], pairs: list[tuple[NDArray[np.float32], NDArray[np.float32]]]
) -> NDArray[np.float32]:
    """Return the wanted weights at the place of ``own`` in the graph, with the axes of Keras.

    The converter transposes axes and adds axes of length 1.
    """
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
    """Give ``model`` the function of ``plain``, with normalization statistics of ``inputs``."""
    names = [
        layer.name.removesuffix(_NORM)
        for layer in model.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    probe = keras.Model(plain.inputs, [plain.get_layer(name).output for name in names])
    values = map(keras.ops.convert_to_numpy, probe(inputs[:MEASURED_ON], training=False))
    before = dict(zip(names, values, strict=True))
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
        mean, variance = out.mean(axis=0), out.var(axis=0)
        model.get_layer(layer.name).set_weights([kernel])
        norm.set_weights([np.sqrt(variance + norm.epsilon), mean, mean - bias, variance])


def _result_of(entry: ModelEntry) -> dict[str, Any]:
    """Return the result of the run that an exported network came from, with its file's digest."""
    return {**entry.training, "sha256": entry.sha256, "metrics": dict(entry.metrics)}


def main(
    networks: Annotated[list[str], typer.Argument(help=f"Names: {', '.join(TASKS)}")],
    profile: Annotated[str, typer.Option(help=f"Profile: {', '.join(PROFILES)}")] = "reduced",
    as_start: Annotated[
        bool,
        typer.Option("--as-start", help="Write initial weights of a new run, not a finished run."),
    ] = False,
    exported: Annotated[
        str,
        typer.Option(
            help="Options in which the exported networks differ from today's, as JSON.",
            metavar="JSON",
        ),
    ] = "{}",
) -> None:
    """Recreate the training runs of exported networks."""
    if profile not in PROFILES:
        raise typer.BadParameter(f"--profile {profile!r}: use one of {', '.join(PROFILES)}")
    for name in networks:
        if name not in TASKS:
            raise typer.BadParameter(f"{name!r}: use one of {', '.join(TASKS)}")
    tasks = [TASKS[name] for name in networks]
    try:
        different = dict(json.loads(exported))
        configs = [replace(task.config, **different) for task in tasks]
    except (ValueError, TypeError) as error:
        raise typer.BadParameter(f"--exported {exported}: {error}") from None
    if different and not as_start:
        raise typer.BadParameter(
            "--exported: a network with other options cannot be a finished run; use --as-start"
        )
    models = load_manifest(EXPORTED).models
    inputs = quantization_inputs(EXPORTED, profile)
    for task, config in zip(tasks, configs, strict=True):
        role, model = task.role, task.build(config)
        entry = models[SMALL if task in SMALL_TASKS else DEFAULT][role]
        restored(task.for_export(model), model_bytes(entry), OUTPUTS[role], inputs[role])
        if different:
            smaller, model = model, task.build(task.config)
            grow(model, smaller)
        folder = run_folder(profile, task.name)
        model.save_weights(folder / (START_FILE if as_start else WEIGHTS_FILE))
        write_json(folder / (ORIGIN_FILE if as_start else RESULT_FILE), _result_of(entry))
        print(f"{task.name}: {entry.path.name} is in {folder}")


if __name__ == "__main__":
    typer.run(main)
