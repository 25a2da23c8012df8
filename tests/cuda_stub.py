"""An onnxruntime whose CUDA and TensorRT run on the CPU, and fail on request."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from clockread.runtime import nvidia, providers

BFC_ARENA = (
    "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Non-zero status code returned while running Conv "
    "node. Name:'conv_1' Status Message: \n/onnxruntime_src/onnxruntime/core/framework/"
    "bfc_arena.cc:376 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, "
    "onnxruntime::Stream*, bool, onnxruntime::WaitNotificationFn) Failed to allocate memory for "
    "requested buffer of size 4585490524\n"
)


def cuda_failure(code: int, text: str, expression: str = "cudaSetDevice(info_.device_id)") -> str:
    """The text of an error that onnxruntime's CUDA provider raises."""
    place = (
        "/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_call.cc:129 std::conditional_t<THRW,"
        " void, onnxruntime::common::Status> onnxruntime::CudaCall(ERRTYPE, const char*, "
        "const char*, ERRTYPE, const char*, const char*, int) [with ERRTYPE = cudaError; bool THRW "
        "= true; std::conditional_t<THRW, void, common::Status> = void]"
    )
    failed = f"CUDA failure {code}: {text} ; GPU=0 ; hostname=gpu-7 ; file={place} ; line=282"
    return f"{place} {failed} ; expr={expression}; "


class StubSession:
    """A session on the CPU that says it is on a GPU."""

    def __init__(self, stub: CudaStub, session: Any, names: list[str]) -> None:
        self._stub, self._session, self._names = stub, session, names

    def get_providers(self) -> list[str]:
        return self._names

    def run(self, outputs: Any, feed: dict[str, np.ndarray]) -> Any:
        ((_, batch),) = feed.items()
        self._stub.note(self, batch)
        return self._session.run(outputs, feed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


class CudaStub:
    """The module `onnxruntime`, of which the sessions on a GPU are `StubSession`s."""

    __version__ = "1.99"

    def __init__(self, real: Any) -> None:
        self.real = real
        self.SessionOptions = real.SessionOptions
        self.GraphOptimizationLevel = real.GraphOptimizationLevel
        self.opening: str | None = None  # error of opening a session on the GPU
        self.running: str | None = None  # error of each run there
        self.memory = 10_000  # inputs that fit into the GPU's memory at once
        self.missing: str | None = None  # line about a missing library: sessions are on the CPU
        self.opened: list[list[Any]] = []  # the providers that each session was given
        self.options: list[Any] = []  # the options that each session was given
        self.shapes: dict[StubSession, list[tuple[int, ...]]] = {}
        self.threads: set[int] = set()  # that ran a session on the GPU

    def get_available_providers(self) -> list[str]:
        return [*(providers.ORT_NAMES[name] for name in ("tensorrt", "cuda", "cpu"))]

    def set_default_logger_severity(self, level: int) -> None:
        pass

    def preload_dlls(self) -> None:
        print(self.missing or "")

    def note(self, session: StubSession, batch: np.ndarray) -> None:
        self.shapes.setdefault(session, []).append(batch.shape)
        self.threads.add(threading.get_ident())
        if self.running is not None:
            raise RuntimeError(self.running)
        if len(batch) > self.memory:
            raise RuntimeError(BFC_ARENA)

    def InferenceSession(  # noqa: N802
        self, model: bytes, options: Any, providers: list[Any], **_: Any
    ) -> Any:
        self.opened.append(providers)
        self.options.append(options)
        session = self.real.InferenceSession(
            model, options, providers=["CPUExecutionProvider"], enable_fallback=0
        )
        names = [provider if isinstance(provider, str) else provider[0] for provider in providers]
        if names[0].startswith("CPU") or self.missing is not None:
            return session
        if self.opening is not None:
            raise RuntimeError(self.opening)
        return StubSession(self, session, names)


CACHED = (
    providers._problem,
    providers._warn_about_two_runtimes,
    providers.warn_about_cpu,
    nvidia.has_driver,
    nvidia.load_libraries,
    nvidia.load_tensorrt,
)


def forget() -> None:
    """Forget everything that was found out about this machine's providers."""
    for cached in CACHED:
        cached.cache_clear()


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A machine with a GPU, whose sessions run on the CPU."""
    onnxruntime = pytest.importorskip("onnxruntime")
    stub = CudaStub(onnxruntime)
    forget()
    monkeypatch.setattr(providers, "require_runtime", lambda: stub)
    monkeypatch.setattr(providers, "has_driver", lambda: True)
    yield stub
    forget()
