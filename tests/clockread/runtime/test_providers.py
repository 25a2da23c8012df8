from __future__ import annotations

import builtins
import json
import os
import re
import sys
import threading
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from conftest import ROOT, run_python
from cuda_stub import forget

from clockread import packages
from clockread.errors import ModelError, ProviderError, RuntimeMissingError
from clockread.runtime import cpus, providers
from clockread.runtime.gpu_options import GpuOptions
from clockread.runtime.manifest import load_manifest, model_bytes
from clockread.runtime.probe import PROBE_MODEL, PROBE_OUTPUT
from clockread.streams import silenced


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    forget()
    yield
    forget()


class FakeOptions(SimpleNamespace):
    """Session options that keep their entries as attributes."""

    def add_session_config_entry(self, key: str, value: str) -> None:
        setattr(self, key, value)


class FakeSession(SimpleNamespace):
    """A session with given methods."""


class FakeRuntime:
    """A CUDA build of onnxruntime: CUDA works, raises an error, or silently becomes the CPU."""

    __version__ = "1.99"
    SessionOptions = FakeOptions

    def __init__(self, cuda: str) -> None:
        self.cuda = cuda
        self.severity: list[int] = []
        self.sessions: list[FakeSession] = []

    def get_available_providers(self) -> list[str]:
        return ["CUDAExecutionProvider", "CPUExecutionProvider"]

    def set_default_logger_severity(self, level: int) -> None:
        self.severity.append(level)

    def preload_dlls(self) -> None:
        print("Failed to load libcudnn")

    def InferenceSession(  # noqa: N802
        self, model: bytes, options: Any, providers: list[Any], **kwargs: Any
    ) -> FakeSession:
        names = [provider if isinstance(provider, str) else provider[0] for provider in providers]
        if names[0].startswith("CUDA"):
            if self.cuda == "loud":
                raise RuntimeError("libcublas.so not found\nsecond line")
            if self.cuda == "silent":
                names = ["CPUExecutionProvider"]
        session = FakeSession(
            get_providers=lambda: names,
            run=lambda *_: [PROBE_OUTPUT],
            options=options,
            kwargs=kwargs,
        )
        self.sessions.append(session)
        return session


@pytest.fixture
def fake(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> FakeRuntime:
    runtime = FakeRuntime(request.param)
    monkeypatch.setattr(providers, "require_runtime", lambda: runtime)
    monkeypatch.setattr(providers, "has_driver", lambda: True)
    # The fixture above clears the cached functions themselves, not whatever replaces them.
    return runtime


def test_importing_clockread_providers_imports_no_runtime() -> None:
    code = (
        "import sys, clockread.runtime.providers\n"
        "print([m for m in ('onnxruntime', 'tensorflow', 'keras') if m in sys.modules])"
    )
    done = run_python("-c", code)
    assert done.stdout.strip() == "[]", done.stderr


def test_without_a_runtime_one_line_names_both_distributions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packages, "version", lambda _: None)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # what makes `import onnxruntime` fail
    with pytest.raises(RuntimeMissingError) as caught:
        providers.require_runtime()
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(": pip install onnxruntime"), "a command that can be copied as it stands"
    assert '"onnxruntime-gpu[cuda,cudnn]" instead' in text
    assert "uninstall" not in text
    assert isinstance(caught.value, ImportError)


