from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from clockread.errors import ClockreadError, ModelError, ProviderError
from clockread.runtime import manifest as models

DATA = b"not really onnx"


def manifest(**changes: Any) -> dict[str, Any]:
    entry = {
        "file": "pose.onnx",
        "sha256": hashlib.sha256(DATA).hexdigest(),
        "bytes": len(DATA),
        "opset": 17,
        "inputs": {"crop": {"dtype": "uint8", "shape": ["batch", 96, 96, 1]}},
        "outputs": {"points": {"dtype": "float32", "shape": ["batch", 10]}},
        "preprocessing": {"color": "grey"},
        "training": {"command": "python -m training.run_all --only pose", "seed": 7},
        "metrics": {"center": 0.01},
    }
    return {"format": 2, "models": {"default": {"pose": entry | changes}}}


def write(folder: Path, content: dict[str, Any], data: bytes | None = DATA) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps(content), encoding="utf-8")
    if data is not None:
        (folder / "pose.onnx").write_bytes(data)
    return folder


def one_line(caught: pytest.ExceptionInfo[ModelError]) -> str:
    text = str(caught.value)
    assert "\n" not in text
    assert isinstance(caught.value, ClockreadError)
    return text


def test_a_sound_folder_gives_the_bytes_and_all_that_the_manifest_says(tmp_path: Path) -> None:
    found = models.load_manifest(write(tmp_path, manifest()))
    entry = found.entry("pose")
    assert models.model_bytes(entry) == DATA
    assert entry.path == tmp_path / "pose.onnx"
    assert (entry.role, entry.opset, entry.size) == ("pose", 17, len(DATA))
    assert entry.inputs["crop"] == models.TensorSpec("uint8", ("batch", 96, 96, 1))
    assert entry.outputs["points"].shape == ("batch", 10)
    assert entry.training["seed"] == 7
    assert entry.metrics == {"center": 0.01}
    with pytest.raises(dataclasses.FrozenInstanceError):
        entry.opset = 18  # type: ignore[misc]


def test_one_flipped_bit_is_noticed(tmp_path: Path) -> None:
    entry = models.load_manifest(
        write(tmp_path, manifest(), bytes([DATA[0] ^ 1]) + DATA[1:])
    ).entry("pose")
    with pytest.raises(ModelError, match=r"pose\.onnx is damaged or of another version") as caught:
        models.model_bytes(entry)
    assert "reinstall" in one_line(caught)


def test_a_truncated_file_is_noticed(tmp_path: Path) -> None:
    entry = models.load_manifest(write(tmp_path, manifest(), DATA[:-1])).entry("pose")
    with pytest.raises(ModelError, match=f"{len(DATA) - 1} bytes instead of {len(DATA)}"):
        models.model_bytes(entry)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    entry = models.load_manifest(write(tmp_path, manifest(), None)).entry("pose")
    with pytest.raises(ModelError, match=r"pose\.onnx is missing") as caught:
        models.model_bytes(entry)
    assert "reinstall" in one_line(caught)


def test_a_missing_manifest_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="missing") as caught:
        models.load_manifest(tmp_path)
    assert "training.run_all" in one_line(caught)
    assert str(tmp_path) in one_line(caught)


@pytest.mark.parametrize("version", [0, 1, 3, "2", None])
def test_another_format_asks_for_an_upgrade(tmp_path: Path, version: object) -> None:
    write(tmp_path, {"format": version, "something": "new"})
    with pytest.raises(ModelError, match="of another version") as caught:
        models.load_manifest(tmp_path)
    assert "upgrade clockread" in one_line(caught)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        "{}",
        '{"format": 2}',
        '{"format": 2, "models": []}',
        '{"format": 2, "models": {"default": {"pose": {}}}}',
        '{"format": 2, "models": {"default": {"pose": null}}}',
    ],
)
def test_a_damaged_manifest_is_said_to_be_damaged(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match="is damaged") as caught:
        models.load_manifest(tmp_path)
    one_line(caught)


def test_bytes_that_are_no_text_are_said_to_be_damaged(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(b"\xff\xfe\x00\x80 \x81")
    with pytest.raises(ModelError, match="is damaged"):
        models.load_manifest(tmp_path)


@pytest.mark.parametrize("name", ["../pose.onnx", "/etc/hostname", "sub/pose.onnx", "..", ""])
def test_a_manifest_cannot_point_outside_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError, match="is damaged"):
        models.load_manifest(write(tmp_path, manifest(file=name)))


