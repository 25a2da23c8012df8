"""Orderly exit on signals: Ctrl-C, SIGTERM and SIGHUP keep the results so far.

The exit code is 128 plus the number of the signal. A handler may run between any two instructions,
even while a result is being written, so a block of code can hold signals back and let them through
only where nothing is half done. Signals also wait while a module is imported, because extension
modules turn an exception from a handler into errors of their own.
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
    "SIGBREAK": "interrupted",  # Windows
}
IMPORT_CHECK = 0.02  # seconds between checks whether an import is over
# Seconds after which a second signal ends the process at once. Terminals, shells and `timeout` send
# a signal twice in quick succession; a person who insists does so later.
SECOND_SIGNAL = 1.0

_T = TypeVar("_T")


class Stop(BaseException):
    """A signal to end. Libraries catch Exception and KeyboardInterrupt, so it is neither."""

    def __init__(self, number: int) -> None:
        super().__init__(MESSAGES[signal.Signals(number).name])
        self.exit_code = 128 + number


class _State:
    handled: tuple[int, ...] = ()
    since: float | None = None  # monotonic time of the first signal, seconds
    stop: Stop | None = None  # the exception of the first signal
    raised = False
    held = False


def install() -> None:
    """Handle the signals that would end this process; ignored ones stay ignored (`nohup`)."""
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
    """Restore the default actions: an exception while Python shuts down would only be printed.

    After a handled signal, further ones are ignored: they must not change the exit code.
    """
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)
    for number in _State.handled:
        signal.signal(number, signal.SIG_DFL if _State.stop is None else signal.SIG_IGN)


def _handle(number: int, frame: FrameType | None) -> None:
    now = time.monotonic()
    if _State.since is not None:
        if now - _State.since > SECOND_SIGNAL:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        return
    _State.since, _State.stop = now, Stop(number)
    _deliver(frame)


@contextlib.contextmanager
def hold(held: bool = True) -> Iterator[None]:
    """Hold signals back, or with False let them through, until the end of the `with` block."""
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
    """Raise the exception of a signal again, if another error has replaced it."""
    if _State.raised and _State.stop is not None:
        raise _State.stop


def _deliver(frame: FrameType | None = None) -> None:
    if _State.stop is None or _State.raised or _State.held:
        return
    importing = _is_importing(frame)
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, IMPORT_CHECK if importing else 0)
        if importing:
            return
    _State.raised = True
    raise _State.stop


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
