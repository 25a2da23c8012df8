"""How far readings change with a little noise: `python -m benchmarks.noise`.

Each rendered dial is read as it is, and in copies in which every pixel changes by at most one grey
level. A dial is steady if all copies show the same minute as the original.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.options import ModelsOption
from benchmarks.tables import percent, print_table
from clockread.images import ImageSource
from clockread.reader import ClockReader
from clockread.reading import Reading
from training import splits
from training.evaluation import CONFIDENT, shows
from training.reader.shards import Shards, rendered


def changed(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return a picture (h, w, ...) whose levels are changed by at most one."""
    levels = pixels.astype(np.int16) + rng.integers(-1, 2, pixels.shape, dtype=np.int16)
    return levels.clip(0, 255).astype(np.uint8)


def steady(readings: list[Reading], copies: list[list[Reading]]) -> NDArray[np.bool_]:
    """Return whether all copies of each dial (n) show the minute of the original (n,)."""
    same = [
        [copy.minutes == reading.minutes for copy, reading in zip(of_copy, readings, strict=True)]
        for of_copy in copies
    ]
    return np.asarray(np.all(same, axis=0))


def row(reader: ClockReader, model: str, preset: str, shard: Shards, copies: int) -> list[str]:
    """Measure a model on the dials of a preset."""
    rng = np.random.default_rng(0)
    images = [np.asarray(image) for image in shard.images]
    readings = _read(reader, images)
    noisy = [_read(reader, [changed(image, rng) for image in images]) for _ in range(copies)]
    same = steady(readings, noisy)
    sure = np.array([reading.confidence >= CONFIDENT for reading in readings])
    right = shows(readings, shard)
    cells = [percent(float(part.mean())) for part in (right, same)]
    return [model, preset, str(len(images)), *cells, percent(float(same[sure].mean()))]


def _read(reader: ClockReader, images: list[NDArray[np.uint8]]) -> list[Reading]:
    sources: list[ImageSource] = list(images)
    return [of_image[0] for of_image in reader.read(sources, cropped=True)]


def main(
    model: Annotated[list[str], typer.Option(help="Model; repeat it for several.")] = ["int8"],  # noqa: B006
    preset: Annotated[list[str], typer.Option(help="Kind of dials; repeat it.")] = [  # noqa: B006
        "plain",
        "varied",
    ],
    dials: Annotated[int, typer.Option(min=1, help="Dials of each preset.")] = 1000,
    copies: Annotated[int, typer.Option(min=1, help="Copies of each dial.")] = 1,
    models: ModelsOption = None,
) -> None:
    """Measure the share of rendered dials whose minute survives noise of one grey level."""
    readers = {name: ClockReader("cpu", model=name, models=models) for name in model}
    shards = {name: rendered(name, splits.VALIDATION.start, dials) for name in preset}
    rows = [
        row(reader, name, kind, shard, copies)
        for name, reader in readers.items()
        for kind, shard in shards.items()
    ]
    columns = ["model", "preset", "dials", "right", "steady", f"steady of those ≥ {CONFIDENT}"]
    print_table(f"Minute unchanged in {copies} noisy copies", columns, rows)


if __name__ == "__main__":
    typer.run(main)
