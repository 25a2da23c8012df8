"""How sure the networks must be of a dial: `python -m benchmarks.thresholds --without DIR --without DIR`.

Precision, recall and their F1 on rendered scenes that neither training nor calibration saw, and the shares of pictures without clocks that
give a reading, by the least probability of being a clock (`clockread.reader.Thresholds.dial_score`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from clockread.geometry import Floats
from clockread.listing import list_photos
from clockread.reader import ClockReader, Thresholds
from clockread.reading import Reading
from training import splits
from training.reader.calibration import in_scenes
from training.reader.scene_shards import rendered_scenes

SCORES = (0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9)
CHOSEN = Thresholds()
FIRST = 1000  # scenes 0 to 999 are those that the finder is validated on


def precision_recall_f1(
    score: Floats, clock: NDArray[np.bool_], clocks: int, least: float
) -> tuple[float, float, float]:
    """Of readings of ``score`` (n,), those that score at least so much; ``clocks`` are there, and ``clock`` (n,) are of one."""
    kept = score >= least
    hits, given = int(clock[kept].sum()), int(kept.sum())
    return hits / max(1, given), hits / max(1, clocks), 2 * hits / max(1, given + clocks)


def best_scores(readings: Sequence[Sequence[Reading]]) -> Floats:
    """The highest score (n,) of each picture's readings, 0 where there is none."""
    return np.array(
        [
            max((reading.dial_score for reading in of_picture), default=0.0)
            for of_picture in readings
        ]
    )


def main(
    without: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of pictures without clocks; may be given several times."),
    ] = None,
    model: Annotated[str, typer.Option(help="Model of the manifest.")] = "auto",
    models: Annotated[
        Path | None,
        typer.Option(help="Folder with a manifest.json; by default the models of the package."),
    ] = None,
    scenes: Annotated[int, typer.Option(min=1, help="Rendered scenes.")] = 1000,
) -> None:
    """Measure what each threshold lets through."""
    reader = ClockReader("cpu", model=model, models=models, thresholds=Thresholds(dial_score=0.0))
    readings, clock, clocks = in_scenes(
        reader, rendered_scenes(splits.VALIDATION.start + FIRST, scenes)
    )
    score = np.array([reading.dial_score for reading in readings])
    beside = {
        folder: best_scores([result.readings for result in reader.stream(list_photos([folder]))])
        for folder in without or []
    }
    table = Table(
        title=f"{scenes:,} rendered scenes, {clocks:,} clocks; pictures without clocks that give a reading"
    )
    for column in (
        "least score",
        "precision",
        "recall",
        "F1",
        *(f"{folder.name} ({len(best)})" for folder, best in beside.items()),
    ):
        table.add_column(column, justify="right")
    for least in SCORES:
        figures = [f"{figure:.3f}" for figure in precision_recall_f1(score, clock, clocks, least)]
        shares = [f"{(best >= least).mean():.1%}" for best in beside.values()]
        table.add_row(
            f"{least:g}", *figures, *shares, style="bold" if least == CHOSEN.dial_score else None
        )
    Console(width=100).print(table)


if __name__ == "__main__":
    typer.run(main)
