"""Descriptions of a GPU and its libraries, and of the work that is not done there."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clockread.runtime.gpu_options import GpuOptions

UNKNOWN = "unknown"
QUERY = ("name", "driver_version", "memory.total")  # of nvidia-smi
QUERY_SECONDS = 20  # nvidia-smi needs a few if no process uses the GPU
CUDNN = "cudnn64_9.dll" if sys.platform == "win32" else "libcudnn.so.9"


@dataclass(frozen=True)
class GpuReport:
    """A GPU and the software that uses it; "unknown" if it cannot be found out."""

    name: str
    driver: str
    memory_mb: str
    onnxruntime: str
    cuda: str  # that onnxruntime was built for
    cudnn: str
    precision: str  # of convolutions and products
    options: Mapping[str, str]  # of onnxruntime's CUDA provider


def describe(gpu: GpuOptions | None = None) -> GpuReport:
    """Return the description of a GPU, by default of the first."""
    from clockread.runtime.providers import require_runtime

    runtime, gpu = require_runtime(), gpu or GpuOptions()
    name, driver, memory = _nvidia_smi(gpu.device_id)
    return GpuReport(
        name=name,
        driver=driver,
        memory_mb=memory,
        onnxruntime=str(runtime.__version__),
        cuda=str(getattr(runtime, "cuda_version", "") or UNKNOWN),
        cudnn=_cudnn_version(),
        precision="TF32" if gpu.use_tf32 else "float32",
        options=gpu.for_cuda(),
    )


def _nvidia_smi(device: int) -> tuple[str, str, str]:
    # It knows nothing of this variable, whose entries are numbers or identifiers of GPUs.
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    number = visible[device] if device < len(visible) and visible[device] else str(device)
    command = ["nvidia-smi", f"--id={number}", f"--query-gpu={','.join(QUERY)}"]
    with contextlib.suppress(OSError, subprocess.SubprocessError, ValueError):
        done = subprocess.run(
            [*command, "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            check=True,
            timeout=QUERY_SECONDS,
        )
        name, driver, memory = done.stdout.strip().split(", ")
        return name, driver, memory
    return UNKNOWN, UNKNOWN, UNKNOWN


def _cudnn_version() -> str:
    """Return the version of the cuDNN that is loaded, or would be."""
    try:
        number = int(ctypes.CDLL(CUDNN).cudnnGetVersion())
    except (OSError, AttributeError):
        return UNKNOWN
    return f"{number // 10000}.{number // 100 % 100}.{number % 100}"


def nodes_elsewhere(profile: Path, provider: str) -> Counter[str]:
    """Return the operators that one run did not compute on a provider, with their numbers.

    Copies between CPU and GPU count as well.

    Args:
        profile: a file that `onnxruntime` wrote for a session that ran once.
        provider: as onnxruntime names it.

    """
    events = json.loads(profile.read_text(encoding="utf-8"))
    nodes = (event["args"] for event in events if "op_name" in event.get("args", {}))
    return Counter(
        node["op_name"]
        for node in nodes
        if "provider" in node and (node["provider"] != provider or "Memcpy" in node["op_name"])
    )
