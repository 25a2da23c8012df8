"""The report's claims and figures, entry by entry; `training.claims` has the rules that decide them."""

from __future__ import annotations

import numpy as np

from training.claims import (
    FAILS,
    HOLDS,
    PERMUTATION,
    RISE,
    Claim,
    Entries,
    Verdict,
    accuracy_of,
    at_epoch,
    beats_all,
    best_is,
    better_than,
    differences_small,
    learns_slowly,
    much_faster,
    over_fits_early,
    over_fits_from,
    permuted_figure,
    time_curve,
    time_test,
    validation_below_training,
)
from training.fit_results import Entry

# test accuracy, per cent: (entry, data, variant)
ACCURACIES: dict[tuple[str, str, str], float] = {
    ("mlp/vanilla", "mnist", "vanilla"): 97.33,
    ("mlp/regularization", "mnist", "dropout"): 97.38,
    ("cnn/vanilla", "mnist", "vanilla"): 99.24,
    **{(entry, data, "original"): figures[0] for (entry, data), figures in PERMUTATION.items()},
    **{(entry, data, "fixed"): figures[1] for (entry, data), figures in PERMUTATION.items()},
}

# what the report gives for its test images
TIMES = {
    "time/multi-head": "hour about 90 %, minute MAE 0.6",
    "time/regression": "MAE 0.46 h",
    "time/classification-720": "accuracy < 20 %",
    "time/sine-loss": "never converges",
    "time/unit-circle": "MAE 0.03; about 50 minutes",
    "time/sin-cos": "about 3 minutes; most exact",
    "time/sin-cos-faster": "not in the report",
}


def _first_at(curve: np.ndarray, goal: float, *, below: bool = False) -> int | None:
    reached = np.flatnonzero(curve <= goal if below else curve >= goal)
    return int(reached[0]) + 1 if len(reached) else None


def _hour_half(curve: np.ndarray) -> Verdict:
    when = _first_at(curve, 0.5)
    near = when is not None and 50 <= when <= 200
    text = f"50 % of hours right {f'first in epoch {when}' if when else f'never in {len(curve)} epochs'}"
    return Verdict(HOLDS if near else FAILS, text, settled=when is not None)


def _hour_end(curve: np.ndarray) -> Verdict:
    before, after = at_epoch(curve, 1200), float(curve[-1])
    text = f"{100 * before:.1f} % at epoch {min(1200, len(curve))}, {100 * after:.1f} % at the end"
    as_told = abs(before - 0.85) <= 0.05 and abs(after - 0.9) <= 0.05
    return Verdict(HOLDS if as_told else FAILS, text, settled=after > 0.95)


def _minute_soon(curve: np.ndarray) -> Verdict:
    when = _first_at(curve, 10.0, below=True)
    return Verdict(HOLDS if when is not None and when <= 15 else FAILS, f"minute MAE below 10 {f'from epoch {when}' if when else 'never'}")


def _minute_end(entry: Entry, _: Entries) -> Verdict:
    away = float(entry.fits[0]["test"]["minute_mae"])
    return Verdict(HOLDS if 0.3 <= away <= 1.0 else FAILS, f"{away:.3g} minutes after {entry.epochs} epochs", settled=away < 0.3)


def _hours_away(curve: np.ndarray) -> Verdict:
    return Verdict(HOLDS if 0.3 <= curve[-1] <= 0.6 else FAILS, f"{curve[-1]:.3f} h at the end")


