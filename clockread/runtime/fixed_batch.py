"""Fixed batch sizes: the sizes of each provider's sessions, and how a batch is cut into them.

onnxruntime's CUDA provider keeps the cuDNN plan of a convolution for the last shape of its input
only (onnxruntime#23006), and TensorRT builds an engine for a range of shapes. So a session on an
accelerator has one batch size and never sees another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class FixedBatch:
    """The batch sizes of a provider's sessions."""

    sizes: tuple[int, ...]  # ascending; each has a session of its own, opened at its first use
    call_cost: int  # inputs that take as long as starting a call; an estimate, not measured


# On a GPU, 8 inputs take hardly longer than one; starting a call's kernels takes longer than both.
NVIDIA_BATCH = FixedBatch((8, 32, 128), call_cost=16)
OTHER_BATCH = FixedBatch((1, 2, 4, 8, 16, 32), call_cost=1)
# By provider. The CPU and OpenVINO take every size as it comes, and are faster without padding.
FIXED_BATCH: Mapping[str, FixedBatch] = {
    "cuda": NVIDIA_BATCH,
    "tensorrt": NVIDIA_BATCH,
    "coreml": OTHER_BATCH,
    "dml": OTHER_BATCH,
}


def pieces(count: int, batch: FixedBatch) -> tuple[int, ...]:
    """Return the sizes of the calls that take ``count`` inputs, largest first, at least one call.

    Their sum may exceed ``count``: the last call is padded. The calls are those that cost least.
    """
    whole, rest = divmod(count, batch.sizes[-1])
    last = _cheapest(rest, batch)[1] if rest or not whole else ()
    return (batch.sizes[-1],) * whole + last


@cache
def _cheapest(count: int, batch: FixedBatch) -> tuple[int, tuple[int, ...]]:
    """Return the cost, in inputs, of at most one largest size, and the sizes of its calls."""
    options = []
    for size in batch.sizes:
        cost, calls = _cheapest(count - size, batch) if count > size else (0, ())
        sizes = tuple(sorted((size, *calls), reverse=True))
        options.append((cost + batch.call_cost + size, len(sizes), sizes))
    cost, _, sizes = min(options)
    return cost, sizes


def padded(inputs: Grey, size: int) -> Grey:
    """Return ``size`` inputs: the given ones, at most that many, then zeros."""
    missing = size - len(inputs)
    if not missing:
        return inputs
    return np.concatenate([inputs, np.zeros((missing, *inputs.shape[1:]), inputs.dtype)])
