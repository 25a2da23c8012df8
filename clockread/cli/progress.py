"""A progress bar on standard error for the time that many photos take."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

MAX_BAR_COLUMNS = 40
OTHER_COLUMNS = 50  # for the count, the rate and the time left
NARROW = 60  # terminal columns below which the bar has no label
REFRESH_SECONDS = 0.1


@contextlib.contextmanager
def progress_bar(
    total: int,
    *,
    unit: str = "photos",
    hidden: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Callable[[], None]]:
    """Show a progress bar until the block ends; yield the function to call after each photo.

    The end of the block erases the bar. A line on standard output inside the block would break it;
    warnings on standard error appear above it. There is no bar for fewer than two photos, or if
    standard error cannot show one.

    Args:
        total: the number of photos.
        unit: what they are.
        hidden: whether to show no bar.
        clock: monotonic time, seconds.

    """
    bar = None if hidden or total < 2 else _started_bar(total)
    if bar is None:
        yield lambda: None
        return
    began = drawn = clock()
    done = 0

    def advance() -> None:
        nonlocal done, drawn
        done += 1
        now = clock()
        pace = _pace(done, total, now - began, unit)
        bar.update(bar.task_ids[0], completed=done, pace=pace)
        if now - drawn >= REFRESH_SECONDS:
            drawn = now
            with contextlib.suppress(OSError, ValueError):  # a terminal that is gone
                bar.refresh()

    try:
        yield advance
    finally:
        with contextlib.suppress(OSError, ValueError):
            bar.stop()


def _started_bar(total: int) -> Progress | None:
    """Return a bar that is shown, or None if standard error cannot show one."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    stream = sys.stderr
    try:
        if stream is None or not stream.isatty():
            return None
        console = Console(file=stream)
        if not console.is_interactive:  # it cannot erase, such as TERM=dumb
            return None
        columns = (
            *([TextColumn("reading")] if console.width >= NARROW else []),
            BarColumn(max(5, min(MAX_BAR_COLUMNS, console.width - OTHER_COLUMNS))),
            TextColumn("{task.completed:,}/{task.total:,}"),
            TextColumn("{task.fields[pace]}", style="dim"),
        )
        # Drawn by `advance`, not by a thread, which some machines do not allow. Redirecting stdout
        # would send results to stderr.
        bar = Progress(
            *columns, console=console, auto_refresh=False, transient=True, redirect_stdout=False
        )
        bar.add_task("reading", total=total, pace="")
        bar.start()
    # A terminal that is gone, a closed stream, no more threads.
    except (OSError, ValueError, RuntimeError):
        return None
    return bar


def _pace(done: int, total: int, seconds: float, unit: str) -> str:
    """Return the mean rate so far, and the time left at that rate."""
    if seconds <= 0:
        return ""
    rate = done / seconds
    minutes, rest = divmod(round((total - done) / rate), 60)
    hours = f"{minutes // 60}:{minutes % 60:02}" if minutes >= 60 else f"{minutes}"
    digits = 0 if rate >= 100 else 1 if rate >= 1 else 2
    return f"{rate:,.{digits}f} {unit}/s, {hours}:{rest:02} left"
