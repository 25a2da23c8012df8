"""The exported networks in 8-bit integers: half the size, and twice the speed on CPUs that multiply bytes (VNNI, dot product).

Static quantization (Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
2018): activations to uint8 by their range on rendered dials of the training seeds, weights to int8 by channel. Weights use 7 of their
8 bits, so that no sum of products saturates on CPUs that add pairs of them in 16 bits. What gives the outputs stays in floats.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clockread.finder import finder_network
from clockread.geometry import Window
from clockread.hands import unwrap_posed
from clockread.pose import estimate, pose_network
from clockread.reader import ClockReader
from clockread.runtime.manifest import DEFAULT, QUANTIZED, SMALL, load_manifest, model_bytes
from clockread.sampling import PATCH
from training import splits
from training.evaluation import finding_scores, on_rendered
from training.experiment import Settings
from training.reader.export import canonical, export, export_folder, training_of
from training.reader.finder import trained_finder, validation_scenes
from training.reader.finder_network import SMALL_FINDER
from training.reader.hands import trained_hands
from training.reader.loop import write_json
from training.reader.model_card import write_model_card
from training.reader.networks import SMALL_HANDS, SMALL_POSE, with_sincos
from training.reader.pose import MIX, trained_pose
from training.reader.scene_shards import rendered_scenes
from training.reader.shards import rendered

CALIBRATION, SMOKE = 512, 192  # rendered dials, or scenes, that the ranges are taken from
PRESETS = tuple(sorted(set(MIX)))
BATCH = 32
NARROW = 16  # a product with fewer outputs than this is one that gives the network's outputs
OPERATORS = ("Conv", "MatMul", "Gemm", "Add")
VALIDATION = {"varied": 2000, "hard": 1000}


def run(settings: Settings) -> dict[str, Any]:
    """Quantize the exported networks into the model `int8` and measure both on the rendered validation sets."""
    profile = settings.profile
    smoke = profile == "smoke"
    folder = export_folder(profile)
    manifest_file = folder / "manifest.json"
    manifest = json.loads(manifest_file.read_text())
    inputs = calibration_inputs(ClockReader("cpu", model=DEFAULT, models=folder), profile)
    entries = load_manifest(folder).models[DEFAULT]
    models = manifest["models"]
    models[QUANTIZED] = {
        role: quantized_entry(
            folder, QUANTIZED, role, model_bytes(entry), models[DEFAULT][role], inputs[role]
        )
        for role, entry in entries.items()
    }
    return _measured_and_written(
        manifest_file, manifest, QUANTIZED, (DEFAULT, QUANTIZED), smoke=smoke
    )


def run_small(settings: Settings) -> dict[str, Any]:
    """Export the model `small`: three smaller networks, quantized."""
    profile = settings.profile
    smoke = profile == "smoke"
    folder = export_folder(profile)
    manifest_file = folder / "manifest.json"
    manifest = json.loads(manifest_file.read_text())
    models = manifest["models"]
    inputs = calibration_inputs(ClockReader("cpu", model=DEFAULT, models=folder), profile)
    trained = {
        "finder": trained_finder(profile, SMALL_FINDER, "reader/finder-small"),
        "pose": trained_pose(profile, SMALL_POSE, "reader/pose-small"),
        "hands": with_sincos(trained_hands(profile, SMALL_HANDS, "reader/hands-small")),
    }
    made: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for role, model in trained.items():
            told = training_of(profile, f"reader/{role}-small")
            entry = export(model, role, inputs[role][:8], told, folder=Path(scratch))
            made[role] = quantized_entry(
                folder,
                SMALL,
                role,
                (Path(scratch) / entry["file"]).read_bytes(),
                entry,
                inputs[role],
            )
    models[SMALL] = made
    return _measured_and_written(manifest_file, manifest, SMALL, (SMALL,), smoke=smoke)


def _measured_and_written(
    manifest_file: Path,
    manifest: dict[str, Any],
    name: str,
    compared: tuple[str, ...],
    *,
    smoke: bool,
) -> dict[str, Any]:
    """Write a manifest with the new model ``name``, measure the models ``compared`` with it, and note the figures in it and the card."""
    write_json(manifest_file, manifest)
    figures = measured(manifest_file.parent, compared, smoke=smoke)
    made = manifest["models"][name]
    noted(made, figures)
    write_json(manifest_file, manifest)
    write_model_card(manifest_file.parent)
    return {"metrics": {**figures, "bytes": sum(entry["bytes"] for entry in made.values())}}


def quantized_entry(
    folder: Path, name: str, role: str, data: bytes, of: dict[str, Any], inputs: NDArray[np.uint8]
) -> dict[str, Any]:
    """Write the quantized network of a model ``name``; the manifest's entry of it, made from that ``of`` the network in floats."""
    small = quantized(data, next(iter(of["inputs"])), inputs)
    file = folder / f"{role}-{name}.onnx"
    file.write_bytes(small)
    method = {
        "method": "static, uint8 activations, 7-bit weights by channel",
        "inputs": len(inputs),
    }
    return {
        **of,
        "file": file.name,
        "sha256": hashlib.sha256(small).hexdigest(),
        "bytes": len(small),
        "training": {**of["training"], "quantization": method},
        "metrics": {},
    }


