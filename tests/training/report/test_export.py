"""The report's network as a model: a manifest that has it, and one that lacks it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import EXAMPLES, run_python

pytest.importorskip("tensorflow", reason="training needs the train extra")

from clockread.errors import ModelError


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an untrained finder and the four-head network of the smoke profile."""
    from training.reader.export import export
    from training.reader.export_folder import ExportFolder
    from training.reader.finder_network import build_finder

    folder = tmp_path_factory.mktemp("sincos")
    command = ("training.run_all", "--profile", "smoke", "--only", "time/sin-cos,time/export")
    done = run_python("-m", *command, timeout=600, CLOCKREAD_DATA=str(folder))
    assert done.returncode == 0, done.stderr[-3000:]
    made = folder / "runs" / "smoke" / "time-export"
    finder = build_finder()
    batch = np.zeros((1, *finder.inputs[0].shape[1:]), np.uint8)
    exports = ExportFolder(made)
    exports.put("default", "finder", *export(finder, "finder", batch, {}))
    exports.save()
    return made


@pytest.mark.slow
def test_clockread_reads_with_it(models: Path) -> None:
    from clockread import ClockReader

    reader = ClockReader("cpu", model="sincos-cnn", models=models)
    photo = EXAMPLES / "wall.jpg"
    assert all(0 <= r.minutes < 720 for r in reader.read(photo))
    assert len(reader.read(photo, cropped=True)) == 1
    assert reader.provider == "CPUExecutionProvider"


@pytest.mark.slow
def test_without_it_the_manifest_says_so(models: Path, tmp_path: Path) -> None:
    from clockread import ClockReader

    manifest = json.loads((models / "manifest.json").read_text())
    del manifest["models"]["sincos-cnn"]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match="sincos-cnn"):
        ClockReader("cpu", model="sincos-cnn", models=tmp_path)
