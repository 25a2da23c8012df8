"""`python -m training.report`: finished fits to `training/results/RESULTS.md`, its plots, and the fits it was made from.

Every figure in it comes from a fit's JSON. The fits are copied beside it, so that it can be made again without training.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from training.claims import MISSING, PERMUTATION, Claim, Verdict, lowest_loss_epoch, nearer_permutation
from training.files import write_whole
from training.fit_results import Entry, Result, entries, read_fits
from training.fits import results_folder, slug
from training.registry import EXPERIMENTS
from training.reported import ACCURACIES, CLAIMS, TIMES

RESULTS = Path(__file__).resolve().parent / "results"
COMMAND = "python -m training.report"


def collect(profiles: Sequence[str], folder: Path) -> None:
    """Copy finished fits of some profiles into ``folder``/fits/<profile>; a later fit of the same name takes the place of an earlier."""
    for profile in profiles:
        source = results_folder(profile)
        for path in sorted(source.glob("*/*.json"), key=lambda p: p.stat().st_mtime):
            target = folder / "fits" / profile / path.parent.name / path.name
            stem = path.name.split(".")[0]
            for old in target.parent.glob(f"{stem}.*.json"):
                old.unlink()
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table."""
    return [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *(f"| {' | '.join(row)} |" for row in rows), ""]


def _percent(value: float) -> str:
    return f"{100 * value:.2f}" if np.isfinite(value) else "diverged"


def _reported(entry: str, data: str, variant: str) -> str:
    value = ACCURACIES.get((entry, data, variant))
    return f"{value:.2f}" if value is not None else ""


def setting(entry: Entry) -> str:
    """What of the report's setting was run, in words."""
    images = sorted({int(f["images"]["train"]) for f in entry.fits})
    seconds = sum(float(f["seconds"]) for f in entry.fits if "same_as" not in f)
    parts = [f"profile {entry.profile}", f"{entry.epochs} epochs", f"{' or '.join(f'{n:,}' for n in images)} training images"]
    parts += [f"{f['side']}×{f['side']} pixels" for f in [entry.fits[0]["config"].get("trunk") or {}] if "side" in f]
    parts += [f"computed in {p}" for p in sorted({_precision(f["config"]) for f in entry.fits}) if p != "float32"]
    return ", ".join([*parts, f"{seconds / 60:.0f} minutes"])


