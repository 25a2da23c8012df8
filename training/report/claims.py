"""What the report claims and prints, entry by entry; `training.report.verdicts` and `training.report.time_verdicts` have the rules that decide it."""

from __future__ import annotations

from training.report import time_verdicts as time
from training.report.verdicts import (
    PERMUTATION,
    Claim,
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
    "time/multi-head": "hour 85 %, about 90 % retrained; minute MAE < 0.6",
    "time/regression": "MAE 0.46 h",
    "time/classification-720": "accuracy < 20 %",
    "time/sine-loss": "never converges",
    "time/unit-circle": "MAE 0.03; about 50 minutes",
    "time/sin-cos": "about 3 minutes; most exact",
    "time/sin-cos-faster": "not in the report",
}

# its tables 2 to 6: number, entry, (epochs, batch, rate, optimizer, losses, metrics, activation of the heads); "" where it says nothing
SETTINGS = (
    (
        2,
        "time/multi-head",
        (
            "1200",
            "32",
            "0.0005",
            "Adam",
            "hours: cross-entropy; minutes: MSE",
            "hours: accuracy; minutes: MAE",
            "",
        ),
    ),
    (3, "time/regression", ("600", "32", "0.0001", "Adam", "MSE", "MAE", "linear")),
    (
        4,
        "time/classification-720",
        ("200", "32", "0.0005", "Adam", "cross-entropy", "accuracy", "softmax"),
    ),
    (5, "time/unit-circle", ("200", "64", "0.0005", "Adam", "MSE", "MAE", "linear (both)")),
    (6, "time/sin-cos", ("300", "64", "0.0001", "Adam", "MSE (all)", "MAE (all)", "linear (all)")),
)

_VANILLA = "vanilla"
CLAIMS: tuple[Claim, ...] = (
    Claim(
        "mlp/vanilla",
        "97.33 % on MNIST, best of 3",
        accuracy_of(_VANILLA, "mnist", 97.33),
        full=True,
    ),
    Claim(
        "mlp/vanilla",
        "training accuracy above validation accuracy after about 24 epochs: over-fitting",
        training_above_validation(_VANILLA, 19, 29),
        full=True,
    ),
    Claim(
        "mlp/init-values",
        "small initial weights learn very slowly",
        learns_slowly("stddev-small", "stddev-default"),
    ),
    Claim(
        "mlp/init-values", "large initial weights are worst", best_is("stddev-large", worst=True)
    ),
    Claim(
        "mlp/init-distribution",
        "He is best with ReLU, also against Xavier",
        leads_on_mnist("he", "xavier"),
    ),
    Claim("mlp/activation", "ReLU is best", best_is("relu")),
    Claim("mlp/activation", "ReLU costs less time than sigmoid and tanh", costs_less("relu")),
    Claim("mlp/activation", "differences are not great", differences_small),
    Claim(
        "mlp/optimizer",
        "Nesterov momentum is much faster than SGD",
        much_faster(("nesterov",), "sgd"),
    ),
    Claim(
        "mlp/optimizer", "RMSprop and Adam learn very fast", learns_fast(("rmsprop", "adam"), "sgd")
    ),
    Claim(
        "mlp/optimizer",
        "RMSprop and Adam over-fit after 10 epochs",
        over_fits_early(("rmsprop", "adam"), 15),
    ),
    Claim(
        "mlp/regularization",
        "97.38 % with dropout on MNIST",
        accuracy_of("dropout", "mnist", 97.38),
        full=True,
    ),
    Claim(
        "mlp/regularization",
        "with dropout the validation loss is always lower than the training loss",
        validation_below_training("dropout"),
    ),
    Claim("mlp/regularization", "L2 is better than L1", better_than((("l2", "l1"),))),
    Claim(
        "mlp/regularization",
        "L1 and L2 are far below dropout",
        better_than((("dropout", "l1"), ("dropout", "l2")), by=3.0),
    ),
    Claim("mlp/regularization", "L1 and L2 prevent over-fitting", no_over_fitting(("l1", "l2"))),
    Claim(
        "cnn/vanilla",
        "99.24 % on MNIST",
        accuracy_of(_VANILLA, "mnist", 99.24),
        full=True,
        data="mnist",
    ),
    Claim(
        "cnn/vanilla",
        "over-fits after about 14 epochs, not before",
        over_fits_from(_VANILLA, 10, 15),
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
    Claim(
        "permutation/mlp", "almost the same on original and permuted images", hardly_hurt, full=True
    ),
    Claim(
        "permutation/cnn",
        "on permuted images always below the MLP, throughout the training",
        always_below("permutation/mlp"),
        data="mnist",
        full=True,
    ),
    Claim(
        "time/multi-head",
        "half of the hours are right near epoch 100",
        time.half_the_hours,
        full=True,
    ),
    Claim("time/multi-head", "hours 85 % right at epoch 1200", time.hours_at_the_end, full=True),
    Claim(
        "time/multi-head",
        "hours 90 % or so, retrained from epoch 800 for 400 epochs at 0.0001",
        time.hours_retrained,
        full=True,
    ),
    Claim(
        "time/multi-head", "minute MAE below 10 with around 10 epochs", time.minutes_soon, full=True
    ),
    Claim(
        "time/multi-head", "minute MAE finally less than 0.6", time.minutes_at_the_end, full=True
    ),
    Claim(
        "time/multi-head", "one wrong hour costs hours", time.a_wrong_hour_costs_hours, full=True
    ),
    Claim("time/regression", "MAE 0.46 hours", time.hours_away, full=True),
    Claim(
        "time/regression",
        "no better after 1200 epochs than after 600",
        time.second_half_no_better,
        full=True,
    ),
    Claim(
        "time/classification-720",
        "more than 90 % in training, less than 20 % on the test images",
        time.memorized,
        full=True,
    ),
    Claim(
        "time/classification-720",
        "the test loss rises from about epoch 40",
        time.loss_rises,
        full=True,
    ),
    Claim(
        "time/sine-loss",
        "never converges, no matter how it is set",
        time.never_converges,
        full=True,
    ),
    Claim("time/unit-circle", "MAE 0.03 of each coordinate", time.coordinates, full=True),
    Claim(
        "time/unit-circle",
        "about 50 minutes of error after atan2",
        time.mean_error(25.0, 100.0),
        full=True,
    ),
    Claim("time/unit-circle", "never wrong by a few hours", time.never_hours_off, full=True),
    Claim("time/sin-cos", "about 3 minutes of error", time.mean_error(0.0, 4.5), full=True),
    Claim("time/sin-cos", "most images exactly right", time.mostly_exact, full=True),
    Claim("time/sin-cos", "the best of the six", time.best_of_six, full=True),
)
