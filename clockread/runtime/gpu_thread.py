"""One thread per accelerator that runs all sessions there, and combines batches that wait.

Threads that share a session would only wait for each other: onnxruntime's CUDA provider locks each
convolution while it runs. Here, the batches of all threads queue up while a call runs; those of one
network then become one larger call.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from clockread.geometry import Floats

STOP_SECONDS = 5.0  # that the end of the process waits for a running call

Grey = NDArray[np.uint8]
# Runs a batch of inputs, and returns the named outputs.
Runner = Callable[[Grey, tuple[str, ...]], list[Floats]]
_T = TypeVar("_T")


@dataclass(eq=False)
class _Batch:
    """A batch that waits for its outputs."""

    runner: Runner  # equal ones belong to the same network
    inputs: Grey
    outputs: tuple[str, ...]
    most: int  # inputs up to which batches are combined
    done: Future[list[Floats]] = field(default_factory=Future)

    def is_like(self, other: _Batch) -> bool:
        """Return whether both may share a call."""
        return self.runner == other.runner and self.outputs == other.outputs


@dataclass(eq=False)
class _Action:
    """A function that waits to be called."""

    function: Callable[[], Any]
    done: Future[Any] = field(default_factory=Future)


class GpuThread:
    """Runs the sessions of an accelerator, for all other threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[_Batch | _Action] = deque()
        self._stopped, self._process = False, os.getpid()
        self._thread = threading.Thread(target=self._work, name="gpu-sessions", daemon=True)
        self._thread.start()
        atexit.register(self.stop)

    def run(
        self, runner: Runner, inputs: Grey, outputs: tuple[str, ...], most: int
    ) -> list[Floats]:
        """Return the outputs of a batch, which may share its call with others.

        Args:
            runner: runs batches of a network; equal runners belong to the same one.
            inputs: the batch.
            outputs: the names of the outputs.
            most: inputs up to which batches are combined.

        """
        batch = _Batch(runner, inputs, outputs, most)
        self._submit(batch)
        return batch.done.result()

    def call(self, function: Callable[[], _T]) -> _T:
        """Return the result of a function that this thread calls."""
        if threading.current_thread() is self._thread:
            return function()
        action = _Action(function)
        self._submit(action)
        result: _T = action.done.result()
        return result

    def stop(self) -> None:
        """End the thread after the running call; do nothing in a fork, which has no such thread."""
        if self._process != os.getpid():
            return
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join(STOP_SECONDS)

    def _submit(self, job: _Batch | _Action) -> None:
        with self._changed:
            self._waiting.append(job)
            self._changed.notify()

    def _work(self) -> None:
        while job := self._next():
            if isinstance(job, _Action):
                _call(job)
            else:
                _run(job)

    def _next(self) -> _Action | list[_Batch] | None:
        """Wait for the oldest job; with a batch, return as many like it as may share its call."""
        with self._changed:
            while not self._waiting and not self._stopped:
                self._changed.wait()
            if self._stopped:
                return None
            first = self._waiting.popleft()
            if isinstance(first, _Action):
                return first
            batches, count = [first], len(first.inputs)
            for job in list(self._waiting):
                if isinstance(job, _Batch) and first.is_like(job):
                    count += len(job.inputs)
                    if count > first.most:
                        break
                    batches.append(job)
                    self._waiting.remove(job)
            return batches


def _call(action: _Action) -> None:
    try:
        result = action.function()
    except BaseException as error:
        action.done.set_exception(error)
    else:
        action.done.set_result(result)


def _run(batches: list[_Batch]) -> None:
    """Run batches in one call, and give each its share of the outputs."""
    first = batches[0]
    try:
        inputs = [batch.inputs for batch in batches]
        joined = inputs[0] if len(inputs) == 1 else np.concatenate(inputs)
        values = first.runner(joined, first.outputs)
    except BaseException as error:
        for batch in batches:
            batch.done.set_exception(error)
        return
    start = 0
    for batch in batches:
        end = start + len(batch.inputs)
        batch.done.set_result([value[start:end] for value in values])
        start = end


_threads: dict[tuple[int, str, int], GpuThread] = {}
_lock = threading.Lock()


def gpu_thread(provider: str, device: int) -> GpuThread:
    """Return this process's thread for an accelerator. Threads do not survive a fork."""
    key = os.getpid(), provider, device
    with _lock:
        if key not in _threads:
            _threads[key] = GpuThread()
        return _threads[key]
