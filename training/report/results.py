"""Finished fits read back: by entry and data set, the best profile that was run, with what tables, plots and claims need of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.splits import PROFILES

Result = dict[str, Any]
EXTRA = "per-image"  # a variant of ours; the others are complete without it
VARIANT_ORDER = (
    *(
        "vanilla",
        "stddev-small",
        "stddev-default",
        "stddev-large",
        "normal",
        "xavier",
        "he",
        "relu",
        "sigmoid",
        "tanh",
    ),
    *(
        "sgd",
        "nesterov",
        "rmsprop",
        "adam",
        "none",
        "l1",
        "l2",
        "dropout",
        "original",
        "fixed",
        "per-image",
    ),
    *("as-printed", "undivided", "one-number"),
)


@dataclass(frozen=True)
class Entry:
    """All fits of one entry, those of each data set at one profile."""

    name: str
    profiles: dict[str, str]  # data set -> profile
    fits: tuple[Result, ...]

    @property
    def profile(self) -> str:
        """The lowest of its data sets' profiles."""
        return min(self.profiles.values(), key=PROFILES.index)

    @property
    def profile_names(self) -> str:
        """One profile, or that of each data set."""
        if len(set(self.profiles.values())) == 1:
            return self.profile
        return " and ".join(f"{self.profiles[data]} ({data})" for data in self.data_sets)

    @property
    def data_sets(self) -> list[str]:
        """Data sets in the order of their first fit."""
        return list(dict.fromkeys(f["data"] for f in self.fits))

    @property
    def variants(self) -> list[str]:
        """Variants in order."""
        return list(dict.fromkeys(f["variant"] for f in self.fits))

    def of(self, data: str | None = None, variant: str | None = None) -> list[Result]:
        """Fits of a data set and variant."""
        return [
            f for f in self.fits if data in (None, f["data"]) and variant in (None, f["variant"])
        ]

    def test(self, data: str, variant: str, key: str = "accuracy") -> list[float]:
        """A test figure of each fit, nan where a fit diverged; of the CNNs of part 1 after part 1's epochs, where that is kept."""
        earlier = f"{key}_after_14" if self.name.startswith("cnn/") else key
        values = [f["test"].get(earlier, f["test"].get(key)) for f in self.of(data, variant)]
        return [float("nan") if v is None else float(v) for v in values]

    def curve(self, data: str, variant: str, key: str) -> np.ndarray:
        """Mean over fits (epochs,) of a figure of the history, of the epochs that all fits have; empty where there is none."""
        rows = [f["history"].get(key, []) for f in self.of(data, variant)]
        length = min((len(row) for row in rows), default=0)
        values = np.array(
            [[np.nan if v is None else v for v in row[:length]] for row in rows], float
        ).reshape(len(rows), length)
        return np.asarray(values.mean(axis=0)) if rows else np.zeros(0)

    @property
    def epochs(self) -> int:
        """Epochs of the longest fit."""
        return max((len(next(iter(f["history"].values()), [])) for f in self.fits), default=0)


def metric_key(history: dict[str, Any], head: str, metric: str, prefix: str = "") -> str:
    """The name of a head's metric in a history: Keras leaves the head out where there is only one."""
    named = f"{prefix}{head}_{metric}"
    return named if named in history else f"{prefix}{metric}"


def read_fits(folder: Path) -> list[Result]:
    """Every finished fit below a folder, in the order of the files' names."""
    found = []
    for path in sorted(folder.rglob("*.json")):
        result = json.loads(path.read_text())
        if isinstance(result, dict) and "history" in result and "variant" in result:
            found.append(result)
    return found


def entries(fits: Iterable[Result]) -> dict[str, Entry]:
    """Entries by name; of each data set the highest profile that lacks no variant. MNIST and the plainest variant first."""
    found: dict[str, dict[str, dict[str, list[Result]]]] = {}
    for fit in fits:
        found.setdefault(fit["entry"], {}).setdefault(fit["data"], {}).setdefault(
            fit["profile"], []
        ).append(fit)
    rank = {variant: i for i, variant in enumerate(VARIANT_ORDER)}
    out = {}
    for name, data_sets in found.items():
        chosen: list[Result] = []
        best = {data: _best_profile(profiles) for data, profiles in data_sets.items()}
        for data, profiles in data_sets.items():
            have = {f["variant"] for f in profiles[best[data]]}
            others = [
                f
                for some in profiles.values()
                for f in some
                if f["variant"] == EXTRA and EXTRA not in have
            ]
            chosen += profiles[best[data]] + others
        chosen.sort(
            key=lambda f: (
                f["data"] != "mnist",
                f["data"],
                rank.get(f["variant"], len(rank)),
                f["fit"],
            )
        )
        out[name] = Entry(name, best, tuple(chosen))
    return out


def _best_profile(profiles: dict[str, list[Result]]) -> str:
    """The profile with the most variants (our own one does not count), the highest of equals."""

    def rated(profile: str) -> tuple[int, int]:
        return len({f["variant"] for f in profiles[profile]} - {EXTRA}), PROFILES.index(profile)

    return max(profiles, key=rated)
