"""Static int8 quantization of the exported networks.

Half the size, and twice the speed on CPUs with int8 dot products (VNNI).

Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", 2018: activations become uint8, by their range on rendered dials; weights become int8,
per channel. Weights use 7 of their 8 bits, so that no sum of products saturates on CPUs that add
pairs of them in 16 bits.

Only products are quantized, see `rounding`. Sums of branches stay in floating point, as do the
layers of the outputs and the values that these read. The largest 0.001 % of an activation's values
are clipped: single outliers would make the steps of all others coarse.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clockread.context import unwrap_context
from clockread.finder import finder_network
from clockread.geometry import Window
from clockread.hands import unwrap_posed
from clockread.pose import estimate, pose_network
from clockread.reader import ClockReader
from clockread.runtime.manifest import DEFAULT, QUANTIZED, SMALL, load_manifest
from clockread.runtime.network import Network
from clockread.sampling import PATCH
from training import splits
from training.evaluation import finding_scores, on_rendered
from training.experiment import Settings
from training.reader.export import canonical, export, provenance_of
from training.reader.export_folder import Description, ExportFolder, export_folder
from training.reader.finder import validation_scenes
from training.reader.lean_graph import rewrite
from training.reader.pose import MIX, VALIDATION_DIALS
from training.reader.rounding import OPERATORS, place_rounding
from training.reader.scene_shards import rendered_scenes
from training.reader.shards import rendered
from training.reader.tasks import CONTEXT, SMALL_TASKS, trained

INPUTS, SMOKE_INPUTS = 256, 192  # rendered dials, or scenes, that give the ranges of activations
PRESETS = tuple(sorted(set(MIX)))
BATCH = 32
NARROW = 16  # a product with fewer outputs than this computes outputs of the network
UNCLIPPED = 99.999  # percent of an activation's values
METHOD = "static, uint8 activations without sums and outliers, 7-bit weights by channel"


def run(settings: Settings) -> dict[str, Any]:
    """Quantize the model `default` into `int8`; measure both on the rendered validation sets."""
    exports = export_folder(settings.profile)
    inputs = quantization_inputs(exports.path, settings.profile)
    for role, entry in exports.models[DEFAULT].items():
        _put_quantized(exports, QUANTIZED, role, exports.data(DEFAULT, role), entry, inputs[role])
    if SMALL in exports.models:
        exports.share(CONTEXT.role, QUANTIZED, SMALL)
    return _save_measured(exports, QUANTIZED, (DEFAULT, QUANTIZED), settings.profile)


def run_small(settings: Settings) -> dict[str, Any]:
    """Export the model `small`: three smaller networks, quantized, and the context of `int8`."""
    profile = settings.profile
    exports = export_folder(profile)
    inputs = quantization_inputs(exports.path, profile)
    for task in SMALL_TASKS:
        role, batch = task.role, inputs[task.role]
        model = task.for_export(trained(task, profile))
        data, description = export(model, role, batch[:8], provenance_of(task, profile))
        _put_quantized(exports, SMALL, role, data, description, batch)
    exports.share(CONTEXT.role, QUANTIZED, SMALL)
    return _save_measured(exports, SMALL, (SMALL,), profile)


def _put_quantized(
    exports: ExportFolder,
    model: str,
    role: str,
    data: bytes,
    description: Description,
    inputs: NDArray[np.uint8],
) -> None:
    """Quantize a network, given as ONNX in floating point, and put it into a model."""
    int8 = quantized(data, next(iter(description["inputs"])), inputs)
    quantization = {"method": METHOD, "inputs": len(inputs) // BATCH * BATCH}
    training = {**description["training"], "quantization": quantization}
    exports.put(model, role, int8, {**description, "training": training, "metrics": {}})


def _save_measured(
    exports: ExportFolder, model: str, compared: tuple[str, ...], profile: str
) -> dict[str, Any]:
    """Save a new model, measure it with others, and record all figures in its entries.

    Figures of the finder are metrics of the finder, those of the whole reader of the hands.
    """
    exports.save()
    figures = _measure(exports.path, compared, smoke=profile == "smoke")
    entries = exports.models[model]
    finder = {k: v for k, v in figures.items() if k.startswith("finder_")}
    entries["finder"]["metrics"] = {k.removeprefix("finder_"): v for k, v in finder.items()}
    entries["hands"]["metrics"] = {k: v for k, v in figures.items() if k not in finder}
    exports.save()
    return {"metrics": {**figures, "bytes": sum(entry["bytes"] for entry in entries.values())}}


def _measure(folder: Path, models: tuple[str, ...], *, smoke: bool) -> dict[str, float]:
    """Return the shares of rendered dials that models read right, and their finders' figures."""
    out = {}
    first = splits.VALIDATION.start
    scenes = validation_scenes("smoke" if smoke else "reduced")
    for model in models:
        reader = ClockReader("cpu", model=model, models=folder)
        for preset, count in VALIDATION_DIALS.items():
            _, right = on_rendered(reader, preset, first, 20 if smoke else count)
            out[f"{preset}_within_1_{model}"] = float(right.mean())
        network = finder_network(reader.networks["finder"])
        parts = [
            network(np.asarray(scenes.images[i : i + BATCH]))
            for i in range(0, len(scenes.images), BATCH)
        ]
        heat, box = (np.concatenate(maps) for maps in zip(*parts, strict=True))
        scores = finding_scores(heat, box, scenes)
        out |= {f"finder_{name}_{model}": scores[name] for name in ("average_precision", "recall")}
    return out


