"""Photo headers: kind, size, orientation and memory need of an encoded photo, read without decoding a pixel.

OpenCV offers no way to ask for a photo's size before it allocates the pixels, so the few bytes that hold it are read here.
Nothing in a header is trusted: every length is checked against the stream, and a loop always moves forward.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import BinaryIO

EXIF_ORIENTATION = 0x0112
TIFF_WIDTH, TIFF_HEIGHT, TIFF_BITS, TIFF_SAMPLES = 256, 257, 258, 277
MAX_IFD_ENTRIES = 4096
TIFF_VALUE_FORMATS = {1: "B", 3: "H", 4: "I", 16: "Q"}  # BYTE, SHORT, LONG, LONG8
BMP_HEADER_SIZES = frozenset({12, 40, 52, 56, 64, 108, 124})
PNG_SAMPLES = {0: 1, 2: 3, 3: 4, 4: 2, 6: 4}  # colour type -> samples a pixel once decoded (a palette may carry alpha)
JPEG_END = 64  # bytes at a file's end where a JPEG's end marker is looked for first
NETPBM_SAMPLES = {b"P1": 1, b"P2": 1, b"P3": 3, b"P4": 1, b"P5": 1, b"P6": 3}


class UnknownKindError(ValueError):
    """The bytes do not begin like any photo that clockread reads."""


class DamagedError(ValueError):
    """The bytes begin like a photo, and then contradict themselves or end too early."""


@dataclass(frozen=True)
class Header:
    """What an encoded photo says about itself."""

    kind: str  # "JPEG", "PNG", "GIF", "BMP", "WebP", "TIFF" or "Netpbm"
    width: int  # pixels, as stored (before orientation)
    height: int
    bytes_per_pixel: float  # memory that decoding needs whatever the reduction; 0 where a decoder works in lines
    orientation: int = 1  # EXIF orientation 1..8; 5..8 swap width and height

    @property
    def pixels(self) -> int:
        """Number of pixels in the photo."""
        return self.width * self.height

    @property
    def decoded_bytes(self) -> int:
        """Memory that decoding the whole photo takes."""
        return int(self.pixels * self.bytes_per_pixel)

    @property
    def oriented_size(self) -> tuple[int, int]:
        """(width, height) as a viewer shows the photo."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)


def read_header(stream: BinaryIO) -> Header:
    """The header of the photo in a seekable binary stream.

    Raises UnknownKindError for anything that is not a photo, and DamagedError for one that is cut off or contradicts itself.
    """
    stream.seek(0)
    start = stream.read(16)
    stream.seek(0)
    parser = _parser_for(start)
    if parser is None:
        raise UnknownKindError("HEIF" if start[4:8] == b"ftyp" else "")
    try:
        header = parser(stream)
    except (struct.error, OverflowError) as error:
        raise DamagedError("its header is cut off") from error
    if header.width < 1 or header.height < 1:
        raise DamagedError(f"its header says {header.width} x {header.height} pixels")
    return header


def _parser_for(start: bytes) -> Callable[[BinaryIO], Header] | None:
    if start.startswith(b"\xff\xd8\xff"):
        return _jpeg
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png
    if start.startswith((b"GIF87a", b"GIF89a")):
        return _gif
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return _webp
    if start.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return _tiff
    if start.startswith(b"BM"):
        return _bmp
    if start[:2] in NETPBM_SAMPLES and start[2:3] in (b" ", b"\t", b"\r", b"\n"):
        return _netpbm
    return None


def _unpack(layout: str, stream: BinaryIO) -> tuple[int, ...]:
    return struct.unpack(layout, stream.read(struct.calcsize(layout)))


def _length(stream: BinaryIO) -> int:
    here = stream.tell()
    end = stream.seek(0, os.SEEK_END)
    stream.seek(here)
    return end


