"""Experiments: named trainings and evaluations with costs and requirements."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class NotTrainedError(FileNotFoundError):
    """The weights of a required network are missing; the message says how to train it."""


@dataclass(frozen=True)
class Settings:
    """Options of a run of experiments."""

    profile: str = "reduced"
    resume: bool = True  # skip finished runs and continue interrupted ones
    data: Path | None = None  # folder of data sets, instead of the usual sources
    jobs: int = 1  # processes
    photos: Path | None = None  # folder of labeled photographs to report on


@dataclass(frozen=True)
class Experiment:
    """One named experiment; the result of ``run`` contains "metrics", figures by name."""

    name: str
    about: str
    cost: dict[str, str]  # by profile, on 2 CPU cores; the report's: --jobs 2, no shared fits
    run: Callable[[Settings], dict[str, Any]]
    needs: tuple[str, ...] = ()  # names of experiments that must be run before
    # (profile, folder of --data) -> the fits that it runs
    fits: Callable[[str, Path | None], Sequence[Any]] | None = None
    # profile -> whether its results exist; None: experiments that need it check for themselves
    done: Callable[[str], bool] | None = None


def imported_later(target: str) -> Callable[..., Any]:
    """Return the function ``target``, "module:name"; its module is imported by the first call."""
    module, name = target.split(":")

    def call(*args: Any) -> Any:
        return getattr(importlib.import_module(module), name)(*args)

    return call


def chosen(experiments: Iterable[Experiment], only: Iterable[str]) -> list[Experiment]:
    """Return the experiments that ``only`` names, by full name or prefix; all if it is empty.

    Raises:
        KeyError: no experiment matches a name; the message lists the names.

    """
    experiments = list(experiments)
    wanted = [name.rstrip("/") for name in only]
    for name in wanted:
        if not any(_matches(e.name, name) for e in experiments):
            names = ", ".join(e.name for e in experiments)
            raise KeyError(f"no experiment {name!r}; there are {names}")
    return [e for e in experiments if not wanted or any(_matches(e.name, name) for name in wanted)]


def _matches(name: str, wanted: str) -> bool:
    return name == wanted or name.startswith(f"{wanted}/")
