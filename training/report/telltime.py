"""Part 3 of the report: six networks that tell the time from one image of a clock.

`time/...` trains on turned clocks, as in the report, or on the images that `--data` names;
`upright/...` trains on upright clocks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from training.experiment import Settings
from training.precision import MIXED, usable_precision
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
from training.report.configs import Phases, TimeConfig, Trunk
from training.report.runs import Fit, log_folder, results_folder
from training.report.time_labels import Codec, error_summary
from training.report.turned_clocks import PLACES

TRAINER = "clock"
SIDE = 75  # pixels: the smaller of the two sizes of the report's images
Retrain = tuple[int, int, float]  # epoch, epochs and rate: see TimeConfig.retrain


@dataclass(frozen=True)
class Schedule:
    """Batch and phases of an entry: the report's, and those of the reduced profile."""

    batch: int
    full: Phases
    reduced: Phases
    retrain: Retrain | None = None
    retrain_reduced: Retrain | None = None


SCHEDULES = {
    "multi-head": Schedule(32, ((1200, 5e-4),), ((100, 5e-4),), (800, 400, 1e-4), (67, 33, 1e-4)),
    "regression": Schedule(32, ((600, 1e-4), (600, 1e-4)), ((30, 1e-4), (30, 1e-4))),
    "classification-720": Schedule(32, ((200, 5e-4),), ((40, 5e-4),)),
    "sine-loss": Schedule(32, ((100, 5e-4),), ((15, 5e-4),)),  # the report gives no epochs
    "unit-circle": Schedule(64, ((200, 5e-4),), ((50, 5e-4),)),
    "sin-cos": Schedule(64, ((300, 1e-4),), ((200, 1e-4),)),
    # ours: does sin-cos owe its accuracy to the learning rate?
    "sin-cos-faster": Schedule(64, ((240, 5e-4), (60, 1e-4)), ((60, 5e-4), (20, 1e-4))),
}
# of the finished fits of the upright set: the second rate follows the first, without a retraining
UPRIGHT_REDUCED: dict[str, Phases] = {"multi-head": ((100, 5e-4), (30, 1e-4))}
# Entry -> variant -> kind of network, of entries whose variant is not the network's name.
VARIANTS = {
    "sin-cos-faster": {"sin-cos-faster": "sin-cos"},
    "sine-loss": {
        "as-printed": "sine-loss",
        "undivided": "sine-loss-undivided",
        "one-number": "sine-loss-number",
    },
}
PLACES_ENTRY = "time/places"
PILOT_PLACES = (12, 24)
PILOT_EPOCHS = {"smoke": 1, "reduced": 12, "full": 12}


def plan(entry: str, profile: str, data: Path | None = None) -> list[Fit]:
    """Return the fits of a time/* or upright/* entry.

    Args:
        entry: Name of the entry.
        profile: Of `training.splits.PROFILES`.
        data: Folder of `--data`.

    Raises:
        DataMissingError: the folder holds no images.

    """
    if entry == PLACES_ENTRY:
        return [_pilot(places, profile) for places in PILOT_PLACES]
    group, name = entry.split("/")
    images = UPRIGHT if group == "upright" else data_name(data)
    variants = list(VARIANTS.get(name, {name: name}).items())
    return [
        Fit(entry, images, variant, 0, _config(kind, name, images, profile), TRAINER)
        for variant, kind in (variants[:1] if images == UPRIGHT else variants)
    ]


def _config(kind: str, name: str, data: str, profile: str) -> TimeConfig:
    schedule = SCHEDULES[name]
    places = PLACES if data == TURNED else None
    trunk = Trunk(SIDE, precision=MIXED)  # a third faster on CPUs that multiply it
    config = TimeConfig(
        kind, schedule.full, schedule.batch, trunk, renderer=VERSIONS.get(data), places=places
    )
    if profile == "full":
        return replace(config, retrain=schedule.retrain)
    if profile == "smoke":
        return replace(
            config,
            phases=((1, schedule.full[0][1]),),
            retrain=(1, 1, schedule.retrain[2]) if schedule.retrain else None,
            trunk=Trunk(SIDE, (4, 8, 8, 8), 16),
            per_time=2,
            every=8,
        )
    if data == UPRIGHT:
        phases = UPRIGHT_REDUCED.get(name, schedule.reduced)
        return replace(config, phases=phases, trunk=Trunk(SIDE))
    return replace(config, phases=schedule.reduced, retrain=schedule.retrain_reduced)


