"""The report's experiments, in its order. Nothing here imports Keras."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from training.experiment import Experiment, Settings, imported_later
from training.report.runs import Fit, run_fits

Plan = Callable[[str, Path | None], Sequence[Fit]]  # (profile, folder of --data) -> fits


def _run(fits: Plan, settings: Settings) -> dict[str, Any]:
    files = run_fits(fits(settings.profile, settings.data), settings)
    return {"metrics": {"fits": len(files)}, "files": files}


def _experiment(
    name: str, about: str, module: str, smoke: str, reduced: str, full: str
) -> Experiment:
    fits: Plan = partial(imported_later(f"training.report.{module}:plan"), name)
    return Experiment(
        name,
        about,
        {"smoke": smoke, "reduced": reduced, "full": full},
        partial(_run, fits),
        fits=fits,
    )


_CLASSIFY, _PERMUTE, _TIME = "classification", "permutation", "telltime"

# name, description, cost at each profile
_SIX = (
    ("multi-head", "hour as one of 12, minute as a number", "6 s", "35 min", "7 h"),
    ("regression", "hours as one number", "4 s", "16 min", "5.3 h"),
    ("classification-720", "each time a class", "4 s", "11 min", "53 min"),
    ("sine-loss", "squared sine of the difference", "8 s", "6 min", "40 min"),
    ("unit-circle", "one point on the circle", "4 s", "12 min", "50 min"),
    ("sin-cos", "hour and minute as a point each", "4 s", "50 min", "70 min"),
    ("sin-cos-faster", "ours: sin-cos at five times the learning rate", "4 s", "20 min", "70 min"),
)


def _clocks(group: str, where: str) -> list[Experiment]:
    return [
        _experiment(f"{group}/{name}", f"{about}, {where}", _TIME, *cost)
        for name, about, *cost in _SIX
    ]


EXPERIMENTS = (
    _experiment(
        "mlp/vanilla", "Vanilla MLP as the report has it", _CLASSIFY, "4 s", "2 min", "4 min"
    ),
    _experiment(
        "mlp/init-values",
        "standard deviation of normal initial weights: 0.01, 0.05, 0.5",
        _CLASSIFY,
        "8 s",
        "4 min",
        "10 min",
    ),
    _experiment(
        "mlp/init-distribution",
        "initial weights normal, Xavier, He",
        _CLASSIFY,
        "8 s",
        "4 min",
        "18 min",
    ),
    _experiment(
        "mlp/activation",
        "ReLU, sigmoid, tanh in the hidden layers",
        _CLASSIFY,
        "8 s",
        "4 min",
        "10 min",
    ),
    _experiment(
        "mlp/optimizer",
        "SGD, Nesterov momentum, RMSprop, Adam",
        _CLASSIFY,
        "10 s",
        "5 min",
        "14 min",
    ),
    _experiment(
        "mlp/regularization", "none, L1, L2, dropout", _CLASSIFY, "10 s", "5 min", "14 min"
    ),
    _experiment(
        "cnn/vanilla", "Vanilla CNN as the report has it", _CLASSIFY, "4 s", "17 min", "1.6 h"
    ),
    _experiment(
        "cnn/init-distribution", "initial weights normal, He", _CLASSIFY, "6 s", "17 min", "1.6 h"
    ),
    _experiment(
        "cnn/activation",
        "ReLU, sigmoid, tanh in all hidden layers",
        _CLASSIFY,
        "7 s",
        "25 min",
        "2.4 h",
    ),
    _experiment(
        "cnn/regularization",
        "dropout, L1, L2, none in the hidden layers",
        _CLASSIFY,
        "9 s",
        "34 min",
        "3.2 h",
    ),
    _experiment(
        "permutation/mlp",
        "pixels permuted: one permutation for all, one for each image",
        _PERMUTE,
        "6 s",
        "3 min",
        "3 min",
    ),
    _experiment("permutation/cnn", "the same for the CNN", _PERMUTE, "8 s", "25 min", "2.4 h"),
    *_clocks("time", "turned clocks"),
    _experiment(
        "time/places",
        "how many camera places: regression in short",
        _TIME,
        "8 s",
        "10 min",
        "10 min",
    ),
    Experiment(
        "time/export",
        "the four-head network to ONNX, as the model sincos-cnn",
        {"smoke": "8 s", "reduced": "20 s", "full": "20 s"},
        imported_later("training.report.telltime:export_run"),
        needs=("time/sin-cos",),
    ),
    *_clocks("upright", "upright clocks"),
)
