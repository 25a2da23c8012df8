"""Command `python -m training.run_all`: every experiment, by name and profile."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from training.experiment import Experiment, NotTrainedError, Settings, chosen
from training.reader import experiments as reader
from training.report import experiments as report
from training.report.runs import discard, run_fits
from training.splits import PROFILES

EXPERIMENTS = (*reader.EXPERIMENTS, *report.EXPERIMENTS)


def main(
    only: Annotated[
        str, typer.Option(help="Names or prefixes, separated by commas: reader, reader/pose, ...")
    ] = "",
    profile: Annotated[
        str,
        typer.Option(
            help="smoke: minutes, a test of every step; reduced: at most a night on 2 cores; full."
        ),
    ] = "reduced",
    resume: Annotated[
        bool,
        typer.Option(
            "--resume/--fresh",
            help="Continue interrupted runs and skip finished ones, or start again.",
        ),
    ] = True,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder with the idx files of MNIST and Fashion-MNIST, "
            "or with images.npy and labels.npy of clocks."
        ),
    ] = None,
    jobs: Annotated[
        int, typer.Option(min=1, help="Fits of the report's experiments that run in parallel.")
    ] = 1,
    photos: Annotated[
        Path | None,
        typer.Option(
            envvar="CLOCKREAD_PHOTOS",
            help="Folder of labeled photographs that the model card reports on.",
        ),
    ] = None,
    show: Annotated[
        bool, typer.Option("--list", help="Only list the experiments with their costs.")
    ] = False,
) -> None:
    """Train and export clockread's networks, and run the report's experiments.

    All data is written to $CLOCKREAD_DATA (default ~/.cache/clockread).
    """
    if profile not in PROFILES:
        raise SystemExit(_usage(f"profile {profile!r}: use one of {', '.join(PROFILES)}"))
    if photos is not None and not photos.is_dir():
        raise SystemExit(_usage(f"--photos {photos}: there is no such folder"))
    try:
        experiments = chosen(EXPERIMENTS, [name for name in only.split(",") if name])
    except KeyError as error:
        raise SystemExit(_usage(str(error.args[0]))) from None
    if show:
        for e in experiments:
            needs = f" (needs {', '.join(e.needs)})" if e.needs else ""
            print(f"{e.name:24} {e.cost[profile]:>8}  {e.about}{needs}")
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Faster convolutions, which TensorFlow leaves off on x86 processors without AVX-512 VNNI.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    from training.report.image_data import DataDamagedError, DataMissingError

    try:
        _run(experiments, Settings(profile, resume, data, jobs, photos))
    except (DataMissingError, DataDamagedError, NotTrainedError) as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from None


def _run(experiments: list[Experiment], settings: Settings) -> None:
    profile, count = settings.profile, len(experiments)
    _check_needs(experiments, profile)
    fits = report.planned_fits(experiments, settings)
    of_fits = replace(settings, resume=True)
    if not settings.resume:  # once: a later experiment may share fits with one that has run
        discard(fits, profile)
    if settings.jobs > 1:  # all fits in one queue, so that no process idles between experiments
        run_fits(fits, of_fits)
    for number, e in enumerate(experiments, 1):
        cost = e.cost[profile]
        print(f"[{number}/{count}] {e.name}, profile {profile}: about {cost}", flush=True)
        began = time.time()
        result = e.run(of_fits if e.fits else settings)
        metrics = result.get("metrics", {}).items()
        figures = ", ".join(f"{k} {v:.4g}" for k, v in metrics if isinstance(v, float | int))
        print(f"{e.name}: {time.time() - began:.0f} s; {figures}", flush=True)


def _check_needs(experiments: list[Experiment], profile: str) -> None:
    """Raise NotTrainedError if an experiment needs one that has not run and is not chosen."""
    chosen_names = {e.name for e in experiments}
    by_name = {e.name: e for e in EXPERIMENTS}
    for e in experiments:
        for need in (by_name[name] for name in e.needs if name not in chosen_names):
            if need.done is not None and not need.done(profile):
                command = f"python -m training.run_all --profile {profile} --only {need.name}"
                raise NotTrainedError(f"{e.name} needs {need.name}: run `{command}` first")


def _usage(message: str) -> int:
    print(message, file=sys.stderr)
    return 2


if __name__ == "__main__":
    typer.run(main)
