"""Rates that a track may have: pairs of frames propose them, and all frames judge them.

A pair gives a rate up to whole turns of the dial between its frames. Pairs of a few frames in a row
propose rates with few turns; the best are refined over ever longer parts of the track.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clockread.tracking.observations import (
    PHASES,
    SECONDS_ON_DIAL,
    SECONDS_PER_TURN,
    STEP,
    STEPS,
    Observation,
)

Floats = NDArray[np.floating]

FIRST = 20  # frames in a row whose pairs propose rates
KEPT = 8  # proposals that are refined
STARTS = 12  # frames whose times are tried as starts
MOST = 48  # frames that judge a rate at once
TRIED = 41  # rates per refinement by hour and minute hand
EXACT = 241  # the same with a second hand, which distinguishes much closer rates
# Rates that people and cameras choose; half of all other than 0 and 1 are taken to be among them.
ROUND = (
    -1, 0.1, 0.125, 0.2, 0.25, 0.5, 1.5, 2, 3, 4, 5, 6, 8, 10, 12, 15, 16, 20, 24, 25, 30, 32, 40,
    48, 50, 60, 64, 75, 80, 90, 100, 120, 125, 128, 150, 180, 200, 240, 250, 300, 360, 400, 450,
    480, 500, 600, 720, 750, 800, 900, 1000, 1200, 1440, 1500, 1800, 2400, 3000, 3600,
)  # fmt: skip
BATCH = 256  # rates that are judged at once, to bound memory
RESOLUTION = 15.0  # seconds on the dial, over a part of a track, between rates that are compared
MAX_ADVANCE = 20.0  # seconds per frame up to which an inexact rate still predicts a second hand


def likely_rates(times: Floats, frames: Sequence[Observation]) -> list[float]:
    """Return the most likely rates other than 0 and 1, best first; none for fewer than 3 frames.

    Args:
        times: of the frames, seconds, ascending, (n,).
        frames: what each says.

    """
    if len(times) < 3 or times[-1] <= times[0]:
        return []
    judge = _Judge(times, frames)
    part = judge.clearest(min(FIRST, len(times)))
    rates = judge.refined(judge.proposed(part), part)[:KEPT]
    while len(part) < len(times):
        part = judge.longer(part)
        rates = judge.refined(rates, part)[: max(2, KEPT // 3)]
    span = float(times[-1] - times[0])
    near = 2.0 * RESOLUTION * 4 / span
    return [*rates[:2], *(float(r) for r in ROUND if any(abs(r - one) < near for one in rates[:2]))]


class _Judge:
    """Sums of log-likelihoods along rates, over parts of a track."""

    def __init__(self, times: Floats, frames: Sequence[Observation]) -> None:
        self._times = times
        self._by_time = np.stack([one.sharp for one in frames])
        there = float(np.mean([one.presence for one in frames])) > 0
        self._by_second = np.stack([one.by_second * there for one in frames])
        self._shown = np.array([_shown(one) for one in frames])

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
        apart = shown[j] - shown[i]
        found = []
        for period in (SECONDS_ON_DIAL, SECONDS_PER_TURN):
            turns = np.arange(-len(part), len(part) + 1)
            difference = (apart + period / 2) % period - period / 2
            rates = (difference[:, None] + period * turns) / np.maximum(gap, 1e-9)[:, None]
            found.append(rates[np.abs(rates) * shortest <= period / 2])
        every = np.concatenate(found)
        resolution = RESOLUTION / float(times[-1] - times[0])
        return np.unique(np.rint(every / resolution)) * resolution

    def refined(self, rates: Floats | Sequence[float], part: range) -> list[float]:
        """Return rates, refined over a part of the track, best first."""
        chosen = np.unique(np.linspace(part.start, part.stop - 1, MOST).astype(int))
        span = float(self._times[chosen[-1]] - self._times[chosen[0]])
        best = np.asarray(rates, np.float64)
        best = best[np.argsort(-self._scores(best, chosen), kind="stable")][:KEPT]
        for width, count, seconds in ((4.0, TRIED, False), (3.0, EXACT, True)):
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
        starting = np.unique(np.linspace(0, len(chosen) - 1, STARTS).astype(int))
        gap = float(np.median(np.diff(since)))
        out = np.empty(len(rates))
        for first in range(0, len(rates), BATCH):
            advance = rates[first : first + BATCH, None] * since
            starts = self._shown[chosen][starting] - advance[:, starting]
            shown = starts[:, :, None] + advance[:, None, :]
            at = np.rint(shown / STEP).astype(np.int64) % STEPS
            total = by_time[rows, at].sum(axis=2)
            slow = seconds | (np.abs(rates[first : first + BATCH]) * gap <= MAX_ADVANCE)
            phase = np.rint(shown[slow] * (PHASES / SECONDS_PER_TURN)).astype(np.int64) % PHASES
            total[slow] += by_second[rows, phase].sum(axis=2)
            out[first : first + BATCH] = total.max(axis=1)
        return out


def _shown(one: Observation) -> float:
    """Return the most likely time of a frame, seconds past twelve."""
    if one.second is None:
        return 60.0 * one.minutes
    return 60.0 * round((60.0 * one.minutes - one.second) / 60.0) + one.second
