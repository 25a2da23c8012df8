"""Folders of exported models: nothing changes on disk before they are saved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("keras", reason="training needs the train extra")

from clockread.confidence import Calibration, DialScore
from clockread.errors import ModelError
from training.experiment import Settings
from training.reader.export import PREPROCESSING
from training.reader.export_folder import EXPORTED, Description, ExportFolder
from training.reader.model_card import model_card

DESCRIPTION: Description = {
    "opset": 17,
    "inputs": {},
    "outputs": {},
    "preprocessing": {},
    "training": {},
    "metrics": {"largest_difference_to_keras": 1e-6, "change_by_half_precision": 1e-3},
}


@pytest.fixture
def exports(tmp_path: Path) -> ExportFolder:
    exports = ExportFolder(tmp_path)
    exports.put("default", "hands", b"one", DESCRIPTION)
    exports.put("small", "hands", b"two", DESCRIPTION)
    exports.put("sincos-cnn", "sincos", b"three", DESCRIPTION)
    return exports


def files(folder: ExportFolder) -> list[str]:
    return sorted(file.name for file in folder.path.iterdir())


def test_files_are_named_by_role_and_model_and_written_with_the_manifest(
    exports: ExportFolder,
) -> None:
    assert files(exports) == []
    exports.save()
    networks = ["hands-small.onnx", "hands.onnx", "manifest.json", "sincos-cnn.onnx"]
    assert files(exports) == ["MODEL_CARD.md", *networks]
    assert ExportFolder(exports.path).models == exports.models
    assert exports.data("small", "hands") == b"two"


def test_the_folder_knows_which_file_a_network_is(exports: ExportFolder) -> None:
    entry = exports.put("default", "hands", b"three", DESCRIPTION)
    assert exports.has("default", "hands", entry["sha256"])
    assert not exports.has("small", "hands", entry["sha256"])
    assert not exports.has("default", "pose", entry["sha256"])
    assert not exports.has("default", "hands", None)


def test_a_dropped_model_loses_its_files_with_the_next_save(exports: ExportFolder) -> None:
    exports.save()
    exports.drop("small", "int8")
    assert "hands-small.onnx" in files(exports)
    exports.save()
    assert "hands-small.onnx" not in files(exports)
    assert "small" not in ExportFolder(exports.path).models


def test_a_shared_network_is_one_file_until_its_last_model_is_dropped(
    exports: ExportFolder,
) -> None:
    exports.put("int8", "context", b"four", DESCRIPTION)
    exports.share("context", "int8", "small")
    exports.save()
    assert exports.data("small", "context") == exports.data("int8", "context") == b"four"
    exports.drop("small")
    exports.save()
    assert exports.data("int8", "context") == b"four"
    exports.drop("int8")
    exports.save()
    assert not [name for name in files(exports) if name.startswith("context")]


def test_a_damaged_file_is_refused(exports: ExportFolder) -> None:
    exports.save()
    (exports.path / "hands.onnx").write_bytes(b"on!")
    with pytest.raises(ModelError, match="damaged"):
        exports.data("default", "hands")


def test_a_copy_is_calibrated_alone(exports: ExportFolder, tmp_path: Path) -> None:
    exports.save()
    trial = exports.copy("default", tmp_path / "trial")
    calibration, score = Calibration(1.23456, -0.5, 0.25, 0.125), DialScore(offset=0.1)
    kinds = {"gauge": {"dials": 3, "right": 0.0}}
    trial.calibrate("default", calibration, score, {"right": 0.5}, kinds)
    trial.save()
    assert trial.models["default"]["hands"]["calibration"] == {
        "slope": 1.2346,
        "offset": -0.5,
        "clock": 0.25,
        "whole": 0.125,
        "presence": {
            "finder_score": 0.84,
            "confidence": 0.6,
            "dial_logit": 0.52,
            "offset": 0.1,
            "clock_logit": 0.0,
        },
        "rendered": {"right": 0.5, "kinds": kinds},
    }
    assert "calibration" not in exports.models["default"]["hands"]
    assert files(trial) == ["MODEL_CARD.md", "hands.onnx", "manifest.json"]


def test_the_shipped_model_card_is_made_of_the_shipped_manifest() -> None:
    manifest = json.loads((EXPORTED / "manifest.json").read_text())
    assert (EXPORTED / "MODEL_CARD.md").read_text() == model_card(manifest)


def test_the_shipped_manifest_describes_the_preprocessing_as_an_export_would() -> None:
    for roles in json.loads((EXPORTED / "manifest.json").read_text())["models"].values():
        for role, entry in roles.items():
            assert entry["preprocessing"] == PREPROCESSING[role]


def test_figures_of_photographs_go_with_the_networks_they_were_measured_with(
    exports: ExportFolder,
) -> None:
    figures = {"clocks": {"photographs": 3, "within_1_min": 1.0, "exact": 1.0}}
    for model in ("default", "int8", "small"):
        exports.record_photographs(model, figures)
    exports.put("default", "hands", b"one", DESCRIPTION)
    exports.put_rewritten("small", "hands", b"leaner")
    exports.save()
    manifest = json.loads((exports.path / "manifest.json").read_text())
    assert set(manifest["photographs"]) == {"default", "int8", "small"}
    exports.put("default", "hands", b"other", DESCRIPTION)  # int8 is made of it
    exports.save()
    manifest = json.loads((exports.path / "manifest.json").read_text())
    assert set(manifest["photographs"]) == {"small"}


@pytest.mark.parametrize("photos", [None, "empty"])
def test_a_calibration_without_photographs_keeps_the_figures_of_earlier_ones(
    exports: ExportFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, photos: str | None
) -> None:
    from training.reader import calibration

    folder = tmp_path / photos if photos else None
    if folder:
        folder.mkdir()
    figures = {"clocks": {"photographs": 3, "within_1_min": 1.0, "exact": 1.0}}
    exports.record_photographs("default", figures)
    monkeypatch.setattr(calibration, "export_folder", lambda profile: exports)
    monkeypatch.setattr(calibration, "calibrate", lambda *_: {})
    monkeypatch.setattr(calibration, "ClockReader", lambda **_: None)
    calibration.run(Settings("reduced", photos=folder))
    manifest = json.loads((exports.path / "manifest.json").read_text())
    assert manifest["photographs"] == {"default": figures}
    assert "| default | clocks | 3 |" in (exports.path / "MODEL_CARD.md").read_text()
