"""The experiments by name. Nothing here imports Keras, so that listing them is instant."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.fits import Fit, Settings

PROFILES = ("smoke", "reduced", "full")


@dataclass(frozen=True)
class Experiment:
    """One named experiment.

    ``target`` is "module:function". Of the reader's networks it is called as function(profile, resume=...) -> result dict, where
    it depends on the data (``with_settings``) as function(settings); of the report's experiments (``report``) as
    function(name, profile, folder of --data) -> the fits to run.
    """

    name: str
    about: str
    target: str
    cost: dict[str, str]  # by profile, on 2 CPU cores; of the report's with --jobs 2, as if no fit were shared
    needs: tuple[str, ...] = ()
    report: bool = False
    with_settings: bool = False

    def _function(self) -> Any:
        module, function = self.target.split(":")
        return getattr(importlib.import_module(module), function)

    def fits(self, profile: str, data: Path | None = None) -> list[Fit]:
        """The fits of a report's experiment, on the images in ``data`` where they are given; none of a reader's network."""
        planned: list[Fit] = self._function()(self.name, profile, data) if self.report else []
        return planned

    def run(self, settings: Settings) -> dict[str, Any]:
        """Run it; the result holds at least "metrics"."""
        if not self.report:
            function = self._function()
            result: dict[str, Any] = function(settings) if self.with_settings else function(settings.profile, resume=settings.resume)
            return result
        from training.fits import run_fits

        files = run_fits(self.fits(settings.profile, settings.data), settings)
        return {"metrics": {"fits": len(files)}, "files": files}


def _report(name: str, about: str, module: str, smoke: str, reduced: str, full: str) -> Experiment:
    return Experiment(name, about, f"training.{module}:plan", {"smoke": smoke, "reduced": reduced, "full": full}, report=True)


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
    return [_report(f"{group}/{name}", f"{about}, {where}", _TIME, *cost) for name, about, *cost in _SIX]


EXPERIMENTS = (
    Experiment(
        "reader/pose",
        "pose network: where a dial lies, as a homography",
        "training.pose:run",
        {"smoke": "20 s", "reduced": "30 min", "full": "4 h"},
    ),
    Experiment(
        "reader/finder",
        "finder network: dials in a whole photo",
        "training.finder:run",
        {"smoke": "30 s", "reduced": "2 h", "full": "7 h"},
    ),
    Experiment(
        "reader/hands",
        "reading network: hour hand, minute hand and 12 from a polar image",
        "training.hands:run",
        {"smoke": "20 s", "reduced": "4 h", "full": "18 h"},
        needs=("reader/pose",),
    ),
    Experiment(
        "reader/export",
        "the three networks to ONNX, with manifest, metrics and model card",
        "training.export:run",
        {"smoke": "30 s", "reduced": "2 min", "full": "2 min"},
        needs=("reader/pose", "reader/finder", "reader/hands"),
    ),
    Experiment(
        "reader/int8",
        "the exported networks in 8-bit integers, as the model int8",
        "training.quantize:run",
        {"smoke": "30 s", "reduced": "3 min", "full": "3 min"},
        needs=("reader/export",),
    ),
    Experiment(
        "reader/finder-small",
        "a smaller finder, for the model small",
        "training.finder:run_small",
        {"smoke": "30 s", "reduced": "35 min", "full": "3 h"},
    ),
    Experiment(
        "reader/pose-small",
        "a smaller pose network, for the model small",
        "training.pose:run_small",
        {"smoke": "20 s", "reduced": "20 min", "full": "2 h"},
    ),
    Experiment(
        "reader/hands-small",
        "a smaller reading network, for the model small",
        "training.hands:run_small",
        {"smoke": "20 s", "reduced": "40 min", "full": "3 h"},
        needs=("reader/pose",),
    ),
    Experiment(
        "reader/small",
        "the model small: those three in 8-bit integers",
        "training.quantize:run_small",
        {"smoke": "30 s", "reduced": "2 min", "full": "2 min"},
        needs=("reader/finder-small", "reader/pose-small", "reader/hands-small", "reader/export"),
    ),
    Experiment(
        "reader/calibration",
        "the reader's confidence against how often it is right, on rendered dials",
        "training.calibration:run",
        {"smoke": "5 s", "reduced": "2 min", "full": "2 min"},
        needs=("reader/export", "reader/int8", "reader/small"),
    ),
    _report("mlp/vanilla", "Vanilla MLP as the report has it", _CLASSIFY, "4 s", "2 min", "4 min"),
    _report("mlp/init-values", "standard deviation of normal initial weights: 0.01, 0.05, 0.5", _CLASSIFY, "8 s", "4 min", "10 min"),
    _report("mlp/init-distribution", "initial weights normal, Xavier, He", _CLASSIFY, "8 s", "4 min", "18 min"),
    _report("mlp/activation", "ReLU, sigmoid, tanh in the hidden layers", _CLASSIFY, "8 s", "4 min", "10 min"),
    _report("mlp/optimizer", "SGD, Nesterov momentum, RMSprop, Adam", _CLASSIFY, "10 s", "5 min", "14 min"),
    _report("mlp/regularization", "none, L1, L2, dropout", _CLASSIFY, "10 s", "5 min", "14 min"),
    _report("cnn/vanilla", "Vanilla CNN as the report has it", _CLASSIFY, "4 s", "17 min", "1.6 h"),
    _report("cnn/init-distribution", "initial weights normal, He", _CLASSIFY, "6 s", "17 min", "1.6 h"),
    _report("cnn/activation", "ReLU, sigmoid, tanh in all hidden layers", _CLASSIFY, "7 s", "25 min", "2.4 h"),
    _report("cnn/regularization", "dropout, L1, L2, none in the hidden layers", _CLASSIFY, "9 s", "34 min", "3.2 h"),
    _report("permutation/mlp", "pixels permuted: one permutation for all, one for each image", _PERMUTE, "6 s", "3 min", "3 min"),
    _report("permutation/cnn", "the same for the CNN", _PERMUTE, "8 s", "25 min", "2.4 h"),
    *_clocks("time", "turned clocks"),
    _report("time/places", "how many camera places: regression in short", _TIME, "8 s", "10 min", "10 min"),
    Experiment(
        "time/export",
        "the four-head network to ONNX, as the model sincos-cnn",
        "training.telltime:export_run",
        {"smoke": "8 s", "reduced": "20 s", "full": "20 s"},
        needs=("time/sin-cos",),
        with_settings=True,
    ),
    *_clocks("upright", "upright clocks"),
)


def chosen(only: Iterable[str]) -> list[Experiment]:
    """Experiments whose name is, or starts with, one of ``only`` (all where it is empty), in registry order.

    Raises KeyError, with the names there are, for one that matches nothing.
    """
    wanted = [name.rstrip("/") for name in only]
    for name in wanted:
        if not any(_matches(e.name, name) for e in EXPERIMENTS):
            raise KeyError(f"no experiment {name!r}; there are {', '.join(e.name for e in EXPERIMENTS)}")
    return [e for e in EXPERIMENTS if not wanted or any(_matches(e.name, name) for name in wanted)]


def _matches(name: str, wanted: str) -> bool:
    return name == wanted or name.startswith(f"{wanted}/")
