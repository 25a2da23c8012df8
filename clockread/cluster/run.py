"""Runs workers on the parts that are left, with Ray Data."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

# Before ray is imported: nothing is reported to its makers, and its log is not for users.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
# Otherwise workers have the lowest priority, below whatever else runs on the machine.
os.environ.setdefault("RAY_worker_niceness", "0")

import ray
import ray.data
from ray.data.exceptions import SystemException
from ray.exceptions import RayError

from clockread.cluster import PART_PHOTOS, PATH_COLUMN
from clockread.cluster.parts import Part, find_done, prepare, split
from clockread.cluster.photos import Wanted, find_photos
from clockread.cluster.places import Place, opened
from clockread.cluster.worker import ReadOptions, Worker
from clockread.errors import ClockreadError, OutputError, one_line, reason_of

LOCAL = "local"  # Ray's address of a cluster of its own on this machine
CONNECTION_SECONDS = 10  # in which the machine of an address must accept a connection
GPU_PROVIDERS = frozenset(("cuda", "tensorrt"))


@dataclass(frozen=True)
class RunOptions:
    """Where parts are read."""

    address: str | None = None
    """The address of a Ray cluster; None starts one on this machine."""
    workers: int | None = None
    """Workers, each on one core, or on one GPU with its provider; by default as many as fit."""


@dataclass(frozen=True)
class Plan:
    """What a run has to read."""

    wanted: Wanted
    parts: tuple[Part, ...]
    output: Place
    damaged: tuple[str, ...] = ()
    """Files of results that were damaged, and are read again."""

    @property
    def photos(self) -> int:
        """The number of photos that are left."""
        return sum(len(part.paths) for part in self.parts)

    @property
    def done(self) -> int:
        """The number of photos that were read before."""
        return len(self.wanted.paths) - self.photos


@dataclass
class Counts:
    """The photos of this run."""

    photos: int = 0
    failed: int = 0
    """Photos with an error."""


def make_plan(
    source: str,
    output: str,
    read: ReadOptions,
    *,
    column: str = PATH_COLUMN,
    part_size: int = PART_PHOTOS,
) -> Plan:
    """Return the plan for the photos that are not in the output yet.

    Args:
        source: the folder or list of photos, see `find_photos`.
        output: the path or address of the folder of results, which is created.
        read: how photos are read.
        column: the column of a list.
        part_size: photos per part.

    Raises:
        ClockreadError: if the source or the output cannot be used.

    """
    wanted = find_photos(source, column)
    folder, _ = opened(output)
    prepare(folder)
    done = find_done(folder, read.stored)
    parts = split(wanted.paths, done.paths, part_size)
    return Plan(wanted, tuple(parts), folder, done.damaged)


def carry_out(plan: Plan, read: ReadOptions, options: RunOptions) -> Iterator[Counts]:
    """Read the parts of a plan; yield the counts so far after each.

    Raises:
        OutputError: if results cannot be written.
        ClockreadError: if the cluster cannot be reached, or a worker cannot read.

    """
    counts = Counts()
    if not plan.parts:
        return
    with _cluster(options.address):
        for row in _rows(plan, read, options):
            if row["stop"]:
                raise (OutputError if row["unwritten"] else ClockreadError)(row["stop"])
            counts.photos += row["photos"]
            counts.failed += row["failed"]
            yield counts


@contextmanager
def _cluster(address: str | None) -> Iterator[None]:
    """Connect to a cluster, or start one on this machine, until the block ends."""
    try:
        if address:
            _check_listens(address)
        with _own_sigterm(), _hushed():
            ray.init(
                address or LOCAL,
                log_to_driver=False,
                logging_level=logging.ERROR,
                **({} if address else {"include_dashboard": False}),
            )
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        name = f"--address {one_line(address)}" if address else "Ray"
        problem = f"no cluster can be reached or started ({reason_of(error)})"
        raise ClockreadError(f"{name}: {problem}; check the address") from error
    try:
        yield
    finally:
        ray.shutdown()


def _check_listens(address: str) -> None:
    """Raise OSError if nothing listens at an address of a port: ray would try it for minutes."""
    try:
        parts = urlsplit(address if "//" in address else f"//{address}")
        host, port = parts.hostname, parts.port
    except ValueError:  # no number for a port: ray says what it accepts
        return
    if host and port:
        with socket.create_connection((host, port), CONNECTION_SECONDS):
            pass


@contextmanager
def _own_sigterm() -> Iterator[None]:
    """Keep the handler of SIGTERM, which ray.init replaces in the main thread."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


@contextmanager
def _hushed() -> Iterator[None]:
    """Discard what ray's C++ prints while it starts; errors are exceptions as well."""
    sys.stderr.flush()
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


def _rows(plan: Plan, read: ReadOptions, options: RunOptions) -> Iterator[dict[str, Any]]:
    """Yield what the workers answer to each part, in the order in which they finish."""
    warnings.filterwarnings("ignore", module=r"ray\.")  # of ray about itself
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    kind = "GPU" if read.provider in GPU_PROVIDERS else "CPU"
    there = int(ray.cluster_resources().get(kind, 0))
    if there == 0:
        raise ClockreadError(f"--provider {read.provider}: the cluster has no {kind}; add one")
    problems = plan.wanted.problems
    parts = [
        {"name": p.name, "paths": p.paths, "problems": [problems.get(path) for path in p.paths]}
        for p in plan.parts
    ]
    rows = ray.data.from_items(parts, override_num_blocks=len(parts)).map(
        Worker,
        fn_constructor_args=(read, plan.wanted.stores, plan.output),
        compute=ray.data.ActorPoolStrategy(size=min(options.workers or there, len(parts))),
        **({"num_gpus": 1} if kind == "GPU" else {"num_cpus": 1}),
    )
    try:
        yield from rows.iter_rows()
    except (RayError, SystemException) as error:
        problem = f"the run failed ({_reason(error)})"
        remedy = "check the cluster, and start again: what is done is kept"
        raise ClockreadError(f"Ray: {problem}; {remedy}") from error


def _reason(error: Exception) -> str:
    """Return the first line of an error of Ray, whose text is a traceback."""
    return one_line(str(error).strip().partition("\n")[0], 120)
