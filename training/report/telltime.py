"""Part 3 of the report: six networks that tell the time from one look at an image of a clock.

`time/...` learns from turned clocks, as the report's are, or from the images that `--data` gives; `upright/...` from upright ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from training.data import NotTrainedError
from training.experiment import Settings
from training.report.clock_images import (
    GIVEN,
    TURNED,
    UPRIGHT,
    VERSIONS,
    ClockSet,
    Rendering,
    data_name,
    given,
    load_clocks,
)
from training.report.runs import Fit, log_folder, results_folder, run_fits
from training.report.turned_clocks import PLACES

TRAINER = "clock"
Phases = tuple[tuple[int, float], ...]  # (epochs, rate of Adam) one after the other


@dataclass(frozen=True)
class TimeConfig:
    """One tell-the-time experiment; ``trunk`` is shared by all six."""

    kind: str  # of `training.report.time_networks.HEADS`
    phases: Phases
    batch: int = 32
    trunk: Any = field(default=None)  # time_networks.Trunk
    per_time: int = 25  # images of each time
    every: int = 1  # minutes between times
    renderer: int | None = None  # version of the rendered set; None for given images
    places: int | None = None  # camera places of the turned set
    retrain: tuple[int, int, float] | None = (
        None  # (epoch, epochs, rate): again from the model as it was after that epoch
    )

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


@dataclass(frozen=True)
class Schedule:
    """Batch and phases of an entry: the report's, and those of the reduced profile."""

    batch: int
    full: Phases
    reduced: Phases
    retrain: tuple[int, int, float] | None = None
    retrain_reduced: tuple[int, int, float] | None = None


SCHEDULES = {
    "multi-head": Schedule(32, ((1200, 5e-4),), ((100, 5e-4),), (800, 400, 1e-4), (67, 33, 1e-4)),
    "regression": Schedule(32, ((600, 1e-4), (600, 1e-4)), ((30, 1e-4), (30, 1e-4))),
    "classification-720": Schedule(32, ((200, 5e-4),), ((40, 5e-4),)),
    "sine-loss": Schedule(32, ((100, 5e-4),), ((15, 5e-4),)),  # the report gives no epochs
    "unit-circle": Schedule(64, ((200, 5e-4),), ((50, 5e-4),)),
    "sin-cos": Schedule(64, ((300, 1e-4),), ((200, 1e-4),)),
    "sin-cos-faster": Schedule(
        64, ((240, 5e-4), (60, 1e-4)), ((60, 5e-4), (20, 1e-4))
    ),  # ours: is it the rate?
}
# as the upright set's finished fits had it: the two rates one after the other
UPRIGHT_REDUCED: dict[str, Phases] = {"multi-head": ((100, 5e-4), (30, 1e-4))}
# variant -> kind of network, where an entry has several or another's
VARIANTS = {
    "sin-cos-faster": {"sin-cos-faster": "sin-cos"},
    "sine-loss": {
        "as-printed": "sine-loss",
        "undivided": "sine-loss-undivided",
        "one-number": "sine-loss-number",
    },
}
SIDE = 75  # pixels: the smaller of the two sizes that the report's images come in
PRECISION = "mixed_bfloat16"  # a third faster on CPUs that multiply it
PLACES_ENTRY = "time/places"
PILOT_PLACES = (12, 24)
PILOT_EPOCHS = {"smoke": 1, "reduced": 12, "full": 12}


def plan(entry: str, profile: str, data: Path | None = None) -> list[Fit]:
    """Plan the fits of a time/* or upright/* entry; ``data`` is the folder of `--data`.

    Raises DataMissingError for a folder without images.
    """
    if entry == PLACES_ENTRY:
        return [_pilot(places, profile) for places in PILOT_PLACES]
    group, name = entry.split("/")
    images = UPRIGHT if group == "upright" else data_name(data)
    variants = VARIANTS.get(name, {name: name})
    if images == UPRIGHT:
        variants = dict(list(variants.items())[:1])
    return [
        Fit(entry, images, variant, 0, _config(kind, name, images, profile), TRAINER)
        for variant, kind in variants.items()
    ]


def _config(kind: str, name: str, data: str, profile: str) -> TimeConfig:
    from training.report.time_networks import Trunk

    schedule = SCHEDULES[name]
    identity: dict[str, Any] = {
        "renderer": VERSIONS.get(data),
        "places": PLACES if data == TURNED else None,
    }
    if profile == "smoke":
        phases: Phases = ((1, schedule.full[0][1]),)
        again = (1, 1, schedule.retrain[2]) if schedule.retrain else None
        trunk = Trunk(SIDE, (4, 8, 8, 8), 16)
        return TimeConfig(
            kind, phases, schedule.batch, trunk, per_time=2, every=8, retrain=again, **identity
        )
    if profile == "full":
        return TimeConfig(
            kind,
            schedule.full,
            schedule.batch,
            Trunk(SIDE, precision=PRECISION),
            retrain=schedule.retrain,
            **identity,
        )
    if data == UPRIGHT:
        return TimeConfig(
            kind,
            UPRIGHT_REDUCED.get(name, schedule.reduced),
            schedule.batch,
            Trunk(SIDE),
            **identity,
        )
    trunk = Trunk(SIDE, precision=PRECISION)
    return TimeConfig(
        kind, schedule.reduced, schedule.batch, trunk, retrain=schedule.retrain_reduced, **identity
    )


def _pilot(places: int, profile: str) -> Fit:
    """Plan a short fit of the regression on pictures from some number of camera places: how `PLACES` was chosen."""
    config = _config("regression", "regression", TURNED, profile)
    config = replace(config, phases=((PILOT_EPOCHS[profile], config.rate(0)),), places=places)
    return Fit(PLACES_ENTRY, TURNED, f"places-{places}", 0, config, TRAINER)


