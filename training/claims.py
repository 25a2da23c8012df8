"""What the report claims, and how our fits decide each claim. Thresholds are ours: the report gives none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training.fit_results import Entry, metric_key

HOLDS, FAILS, OPEN, MISSING = "holds", "does not hold", "not settled", "not run"
SAME = 0.5  # percentage points that our accuracy may lie below the report's and still reach it
FAR = 3.0  # percentage points that count as "far below"
SMALL = 1.5  # percentage points that count as a small difference
RISE = 1.05  # validation loss at the end over its lowest, from which a network over-fits

SIX = tuple(f"time/{name}" for name in ("multi-head", "regression", "classification-720", "sine-loss", "unit-circle", "sin-cos"))

Entries = dict[str, Entry]


@dataclass(frozen=True)
class Verdict:
    """A claim's outcome and the numbers that decide it."""

    status: str
    numbers: str
    settled: bool = False  # more images and epochs could not turn it round


@dataclass(frozen=True)
class Claim:
    """One sentence of the report; ``full`` where only the report's own setting settles it (or a verdict that is settled before)."""

    entry: str
    says: str
    judge: Callable[[Entry, Entries], Verdict]
    full: bool = False

    def verdict(self, found: Entries) -> Verdict:
        """Judge it by what was run."""
        entry = found.get(self.entry)
        if entry is None:
            return Verdict(MISSING, "no fits of this entry")
        try:
            verdict = self.judge(entry, found)
        except (KeyError, ValueError, IndexError, TypeError):  # no such fit, or one that diverged
            return Verdict(MISSING, "fits are missing or diverged")
        if (self.full and entry.profile != "full" and not verdict.settled) or entry.profile == "smoke":
            return Verdict(OPEN, f"{verdict.numbers}; profile {entry.profile}")
        return verdict


def _percent(entry: Entry, data: str, variant: str, how: Callable[[list[float]], float] = max) -> float:
    values = [100 * v for v in entry.test(data, variant) if np.isfinite(v)]
    if not values:
        raise ValueError(f"no fit of {data} {variant}")
    return float(how(values))


def _mean(values: list[float]) -> float:
    return float(np.mean(values))


def _all(outcomes: list[tuple[bool, str]]) -> Verdict:
    """Holds where it holds on every data set."""
    if not outcomes:
        raise ValueError("no data sets")
    return Verdict(HOLDS if all(ok for ok, _ in outcomes) else FAILS, "; ".join(text for _, text in outcomes))


def accuracy_of(variant: str, data: str, reported: float) -> Callable[[Entry, Entries], Verdict]:
    """Ours, best of the fits, reaches the report's within SAME points: the network gets this far, so more is no failure."""

    def judge(entry: Entry, _: Entries) -> Verdict:
        ours = _percent(entry, data, variant)
        text = f"{data}: best of {len(entry.of(data, variant))} {ours:.2f} %, the report {reported:.2f} % ({ours - reported:+.2f} points)"
        return Verdict(HOLDS if ours >= reported - SAME else FAILS, text)

    return judge


def lowest_loss_epoch(entry: Entry, data: str, variant: str) -> tuple[int, float]:
    """Epoch (from 1) of the lowest mean validation loss, and the last over the lowest."""
    curve = entry.curve(data, variant, "val_loss")
    at = int(np.nanargmin(curve))
    return at + 1, float(curve[-1] / curve[at])


def over_fits_from(variant: str, low: int, high: int) -> Callable[[Entry, Entries], Verdict]:
    """The lowest validation loss lies between two epochs on MNIST, which the report means; Fashion-MNIST's is said beside it."""

    def judge(entry: Entry, _: Entries) -> Verdict:
        outcomes = []
        for data in entry.data_sets:
            at, rise = lowest_loss_epoch(entry, data, variant)
            outcomes.append(
                (low <= at <= high, f"{data} {variant}: lowest at epoch {at} of {entry.epochs}, at the end {rise:.2f} times that")
            )
        return Verdict(HOLDS if outcomes[0][0] else FAILS, "; ".join(text for _, text in outcomes))

    return judge


