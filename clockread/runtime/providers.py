"""Execution providers: the only module that uses onnxruntime, which it imports when needed.

onnxruntime lists providers that do not work: on a machine without CUDA, its CUDA build lists CUDA,
prints an error and returns a CPU session. So a provider counts as usable only after a session with
it was opened and run.
"""

from __future__ import annotations

import functools
import os
import sys
import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal, get_args

from clockread.errors import ModelError, ProviderError, RuntimeMissingError
from clockread.runtime.cpus import bounded_threads
from clockread.runtime.forks import never_released_in_forks
from clockread.runtime.gpu_options import GpuOptions
from clockread.runtime.nvidia import (
    INSTALL_CUDA,
    INSTALL_TENSORRT,
    explained,
    failure,
    has_driver,
    load_libraries,
    load_tensorrt,
)
from clockread.streams import silenced

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, SessionOptions

Provider = Literal["auto", "cpu", "cuda", "tensorrt", "openvino", "coreml", "dml"]

# All install into the same folder.
DISTRIBUTIONS = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-directml")
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
QUIET = 4  # onnxruntime's severity "fatal"; errors are raised as well

# Providers that run the operators that another lacks; the CPU is always the last.
FALLBACKS = {"tensorrt": ("cuda",)}
# All of them, because removing one deletes files of the others.
REMOVE = f"pip uninstall -y {' '.join(DISTRIBUTIONS)}"
BUILD = {  # how to install a provider that the installed onnxruntime lacks
    "cuda": f"{REMOVE} && {INSTALL_CUDA}",
    "tensorrt": f"{REMOVE} && {INSTALL_TENSORRT}",
    "openvino": f"{REMOVE} && pip install onnxruntime-openvino",
    "coreml": "it is part of onnxruntime for macOS",
    "dml": f"{REMOVE} && pip install onnxruntime-directml (Windows)",
}
# How to install the libraries of NVIDIA that a provider needs.
LIBRARIES = {"cuda": INSTALL_CUDA, "tensorrt": INSTALL_TENSORRT}
TELEMETRY = "ORT_DISABLE_TELEMETRY"  # onnxruntime reads it when it is imported; "1" disables


def require_runtime() -> ModuleType:
    """Return the `onnxruntime` module.

    Warns once if several distributions of it are installed, and names the one in use. Raises
    RuntimeMissingError if there is none, or if the installed one cannot be imported.
    """
    telemetry_off = os.environ.setdefault(TELEMETRY, "1") == "1"
    try:
        with nullcontext() if "onnxruntime" in sys.modules else silenced():
            import onnxruntime
    except Exception as error:  # an incomplete or foreign build raises more than ImportError
        if isinstance(error, ModuleNotFoundError) and error.name == "onnxruntime":
            raise _runtime_error("no onnxruntime is installed, or its files are gone") from None
        problem = f"onnxruntime is installed but cannot be imported ({_first_line(error)})"
        raise _runtime_error(problem) from error
    if not hasattr(onnxruntime, "InferenceSession"):
        # One of two distributions in this folder was uninstalled.
        raise _runtime_error("onnxruntime is installed but incomplete")
    if telemetry_off and hasattr(onnxruntime, "disable_telemetry_events"):
        onnxruntime.disable_telemetry_events()  # the Windows build ignores the variable
    _warn_about_two_runtimes()
    runtime: ModuleType = onnxruntime
    return runtime


