"""The command that watches: lines on standard output, messages on standard error, exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Run

from clockread.cli.sample_photos import dial_picture
from clockread.errors import VideoError
from clockread.live import sources
from clockread.live.sources import Frame


class Clock:
    """A clock that shows another minute in every frame, and is lost once."""

    name, single, queued = "clock", False, False
    lost = False

    def frames(self) -> Iterator[Frame]:
        for i in range(2 if not Clock.lost else 9):
            at = 60 * (i + 2 * Clock.lost)
            yield Frame(1.7e9 + at, dial_picture(9000 + at), "clock")
        Clock.lost = True
        raise VideoError("clock: gone")


def test_a_line_per_change_and_a_message_per_loss(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "source_of", lambda *_, **__: Clock())
    code, out, err = run("watch", "0", "--interval", "0", "--count", "4")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [line["time"] for line in lines] == ["2:30:00", "2:31:00", "2:32:00", "2:33:00"]
    assert {line["event"] for line in lines} == {"change"}
    assert {line["clock"] for line in lines} == {1}
    assert err.splitlines() == [
        "clockread: clock: gone; trying again, at first after 1 s",
        "clockread: clock: it is back",
    ]


@pytest.mark.parametrize(
    ("source", "problem"), [("97", "not there"), ("nowhere", "no such folder")]
)
def test_a_source_that_is_not_there(run: Run, tmp_path: Path, source: str, problem: str) -> None:
    code, out, err = run("watch", source if source.isdecimal() else tmp_path / source)
    assert (code, out) == (1, "")
    assert problem in err
    assert len(err.splitlines()) == 1


def test_usage(run: Run) -> None:
    assert run("watch")[0] == 2
    for option in ("--every", "--interval"):
        code, _, err = run("watch", "0", option, "often")
        assert code == 2
        assert f"Invalid value for {option}: 'often' is not a duration" in " ".join(err.split())
