"""Poses → hands as ONNX nodes: polar image, network, pose refinement; see `clockread.hands`."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np

from clockread.hands import CONVERGED, MAX_SHIFT, MOVEMENT_RIM, SIZE_RANGE, HandsOutput
from clockread.sampling import ANGLES, FACE_GRID
from training.edge.geometry import compose, project
from training.edge.sampling import unwrap
from training.edge.tensor import FLOAT, INT, Tensor

BINS = ANGLES // 2  # of each distribution
SIZES = {"hour": BINS, "minute": BINS, "twelve": BINS, "second": BINS, "has_second": 1}
LOGITS = sum(SIZES.values())  # columns of the outputs that are decoded, side by side
assert [*SIZES, "change"] == [f.name for f in fields(HandsOutput)]


def refine(homography: Tensor, change: Tensor) -> tuple[Tensor, Tensor]:
    """Apply pose corrections (n, 7); return homographies, and whether (n,) to read again.

    A dial that has converged, or whose correction is implausibly large, is not read again.
    """
    shift, size, tilt = change.split(2, 3, 2)  # of a pose: see clockread.geometry
    s11, s12, s22 = size.split(1, 1, 1)
    correction = compose(change)
    away = project(correction, MOVEMENT_RIM) - MOVEMENT_RIM.T
    moved = (away * away).sum(1).map("Sqrt").reduce("Mean", 1, keep=True)
    area = s11 * s22 - s12 * s12
    plausible = (
        ((shift * shift).sum(1, keep=True) <= MAX_SHIFT**2)
        & ((tilt * tilt).sum(1, keep=True) <= MAX_SHIFT**2)
        & (area > SIZE_RANGE[0] ** 2)
        & (area < SIZE_RANGE[1] ** 2)
    )
    refined = homography @ correction
    refined = refined / refined.part(2, 3, 1).part(2, 3, 2)
    return refined, (plausible & (moved > CONVERGED)).squeeze(1)


def read_refined(
    patch: Tensor, homography: Tensor, points: Tensor, network: Path, passes: int
) -> tuple[Tensor, Tensor]:
    """Read dials and refine their poses until these converge.

    Return homographies (n, 3, 3) and logits (n, LOGITS); n may be 0.

    Each turn of the loop reads only those that have not converged.
    """
    g = patch.graph

    def read(patch: Tensor, homography: Tensor) -> tuple[Tensor, Tensor]:
        seen = g.network(network, {"polar": unwrap(patch, homography, points, FACE_GRID)})
        return g.concat(*(seen[name] for name in SIZES), axis=1), seen["change"]

    def one_pass(
        _: Tensor, moving: Tensor, better: Tensor, homography: Tensor, logits: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        rows = moving.unsqueeze(1)
        seen, change = read(patch.take(moving), better)
        homography = g.op("ScatterND", homography, rows, better)
        logits = g.op("ScatterND", logits, rows, seen)
        better, again = refine(better, change)
        moving = moving.compress(again)
        return moving.size() > 0, [moving, better.compress(again), homography, logits]

    everything = g.arange(patch.size())
    unread = g.op(
        "Expand",
        g.constant(np.zeros((1, LOGITS)), FLOAT),
        g.concat(patch.size(), np.array([1]), axis=0, dtype=INT),
    )
    state = [everything, homography, homography, unread]
    _, _, homography, logits = g.loop(passes, patch.size() > 0, state, one_pass)
    return homography, logits
