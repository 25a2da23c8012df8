"""Rules by which our fits decide the report's claims about networks that tell the time.

The report's sentences are taken with the margins given here.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.report.results import DivergedError, Entry, NotRunError, Result, metric_key
from training.report.verdicts import (
    FAILS,
    HOLDS,
    INCOMPARABLE,
    RISE,
    Entries,
    Judge,
    Outcome,
    Verdict,
    entry_of,
    first_epoch,
)

_NAMES = ("multi-head", "regression", "classification-720", "sine-loss", "unit-circle", "sin-cos")
SIX = tuple(f"time/{name}" for name in _NAMES)
CHANCE = 180.0  # minutes: mean error of a random time


def _verdict(outcome: Outcome, entry: Entry) -> Verdict:
    ok, numbers = outcome
    source = entry.fits[0]["images"]["source"]
    clocks = "the given images" if source == "given" else f"{source} clocks"
    return Verdict(HOLDS if ok else FAILS, f"{numbers} ({clocks})")


def _judge(rule: Callable[[Entry], Outcome]) -> Judge:
    """Make a judge of a rule about one entry; its numbers name the clocks that it ran on."""
    return lambda entry, _: _verdict(rule(entry), entry)


def _curve(entry: Entry, head: str, metric: str, prefix: str = "val_") -> np.ndarray:
    history = entry.fits[0]["history"]
    curve = np.array(history[metric_key(history, head, metric, prefix)], float)  # None becomes nan
    if np.isnan(curve).all():
        raise DivergedError(f"the fit diverged: {head} {metric} is no number in any epoch")
    return curve


def _tested(fit: Result, head: str, metric: str) -> float:
    key = metric_key(fit["test"], head, metric)
    return _number(key, fit["test"][key])


def _error(fit: Result, key: str) -> float:
    """Return a common-sense error on the test images, which a network that diverged lacks."""
    return _number(key, fit["test"].get(key))


def _number(name: str, value: float | None) -> float:
    if value is None:
        raise DivergedError(f"the fit diverged: its {name} is no number")
    return float(value)


def _name(entry: str) -> str:
    return entry.split("/")[1]


@_judge
def half_the_hours(entry: Entry) -> Outcome:
    """Judge whether half of the hours are first right between epochs 50 and 200."""
    curve = _curve(entry, "hour", "accuracy")
    epoch = first_epoch(curve >= 0.5)
    when = f"from epoch {epoch}" if epoch else f"in none of {len(curve)} epochs"
    return epoch is not None and 50 <= epoch <= 200, f"50 % of hours right {when}"


@_judge
def hours_at_the_end(entry: Entry) -> Outcome:
    """Judge whether 80 to 90 % of the hours are right at the end."""
    right = _tested(entry.fits[0], "hour", "accuracy")
    return abs(right - 0.85) <= 0.05, f"{100 * right:.1f} % after {entry.epochs} epochs"


@_judge
def hours_retrained(entry: Entry) -> Outcome:
    """Judge whether 85 to 95 % of the hours are right after retraining the saved model."""
    if "retrained" not in entry.fits[0]:
        raise NotRunError("the saved model was not retrained")
    start, epochs, _ = entry.fits[0]["config"]["retrain"]
    right = _tested(entry.fits[0]["retrained"], "hour", "accuracy")
    return abs(right - 0.9) <= 0.05, f"{100 * right:.1f} % after {start} + {epochs} epochs"


@_judge
def minutes_soon(entry: Entry) -> Outcome:
    """Judge whether the minute's MAE is below 10 by epoch 15."""
    epoch = first_epoch(_curve(entry, "minute", "mae") < 10)
    when = f"from epoch {epoch}" if epoch else "never"
    return epoch is not None and epoch <= 15, f"minute MAE below 10 {when}"


@_judge
def minutes_at_the_end(entry: Entry) -> Outcome:
    """Judge whether the minute's final MAE is below 0.6."""
    error = _tested(entry.fits[0], "minute", "mae")
    return error < 0.6, f"{error:.3g} minutes after {entry.epochs} epochs"


def a_wrong_hour_costs_hours(entry: Entry, found: Entries) -> Verdict:
    """Judge whether some errors of the two heads exceed an hour; list the errors of all six."""
    texts = []
    for name in SIX:
        test = found[name].fits[0]["test"] if name in found else {}
        if "error_max" in test:
            share, largest = 100 * test["error_beyond_60"], test["error_max"]
            texts.append(f"{_name(name)} {share:.1f} %, {largest:.0f} minutes")
    text = "errors over an hour, and the largest: " + "; ".join(texts)
    return _verdict((_error(entry.fits[0], "error_max") > 60, text), entry)


