"""The number of CPUs that this process may use, by its affinity and its control groups."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

THREADS_PER_CPU = 4  # more threads only take memory


def usable_threads() -> int:
    """Return how many threads this process can keep busy, at least 1.

    That is the size of its CPU affinity, or the cgroup's CPU quota, rounded down, if it is less.
    """
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:  # Windows and macOS
        allowed = os.cpu_count() or 1
    quota = cgroup_cpus()
    return max(1, allowed if quota is None else min(allowed, int(quota)))


def bounded_threads(threads: int | None = None) -> int:
    """Return the number of CPU threads to run, by default the usable ones.

    A number above the limit of a few threads per usable CPU is lowered to it, with a warning.
    """
    usable = usable_threads()
    limit = THREADS_PER_CPU * usable
    if threads is None or threads <= limit:
        return usable if threads is None else threads
    message = f"{limit} threads run instead of {threads}: {THREADS_PER_CPU} per usable CPU"
    warnings.warn(message, RuntimeWarning, stacklevel=3)
    return limit


def cgroup_cpus(
    membership: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")
) -> float | None:
    """Return the CPUs that the process's cgroups (version 1 or 2) grant it; None if unlimited.

    The lowest quota between its own group and the root applies.
    """
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    grants: list[float] = []
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers == "":  # version 2; next to version 1 it is mounted one level down
            grants += [cpus for mount in (root, root / "unified") for cpus in _grants(mount, path)]
        elif "cpu" in controllers.split(","):
            mounts = (root / "cpu", root / controllers)
            grants += [cpus for mount in mounts for cpus in _grants(mount, path)]
    return min(grants, default=None)


def _grants(mount: Path, path: str) -> list[float]:
    # A container often sees its own group as the root of the mount, and a path that exists only on
    # the host. So the root is always included.
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
