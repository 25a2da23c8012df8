"""An exported network in an onnxruntime session, run in batches."""

from __future__ import annotations

import os
import threading
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from clockread.geometry import Floats
from clockread.runtime.manifest import Manifest, model_bytes

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

    from clockread.runtime.providers import Provider

Grey = NDArray[np.uint8]


class Network:
    """A network whose session opens at its first use.

    That use raises ProviderError, ModelError or RuntimeMissingError if the session cannot open.
    """

    def __init__(
        self, manifest: Manifest, role: str, model: str, provider: str, threads: int | None
    ) -> None:
        self._entry = manifest.entry(role, model)
        self._provider, self._threads = cast("Provider", provider), threads
        self.input, spec = next(iter(self._entry.inputs.items()))
        self.shape = spec.shape
        self.calls: Counter[int] = Counter()  # by batch size
        self._session: InferenceSession | None = None
        self._process = 0  # id of the process that opened the session
        self._lock = threading.Lock()

    @property
    def session(self) -> InferenceSession:
        """The session of this process.

        Threads of a session do not survive a fork, and a call would wait for them forever.
        """
        if self._session is None or self._process != os.getpid():
            with self._lock:
                if self._session is None or self._process != os.getpid():
                    from clockread.runtime.providers import open_session

                    data = model_bytes(self._entry)
                    self._session = open_session(data, self._provider, self._threads)
                    self._process = os.getpid()
        return self._session

    def close(self) -> None:
        """Release the session; the next use opens another."""
        self._session = None

    def open(self) -> None:
        """Open the session, so that errors are raised now."""
        _ = self.session

    @property
    def provider(self) -> str:
        """The execution provider in use, as onnxruntime names it."""
        return str(self.session.get_providers()[0])

    @cached_property
    def padded(self) -> bool:
        """Whether batches are padded to powers of two."""
        from clockread.runtime.providers import ORT_NAMES

        return self.provider != ORT_NAMES["cpu"]

    def __call__(self, batch: Grey, *outputs: str) -> list[Floats]:
        """Return the named outputs for a batch of inputs.

        For every new batch size, accelerators search for their fastest algorithms, build engines
        and reserve memory. So their batches are padded to powers of two with zeros.
        """
        count = len(batch)
        if self.padded and count & (count - 1):
            missing = (1 << count.bit_length()) - count
            batch = np.concatenate([batch, np.zeros((missing, *batch.shape[1:]), batch.dtype)])
        self.calls[len(batch)] += 1
        return [values[:count] for values in self.session.run(outputs, {self.input: batch})]

    def idle_call(self, batch: int) -> None:
        """Run the network on ``batch`` all-zero inputs, for timing."""
        sides = [int(side) for side in self.shape[1:]]
        self.session.run(None, {self.input: np.zeros((batch, *sides), np.uint8)})