def _pilot(places: int, profile: str) -> Fit:
    """Return a short fit of the regression with a number of camera places, to choose `PLACES`."""
    config = _config("regression", "regression", TURNED, profile)
    config = replace(config, phases=((PILOT_EPOCHS[profile], config.rate(0)),), places=places)
    return Fit(PLACES_ENTRY, TURNED, f"places-{places}", 0, config, TRAINER)


def load_images(fit: Fit, data: Path | None) -> ClockSet:
    """Load the images that a fit is named after: those in ``data``, or a rendered set."""
    config: TimeConfig = fit.config
    if fit.data.startswith(GIVEN):
        assert data is not None
        return given(data, config.trunk.side)
    places = config.places or PLACES
    return load_clocks(
        Rendering(fit.data, config.trunk.side, config.per_time, config.every, places)
    )


def weights_path(fit: Fit, profile: str) -> Path:
    """Return the file of a finished fit's weights, which are kept for the export."""
    return results_folder(profile) / "weights" / f"{fit.digest()}.weights.h5"


def train(fit: Fit, settings: Settings, work: Path) -> dict[str, Any]:
    """Train one network; the 20 % test images are its validation set too, as in the report.

    Args:
        fit: Configuration, seed and data.
        settings: Of the run.
        work: Folder of the checkpoints.

    Returns:
        History, precision computed in, test figures, number of parameters and of images; also
        history and test figures of the retraining, if there is one.

    """
    import keras

    from training.report.loop import read_history, train_model
    from training.report.time_networks import CODECS, build_time, compile_time

    config: TimeConfig = fit.config
    clocks = load_images(fit, settings.data)
    training, test = clocks.split()
    codec = CODECS[config.kind]
    keras.backend.clear_session()
    keras.utils.set_random_seed(fit.seed)
    trunk = replace(config.trunk, precision=usable_precision(config.trunk.precision or "float32"))
    model = build_time(config.kind, trunk)
    compile_time(model, config.kind, config.rate(0))
    train_data, test_data = ((c.images, codec.encode(c.minutes)) for c in (training, test))
    common: dict[str, Any] = {"batch": config.batch, "seed": fit.seed}
    # names of running checkpoints
    trained, saved = work / "trained.weights.h5", work / "saved.weights.h5"
    logs = log_folder(fit, settings.profile)
    if trained.exists():  # interrupted during the retraining
        model.optimizer.build(model.trainable_variables)  # else load_weights skips Adam's state
        model.load_weights(trained)
        history = read_history(work / "history.jsonl")
    else:
        save = {config.retrain[0]: lambda: model.save_weights(saved)} if config.retrain else {}
        options = {"epochs": config.epochs, "rate": config.rate, "after_epoch": save, **common}
        history = train_model(model, train_data, test_data, work=work, logs=logs, **options)
        _save_weights(model, trained)
    _save_weights(model, weights_path(fit, settings.profile))
    images = {"train": len(training.minutes), "test": len(test.minutes), "source": clocks.source}
    outcome = {
        "history": history,
        "precision": trunk.precision,
        "test": _evaluate(model, codec, *test_data, test.minutes),
        "parameters": model.count_params(),
        "images": images,
    }
    if config.retrain:
        _, epochs, rate = config.retrain
        model.load_weights(saved)
        model.optimizer.learning_rate = rate
        work, logs = work / "again", logs / "again"
        work.mkdir(exist_ok=True)
        options = {"epochs": epochs, "rate": lambda _: rate, **common}
        history = train_model(model, train_data, test_data, work=work, logs=logs, **options)
        tested = _evaluate(model, codec, *test_data, test.minutes)
        outcome["retrained"] = {"history": history, "test": tested}
    return outcome


def _save_weights(model: Any, path: Path) -> None:
    """Save weights in one step: whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"part-{path.name}")
    model.save_weights(partial)
    partial.replace(path)


def _evaluate(model: Any, codec: Codec, images: Any, labels: Any, minutes: Any) -> dict[str, float]:
    """Return losses, metrics and the common-sense errors on the test images.

    Errors are those of the report's decoding (error_*) and of the joint one (joint_*); a network
    that diverged has none.
    """
    tested = model.evaluate(images, labels, batch_size=250, verbose=0, return_dict=True)
    figures = {name: float(value) for name, value in tested.items()}
    outputs = {
        name: np.asarray(output)
        for name, output in model.predict(images, batch_size=250, verbose=0).items()
    }
    if not all(np.isfinite(output).all() for output in outputs.values()):
        return figures
    for prefix, found in (
        ("error", codec.decode(outputs)),
        ("joint", codec.decode_jointly(outputs)),
    ):
        figures |= {f"{prefix}_{k}": v for k, v in error_summary(found, minutes).items()}
    return figures
