"""Engines of TensorRT, built in another process and stored; no test has TensorRT."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cuda_stub import CudaStub, cuda

from clockread.errors import GpuMemoryError, ProviderError
from clockread.runtime import engines, providers
from clockread.runtime.gpu_options import GpuOptions
from clockread.runtime.manifest import load_manifest, model_bytes
from clockread.runtime.network import Network

__all__ = ["cuda"]

BATCH = {"batch": 8}


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOCKREAD_DATA", str(tmp_path / "data"))


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The settings of each process that builds an engine; it writes a file of three bytes."""
    settings: list[dict[str, Any]] = []

    def run(command: list[str], **options: Any) -> SimpleNamespace:
        settings.append(json.loads(command[-1]) | {"timeout": options["timeout"]})
        folder = Path(settings[-1]["folder"])
        folder.mkdir()
        (folder / "graph_sm90.engine").write_bytes(b"one")
        return SimpleNamespace(returncode=0, stderr=b"")

    monkeypatch.setattr(subprocess, "run", run)
    return settings


def folder_of(data: bytes, dimensions: dict[str, int], version: str = "1.99") -> Path:
    folder = engines.engine_folder(data, dimensions, version)
    assert folder is not None
    return folder


def test_each_network_size_and_version_has_a_folder(tmp_path: Path) -> None:
    folders = {
        folder_of(data, {"batch": size}, version)
        for data in (b"hands", b"pose")
        for size in (8, 32)
        for version in ("1.30", "1.31")
    }
    assert len(folders) == 8
    assert all(folder.is_dir() and folder.is_absolute() for folder in folders)
    assert {folder.parents[1] for folder in folders} == {tmp_path / "data" / "tensorrt"}
    assert folder_of(b"hands", {"batch": 8}, "1.30") in folders, "the same in another process"


def test_an_engine_is_built_once_and_appears_whole(built: list[dict[str, Any]]) -> None:
    folder = folder_of(b"hands", BATCH)
    for _ in range(2):
        engines.build(b"hands", BATCH, GpuOptions(device_id=1, engine_seconds=7), folder)
    (settings,) = built
    assert (settings["dimensions"], settings["device"]) == (BATCH, 1)
    assert settings["timeout"] == 7
    assert Path(settings["folder"]) != folder
    assert [file.name for file in folder.iterdir()] == ["graph_sm90.engine"]
    assert [path for path in folder.parent.iterdir() if path != folder] == [], "nothing partial"


def test_a_session_of_fixed_batch_is_given_its_engine(
    cuda: CudaStub, built: list[dict[str, Any]]
) -> None:
    network = Network(load_manifest(), "hands", "default", "tensorrt", 1, GpuOptions(device_id=1))
    network.open()
    (name, options), (fallback, _), _ = cuda.opened[-1]
    assert (name, fallback) == ("TensorrtExecutionProvider", "CUDAExecutionProvider")
    data = model_bytes(load_manifest().entry("hands"))
    folder = str(folder_of(data, BATCH, cuda.__version__))
    assert options == {
        "device_id": "1",
        "trt_engine_cache_enable": "True",
        "trt_engine_cache_path": folder,
        "trt_timing_cache_enable": "True",
        "trt_timing_cache_path": folder,
    }
    assert len(built) == 1
    network.close()
    network.open()
    assert len(built) == 1, "it is stored"


def test_without_a_folder_no_engine_is_stored(
    cuda: CudaStub, built: list[dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "data").write_text("no folder, so that nobody can write into it, not even root")
    Network(load_manifest(), "hands", "default", "tensorrt", 1).open()
    assert cuda.opened[-1][0] == ("TensorrtExecutionProvider", {"device_id": "0"})
    assert built == []


def test_building_that_takes_too_long_is_one_line(cuda: CudaStub) -> None:
    """The process is a real one, which would take longer to import onnxruntime."""
    gpu = GpuOptions(engine_seconds=0.01)
    with pytest.raises(ProviderError) as caught:
        Network(load_manifest(), "hands", "default", "tensorrt", 1, gpu).open()
    assert str(caught.value) == (
        "TensorRT is not usable here: building an engine took longer than 0.01 seconds: "
        "take --provider cuda"
    )
    assert list(Path(folder_of(b"", BATCH)).parents[1].rglob("*.part")) == []


def test_a_process_that_cannot_build_says_why_in_one_line() -> None:
    """A real one, on a machine without TensorRT."""
    if "tensorrt" in providers.usable_providers():
        pytest.skip("TensorRT works here")
    data = model_bytes(load_manifest().entry("hands"))
    with pytest.raises(ProviderError) as caught:
        engines.build(data, BATCH, GpuOptions(), folder_of(data, BATCH))
    assert "\n" not in str(caught.value)
    assert "not usable" not in str(caught.value), "the caller says that"


@pytest.mark.parametrize(
    ("code", "said", "error"),
    [
        (2, b"noise\nTensorRT is missing: install it\n", ProviderError),
        (engines.MEMORY, b"the GPU has too little free memory\n", GpuMemoryError),
        (-11, b"", ProviderError),
    ],
)
def test_the_last_line_of_a_failed_process_is_the_error(
    code: int, said: bytes, error: type[ProviderError], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = SimpleNamespace(returncode=code, stderr=said)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    with pytest.raises(ProviderError) as caught:
        engines.build(b"hands", BATCH, GpuOptions(), folder_of(b"hands", BATCH))
    assert type(caught.value) is error
    last = said.decode().strip().splitlines()[-1:]
    assert str(caught.value) == (last[0] if last else "building an engine ended with -11")


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_the_time_limit_is_above_zero(seconds: float) -> None:
    with pytest.raises(ValueError, match="engine_seconds must be above 0"):
        GpuOptions(engine_seconds=seconds)
