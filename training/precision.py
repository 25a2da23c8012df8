"""The precision that networks compute in: bfloat16 only where the hardware multiplies it."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

Precision = Literal["float32", "mixed_bfloat16"]  # mixed: weights and outputs stay in float32
MIXED: Final = "mixed_bfloat16"

# Features of x86 and ARM processors, as Linux names them, that multiply bfloat16.
PROCESSOR_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
PROCESSOR_FILE = Path("/proc/cpuinfo")


def usable_precision(wanted: Precision) -> Precision:
    """Return ``wanted``, or float32 if this machine would have to emulate bfloat16.

    TensorFlow computes in bfloat16 everywhere: a core of an EPYC without AVX-512 took 34 ms to
    train on an image of a clock in mixed_bfloat16, and 3.4 ms in float32. If float32 is returned
    instead, a line says so.
    """
    if wanted == "float32" or _has_accelerator() or PROCESSOR_FLAGS & _processor_flags():
        return wanted
    print(f"float32 instead of {wanted}, which this processor would emulate", flush=True)
    return "float32"


def _has_accelerator() -> bool:
    import keras

    if keras.backend.backend() == "torch":  # for which older versions of Keras list no devices
        import torch

        return bool(torch.cuda.is_available())
    return bool(keras.distribution.list_devices("gpu"))


def _processor_flags() -> set[str]:
    """Return the features of the first processor, or none if the system does not list them."""
    try:
        lines = PROCESSOR_FILE.read_text().splitlines()
    except OSError:
        return set()
    for line in lines:
        name, _, flags = line.partition(":")
        if name.strip() in {"flags", "Features"}:  # x86, ARM
            return set(flags.split())
    return set()
