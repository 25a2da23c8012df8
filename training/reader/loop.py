"""One training loop for every network: checkpoints, averaged weights, validation, TensorBoard."""

from __future__ import annotations

import contextlib
import json
import math
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras

from clockread.data import data_folder, write_whole
from training.experiment import NotTrainedError
from training.history import append_row, columns_of, drop_partial_line, read_rows
from training.precision import Precision
from training.tensorboard import tensorboard_logs

WEIGHTS_FILE, RESULT_FILE = "final.weights.h5", "result.json"  # of a finished run
START_FILE, ORIGIN_FILE = "start.weights.h5", "start.json"  # initial weights, and their origin

Validation = Callable[[keras.Model], dict[str, float]]  # a network → its figures


@dataclass(frozen=True)
class Schedule:
    """Length, learning rate and precision of a training run."""

    samples: int  # drawn in total
    continued: int = 0  # the same for a run that starts from `restore`'s weights; 0: `samples`
    batch: int = 64
    rate: float = 1.5e-3  # peak of AdamW's learning rate: 2 % warm-up, cosine decay to 10 % of it
    weight_decay: float = 1e-4
    average: float = 0.998  # momentum of the moving average of the weights, which is the result
    seed: int = 0
    steps_per_epoch: int = 250  # a checkpoint is written after each epoch
    precision: Precision = "float32"

    @property
    def epochs(self) -> int:
        """Checkpoints in the whole run, at least one."""
        return max(1, round(self.samples / (self.batch * self.steps_per_epoch)))


def run_folder(profile: str, name: str) -> Path:
    """Return the folder, created, of a run's checkpoints, logs and result."""
    folder = data_folder() / "runs" / profile / name.replace("/", "-")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def missing_file(profile: str, name: str) -> Path | None:
    """Return the first file that a run lacks, None if it is finished."""
    folder = run_folder(profile, name)
    files = (folder / WEIGHTS_FILE, folder / RESULT_FILE)  # the result after the last validation
    return next((file for file in files if not file.exists()), None)


def finished_weights(profile: str, name: str) -> Path:
    """Return the weights' file of a finished run; raise NotTrainedError without such a run."""
    missing = missing_file(profile, name)
    if missing is not None:
        command = f"python -m training.run_all --profile {profile} --only {name}"
        raise NotTrainedError(f"{missing} is missing: run `{command}` first")
    return run_folder(profile, name) / WEIGHTS_FILE


def finished(model: keras.Model, profile: str, name: str) -> keras.Model:
    """Return ``model`` with a finished run's weights; raise NotTrainedError without such a run."""
    model.load_weights(finished_weights(profile, name))
    return model


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write a readable JSON file, whole or not at all."""
    write_whole(path, json.dumps(data, indent=1, sort_keys=True) + "\n")


@contextlib.contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Set the precision that networks built within the context compute in."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _optimizer(schedule: Schedule) -> keras.optimizers.Optimizer:
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
    return optimizer


class _Recorder(keras.callbacks.Callback):
    """Sets the samples of each epoch, records its figures, validates, and stops at divergence."""

    def __init__(
        self, data: Any, log: Path, epochs: int, validate: Validation | None, every: int
    ) -> None:
        super().__init__()
        self.data, self.log, self.epochs = data, log, epochs
        self.validate, self.every = validate, every
        drop_partial_line(log)
        rows = read_rows(log)
        spent = float(rows[-1]["seconds"]) if rows else 0.0  # before an interruption
        self._began = time.time() - spent

    @property
    def seconds(self) -> float:
        """Seconds since the run began, without interruptions."""
        return round(time.time() - self._began, 1)

    def on_epoch_begin(self, epoch: int, _logs: dict[str, float] | None = None) -> None:
        """Set the epoch whose samples are drawn, which Keras itself does not count reliably."""
        self.data.epoch = epoch

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Record an epoch; raise FloatingPointError if a figure is not finite."""
        figures = {k: float(v) for k, v in (logs or {}).items()}
        row = {"epoch": epoch, "seconds": self.seconds, **figures}
        last = epoch + 1 == self.epochs
        if self.validate is not None and not last and (epoch + 1) % self.every == 0:
            kept = self.model.get_weights()
            self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
            row.update(self.validate(self.model))
            self.model.set_weights(kept)
        if not all(math.isfinite(v) for v in row.values()):
            raise FloatingPointError(f"training diverged at epoch {epoch}: {row}")
        append_row(self.log, row)


def fit(
    model: keras.Model,
    data: keras.utils.PyDataset,
    loss: dict[str, Any],
    schedule: Schedule,
    folder: Path,
    *,
    loss_weights: dict[str, float] | None = None,
    validate: Validation | None = None,
    validate_every: int = 10,
    resume: bool = False,
) -> dict[str, Any]:
    """Train a network; its averaged weights are left in it and in the run's folder.

    Args:
        model: The network.
        data: `training.reader.batches.Batches`.
        loss: A loss for each output.
        schedule: Length and learning rate.
        folder: The run's folder, see `run_folder`.
        loss_weights: A weight for each output.
        validate: Figures of a network, by name.
        validate_every: Epochs between validations.
        resume: Continue an interrupted run at its last checkpoint, only load a finished one, and
            start a new one from the weights of `training.reader.restore`, if there are any.

    Returns:
        The result: schedule, duration, machine, history, and metrics of the last validation.

    Raises:
        FloatingPointError: training diverged.

    """
    weights, result_file = folder / WEIGHTS_FILE, folder / RESULT_FILE
    if resume and weights.exists() and result_file.exists():
        model.load_weights(weights)
        return dict(json.loads(result_file.read_text()))
    if not resume:
        for old in sorted(folder.rglob("*"), reverse=True):
            old.unlink() if old.is_file() else old.rmdir()
    started = (folder / START_FILE).exists()
    if started:
        schedule = replace(schedule, samples=schedule.continued or schedule.samples)
    log, backup = folder / "history.jsonl", folder / "backup"
    recorder = _Recorder(data, log, schedule.epochs, validate, validate_every)
    if weights.exists():  # the run was interrupted in its last validation
        model.load_weights(weights)
    else:
        if started:
            model.load_weights(folder / START_FILE)
        optimizer = _optimizer(schedule)
        model.compile(optimizer=optimizer, loss=loss, loss_weights=loss_weights, jit_compile=False)
        callbacks = [
            recorder,  # before the checkpoint, so that no epoch is skipped without a record
            keras.callbacks.BackupAndRestore(backup, delete_checkpoint=False),
            *tensorboard_logs(folder / "tensorboard"),
        ]
        model.fit(data, epochs=schedule.epochs, callbacks=callbacks, verbose="auto", shuffle=False)
        partial = folder / f"partial-{WEIGHTS_FILE}"
        model.save_weights(partial)
        partial.replace(weights)
    result = {
        "schedule": asdict(schedule),
        "seconds": recorder.seconds,
        "backend": keras.backend.backend(),
        "keras": keras.version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "history": columns_of(read_rows(log)),
        "metrics": validate(model) if validate is not None else {},
    }
    if started:
        result["begun_with"] = json.loads((folder / ORIGIN_FILE).read_text())
    write_json(result_file, result)
    shutil.rmtree(backup, ignore_errors=True)  # kept until the result exists, to resume
    return result