def open_session(
    model_bytes: bytes,
    provider: Provider = "auto",
    threads: int | None = None,
    *,
    dimensions: Mapping[str, int] | None = None,
    gpu: GpuOptions | None = None,
    profile: Path | None = None,
    engines: Path | None = None,
    in_floats: bool = False,
) -> InferenceSession:
    """Open a session for a serialized ONNX model.

    Args:
        model_bytes: the model.
        provider: the provider to use; "auto" is CUDA if it works, else the CPU.
        threads: CPU threads per operator, at least 1; None for `usable_threads()`. CUDA and
            TensorRT take one.
        dimensions: sizes of the model's free dimensions that are fixed in this session, by name.
        gpu: the GPU and its options; CUDA and TensorRT only.
        profile: the path, without a suffix, to which the session writes a profile of its nodes.
        engines: the folder in which TensorRT stores its engine; by default one in the data folder,
            to which the engine is built beforehand. TensorRT with ``dimensions`` only.
        in_floats: whether layers with 8-bit weights compute in floats, with inputs that are rounded
            as for integers: CUDA has no kernels for such layers in integers.

    Returns:
        A session on that provider and on no other.

    Raises:
        ProviderError: if the named provider is not usable.
        ModelError: if the model cannot be loaded.
        ValueError: for an unknown provider, or threads below 1.
        RuntimeMissingError: without an onnxruntime.

    """
    if provider not in get_args(Provider):
        known = ", ".join(get_args(Provider))
        raise ValueError(f"provider must be one of {known}, not {provider!r}")
    if threads is not None and threads < 1:
        raise ValueError(f"threads must be at least 1, not {threads}")
    runtime = require_runtime()
    count = bounded_threads(threads)
    gpu = gpu or GpuOptions()

    def options(count: int = count) -> SessionOptions:
        made = session_options(runtime, count)
        for name, size in (dimensions or {}).items():
            made.add_free_dimension_override_by_name(name, size)
        if in_floats:  # weights and biases become floats once, when the session opens
            made.add_session_config_entry("session.disable_quant_qdq", "1")
        if profile is not None:
            made.enable_profiling, made.profile_file_prefix = True, str(profile)
        return made

    if provider == "cpu":
        return _cpu_session(runtime, model_bytes, options())
    wanted = "cuda" if provider == "auto" else provider
    try:
        problem = _problem(wanted, gpu)
        if problem is not None:
            raise ProviderError(problem)
        # CUDA's kernels use no CPU threads: onnxruntime#20494 advises one.
        own = options(1) if wanted in LIBRARIES else options()
        if wanted == "tensorrt" and dimensions and engines is None:
            engines = _built(runtime, model_bytes, dimensions, gpu)
        return _session(runtime, model_bytes, wanted, own, gpu, engines)
    except ProviderError as error:
        unusable = f"{TITLES[wanted]} is not usable here: {error}"
        if provider != "auto":
            raise type(error)(unusable) from error
    if _cuda_expected():
        warn_about_cpu(unusable)
    return _cpu_session(runtime, model_bytes, options())


def named_with_gpu(provider: str, gpu: GpuOptions | None) -> str:
    """Return the provider that a name selects together with a GPU: "auto" is then "cuda".

    Raises ProviderError if the provider does not run on NVIDIA's GPUs.
    """
    if gpu is None or provider in LIBRARIES:
        return provider
    if provider != "auto":
        remedy = "leave out --device, or take --provider cuda"
        raise ProviderError(f"GPU {gpu.device_id} cannot be used by {provider}: {remedy}")
    return "cuda"


def resolved(provider: Provider, *, quantized: bool = False) -> str:
    """Return the provider that a name selects: for "auto", "cuda" if that works, else "cpu".

    Warns once if CUDA does not work although there are a driver and an onnxruntime for it.
    With a quantized model, "auto" selects the CPU, which computes in integers.
    """
    if provider != "auto":
        return provider
    if quantized:
        return "cpu"
    problem = _problem("cuda", GpuOptions())
    if problem is None:
        return "cuda"
    if _cuda_expected():
        warn_about_cpu(f"{TITLES['cuda']} is not usable here: {problem}")
    return "cpu"


def usable_providers() -> list[str]:
    """Return the providers with which a session was opened and run, the CPU last.

    Raises RuntimeMissingError without an onnxruntime.
    """
    require_runtime()
    return [name for name in ORT_NAMES if name == "cpu" or _problem(name, GpuOptions()) is None]


def _runtime_error(problem: str) -> RuntimeMissingError:
    from clockread.packages import install_command, version  # takes 20 ms

    installed = [name for name in DISTRIBUTIONS if version(name)]
    if not installed:
        problem += f" (for NVIDIA CUDA install {INSTALL_CUDA.rsplit(maxsplit=1)[-1]} instead)"
    wanted = installed[-1] if installed else DISTRIBUTIONS[0]
    command = install_command(DISTRIBUTIONS, _install(wanted))
    return RuntimeMissingError(f"{problem}: {command}", name="onnxruntime")


def _install(distribution: str) -> str:
    return INSTALL_CUDA if distribution == DISTRIBUTIONS[1] else f"pip install {distribution}"


@functools.cache
def _warn_about_two_runtimes() -> None:
    import onnxruntime

    # importlib.metadata would do, but adds 15 ms to the start.
    folder = Path(getattr(onnxruntime, "__file__", None) or "onnxruntime/__init__.py").parent.parent
    pattern = "{}-[0-9]*.dist-info"
    found = [n for n in DISTRIBUTIONS if any(folder.glob(pattern.format(n.replace("-", "_"))))]
    if len(found) < 2:
        return
    # The last one installed is in use, and only the library itself knows which one that was.
    available = onnxruntime.get_available_providers()
    special = {"cuda": DISTRIBUTIONS[1], "openvino": DISTRIBUTIONS[2], "dml": DISTRIBUTIONS[3]}
    in_use = next(
        (name for provider, name in special.items() if ORT_NAMES[provider] in available),
        DISTRIBUTIONS[0],
    )
    number = "both" if len(found) == 2 else "all"
    problem = f"{' and '.join(found)} are {number} installed and overwrite each other"
    use = f"in use is {in_use} {onnxruntime.__version__}"
    remedy = f"To keep it: {REMOVE} && {_install(in_use)}"
    warnings.warn(f"{problem}; {use}. {remedy}", RuntimeWarning, stacklevel=4)


