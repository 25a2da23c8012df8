"""An experiment: a name, what it costs, what it needs, and one calling convention."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Settings:
    """How experiments are run."""

    profile: str = "reduced"
    resume: bool = True  # skip finished runs and continue interrupted ones
    data: Path | None = None  # folder of data sets, in place of the usual sources
    jobs: int = 1  # processes
    photos: Path | None = None  # folder of labelled photographs to report on


@dataclass(frozen=True)
class Experiment:
    """One named experiment; ``run`` returns a result that holds at least "metrics", figures by name."""

    name: str
    about: str
    cost: dict[
        str, str
    ]  # time by profile, on 2 CPU cores; for the report's with --jobs 2, as if no fit were shared
    run: Callable[[Settings], dict[str, Any]]
    needs: tuple[str, ...] = ()  # names of experiments that come first
    fits: Callable[[str, Path | None], Sequence[Any]] | None = (
        None  # (profile, folder of --data) -> the fits that it runs
    )


def imported_later(target: str) -> Callable[..., Any]:
    """Return the function ``target``, "module:name", whose module is imported when it is called: listing experiments stays instant."""
    module, name = target.split(":")

    def call(*args: Any) -> Any:
        return getattr(importlib.import_module(module), name)(*args)

    return call


def chosen(experiments: Iterable[Experiment], only: Iterable[str]) -> list[Experiment]:
    """Return the experiments whose name is, or starts with, one of ``only`` (all if it is empty), in their order.

    Raises:
        KeyError: a name matches nothing; the message lists the names.

    """
    experiments = list(experiments)
    wanted = [name.rstrip("/") for name in only]
    for name in wanted:
        if not any(_matches(e.name, name) for e in experiments):
            raise KeyError(
                f"no experiment {name!r}; there are {', '.join(e.name for e in experiments)}"
            )
    return [e for e in experiments if not wanted or any(_matches(e.name, name) for name in wanted)]


def _matches(name: str, wanted: str) -> bool:
    return name == wanted or name.startswith(f"{wanted}/")