def quantization_inputs(models: Path, profile: str) -> dict[str, NDArray[np.uint8]]:
    """Return the inputs (n, …) of the exported networks on rendered dials and scenes, by role."""
    count = SMOKE_INPUTS if profile == "smoke" else INPUTS
    first, share = splits.QUANTIZATION.start, count // len(PRESETS)
    shards = [rendered(preset, first, share) for preset in PRESETS]
    # Presets take turns: the last batch, if it is not whole, is ignored.
    crops = [np.asarray(shard.images[i]) for i in range(share) for shard in shards]
    network = pose_network(Network(load_manifest(models), "pose", DEFAULT, "cpu", None))
    parts = [crops[i : i + BATCH] for i in range(0, len(crops), BATCH)]
    whole = Window.whole(PATCH)
    posed = [d for part in parts for d in estimate(part, [whole] * len(part), network)]
    return {
        "finder": np.asarray(rendered_scenes(first, count).images),
        "pose": np.stack(crops),
        "hands": unwrap_posed(posed),
        "context": unwrap_context(crops, posed),
    }


def quantized(data: bytes, input_name: str, inputs: NDArray[np.uint8]) -> bytes:
    """Quantize an exported network.

    Args:
        data: The ONNX file in floating point.
        input_name: Name of its input.
        inputs: Inputs (n, …) that give the ranges of activations. Those after the last whole batch
            are ignored: histograms want batches of one size.

    Returns:
        The quantized ONNX file.

    """
    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    class Inputs(CalibrationDataReader):
        batches = iter(inputs[i - BATCH : i] for i in range(BATCH, len(inputs) + 1, BATCH))

        def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
            batch = next(self.batches, None)
            return None if batch is None else {input_name: batch}

    with tempfile.TemporaryDirectory() as folder:
        plain, result = Path(folder) / "plain.onnx", Path(folder) / "int8.onnx"
        plain.write_bytes(prepared(data))
        quantize_static(
            str(plain),
            str(result),
            Inputs(),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(OPERATORS),
            nodes_to_exclude=_narrow(onnx.load(plain)),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.Percentile,
            extra_options={"CalibPercentile": UNCLIPPED},
        )
        proto = onnx.load(result)
    place_rounding(proto.graph)
    canonical(proto)
    proto.producer_name, proto.producer_version, proto.doc_string = "clockread", "", ""
    del proto.metadata_props[:], proto.graph.value_info[:]
    onnx.checker.check_model(proto, full_check=True)
    return bytes(proto.SerializeToString(deterministic=True))


def prepared(data: bytes) -> bytes:
    """Return an exported network in float32, with few nodes, as quantization wants it."""
    import onnx
    import onnxruntime
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        plain, result = Path(folder) / "plain.onnx", Path(folder) / "prepared.onnx"
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(plain)  # without the casts from half precision
        onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        quant_pre_process(str(plain), str(result), skip_symbolic_shape=True)
        proto = onnx.load(result)
    rewrite(proto)
    return bytes(proto.SerializeToString(deterministic=True))


def _narrow(proto: Any) -> list[str]:
    """Return the names of products with few outputs: cheap, but sensitive to rounding."""
    sizes = {w.name: (w.dims[0], w.dims[-1]) for w in proto.graph.initializer if len(w.dims) > 1}
    out = []
    for node in proto.graph.node:
        known = [sizes[name] for name in node.input if name in sizes]
        axis = 0 if node.op_type == "Conv" else 1  # of the weights' outputs
        if node.op_type in OPERATORS and known and known[0][axis] < NARROW:
            out.append(node.name)
    return out
