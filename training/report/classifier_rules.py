"""Rules by which our fits decide the report's claims about classifiers.

Thresholds are ours if the report gives none.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from training.report.results import DivergedError, Entry, NotRunError, Result
from training.report.verdicts import (
    FAILS,
    HOLDS,
    OPEN,
    RISE,
    Entries,
    Judge,
    Outcome,
    Verdict,
    combined,
    entry_of,
    first_epoch,
    on_all,
    on_mnist,
)

SAME = 0.5  # percentage points by which two accuracies may differ and still count as equal
FAR = 3.0  # percentage points that count as "far below"
SMALL = 1.5  # percentage points that count as a small difference
DEAD = 15.0  # per cent: a fit below it did not learn (ten classes)


def lowest_loss_epoch(entry: Entry, data: str, variant: str) -> tuple[int, float]:
    """Return the epoch (from 1) of the lowest mean validation loss, and final over lowest loss."""
    curve = entry.curve(data, variant, "val_loss")
    if np.isnan(curve).all():
        raise DivergedError(f"{data}: {variant} diverged")
    lowest = int(np.nanargmin(curve))
    return lowest + 1, float(curve[-1] / curve[lowest])


def stays_above(history: dict[str, list[float]]) -> int:
    """Return the epoch (from 1) from which training accuracy stays above validation accuracy.

    It is one past the last epoch if it never does.
    """
    training, validation = _columns(history, "accuracy", "val_accuracy")
    below = np.flatnonzero(training <= validation)
    return int(below[-1]) + 2 if len(below) else 1


def _columns(history: dict[str, list[float]], *keys: str) -> list[np.ndarray]:
    """Return columns of a history; raise DivergedError if a figure is missing."""
    columns = [np.array(history[key], float) for key in keys]  # None becomes nan
    if any(np.isnan(column).any() for column in columns):
        raise DivergedError(f"a fit diverged: its {' or '.join(keys)} is no number")
    return columns


def _fits(entry: Entry, data: str, variant: str) -> list[Result]:
    """Return the fits of a variant; raise NotRunError without any."""
    fits = entry.select(data, variant)
    if not fits:
        raise NotRunError(f"{entry.name} on {data}: {variant} has not run")
    return fits


def _finite(entry: Entry, data: str, variant: str) -> np.ndarray:
    _fits(entry, data, variant)
    accuracies = np.array(entry.accuracies(data, variant))
    if not np.isfinite(accuracies).any():
        raise DivergedError(f"{data}: {variant} diverged")
    return accuracies[np.isfinite(accuracies)]


def _best(entry: Entry, data: str, variant: str) -> float:
    return float(_finite(entry, data, variant).max())


def _mean(entry: Entry, data: str, variant: str) -> float:
    return float(_finite(entry, data, variant).mean())


def _dead(entry: Entry, data: str, variant: str) -> str:
    accuracies = entry.accuracies(data, variant)
    dead = sum(v < DEAD for v in accuracies)
    return f" ({dead} of {len(accuracies)} fits did not learn)" if dead else ""


def accuracy_of(variant: str, data: str, reported: float) -> Judge:
    """Judge whether our best fit reaches the report's accuracy or is at most SAME points below."""

    def judge(entry: Entry, _: Entries) -> Verdict:
        ours, fits = _best(entry, data, variant), len(entry.select(data, variant))
        text = f"{data}: best of {fits} fits {ours:.2f} %, report {reported:.2f} %"
        text += f" ({ours - reported:+.2f} points)"
        return combined([(ours >= reported - SAME, text)])

    return judge


def over_fits_from(variant: str, low: int, high: int) -> Judge:
    """Judge whether the validation loss is lowest between two epochs, on MNIST."""

    def rule(entry: Entry, data: str) -> Iterable[Outcome]:
        epoch, rise = lowest_loss_epoch(entry, data, variant)
        text = f"{data}: validation loss lowest in epoch {epoch} of {entry.epochs}"
        yield low <= epoch <= high, f"{text}, at the end {rise:.2f} times as high"

    return on_mnist(rule)


