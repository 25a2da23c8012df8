"""What the stages of a reader share."""

from __future__ import annotations

import pytest

from clockread import stages
from clockread.stages import StageTimer


def test_time_in_a_nested_stage_does_not_count_for_the_outer_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0

    def wait(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(stages.time, "perf_counter", lambda: now)
    timings = {"read": 10.0}
    timer = StageTimer(timings)
    with timer("find"):
        wait(1.0)
    with timer("unwrap"):
        wait(2.0)
        with timer("read"):
            wait(3.0)
        wait(4.0)
        with timer("context"):
            wait(5.0)
            with timer("read"):
                wait(6.0)
    assert timings == {"find": 1.0, "unwrap": 6.0, "read": 19.0, "context": 5.0}


def test_without_a_dictionary_nothing_is_kept() -> None:
    with StageTimer(None)("find"):
        pass
