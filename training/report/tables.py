"""The tables of RESULTS.md, from finished fits."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from training.markdown import table
from training.report.claims import ACCURACIES, SETTINGS, TIMES
from training.report.classifier_rules import closest_permutation, lowest_loss_epoch
from training.report.results import Entry, Result
from training.report.verdicts import MISSING


def paragraph(text: str) -> list[str]:
    """Return the lines of a paragraph."""
    return [*textwrap.wrap(text, 100), ""]


def _percent(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "diverged"


def _reported(entry: str, data: str, variant: str) -> str:
    value = ACCURACIES.get((entry, data, variant))
    return f"{value:.2f}" if value is not None else ""


def setting(entry: Entry) -> str:
    """Describe the setting that an entry ran at."""
    images = sorted({int(f["images"]["train"]) for f in entry.fits})
    seconds = sum(float(f["seconds"]) for f in entry.fits if "same_as" not in f)
    trunk = entry.fits[0]["config"].get("trunk") or {}
    precisions = sorted({_precision(f) for f in entry.fits} - {"float32"})
    parts = [
        f"profile {entry.profile_names}",
        f"{entry.epochs} epochs",
        f"{' or '.join(f'{n:,}' for n in images)} training images",
        *([f"{trunk['side']}×{trunk['side']} pixels"] if "side" in trunk else []),
        *(f"computed in {precision}" for precision in precisions),
        f"{seconds / 60:.0f} minutes",
    ]
    return ", ".join(parts)


def _precision(fit: dict[str, Any]) -> str:
    """Return the precision that a fit computed in; that of its configuration in older results."""
    config = fit["config"]
    network = config.get("network") or config.get("trunk") or config
    return str(fit.get("precision") or network.get("precision", "float32"))


def classifier_section(entry: Entry) -> list[str]:
    """Return the table of a part 1 or part 2 entry: one row per data set and variant."""
    rows = []
    for data in entry.data_sets:
        for variant in entry.variants:
            fits = entry.select(data, variant)
            if not fits:
                continue
            finite = [v for v in entry.accuracies(data, variant) if np.isfinite(v)] or [np.nan]
            curves = [entry.mean_curve(data, variant, key) for key in ("loss", "val_loss")]
            last = [curve[-1] if len(curve) else np.nan for curve in curves]
            lowest = ""
            if np.isfinite(curves[1]).any():
                lowest = str(lowest_loss_epoch(entry, data, variant)[0])
            rows.append(
                [
                    *(data, variant, str(len(fits))),
                    *(_percent(v) for v in (max(finite), float(np.mean(finite)), min(finite))),
                    *(_reported(entry.name, data, variant), lowest),
                    *(f"{loss:.3g}" if np.isfinite(loss) else "diverged" for loss in last),
                ]
            )
    return table(
        "data|variant|fits|test %, best|mean|worst|report|lowest validation loss in epoch"
        "|training loss|validation loss",
        rows,
    )


def time_table(found: Sequence[Entry]) -> list[str]:
    """Return the common-sense errors of tell-the-time entries, in either decoding."""
    rows = []
    for entry in found:
        for fit in entry.fits:
            names = [entry.name]
            names += [fit["data"]] if len(entry.data_sets) > 1 else []
            names += [fit["variant"]] if len(entry.fits) > 1 else []
            reported = TIMES.get(entry.name.replace("upright/", "time/"), "")
            report, joint = (_errors(fit["test"], prefix) for prefix in ("error", "joint"))
            rows += [
                [", ".join(names), entry.profile, "the report's", *report, reported],
                ["", "", "joint", *joint, ""],
            ]
    return table(
        "entry|profile|decoding|mean, minutes|median|exact %|≤ 1 minute %|≤ 5 minutes %"
        "|> 60 minutes %|largest|the report",
        rows,
    )


def _errors(test: Result, prefix: str) -> list[str]:
    if f"{prefix}_mean" not in test:
        return ["diverged", *[""] * 6]

    def figure(name: str, digits: int, factor: float = 1.0) -> str:
        value = test.get(f"{prefix}_{name}")  # older fits lack beyond_60 and max
        return "–" if value is None else f"{factor * float(value):.{digits}f}"

    shares = (figure(k, 1, 100.0) for k in ("exact", "within_1", "within_5", "beyond_60"))
    return [figure("mean", 2), figure("median", 1), *shares, figure("max", 0)]


def time_section(entry: Entry) -> list[str]:
    """Return the final losses and metrics of one tell-the-time entry on the test images."""
    test = sorted(entry.fits[0]["test"].items())
    figures = [(k, v) for k, v in test if not k.startswith(("error_", "joint_"))]
    return table(
        "test figure|ours", [[k, "diverged" if v is None else f"{v:.4g}"] for k, v in figures]
    )


def permutation_table(found: dict[str, Entry]) -> list[str]:
    """Return the report's permutation table beside ours, with both kinds of permutation."""
    rows = []
    for entry in (found[n] for n in ("permutation/mlp", "permutation/cnn") if n in found):
        for data in entry.data_sets:
            profile, ours = entry.profiles[data], []
            for variant in ("original", "fixed", "per-image"):
                fits = entry.select(data, variant)
                if not fits:
                    ours.append(MISSING)
                    continue
                lower = f" ({fits[0]['profile']})" if fits[0]["profile"] != profile else ""
                ours.append(_percent(max(entry.accuracies(data, variant))) + lower)
            reported = [_reported(entry.name, data, v) for v in ("original", "fixed")]
            known = reported[0] and entry.select(data, "fixed")
            closest = closest_permutation(entry, data) if known else ""
            network = entry.name.split("/")[1].upper()
            rows.append([network, data, profile, *reported, *ours, closest])
    return table(
        "network|data|profile|report: original|report: permuted|ours: original"
        "|ours: fixed (one permutation)|ours: per-image (a new one each)"
        "|closest to the report's permuted",
        rows,
    )


_SETTINGS = (
    "epochs",
    "batch",
    "learning rate",
    "optimizer",
    "losses",
    "metrics",
    "head activation",
)


def settings_tables(found: dict[str, Entry]) -> list[str]:
    """Return the report's tables 2 to 6 beside ours: those of `full`, and of the fits shown."""
    from training.report.telltime import plan

    lines = []
    for number, name, reported in SETTINGS:
        full = _time_settings(asdict(plan(name, "full")[0].config))
        ran = (MISSING,) * len(full)
        if name in found:
            ran = _time_settings(found[name].fits[0]["config"])
        rows = zip(_SETTINGS, reported, full, ran, strict=True)
        lines += [f"Table {number}, `{name}`:", ""]
        lines += table("|the report|ours at `full`|what ran", list(rows))
    return lines


def _time_settings(config: dict[str, Any]) -> tuple[str, ...]:
    """Return `_SETTINGS` of a tell-the-time network."""
    from training.report.time_networks import HEADS, OPTIMIZER

    phases, retrain = config["phases"], config.get("retrain")
    epochs = " + ".join(str(n) for n, _ in phases)
    rates = ", ".join(f"{r:g}" for r in dict.fromkeys(r for _, r in phases))
    if retrain:
        epochs += f"; retrained from {retrain[0]} for {retrain[1]}"
        rates += f"; retrained at {retrain[2]:g}"
    heads = [
        "; ".join(f"{name}: {getattr(head, key)}" for name, head in HEADS[config["kind"]].items())
        for key in ("loss", "metric", "activation")
    ]
    return (epochs, str(config["batch"]), rates, OPTIMIZER.__name__, *heads)
