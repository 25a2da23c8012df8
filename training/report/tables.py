"""The tables of RESULTS.md, from finished fits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from training.report.claims import ACCURACIES, SETTINGS, TIMES
from training.report.results import Entry
from training.report.verdicts import PERMUTATION, lowest_loss_epoch, nearer_permutation


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table."""
    return [
        f"| {' | '.join(head)} |",
        "|" + "---|" * len(head),
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
    ]


def _percent(value: float) -> str:
    return f"{100 * value:.2f}" if np.isfinite(value) else "diverged"


def _reported(entry: str, data: str, variant: str) -> str:
    value = ACCURACIES.get((entry, data, variant))
    return f"{value:.2f}" if value is not None else ""


def setting(entry: Entry) -> str:
    """What of the report's setting was run, in words."""
    images = sorted({int(f["images"]["train"]) for f in entry.fits})
    seconds = sum(float(f["seconds"]) for f in entry.fits if "same_as" not in f)
    parts = [
        f"profile {entry.profile_names}",
        f"{entry.epochs} epochs",
        f"{' or '.join(f'{n:,}' for n in images)} training images",
    ]
    parts += [
        f"{f['side']}×{f['side']} pixels"
        for f in [entry.fits[0]["config"].get("trunk") or {}]
        if "side" in f
    ]
    parts += [
        f"computed in {p}"
        for p in sorted({_precision(f["config"]) for f in entry.fits})
        if p != "float32"
    ]
    return ", ".join([*parts, f"{seconds / 60:.0f} minutes"])


def _precision(config: dict[str, Any]) -> str:
    return str((config.get("network") or config.get("trunk") or config).get("precision", "float32"))


def classifier_section(entry: Entry) -> list[str]:
    """Table of a part 1 or part 2 entry: a row a data set and variant."""
    rows = []
    for data in entry.data_sets:
        for variant in entry.variants:
            found = entry.of(data, variant)
            if not found:
                continue
            tests = entry.test(data, variant)
            finite = [v for v in tests if np.isfinite(v)] or [float("nan")]
            curves = [entry.curve(data, variant, key) for key in ("loss", "val_loss")]
            last = [
                f"{curve[-1]:.3g}" if len(curve) and np.isfinite(curve[-1]) else "diverged"
                for curve in curves
            ]
            rows.append(
                [
                    data,
                    variant,
                    str(len(found)),
                    _percent(max(finite)),
                    _percent(float(np.mean(finite))),
                    _percent(min(finite)),
                    _reported(entry.name, data, variant),
                    str(lowest_loss_epoch(entry, data, variant)[0])
                    if np.isfinite(curves[1]).any()
                    else "",
                    *last,
                ]
            )
    head = (
        "data",
        "variant",
        "fits",
        "test %, best",
        "mean",
        "worst",
        "report",
        "lowest validation loss in epoch",
        "training loss",
        "validation loss",
    )
    return table(head, rows)


def time_table(found: Sequence[Entry]) -> list[str]:
    """Common-sense errors of all tell-the-time entries, decoded as the report does and jointly."""
    rows = []
    for entry, fit in ((e, f) for e in found for f in e.fits):
        test = fit["test"]
        several = len(entry.fits) > 1
        name = ", ".join(
            [entry.name, *[fit["data"]] * (len(entry.data_sets) > 1), *[fit["variant"]] * several]
        )
        said = TIMES.get(entry.name.replace("upright/", "time/"), "")
        errors = []
        for how in ("error", "joint"):
            if f"{how}_mean" not in test:
                errors.append(["diverged", "", "", "", "", "", ""])
                continue
            shares = [
                f"{100 * float(test[f'{how}_{k}']):.1f}" for k in ("exact", "within_1", "within_5")
            ]
            # fits that were made before these two were kept have none
            far = (
                f"{100 * float(test[f'{how}_beyond_60']):.1f}"
                if f"{how}_beyond_60" in test
                else "–"
            )
            largest = f"{float(test[f'{how}_max']):.0f}" if f"{how}_max" in test else "–"
            errors.append(
                [
                    f"{float(test[f'{how}_mean']):.2f}",
                    f"{float(test[f'{how}_median']):.1f}",
                    *shares,
                    far,
                    largest,
                ]
            )
        for decoding, values in zip(("the report's", "joint"), errors, strict=True):
            first = decoding == "the report's"
            rows.append(
                [
                    name if first else "",
                    entry.profile if first else "",
                    decoding,
                    *values,
                    said if first else "",
                ]
            )
    head = (
        "entry",
        "profile",
        "decoding",
        "mean, minutes",
        "median",
        "exact %",
        "≤ 1 minute %",
        "≤ 5 minutes %",
        "> 60 minutes %",
        "largest",
        "the report",
    )
    return table(head, rows)


