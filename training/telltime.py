"""Part 3 of the report: six networks that tell the time from one look at an image of a clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from training.clock_images import VERSION, load_clocks
from training.files import NotTrainedError
from training.fits import Fit, Settings, log_folder, results_folder, run_fits

TRAINER = "training.telltime:train"


@dataclass(frozen=True)
class TimeConfig:
    """One tell-the-time experiment; ``trunk`` is shared by all six."""

    kind: str  # of `training.time_networks.HEADS`
    phases: tuple[tuple[int, float], ...]  # (epochs, rate of Adam) one after the other
    batch: int = 32
    trunk: Any = field(default=None)  # time_networks.Trunk
    per_time: int = 25  # images of each time
    every: int = 1  # minutes between times
    renderer: int = VERSION

    @property
    def epochs(self) -> int:
        """Of all phases."""
        return sum(epochs for epochs, _ in self.phases)

    def rate(self, epoch: int) -> float:
        """Adam's learning rate in an epoch."""
        for epochs, rate in self.phases:
            if epoch < epochs:
                return rate
            epoch -= epochs
        return self.phases[-1][1]


# kind: batch, the report's phases, the phases of the reduced profile
SETTINGS: dict[str, tuple[int, tuple[tuple[int, float], ...], tuple[tuple[int, float], ...]]] = {
    "multi-head": (32, ((1200, 5e-4), (400, 1e-4)), ((100, 5e-4), (30, 1e-4))),
    "regression": (32, ((600, 1e-4), (600, 1e-4)), ((30, 1e-4), (30, 1e-4))),
    "classification-720": (32, ((200, 5e-4),), ((40, 5e-4),)),
    "sine-loss": (32, ((100, 5e-4),), ((15, 5e-4),)),
    "unit-circle": (64, ((200, 5e-4),), ((50, 5e-4),)),
    "sin-cos": (64, ((300, 1e-4),), ((200, 1e-4),)),
    "sin-cos-faster": (64, ((240, 5e-4), (60, 1e-4)), ((60, 5e-4), (20, 1e-4))),  # ours: is it the rate?
}
KINDS = {"sin-cos-faster": "sin-cos"}  # entries whose heads are another's


def plan(entry: str, profile: str) -> list[Fit]:
    """The one fit of a time/* entry."""
    from training.time_networks import Trunk

    name = entry.split("/")[1]
    batch, full, reduced = SETTINGS[name]
    kind = KINDS.get(name, name)
    config = TimeConfig(kind, full, batch, Trunk())
    if profile == "reduced":
        config = TimeConfig(kind, reduced, batch, Trunk(side=75))
    elif profile == "smoke":
        config = TimeConfig(kind, ((1, full[0][1]),), batch, Trunk(75, (4, 8, 8, 8), 16), per_time=2, every=8)
    return [Fit(entry, "clocks", name, 0, config, TRAINER)]


def weights_path(fit: Fit, profile: str) -> Path:
    """Weights of a finished fit, kept for the export."""
    return results_folder(profile) / "weights" / f"{fit.digest()}.weights.h5"


def train(fit: Fit, settings: Settings, work: Path) -> dict[str, Any]:
    """Train one network; the 20 % test images are its validation set too, as in the report's figures."""
    import keras

    from training.learning import learn
    from training.time_networks import CODECS, HEADS, build_time, compile_time

    config: TimeConfig = fit.config
    clocks = load_clocks(config.trunk.side, settings.data, per_time=config.per_time, every=config.every)
    training, test = clocks.split()
    codec = CODECS[config.kind]
    keras.backend.clear_session()
    keras.utils.set_random_seed(fit.seed)
    model = build_time(config.kind, config.trunk)
    compile_time(model, config.kind, config.rate(0))
    labelled = (test.images, codec.encode(test.minutes))
    history = learn(
        model,
        (training.images, codec.encode(training.minutes)),
        labelled,
        epochs=config.epochs,
        batch=config.batch,
        work=work,
        logs=log_folder(fit, settings.profile),
        seed=fit.seed,
        rate=config.rate,
    )
    figures = {k: float(v) for k, v in model.evaluate(*labelled, batch_size=250, verbose=0, return_dict=True).items()}
    weights = weights_path(fit, settings.profile)
    weights.parent.mkdir(parents=True, exist_ok=True)
    partial = weights.with_name(f"{fit.digest()}-part.weights.h5")
    model.save_weights(partial)
    partial.replace(weights)
    outputs = model.predict(test.images, batch_size=250, verbose=0)
    outputs = {name: np.asarray(outputs[name]) for name in HEADS[config.kind]}
    return {
        "history": history,
        "test": {**figures, **_errors(codec, outputs, test.minutes)},
        "parameters": model.count_params(),
        "images": {"train": len(training.minutes), "test": len(test.minutes), "source": clocks.source},
    }


def _errors(codec: Any, outputs: Any, minutes: Any) -> dict[str, float]:
    """The common-sense error by the report's decoding (error_*) and by the joint one (joint_*)."""
    from training.time_labels import error_summary

    if not all(np.isfinite(o).all() for o in outputs.values()):  # diverged
        return {}
    out = {f"error_{k}": v for k, v in error_summary(codec.decode(outputs), minutes).items()}
    return {**out, **{f"joint_{k}": v for k, v in error_summary(codec.jointly(outputs), minutes).items()}}


def export_run(profile: str, *, resume: bool) -> dict[str, Any]:
    """Export the four-head network as the model "sincos-cnn"; the smoke profile leaves the shipped models alone."""
    import json

    from clockread.upright_reader import ROLE
    from training.export import export, export_folder
    from training.model_card import write_model_card
    from training.time_networks import build_time, with_pairs

    del resume  # exporting takes seconds
    fit = plan("time/sin-cos", profile)[0]
    path = run_fits([fit], Settings(profile))[0]
    weights = weights_path(fit, profile)
    if not weights.exists():  # a result that was copied without them
        raise NotTrainedError(
            f"{weights} is missing: run `python -m training.run_all --profile {profile} --only time/sin-cos --fresh` first"
        )
    model = build_time(fit.config.kind, fit.config.trunk)
    model.load_weights(weights)
    result = json.loads(path.read_text())
    batch = load_clocks(fit.config.trunk.side, per_time=fit.config.per_time, every=fit.config.every).images[::7][:16]
    folder = export_folder(profile, "time/export")
    entry = export(
        with_pairs(model),
        ROLE,
        batch,
        {
            "command": f"python -m training.run_all --profile {profile} --only time/sin-cos,time/export",
            "seed": fit.seed,
            "config": result["config"],
            "schedule": {"samples": fit.config.epochs * result["images"]["train"]},
            "keras": result["versions"].get("keras"),
            "backend": result["backend"],
            "machine": f"{result['machine']['architecture']}, {result['machine']['cores']} cores",
            "seconds": result["seconds"],
            "metrics": result["test"],
        },
        folder=folder,
        name="sincos-cnn",
    )
    write_model_card(folder)
    return {"metrics": {"bytes": entry["bytes"], "difference": entry["metrics"]["largest_difference_to_keras"]}}