def over_fits_early(variants: tuple[str, ...], by: int) -> Callable[[Entry, Entries], Verdict]:
    """The validation loss is lowest by an epoch and has risen at the end."""

    def judge(entry: Entry, _: Entries) -> Verdict:
        outcomes = []
        for data in entry.data_sets:
            for variant in variants:
                at, rise = lowest_loss_epoch(entry, data, variant)
                outcomes.append((at <= by and rise >= RISE, f"{data} {variant}: lowest at epoch {at}, at the end {rise:.2f} times that"))
        return _all(outcomes)

    return judge


def best_is(winner: str, *, worst: bool = False) -> Callable[[Entry, Entries], Verdict]:
    """A variant has the highest (lowest) mean accuracy, by more than the fits differ among themselves."""

    def judge(entry: Entry, _: Entries) -> Verdict:
        texts, ok, clear = [], True, True
        for data in entry.data_sets:
            means = {v: _percent(entry, data, v, _mean) for v in entry.variants}
            sign = -1 if worst else 1
            others = max(sign * m for v, m in means.items() if v != winner)
            spread = max(float(np.std([100 * x for x in entry.test(data, v)])) for v in entry.variants)
            lead = sign * means[winner] - others
            ok, clear = ok and lead > 0, clear and abs(lead) > spread
            fits = max(len(entry.test(data, v)) for v in entry.variants)
            differ = f"equal fits differ by ± {spread:.2f}" if fits > 1 else "one fit each"
            texts.append(f"{data}: " + ", ".join(f"{v} {m:.2f} %" for v, m in means.items()) + f" ({differ})")
        if not clear:
            return Verdict(OPEN, "; ".join([*texts, "a lead of less than equal fits differ by"]))
        return Verdict(HOLDS if ok else FAILS, "; ".join(texts))

    return judge


def differences_small(entry: Entry, _: Entries) -> Verdict:
    """All variants' mean accuracies lie within SMALL points."""
    outcomes = []
    for data in entry.data_sets:
        means = [_percent(entry, data, v, _mean) for v in entry.variants]
        width = max(means) - min(means)
        outcomes.append((width <= SMALL, f"{data}: {width:.2f} points between the best and the worst"))
    return _all(outcomes)


def learns_slowly(slow: str, usual: str) -> Callable[[Entry, Entries], Verdict]:
    """A variant takes at least twice the epochs to the accuracy that the usual one has after its third."""

    def judge(entry: Entry, _: Entries) -> Verdict:
        outcomes = []
        for data in entry.data_sets:
            a, b = entry.curve(data, slow, "val_accuracy"), entry.curve(data, usual, "val_accuracy")
            third = min(2, len(b) - 1)
            reached = np.flatnonzero(a >= b[third])
            when = int(reached[0]) + 1 if len(reached) else None
            text = f"{data}: {slow} needs {when or f'more than {len(a)}'} epochs for what {usual} has after {third + 1}"
            outcomes.append((when is None or when >= 2 * (third + 1), text))
        return _all(outcomes)

    return judge


def much_faster(quick: tuple[str, ...], slow: str) -> Callable[[Entry, Entries], Verdict]:
    """Each of ``quick`` reaches the last accuracy of ``slow`` in at most half its epochs."""

    def judge(entry: Entry, _: Entries) -> Verdict:
        outcomes = []
        for data in entry.data_sets:
            goal = entry.curve(data, slow, "val_accuracy")[-1]
            for variant in quick:
                reached = np.flatnonzero(entry.curve(data, variant, "val_accuracy") >= goal)
                when = int(reached[0]) + 1 if len(reached) else None
                text = f"{data}: {variant} reaches {slow}'s last {100 * goal:.2f} % " + (f"in epoch {when}" if when else "never")
                outcomes.append((when is not None and when <= entry.epochs / 2, text))
        return _all(outcomes)

    return judge


def validation_below_training(variant: str) -> Callable[[Entry, Entries], Verdict]:
    """The validation loss ends below the training loss."""

    def judge(entry: Entry, _: Entries) -> Verdict:
        outcomes = []
        for data in entry.data_sets:
            train, validation = (float(entry.curve(data, variant, k)[-1]) for k in ("loss", "val_loss"))
            outcomes.append((validation < train, f"{data}: validation {validation:.3f}, training {train:.3f} in the last epoch"))
        return _all(outcomes)

    return judge


