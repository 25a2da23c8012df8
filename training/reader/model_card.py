"""The model card of exported models, made from the manifest: no figure is typed by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from training.markdown import table

EXPORT_METRICS = ("largest_difference_to_keras", "change_by_half_precision")
TEXT = """\
# Model card: clockread

Made by `python -m training.run_all --only reader/export` from `manifest.json`. Figures are those
of the training runs listed below.

## Intended use
Reading the time from analog clocks and watches in photographs, on a CPU. Four small networks run
in sequence: the *finder* detects the dials of a photo, *pose* estimates where each of them lies (a
homography), *hands* reads both hands and the position of 12 from the dial, unwrapped to polar
coordinates, and *context* sees the dial with its surroundings, unwrapped in the same way: where 12
is, and whether it is a clock at all, mirrored, or has 24 hours. The result is the time that is most
likely under all distributions together.

## Training data
Rendered dials only (`training/dials`), with fonts, background photographs and cut-outs of objects
that are not clocks, all from free packages (`training/assets.py`). No photograph of a clock was
used in training.

## Out of scope
Dials with a number of hours other than 12 or 24, several pairs of hands on one axis, digital
clocks, and any use in which a wrong time causes harm. The networks do not recognize persons, places
or text.

## Known weaknesses
Second hands may be confused with short, wide minute hands. Ornate tower dials seen from far below,
dials under strong reflections, and rotated dials without numerals may be misread; a dial without
any mark is assumed to be upright. Confidence is calibrated on rendered dials, not on photographs.

## Models
"""
CONFIDENCE = """\
## Confidence

`python -m training.run_all --only reader/calibration` fits
p = sigmoid(a · logit(raw confidence) + b · clock + c · whole + d) on rendered dials, gauges and
other hard cases among them; clock and whole are logits of the context network, limited to ±8. The
figures are those of an equal number of other dials; errors are expected calibration errors. A gauge
has no time, so that none of its readings is right.
"""
BY_KIND = """\
By kind of dial (presets of `training/dials/presets.py`): dials, share of right readings, share with
a confidence of 0.9 or more, and the number of these that are wrong.
"""
DIAL_SCORE = """\
![Reliability diagram of the default model](reliability.png)

