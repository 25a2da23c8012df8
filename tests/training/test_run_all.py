"""The smoke profile trains, exports and reads; Keras and onnxruntime agree."""

from __future__ import annotations

import itertools
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from conftest import run_python


def run_all(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ("-m", "training.run_all", *arguments)
    return run_python(*command, timeout=600, CLOCKREAD_DATA=str(data))


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("tensorflow", reason="training needs the train extra")
    data = tmp_path_factory.mktemp("data")
    done = run_all(data, "--profile", "smoke", "--only", "reader")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return data


@pytest.fixture(scope="module")
def crops() -> np.ndarray:
    """Rendered dials of the kind that the networks are trained on."""
    from clockread.sampling import PATCH
    from training.dials.presets import PRESETS
    from training.dials.render import render

    return np.stack([render(seed, PRESETS["varied"], PATCH).image for seed in range(8)])


@pytest.mark.slow
def test_smoke_training_exports_models_that_read(smoke: Path, crops: np.ndarray) -> None:
    from clockread import ClockReader

    models = smoke / "runs" / "smoke" / "reader-export"
    manifest = json.loads((models / "manifest.json").read_text())
    assert set(manifest["models"]["default"]) == {"finder", "pose", "hands", "context"}
    assert (models / "MODEL_CARD.md").read_text().count("`hands.onnx`") == 1
    validated = manifest["models"]["default"]["hands"]["metrics"]
    assert {"varied_rim_median", "true_pose_within_1"} <= set(validated)
    assert "true_pose_rim_median" not in validated  # it would compare true poses with themselves
    calibration = manifest["models"]["default"]["hands"]["calibration"]
    assert calibration["slope"] != 1
    assert calibration["rendered"]["dials"] == 5 * len(calibration["rendered"]["kinds"])
    assert calibration["rendered"]["kinds"]["gauge"]["right"] == 0
    assert (models / "reliability.png").stat().st_size > 1000
    readings = ClockReader("cpu", model="default", models=models).read(list(crops), cropped=True)
    assert len(readings) == len(crops)
    assert all(
        0 <= r.minutes < 720 and 0 <= r.confidence <= 1 for of_photo in readings for r in of_photo
    )


@pytest.mark.slow
def test_the_quantized_model_is_what_the_cpu_reads_with_and_much_the_same(
    smoke: Path, crops: np.ndarray
) -> None:
    from clockread import ClockReader

    models = smoke / "runs" / "smoke" / "reader-export"
    entries = json.loads((models / "manifest.json").read_text())["models"]
    assert set(entries["int8"]) == {"finder", "pose", "hands", "context"}
    for role, entry in entries["int8"].items():
        assert entry["bytes"] < 0.7 * entries["default"][role]["bytes"]
    exact, quantized = (
        ClockReader("cpu", model="default", models=models),
        ClockReader("cpu", models=models),
    )
    assert (exact.model, quantized.model) == ("default", "int8")
    pose, logit = exact.networks["pose"](crops, "pose", "dial")
    again, logit_again = quantized.networks["pose"](crops, "pose", "dial")
    assert not np.array_equal(pose, again)
    assert np.abs(pose - again).max() < 0.1 * np.abs(pose).max()
    # logits are still close to 0: the same scale as for differences from Keras
    assert np.abs(logit - logit_again).max() < 0.02 * max(1.0, np.abs(logit).max())


@pytest.mark.slow
def test_the_small_model_has_smaller_networks(smoke: Path, crops: np.ndarray) -> None:
    from clockread import ClockReader
    from clockread.reader import Effort

    models = smoke / "runs" / "smoke" / "reader-export"
    entries = json.loads((models / "manifest.json").read_text())["models"]
    assert sum(entry["bytes"] for entry in entries["small"].values()) < 1_100_000
    assert all(
        entries["small"][role]["bytes"] < entries["int8"][role]["bytes"]
        for role in ("finder", "pose", "hands")
    )
    assert entries["small"]["context"] == entries["int8"]["context"]
    assert entries["small"]["hands"]["calibration"] != entries["int8"]["hands"]["calibration"]
    reader = ClockReader("cpu", model="small", models=models)
    assert reader.effort == Effort()
    assert all(len(of_photo) == 1 for of_photo in reader.read(list(crops), cropped=True))


@pytest.mark.slow
@pytest.mark.parametrize("role", ["pose", "hands", "context"])
def test_keras_and_onnxruntime_agree_on_crops(
    smoke: Path, crops: np.ndarray, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOCKREAD_DATA", str(smoke))
    import keras

    from clockread.context import unwrap_context
    from clockread.hands import unwrap_posed
    from training.reader.export import OUTPUTS, folded, largest_difference
    from training.reader.hands import posed_by
    from training.reader.pose import find_poses
    from training.reader.tasks import CONTEXT, HANDS, POSE, trained

    model, batch = trained(POSE, "smoke"), crops
    posed = posed_by(crops, find_poses(model, crops))
    if role == "hands":
        model, batch = HANDS.for_export(trained(HANDS, "smoke")), unwrap_posed(posed)
    elif role == "context":
        model, batch = trained(CONTEXT, "smoke"), unwrap_context(list(crops), posed)
    data = (smoke / "runs" / "smoke" / "reader-export" / f"{role}.onnx").read_bytes()
    assert largest_difference(folded(model), data, batch, OUTPUTS[role]) < 1e-4
    # Rounding to half precision changes a weight by at most 2^-11 of itself, and an output of a
    # layer by as much of the sum of its absolute products: each layer may add that share.
    layers = sum(
        bool(layer.get_weights()) and not isinstance(layer, keras.layers.BatchNormalization)
        for layer in model.layers
    )
    assert 1e-6 < largest_difference(model, data, batch, OUTPUTS[role]) < layers * 2**-11


@pytest.mark.slow
def test_the_exported_sincos_are_those_of_the_decoder(smoke: Path, crops: np.ndarray) -> None:
    import onnxruntime

    from clockread.decoding import decode, rotation_prior
    from clockread.sampling import unwrap

    session = onnxruntime.InferenceSession(
        smoke / "runs" / "smoke" / "reader-export" / "hands.onnx",
        providers=["CPUExecutionProvider"],
    )
    polar = np.stack(
        [unwrap(crop, np.array([[60, 0, 80], [0, 60, 80], [0, 0, 1.0]])) for crop in crops]
    )
    names = ["hour", "minute", "twelve", "hour_sincos", "minute_sincos"]
    hour, minute, twelve, hour_pair, minute_pair = session.run(names, {"polar": polar})
    upright = np.where(np.arange(hour.shape[1]) == 0, 1e4, 0.0) + rotation_prior(
        hour.shape[1]
    )  # 12 is up
    decoded = decode(hour, minute, twelve, prior=upright)
    np.testing.assert_allclose(decoded.hour_sincos, hour_pair, atol=1e-4)
    np.testing.assert_allclose(decoded.minute_sincos, minute_pair, atol=1e-4)


@pytest.mark.slow
def test_a_finished_run_is_not_trained_again(smoke: Path) -> None:
    result = smoke / "runs" / "smoke" / "reader-pose" / "result.json"
    before = result.stat().st_mtime_ns
    again = run_all(smoke, "--profile", "smoke", "--only", "reader/pose")
    assert again.returncode == 0, again.stderr[-2000:]
    assert result.stat().st_mtime_ns == before


def test_no_dial_is_both_trained_on_and_measured() -> None:
    pytest.importorskip("keras", reason="training needs the train extra")
    from training.reader import finder, pose
    from training.splits import SPLITS, TRAINING, check_seeds

    in_order = sorted(SPLITS, key=lambda split: split.start)
    assert all(a.stop <= b.start for a, b in itertools.pairwise(in_order))
    check_seeds(TRAINING.start, len(pose.MIX) * pose.SETS_OF_MIX * pose.CROPS_PER_SHARD)
    check_seeds(TRAINING.start, 40 * finder.SCENES_PER_SHARD)
    with pytest.raises(ValueError, match="not within a split"):
        check_seeds(TRAINING.stop - 1, 2)


def test_an_unknown_experiment_is_named() -> None:
    done = run_all(Path("unused"), "--only", "reader/nothing")
    assert done.returncode == 2
    assert "reader/nothing" in done.stderr
    assert "Traceback" not in done.stderr


def test_listing_needs_no_training_package() -> None:
    code = (
        "import sys, training.run_all; sys.exit(bool({'keras', 'tensorflow'} & set(sys.modules)))"
    )
    assert run_python("-c", code).returncode == 0
    listed = run_all(Path("unused"), "--list")
    assert [line.split()[0] for line in listed.stdout.splitlines()] == [
        *("reader/pose", "reader/finder", "reader/hands", "reader/context"),
        *("reader/export", "reader/int8"),
        *(
            "reader/finder-small",
            "reader/pose-small",
            "reader/hands-small",
            "reader/small",
            "reader/calibration",
            "reader/edge",
        ),
        *(
            "mlp/vanilla",
            "mlp/init-values",
            "mlp/init-distribution",
            "mlp/activation",
            "mlp/optimizer",
            "mlp/regularization",
        ),
        *("cnn/vanilla", "cnn/init-distribution", "cnn/activation", "cnn/regularization"),
        *("permutation/mlp", "permutation/cnn"),
        *(
            "time/multi-head",
            "time/regression",
            "time/classification-720",
            "time/sine-loss",
            "time/unit-circle",
            "time/sin-cos",
        ),
        *("time/sin-cos-faster", "time/places", "time/export"),
        *(
            "upright/multi-head",
            "upright/regression",
            "upright/classification-720",
            "upright/sine-loss",
            "upright/unit-circle",
        ),
        *("upright/sin-cos", "upright/sin-cos-faster"),
    ]


@pytest.mark.parametrize(
    ("wanted", "first"),
    [
        ("reader/hands-small", "reader/pose"),
        ("reader/export", "reader/pose"),
        ("reader/int8", "reader/export"),
        ("reader/edge", "reader/calibration"),
    ],
)
def test_what_needs_an_experiment_that_has_not_run_is_refused_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str, first: str
) -> None:
    pytest.importorskip("keras", reason="training needs the train extra")
    from training import run_all
    from training.experiment import NotTrainedError, Settings, chosen

    monkeypatch.setenv("CLOCKREAD_DATA", str(tmp_path))
    with pytest.raises(NotTrainedError) as raised:
        run_all._run(chosen(run_all.EXPERIMENTS, [wanted]), Settings("smoke"))
    command = f"python -m training.run_all --profile smoke --only {first}"
    assert str(raised.value) == f"{wanted} needs {first}: run `{command}` first"
    assert not (tmp_path / "shards").exists()


def test_a_missing_folder_of_photographs_is_refused() -> None:
    done = run_all(Path("unused"), "--photos", "no/such/folder")
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["--photos no/such/folder: there is no such folder"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wanted", "first"), [("reader/hands", "reader/pose"), ("time/export", "time/sin-cos")]
)
def test_what_needs_a_network_that_is_not_there_says_which_command_trains_it(
    tmp_path: Path, wanted: str, first: str
) -> None:
    pytest.importorskip("keras", reason="training needs the train extra")
    if wanted == "time/export":  # a result without its weights, as the repository holds them
        assert run_all(tmp_path, "--profile", "smoke", "--only", "time/sin-cos").returncode == 0
        for weights in (tmp_path / "runs").rglob("*.weights.h5"):
            weights.unlink()
    done = run_all(tmp_path, "--profile", "smoke", "--only", wanted)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"--only {first}" in done.stderr.splitlines()[-1]
