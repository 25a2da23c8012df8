"""An exported network in a session of onnxruntime, run in batches."""

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
    """A network whose session opens at its first use, which then raises ProviderError, ModelError or RuntimeMissingError if it cannot."""

    def __init__(
        self, manifest: Manifest, role: str, model: str, provider: str, threads: int | None
    ) -> None:
        self._entry = manifest.entry(role, model)
        self._provider, self._threads = cast("Provider", provider), threads
        self.input, spec = next(iter(self._entry.inputs.items()))
        self.shape = spec.shape
        self.calls: Counter[int] = Counter()  # how often it was run, by batch size
        self._session: InferenceSession | None = None
        self._process = 0  # that opened the session
        self._lock = threading.Lock()

    @property
    def session(self) -> InferenceSession:
        """The onnxruntime session of this process: threads of a session do not survive a fork, and a call would wait for them forever."""
        if self._session is None or self._process != os.getpid():
            with self._lock:
                if self._session is None or self._process != os.getpid():
                    from clockread.runtime.providers import open_session

                    self._session = open_session(
                        model_bytes(self._entry), self._provider, self._threads
                    )
                    self._process = os.getpid()
        return self._session

    def close(self) -> None:
        """Release the session; the next call opens another."""
        self._session = None

    def open(self) -> None:
        """Open the session now, so that errors are raised now."""
        _ = self.session

    @property
    def provider(self) -> str:
        """The execution provider really in use, as onnxruntime names it."""
        return str(self.session.get_providers()[0])

    @cached_property
    def padded(self) -> bool:
        """Whether it is given batches of powers of two only."""
        from clockread.runtime.providers import ORT_NAMES

        return self.provider != ORT_NAMES["cpu"]

    def __call__(self, batch: Grey, *outputs: str) -> list[Floats]:
        """The named outputs for a batch of inputs.

        Accelerators search for their fastest algorithms, build engines and reserve memory anew for each batch size: they are given
        powers of two only, padded with empty inputs.
        """
        count = len(batch)
        if self.padded and count & (count - 1):
            batch = np.concatenate(
                [
                    batch,
                    np.zeros(((1 << count.bit_length()) - count, *batch.shape[1:]), batch.dtype),
                ]
            )
        self.calls[len(batch)] += 1
        return [values[:count] for values in self.session.run(outputs, {self.input: batch})]

    def idle_call(self, batch: int) -> None:
        """Run the network on ``batch`` all-zero inputs, for timing."""
        sides = [int(side) for side in self.shape[1:]]
        self.session.run(None, {self.input: np.zeros((batch, *sides), np.uint8)})
