"""The whole reader as one ONNX graph; see `clockread.reader` and `clockread.polar_reader`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from clockread.confidence import Calibration, DialScore
from clockread.context import CONTEXT_GRID
from clockread.geometry import BOX_RIM
from clockread.options import Effort, Thresholds
from clockread.pose import BOX_MARGIN
from clockread.reader import SAME_DIAL_IOU
from clockread.retry import MIN_CLOCK_LOGIT, WINDOW_SCALES
from clockread.sampling import FACE_GRID, PATCH
from training.edge.confidence import calibrated, dial_score
from training.edge.context import COLUMNS, Context, context, split
from training.edge.decoding import Decoded, decode, rotation
from training.edge.finder import find, non_max_suppression
from training.edge.geometry import angle_of, corners, from_unit
from training.edge.graph import Graph
from training.edge.hands import read_refined
from training.edge.pose import Posed, estimate, patches
from training.edge.retry import other_windows, principal_greys
from training.edge.sampling import PhotoInput, photo_input, polar_points
from training.edge.tensor import FLOAT, INT, INT32, UINT8, Tensor

Turn: TypeAlias = tuple[Tensor, list[Tensor]]
# What a file takes: a photo with any number of dials, or one dial that fills the picture
PHOTO, DIAL = "photo", "dial"

# The table of readings: how many columns each has
ROW = {
    "homography": 9,
    "minutes": 1,
    "confidence": 1,
    "turn": 2,
    "hour": 2,
    "minute": 2,
    "second": 1,
    "dial_logit": 1,
    "clock_logit": 1,
    "whole_logit": 1,
}


@dataclass(frozen=True)
class Model:
    """What a file is made of: the networks of a model, and what goes with them in the manifest."""

    networks: Mapping[str, Path]  # by role: finder, pose, hands, context
    calibration: Calibration
    dial_score: DialScore
    effort: Effort
    thresholds: Thresholds


OUTPUTS: dict[str, tuple[str, tuple[str | int, ...]]] = {
    "minutes": ("time shown, whole minutes past twelve, 0 to 719", ("n",)),
    "confidence": ("probability, 0 to 1, that the time is right within one minute", ("n",)),
    "dial_score": ("probability, 0 to 1, of being a clock", ("n",)),
    "box": ("x, y, width and height of the clock in pixels of the photo", ("n", 4)),
    "homography": (
        "from the dial (unit circle, 12 at (0, -1)) to pixels of the photo",
        ("n", 3, 3),
    ),
    "rotation": ("degrees by which 12 is turned clockwise, -180 to 180", ("n",)),
    "hour_sincos": ("mean sine and cosine of the hour hand against 12, length 0 to 1", ("n", 2)),
    "minute_sincos": ("mean sine and cosine of the minute hand against 12", ("n", 2)),
    "second": ("second shown, 0 to 59; -1 if no second hand is seen clearly", ("n",)),
}


def build(model: Model, kind: str, metadata: Mapping[str, str]) -> Any:
    """Return the ONNX model of a reader for photos or for dials."""
    g = Graph()
    pixels = g.input(kind, UINT8)
    photo = photo_input(g, pixels)
    if kind == PHOTO:
        results = _read_photo(photo, model)
    else:
        results = _read_dial(photo, model)
    outputs = {
        name: (results[name], shape) for name, (_, shape) in OUTPUTS.items() if name in results
    }
    return g.model(
        f"clockread_{kind}", {pixels: ("height", "width", "channels")}, outputs, metadata
    )


def _read_photo(photo: PhotoInput, model: Model) -> dict[str, Tensor]:
    """Find dials, read them, and select the readings, best first, one per dial."""
    g = photo.pixels.graph
    thresholds = model.thresholds
    with g.stage("finder"):
        boxes, scores = find(
            photo,
            model.networks["finder"],
            thresholds.finder_score,
            search_tiles=model.effort.tiles,
        )
    center, size = boxes.split(2, 2)
    window = g.concat(center - 0.5, size.reduce("Max", 1, keep=True) * BOX_MARGIN, axis=1)
    rows = _read_windows(photo, model, window, thresholds.dial_logit)
    with g.stage("select"):
        results = _results(rows, model.calibration)
        logits = rows["dial_logit"], rows["clock_logit"]
        score = dial_score(scores, results["confidence"], *logits, model.dial_score)
        low, high = corners(results["homography"], BOX_RIM)
        face = g.concat(low, high, axis=1)
        # a dial that was not read has a confidence of 0, before calibration
        rank = g.where(rows["confidence"] > 0.0, score, 0.0).transpose(1, 0).unsqueeze(0)
        kept = non_max_suppression(
            face.unsqueeze(0), rank, SAME_DIAL_IOU, thresholds.dial_score, centered=False
        )
        index = kept.part(2, 3).squeeze(1)
        low = low.minimum(center - size * 0.5).maximum(0.0)
        high = high.maximum(center + size * 0.5).minimum(photo.extent)
        box = g.concat(low, (high - low).maximum(0.0), axis=1)
        results |= {"dial_score": score, "box": box}
        return _named(results, index)


def _read_dial(photo: PhotoInput, model: Model) -> dict[str, Tensor]:
    """Read the one dial that fills the photo."""
    g = photo.pixels.graph
    window = g.concat(photo.extent * 0.5 - 0.5, photo.extent.reduce("Max", 0, keep=True), axis=0)
    rows = _read_windows(photo, model, window.unsqueeze(0), None)
    with g.stage("select"):
        results = _results(rows, model.calibration)
        low, high = corners(results["homography"], BOX_RIM)
        results["box"] = g.concat(low, high - low, axis=1)
        return _named(results, None)


def _named(results: dict[str, Tensor], index: Tensor | None) -> dict[str, Tensor]:
    """Return the outputs with the shapes and types of OUTPUTS, in the order of ``index`` (k,)."""
    out = {}
    for name, (_, shape) in OUTPUTS.items():
        if name not in results:
            continue
        tensor = results[name] if index is None else results[name].take(index)
        tensor = tensor.squeeze(1) if len(shape) == 1 else tensor
        out[name] = tensor.to(INT32) if name in ("minutes", "second") else tensor
    return out


def _results(rows: dict[str, Tensor], calibration: Calibration) -> dict[str, Tensor]:
    """Return the results by output name, (n, 1) if they are numbers."""
    g = rows["turn"].graph
    sine, cosine = rows["turn"].split(1, 1)
    degrees = angle_of(sine, cosine)
    turned = rows["homography"].reshape(-1, 3, 3) @ rotation(rows["turn"])
    scores = rows["confidence"], rows["clock_logit"], rows["whole_logit"]
    return {
        "minutes": rows["minutes"],
        "confidence": calibrated(*scores, calibration),
        "homography": turned / turned.part(2, 3, 1).part(2, 3, 2),
        "rotation": g.where(degrees >= 180.0, degrees - 360.0, degrees),
        "hour_sincos": rows["hour"],
        "minute_sincos": rows["minute"],
        "second": rows["second"],
    }


def _read_windows(
    photo: PhotoInput, model: Model, window: Tensor, min_logit: float | None
) -> dict[str, Tensor]:
    """Return the best reading of each window (n, 3), by column of ROW.

    Its confidence is 0 if the window has no dial.

    The first turn of a loop reads all windows, a second one retries the dials of low confidence.
    """
    g = photo.pixels.graph
    effort = model.effort
    points, around = polar_points(g, FACE_GRID), polar_points(g, CONTEXT_GRID)
    retries = effort.retry_below > 0

    def read(turn: Tensor, window: Tensor, owner: Tensor, *state: Tensor) -> Turn:
        low_dials, low_owner, known, rows, row_owner = Posed(*state[:4]), *state[4:]
        with g.stage("pose"):
            homography, logit, face = estimate(photo, model.networks["pose"], window)
            if min_logit is not None:
                # The best stays in any case, without an owner: an empty batch crashes onnxruntime.
                least = g.where(turn > 0, -np.inf, min_logit)
                kept = (logit >= logit.reduce("Max", 0).minimum(least)).squeeze(1)
                owner = g.where((logit >= least).squeeze(1), owner, -1, INT)
                window, owner, homography, logit, face = (
                    t.compress(kept) for t in (window, owner, homography, logit, face)
                )
            dials = patches(photo, homography, logit, face)
        known = g.concat(*[known] * len(WINDOW_SCALES), axis=0)
        if retries and effort.colors:
            with g.stage("colors"):
                dials, known, owner = _with_colors(photo, dials, known, owner, low_dials, low_owner)
        with g.stage("hands"):
            unit, logits = read_refined(
                dials.patch, dials.homography, points, model.networks["hands"], effort.passes
            )
            dials = dials._replace(homography=unit)
        with g.stage("context"):  # a retry takes it from the first turn
            (columns,) = g.branch(
                turn > 0,
                lambda: [known.map("Identity")],
                lambda: [context(photo, dials, around, model.networks["context"])],
            )
            surroundings = split(columns)
        with g.stage("decode"):
            decoded = decode(g, logits, surroundings)
            row = _rows(dials, decoded, surroundings)
            rows = g.concat(rows, row, axis=0)
            row_owner = g.concat(row_owner, owner, axis=0, dtype=INT)
        with g.stage("retry"):
            low = (decoded.confidence < effort.retry_below).squeeze(1) & (owner >= 0)
            low = low & (surroundings.clock >= MIN_CLOCK_LOGIT).squeeze(1)
            low_owner = owner.compress(low)
            low_dials = Posed(*(t.compress(low) for t in dials))
            known = columns.compress(low)
            # the dials of the windows come first, then those in other colors
            of_windows = g.op("Slice", low, g.constant([0], INT), window.size())
            window = other_windows(window.compress(of_windows))
            owner = g.concat(*[low_owner] * len(WINDOW_SCALES), axis=0, dtype=INT)
        after = [window, owner, *low_dials, low_owner, known, rows, row_owner]
        return low_owner.size() > 0, after

    def zeros(*shape: int) -> Tensor:
        return g.constant(np.zeros(shape), FLOAT)

    none = g.constant(np.zeros(0), INT)
    no_dials = (zeros(0, 1, PATCH, PATCH), zeros(0, 3), zeros(0, 3, 3), zeros(0, 1))
    count = window.size()
    # a first row of zeros without an owner, so that there always is one
    rows = (zeros(1, sum(ROW.values())), g.constant([-1], INT))
    *_, table, owner = g.loop(
        2 if retries else 1,
        count > 0,
        [window, g.arange(count), *no_dials, none, zeros(0, COLUMNS), *rows],
        read,
    )
    with g.stage("best"):
        confidence = table.split(*ROW.values())[2]
        mine = g.arange(count).unsqueeze(1).equals(owner.unsqueeze(0))
        of_window = g.where(mine, confidence.transpose(1, 0), 0.0)
        best = g.op("ArgMax", of_window, dtype=INT, axis=1, keepdims=0)
        columns = dict(zip(ROW, table.take(best).split(*ROW.values()), strict=True))
        return columns | {"confidence": of_window.reduce("Max", 1, keep=True)}


def _rows(dials: Posed, decoded: Decoded, surroundings: Context) -> Tensor:
    """Return the table (n, columns of ROW) of readings."""
    return dials.patch.graph.concat(
        (from_unit(dials.window) @ dials.homography).reshape(-1, 9),
        decoded.minutes.to(FLOAT),
        decoded.confidence,
        decoded.turn,
        decoded.hour,
        decoded.minute,
        decoded.second.to(FLOAT),
        dials.dial_logit,
        surroundings.clock,
        surroundings.whole,
        axis=1,
    )


def _with_colors(
    photo: PhotoInput,
    dials: Posed,
    known: Tensor,
    owner: Tensor,
    low_dials: Posed,
    low_owner: Tensor,
) -> tuple[Posed, Tensor, Tensor]:
    """Return the dials, and behind them those of low confidence in their principal colors.

    With them go their known context (n, COLUMNS) and their owners (n,). That context is that of the
    dials of low confidence, repeated for each of `WINDOW_SCALES`.
    """
    g = photo.pixels.graph
    plain = [*dials, known, owner]

    def colored() -> list[Tensor]:
        patch, useful = principal_greys(photo, low_dials)
        of_low = g.op("Slice", known, g.constant([0], INT), low_owner.size())
        posed = low_dials.window, low_dials.homography, low_dials.dial_logit
        again = [*posed, of_low, low_owner]
        twice = [patch, *(g.concat(t, t, axis=0, dtype=t.dtype) for t in again)]
        return [
            g.concat(first, more.compress(useful), axis=0, dtype=first.dtype)
            for first, more in zip(plain, twice, strict=True)
        ]

    def same() -> list[Tensor]:
        return [t.map("Identity") for t in plain]

    *fields, known, owner = g.branch(low_owner.size() > 0, colored, same)
    return Posed(*fields), known, owner
