"""Errors that a caller can act on; each message is one line: what, which file, what to do."""

from __future__ import annotations

import unicodedata

UNSAFE_CATEGORIES = frozenset(
    ("Cc", "Cs", "Zl", "Zp")
)  # control characters, lone surrogates, line and paragraph separators
BIDI_CONTROLS = frozenset(
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)  # they reorder what is shown after them


class ClockreadError(Exception):
    """Base class of every error that clockread raises on purpose."""


class ImageError(ClockreadError, ValueError):
    """A photo that cannot be read: missing, damaged, empty, too large, or not a photo."""


class ModelError(ClockreadError, RuntimeError):
    """A model file that is missing, damaged, or of a version other than the manifest's."""


class ProviderError(ClockreadError, RuntimeError):
    """An execution provider that was named and is not usable on this machine."""


class RuntimeMissingError(ClockreadError, ImportError):
    """onnxruntime or OpenCV is missing or cannot be imported; the message names the command that installs it."""


def one_line(text: str, limit: int = 300) -> str:
    r"""Return text that is safe on one line of a terminal.

    Spaces of every kind are kept. Control characters, lone surrogates, line separators and bidirectional controls become Python escapes
    such as ``\n``. The middle is left out beyond ``limit`` characters.
    """
    if not text.isprintable():
        text = "".join(
            _escaped(c) if unicodedata.category(c) in UNSAFE_CATEGORIES or c in BIDI_CONTROLS else c
            for c in text
        )
    return text if len(text) <= limit else f"{text[: limit // 2]}…{text[-limit // 2 :]}"


def _escaped(character: str) -> str:
    return ascii(character)[1:-1]
