"""`python -m training.report`: finished fits to `training/results/RESULTS.md`, its plots, and the fits it was made from.

Every figure in it comes from a fit's JSON. The fits are copied beside it, so that it can be made again without training.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from training.data import write_whole
from training.report.claims import CLAIMS
from training.report.contradictions import contradictions
from training.report.experiments import EXPERIMENTS
from training.report.figures import write_figures
from training.report.results import Entry, Result, entries, read_fits
from training.report.runs import results_folder, slug
from training.report.tables import (
    classifier_section,
    permutation_table,
    setting,
    settings_tables,
    table,
    time_section,
    time_table,
)
from training.report.telltime import PLACES_ENTRY
from training.report.turned_clocks import PLACES
from training.report.verdicts import MISSING, Claim, Verdict

RESULTS = Path(__file__).resolve().parents[1] / "results"
COMMAND = "python -m training.report"
_PILOT_AT = 10  # epoch of the short fits that is looked at


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


def claims_table(
    found: dict[str, Entry], claims: Sequence[Claim] = CLAIMS
) -> tuple[list[str], list[Verdict]]:
    """Every claim with its verdict and numbers."""
    verdicts = [claim.verdict(found) for claim in claims]
    rows = [
        [c.entry, c.says, f"**{v.status}**", v.numbers]
        for c, v in zip(claims, verdicts, strict=True)
    ]
    return table(("entry", "the report says", "verdict", "numbers"), rows), verdicts


def _provenance(fits: Sequence[Result]) -> list[str]:
    machines = sorted(
        {f"{f['machine']['architecture']}, {f['machine']['cores']} cores" for f in fits}
    )
    versions = sorted(
        {
            f"Keras {f['versions'].get('keras')} on {f['backend']} {f['versions'].get(f['backend'], '')}".strip()
            for f in fits
        }
    )
    hours = sum(float(f["seconds"]) for f in fits if "same_as" not in f) / 3600
    clocks = sorted({f["images"]["source"] for f in fits if "source" in f["images"]})
    lines = [f"{len(fits)} fits, {hours:.1f} hours; {'; '.join(machines)}; {'; '.join(versions)}."]
    if clocks:
        what = {
            "turned": "turned ones, as the report's (`training/report/turned_clocks.py`)",
            "upright": "upright ones (`training/report/upright_clocks.py`)",
            "given": "the given files",
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
        "that was run to the end; `full` is the report's setting, and what is not `full` says so. [FIGURES.md](FIGURES.md) has the",
        "report's figures by their numbers.",
        "",
        *_provenance(used),
        "## Claims",
        "",
    ]
    rows, verdicts = claims_table(found)
    counts = {
        s: sum(v.status == s for v in verdicts) for s in dict.fromkeys(v.status for v in verdicts)
    }
    lines += ["; ".join(f"{n} {status}" for status, n in counts.items()) + ".", "", *rows]
    lines += ["## Where the report contradicts itself", "", *contradictions(), ""]
    if any(n.startswith("permutation/") for n in names):
        lines += ["## Permutation", "", *permutation_table(found)]
    for group, title in (
        ("time/", "turned clocks, as the report's"),
        ("upright/", "upright clocks, to compare"),
    ):
        times = [found[n] for n in names if n.startswith(group) and n != PLACES_ENTRY]
        if times:
            lines += [
                f"## Telling the time: common-sense error on the test images, {title}",
                "",
                *time_table(times),
            ]
    lines += _places(found)
    lines += ["## Hyperparameters: the report's tables 2 to 6", "", *settings_tables(found)]
    lines += ["## Entries", ""]
    for name in names:
        entry = found[name]
        lines += [f"### {name}", "", f"{setting(entry)}.", ""]
        lines += (
            time_section(entry)
            if name.startswith(("time/", "upright/"))
            else classifier_section(entry)
        )
        lines += _plots(entry, folder)
    missing = [e.name for e in EXPERIMENTS if e.fits and e.name not in found]
    if missing:
        lines += [f"Has not run yet: {', '.join(missing)}.", ""]
    write_figures(folder, found)
    path = folder / "RESULTS.md"
    write_whole(path, "\n".join(lines))
    return path


def _places(found: dict[str, Entry]) -> list[str]:
    """How the number of camera places was chosen."""
    lines = [
        "## How many camera places the turned clocks have",
        "",
        "The report does not say from how many places its clocks were seen; the fewer, the more alike are training and test images.",
        f"We chose {PLACES} by one claim only, that the regression's MAE falls to about 0.46 hours: by short fits, and by what the",
        f"regression on upright clocks still gained between epoch {_PILOT_AT} and its last. The claim itself is therefore no evidence",
        "and is marked as not comparable; all others are judged on the clocks as they were then.",
        "",
    ]
    entry, upright = found.get(PLACES_ENTRY), found.get("upright/regression")
    if entry is None or upright is None:
        return [*lines, f"`{PLACES_ENTRY}` has not run yet.", ""]
    longer = upright.fits[0]["history"]["val_mae"]
    gain = longer[-1] / longer[min(_PILOT_AT, len(longer)) - 1]
    rows = []
    for fit in sorted(entry.fits, key=lambda f: int(f["config"]["places"])):
        history = fit["history"]
        at = min(_PILOT_AT, len(history["val_mae"])) - 1
        figures = (history["mae"][at], history["val_mae"][at], history["val_mae"][at] * gain)
        rows.append([str(fit["config"]["places"]), *(f"{value:.2f}" for value in figures)])
    nearer = "The report has 0.46 after 600 and no less after 1200; what more epochs gain speaks for the higher of two that are as near."
    head = (
        "camera places",
        f"training MAE, hours, epoch {_PILOT_AT}",
        "test MAE",
        f"× {gain:.2f}: what epoch {len(longer)} would have",
    )
    return [*lines, *table(head, rows), nearer, ""]


def _plots(entry: Entry, folder: Path) -> list[str]:
    from training.report.plots import draw

    lines = []
    for data in entry.data_sets:
        draw(entry, data, folder / "plots")
        lines.append(f"![{entry.name} on {data}](plots/{slug(entry.name)}-{data}.png)")
    return [*lines, ""]


def main(
    to: Annotated[Path, typer.Option(help="Folder for RESULTS.md, plots/ and fits/.")] = RESULTS,
    profiles: Annotated[
        str,
        typer.Option(
            "--profiles", help="Profiles whose finished fits are added, separated by commas."
        ),
    ] = "reduced,full",
) -> None:
    """Collect finished fits and write RESULTS.md with tables, plots and a verdict on each claim."""
    wanted = [name for name in profiles.split(",") if name]
    collect(wanted, to)
    fits = [f for f in read_fits(to / "fits") if f["profile"] in wanted or not wanted]
    if not fits:
        print(
            "no finished fits: run `python -m training.run_all --only mlp` (or cnn, permutation, time) first",
            file=sys.stderr,
        )
        raise SystemExit(1)
    path = write_report(to, fits)
    found = entries(fits)
    unsettled = sum(claim.verdict(found).status == MISSING for claim in CLAIMS)
    print(f"{path}: {len(fits)} fits, {len(CLAIMS)} claims ({unsettled} not run)")


if __name__ == "__main__":
    typer.run(main)
