"""Options of a reader: the limits of its computation, and the scores that a clock must reach."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clockread.hands import MAX_PASSES, Hands
from clockread.retry import MIN_CLOCK_LOGIT, RETRY_BELOW

MAX_CLOCKS = 1000  # dials read per photo by default: more than the finder can separate


@dataclass(frozen=True)
class Thresholds:
    """Scores that dials in a whole photo must reach, chosen by `benchmarks/thresholds.py`."""

    finder_score: float = 0.12
    """Score of the finder, 0..1, from which a detection goes to the pose network.

    Few detections below it would reach `dial_score`.
    """
    dial_logit: float = -1.0
    """Logit of the pose network from which a dial is read; few below would reach `dial_score`."""
    dial_score: float = 0.65
    """Probability, 0..1, of being a clock, from which a reading is returned.

    The best F1 on rendered scenes is at 0.6 (0.864); 0.65 loses 0.004 of it and gives a reading on
    1.1 instead of 1.4 % of photographs without clocks.
    """


@dataclass(frozen=True)
class Effort:
    """Limits of the computation: passes and retries per dial, tiles per photo."""

    passes: int = MAX_PASSES
    """Maximum number of passes per dial, 3 by default; the pose is refined between two passes."""
    retry_below: float = RETRY_BELOW
    """Raw confidence, 0..1, below which a dial is retried, 0.9 by default; 0 retries none."""
    windows: bool = False
    """Whether a retry uses other crop windows, which gains half a point on rendered dials."""
    colors: bool = True
    """Whether a retry uses the principal colors of the face."""
    tiles: bool = True
    """Whether a photo without a confident detection is searched in tiles."""

    def __post_init__(self) -> None:
        passes, below = self.passes, self.retry_below
        if isinstance(passes, bool) or not isinstance(passes, int) or passes < 1:
            raise ValueError(f"passes is {passes!r}: give a whole number, at least 1")
        if not 0 <= below <= 1:  # also refuses nan
            raise ValueError(f"retry_below is {below!r}: give a confidence, 0..1")

    def retries(self, hands: Hands) -> bool:
        """Return whether a dial is retried: its confidence is low, and it may well be a clock."""
        return hands.confidence < self.retry_below and not hands.clock_logit < MIN_CLOCK_LOGIT


ONCE = Effort(passes=1, retry_below=0.0, tiles=False)
# Retries cost more than they gain: other frames of a video outvote one that is misread.
VIDEO = Effort(passes=2, retry_below=0.0)


def check_options(options: Mapping[str, Any]) -> None:
    """Raise TypeError or ValueError for an invalid option of `ClockReader`."""
    for name in ("batch_size", "threads", "max_clocks"):
        number = options[name]
        if name == "threads" and number is None:
            continue
        if isinstance(number, bool) or not isinstance(number, numbers.Integral):
            raise TypeError(f"{name} is {number!r}: give a whole number")
        if int(number) < 1:
            raise ValueError(f"{name} is {number}: give at least 1")
    min_confidence, effort, thresholds = (
        options[name] for name in ("min_confidence", "effort", "thresholds")
    )
    if not isinstance(min_confidence, numbers.Real):
        raise TypeError(f"min_confidence is {min_confidence!r}: give a probability, 0..1")
    if not 0 <= float(min_confidence) <= 1:  # also refuses nan
        raise ValueError(f"min_confidence is {min_confidence}: give a probability, 0..1")
    if effort is not None and not isinstance(effort, Effort):
        raise TypeError(f"effort is {effort!r}: give an Effort, such as Effort(passes=1)")
    if thresholds is not None and not isinstance(thresholds, Thresholds):
        example = "Thresholds(dial_score=0.4)"
        raise TypeError(f"thresholds is {thresholds!r}: give Thresholds, such as {example}")
