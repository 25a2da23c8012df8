"""Calibration of the exported readers on rendered dials that are not used in training."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clockread.clock import MINUTES_ON_DIAL, circular_difference
from clockread.confidence import (
    BINS,
    Calibration,
    ClockScore,
    expected_calibration_error,
    fitted,
    fitted_presence,
    reliability,
)
from clockread.images import ImageSource
from clockread.reader import ClockReader, Thresholds
from clockread.reading import Reading
from training import splits
from training.experiment import Settings
from training.reader.export_folder import EXPORTED, ExportFolder, export_folder
from training.reader.finder import match
from training.reader.scene_shards import SceneShards, rendered_scenes
from training.reader.shards import rendered

REPOSITORY = EXPORTED.parent
SCENES = 1000  # that the dial score is fitted on
SAME_CLOCK = 0.5  # intersection over union of a reading's box with a clock's
DIALS = {"varied": 3000, "hard": 1000}  # by preset: half for the fit, half for its error
SMOKE = 20  # dials of each preset
PHOTOGRAPHS = (
    REPOSITORY.parent / "shared" / "photos"
)  # see benchmarks/accuracy.py for what it holds


def run(settings: Settings) -> dict[str, Any]:
    """Calibrate every exported reader and, except for smoke, measure it on photographs."""
    exports = export_folder(settings.profile)
    smoke = settings.profile == "smoke"
    readers = [model for model, entries in exports.models.items() if "hands" in entries]
    metrics: dict[str, Any] = {}
    for model in readers:
        figures = calibrate(exports, model, SMOKE if smoke else None)
        metrics |= {f"{model}: {k}": v for k, v in figures.items() if v is not None}
    exports.save()
    for model in [] if smoke else readers:
        photographs = on_photographs(exports.path, model)
        exports.record_photographs(model, photographs)
        for name, values in photographs.items():
            metrics[f"{model}: {name}: within 1 min"] = values["within_1_min"]
    exports.save()
    return {"metrics": metrics}


def calibrate(exports: ExportFolder, model: str, most: int | None) -> dict[str, float | None]:
    """Calibrate a model on half of the dials; return its figures on the other half.

    Args:
        exports: The folder of the model; it is not saved.
        model: Name of the model.
        most: Largest number of dials per preset, and of scenes.

    """
    with tempfile.TemporaryDirectory() as scratch:
        trial = exports.copy(model, Path(scratch))  # read with a calibration that is not saved yet
        trial.calibrate(model, Calibration())
        trial.save()
        raw, right = beliefs(ClockReader("cpu", model=model, models=trial.path), most)
        calibration = fitted(raw[::2], right[::2])
        trial.calibrate(model, calibration)
        trial.save()
        clock_score = _clock_score(model, trial.path, most or SCENES)
    held, truth = raw[1::2], right[1::2]
    calibrated = np.array([calibration(float(p)) for p in held])
    high = calibrated >= 0.9
    figures: dict[str, float | None] = {
        "dials": len(held),
        "right": float(truth.mean()),
        "ece_before": expected_calibration_error(held, truth),
        "ece": expected_calibration_error(calibrated, truth),
        "confidence_0.9_share": float(high.mean()),
        "confidence_0.9_right": float(truth[high].mean()) if high.any() else None,
    }
    exports.calibrate(model, calibration, clock_score, figures)
    draw(exports.path / diagram(model), {"believed": held, "calibrated": calibrated}, truth)
    return figures


def _clock_score(model: str, models: Path, scenes: int) -> ClockScore:
    """Fit the dial score of a model on rendered scenes."""
    reader = ClockReader("cpu", model=model, models=models, thresholds=Thresholds(dial_score=0.0))
    readings, clock, _ = in_scenes(reader, rendered_scenes(splits.CALIBRATION.start, scenes))
    if clock.all() or not clock.any():  # possible with the few scenes of a smoke test
        return ClockScore()
    scores = np.array([(r.finder_score, r.confidence, r.dial_logit) for r in readings])
    finder_score, confidence, dial_logit = scores.T
    return fitted_presence(finder_score, confidence, dial_logit, clock)


def in_scenes(
    reader: ClockReader, shard: SceneShards
) -> tuple[list[Reading], NDArray[np.bool_], int]:
    """All readings of rendered scenes, which of them are of a clock that none before was of, and how many clocks there are."""
    pictures, boxes = zip(*(shard.picture(i) for i in range(len(shard))), strict=True)
    readings: list[Reading] = []
    clock: list[bool] = []
    for of_scene, truth in zip(
        (result.readings for result in reader.stream(pictures)), boxes, strict=True
    ):
        readings += of_scene
        clock += match(
            np.array([r.box for r in of_scene], np.float64).reshape(-1, 4), truth, SAME_CLOCK
        ).tolist()
    return readings, np.array(clock, bool), sum(map(len, boxes))


def diagram(model: str) -> str:
    """The file name of a model's reliability diagram."""
    return "reliability.png" if model == "default" else f"reliability-{model}.png"


def beliefs(reader: ClockReader, most: int | None) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Confidence (n,) of a reader on the calibration dials, both presets shuffled together, and whether it is right within a minute."""
    confidence, right = [], []
    for preset, count in DIALS.items():
        of_preset = on_rendered(reader, preset, splits.CALIBRATION.start, most or count)
        confidence.append(of_preset[0])
        right.append(of_preset[1])
    order = np.random.default_rng(0).permutation(sum(map(len, right)))
    return np.concatenate(confidence)[order], np.concatenate(right)[order]


def on_rendered(
    reader: ClockReader, preset: str, first_seed: int, count: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Confidence (n,) of a reader on rendered dials of one preset, and whether it is right within a minute."""
    shard = rendered(preset, first_seed, count)
    images: list[ImageSource] = [np.asarray(image) for image in shard.images]
    readings = [of_image[0] for of_image in reader.read(images, cropped=True)]
    away = circular_difference(
        np.array([r.minutes for r in readings]), shard.minutes, MINUTES_ON_DIAL
    )
    return np.array([r.confidence for r in readings]), np.abs(away) <= 1


def draw(path: Path, kinds: dict[str, NDArray[np.float64]], right: NDArray[np.bool_]) -> None:
    """The reliability diagram: share right over confidence, of each kind of confidence."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axis = plt.subplots(figsize=(4, 3.6), layout="constrained")
    axis.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    for name, confidence in kinds.items():
        points = reliability(confidence, right)
        axis.plot(
            [p.confidence for p in points],
            [p.right for p in points],
            "o-",
            markersize=4,
            label=name,
        )
    axis.set(
        xlabel=f"confidence, {BINS} bins", ylabel="right within a minute", xlim=(0, 1), ylim=(0, 1)
    )
    axis.legend()
    figure.savefig(path, dpi=90, metadata={"Software": None})
    plt.close(figure)


def on_photographs(models: Path, name: str) -> dict[str, dict[str, Any]]:
    """Accuracy of an exported model on the labelled photographs, by set, where they lie beside the repository; else nothing.

    For looking at, never for choosing: no training sees them, nor stops by them.
    """
    if not PHOTOGRAPHS.is_dir():
        return {}
    command = [
        sys.executable,
        str(REPOSITORY / "benchmarks" / "accuracy.py"),
        str(PHOTOGRAPHS),
        "--models",
        str(models),
        "--model",
        name,
        "--format",
        "json",
    ]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    report = json.loads(done.stdout)
    return {
        name: figures
        for name, figures in report.items()
        if isinstance(figures, dict) and "within_1_min" in figures
    }
