"""Finished fits, read back and grouped: by entry and data set, at the best profile that ran."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.report.classification import CNN_EPOCHS
from training.report.experiments import EXPERIMENTS
from training.splits import PROFILES

Result = dict[str, Any]
EXTRA = "per-image"  # a variant of ours, which an entry may lack
VARIANT_ORDER = (
    *("vanilla", "stddev-small", "stddev-default", "stddev-large", "normal", "xavier", "he"),
    *("relu", "sigmoid", "tanh", "sgd", "nesterov", "rmsprop", "adam"),
    *("none", "l1", "l2", "dropout", "original", "fixed", "per-image"),
    *("as-printed", "undivided", "one-number"),
)


class NotRunError(LookupError):
    """A fit that a rule needs has not run; the message names it."""


class DivergedError(ArithmeticError):
    """A figure that a rule needs is not finite, because a fit diverged; the message names it."""


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

    @property
    def epochs(self) -> int:
        """Epochs of the longest fit."""
        return max((len(next(iter(f["history"].values()), [])) for f in self.fits), default=0)

    def select(self, data: str | None = None, variant: str | None = None) -> list[Result]:
        """Return the fits of a data set and variant; None selects all."""
        return [
            f for f in self.fits if data in (None, f["data"]) and variant in (None, f["variant"])
        ]

    def accuracies(self, data: str, variant: str) -> list[float]:
        """Return the test accuracy of each fit, in per cent; nan if it diverged.

        CNNs of part 1 are tested after part 1's epochs, if that figure was kept.
        """
        key = f"accuracy_after_{CNN_EPOCHS}" if self.name.startswith("cnn/") else "accuracy"
        tested = (fit["test"] for fit in self.select(data, variant))
        values = [test.get(key, test.get("accuracy")) for test in tested]
        return [float("nan") if v is None else 100 * float(v) for v in values]

    def mean_curve(self, data: str, variant: str, key: str) -> np.ndarray:
        """Return a figure of the history by epoch (epochs,), as the mean over fits.

        It covers the epochs that all fits have; without any fit it is empty.
        """
        rows = [f["history"].get(key, []) for f in self.select(data, variant)]
        length = min((len(row) for row in rows), default=0)
        values = [np.array(row[:length], float) for row in rows]  # None becomes nan
        return np.asarray(np.mean(values, axis=0)) if rows else np.zeros(0)

    def curve(self, data: str, variant: str, key: str) -> np.ndarray:
        """Return `mean_curve`; raise NotRunError if it is empty."""
        curve = self.mean_curve(data, variant, key)
        if not len(curve):
            raise NotRunError(f"{self.name} on {data}: {variant} has not run")
        return curve


def metric_key(history: dict[str, Any], head: str, metric: str, prefix: str = "") -> str:
    """Return the name of a head's metric; Keras leaves the head out if there is only one."""
    named = f"{prefix}{head}_{metric}"
    return named if named in history else f"{prefix}{metric}"


def read_fits(folder: Path) -> list[Result]:
    """Read every finished fit below a folder, in the order of the files' names."""
    results = [json.loads(path.read_text()) for path in sorted(folder.rglob("*.json"))]
    return [r for r in results if isinstance(r, dict) and "history" in r and "variant" in r]


def entries(fits: Iterable[Result]) -> dict[str, Entry]:
    """Group fits into entries by name.

    Each data set is shown at the highest profile that ran completely. MNIST comes first, and
    variants in VARIANT_ORDER.
    """
    grouped: dict[str, dict[str, dict[str, list[Result]]]] = {}
    for fit in fits:
        profiles = grouped.setdefault(fit["entry"], {}).setdefault(fit["data"], {})
        profiles.setdefault(fit["profile"], []).append(fit)
    rank = {variant: i for i, variant in enumerate(VARIANT_ORDER)}

    def order(fit: Result) -> tuple[Any, ...]:
        data, variant = fit["data"], fit["variant"]
        return data != "mnist", data, rank.get(variant, len(rank)), fit["fit"]

    found = {}
    for name, data_sets in grouped.items():
        best = {data: _best_profile(profiles) for data, profiles in data_sets.items()}
        chosen: list[Result] = []
        for data, profiles in data_sets.items():
            chosen += profiles[best[data]]
            if EXTRA not in {f["variant"] for f in profiles[best[data]]}:
                chosen += [f for some in profiles.values() for f in some if f["variant"] == EXTRA]
        found[name] = Entry(name, best, tuple(sorted(chosen, key=order)))
    return found


def _best_profile(profiles: dict[str, list[Result]]) -> str:
    """Return the highest profile with all planned fits (EXTRA does not count).

    If none is complete, it is that with the most variants, the highest of equals.
    """

    def rating(profile: str) -> tuple[bool, int, int]:
        fits = profiles[profile]
        ran = {(f["variant"], f["fit"]) for f in fits if f["variant"] != EXTRA}
        planned = _planned(fits[0]["entry"], fits[0]["data"], profile)
        return planned <= ran, len({variant for variant, _ in ran}), PROFILES.index(profile)

    return max(profiles, key=rating)


@functools.cache
def _planned(entry: str, data: str, profile: str) -> frozenset[tuple[str, int]]:
    """Return variant and number of an entry's planned fits on a data set, those of EXTRA not."""
    plans = (e.fits(profile, None) for e in EXPERIMENTS if e.name == entry and e.fits)
    fits = next(plans, ())
    own = [fit for fit in fits if fit.data == data] or fits  # given clocks have a name of their own
    return frozenset((fit.variant, fit.number) for fit in own if fit.variant != EXTRA)