@functools.cache
def warn_about_cpu(reason: str) -> None:
    """Warn, once per reason, that photos are read on the CPU although a GPU was expected."""
    warnings.warn(f"reading on the CPU, because {reason}", RuntimeWarning, stacklevel=4)


def _cuda_expected() -> bool:
    """Return whether users would expect CUDA: there is a driver, and an onnxruntime for it."""
    return has_driver() and ORT_NAMES["cuda"] in require_runtime().get_available_providers()


@functools.cache
def _problem(provider: str, gpu: GpuOptions) -> str | None:
    """Return why a provider cannot be used in this process, in one line, or None if it can."""
    runtime = require_runtime()
    if ORT_NAMES[provider] not in runtime.get_available_providers():
        return f"this onnxruntime is built without it: {BUILD[provider]}"
    if provider in LIBRARIES and not has_driver():
        return "no NVIDIA driver is installed"
    from clockread.runtime.probe import PROBE_MODEL, check

    try:
        check(_session(runtime, PROBE_MODEL, provider, session_options(runtime, 1), gpu))
    except ProviderError as error:
        return str(error)
    except Exception as error:  # onnxruntime's exceptions have no common base
        return explained(error)
    return None


def _cpu_session(
    runtime: ModuleType, model_bytes: bytes, options: SessionOptions
) -> InferenceSession:
    try:
        session = runtime.InferenceSession(model_bytes, options, providers=[ORT_NAMES["cpu"]])
    except Exception as error:
        problem = f"onnxruntime {runtime.__version__} cannot load the model"
        raise ModelError(f"{problem}: {_first_line(error)}") from error
    return never_released_in_forks(session)


def _built(
    runtime: ModuleType, model_bytes: bytes, dimensions: Mapping[str, int], gpu: GpuOptions
) -> Path | None:
    """Return the folder with TensorRT's engine; None if engines cannot be stored."""
    from clockread.runtime.engines import build, engine_folder

    folder = engine_folder(model_bytes, dimensions, runtime.__version__)
    if folder is not None:
        build(model_bytes, dimensions, gpu, folder)
    return folder


def _session(
    runtime: ModuleType,
    model_bytes: bytes,
    provider: str,
    options: SessionOptions,
    gpu: GpuOptions,
    engines: Path | None = None,
) -> InferenceSession:
    """Open a session on another provider than the CPU; the CPU runs operators that it lacks."""
    own: dict[str, Mapping[str, str]] = {
        "cuda": gpu.for_cuda(),
        "tensorrt": gpu.for_tensorrt(engines),
        "openvino": {"num_of_threads": str(options.intra_op_num_threads)},  # it has its own
    }
    names = [provider, *FALLBACKS.get(provider, ())]
    providers = [*((ORT_NAMES[name], dict(own.get(name, {}))) for name in names), ORT_NAMES["cpu"]]
    if provider in LIBRARIES:
        load_libraries(runtime)
    if provider == "tensorrt":
        load_tensorrt()
    # A missing library is reported to the process-wide logger. Its level can be set, but not read.
    runtime.set_default_logger_severity(QUIET)
    try:
        if provider == "dml":
            options.enable_mem_pattern = False  # not supported by DirectML
        session = runtime.InferenceSession(
            model_bytes, options, providers=providers, enable_fallback=0
        )
    except Exception as error:
        raise failure(error) from error
    finally:
        runtime.set_default_logger_severity(2)  # the default
    never_released_in_forks(session)
    if session.get_providers()[0] != ORT_NAMES[provider]:
        if provider not in LIBRARIES:
            raise ProviderError(f"onnxruntime finds no suitable libraries: {BUILD[provider]}")
        missing = ", ".join(load_libraries(runtime))
        problem = f"libraries are missing ({missing})" if missing else "its libraries do not fit"
        raise ProviderError(f"{problem}: {LIBRARIES[provider]}")
    return session


def session_options(runtime: ModuleType, threads: int) -> SessionOptions:
    """Return the options of sessions, with ``threads`` CPU threads per operator.

    `benchmarks/session_options.py` compares them with others.
    """
    options: SessionOptions = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Each network has its own threads: those of one would spin while others need the cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = QUIET
    return options


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
