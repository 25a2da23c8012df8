"""One fit of one configuration: described, run once, kept as one JSON; many of them, over several processes.

Results lie in `$CLOCKREAD_DATA/runs/report/<profile>/<entry>/<data>-<variant>-<number>.<digest>.json`. The digest is of data,
seed and configuration, so that a changed configuration, or other data, is never mistaken for a finished fit, and equal fits of two
entries are trained once. <data> names a published data set whose files are checked, a rendered set, or given files by their sha256.
Nothing here imports Keras.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import math
import multiprocessing
import os
import platform
import shutil
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from training.data import data_folder, write_whole
from training.experiment import Settings

PACKAGES = ("numpy", "keras", "tensorflow", "jax", "torch", "opencv-python")
# "module:function" by name, called as function(fit, settings, work folder) -> {"history", "test", …}. A fit's identity has the name, so
# that a module can be renamed without training again.
TRAINERS = {
    "classifier": "training.report.classification:train",
    "permuted": "training.report.permutation:train",
    "clock": "training.report.telltime:train",
}
DIGITS = 6  # significant ones, of every figure in a history


@dataclass(frozen=True)
class Fit:
    """One fit: one training of one configuration on one data set."""

    entry: str
    data: str  # its training data: the part of a fit's identity that is not its configuration
    variant: str
    number: int  # of equal fits with different seeds, from 0
    config: Any  # a frozen dataclass, the whole configuration
    trainer: str  # of TRAINERS

    @property
    def seed(self) -> int:
        """The same for the n-th fit of every variant, so that variants differ in one thing only."""
        return 1000 + self.number

    @property
    def name(self) -> str:
        """For people: entry, data, variant and number."""
        return f"{self.entry} {self.data} {self.variant} fit {self.number + 1}"

    def description(self) -> dict[str, Any]:
        """What decides the outcome; fields that are None are left out, so that new ones leave the digests of finished fits alone."""
        return {
            "data": self.data,
            "seed": self.seed,
            "kind": type(self.config).__name__,
            "config": _without_none(asdict(self.config)),
            "trainer": self.trainer,
        }

    def digest(self) -> str:
        """Ten hexadecimal digits of the sha256 of `description`."""
        return hashlib.sha256(json.dumps(self.description(), sort_keys=True).encode()).hexdigest()[
            :10
        ]


def _without_none(value: Any) -> Any:
    return (
        {k: _without_none(v) for k, v in value.items() if v is not None}
        if isinstance(value, dict)
        else value
    )


def results_folder(profile: str) -> Path:
    """Where the fits of a profile lie."""
    return data_folder() / "runs" / "report" / profile


def slug(entry: str) -> str:
    """An entry's name as a folder's."""
    return entry.replace("/", "-")


def result_path(fit: Fit, profile: str) -> Path:
    """The file of a finished fit."""
    return (
        results_folder(profile)
        / slug(fit.entry)
        / f"{fit.data}-{fit.variant}-{fit.number}.{fit.digest()}.json"
    )


def log_folder(fit: Fit, profile: str) -> Path:
    """TensorBoard logs of a fit: one folder a fit, so that one TensorBoard shows an entry's fits in one axis."""
    return (
        results_folder(profile)
        / "tensorboard"
        / slug(fit.entry)
        / f"{fit.data}-{fit.variant}-{fit.number}"
    )


def work_folder(fit: Fit, profile: str) -> Path:
    """Checkpoints of an unfinished fit; gone when it is finished."""
    return results_folder(profile) / "unfinished" / fit.digest()


def rounded(value: Any) -> Any:
    """Floats to DIGITS significant digits, nan and infinity to None, through lists and dicts: JSON knows no nan."""
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(v) for v in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value


def write_result(path: Path, result: dict[str, Any]) -> None:
    """Write a result, rounded, whole or not at all."""
    write_whole(path, json.dumps(rounded(result), sort_keys=True, allow_nan=False) + "\n")


