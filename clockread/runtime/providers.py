"""Execution providers: the only place that knows onnxruntime, imported when it is first needed.

What onnxruntime lists as available is not what works: its CUDA build lists CUDA on machines without it, prints an error and hands
out a CPU session. So a provider counts as usable here only when a session was really made with it and has run.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import functools
import os
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal, get_args

from clockread.errors import ModelError, ProviderError, RuntimeMissingError
from clockread.runtime.cpus import bounded_threads
from clockread.streams import silenced

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, SessionOptions

Provider = Literal["auto", "cpu", "cuda", "tensorrt", "openvino", "coreml", "dml"]

DISTRIBUTIONS = (
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxruntime-openvino",
    "onnxruntime-directml",
)  # all in one folder
ORT_NAMES = {
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "dml": "DmlExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
TITLES = {
    "cuda": "CUDA",
    "tensorrt": "TensorRT",
    "openvino": "OpenVINO",
    "coreml": "CoreML",
    "dml": "DirectML",
}
QUIET = 4  # onnxruntime's severity "fatal": the errors that matter are raised
CUDA_OPTIONS = {
    "cudnn_conv_algo_search": "HEURISTIC",  # the default, EXHAUSTIVE, searches again for every new batch size
    "arena_extend_strategy": "kSameAsRequested",  # the default doubles, so that memory grows with every new batch size
}

# Which further providers stand in for operators that one does not have, before the CPU does.
BEHIND = {"tensorrt": ("cuda",)}
REMOVE = f"pip uninstall -y {' '.join(DISTRIBUTIONS)}"  # all, as removing one takes files from the others
INSTALL_CUDA = 'pip install "onnxruntime-gpu[cuda,cudnn]"'
BUILD = {  # how to install a provider that the installed onnxruntime lacks
    "cuda": f"{REMOVE} && {INSTALL_CUDA}",
    "tensorrt": f"{REMOVE} && {INSTALL_CUDA} tensorrt",
    "openvino": f"{REMOVE} && pip install onnxruntime-openvino",
    "coreml": "it is part of onnxruntime for macOS",
    "dml": f"{REMOVE} && pip install onnxruntime-directml (Windows)",
}
TELEMETRY = "ORT_DISABLE_TELEMETRY"  # onnxruntime reads it when it is imported; "1" disables

# y = Identity(x), float32[1], opset 17, IR version 8: onnx.helper.make_model(make_graph([make_node("Identity", ["x"], ["y"])], "probe",
# [make_tensor_value_info("x", FLOAT, [1])], [make_tensor_value_info("y", FLOAT, [1])]), …).SerializeToString(), in base64.
PROBE_MODEL = base64.b64decode(
    "CAg6OwoQCgF4EgF5IghJZGVudGl0eRIFcHJvYmVaDwoBeBIKCggIARIECgIIAWIPCgF5EgoKCAgBEgQKAggBQgQKABAR"
)


def require_runtime() -> ModuleType:
    """The `onnxruntime` module.

    Warns once when onnxruntime and onnxruntime-gpu are both installed, saying which one is in use.
    Raises RuntimeMissingError when neither is, or when the installed one cannot be imported.
    """
    telemetry_off = os.environ.setdefault(TELEMETRY, "1") == "1"
    try:
        with silenced():
            import onnxruntime
    except (
        Exception
    ) as error:  # besides ImportError: what an incomplete or foreign build raises halfway
        if isinstance(error, ModuleNotFoundError) and error.name == "onnxruntime":
            raise _runtime_error("no onnxruntime is installed, or its files are gone") from None
        raise _runtime_error(
            f"onnxruntime is installed but cannot be imported ({_first_line(error)})"
        ) from error
    if not hasattr(onnxruntime, "InferenceSession"):
        # What is left after one of two distributions that share a folder was uninstalled.
        raise _runtime_error("onnxruntime is installed but incomplete")
    if telemetry_off and hasattr(onnxruntime, "disable_telemetry_events"):
        onnxruntime.disable_telemetry_events()  # the build for Windows does not read the variable
    _warn_about_two_runtimes()
    runtime: ModuleType = onnxruntime
    return runtime


def open_session(
    model_bytes: bytes, provider: Provider = "auto", threads: int | None = None
) -> InferenceSession:
    """A session for a serialized ONNX model that runs on the provider asked for and on no other.

    `auto` takes CUDA where it really works and else the CPU. `threads` is the number of CPU threads for one operator, at least 1;
    None takes `usable_threads()`. Raises ProviderError when the provider named is not usable here, ModelError when the model cannot
    be loaded, ValueError for an unknown provider or threads below 1, RuntimeMissingError without an onnxruntime.
    """
    if provider not in get_args(Provider):
        raise ValueError(f"provider is one of {', '.join(get_args(Provider))}, not {provider!r}")
    if threads is not None and threads < 1:
        raise ValueError(f"threads is at least 1, not {threads}")
    runtime = require_runtime()
    count = bounded_threads(threads)
    if provider == "cpu":
        return _cpu_session(runtime, model_bytes, count)
    wanted = "cuda" if provider == "auto" else provider
    problem = _problem(wanted)
    if problem is None:
        try:
            return _session(runtime, model_bytes, wanted, count)
        except ProviderError as error:
            problem = str(error)
    if provider != "auto":
        raise ProviderError(f"{TITLES[wanted]} is not usable here: {problem}")
    if _cuda_expected():
        _warn_about_cpu(problem)
    return _cpu_session(runtime, model_bytes, count)


def resolved(provider: Provider) -> str:
    """The provider that a name means here: "auto" is "cuda" where that works and else "cpu"; another stands for itself."""
    if provider != "auto":
        return provider
    return "cuda" if _problem("cuda") is None else "cpu"


def usable_providers() -> list[str]:
    """The providers with which a session was really made and run, such as `["cuda", "cpu"]`; the CPU is the last.

    Raises RuntimeMissingError without an onnxruntime.
    """
    require_runtime()
    return [name for name in ORT_NAMES if name == "cpu" or _problem(name) is None]


def _runtime_error(problem: str) -> RuntimeMissingError:
    from clockread.distributions import install_command, version  # takes 20 ms

    installed = [name for name in DISTRIBUTIONS if version(name)]
    if not installed:
        problem += f" (for NVIDIA CUDA install {INSTALL_CUDA.rsplit(maxsplit=1)[-1]} instead)"
    command = install_command(
        DISTRIBUTIONS, _install(installed[-1] if installed else DISTRIBUTIONS[0])
    )
    return RuntimeMissingError(f"{problem}: {command}", name="onnxruntime")


def _install(distribution: str) -> str:
    return INSTALL_CUDA if distribution == DISTRIBUTIONS[1] else f"pip install {distribution}"


@functools.cache
def _warn_about_two_runtimes() -> None:
    import onnxruntime

    # importlib.metadata would tell it too, and takes 15 ms of a start.
    folder = Path(getattr(onnxruntime, "__file__", None) or "onnxruntime/__init__.py").parent.parent
    found = [
        name
        for name in DISTRIBUTIONS
        if any(folder.glob(f"{name.replace('-', '_')}-[0-9]*.dist-info"))
    ]
    if len(found) < 2:
        return
    # They share a folder, so the last one installed wins, and only the library itself knows which one that was.
    available = onnxruntime.get_available_providers()
    special = {"cuda": DISTRIBUTIONS[1], "openvino": DISTRIBUTIONS[2], "dml": DISTRIBUTIONS[3]}
    in_use = next(
        (name for provider, name in special.items() if ORT_NAMES[provider] in available),
        DISTRIBUTIONS[0],
    )
    text = f"{' and '.join(found)} are {'both' if len(found) == 2 else 'all'} installed and overwrite each other"
    remedy = f"{REMOVE} && {_install(in_use)}"
    warnings.warn(
        f"{text}; in use is {in_use} {onnxruntime.__version__}. To keep it: {remedy}",
        RuntimeWarning,
        stacklevel=4,
    )


@functools.cache
def _warn_about_cpu(problem: str) -> None:
    warnings.warn(
        f"reading on the CPU, because CUDA is not usable here: {problem}",
        RuntimeWarning,
        stacklevel=4,
    )


def _cuda_expected() -> bool:
    """Whether a person would think that CUDA is used: there is a driver, and an onnxruntime for it."""
    return _has_driver() and ORT_NAMES["cuda"] in require_runtime().get_available_providers()


@functools.cache
def _problem(provider: str) -> str | None:
    """Why a provider cannot be used in this process, in one line, or None when it can."""
    runtime = require_runtime()
    if ORT_NAMES[provider] not in runtime.get_available_providers():
        return f"this onnxruntime is built without it: {BUILD[provider]}"
    if provider in ("cuda", "tensorrt"):
        if not _has_driver():
            return "no NVIDIA driver is installed"
        if hasattr(runtime, "preload_dlls"):
            # It prints the libraries that it does not find, even if the system's own ones are used instead.
            with silenced(), contextlib.suppress(Exception):
                runtime.preload_dlls()
    try:
        import numpy as np

        _session(runtime, PROBE_MODEL, provider, 1).run(None, {"x": np.zeros(1, np.float32)})
    except Exception as error:  # onnxruntime's own exceptions have no common base
        return _first_line(error)
    return None


@functools.cache
def _has_driver() -> bool:
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def _cpu_session(runtime: ModuleType, model_bytes: bytes, threads: int) -> InferenceSession:
    try:
        return runtime.InferenceSession(
            model_bytes, session_options(runtime, threads), providers=[ORT_NAMES["cpu"]]
        )
    except Exception as error:
        raise ModelError(
            f"onnxruntime {runtime.__version__} cannot load the model: {_first_line(error)}"
        ) from error


def _session(
    runtime: ModuleType, model_bytes: bytes, provider: str, threads: int
) -> InferenceSession:
    """A session with another provider than the CPU's, which only does what that one has no operator for."""
    own = {
        "cuda": CUDA_OPTIONS,
        "openvino": {"num_of_threads": str(threads)},
    }  # OpenVINO has threads of its own
    names = [provider, *BEHIND.get(provider, ())]
    providers = [*((ORT_NAMES[name], own.get(name, {})) for name in names), ORT_NAMES["cpu"]]
    # A library that is not found is reported to the process-wide logger, whose level can be set but not asked for; 2 is the default.
    runtime.set_default_logger_severity(QUIET)
    try:
        options = session_options(runtime, threads)
        if provider == "dml":
            options.enable_mem_pattern = False  # which DirectML does not support
        session = runtime.InferenceSession(
            model_bytes, options, providers=providers, enable_fallback=0
        )
    except Exception as error:
        raise ProviderError(_first_line(error)) from error
    finally:
        runtime.set_default_logger_severity(2)
    if session.get_providers()[0] != ORT_NAMES[provider]:
        raise ProviderError(
            f"onnxruntime finds no {TITLES[provider]} libraries that fit it: {BUILD[provider]}"
        )
    return session


def session_options(runtime: ModuleType, threads: int) -> SessionOptions:
    """How sessions are run, as `benchmarks/session_options.py` chose it; ``threads`` of the CPU for one operator."""
    options: SessionOptions = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Each network has threads of its own: those of one would spin while another, or OpenCV, needs the cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = QUIET
    return options


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
