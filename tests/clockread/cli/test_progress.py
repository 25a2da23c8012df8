from __future__ import annotations

import contextlib
import io
import re
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from clockread.cli import predict
from clockread.cli.inputs import Photos
from clockread.cli.progress import progress_bar
from clockread.parallel import Entry
from clockread.reading import PhotoResult

CONTROL = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def rows(self) -> list[str]:
        """What remains on the screen, after moves to other lines and erased lines."""
        return screen(self.getvalue())


def screen(text: str) -> list[str]:
    rows, row, column = [""], 0, 0
    position = 0
    while position < len(text):
        if match := CONTROL.match(text, position):
            position = match.end()
            if match[2] == "A":
                row -= int(match[1] or 1)
            elif match[2] == "K":
                rows[row] = ""
            continue
        character = text[position]
        position += 1
        if character == "\n":
            row, column = row + 1, 0
            rows += [""] * (row + 1 - len(rows))
        elif character == "\r":
            column = 0
        else:
            rows[row] = rows[row][:column].ljust(column) + character + rows[row][column + 1 :]
            column += 1
    return [line for line in rows if line.strip()]


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    return Terminal()


@contextlib.contextmanager
def bar_on(stream: io.StringIO | None, total: int, **options: Any) -> Iterator[Callable[[], None]]:
    """A bar on a stream that replaces standard error; pytest would undo that of a fixture."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        with progress_bar(total, **options) as advance:
            yield advance
        assert sys.stderr is stream


def test_count_rate_and_time_left(terminal: Terminal) -> None:
    clock = Clock()
    with bar_on(terminal, 120, clock=clock) as advance:
        assert "0/120" in terminal.rows()[0]
        for done, left in ((1, "0:30"), (2, "0:30"), (3, "0:29")):
            clock.now += 0.25
            advance()
            (row,) = terminal.rows()
            assert re.search(rf"reading .* {done}/120 4\.0 photos/s, {left} left", row), row
            assert len(row) <= 80


def test_the_unit_of_the_rate(terminal: Terminal) -> None:
    clock = Clock()
    with bar_on(terminal, 120, clock=clock, unit="frames") as advance:
        clock.now += 0.25
        advance()
        assert "4.0 frames/s, 0:30 left" in terminal.rows()[0]


@pytest.mark.parametrize("columns", [45, 60, 80, 200])
def test_it_is_one_line_that_fits(
    columns: int, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    clock = Clock()
    with bar_on(terminal, 1000, clock=clock) as advance:
        clock.now += 12.5
        advance()
        (row,) = terminal.rows()
        assert re.search(r"1/1,000 0\.08 photos/s, 3:28:0\d left", row), row
        assert len(row) <= columns


def test_the_time_left_can_be_hours(terminal: Terminal) -> None:
    clock = Clock()
    with bar_on(terminal, 10_001, clock=clock) as advance:
        clock.now += 0.5
        advance()
        assert "1:23:20 left" in terminal.rows()[0]


@pytest.mark.parametrize("done", [0, 3, 5])
def test_nothing_of_it_remains(done: int, terminal: Terminal) -> None:
    clock = Clock()
    with bar_on(terminal, 5, clock=clock) as advance:
        for _ in range(done):
            clock.now += 1
            advance()
        assert terminal.rows()
    assert terminal.rows() == []
    assert terminal.getvalue().rindex("\x1b[?25h") > terminal.getvalue().rindex(
        "\x1b[?25l"
    )  # the cursor is shown again


def test_it_is_gone_after_an_error_too(terminal: Terminal) -> None:
    with contextlib.suppress(KeyboardInterrupt), bar_on(terminal, 5):
        raise KeyboardInterrupt
    assert terminal.rows() == []


def test_a_warning_appears_above_it(terminal: Terminal) -> None:
    with bar_on(terminal, 5):
        print("clockread: warning: odd", file=sys.stderr)
        first, second = terminal.rows()
        assert first == "clockread: warning: odd"
        assert "0/5" in second
    assert terminal.rows() == ["clockread: warning: odd"]


def test_standard_output_is_left_alone(
    terminal: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    with bar_on(terminal, 5):
        print("a result")
    assert capsys.readouterr().out == "a result\n"
    assert "a result" not in terminal.getvalue()


def test_it_is_not_drawn_more_often_than_eyes_can_see(terminal: Terminal) -> None:
    clock = Clock()
    with bar_on(terminal, 10_000, clock=clock) as advance:
        for _ in range(1000):
            clock.now += 0.001
            advance()
        assert terminal.getvalue().count("photos/s") <= 11


@pytest.mark.parametrize(
    "case", ["one photo", "hidden", "no terminal", "no stream", "closed", "dumb"]
)
def test_there_is_no_bar(case: str, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    if case == "dumb":
        monkeypatch.setenv("TERM", "dumb")
    stream = {"no terminal": io.StringIO(), "no stream": None}.get(case, terminal)
    if case == "closed":
        terminal.close()
    with bar_on(stream, 1 if case == "one photo" else 5, hidden=case == "hidden") as advance:
        advance()
    if stream is not None and not stream.closed:
        assert stream.getvalue() == ""


def test_a_terminal_that_goes_away_ends_nothing(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> int:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(terminal, "write", gone)
        with bar_on(terminal, 5) as advance:
            advance()
    clock = Clock()
    with bar_on(terminal, 5, clock=clock) as advance:
        monkeypatch.setattr(terminal, "write", gone)
        clock.now += 1
        advance()


def test_it_needs_no_thread(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with bar_on(terminal, 5) as advance:
        advance()
        assert "0/5" in terminal.rows()[0]


class TestInPredict:
    """The bar and the results on one and the same terminal."""

    @pytest.fixture(autouse=True)
    def _results(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def read(entries: Iterable[Entry], *_: object, **__: object) -> Iterator[PhotoResult]:
            for entry in entries:
                yield PhotoResult(
                    entry.name, 64, 48, (), "1.jpg: damaged" if entry.name == "1.jpg" else None
                )

        monkeypatch.setattr(predict, "read_in_order", read)

    def shown(
        self, terminal: Terminal, output: str, stream: io.StringIO | None = None, **options: bool
    ) -> str:
        photos = Photos([Entry(f"{i}.jpg", None) for i in range(3)], Counter({".mov": 2}))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stderr", terminal)
            predict.predict_photos(photos, None, stream or terminal, output, **options)  # type: ignore[arg-type]
        return terminal.getvalue()

    def test_nothing_remains_above_the_table(
        self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "100")
        assert "0/3" in self.shown(terminal, "table")
        rows = terminal.rows()
        assert rows[0].startswith("photo")
        assert not any("/3" in row for row in rows)
        assert rows[-1].startswith(
            "3 photos, 0 clocks, 2 without a clock, 1 error, 2 files skipped (2 .mov) · "
        )
        assert sum("skipped" in row for row in rows) == 1

    @pytest.mark.parametrize("output", ["json", "jsonl", "csv"])
    def test_hidden_where_results_are_written_to_the_same_terminal(
        self, terminal: Terminal, output: str
    ) -> None:
        assert "0/3" not in self.shown(terminal, output)

    def test_a_table_in_a_file_leaves_its_counts_on_the_terminal_too(
        self, terminal: Terminal
    ) -> None:
        file = io.StringIO()
        self.shown(terminal, "table", file)
        assert file.getvalue().splitlines()[-1].startswith("3 photos")
        assert terminal.rows() == [
            "clockread: skipped files: 2 .mov",
            "clockread: 1 of 3 photos could not be processed",
        ]

    def test_a_table_on_the_terminal_leaves_its_counts_in_a_file_of_messages_too(
        self, terminal: Terminal
    ) -> None:
        messages = io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stderr", messages)
            predict.predict_photos(
                Photos([Entry("1.jpg", None)], Counter({".mov": 2})), None, terminal, "table"
            )  # type: ignore[arg-type]
        assert messages.getvalue().splitlines() == [
            "clockread: skipped files: 2 .mov",
            "clockread: 1 photo could not be processed",
        ]

    def test_closed_standard_error_ends_nothing(self, terminal: Terminal) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stderr", None)
            assert (
                predict.predict_photos(Photos([Entry("1.jpg", None)] * 2), None, terminal, "table")
                == 2
            )  # type: ignore[arg-type]

    def test_hidden_if_quiet(self, terminal: Terminal) -> None:
        text = self.shown(terminal, "table", quiet=True)
        assert "/3" not in text
        assert "3 photos" not in text
        assert "0.jpg" in text
