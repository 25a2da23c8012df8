"""Tables of tracks and of measurements, as they are written."""

from __future__ import annotations

import io
from dataclasses import replace

from conftest import READING

from clockread.cli import bench_report, tracks
from clockread.cli.bench_report import BatchReport, BenchReport, Spread
from clockread.runtime.gpu_report import GpuReport
from clockread.tracking.drift import Drift
from clockread.tracking.fit import Fit
from clockread.tracking.track import Track, TrackFrame

GPU = GpuReport("NVIDIA X1", "580.1", "16384", "1.32.0", "12.8", "9.8", "TF32", {})


def test_the_table_of_tracks() -> None:
    fit = Fit(3600.0, 60.0, "free", 0.4, 0.9, has_seconds=True)
    frames = (
        TrackFrame(0.5, replace(READING, minutes=60), 3600.0),
        TrackFrame(2.0, replace(READING, minutes=300), 3690.0),
    )
    fast = Track(1, fit, frames, None)
    real = replace(fit, rate=1.0, kind="real time", confidence=0.97)
    steady = Track(2, real, frames, Drift(12.3, 0.45))
    stream = io.StringIO()
    tracks.write_tracks([fast, steady], stream, "table")
    head, _, *rows = (" ".join(line.split()) for line in stream.getvalue().splitlines())
    assert head == (
        "clock from to shows at first at last rate confidence frames disagree drift per hour"
    )
    assert rows == [
        "1 0.5 s 2.0 s 1:00:00? 1:01:30? × 60 40 % 2 1",
        "2 0.5 s 2.0 s 1:00:00 1:00:01 real time 97 % 2 1 +12.3 ± 0.5 s",
    ]


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
