"""Tables of tracks and of measurements, as they are written."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
from conftest import READING

from clockread.cli import bench_report, offset, tracks
from clockread.cli.bench_report import BatchReport, BenchReport, Spread
from clockread.offsets.offset import Offset, Shot
from clockread.runtime.gpu_report import GpuReport
from clockread.tracking.drift import Drift
from clockread.tracking.fit import Fit
from clockread.tracking.track import Track, TrackFrame

GPU = GpuReport("NVIDIA X1", "580.1", "16384", "1.32.0", "12.8", "9.8", "TF32", {})


FIT = Fit(3600.0, 60.0, "free", 0.4, 0.9, has_seconds=True)
FRAMES = (
    TrackFrame(0.5, replace(READING, minutes=60), 3600.0),
    TrackFrame(2.0, replace(READING, minutes=300), 3690.0),
)
REAL = replace(FIT, rate=1.0, kind="real time", confidence=0.97)
TRACKS = (Track(1, FIT, FRAMES, None), Track(2, REAL, FRAMES, Drift(12.3, 0.45)))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Terminal]:
    """A function that returns a plain terminal of so many columns."""
    for name in ("FORCE_COLOR", "LINES", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")

    def of(columns: int) -> Terminal:
        monkeypatch.setenv("COLUMNS", str(columns))
        return Terminal()

    return of


def shown_on(stream: io.StringIO) -> list[str]:
    return re.sub(r"\x1b\[[\d;]*m", "", stream.getvalue()).splitlines()


def lines_of(stream: io.StringIO) -> list[str]:
    return [" ".join(line.split()) for line in shown_on(stream)]


def test_the_table_of_tracks_in_a_file_or_a_pipe() -> None:
    stream = io.StringIO()
    tracks.write_tracks(TRACKS, stream, "table")
    head, _, *rows = lines_of(stream)
    assert head == (
        "clock from to shows at first at last rate confidence frames disagree drift per hour"
    )
    assert rows == [
        "1 0.5 s 2.0 s 1:00:00? 1:01:30? × 60 40 % 2 1",
        "2 0.5 s 2.0 s 1:00:00 1:00:01 real time 97 % 2 1 +12.3 ± 0.5 s",
    ]


def test_a_track_whose_confidence_is_not_a_number_is_doubtful() -> None:
    unknown = Track(1, replace(REAL, confidence=math.nan), FRAMES, None)
    tracks.write_tracks([unknown], stream := io.StringIO(), "table")
    assert "1:00:00? 1:00:01?" in lines_of(stream)[-1]


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        (20, ["1 1:00:00? 1:01:30? × 60", "2 1:00:00 1:00:01 real time"]),
        (40, ["1 1:00:00? 1:01:30? × 60", "2 1:00:00 1:00:01 real time"]),
        (60, ["1 2.0 s 1:00:00? 1:01:30? × 60 40 %", "2 2.0 s 1:00:00 1:00:01 real time 97 %"]),
        (
            80,
            [
                "1 0.5 s 2.0 s 1:00:00? 1:01:30? × 60 40 % 2 1",
                "2 0.5 s 2.0 s 1:00:00 1:00:01 real time 97 % 2 1",
            ],
        ),
        (
            120,
            [
                "1 0.5 s 2.0 s 1:00:00? 1:01:30? × 60 40 % 2 1",
                "2 0.5 s 2.0 s 1:00:00 1:00:01 real time 97 % 2 1 +12.3 ± 0.5 s",
            ],
        ),
    ],
)
def test_the_table_of_tracks_leaves_out_columns_on_a_terminal(
    columns: int, rows: list[str], terminal: Callable[[int], Terminal]
) -> None:
    stream = terminal(columns)
    tracks.write_tracks(TRACKS, stream, "table")
    assert lines_of(stream)[-2:] == rows
    assert "…" not in stream.getvalue()
    if columns >= 40:
        assert max(map(len, shown_on(stream))) <= columns


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        (40, "Maker Ph…e (12345) +0:03:12 100 %"),
        (60, "Maker Phone (12345) +0:03:12 100 % 4 4"),
        (80, "Maker Phone (12345) +0:03:12 0 s 100 % 4 4"),
    ],
)
def test_the_table_of_offsets_leaves_out_columns_on_a_terminal(
    columns: int, row: str, terminal: Callable[[int], Terminal]
) -> None:
    stream = terminal(columns)
    [frame] = [Shot("", datetime(2026, 3, 1), READING)]
    found = Offset("Maker Phone (12345)", 192.0, 0.0, 1.0, True, (frame,) * 4)
    offset._table([], [found], stream)
    *_, shown = lines_of(stream)
    assert shown == row
    assert max(map(len, shown_on(stream))) <= columns


def test_the_group_of_an_offset_is_shortened_and_never_lost(
    terminal: Callable[[int], Terminal],
) -> None:
    stream = terminal(40)
    found = Offset("photos/of/some/long/journey/2026", 192.0, 0.0, 1.0, True, ())
    offset._table([], [found], stream)
    assert lines_of(stream)[-1].split()[0].endswith("2026")
    assert lines_of(stream)[-1].endswith("+0:03:12 100 %")


def test_a_report_names_the_gpu_and_what_is_not_on_it() -> None:
    spread = Spread(1.0, 1.0, 1.0)
    batch = BatchReport(1, 3, spread, spread, spread, spread, None, True, ())
    report = BenchReport(
        "CUDAExecutionProvider", GPU, {"pose": {"Shape": 2}, "hands": {}}, "default", 1, 2, "given",
        3, 1, {"p50": 1.0}, 4, 5, spread, (batch,), None,
    )  # fmt: skip
    stream = io.StringIO()
    bench_report.write(report, stream, "table")
    assert stream.getvalue().splitlines()[:5] == [
        "provider CUDAExecutionProvider, model default, 1 threads",
        "GPU NVIDIA X1, 16384 MB, driver 580.1, TF32",
        "onnxruntime 1.32.0 for CUDA 12.8, cuDNN 9.8",
        "nodes of pose that are not on the accelerator: 2 Shape",
        "nodes of hands that are not on the accelerator: none",
    ]
