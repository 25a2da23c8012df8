"""The report's figures drawn from our fits: loss and accuracy by epoch, several fits in one axis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt

from training.fit_results import Entry
from training.fits import slug

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
    figure, axes = plt.subplots(rows, columns, figsize=(_SIZE[0] * columns, _SIZE[1] * rows), squeeze=False, constrained_layout=True)
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
    figure.suptitle(f"{entry.name}, {data} (profile {entry.profile}); solid: validation, dashed: training", fontsize="medium")
    path = folder / f"{slug(entry.name)}-{data}.png"
    folder.mkdir(parents=True, exist_ok=True)
    # no date and no version in the file: the same fits give the same bytes
    figure.savefig(path, dpi=_DPI, metadata={"Software": None})
    plt.close(figure)
    return path


def _lines(axis: Any, history: dict[str, list[float | None]], key: str, colour: str, label: str | None) -> None:
    for name, style, said in ((key, "--", None), (f"val_{key}", "-", label)):
        values = [float("nan") if v is None else v for v in history.get(name, [])]
        if values:
            axis.plot(
                range(1, len(values) + 1), values, style, color=colour, linewidth=1.2, label=said, marker="." if len(values) < 4 else ""
            )


def _clip_far(axis: Any) -> None:
    """A logarithmic axis where losses span more than a hundredfold."""
    values = [v for line in axis.get_lines() for v in line.get_ydata() if v > 0]  # nan is not
    if values and max(values) > 100 * min(values):
        axis.set_yscale("log")
