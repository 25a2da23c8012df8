"""One thread runs all sessions on a GPU, and combines batches that wait."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from conftest import EXAMPLES
from cuda_stub import BFC_ARENA, CudaStub, cuda

from clockread import ClockReader
from clockread.errors import ProviderError
from clockread.runtime.gpu_thread import GpuThread, gpu_thread
from clockread.runtime.manifest import load_manifest
from clockread.runtime.network import Network

__all__ = ["cuda"]


class Runner:
    """Doubles its inputs; the first call waits for `go`."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.started, self.go = threading.Event(), threading.Event()
        self.error: Exception | None = None

    def run(self, inputs: np.ndarray, outputs: tuple[str, ...]) -> list[np.ndarray]:
        self.batches.append(inputs.tolist())
        self.started.set()
        assert self.go.wait(20)
        if self.error is not None:
            raise self.error
        return [inputs.astype(float) * 2 for _ in outputs]


@pytest.fixture
def thread() -> Any:
    thread = GpuThread()
    yield thread
    thread.stop()


def together(
    thread: GpuThread, runner: Runner, batches: list[tuple[list[int], tuple[str, ...]]]
) -> list[Any]:
    """The results of batches that wait while the first one runs."""
    with ThreadPoolExecutor(len(batches)) as pool:
        futures = []
        for numbers, outputs in batches:
            inputs = np.array(numbers, np.uint8)
            futures.append(pool.submit(thread.run, runner.run, inputs, outputs, 8))
            while len(thread._waiting) < len(futures) - 1 or not runner.started.wait(1):
                time.sleep(0.001)
        runner.go.set()
        return [future.exception() or future.result() for future in futures]


def test_batches_of_one_network_that_wait_share_a_call(thread: GpuThread) -> None:
    runner = Runner()
    out = ("hour",)
    sizes = [[1], [2, 3], [4, 5, 6], [7, 8, 9, 10]]
    results = together(thread, runner, [(numbers, out) for numbers in sizes])
    assert [values.tolist() for (values,) in results] == [[2.0 * n for n in s] for s in sizes]
    assert runner.batches == [[1], [2, 3, 4, 5, 6], [7, 8, 9, 10]], "no more than 8 together"


def test_batches_for_other_outputs_are_apart(thread: GpuThread) -> None:
    runner = Runner()
    results = together(thread, runner, [([1], ("a",)), ([2], ("a",)), ([3], ("a", "b"))])
    assert runner.batches == [[1], [2], [3]]
    assert [len(values) for values in results] == [1, 1, 2]


def test_a_failure_reaches_everyone_who_waited_for_the_call(thread: GpuThread) -> None:
    runner = Runner()
    runner.error = ProviderError("CUDA fails")
    results = together(thread, runner, [([1], ()), ([2], ()), ([3], ())])
    assert [str(error) for error in results] == ["CUDA fails"] * 3
    runner.error = None
    assert thread.run(runner.run, np.array([4], np.uint8), ("a",), 8)[0] == [8.0]


def test_functions_are_called_on_the_thread_and_may_call_it(thread: GpuThread) -> None:
    def name() -> str:
        return threading.current_thread().name

    assert thread.call(name) == "gpu-sessions"
    assert thread.call(lambda: thread.call(name)) == "gpu-sessions"
    with pytest.raises(ValueError, match="invalid literal"):
        thread.call(lambda: int("x"))


def test_a_thread_that_is_stopped_ends_after_its_running_call() -> None:
    before = set(threading.enumerate())
    runner, thread = Runner(), GpuThread()
    [worker] = set(threading.enumerate()) - before
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(thread.run, runner.run, np.array([4], np.uint8), ("a",), 8)
        assert runner.started.wait(20)
        threading.Timer(0.1, runner.go.set).start()
        thread.stop()
        assert not worker.is_alive()
        assert running.result(20)[0] == [8.0]


def test_an_accelerator_has_one_thread_per_process() -> None:
    assert gpu_thread("cuda", 0) is gpu_thread("cuda", 0)
    assert gpu_thread("cuda", 0) is not gpu_thread("cuda", 1)


def test_all_sessions_run_on_one_thread_and_read_the_same_times(cuda: CudaStub) -> None:
    photos = [EXAMPLES / "wall.jpg", EXAMPLES / "tower.jpg"] * 8
    photos = [photo for photo in photos if photo.exists()]
    reader = ClockReader("cuda", threads=4)
    cuda.threads.clear()  # the probe ran on this one
    expected = ClockReader("cpu", model="default", threads=1)
    results = list(reader.stream(photos))
    assert [[r.time for r in result.readings] for result in results] == [
        [r.time for r in result.readings] for result in expected.stream(photos)
    ]
    assert len(cuda.threads) == 1
    assert threading.get_ident() not in cuda.threads
    for of_session in cuda.shapes.values():
        assert len(set(of_session)) == 1


def test_combined_batches_are_cut_again_if_memory_is_full(
    cuda: CudaStub, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    network = Network(load_manifest(), "context", "default", "cuda", 1)
    network.open()
    started, go = threading.Event(), threading.Event()
    note = cuda.note

    def waiting(session: Any, batch: np.ndarray) -> None:
        note(session, batch)
        if len(batch) > 8:
            raise RuntimeError(BFC_ARENA)
        started.set()
        go.wait(20)

    monkeypatch.setattr(cuda, "note", waiting)
    inputs = np.random.default_rng(0).integers(0, 256, (24, 240, 80), np.uint8)
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(network, inputs[:8], "twelve")]
        assert started.wait(20)
        futures += [pool.submit(network, inputs[i : i + 8], "twelve") for i in (8, 16)]
        while len(network._thread._waiting) < 2:
            time.sleep(0.001)
        go.set()
        found = np.concatenate([future.result()[0] for future in futures])
    assert [str(warning.message).rpartition("; ")[2] for warning in recwarn] == [
        "it runs on 32 at once",
        "it runs on 8 at once",
    ]
    free = Network(load_manifest(), "context", "default", "cpu", 1)
    np.testing.assert_allclose(found, free(inputs, "twelve")[0], atol=1e-4)


@pytest.mark.parametrize(("provider", "scenes"), [("cuda", 24), ("cpu", 16)])
def test_parts_are_as_large_as_a_batch_on_a_gpu(
    cuda: CudaStub, provider: str, scenes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = ClockReader(provider, model="default", threads=1, batch_size=24)
    given: list[int] = []
    monkeypatch.setattr(reader, "find", lambda grey: given.append(len(grey)) or [[] for _ in grey])
    assert len(list(reader.stream([np.zeros((64, 64), np.uint8)] * 30))) == 30
    assert max(given) == scenes
