"""Keras → ONNX → `exported/`, with the manifest that the runtime checks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from clockread.finder import SCENE
from clockread.hands import unwrap_posed
from clockread.runtime.manifest import DEFAULT, MANIFEST_FORMAT, MANIFEST_NAME, QUANTIZED, SMALL
from clockread.sampling import ANGLES, OUTER_RADIUS, PATCH, RADII
from training.experiment import Settings
from training.reader.loop import RESULT_FILE, run_folder, write_json
from training.reader.networks import HEADS, with_sincos

OPSET = 17
TOLERANCE = 1e-4  # largest difference between Keras and onnxruntime, relative to the output's scale
_SMALL = 64  # weights of fewer values are not worth a Cast
REPOSITORY = Path(__file__).resolve().parents[2]
EXPORTED = REPOSITORY / "exported"

PREPROCESSING = {
    "finder": {
        "input": f"uint8 grey photo, letterboxed to {SCENE} x {SCENE} (one area resize, padding 128)",
        "normalization": "in the graph",
        "outputs": "heat: logits on a stride-8 grid; box: dx, dy within the cell, log(width / 32), log(height / 32)",
    },
    "pose": {
        "input": f"uint8 grey square crop of a dial, {PATCH} x {PATCH}",
        "normalization": "in the graph",
        "outputs": "pose: cx, cy, s11, s12, s22, v1, v2 in the crop's [-1, 1] square (clockread.geometry); dial: logit",
    },
    "sincos": {
        "input": "uint8 grey square crop of an upright dial, 20 % wider than its box",
        "normalization": "in the graph",
        "outputs": "pairs: sin and cos of the whole hour x 30 degrees, sin and cos of the minute x 6 degrees",
    },
    "hands": {
        "input": f"uint8 grey polar image, {ANGLES} angles (clockwise from the pose's up) x {RADII} radii to {OUTER_RADIUS}",
        "normalization": "in the graph",
        "outputs": "hour, minute, twelve, second: logits over 120 angles of 3 degrees; *_sincos: their mean resultants (sin, cos); "
        "has_second: logit; change: the dial's pose in the coordinates of the one it was unwrapped through",
    },
}
OUTPUTS: dict[str, tuple[str, ...]] = {
    "finder": ("heat", "box"),
    "pose": ("pose", "dial"),
    "hands": (*HEADS, "has_second", "change", *(f"{head}_sincos" for head in HEADS)),
    "sincos": ("pairs",),
}


def export_folder(profile: str, name: str = "reader/export") -> Path:
    """Where a profile's models go: the smoke profile leaves the shipped ones alone."""
    return run_folder(profile, name) if profile == "smoke" else EXPORTED


class _Nothing(keras.layers.Layer):
    """Stands where a BatchNormalization was, whose arguments it takes."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Return the inputs."""
        del training, mask
        return inputs


def folded(model: keras.Model) -> keras.Model:
    """The same function without BatchNormalization: each is folded into the layer before it, which bears its name less "_norm".

    Weights are rounded to half precision, the precision in which the ONNX file stores them.
    """
    norms = {
        layer.name.removesuffix("_norm"): layer
        for layer in model.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    }

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        if isinstance(layer, keras.layers.BatchNormalization):
            return _Nothing(name=layer.name)
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
    """Store large float32 weights as float16 with a Cast before their use; onnxruntime undoes it once, when it loads the model.

    Lossless for weights that `folded` rounded; others (constants of the graph) stay as they are.
    """
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for weight in proto.graph.initializer:
        values = numpy_helper.to_array(weight)
        half = values.astype(np.float16) if values.dtype == np.float32 else values
        if (
            values.dtype != np.float32
            or values.size < _SMALL
            or (half.astype(np.float32) != values).any()
        ):
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(half, f"{name}_half"))
        casts.append(
            helper.make_node(
                "Cast", [f"{name}_half"], [name], name=f"{name}_cast", to=TensorProto.FLOAT
            )
        )
    nodes = list(proto.graph.node)
    del proto.graph.node[:]
    proto.graph.node.extend([*casts, *nodes])


def canonical(proto: Any) -> None:
    """Order nodes and name values by what they compute: the converter's own order and names differ from run to run."""
    graph = proto.graph
    outputs = {value.name for value in graph.output}
    names = {"": "", **{value.name: value.name for value in graph.input}}
    for weight in graph.initializer:
        key = hashlib.sha256()
        copy = type(weight)()
        copy.CopyFrom(weight)
        copy.name = ""
        key.update(copy.SerializeToString(deterministic=True))
        names[weight.name] = weight.name = f"w_{key.hexdigest()[:16]}"
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
    ordered = list(
        {
            weight.name: weight for weight in sorted(graph.initializer, key=lambda w: str(w.name))
        }.values()
    )
    nodes = [node.SerializeToString(deterministic=True) for node in placed]
    del graph.node[:], graph.initializer[:]
    graph.initializer.extend(ordered)
    for data in nodes:
        graph.node.add().ParseFromString(data)


