"""Peak memory of `clockread predict` on a folder of large photos: `python -m benchmarks.memory`.

The folder holds a few different photos of 12 million pixels under many names, and is a temporary
one. POSIX only.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer

from benchmarks.options import ModelOption, ThreadsOption
from clockread.cli.bench import predict_command
from clockread.cli.sample_photos import generated_photos
from clockread.runtime.cpus import usable_threads

WIDTH, HEIGHT = 4000, 3000
DIFFERENT = 8  # photos; the other names are links to them
SEED = 0


def write_photos(folder: Path, count: int) -> None:
    """Write `DIFFERENT` photos with two dials and camera noise each, under ``count`` names."""
    rng = np.random.default_rng(SEED)
    for i, small in enumerate(generated_photos(min(count, DIFFERENT))):
        decoded = cv2.imdecode(np.frombuffer(small, np.uint8), cv2.IMREAD_COLOR)
        photo = cv2.resize(np.asarray(decoded), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        grain = rng.integers(-6, 7, (HEIGHT, WIDTH, 1), dtype=np.int16)
        noisy = np.clip(photo + grain, 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{i:06}.jpg"), noisy, [cv2.IMWRITE_JPEG_QUALITY, 90])
    for i in range(DIFFERENT, count):
        os.link(folder / f"{i % DIFFERENT:06}.jpg", folder / f"{i:06}.jpg")


def main(
    photos: Annotated[int, typer.Option(min=1, help="Names of photos in the folder.")] = 10_000,
    threads: ThreadsOption = None,
    model: ModelOption = "auto",
) -> None:
    """Read the folder in another process and print its peak memory and rate."""
    count = threads or usable_threads()
    with tempfile.TemporaryDirectory() as name:
        write_photos(Path(name), photos)
        command = predict_command(name, "--model", model, "--threads", str(count))
        began = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            results = dials = 0
            for line in process.stdout:
                result = json.loads(line)
                results += result["error"] is None
                dials += len(result["readings"])
        seconds = time.perf_counter() - began
    if process.returncode or results != photos:
        raise SystemExit(f"{results} of {photos} photos were read, exit code {process.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024  # bytes
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 1e6
    print(
        f"{photos:,} photos of {WIDTH} x {HEIGHT}, {count} threads: peak memory {peak:.0f} MB, "
        f"{photos / seconds:.1f} photos/s, {dials:,} dials, {seconds:.0f} s"
    )


if __name__ == "__main__":
    typer.run(main)