def training_above_validation(variant: str, low: int, high: int) -> Judge:
    """Judge the report's own sign of over-fitting: training stays above validation accuracy.

    It holds if the first such epoch, as the mean over fits on MNIST, is between two epochs.
    """

    def rule(entry: Entry, data: str) -> Iterable[Outcome]:
        epochs = [stays_above(f["history"]) for f in _fits(entry, data, variant)]
        text = f"{data}: above from epoch {', '.join(map(str, epochs))} of {entry.epochs} onwards"
        yield low <= float(np.mean(epochs)) <= high, text

    return on_mnist(rule)


def no_over_fitting(*variants: str) -> Judge:
    """Judge whether, at the end, training exceeds validation accuracy by SAME points at most.

    Fits that did not learn do not count.
    """

    def rule(entry: Entry, data: str) -> Iterable[Outcome]:
        for variant in variants:
            ends = [
                [100 * column[-1] for column in _columns(f["history"], "accuracy", "val_accuracy")]
                for f in _fits(entry, data, variant)
            ]
            gaps = [training - validation for training, validation in ends if validation > DEAD]
            if not gaps:
                raise DivergedError(f"{data}: no fit of {variant} learned")
            gap = max(gaps)
            text = f"{data} {variant}: training minus validation accuracy at most {gap:+.1f} points"
            yield gap <= SAME, text + _dead(entry, data, variant)

    return on_all(rule)


def costs_less(cheap: str) -> Judge:
    """Judge whether a variant takes less time per epoch, by more than equal fits differ."""

    def judge(entry: Entry, _: Entries) -> Verdict:
        seconds = {
            variant: [
                float(np.median(f["history"]["epoch_seconds"])) for f in entry.select(None, variant)
            ]
            for variant in entry.variants
        }
        if cheap not in seconds or len(seconds) == 1:
            raise NotRunError(f"{entry.name}: {cheap}, or what it is compared with, has not run")
        spread = max(float(np.std(s)) for s in seconds.values())
        means = {v: float(np.mean(s)) for v, s in seconds.items()}
        lead = min(m for v, m in means.items() if v != cheap) - means[cheap]
        text = ", ".join(f"{v} {m:.2f} s" for v, m in means.items())
        text += f" per epoch (equal fits differ by ± {spread:.2f} s)"
        return Verdict(OPEN if abs(lead) <= spread else HOLDS if lead > 0 else FAILS, text)

    return judge


def over_fits_early(variants: tuple[str, ...], by: int) -> Judge:
    """Judge whether the validation loss is lowest by an epoch, and higher by RISE at the end."""

    def rule(entry: Entry, data: str) -> Iterable[Outcome]:
        for variant in variants:
            epoch, rise = lowest_loss_epoch(entry, data, variant)
            earlier = " (earlier than the report's 10)" if epoch < 8 else ""
            text = f"{data} {variant}: validation loss lowest in epoch {epoch}{earlier}"
            yield epoch <= by and rise >= RISE, f"{text}, at the end {rise:.2f} times as high"

    return on_all(rule)


def leads_on_mnist(winner: str, rival: str) -> Judge:
    """Judge whether a variant's mean accuracy leads by over two standard errors, on MNIST."""

    def judge(entry: Entry, _: Entries) -> Verdict:
        a, b = (_finite(entry, "mnist", name) for name in (winner, rival))
        fits = min(len(a), len(b))
        lead, error = float(a.mean() - b.mean()), np.inf
        if fits > 1:
            error = float(np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)))
        text = f"mnist: {winner} {a.mean():.2f} %, {rival} {b.mean():.2f} %, difference {lead:+.2f}"
        text += f" ± {error:.2f} points ({fits} fits each)"
        others = [v for v in entry.variants if v not in (winner, rival)]
        texts = [text, *(f"{v} {_mean(entry, 'mnist', v):.2f} %" for v in others)]
        status = OPEN if abs(lead) <= 2 * error else HOLDS if lead > 0 else FAILS
        return Verdict(status, "; ".join(texts))

    return judge


