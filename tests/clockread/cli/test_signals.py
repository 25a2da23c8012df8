"""Signals: when they end what runs, and when they wait."""

# ruff: noqa: PT012  # a signal ends a block between two of its statements

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator

import pytest

from clockread.cli import signals

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")


@pytest.fixture(autouse=True)
def handled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The handlers of the command line, as in a process that has received no signal yet."""
    names = [getattr(signal, name) for name in signals.MESSAGES if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in (*names, signal.SIGALRM)}
    for number in before:
        signal.signal(number, signal.SIG_DFL)
    monkeypatch.setattr(signals, "_State", type("_State", (signals._State,), {}))
    signals.install()
    try:
        yield
    finally:
        signals.uninstall()
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.parametrize(
    ("number", "code", "message"),
    [
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGTERM, 143, "terminated"),
        (signal.SIGHUP, 129, "hung up"),
    ],
)
def test_a_signal_ends_at_once_whatever_is_not_held(
    number: signal.Signals, code: int, message: str
) -> None:
    done = []
    with pytest.raises(signals.Stop, match=message) as caught:
        for step in range(1000):
            if step == 1:
                signal.raise_signal(number)
            done.append(step)
    assert len(done) < 1000
    assert caught.value.exit_code == code


def test_a_held_signal_waits_for_the_end_of_the_block() -> None:
    done = []
    with pytest.raises(signals.Stop), signals.hold():
        signal.raise_signal(signal.SIGTERM)
        done.append("the rest of the block")
    assert done == ["the rest of the block"]


def test_a_held_signal_is_let_through_where_a_block_allows_it() -> None:
    done = []
    with pytest.raises(signals.Stop), signals.hold():
        signal.raise_signal(signal.SIGTERM)
        with signals.hold(False):
            done.append("inside")
        done.append("after")
    assert done == []


def test_what_is_awaited_may_end_what_is_done_with_it_may_not() -> None:
    written, taken = [], []

    def items() -> Iterator[int]:
        for i in range(5):
            taken.append(i)
            yield i

    with pytest.raises(signals.Stop), signals.hold():
        for i in signals.between(items()):
            if i == 2:
                signal.raise_signal(signal.SIGTERM)
            written.append(i)
    assert written == taken == [0, 1, 2]


def test_a_second_signal_in_quick_succession_changes_nothing() -> None:
    with pytest.raises(signals.Stop), signals.hold():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
    assert signals._State.stop is not None
    assert signals._State.stop.exit_code == 143


def test_a_signal_that_another_error_replaced_is_raised_again() -> None:
    signals.resume()  # without a signal nothing is raised
    with pytest.raises(ValueError, match="wrong"):
        try:
            signal.raise_signal(signal.SIGTERM)
        except signals.Stop:
            raise ValueError("wrong") from None
    with pytest.raises(signals.Stop, match="terminated"):
        signals.resume()


def test_ignored_signals_stay_ignored() -> None:
    signals.uninstall()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signals.install()
    signal.raise_signal(signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
