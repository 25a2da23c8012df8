"""FIGURES.md: the report's figures by their numbers, drawn from our fits and networks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clockread.data import write_whole
from training.report.plots import draw_curves, draw_structure
from training.report.results import Entry
from training.report.tables import paragraph

FILE = "FIGURES.md"


@dataclass(frozen=True)
class Figure:
    """A figure of curves: one column of the histories of an entry."""

    number: int
    title: str
    entry: str
    key: str  # "loss", or a head and metric as in a history
    variants: tuple[str, ...] = ()  # empty: all
    epochs: tuple[int, int | None] = (0, None)  # from, to


@dataclass(frozen=True)
class Structure:
    """A figure of a network: a Keras model, drawn layer by layer."""

    number: int
    title: str
    network: str  # of `build_network`


def _loss_and_accuracy(number: int, title: str, entry: str, *variants: str) -> tuple[Figure, ...]:
    return tuple(
        Figure(number + i, f"{title}: {key}", entry, key, variants)
        for i, key in enumerate(("loss", "accuracy"))
    )


def _time_figures(number: int, title: str, entry: str, **keys: str) -> tuple[Figure, ...]:
    return tuple(
        Figure(number + i, f"{title}: {shown}", f"time/{entry}", key)
        for i, (key, shown) in enumerate(keys.items())
    )


FIGURES: tuple[Figure | Structure, ...] = (
    Structure(1, "Vanilla MLP structure", "mlp"),
    *_loss_and_accuracy(2, "Vanilla MLP", "mlp/vanilla"),
    *_loss_and_accuracy(4, "Initialization values", "mlp/init-values"),
    *_loss_and_accuracy(6, "Initialization distributions", "mlp/init-distribution"),
    *_loss_and_accuracy(8, "Activation functions", "mlp/activation"),
    *_loss_and_accuracy(10, "SGD and Nesterov", "mlp/optimizer", "sgd", "nesterov"),
    *_loss_and_accuracy(12, "Optimizers", "mlp/optimizer", "sgd", "rmsprop", "adam"),
    *_loss_and_accuracy(14, "Dropout", "mlp/regularization", "dropout"),
    *_loss_and_accuracy(16, "L1 and L2", "mlp/regularization", "l1", "l2"),
    Structure(18, "Vanilla CNN structure", "cnn"),
    *_loss_and_accuracy(19, "Vanilla CNN", "cnn/vanilla"),
    Structure(21, "CNN for combination of classification and regression", "multi-head"),
    *_time_figures(
        *(22, "Combination of classification and regression", "multi-head"),
        loss="total loss",
        hour_accuracy="accuracy of hours",
        minute_mae="MAE of minutes",
    ),
    Figure(25, "Regression: MAE, epochs 1 to 600", "time/regression", "mae", (), (0, 600)),
    Figure(26, "Regression: MAE, epochs 601 to 1200", "time/regression", "mae", (), (600, None)),
    *_time_figures(27, "Classification", "classification-720", loss="loss", accuracy="accuracy"),
    *_time_figures(29, "Unit circle", "unit-circle", sin_mae="MAE of x", cos_mae="MAE of y"),
    *_time_figures(
        *(31, "Optimal method", "sin-cos"),
        hour_sin_mae="MAE of the hour's x",
        hour_cos_mae="MAE of the hour's y",
        minute_sin_mae="MAE of the minute's x",
        minute_cos_mae="MAE of the minute's y",
    ),
)


def write_figures(folder: Path, found: dict[str, Entry]) -> Path:
    """Write FIGURES.md and its pictures into ``folder``; return the file."""
    lines = [
        "# The report's figures, drawn from our fits",
        "",
        *paragraph(
            "The numbers are the report's. Dashed lines are training, solid ones validation (for "
            "clocks: the test images), with one color per variant and one line per fit. Figures of "
            "part 1 show MNIST. [RESULTS.md](RESULTS.md) judges the claims about the curves."
        ),
    ]
    for figure in FIGURES:
        lines += [f"## Figure {figure.number}. {figure.title}", ""]
        lines += [*_figure(figure, found, folder / "plots"), ""]
    path = folder / FILE
    write_whole(path, "\n".join(lines))
    return path


def _figure(figure: Figure | Structure, found: dict[str, Entry], plots: Path) -> list[str]:
    path = plots / f"figure-{figure.number:02d}.png"
    picture = f"![Figure {figure.number}](plots/{path.name})"
    if isinstance(figure, Structure):
        draw_structure(build_network(figure.network), path)
        return [picture]
    entry, text = found.get(figure.entry), ""
    if entry is None:
        text = f"`{figure.entry}` has not run yet."
        entry = found.get(figure.entry.replace("time/", "upright/"))
        if entry is None:
            path.unlink(missing_ok=True)
            return [text]
        text += " "
    data = entry.data_sets[0]
    text += f"`{entry.name}` on {data}, profile {entry.profiles[data]}."
    if not draw_curves(entry, data, figure.key, path, figure.variants, figure.epochs):
        return [f"{text} It has fewer epochs."]
    return [text, "", picture]


def build_network(name: str) -> Any:
    """Build a network of the report, untrained: "mlp", "cnn", or an entry of `time/` at `full`."""
    from training.report.classifiers import build
    from training.report.configs import CnnConfig, MlpConfig
    from training.report.telltime import plan
    from training.report.time_networks import build_time

    if name in ("mlp", "cnn"):
        return build(MlpConfig() if name == "mlp" else CnnConfig())
    config = plan(f"time/{name}", "full")[0].config
    return build_time(config.kind, config.trunk)
