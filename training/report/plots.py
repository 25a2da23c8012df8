"""The report's figures drawn from our fits: loss and accuracy by epoch, several fits in one axis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt

from training.report.results import Entry
from training.report.runs import slug

_SIZE = (5.0, 3.6)  # inches of one axis
_DPI = 72
_PER_FIT = ("epoch_seconds",)  # columns of a history that are no figure of the report


def panels(entry: Entry) -> list[str]:
    """What an entry's figure shows: loss first, then every metric; for single heads Keras gives the loss twice."""
    keys: list[str] = []
    for fit in entry.fits:
        for key in fit["history"]:
            if not key.startswith("val_") and key not in keys and key not in _PER_FIT:
                keys.append(key)
    metrics = sorted(k for k in keys if not k.endswith("loss"))
    return ["loss", *metrics] if "loss" in keys else metrics


def draw(entry: Entry, data: str, folder: Path) -> Path:
    """One PNG of an entry on a data set: training dashed, validation solid, a colour a variant, a line a fit."""
    shown = panels(entry)
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(_SIZE[0] * columns, _SIZE[1] * rows),
        squeeze=False,
        constrained_layout=True,
    )
    for axis, key in zip(axes.flat, shown, strict=False):
        for i, variant in enumerate(entry.variants):
            for fit in entry.of(data, variant):
                _lines(axis, fit["history"], key, f"C{i}", variant if fit["fit"] == 0 else None)
        axis.set_title(key)
        axis.set_xlabel("epoch")
        if key == "loss":
            _clip_far(axis)
        axis.grid(alpha=0.3)
    for axis in list(axes.flat)[len(shown) :]:
        axis.set_visible(False)
    axes.flat[0].legend(fontsize="small")
    figure.suptitle(
        f"{entry.name}, {data} (profile {entry.profiles[data]}); solid: validation, dashed: training",
        fontsize="medium",
    )
    path = folder / f"{slug(entry.name)}-{data}.png"
    folder.mkdir(parents=True, exist_ok=True)
    # no date and no version in the file: the same fits give the same bytes
    figure.savefig(path, dpi=_DPI, metadata={"Software": None})
    plt.close(figure)
    return path


def draw_curves(
    entry: Entry,
    data: str,
    key: str,
    path: Path,
    variants: tuple[str, ...],
    epochs: tuple[int, int | None],
) -> bool:
    """One PNG of one column of the histories, of some variants and epochs; False, and no file, where nothing ran so long."""
    figure, axis = plt.subplots(figsize=_SIZE, constrained_layout=True)
    shown = [v for v in entry.variants if not variants or v in variants]
    for i, variant in enumerate(shown):
        for fit in entry.of(data, variant):
            _lines(axis, fit["history"], key, f"C{i}", variant if fit["fit"] == 0 else None, epochs)
    drawn = bool(axis.get_lines())
    if drawn:
        axis.set_xlabel("epoch")
        axis.set_ylabel(key)
        _clip_far(axis)
        axis.grid(alpha=0.3)
        axis.legend(fontsize="small")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=_DPI, metadata={"Software": None})
    else:
        path.unlink(missing_ok=True)
    plt.close(figure)
    return drawn


def draw_structure(model: Any, path: Path) -> None:
    """One PNG of a Keras model: a box a layer with its output's shape and parameters, heads side by side."""
    layers = [layer for layer in model.layers if _shown(layer)]
    heads = [layer for layer in layers if layer.name in model.output_names]
    boxes = [[layer] for layer in layers if layer not in heads] + [heads]
    height, width = 0.34 * len(boxes) + 0.2, max(4.4, 3.6 * len(heads))
    figure, axis = plt.subplots(figsize=(width, height))
    for row, some in enumerate(boxes):
        for column, layer in enumerate(some):
            x = (column + 0.5) / len(some)
            axis.text(
                x,
                -row,
                _described(layer),
                ha="center",
                va="center",
                fontsize=7,
                bbox={"boxstyle": "round", "fc": "white"},
            )
            if row + 1 < len(boxes):
                for i in range(len(boxes[row + 1])):
                    to = ((i + 0.5) / len(boxes[row + 1]), -row - 0.75)
                    axis.annotate(
                        "", to, (x, -row - 0.25), arrowprops={"arrowstyle": "->", "lw": 0.7}
                    )
    axis.set_xlim(0, 1)
    axis.set_ylim(0.5 - len(boxes), 0.5)
    axis.axis("off")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)


def _shown(layer: Any) -> bool:
    """Whether a layer is one of the network's, and no arithmetic of scaling its pixels."""
    return (
        type(layer).__module__.startswith("keras.src.layers")
        and type(layer).__name__ != "Rescaling"
    )


def _described(layer: Any) -> str:
    config = layer.get_config()
    how = (
        [f"{config['filters']} of {'×'.join(map(str, config['kernel_size']))}"]
        if "kernel_size" in config
        else []
    )
    how += [str(config["activation"])] if config.get("activation") else []
    shape = "×".join(str(n) for n in layer.output.shape[1:]) or "1"
    parameters = f", {layer.count_params():,} parameters" if layer.count_params() else ""
    name = f"{layer.name}: " if layer.name in ("hour", "minute") else ""
    return (
        f"{name}{type(layer).__name__}{' ' + ', '.join(how) if how else ''} → {shape}{parameters}"
    )


def _lines(
    axis: Any,
    history: dict[str, list[float | None]],
    key: str,
    colour: str,
    label: str | None,
    epochs: tuple[int, int | None] = (0, None),
) -> None:
    for name, style, said in ((key, "--", None), (f"val_{key}", "-", label)):
        values = [float("nan") if v is None else v for v in history.get(name, [])][slice(*epochs)]
        if values:
            at = range(epochs[0] + 1, epochs[0] + len(values) + 1)
            axis.plot(
                at,
                values,
                style,
                color=colour,
                linewidth=1.2,
                label=said,
                marker="." if len(values) < 4 else "",
            )


def _clip_far(axis: Any) -> None:
    """A logarithmic axis where losses span more than a hundredfold."""
    values = [v for line in axis.get_lines() for v in line.get_ydata() if v > 0]  # nan is not
    if values and max(values) > 100 * min(values):
        axis.set_yscale("log")