def noted(made: dict[str, Any], figures: dict[str, float]) -> None:
    """Put `measured` figures into a model's entries: the finder's into its own, those of the whole reader into that of the hands."""
    of_finder = {
        k.removeprefix("finder_"): v for k, v in figures.items() if k.startswith("finder_")
    }
    made["finder"]["metrics"] = of_finder
    made["hands"]["metrics"] = {k: v for k, v in figures.items() if not k.startswith("finder_")}


def measured(folder: Path, models: tuple[str, ...], *, smoke: bool) -> dict[str, float]:
    """Shares right within a minute on rendered dials, and the finder's average precision, of models."""
    out = {}
    scenes = validation_scenes("smoke" if smoke else "reduced")
    for model in models:
        reader = ClockReader("cpu", model=model, models=folder)
        for preset, count in VALIDATION.items():
            out[f"{preset}_within_1_{model}"] = float(
                on_rendered(reader, preset, splits.VALIDATION.start, 20 if smoke else count)[
                    1
                ].mean()
            )
        parts = [
            finder_network(reader.networks["finder"])(np.asarray(scenes.images[i : i + BATCH]))
            for i in range(0, len(scenes.images), BATCH)
        ]
        heat, box = (np.concatenate(maps) for maps in zip(*parts, strict=True))
        scores = finding_scores(heat, box, scenes)
        out |= {f"finder_{name}_{model}": scores[name] for name in ("average_precision", "recall")}
    return out


def calibration_inputs(reader: ClockReader, profile: str) -> dict[str, NDArray[np.uint8]]:
    """What each network sees of rendered dials and scenes such as it was trained on, (n, …) uint8 by role."""
    count = SMOKE if profile == "smoke" else CALIBRATION
    share = count // len(PRESETS)
    crops = [
        np.asarray(image)
        for preset in PRESETS
        for image in rendered(preset, splits.QUANTIZATION.start, share).images
    ]
    whole = Window((PATCH - 1) / 2, (PATCH - 1) / 2, PATCH)
    posed = [
        dial
        for i in range(0, len(crops), BATCH)
        for dial in estimate(
            crops[i : i + BATCH],
            [whole] * len(crops[i : i + BATCH]),
            pose_network(reader.networks["pose"]),
        )
    ]
    return {
        "finder": np.asarray(rendered_scenes(splits.QUANTIZATION.start, count).images),
        "pose": np.stack(crops),
        "hands": unwrap_posed(posed),
    }


def quantized(data: bytes, input_name: str, inputs: NDArray[np.uint8]) -> bytes:
    """The quantized model of an exported one; ``inputs`` (n, …) set the activations' ranges."""
    import onnx
    import onnxruntime
    from onnxruntime.quantization import (
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Inputs(CalibrationDataReader):
        def __init__(self) -> None:
            self._batches: Iterator[NDArray[np.uint8]] = iter(
                [inputs[i : i + BATCH] for i in range(0, len(inputs), BATCH)]
            )

        def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
            batch = next(self._batches, None)
            return None if batch is None else {input_name: batch}

    with tempfile.TemporaryDirectory() as folder:
        plain, prepared, result = (
            str(Path(folder) / name) for name in ("plain.onnx", "prepared.onnx", "int8.onnx")
        )
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = plain  # without the casts from half precision
        onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        quant_pre_process(plain, prepared, skip_symbolic_shape=True)
        proto = onnx.load(prepared)
        quantize_static(
            prepared,
            result,
            Inputs(),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(OPERATORS),
            nodes_to_exclude=_narrow(proto),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
        proto = onnx.load(result)
    canonical(proto)
    proto.producer_name, proto.producer_version, proto.doc_string = "clockread", "", ""
    del proto.metadata_props[:], proto.graph.value_info[:]
    onnx.checker.check_model(proto, full_check=True)
    return bytes(proto.SerializeToString(deterministic=True))


def _narrow(proto: Any) -> list[str]:
    """Names of the products with few outputs: they cost nothing, and what is rounded in them is rounded in the outputs."""
    sizes = {
        weight.name: (weight.dims[0], weight.dims[-1])
        for weight in proto.graph.initializer
        if len(weight.dims) > 1
    }
    out = []
    for node in proto.graph.node:
        known = [sizes[name] for name in node.input if name in sizes]
        if (
            node.op_type in OPERATORS
            and known
            and known[0][0 if node.op_type == "Conv" else 1] < NARROW
        ):
            out.append(node.name)
    return out
