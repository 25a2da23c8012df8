"""Errors that a caller can act on; each message is one line: the file, the problem, the remedy."""

from __future__ import annotations

import unicodedata

# Control characters, lone surrogates, line and paragraph separators.
UNSAFE_CATEGORIES = frozenset(("Cc", "Cs", "Zl", "Zp"))
# They reorder the text that follows them.
BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class ClockreadError(Exception):
    """Base class of every error that clockread raises on purpose."""


class ImageError(ClockreadError, ValueError):
    """A photo that cannot be read: missing, damaged, empty, too large, or not a photo."""


class ImageTooLargeError(ImageError):
    """A photo with more pixels, or that takes more memory to decode, than the limit."""


class UnsupportedImageError(ImageError):
    """A file that is not a photo, or a photo of a format that is not supported."""


class VideoError(ClockreadError, ValueError):
    """A video, a camera or a stream that cannot be read, or not to its end."""


class ModelError(ClockreadError, RuntimeError):
    """A model file that is missing, damaged, or of a version other than the manifest's."""


class ProviderError(ClockreadError, RuntimeError):
    """An execution provider that was named but is not usable on this machine, or that fails."""


class GpuMemoryError(ProviderError):
    """A GPU without enough free memory for a batch."""


class OutputError(ClockreadError, RuntimeError):
    """Output that cannot be written, such as to a full disk, after the work has begun."""


class PageError(ClockreadError, RuntimeError):
    """A part of the page for browsers that is missing or damaged, or a wrong path for it."""


class RuntimeMissingError(ClockreadError, ImportError):
    """onnxruntime or OpenCV is missing or broken; the message has the command to install it."""


def one_line(text: str, limit: int = 300) -> str:
    r"""Return text that is safe on one line of a terminal.

    Spaces of every kind are kept. Control characters, lone surrogates, line separators and
    bidirectional controls become Python escapes such as ``\n``. The middle of a text of more than
    ``limit`` characters is left out.
    """
    if not text.isprintable():
        text = "".join(ascii(c)[1:-1] if _is_unsafe(c) else c for c in text)
    return text if len(text) <= limit else f"{text[: limit // 2]}…{text[-limit // 2 :]}"


def _is_unsafe(character: str) -> bool:
    return unicodedata.category(character) in UNSAFE_CATEGORIES or character in BIDI_CONTROLS


def reason_of(error: Exception) -> str:
    """Return the reason that an error of another library or of the system gives, in one line."""
    reason = getattr(error, "strerror", None)  # also of FFmpeg's errors, which are of many types
    return one_line(str(reason or error), 120) or type(error).__name__
