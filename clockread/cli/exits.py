"""How each command ends: its exit code, and errors as one line.

Exit codes: 0 all photos processed; 1 at least one could not be processed, or output could not be
written; 2 wrong usage, such as a file in place of a folder for output, or a provider, model or
library that is missing or fails; 129 hung up; 130 interrupted; 141 the reader of a pipe went away;
143 terminated.
"""

from __future__ import annotations

import errno
import sys
import warnings
from collections.abc import Callable

import typer

from clockread.cli import signals
from clockread.errors import ClockreadError, OutputError, reason_of
from clockread.streams import abandon, complain

EXIT_OK = 0
EXIT_PHOTO_ERROR = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141  # 128 + SIGPIPE, as shells report it
FULL = (errno.ENOSPC, errno.EDQUOT)  # errors of a disk without space, or of a quota


def run_and_exit(action: Callable[[], int], *, quiet: bool = False) -> None:
    """Run a command's body and exit with its code; warnings become one line on standard error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if quiet else "default")
        # A signal may leave a file open that is being read.
        warnings.simplefilter("ignore", ResourceWarning)
        warnings.showwarning = _show_warning
        code = exit_code(action)
    raise typer.Exit(code)


def exit_code(action: Callable[[], int]) -> int:
    """Run an action and return its exit code; an error that a user can act on becomes one line."""
    try:
        code = action()
        sys.stdout.flush()
    except OutputError as error:
        return _failed(str(error))
    except ClockreadError as error:
        return _failed(str(error), EXIT_USAGE)
    except KeyboardInterrupt:
        return _failed("interrupted", EXIT_INTERRUPTED)
    except BrokenPipeError:
        abandon(sys.stdout)
        signals.resume()
        return EXIT_BROKEN_PIPE
    except OSError as error:  # of writing, such as to a full disk: reading is guarded per photo
        abandon(sys.stdout)
        signals.resume()
        return _failed(_not_written(error))
    except MemoryError:
        return _failed("not enough memory; use fewer --threads")
    except RecursionError:
        return _failed("folders or data are nested too deeply")
    except ImportError as error:
        name = error.name or "a library"
        message = f"{name} cannot be imported ({error}); install clockread again"
        return _failed(message, EXIT_USAGE)
    except RuntimeError as error:
        if "new thread" not in str(error):
            raise
        return _failed("the system allows no more threads; use fewer --threads")
    return code


def _not_written(error: OSError) -> str:
    reason = reason_of(error)
    remedy = "free some" if error.errno in FULL else "write to another place"
    return f"cannot write the results: {reason[:1].lower()}{reason[1:]}; {remedy}"


def _failed(message: str, code: int = EXIT_PHOTO_ERROR) -> int:
    complain(message)
    return code


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    complain(f"warning: {message}")