def _jpeg(stream: BinaryIO) -> Header:
    stream.seek(2)
    orientation = 1
    header: Header | None = None
    while True:
        lead, code = _unpack(">BB", stream)
        while code == 0xFF:  # fill bytes may precede any marker
            (code,) = _unpack(">B", stream)
        if lead != 0xFF:
            raise DamagedError("its header is broken")
        if code == 0xD9:
            raise DamagedError("it ends before its pixels")
        if code == 0x01 or 0xD0 <= code <= 0xD8:  # these stand alone, without a length
            continue
        (length,) = _unpack(">H", stream)
        if length < 2:
            raise DamagedError("its header is broken")
        after = stream.tell() + length - 2
        if code == 0xDA:
            break
        if code == 0xE1 and stream.read(6) == b"Exif\0\0":
            orientation = _exif_orientation(stream.read(max(0, length - 8))) or orientation
        elif 0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC):
            header = _jpeg_frame(stream, progressive=code in (0xC2, 0xC6, 0xCA, 0xCE))
        stream.seek(after)
    if header is None:
        raise DamagedError("its header gives no size")
    # Compressed data escapes every 0xFF, so an end marker after the first scan is the true end of the picture: mostly that of the file.
    for start in (max(after, _length(stream) - JPEG_END), after):
        stream.seek(start)
        if _contains(stream, b"\xff\xd9"):
            return replace(header, orientation=orientation)
    raise DamagedError("it is cut off before its end")


def _jpeg_frame(stream: BinaryIO, *, progressive: bool) -> Header:
    _, height, width, count = _unpack(">BHHB", stream)
    if not 1 <= count <= 4:
        raise DamagedError(f"its header says {count} colour components")
    factors = [_unpack(">BBB", stream)[1] for _ in range(count)]
    areas = [(factor >> 4) * (factor & 15) for factor in factors]
    if min(areas) == 0:
        raise DamagedError("its header is broken")
    # A progressive photo keeps 2 bytes for every coefficient of every component until its last scan, however small it is decoded.
    largest = max(f >> 4 for f in factors) * max(f & 15 for f in factors)
    return Header("JPEG", width, height, 2 * sum(areas) / largest if progressive else 0)


def _contains(stream: BinaryIO, needle: bytes, block: int = 1 << 20) -> bool:
    tail = b""
    while data := stream.read(block):
        if needle in tail + data:
            return True
        tail = data[-(len(needle) - 1) :]
    return False


def _png(stream: BinaryIO) -> Header:
    end = _length(stream)
    stream.seek(8)
    header: Header | None = None
    orientation, has_pixels = 1, False
    while True:
        length, kind = struct.unpack(">I4s", stream.read(8))
        if stream.tell() + length + 4 > end:
            raise DamagedError("it is cut off before its end")
        if kind == b"IHDR":
            width, height, depth, color = struct.unpack_from(">IIBB", stream.read(length))
            if color not in PNG_SAMPLES:
                raise DamagedError("its header is broken")
            header = Header("PNG", width, height, PNG_SAMPLES[color] * (2 if depth == 16 else 1))
            stream.seek(-length, os.SEEK_CUR)
        if header is None:
            raise DamagedError("its header is broken")
        if kind == b"IEND":
            break
        has_pixels = has_pixels or kind == b"IDAT"
        if kind == b"eXIf":
            orientation = _exif_orientation(stream.read(length)) or orientation
            stream.seek(4, os.SEEK_CUR)
        elif kind[0] & 0x20:  # ancillary: decoders only warn about these
            stream.seek(length + 4, os.SEEK_CUR)
        else:
            _check_crc(stream, kind, length)
    if not has_pixels:
        raise DamagedError("it holds no pixels")
    return replace(header, orientation=orientation)


def _check_crc(stream: BinaryIO, kind: bytes, length: int, block: int = 1 << 20) -> None:
    crc = zlib.crc32(kind)
    while length:
        data = stream.read(min(length, block))
        if not data:
            raise DamagedError("it is cut off before its end")
        crc = zlib.crc32(data, crc)
        length -= len(data)
    if _unpack(">I", stream)[0] != crc:
        raise DamagedError("a checksum in it is wrong")


def _gif(stream: BinaryIO) -> Header:
    stream.seek(6)
    width, height = _unpack("<HH", stream)
    return Header("GIF", width, height, 12)  # OpenCV keeps the picture three times


def _bmp(stream: BinaryIO) -> Header:
    stream.seek(14)
    (size,) = _unpack("<I", stream)
    if size not in BMP_HEADER_SIZES:
        raise UnknownKindError
    width, height, _, bits = _unpack("<HHHH" if size == 12 else "<iiHH", stream)
    return Header("BMP", width, abs(height), 4 if bits == 32 else 3)  # a negative height says that the top row comes first


