"""Statistics that a few wrong values do not change."""

from __future__ import annotations

import numpy as np

from clockread.geometry import Floats

_DEVIATIONS_PER_MAD = 1.4826  # standard deviations of a Gaussian per median absolute deviation


def standard_deviation(values: Floats) -> float:
    """Return the standard deviation of values (n,), n at least 1, by their median deviation."""
    return _DEVIATIONS_PER_MAD * float(np.median(np.abs(values - np.median(values))))
