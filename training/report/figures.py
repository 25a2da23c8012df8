"""The report's figures, by their numbers, from our fits and networks: `FIGURES.md`, one page to read next to the report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.data import write_whole
from training.report.plots import draw_curves, draw_structure
from training.report.results import Entry

FILE = "FIGURES.md"


@dataclass(frozen=True)
class Figure:
    """One figure of curves: a column of the histories of some variants (all where none are named)."""

    number: int
    title: str
    entry: str
    key: str  # "loss", or a head and metric as in a history
    variants: tuple[str, ...] = ()
    epochs: tuple[int, int | None] = (0, None)  # from, to


@dataclass(frozen=True)
class Structure:
    """One figure of a network: a Keras model, drawn layer by layer."""

    number: int
    title: str
    network: str  # of `model`


def _both(number: int, title: str, entry: str, *variants: str) -> tuple[Figure, Figure]:
    return (
        Figure(number, f"{title}: loss", entry, "loss", variants),
        Figure(number + 1, f"{title}: accuracy", entry, "accuracy", variants),
    )


FIGURES: tuple[Figure | Structure, ...] = (
    Structure(1, "Vanilla MLP structure", "mlp"),
    *_both(2, "Vanilla MLP", "mlp/vanilla"),
    *_both(4, "Initialization values", "mlp/init-values"),
    *_both(6, "Initialization distributions", "mlp/init-distribution"),
    *_both(8, "Activation functions", "mlp/activation"),
    *_both(10, "SGD and Nesterov", "mlp/optimizer", "sgd", "nesterov"),
    *_both(12, "Optimizers", "mlp/optimizer", "sgd", "rmsprop", "adam"),
    *_both(14, "Dropout", "mlp/regularization", "dropout"),
    *_both(16, "L1 and L2", "mlp/regularization", "l1", "l2"),
    Structure(18, "Vanilla CNN structure", "cnn"),
    *_both(19, "Vanilla CNN", "cnn/vanilla"),
    Structure(21, "CNN for combination of classification and regression", "multi-head"),
    Figure(
        22, "Combination of classification and regression: total loss", "time/multi-head", "loss"
    ),
    Figure(
        23,
        "Combination of classification and regression: accuracy of hours",
        "time/multi-head",
        "hour_accuracy",
    ),
    Figure(
        24,
        "Combination of classification and regression: MAE of minutes",
        "time/multi-head",
        "minute_mae",
    ),
    Figure(25, "Regression: MAE, epochs 1 to 600", "time/regression", "mae", (), (0, 600)),
    Figure(26, "Regression: MAE, epochs 601 to 1200", "time/regression", "mae", (), (600, None)),
    Figure(27, "Classification: loss", "time/classification-720", "loss"),
    Figure(28, "Classification: accuracy", "time/classification-720", "accuracy"),
    Figure(29, "Unit circle: MAE of x", "time/unit-circle", "sin_mae"),
    Figure(30, "Unit circle: MAE of y", "time/unit-circle", "cos_mae"),
    Figure(31, "Optimal method: MAE of the hour's x", "time/sin-cos", "hour_sin_mae"),
    Figure(32, "Optimal method: MAE of the hour's y", "time/sin-cos", "hour_cos_mae"),
    Figure(33, "Optimal method: MAE of the minute's x", "time/sin-cos", "minute_sin_mae"),
    Figure(34, "Optimal method: MAE of the minute's y", "time/sin-cos", "minute_cos_mae"),
)


def write_figures(folder: Path, found: dict[str, Entry]) -> Path:
    """Write FIGURES.md and its pictures into ``folder``; returns the file."""
    lines = [
        "# The report's figures, drawn from our fits",
        "",
        "Numbers are the report's. Training is dashed, validation (of clocks: the test images) solid, a colour a variant, a line a fit;",
        "figures of part 1 show MNIST. What the curves mean is judged in [RESULTS.md](RESULTS.md).",
        "",
    ]
    for figure in FIGURES:
        lines += [
            f"## Figure {figure.number}. {figure.title}",
            "",
            *_figure(figure, found, folder / "plots"),
            "",
        ]
    path = folder / FILE
    write_whole(path, "\n".join(lines))
    return path


def _figure(figure: Figure | Structure, found: dict[str, Entry], plots: Path) -> list[str]:
    name = f"figure-{figure.number:02d}.png"
    if isinstance(figure, Structure):
        draw_structure(model(figure.network), plots / name)
        return [f"![Figure {figure.number}](plots/{name})"]
    entry, before = found.get(figure.entry), ""
    if entry is None:
        before = f"`{figure.entry}` has not run yet. "
        entry = found.get(figure.entry.replace("time/", "upright/"))
    if entry is None:
        (plots / name).unlink(missing_ok=True)
        return [before.strip()]
    data = entry.data_sets[0]
    drawn = draw_curves(entry, data, figure.key, plots / name, figure.variants, figure.epochs)
    said = f"{before}`{entry.name}` on {data}, profile {entry.profiles[data]}."
    return (
        [said, "", f"![Figure {figure.number}](plots/{name})"]
        if drawn
        else [f"{said} It did not run this long."]
    )


def model(network: str) -> Any:
    """Build a network of the report as the full profile has it, untrained."""
    from training.report.classifiers import CnnConfig, MlpConfig, build
    from training.report.telltime import plan
    from training.report.time_networks import build_time

    if network == "mlp":
        return build(MlpConfig())
    if network == "cnn":
        return build(CnnConfig())
    fit = plan(f"time/{network}", "full")[0]
    return build_time(fit.config.kind, fit.config.trunk)
