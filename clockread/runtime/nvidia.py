"""NVIDIA's driver and libraries: whether they can be loaded, and what their errors mean."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib.util
import io
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from clockread.errors import GpuMemoryError, ProviderError

INSTALL_CUDA = 'pip install "onnxruntime-gpu[cuda,cudnn]"'
# The last version with CUDA 12 is 1.26; CUDA 13 needs a driver from 580 on.
INSTALL_CUDA_12 = 'pip install "onnxruntime-gpu[cuda,cudnn]<1.27"'
# TensorRT 11 does not fit: onnxruntime 1.31 loads libnvinfer.so.10.
INSTALL_TENSORRT = f'{INSTALL_CUDA} "tensorrt-cu13>=10.13,<11"'
DRIVERS = (
    ("nvcuda.dll",)
    if sys.platform == "win32"
    else (
        "libcuda.so.1",
        "/usr/lib/wsl/lib/libcuda.so.1",  # WSL
        "/usr/local/nvidia/lib64/libcuda.so.1",  # containers
        "/run/opengl-driver/lib/libcuda.so.1",  # NixOS
    )
)
# In this order: the second needs the first.
TENSORRT = (
    ("nvinfer_10.dll", "nvonnxparser_10.dll")
    if sys.platform == "win32"
    else ("libnvinfer.so.10", "libnvonnxparser.so.10")
)


@dataclass(frozen=True)
class Cause:
    """A kind of failure that users can do something about."""

    pattern: str  # a regular expression that finds it in an error's text
    meaning: str
    remedy: str


def _cuda(code: int, name: str) -> str:
    return rf"CUDA failure {code}\b|\bcudaError{name}\b"


OTHER_GPU = "free memory on the GPU, or choose another one (--device)"
OUT_OF_MEMORY = Cause(
    f"{_cuda(2, 'MemoryAllocation')}|Failed to allocate memory|out of memory"
    r"|smaller than requested|(CUBLAS|CUDNN)_STATUS_(\w*_)?ALLOC(ATION)?_FAILED",
    "the GPU has too little free memory",
    OTHER_GPU,
)
CAUSES = (  # the first that is found counts
    OUT_OF_MEMORY,
    Cause(
        _cuda(3, "InitializationError"),
        "CUDA cannot be started, or was started before this process was forked",
        "start processes with the method spawn",
    ),
    Cause(
        f"{_cuda(35, 'InsufficientDriver')}|{_cuda(222, 'UnsupportedPtxVersion')}",
        "the NVIDIA driver is too old for this onnxruntime-gpu",
        f"update the driver, or {INSTALL_CUDA_12}",
    ),
    Cause(
        _cuda(46, "DevicesUnavailable"),
        "the GPU is in exclusive use by another process",
        "end that process, or choose another GPU (--device)",
    ),
    Cause(
        _cuda(100, "NoDevice"),
        "CUDA sees no GPU",
        "check `nvidia-smi` and the variable CUDA_VISIBLE_DEVICES",
    ),
    Cause(
        f"{_cuda(101, 'InvalidDevice')}|Invalid device (ordinal|ID|id)",
        "there is no GPU with this number",
        "choose one that `nvidia-smi -L` lists (--device), counted from 0",
    ),
    Cause(
        f"{_cuda(209, 'NoKernelImageForDevice')}|no kernel image|named symbol not found",
        "this onnxruntime-gpu has no code for the GPU",
        f"upgrade it, or for GPUs before Turing {INSTALL_CUDA_12}",
    ),
    Cause(
        f"{_cuda(802, 'SystemNotReady')}",
        "the GPUs of this machine are not ready",
        "start NVIDIA's Fabric Manager",
    ),
    Cause(
        f"{_cuda(803, 'SystemDriverMismatch')}|{_cuda(804, 'CompatNotSupportedOnDevice')}",
        "the NVIDIA driver and its libraries are of different versions",
        "restart the machine",
    ),
    Cause(
        r"CUDA failure (214|7\d\d)\b|cudaError(EccUncorrectable|IllegalAddress|LaunchFailure)",
        "the GPU failed while it computed",
        "start clockread again; if it repeats, update the driver",
    ),
    Cause("install TensorRT libraries", "TensorRT is missing", INSTALL_TENSORRT),
    Cause(
        r"(?i)could not deserialize (engine|.*cache)",
        "a stored engine of TensorRT is damaged",
        "delete the folder tensorrt in $CLOCKREAD_DATA (or ~/.cache/clockread)",
    ),
    Cause(
        r"(?i)NOT_IMPLEMENTED.*cudnn|cudnn.*(not (found|loaded|available|installed)|cannot open)"
        r"|CUDNN_STATUS_(NOT_INITIALIZED|SUBLIBRARY\w*)|Unable to find symbol cudnn",
        "cuDNN is missing, or of another version",
        INSTALL_CUDA,
    ),
)
# The place in onnxruntime's source, and the signature of a function, that precede its messages.
_SOURCE = re.compile(
    r"\S*[/\\]onnxruntime[/\\]\S+\.(?:cc|h|cu|cpp)(?::\d+| \(\d+\))?"
    r"(?: [\w:*&<>, ]+\([^()]*\)(?: const)?(?: \[with [^\]]*\])?)?:? *"
)
_CODE = re.compile(r"\[ONNXRuntimeError\] : \d+ : \w+ : ")
_LIBRARY = re.compile(r"(lib[\w.+-]+\.so[\w.]*): cannot open shared object file")
_DETAIL = re.compile(r"(CUDA|CUDNN|CUBLAS) failure \d+|\bcudaError\w+")


@functools.cache
def has_driver() -> bool:
    """Return whether NVIDIA's driver can be loaded."""
    for name in DRIVERS:
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return True
    return False


