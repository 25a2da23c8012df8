"""The frames of a track → the time it started at and its rate, decoded jointly.

A dial shows t0 + rate · τ at the time τ of a frame. So the log-likelihoods of all frames add up
along every start and rate, and an uncertain or wrong frame is outvoted. Three kinds of rates
compete: 0 (stopped), 1 (real time) and any other (time lapse, slow motion, backwards).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from clockread.geometry import Floats
from clockread.tracking.observations import (
    PHASES,
    SECONDS_ON_DIAL,
    SECONDS_PER_TURN,
    STEP,
    STEPS,
    Observation,
)
from clockread.tracking.rates import RESOLUTION, ROUND_RATES, likely_rates

Kind = Literal["stopped", "real time", "free"]

STOPPED, REAL_TIME = 0.0, 1.0
PRIOR: dict[Kind, float] = {"stopped": 0.3, "real time": 0.5, "free": 0.2}  # of the kinds of rates
START_STEP = SECONDS_PER_TURN / PHASES  # seconds between the starts that are compared
# Frames' worth of evidence behind a confidence, because the errors of the frames of one view are
# alike. With two, the mean confidence of rendered tracks is close to the share that is right.
INDEPENDENT_FRAMES = 2.0
INDEPENDENT_FOR_RATE = 20.0  # the same for rates: hands are rarely misread at another rate
INDEPENDENT_FOR_HAND = 4.0  # the same for there being a second hand
RIGHT_WITHIN = 60.0  # seconds within which a start counts as right


@dataclass(frozen=True)
class Fit:
    """The times of a track."""

    start: float
    """Seconds past twelve at the time 0 of the track, 0 ≤ start < 43200.

    On a 24-hour dial they are past midnight, and 0 ≤ start < 86400.
    """
    rate: float
    """Seconds that the dial advances per second; negative if it runs backwards."""
    kind: Kind
    confidence: float
    """Probability, 0..1, that the times are right within one minute."""
    rate_confidence: float
    """Probability, 0..1, of the kind of rate against the other two."""
    has_seconds: bool
    """Whether a second hand gave the seconds."""
    dial_hours: int = 12
    """Hours on the dial: 12 or 24. Tracks are decoded modulo 12 hours."""

    def at(self, time: float) -> float:
        """Return the seconds past twelve at a time of the track.

        0 ≤ s < 43200; on a 24-hour dial they are past midnight, and 0 ≤ s < 86400.
        """
        return (self.start + self.rate * time) % (3600 * self.dial_hours)


@dataclass(frozen=True, eq=False)
class Sums:
    """The log-likelihoods of all frames, added up along a rate."""

    rate: float
    total: Floats  # (SECONDS_ON_DIAL / START_STEP,) of the starts
    seconds: bool  # whether a second hand gives the seconds of the best start

    @property
    def best(self) -> float:
        """The most likely start, seconds past twelve."""
        return float(self.total.argmax()) * START_STEP


def fit(times: Floats, frames: Sequence[Observation], rate: float | None = None) -> Fit:
    """Decode a track.

    Args:
        times: of the frames, seconds since the start of the track, (n,), n at least 1.
        frames: the observation of each frame.
        rate: the rate, if it is known; by default it is found.

    Returns:
        The start and rate of the highest likelihood.

    """
    times = np.asarray(times, np.float64)
    rates = [STOPPED, REAL_TIME, *likely_rates(times, frames)] if rate is None else [rate]
    weight, of_rate = (
        min(1.0, count / len(times)) for count in (INDEPENDENT_FRAMES, INDEPENDENT_FOR_RATE)
    )
    sums = [add_up(times, frames, one, sharp=True) for one in rates]
    scores = [_log_mean_exp(of_rate * one.total) + _log_prior(one.rate, len(times)) for one in sums]
    best = int(np.argmax(scores))
    chosen = add_up(times, frames, rates[best])
    others = {kind_of(one): -math.inf for one in rates}
    for one, score in zip(rates, scores, strict=True):
        others[kind_of(one)] = max(others[kind_of(one)], score)
    return Fit(
        chosen.best,
        chosen.rate,
        kind_of(chosen.rate),
        _near_best(weight * chosen.total),
        1 / sum(math.exp(score - scores[best]) for score in others.values()),
        chosen.seconds,
    )


def kind_of(rate: float) -> Kind:
    """Return the kind of a rate."""
    return "stopped" if rate == STOPPED else "real time" if rate == REAL_TIME else "free"


def add_up(
    times: Floats, frames: Sequence[Observation], rate: float, *, sharp: bool = False
) -> Sums:
    """Add up the log-likelihoods of all frames for every start at one rate.

    With ``sharp``, they are those with narrow modes, which distinguish rates. The start found with
    them would be too confident, because the errors of the frames are correlated.

    On a clock without a second hand, the network mistakes something that stands still for one. So
    equal directions in all frames are evidence of a stopped second hand only in so far as the clock
    has one.
    """
    advance = rate * times
    curves = [one.sharp if sharp else one.by_time for one in frames]
    coarse = _added(curves, advance / STEP)
    at = np.arange(round(SECONDS_ON_DIAL / START_STEP)) * (START_STEP / STEP)
    total = np.interp(at, np.arange(STEPS + 1), np.append(coarse, coarse[0]))
    hand, of_second = second_hand(frames), [one.by_second for one in frames]
    phases = _added(of_second, advance / START_STEP) - np.logaddexp(0, -hand)
    still = float(_added(of_second, 0 * advance).max()) - float(np.logaddexp(0, hand))
    total += np.tile(np.logaddexp(phases, still), SECONDS_ON_DIAL // SECONDS_PER_TURN)
    return Sums(rate, total, float(phases[int(total.argmax()) % PHASES]) > still)


def second_hand(frames: Sequence[Observation]) -> float:
    """Return the logit of a track's clock having a second hand."""
    presence = np.array([one.presence for one in frames])
    return float(presence.mean()) * min(INDEPENDENT_FOR_HAND, len(frames))


def _added(curves: Sequence[Floats], shifts: Floats) -> Floats:
    """Add circular curves (n,), each shifted back by a number of places."""
    out = np.zeros(len(curves[0]))
    for curve, shift in zip(curves, np.rint(shifts).astype(np.int64) % len(out), strict=True):
        out[: len(out) - shift] += curve[shift:]
        out[len(out) - shift :] += curve[:shift]
    return out


def _log_mean_exp(x: Floats) -> float:
    top = float(x.max())
    return top + math.log(float(np.exp(x - top).mean()))


def _log_prior(rate: float, frames: int) -> float:
    """Return the log prior of a rate: of other rates, half are round, and the rest any number."""
    prior = PRIOR[kind_of(rate)]
    if rate in (STOPPED, REAL_TIME):
        return math.log(prior)
    if rate in ROUND_RATES:
        return math.log(prior / 2 / len(ROUND_RATES))
    distinct = 2.0 * frames * SECONDS_ON_DIAL / RESOLUTION  # rates that frames could distinguish
    return math.log(prior / 2 / distinct)


def _near_best(total: Floats) -> float:
    """Return the probability of the starts within `RIGHT_WITHIN` of the best one."""
    p = np.exp(total - total.max())
    reach = round(RIGHT_WITHIN / START_STEP)
    best = int(p.argmax())
    near = p[(best + np.arange(-reach, reach + 1)) % len(p)].sum()
    return float(near / p.sum())
