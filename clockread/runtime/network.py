"""An exported network in onnxruntime sessions, run in batches."""

from __future__ import annotations

import os
import tempfile
import threading
import warnings
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from clockread.errors import GpuMemoryError
from clockread.geometry import Floats
from clockread.runtime.fixed_batch import FIXED_BATCH, FixedBatch, padded, pieces
from clockread.runtime.manifest import Manifest, model_bytes

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

    from clockread.runtime.gpu_options import GpuOptions
    from clockread.runtime.gpu_thread import GpuThread
    from clockread.runtime.providers import Provider

Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class Call:
    """A recorded call of a session."""

    network: Network
    size: int  # of the batch, with padding
    outputs: tuple[str, ...]

    def __call__(self) -> None:
        """Make the call again, with random inputs."""
        self.network.repeat(self.size, self.outputs)


class Network:
    """A network whose sessions open at their first use.

    On the CPU, one session takes batches of any size. On an accelerator, each session has a fixed
    batch size, see `fixed_batch`, and one thread runs them all, see `gpu_thread`. If a session
    cannot be opened, the use that needs it raises ProviderError, ModelError or RuntimeMissingError.
    A call that fails on an accelerator raises ProviderError, unless smaller batches fit into its
    memory.

    Args:
        manifest: describes the models.
        role: of the network in the model.
        model: the name of the model.
        provider: the provider to run on, not "auto".
        threads: CPU threads per operator, see `open_session`.
        gpu: the GPU and its options; CUDA and TensorRT only.

    """

    def __init__(
        self,
        manifest: Manifest,
        role: str,
        model: str,
        provider: str,
        threads: int | None,
        gpu: GpuOptions | None = None,
    ) -> None:
        self._entry = manifest.entry(role, model)
        self._provider, self._threads, self._gpu = cast("Provider", provider), threads, gpu
        self._fixed = FIXED_BATCH.get(provider)
        self.input, spec = next(iter(self._entry.inputs.items()))
        self.shape = spec.shape
        self.recorded: list[Call] | None = None  # receives every call, if it is a list
        self._random: dict[int, Grey] = {}  # inputs of `repeat`, by batch size
        # By fixed batch size, or by None; all of the process with this id.
        self._sessions: dict[int | None, InferenceSession] = {}
        self._process = os.getpid()
        self._lock = threading.Lock()

    def close(self) -> None:
        """Release the sessions; the next use opens others."""
        self._sessions = {}

    def open(self) -> None:
        """Open the first session, so that errors are raised now."""
        _ = self.session

    @property
    def session(self) -> InferenceSession:
        """The session of this process; of several, that of the smallest batch size."""
        if self._fixed is None:
            return self._session(None)
        return self._thread.call(partial(self._session, self._fixed.sizes[0]))

    @property
    def on_accelerator(self) -> bool:
        """Whether the network runs on an accelerator, where it needs no CPU threads."""
        return self._fixed is not None

    @property
    def provider(self) -> str:
        """The execution provider in use, as onnxruntime names it."""
        return str(self.session.get_providers()[0])

    def __call__(self, batch: Grey, *outputs: str) -> list[Floats]:
        """Return the named outputs for a batch of inputs."""
        if self._fixed is None:
            return self._run(None, batch, outputs)
        most = self._fixed.sizes[-1]
        return self._thread.run(self._in_pieces, batch, outputs, most)

    def _in_pieces(self, batch: Grey, outputs: tuple[str, ...]) -> list[Floats]:
        """Return outputs for a batch of any size by calls of fixed sizes."""
        parts: list[list[Floats]] = []
        rest = batch
        while self._fixed is not None and (len(rest) or not parts):
            size = pieces(len(rest), self._fixed)[0]
            part = rest[:size]
            try:
                values = self._run(size, padded(part, size), outputs)
            except GpuMemoryError as error:
                self._fixed = self._smaller(self._fixed, error)
                continue
            parts.append([value[: len(part)] for value in values])
            rest = rest[size:]
        return [np.concatenate(values) for values in zip(*parts, strict=True)]

    def _smaller(self, fixed: FixedBatch, error: GpuMemoryError) -> FixedBatch:
        """Release the session of the largest size, and return the other sizes.

        Raises the error if there are no others.
        """
        *sizes, largest = fixed.sizes
        if not sizes:
            raise error
        self._sessions.pop(largest, None)
        problem = (
            f"the GPU has too little free memory to run {self._entry.role} on {largest} inputs"
        )
        warnings.warn(f"{problem}; it runs on {sizes[-1]} at once", RuntimeWarning, stacklevel=4)
        return replace(fixed, sizes=tuple(sizes))

    def repeat(self, size: int, outputs: tuple[str, ...]) -> None:
        """Make a call like a recorded one again, with random inputs, for timing."""
        if size not in self._random:
            sides = [int(side) for side in self.shape[1:]]
            random = np.random.default_rng(size)
            self._random[size] = random.integers(0, 256, (size, *sides), np.uint8)
        if self._fixed is None:
            self._output(self._session(None), self._random[size], outputs)
        else:
            self._thread.call(
                lambda: self._output(self._session(size), self._random[size], outputs)
            )

    def nodes_elsewhere(self) -> Counter[str]:
        """Return the operators that the accelerator leaves to the CPU, with their numbers."""
        from clockread.runtime.gpu_report import nodes_elsewhere
        from clockread.runtime.providers import ORT_NAMES

        if self._fixed is None:
            return Counter()
        size = self._fixed.sizes[0]
        with tempfile.TemporaryDirectory() as folder:
            session = self._thread.call(lambda: self._opened(size, Path(folder) / "nodes"))
            file = Path(session.end_profiling())
            return nodes_elsewhere(file, ORT_NAMES[self._provider])

    def _run(self, size: int | None, batch: Grey, outputs: tuple[str, ...]) -> list[Floats]:
        session = self._session(size)
        if self.recorded is not None:
            self.recorded.append(Call(self, len(batch), outputs))
        return self._output(session, batch, outputs)

    def _output(
        self, session: InferenceSession, batch: Grey, outputs: tuple[str, ...] | None
    ) -> list[Floats]:
        """Return the named outputs of a call, or all (None); raise ProviderError if it fails."""
        try:
            return cast("list[Floats]", session.run(outputs, {self.input: batch}))
        except Exception as error:  # onnxruntime's exceptions have no common base
            if self._provider == "cpu":
                raise
            from clockread.runtime.nvidia import failure
            from clockread.runtime.providers import TITLES

            place = f"{TITLES[self._provider]} fails to run {self._entry.role}"
            raise failure(error, place) from error

    @property
    def _thread(self) -> GpuThread:
        from clockread.runtime.gpu_thread import gpu_thread

        return gpu_thread(self._provider, 0 if self._gpu is None else self._gpu.device_id)

    def _zeros(self, count: int) -> Grey:
        return np.zeros((count, *(int(side) for side in self.shape[1:])), np.uint8)

    def _session(self, size: int | None) -> InferenceSession:
        """Return this process's session of a fixed batch size, or of every size (None).

        Threads of a session do not survive a fork, and a call would wait for them forever.
        """
        session = self._sessions.get(size)
        if session is None or self._process != os.getpid():
            with self._lock:
                if self._process != os.getpid():
                    self._sessions, self._process = {}, os.getpid()
                session = self._sessions.get(size)
                if session is None:
                    session = self._sessions[size] = self._opened(size)
        return session

    def _opened(self, size: int | None, profile: Path | None = None) -> InferenceSession:
        """Open a session; one of fixed batch size has run once."""
        from clockread.runtime.providers import open_session

        data = model_bytes(self._entry)
        if size is None:
            return open_session(data, self._provider, self._threads)
        session = open_session(
            data,
            self._provider,
            self._threads,
            dimensions={str(self.shape[0]): size},
            gpu=self._gpu,
            profile=profile,
            in_floats=self._provider == "cuda" and self._entry.is_quantized,
        )
        self._output(session, self._zeros(size), None)  # plans, compiles and reserves memory
        return session