def test_an_unknown_role_or_model_is_a_model_error(tmp_path: Path) -> None:
    found = models.load_manifest(write(tmp_path, manifest()))
    with pytest.raises(ModelError, match="finder"):
        found.entry("finder")
    with pytest.raises(ModelError, match="tiny"):
        found.entry("pose", "tiny")


def test_the_package_folder_comes_before_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, checkout = tmp_path / "package", tmp_path / "checkout"
    monkeypatch.setattr(models, "EXPORTED_FOLDERS", (package, checkout))
    write(checkout, manifest())
    assert models.load_manifest().path.parent == checkout
    write(package, manifest())
    assert models.load_manifest().path.parent == package


@pytest.mark.skipif(
    not (models.PACKAGE_FOLDER.parent / "pyproject.toml").is_file(), reason="not a checkout"
)
def test_an_editable_install_looks_into_the_checkout() -> None:
    assert models.PACKAGE_FOLDER.parent / "exported" in models.EXPORTED_FOLDERS


def test_everything_of_an_entry_is_kept(tmp_path: Path) -> None:
    fit = {"slope": 0.5, "offset": -0.25, "presence": {"offset": 1.0}}
    entry = models.load_manifest(write(tmp_path, manifest(calibration=fit))).entry("pose")
    assert dataclasses.asdict(entry) == {
        "role": "pose",
        "path": tmp_path / "pose.onnx",
        "sha256": hashlib.sha256(DATA).hexdigest(),
        "size": len(DATA),
        "opset": 17,
        "inputs": {"crop": {"dtype": "uint8", "shape": ("batch", 96, 96, 1)}},
        "outputs": {"points": {"dtype": "float32", "shape": ("batch", 10)}},
        "preprocessing": {"color": "grey"},
        "training": {"command": "python -m training.run_all --only pose", "seed": 7},
        "metrics": {"center": 0.01},
        "calibration": fit,
    }
    assert models.load_manifest(write(tmp_path, manifest())).entry("pose").calibration == {}


@pytest.mark.parametrize(
    ("named", "said"), [("pose.onnx", "pose.onnx"), ("manifest.json", "manifest.json")]
)
def test_a_file_that_cannot_be_read_is_one_line(
    tmp_path: Path, named: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = models.load_manifest(write(tmp_path, manifest())).entry("pose")
    read = Path.read_bytes

    def fail(path: Path) -> bytes:
        if path.name == named:
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(ModelError, match=rf"{said} cannot be read: Permission denied") as caught:
        models.load_manifest(tmp_path) if named == "manifest.json" else models.model_bytes(entry)
    one_line(caught)


def test_the_first_folder_is_named_where_no_manifest_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "EXPORTED_FOLDERS", (tmp_path / "package", tmp_path / "checkout"))
    with pytest.raises(ModelError, match="missing") as caught:
        models.load_manifest()
    assert str(tmp_path / "package" / "manifest.json") in one_line(caught)


def test_what_there_is_in_place_of_an_unknown_model(tmp_path: Path) -> None:
    found = models.load_manifest(write(tmp_path, manifest()))
    with pytest.raises(ModelError, match=r"has no model 'tiny': use one of default$"):
        found.entry("pose", "tiny")
    with pytest.raises(ModelError, match=r"has no 'finder' of the model 'default': upgrade"):
        found.entry("finder")


@pytest.mark.parametrize(
    ("provider", "refused", "reason"),
    [
        ("cuda", ["int8"], "CUDA is slow with such models"),
        ("tensorrt", ["int8", "small"], "TensorRT does not take such models"),
    ],
)
def test_quantized_models_are_refused_where_another_is_better(
    provider: str, refused: list[str], reason: str
) -> None:
    found = models.load_manifest()
    for model in ("int8", "small"):
        if model not in refused:
            assert found.name(model, provider) == model
            continue
        with pytest.raises(
            ProviderError, match="take --model default, or --provider cpu"
        ) as caught:
            found.name(model, provider)
        assert str(caught.value).startswith(f"{model} is quantized, and {reason}: ")
        assert [found.name(model, other) for other in ("cpu", "openvino")] == [model, model]
    for model in ("auto", "default"):
        assert found.name(model, provider) == "default"
    assert found.name("sincos-cnn", provider) == "sincos-cnn"


def test_a_model_named_int8_that_is_not_quantized_runs_anywhere(tmp_path: Path) -> None:
    content = manifest()
    content["models"]["int8"] = content["models"]["default"]
    assert models.load_manifest(write(tmp_path, content)).name("int8", "cuda") == "int8"
