"""Rendering in several processes, each with one thread of OpenCV."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import cv2

from clockread.runtime.cpus import usable_threads

_Job = TypeVar("_Job")
_Result = TypeVar("_Result")


def each_result(function: Callable[[_Job], _Result], jobs: Sequence[_Job]) -> Iterator[_Result]:
    """Yield the result of each job, in any order.

    A job alone runs in this process: to start another would take longer.

    Args:
        function: does a job; it must be possible to pickle it.
        jobs: its arguments.

    """
    if len(jobs) == 1:
        threads = cv2.getNumThreads()
        try:
            _use_one_thread()
            yield function(jobs[0])
        finally:
            cv2.setNumThreads(threads)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(usable_threads(), _use_one_thread) as pool:
        yield from pool.imap_unordered(function, jobs)


def _use_one_thread() -> None:
    cv2.setNumThreads(1)
