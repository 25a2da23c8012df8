"""Calibration of the exported readers on rendered dials that are not used in training."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clockread.confidence import (
    BINS,
    Calibration,
    ClockScore,
    expected_calibration_error,
    fitted,
    fitted_presence,
    reliability,
)
from clockread.reader import ClockReader, Thresholds
from training import splits
from training.evaluation import in_scenes, on_photographs, on_rendered
from training.experiment import Settings
from training.reader.export_folder import ExportFolder, export_folder
from training.reader.scene_shards import rendered_scenes

SCENES = 1000  # that the dial score is fitted on
DIALS = {"varied": 3000, "hard": 1000}  # by preset: half for the fit, half for its error
SMOKE = 20  # dials of each preset


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
        reader = ClockReader(model=model, models=exports.path)
        photographs = on_photographs(reader, settings.photos)
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
        raw, right = raw_confidences(ClockReader("cpu", model=model, models=trial.path), most)
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


def diagram(model: str) -> str:
    """Return the file name of a model's reliability diagram."""
    return "reliability.png" if model == "default" else f"reliability-{model}.png"


def raw_confidences(
    reader: ClockReader, most: int | None
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return confidence (n,) and whether the time is right (n,), on shuffled calibration dials."""
    confidence, right = zip(
        *(
            on_rendered(reader, preset, splits.CALIBRATION.start, most or count)
            for preset, count in DIALS.items()
        ),
        strict=True,
    )
    order = np.random.default_rng(0).permutation(sum(map(len, right)))
    return np.concatenate(confidence)[order], np.concatenate(right)[order]


def draw(path: Path, kinds: dict[str, NDArray[np.float64]], right: NDArray[np.bool_]) -> None:
    """Draw a reliability diagram, the share of right readings over the confidence.

    Args:
        path: Picture to write.
        kinds: Confidences (n,) by name.
        right: Whether each reading is right (n,).

    """
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
