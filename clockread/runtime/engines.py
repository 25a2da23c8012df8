"""Engines of TensorRT: built in a process of their own with a time limit, and stored.

Building one takes seconds to minutes and cannot be interrupted from Python. `python -m
clockread.runtime.engines` does it for a network on its standard input, so that a process that takes
too long can be ended. The process that reads photos then loads the stored engine.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from clockread.data import data_folder
from clockread.errors import ClockreadError, GpuMemoryError, ProviderError
from clockread.runtime.gpu_options import GpuOptions

FOLDER = "tensorrt"  # in the data folder
MEMORY = 3  # exit code if the GPU has too little free memory
PACKAGES = ("tensorrt-cu13", "tensorrt-cu12")  # whose version belongs to an engine


def engine_folder(
    model_bytes: bytes, dimensions: Mapping[str, int], runtime_version: str
) -> Path | None:
    """Return the folder of a network's engine and timing cache, or None if it cannot be made.

    Each network, batch size and version has its own: onnxruntime takes an engine of another batch
    size from the same folder (onnxruntime#32254).

    Args:
        model_bytes: the network.
        dimensions: the sizes of its free dimensions, by name.
        runtime_version: of onnxruntime.

    """
    from clockread.packages import version  # takes 20 ms

    tensorrt = next((found for name in PACKAGES if (found := version(name))), "system")
    digest = hashlib.sha256(model_bytes).hexdigest()[:16]
    name = "-".join([digest, *(str(size) for size in dimensions.values())])
    folder = data_folder() / FOLDER / f"{runtime_version}-{tensorrt}" / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder.absolute()


def build(model_bytes: bytes, dimensions: Mapping[str, int], gpu: GpuOptions, folder: Path) -> None:
    """Build the engine of a network in another process, unless its folder has one.

    The engine appears in the folder whole or not at all. A frozen program builds none: it cannot
    start such a process, and its session builds the engine without a limit.

    Raises:
        ProviderError: if building fails, or takes longer than `GpuOptions.engine_seconds`.

    """
    if getattr(sys, "frozen", False) or any(folder.glob("*.engine")):
        return
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    settings = {"dimensions": dict(dimensions), "device": gpu.device_id, "folder": str(partial)}
    command = [sys.executable, "-m", "clockread.runtime.engines", json.dumps(settings)]
    try:
        done = subprocess.run(
            command, input=model_bytes, capture_output=True, timeout=gpu.engine_seconds, check=False
        )
        if done.returncode:
            lines = done.stderr.decode(errors="replace").strip().splitlines()
            problem = lines[-1] if lines else f"building an engine ended with {done.returncode}"
            raise (GpuMemoryError if done.returncode == MEMORY else ProviderError)(problem)
        for file in partial.iterdir():
            with contextlib.suppress(OSError):  # another process was faster
                file.replace(folder / file.name)
    except subprocess.TimeoutExpired:
        problem = f"building an engine took longer than {gpu.engine_seconds:g} seconds"
        raise ProviderError(f"{problem}: take --provider cuda") from None
    except OSError as error:
        raise ProviderError(f"the engine cannot be stored: {error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def main() -> None:
    """Build the engine of the network on standard input, as `build` asks for it."""
    import numpy as np

    from clockread.runtime.nvidia import failure
    from clockread.runtime.providers import TITLES, open_session

    settings = json.loads(sys.argv[1])
    folder = Path(settings["folder"])
    folder.mkdir(parents=True)
    try:
        session = open_session(
            sys.stdin.buffer.read(),
            "tensorrt",
            dimensions=settings["dimensions"],
            gpu=GpuOptions(device_id=settings["device"]),
            engines=folder,
        )
        (spec,) = session.get_inputs()
        sizes = [settings["dimensions"].get(size, size) for size in spec.shape]
        try:
            session.run(None, {spec.name: np.zeros(sizes, np.uint8)})
        except Exception as error:  # onnxruntime's exceptions have no common base
            raise failure(error) from error
    except ClockreadError as error:
        # The process that waits for this one puts these words before its own error.
        said = str(error).removeprefix(f"{TITLES['tensorrt']} is not usable here: ")
        print(said, file=sys.stderr)
        sys.exit(MEMORY if isinstance(error, GpuMemoryError) else 2)


if __name__ == "__main__":
    main()
