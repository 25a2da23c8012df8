"""Plots of our fits (loss and metrics by epoch) and of networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt

from training.report.results import Entry
from training.report.runs import slug

_SIZE = (5.0, 3.6)  # inches of one axis
_PER_FIT = ("epoch_seconds",)  # columns of a history that are not plotted
Epochs = tuple[int, int | None]  # from, to


def panels(entry: Entry) -> list[str]:
    """Return what an entry's plot shows: loss first, then every metric.

    Other losses are left out: Keras repeats the loss of a single head.
    """
    keys = dict.fromkeys(key for fit in entry.fits for key in fit["history"])
    shown = [k for k in keys if not k.startswith("val_") and k not in _PER_FIT]
    metrics = sorted(k for k in shown if not k.endswith("loss"))
    return ["loss", *metrics] if "loss" in shown else metrics


def draw(entry: Entry, data: str, folder: Path) -> Path:
    """Draw all panels of an entry on one data set; return the PNG.

    Training is dashed, validation solid, with one color per variant and one line per fit.
    """
    shown = panels(entry)
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    size = (_SIZE[0] * columns, _SIZE[1] * rows)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for axis, key in zip(axes.flat, shown, strict=False):
        _curves(axis, entry, data, key, entry.variants)
        axis.set_title(key)
        if key == "loss":
            _scale(axis)
    for axis in list(axes.flat)[len(shown) :]:
        axis.set_visible(False)
    axes.flat[0].legend(fontsize="small")
    title = f"{entry.name}, {data} (profile {entry.profiles[data]})"
    figure.suptitle(f"{title}; solid: validation, dashed: training", fontsize="medium")
    return _save(figure, folder / f"{slug(entry.name)}-{data}.png")


def draw_curves(
    entry: Entry, data: str, key: str, path: Path, variants: Sequence[str], epochs: Epochs
) -> bool:
    """Draw one column of an entry's histories.

    Args:
        entry: Its fits are drawn.
        data: Data set.
        key: Column of the histories.
        path: PNG to write; deleted if there is nothing to draw.
        variants: Those to draw; empty for all.
        epochs: Epochs to skip, and the last one drawn; None: all.

    Returns:
        Whether any fit has such epochs.

    """
    figure, axis = plt.subplots(figsize=_SIZE, layout="constrained")
    shown = [v for v in entry.variants if not variants or v in variants]
    _curves(axis, entry, data, key, shown, epochs)
    if not axis.get_lines():
        path.unlink(missing_ok=True)
        plt.close(figure)
        return False
    axis.set_ylabel(key)
    _scale(axis)
    axis.legend(fontsize="small")
    _save(figure, path)
    return True


def _save(figure: Any, path: Path, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    # without date and version in the file, the same fits give the same bytes
    figure.savefig(path, **{"dpi": 72, "metadata": {"Software": None}, **options})
    plt.close(figure)
    return path


def _curves(
    axis: Any,
    entry: Entry,
    data: str,
    key: str,
    variants: Sequence[str],
    epochs: Epochs = (0, None),
) -> None:
    axis.set_xlabel("epoch")
    axis.grid(alpha=0.3)
    for i, variant in enumerate(variants):
        for fit in entry.select(data, variant):
            label = variant if fit["fit"] == 0 else None
            for name, style, shown in ((key, "--", None), (f"val_{key}", "-", label)):
                values = [float("nan") if v is None else v for v in fit["history"].get(name, [])]
                values = values[slice(*epochs)]
                if values:
                    numbers = range(epochs[0] + 1, epochs[0] + len(values) + 1)
                    marker = "." if len(values) < 4 else ""
                    options: Any = {"color": f"C{i}", "linewidth": 1.2, "marker": marker}
                    axis.plot(numbers, values, style, label=shown, **options)


def _scale(axis: Any) -> None:
    """Use a logarithmic axis if the values span more than a hundredfold."""
    values = [v for line in axis.get_lines() for v in line.get_ydata() if v > 0]  # nan is not
    if values and max(values) > 100 * min(values):
        axis.set_yscale("log")


def draw_structure(model: Any, path: Path) -> None:
    """Draw a Keras model: one box per layer with output shape and parameters, heads in one row."""
    layers = [layer for layer in model.layers if _shown(layer)]
    heads = [layer for layer in layers if layer.name in model.output_names]
    rows = [[layer] for layer in layers if layer not in heads] + [heads]
    size = (max(4.4, 3.6 * len(heads)), 0.34 * len(rows) + 0.2)
    figure, axis = plt.subplots(figsize=size)
    box: Any = {"bbox": {"boxstyle": "round", "fc": "white"}, "ha": "center", "va": "center"}
    arrow = {"arrowstyle": "->", "lw": 0.7}
    for y, row in enumerate(rows):
        below = len(rows[y + 1]) if y + 1 < len(rows) else 0
        for column, layer in enumerate(row):
            x = (column + 0.5) / len(row)
            axis.text(x, -y, _describe(layer), fontsize=7, **box)
            for i in range(below):
                end = ((i + 0.5) / below, -y - 0.75)
                axis.annotate("", end, (x, -y - 0.25), arrowprops=arrow)
    axis.set_xlim(0, 1)
    axis.set_ylim(0.5 - len(rows), 0.5)
    axis.axis("off")
    _save(figure, path, dpi=110, bbox_inches="tight")


def _shown(layer: Any) -> bool:
    """Return whether a layer is a Keras layer, and not arithmetic on pixels."""
    kind = type(layer)
    return kind.__module__.startswith("keras.src.layers") and kind.__name__ != "Rescaling"


def _describe(layer: Any) -> str:
    config, details = layer.get_config(), []
    if "kernel_size" in config:
        details = [f"{config['filters']} of {'×'.join(map(str, config['kernel_size']))}"]
    details += [str(config["activation"])] if config.get("activation") else []
    name = f"{layer.name}: " if layer.name in ("hour", "minute") else ""
    kind = " ".join([type(layer).__name__, *([", ".join(details)] if details else [])])
    shape = "×".join(str(n) for n in layer.output.shape[1:]) or "1"
    parameters = f", {layer.count_params():,} parameters" if layer.count_params() else ""
    return f"{name}{kind} → {shape}{parameters}"