def best_is(winner: str, *, worst: bool = False) -> Judge:
    """Judge whether a variant has the best (worst) accuracy, by more than equal fits differ."""

    def judge(entry: Entry, _: Entries) -> Verdict:
        outcomes, clear, sign = [], True, -1 if worst else 1
        for data in entry.data_sets:
            means = {v: _mean(entry, data, v) for v in entry.variants}
            if winner not in means or len(means) == 1:
                raise NotRunError(
                    f"{entry.name}: {winner}, or what it is compared with, has not run"
                )
            all_fits = [entry.accuracies(data, v) for v in entry.variants]
            spread = max(float(np.std(fits)) for fits in all_fits)
            lead = sign * means[winner] - max(sign * m for v, m in means.items() if v != winner)
            clear = clear and abs(lead) > spread
            differ = f"equal fits differ by ± {spread:.2f}"
            if max(len(fits) for fits in all_fits) == 1:
                differ = "one fit each"
            text = ", ".join(f"{v} {m:.2f} %" for v, m in means.items())
            outcomes.append((lead > 0, f"{data}: {text} ({differ})"))
        verdict = combined(outcomes)
        if clear:
            return verdict
        return Verdict(OPEN, f"{verdict.numbers}; the lead is smaller than that")

    return judge


def _differences_small(entry: Entry, data: str) -> Iterable[Outcome]:
    means = sorted((_mean(entry, data, v), v) for v in entry.variants)
    if len(means) == 1:
        raise NotRunError(f"{entry.name}: only {entry.variants[0]} has run")
    width, without = means[-1][0] - means[0][0], means[-1][0] - means[1][0]
    text = f"{data}: {width:.2f} points between the best and the worst"
    yield width <= SMALL, f"{text}, {without:.2f} without {means[0][1]}"


differences_small = on_all(_differences_small)  # mean accuracies within SMALL points


def learns_slowly(slow: str, usual: str) -> Judge:
    """Judge whether a variant needs twice the epochs to the usual one's accuracy after 3."""

    def rule(entry: Entry, data: str) -> Iterable[Outcome]:
        curve = entry.curve(data, slow, "val_accuracy")
        goals = entry.curve(data, usual, "val_accuracy")[:3]
        epoch = first_epoch(curve >= goals[-1])
        text = f"{data}: {slow} needs {epoch or f'more than {len(curve)}'} epochs"
        text += f" to reach {usual}'s accuracy after {len(goals)}"
        yield epoch is None or epoch >= 2 * len(goals), text

    return on_all(rule)


def _reaches(entry: Entry, data: str, quick: str, goal: float) -> tuple[int | None, str]:
    epoch = first_epoch(entry.curve(data, quick, "val_accuracy") >= goal)
    return epoch, f"in epoch {epoch}" if epoch else "never"


def much_faster(quick: str, slow: str) -> Judge:
    """Judge whether a variant reaches a slow one's final accuracy in half the epochs."""

    def rule(entry: Entry, data: str) -> Iterable[Outcome]:
        goal = entry.curve(data, slow, "val_accuracy")[-1]
        epoch, when = _reaches(entry, data, quick, goal)
        text = f"{data}: {quick} reaches {slow}'s final {100 * goal:.2f} % {when}"
        yield epoch is not None and epoch <= entry.epochs / 2, text

    return on_all(rule)


def learns_fast(quick: tuple[str, ...], slow: str, after: int = 10) -> Judge:
    """Judge whether variants reach, in half the epochs, a slow one's accuracy on MNIST."""

    def rule(entry: Entry, data: str) -> Iterable[Outcome]:
        goal = entry.curve(data, slow, "val_accuracy")[:after][-1]
        for variant in quick:
            epoch, when = _reaches(entry, data, variant, goal)
            text = f"{data}: {variant} reaches {slow}'s {100 * goal:.2f} % of epoch {after} {when}"
            yield epoch is not None and epoch <= after / 2, text

    return on_mnist(rule)


