"""`python -m training.report`: write RESULTS.md, FIGURES.md and plots from finished fits.

Every figure comes from a fit's JSON. The fits are copied beside the pages, so that these can be
written again without a new training.
"""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from clockread.data import write_whole
from training.markdown import table
from training.report.claims import CLAIMS
from training.report.contradictions import contradictions
from training.report.experiments import EXPERIMENTS
from training.report.figures import write_figures
from training.report.plots import draw
from training.report.results import Entry, Result, entries, read_fits
from training.report.runs import results_folder, slug
from training.report.tables import (
    classifier_section,
    paragraph,
    permutation_table,
    setting,
    settings_tables,
    time_section,
    time_table,
)
from training.report.telltime import PLACES_ENTRY
from training.report.turned_clocks import PLACES
from training.report.verdicts import MISSING, Claim, Verdict

RESULTS = Path(__file__).resolve().parents[1] / "results"
COMMAND = "python -m training.report"
_PILOT_EPOCH = 10  # of the short fits, at which they are compared
_CLOCKS = {
    "turned": "turned, as in the report (`training/report/turned_clocks.py`)",
    "upright": "upright (`training/report/upright_clocks.py`)",
    "given": "the given files",
}
_TIME_GROUPS = {"time/": "turned clocks, as in the report", "upright/": "upright clocks"}


def collect(profiles: Sequence[str], folder: Path) -> None:
    """Copy the finished fits of some profiles into ``folder``/fits/<profile>.

    A later fit replaces an earlier one of the same name.
    """
    for profile in profiles:
        source = results_folder(profile)
        for path in sorted(source.glob("*/*.json"), key=lambda p: p.stat().st_mtime):
            target = folder / "fits" / profile / path.parent.name / path.name
            for old in target.parent.glob(f"{path.name.split('.')[0]}.*.json"):
                old.unlink()
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def claims_table(
    found: dict[str, Entry], claims: Sequence[Claim] = CLAIMS
) -> tuple[list[str], list[Verdict]]:
    """Return the table of all claims, and their verdicts."""
    judged = [(claim, claim.verdict(found)) for claim in claims]
    rows = [[c.entry, c.says, f"**{v.status}**", v.numbers] for c, v in judged]
    return table("entry|the report says|verdict|numbers", rows), [v for _, v in judged]


def _provenance(fits: Sequence[Result]) -> list[str]:
    hours = sum(float(f["seconds"]) for f in fits if "same_as" not in f) / 3600
    cores = sorted({(f["machine"]["architecture"], f["machine"]["cores"]) for f in fits})
    software = {
        f"Keras {f['versions'].get('keras')} on {f['backend']} "
        f"{f['versions'].get(f['backend'], '')}".strip()
        for f in fits
    }
    machines = [f"{name} with {n} core{'s' * (n > 1)}" for name, n in cores]
    clocks = sorted({f["images"]["source"] for f in fits if "source" in f["images"]})
    lines = [f"{len(fits)} fits, {hours:.1f} hours; {'; '.join([*machines, *sorted(software)])}."]
    if clocks:
        lines.append(f"Clock images: {', and '.join(_CLOCKS[c] for c in clocks)}.")
    return [*lines, ""]


