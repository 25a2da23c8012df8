"""The reader's networks as experiments, in the order in which they need each other. Nothing here imports Keras."""

from __future__ import annotations

from training.experiment import Experiment, imported_later

EXPERIMENTS = (
    Experiment(
        "reader/pose",
        "pose network: where a dial lies, as a homography",
        {"smoke": "20 s", "reduced": "30 min", "full": "4 h"},
        imported_later("training.reader.pose:run"),
    ),
    Experiment(
        "reader/finder",
        "finder network: dials in a whole photo",
        {"smoke": "30 s", "reduced": "2 h", "full": "7 h"},
        imported_later("training.reader.finder:run"),
    ),
    Experiment(
        "reader/hands",
        "reading network: hour hand, minute hand and 12 from a polar image",
        {"smoke": "20 s", "reduced": "4 h", "full": "18 h"},
        imported_later("training.reader.hands:run"),
        needs=("reader/pose",),
    ),
    Experiment(
        "reader/export",
        "the three networks to ONNX, with manifest, metrics and model card",
        {"smoke": "30 s", "reduced": "2 min", "full": "2 min"},
        imported_later("training.reader.export:run"),
        needs=("reader/pose", "reader/finder", "reader/hands"),
    ),
    Experiment(
        "reader/int8",
        "the exported networks in 8-bit integers, as the model int8",
        {"smoke": "30 s", "reduced": "3 min", "full": "3 min"},
        imported_later("training.reader.quantize:run"),
        needs=("reader/export",),
    ),
    Experiment(
        "reader/finder-small",
        "a smaller finder, for the model small",
        {"smoke": "30 s", "reduced": "35 min", "full": "3 h"},
        imported_later("training.reader.finder:run_small"),
    ),
    Experiment(
        "reader/pose-small",
        "a smaller pose network, for the model small",
        {"smoke": "20 s", "reduced": "20 min", "full": "2 h"},
        imported_later("training.reader.pose:run_small"),
    ),
    Experiment(
        "reader/hands-small",
        "a smaller reading network, for the model small",
        {"smoke": "20 s", "reduced": "40 min", "full": "3 h"},
        imported_later("training.reader.hands:run_small"),
        needs=("reader/pose",),
    ),
    Experiment(
        "reader/small",
        "the model small: those three in 8-bit integers",
        {"smoke": "30 s", "reduced": "2 min", "full": "2 min"},
        imported_later("training.reader.quantize:run_small"),
        needs=("reader/finder-small", "reader/pose-small", "reader/hands-small", "reader/export"),
    ),
    Experiment(
        "reader/calibration",
        "the reader's confidence against how often it is right, on rendered dials",
        {"smoke": "5 s", "reduced": "2 min", "full": "2 min"},
        imported_later("training.reader.calibration:run"),
        needs=("reader/export", "reader/int8", "reader/small"),
    ),
)
