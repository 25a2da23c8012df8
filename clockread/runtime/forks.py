"""Sessions that a forked process inherits: it can neither run nor release them.

Threads of a session do not survive a fork. A call in the child would wait for them forever, and so
would the release of the session, by its last user or by the garbage collector.
"""

from __future__ import annotations

import ctypes
import os
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

# Those of this process, by id.
_sessions: weakref.WeakValueDictionary[int, InferenceSession] = weakref.WeakValueDictionary()


def never_released_in_forks(session: InferenceSession) -> InferenceSession:
    """Return the session, of which forked processes will keep their copy until they end."""
    _sessions[id(session)] = session
    return session


def _keep_inherited() -> None:
    for session in _sessions.values():
        # One reference that is never given back, so that not even the interpreter's end releases it
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(session))
    _sessions.clear()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_keep_inherited)