def clocks_of(fit: Fit, data: Path | None) -> ClockSet:
    """Load the images that a fit is named after: those in ``data``, or a rendered set."""
    config: TimeConfig = fit.config
    if fit.data.startswith(GIVEN):
        assert data is not None
        return given(data, config.trunk.side)
    return load_clocks(
        Rendering(
            fit.data, config.trunk.side, config.per_time, config.every, config.places or PLACES
        )
    )


def weights_path(fit: Fit, profile: str) -> Path:
    """Weights of a finished fit, kept for the export."""
    return results_folder(profile) / "weights" / f"{fit.digest()}.weights.h5"


def train(fit: Fit, settings: Settings, work: Path) -> dict[str, Any]:
    """Train one network; the 20 % test images are its validation set too, as in the report's figures."""
    import keras

    from training.report.loop import history_of, learn
    from training.report.time_networks import CODECS, build_time, compile_time

    config: TimeConfig = fit.config
    clocks = clocks_of(fit, settings.data)
    training, test = clocks.split()
    codec = CODECS[config.kind]
    keras.backend.clear_session()
    keras.utils.set_random_seed(fit.seed)
    model = build_time(config.kind, config.trunk)
    compile_time(model, config.kind, config.rate(0))
    labelled = (
        (training.images, codec.encode(training.minutes)),
        (test.images, codec.encode(test.minutes)),
    )
    how: dict[str, Any] = {"batch": config.batch, "seed": fit.seed}
    done, saved = work / "trained.weights.h5", work / "saved.weights.h5"
    if done.exists():  # interrupted while it was trained again
        model.load_weights(done)
        history = history_of(work / "history.jsonl")
    else:
        after = {config.retrain[0]: lambda: model.save_weights(saved)} if config.retrain else {}
        logs = log_folder(fit, settings.profile)
        history = learn(
            model,
            *labelled,
            epochs=config.epochs,
            work=work,
            logs=logs,
            rate=config.rate,
            after=after,
            **how,
        )
        _save_whole(model, done)
    _save_whole(model, weights_path(fit, settings.profile))
    outcome = {
        "history": history,
        "test": _figures(model, config.kind, labelled[1], test.minutes),
        "parameters": model.count_params(),
        "images": {
            "train": len(training.minutes),
            "test": len(test.minutes),
            "source": clocks.source,
        },
    }
    if config.retrain:
        _, epochs, rate = config.retrain
        model.load_weights(saved)
        model.optimizer.learning_rate = rate
        again, logs = work / "again", log_folder(fit, settings.profile) / "again"
        again.mkdir(exist_ok=True)
        history = learn(
            model, *labelled, epochs=epochs, work=again, logs=logs, rate=lambda _: rate, **how
        )
        outcome["retrained"] = {
            "history": history,
            "test": _figures(model, config.kind, labelled[1], test.minutes),
        }
    return outcome


def _save_whole(model: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"part-{path.name}")
    model.save_weights(partial)
    partial.replace(path)


def _figures(model: Any, kind: str, labelled: tuple[Any, Any], minutes: Any) -> dict[str, float]:
    """Measure losses, metrics and the common-sense error on the test images."""
    from training.report.time_networks import CODECS, HEADS

    figures = {
        k: float(v)
        for k, v in model.evaluate(*labelled, batch_size=250, verbose=0, return_dict=True).items()
    }
    outputs = model.predict(labelled[0], batch_size=250, verbose=0)
    return {
        **figures,
        **_errors(CODECS[kind], {name: np.asarray(outputs[name]) for name in HEADS[kind]}, minutes),
    }


def _errors(codec: Any, outputs: Any, minutes: Any) -> dict[str, float]:
    """The common-sense error by the report's decoding (error_*) and by the joint one (joint_*)."""
    from training.report.time_labels import error_summary

    if not all(np.isfinite(o).all() for o in outputs.values()):  # diverged
        return {}
    out = {f"error_{k}": v for k, v in error_summary(codec.decode(outputs), minutes).items()}
    return {
        **out,
        **{f"joint_{k}": v for k, v in error_summary(codec.jointly(outputs), minutes).items()},
    }


def export_run(settings: Settings) -> dict[str, Any]:
    """Export the four-head network as the model "sincos-cnn"; the smoke profile leaves the shipped models alone."""
    import json

    from clockread.upright_reader import ROLE
    from training.reader.export import export
    from training.reader.export_folder import export_folder
    from training.report.time_networks import Trunk, build_time, with_pairs

    profile = settings.profile
    fit = plan("time/sin-cos", profile, settings.data)[0]
    path = run_fits([fit], Settings(profile, data=settings.data))[0]
    weights = weights_path(fit, profile)
    if not weights.exists():  # a result that was copied without them
        raise NotTrainedError(
            f"{weights} is missing: run `python -m training.run_all --profile {profile} --only time/sin-cos --fresh` first"
        )
    trunk = fit.config.trunk
    model = build_time(
        fit.config.kind, Trunk(trunk.side, trunk.channels, trunk.dense)
    )  # in float32, as runtimes compute
    model.load_weights(weights)
    result = json.loads(path.read_text())
    batch = clocks_of(fit, settings.data).images[::7][:16]
    exports = export_folder(profile, "time/export")
    data, description = export(
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
    )
    entry = exports.put("sincos-cnn", ROLE, data, description)
    exports.save()
    return {
        "metrics": {
            "bytes": entry["bytes"],
            "difference": entry["metrics"]["largest_difference_to_keras"],
        }
    }
