"""`clockread bulk` without Ray: its options reach the run, and it reports what happened."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import EXAMPLES, Run

from clockread.cli import bulk as command


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The command with a run of 3 photos, one of which fails."""
    seen = SimpleNamespace(
        plan=SimpleNamespace(
            photos=3, done=1_200, damaged=[], wanted=SimpleNamespace(passed_over=Counter())
        ),
        counts=[SimpleNamespace(photos=2, failed=0), SimpleNamespace(photos=3, failed=1)],
    )

    def make_plan(source: str, output: str, read: Any, **options: Any) -> Any:
        seen.planned = source, output, read, options
        return seen.plan

    def carry_out(plan: Any, read: Any, where: Any) -> Iterator[Any]:
        seen.carried_out = plan, read, where
        yield from seen.counts

    run = SimpleNamespace(make_plan=make_plan, carry_out=carry_out, RunOptions=dict)
    monkeypatch.setattr(command, "_libraries", lambda: (run, dict))
    return seen


def test_defaults(started: SimpleNamespace, run: Run) -> None:
    code, out, err = run("bulk", "photos", "results")
    assert (code, out) == (1, "")
    assert err.splitlines() == [
        "clockread: 3 photos to read, 1,200 read before",
        "clockread: 1 of 3 photos could not be read; their rows have the reasons",
    ]
    read = {
        "provider": "cpu", "model": "auto", "batch_size": 32, "min_confidence": 0.0,
        "cropped": False, "seconds": False, "lenient": False,
    }  # fmt: skip
    assert started.planned == ("photos", "results", read, {"column": "path", "part_size": 64})
    assert started.carried_out == (started.plan, read, {"address": None, "workers": None})


def test_one_photo_is_one_photo(started: SimpleNamespace, run: Run) -> None:
    started.plan.photos = 1
    assert "clockread: 1 photo to read, 1,200 read before" in run("bulk", "a", "b")[2]


def test_each_option_arrives(started: SimpleNamespace, run: Run) -> None:
    started.counts[-1].failed = 0
    named = {
        "provider": "cuda", "model": "default", "batch-size": 8, "min-confidence": 0.5,
        "max-clocks": 7, "column": "file", "part-size": 9, "address": "host:1", "workers": 3,
    }  # fmt: skip
    words = [word for name, value in named.items() for word in (f"--{name}", value)]
    flags = ["--cropped", "--seconds", "--lenient", "--quiet"]
    assert run("bulk", "photos", "results", *words, *flags) == (0, "", "")
    read = {
        "provider": "cuda", "model": "default", "batch_size": 8, "min_confidence": 0.5,
        "max_clocks": 7, "cropped": True, "seconds": True, "lenient": True,
    }  # fmt: skip
    assert started.planned == ("photos", "results", read, {"column": "file", "part_size": 9})
    assert started.carried_out == (started.plan, read, {"address": "host:1", "workers": 3})


def test_what_is_skipped_and_what_is_damaged_is_said(started: SimpleNamespace, run: Run) -> None:
    started.plan.wanted.passed_over["overlays"] = 2
    started.plan.damaged.append("part-0.parquet")
    lines = run("bulk", "photos", "results")[2].splitlines()
    assert lines[:2] == [
        "clockread: skipped files: 2 overlays",
        "clockread: part-0.parquet: damaged results were removed; their photos are read again",
    ]


def test_one_photo_is_said_to_be_one(started: SimpleNamespace, run: Run) -> None:
    started.counts[-1].photos = started.counts[-1].failed = 1
    said = run("bulk", "photos", "results")[2].splitlines()[-1]
    assert said == "clockread: 1 photo could not be read; its row has the reason"


@pytest.mark.parametrize(("after", "lines"), [(59.0, 0), (60.0, 1)])
def test_a_line_per_minute_says_how_far_it_is(
    started: SimpleNamespace,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    after: float,
    lines: int,
) -> None:
    times: Callable[[], float] = iter([1_000.0, 1_000.0 + after, 1_000.5 + after]).__next__
    monkeypatch.setattr(command, "time", SimpleNamespace(monotonic=times))
    said = run("bulk", "photos", "results")[2].splitlines()
    progress = f"clockread: 2 of 3 photos, {2 / after:.0f} per second"
    assert said.count(progress) == lines
    assert len(said) == 2 + lines


def test_without_ray_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    for name in [name for name in sys.modules if name.startswith(("ray", "clockread.cluster"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ray", None)
    code, out, err = run("bulk", EXAMPLES, "results")
    assert (code, out) == (2, "")
    assert err == "clockread: ray is missing: pip install 'ray[data]'\n"