def _no_better(curve: np.ndarray) -> Verdict:
    half, end = float(curve[: len(curve) // 2].min()), float(curve[len(curve) // 2 :].min())
    text = f"best MAE {half:.3f} h in the first half of {len(curve)} epochs, {end:.3f} h in the second"
    return Verdict(HOLDS if end > 0.9 * half else FAILS, text)


def _loss_rises(curve: np.ndarray) -> Verdict:
    at = int(np.nanargmin(curve))
    text = f"test loss lowest ({curve[at]:.2f}) at epoch {at + 1}, {curve[-1]:.2f} at the end"
    return Verdict(HOLDS if 20 <= at + 1 <= 60 and curve[-1] >= RISE * curve[at] else FAILS, text)


def _memorized(entry: Entry, _: Entries) -> Verdict:
    history, test = entry.fits[0]["history"], entry.fits[0]["test"]
    trained = float(history.get("time_accuracy", history.get("accuracy"))[-1])
    tested = float(test.get("time_accuracy", test.get("accuracy")))
    text = f"{100 * trained:.1f} % in training, {100 * tested:.1f} % on the test images after {entry.epochs} epochs"
    ok = trained > 0.9 and tested < 0.2
    return Verdict(HOLDS if ok else FAILS, text, settled=ok or tested > 0.5)


def _coordinates(entry: Entry, _: Entries) -> Verdict:
    test = entry.fits[0]["test"]
    values = [float(test[f"{head}_mae"]) for head in ("sin", "cos")]
    ok = all(0.01 <= v <= 0.06 for v in values)
    return Verdict(HOLDS if ok else FAILS, f"MAE {values[0]:.3f} and {values[1]:.3f}")


def _mostly_exact(entry: Entry, _: Entries) -> Verdict:
    share = float(entry.fits[0]["test"]["error_exact"])
    return Verdict(HOLDS if share > 0.5 else FAILS, f"{100 * share:.1f} % exactly right", settled=share > 0.5)


_VANILLA = "vanilla"
CLAIMS: tuple[Claim, ...] = (
    Claim("mlp/vanilla", "97.33 % on MNIST, best of 3", accuracy_of(_VANILLA, "mnist", 97.33), full=True),
    Claim("mlp/vanilla", "over-fits from about epoch 24", over_fits_from(_VANILLA, 19, 29), full=True),
    Claim("mlp/init-values", "small initial weights learn very slowly", learns_slowly("stddev-small", "stddev-default")),
    Claim("mlp/init-values", "large initial weights are worst", best_is("stddev-large", worst=True)),
    Claim("mlp/init-distribution", "He is best with ReLU", best_is("he")),
    Claim("mlp/activation", "ReLU is best", best_is("relu")),
    Claim("mlp/activation", "differences are small", differences_small),
    Claim("mlp/optimizer", "Nesterov momentum is much faster than SGD", much_faster(("nesterov",), "sgd")),
    Claim("mlp/optimizer", "RMSprop and Adam are fast", much_faster(("rmsprop", "adam"), "sgd")),
    Claim("mlp/optimizer", "RMSprop and Adam over-fit after about 10 epochs", over_fits_early(("rmsprop", "adam"), 15)),
    Claim("mlp/regularization", "97.38 % with dropout on MNIST", accuracy_of("dropout", "mnist", 97.38), full=True),
    Claim("mlp/regularization", "with dropout the validation loss stays below the training loss", validation_below_training("dropout")),
    Claim("mlp/regularization", "L2 is better than L1", better_than((("l2", "l1"),))),
    Claim("mlp/regularization", "L1 and L2 are far below dropout", better_than((("dropout", "l1"), ("dropout", "l2")), by=3.0)),
    Claim("cnn/vanilla", "99.24 % on MNIST", accuracy_of(_VANILLA, "mnist", 99.24), full=True),
    Claim("cnn/vanilla", "over-fits after about 14 epochs, not before", over_fits_from(_VANILLA, 10, 14), full=True),
    *(
        Claim(entry, f"{data}: {before:.2f} % falls to {after:.2f} % with one permutation for all images", permuted_figure(data), full=True)
        for (entry, data), (before, after) in PERMUTATION.items()
    ),
    Claim("time/multi-head", "half of the hours are right near epoch 100", time_curve("hour", "accuracy", _hour_half), full=True),
    Claim(
        "time/multi-head",
        "hours 85 % right at epoch 1200, about 90 % after fine-tuning",
        time_curve("hour", "accuracy", _hour_end),
        full=True,
    ),
    Claim("time/multi-head", "minute MAE below 10 after about 10 epochs", time_curve("minute", "mae", _minute_soon)),
    Claim("time/multi-head", "minute MAE 0.6 at the end", _minute_end, full=True),
    Claim(
        "time/regression",
        "MAE 0.46 hours",
        time_curve("hours", "mae", _hours_away),
        full=True,
    ),
    Claim("time/regression", "no better after 1200 epochs than after 600", time_curve("hours", "mae", _no_better), full=True),
    Claim("time/classification-720", "more than 90 % in training, less than 20 % on the test images", _memorized, full=True),
    Claim("time/classification-720", "the test loss rises from about epoch 40", time_curve("time", "loss", _loss_rises), full=True),
    Claim("time/sine-loss", "never converges", time_test("error_mean", 60.0, 360.0, " minutes")),
    Claim("time/unit-circle", "MAE 0.03 of each coordinate", _coordinates, full=True),
    Claim("time/unit-circle", "about 50 minutes of error after atan2", time_test("error_mean", 25.0, 100.0, " minutes"), full=True),
    Claim("time/sin-cos", "about 3 minutes of error", time_test("error_mean", 0.0, 4.5, " minutes"), full=True),
    Claim("time/sin-cos", "most images exactly right", _mostly_exact, full=True),
    Claim("time/sin-cos", "the best of the six", beats_all),
)