def test_a_runtime_that_cannot_load_is_not_called_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def broken(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "onnxruntime":
            raise ImportError("libstdc++.so.6: version not found\nmore")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", broken)
    with pytest.raises(
        RuntimeMissingError, match=r"cannot be imported \(libstdc\+\+\.so\.6: version not found\)"
    ):
        providers.require_runtime()


def test_a_runtime_emptied_by_an_uninstall_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", SimpleNamespace())
    with pytest.raises(RuntimeMissingError, match="incomplete"):
        providers.require_runtime()


@pytest.mark.parametrize(
    ("left", "install"),
    [("onnxruntime", "onnxruntime"), ("onnxruntime-gpu", '"onnxruntime-gpu[cuda,cudnn]"')],
)
@pytest.mark.parametrize("module", [None, SimpleNamespace()])
def test_what_an_uninstall_left_is_removed_before_one_runtime_is_installed(
    left: str, install: str, module: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pip takes the distribution that lost its files for whole."""
    monkeypatch.setattr(packages, "version", lambda name: "1.99" if name == left else None)
    monkeypatch.setitem(sys.modules, "onnxruntime", module)
    with pytest.raises(RuntimeMissingError) as caught:
        providers.require_runtime()
    removed, installed = str(caught.value).split(" && ")
    assert {"onnxruntime", "onnxruntime-gpu"} < set(removed.split())
    assert installed == f"pip install {install}"


def test_no_message_installs_clockread_from_an_index() -> None:
    """There is no such distribution."""
    files = [
        *(ROOT / "clockread").rglob("*.py"),
        *(ROOT / "examples").glob("*.py"),
        ROOT / "README.md",
        *(ROOT / "docs").glob("*.md"),
    ]
    assert [
        str(file)
        for file in files
        if re.search(r"""pip install[^\n&]*[ '"]clockread\b""", file.read_text(encoding="utf-8"))
    ] == []


CV2_STATES = {
    "missing": (None, "not installed", False),
    "without libGL": (
        "raise ImportError('libGL.so.1: cannot open shared object file')",
        "libGL.so.1",
        True,
    ),
    "for another NumPy": (
        "import sys; print('pages', file=sys.stderr); raise AttributeError('_ARRAY_API not found')",
        "_ARRAY_API",
        True,
    ),
    "without its own module": ("import cv2.cv2", "cv2.cv2", True),
    "emptied": ("", "incomplete", True),
}


@pytest.mark.parametrize(
    "name",
    [
        "missing",
        "without libGL",
        "emptied",
        pytest.param("for another NumPy", marks=pytest.mark.slow),
        pytest.param("without its own module", marks=pytest.mark.slow),
    ],
)
def test_opencv_that_is_missing_or_broken_is_one_line(name: str, tmp_path: Path) -> None:
    module, problem, known = CV2_STATES[name]
    if module is not None:
        (tmp_path / "cv2.py").write_text(module)
    start = "" if module is not None else "import sys; sys.modules['cv2'] = None; "
    code = (
        f"{start}from clockread import packages; "
        f"packages.version = lambda name: '1' if {known} else None\n"
    )
    program = f"{code}from clockread.__main__ import main; main()"
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    done = run_python("-c", program, "predict", "a.png", cwd=tmp_path, PYTHONPATH=path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("clockread: OpenCV is ")
    assert problem in done.stderr
    assert done.stderr.endswith("pip install opencv-python-headless\n")
    assert ("pip uninstall -y opencv-python-headless opencv-python " in done.stderr) == known


@pytest.mark.skipif(os.name == "nt", reason="a home of another kind")
@pytest.mark.parametrize("writable", [True, False])
def test_nothing_is_collected(
    writable: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    if writable:
        home.mkdir()
    else:
        home.write_text("no folder, so that nobody can write into it, not even root")
    code = (
        "from clockread.runtime import providers as p; import os\n"
        "from clockread.runtime.probe import PROBE_MODEL\n"
        "p.open_session(PROBE_MODEL); print(os.environ[p.TELEMETRY])"
    )
    for name in [*os.environ]:
        if name == providers.TELEMETRY or name.startswith("XDG_"):
            monkeypatch.delenv(name)
    for given, value in (({}, "1"), ({providers.TELEMETRY: "true"}, "true")):
        done = run_python("-c", code, HOME=str(home), **given)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{value}\n", "")
    assert not writable or list(home.rglob("*")) == []


def installed(folder: Path, *names: str, **attributes: Any) -> SimpleNamespace:
    """An onnxruntime in a folder that distributions were installed to."""
    for name in names:
        (folder / f"{name.replace('-', '_')}-1.99.0.dist-info").mkdir()
    return SimpleNamespace(
        __file__=str(folder / "onnxruntime" / "__init__.py"),
        InferenceSession=object,
        __version__="1.99",
        **attributes,
    )


@pytest.mark.parametrize(
    ("listed", "in_use"),
    [(["CPUExecutionProvider"], "onnxruntime "), (["CUDAExecutionProvider"], "onnxruntime-gpu ")],
)
def test_two_runtimes_warn_once_and_say_which_is_in_use(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, listed: list[str], in_use: str
) -> None:
    runtime = installed(
        tmp_path, "onnxruntime", "onnxruntime-gpu", get_available_providers=lambda: listed
    )
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    with pytest.warns(RuntimeWarning, match=f"both installed.*in use is {in_use}1\\.99"):
        providers.require_runtime()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        providers.require_runtime()


@pytest.mark.parametrize("name", providers.DISTRIBUTIONS)
def test_one_runtime_warns_of_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", installed(tmp_path, name))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        providers.require_runtime()


def test_usable_providers_end_with_the_cpu_and_hold_what_opens() -> None:
    usable = providers.usable_providers()
    assert usable[-1] == "cpu"
    if "cuda" not in usable:
        with pytest.raises(ProviderError, match="CUDA is not usable here: ") as caught:
            providers.open_session(PROBE_MODEL, "cuda")
        assert "\n" not in str(caught.value)


def test_a_broken_model_is_a_model_error_in_one_line() -> None:
    with pytest.raises(ModelError, match="cannot load the model") as caught:
        providers.open_session(b"\x00\x01 no model", "cpu")
    assert "\n" not in str(caught.value)


def operators(folder: Path, *, in_floats: bool) -> tuple[Counter[str], Any]:
    """The operators that the reading network of `small` runs, and its logits of the minute."""
    entry = load_manifest().entry("hands", "small")
    session = providers.open_session(
        model_bytes(entry), "cpu", 1, profile=folder / str(in_floats), in_floats=in_floats
    )
    polar = np.random.default_rng(1).integers(0, 256, (1, 240, 64), np.uint8)
    (logits,) = session.run(["minute"], {"polar": polar})
    events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    return Counter(e["args"]["op_name"] for e in events if "op_name" in e.get("args", {})), logits


def test_layers_of_a_quantized_network_can_compute_in_floats(tmp_path: Path) -> None:
    integers, expected = operators(tmp_path, in_floats=False)
    floats, logits = operators(tmp_path, in_floats=True)
    assert integers["QLinearConv"] >= 8
    assert not any(name.startswith(("QLinear", "QGemm", "QAttention")) for name in floats)
    # only activations are rounded: weights and biases became floats when the session opened
    assert floats["QuantizeLinear"] == floats["DequantizeLinear"] > 0
    assert np.abs(logits - expected).max() < 0.5
    assert (logits != expected).any()


@pytest.mark.parametrize(
    ("arguments", "word"), [({"provider": "tpu"}, "tpu"), ({"threads": 0}, "threads")]
)
def test_wrong_arguments_are_value_errors(arguments: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        providers.open_session(PROBE_MODEL, **arguments)


@pytest.mark.parametrize("fake", ["works"], indirect=True)
def test_cuda_is_taken_where_it_works(fake: FakeRuntime, capfd: pytest.CaptureFixture[str]) -> None:
    for provider in ("auto", "cuda"):
        assert (
            providers.open_session(b"", provider, 3).get_providers()[0] == "CUDAExecutionProvider"
        )
    assert providers.usable_providers() == ["cuda", "cpu"]
    assert fake.sessions[-1].kwargs == {"enable_fallback": 0}
    assert fake.severity[-1] == 2, "the process-wide logger is left as it was"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("fake", ["silent", "loud"], indirect=True)
def test_cuda_asked_for_by_name_never_gives_a_cpu_session(fake: FakeRuntime) -> None:
    with pytest.raises(ProviderError, match="CUDA is not usable here: ") as caught:
        providers.open_session(b"", "cuda")
    assert "\n" not in str(caught.value)
    assert providers.usable_providers() == ["cpu"]
    assert fake.severity[-1] == 2


@pytest.mark.parametrize("fake", ["silent", "loud"], indirect=True)
def test_auto_falls_back_to_the_cpu_and_says_so_once(
    fake: FakeRuntime, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.warns(RuntimeWarning, match="on the CPU, because CUDA is not usable here"):
        session = providers.open_session(b"", "auto")
    assert session.get_providers() == ["CPUExecutionProvider"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        providers.open_session(b"", "auto")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("fake", ["works"], indirect=True)
@pytest.mark.parametrize("provider", ["tensorrt", "openvino", "coreml", "dml"])
def test_every_provider_is_used_by_name_or_refused(
    fake: FakeRuntime, provider: providers.Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        ProviderError, match="is not usable here: this onnxruntime is built without it"
    ) as caught:
        providers.open_session(b"", provider)
    assert "\n" not in str(caught.value)
    providers._problem.cache_clear()
    monkeypatch.setattr(fake, "get_available_providers", lambda: list(providers.ORT_NAMES.values()))
    names = providers.open_session(b"", provider).get_providers()
    assert (names[0], names[-1]) == (providers.ORT_NAMES[provider], "CPUExecutionProvider")
    assert provider in providers.usable_providers()


@pytest.mark.parametrize("fake", ["loud"], indirect=True)
def test_a_machine_without_a_driver_gets_the_cpu_without_a_word(
    fake: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "has_driver", lambda: False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert providers.open_session(b"", "auto").get_providers() == ["CPUExecutionProvider"]
    assert fake.severity == [], "CUDA was not even tried"


def test_threads_are_bounded_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpus, "usable_threads", lambda: 3)
    assert [cpus.bounded_threads(count) for count in (None, 1, 12)] == [3, 1, 12]
    with pytest.warns(RuntimeWarning, match="^12 threads run instead of 13"):
        assert cpus.bounded_threads(13) == 12
    with pytest.warns(RuntimeWarning, match="instead of 100000"):
        session = providers.open_session(PROBE_MODEL, "cpu", threads=100_000)
    assert session.get_session_options().intra_op_num_threads == 12


def test_threads_default_to_what_the_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpus, "usable_threads", lambda: 5)
    session = providers.open_session(PROBE_MODEL, "cpu")
    assert session.get_session_options().intra_op_num_threads == 5


@pytest.mark.parametrize(
    ("affinity", "quota", "threads"),
    [(8, None, 8), (8, 2.0, 2), (8, 2.9, 2), (8, 0.5, 1), (2, 6.0, 2)],
)
def test_threads_are_the_smaller_of_affinity_and_quota(
    monkeypatch: pytest.MonkeyPatch, affinity: int, quota: float | None, threads: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(affinity)), raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(cpus, "cgroup_cpus", lambda: quota)
    assert cpus.usable_threads() == threads


def cgroups(tmp_path: Path, membership: str, files: dict[str, str]) -> float | None:
    root = tmp_path / "cgroup"
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    (tmp_path / "membership").write_text(membership, encoding="utf-8")
    return cpus.cgroup_cpus(tmp_path / "membership", root)


@pytest.mark.parametrize(
    ("membership", "files", "cpus"),
    [
        ("0::/\n", {"cpu.max": "150000 100000"}, 1.5),
        ("0::/\n", {"cpu.max": "max 100000"}, None),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000", "a/cpu.max": "300000 100000"}, 3.0),
        ("0::/a/b\n", {"a/b/cpu.max": "400000 100000", "a/cpu.max": "200000 100000"}, 2.0),
        ("0::/host/only\n", {"cpu.max": "100000 100000"}, 1.0),
        ("0::/../outside\n", {"cpu.max": "100000 100000"}, 1.0),
        (
            "3:cpu,cpuacct:/job\n",
            {"cpu/job/cpu.cfs_quota_us": "250000", "cpu/job/cpu.cfs_period_us": "100000"},
            2.5,
        ),
        (
            "3:cpu,cpuacct:/x\n",
            {"cpu,cpuacct/cpu.cfs_quota_us": "50000", "cpu,cpuacct/cpu.cfs_period_us": "100000"},
            0.5,
        ),
        ("3:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ("3:cpuset:/\n", {"cpuset/cpu.cfs_quota_us": "1", "cpuset/cpu.cfs_period_us": "1"}, None),
        ("0::/\n", {"cpu.max": "rubbish"}, None),
        ("nonsense\n", {}, None),
    ],
)
def test_cgroup_quota(
    tmp_path: Path, membership: str, files: dict[str, str], cpus: float | None
) -> None:
    assert cgroups(tmp_path, membership, files) == cpus


def test_no_cgroups_at_all(tmp_path: Path) -> None:
    assert cpus.cgroup_cpus(tmp_path / "none", tmp_path) is None


@pytest.mark.parametrize(
    ("fake", "meant"), [("works", "cuda"), ("silent", "cpu"), ("loud", "cpu")], indirect=["fake"]
)
def test_auto_means_cuda_where_it_works(
    fake: FakeRuntime, meant: str, recwarn: pytest.WarningsRecorder
) -> None:
    assert providers.resolved("auto") == providers.resolved("auto") == meant
    messages = [str(warning.message) for warning in recwarn]
    if meant == "cuda":
        assert messages == []
    else:
        (message,) = messages
        assert message.startswith("reading on the CPU, because CUDA is not usable here: ")
    assert providers.resolved("cpu") == "cpu"
    assert providers.resolved("openvino") == "openvino"


@pytest.mark.parametrize("fake", ["works"], indirect=True)
def test_auto_falls_back_where_only_the_model_fails(
    fake: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = fake.InferenceSession

    def failing(model: bytes, options: Any, providers: list[Any], **kwargs: Any) -> SimpleNamespace:
        if model == b"model" and not isinstance(providers[0], str):
            raise RuntimeError("no memory left on the device")
        return session(model, options, providers, **kwargs)

    monkeypatch.setattr(fake, "InferenceSession", failing)
    with pytest.warns(RuntimeWarning, match="no memory left on the device"):
        assert providers.open_session(b"model", "auto").get_providers() == ["CPUExecutionProvider"]
    with pytest.raises(ProviderError, match="CUDA is not usable here: no memory left"):
        providers.open_session(b"model", "cuda")


CUDA = {
    "device_id": "0",
    "cudnn_conv_algo_search": "HEURISTIC",
    "prefer_nhwc": "1",
    "fuse_conv_bias": "0",
    "use_tf32": "1",
    "arena_extend_strategy": "kSameAsRequested",
}


@pytest.mark.parametrize("fake", ["works"], indirect=True)
@pytest.mark.parametrize(
    ("provider", "given"),
    [
        (
            "cuda",
            [
                (
                    "CUDAExecutionProvider",
                    CUDA,
                ),
                "CPUExecutionProvider",
            ],
        ),
        (
            "tensorrt",
            [
                ("TensorrtExecutionProvider", {"device_id": "0"}),
                (
                    "CUDAExecutionProvider",
                    CUDA,
                ),
                "CPUExecutionProvider",
            ],
        ),
        (
            "openvino",
            [("OpenVINOExecutionProvider", {"num_of_threads": "3"}), "CPUExecutionProvider"],
        ),
        ("coreml", [("CoreMLExecutionProvider", {}), "CPUExecutionProvider"]),
        ("dml", [("DmlExecutionProvider", {}), "CPUExecutionProvider"]),
        ("cpu", ["CPUExecutionProvider"]),
    ],
)
def test_what_a_session_is_opened_with(
    fake: FakeRuntime,
    provider: providers.Provider,
    given: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cpus, "usable_threads", lambda: 3)
    monkeypatch.setattr(fake, "get_available_providers", lambda: list(providers.ORT_NAMES.values()))
    session, seen = fake.InferenceSession, []

    def noting(model: bytes, options: Any, providers: list[Any], **kwargs: Any) -> SimpleNamespace:
        seen.append(providers)
        return session(model, options, providers, **kwargs)

    monkeypatch.setattr(fake, "InferenceSession", noting)
    providers.open_session(b"model", provider, 3)
    assert seen[-1] == given
    options = vars(fake.sessions[-1].options)
    expected = {
        "intra_op_num_threads": 1 if provider in ("cuda", "tensorrt") else 3,
        "inter_op_num_threads": 1,
        "session.intra_op.allow_spinning": "0",
        "log_severity_level": 4,
    }
    assert options == ({**expected, "enable_mem_pattern": False} if provider == "dml" else expected)


@pytest.mark.parametrize("fake", ["works"], indirect=True)
def test_the_gpu_and_its_options_reach_every_session(
    fake: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake, "get_available_providers", lambda: list(providers.ORT_NAMES.values()))
    session, seen = fake.InferenceSession, []

    def noting(model: bytes, options: Any, providers: list[Any], **kwargs: Any) -> SimpleNamespace:
        seen.append(dict(provider for provider in providers if not isinstance(provider, str)))
        return session(model, options, providers, **kwargs)

    monkeypatch.setattr(fake, "InferenceSession", noting)
    second = GpuOptions(device_id=1, use_tf32=False, cudnn_conv_algo_search="EXHAUSTIVE")
    for provider in ("cuda", "tensorrt"):
        providers.open_session(b"model", provider, gpu=second)  # type: ignore[arg-type]
    own = {**CUDA, "device_id": "1", "use_tf32": "0", "cudnn_conv_algo_search": "EXHAUSTIVE"}
    assert [options["CUDAExecutionProvider"] for options in seen] == [own] * 4
    assert [options.get("TensorrtExecutionProvider") for options in seen[2:]] == [
        {"device_id": "1"}
    ] * 2


@pytest.mark.parametrize("number", [-1, 1.0, True, "0"])
def test_a_gpu_has_a_number(number: Any) -> None:
    with pytest.raises(ValueError, match="give the number of a GPU, from 0"):
        GpuOptions(device_id=number)


@pytest.mark.parametrize("fake", ["works"], indirect=True)
def test_libraries_that_cannot_be_preloaded_are_no_problem(
    fake: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError("libcudnn is not there")

    monkeypatch.setattr(fake, "preload_dlls", fail)
    assert providers.open_session(b"", "cuda").get_providers()[0] == "CUDAExecutionProvider"


def test_no_more_threads_are_asked_for_than_one_at_least() -> None:
    session = providers.open_session(PROBE_MODEL, "cpu", threads=1)
    assert session.get_session_options().intra_op_num_threads == 1


def test_a_runtime_that_lacks_another_module_is_not_called_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = builtins.__import__

    def broken(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "onnxruntime":
            raise ModuleNotFoundError("No module named 'flatbuffers'", name="flatbuffers")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", broken)
    with pytest.raises(
        RuntimeMissingError, match=r"cannot be imported \(No module named 'flatbuffers'\)"
    ):
        providers.require_runtime()


def test_only_the_first_import_of_onnxruntime_discards_what_threads_print(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    providers.require_runtime()
    monkeypatch.setattr(providers, "silenced", lambda: pytest.fail("the streams were replaced"))
    providers.require_runtime()


def test_imports_in_two_threads_restore_the_streams() -> None:
    streams = sys.stdout, sys.stderr
    first_inside, second_inside, first_done = (threading.Event() for _ in range(3))

    def first() -> None:
        with silenced():
            first_inside.set()
            second_inside.wait(0.3)  # in vain
        first_done.set()

    def second() -> None:
        first_inside.wait(20)
        with silenced():
            second_inside.set()
            first_done.wait(20)

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(first), pool.submit(second)]:
            future.result()
    try:
        assert (sys.stdout, sys.stderr) == streams
    finally:
        sys.stdout, sys.stderr = streams
