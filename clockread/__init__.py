"""clockread reads the time from analog clocks in photographs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clockread.errors import (
    ClockreadError,
    ImageError,
    ModelError,
    ProviderError,
    RuntimeMissingError,
)

if TYPE_CHECKING:
    from clockread.reader import ClockReader
    from clockread.reading import Reading

__version__ = "0.1.0"
__all__ = [
    "ClockReader",
    "ClockreadError",
    "ImageError",
    "ModelError",
    "ProviderError",
    "Reading",
    "RuntimeMissingError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    """Load the reader (and with it OpenCV) on first use: importing clockread stays quick."""
    if name in ("ClockReader", "Reading"):
        from clockread import reader

        return getattr(reader, name)
    raise AttributeError(f"module 'clockread' has no attribute {name!r}")
