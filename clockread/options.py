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
    """Score thresholds for dials found in whole photos, chosen on rendered scenes (`benchmarks/thresholds.py`)."""

    finder_score: float = 0.12  # of the finder, 0..1; detections below it are dropped at once
    dial_logit: float = -1.0  # of the pose network; detections below it are not read
    # Probability, 0..1, that the detection is a clock. The best F1 on rendered scenes is at 0.4 (0.913); 0.65 loses 0.003 of it and gives a
    # quarter as many readings on photographs without clocks.
    dial_score: float = 0.65


@dataclass(frozen=True)
class Effort:
    """How much is spent on a dial."""

    passes: int = MAX_PASSES  # of the reading network, each with a refined pose, at most
    retry_below: float = RETRY_BELOW  # raw confidence, 0..1, below which a dial is retried; 0: never
    windows: bool = True  # whether a retry uses other windows
    colors: bool = True  # whether a retry uses the principal colors of the face
    tiles: bool = True  # whether a photo without a detection of a high score is searched in tiles


ONCE = Effort(passes=1, retry_below=0.0, tiles=False)
EFFORTS = {SMALL: ONCE}  # by model; all others have the default


def check_options(
    *, batch_size: object, threads: object, max_clocks: object, min_confidence: object, effort: object, thresholds: object
) -> None:
    """Raise TypeError or ValueError for an option that makes no sense, before a session is opened."""
    for name, number in (("batch_size", batch_size), ("threads", 1 if threads is None else threads), ("max_clocks", max_clocks)):
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
        raise TypeError(f"thresholds is {thresholds!r}: give Thresholds, such as Thresholds(dial_score=0.4)")
