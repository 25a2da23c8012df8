"""Weights of the joint decoding: `python -m benchmarks.decoding`.

Reads rendered validation dials once and then decodes their times with each weight changed in turn.
Photographs show more upright dials than the renderer draws; the last column, by which the weights
are chosen, weights both groups accordingly.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.options import DialsOption, ModelOption, ModelsOption
from benchmarks.subsets import TURNED, all_rendered, orientation, outputs_of
from benchmarks.tables import percent, print_table
from clockread.clock import right_within
from clockread.decoding import DecodingWeights, decode
from clockread.geometry import Floats
from clockread.hands import HandsOutput
from clockread.reader import ClockReader

UPRIGHT_SHARE = 0.9  # of dials in photographs
CURRENT = DecodingWeights()
STEPS: dict[str, tuple[Any, ...]] = {
    "hour": (0.6, 0.8, 1.0, 1.25),
    "minute": (0.5, 0.7, 0.85, 1.0),
    "twelve": (0.4, 0.6, 0.8, 0.9, 1.0),
    "context": (0.0, 0.3, 0.5, 0.7, 0.85, 1.0),
    "hour_deviation": (1.0, 1.5, 2.0, 2.5, 3.5),
    "full_hour_share": (0.0, 0.005, 0.02, 0.05),
    "rotations": (2, 4, 8, 16, 120),
}


def right(
    seen: HandsOutput, twelve: Floats, true: NDArray[np.integer], weights: DecodingWeights
) -> NDArray[np.bool_]:
    """Return whether each time (n,) decoded with these weights is right within one minute."""
    found = decode(seen.hour, seen.minute, seen.twelve, twelve, weights=weights).minutes
    return right_within(found, true)


def main(
    model: ModelOption = "auto",
    models: ModelsOption = None,
    dials: DialsOption = None,
) -> None:
    """Measure each weight's values, the others unchanged."""
    reader = ClockReader("cpu", model=model, models=models)
    shards = list(all_rendered(dials).values())
    seen, context = outputs_of(
        reader, [np.asarray(image) for shard in shards for image in shard.images]
    )
    minutes = np.concatenate([shard.minutes for shard in shards])
    homographies = np.concatenate([shard.homography for shard in shards]).astype(np.float64)
    upright = np.abs(orientation(homographies)[0]) < TURNED
    rows = []
    for name, values in STEPS.items():
        for value in values:
            ok = right(seen, context.twelve, minutes, replace(CURRENT, **{name: value}))
            shares = ok[upright].mean(), ok[~upright].mean()
            mixed = UPRIGHT_SHARE * shares[0] + (1 - UPRIGHT_SHARE) * shares[1]
            used = " (in use)" if value == getattr(CURRENT, name) else ""
            rows.append([f"{name} {value:g}{used}", *(percent(s, 2) for s in (*shares, mixed))])
    dials_of = f"{upright.sum():,} upright and {(~upright).sum():,} turned dials"
    print_table(
        f"right within one minute, of {dials_of}",
        ("", "upright", "turned", f"{UPRIGHT_SHARE:.0%} upright"),
        rows,
    )


if __name__ == "__main__":
    typer.run(main)