def write_report(folder: Path, fits: Sequence[Result]) -> Path:
    """Write RESULTS.md, FIGURES.md and plots/ into ``folder``; return RESULTS.md."""
    found = entries(fits)
    names = [e.name for e in EXPERIMENTS if e.name in found]
    rows, verdicts = claims_table(found)
    counts = Counter(v.status for v in verdicts)
    lines = [
        "# The report's experiments and ours",
        "",
        *paragraph(
            f"Written by `{COMMAND}` from the fits in `fits/`; no figure of ours is typed by hand. "
            "Each entry is shown at the highest profile that ran completely. `full` is the "
            "report's setting; results at another profile name it. [FIGURES.md](FIGURES.md) has "
            "the report's figures by their numbers."
        ),
        *_provenance([f for n in names for f in found[n].fits]),
        "## Claims",
        "",
        "Verdicts: " + ", ".join(f"{status} {n}" for status, n in counts.items()) + ".",
        "",
        *rows,
        "## Where the report contradicts itself",
        "",
        *contradictions(),
        "",
    ]
    if any(n.startswith("permutation/") for n in names):
        lines += ["## Permutation", "", *permutation_table(found)]
    for group, clocks in _TIME_GROUPS.items():
        times = [found[n] for n in names if n.startswith(group) and n != PLACES_ENTRY]
        if times:
            title = f"## Telling the time: common-sense error on the test images, {clocks}"
            lines += [title, "", *time_table(times)]
    lines += _places(found)
    lines += ["## Hyperparameters: the report's tables 2 to 6", "", *settings_tables(found)]
    lines += ["## Entries", ""]
    for name in names:
        section = time_section if name.startswith(tuple(_TIME_GROUPS)) else classifier_section
        entry = found[name]
        lines += [f"### {name}", "", f"{setting(entry)}.", "", *section(entry)]
        lines += [*_plots(entry, folder), ""]
    missing = [e.name for e in EXPERIMENTS if e.fits and e.name not in found]
    if missing:
        lines += [f"Not run yet: {', '.join(missing)}.", ""]
    write_figures(folder, found)
    path = folder / "RESULTS.md"
    write_whole(path, "\n".join(lines))
    return path


def _places(found: dict[str, Entry]) -> list[str]:
    """Return the section on the choice of the number of camera places."""
    lines = [
        "## How many camera places the turned clocks have",
        "",
        *paragraph(
            "The report does not give the number of camera places from which its clocks are seen. "
            "The fewer there are, the more alike are training and test images. We chose "
            f"{PLACES} by one claim only, that the regression's MAE falls to about 0.46 hours: "
            "with short fits, and with the factor by which the regression on upright clocks still "
            f"improved after epoch {_PILOT_EPOCH}. That claim is therefore marked as not "
            "comparable. All others are judged on the clocks with this number of places."
        ),
    ]
    entry, upright = found.get(PLACES_ENTRY), found.get("upright/regression")
    if entry is None or upright is None:
        return [*lines, f"`{PLACES_ENTRY}` has not run yet.", ""]
    longer = upright.fits[0]["history"]["val_mae"]
    gain = longer[-1] / longer[min(_PILOT_EPOCH, len(longer)) - 1]
    rows = []
    for fit in sorted(entry.fits, key=lambda f: int(f["config"]["places"])):
        training, test = fit["history"]["mae"], fit["history"]["val_mae"]
        at = min(_PILOT_EPOCH, len(test)) - 1
        figures = (training[at], test[at], test[at] * gain)
        rows.append([str(fit["config"]["places"]), *(f"{value:.2f}" for value in figures)])
    head = f"camera places|training MAE, hours, epoch {_PILOT_EPOCH}|test MAE"
    return [
        *lines,
        *table(f"{head}|test MAE × {gain:.2f}: expected at epoch {len(longer)}", rows),
        *paragraph(
            "The report has 0.46 after 600 epochs and no less after 1200. Since more epochs "
            "improve the MAE further, the higher of two similarly close numbers is preferred."
        ),
    ]


def _plots(entry: Entry, folder: Path) -> list[str]:
    for data in entry.data_sets:
        draw(entry, data, folder / "plots")
    return [
        f"![{entry.name} on {data}](plots/{slug(entry.name)}-{data}.png)"
        for data in entry.data_sets
    ]


def main(
    to: Annotated[Path, typer.Option(help="Folder for RESULTS.md, plots/ and fits/.")] = RESULTS,
    profiles: Annotated[
        str, typer.Option(help="Profiles whose finished fits are added, separated by commas.")
    ] = "reduced,full",
) -> None:
    """Collect finished fits and write RESULTS.md with tables, plots and a verdict on each claim."""
    wanted = [name for name in profiles.split(",") if name]
    collect(wanted, to)
    fits = [f for f in read_fits(to / "fits") if f["profile"] in wanted or not wanted]
    if not fits:
        hint = "run `python -m training.run_all --only mlp` (or cnn, permutation, time) first"
        print(f"no finished fits: {hint}", file=sys.stderr)
        raise SystemExit(1)
    path = write_report(to, fits)
    found = entries(fits)
    missing = sum(claim.verdict(found).status == MISSING for claim in CLAIMS)
    print(f"{path}: {len(fits)} fits, {len(CLAIMS)} claims ({missing} not run)")


if __name__ == "__main__":
    typer.run(main)
