"""Orderly exit on signals: Ctrl-C, SIGTERM and SIGHUP keep the results so far and exit with 128 + their number.

A handler may run between any two instructions, also in the middle of a result that is being written. So a stretch of work can hold
signals back, and let them through only where stopping leaves nothing half done. While a module is imported they wait as well, because
extension modules turn what a handler raises into errors of their own.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import TypeVar

MESSAGES = {
    "SIGINT": "interrupted",
    "SIGTERM": "terminated",
    "SIGHUP": "hung up",
    "SIGBREAK": "interrupted",
}  # the last on Windows
IMPORT_CHECK = 0.02  # seconds
IMPATIENCE = 1.0  # seconds; terminals, shells and `timeout` send a signal twice at once, a person who insists does so later

_T = TypeVar("_T")


class Stop(BaseException):
    """A signal asks the program to end. Not an Exception, nor a KeyboardInterrupt, which libraries catch."""

    def __init__(self, number: int) -> None:
        super().__init__(MESSAGES[signal.Signals(number).name])
        self.exit_code = 128 + number


class _State:
    handled: tuple[int, ...] = ()
    since: float | None = None  # when the first signal came
    stop: Stop | None = None  # and what it raises
    raised = False
    held = False


def install() -> None:
    """Handle the signals that would end this process, but for those it was told to ignore (`nohup`, background jobs)."""
    if threading.current_thread() is not threading.main_thread():
        return
    _State.handled = tuple(
        number
        for number in (getattr(signal, name) for name in MESSAGES if hasattr(signal, name))
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler)
    )
    for number in _State.handled:
        signal.signal(number, _handle)
    if hasattr(signal, "SIGALRM") and signal.getsignal(signal.SIGALRM) == signal.SIG_DFL:
        signal.signal(signal.SIGALRM, lambda _, frame: _deliver(frame))


def uninstall() -> None:
    """Let signals end the process at once again, as an exception while Python shuts down would only be printed.

    After a signal that is being obeyed, further ones are ignored: they must not change the exit code.
    """
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)
    for number in _State.handled:
        signal.signal(number, signal.SIG_DFL if _State.stop is None else signal.SIG_IGN)


def _handle(number: int, frame: FrameType | None) -> None:
    now = time.monotonic()
    if _State.since is not None:
        if now - _State.since > IMPATIENCE:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        return
    _State.since, _State.stop = now, Stop(number)
    _deliver(frame)


@contextlib.contextmanager
def hold(held: bool = True) -> Iterator[None]:
    """Hold signals back, or let them through again, until the end of the `with` block."""
    before, _State.held = _State.held, held
    try:
        _deliver()
        yield
    finally:
        _State.held = before
        _deliver()


def between(items: Iterable[_T]) -> Iterator[_T]:
    """Yield the items; inside `hold`, let signals through only while the next item is awaited."""
    rest = iter(items)
    while True:
        with hold(False):
            try:
                item = next(rest)
            except StopIteration:
                return
        yield item


def resume() -> None:
    """Raise once more what a signal raised, where another error has taken its place meanwhile."""
    if _State.raised and _State.stop is not None:
        raise _State.stop


def _deliver(frame: FrameType | None = None) -> None:
    if _State.stop is None or _State.raised or _State.held:
        return
    waits = _is_importing(frame)
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, IMPORT_CHECK if waits else 0)
        if waits:
            return
    _State.raised = True
    raise _State.stop


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
