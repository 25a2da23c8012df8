"""Files that are written whole or not at all."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from clockread.cli.signals import Stop
from clockread.data import write_whole


def test_a_file_is_written_with_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "made" / "a.txt"
    write_whole(path, "ä")
    assert path.read_bytes() == "ä".encode()
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    "reason", [OSError(28, "No space left on device"), KeyboardInterrupt(), Stop(signal.SIGTERM)]
)
def test_nothing_is_left_of_a_file_that_was_not_written_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: BaseException
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(*_: object) -> None:
        raise reason

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(type(reason)):
        write_whole(path, "new")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "old"
