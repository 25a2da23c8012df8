"""Candidate rates of a track: pairs of frames propose them, and all frames judge them.

A pair gives a rate up to whole turns of the dial between its frames. Pairs of a few frames in a row
propose rates with few turns; the best are refined over ever longer parts of the track.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clockread.clock import circular_difference, seconds_past_twelve
from clockread.geometry import Floats
from clockread.tracking.observations import (
    PHASES,
    SECONDS_ON_DIAL,
    SECONDS_PER_TURN,
    STEP,
    STEPS,
    Observation,
)

PAIRED_FRAMES = 20  # in a row, whose pairs propose rates
MAX_PROPOSALS = 8  # rates that are refined
STARTING_FRAMES = 12  # whose times are tried as starts
JUDGING_FRAMES = 48  # that judge a rate
COARSE_RATES = 41  # tried around each proposal, by hour and minute hand
FINE_RATES = 241  # the same with the second hand, which distinguishes much closer rates
# Rates that people and cameras choose: assumed for half of all dials at other rates than 0 and 1.
ROUND_RATES = (
    -1, 0.1, 0.125, 0.2, 0.25, 0.5, 1.5, 2, 3, 4, 5, 6, 8, 10, 12, 15, 16, 20, 24, 25, 30, 32, 40,
    48, 50, 60, 64, 75, 80, 90, 100, 120, 125, 128, 150, 180, 200, 240, 250, 300, 360, 400, 450,
    480, 500, 600, 720, 750, 800, 900, 1000, 1200, 1440, 1500, 1800, 2400, 3000, 3600,
)  # fmt: skip
RATES_PER_BATCH = 256  # judged at once, to bound memory
RESOLUTION = 15.0  # seconds on the dial, over a part of a track, between rates that are compared
MAX_ADVANCE = 20.0  # seconds per frame up to which an inexact rate still predicts a second hand


def likely_rates(times: Floats, frames: Sequence[Observation]) -> list[float]:
    """Return the most likely rates other than 0 and 1, best first; none for fewer than 3 frames.

    Args:
        times: of the frames, seconds, ascending, (n,).
        frames: the observation of each frame.

    """
    if len(times) < 3 or times[-1] <= times[0]:
        return []
    judge = _Judge(times, frames)
    part = judge.clearest(min(PAIRED_FRAMES, len(times)))
    rates = judge.refined(judge.proposed(part), part)[:MAX_PROPOSALS]
    while len(part) < len(times):
        part = judge.longer(part)
        rates = judge.refined(rates, part)[: max(2, MAX_PROPOSALS // 3)]
    span = float(times[-1] - times[0])
    near = 2.0 * RESOLUTION * 4 / span
    best = rates[:2]
    rounded = [float(r) for r in ROUND_RATES if any(abs(r - one) < near for one in best)]
    return [*best, *rounded]


class _Judge:
    """Sums of log-likelihoods along rates, over parts of a track."""

    def __init__(self, times: Floats, frames: Sequence[Observation]) -> None:
        self._times = times
        self._by_time = np.stack([one.sharp for one in frames])
        there = float(np.mean([one.presence for one in frames])) > 0
        self._by_second = np.stack([one.by_second * there for one in frames])
        self._shown = np.array([seconds_past_twelve(one.minutes, one.second) for one in frames])

    def clearest(self, count: int) -> range:
        """Return the part of ``count`` frames in a row whose times are the clearest."""
        clear = np.convolve(self._by_time.max(axis=1), np.ones(count), "valid")
        first = int(clear.argmax())
        return range(first, first + count)

    def longer(self, part: range) -> range:
        """Return a part that is twice as long, as far as the track goes."""
        more = len(part)
        first = max(0, part.start - more // 2)
        return range(first, min(len(self._times), first + 2 * more))

    def proposed(self, part: range) -> Floats:
        """Return the rates that the pairs of a part give, without those that repeat each other."""
        i, j = np.triu_indices(len(part), 1)
        times, shown = self._times[part.start : part.stop], self._shown[part.start : part.stop]
        gap = times[j] - times[i]
        shortest = float(np.diff(times).min()) or float(gap[gap > 0].min())
        found = []
        for period in (SECONDS_ON_DIAL, SECONDS_PER_TURN):
            turns = np.arange(-len(part), len(part) + 1)
            difference = circular_difference(shown[j], shown[i], period)
            rates = (difference[:, None] + period * turns) / np.maximum(gap, 1e-9)[:, None]
            found.append(rates[np.abs(rates) * shortest <= period / 2])
        every = np.concatenate(found)
        resolution = RESOLUTION / float(times[-1] - times[0])
        return np.unique(np.rint(every / resolution)) * resolution

    def refined(self, rates: Floats | Sequence[float], part: range) -> list[float]:
        """Return rates, refined over a part of the track, best first."""
        chosen = np.unique(np.linspace(part.start, part.stop - 1, JUDGING_FRAMES).astype(int))
        span = float(self._times[chosen[-1]] - self._times[chosen[0]])
        best = np.asarray(rates, np.float64)
        best = best[np.argsort(-self._scores(best, chosen), kind="stable")][:MAX_PROPOSALS]
        for width, count, seconds in ((4.0, COARSE_RATES, False), (3.0, FINE_RATES, True)):
            tried = best[:, None] + np.linspace(-width, width, count) * (RESOLUTION / span)
            scores = self._scores(tried.ravel(), chosen, seconds=seconds).reshape(tried.shape)
            best = np.take_along_axis(tried, scores.argmax(axis=1)[:, None], axis=1)[:, 0]
        out: list[float] = []
        for rate in best[np.argsort(-scores.max(axis=1), kind="stable")].tolist():
            if all(abs(rate - other) * span > RESOLUTION for other in out):
                out.append(rate)
        return out

    def _scores(self, rates: Floats, chosen: NDArray[np.int64], *, seconds: bool = False) -> Floats:
        """Return the highest log-likelihood (n,) at rates, among starts that frames propose.

        A second hand that advances far from frame to frame counts only with ``seconds``: at rates
        that are not exact yet, it would contradict all of them.
        """
        since = self._times[chosen] - self._times[chosen[0]]
        by_time, by_second = self._by_time[chosen], self._by_second[chosen]
        rows = np.arange(len(chosen))
        starting = np.unique(np.linspace(0, len(chosen) - 1, STARTING_FRAMES).astype(int))
        gap = float(np.median(np.diff(since)))
        out = np.empty(len(rates))
        for first in range(0, len(rates), RATES_PER_BATCH):
            advance = rates[first : first + RATES_PER_BATCH, None] * since
            starts = self._shown[chosen][starting] - advance[:, starting]
            shown = starts[:, :, None] + advance[:, None, :]
            at = np.rint(shown / STEP).astype(np.int64) % STEPS
            total = by_time[rows, at].sum(axis=2)
            slow = seconds | (np.abs(rates[first : first + RATES_PER_BATCH]) * gap <= MAX_ADVANCE)
            phase = np.rint(shown[slow] * (PHASES / SECONDS_PER_TURN)).astype(np.int64) % PHASES
            total[slow] += by_second[rows, phase].sum(axis=2)
            out[first : first + RATES_PER_BATCH] = total.max(axis=1)
        return out
