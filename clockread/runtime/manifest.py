"""The shipped models: a manifest describes them, and a file that differs from it is not loaded.

    {"format": 2, "models": {"default": {"pose": {
        "file": "pose.onnx", "sha256": "…", "bytes": 123, "opset": 17,
        "inputs": {"patch": {"dtype": "uint8", "shape": ["batch", 160, 160]}}, "outputs": {…},
        "preprocessing": {…}, "training": {"command": "…", "seed": 1, …}, "metrics": {…}}, …}}}

A name in a shape is a free dimension. The "training" of a network in 8-bit integers has
"quantization". "format" rises with every change that an older clockread would misread.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clockread.errors import ModelError, ProviderError
from clockread.runtime.providers import TITLES

MANIFEST_FORMAT = 2
MANIFEST_NAME = "manifest.json"
REINSTALL = "reinstall clockread"  # the remedy for a damaged installation
DEFAULT, QUANTIZED, SMALL = "default", "int8", "small"  # names of models
AUTO = "auto"  # resolves to DEFAULT or QUANTIZED
PACKAGE_FOLDER = Path(__file__).resolve().parents[1]
# Of a package installed from a wheel, and of a checkout.
EXPORTED_FOLDERS = (PACKAGE_FOLDER / "exported", PACKAGE_FOLDER.parent / "exported")


@dataclass(frozen=True)
class TensorSpec:
    """An input or output of a model."""

    dtype: str  # as numpy names it
    shape: tuple[int | str, ...]  # a name is a free dimension


@dataclass(frozen=True)
class ModelEntry:
    """One ONNX file, as the manifest describes it."""

    role: str  # "finder", "pose", "hands" or "context"; "sincos" of the report's network
    path: Path
    sha256: str  # of the file's bytes, 64 lower-case hexadecimal digits
    size: int  # bytes
    opset: int
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]
    preprocessing: Mapping[str, Any]  # from the photo's pixels to the inputs
    training: Mapping[str, Any]  # command, seed and other facts that reproduce it
    metrics: Mapping[str, Any]
    # Weights of `confidence.Calibration`, and under "presence" of `confidence.DialScore`.
    calibration: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_quantized(self) -> bool:
        """Whether it computes with 8-bit integers."""
        return "quantization" in self.training


@dataclass(frozen=True)
class EdgeEntry:
    """A file that is a whole reader, as the manifest describes it."""

    path: Path
    sha256: str
    size: int  # bytes


@dataclass(frozen=True)
class Manifest:
    """All models of a folder: model name -> role -> entry."""

    path: Path
    models: Mapping[str, Mapping[str, ModelEntry]]
    edge: Mapping[str, EdgeEntry] = field(default_factory=dict)  # by name; none in a wheel

    def name(self, model: str, provider: str) -> str:
        """Return the model that a name selects on a provider.

        "auto" selects "int8" on the CPU, if the folder has it, and "default" otherwise. Raises
        ProviderError for "int8" on CUDA, which would compute it in floats, as "default", and round
        in addition; and for any quantized model on TensorRT, which takes symmetric quantization
        only: the zero points of these models are not 0.
        """
        if model == AUTO:
            return QUANTIZED if provider == "cpu" and QUANTIZED in self.models else DEFAULT
        refused = provider == "tensorrt" or (provider == "cuda" and model == QUANTIZED)
        if refused and self.is_quantized(model):
            slow = "is slow with" if provider == "cuda" else "does not take"
            problem = f"{model} is quantized, and {TITLES[provider]} {slow} such models"
            raise ProviderError(f"{problem}: take --model {DEFAULT}, or --provider cpu")
        return model

    def is_quantized(self, model: str) -> bool:
        """Return whether networks of a model compute with 8-bit integers."""
        return any(entry.is_quantized for entry in self.models.get(model, {}).values())

    def entry(self, role: str, model: str = DEFAULT) -> ModelEntry:
        """Return the entry of a role of a model; raise ModelError if the manifest has none."""
        if model not in self.models:
            names = ", ".join(self.models)
            raise ModelError(f"{self.path} has no model {model!r}: use one of {names}")
        if role not in self.models[model]:
            problem = f"has no {role!r} of the model {model!r}"
            raise ModelError(f"{self.path} {problem}: upgrade or {REINSTALL}")
        return self.models[model][role]


def load_manifest(folder: Path | None = None) -> Manifest:
    """Read the manifest of a folder, by default of the installed package or the checkout.

    Raises ModelError if it is missing, damaged or of another version. `model_bytes` checks the
    files of the models.
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
            edge = {
                name: EdgeEntry(
                    _path(entry, path.parent), str(entry["sha256"]), int(entry["bytes"])
                )
                for name, entry in content.get("edge", {}).items()
            }
            return Manifest(path, models, edge)
    except FileNotFoundError:
        remedy = f"{REINSTALL}, or train and export the models (python -m training.run_all)"
        raise ModelError(f"{path} is missing: {remedy}") from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"{type(error).__name__}: {error}"
        raise ModelError(f"{path} is damaged ({problem}): {REINSTALL}") from error
    formats = f"format {version!r}, this clockread reads {MANIFEST_FORMAT}"
    raise ModelError(f"{path} is of another version ({formats}): upgrade clockread")


def model_bytes(entry: ModelEntry | EdgeEntry) -> bytes:
    """Return an entry's file; raise ModelError if it is missing or differs from the manifest."""
    try:
        data = entry.path.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"{entry.path} is missing: {REINSTALL}") from None
    except OSError as error:
        raise ModelError(f"{entry.path} cannot be read: {error.strerror}") from error
    if len(data) != entry.size:
        sizes = f"{len(data)} bytes instead of {entry.size}"
        raise ModelError(f"{entry.path} is damaged ({sizes}): {REINSTALL}")
    digest = hashlib.sha256(data).hexdigest()
    if digest != entry.sha256:
        digests = f"sha256 {digest[:12]}…, not {entry.sha256[:12]}…"
        problem = f"is damaged or of another version ({digests})"
        raise ModelError(f"{entry.path} {problem}: {REINSTALL}")
    return data


def _manifest_path(folder: Path | None) -> Path:
    folders = EXPORTED_FOLDERS if folder is None else (folder,)
    candidates = [where / MANIFEST_NAME for where in folders]
    return next((path for path in candidates if path.is_file()), candidates[0])


def _path(content: Mapping[str, Any], folder: Path) -> Path:
    name = content["file"]
    if Path(name).name != name or name in ("", ".."):
        raise ValueError(f"{name!r} is not the name of a file next to the manifest")
    return folder / str(name)


def _entry(role: str, content: Mapping[str, Any], folder: Path) -> ModelEntry:
    return ModelEntry(
        role=role,
        path=_path(content, folder),
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
