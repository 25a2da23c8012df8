"""The experiments by name. Nothing here imports Keras, so that listing them is instant."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

PROFILES = ("smoke", "reduced", "full")


@dataclass(frozen=True)
class Experiment:
    """One named experiment: ``target`` is "module:function", called as function(profile, resume=...) -> result dict."""

    name: str
    about: str
    target: str
    cost: dict[str, str]  # by profile, on 2 CPU cores
    needs: tuple[str, ...] = ()

    def run(self, profile: str, *, resume: bool) -> dict[str, Any]:
        """Run it; the result holds at least "metrics"."""
        module, function = self.target.split(":")
        result: dict[str, Any] = getattr(importlib.import_module(module), function)(profile, resume=resume)
        return result


EXPERIMENTS = (
    Experiment(
        "reader/pose",
        "pose network: where a dial lies, as a homography",
        "training.pose:run",
        {"smoke": "20 s", "reduced": "30 min", "full": "4 h"},
    ),
    Experiment(
        "reader/finder",
        "finder network: dials in a whole photo",
        "training.finder:run",
        {"smoke": "30 s", "reduced": "45 min", "full": "5 h"},
    ),
    Experiment(
        "reader/hands",
        "reading network: hour hand, minute hand and 12 from a polar image",
        "training.hands:run",
        {"smoke": "20 s", "reduced": "80 min", "full": "10 h"},
        needs=("reader/pose",),
    ),
    Experiment(
        "reader/export",
        "the three networks to ONNX, with manifest, metrics and model card",
        "training.export:run",
        {"smoke": "30 s", "reduced": "2 min", "full": "2 min"},
        needs=("reader/pose", "reader/finder", "reader/hands"),
    ),
)


def chosen(only: Iterable[str]) -> list[Experiment]:
    """Experiments whose name is, or starts with, one of ``only`` (all where it is empty), in registry order.

    Raises KeyError, with the names there are, for one that matches nothing.
    """
    wanted = [name.rstrip("/") for name in only]
    for name in wanted:
        if not any(_matches(e.name, name) for e in EXPERIMENTS):
            raise KeyError(f"no experiment {name!r}; there are {', '.join(e.name for e in EXPERIMENTS)}")
    return [e for e in EXPERIMENTS if not wanted or any(_matches(e.name, name) for name in wanted)]


def _matches(name: str, wanted: str) -> bool:
    return name == wanted or name.startswith(f"{wanted}/")
