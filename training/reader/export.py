"""Conversion of trained networks to ONNX, and the export of the model `default`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from clockread.context import CONTEXT_GRID, unwrap_context
from clockread.finder import PADDING, SCENE, SIZE_UNIT, STRIDE
from clockread.hands import unwrap_posed
from clockread.runtime.manifest import DEFAULT, QUANTIZED
from clockread.sampling import ANGLES, OUTER_RADIUS, PATCH, RADII
from training.experiment import Settings
from training.reader.export_folder import Description, export_folder
from training.reader.finder import validation_scenes
from training.reader.hands import posed_by
from training.reader.lean_graph import rewrite
from training.reader.loop import RESULT_FILE, run_folder
from training.reader.networks import BINS, FLAGS, HEADS
from training.reader.pose import find_poses, validation_shard
from training.reader.tasks import DEFAULT_TASKS, POSE, Task, trained

OPSET = 17
TOLERANCE = 1e-4  # largest difference between Keras and onnxruntime, relative to the output's scale
_SMALL = 64  # values; smaller weights are stored in single precision
_LOGITS = f"logits over {BINS} angles of {360 / BINS:g} degrees"

PREPROCESSING = {
    "finder": {
        "input": f"uint8 grey photo, letterboxed to {SCENE} x {SCENE} (shrunk by area averaging, "
        f"first by a whole factor, then by the rest; or enlarged bilinearly; padding {PADDING})",
        "normalization": "in the graph",
        "outputs": f"heat: logits on a stride-{STRIDE} grid; box: dx, dy within the cell, "
        f"log(width / {SIZE_UNIT:g}), log(height / {SIZE_UNIT:g})",
    },
    "pose": {
        "input": f"uint8 grey square crop of a dial, {PATCH} x {PATCH}",
        "normalization": "in the graph",
        "outputs": "pose: cx, cy, s11, s12, s22, v1, v2 in the crop's [-1, 1] square "
        "(clockread.geometry); dial: logit",
    },
    "sincos": {
        "input": "uint8 grey square crop of a dial, 20 % wider than its box",
        "normalization": "in the graph",
        "outputs": "pairs: sin and cos of the whole hour x 30 degrees, "
        "sin and cos of the minute x 6 degrees",
    },
    "hands": {
        "input": f"uint8 grey polar image, {ANGLES} angles (clockwise from the pose's up) "
        f"x {RADII} radii to {OUTER_RADIUS}",
        "normalization": "in the graph",
        "outputs": f"hour, minute, twelve, second: {_LOGITS}; "
        "*_sincos: their mean resultants (sin, cos); has_second: logit; change: the dial's pose "
        "in the coordinates of the one it was unwrapped through",
    },
    "context": {
        "input": f"uint8 grey polar image, {CONTEXT_GRID.angles} angles (clockwise from the pose's "
        f"up) x {CONTEXT_GRID.radii} radii to {CONTEXT_GRID.outer_radius}",
        "normalization": "in the graph",
        "outputs": f"twelve: {_LOGITS}; {', '.join(FLAGS)}: logits",
    },
}
OUTPUTS: dict[str, tuple[str, ...]] = {
    "finder": ("heat", "box"),
    "pose": ("pose", "dial"),
    "hands": (*HEADS, "has_second", "change", *(f"{head}_sincos" for head in HEADS)),
    "context": ("twelve", *FLAGS),
    "sincos": ("pairs",),
}


class _Identity(keras.layers.Layer):
    """Replaces a BatchNormalization, whose arguments it takes."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Return the inputs."""
        del training, mask
        return inputs


def folded(model: keras.Model) -> keras.Model:
    """Return the same function with each BatchNormalization folded into the layer before it.

    A normalization is named as that layer, plus "_norm". Weights are rounded to half precision, in
    which the ONNX file stores them.
    """
    norms = {
        layer.name.removesuffix("_norm"): layer
        for layer in model.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    }

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        if isinstance(layer, keras.layers.BatchNormalization):
            return _Identity(name=layer.name)
        config = layer.get_config()
        if layer.name in norms:
            config["use_bias"] = True
        return type(layer).from_config(config)

    plain = keras.models.clone_model(model, clone_function=clone)
    for layer in plain.layers:
        weights = model.get_layer(layer.name).get_weights()
        if layer.name in norms:
            gamma, beta, mean, variance = norms[layer.name].get_weights()
            scale = gamma / np.sqrt(variance + norms[layer.name].epsilon)
            weights = [weights[0] * scale, beta - mean * scale]
        if layer.get_weights():
            layer.set_weights([w.astype(np.float16).astype(np.float32) for w in weights])
    return plain