@_judge
def never_hours_off(entry: Entry) -> Outcome:
    """Judge whether no error exceeds an hour."""
    beyond, largest = (_error(entry.fits[0], key) for key in ("error_beyond_60", "error_max"))
    text = f"{100 * beyond:.1f} % of errors over an hour"
    return largest <= 60, f"{text}, the largest {largest:.0f} minutes"


def hours_away(entry: Entry, _: Entries) -> Verdict:
    """Judge whether the final MAE of the hours is between 0.3 and 0.6.

    Rendered turned clocks cannot show it: this claim chose how they are rendered.
    """
    error = _tested(entry.fits[0], "hours", "mae")
    text = f"{error:.3f} h after {entry.epochs} epochs"
    if entry.fits[0]["images"]["source"] == "turned":
        reason = "the number of camera places of the rendered clocks was chosen by this claim"
        return Verdict(INCOMPARABLE, f"{text}; {reason}")
    return _verdict((0.3 <= error <= 0.6, text), entry)


@_judge
def second_half_no_better(entry: Entry) -> Outcome:
    """Judge whether the lowest MAE of the second half of the epochs is over 0.9 of the first's."""
    curve = _curve(entry, "hours", "mae")
    middle = len(curve) // 2
    if middle == 0:
        raise NotRunError("a single epoch has run, which has no halves")
    first, second = (float(np.nanmin(half)) for half in (curve[:middle], curve[middle:]))
    text = f"best MAE {first:.3f} h in the first half of {len(curve)} epochs"
    return second > 0.9 * first, f"{text}, {second:.3f} h in the second"


@_judge
def memorized(entry: Entry) -> Outcome:
    """Judge whether over 90 % are right in training, and under 20 % on the test images."""
    trained = _curve(entry, "time", "accuracy", "")[-1]
    tested = _tested(entry.fits[0], "time", "accuracy")
    text = f"{100 * trained:.1f} % in training, {100 * tested:.1f} % on the test images"
    return trained > 0.9 and tested < 0.2, f"{text} after {entry.epochs} epochs"


@_judge
def loss_rises(entry: Entry) -> Outcome:
    """Judge whether the test loss is lowest between epochs 20 and 60, and higher at the end."""
    curve = _curve(entry, "time", "loss")
    lowest = int(np.nanargmin(curve))
    text = (
        f"test loss lowest ({curve[lowest]:.2f}) in epoch {lowest + 1}, {curve[-1]:.2f} at the end"
    )
    return 20 <= lowest + 1 <= 60 and curve[-1] >= RISE * curve[lowest], text


@_judge
def never_converges(entry: Entry) -> Outcome:
    """Judge whether every version of the loss ends above a third of a random time's error."""
    fits = entry.select(entry.data_sets[0])
    means = {f["variant"]: _error(f, "error_mean") for f in fits}
    text = ", ".join(f"{variant} {mean:.0f} minutes" for variant, mean in means.items())
    text += f" after {entry.epochs} epochs; a random time errs by {CHANCE:.0f}"
    return min(means.values()) > CHANCE / 3, text


@_judge
def coordinates(entry: Entry) -> Outcome:
    """Judge whether the final MAE of both coordinates is between 0.015 and 0.045."""
    x, y = (_tested(entry.fits[0], head, "mae") for head in ("sin", "cos"))
    return all(abs(v - 0.03) <= 0.015 for v in (x, y)), f"MAE {x:.3f} and {y:.3f}"


def mean_error(low: float, high: float) -> Judge:
    """Judge whether the mean common-sense error is in a range of minutes."""

    @_judge
    def judge(entry: Entry) -> Outcome:
        mean = _error(entry.fits[0], "error_mean")
        return low <= mean <= high, f"{mean:.3g} minutes after {entry.epochs} epochs"

    return judge


@_judge
def mostly_exact(entry: Entry) -> Outcome:
    """Judge whether more than half of the test images are read to the minute."""
    share = _error(entry.fits[0], "error_exact")
    return share > 0.5, f"{100 * share:.1f} % exactly right"


def best_of_six(entry: Entry, found: Entries) -> Verdict:
    """Judge whether the entry has the lowest mean error of the report's six, at one profile.

    Raises:
        NotRunError: one of the six has not run.

    """
    six = {name: entry_of(found, name) for name in SIX}
    tests = {name: e.fits[0]["test"] for name, e in six.items()}
    means = {n: float(test["error_mean"]) for n, test in tests.items() if "error_mean" in test}
    own = _error(entry.fits[0], "error_mean")
    del means[entry.name]
    if not means:
        raise DivergedError("all others diverged")
    text = f"{own:.1f} minutes; " + ", ".join(f"{_name(n)} {m:.1f}" for n, m in means.items())
    others = [_name(n) for n, e in six.items() if e.profile != entry.profile]
    if others:
        return Verdict(INCOMPARABLE, f"{text}; at another profile: {', '.join(others)}")
    return _verdict((own < min(means.values()), text), entry)
