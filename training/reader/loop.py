"""One training loop for every network: cosine schedule, averaged weights, progress, TensorBoard, checkpoints, resume."""

from __future__ import annotations

import contextlib
import json
import math
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import keras

from training.data import NotTrainedError, data_folder, write_whole
from training.report.loop import tensorboard_logs

WEIGHTS_FILE, RESULT_FILE = "final.weights.h5", "result.json"  # of a finished run
START_FILE, ORIGIN_FILE = (
    "start.weights.h5",
    "start.json",
)  # weights that a run begins with, and how they came about


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a network is trained."""

    samples: int  # drawn in total
    continued: int = (
        0  # drawn in a run that begins with the weights of `training.reader.restore`; 0: as many
    )
    batch: int = 64
    rate: float = (
        1.5e-3  # peak of AdamW's learning rate, after a warm-up of 2 %, cosine to a hundredth
    )
    weight_decay: float = 1e-4
    average: float = 0.998  # momentum of the exponential moving average that is kept in the end
    seed: int = 0
    steps_per_epoch: int = 250  # a checkpoint is written after each
    precision: Literal["float32", "mixed_bfloat16"] = (
        "float32"  # mixed: products in bfloat16, weights and outputs in float32
    )

    @property
    def epochs(self) -> int:
        """Checkpoints in the whole run, at least one."""
        return max(1, round(self.samples / (self.batch * self.steps_per_epoch)))


def run_folder(profile: str, name: str) -> Path:
    """Where a run keeps checkpoints, logs and its result; outside the repository."""
    folder = data_folder() / "runs" / profile / name.replace("/", "-")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def finished(model: keras.Model, profile: str, name: str) -> keras.Model:
    """``model`` with the weights of a finished run; NotTrainedError, with what to run first, where there is none."""
    weights = run_folder(profile, name) / WEIGHTS_FILE
    if not weights.exists():
        raise NotTrainedError(
            f"{weights} is missing: run `python -m training.run_all --profile {profile} --only {name}` first"
        )
    model.load_weights(weights)
    return model


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write a readable JSON file, whole or not at all."""
    write_whole(path, json.dumps(data, indent=1, sort_keys=True) + "\n")


@contextlib.contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Networks built within compute in this precision."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _seconds_spent(log: Path) -> float:
    """Of an interrupted run, up to its last epoch."""
    lines = log.read_text().splitlines() if log.exists() else []
    return float(json.loads(lines[-1])["seconds"]) if lines else 0.0


def fit(
    model: keras.Model,
    data: keras.utils.PyDataset,
    loss: dict[str, Any],
    schedule: Schedule,
    folder: Path,
    *,
    loss_weights: dict[str, float] | None = None,
    validate: Callable[[keras.Model], dict[str, float]] | None = None,
    validate_every: int = 10,
    resume: bool = False,
) -> dict[str, Any]:
    """Train ``model`` and leave its averaged weights in it and in ``folder``; returns the history and the last validation.

    With ``resume`` an interrupted run continues at its last checkpoint, a finished one is only loaded, and a new one begins with the
    weights of `training.reader.restore` where there are some.
    """
    weights, result_file, backup, start = (
        folder / WEIGHTS_FILE,
        folder / RESULT_FILE,
        folder / "backup",
        folder / START_FILE,
    )
    if resume and weights.exists() and result_file.exists():
        model.load_weights(weights)
        return dict(json.loads(result_file.read_text()))
    if not resume:
        for old in sorted(folder.rglob("*"), reverse=True):
            old.unlink() if old.is_file() else old.rmdir()
    if start.exists():
        model.load_weights(start)
        schedule = replace(schedule, samples=schedule.continued or schedule.samples)
    total = schedule.epochs * schedule.steps_per_epoch
    warmup = max(1, total // 50)
    rate = keras.optimizers.schedules.CosineDecay(
        schedule.rate / 10,
        total - warmup,
        alpha=0.1,
        warmup_target=schedule.rate,
        warmup_steps=warmup,
    )
    optimizer = keras.optimizers.AdamW(
        rate,
        weight_decay=schedule.weight_decay,
        use_ema=True,
        ema_momentum=schedule.average,
        clipnorm=5.0,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(optimizer=optimizer, loss=loss, loss_weights=loss_weights, jit_compile=False)
    history: dict[str, list[float]] = {}
    log = folder / "history.jsonl"
    began = time.time() - _seconds_spent(log)

    class Record(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            row = {
                "epoch": epoch,
                "seconds": round(time.time() - began, 1),
                **{k: float(v) for k, v in (logs or {}).items()},
            }
            last = epoch + 1 == schedule.epochs
            if validate is not None and not last and (epoch + 1) % validate_every == 0:
                kept = model.get_weights()
                optimizer.finalize_variable_values(model.trainable_variables)
                row.update(validate(model))
                model.set_weights(kept)
            if not all(math.isfinite(v) for v in row.values()):
                raise FloatingPointError(f"training diverged at epoch {epoch}: {row}")
            with log.open("a") as out:
                out.write(json.dumps(row) + "\n")
            data.epoch = epoch + 1

    callbacks = [
        keras.callbacks.BackupAndRestore(backup),
        Record(),
        *tensorboard_logs(folder / "tensorboard"),
    ]
    epoch_file = backup / "training_metadata.json"
    data.epoch = (
        int(json.loads(epoch_file.read_text())["epoch"]) if resume and epoch_file.exists() else 0
    )
    model.fit(data, epochs=schedule.epochs, callbacks=callbacks, verbose="auto", shuffle=False)
    model.save_weights(weights)
    for line in log.read_text().splitlines():
        for key, value in json.loads(line).items():
            history.setdefault(key, []).append(value)
    result = {
        "schedule": asdict(schedule),
        "seconds": round(time.time() - began, 1),
        "backend": keras.backend.backend(),
        "keras": keras.version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "history": history,
        "metrics": validate(model) if validate is not None else {},
    }
    if start.exists():
        result["begun_with"] = json.loads((folder / ORIGIN_FILE).read_text())
    write_json(result_file, result)
    return result
