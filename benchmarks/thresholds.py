"""How sure the networks must be of a dial: `python benchmarks/thresholds.py --without DIR --without DIR`.

Recall, precision and their F1 on rendered scenes that no training saw, and the shares of pictures without clocks that give a reading, by
`clockread.reader.Thresholds`: the pose network's least logit, and the least score of a reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from accuracy import SAME_DIAL
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from clockread.geometry import Floats
from clockread.images import list_photos
from clockread.reader import ClockReader, Thresholds
from clockread.reading import Reading
from training.finder import VALIDATION_SEED, match
from training.scene_shards import SceneShards, rendered_scenes

LOGITS = (0.0, 1.0, 2.0, 3.0)
SCORES = (0.05, 0.08, 0.1, 0.12, 0.15, 0.2, 0.3)
CHOSEN = Thresholds()
FIRST = 1000  # scenes 0 to 999 are those that the finder is validated on


@dataclass(frozen=True)
class Scored:
    """Readings of a number of pictures by their score, and which are true dials."""

    score: Floats  # (n,)
    right: NDArray[np.bool_]  # (n,)
    clocks: int

    def f1(self, least: float) -> tuple[float, float, float]:
        """Precision, recall and F1 of the readings that score at least so much."""
        kept = self.score >= least
        hits, given = int(self.right[kept].sum()), int(kept.sum())
        return hits / max(1, given), hits / max(1, self.clocks), 2 * hits / max(1, given + self.clocks)


def score(reading: Reading) -> float:
    """What `Thresholds.reading_score` is compared with."""
    return reading.dial_score * reading.confidence


def pictures(shard: SceneShards) -> list[NDArray[np.uint8]]:
    """The scenes without their bars."""
    frames = [[int(v) for v in frame] for frame in shard.frame]
    return [np.ascontiguousarray(image[y : y + h, x : x + w]) for image, (x, y, w, h) in zip(shard.images, frames, strict=True)]


def scored(shard: SceneShards, readings: Sequence[Sequence[Reading]]) -> Scored:
    """Which readings (best first, a list a scene) are of a clock: face and case are taken for one from an overlap of `SAME_DIAL`."""
    scores: list[float] = []
    right: list[bool] = []
    clocks = 0
    for i, of_scene in enumerate(readings):
        truth = shard.clocks(i).astype(np.float64) - [*shard.frame[i][:2], 0, 0]
        clocks += len(truth)
        scores += [score(reading) for reading in of_scene]
        boxes = np.array([reading.box for reading in of_scene], np.float64).reshape(-1, 4)
        right += match(boxes, truth, SAME_DIAL).tolist()
    return Scored(np.array(scores), np.array(right, bool), clocks)


def best_scores(readings: Sequence[Sequence[Reading]]) -> Floats:
    """The highest score (n,) of each picture's readings, 0 where there is none."""
    return np.array([max(map(score, of_picture), default=0.0) for of_picture in readings])


def main(
    without: Annotated[list[Path] | None, typer.Option(help="Folder of pictures without clocks; may be given several times.")] = None,
    model: Annotated[str, typer.Option(help="Model of the manifest.")] = "auto",
    models: Annotated[Path | None, typer.Option(help="Folder with a manifest.json; by default the models of the package.")] = None,
    scenes: Annotated[int, typer.Option(min=1, help="Rendered scenes.")] = 1000,
) -> None:
    """Measure what each pair of thresholds lets through."""
    shard = rendered_scenes(VALIDATION_SEED + FIRST, scenes)
    seen = pictures(shard)
    folders = {folder: list_photos([folder]) for folder in without or []}
    table = Table(title=f"{scenes:,} rendered scenes; pictures without clocks that give a reading")
    for column in ("pose's logit", "score", "precision", "recall", "F1", *(f"{f.name} ({len(p)})" for f, p in folders.items())):
        table.add_column(column, justify="right")
    for logit in LOGITS:
        loose = Thresholds(dial_score=min(SCORES), dial_logit=logit, reading_score=0.0)
        reader = ClockReader("cpu", model=model, models=models, thresholds=loose)
        found = scored(shard, [result.readings for result in reader.stream(seen)])
        beside = [best_scores([result.readings for result in reader.stream(photos)]) for photos in folders.values()]
        for least in SCORES:
            shares = [f"{(best >= least).mean():.1%}" for best in beside]
            style = "bold" if (logit, least) == (CHOSEN.dial_logit, CHOSEN.reading_score) else None
            table.add_row(f"{logit:g}", f"{least:g}", *(f"{v:.3f}" for v in found.f1(least)), *shares, style=style)
    Console(width=None if folders else 100).print(table)


if __name__ == "__main__":
    typer.run(main)
