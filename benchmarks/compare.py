"""clockread against the alternatives, interleaved in one process: `python -m benchmarks.compare`.

Dials per second of whole programs and of networks; the networks' multiply-adds against the
machine's peak; with `--photos DIR`, the accuracy of classical hand finding. Writes a JSON file, a
plot and a table; needs the train extra.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Annotated, Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2
import keras
import numpy as np
import typer
from rich.console import Console

from benchmarks.options import RoundsOption, ThreadsOption
from benchmarks.rivals import DETECTOR_SIDE, RESNET_SIDE, detector, hough_reading, resnet50
from benchmarks.tables import print_table
from clockread.cli.bench import predict_command
from clockread.clock import right_within
from clockread.images import DECODE_MIN_SIDE, load_photo
from clockread.runtime.cpus import usable_threads
from clockread.runtime.manifest import load_manifest, model_bytes
from clockread.runtime.providers import open_session
from training import splits
from training.dials.presets import PRESETS
from training.dials.render import render
from training.evaluation import crop_given, labels
from training.reader.networks import build_hands, build_pose

DIALS = 1000
DIAL_SIDE = 160  # pixels of the rendered dials that are read
BATCH = 32
PEAK_SIDE = 1024  # of the square matrices whose product gives the machine's peak rate
MODELS = ("int8", "default", "small")
RESULTS = Path(__file__).resolve().parent / "results"


@dataclass(frozen=True)
class Result:
    """The rate of one program or network."""

    name: str
    unit: str
    rate: float  # per second, the median of the rounds
    lowest: float
    highest: float


def onnx_of(model: keras.Model) -> bytes:
    """Convert a Keras model with one float input to ONNX."""
    import tensorflow as tf
    import tf2onnx

    shape = model.inputs[0].shape
    signature = [tf.TensorSpec([None, *shape[1:]], tf.float32, name="image")]
    function = tf.function(lambda image: model(image, training=False), input_signature=signature)
    proto, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=17)
    return bytes(proto.SerializeToString())


def multiply_adds(data: bytes) -> int:
    """Return the multiply-adds of an ONNX model per input."""
    import onnx
    from onnx import numpy_helper

    proto = onnx.load_from_string(data)
    for value in proto.graph.input:
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param or not dim.dim_value:
                dim.dim_param, dim.dim_value = "", 1
    proto = onnx.shape_inference.infer_shapes(proto, data_prop=True)
    weights = {w.name: numpy_helper.to_array(w).shape for w in proto.graph.initializer}
    for node in proto.graph.node:
        if node.op_type in ("Cast", "DequantizeLinear", "Transpose") and node.input[0] in weights:
            weights[node.output[0]] = weights[node.input[0]]
    shapes = {
        v.name: [d.dim_value for d in v.type.tensor_type.shape.dim]
        for v in (*proto.graph.value_info, *proto.graph.output)
    }
    total = 0
    for node in proto.graph.node:
        if node.op_type == "Conv":
            total += int(np.prod(shapes[node.output[0]])) * int(np.prod(weights[node.input[1]][1:]))
        elif node.op_type in ("MatMul", "Gemm") and node.input[1] in weights:
            total += int(np.prod(shapes[node.output[0]])) * int(weights[node.input[1]][0])
    return total


def peak_multiply_adds(threads: int) -> float:
    """Return onnxruntime's peak rate, multiply-adds per second in a large float32 product."""
    from onnx import TensorProto, helper

    n = PEAK_SIDE
    a, b, c = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [n, n]) for name in "abc")
    node = helper.make_node("MatMul", ["a", "b"], ["c"])
    graph = helper.make_graph([node], "product", [a, b], [c])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = open_session(model.SerializeToString(), "cpu", threads)
    feed = {name: np.random.default_rng(0).random((n, n), np.float32) for name in "ab"}
    session.run(None, feed)
    seconds = []
    for _ in range(10):
        before = time.perf_counter()
        session.run(None, feed)
        seconds.append(time.perf_counter() - before)
    return n**3 / median(seconds)


