"""Write the one-file readers of `exported/`: `python -m training.edge.build`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import clockread
from clockread.confidence import stored_weights
from clockread.options import Effort, Thresholds
from clockread.reader import ClockReader
from clockread.runtime.manifest import (
    DEFAULT,
    EXPORTED_FOLDERS,
    QUANTIZED,
    SMALL,
    Manifest,
    load_manifest,
)
from training.edge.graph import OPSET
from training.edge.parity import DIALS, SCENES, ParityError, compare, edge_reader
from training.edge.reader import DIAL, OUTPUTS, PHOTO, Model, build
from training.experiment import Settings

if TYPE_CHECKING:  # it imports Keras, which nothing else here needs
    from training.reader.export_folder import ExportFolder

MODELS = (DEFAULT, QUANTIZED, SMALL)
PREFIXES = {PHOTO: "reader", DIAL: "dial"}  # of the files' names
ROLES = {PHOTO: ("finder", "pose", "hands", "context"), DIAL: ("pose", "hands", "context")}
# Passes, retries and tiles. `small` is for live video: retries would make some frames take several
# times as long. The others also retry with other windows: the second turn of the loop needs some.
_RETRIES = Effort(retry_below=0.5, windows=True)
EFFORTS = {DEFAULT: _RETRIES, QUANTIZED: _RETRIES, SMALL: Effort(passes=2, retry_below=0.0)}
SMOKE = 10  # dials and scenes


def model_of(manifest: Manifest, name: str, kind: str) -> Model:
    """Return what a file of a model is made of, from the manifest."""
    return Model(
        {role: manifest.entry(role, name).path for role in ROLES[kind]},
        *stored_weights(manifest.entry("hands", name).calibration),
        EFFORTS.get(name, Effort()),
        Thresholds(),
    )


def metadata_of(manifest: Manifest, name: str, kind: str, model: Model) -> dict[str, str]:
    """Return the texts that a file carries."""
    networks = {role: manifest.entry(role, name).sha256 for role in ROLES[kind]}
    return {
        "clockread": clockread.__version__,
        "model": name,
        "input": f"{kind}: uint8 (height, width, channels), upright; "
        "1 channel: grey, 3: RGB, 4: RGBA, whose alpha is ignored",
        "outputs": json.dumps({name: meaning for name, (meaning, _) in OUTPUTS.items()}),
        "networks_sha256": json.dumps(networks),
        "thresholds": json.dumps(asdict(model.thresholds)),
        "effort": json.dumps(asdict(model.effort)),
        "calibration": json.dumps(asdict(model.calibration)),
        "onnxruntime": ">= 1.19",
    }


def serialized(manifest: Manifest, name: str, kind: str) -> bytes:
    """Return a file's bytes, the same from every run."""
    model = model_of(manifest, name, kind)
    proto = build(model, kind, metadata_of(manifest, name, kind, model))
    return bytes(proto.SerializeToString(deterministic=True))


def put(folder: ExportFolder, name: str, kind: str, *, smoke: bool = False) -> dict[str, Any]:
    """Add a file to a folder, to be saved, and return its manifest entry.

    Args:
        folder: with the networks.
        name: of the model.
        kind: PHOTO or DIAL.
        smoke: whether the networks are hardly trained, so that no file is refused.

    Raises:
        ParityError: the file does not read as clockread does; the folder is as it was.

    """
    manifest = load_manifest(folder.path)
    data = serialized(manifest, name, kind)
    effort = EFFORTS.get(name, Effort())
    reader = ClockReader("cpu", model=name, models=folder.path, effort=effort, threads=1)
    count = (SMOKE, SMOKE) if smoke else (DIALS[name == DEFAULT], SCENES)
    parity = compare(edge_reader(data), reader, kind, *count)
    file = f"{PREFIXES[kind]}-{name}"
    problem = parity.problem(name)
    if problem is not None and not smoke:
        raise ParityError(f"{file}.onnx is not written: {problem}")
    description = {
        "opset": OPSET,
        "model": name,
        "input": kind,
        "networks": {role: manifest.entry(role, name).sha256 for role in ROLES[kind]},
        "effort": asdict(effort),
        "parity": parity.as_dict(),
    }
    return folder.put_edge(file, data, description)


def run(settings: Settings) -> dict[str, Any]:
    """Write the files of all models of a profile, with manifest and model card.

    The smoke profile leaves the shipped files alone.
    """
    from training.reader.export_folder import export_folder

    folder = export_folder(settings.profile)
    metrics: dict[str, Any] = {}
    for name in MODELS:
        for kind in PREFIXES if name in folder.models else ():
            entry = put(folder, name, kind, smoke=settings.profile == "smoke")
            metrics[f"{entry['file']}: bytes"] = entry["bytes"]
            metrics[f"{entry['file']}: same minute"] = entry["parity"]["same_minute"]
    folder.save()
    return {"metrics": metrics}


def main(
    folder: Annotated[
        Path, typer.Option(help="Folder with manifest.json and the networks.")
    ] = EXPORTED_FOLDERS[-1],
    model: Annotated[
        list[str] | None, typer.Option(help="Model of the manifest; all by default.")
    ] = None,
) -> None:
    """Write reader-MODEL.onnx and dial-MODEL.onnx, once they read as clockread does."""
    from training.reader.export_folder import ExportFolder

    exported = ExportFolder(folder)
    for name in model or MODELS:
        for kind in PREFIXES:
            try:
                entry = put(exported, name, kind)
            except ParityError as error:
                raise SystemExit(str(error)) from None
            print(f"{entry['file']}: {entry['bytes']:,} bytes, {entry['parity']}", flush=True)
    exported.save()


if __name__ == "__main__":
    typer.run(main)