def better_than(pairs: tuple[tuple[str, str], ...], by: float = 0.0) -> Callable[[Entry, Entries], Verdict]:
    """In every pair the first's mean accuracy is more than ``by`` points above the second's."""

    def judge(entry: Entry, _: Entries) -> Verdict:
        outcomes = []
        for data in entry.data_sets:
            for a, b in pairs:
                x, y = _percent(entry, data, a, _mean), _percent(entry, data, b, _mean)
                outcomes.append((x - y > by, f"{data}: {a} {x:.2f} %, {b} {y:.2f} %"))
        return _all(outcomes)

    return judge


# The report's test accuracies, per cent: (original, permuted)
PERMUTATION = {
    ("permutation/mlp", "mnist"): (96.94, 93.82),
    ("permutation/cnn", "mnist"): (99.24, 58.12),
    ("permutation/mlp", "fashion-mnist"): (87.66, 82.56),
    ("permutation/cnn", "fashion-mnist"): (90.96, 38.35),
}


def nearer_permutation(entry: Entry, data: str) -> str:
    """Which kind of permutation, "fixed" or "per-image", comes nearer to the report's permuted accuracy."""
    return min(("fixed", "per-image"), key=lambda v: abs(_percent(entry, data, v) - PERMUTATION[entry.name, data][1]))


def permuted_figure(data: str) -> Callable[[Entry, Entries], Verdict]:
    """The report's permuted accuracy is that of the fixed permutation it describes, not of another for every image."""

    def judge(entry: Entry, _: Entries) -> Verdict:
        original, reported = PERMUTATION[entry.name, data]
        ours = {v: _percent(entry, data, v) for v in ("original", "fixed", "per-image")}
        nearest = nearer_permutation(entry, data)
        text = (
            f"the report {original:.2f} → {reported:.2f} %; ours {ours['original']:.2f} → {ours['fixed']:.2f} % (fixed), "
            f"{ours['per-image']:.2f} % (another for every image); nearer to the report's: {nearest}, "
            f"{abs(ours[nearest] - reported):.1f} points away"
        )
        # FAR: between the two kinds lie tens of points
        holds = nearest == "fixed" and abs(ours["fixed"] - reported) <= FAR
        # training longer on more images only raises it
        return Verdict(HOLDS if holds else FAILS, text, settled=ours["fixed"] > reported + FAR)

    return judge


def time_curve(head: str, metric: str, judged: Callable[[np.ndarray], Verdict]) -> Callable[[Entry, Entries], Verdict]:
    """Judge a head's test curve (epochs,)."""

    def judge(entry: Entry, _: Entries) -> Verdict:
        history = entry.fits[0]["history"]
        return judged(entry.curve("clocks", entry.variants[0], metric_key(history, head, metric, "val_")))

    return judge


def at_epoch(curve: np.ndarray, epoch: int) -> float:
    """The value at an epoch (from 1), or at the last one."""
    return float(curve[min(epoch, len(curve)) - 1])


def time_test(key: str, low: float, high: float, unit: str) -> Callable[[Entry, Entries], Verdict]:
    """A test figure lies in a range; from zero, it only gets better and so is settled when it does."""

    def judge(entry: Entry, _: Entries) -> Verdict:
        value = float(entry.fits[0]["test"][key])
        ok = low <= value <= high
        return Verdict(HOLDS if ok else FAILS, f"{key} {value:.3g}{unit} after {entry.epochs} epochs", settled=ok and low == 0)

    return judge


def beats_all(entry: Entry, found: Entries) -> Verdict:
    """Lowest mean common-sense error of the report's six time/* entries."""
    six = {n: e for n, e in found.items() if n in SIX}
    if len(six) < len(SIX):
        raise ValueError("not all six were run")
    means = {n: float(e.fits[0]["test"]["error_mean"]) for n, e in six.items() if "error_mean" in e.fits[0]["test"]}
    own = means.pop(entry.name)
    text = f"{own:.1f} minutes; " + ", ".join(f"{n} {m:.1f}" for n, m in means.items())
    return Verdict(HOLDS if own < min(means.values()) else FAILS, text)
