"""The training loop of the report's networks, with history, checkpoints and TensorBoard logs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from training.history import append_row, columns_of, drop_partial_line, read_rows
from training.tensorboard import tensorboard_logs

Arrays = tuple[Any, Any]  # images and labels in memory; images are uint8, scaled by the network
STEPS_PER_CALL = 16  # batches per compiled call: small networks spend more time in Python


class Shuffled(keras.utils.PyDataset):
    """Batches of arrays in memory, in a new order in every epoch, drawn from (seed, epoch).

    Keras' own shuffling repeats one order in all epochs if TensorFlow's seed is set, so that the
    last images of that order influence every validation. This order is also the same after an
    interruption; the noise of dropout is not.
    """

    def __init__(self, images: Any, labels: Any, batch: int, seed: int) -> None:
        super().__init__()
        self.images, self.labels, self.batch, self.seed = images, labels, batch, seed
        self.epoch = 0
        self._order: tuple[int, Any] = (-1, None)  # epoch and its order

    def __len__(self) -> int:
        return math.ceil(len(self.images) / self.batch)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if self._order[0] != self.epoch:
            rng = np.random.default_rng((self.seed, self.epoch))
            self._order = self.epoch, rng.permutation(len(self.images))
        rows = self._order[1][index * self.batch : (index + 1) * self.batch]
        if isinstance(self.labels, dict):
            return self.images[rows], {k: v[rows] for k, v in self.labels.items()}
        return self.images[rows], self.labels[rows]


class _History(keras.callbacks.Callback):
    """Writes one line of JSON per epoch, so that an interrupted fit keeps its history.

    Also sets the order and learning rate of each epoch, and runs the actions due after it.
    """

    def __init__(
        self,
        file: Path,
        rate: Callable[[int], float] | None,
        data: Shuffled,
        after_epoch: Mapping[int, Callable[[], object]],
    ) -> None:
        super().__init__()
        self.file, self.rate, self.data, self.after_epoch = file, rate, data, after_epoch
        self.start = time.time()

    def on_epoch_begin(self, epoch: int, _logs: dict[str, Any] | None = None) -> None:
        """Set the epoch's order and learning rate."""
        self.data.epoch = epoch
        self.start = time.time()
        if self.rate is not None:
            self.model.optimizer.learning_rate = self.rate(epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Append the epoch's figures, and run the action that is due after it."""
        row = {"epoch": epoch, "epoch_seconds": time.time() - self.start}
        row |= {k: float(v) for k, v in (logs or {}).items()}
        append_row(self.file, row)
        self.after_epoch.get(epoch + 1, lambda: None)()


def read_history(file: Path) -> dict[str, list[float]]:
    """Return the columns of a history, without the epochs' numbers."""
    columns = columns_of(read_rows(file))
    columns.pop("epoch", None)
    return columns


def train_model(
    model: keras.Model,
    train: Arrays,
    validation: Arrays,
    *,
    epochs: int,
    batch: int,
    work: Path,
    logs: Path,
    seed: int = 0,
    rate: Callable[[int], float] | None = None,
    after_epoch: Mapping[int, Callable[[], object]] | None = None,
) -> dict[str, list[float]]:
    """Train a compiled model from its last checkpoint, or from the start.

    Ends early if the loss is no longer a number.

    Args:
        model: Compiled model.
        train: Training images and labels.
        validation: Validation images and labels.
        epochs: Number of epochs, those before an interruption included.
        batch: Images per step.
        work: Folder of checkpoints and history.
        logs: Folder of TensorBoard logs.
        seed: Of the order of the images.
        rate: Returns the learning rate of an epoch, from 0; None: the optimizer's own.
        after_epoch: Actions by the epoch, from 1, after which they run.

    Returns:
        The history of all epochs: a list per loss and metric.

    """
    if keras.backend.backend() == "tensorflow":
        model.steps_per_execution = max(1, min(STEPS_PER_CALL, len(train[0]) // batch))
    history = work / "history.jsonl"
    drop_partial_line(history)
    data = Shuffled(*train, batch, seed)
    callbacks: list[keras.callbacks.Callback] = [
        _History(history, rate, data, after_epoch or {}),
        keras.callbacks.TerminateOnNaN(),
        keras.callbacks.BackupAndRestore(work / "backup"),
        *tensorboard_logs(logs),
    ]
    model.fit(
        data,
        validation_data=validation,
        validation_batch_size=max(batch, 250),
        epochs=epochs,
        callbacks=callbacks,
        verbose=0,
        shuffle=False,
    )
    return read_history(history)
