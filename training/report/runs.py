"""One fit of one configuration, trained once and kept as JSON; many fits, in several processes.

Results are `<profile>/<entry>/<data>-<variant>-<number>.<digest>.json` in
`$CLOCKREAD_DATA/runs/report`. The digest is of data, seed and configuration: a fit with a changed
configuration or other data is never mistaken for a finished one, and equal fits of two entries are
trained once. <data> names a published data set whose files are checked, a rendered set, or given
files by their sha256. Nothing here imports Keras.
"""

from __future__ import annotations

import hashlib
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

from clockread.data import data_folder, write_whole
from clockread.runtime.cpus import usable_threads
from training.experiment import Settings, imported_later

PACKAGES = ("numpy", "keras", "tensorflow", "jax", "torch", "opencv-python")
# "module:function" by name, called as function(fit, settings, work folder) -> {"history", "test",
# …}. The name is part of a fit's identity, so that a module can be renamed without a new training.
TRAINERS = {
    "classifier": "training.report.classification:train",
    "permuted": "training.report.permutation:train",
    "clock": "training.report.telltime:train",
}
DIGITS = 6  # significant digits of every figure in a result


@dataclass(frozen=True)
class Fit:
    """One training of one configuration on one data set."""

    entry: str
    data: str  # name of the training data; unlike the entry, part of the fit's identity
    variant: str
    number: int  # from 0, of equal fits with different seeds
    config: Any  # a frozen dataclass, the whole configuration
    trainer: str  # of TRAINERS

    @property
    def seed(self) -> int:
        """Seed by number: equal for all variants, so that they differ in their settings only."""
        return 1000 + self.number

    @property
    def name(self) -> str:
        """Entry, data, variant and number, for messages."""
        return f"{self.entry} {self.data} {self.variant} fit {self.number + 1}"

    @property
    def stem(self) -> str:
        """Data, variant and number, for file names."""
        return f"{self.data}-{self.variant}-{self.number}"

    def description(self) -> dict[str, Any]:
        """Return everything that decides the outcome.

        Fields that are None are left out, so that a new field does not change the digests of
        finished fits.
        """
        return {
            "data": self.data,
            "seed": self.seed,
            "kind": type(self.config).__name__,
            "config": _without_none(asdict(self.config)),
            "trainer": self.trainer,
        }

    def digest(self) -> str:
        """Return ten hexadecimal digits of the sha256 of `description`."""
        text = json.dumps(self.description(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:10]


def _without_none(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {k: _without_none(v) for k, v in value.items() if v is not None}


def results_folder(profile: str) -> Path:
    """Return the folder of the fits of a profile."""
    return data_folder() / "runs" / "report" / profile


def slug(entry: str) -> str:
    """Return an entry's name as a file name."""
    return entry.replace("/", "-")


def result_path(fit: Fit, profile: str) -> Path:
    """Return the file of a finished fit."""
    return results_folder(profile) / slug(fit.entry) / f"{fit.stem}.{fit.digest()}.json"


def log_folder(fit: Fit, profile: str) -> Path:
    """Return the folder of a fit's TensorBoard logs; those of one entry have a common parent."""
    return results_folder(profile) / "tensorboard" / slug(fit.entry) / fit.stem


def work_folder(fit: Fit, profile: str) -> Path:
    """Return the folder of an unfinished fit's checkpoints, which is deleted at its end."""
    return results_folder(profile) / "unfinished" / fit.digest()


def rounded(value: Any) -> Any:
    """Return a value with its floats rounded to DIGITS significant digits, in lists and dicts too.

    Since JSON has neither nan nor infinity, both become None.
    """
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(v) for v in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value


def write_result(path: Path, result: dict[str, Any]) -> None:
    """Write a rounded result in one step: whole or not at all."""
    write_whole(path, json.dumps(rounded(result), sort_keys=True, allow_nan=False) + "\n")


def _versions() -> dict[str, str]:
    installed = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            installed[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return installed


def _machine() -> dict[str, Any]:
    return {
        "architecture": platform.machine(),
        "system": platform.system(),
        "cores": usable_threads(),
    }


def _backend() -> str:
    keras = sys.modules.get("keras")  # imported by the training, if at all
    if keras is None:
        return os.environ.get("KERAS_BACKEND", "tensorflow")
    return str(keras.backend.backend())


def run_fit(fit: Fit, settings: Settings) -> Path:
    """Train one fit and write its result, unless it is finished; return the result's file."""
    path = result_path(fit, settings.profile)
    if path.exists():
        return path
    equal = sorted(results_folder(settings.profile).glob(f"*/*.{fit.digest()}.json"))
    if equal:
        result = json.loads(equal[0].read_text())
        names = {"entry": fit.entry, "variant": fit.variant, "same_as": result["entry"]}
        write_result(path, {**result, **names})
        return path
    train = imported_later(TRAINERS[fit.trainer])
    work = work_folder(fit, settings.profile)
    work.mkdir(parents=True, exist_ok=True)
    start = time.time()
    outcome: dict[str, Any] = train(fit, settings, work)
    # the sum includes epochs before an interruption
    seconds = max(time.time() - start, sum(outcome["history"].get("epoch_seconds", [])))
    result = {
        "entry": fit.entry,
        "variant": fit.variant,
        "fit": fit.number,
        "profile": settings.profile,
        **fit.description(),
        "versions": _versions(),
        "machine": _machine(),
        "backend": _backend(),
        "seconds": seconds,
        **outcome,
    }
    write_result(path, result)
    shutil.rmtree(work, ignore_errors=True)
    return path


def discard(fits: Sequence[Fit], profile: str) -> None:
    """Delete results (of equal fits too), checkpoints and logs of fits, to train them again."""
    for fit in fits:
        for path in results_folder(profile).glob(f"*/*.{fit.digest()}.json"):
            path.unlink()
        shutil.rmtree(work_folder(fit, profile), ignore_errors=True)
        shutil.rmtree(log_folder(fit, profile), ignore_errors=True)


def _limit_threads(threads: int) -> None:
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[name] = str(threads)


def run_fits(fits: Sequence[Fit], settings: Settings) -> list[Path]:
    """Run fits, equal ones once, ``settings.jobs`` at a time; return their result files in order.

    A fit that fails ends the run with its error; the results of finished fits stay.
    """
    if not settings.resume:
        discard(fits, settings.profile)
    unique: dict[str, Fit] = {}
    for fit in fits:
        unique.setdefault(fit.digest(), fit)
    pending = [fit for fit in unique.values() if not result_path(fit, settings.profile).exists()]
    if settings.jobs > 1 and len(pending) > 1:
        threads = max(1, usable_threads() // settings.jobs)
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(settings.jobs, context, _limit_threads, (threads,)) as pool:
            running = {pool.submit(run_fit, fit, settings): fit for fit in pending}
            try:
                for number, future in enumerate(as_completed(running), 1):
                    _print_result(running[future], future.result(), number, len(pending))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    else:
        for number, fit in enumerate(pending, 1):
            _print_result(fit, run_fit(fit, settings), number, len(pending))
    return [run_fit(fit, settings) for fit in fits]


def _print_result(fit: Fit, path: Path, number: int, total: int) -> None:
    result = json.loads(path.read_text())
    tested = {k: v for k, v in result["test"].items() if isinstance(v, float | int)}
    figures = ", ".join(f"{name} {value:.4g}" for name, value in tested.items())
    print(f"  [{number}/{total}] {fit.name}: {result['seconds']:.0f} s; {figures}", flush=True)
