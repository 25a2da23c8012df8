"""What the weights are worth with which a time is chosen: `python -m benchmarks.decoding`.

Rendered dials that no training saw are read once; their times are then chosen with each weight changed. Most dials of photographs are
upright, most of the rendered ones less so: the last column weighs them as photographs are, and is what the weights are chosen by.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.accuracy import RIGHT
from benchmarks.subsets import COUNTS, TURNED, lie, seen_of
from clockread.clock import MINUTES_ON_DIAL, circular_difference
from clockread.decoding import DecodingWeights, decode
from clockread.hands import HandsOutput
from clockread.reader import ClockReader
from training import splits
from training.reader.shards import rendered

UPRIGHT_SHARE = 0.9  # of dials in photographs
AS_IT_IS = DecodingWeights()
STEPS: dict[str, tuple[Any, ...]] = {
    "hour": (0.6, 0.8, 1.0, 1.25),
    "minute": (0.5, 0.7, 0.85, 1.0),
    "twelve": (0.6, 0.8, 0.9, 1.0),
    "hour_deviation": (1.0, 1.5, 2.0, 2.5, 3.5),
    "full_hour_share": (0.0, 0.005, 0.02, 0.05),
    "rotations": (2, 4, 8, 16, 120),
}


def right(
    seen: HandsOutput, true: NDArray[np.integer], weights: DecodingWeights
) -> NDArray[np.bool_]:
    """Whether the time (n,) chosen with these weights is right within a minute."""
    found = decode(seen.hour, seen.minute, seen.twelve, weights=weights).minutes
    return np.asarray(
        np.abs(circular_difference(found, true.astype(np.int64), MINUTES_ON_DIAL)) <= RIGHT
    )


def main(
    model: Annotated[str, typer.Option(help="Model of the manifest.")] = "auto",
    models: Annotated[
        Path | None,
        typer.Option(help="Folder with a manifest.json; by default the models of the package."),
    ] = None,
    dials: Annotated[
        int | None, typer.Option(min=1, help="At most so many of each preset.")
    ] = None,
) -> None:
    """Measure each weight's values with the others as they are."""
    reader = ClockReader("cpu", model=model, models=models)
    shards = [
        rendered(preset, splits.VALIDATION.start, min(count, dials or count))
        for preset, count in COUNTS.items()
    ]
    seen = seen_of(reader, [np.asarray(image) for shard in shards for image in shard.images])
    minutes = np.concatenate([shard.minutes for shard in shards])
    upright = (
        np.abs(np.concatenate([lie(shard.homography.astype(np.float64))[0] for shard in shards]))
        < TURNED
    )
    table = Table(
        title=f"right within a minute, of {upright.sum():,} upright and {(~upright).sum():,} turned dials"
    )
    for column in ("", "upright", "turned", f"{UPRIGHT_SHARE:.0%} upright"):
        table.add_column(column, justify="left" if not column else "right")
    for name, values in STEPS.items():
        for value in values:
            ok = right(seen, minutes, replace(AS_IT_IS, **{name: value}))
            shares = ok[upright].mean(), ok[~upright].mean()
            mixed = UPRIGHT_SHARE * shares[0] + (1 - UPRIGHT_SHARE) * shares[1]
            used = " (in use)" if value == getattr(AS_IT_IS, name) else ""
            table.add_row(
                f"{name} {value:g}{used}", *(f"{share:.2%}" for share in (*shares, mixed))
            )
    Console(width=100).print(table)


if __name__ == "__main__":
    typer.run(main)
