"""The model card beside the exported models, made from the manifest: no figure in it is typed by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

EXPORT_METRICS = ("largest_difference_to_keras", "change_by_half_precision")
TEXT = """# Model card: clockread

Made by `python -m training.run_all --only reader/export` from `manifest.json`; figures are those of the training runs named there.

## What it is for
Reading the time off analog clocks and watches in photographs, on a CPU. Three small networks in a row: the *finder* gives the
dials of a photo, *pose* says where exactly each lies (a homography), *hands* reads both hands and the place of 12 from the dial
unwrapped to polar coordinates. The time is the one that the three distributions make most likely together.

## What it was trained on
Rendered dials only (`training/dials`), with fonts, background photographs and, as what is no clock, things cut out of photographs
from free packages (`training/assets.py`). No photograph of a clock was trained on.

## What it is not for
Dials with other than 12 hours, mirrored dials, more than one pair of hands on one axis, hands that move backwards, anything where a
wrong time does harm. It does not read digital clocks. It knows no person, place or text.

## Known weaknesses
Second hands and short, wide minute hands can be taken for each other; ornate tower dials seen from far below, dials under strong
reflections, and dials without numerals that are turned may be misread; a dial without any mark is taken for upright. Confidence
is calibrated on rendered dials, not on photographs.

## Models
"""


def write_model_card(folder: Path) -> Path:
    """Write MODEL_CARD.md into ``folder`` from its manifest.json; returns its path."""
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    lines = [TEXT.rstrip("\n"), ""]
    for name, roles in manifest["models"].items():
        total = sum(entry["bytes"] for entry in roles.values())
        lines += [
            f"### {name} ({total / 1e6:.2f} MB)",
            "",
            "| | file | bytes | opset | samples | rendered validation |",
            "|---|---|---|---|---|---|",
        ]
        for role, entry in roles.items():
            training, metrics = entry["training"], entry["metrics"]
            shown = "; ".join(
                f"{k} {v:.4g}"
                for k, v in metrics.items()
                if isinstance(v, float) and k not in EXPORT_METRICS
            )
            samples = training.get("schedule", {}).get("samples", "")
            lines.append(
                f"| {role} | `{entry['file']}` | {entry['bytes']:,} | {entry['opset']} | {samples:,} | {shown} |"
            )
        lines.append("")
        for role, entry in roles.items():
            lines.append(_made(role, entry))
        lines.append("")
    calibrations = {
        name: roles["hands"].get("calibration", {})
        for name, roles in manifest["models"].items()
        if "hands" in roles
    }
    if any("rendered" in calibration for calibration in calibrations.values()):
        lines += [
            "## Confidence",
            "",
            "`python -m training.run_all --only reader/calibration`: p = sigmoid(slope · logit(believed) + offset)",
        ]
        lines += [
            "fitted on rendered dials; the figures are those of as many others, the errors expected calibration errors.",
            "",
        ]
        lines += [
            "| | slope | offset | dials | right | error before | error | share with confidence ≥ 0.9 | of these right |"
        ]
        lines += ["|---|---|---|---|---|---|---|---|---|"]
        for name, calibration in calibrations.items():
            of = calibration.get("rendered", {})
            shares = ("right", "ece_before", "ece", "confidence_0.9_share", "confidence_0.9_right")
            cells = " | ".join(_percent(of.get(k)) for k in shares)
            lines.append(
                f"| {name} | {calibration.get('slope')} | {calibration.get('offset')} | {of.get('dials')} | {cells} |"
            )
        lines += ["", "![Reliability diagram of the default model](reliability.png)", ""]
        lines += ["What is a clock (`dial_score`), fitted on rendered scenes:"]
        lines += [
            "sigmoid(a · logit(finder's score) + b · logit(confidence) + c · pose's logit + d)."
        ]
        lines += ["", "| | a | b | c | d |", "|---|---|---|---|---|"]
        for name, calibration in calibrations.items():
            presence = calibration.get("presence", {})
            cells = " | ".join(
                str(presence.get(k)) for k in ("finder_score", "confidence", "dial_logit", "offset")
            )
            lines.append(f"| {name} | {cells} |")
        lines.append("")
    if manifest.get("photographs"):
        lines += [
            "## On photographs",
            "",
            "Real ones, never trained on (`benchmarks/accuracy.py`); right means within a minute.",
            "",
        ]
        lines += [
            "| model | set | photographs | right | exact | share with confidence ≥ 0.9 | of these right | calibration error |"
        ]
        lines += ["|---|---|---|---|---|---|---|---|"]
        for model, sets in manifest["photographs"].items():
            for name, figures in sets.items():
                shares = (
                    "within_1_min",
                    "exact",
                    "confidence_0.9_share",
                    "confidence_0.9_right",
                    "expected_calibration_error",
                )
                cells = " | ".join(_percent(figures.get(k)) for k in shares)
                lines.append(f"| {model} | {name} | {figures['photographs']} | {cells} |")
        lines.append("")
    path = folder / "MODEL_CARD.md"
    path.write_text("\n".join(lines))
    return path


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _made(role: str, entry: dict[str, Any]) -> str:
    """How an exported model came to be."""
    training, metrics = entry["training"], entry["metrics"]
    made = (
        f"- {role}: `{training.get('command')}`, seed {training.get('seed')}, Keras {training.get('keras')} on {training.get('backend')}, "
        f"{training.get('machine')}, {training.get('seconds', 0) / 60:.0f} minutes"
    )
    if "begun_with" in training:
        made += f", begun with the weights of an earlier run over {training['begun_with']['schedule']['samples']:,} samples"
    if "quantization" in training:
        of = training["quantization"]
        return f"{made}; quantized ({of['method']}; ranges from {of['inputs']} rendered inputs)."
    note = f" {training['note'].capitalize()}." if "note" in training else ""
    return (
        f"{made}; ONNX differs from Keras by at most {metrics['largest_difference_to_keras']:.1g}; half precision changes outputs by at "
        f"most {metrics['change_by_half_precision']:.1g} of their scale.{note}"
    )
