"""Forks of a process that has read: its threads, which sessions need, are not in the child.

Each test forks a process of its own: of what pytest's process has opened, a child cannot know.
"""

from __future__ import annotations

import os

import pytest
from conftest import run_python

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

# When the child begins, the threads of the parent's sessions sleep.
PROGRAM = """
import gc, os, sys, time
import clockread

gc.disable()
reader = clockread.ClockReader("cpu", threads=2)
before = reader.read("examples/wall.jpg")
time.sleep(0.2)
child = os.fork()
if child == 0:
    {in_child}
    sys.exit(7)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status))
"""
PYTHON = ("-W", "ignore::DeprecationWarning", "-c")  # Python 3.12 warns of forks beside threads
SECONDS = 60  # that a process may take


@pytest.mark.parametrize(
    "in_child",
    [
        "assert [r.time for r in reader.read('examples/wall.jpg')] == [r.time for r in before]",
        "del reader",
        "reader.itself = reader; del reader; gc.collect()",
        "reader.close()",
        "pass",  # the interpreter releases its objects when it ends
    ],
)
def test_a_forked_process_reads_releases_and_ends(in_child: str) -> None:
    done = run_python(*PYTHON, PROGRAM.format(in_child=in_child), timeout=SECONDS)
    assert (done.stdout, done.stderr) == ("7\n", "")


def test_a_fork_of_a_fork_reads_and_ends() -> None:
    again = """reader.read("examples/wall.jpg"); time.sleep(0.2); grandchild = os.fork()
    if grandchild == 0:
        assert reader.read("examples/wall.jpg")[0].time == before[0].time
        sys.exit(7)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(grandchild, 0)[1]))"""
    done = run_python(*PYTHON, PROGRAM.format(in_child=again), timeout=SECONDS)
    assert (done.stdout, done.stderr) == ("7\n", "")


def test_a_reader_can_be_sent_to_a_forked_worker() -> None:
    program = """
import multiprocessing, time
from concurrent.futures import ProcessPoolExecutor
from clockread import ClockReader

reader = ClockReader("cpu", threads=2)
before = reader.read("examples/wall.jpg")
time.sleep(0.2)
with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as pool:
    print(pool.submit(reader.read, "examples/wall.jpg").result() == before)
"""
    done = run_python(*PYTHON, program, timeout=SECONDS)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_the_thread_of_a_gpu_is_a_new_one_in_a_fork() -> None:
    program = """
import os, sys, threading
from clockread.runtime.gpu_thread import gpu_thread

before = gpu_thread("cuda", 7)
child = os.fork()
if child == 0:
    print(gpu_thread("cuda", 7).call(lambda: threading.current_thread().name))
    sys.exit(0)
os.waitpid(child, 0)
print(gpu_thread("cuda", 7) is before)
"""
    done = run_python(*PYTHON, program, timeout=SECONDS)
    assert (done.stdout, done.stderr) == ("gpu-sessions\nTrue\n", "")
