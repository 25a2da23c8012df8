"""Calibration of the exported readers on rendered dials that are not used in training."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clockread.confidence import (
    BINS,
    Calibration,
    DialScore,
    expected_calibration_error,
    fitted,
    fitted_dial_score,
    reliability,
)
from clockread.reader import ClockReader, Thresholds
from training import splits
from training.evaluation import CONFIDENT, in_scenes, on_photographs, on_rendered
from training.experiment import Settings
from training.reader.export_folder import ExportFolder, export_folder
from training.reader.scene_shards import rendered_scenes

SCENES = 1000  # that the dial score is fitted on
# Dials by preset, half for the fit, half for its error. Gauges have no time: no reading is right.
DIALS = {
    "varied": 2000,
    "worn": 800,
    "hard": 800,
    "chronograph": 400,
    "tower": 300,
    "oblong": 200,
    "cut": 300,
    "severe": 300,
    "mirrored": 150,
    "twentyfour": 150,
    "gauge": 600,
}
SMOKE = 10  # dials of each preset


def run(settings: Settings) -> dict[str, Any]:
    """Calibrate every exported reader and, except for smoke, measure it on photographs.

    Without a folder of photographs, figures that were recorded before stay.
    """
    exports = export_folder(settings.profile)
    smoke = settings.profile == "smoke"
    readers = [model for model, entries in exports.models.items() if "hands" in entries]
    metrics: dict[str, Any] = {}
    for model in readers:
        figures = calibrate(exports, model, SMOKE if smoke else None)
        metrics |= {f"{model}: {k}": v for k, v in figures.items() if v is not None}
    exports.save()
    for model in [] if smoke or settings.photos is None else readers:
        reader = ClockReader(model=model, models=exports.path)
        photographs = on_photographs(reader, settings.photos)
        if photographs:
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
        trial.calibrate(model, Calibration(), DialScore())
        trial.save()
        dials = calibration_dials(ClockReader("cpu", model=model, models=trial.path), most)
        fit, held = dials[::2], dials[1::2]
        scores = fit.raw, fit.clock_logit, fit.whole_logit
        calibration = fitted(*scores, fit.right)
        trial.calibrate(model, calibration, DialScore())
        trial.save()
        dial_score = _dial_score(model, trial.path, most or SCENES)
    confidence = held.calibrated(calibration)
    figures = figures_of(held, confidence)
    by_kind = {
        preset: figures_of(held[of_preset], confidence[of_preset])
        for preset in DIALS
        if (of_preset := held.preset == preset).any()
    }
    exports.calibrate(model, calibration, dial_score, figures, by_kind)
    kinds = {"raw": held.raw, "calibrated": confidence}
    draw(exports.path / diagram(model), kinds, held.right)
    return figures


def figures_of(dials: Dials, confidence: NDArray[np.float64]) -> dict[str, float | None]:
    """Return the share of right readings, the calibration error, and what a confidence of 0.9 says.

    Args:
        dials: The dials.
        confidence: Calibrated, (n,).

    """
    high = confidence >= CONFIDENT
    right = dials.right
    return {
        "dials": len(right),
        "right": float(right.mean()),
        "ece": expected_calibration_error(confidence, right),
        "confidence_0.9_share": float(high.mean()),
        "confidence_0.9_right": float(right[high].mean()) if high.any() else None,
        "confidence_0.9_wrong": int((high & ~right).sum()),
    }


def _dial_score(model: str, models: Path, scenes: int) -> DialScore:
    """Fit the dial score of a model on rendered scenes with clocks and instruments of all kinds."""
    reader = ClockReader("cpu", model=model, models=models, thresholds=Thresholds(dial_score=0.0))
    shard = rendered_scenes(splits.CALIBRATION.start, scenes, "everything")
    readings, clock, _ = in_scenes(reader, shard)
    if clock.all() or not clock.any():  # possible with the few scenes of a smoke test
        return DialScore()
    finder_score, confidence, dial_logit, clock_logit = np.array(
        [(r.finder_score, r.confidence, r.dial_logit, r.clock_logit) for r in readings]
    ).T
    return fitted_dial_score(finder_score, confidence, dial_logit, clock_logit, clock)


def diagram(model: str) -> str:
    """Return the file name of a model's reliability diagram."""
    return "reliability.png" if model == "default" else f"reliability-{model}.png"


@dataclass(frozen=True)
class Dials:
    """Readings of n rendered dials, and whether they are right within one minute."""

    raw: NDArray[np.float64]  # (n,), confidence before the calibration
    clock_logit: NDArray[np.float64]  # (n,)
    whole_logit: NDArray[np.float64]  # (n,)
    right: NDArray[np.bool_]  # (n,)
    preset: NDArray[np.str_]  # (n,)

    def __getitem__(self, rows: slice | NDArray[Any]) -> Dials:
        return Dials(*(getattr(self, field.name)[rows] for field in fields(self)))

    def calibrated(self, calibration: Calibration) -> NDArray[np.float64]:
        """Return the confidence (n,)."""
        scores = zip(self.raw, self.clock_logit, self.whole_logit, strict=True)
        return np.array([calibration(*(float(value) for value in row)) for row in scores])


def calibration_dials(reader: ClockReader, most: int | None) -> Dials:
    """Read the calibration dials, shuffled, by a reader whose calibration is the identity."""
    parts = []
    for preset, count in DIALS.items():
        readings, right = on_rendered(reader, preset, splits.CALIBRATION.start, most or count)
        confidence, clock_logit, whole_logit = np.array(
            [(r.confidence, r.clock_logit, r.whole_logit) for r in readings]
        ).T
        of_preset = np.full(len(right), preset)
        parts.append(Dials(confidence, clock_logit, whole_logit, right, of_preset))
    order = np.random.default_rng(0).permutation(sum(len(part.right) for part in parts))
    columns = ([getattr(part, field.name) for part in parts] for field in fields(Dials))
    return Dials(*(np.concatenate(column) for column in columns))[order]


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