def time_section(entry: Entry) -> list[str]:
    """Losses and metrics of one tell-the-time entry on the test images, in the end."""
    test = {
        k: v for k, v in entry.fits[0]["test"].items() if not k.startswith(("error_", "joint_"))
    }
    return table(
        ("test figure", "ours"),
        [[k, "diverged" if v is None else f"{v:.4g}"] for k, v in sorted(test.items())],
    )


def permutation_table(found: dict[str, Entry]) -> list[str]:
    """The report's permutation table beside ours, both kinds of permutation."""
    rows = []
    for name in ("permutation/mlp", "permutation/cnn"):
        entry = found.get(name)
        for data in entry.data_sets if entry else ():
            assert entry is not None
            ours = []
            for variant in ("original", "fixed", "per-image"):
                fits = entry.of(data, variant)
                lower = (
                    f" ({fits[0]['profile']})"
                    if fits and fits[0]["profile"] != entry.profiles[data]
                    else ""
                )
                ours.append(
                    _percent(max(entry.test(data, variant))) + lower if fits else "has not run yet"
                )
            said = [_reported(name, data, v) for v in ("original", "fixed")]
            nearer = (
                nearer_permutation(entry, data)
                if (name, data) in PERMUTATION and entry.of(data, "fixed")
                else ""
            )
            rows.append(
                [name.split("/")[1].upper(), data, entry.profiles[data], *said, *ours, nearer]
            )
    head = (
        "network",
        "data",
        "profile",
        "report: original",
        "report: permuted",
        "ours: original",
        "ours: one permutation",
        "ours: one for each image",
        "nearer to the report's permuted",
    )
    return table(head, rows)


_PARTS = (
    "epochs",
    "batch",
    "learning rate",
    "optimizer",
    "losses",
    "metrics",
    "activation of the heads",
)


def settings_tables(found: dict[str, Entry]) -> list[str]:
    """The report's tables 2 to 6 beside ours: what `full` is, and what the fits that are shown had, both from their configuration."""
    from training.report.telltime import plan

    lines = []
    for number, name, reported in SETTINGS:
        full = asdict(plan(name, "full")[0].config)
        ran = found[name].fits[0]["config"] if name in found else None
        columns = [
            reported,
            _time_settings(full),
            _time_settings(ran) if ran else ("has not run yet",) * len(_PARTS),
        ]
        rows = [[part, *values] for part, *values in zip(_PARTS, *columns, strict=True)]
        lines += [
            f"Table {number}, `{name}`:",
            "",
            *table(("", "the report", "ours at `full`", "what ran"), rows),
        ]
    return lines


def _time_settings(config: dict[str, Any]) -> tuple[str, ...]:
    """`_PARTS` of a tell-the-time network, from its configuration and the compiled Keras model."""
    from training.report.time_networks import HEADS, Trunk, build_time, compile_time

    kind = config["kind"]
    model = build_time(kind, Trunk(75, (1, 1, 1, 1), 1))
    compile_time(model, kind, config["phases"][0][1])
    again = config.get("retrain")
    epochs = " + ".join(str(e) for e, _ in config["phases"]) + (
        f"; from {again[0]} again {again[1]}" if again else ""
    )
    rates = ", ".join(f"{r:g}" for r in dict.fromkeys(r for _, r in config["phases"])) + (
        f"; again {again[2]:g}" if again else ""
    )
    heads = HEADS[kind]
    return (
        epochs,
        str(config["batch"]),
        rates,
        type(model.optimizer).__name__,
        *(
            "; ".join(f"{n}: {getattr(h, what)}" for n, h in heads.items())
            for what in ("loss", "metric", "activation")
        ),
    )
