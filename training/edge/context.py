"""Poses → context as ONNX nodes: the dial with its surroundings; see `clockread.context`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from clockread.context import CONTEXT_GRID, CONTEXT_MARGIN, ContextOutput
from clockread.geometry import BOX_RIM, MAX_GROWTH, MIN_SIDE
from clockread.sampling import PATCH
from training.edge.geometry import corners, from_unit, to_unit
from training.edge.hands import BINS
from training.edge.pose import Posed
from training.edge.sampling import PhotoInput, crop_window, unwrap, whole_window
from training.edge.tensor import Tensor


@dataclass(frozen=True)
class Context:
    """Outputs of the context network for n dials: logits (n, BINS) and (n, 1)."""

    twelve: Tensor
    clock: Tensor
    whole: Tensor
    mirrored: Tensor
    day: Tensor
    noon_up: Tensor


SIZES = {"twelve": BINS, "clock": 1, "whole": 1, "mirrored": 1, "day": 1, "noon_up": 1}
COLUMNS = sum(SIZES.values())  # of all outputs side by side
assert [f.name for f in fields(Context)] == [f.name for f in fields(ContextOutput)]


def context(photo: PhotoInput, dials: Posed, points: Tensor, network: Path) -> Tensor:
    """Return the outputs of the network for n > 0 posed dials, side by side (n, COLUMNS)."""
    outputs = points.graph.network(network, {"polar": polar_image(photo, dials, points)})
    return points.graph.concat(*(outputs[name] for name in SIZES), axis=1)


def split(columns: Tensor) -> Context:
    """Return the outputs that lie side by side in ``columns`` (n, COLUMNS)."""
    return Context(*columns.split(*SIZES.values()))


def polar_image(photo: PhotoInput, dials: Posed, points: Tensor) -> Tensor:
    """Return polar images uint8 (n, 240, 80) of n > 0 posed dials and their surroundings."""
    g = points.graph
    homography = from_unit(dials.window) @ dials.homography
    low, high = corners(homography, BOX_RIM)
    side = (high - low).reduce("Max", 1, keep=True) * CONTEXT_MARGIN
    widest = dials.window.part(2, 3) * MAX_GROWTH
    side = side.maximum(MIN_SIDE).minimum(widest)
    window = whole_window(g.concat((low + high) * 0.5 - 0.5, side, axis=1))
    patch = crop_window(photo, window).reshape(-1, 1, PATCH, PATCH)
    return unwrap(patch, to_unit(window) @ homography, points, CONTEXT_GRID)
