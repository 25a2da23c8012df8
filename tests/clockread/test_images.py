"""Every kind of photo that is read, and every kind that is refused, made here byte by byte."""

from __future__ import annotations

import base64
import io
import os
import struct
import sys
import threading
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import encode
from PIL import Image

from clockread import file_access, images
from clockread import pixels as pixels_module
from clockread.errors import ImageError
from clockread.image_formats import HEIC_LIBRARIES
from clockread.images import load_color, load_photo

# 16 x 16 pure red, CMYK as Adobe stores it (inverted).
CMYK_JPEG = base64.b64decode(
    "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAQCwwODAoQDg0OEhEQExgoGhgWFhgxIyUdKDozPTw5Mzg3QEhcTkBEV0U3OFBtUVdfYmdoZz5NcXlwZHhcZWdj/8AAFAgAEAAQ"
    "BEMRAE0RAFkRAEsRAP/EABUAAQEAAAAAAAAAAAAAAAAAAAAH/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAA4EQwBNAFkASwAAPwCgJ+n6gAAAAP/Z"
)


def quadrants(height: int = 64, width: int = 96) -> np.ndarray:
    """Four different greys, so that every flip and turn shows."""
    photo = np.zeros((height, width), np.uint8)
    photo[: height // 2, : width // 2] = 250
    photo[: height // 2, width // 2 :] = 170
    photo[height // 2 :, : width // 2] = 90
    return photo


def corners(pixels: np.ndarray) -> list[int]:
    h, w = pixels.shape[:2]
    return [int(pixels[y, x]) for y in (h // 4, 3 * h // 4) for x in (w // 4, 3 * w // 4)]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, depth: int, color: int, rows: bytes, *extra: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + header
        + b"".join(extra)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def exif(orientation: int, order: str = "<") -> bytes:
    mark = {"<": b"II", ">": b"MM"}[order]
    return mark + struct.pack(order + "HIHHHIHHI", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def with_exif_jpeg(data: bytes, orientation: int, order: str = "<") -> bytes:
    block = b"Exif\0\0" + exif(orientation, order)
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]


def with_exif_png(data: bytes, orientation: int) -> bytes:
    return data[:33] + chunk(b"eXIf", exif(orientation, ">")) + data[33:]


def with_exif_webp(pixels: np.ndarray, orientation: int) -> bytes:
    height, width = pixels.shape[:2]
    image = encode(
        ".webp", cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR), cv2.IMWRITE_WEBP_QUALITY, 101
    )[12:]
    size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    block = exif(orientation)
    body = (
        b"WEBPVP8X"
        + struct.pack("<I", 10)
        + b"\x08\0\0\0"
        + size
        + image
        + b"EXIF"
        + struct.pack("<I", len(block))
        + block
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff(pixels: np.ndarray, orientation: int) -> bytes:
    height, width = pixels.shape
    depth = 8 * pixels.itemsize
    tags = [
        (256, width),
        (257, height),
        (258, depth),
        (259, 1),
        (262, 1),
        (273, 8),
        (274, orientation),
        (277, 1),
        (278, height),
    ]
    tags.append((279, pixels.nbytes))
    data = pixels.tobytes()
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return (
        b"II*\0"
        + struct.pack("<I", 8 + len(data))
        + data
        + struct.pack("<H", len(tags))
        + entries
        + b"\0\0\0\0"
    )


def refusal(source: images.ImageSource) -> str:
    with pytest.raises(ImageError) as caught:
        load_photo(source)
    message = str(caught.value)
    assert "\n" not in message
    return message


class TestKinds:
    @pytest.mark.parametrize(
        "suffix", [".jpg", ".png", ".webp", ".tiff", ".bmp", ".pgm", ".ppm", ".pbm"]
    )
    def test_each_kind_gives_its_pixels(self, suffix: str) -> None:
        pixels = (
            np.where(quadrants() > 100, 255, 0).astype(np.uint8)
            if suffix == ".pbm"
            else quadrants()
        )
        photo = load_photo(
            encode(suffix, cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR) if suffix == ".ppm" else pixels)
        )
        assert photo.pixels.dtype == np.uint8
        assert photo.pixels.flags.c_contiguous
        assert (photo.width, photo.height, photo.scale, photo.name) == (96, 64, 1.0, "<bytes>")
        assert np.abs(photo.pixels.astype(int) - pixels).max() <= 3

    @pytest.mark.skipif(
        not hasattr(cv2, "imencodeanimation"), reason="OpenCV older than 4.11 writes no animations"
    )
    def test_animation_gives_its_first_picture(self) -> None:
        frames = [np.full((32, 40, 4), grey, np.uint8) for grey in (200, 10)]
        for frame in frames:
            frame[..., 3] = 255
        animation = cv2.Animation()
        animation.frames, animation.durations = frames, [100, 100]
        for suffix in (".gif", ".webp", ".png"):
            done, data = cv2.imencodeanimation(suffix, animation)
            assert done
            assert (
                abs(load_photo(data.tobytes()).pixels.mean() - 200) < 10
            )  # a GIF of grey is dithered

    def test_color_is_weighed_as_luma_and_kept_by_load_color(self) -> None:
        bgr = np.full((32, 32, 3), (10, 20, 200), np.uint8)
        data = encode(".png", bgr)
        assert (
            abs(int(load_photo(data).pixels[0, 0]) - round(0.114 * 10 + 0.587 * 20 + 0.299 * 200))
            <= 1
        )
        assert load_color(data)[0, 0].tolist() == [10, 20, 200]
        assert load_color(encode(".png", quadrants())).shape == (64, 96, 3)

    def test_what_is_transparent_shows_white(self) -> None:
        bgra = np.zeros((40, 40, 4), np.uint8)
        bgra[20:, :, 3] = 255
        bgra[30:, :, 3] = 51
        column = load_photo(encode(".png", bgra)).pixels[:, 5]
        assert [int(column[i]) for i in (5, 25, 35)] == [255, 0, 204]

    @pytest.mark.parametrize(("kind", "white"), [(np.uint8, 255), (np.uint16, 4095)])
    @pytest.mark.parametrize(
        ("brightness", "around"), [(1.0, 0), (0.93, 0), (0.87, 255), (0.2, 255)]
    )
    def test_around_white_lines_what_is_transparent_shows_black(
        self, kind: type, white: int, brightness: float, around: int
    ) -> None:
        bgra = np.zeros((40, 40, 4), kind)
        bgra[20:, :, :3] = round(white * brightness)
        bgra[20:, :, 3] = np.iinfo(kind).max
        bgra[0, 0, :3] = white  # transparent; it only shows the range of the colors
        column = load_photo(encode(".png", bgra)).pixels[:, 5]
        assert int(column[5]) == around
        assert int(column[25]) == pytest.approx(255 * brightness, abs=1)

    def test_alpha_that_was_never_filled_in_is_ignored(self) -> None:
        bgra = np.full((40, 40, 4), 77, np.uint8)
        bgra[..., 3] = 0
        assert (load_photo(encode(".png", bgra)).pixels == 77).all()

    def test_palette_with_and_without_transparency(self) -> None:
        rows = b"".join(b"\0" + bytes([0] * 10 + [1] * 10) for _ in range(20))
        palette = chunk(b"PLTE", bytes([255, 0, 0, 0, 0, 0]))
        opaque = load_photo(png(20, 20, 8, 3, rows, palette)).pixels
        assert (int(opaque[3, 3]), int(opaque[3, 15])) == (76, 0)
        clear = load_photo(png(20, 20, 8, 3, rows, palette, chunk(b"tRNS", b"\xff\x00"))).pixels
        assert (int(clear[3, 3]), int(clear[3, 15])) == (76, 255)

    def test_one_bit_png(self) -> None:
        photo = load_photo(png(16, 16, 1, 0, b"\0\xff\x00" * 16))
        assert photo.pixels[:, :8].min() == 255
        assert photo.pixels[:, 8:].max() == 0

    def test_cmyk_jpeg(self) -> None:
        assert abs(int(load_photo(CMYK_JPEG).pixels[8, 8]) - 76) <= 3

    @pytest.mark.parametrize(
        ("bits", "kind"),
        [(10, ".png"), (12, ".png"), (14, ".png"), (16, ".png"), (12, ".tiff"), (16, ".tiff")],
    )
    def test_16_bit_is_scaled_by_the_range_it_uses(self, bits: int, kind: str) -> None:
        top = (1 << bits) - 1
        ramp = np.linspace(0, top, 64 * 32).reshape(32, 64).astype(np.uint16)
        photo = load_photo(encode(kind, ramp))
        assert np.abs(photo.pixels - ramp * (255.0 / top)).max() <= 0.51

    def test_16_bit_alpha_shows_white_at_full_range(self) -> None:
        bgra = np.zeros((20, 20, 4), np.uint16)
        bgra[10:] = (4095, 4095, 4095, 65535)
        bgra[15:] = (0, 0, 0, 65535)
        pixels = load_photo(encode(".png", bgra)).pixels
        assert [int(pixels[y, 0]) for y in (0, 12, 17)] == [255, 255, 0]

    @pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32, np.int64])
    def test_alpha_has_the_range_that_it_uses(self, kind: type) -> None:
        rgba = np.full((20, 20, 4), 60, kind)
        rgba[..., 3] = 255
        rgba[10:, :, 3] = 51
        pixels = load_photo(rgba).pixels
        assert [int(pixels[y, 0]) for y in (0, 15)] == [60, 60 // 5 + 204]

    @pytest.mark.parametrize(("kind", "alpha"), [(np.int32, -1), (np.int64, 70_000), (float, 2.0)])
    def test_alpha_out_of_range_is_an_error(self, kind: type, alpha: float) -> None:
        rgba = np.zeros((20, 20, 4), kind)
        rgba[..., 3] = alpha
        with pytest.raises(ImageError, match="must be in 0"):
            load_photo(rgba)

    @pytest.mark.parametrize("kind", [".png", ".tiff"])
    def test_12_bits_of_color_in_16_keep_their_levels(self, kind: str) -> None:
        ramp = np.linspace(0, 4095, 64 * 32).reshape(32, 64).astype(np.uint16)
        photo = load_photo(encode(kind, np.dstack([ramp] * 3)))
        assert np.abs(photo.pixels - ramp * (255.0 / 4095)).max() <= 1.01


UPRIGHT = {  # EXIF 2.32: where the stored quadrants 250 170 / 90 0 end up
    1: [250, 170, 90, 0], 2: [170, 250, 0, 90], 3: [0, 90, 170, 250], 4: [90, 0, 250, 170],
    5: [250, 90, 170, 0], 6: [90, 250, 0, 170], 7: [0, 170, 90, 250], 8: [170, 0, 250, 90],
}  # fmt: skip


@pytest.mark.parametrize("reduction", [1, 2])
def test_pixels_are_converted_in_strips(monkeypatch: pytest.MonkeyPatch, reduction: int) -> None:
    """So that copies stay small."""
    monkeypatch.setattr(pixels_module, "STRIP_PIXELS", 1000)
    whole = quadrants().astype(np.uint16) * 257
    strips: list[tuple[int, int]] = []

    def strip_of(top: int, bottom: int) -> np.ndarray:
        strips.append((top, bottom))
        return whole[top:bottom]

    small = pixels_module.to_uint8(
        strip_of, (96, 64), pixels_module.scale_of(whole, "a"), reduction, color=False
    )
    assert strips == [(top, min(top + 10, 64)) for top in range(0, 64, 10)]
    assert (small == quadrants()[::reduction, ::reduction]).all()


class TestOrientation:
    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize(
        "kind", ["jpeg", "jpeg big-endian", "png", "webp", "tiff", "tiff 16 bit"]
    )
    def test_all_eight(self, kind: str, orientation: int) -> None:
        pixels = quadrants()
        data = {
            "jpeg": lambda: with_exif_jpeg(encode(".jpg", pixels), orientation),
            "jpeg big-endian": lambda: with_exif_jpeg(encode(".jpg", pixels), orientation, ">"),
            "png": lambda: with_exif_png(encode(".png", pixels), orientation),
            "webp": lambda: with_exif_webp(pixels, orientation),
            "tiff": lambda: tiff(pixels, orientation),
            "tiff 16 bit": lambda: tiff(pixels.astype(np.uint16) * 257, orientation),
        }[kind]()
        photo = load_photo(data)
        size = (64, 96) if orientation >= 5 else (96, 64)
        assert (photo.width, photo.height) == size == photo.pixels.shape[::-1]
        assert np.abs(np.array(corners(photo.pixels)) - UPRIGHT[orientation]).max() <= 3
        assert corners(load_color(data)[..., 0]) == pytest.approx(UPRIGHT[orientation], abs=3)

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_reduced(self, orientation: int) -> None:
        photo = load_photo(with_exif_jpeg(encode(".jpg", quadrants(1600, 4800)), orientation))
        assert photo.scale == 2.0
        assert (photo.width, photo.height) == ((1600, 4800) if orientation >= 5 else (4800, 1600))
        assert np.abs(np.array(corners(photo.pixels)) - UPRIGHT[orientation]).max() <= 3

    @pytest.mark.parametrize(
        "block", [b"", b"II*\0", b"II*\0\xff\xff\xff\xff", b"XX" + exif(6)[2:], exif(99)]
    )
    def test_damaged_exif_spoils_nothing(self, block: bytes) -> None:
        data = encode(".jpg", quadrants())
        block = b"Exif\0\0" + block
        data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]
        assert corners(load_photo(data).pixels) == pytest.approx(UPRIGHT[1], abs=3)


class TestReduction:
    @pytest.mark.parametrize(
        ("size", "scale"),
        [
            ((4095, 100), 1),
            ((4096, 100), 2),
            ((4097, 101), 2),
            ((8191, 100), 2),
            ((8192, 128), 4),
            ((16384, 128), 8),
            ((60000, 200), 8),
        ],
    )
    @pytest.mark.parametrize("kind", [".jpg", ".png"])
    def test_only_while_the_long_side_keeps_2048(
        self, size: tuple[int, int], scale: int, kind: str
    ) -> None:
        width, height = size
        photo = load_photo(encode(kind, np.full((height, width), 99, np.uint8)))
        assert (photo.width, photo.height, photo.scale) == (width, height, scale)
        assert max(photo.pixels.shape) >= images.DECODE_MIN_SIDE
        for full, decoded in zip((height, width), photo.pixels.shape, strict=True):
            assert abs(full / scale - decoded) < 1
        assert np.abs(photo.pixels.astype(int) - 99).max() <= 1

    def test_reduced_pixels_cover_the_pixels_that_scale_says(self) -> None:
        pixels = np.zeros((512, 4096), np.uint8)
        pixels[100:164, 1000:1064] = 255
        for source in (encode(".jpg", pixels), encode(".png", pixels), pixels):
            photo = load_photo(source)
            ys, xs = np.nonzero(photo.pixels > 127)
            bounds = [ys.min() * 2, (ys.max() + 1) * 2, xs.min() * 2, (xs.max() + 1) * 2]
            assert bounds == [100, 164, 1000, 1064]

    def test_strips_join_without_a_seam(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pixels = np.random.default_rng(1).integers(0, 65535, (303, 200, 4), dtype=np.uint16)
        encoded = encode(".png", (pixels >> 8).astype(np.uint8))
        whole, whole_encoded = (
            load_photo(pixels, min_side=100).pixels,
            load_photo(encoded, min_side=100).pixels,
        )
        monkeypatch.setattr(pixels_module, "STRIP_PIXELS", 1000)
        assert np.array_equal(load_photo(pixels, min_side=100).pixels, whole)
        assert np.array_equal(load_photo(encoded, min_side=100).pixels, whole_encoded)
        assert whole.shape == (151, 100)

    def test_color_is_full_size_unless_asked(self) -> None:
        data = encode(".jpg", np.zeros((64, 4096), np.uint8))
        assert load_color(data).shape == (64, 4096, 3)
        assert load_color(data, min_side=images.DECODE_MIN_SIDE).shape == (32, 2048, 3)


class TestLimits:
    def huge_jpeg(self, width: int, height: int, frame: int = 0xC0) -> bytes:
        small = encode(".jpg", quadrants(16, 16))
        at = small.index(b"\xff\xc0")
        return (
            small[:at]
            + bytes([0xFF, frame])
            + small[at + 2 : at + 5]
            + struct.pack(">HH", height, width)
            + small[at + 9 :]
        )

    def test_png_header_of_20000_squared_is_refused_unread(self) -> None:
        rows = b"\0" * 100
        message = refusal(png(20000, 20000, 8, 2, rows))
        assert "20000 x 20000" in message
        assert "the limit is 400 MB" in message

    def test_more_than_400_million_pixels_are_refused(self) -> None:
        for data in (png(30000, 30000, 1, 0, b"\0"), self.huge_jpeg(65000, 65000)):
            assert "the limit is 400 million" in refusal(data)

    def test_progressive_jpeg_is_refused_where_it_would_take_gigabytes(self) -> None:
        assert "not progressive" in refusal(self.huge_jpeg(20000, 20000, 0xC2))

    @pytest.mark.parametrize(("kind", "limit"), [("JPEG", 8), ("PNG", 1)])
    def test_a_photo_is_refused_before_a_pixel_is_decoded(
        self, kind: str, limit: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def decode(*_: object) -> None:
            raise AssertionError("its pixels are decoded")

        monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decode)
        data = self.huge_jpeg(65000, 65000) if kind == "JPEG" else png(20000, 20000, 8, 2, b"\0")
        assert "too large" in refusal(data)

    def test_a_small_file_does_not_hold_many_pixels(self) -> None:
        assert "a decompression bomb: 9000 x 9000 pixels in 66 bytes" in refusal(
            png(9000, 9000, 8, 0, b"\0")
        )
        white = encode(
            ".png", np.full((6000, 6000), 255, np.uint8)
        )  # the most that PNG can be compressed
        assert load_photo(white).width == 6000

    def test_a_flat_picture_that_takes_less_than_64_mb_is_read_whatever_its_file_has(self) -> None:
        picture = io.BytesIO()
        Image.new("RGB", (1900, 1900), "white").save(picture, "WEBP", lossless=True)
        assert len(picture.getvalue()) < 200
        assert load_photo(picture.getvalue()).width == 1900

    def test_a_large_jpeg_is_decoded_reduced(self) -> None:
        data = encode(".jpg", np.full((2000, 16400), 90, np.uint8))
        assert load_photo(data).pixels.shape == (250, 2050)
        assert load_photo(data, min_side=None).pixels.shape == (2000, 16400)

    @pytest.mark.parametrize("kind", [".jpg", ".png", ".bmp", ".webp", ".tiff"])
    def test_one_pixel(self, kind: str) -> None:
        assert "too small: 1 x 1 pixels, the minimum is 16" in refusal(
            encode(kind, np.zeros((1, 1), np.uint8))
        )

    def test_sixteen_pixels_are_enough(self) -> None:
        assert load_photo(encode(".png", np.zeros((16, 16), np.uint8))).pixels.shape == (16, 16)
        assert "too small" in refusal(encode(".png", np.zeros((15, 300), np.uint8)))


class TestBadFiles:
    def test_missing(self, tmp_path: Path) -> None:
        assert refusal(tmp_path / "none.png").startswith(f"{tmp_path}/none.png: no such file")

    def test_empty(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jpg"
        path.touch()
        assert "empty file" in refusal(str(path))
        assert "empty" in refusal(b"")

    def test_text_renamed(self, tmp_path: Path) -> None:
        path = tmp_path / "a.png"
        path.write_text("this is no picture\n" * 50)
        assert "its content is not a photo" in refusal(path)

    @pytest.mark.parametrize("kind", [".jpg", ".png", ".webp", ".tiff", ".bmp", ".pgm"])
    @pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.99])
    def test_truncated(self, kind: str, share: float, capfd: pytest.CaptureFixture[str]) -> None:
        pixels = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
        data = encode(kind, cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY) if kind == ".pgm" else pixels)
        assert "damaged" in refusal(data[: max(16, int(len(data) * share))])
        assert capfd.readouterr() == ("", "")

    @pytest.mark.parametrize("kind", [".png", ".bmp", ".pgm"])
    def test_the_end_that_is_missing_is_the_problem(self, kind: str) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (120, 160), dtype=np.uint8)
        data = encode(kind, noise)
        said = refusal(data[: len(data) // 2])
        assert "damaged: it is cut off before its end; copy it again, or read" in said

    def test_another_damage_is_named(self) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (120, 160), dtype=np.uint8)
        data = bytearray(encode(".png", noise))
        data[2000:2100] = bytes(100)
        assert "damaged: its pixels cannot be decoded (" in refusal(bytes(data))

    @pytest.mark.parametrize("more", [1, 63, 64, 65, 5000])
    @pytest.mark.parametrize("progressive", [0, 1])
    def test_a_jpeg_is_whole_if_its_pixels_are(self, more: int, progressive: int) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
        data = encode(".jpg", noise, cv2.IMWRITE_JPEG_PROGRESSIVE, progressive)
        whole = load_photo(data)
        assert whole.notes == ()
        np.testing.assert_array_equal(load_photo(data + bytes(more)).pixels, whole.pixels)
        for ended in (data[:-2], data[:-1], data[:-2] + bytes(more), data[:-2] + b"\xff"):
            photo = load_photo(ended)
            np.testing.assert_array_equal(photo.pixels, whole.pixels)
            assert "end marker is missing" in photo.notes[0]

    def test_a_jpeg_whose_pixels_end_in_zeros_is_whole_among_zeros(self) -> None:
        """As of photos that a broken download filled up with zeros after their last byte."""
        rng = np.random.default_rng(0)
        encoded = (
            encode(".jpg", rng.integers(0, 256, (16, 16), dtype=np.uint8)) for _ in range(30_000)
        )
        data = next(data for data in encoded if data[-3] == 0 and data[-4] != 0xFF)
        photo = load_photo(data[:-2] + bytes(100))
        np.testing.assert_array_equal(photo.pixels, load_photo(data).pixels)
        assert "end marker is missing" in photo.notes[0]

    @pytest.mark.parametrize("progressive", [0, 1])
    @pytest.mark.parametrize("share", [0.5, 0.9, 0.98])
    def test_a_jpeg_that_is_cut_is_refused_or_read_as_far_as_it_goes(
        self, share: float, progressive: int
    ) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
        data = encode(".jpg", noise, cv2.IMWRITE_JPEG_PROGRESSIVE, progressive)
        whole = load_photo(data).pixels
        for cut in (data[: int(len(data) * share)], data[: int(len(data) * share)] + bytes(3000)):
            assert "cut off before its end" in refusal(cut)
            assert "with the option lenient" in refusal(cut)
            photo = load_photo(cut, lenient=True)
            assert "only a part" in photo.notes[0]
            if not progressive:
                rows = int(120 * share) - 16
                np.testing.assert_array_equal(photo.pixels[:rows], whole[:rows])
            assert photo.in_color() is not None

    def test_the_end_of_a_thumbnail_is_not_the_photos(self) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (120, 160), dtype=np.uint8)
        data = encode(".jpg", noise)
        thumbnail = b"\xff\xe2" + struct.pack(">H", 2 + len(CMYK_JPEG)) + CMYK_JPEG
        assert "cut off before its end" in refusal(data[:2] + thumbnail + data[2:-500] + bytes(100))

    @pytest.mark.parametrize("kind", [".png", ".bmp", ".tiff"])
    def test_other_photos_that_are_cut_are_read_as_far_as_they_go(self, kind: str) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (120, 160), dtype=np.uint8)
        options = [cv2.IMWRITE_TIFF_COMPRESSION, 1] if kind == ".tiff" else []
        data = encode(kind, noise, *options)
        cut = data[: int(0.7 * len(data))]
        if kind == ".tiff":  # whose directory is at the end
            cut = tiff(noise, 1)[:9000] + tiff(noise, 1)[-500:]
        message = refusal(data[: int(0.7 * len(data))])
        assert "damaged" in message
        if kind != ".tiff":
            assert "with the option lenient" in message
            assert load_photo(cut, lenient=True).pixels.any()

    def test_a_png_without_its_end_is_read(self) -> None:
        data = encode(".png", quadrants())
        photo = load_photo(data[:-12])
        np.testing.assert_array_equal(photo.pixels, quadrants())
        assert "IEND" in photo.notes[0]
        assert load_photo(data).notes == ()

    def test_png_without_pixels(self, capfd: pytest.CaptureFixture[str]) -> None:
        data = encode(".png", quadrants())
        assert "damaged" in refusal(data[:33] + chunk(b"IEND", b""))
        assert capfd.readouterr() == ("", "")

    def test_a_wrong_checksum_is_found_without_a_word_of_libpng(
        self, capfd: pytest.CaptureFixture[str]
    ) -> None:
        data = bytearray(encode(".png", quadrants()))
        data[60] ^= 1
        assert "damaged" in refusal(bytes(data))
        assert capfd.readouterr() == ("", "")

    def test_folder(self, tmp_path: Path) -> None:
        assert "a folder, not a photo" in refusal(tmp_path)

    def test_broken_link(self, tmp_path: Path) -> None:
        link = tmp_path / "a.jpg"
        link.symlink_to("gone.jpg")
        assert "broken symbolic link to gone.jpg" in refusal(link)

    def test_link_to_itself(self, tmp_path: Path) -> None:
        link = tmp_path / "a.jpg"
        link.symlink_to("a.jpg")
        assert "not a usable path" in refusal(link)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
    def test_a_silent_pipe_and_a_device_do_not_block(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(file_access, "PIPE_WAIT", 0.05)
        pipe = tmp_path / "a.jpg"
        os.mkfifo(pipe)
        assert "nothing was written" in refusal(pipe)
        assert "a device or a socket" in refusal("/dev/zero")
        monkeypatch.setattr(os, "open", lambda *_: os.fstat(-1))  # an OSError
        assert "this pipe cannot be read (Bad file descriptor)" in refusal(pipe)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
    def test_a_pipe_is_read_to_its_end(self, tmp_path: Path) -> None:
        pipe = tmp_path / "a.jpg"
        os.mkfifo(pipe)
        data = encode(".bmp", np.tile(quadrants(), (5, 5)))  # more than a pipe holds at once
        assert len(data) > 100_000

        def write() -> None:
            with pipe.open("wb") as file:
                for start in range(0, len(data), 50_000):
                    file.write(data[start : start + 50_000])
                    file.flush()
                    time.sleep(0.02)

        writer = threading.Thread(target=write)
        writer.start()
        photo = load_photo(pipe)
        writer.join()
        assert (photo.name, photo.width) == (str(pipe), 480)
        assert photo.in_color() is not None, "what was read is kept: a pipe gives it once"

    @pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file"
    )
    def test_unreadable(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jpg"
        path.write_bytes(encode(".jpg", quadrants()))
        path.chmod(0)
        assert "no permission" in refusal(path)

    def test_unreadable_for_root_too(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "a.jpg"
        path.write_bytes(encode(".jpg", quadrants()))

        def deny(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", deny)
        assert "no permission" in refusal(path)

    def test_names_cannot_break_the_line(self) -> None:
        assert refusal("a\nb\x1b[31m.png").startswith(r"a\nb\x1b[31m.png: no such file")
        assert "not a usable path" in refusal("a\0b")
        assert "empty path" in refusal("")
        assert len(refusal("x" * 5000)) < 500

    def test_heic_without_its_extra_says_how_to_read_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for library in HEIC_LIBRARIES:
            monkeypatch.setitem(sys.modules, library, None)
        assert "pip install pi-heif" in refusal(b"\0\0\0\x18ftypheic" + b"\0" * 100)

    @pytest.mark.parametrize(
        ("start", "what"),
        [
            (b"\0\0\0\x18ftypisom\0\0\2\0", "a video"),
            (b"\0\0\0\x14ftypqt  ", "a video"),
            (b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska", "a video"),
            (b"RIFF\0\0\0\0AVI LIST", "a video"),
            (b"%PDF-1.7\n", "a PDF"),
            (b"8BPS\0\1", "a Photoshop file"),
            (b"\xff\x0a\xfa\x1f", "JPEG XL"),
            (b"<svg xmlns=", "an SVG drawing"),
            (b"PK\3\4\x14\0", "a ZIP archive"),
            (b"\0\0\0\x18ftypcrx ", "a camera's raw file"),
        ],
    )
    def test_other_files_are_named_for_what_they_are(self, start: bytes, what: str) -> None:
        assert what in refusal(start + b"\0" * 100)

    @pytest.mark.parametrize("source", [None, 3, [1, 2], {"a": 1}])
    def test_other_objects(self, source: object) -> None:
        assert "not a photo" in refusal(source)  # type: ignore[arg-type]


class TestArrays:
    def test_shapes(self) -> None:
        grey = quadrants()
        for array in (
            grey,
            grey[..., None],
            np.repeat(grey[..., None], 3, axis=2),
            np.dstack([grey] * 3 + [np.full_like(grey, 255)]),
        ):
            photo = load_photo(array)
            assert (photo.name, photo.width, photo.height) == ("<array>", 96, 64)
            assert np.abs(photo.pixels.astype(int) - grey).max() <= 1

    def test_colors_are_rgb(self) -> None:
        red = np.zeros((20, 20, 3), np.uint8)
        red[..., 0] = 200
        assert load_photo(red).pixels[0, 0] == round(0.299 * 200)
        assert load_color(red)[0, 0].tolist() == [0, 0, 200]

    def test_floats_are_0_to_1(self) -> None:
        for dtype in (np.float16, np.float32, np.float64):
            assert (load_photo(np.full((20, 20), 0.5, dtype)).pixels == 128).all()
        assert "0..1" in refusal(np.full((20, 20), 255.0))
        assert "0..1" in refusal(np.full((20, 20, 3), -0.5))

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_not_finite(self, bad: float) -> None:
        array = np.zeros((20, 20), np.float32)
        array[3, 4] = bad
        assert "NaN or infinite" in refusal(array)

    @pytest.mark.parametrize("dtype", [object, complex, "U1", "M8[s]"])
    def test_wrong_types(self, dtype: type) -> None:
        assert "not supported" in refusal(np.zeros((20, 20), dtype))

    @pytest.mark.parametrize(
        "shape", [(), (20,), (20, 20, 2), (3, 20, 20), (20, 20, 3, 1), (20, 20, 0)]
    )
    def test_wrong_shapes(self, shape: tuple[int, ...]) -> None:
        assert "shape" in refusal(np.zeros(shape, np.uint8))

    def test_empty_and_small(self) -> None:
        assert "empty array" in refusal(np.zeros((0, 20), np.uint8))
        assert "too small" in refusal(np.zeros((1, 1), np.uint8))

    def test_views_big_endian_and_read_only(self) -> None:
        grey = quadrants()
        assert np.array_equal(load_photo(grey[::-1, ::-1]).pixels, grey[::-1, ::-1])
        assert np.array_equal(load_photo(grey.astype(">u2") * 257).pixels, grey)
        grey.flags.writeable = False
        assert np.array_equal(load_photo(grey).pixels, grey)

    def test_the_photo_does_not_share_the_callers_memory(self) -> None:
        grey = quadrants()
        photo = load_photo(grey)
        grey[:] = 0
        assert photo.pixels.max() == 250


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_photo_can_be_had_in_color_at_its_decoded_size(tmp_path: Path, suffix: str) -> None:
    image = np.zeros((300, 400, 3), np.uint8)
    image[:, :, 2] = 200  # red
    path = tmp_path / f"red{suffix}"
    cv2.imwrite(str(path), image)
    for source in (path, path.read_bytes(), np.ascontiguousarray(image[:, :, ::-1])):
        photo = load_photo(source)
        color = photo.in_color()
        assert color is not None
        assert color.shape == (*photo.pixels.shape, 3)
        np.testing.assert_allclose(color[150, 200], (0, 0, 200), atol=4)
    reduced = load_photo(path, min_side=200).in_color()
    assert reduced is not None
    assert reduced.shape == (150, 200, 3)


def test_no_color_of_a_photo_that_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.zeros((30, 40), np.uint8))
    photo = load_photo(path)
    path.unlink()
    assert photo.in_color() is None


class TestRareButGood:
    """Files that other programs write and OpenCV does not."""

    def test_a_large_color_tiff(self) -> None:
        bgr = np.full((1500, 2000, 3), (10, 20, 200), np.uint8)
        bgr[:, :1000] = 90
        photo = load_photo(encode(".tiff", bgr))
        assert (photo.width, photo.height) == (2000, 1500)
        assert [int(photo.pixels[700, x]) for x in (500, 1500)] == pytest.approx([90, 73], abs=1)

    @pytest.mark.parametrize("dtype", [">u2", ">u1"])
    def test_a_big_endian_tiff(self, dtype: str) -> None:
        pixels = quadrants()
        data = (pixels.astype(dtype) * (257 if dtype == ">u2" else 1)).astype(dtype).tobytes()
        bits = 16 if dtype == ">u2" else 8
        tags = [
            (256, 96),
            (257, 64),
            (258, bits),
            (259, 1),
            (262, 1),
            (273, 8),
            (277, 1),
            (278, 64),
            (279, len(data)),
        ]
        entries = b"".join(struct.pack(">HHII", tag, 4, 1, value) for tag, value in tags)
        file = (
            b"MM\0*"
            + struct.pack(">I", 8 + len(data))
            + data
            + struct.pack(">H", len(tags))
            + entries
            + b"\0\0\0\0"
        )
        assert corners(load_photo(file).pixels) == UPRIGHT[1]

    def test_a_big_tiff(self) -> None:
        data = quadrants().tobytes()
        tags = [
            (256, 96),
            (257, 64),
            (258, 8),
            (259, 1),
            (262, 1),
            (273, 16),
            (277, 1),
            (278, 64),
            (279, len(data)),
        ]
        entries = b"".join(struct.pack("<HHQQ", tag, 4, 1, value) for tag, value in tags)
        start = b"II+\0" + struct.pack("<HHQ", 8, 0, 16 + len(data))
        assert (
            corners(
                load_photo(start + data + struct.pack("<Q", len(tags)) + entries + bytes(8)).pixels
            )
            == UPRIGHT[1]
        )

    def test_a_bmp_from_top_to_bottom(self) -> None:
        pixels = np.repeat(quadrants()[..., None], 3, axis=2)
        header = struct.pack(
            "<2sIHHIIiiHHIIiiII",
            b"BM",
            54 + pixels.nbytes,
            0,
            0,
            54,
            40,
            96,
            -64,
            1,
            24,
            0,
            pixels.nbytes,
            0,
            0,
            0,
            0,
        )
        assert corners(load_photo(header + pixels.tobytes()).pixels) == UPRIGHT[1]

    @pytest.mark.parametrize("comment", [b"# CREATOR: GIMP\n", b"# one\n# two\n"])
    def test_a_netpbm_file_with_comments(self, comment: bytes) -> None:
        assert (
            corners(load_photo(b"P5\n" + comment + b"96 64\n255\n" + quadrants().tobytes()).pixels)
            == UPRIGHT[1]
        )

    def test_a_lossy_webp(self) -> None:
        data = encode(
            ".webp", cv2.cvtColor(quadrants(), cv2.COLOR_GRAY2BGR), cv2.IMWRITE_WEBP_QUALITY, 80
        )
        assert b"VP8 " in data
        assert corners(load_photo(data).pixels) == pytest.approx(UPRIGHT[1], abs=4)

    def test_a_jpeg_with_fill_bytes_before_a_marker(self) -> None:
        data = encode(".jpg", quadrants())
        assert corners(load_photo(data[:2] + b"\xff\xff" + data[2:]).pixels) == pytest.approx(
            UPRIGHT[1], abs=3
        )

    @pytest.mark.xfail(
        strict=True,
        reason="Pillow refuses any wrong checksum; viewers ignore those of ancillary chunks",
    )
    def test_a_wrong_checksum_of_a_png_text_is_no_harm(self) -> None:
        data = encode(".png", quadrants())
        text = bytearray(chunk(b"tEXt", b"Title\0a clock"))
        text[-1] ^= 1
        assert corners(load_photo(data[:33] + bytes(text) + data[33:]).pixels) == UPRIGHT[1]

    def test_the_end_marker_may_stand_far_from_the_end(self) -> None:
        data = encode(".jpg", quadrants())
        assert load_photo(data + bytes(range(256)) * 5000).notes == ()


class TestReducedPixels:
    def test_stripes_become_their_mean(self) -> None:
        stripes = np.tile(np.array([[0, 255]], np.uint8), (64, 2048))
        for source in (encode(".png", stripes), stripes, encode(".tiff", stripes)):
            photo = load_photo(source)
            assert photo.scale == 2
            assert np.abs(photo.pixels.astype(int) - 127).max() <= 2
            color = photo.in_color()
            assert color is not None
            assert np.abs(color.astype(int) - 127).max() <= 2

    def test_a_photo_in_color_is_decoded_as_the_grey_one_was(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jpg"
        path.write_bytes(encode(".jpg", np.full((400, 600, 3), 90, np.uint8)))
        photo = load_photo(path, min_side=300)
        assert photo.pixels.shape == (200, 300)
        assert load_color(photo).shape == (200, 300, 3)
        path.write_bytes(encode(".jpg", np.full((800, 600, 3), 90, np.uint8)))
        assert photo.in_color() is None, "another photo took its place"


class TestMemory:
    def test_color_takes_more_than_grey(self) -> None:
        data = TestLimits().huge_jpeg(12000, 9000)
        with pytest.raises(ImageError, match=r"take 432 MB to decode, the limit is 400 MB"):
            load_color(data)

    @pytest.mark.parametrize(
        ("depth", "color", "mb"), [(8, 2, None), (16, 0, None), (16, 2, "432"), (8, 6, None)]
    )
    def test_depth_counts(self, depth: int, color: int, mb: str | None) -> None:
        size = (6000, 4500)  # 27 million pixels
        rows = bytes(6000 * {0: 2, 2: 3, 6: 4}[color] * (depth // 8) + 1) * 30
        data = png(*size, depth, color, rows)
        message = refusal(data)
        assert (f"take {mb} MB" in message) == (mb is not None)

    @pytest.mark.parametrize(
        ("rows", "message"),
        [(9000, "9000 x 9000 pixels of this TIFF take 405 MB"), (10, "a decompression bomb")],
    )
    def test_strips_of_a_tiff_count(self, rows: int, message: str) -> None:
        tags = [
            (256, 9000),
            (257, 9000),
            (258, 8),
            (259, 5),
            (262, 1),
            (273, 8),
            (277, 1),
            (278, rows),
            (279, 100),
        ]
        entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
        assert message in refusal(
            b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(100)
        )

    @pytest.mark.parametrize("size", [499_999_999, 500_000_001])
    def test_a_file_of_more_than_500_mb_is_refused_unread(self, size: int, tmp_path: Path) -> None:
        path = tmp_path / "a.png"
        with path.open("wb") as file:
            file.truncate(size)  # takes no room on the disk
        assert ("more than the limit of 500,000,000" in refusal(path)) == (size > 500_000_000)

    def test_more_than_the_limit_from_an_open_file_is_refused(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(file_access, "MAX_FILE_BYTES", 5000)
        assert "more bytes than the limit of 5,000" in refusal(io.BytesIO(bytes(5001)))
        assert "more bytes" not in refusal(io.BytesIO(bytes(5000)))

    def test_a_folder_that_may_not_be_looked_into(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def deny(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "stat", deny)
        assert "no permission to look into its folder" in refusal(tmp_path / "a.jpg")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_rows_and_columns_that_fill_no_square_are_left_out_at_the_upright_end(
    orientation: int,
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (33, 67), dtype=np.uint8)
    data = with_exif_png(encode(".png", noise), orientation)
    upright = load_photo(data, min_side=None).pixels
    np.testing.assert_array_equal(
        load_photo(data, min_side=33).pixels, load_photo(upright, min_side=33).pixels
    )


def test_a_tiny_image_of_pillow_is_refused() -> None:
    assert "too small: 15 x 40 pixels" in refusal(Image.new("L", (15, 40)))