def _stored_half(proto: Any) -> None:
    """Store large float32 weights as float16, with a Cast that onnxruntime removes when it loads.

    Lossless for weights that `folded` rounded; others (constants of the graph) stay as they are.
    """
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for weight in proto.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < _SMALL:
            continue
        half = values.astype(np.float16)
        if (half.astype(np.float32) != values).any():
            continue
        name, stored = weight.name, f"{weight.name}_half"
        weight.CopyFrom(numpy_helper.from_array(half, stored))
        cast = helper.make_node("Cast", [stored], [name], f"{name}_cast", to=TensorProto.FLOAT)
        casts.append(cast)
    nodes = list(proto.graph.node)
    del proto.graph.node[:]
    proto.graph.node.extend([*casts, *nodes])


def canonical(proto: Any) -> None:
    """Give nodes and values a stable order and stable names; those of the converter vary."""
    graph = proto.graph
    outputs = {value.name for value in graph.output}
    names = {"": "", **{value.name: value.name for value in graph.input}}
    for weight in graph.initializer:
        copy = type(weight)()
        copy.CopyFrom(weight)
        copy.name = ""
        key = hashlib.sha256(copy.SerializeToString(deterministic=True)).hexdigest()
        names[weight.name] = weight.name = f"w_{key[:16]}"
    waiting: list[Any] = list(graph.node)
    placed: list[Any] = []

    def computes(node: Any) -> tuple[Any, ...]:
        attributes = sorted(a.SerializeToString(deterministic=True) for a in node.attribute)
        return (
            node.op_type,
            [names[value] for value in node.input],
            attributes,
            [v for v in node.output if v in outputs],
        )

    while waiting:
        node = min((n for n in waiting if all(value in names for value in n.input)), key=computes)
        waiting.remove(node)
        for value in node.output:
            names[value] = value if value in outputs else f"v{len(placed)}_{len(names)}"
        placed.append(node)
    for number, node in enumerate(placed):
        node.name = f"{node.op_type}_{number}"
        for field in (node.input, node.output):
            field[:] = [names[value] for value in field]
    weights = {weight.name: weight for weight in graph.initializer}  # equal ones are stored once
    ordered = [weights[name] for name in sorted(weights)]
    nodes = [node.SerializeToString(deterministic=True) for node in placed]
    del graph.node[:], graph.initializer[:]
    graph.initializer.extend(ordered)
    for data in nodes:
        graph.node.add().ParseFromString(data)


def to_onnx(model: keras.Model, outputs: tuple[str, ...]) -> bytes:
    """Return a Keras model with one input as ONNX, with a dynamic batch and ``outputs`` in order.

    Needs Keras on the TensorFlow backend.
    """
    import onnx
    import tensorflow as tf
    import tf2onnx

    name, shape = model.inputs[0].name, model.inputs[0].shape
    signature = [tf.TensorSpec([None, *shape[1:]], tf.uint8, name=name)]

    @tf.function(input_signature=signature)  # type: ignore[untyped-decorator]
    def call(x: Any) -> tuple[Any, ...]:
        result = model(x, training=False)
        return tuple(tf.identity(result[o], name=o) for o in outputs)

    proto, _ = tf2onnx.convert.from_function(call, input_signature=signature, opset=OPSET)
    renamed = {old.name: new for old, new in zip(proto.graph.output, outputs, strict=True)}
    renamed[proto.graph.input[0].name] = name
    for node in proto.graph.node:
        for field in (node.input, node.output):
            for i, value in enumerate(field):
                field[i] = renamed.get(value, value)
    for value in (*proto.graph.input, *proto.graph.output):
        value.name = renamed[value.name]
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    for value in proto.graph.output:  # shape inference may have failed
        dims = list(value.type.tensor_type.shape.dim)[1:]
        for dim, size in zip(dims, model.output[value.name].shape[1:], strict=True):
            dim.dim_value = size
    del proto.graph.value_info[:]
    _stored_half(proto)
    canonical(proto)
    proto.producer_version = ""
    proto.graph.name, proto.graph.doc_string = f"clockread {model.name}", ""
    onnx.checker.check_model(proto, full_check=True)
    return bytes(proto.SerializeToString(deterministic=True))