def versions() -> dict[str, str]:
    """Versions of what a figure depends on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """Processor architecture and the cores that this process may use; no names."""
    return {
        "architecture": platform.machine(),
        "system": platform.system(),
        "cores": len(os.sched_getaffinity(0)),
    }


def run_fit(fit: Fit, settings: Settings) -> Path:
    """Train one fit and write its result, or find that it is finished; returns the result's file."""
    path = result_path(fit, settings.profile)
    if path.exists():
        return path
    twin = _twin(fit, settings)
    if twin is not None:
        result = json.loads(twin.read_text())
        write_result(
            path, {**result, "entry": fit.entry, "variant": fit.variant, "same_as": result["entry"]}
        )
        return path
    module, function = TRAINERS[fit.trainer].split(":")
    work = work_folder(fit, settings.profile)
    work.mkdir(parents=True, exist_ok=True)
    began = time.time()
    outcome: dict[str, Any] = getattr(importlib.import_module(module), function)(
        fit, settings, work
    )
    # an interrupted fit's epochs count, whichever process ran them
    seconds = max(time.time() - began, sum(outcome["history"].get("epoch_seconds", [])))
    result = {
        "entry": fit.entry,
        "variant": fit.variant,
        "fit": fit.number,
        "profile": settings.profile,
        **fit.description(),
        "versions": versions(),
        "machine": machine(),
        "backend": _backend(),
        "seconds": seconds,
        **outcome,
    }
    write_result(path, result)
    shutil.rmtree(work, ignore_errors=True)
    return path


def _twin(fit: Fit, settings: Settings) -> Path | None:
    return next(
        iter(sorted(results_folder(settings.profile).glob(f"*/*.{fit.digest()}.json"))), None
    )


def _backend() -> str:
    """The Keras backend that was used; Keras is imported by then, if at all."""
    keras = sys.modules.get("keras")
    return (
        str(keras.backend.backend())
        if keras is not None
        else os.environ.get("KERAS_BACKEND", "tensorflow")
    )


def forget(fits: Sequence[Fit], profile: str) -> None:
    """Delete results, twins' results and checkpoints of fits, to run them anew."""
    for fit in fits:
        for path in results_folder(profile).glob(f"*/*.{fit.digest()}.json"):
            path.unlink()
        shutil.rmtree(work_folder(fit, profile), ignore_errors=True)
        shutil.rmtree(log_folder(fit, profile), ignore_errors=True)


def _use_cores(threads: int) -> None:
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[name] = str(threads)


def run_fits(fits: Sequence[Fit], settings: Settings) -> list[Path]:
    """Run fits, equal ones once, ``settings.jobs`` at a time; returns their result files in order.

    A failing fit ends the run with its error; what was finished before stays.
    """
    if not settings.resume:
        forget(fits, settings.profile)
    first: dict[str, Fit] = {}
    for fit in fits:
        first.setdefault(fit.digest(), fit)
    waiting = [fit for fit in first.values() if not result_path(fit, settings.profile).exists()]
    if settings.jobs > 1 and len(waiting) > 1:
        threads = max(1, len(os.sched_getaffinity(0)) // settings.jobs)
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(
            settings.jobs, context, initializer=_use_cores, initargs=(threads,)
        ) as pool:
            running = {pool.submit(run_fit, fit, settings): fit for fit in waiting}
            try:
                for number, done in enumerate(as_completed(running), 1):
                    _say(running[done], done.result(), number, len(waiting))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    else:
        for number, fit in enumerate(waiting, 1):
            _say(fit, run_fit(fit, settings), number, len(waiting))
    return [run_fit(fit, settings) for fit in fits]


def _say(fit: Fit, path: Path, number: int, total: int) -> None:
    result = json.loads(path.read_text())
    figures = ", ".join(
        f"{k} {v:.4g}" for k, v in result["test"].items() if isinstance(v, float | int)
    )
    print(f"  [{number}/{total}] {fit.name}: {result['seconds']:.0f} s; {figures}", flush=True)