def _precision(config: dict[str, Any]) -> str:
    return str((config.get("network") or config).get("precision", "float32"))


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
            last = [f"{curve[-1]:.3g}" if len(curve) and np.isfinite(curve[-1]) else "diverged" for curve in curves]
            rows.append(
                [
                    data,
                    variant,
                    str(len(found)),
                    _percent(max(finite)),
                    _percent(float(np.mean(finite))),
                    _percent(min(finite)),
                    _reported(entry.name, data, variant),
                    str(lowest_loss_epoch(entry, data, variant)[0]) if np.isfinite(curves[1]).any() else "",
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
    for entry in found:
        test = entry.fits[0]["test"]
        errors = []
        for how in ("error", "joint"):
            if f"{how}_mean" not in test:
                errors.append(["diverged", "", "", "", ""])
                continue
            shares = [f"{100 * float(test[f'{how}_{k}']):.1f}" for k in ("exact", "within_1", "within_5")]
            errors.append([f"{float(test[f'{how}_mean']):.2f}", f"{float(test[f'{how}_median']):.1f}", *shares])
        for decoding, values in zip(("the report's", "joint"), errors, strict=True):
            first = decoding == "the report's"
            rows.append(
                [entry.name if first else "", entry.profile if first else "", decoding, *values, TIMES.get(entry.name, "") if first else ""]
            )
    head = ("entry", "profile", "decoding", "mean, minutes", "median", "exact %", "≤ 1 minute %", "≤ 5 minutes %", "the report")
    return table(head, rows)


def time_section(entry: Entry) -> list[str]:
    """Losses and metrics of one tell-the-time entry on the test images, in the end."""
    test = {k: v for k, v in entry.fits[0]["test"].items() if not k.startswith(("error_", "joint_"))}
    return table(("test figure", "ours"), [[k, "diverged" if v is None else f"{v:.4g}"] for k, v in sorted(test.items())])


def permutation_table(found: dict[str, Entry]) -> list[str]:
    """The report's permutation table beside ours, both kinds of permutation."""
    rows = []
    for name in ("permutation/mlp", "permutation/cnn"):
        entry = found.get(name)
        for data in entry.data_sets if entry else ():
            assert entry is not None
            ours = [_percent(max(entry.test(data, v), default=float("nan"))) for v in ("original", "fixed", "per-image")]
            said = [_reported(name, data, v) for v in ("original", "fixed")]
            complete = (name, data) in PERMUTATION and len(entry.of(data)) == len(ours)
            nearer = nearer_permutation(entry, data) if complete else ""
            rows.append([name.split("/")[1].upper(), data, entry.profile, *said, *ours, nearer])
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


def claims_table(found: dict[str, Entry], claims: Sequence[Claim] = CLAIMS) -> tuple[list[str], list[Verdict]]:
    """Every claim with its verdict and numbers."""
    verdicts = [claim.verdict(found) for claim in claims]
    rows = [[c.entry, c.says, f"**{v.status}**", v.numbers] for c, v in zip(claims, verdicts, strict=True)]
    return table(("entry", "the report says", "verdict", "numbers"), rows), verdicts


def _provenance(fits: Sequence[Result]) -> list[str]:
    machines = sorted({f"{f['machine']['architecture']}, {f['machine']['cores']} cores" for f in fits})
    versions = sorted({f"Keras {f['versions'].get('keras')} on {f['backend']} {f['versions'].get(f['backend'], '')}".strip() for f in fits})
    hours = sum(float(f["seconds"]) for f in fits if "same_as" not in f) / 3600
    clocks = sorted({f["images"]["source"] for f in fits if "source" in f["images"]})
    lines = [f"{len(fits)} fits, {hours:.1f} hours; {'; '.join(machines)}; {'; '.join(versions)}."]
    if clocks:
        what = {
            "rendered": "rendered by `training/clock_images.py`, which says how they differ from the report's",
            "given": "the original files",
        }
        lines.append(f"Clock images: {' and '.join(what[c] for c in clocks)}.")
    return [*lines, ""]


def write_report(folder: Path, fits: Sequence[Result]) -> Path:
    """RESULTS.md and plots/ in ``folder`` from fits; returns the file."""
    found = entries(fits)
    names = [e.name for e in EXPERIMENTS if e.name in found]
    used = [f for n in names for f in found[n].fits]
    lines = [
        "# The report's experiments, ours beside it",
        "",
        f"Made by `{COMMAND}` from the fits in `fits/`; no figure of ours is typed by hand. Each entry is shown at the best profile",
        "that was run to the end; `full` is the report's setting, and what is not `full` says so.",
        "",
        *_provenance(used),
        "## Claims",
        "",
    ]
    rows, verdicts = claims_table(found)
    counts = {s: sum(v.status == s for v in verdicts) for s in dict.fromkeys(v.status for v in verdicts)}
    lines += ["; ".join(f"{n} {status}" for status, n in counts.items()) + ".", "", *rows]
    if any(n.startswith("permutation/") for n in names):
        lines += ["## Permutation", "", *permutation_table(found)]
    times = [found[n] for n in names if n.startswith("time/")]
    if times:
        lines += ["## Telling the time: common-sense error on the test images", "", *time_table(times)]
    lines += ["## Entries", ""]
    for name in names:
        entry = found[name]
        lines += [f"### {name}", "", f"{setting(entry)}.", ""]
        lines += time_section(entry) if name.startswith("time/") else classifier_section(entry)
        lines += _plots(entry, folder)
    missing = [e.name for e in EXPERIMENTS if e.report and e.name not in found]
    if missing:
        lines += [f"Not run: {', '.join(missing)}.", ""]
    path = folder / "RESULTS.md"
    write_whole(path, "\n".join(lines))
    return path


def _plots(entry: Entry, folder: Path) -> list[str]:
    from training.report_plots import draw

    lines = []
    for data in entry.data_sets:
        draw(entry, data, folder / "plots")
        lines.append(f"![{entry.name} on {data}](plots/{slug(entry.name)}-{data}.png)")
    return [*lines, ""]


def main(
    to: Annotated[Path, typer.Option(help="Folder for RESULTS.md, plots/ and fits/.")] = RESULTS,
    profiles: Annotated[
        str, typer.Option("--profiles", help="Profiles whose finished fits are added, separated by commas.")
    ] = "reduced,full",
) -> None:
    """Collect finished fits and write RESULTS.md with tables, plots and a verdict on each claim."""
    wanted = [name for name in profiles.split(",") if name]
    collect(wanted, to)
    fits = [f for f in read_fits(to / "fits") if f["profile"] in wanted or not wanted]
    if not fits:
        print("no finished fits: run `python -m training.run_all --only mlp` (or cnn, permutation, time) first", file=sys.stderr)
        raise SystemExit(1)
    path = write_report(to, fits)
    found = entries(fits)
    unsettled = sum(claim.verdict(found).status == MISSING for claim in CLAIMS)
    print(f"{path}: {len(fits)} fits, {len(CLAIMS)} claims ({unsettled} not run)")


if __name__ == "__main__":
    typer.run(main)
