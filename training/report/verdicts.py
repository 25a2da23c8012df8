"""How our fits decide what the report claims of classifiers. Thresholds are ours where the report gives none.

`training.report.time_verdicts` has the rules for the networks that tell the time, `training.report.claims` the claims.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training.report.results import Entry

HOLDS, FAILS, OPEN, MISSING = "holds", "does not hold", "not settled", "has not run yet"
INCOMPARABLE = "not comparable"
SAME = 0.5  # percentage points that our accuracy may lie below the report's and still reach it
FAR = 3.0  # percentage points that count as "far below"
SMALL = 1.5  # percentage points that count as a small difference
RISE = 1.05  # validation loss at the end over its lowest, from which a network over-fits
DEAD = 15.0  # per cent: a fit below it never learned anything (ten classes)

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
    data: str | None = None  # the data set that it is about; None: all

    def verdict(self, found: Entries) -> Verdict:
        """Judge it by what was run."""
        entry = found.get(self.entry)
        if entry is None:
            return Verdict(MISSING, "no finished fit of this entry")
        try:
            verdict = self.judge(entry, found)
        except (KeyError, ValueError, IndexError, TypeError):  # no such fit, or one that diverged
            return Verdict(MISSING, "fits are missing or diverged")
        profile = entry.profiles.get(self.data or "", entry.profile)
        if verdict.status != INCOMPARABLE and (
            (self.full and profile != "full" and not verdict.settled) or profile == "smoke"
        ):
            return Verdict(OPEN, f"{verdict.numbers}; profile {profile}")
        return verdict


def _percent(
    entry: Entry, data: str, variant: str, how: Callable[[list[float]], float] = max
) -> float:
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
    return Verdict(
        HOLDS if all(ok for ok, _ in outcomes) else FAILS, "; ".join(text for _, text in outcomes)
    )


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
                (
                    low <= at <= high,
                    f"{data} {variant}: lowest at epoch {at} of {entry.epochs}, at the end {rise:.2f} times that",
                )
            )
        return Verdict(HOLDS if outcomes[0][0] else FAILS, "; ".join(text for _, text in outcomes))

    return judge


def training_above_validation(
    variant: str, low: int, high: int
) -> Callable[[Entry, Entries], Verdict]:
    """The report's own sign of over-fitting: from an epoch on, the training accuracy stays above the validation accuracy.

    The report means MNIST; Fashion-MNIST's epochs are said beside it.
    """

    def judge(entry: Entry, _: Entries) -> Verdict:
        texts, ok = [], True
        for data in entry.data_sets:
            epochs = [crossing(f["history"]) for f in entry.of(data, variant)]
            texts.append(
                f"{data}: above for good from epoch {', '.join(map(str, epochs))} of {entry.epochs}"
            )
            ok = ok and (data != entry.data_sets[0] or low <= float(np.mean(epochs)) <= high)
        return Verdict(HOLDS if ok else FAILS, "; ".join(texts))

    return judge


def crossing(history: dict[str, list[float]]) -> int:
    """Epoch (from 1) from which the training accuracy stays above the validation accuracy; one past the last where it never does."""
    below = np.flatnonzero(np.array(history["accuracy"]) <= np.array(history["val_accuracy"]))
    return int(below[-1]) + 2 if len(below) else 1


def no_over_fitting(variants: tuple[str, ...]) -> Callable[[Entry, Entries], Verdict]:
    """In the last epoch the training accuracy is at most half a point above the validation accuracy, of every fit that learned."""

    def judge(entry: Entry, _: Entries) -> Verdict:
        outcomes = []
        for data in entry.data_sets:
            for variant in variants:
                ends = [
                    (100 * f["history"]["accuracy"][-1], 100 * f["history"]["val_accuracy"][-1])
                    for f in entry.of(data, variant)
                ]
                gap = max(train - validation for train, validation in ends if validation > DEAD)
                text = f"{data} {variant}: training {gap:+.1f} points from validation at most{_dead(entry, data, variant)}"
                outcomes.append((gap <= SAME, text))
        return _all(outcomes)

    return judge


def costs_less(cheap: str) -> Callable[[Entry, Entries], Verdict]:
    """A variant's epoch takes less time than each other's, by more than equal fits differ (medians of epochs, all fits)."""

    def judge(entry: Entry, _: Entries) -> Verdict:
        seconds = {
            v: [float(np.median(f["history"]["epoch_seconds"])) for f in entry.of(None, v)]
            for v in entry.variants
        }
        spread = max(float(np.std(s)) for s in seconds.values())
        means = {v: float(np.mean(s)) for v, s in seconds.items()}
        lead = min(m for v, m in means.items() if v != cheap) - means[cheap]
        text = (
            ", ".join(f"{v} {m:.2f} s" for v, m in means.items())
            + f" an epoch (equal fits differ by ± {spread:.2f} s)"
        )
        return Verdict(OPEN if abs(lead) <= spread else HOLDS if lead > 0 else FAILS, text)

    return judge


def over_fits_early(variants: tuple[str, ...], by: int) -> Callable[[Entry, Entries], Verdict]:
    """The validation loss is lowest by an epoch and has risen at the end."""

    def judge(entry: Entry, _: Entries) -> Verdict:
        outcomes = []
        for data in entry.data_sets:
            for variant in variants:
                at, rise = lowest_loss_epoch(entry, data, variant)
                earlier = ", earlier than the report's 10" if at < 8 else ""
                text = f"{data} {variant}: lowest at epoch {at}{earlier}, at the end {rise:.2f} times that"
                outcomes.append((at <= by and rise >= RISE, text))
        return _all(outcomes)

    return judge


def leads_on_mnist(winner: str, rival: str) -> Callable[[Entry, Entries], Verdict]:
    """A variant's mean accuracy is above another's by more than twice the standard error of the difference, on MNIST."""

    def judge(entry: Entry, _: Entries) -> Verdict:
        a, b = (
            np.array([100 * v for v in entry.test("mnist", name) if np.isfinite(v)])
            for name in (winner, rival)
        )
        fits = min(len(a), len(b))
        if fits == 0:
            raise ValueError("no fits on MNIST")
        lead = float(a.mean() - b.mean())
        error = (
            float(np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))) if fits > 1 else np.inf
        )
        text = f"mnist: {winner} {a.mean():.2f} %, {rival} {b.mean():.2f} %, {lead:+.2f} ± {error:.2f} points by {fits} fits each"
        others = [
            f"{v} {_percent(entry, 'mnist', v, _mean):.2f} %"
            for v in entry.variants
            if v not in (winner, rival)
        ]
        return Verdict(
            OPEN if abs(lead) <= 2 * error else HOLDS if lead > 0 else FAILS,
            "; ".join([text, *others]),
        )

    return judge


def best_is(winner: str, *, worst: bool = False) -> Callable[[Entry, Entries], Verdict]:
    """A variant has the highest (lowest) mean accuracy, by more than the fits differ among themselves."""

    def judge(entry: Entry, _: Entries) -> Verdict:
        texts, ok, clear = [], True, True
        for data in entry.data_sets:
            means = {v: _percent(entry, data, v, _mean) for v in entry.variants}
            sign = -1 if worst else 1
            others = max(sign * m for v, m in means.items() if v != winner)
            spread = max(
                float(np.std([100 * x for x in entry.test(data, v)])) for v in entry.variants
            )
            lead = sign * means[winner] - others
            ok, clear = ok and lead > 0, clear and abs(lead) > spread
            fits = max(len(entry.test(data, v)) for v in entry.variants)
            differ = f"equal fits differ by ± {spread:.2f}" if fits > 1 else "one fit each"
            texts.append(
                f"{data}: " + ", ".join(f"{v} {m:.2f} %" for v, m in means.items()) + f" ({differ})"
            )
        if not clear:
            return Verdict(OPEN, "; ".join([*texts, "a lead of less than equal fits differ by"]))
        return Verdict(HOLDS if ok else FAILS, "; ".join(texts))

    return judge


def differences_small(entry: Entry, _: Entries) -> Verdict:
    """All variants' mean accuracies lie within SMALL points."""
    outcomes = []
    for data in entry.data_sets:
        means = sorted((_percent(entry, data, v, _mean), v) for v in entry.variants)
        width, without = means[-1][0] - means[0][0], means[-1][0] - means[1][0]
        text = f"{data}: {width:.2f} points between the best and the worst, {without:.2f} without {means[0][1]}"
        outcomes.append((width <= SMALL, text))
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
                text = f"{data}: {variant} reaches {slow}'s last {100 * goal:.2f} % " + (
                    f"in epoch {when}" if when else "never"
                )
                outcomes.append((when is not None and when <= entry.epochs / 2, text))
        return _all(outcomes)

    return judge


