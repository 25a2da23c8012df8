"""Formats: Pillow's plugin for each, and advice about files that are not photos."""

from __future__ import annotations

import contextlib
import importlib
from typing import Any, BinaryIO, cast

from PIL import Image, ImageFile

from clockread.errors import ImageError, UnsupportedImageError, reason_of

MAX_FRAMES = 100_000  # of one file
READ_SIZE = 1 << 20  # bytes per read of a decoder; with Pillow's 64 kB it decodes some rows twice
SNIFFED_BYTES = 32  # from a file's start, to recognize its format

# Formats by Pillow's names, in the order in which a file is tried, with the module of the plugin.
PLUGINS = {
    "JPEG": "PIL.JpegImagePlugin",
    "PNG": "PIL.PngImagePlugin",
    "GIF": "PIL.GifImagePlugin",
    "BMP": "PIL.BmpImagePlugin",
    "WEBP": "PIL.WebPImagePlugin",
    "TIFF": "PIL.TiffImagePlugin",
    "PPM": "PIL.PpmImagePlugin",
    "JPEG2000": "PIL.Jpeg2KImagePlugin",
    "AVIF": "PIL.AvifImagePlugin",
}
READABLE = "JPEG, PNG, WebP, HEIC, AVIF, JPEG 2000, TIFF, BMP, GIF, PGM or PPM"
# Formats whose further frames are separate pictures; those of an MPO are not.
SEQUENCES = frozenset(("GIF", "PNG", "WEBP", "TIFF", "AVIF"))
FURTHER_DAMAGED = "further frames are damaged"  # a note
INSTALL_HEIC = "pip install pi-heif"
# Libraries that read HEIC, as modules; the second cannot write it, and is much smaller.
HEIC_LIBRARIES = ("pillow_heif", "pi_heif")
HEIC_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"))

# How files begin that people take for photos, and what to do with them.
OTHER_FILES = (
    (0, b"%PDF", "a PDF, not a photo; export its page as PNG"),
    (0, b"8BPS", "a Photoshop file; export it as JPEG or PNG"),
    (0, b"\xff\x0a", "a JPEG XL photo, which is not supported; save it as JPEG"),
    (4, b"JXL ", "a JPEG XL photo, which is not supported; save it as JPEG"),
    (0, b"FUJIFILMCCD-RAW", "a camera's raw file; export it as JPEG"),
    (4, b"ftypcrx", "a camera's raw file; export it as JPEG"),
    (0, b"<svg", "an SVG drawing; export it as PNG"),
    (0, b"<?xml", "an XML file, perhaps an SVG drawing; export it as PNG"),
    (0, b"PK\x03\x04", "a ZIP archive or an office document; take the photos out of it first"),
)
VIDEO_STARTS = (
    (4, b"ftyp"), (4, b"moov"), (4, b"mdat"), (4, b"wide"), (0, b"\x1a\x45\xdf\xa3"),
    (8, b"AVI "), (0, b"\x30\x26\xb2\x75\x8e\x66"), (0, b"\0\0\x01\xba"),
    (0, b"\0\0\x01\xb3"), (0, b"FLV\x01"), (0, b"OggS"), (0, b"\x47\x40"),
)  # fmt: skip
VIDEO = "a video, not a photo; read it with `clockread video`, or save frames of it as photos"


def open_header(file: BinaryIO, name: str) -> ImageFile.ImageFile:
    """Open a photo, its header read and its pixels not yet."""
    file.seek(0)
    start = file.read(SNIFFED_BYTES)
    problem: Exception | None = None
    for kind, module in PLUGINS.items():
        importlib.import_module(module)
        factory, accepts = Image.OPEN[kind]
        if accepts is None or accepts(start) is not True:
            continue
        file.seek(0)
        try:
            image = factory(file, "")
        except Exception as error:  # another format may begin alike; `Image.open` does the same
            problem = error
        else:
            image.decodermaxblock = READ_SIZE
            return image
    if start[4:8] == b"ftyp" and start[8:12] in HEIC_BRANDS:
        return _open_heic(file, name)
    if problem is not None:
        raise ImageError(
            f"{name}: damaged: its header is cut off or broken ({reason_of(problem)}); "
            "copy or save it again"
        ) from problem
    raise UnsupportedImageError(f"{name}: {_kind_of(start)}")


def heic_library() -> Any:
    """Return the first library that reads HEIC; raise ImportError if there is none."""
    *others, last = HEIC_LIBRARIES
    for name in others:
        with contextlib.suppress(ImportError):
            return importlib.import_module(name)
    return importlib.import_module(last)


def _open_heic(file: BinaryIO, name: str) -> ImageFile.ImageFile:
    try:
        plugin = heic_library()
    except ImportError as error:
        raise UnsupportedImageError(f"{name}: a HEIC photo; to read it: {INSTALL_HEIC}") from error
    file.seek(0)
    return cast("ImageFile.ImageFile", plugin.HeifImageFile(file, ""))


def _kind_of(start: bytes) -> str:
    """Return the kind of a file that is not a photo, from its first bytes, with advice."""
    for at, magic, what in OTHER_FILES:
        if start[at : at + len(magic)] == magic:
            return what
    if any(start[at : at + len(magic)] == magic for at, magic in VIDEO_STARTS):
        return VIDEO
    return f"its content is not a photo; it must be {READABLE}"


def frame_count(image: Image.Image, *, lenient: bool = False) -> int:
    """Return the number of frames or pages, at least 1.

    If they cannot be counted, the plugin's exception is raised; with ``lenient``, those before the
    damage are counted.
    """
    if image.format not in SEQUENCES or not getattr(image, "is_animated", False):
        return 1
    try:
        return max(1, min(int(getattr(image, "n_frames", 1)), MAX_FRAMES))
    except Exception:
        if not lenient:
            raise
    count = 1
    while count < MAX_FRAMES and has_frame(image, count):
        count += 1
    image.seek(0)
    return count


def has_frame(image: Image.Image, index: int) -> bool:
    """Select a frame or page, from 0; return whether there is one that can be selected.

    One that is too large counts too: decoding it raises the error.
    """
    try:
        image.seek(index)
    except (MemoryError, Image.DecompressionBombError):
        return True
    except Exception:
        return False
    return True


def frame_note(image: Image.Image) -> tuple[str, ...]:
    """Return a remark on further frames or pages, none for a single one."""
    try:
        count = frame_count(image)
    except Exception:  # the first frame may be whole
        image.seek(0)
        return (FURTHER_DAMAGED,)
    what = "pages" if image.format == "TIFF" else "frames"
    return (f"the first of {count} {what}; the option frames=all reads each",) if count > 1 else ()
