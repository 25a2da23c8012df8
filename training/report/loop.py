"""The learning loop of the report's networks: arrays in memory, one row of history an epoch, checkpoints, TensorBoard."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

Arrays = tuple[
    Any, Any
]  # images and labels, whole in memory; uint8 images stay uint8 until the network scales them
STEPS_PER_CALL = 16  # batches in one call of the compiled step: small networks spend more in Python than in learning


class Shuffled(keras.utils.PyDataset):
    """Batches of arrays in memory in an order of their own in every epoch, drawn from (seed, epoch).

    Keras' own shuffling repeats one order in all epochs where TensorFlow's seed is set: the last images of that order then
    weigh on every validation. This order is also the same after an interruption; the noise of dropout is not.
    """

    def __init__(self, images: Any, labels: Any, batch: int, seed: int) -> None:
        super().__init__()
        self.images, self.labels, self.batch, self.seed = images, labels, batch, seed
        self.epoch = 0
        self._drawn: tuple[int, Any] = (-1, None)

    def __len__(self) -> int:
        return math.ceil(len(self.images) / self.batch)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if self._drawn[0] != self.epoch:
            self._drawn = (
                self.epoch,
                np.random.default_rng((self.seed, self.epoch)).permutation(len(self.images)),
            )
        some = self._drawn[1][index * self.batch : (index + 1) * self.batch]
        labels = (
            {k: v[some] for k, v in self.labels.items()}
            if isinstance(self.labels, dict)
            else self.labels[some]
        )
        return self.images[some], labels


class _History(keras.callbacks.Callback):
    """A line of JSON an epoch, so that an interrupted fit keeps what it had learned about itself."""

    def __init__(
        self,
        file: Path,
        rate: Callable[[int], float] | None,
        data: Shuffled,
        after: Mapping[int, Callable[[], object]],
    ) -> None:
        super().__init__()
        self.file, self.rate, self.data, self.after = file, rate, data, after
        self.began = time.time()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Set the epoch's order and learning rate."""
        del logs
        self.data.epoch = epoch
        self.began = time.time()
        if self.rate is not None:
            self.model.optimizer.learning_rate = self.rate(epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Append the epoch's figures, and run the action that is due after it."""
        row = {
            "epoch": epoch,
            "epoch_seconds": time.time() - self.began,
            **{k: float(v) for k, v in (logs or {}).items()},
        }
        with self.file.open("a") as out:
            out.write(json.dumps(row) + "\n")
        self.after.get(epoch + 1, lambda: None)()


def _whole_lines(file: Path) -> None:
    """Cut off the half line of a killed run: the next one would be written behind it."""
    if file.exists():
        text = file.read_text()
        file.write_text(text[: text.rfind("\n") + 1])


def history_of(file: Path) -> dict[str, list[float]]:
    """Columns of a history; of an epoch that was run twice (before and after an interruption) the second counts."""
    rows: dict[int, dict[str, float]] = {}
    for line in file.read_text().splitlines() if file.exists() else ():
        row = json.loads(line)
        rows[int(row.pop("epoch"))] = row
    columns: dict[str, list[float]] = {}
    for epoch in sorted(rows):
        for key, value in rows[epoch].items():
            columns.setdefault(key, []).append(value)
    return columns


def learn(
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
    after: Mapping[int, Callable[[], object]] | None = None,
    steps_per_call: int = STEPS_PER_CALL,
) -> dict[str, list[float]]:
    """Train a compiled model from its last checkpoint in ``work``, or from the start; returns the history of all epochs.

    ``seed`` orders the images, ``rate`` gives the learning rate of an epoch, ``after`` what is done after an epoch (from 1).
    Ends early where the loss is not a number any more.
    """
    if keras.backend.backend() == "tensorflow":
        model.steps_per_execution = max(1, min(steps_per_call, len(train[0]) // batch))
    history = work / "history.jsonl"
    _whole_lines(history)
    data = Shuffled(*train, batch, seed)
    callbacks: list[keras.callbacks.Callback] = [
        _History(history, rate, data, after or {}),
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
    return history_of(history)


def tensorboard_logs(logs: Path) -> Sequence[keras.callbacks.Callback]:
    """TensorBoard's callback where its package is there: Keras needs TensorFlow for it, torch's and jax's writers are others."""
    try:
        import tensorboard  # noqa: F401

        if keras.backend.backend() == "tensorflow":
            return [keras.callbacks.TensorBoard(logs, write_graph=False)]
    except ImportError:
        pass
    return []
