"""``clockread info``: versions, usable providers, threads, and the state of the model files."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass
from typing import TextIO

from clockread import __version__
from clockread.errors import ClockreadError, ModelError
from clockread.packages import version
from clockread.runtime.cpus import usable_threads
from clockread.runtime.manifest import ModelEntry, load_manifest, model_bytes
from clockread.runtime.providers import DISTRIBUTIONS, usable_providers

MISSING = "not installed"
HEIC_DISTRIBUTIONS = ("pillow-heif", "pi-heif")  # those of image_formats.HEIC_LIBRARIES


@dataclass(frozen=True)
class ModelReport:
    """One model file."""

    model: str
    role: str
    file: str
    bytes: int
    sha256: str  # according to the manifest
    error: str | None  # why the file cannot be used, or None


@dataclass(frozen=True)
class InfoReport:
    """Everything that ``clockread info`` prints."""

    versions: dict[str, str]
    providers: list[str]  # a session was opened and run with each
    threads: int
    models: list[ModelReport]
    problems: list[str]  # whatever keeps clockread from reading, one line each

    @property
    def healthy(self) -> bool:
        """Whether photos can be read here."""
        return not self.problems


def collect() -> InfoReport:
    """Collect the report. Anything missing becomes a problem, never an exception."""
    problems: list[str] = []
    versions = {
        "clockread": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "numpy": version("numpy") or MISSING,
        "opencv": _opencv_version(problems),
        "pillow": version("pillow") or MISSING,
    }
    heic = {name: found for name in HEIC_DISTRIBUTIONS if (found := version(name))}
    versions |= heic or {HEIC_DISTRIBUTIONS[-1]: MISSING}
    runtimes = {name: found for name in DISTRIBUTIONS if (found := version(name))}
    versions |= runtimes or {"onnxruntime": MISSING}
    providers: list[str] = []
    try:
        providers = usable_providers()
    except ClockreadError as error:
        problems.append(str(error))
    models: list[ModelReport] = []
    try:
        manifest = load_manifest()
        models = [
            _model_report(name, entry)
            for name, roles in manifest.models.items()
            for entry in roles.values()
        ]
    except ModelError as error:
        problems.append(str(error))
    problems += [model.error for model in models if model.error is not None]
    return InfoReport(versions, providers, usable_threads(), models, problems)


def _opencv_version(problems: list[str]) -> str:
    try:
        from clockread.opencv import cv2
    except ClockreadError as error:
        problems.append(str(error))
        return "not usable"
    return f"{cv2.__version__}"


def _model_report(name: str, entry: ModelEntry) -> ModelReport:
    error = None
    try:
        model_bytes(entry)
    except ModelError as problem:
        error = str(problem)
    return ModelReport(name, entry.role, str(entry.path), entry.size, entry.sha256, error)


def write(report: InfoReport, stream: TextIO, output: str) -> None:
    """Write a report to a text stream, as "json" or as a "table" of plain lines."""
    if output == "json":
        stream.write(json.dumps(asdict(report), indent=2) + "\n")
        return
    lines = [f"{name:<16} {version}" for name, version in report.versions.items()]
    lines.append(f"{'providers':<16} {', '.join(report.providers) or 'none'}")
    lines.append(f"{'threads':<16} {report.threads}")
    for model in report.models:
        state = "ok" if model.error is None else "NOT OK"
        facts = f"{model.file}, {model.bytes} bytes, sha256 {model.sha256} {state}"
        lines.append(f"{'model':<16} {model.model}/{model.role}: {facts}")
    lines += [f"{'problem':<16} {problem}" for problem in report.problems]
    stream.write("\n".join(lines) + "\n")
