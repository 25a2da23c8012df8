"""One ONNX file against clockread in Python: `python -m benchmarks.edge PHOTOS`, as Markdown.

Both read the same RGB pixels at the same effort, on one thread, in turns. PHOTOS holds sets of
photographs as for `benchmarks.accuracy`. Copies of the photos, changed by up to one grey level,
show how much of a difference is chance.
"""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Annotated, Any, TypeAlias

import numpy as np
import onnxruntime
import typer
from numpy.typing import NDArray
from PIL import Image, ImageOps

from benchmarks.noise import changed
from clockread.clock import right_within
from clockread.finder import iou
from clockread.reader import ClockReader
from clockread.runtime.manifest import EXPORTED_FOLDERS
from training import splits
from training.edge.build import EFFORTS, MODELS, PREFIXES
from training.edge.parity import edge_reader
from training.edge.reader import DIAL, PHOTO
from training.evaluation import SAME_DIAL_IOU, Label, crop_given, labels
from training.markdown import table
from training.reader.shards import rendered

EXPORTED = EXPORTED_FOLDERS[-1]
EXAMPLES = EXPORTED.parent / "examples"
SIZES = ((640, 480), (1920, 1440), (4000, 3000))
TIMED = 12  # photos of the first set with boxes
ONE_DIAL, TWO_DIALS = EXAMPLES / "wall.jpg", EXAMPLES / "two.jpg"  # if there is no such set
RENDERED = 500  # dials

Pixels: TypeAlias = NDArray[np.uint8]
# of a picture, and whether it is one dial; readings have minutes and a box, the best first
Read: TypeAlias = Callable[[Pixels, bool], Sequence[Any]]


def pixels_of(file: Path) -> Pixels:
    """Decode a photo, upright."""
    return np.asarray(ImageOps.exif_transpose(Image.open(file)).convert("RGB"))


def clockread_of(model: str) -> Read:
    """Return clockread in Python at the file's effort."""
    reader = ClockReader("cpu", model=model, threads=1, effort=EFFORTS.get(model))
    return lambda pixels, dial: reader.read(pixels, cropped=dial)


def file_of(model: str) -> Read:
    """Return the two files of a model."""
    photo, dial = (
        edge_reader(str(EXPORTED / f"{PREFIXES[kind]}-{model}.onnx")) for kind in (PHOTO, DIAL)
    )
    return lambda pixels, is_dial: (dial if is_dial else photo)(pixels)


