"""The first run on a GPU, with a GPU that runs on the CPU."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import EXAMPLES
from cuda_stub import CudaStub, cuda, cuda_failure
from typer.testing import CliRunner

from benchmarks import gpu
from clockread.runtime.fixed_batch import FixedBatch

__all__ = ["cuda"]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Run the benchmark on small batches of one network and one photo; return its figures."""
    import typer

    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "wall.jpg").write_bytes((EXAMPLES / "wall.jpg").read_bytes())
    entries = gpu.networks()
    monkeypatch.setattr(gpu, "networks", lambda: {"context": entries["context"]})
    monkeypatch.setattr(gpu, "NVIDIA_BATCH", FixedBatch((1, 2), call_cost=1))
    monkeypatch.setattr(gpu, "WARM_UP", 1)
    monkeypatch.setattr(gpu, "generated_photos", lambda: [(EXAMPLES / "wall.jpg").read_bytes()])
    app = typer.Typer()
    app.command()(gpu.main)

    def call(*arguments: str) -> Any:
        save = tmp_path / "figures.json"
        done = CliRunner().invoke(
            app,
            [str(tmp_path / "photos"), "--rounds", "1", "--bulk", "1", "--save", str(save)]
            + list(arguments),
        )
        figures = json.loads(save.read_text(encoding="utf-8")) if save.exists() else None
        return SimpleNamespace(code=done.exit_code, out=done.output, figures=figures)

    return call


@pytest.mark.slow
def test_every_part_gives_figures(cuda: CudaStub, run: Any) -> None:
    done = run()
    assert done.code == 0
    assert set(done.figures) == set(gpu.PARTS)
    assert "FAILED" not in done.out
    rows = done.figures["readings against the CPU's"]["rows"]
    assert [row[0].split(",")[0] for row in rows] == ["default", "default", "small", "small"]
    assert all(row[1:4] == ["1", "1", "100.0%"] for row in rows)
    assert [row[0] for row in done.figures["options"]["rows"]] == list(gpu.VARIANTS)
    rates = {name: rate for name, rate, _ in done.figures["rates"]["rows"]}
    assert all(0 < float(rate) < 1e6 for rate in rates.values()), rates
    counted = {role: int(count) for role, count, _ in done.figures[list(gpu.PARTS)[1]]["rows"]}
    assert counted["pose"] > 20, "the stub runs everything on the CPU"


def test_a_part_that_fails_says_why_and_the_others_run(
    cuda: CudaStub, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(setup: gpu.Setup) -> gpu.Table:
        raise RuntimeError("first line\nsecond line")

    monkeypatch.setattr(gpu, "PARTS", {"broken": fail, "GPU": gpu.about})
    done = run()
    assert done.code == 0
    assert "broken: FAILED, RuntimeError: first line\n" in done.out
    assert done.figures["broken"] == {"failed": "RuntimeError: first line"}
    assert done.figures["GPU"]["rows"]


def test_a_gpu_that_is_not_usable_is_one_line(cuda: CudaStub, run: Any) -> None:
    cuda.opening = cuda_failure(100, "no CUDA-capable device is detected")
    done = run()
    assert (done.code, done.figures) == (2, None)
    (line,) = done.out.splitlines()
    assert line.startswith("benchmarks.gpu: CUDA is not usable here: CUDA sees no GPU")


def test_another_time_is_found() -> None:
    def result(minutes: int, confidence: float) -> SimpleNamespace:
        face = (0.0, 0.0, 10.0, 10.0)
        reading = SimpleNamespace(face=face, minutes=minutes, confidence=confidence)
        return SimpleNamespace(readings=[reading])

    expected = [result(5, 0.9), result(7, 0.9), SimpleNamespace(readings=[])]
    found = [result(5, 0.8), result(8, 0.9), result(1, 0.9)]
    assert gpu._differences(expected, found) == ["2", "2", "50.0%, below 99%", "0.100"]
