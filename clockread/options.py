"""Options of a reader: how much is spent on a dial, and which scores something must have to be read as a clock."""

from __future__ import annotations

import numbers
from dataclasses import dataclass

from clockread.hands import MAX_PASSES
from clockread.retry import RETRY_BELOW
from clockread.runtime.manifest import SMALL

MAX_CLOCKS = 1000  # dials that are read in a photo by default: more than the finder can separate


@dataclass(frozen=True)
class Thresholds:
    """Scores that a dial in a whole photo must reach; chosen on rendered scenes (`benchmarks/thresholds.py`)."""

    finder_score: float = 0.12
    """Score of the finder, 0..1, from which a detection goes to the pose network; few below it would reach `dial_score`."""
    dial_logit: float = -1.0
    """Logit of the pose network from which a dial is read; few below it would reach `dial_score`."""
    dial_score: float = 0.65
    """Probability, 0..1, of being a clock, from which a reading is returned.

    The best F1 on rendered scenes is at 0.4 (0.913); 0.65 loses 0.003 of it and gives a quarter as many readings on photographs
    without clocks.
    """


@dataclass(frozen=True)
class Effort:
    """How much time is spent on a dial. `small` uses one pass without retries or tiles, the other models the defaults."""

    passes: int = MAX_PASSES
    """Most passes over a dial, 3 by default; the pose is refined between two passes."""
    retry_below: float = RETRY_BELOW
    """Raw confidence, 0..1, below which a dial is retried, 0.9 by default; 0 retries none."""
    windows: bool = True
    """Whether a retry uses other crop windows."""
    colors: bool = True
    """Whether a retry uses the principal colors of the face."""
    tiles: bool = True
    """Whether a photo without a confident detection is searched in tiles."""


ONCE = Effort(passes=1, retry_below=0.0, tiles=False)
EFFORTS = {SMALL: ONCE}  # by model; all others have the default


def check_options(
    *,
    batch_size: object,
    threads: object,
    max_clocks: object,
    min_confidence: object,
    effort: object,
    thresholds: object,
) -> None:
    """Raise TypeError or ValueError for an option that makes no sense, before a session is opened."""
    for name, number in (
        ("batch_size", batch_size),
        ("threads", 1 if threads is None else threads),
        ("max_clocks", max_clocks),
    ):
        if isinstance(number, bool) or not isinstance(number, numbers.Integral):
            raise TypeError(f"{name} is {number!r}: give a whole number")
        if int(number) < 1:
            raise ValueError(f"{name} is {number}: give at least 1")
    if not isinstance(min_confidence, numbers.Real):
        raise TypeError(f"min_confidence is {min_confidence!r}: give a probability, 0..1")
    if not 0 <= float(min_confidence) <= 1:  # also refuses nan
        raise ValueError(f"min_confidence is {min_confidence}: give a probability, 0..1")
    if effort is not None and not isinstance(effort, Effort):
        raise TypeError(f"effort is {effort!r}: give an Effort, such as Effort(passes=1)")
    if thresholds is not None and not isinstance(thresholds, Thresholds):
        raise TypeError(
            f"thresholds is {thresholds!r}: give Thresholds, such as Thresholds(dial_score=0.4)"
        )