def validation_below_training(variant: str) -> Judge:
    """Judge whether the validation loss is below the training loss in all epochs and fits."""

    def rule(entry: Entry, data: str) -> Iterable[Outcome]:
        histories = [f["history"] for f in _fits(entry, data, variant)]
        losses = [_columns(history, "val_loss", "loss") for history in histories]
        below = [validation < training for validation, training in losses]
        counts = ", ".join(f"{int(b.sum())} of {len(b)}" for b in below)
        yield all(bool(b.all()) for b in below), f"{data}: lower in {counts} epochs"

    return on_all(rule)


def better_than(*pairs: tuple[str, str], by: float = 0.0) -> Judge:
    """Judge whether, in every pair, the first leads by more than ``by`` points of mean accuracy."""

    def rule(entry: Entry, data: str) -> Iterable[Outcome]:
        for pair in pairs:
            high, low = (_mean(entry, data, v) for v in pair)
            texts = [f"{v} {_mean(entry, data, v):.2f} %{_dead(entry, data, v)}" for v in pair]
            yield high - low > by, f"{data}: {', '.join(texts)}"

    return on_all(rule)


# The report's test accuracies, per cent: (original, permuted)
PERMUTATION = {
    ("permutation/mlp", "mnist"): (96.94, 93.82),
    ("permutation/cnn", "mnist"): (99.24, 58.12),
    ("permutation/mlp", "fashion-mnist"): (87.66, 82.56),
    ("permutation/cnn", "fashion-mnist"): (90.96, 38.35),
}


def closest_permutation(entry: Entry, data: str) -> str:
    """Return "fixed" or "per-image": which accuracy is closer to the report's permuted one."""
    ran = [v for v in ("fixed", "per-image") if entry.select(data, v)]
    reported = PERMUTATION[entry.name, data][1]
    return min(ran, key=lambda v: abs(_best(entry, data, v) - reported))


def permuted_figure(data: str) -> Judge:
    """Judge whether the fixed permutation explains the report's accuracy, within FAR points."""

    def judge(entry: Entry, _: Entries) -> Verdict:
        original, reported = PERMUTATION[entry.name, data]
        before, fixed = (_best(entry, data, v) for v in ("original", "fixed"))
        closest = closest_permutation(entry, data)
        text = (
            f"report {original:.2f} → {reported:.2f} %; ours {before:.2f} → {fixed:.2f} % (fixed)"
        )
        for fit in entry.select(data, "per-image")[:1]:
            lower = f", profile {fit['profile']}" if fit["profile"] != entry.profiles[data] else ""
            text += f", {_best(entry, data, 'per-image'):.2f} % (per-image{lower})"
        distance = abs(_best(entry, data, closest) - reported)
        text += f"; closest to the report: {closest}, {distance:.1f} points away"
        # FAR: the two kinds of permutation are tens of points apart
        holds = closest == "fixed" and abs(fixed - reported) <= FAR
        # a longer training on more images only raises the accuracy
        return Verdict(HOLDS if holds else FAILS, text, settled=fixed > reported + FAR)

    return judge


def _hardly_hurt(entry: Entry, data: str) -> Iterable[Outcome]:
    before, after = (_best(entry, data, v) for v in ("original", "fixed"))
    yield abs(before - after) <= SMALL, f"{data}: {before:.2f} → {after:.2f} %"


hardly_hurt = on_all(_hardly_hurt)  # one permutation changes the accuracy by SMALL at most


def always_below(other: str) -> Judge:
    """Judge whether accuracy on permuted images is below another entry's in every epoch.

    Only data sets count that both entries ran at the same profile.
    """

    def judge(entry: Entry, found: Entries) -> Verdict:
        outcomes, its_entry = [], entry_of(found, other)
        for data in entry.data_sets:
            if entry.profiles[data] != its_entry.profiles.get(data):
                continue
            own, its = (e.curve(data, "fixed", "val_accuracy") for e in (entry, its_entry))
            epochs = min(len(own), len(its))
            below = int((own[:epochs] < its[:epochs]).sum())
            text = (
                f"{data}: below in {below} of {epochs} epochs, by {100 * (its[-1] - own[-1]):.1f}"
            )
            outcomes.append((below == epochs > 0, f"{text} points at the end"))
        return combined(outcomes)

    return judge
