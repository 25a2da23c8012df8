"""How many CPUs this process may use, by its affinity and its control groups."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

THREADS_PER_CPU = 4  # more of them only take memory


def usable_threads() -> int:
    """How many threads this process can keep busy, at least 1: its CPU affinity, and the cgroup's CPU quota rounded down."""
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:  # neither Windows nor macOS has it
        allowed = os.cpu_count() or 1
    quota = cgroup_cpus()
    return max(1, allowed if quota is None else min(allowed, int(quota)))


def bounded_threads(threads: int | None = None) -> int:
    """Return how many CPU threads to run: by default the usable ones, and never more than a few for each, which is warned of."""
    usable = usable_threads()
    limit = THREADS_PER_CPU * usable
    if threads is None or threads <= limit:
        return usable if threads is None else threads
    warnings.warn(
        f"{limit} threads run instead of {threads}: {THREADS_PER_CPU} for each usable CPU",
        RuntimeWarning,
        stacklevel=3,
    )
    return limit


def cgroup_cpus(
    membership: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")
) -> float | None:
    """CPUs that the process's cgroups (version 1 or 2) grant it, the tightest on the way up to the root; None when unlimited."""
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    grants: list[float] = []
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers == "":  # version 2; beside version 1 it is mounted one level down
            grants += [cpus for mount in (root, root / "unified") for cpus in _grants(mount, path)]
        elif "cpu" in controllers.split(","):
            grants += [
                cpus
                for mount in (root / "cpu", root / controllers)
                for cpus in _grants(mount, path)
            ]
    return min(grants, default=None)


def _grants(mount: Path, path: str) -> list[float]:
    # A container often sees its own group as the root of the mount and a path that exists only on the host: the root is always looked at.
    parts = [part for part in path.split("/") if part not in ("", "..")]
    folders = [mount.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1)]
    return [cpus for folder in folders if (cpus := _grant(folder)) is not None]


def _grant(folder: Path) -> float | None:
    try:
        if (folder / "cpu.max").is_file():
            quota, period = (folder / "cpu.max").read_text(encoding="utf-8").split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text(encoding="utf-8")
            period = (folder / "cpu.cfs_period_us").read_text(encoding="utf-8")
        return int(quota) / int(period) if int(quota) > 0 else None
    except (OSError, ValueError, ZeroDivisionError):  # no such file, or the quota is "max"
        return None
