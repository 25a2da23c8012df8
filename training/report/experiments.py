"""The report's experiments, in its order. Nothing here imports Keras."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from training.experiment import Experiment, Settings, imported_later
from training.report.runs import Fit, run_fits
from training.splits import PROFILES

Plan = Callable[[str, Path | None], Sequence[Fit]]  # (profile, folder of --data) -> fits


def _run(fits: Plan, settings: Settings) -> dict[str, Any]:
    files = run_fits(fits(settings.profile, settings.data), settings)
    return {"metrics": {"fits": len(files)}, "files": files}


def _experiment(module: str, name: str, about: str, *cost: str) -> Experiment:
    fits: Plan = partial(imported_later(f"training.report.{module}:plan"), name)
    costs = dict(zip(PROFILES, cost, strict=True))
    return Experiment(name, about, costs, partial(_run, fits), fits=fits)


# Name, description, and duration at each profile.
_CLASSIFIERS = (
    ("mlp/vanilla", "Vanilla MLP of the report", "4 s", "2 min", "4 min"),
    ("mlp/init-values", "deviation of initial weights 0.01, 0.05, 0.5", "8 s", "4 min", "10 min"),
    ("mlp/init-distribution", "initial weights normal, Xavier, He", "8 s", "4 min", "18 min"),
    ("mlp/activation", "ReLU, sigmoid, tanh in the hidden layers", "8 s", "4 min", "10 min"),
    ("mlp/optimizer", "SGD, Nesterov momentum, RMSprop, Adam", "10 s", "5 min", "14 min"),
    ("mlp/regularization", "none, L1, L2, dropout", "10 s", "5 min", "14 min"),
    ("cnn/vanilla", "Vanilla CNN of the report", "4 s", "17 min", "1.6 h"),
    ("cnn/init-distribution", "initial weights normal, He", "6 s", "17 min", "1.6 h"),
    ("cnn/activation", "ReLU, sigmoid, tanh in all hidden layers", "7 s", "25 min", "2.4 h"),
    ("cnn/regularization", "dropout, L1, L2, none in hidden layers", "9 s", "34 min", "3.2 h"),
)
_PERMUTATIONS = (
    ("permutation/mlp", "pixels permuted: one order, or one per image", "6 s", "3 min", "3 min"),
    ("permutation/cnn", "the same for the CNN", "8 s", "25 min", "2.4 h"),
)
_TIME = (
    ("multi-head", "hour as one of 12 classes, minute as a number", "6 s", "35 min", "7 h"),
    ("regression", "hours as one number", "4 s", "16 min", "5.3 h"),
    ("classification-720", "every time a class", "4 s", "11 min", "53 min"),
    ("sine-loss", "squared sine of the difference", "8 s", "6 min", "40 min"),
    ("unit-circle", "one point on the circle", "4 s", "12 min", "50 min"),
    ("sin-cos", "hour and minute as one point each", "4 s", "50 min", "70 min"),
    ("sin-cos-faster", "ours: sin-cos at 5 times the learning rate", "4 s", "20 min", "70 min"),
)
_PLACES = ("time/places", "regression by number of camera places", "8 s", "10 min", "10 min")


def _time_experiments(group: str) -> list[Experiment]:
    clocks = {"time": "turned clocks", "upright": "upright clocks"}[group]
    return [
        _experiment("telltime", f"{group}/{name}", f"{about}, {clocks}", *cost)
        for name, about, *cost in _TIME
    ]


EXPERIMENTS = (
    *(_experiment("classification", *row) for row in _CLASSIFIERS),
    *(_experiment("permutation", *row) for row in _PERMUTATIONS),
    *_time_experiments("time"),
    _experiment("telltime", *_PLACES),
    Experiment(
        "time/export",
        "the four-head network to ONNX, as the model sincos-cnn",
        {"smoke": "8 s", "reduced": "20 s", "full": "20 s"},
        imported_later("training.report.export:export_run"),
        needs=("time/sin-cos",),
    ),
    *_time_experiments("upright"),
)


def planned_fits(experiments: Iterable[Experiment], settings: Settings) -> list[Fit]:
    """Return the fits of experiments, after a check that their data exists.

    Clocks are rendered here, before several processes need them.

    Raises:
        DataMissingError: the folder of `--data`, or a data set, is missing.
        DataDamagedError: a data set is not what its name says.

    """
    from training.report.clock_images import clock_folder
    from training.report.configs import TimeConfig
    from training.report.image_data import CHECKSUMS, DataMissingError, load
    from training.report.telltime import load_images

    data = settings.data
    if data is not None and not data.is_dir():
        raise DataMissingError(
            f"{data} is not a folder: name one that contains the images, or omit --data"
        )
    fits = [fit for e in experiments if e.fits for fit in e.fits(settings.profile, data)]
    for name in sorted({fit.data for fit in fits} & set(CHECKSUMS)):
        load(name, data)
    clocks = [fit for fit in fits if isinstance(fit.config, TimeConfig)]
    if clocks and data is not None and clock_folder(data) is None:
        print(f"{data} contains only digits: clocks are rendered", flush=True)
    for fit in {(f.data, f.config.trunk.side, f.config.places): f for f in clocks}.values():
        load_images(fit, data)
    return fits
