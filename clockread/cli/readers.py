"""The reader that a command uses, from its options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clockread.reader import ClockReader


def make_reader(
    provider: str, *, max_clocks: int | None = None, device: int | None = None, **options: Any
) -> ClockReader:
    """Return the reader that the commands use.

    Args:
        provider: see ClockReader.
        max_clocks: see ClockReader; None for the default.
        device: the number of the GPU, if one is named.
        options: of ClockReader.

    """
    from clockread.options import MAX_CLOCKS
    from clockread.reader import ClockReader
    from clockread.runtime.gpu_options import GpuOptions

    if device is not None:
        options["gpu"] = GpuOptions(device_id=device)
    return ClockReader(provider, max_clocks=max_clocks or MAX_CLOCKS, **options)
