"""The reader's experiments, in the order of their needs. Nothing here imports Keras."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from training.experiment import Experiment, imported_later
from training.splits import PROFILES

Done = Callable[[str], bool]  # profile -> whether an experiment has run


def _experiment(
    name: str, costs: str, about: str, *needs: str, run: str = "", done: Done | None = None
) -> Experiment:
    """Return an experiment; it trains the task of that name, unless ``run`` is given."""
    cost = dict(zip(PROFILES, costs.split(", "), strict=True))
    if run:
        return Experiment(name, about, cost, imported_later(run), needs, done=done)
    train = partial(imported_later("training.reader.tasks:run"), name)
    trained = partial(imported_later("training.reader.tasks:is_trained"), name)
    return Experiment(name, about, cost, train, needs, done=trained)


def _exported(model: str) -> Done:
    return partial(imported_later("training.reader.export_folder:is_exported"), model)


EXPERIMENTS = (
    _experiment(
        "reader/pose", "20 s, 30 min, 4 h", "pose network: where a dial lies, as a homography"
    ),
    _experiment("reader/finder", "30 s, 2 h, 7 h", "finder network: dials in a whole photo"),
    _experiment(
        "reader/hands",
        "20 s, 4 h, 18 h",
        "reading network: hour hand, minute hand and 12 from a polar image",
        "reader/pose",
    ),
    _experiment(
        "reader/context",
        "20 s, 70 min, 9 h",
        "context network: where 12 is, and whether a dial is a clock, from its surroundings too",
    ),
    _experiment(
        "reader/export",
        "30 s, 2 min, 2 min",
        "the four networks to ONNX, with manifest, metrics and model card",
        *("reader/pose", "reader/finder", "reader/hands", "reader/context"),
        run="training.reader.export:run",
        done=_exported("default"),
    ),
    _experiment(
        "reader/int8",
        "30 s, 3 min, 3 min",
        "the exported networks in 8-bit integers, as the model int8",
        "reader/export",
        run="training.reader.quantize:run",
        done=_exported("int8"),
    ),
    _experiment(
        "reader/finder-small", "30 s, 35 min, 3 h", "a smaller finder, for the model small"
    ),
    _experiment(
        "reader/pose-small", "20 s, 20 min, 2 h", "a smaller pose network, for the model small"
    ),
    _experiment(
        "reader/hands-small",
        "20 s, 40 min, 3 h",
        "a smaller reading network, for the model small",
        "reader/pose",
    ),
    _experiment(
        "reader/small",
        "30 s, 2 min, 2 min",
        "the model small: those three in 8-bit integers, with the context network of int8",
        *("reader/finder-small", "reader/pose-small", "reader/hands-small", "reader/int8"),
        run="training.reader.quantize:run_small",
        done=_exported("small"),
    ),
    _experiment(
        "reader/calibration",
        "5 s, 2 min, 2 min",
        "the reader's confidence against how often it is right, on rendered dials",
        *("reader/export", "reader/int8", "reader/small"),
        run="training.reader.calibration:run",
        done=imported_later("training.reader.export_folder:is_calibrated"),
    ),
    _experiment(
        "reader/edge",
        "30 s, 5 min, 5 min",
        "each model as one ONNX file, from the photo to the times, compared with clockread",
        "reader/calibration",
        run="training.edge.build:run",
    ),
)