def leaner(data: bytes) -> bytes:
    """Return an exported network with fewer nodes and the same outputs; see `lean_graph`.

    A network with nothing to rewrite stays as it is.
    """
    import onnx

    proto = onnx.load_from_string(data)
    if not rewrite(proto):
        return data
    _stored_half(proto)
    canonical(proto)
    onnx.checker.check_model(proto, full_check=True)
    return bytes(proto.SerializeToString(deterministic=True))


def largest_difference(
    model: keras.Model, data: bytes, batch: NDArray[np.uint8], outputs: tuple[str, ...]
) -> float:
    """Return the largest difference between Keras and onnxruntime on one batch.

    Args:
        model: The Keras model.
        data: The ONNX file.
        batch: Inputs (n, …).
        outputs: Names of the compared outputs.

    Returns:
        The largest difference, relative to the largest magnitude (at least 1) of its output.

    """
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    got = session.run(list(outputs), {session.get_inputs()[0].name: batch})
    wanted = model(batch, training=False)
    away = 0.0
    for name, value in zip(outputs, got, strict=True):
        expected = np.asarray(keras.ops.convert_to_numpy(wanted[name]))
        away = max(away, float(np.abs(expected - value).max() / max(1.0, np.abs(expected).max())))
    return away


def export(
    model: keras.Model, role: str, batch: NDArray[np.uint8], training: Mapping[str, Any]
) -> tuple[bytes, Description]:
    """Convert a trained network to ONNX.

    Args:
        model: The network, with the outputs of its role.
        role: Role in its model, a key of `OUTPUTS`.
        batch: Inputs (n, …) on which Keras and onnxruntime are compared.
        training: How the network was trained; with its metrics.

    Returns:
        The ONNX file, and its description for the manifest.

    Raises:
        ValueError: ONNX and Keras differ by more than `TOLERANCE`.

    """
    import onnx

    outputs, plain = OUTPUTS[role], folded(model)
    data = to_onnx(plain, outputs)
    away = largest_difference(plain, data, batch, outputs)
    if away > TOLERANCE:
        raise ValueError(f"{role}: ONNX differs from Keras by {away:.2g} (allowed {TOLERANCE})")
    graph = onnx.load_from_string(data).graph

    def specs(values: Any) -> dict[str, Any]:
        return {
            v.name: {
                "dtype": onnx.helper.tensor_dtype_to_np_dtype(v.type.tensor_type.elem_type).name,
                "shape": [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim],
            }
            for v in values
        }

    return data, {
        "opset": OPSET,
        "inputs": specs(graph.input),
        "outputs": specs(graph.output),
        "preprocessing": PREPROCESSING[role],
        "training": {k: v for k, v in training.items() if k not in ("history", "metrics")},
        "metrics": {
            **training.get("metrics", {}),
            "largest_difference_to_keras": away,
            "change_by_half_precision": largest_difference(model, data, batch, outputs),
        },
    }


def run(settings: Settings) -> dict[str, Any]:
    """Export the four networks of a profile as the model `default`.

    A network whose run was restored from the exported file keeps that file. The model `int8` is
    removed, since it depends on networks that are replaced.
    """
    profile = settings.profile
    exports = export_folder(profile)
    exports.drop(QUANTIZED)
    crops = np.asarray(validation_shard(profile).images[:16])
    posed = posed_by(crops, find_poses(trained(POSE, profile), crops))
    inputs = {
        "finder": np.asarray(validation_scenes(profile).images[:4]),
        "pose": crops,
        "hands": unwrap_posed(posed),
        "context": unwrap_context(list(crops), posed),
    }
    metrics: dict[str, Any] = {}
    for task in DEFAULT_TASKS:
        role, provenance = task.role, provenance_of(task, profile)
        if not exports.has(DEFAULT, role, provenance.get("sha256")):
            model = task.for_export(trained(task, profile))
            data, description = export(model, role, inputs[role], provenance)
            exports.put(DEFAULT, role, leaner(data), description)
        entry = exports.models[DEFAULT][role]
        metrics[f"{role}_bytes"] = entry["bytes"]
        metrics[f"{role}_difference"] = entry["metrics"]["largest_difference_to_keras"]
    metrics["bytes"] = sum(v for k, v in metrics.items() if k.endswith("_bytes"))
    exports.save()
    return {"metrics": metrics}


def provenance_of(task: Task, profile: str) -> dict[str, Any]:
    """Return the result of a task's run, with the command and the seed that reproduce it."""
    result = json.loads((run_folder(profile, task.name) / RESULT_FILE).read_text())
    return {
        **result,
        "command": f"python -m training.run_all --profile {profile} --only reader",
        "seed": result["schedule"]["seed"],
    }
