"""TensorBoard logs of both training loops: the reader's and the report's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras


def tensorboard_logs(logs: Path) -> Sequence[keras.callbacks.Callback]:
    """Return TensorBoard's callback if its package is installed and TensorFlow is the backend."""
    try:
        import tensorboard  # noqa: F401

        if keras.backend.backend() == "tensorflow":
            return [keras.callbacks.TensorBoard(logs, write_graph=False)]
    except ImportError:
        pass
    return []