def learns_fast(
    quick: tuple[str, ...], slow: str, after: int = 10
) -> Callable[[Entry, Entries], Verdict]:
    """Each of ``quick`` has what ``slow`` reaches in ``after`` epochs in at most half of them, on MNIST; other data beside it."""

    def judge(entry: Entry, _: Entries) -> Verdict:
        texts, ok = [], True
        for data in entry.data_sets:
            goal = entry.curve(data, slow, "val_accuracy")[:after][-1]
            for variant in quick:
                reached = np.flatnonzero(entry.curve(data, variant, "val_accuracy") >= goal)
                when = int(reached[0]) + 1 if len(reached) else None
                texts.append(
                    f"{data}: {variant} has {slow}'s {100 * goal:.2f} % of epoch {after} {f'in epoch {when}' if when else 'never'}"
                )
                ok = ok and (data != entry.data_sets[0] or (when is not None and when <= after / 2))
        return Verdict(HOLDS if ok else FAILS, "; ".join(texts))

    return judge


def validation_below_training(variant: str) -> Callable[[Entry, Entries], Verdict]:
    """The validation loss is below the training loss in every epoch of every fit."""

    def judge(entry: Entry, _: Entries) -> Verdict:
        outcomes = []
        for data in entry.data_sets:
            histories = [f["history"] for f in entry.of(data, variant)]
            below = [np.array(h["val_loss"]) < np.array(h["loss"]) for h in histories]
            counts = ", ".join(f"{int(b.sum())} of {len(b)}" for b in below)
            outcomes.append(
                (all(bool(b.all()) for b in below), f"{data}: below in {counts} epochs")
            )
        return _all(outcomes)

    return judge


