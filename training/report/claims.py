"""What the report claims and prints, entry by entry.

`training.report.classifier_rules` and `training.report.time_rules` have the rules that decide it.
"""

from __future__ import annotations

from training.report import time_rules as time
from training.report.classifier_rules import (
    PERMUTATION,
    accuracy_of,
    always_below,
    best_is,
    better_than,
    costs_less,
    differences_small,
    hardly_hurt,
    leads_on_mnist,
    learns_fast,
    learns_slowly,
    much_faster,
    no_over_fitting,
    over_fits_early,
    over_fits_from,
    permuted_figure,
    training_above_validation,
    validation_below_training,
)
from training.report.verdicts import Claim, Judge

# Test accuracy, per cent: (entry, data, variant).
ACCURACIES: dict[tuple[str, str, str], float] = {
    ("mlp/vanilla", "mnist", "vanilla"): 97.33,
    ("mlp/regularization", "mnist", "dropout"): 97.38,
    ("cnn/vanilla", "mnist", "vanilla"): 99.24,
    **{(*key, "original"): figures[0] for key, figures in PERMUTATION.items()},
    **{(*key, "fixed"): figures[1] for key, figures in PERMUTATION.items()},
}

# The report's results on its test images.
TIMES = {
    "time/multi-head": "hour 85 %, about 90 % retrained; minute MAE < 0.6",
    "time/regression": "MAE 0.46 h",
    "time/classification-720": "accuracy < 20 %",
    "time/sine-loss": "never converges",
    "time/unit-circle": "MAE 0.03; about 50 minutes",
    "time/sin-cos": "about 3 minutes; most exact",
    "time/sin-cos-faster": "not in the report",
}

# Its tables 2 to 6, by number: entry, and epochs, batch, rate, optimizer, losses, metrics and
# activation of the heads; "" if it gives none.
_LOSSES, _METRICS = "hours: cross-entropy; minutes: MSE", "hours: accuracy; minutes: MAE"
_CLASSES = ("cross-entropy", "accuracy", "softmax")
_ALL = ("MSE (all)", "MAE (all)", "linear (all)")
SETTINGS = (
    (2, "time/multi-head", ("1200", "32", "0.0005", "Adam", _LOSSES, _METRICS, "")),
    (3, "time/regression", ("600", "32", "0.0001", "Adam", "MSE", "MAE", "linear")),
    (4, "time/classification-720", ("200", "32", "0.0005", "Adam", *_CLASSES)),
    (5, "time/unit-circle", ("200", "64", "0.0005", "Adam", "MSE", "MAE", "linear (both)")),
    (6, "time/sin-cos", ("300", "64", "0.0001", "Adam", *_ALL)),
)


def _claims(
    entry: str, *claims: tuple[str, Judge], full: bool = False, data: str | None = None
) -> list[Claim]:
    return [Claim(entry, says, judge, full, data) for says, judge in claims]


_ADAPTIVE = ("rmsprop", "adam")
CLAIMS: tuple[Claim, ...] = (
    *_claims(
        "mlp/vanilla",
        ("97.33 % on MNIST, best of 3", accuracy_of("vanilla", "mnist", 97.33)),
        (
            "training accuracy above validation accuracy after about 24 epochs: over-fitting",
            training_above_validation("vanilla", 19, 29),
        ),
        full=True,
    ),
    *_claims(
        "mlp/init-values",
        (
            "small initial weights learn very slowly",
            learns_slowly("stddev-small", "stddev-default"),
        ),
        ("large initial weights are worst", best_is("stddev-large", worst=True)),
    ),
    *_claims(
        "mlp/init-distribution",
        ("He is best with ReLU, also against Xavier", leads_on_mnist("he", "xavier")),
    ),
    *_claims(
        "mlp/activation",
        ("ReLU is best", best_is("relu")),
        ("ReLU costs less time than sigmoid and tanh", costs_less("relu")),
        ("differences are not great", differences_small),
    ),
    *_claims(
        "mlp/optimizer",
        ("Nesterov momentum is much faster than SGD", much_faster("nesterov", "sgd")),
        ("RMSprop and Adam learn very fast", learns_fast(_ADAPTIVE, "sgd")),
        ("RMSprop and Adam over-fit after 10 epochs", over_fits_early(_ADAPTIVE, 15)),
    ),
    *_claims(
        "mlp/regularization",
        ("97.38 % with dropout on MNIST", accuracy_of("dropout", "mnist", 97.38)),
        full=True,
    ),
    *_claims(
        "mlp/regularization",
        (
            "with dropout the validation loss is always lower than the training loss",
            validation_below_training("dropout"),
        ),
        ("L2 is better than L1", better_than(("l2", "l1"))),
        (
            "L1 and L2 are far below dropout",
            better_than(("dropout", "l1"), ("dropout", "l2"), by=3.0),
        ),
        ("L1 and L2 prevent over-fitting", no_over_fitting("l1", "l2")),
    ),
    *_claims(
        "cnn/vanilla",
        ("99.24 % on MNIST", accuracy_of("vanilla", "mnist", 99.24)),
        ("over-fits after about 14 epochs, not before", over_fits_from("vanilla", 10, 15)),
        full=True,
        data="mnist",
    ),
    *(
        Claim(
            entry,
            f"{data}: {before:.2f} % falls to {after:.2f} % with one permutation for all images",
            permuted_figure(data),
            full=True,
            data=data,
        )
        for (entry, data), (before, after) in PERMUTATION.items()
    ),
    *_claims(
        "permutation/mlp",
        ("almost the same on original and permuted images", hardly_hurt),
        full=True,
    ),
    *_claims(
        "permutation/cnn",
        (
            "on permuted images always below the MLP, throughout the training",
            always_below("permutation/mlp"),
        ),
        full=True,
        data="mnist",
    ),
    *_claims(
        "time/multi-head",
        ("half of the hours are right near epoch 100", time.half_the_hours),
        ("hours 85 % right at epoch 1200", time.hours_at_the_end),
        (
            "hours 90 % or so, retrained from epoch 800 for 400 epochs at 0.0001",
            time.hours_retrained,
        ),
        ("minute MAE below 10 with around 10 epochs", time.minutes_soon),
        ("minute MAE finally less than 0.6", time.minutes_at_the_end),
        ("one wrong hour costs hours", time.a_wrong_hour_costs_hours),
        full=True,
    ),
    *_claims(
        "time/regression",
        ("MAE 0.46 hours", time.hours_away),
        ("no better after 1200 epochs than after 600", time.second_half_no_better),
        full=True,
    ),
    *_claims(
        "time/classification-720",
        ("more than 90 % in training, less than 20 % on the test images", time.memorized),
        ("the test loss rises from about epoch 40", time.loss_rises),
        full=True,
    ),
    *_claims(
        "time/sine-loss",
        ("never converges, no matter how it is set", time.never_converges),
        full=True,
    ),
    *_claims(
        "time/unit-circle",
        ("MAE 0.03 of each coordinate", time.coordinates),
        ("about 50 minutes of error after atan2", time.mean_error(25.0, 100.0)),
        ("never wrong by a few hours", time.never_hours_off),
        full=True,
    ),
    *_claims(
        "time/sin-cos",
        ("about 3 minutes of error", time.mean_error(0.0, 4.5)),
        ("most images exactly right", time.mostly_exact),
        ("the best of the six", time.best_of_six),
        full=True,
    ),
)
