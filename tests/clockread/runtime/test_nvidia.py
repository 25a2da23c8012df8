"""What NVIDIA's errors mean, and what clockread does about them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import EXAMPLES, Run
from cuda_stub import BFC_ARENA, CudaStub, cuda, cuda_failure

from clockread import ClockReader
from clockread.cli.serve import open_readers
from clockread.errors import GpuMemoryError, ProviderError
from clockread.runtime import nvidia, providers
from clockread.runtime.gpu_options import GpuOptions
from clockread.runtime.manifest import load_manifest
from clockread.runtime.network import Network

__all__ = ["cuda"]

NO_IMAGE = (
    "[ONNXRuntimeError] : 1 : FAIL : Non-zero status code returned while running Relu node. "
    "Name:'Relu_2' Status Message: CUDA error cudaErrorNoKernelImageForDevice:no kernel image is "
    "available for execution on the device"
)
NO_CUDNN = (
    "[ONNXRuntimeError] : 9 : NOT_IMPLEMENTED : Non-zero status code returned while running Conv "
    "node. Name:'Conv_1' Status Message: Conv needs cuDNN, which cannot be loaded"
)
NO_TENSORRT = (
    "/onnxruntime_src/onnxruntime/python/onnxruntime_pybind_state.cc:729 void onnxruntime::python::"
    "RegisterTensorRTPluginsAsCustomOps(PySessionOptions&, const onnxruntime::ProviderOptions&) "
    "Please install TensorRT libraries as mentioned in the GPU requirements page"
)
DISABLED = "session.disable_quant_qdq"
OTHER = "/onnxruntime_src/onnxruntime/core/x.cc:12 void onnxruntime::F(int, const T&) It ends."
ERRORS = {  # text of onnxruntime -> words of the explanation, and of its remedy
    cuda_failure(35, "CUDA driver version is insufficient"): ("driver is too old", "gpu.*<1.27"),
    cuda_failure(222, "the provided PTX was compiled"): ("driver is too old", "gpu.*<1.27"),
    cuda_failure(100, "no CUDA-capable device"): ("sees no GPU", "CUDA_VISIBLE_DEVICES"),
    cuda_failure(101, "invalid device ordinal"): ("no GPU with this number", "--device"),
    "Invalid device ID: 3, must be between 0 (inclusive) and 1 (exclusive).": (
        "no GPU with this number",
        "--device",
    ),
    cuda_failure(2, "out of memory"): ("too little free memory", "--device"),
    cuda_failure(3, "initialization error"): ("forked", "spawn"),
    cuda_failure(46, "CUDA-capable device(s) is/are busy"): ("exclusive use", "--device"),
    cuda_failure(209, "no kernel image is available"): ("no code for the GPU", "upgrade it"),
    cuda_failure(700, "an illegal memory access"): ("failed while it computed", "again"),
    cuda_failure(719, "unspecified launch failure"): ("failed while it computed", "again"),
    cuda_failure(802, "system not yet initialized"): ("not ready", "Fabric Manager"),
    cuda_failure(803, "driver / library mismatch"): ("different versions", "restart"),
    BFC_ARENA: ("too little free memory", "free memory"),
    "CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0": ("too little free", "free memory"),
    NO_IMAGE: ("no code for the GPU", "upgrade it"),
    "Unable to find symbol cudnnGetVersion": ("cuDNN is missing", r"onnxruntime-gpu\[cuda,cudnn\]"),
    NO_CUDNN: ("cuDNN is missing", r"onnxruntime-gpu\[cuda,cudnn\]"),
    "libnvinfer.so.10: cannot open shared object file: No such file": (
        "libnvinfer.so.10 is missing",
        "tensorrt-cu13>=10.13,<11",
    ),
    "libcublasLt.so.13: cannot open shared object file: No such file": (
        "libcublasLt.so.13 is missing",
        r"onnxruntime-gpu\[cuda,cudnn\]",
    ),
    NO_TENSORRT: ("^TensorRT is missing", "tensorrt-cu13>=10.13,<11"),
    "TensorRT EP could not deserialize engine from cache: /data/tensorrt/a.engine": (
        "a stored engine of TensorRT is damaged",
        "delete the folder tensorrt",
    ),
    OTHER: ("^It ends", ""),
    "": ("RuntimeError", ""),
}


@pytest.mark.parametrize("text", ERRORS)
def test_an_error_becomes_one_line_with_a_remedy(text: str) -> None:
    words, remedy = ERRORS[text]
    line = nvidia.explained(RuntimeError(text))
    assert re.search(f"{words}.*{remedy}", line), line
    assert "\n" not in line
    assert not re.search("hostname|onnxruntime_src|::", line), "nothing of onnxruntime's source"
    assert nvidia.explained(RuntimeError(line)) == line, "an explanation is not explained again"


@pytest.mark.parametrize(
    ("text", "is_memory"), [(BFC_ARENA, True), (cuda_failure(2, "x"), True), (NO_IMAGE, False)]
)
def test_a_full_memory_is_an_error_of_its_own(text: str, is_memory: bool) -> None:
    error = nvidia.failure(RuntimeError(text), "CUDA fails to run hands")
    assert str(error).startswith("CUDA fails to run hands: ")
    assert isinstance(error, ProviderError)
    assert isinstance(error, GpuMemoryError) == is_memory


def photo_of(folder: Path) -> Path:
    path = folder / "wall.jpg"
    path.write_bytes((EXAMPLES / "wall.jpg").read_bytes())
    return path


@pytest.mark.parametrize(
    ("stub", "words"),
    [
        ({"opening": cuda_failure(35, "driver version is insufficient")}, "driver is too old"),
        ({"opening": cuda_failure(100, "no CUDA-capable device")}, "sees no GPU"),
        ({"running": NO_CUDNN}, "cuDNN is missing"),
        ({"running": NO_IMAGE}, "no code for the GPU"),
        ({"memory": 1}, "too little free memory"),
        (
            {"missing": "Failed to load libcudart.so.13: not found\nFailed to load x.so"},
            r"libraries are missing \(libcudart.so.13, x.so\): pip install",
        ),
        ({"missing": ""}, "libraries do not fit: pip install"),
    ],
)
def test_a_gpu_that_does_not_work_is_found_before_the_first_photo(
    cuda: CudaStub, stub: dict[str, Any], words: str, tmp_path: Path, run: Run
) -> None:
    for name, value in stub.items():
        setattr(cuda, name, value)
    code, out, err = run("predict", photo_of(tmp_path), "--provider", "cuda")
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("clockread: CUDA is not usable here: ")
    assert re.search(words, line)
    with pytest.warns(RuntimeWarning, match=f"on the CPU, because CUDA.*{words}"):
        assert ClockReader().provider == "CPUExecutionProvider"
    assert ClockReader().model == "int8"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_fails_ends_in_one_line(
    cuda: CudaStub, workers: int, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = iter(range(100))
    note = cuda.note

    def failing(session: Any, batch: np.ndarray) -> None:
        note(session, batch)
        if next(calls) > 7:
            raise RuntimeError(cuda_failure(700, "an illegal memory access was encountered"))

    monkeypatch.setattr(cuda, "note", failing)
    photos = [photo_of(tmp_path)] * 6
    code, _, err = run("predict", *photos, "--provider", "cuda", "--threads", workers, "-q")
    assert code == 2
    (line,) = err.splitlines()
    assert re.match("clockread: CUDA fails to run .*: the GPU failed while it computed", line)


def test_a_batch_that_does_not_fit_into_memory_is_made_smaller(cuda: CudaStub) -> None:
    network = Network(load_manifest(), "context", "default", "cuda", 1)
    free = Network(load_manifest(), "context", "default", "cpu", 1)
    batch = np.random.default_rng(1).integers(0, 256, (40, 240, 80), np.uint8)
    cuda.memory = 8
    with pytest.warns(RuntimeWarning, match="too little free memory to run context on") as warned:
        (found,) = network(batch, "twelve")
    (expected,) = free(batch, "twelve")
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert [re.findall(r"\d+", str(warning.message)) for warning in warned] == [
        ["128", "32"],
        ["32", "8"],
    ]
    network.recorded = calls = []
    network(batch, "twelve")  # without a warning, and without another attempt
    assert [call.size for call in calls] == [8] * 5
    assert list(network._sessions) == [8], "the sessions of larger batches are released"
    cuda.memory = 7
    with pytest.raises(GpuMemoryError, match=r"^CUDA fails to run context: the GPU has"):
        network(batch, "twelve")


@pytest.mark.parametrize("there", [None, "libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1"])
def test_a_driver_is_a_library_that_can_be_loaded(
    there: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(name: str) -> None:
        if name != there:
            raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(nvidia, "DRIVERS", ("libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1"))
    monkeypatch.setattr("ctypes.CDLL", load)
    nvidia.has_driver.cache_clear()
    assert nvidia.has_driver() == (there is not None)
    nvidia.has_driver.cache_clear()


def test_a_usable_stub_is_used(cuda: CudaStub) -> None:
    assert providers.usable_providers() == ["cuda", "tensorrt", "cpu"]
    assert ClockReader().provider == "CUDAExecutionProvider"


def test_the_model_fits_the_provider(cuda: CudaStub, tmp_path: Path, run: Run) -> None:
    chosen = {
        ("auto", "auto"): ("CUDAExecutionProvider", "default"),
        ("cuda", "auto"): ("CUDAExecutionProvider", "default"),
        ("auto", "int8"): ("CPUExecutionProvider", "int8"),
        ("auto", "small"): ("CPUExecutionProvider", "small"),
        ("cpu", "auto"): ("CPUExecutionProvider", "int8"),
    }
    for (provider, model), expected in chosen.items():
        reader = ClockReader(provider, model=model)
        assert (reader.provider, reader.model) == expected
    photo = photo_of(tmp_path)
    code, out, err = run("predict", photo, "--provider", "cuda", "--model", "int8")
    assert (code, out) == (2, "")
    assert err.startswith("clockread: int8 is quantized, and CUDA is slow with such models: take")


def test_a_gpu_computes_small_in_floats(cuda: CudaStub) -> None:
    integers = ClockReader("cpu", model="small").read(EXAMPLES / "wall.jpg")
    floats = ClockReader("cuda", model="small").read(EXAMPLES / "wall.jpg")
    assert [r.time for r in floats] == [r.time for r in integers] == ["5:08"]
    disabled = [options.get_session_config_entry(DISABLED) for options in cuda.options[-4:]]
    assert disabled == ["1"] * 4
    ClockReader("cuda").read(EXAMPLES / "wall.jpg")
    with pytest.raises(RuntimeError, match=DISABLED):  # an entry that was never set
        cuda.options[-1].get_session_config_entry(DISABLED)


def test_auto_reads_on_the_cpu_if_a_network_fails_on_the_gpu(
    cuda: CudaStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = cuda.note

    def failing(session: Any, batch: np.ndarray) -> None:
        note(session, batch)
        if batch.shape[1:] == (240, 64):  # of the reading network, not of the probe
            raise RuntimeError("NOT_IMPLEMENTED: a kernel")

    monkeypatch.setattr(cuda, "note", failing)
    with pytest.raises(ProviderError, match="fails to run hands"):
        ClockReader("cuda")
    with pytest.warns(RuntimeWarning, match="reading on the CPU, because .*fails to run hands"):
        reader = ClockReader("auto")
    assert reader.provider == "CPUExecutionProvider"
    assert [reading.time for reading in reader.read(EXAMPLES / "wall.jpg")] == ["5:08"]


COMMANDS = {
    "predict": ["PHOTO"],
    "bench": ["--repeat", 1],
    "offset": ["PHOTO"],
    "watch": ["PHOTO"],
    "video": ["PHOTO"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_gpu_that_is_named_is_used_or_refused(
    cuda: CudaStub, command: str, tmp_path: Path, run: Run
) -> None:
    pytest.importorskip("av", reason="video and watch need the video extra")
    photo = photo_of(tmp_path)
    arguments = [photo if word == "PHOTO" else word for word in COMMANDS[command]]
    cuda.opening = cuda_failure(101, "invalid device ordinal")
    for provider in ("auto", "cuda"):  # a GPU with a number is never replaced by the CPU
        code, out, err = run(command, *arguments, "--device", 3, "--provider", provider)
        assert (code, out) == (2, "")
        assert "there is no GPU with this number" in err
    assert [
        dict(options[:-1])["CUDAExecutionProvider"]["device_id"] for options in cuda.opened
    ] == ["3"]
    code, out, err = run(command, *arguments, "--device", 3, "--provider", "cpu")
    assert (code, out) == (2, "")
    assert "GPU 3 cannot be used by cpu: leave out --device" in err


def test_a_gpu_needs_one_set_of_sessions(cuda: CudaStub) -> None:
    reader = ClockReader("cuda", threads=2, gpu=GpuOptions(device_id=1))
    assert reader._on_one_thread is reader
    assert open_readers("cuda", device=1, model="auto", threads=2)[1].on_accelerator
    alone, shared, _ = open_readers("cuda", model="auto", threads=2)
    assert alone is shared
    alone, shared, _ = open_readers("cpu", model="auto", threads=2)
    assert alone is not shared


def test_tensorrt_is_loaded_from_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tensorrt_libs").mkdir()
    (tmp_path / "tensorrt_libs" / "__init__.py").write_text("raise ImportError('not imported')")
    loaded: list[Path] = []
    monkeypatch.setattr("ctypes.CDLL", lambda path, mode: loaded.append(Path(path)))
    nvidia.load_tensorrt.cache_clear()
    nvidia.load_tensorrt()
    assert loaded == [], "without the package"
    monkeypatch.syspath_prepend(tmp_path)
    nvidia.load_tensorrt.cache_clear()
    nvidia.load_tensorrt()
    assert loaded == [tmp_path / "tensorrt_libs" / name for name in nvidia.TENSORRT]
    nvidia.load_tensorrt.cache_clear()


def test_tensorrt_that_is_missing_says_what_fits(cuda: CudaStub, tmp_path: Path, run: Run) -> None:
    cuda.opening = NO_TENSORRT
    code, out, err = run("predict", photo_of(tmp_path), "--provider", "tensorrt")
    assert (code, out) == (2, "")
    assert err.startswith(
        "clockread: TensorRT is not usable here: TensorRT is missing: pip install"
    )
    assert '"tensorrt-cu13>=10.13,<11"' in err