def _dead(entry: Entry, data: str, variant: str) -> str:
    values = [100 * v for v in entry.test(data, variant)]
    dead = sum(v < DEAD for v in values)
    return f" ({dead} of {len(values)} never learned)" if dead else ""


def better_than(
    pairs: tuple[tuple[str, str], ...], by: float = 0.0
) -> Callable[[Entry, Entries], Verdict]:
    """In every pair the first's mean accuracy is more than ``by`` points above the second's."""

    def judge(entry: Entry, _: Entries) -> Verdict:
        outcomes = []
        for data in entry.data_sets:
            for a, b in pairs:
                x, y = _percent(entry, data, a, _mean), _percent(entry, data, b, _mean)
                outcomes.append(
                    (
                        x - y > by,
                        f"{data}: {a} {x:.2f} %{_dead(entry, data, a)}, {b} {y:.2f} %{_dead(entry, data, b)}",
                    )
                )
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
    ran = [v for v in ("fixed", "per-image") if entry.of(data, v)]
    return min(ran, key=lambda v: abs(_percent(entry, data, v) - PERMUTATION[entry.name, data][1]))


def permuted_figure(data: str) -> Callable[[Entry, Entries], Verdict]:
    """The report's permuted accuracy is that of the fixed permutation it describes, not of another for every image."""

    def judge(entry: Entry, _: Entries) -> Verdict:
        original, reported = PERMUTATION[entry.name, data]
        ours = {v: _percent(entry, data, v) for v in ("original", "fixed")}
        nearest = nearer_permutation(entry, data)
        away = abs(_percent(entry, data, nearest) - reported)
        text = f"the report {original:.2f} → {reported:.2f} %; ours {ours['original']:.2f} → {ours['fixed']:.2f} % (fixed)"
        for fit in entry.of(data, "per-image")[:1]:
            lower = f", profile {fit['profile']}" if fit["profile"] != entry.profiles[data] else ""
            text += f", {_percent(entry, data, 'per-image'):.2f} % (another for every image{lower})"
        text += f"; nearer to the report's: {nearest}, {away:.1f} points away"
        # FAR: between the two kinds lie tens of points
        holds = nearest == "fixed" and abs(ours["fixed"] - reported) <= FAR
        # training longer on more images only raises it
        return Verdict(HOLDS if holds else FAILS, text, settled=ours["fixed"] > reported + FAR)

    return judge


def hardly_hurt(entry: Entry, _: Entries) -> Verdict:
    """One permutation for all images changes the accuracy by at most SMALL points."""
    outcomes = []
    for data in entry.data_sets:
        before, after = (_percent(entry, data, v) for v in ("original", "fixed"))
        outcomes.append((abs(before - after) <= SMALL, f"{data}: {before:.2f} → {after:.2f} %"))
    return _all(outcomes)


def always_below(other: str) -> Callable[[Entry, Entries], Verdict]:
    """On permuted images the validation accuracy is below another entry's in every epoch, on each data set that ran at one profile."""

    def judge(entry: Entry, found: Entries) -> Verdict:
        outcomes = []
        for data in entry.data_sets:
            if entry.profiles[data] != found[other].profiles.get(data):
                continue
            own, its = (e.curve(data, "fixed", "val_accuracy") for e in (entry, found[other]))
            epochs = min(len(own), len(its))
            below = int((own[:epochs] < its[:epochs]).sum())
            outcomes.append(
                (
                    below == epochs > 0,
                    f"{data}: below in {below} of {epochs} epochs, at the end {100 * (own[-1] - its[-1]):+.1f}",
                )
            )
        return _all(outcomes)

    return judge
