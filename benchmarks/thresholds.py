"""Choice of the `dial_score` threshold: `python -m benchmarks.thresholds --without DIR`.

Precision, recall and F1 on rendered scenes that neither training nor calibration saw, and the
shares of pictures without clocks that give a reading, by threshold
(`clockread.reader.Thresholds`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.options import ModelOption, ModelsOption
from benchmarks.tables import percent, print_table
from clockread.geometry import Floats
from clockread.listing import list_photos
from clockread.reader import ClockReader, Thresholds
from clockread.reading import Reading
from training import splits
from training.evaluation import in_scenes
from training.reader.scene_shards import VALIDATION_SCENES, rendered_scenes

SCORES = (0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9)


def precision_recall_f1(
    score: Floats, clock: NDArray[np.bool_], clocks: int, threshold: float
) -> tuple[float, float, float]:
    """Return precision, recall and F1 of the readings with at least a score.

    Args:
        score: of each reading (n,)
        clock: whether it is of a clock (n,)
        clocks: number of clocks in the scenes
        threshold: the least score

    """
    kept = score >= threshold
    hits, given = int(clock[kept].sum()), int(kept.sum())
    return hits / max(1, given), hits / max(1, clocks), 2 * hits / max(1, given + clocks)


def best_scores(readings: Sequence[Sequence[Reading]]) -> Floats:
    """Return the highest score (n,) of each picture's readings, 0 without readings."""
    return np.array([max((r.dial_score for r in of_one), default=0.0) for of_one in readings])


def main(
    without: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of pictures without clocks; can be repeated."),
    ] = None,
    model: ModelOption = "auto",
    models: ModelsOption = None,
    scenes: Annotated[int, typer.Option(min=1, help="Rendered scenes.")] = 1000,
) -> None:
    """Measure all thresholds."""
    reader = ClockReader("cpu", model=model, models=models, thresholds=Thresholds(dial_score=0.0))
    shard = rendered_scenes(splits.VALIDATION.start + VALIDATION_SCENES, scenes, "everything")
    readings, clock, clocks = in_scenes(reader, shard)
    score = np.array([reading.dial_score for reading in readings])
    beside = {
        folder: best_scores([result.readings for result in reader.stream(list_photos([folder]))])
        for folder in without or []
    }
    rows = []
    for threshold in SCORES:
        figures = precision_recall_f1(score, clock, clocks, threshold)
        shares = [percent((best >= threshold).mean()) for best in beside.values()]
        used = " (in use)" if threshold == Thresholds().dial_score else ""
        rows.append([f"{threshold:g}{used}", *(f"{figure:.3f}" for figure in figures), *shares])
    print_table(
        f"{scenes:,} scenes with {clocks:,} clocks; pictures without clocks that give a reading",
        (
            *("threshold", "precision", "recall", "F1"),
            *(f"{folder.name} ({len(best)})" for folder, best in beside.items()),
        ),
        rows,
    )


if __name__ == "__main__":
    typer.run(main)
