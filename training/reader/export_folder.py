"""Folders of exported models: ONNX files with their manifest and model card."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypedDict

from clockread.confidence import Calibration, DialScore
from clockread.data import write_whole
from clockread.runtime.manifest import (
    DEFAULT,
    MANIFEST_FORMAT,
    MANIFEST_NAME,
    QUANTIZED,
    load_manifest,
    model_bytes,
)
from training.reader.loop import run_folder
from training.reader.model_card import model_card

EXPORTED = Path(__file__).resolve().parents[2] / "exported"
CARD_NAME = "MODEL_CARD.md"
REWRITTEN = "rewritten_from"  # fact of a network's training: sha256 of its file before


class _Calibrated(TypedDict, total=False):
    calibration: dict[str, Any]


class Description(_Calibrated):
    """Description of one network, apart from its file; see `clockread.runtime.manifest`."""

    opset: int
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    preprocessing: Mapping[str, str]
    training: Mapping[str, Any]
    metrics: dict[str, Any]


class Entry(Description):
    """Entry of one network in the manifest."""

    file: str
    sha256: str
    bytes: int


class ExportFolder:
    """The models of a folder, by model name and role; `save` writes all changes at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        file = path / MANIFEST_NAME
        self._manifest: dict[str, Any] = {"format": MANIFEST_FORMAT, "models": {}}
        if file.exists():
            self._manifest = json.loads(file.read_text())
        self._changed: dict[str, bytes | None] = {}  # ONNX files to write, or to delete if None

    @property
    def models(self) -> dict[str, dict[str, Entry]]:
        """The entries by model name and role."""
        models: dict[str, dict[str, Entry]] = self._manifest["models"]
        return models

    def data(self, model: str, role: str) -> bytes:
        """Return the ONNX file of a saved network; raise ModelError if it is damaged."""
        return model_bytes(load_manifest(self.path).entry(role, model))

    def has(self, model: str, role: str, sha256: str | None) -> bool:
        """Return whether a model's network in a role is the file of that digest.

        It also is if it was rewritten from that file; see `put_rewritten`.
        """
        entry = self.models.get(model, {}).get(role)
        if entry is None or sha256 is None:
            return False
        return sha256 in (entry["sha256"], entry["training"].get(REWRITTEN))

    def put(self, model: str, role: str, data: bytes, description: Description) -> Entry:
        """Add or replace one network.

        Args:
            model: Name of the model that the network belongs to.
            role: What the network does in that model, such as "finder" or "pose".
            data: The ONNX file.
            description: The network's description; another network's entry will do.

        Returns:
            The manifest's entry.

        """
        suffix = "" if model == DEFAULT else "-" + model.removeprefix(f"{role}-")
        file = f"{role}{suffix}.onnx"
        sha256 = hashlib.sha256(data).hexdigest()
        entry: Entry = {**description, "file": file, "sha256": sha256, "bytes": len(data)}
        before = self.models.setdefault(model, {}).get(role)
        if before is not None and before["sha256"] not in (
            sha256,
            description["training"].get(REWRITTEN),
        ):
            self._forget_photographs(model)
        self.models[model][role] = entry
        self._changed[file] = data
        return entry

    def _forget_photographs(self, model: str) -> None:
        """Remove figures that were measured with networks that have changed since."""
        for name in (model, QUANTIZED) if model == DEFAULT else (model,):
            self._manifest.get("photographs", {}).pop(name, None)

    def put_rewritten(self, model: str, role: str, data: bytes) -> Entry:
        """Replace a network's file by one with the same outputs, and record the digest it had."""
        entry = self.models[model][role]
        training = {**entry["training"], REWRITTEN: entry["sha256"]}
        changed: Entry = {**entry, "training": training}
        return self.put(model, role, data, changed)

    def share(self, role: str, owner: str, model: str) -> None:
        """Let a model use the network that another one has in a role, with the same file."""
        entries, shared = self.models.setdefault(model, {}), self.models[owner][role]
        if role in entries and entries[role]["sha256"] != shared["sha256"]:
            self._forget_photographs(model)
        entries[role] = shared

    def put_edge(self, name: str, data: bytes, description: Mapping[str, Any]) -> dict[str, Any]:
        """Add or replace a one-file reader; return its entry, which the runtime does not read.

        Args:
            name: Name of the file, without its ending.
            data: The ONNX file.
            description: Everything else about it; see `training.edge.build`.

        """
        entry = {
            **description,
            "file": f"{name}.onnx",
            "sha256": hashlib.sha256(data).hexdigest(),
            "bytes": len(data),
        }
        self._manifest.setdefault("edge", {})[name] = entry
        self._changed[entry["file"]] = data
        return entry

    def drop(self, *models: str) -> None:
        """Remove models, with the files that no other model uses."""
        dropped = [entry["file"] for m in models for entry in self.models.pop(m, {}).values()]
        used = {entry["file"] for entries in self.models.values() for entry in entries.values()}
        self._changed |= dict.fromkeys(set(dropped) - used)

    def calibrate(
        self,
        model: str,
        calibration: Calibration,
        dial_score: DialScore | None = None,
        figures: Mapping[str, float | None] | None = None,
        by_kind: Mapping[str, Mapping[str, float | None]] | None = None,
    ) -> None:
        """Set the calibration of a model's confidence.

        Args:
            model: Name of a model with a reading network.
            calibration: The calibration; numbers are rounded to four decimals.
            dial_score: The weights of the dial score; None for the runtime's defaults.
            figures: Figures of the calibrated model on rendered dials.
            by_kind: The same for each preset of them.

        """
        stored = self.models[model]["hands"]["calibration"] = _rounded(calibration)
        if dial_score is not None:
            stored["presence"] = _rounded(dial_score)
        if figures is not None:
            stored["rendered"] = {**figures, "kinds": by_kind or {}}

    def record_photographs(self, model: str, figures: Mapping[str, Any]) -> None:
        """Set a model's accuracy on photographs, by set."""
        self._manifest.setdefault("photographs", {})[model] = dict(figures)

    def copy(self, model: str, path: Path) -> ExportFolder:
        """Return a new folder at ``path`` with one saved model, not saved yet."""
        other = ExportFolder(path)
        for role, entry in self.models[model].items():
            other.put(model, role, self.data(model, role), entry)
        return other

    def save(self) -> None:
        """Write or delete the changed ONNX files, then write the manifest and the model card."""
        for name, data in self._changed.items():
            if data is None:
                (self.path / name).unlink(missing_ok=True)
            else:
                write_whole(self.path / name, data)
        self._changed.clear()
        text = json.dumps(self._manifest, indent=1, sort_keys=True) + "\n"
        write_whole(self.path / MANIFEST_NAME, text)
        write_whole(self.path / CARD_NAME, model_card(json.loads(text)))


def _rounded(weights: Calibration | DialScore) -> dict[str, Any]:
    return {name: round(value, 4) for name, value in asdict(weights).items()}


def is_exported(model: str, profile: str) -> bool:
    """Return whether a model is in the folder of a profile."""
    return model in export_folder(profile).models


def is_calibrated(profile: str) -> bool:
    """Return whether all reading networks in the folder of a profile are calibrated."""
    readers = [e["hands"] for e in export_folder(profile).models.values() if "hands" in e]
    return bool(readers) and all("calibration" in entry for entry in readers)


def export_folder(profile: str, name: str = "reader/export") -> ExportFolder:
    """Return the folder of a profile's models: a run folder for smoke, else the shipped models."""
    return ExportFolder(run_folder(profile, name) if profile == "smoke" else EXPORTED)