def milliseconds(reads: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Return the median times of functions that take turns; two rounds before do not count."""
    taken: list[list[float]] = [[] for _ in reads]
    for turn in range(rounds + 2):
        for read, times in zip(reads, taken, strict=True):
            before = time.perf_counter()
            read()
            if turn >= 2:
                times.append(1000 * (time.perf_counter() - before))
    return [median(times) for times in taken]


def resized(file: Path, size: tuple[int, int]) -> Pixels:
    """Decode a photo and stretch it to (width, height)."""
    picture = Image.open(file).convert("RGB")
    return np.asarray(picture.resize(size, Image.Resampling.BICUBIC))


def speed(models: Sequence[str], rounds: int, photos: Sequence[Path]) -> list[list[str]]:
    """Return rows of times per photo: Python, file and their ratio for each model.

    Photos of one size are read one after the other: how often a dial is read depends on it.
    """
    cases = [
        (f"{width}×{height}", [resized(photo, (width, height)) for photo in photos], False)
        for width, height in SIZES
    ]
    width, height = SIZES[0]
    cases.append((f"{width}×{height}, 2 dials", [resized(TWO_DIALS, SIZES[0])], False))
    dials = [resized(photo, (height, height)) for photo in photos]
    cases.append((f"{height}×{height}, cropped", dials, True))
    readers = {model: (clockread_of(model), file_of(model)) for model in models}
    rows = []
    for name, pictures, dial in cases:
        cells = [name]
        for model in models:
            reads = [partial(_read_all, read, pictures, dial) for read in readers[model]]
            ours, one_file = (t / len(pictures) for t in milliseconds(reads, rounds))
            cells.append(f"{ours:.1f} / {one_file:.1f} ({one_file / ours:.2f})")
        rows.append(cells)
    return rows


def _read_all(read: Read, pictures: Sequence[Pixels], dial: bool) -> None:
    for picture in pictures:
        read(picture, dial)


def right(readings: Sequence[Any], label: Label, *, dial: bool) -> bool:
    """Return whether the best reading of the labeled dial is right within a minute."""
    box = None if dial else label.box
    same = [r for r in readings if box is None or iou(r.box, box) >= SAME_DIAL_IOU]
    return bool(same) and bool(right_within(same[0].minutes, label.minutes))


def right_in(
    pictures: Sequence[tuple[Pixels, Label]], reads: Sequence[Read], copies: int, *, dial: bool
) -> NDArray[np.int64]:
    """Return how many pictures (1 + copies, readers) are read right: as they are, and changed."""
    counts = np.zeros((1 + copies, len(reads)), np.int64)
    rng = np.random.default_rng(0)
    for picture, label in pictures:
        versions = [picture, *(changed(picture, rng) for _ in range(copies))]
        for row, version in zip(counts, versions, strict=True):
            row += [right(read(version, dial), label, dial=dial) for read in reads]
    return counts


def accuracy(folder: Path, models: Sequence[str], copies: int) -> list[list[str]]:
    """Return rows of right readings by set: Python and file, then their means on copies."""
    readers = {model: (clockread_of(model), file_of(model)) for model in models}
    cases: list[tuple[str, list[tuple[Pixels, Label]], bool]] = []
    for name, of_set in sets(folder):
        photos = [(pixels_of(label.file), label) for label in of_set]
        found = [(picture, label) for picture, label in photos if label.box is not None]
        given = [(crop_given(picture, label.box), label) for picture, label in photos]
        cases += [(f"{name}, found", found, False), (f"{name}, given", given, True)]
    crops = rendered("varied", splits.COMPARISON.start, RENDERED)
    drawn = [
        (np.ascontiguousarray(image)[:, :, None], Label(Path(), int(minutes), None))
        for image, minutes in zip(crops.images, crops.minutes, strict=True)
    ]
    cases.append(("rendered dials", drawn, True))
    rows = []
    for name, pictures, dial in cases:
        if not pictures:
            continue
        cells = [name, str(len(pictures))]
        for model in models:
            as_is, *others = right_in(pictures, readers[model], copies, dial=dial)
            ours, one_file = np.mean(others, axis=0) if others else (0, 0)
            means = f"; {ours:.1f} / {one_file:.1f}" if others else ""
            cells.append(f"{as_is[0]} / **{as_is[1]}**{means}")
        rows.append(cells)
    return rows


def sets(folder: Path) -> list[tuple[str, list[Label]]]:
    """Return the names and labels of the sets that have times to read."""
    named = [(table.stem, labels(folder, table.stem)) for table in sorted(folder.glob("*.csv"))]
    return [(name, of) for name, of in named if not any(math.isnan(x.minutes) for x in of)]


def timed_photos(folder: Path | None) -> list[Path]:
    """Return the first photos with boxes; without a folder, the example."""
    for _, of_set in sets(folder) if folder is not None else ():
        files = [label.file for label in of_set if label.box is not None]
        if files:
            return files[:TIMED]
    return [ONE_DIAL]


def processor() -> str:
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((x.partition(": ")[2] for x in lines if x.startswith("model name")), "")


def main(
    photos: Annotated[Path | None, typer.Argument(help="Folder of labeled photographs.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Models; all by default.")] = None,
    rounds: Annotated[int, typer.Option(help="Measured rounds of each time; 0: no times.")] = 10,
    copies: Annotated[int, typer.Option(help="Changed copies of each photo, to show chance.")] = 4,
) -> None:
    """Compare the files of `exported/` with clockread: time, and right readings of photographs."""
    models = model or list(MODELS)
    print(f"{processor()}, onnxruntime {onnxruntime.__version__}, one thread\n")
    if rounds:
        timed = timed_photos(photos)
        print(f"ms per photo, mean of {len(timed)} photos: clockread / one file (ratio)\n")
        print(*table(("", *models), speed(models, rounds, timed)), sep="\n", flush=True)
    if photos is not None:
        print(f"\nRight within a minute: clockread / **one file**; means of {copies} copies\n")
        print(*table(("", "dials", *models), accuracy(photos, models, copies)), sep="\n")


if __name__ == "__main__":
    typer.run(main)
