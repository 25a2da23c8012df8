"""Claims of the report, and the verdicts on them that our fits give.

`training.report.claims` lists the claims, `training.report.classifier_rules` and
`training.report.time_rules` have the rules that decide them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from training.report.results import DivergedError, Entry, NotRunError

HOLDS, FAILS, OPEN, MISSING = "holds", "does not hold", "not settled", "has not run yet"
INCOMPARABLE = "not comparable"
RISE = 1.05  # final over lowest validation loss from which a network over-fits

Entries = dict[str, Entry]
Outcome = tuple[bool, str]  # whether a rule holds, and the numbers that decide it


@dataclass(frozen=True)
class Verdict:
    """A claim's status and the numbers that decide it."""

    status: str
    numbers: str
    settled: bool = False  # more images and epochs could not change it


Judge = Callable[[Entry, Entries], Verdict]
DataSetRule = Callable[[Entry, str], Iterable[Outcome]]


@dataclass(frozen=True)
class Claim:
    """One sentence of the report, and the rule that decides it."""

    entry: str
    says: str
    judge: Judge
    full: bool = False  # only the full profile decides it, unless the verdict is settled before
    data: str | None = None  # the data set that it is about; None: all

    def verdict(self, found: Entries) -> Verdict:
        """Judge the claim by the fits of all entries."""
        entry = found.get(self.entry)
        if entry is None:
            return Verdict(MISSING, "no finished fit of this entry")
        try:
            verdict = self.judge(entry, found)
        except NotRunError as error:
            return Verdict(MISSING, str(error))
        except DivergedError as error:
            return Verdict(OPEN, str(error))
        profile = entry.profiles.get(self.data or "", entry.profile)
        decided = profile == "full" or (profile != "smoke" and (verdict.settled or not self.full))
        if decided or verdict.status == INCOMPARABLE:
            return verdict
        return Verdict(OPEN, f"{verdict.numbers}; profile {profile}")


def entry_of(found: Entries, name: str) -> Entry:
    """Return the entry of a name; raise NotRunError without its fits."""
    if name not in found:
        raise NotRunError(f"{name} has not run")
    return found[name]


def first_epoch(reached: np.ndarray) -> int | None:
    """Return the first epoch (from 1) that is True in ``reached`` (epochs,), None if none is."""
    return int(np.flatnonzero(reached)[0]) + 1 if reached.any() else None


def combined(outcomes: list[Outcome], deciding: int | None = None) -> Verdict:
    """Combine outcomes: all of them, or the ``deciding`` first ones, must hold."""
    if not outcomes:
        raise NotRunError("no data set has all fits that are compared")
    holds = all(ok for ok, _ in outcomes[:deciding])
    return Verdict(HOLDS if holds else FAILS, "; ".join(text for _, text in outcomes))


def on_all(rule: DataSetRule) -> Judge:
    """Return the judge of a rule that must hold on every data set."""
    return lambda entry, _: combined([o for data in entry.data_sets for o in rule(entry, data)])


def on_mnist(rule: DataSetRule) -> Judge:
    """Return the judge of a rule that must hold on MNIST, and is reported on other data too."""

    def judge(entry: Entry, _: Entries) -> Verdict:
        first, *others = ([*rule(entry, data)] for data in entry.data_sets)
        return combined(sum(others, first), len(first))

    return judge
