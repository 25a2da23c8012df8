"""The exported reader's confidence, calibrated on rendered dials that no training saw, and its accuracy on photographs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clockread.confidence import (
    BINS,
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
from training.reader.export import export_folder
from training.reader.loop import write_json
from training.reader.model_card import write_model_card
from training.reader.scene_shards import rendered_scenes

SCENES = 1000  # from the same seed, to fit on what a clock is
DIALS = {"varied": 3000, "hard": 1000}  # half to fit on, half to tell the error
SMOKE = 20  # dials of each preset


def run(settings: Settings) -> dict[str, Any]:
    """Calibrate every exported reader, write that into the manifest with its errors, and draw reliability diagrams beside it."""
    profile = settings.profile
    smoke = profile == "smoke"
    folder = export_folder(profile)
    manifest_file = folder / "manifest.json"
    manifest = json.loads(manifest_file.read_text())
    metrics: dict[str, Any] = {}
    for name, roles in manifest["models"].items():
        if "hands" not in roles:
            continue
        figures = calibrate(name, manifest_file, SMOKE if smoke else None)
        metrics |= {f"{name}: {k}": v for k, v in figures.items() if v is not None}
        if not smoke:
            photographs = on_photographs(ClockReader(model=name, models=folder), settings.photos)
            manifest = json.loads(manifest_file.read_text())
            manifest.setdefault("photographs", {})[name] = photographs
            write_json(manifest_file, manifest)
            metrics |= {
                f"{name}: {of}: within 1 min": values["within_1_min"]
                for of, values in photographs.items()
            }
    write_model_card(folder)
    return {"metrics": metrics}


def calibrate(name: str, manifest_file: Path, most: int | None) -> dict[str, float | None]:
    """Fit one model's calibration on half of at most ``most`` dials of each preset; its figures on the other half."""
    manifest = json.loads(manifest_file.read_text())
    entry = manifest["models"][name]["hands"]
    entry["calibration"] = {"slope": 1.0, "offset": 0.0}
    write_json(manifest_file, manifest)
    believed, right = beliefs(ClockReader("cpu", model=name, models=manifest_file.parent), most)
    calibration = fitted(believed[::2], right[::2])
    held, truth = believed[1::2], right[1::2]
    calibrated = np.array([calibration(float(p)) for p in held])
    figures: dict[str, float | None] = {
        "dials": len(held),
        "right": float(truth.mean()),
        "ece_before": expected_calibration_error(held, truth),
        "ece": expected_calibration_error(calibrated, truth),
        "confidence_0.9_share": float((calibrated >= 0.9).mean()),
        "confidence_0.9_right": float(truth[calibrated >= 0.9].mean())
        if (calibrated >= 0.9).any()
        else None,
    }
    entry["calibration"] = {
        "slope": round(calibration.slope, 4),
        "offset": round(calibration.offset, 4),
        "rendered": figures,
    }
    write_json(manifest_file, manifest)
    presence = presence_of(name, manifest_file.parent, most or SCENES)
    entry["calibration"]["presence"] = {
        weight: round(value, 4) for weight, value in asdict(presence).items()
    }
    write_json(manifest_file, manifest)
    draw(manifest_file.parent / diagram(name), {"believed": held, "calibrated": calibrated}, truth)
    return figures


def presence_of(name: str, models: Path, scenes: int) -> ClockScore:
    """What tells clocks from other things by all that one model's networks say, fitted on rendered scenes."""
    reader = ClockReader("cpu", model=name, models=models, thresholds=Thresholds(dial_score=0.0))
    readings, clock, _ = in_scenes(reader, rendered_scenes(splits.CALIBRATION.start, scenes))
    if clock.all() or not clock.any():  # of a few scenes that a smoke test reads
        return ClockScore()
    finder_score, confidence, dial_logit = np.array(
        [(r.finder_score, r.confidence, r.dial_logit) for r in readings]
    ).T
    return fitted_presence(finder_score, confidence, dial_logit, clock)


def diagram(model: str) -> str:
    """Return the file name of a model's reliability diagram."""
    return "reliability.png" if model == "default" else f"reliability-{model}.png"


def beliefs(reader: ClockReader, most: int | None) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
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
        path: picture to write
        kinds: confidences (n,) by name
        right: whether each reading is right (n,)
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
