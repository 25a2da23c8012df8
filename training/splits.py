"""Profiles, and the seeds of rendered data: no dial is used both for training and evaluation.

Typefaces, background photographs and objects are shared by all splits.
"""

from __future__ import annotations

PROFILES = ("smoke", "reduced", "full")  # minutes, a night, days

# Seeds of rendered dials and scenes, by use.
VALIDATION = range(1_000_000)
TRAINING = range(1_000_000, 2_000_000)
CALIBRATION = range(2_000_000, 2_500_000)  # of confidence and dial score
QUANTIZATION = range(2_500_000, 3_000_000)  # ranges of activations
COMPARISON = range(3_000_000, 4_000_000)  # benchmarks against other programs
SPLITS = (VALIDATION, TRAINING, CALIBRATION, QUANTIZATION, COMPARISON)


def check_seeds(first: int, count: int) -> None:
    """Raise ValueError unless the seeds ``first`` … ``first + count - 1`` belong to one split."""
    if not any(first in split and first + count <= split.stop for split in SPLITS):
        last = first + count - 1
        raise ValueError(f"seeds {first} to {last} are not within a split of training.splits")
