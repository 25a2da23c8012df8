"""The reader's seven networks: how each is built, trained and validated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import keras

from training.experiment import Settings
from training.precision import MIXED, usable_precision
from training.reader import context, finder, finder_network, hands, networks, pose
from training.reader.batches import Batches
from training.reader.loop import (
    Schedule,
    Validation,
    computing_in,
    finished,
    fit,
    missing_file,
    run_folder,
)
from training.reader.losses import pose_loss


@dataclass(frozen=True)
class Task:
    """A network to train."""

    name: str  # of the experiment and of the run's folder
    role: str  # in a model: "finder", "pose", "hands" or "context"
    build: Callable[[Any], keras.Model]
    config: Any  # argument of `build`
    schedules: Mapping[str, Schedule]  # by profile
    data: Callable[[str, Schedule], Batches]  # profile, schedule → training batches
    validation: Callable[[str], Validation]  # profile → figures of a network
    losses: dict[str, Any]  # by output
    loss_weights: dict[str, float]
    validate_every: int = 10  # epochs
    for_export: Callable[[keras.Model], keras.Model] = lambda model: model  # adds outputs


POSE = Task(
    name="reader/pose",
    role="pose",
    build=networks.build_pose,
    config=networks.PoseConfig(),
    schedules={
        "smoke": Schedule(256, batch=16, steps_per_epoch=8),
        "reduced": Schedule(800_000, continued=192_000, rate=2e-3, precision=MIXED),
        "full": Schedule(3_000_000, rate=2e-3),
    },
    data=pose.batches,
    validation=pose.validation,
    losses={"pose": pose_loss, "dial": keras.losses.BinaryCrossentropy(from_logits=True)},
    loss_weights={"pose": 1.0, "dial": 0.1},
)
_FINDER_SCHEDULE = Schedule(
    800_000,
    continued=320_000,
    batch=32,
    rate=2e-3,
    average=0.995,
    steps_per_epoch=125,
    precision=MIXED,
)
FINDER = Task(
    name="reader/finder",
    role="finder",
    build=finder_network.build_finder,
    config=finder_network.FinderConfig(),
    schedules={
        "smoke": Schedule(64, batch=8, steps_per_epoch=8),
        "reduced": _FINDER_SCHEDULE,
        "full": Schedule(2_400_000, batch=32, rate=2e-3),
    },
    data=finder.batches,
    validation=finder.validation,
    losses={"heat": finder_network.heat_loss, "box": finder_network.box_loss},
    loss_weights={"heat": 1.0, "box": 0.5},
    validate_every=4,
)
HANDS = Task(
    name="reader/hands",
    role="hands",
    build=networks.build_hands,
    config=networks.HandsConfig(),
    schedules={
        "smoke": Schedule(256, batch=16, steps_per_epoch=8),
        "reduced": Schedule(2_800_000, continued=560_000, precision=MIXED),
        "full": Schedule(12_000_000),
    },
    data=hands.batches,
    validation=hands.validation,
    losses=hands.LOSSES,
    loss_weights=hands.LOSS_WEIGHTS,
    validate_every=20,
    for_export=networks.with_sincos,
)
CONTEXT = Task(
    name="reader/context",
    role="context",
    build=networks.build_context,
    config=networks.ContextConfig(),
    schedules={
        "smoke": Schedule(256, batch=16, steps_per_epoch=8),
        "reduced": Schedule(900_000, rate=2e-3, average=0.997, precision=MIXED),
        "full": Schedule(8_000_000, rate=2e-3),
    },
    data=context.batches,
    validation=context.validation,
    losses=context.LOSSES,
    loss_weights=context.LOSS_WEIGHTS,
)
SMALL_TASKS = (
    replace(
        FINDER,
        name="reader/finder-small",
        config=finder_network.SMALL_FINDER,
        schedules={
            **FINDER.schedules,
            "reduced": replace(_FINDER_SCHEDULE, samples=96_000, continued=0),
            "full": Schedule(600_000, batch=32, rate=2e-3),
        },
    ),
    replace(POSE, name="reader/pose-small", config=networks.SMALL_POSE),
    replace(
        HANDS,
        name="reader/hands-small",
        config=networks.SMALL_HANDS,
        schedules={
            **HANDS.schedules,
            "reduced": Schedule(500_000, continued=160_000, precision=MIXED),
            "full": Schedule(4_000_000),
        },
    ),
)
DEFAULT_TASKS = (FINDER, POSE, HANDS, CONTEXT)
TASKS = {task.name: task for task in (*DEFAULT_TASKS, *SMALL_TASKS)}


def train(task: Task, settings: Settings) -> dict[str, Any]:
    """Train a network, leaving its weights in the run's folder; return the run's result."""
    profile = settings.profile
    schedule = task.schedules[profile]
    schedule = replace(schedule, precision=usable_precision(schedule.precision))
    validate, data = task.validation(profile), task.data(profile, schedule)
    keras.utils.set_random_seed(schedule.seed)
    with computing_in(schedule.precision):
        model = task.build(task.config)
    return fit(
        model,
        data,
        task.losses,
        schedule,
        run_folder(profile, task.name),
        loss_weights=task.loss_weights,
        validate=validate,
        validate_every=task.validate_every,
        resume=settings.resume,
    )


def run(name: str, settings: Settings) -> dict[str, Any]:
    """Train the network of an experiment."""
    return train(TASKS[name], settings)


def is_trained(name: str, profile: str) -> bool:
    """Return whether the network of an experiment has a finished run."""
    return missing_file(profile, name) is None


def trained(task: Task, profile: str) -> keras.Model:
    """Return the network of a finished run; raise NotTrainedError if there is none."""
    return finished(task.build(task.config), profile, task.name)