def _webp(stream: BinaryIO) -> Header:
    end = _length(stream)
    stream.seek(12)
    size: tuple[int, int] | None = None
    orientation = 1
    while stream.tell() + 8 <= end:
        kind, length = struct.unpack("<4sI", stream.read(8))
        after = stream.tell() + length + length % 2
        if stream.tell() + length > end:
            raise DamagedError("it is cut off before its end")
        if kind == b"VP8X":
            _, low_w, high_w, low_h, high_h = _unpack("<IHBHB", stream)
            size = ((high_w << 16 | low_w) + 1, (high_h << 16 | low_h) + 1)
        elif kind == b"VP8 " and size is None:
            width, height = struct.unpack_from("<HH", stream.read(10), 6)
            size = (width & 0x3FFF, height & 0x3FFF)
        elif kind == b"VP8L" and size is None:
            (bits,) = struct.unpack_from("<I", stream.read(5), 1)
            size = ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        elif kind == b"EXIF":
            orientation = _exif_orientation(stream.read(length)) or orientation
        stream.seek(after)
    if size is None:
        raise DamagedError("its header gives no size")
    return Header("WebP", size[0], size[1], 4, orientation)


def _tiff(stream: BinaryIO) -> Header:
    tags = _tiff_tags(stream)
    if TIFF_WIDTH not in tags or TIFF_HEIGHT not in tags:
        raise DamagedError("its header gives no size")
    bits, samples = tags.get(TIFF_BITS, 1), tags.get(TIFF_SAMPLES, 1)
    # OpenCV reads 8-bit TIFF by way of 4-byte pixels.
    per_pixel = max(4.0, samples * bits / 8)
    return Header("TIFF", tags[TIFF_WIDTH], tags[TIFF_HEIGHT], per_pixel, _valid_orientation(tags.get(EXIF_ORIENTATION, 1)))


def _tiff_tags(stream: BinaryIO) -> dict[int, int]:
    """First value of each integer tag of the first image file directory."""
    stream.seek(0)
    order = {b"II": "<", b"MM": ">"}.get(stream.read(2))
    if order is None:
        raise DamagedError("its header is broken")
    (version,) = _unpack(order + "H", stream)
    big = version == 43
    if version not in (42, 43):
        raise DamagedError("its header is broken")
    if big:
        stream.seek(8)
    (offset,) = _unpack(order + ("Q" if big else "I"), stream)
    stream.seek(offset)
    (count,) = _unpack(order + ("Q" if big else "H"), stream)
    tags: dict[int, int] = {}
    room, entry = (8, 20) if big else (4, 12)
    for i in range(min(count, MAX_IFD_ENTRIES)):
        stream.seek(offset + (8 if big else 2) + i * entry)
        tag, kind, values = _unpack(order + ("HHQ" if big else "HHI"), stream)
        layout = TIFF_VALUE_FORMATS.get(kind)
        if layout is None or values < 1:
            continue
        if values * struct.calcsize(order + layout) > room:
            (where,) = _unpack(order + ("Q" if big else "I"), stream)
            stream.seek(where)
        (value,) = _unpack(order + layout, stream)
        tags.setdefault(tag, value)
    return tags


def _exif_orientation(data: bytes) -> int | None:
    """Orientation in a block of EXIF data, or None where it says nothing usable; damaged EXIF never spoils a good photo."""
    if data.startswith(b"Exif\0\0"):
        data = data[6:]
    try:
        tags = _tiff_tags(io.BytesIO(data))
    except (DamagedError, struct.error, OverflowError):
        return None
    return _valid_orientation(tags[EXIF_ORIENTATION]) if EXIF_ORIENTATION in tags else None


def _valid_orientation(value: int) -> int:
    return value if 1 <= value <= 8 else 1


def _netpbm(stream: BinaryIO) -> Header:
    words: list[bytes] = []
    text = stream.read(4096)
    wanted = 3 if text[:2] in (b"P1", b"P4") else 4  # bitmaps have no maximum value
    for line in text.split(b"\n"):
        words += line.split(b"#")[0].split()
        if len(words) >= wanted:
            break
    numbers = words[1:wanted]
    if len(numbers) < wanted - 1 or not all(word.isdigit() and len(word) < 10 for word in numbers):
        raise DamagedError("its header is broken")
    width, height, *maximum = (int(word) for word in numbers)
    depth = 2 if maximum and maximum[0] > 255 else 1
    return Header("Netpbm", width, height, NETPBM_SAMPLES[text[:2]] * depth)