The dial score (`dial_score`), fitted on rendered scenes, is
sigmoid(a · logit(finder's score) + b · logit(confidence) + c · pose's logit + d · clock + e).
"""
PHOTOGRAPHS = """\
## Photographs

Real photographs that were never used in training (`python -m benchmarks.accuracy`); right means
within one minute.
"""
EDGE = """\
## One file for other languages

`python -m training.edge.build` writes the whole reader of a model into one ONNX file, from the
photo to the times, for onnxruntime 1.19 or newer; see [Without Python](../docs/without-python.md).
`reader` files take a photo with any number of dials, `dial` files one dial that fills the picture.
Compared with clockread at the same effort, on rendered dials and scenes (medians of box IoU and of
the difference in confidence):
"""


def model_card(manifest: Mapping[str, Any]) -> str:
    """Return the model card of a manifest, as Markdown."""
    models: Mapping[str, Any] = manifest["models"]
    parts = [TEXT]
    for name, entries in models.items():
        size = sum(entry["bytes"] for entry in entries.values())
        header = ("", "file", "bytes", "opset", "samples", "rendered validation")
        parts += [
            f"### {name} ({size / 1e6:.2f} MB)\n",
            _table(header, (_network(role, entry) for role, entry in entries.items())),
            "".join(f"{_provenance(role, entry)}\n" for role, entry in entries.items()),
        ]
    fits = {
        name: entries["hands"].get("calibration", {})
        for name, entries in models.items()
        if "hands" in entries
    }
    if any("rendered" in fit for fit in fits.values()):
        parts += [*_confidence(fits), *_by_kind(fits), *_dial_score(fits)]
    if photographs := manifest.get("photographs"):
        parts += [PHOTOGRAPHS, _photographs(photographs)]
    if edge := manifest.get("edge"):
        parts += [EDGE, _edge(edge)]
    return "\n".join(parts)


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    return "\n".join(table(header, rows)).replace("|  |", "| |")


def _network(role: str, entry: Mapping[str, Any]) -> tuple[Any, ...]:
    figures = "; ".join(
        f"{name} {value:.4g}"
        for name, value in entry["metrics"].items()
        if isinstance(value, float) and name not in EXPORT_METRICS
    )
    schedule = entry["training"].get("schedule")
    samples = f"{schedule['samples']:,}" if schedule else ""
    file, size, opset = entry["file"], entry["bytes"], entry["opset"]
    return role, f"`{file}`", f"{size:,}", opset, samples, figures


def _provenance(role: str, entry: Mapping[str, Any]) -> str:
    """Return how a network was trained and exported, as an item of a list."""
    training, metrics = entry["training"], entry["metrics"]
    text = (
        f"- {role}: `{training.get('command')}`, seed {training.get('seed')}, "
        f"Keras {training.get('keras')} on {training.get('backend')}, {training.get('machine')}, "
        f"{training.get('seconds', 0) / 60:.0f} minutes"
    )
    if "begun_with" in training:
        samples = training["begun_with"]["schedule"]["samples"]
        text += f", starting from the weights of an earlier run over {samples:,} samples"
    if "quantization" in training:
        of = training["quantization"]
        method, inputs = of["method"], of["inputs"]
        return f"{text}; quantized ({method}; ranges from {inputs} rendered inputs)."
    difference, rounding = (f"{metrics[name]:.1g}" for name in EXPORT_METRICS)
    note = f" {training['note'].capitalize()}." if "note" in training else ""
    return (
        f"{text}; ONNX differs from Keras by at most {difference}; half precision changes outputs "
        f"by at most {rounding} of their scale.{note}"
    )


def _confidence(fits: Mapping[str, Any]) -> tuple[Any, ...]:
    header = ("", "a", "b", "c", "d", "dials", "right", "error")
    shares = ("right", "ece", "confidence_0.9_share", "confidence_0.9_right")
    rows = []
    for name, fit in fits.items():
        of = fit.get("rendered", {})
        weights = (fit.get(weight) for weight in ("slope", "clock", "whole", "offset"))
        rows.append((name, *weights, of.get("dials"), *(_percent(of.get(s)) for s in shares)))
    return CONFIDENCE, _table((*header, "share with confidence ≥ 0.9", "of these right"), rows)


def _by_kind(fits: Mapping[str, Any]) -> tuple[Any, ...]:
    kinds = next(iter(fits.values())).get("rendered", {}).get("kinds", {})
    rows = []
    for kind in kinds:
        cells = []
        for fit in fits.values():
            of = fit.get("rendered", {}).get("kinds", {}).get(kind, {})
            share = _percent(of.get("confidence_0.9_share"))
            wrong = of.get("confidence_0.9_wrong")
            cells.append(f"{_percent(of.get('right'))}, {share}, {wrong}")
        rows.append((kind, kinds[kind]["dials"], *cells))
    return BY_KIND, _table(("", "dials", *fits), rows)


def _dial_score(fits: Mapping[str, Any]) -> tuple[Any, ...]:
    weights = ("finder_score", "confidence", "dial_logit", "clock_logit", "offset")
    rows = [
        (name, *(fit.get("presence", {}).get(weight) for weight in weights))
        for name, fit in fits.items()
    ]
    return DIAL_SCORE, _table(("", "a", "b", "c", "d", "e"), rows)


def _photographs(models: Mapping[str, Any]) -> str:
    header = ("model", "set", "photographs", "right", "exact", "share with confidence ≥ 0.9")
    shares = (
        "within_1_min",
        "exact",
        "confidence_0.9_share",
        "confidence_0.9_right",
        "expected_calibration_error",
    )
    rows = [
        (model, name, of["photographs"], *(_percent(of.get(share)) for share in shares))
        for model, sets in models.items()
        for name, of in sets.items()
    ]
    return _table((*header, "of these right", "calibration error"), rows)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _edge(entries: Mapping[str, Any]) -> str:
    header = ("file", "bytes", "same minute", "right", "clockread right", "box IoU")
    rows = []
    for entry in entries.values():
        parity = entry["parity"]
        shares = (_percent(parity[of]) for of in ("same_minute", "right", "clockread_right"))
        medians = (f"{parity[of]:.4f}" for of in ("box_iou", "confidence_apart"))
        rows.append((f"`{entry['file']}`", f"{entry['bytes']:,}", *shares, *medians))
    return _table((*header, "confidence apart"), rows)