def write_dials(folder: Path, count: int) -> Path:
    """Render dials as JPEG files into a folder, and return it."""
    for i in range(count):
        image = render(splits.COMPARISON.start + i, PRESETS["varied"], DIAL_SIDE).image
        cv2.imwrite(str(folder / f"{i:05}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 92])
    return folder


def whole_program(folder: Path, model: str, threads: int) -> Callable[[], int]:
    """Return a function that runs `clockread predict --cropped` on a folder."""
    options = ("--cropped", "--provider", "cpu", "--model", model, "--threads", str(threads))
    command = predict_command(folder, *options)

    def run() -> int:
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return sum(len(json.loads(line)["readings"]) for line in done.stdout.splitlines())

    return run


def networks_of_onnx(
    models: list[bytes], shape: tuple[int, ...], threads: int, batches: int
) -> Callable[[], int]:
    """Return a function that runs networks one after the other on ready tensors.

    Args:
        models: as ONNX
        shape: of one input
        threads: per session
        batches: of `BATCH` inputs per call

    """
    sessions = [open_session(data, "cpu", threads) for data in models]
    inputs = np.random.default_rng(0).random((BATCH, *shape), np.float32)

    def run() -> int:
        for _ in range(batches):
            for session in sessions:
                session.run(None, {session.get_inputs()[0].name: inputs})
        return batches * BATCH

    return run


def ours_in_keras(batches: int) -> Callable[[], int]:
    """Return a function that runs pose and hands once by Keras' predict, on ready tensors."""
    rng = np.random.default_rng(0)
    models = [build_pose(), build_hands()]
    inputs = [
        rng.integers(0, 255, (BATCH * batches, *m.inputs[0].shape[1:]), dtype=np.uint8)
        for m in models
    ]

    def run() -> int:
        for model, images in zip(models, inputs, strict=True):
            model.predict(images, batch_size=BATCH, verbose=0)
        return BATCH * batches

    return run


def ours_in_onnx(model: str, threads: int, batches: int) -> Callable[[], int]:
    """Return a function that runs the same networks of a model by onnxruntime."""
    entries = load_manifest().models[model]
    rng = np.random.default_rng(0)
    work = []
    for role in ("pose", "hands"):
        ((name, spec),) = entries[role].inputs.items()
        images = rng.integers(0, 255, (BATCH, *(int(s) for s in spec.shape[1:])), dtype=np.uint8)
        work.append((open_session(model_bytes(entries[role]), "cpu", threads), {name: images}))

    def run() -> int:
        for _ in range(batches):
            for session, feed in work:
                session.run(None, feed)
        return BATCH * batches

    return run


def hough(folder: Path) -> Callable[[], int]:
    """Return a function for classical hand finding on decoded dials, on one thread."""
    dials = [load_photo(path).pixels for path in sorted(folder.iterdir())[:200]]

    def run() -> int:
        for dial in dials:
            hough_reading(dial)
        return len(dials)

    return run


def measured(rivals: dict[str, tuple[str, Callable[[], int]]], rounds: int) -> list[Result]:
    """Return the rates of all, interleaved; a round before the measured ones fills caches."""
    rates: dict[str, list[float]] = {name: [] for name in rivals}
    for turn in range(rounds + 1):
        for name, (_, work) in rivals.items():
            before = time.perf_counter()
            count = work()
            if turn:
                rates[name].append(count / (time.perf_counter() - before))
    return [
        Result(name, unit, median(rates[name]), min(rates[name]), max(rates[name]))
        for name, (unit, _) in rivals.items()
    ]


def hough_accuracy(photos: Path) -> dict[str, float]:
    """Return the share right of classical hand finding by set, clocks by their given box."""
    out = {}
    for name in ("clocks", "time144"):
        wanted = labels(photos, name)
        right = 0
        for label in wanted:
            photo = load_photo(label.file, min_side=DECODE_MIN_SIDE)
            found = hough_reading(np.ascontiguousarray(crop_given(photo.pixels, label.box)))
            right += found is not None and bool(right_within(found, label.minutes))
        if wanted:
            out[name] = right / len(wanted)
    return out


def _plot(results: list[Result], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    shown = sorted((r for r in results if r.unit == "dials/s"), key=lambda r: r.rate)
    figure, axis = plt.subplots(figsize=(8, 0.4 * len(shown) + 0.9), layout="constrained")
    rates = [r.rate for r in shown]
    spread = [[r.rate - r.lowest for r in shown], [r.highest - r.rate for r in shown]]
    bars = axis.barh([r.name for r in shown], rates, xerr=spread, color="#4477aa")
    axis.bar_label(bars, [f" {rate:.0f}" for rate in rates])
    axis.set(xlabel="dials per second", xscale="log", xlim=(None, 3 * max(rates)))
    figure.savefig(path, dpi=90, metadata={"Software": None})
    plt.close(figure)


def main(
    photos: Annotated[
        Path | None,
        typer.Option(help="Folder of labeled photos, for the accuracy of hand finding."),
    ] = None,
    threads: ThreadsOption = None,
    rounds: RoundsOption = 5,
    dials: Annotated[
        int, typer.Option(min=1, help="Rendered dials that the whole program reads.")
    ] = DIALS,
) -> None:
    """Measure all and write results/compare.json and .png beside this file."""
    count = threads or usable_threads()
    manifest = load_manifest()
    models = [name for name in MODELS if name in manifest.models]
    program = "clockread predict --cropped --model {}, whole program"
    networks = "clockread's pose and hands, {}, onnxruntime"
    two_resnets = "two ResNet-50s, networks only"
    resnet, yolo = onnx_of(resnet50()), onnx_of(detector())
    resnet_shape, yolo_shape = (RESNET_SIDE, RESNET_SIDE, 3), (DETECTOR_SIDE, DETECTOR_SIDE, 3)
    with tempfile.TemporaryDirectory() as name:
        folder = write_dials(Path(name), dials)
        work = {program.format(m): whole_program(folder, m, count) for m in models}
        work[two_resnets] = networks_of_onnx([resnet] * 2, resnet_shape, count, 1)
        work["Hough lines, decoded dials"] = hough(folder)
        work |= {networks.format(m): ours_in_onnx(m, count, 8) for m in models}
        work["clockread's pose and hands, Keras predict"] = ours_in_keras(8)
        rivals = {name: ("dials/s", run) for name, run in work.items()}
        yolo_run = networks_of_onnx([yolo], yolo_shape, count, 1)
        rivals["detector of YOLOv8n's size, network only"] = ("photos/s", yolo_run)
        results = measured(rivals, rounds)
    rate = {r.name: r.rate for r in results}
    peak = peak_multiply_adds(count)
    per_dial = {
        m: sum(multiply_adds(model_bytes(manifest.entry(r, m))) for r in ("pose", "hands"))
        for m in models
    }
    packages = ("onnxruntime", "numpy", "keras", "tensorflow")
    report: dict[str, Any] = {
        "machine": {"processor": _processor(), "threads": count, "system": platform.platform()},
        "versions": {name: metadata.version(name) for name in packages}
        | {"opencv": cv2.__version__},
        "rounds": rounds,
        "dials": dials,
        "results": [asdict(r) for r in results],
        "times_two_resnets": {m: rate[program.format(m)] / rate[two_resnets] for m in models},
        "multiply_adds": {
            "resnet50": multiply_adds(resnet),
            "detector": multiply_adds(yolo),
            **{f"pose and hands, {m}": per_dial[m] for m in models},
        },
        "peak_multiply_adds_per_second": peak,
        "of_peak": {m: per_dial[m] * rate[networks.format(m)] / peak for m in models},
    }
    if photos is not None:
        report["hough_within_1_min"] = hough_accuracy(photos)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "compare.json").write_text(json.dumps(report, indent=2) + "\n")
    _plot(results, RESULTS / "compare.png")
    print_table(
        f"{report['machine']['processor']}, {count} threads; median of {rounds} rounds",
        ("", "per second", "lowest", "highest"),
        [
            (r.name, f"{r.rate:.1f} {r.unit}", f"{r.lowest:.1f}", f"{r.highest:.1f}")
            for r in results
        ],
    )
    shown = {k: v for k, v in report.items() if k not in ("results", "versions", "machine")}
    Console(width=140).print(shown)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )


if __name__ == "__main__":
    typer.run(main)