def to_onnx(model: keras.Model, outputs: tuple[str, ...]) -> bytes:
    """Serialized ONNX of a Keras model with one named input, dynamic batch and ``outputs`` named and in that order.

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
    for value in proto.graph.output:  # where shape inference lost track
        for dim, size in zip(
            list(value.type.tensor_type.shape.dim)[1:],
            model.output[value.name].shape[1:],
            strict=True,
        ):
            dim.dim_value = size
    del proto.graph.value_info[:]
    _stored_half(proto)
    canonical(proto)
    proto.producer_version = ""
    proto.graph.name, proto.graph.doc_string = f"clockread {model.name}", ""
    onnx.checker.check_model(proto, full_check=True)
    return bytes(proto.SerializeToString(deterministic=True))


def largest_difference(
    model: keras.Model, data: bytes, batch: np.ndarray, outputs: tuple[str, ...]
) -> float:
    """Largest difference between Keras and onnxruntime on one batch, over the largest magnitude of each output."""
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
    model: keras.Model,
    role: str,
    batch: np.ndarray,
    training: Mapping[str, Any],
    *,
    folder: Path = EXPORTED,
    name: str = DEFAULT,
) -> dict[str, Any]:
    """Write one model, folded, and its manifest entry.

    Raises ValueError where ONNX and Keras disagree on ``batch`` by more than TOLERANCE.
    """
    import onnx

    outputs = OUTPUTS[role]
    trained, model = model, folded(model)
    data = to_onnx(model, outputs)
    away = largest_difference(model, data, batch, outputs)
    if away > TOLERANCE:
        raise ValueError(f"{role}: ONNX differs from Keras by {away:.2g} (allowed {TOLERANCE})")
    rounding = largest_difference(trained, data, batch, outputs)
    folder.mkdir(parents=True, exist_ok=True)
    file = (
        folder
        / f"{role if name == DEFAULT else name if name.startswith(role) else f'{role}-{name}'}.onnx"
    )
    file.write_bytes(data)
    proto = onnx.load_from_string(data)

    def specs(values: Any) -> dict[str, Any]:
        return {
            v.name: {
                "dtype": onnx.helper.tensor_dtype_to_np_dtype(v.type.tensor_type.elem_type).name,
                "shape": [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim],
            }
            for v in values
        }

    entry = {
        "file": file.name,
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "opset": OPSET,
        "inputs": specs(proto.graph.input),
        "outputs": specs(proto.graph.output),
        "preprocessing": PREPROCESSING[role],
        "training": {k: v for k, v in training.items() if k not in ("history", "metrics")},
        "metrics": {
            **training.get("metrics", {}),
            "largest_difference_to_keras": away,
            "change_by_half_precision": rounding,
        },
    }
    manifest_file = folder / MANIFEST_NAME
    manifest: dict[str, Any] = {"format": MANIFEST_FORMAT, "models": {}}
    if manifest_file.exists():
        manifest = json.loads(manifest_file.read_text())
    manifest["models"].setdefault(name, {})[role] = entry
    write_json(manifest_file, manifest)
    return entry


def run(settings: Settings) -> dict[str, Any]:
    """Export the three trained networks of a profile; the smoke profile leaves the shipped models alone."""
    profile = settings.profile
    from training.reader.finder import trained_finder, validation_scenes
    from training.reader.hands import posed_by, trained_hands
    from training.reader.model_card import write_model_card
    from training.reader.pose import find_poses, trained_pose, validation_shard

    folder = export_folder(profile)
    shard = validation_shard(profile)
    patches = np.asarray(shard.images[:16])
    pose = trained_pose(profile)
    batches = {
        "finder": (trained_finder(profile), np.asarray(validation_scenes(profile).images[:4])),
        "pose": (pose, patches),
        "hands": (
            with_sincos(trained_hands(profile)),
            unwrap_posed(posed_by(patches, find_poses(pose, patches))),
        ),
    }
    _forget_quantized(folder)
    metrics: dict[str, Any] = {}
    for role, (model, batch) in batches.items():
        told = training_of(profile, f"reader/{role}")
        entry = _as_it_was(folder, role, told) or export(model, role, batch, told, folder=folder)
        metrics[f"{role}_bytes"] = entry["bytes"]
        metrics[f"{role}_difference"] = entry["metrics"]["largest_difference_to_keras"]
    metrics["bytes"] = sum(v for k, v in metrics.items() if k.endswith("_bytes"))
    write_model_card(folder)
    return {"metrics": metrics}


def _as_it_was(folder: Path, role: str, told: Mapping[str, Any]) -> dict[str, Any] | None:
    """The entry of a network that the run has from this very file (`training.reader.restore`): it stays, to the byte."""
    file = folder / MANIFEST_NAME
    if "sha256" not in told or not file.exists():
        return None
    entry: dict[str, Any] = json.loads(file.read_text())["models"].get(DEFAULT, {}).get(role, {})
    return entry if entry.get("sha256") == told["sha256"] else None


def training_of(profile: str, name: str) -> dict[str, Any]:
    """How a run's network came about: its result, with the command and the seed that repeat it."""
    result = json.loads((run_folder(profile, name) / RESULT_FILE).read_text())
    return {
        **result,
        "command": f"python -m training.run_all --profile {profile} --only reader",
        "seed": result["schedule"]["seed"],
    }


def _forget_quantized(folder: Path) -> None:
    """Remove the models `int8` and `small`: they were made of networks that are about to be replaced."""
    file = folder / MANIFEST_NAME
    if not file.exists():
        return
    manifest = json.loads(file.read_text())
    for name in (QUANTIZED, SMALL):
        for entry in manifest["models"].pop(name, {}).values():
            (folder / entry["file"]).unlink(missing_ok=True)
    write_json(file, manifest)