@functools.cache
def load_tensorrt() -> None:
    """Load the libraries of the package tensorrt-cu13, which onnxruntime does not look for.

    Without the package, the system may have them.
    """
    found = importlib.util.find_spec("tensorrt_libs")
    for folder in (found and found.submodule_search_locations) or ():
        for name in TENSORRT:
            with contextlib.suppress(OSError):
                ctypes.CDLL(str(Path(folder) / name), mode=ctypes.RTLD_GLOBAL)


@functools.cache
def load_libraries(runtime: ModuleType) -> tuple[str, ...]:
    """Load the libraries of installed Python packages for onnxruntime, once.

    Returns:
        The names of the libraries that were not found. This need not be an error: libraries of the
        system may be used instead, and some are optional.

    """
    if not hasattr(runtime, "preload_dlls"):
        return ()
    printed = io.StringIO()
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        contextlib.suppress(Exception),
    ):
        runtime.preload_dlls()
    return tuple(re.findall(r"^Failed to load ([^\s:]+)", printed.getvalue(), re.MULTILINE))


def failure(error: BaseException, place: str = "") -> ProviderError:
    """Return the error to raise for an error of onnxruntime on another provider than the CPU.

    Args:
        error: of onnxruntime.
        place: what failed; it precedes the explanation.

    """
    full = re.search(OUT_OF_MEMORY.pattern, str(error)) is not None
    message = f"{place}: {explained(error)}" if place else explained(error)
    return GpuMemoryError(message) if full else ProviderError(message)


def explained(error: BaseException) -> str:
    """Return one line about an error of onnxruntime, if possible with a remedy."""
    text = str(error).strip()
    for cause in CAUSES:
        if re.search(cause.pattern, text, re.DOTALL):
            detail = _DETAIL.search(text)
            code = f" ({detail[0]})" if detail else ""
            return f"{cause.meaning}{code}: {cause.remedy}"
    missing = _LIBRARY.search(text)
    if missing:
        of_tensorrt = missing[1].startswith("libnv")
        return f"{missing[1]} is missing: {INSTALL_TENSORRT if of_tensorrt else INSTALL_CUDA}"
    lines = [line for line in _SOURCE.sub("", _CODE.sub("", text)).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    return " ".join(lines[:2]) if lines[0].rstrip().endswith("Status Message:") else lines[0]
