"""The models that are shipped with clockread: a manifest describes them, and a file that differs from it is not loaded.

    {"format": 1, "models": {"default": {"pose": {
        "file": "pose.onnx", "sha256": "…", "bytes": 123, "opset": 17,
        "inputs": {"crop": {"dtype": "uint8", "shape": ["batch", 96, 96, 1]}}, "outputs": {…},
        "preprocessing": {…}, "training": {"command": "…", "seed": 1, …}, "metrics": {…}}, …}}}

A name in a shape is a free dimension. The format's number rises with every change that an older reader would misread.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clockread.errors import ModelError

MANIFEST_FORMAT = 1
MANIFEST_NAME = "manifest.json"
AUTO, DEFAULT, QUANTIZED, SMALL = (
    "auto",
    "default",
    "int8",
    "small",
)  # names of models; the first stands for one of the next two
PACKAGE_FOLDER = Path(__file__).resolve().parents[1]
EXPORTED_FOLDERS = (
    PACKAGE_FOLDER / "exported",
    PACKAGE_FOLDER.parent / "exported",
)  # installed from a wheel; in a checkout


@dataclass(frozen=True)
class TensorSpec:
    """An input or output of a model."""

    dtype: str  # as numpy names it
    shape: tuple[int | str, ...]  # a name stands for a free dimension


@dataclass(frozen=True)
class ModelEntry:
    """One ONNX file and what the manifest promises of it."""

    role: str  # "finder", "pose" or "hands"
    path: Path
    sha256: str  # of the file's bytes, 64 lower-case hexadecimal digits
    size: int  # bytes
    opset: int
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]
    preprocessing: Mapping[str, Any]  # the contract between the photo's pixels and the inputs
    training: Mapping[str, Any]  # command, seed and whatever else repeats it
    metrics: Mapping[str, Any]
    calibration: Mapping[str, Any] = field(
        default_factory=dict
    )  # of the confidence: slope and offset, see clockread.confidence


@dataclass(frozen=True)
class Manifest:
    """All models of a folder: model name -> role -> entry."""

    path: Path
    models: Mapping[str, Mapping[str, ModelEntry]]

    def name(self, model: str, provider: str) -> str:
        """Return the model that a name selects on an execution provider: "auto" is "int8" on the CPU, if available, and else "default"."""
        if model != AUTO:
            return model
        return QUANTIZED if provider == "cpu" and QUANTIZED in self.models else DEFAULT

    def entry(self, role: str, model: str = DEFAULT) -> ModelEntry:
        """The entry of one role of one model; raises ModelError when the manifest has none."""
        try:
            return self.models[model][role]
        except KeyError:
            if model not in self.models:
                raise ModelError(
                    f"{self.path} has no model {model!r}: use one of {', '.join(self.models)}"
                ) from None
            raise ModelError(
                f"{self.path} has no {role!r} of the model {model!r}: upgrade or reinstall clockread"
            ) from None


def load_manifest(folder: Path | None = None) -> Manifest:
    """Read the manifest of a folder, of the installed package by default, else of the checkout's `exported/`.

    Raises ModelError when it is missing, damaged or of another version. The model files are checked by `model_bytes`.
    """
    path = _manifest_path(folder)
    try:
        content = json.loads(path.read_bytes())
        version = content["format"]
        if version == MANIFEST_FORMAT:
            models = {
                name: {role: _entry(role, entry, path.parent) for role, entry in roles.items()}
                for name, roles in content["models"].items()
            }
            return Manifest(path, models)
    except FileNotFoundError:
        raise ModelError(
            f"{path} is missing: reinstall clockread, or train and export the models (python -m training.run_all)"
        ) from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{path} is damaged ({type(error).__name__}: {error}): reinstall clockread"
        ) from error
    raise ModelError(
        f"{path} is of another version (format {version!r}, this clockread reads {MANIFEST_FORMAT}): upgrade clockread"
    )


def model_bytes(entry: ModelEntry) -> bytes:
    """The bytes of a model's file; raises ModelError when it is missing or not the one that the manifest means."""
    try:
        data = entry.path.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"{entry.path} is missing: reinstall clockread") from None
    except OSError as error:
        raise ModelError(f"{entry.path} cannot be read: {error.strerror}") from error
    if len(data) != entry.size:
        raise ModelError(
            f"{entry.path} is damaged ({len(data)} bytes instead of {entry.size}): reinstall clockread"
        )
    digest = hashlib.sha256(data).hexdigest()
    if digest != entry.sha256:
        raise ModelError(
            f"{entry.path} is damaged or of another version (sha256 {digest[:12]}…, not {entry.sha256[:12]}…): reinstall clockread"
        )
    return data


def _manifest_path(folder: Path | None) -> Path:
    candidates = [
        where / MANIFEST_NAME for where in (EXPORTED_FOLDERS if folder is None else (folder,))
    ]
    return next((path for path in candidates if path.is_file()), candidates[0])


def _entry(role: str, content: Mapping[str, Any], folder: Path) -> ModelEntry:
    name = content["file"]
    if Path(name).name != name or name in ("", ".."):
        raise ValueError(f"{name!r} is not the name of a file beside the manifest")
    return ModelEntry(
        role=role,
        path=folder / name,
        sha256=str(content["sha256"]),
        size=int(content["bytes"]),
        opset=int(content["opset"]),
        inputs=_tensors(content["inputs"]),
        outputs=_tensors(content["outputs"]),
        preprocessing=dict(content["preprocessing"]),
        training=dict(content["training"]),
        metrics=dict(content["metrics"]),
        calibration=dict(content.get("calibration", {})),
    )


def _tensors(content: Mapping[str, Any]) -> dict[str, TensorSpec]:
    return {
        name: TensorSpec(str(tensor["dtype"]), tuple(tensor["shape"]))
        for name, tensor in content.items()
    }
