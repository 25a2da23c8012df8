"""`python -m training.run_all`: every training, by name and profile."""

from __future__ import annotations

import os
import sys
import time
from typing import Annotated

import typer

from training.registry import PROFILES, chosen


def main(
    only: Annotated[str, typer.Option(help="Names or prefixes, separated by commas: reader, reader/pose, ...")] = "",
    profile: Annotated[
        str, typer.Option(help="smoke: minutes, proves that all parts fit; reduced: one night at most on 2 cores; full.")
    ] = "reduced",
    resume: Annotated[
        bool, typer.Option("--resume/--fresh", help="Continue interrupted runs and skip finished ones, or start anew.")
    ] = True,
    show: Annotated[bool, typer.Option("--list", help="Only list the experiments and what they cost.")] = False,
) -> None:
    """Train and export clockread's networks; data and checkpoints go to $CLOCKREAD_DATA (default ~/.cache/clockread)."""
    if profile not in PROFILES:
        raise SystemExit(_usage(f"profile {profile!r}: use one of {', '.join(PROFILES)}"))
    try:
        experiments = chosen([name for name in only.split(",") if name])
    except KeyError as error:
        raise SystemExit(_usage(str(error.args[0]))) from None
    if show:
        for e in experiments:
            print(f"{e.name:16} {e.cost[profile]:>8}  {e.about}" + (f" (needs {', '.join(e.needs)})" if e.needs else ""))
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for number, e in enumerate(experiments, 1):
        print(f"[{number}/{len(experiments)}] {e.name}, profile {profile}: about {e.cost[profile]}", flush=True)
        began = time.time()
        result = e.run(profile, resume=resume)
        figures = ", ".join(f"{k} {v:.4g}" for k, v in result.get("metrics", {}).items() if isinstance(v, float | int))
        print(f"{e.name}: {time.time() - began:.0f} s; {figures}", flush=True)


def _usage(message: str) -> int:
    print(message, file=sys.stderr)
    return 2


if __name__ == "__main__":
    typer.run(main)
