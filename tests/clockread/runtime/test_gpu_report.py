"""The description of a GPU, and ``clockread bench`` on one."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import EXAMPLES, Run
from cuda_stub import CudaStub, cuda

from clockread.cli import bench
from clockread.cli.bench_report import Spread
from clockread.errors import ClockreadError
from clockread.runtime import gpu_report
from clockread.runtime.gpu_options import GpuOptions
from clockread.runtime.manifest import load_manifest
from clockread.runtime.network import Network

__all__ = ["cuda"]


@pytest.fixture
def smi(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A machine with nvidia-smi and cuDNN; the commands that were run."""
    commands: list[list[str]] = []

    def run(command: list[str], **_: Any) -> SimpleNamespace:
        commands.append(command)
        return SimpleNamespace(stdout="NVIDIA H100 80GB HBM3, 580.65.06, 81559\n")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr("ctypes.CDLL", lambda _: SimpleNamespace(cudnnGetVersion=lambda: 91302))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return commands


def test_a_gpu_is_described(
    cuda: CudaStub, smi: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuda, "cuda_version", "13.0", raising=False)
    report = gpu_report.describe(GpuOptions(device_id=1, use_tf32=False))
    assert (report.name, report.driver, report.memory_mb) == (
        "NVIDIA H100 80GB HBM3",
        "580.65.06",
        "81559",
    )
    assert (report.onnxruntime, report.cuda, report.cudnn) == ("1.99", "13.0", "9.13.2")
    assert report.precision == "float32"
    assert report.options["device_id"] == "1"
    assert "--id=1" in smi[0]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-3f,GPU-7a")
    gpu_report.describe(GpuOptions(device_id=1))
    assert "--id=GPU-7a" in smi[1]


def test_whatever_cannot_be_found_out_is_unknown(
    cuda: CudaStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: Any, **__: Any) -> None:
        raise FileNotFoundError("nvidia-smi")

    monkeypatch.setattr(subprocess, "run", missing)
    monkeypatch.setattr("ctypes.CDLL", missing)
    report = gpu_report.describe()
    assert (report.name, report.driver, report.cudnn, report.cuda) == ("unknown",) * 4
    assert report.precision == "TF32"


def test_nodes_on_the_cpu_and_copies_are_counted(tmp_path: Path) -> None:
    def node(name: str, provider: str) -> dict[str, Any]:
        return {"args": {"op_name": name, "provider": provider}}

    on_gpu, on_cpu = "CUDAExecutionProvider", "CPUExecutionProvider"
    events = [
        {"cat": "Session", "name": "model_run"},
        {"args": {"op_name": "Conv"}},  # older versions report fences without a provider
        node("Conv", on_gpu),
        node("MemcpyFromHost", on_gpu),
        node("DequantizeLinear", on_cpu),
        node("DequantizeLinear", on_cpu),
    ]
    (tmp_path / "nodes.json").write_text(json.dumps(events), encoding="utf-8")
    assert gpu_report.nodes_elsewhere(tmp_path / "nodes.json", on_gpu) == {
        "MemcpyFromHost": 1,
        "DequantizeLinear": 2,
    }


def test_the_nodes_of_a_network_are_those_of_its_real_profile(cuda: CudaStub) -> None:
    """The stub runs everything on the CPU."""
    nodes = Network(load_manifest(), "pose", "default", "cuda", 1).nodes_elsewhere()
    assert nodes["Conv"] > 5
    assert "Shape" not in nodes
    assert not Network(load_manifest(), "pose", "default", "cpu", 1).nodes_elsewhere()


@pytest.mark.parametrize("output", ["json", "table"])
def test_bench_says_on_what_it_ran(
    cuda: CudaStub,
    smi: list[list[str]],
    output: str,
    tmp_path: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bench, "_start", lambda *_: Spread(1.0, 1.0, 1.0))
    monkeypatch.setattr(bench, "MIN_LATENCIES", 1)
    monkeypatch.setattr(bench, "MIN_BULK", 4)
    for name in ("wall.jpg", "watch.jpg"):
        (tmp_path / name).write_bytes((EXAMPLES / "wall.jpg").read_bytes())
    arguments = ["--repeat", 1, "--threads", 1, "--format", output, "--batch-size", "8"]
    arguments += ["--photos", tmp_path]
    code, out, err = run("bench", "--provider", "cuda", *arguments)
    assert (code, err) == (0, "")
    if output == "json":
        report = json.loads(out)
        assert report["gpu"]["name"] == "NVIDIA H100 80GB HBM3"
        assert set(report["nodes_elsewhere"]) == {"finder", "pose", "hands", "context"}
        assert report["batches"][0]["of_shared_cores"] is None
        assert report["batches"][0]["networks_only"]["median"] > 0
    else:
        assert "GPU NVIDIA H100 80GB HBM3, 81559 MB, driver 580.65.06, TF32" in out
        assert "nodes of hands that are not on the accelerator: " in out
        assert "of joint limit" not in out
        assert "of lower limit" in out
    for of_session in cuda.shapes.values():
        assert len(set(of_session)) == 1, "a session never sees two shapes"


def test_a_process_that_takes_too_long_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(command: list[str], **_: Any) -> None:
        raise subprocess.TimeoutExpired(command, bench.START_LIMIT)

    monkeypatch.setattr(subprocess, "run", slow)
    with pytest.raises(ClockreadError, match="timed out after 120 seconds") as caught:
        bench._start(EXAMPLES / "wall.jpg", ())
    assert "\n" not in str(caught.value)
