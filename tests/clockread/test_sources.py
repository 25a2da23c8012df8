"""Everything that a photo can be handed over as, and every format with the tools that write it."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import pytest
from PIL import Image

from clockread import image_files
from clockread.errors import ImageError, ImageTooLargeError
from clockread.image_formats import HEIC_LIBRARIES
from clockread.images import Photo, frames_of, load_color, load_frames, load_photo, name_of, size_of

GREY = np.linspace(0, 255, 96 * 64).reshape(64, 96).astype(np.uint8)
RGB = np.dstack([GREY, GREY[::-1], np.full_like(GREY, 60)])


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "options", "tolerance"),
    [
        ("PNG", {}, 1), ("JPEG", {"quality": 95}, 6), ("WEBP", {"lossless": True}, 1),
        ("AVIF", {"quality": 95}, 8),
        ("JPEG2000", {}, 1), ("BMP", {}, 1), ("PPM", {}, 1), ("TIFF", {}, 1),
        ("TIFF", {"compression": "tiff_lzw"}, 1), ("TIFF", {"compression": "zstd"}, 1),
        ("TIFF", {"compression": "lzma"}, 1), ("TIFF", {"compression": "tiff_deflate"}, 1),
        ("GIF", {}, 60),
    ],
)  # fmt: skip
def test_every_format_gives_its_pixels(kind: str, options: dict[str, Any], tolerance: int) -> None:
    if options.get("compression") == "zstd" and int(PIL.__version__.split(".")[0]) < 12:
        pytest.skip("Pillow before 12 damages its memory when it writes this")
    photo = load_photo(encoded(Image.fromarray(RGB), kind, **options))
    assert (photo.width, photo.height, photo.scale, photo.notes) == (96, 64, 1.0, ())
    expected = np.asarray(Image.fromarray(RGB).convert("L"), int)
    assert np.abs(photo.pixels.astype(int) - expected).max() <= tolerance


@pytest.mark.parametrize("library", HEIC_LIBRARIES)
def test_heic(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    heif = pytest.importorskip("pillow_heif", reason="writes the photo")
    pytest.importorskip(library, reason="reads it")
    heif.register_heif_opener()
    data = encoded(Image.fromarray(RGB), "HEIF", quality=95)
    for other in {*HEIC_LIBRARIES} - {library}:
        monkeypatch.setitem(sys.modules, other, None)
    photo = load_photo(data)
    assert (
        np.abs(photo.pixels.astype(int) - np.asarray(Image.fromarray(RGB).convert("L"), int)).mean()
        < 4
    )


@pytest.mark.parametrize(
    "mode",
    [
        "1",
        "L",
        "LA",
        "P",
        "RGB",
        "RGBA",
        "CMYK",
        "YCbCr",
        "HSV",
        "I;16",
        "I",
        "F",
        "PA",
        "La",
        "RGBa",
    ],
)
def test_an_image_of_pillow_is_read_in_every_mode(mode: str) -> None:
    image = Image.fromarray(RGB)
    if mode in ("I;16", "I", "F"):
        values = {
            "I;16": GREY.astype(np.uint16) * 257,
            "I": GREY.astype(np.int32),
            "F": (GREY / 255).astype(np.float32),
        }[mode]
        image = Image.fromarray(values)
    elif mode in ("La", "RGBa", "PA"):
        image = image.convert({"La": "LA", "RGBa": "RGBA", "PA": "RGBA"}[mode]).convert(
            mode if mode != "PA" else "RGBA"
        )
    else:
        image = image.convert(mode)
    photo = load_photo(image)
    expected = GREY if mode in ("I;16", "I", "F") else np.asarray(Image.fromarray(RGB).convert("L"))
    assert (photo.name, photo.width, photo.height) == ("<image>", 96, 64)
    tolerance = {"1": 255, "P": 40}.get(mode, 4)
    assert np.abs(photo.pixels.astype(int) - expected).max() <= tolerance
    color = photo.in_color()
    assert color is not None
    assert color.shape == (64, 96, 3)


def test_an_image_of_pillow_is_turned_as_its_exif_says(tmp_path: Path) -> None:
    path = tmp_path / "turned.jpg"
    image = Image.fromarray(GREY)
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(path, exif=exif)
    with Image.open(path) as opened:
        photo = load_photo(opened)
        assert photo.name == str(path)
    assert (photo.width, photo.height) == (64, 96)
    assert np.array_equal(photo.pixels, load_photo(path).pixels)


def test_a_closed_image_of_pillow_is_an_image_error(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(GREY).save(path)
    with Image.open(path) as image:
        pass
    with pytest.raises(ImageError):
        load_photo(image)


def test_open_files_are_read_from_where_they_stand(tmp_path: Path) -> None:
    data = encoded(Image.fromarray(GREY), "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    with path.open("rb") as file:
        photo = load_photo(file)
    assert (photo.name, photo.width) == (str(path), 96)
    assert photo.in_color() is not None, "also when the file is closed"
    buffer = io.BytesIO(b"ab" + data)
    buffer.seek(2)
    assert load_photo(buffer).name == "<file>"
    with path.open("rb", buffering=0) as raw:
        assert np.array_equal(load_photo(raw).pixels, GREY)


@pytest.mark.parametrize("wrong", ["text", "closed", "coroutine"])
def test_a_file_that_gives_no_bytes_is_said(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text("words")
    if wrong == "text":
        with path.open() as file, pytest.raises(ImageError, match="not bytes"):
            load_photo(file)  # type: ignore[arg-type]
    elif wrong == "closed":
        with path.open("rb") as closed:
            pass
        with pytest.raises(ImageError, match="cannot be read"):
            load_photo(closed)
    else:

        class Upload:
            def read(self, size: int = -1) -> object:
                return object()

        with pytest.raises(ImageError, match="not bytes"):
            load_photo(Upload())  # type: ignore[arg-type]


def test_what_numpy_takes_as_an_array_is_one() -> None:
    class Tensor:
        def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
            return GREY

    class Elsewhere:
        def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
            raise TypeError("can't convert a cuda tensor")

    photo = load_photo(Tensor())
    assert photo.name == "<array>"
    assert np.array_equal(photo.pixels, GREY)
    with pytest.raises(ImageError, match="convert it to a numpy array"):
        load_photo(Elsewhere())


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint32, np.int16, np.uint64])
def test_whole_numbers_are_taken_by_the_range_they_use(dtype: type) -> None:
    assert np.array_equal(load_photo(GREY.astype(dtype)).pixels, GREY)
    twelve = GREY.astype(dtype) * 16
    assert np.abs(load_photo(twelve).pixels.astype(int) - GREY).max() <= 1
    if np.issubdtype(dtype, np.signedinteger):
        with pytest.raises(ImageError, match=r"-3\.\.255"):
            load_photo(np.where(GREY == 9, -3, GREY.astype(dtype)))
    if dtype != np.int16:
        with pytest.raises(ImageError, match=r"0\.\.70000"):
            load_photo(np.where(GREY == 9, 70000, GREY.astype(dtype)))


def test_bool_is_black_and_white() -> None:
    assert np.array_equal(load_photo(GREY > 99).pixels, np.where(GREY > 99, 255, 0))


def test_floats_may_overshoot_a_little() -> None:
    """As filters make them: 1.0000001 is no reason to refuse a photo."""
    pixels = np.linspace(-0.02, 1.0000001, 64 * 96).reshape(64, 96)
    photo = load_photo(pixels)
    assert (photo.pixels.min(), photo.pixels.max()) == (0, 255)


@pytest.mark.parametrize("way", ["png", "array", "image"])
def test_white_on_transparent_shows(way: str) -> None:
    rgba = np.full((64, 96, 4), 255, np.uint8)
    rgba[..., 3] = 0
    rgba[20:40, 30:60, 3] = 255
    source = {
        "png": encoded(Image.fromarray(rgba), "PNG"),
        "array": rgba,
        "image": Image.fromarray(rgba),
    }[way]
    photo = load_photo(source)
    assert (int(photo.pixels[30, 45]), int(photo.pixels[5, 5])) == (255, 0)
    assert load_color(source)[5, 5].tolist() == [0, 0, 0]


@pytest.mark.parametrize("grey", [0, 100, 180])
def test_what_shows_on_white_stays_on_white(grey: int) -> None:
    rgba = np.full((64, 96, 4), grey, np.uint8)
    rgba[..., 3] = 0
    rgba[20:40, 30:60, 3] = 255
    assert load_photo(rgba).pixels[5, 5] == 255


def animation(kind: str) -> bytes:
    frames = [Image.fromarray(np.full((64, 96), grey, np.uint8)) for grey in (200, 120, 40)]
    return encoded(
        frames[0],
        kind,
        save_all=True,
        append_images=frames[1:],
        **({} if kind == "TIFF" else {"duration": 100}),
    )


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_frames(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.any"
    path.write_bytes(animation(kind))
    first = load_photo(path)
    assert abs(int(first.pixels[5, 5]) - 200) <= 3
    assert first.notes[0].startswith(f"the first of 3 {'pages' if kind == 'TIFF' else 'frames'}")
    assert frames_of(path) == 3
    frames = list(load_frames(path))
    assert [frame.name for frame in frames] == [f"{path}#{i}" for i in (1, 2, 3)]
    assert [
        abs(int(frame.pixels[5, 5]) - grey) <= 3
        for frame, grey in zip(frames, (200, 120, 40), strict=True)
    ] == [True] * 3
    assert [frame.in_color() is not None for frame in frames] == [True] * 3


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_frame_is_upright(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    ramp = np.add.outer(np.arange(0, 192, 3), np.arange(64)).astype(np.uint8)[:, :48]
    frames = [Image.fromarray(ramp // by) for by in (1, 2, 4)]
    data = encoded(
        frames[0], kind, save_all=True, append_images=frames[1:], exif=exif, lossless=True
    )
    shown = [frame.pixels.astype(int) for frame in load_frames(data)]
    upright = load_photo(encoded(frames[0], kind, exif=exif, lossless=True)).pixels.astype(int)
    assert len(shown) == 3
    for frame, by in zip(shown, (1, 2, 4), strict=True):
        np.testing.assert_allclose(frame, upright // by, atol=2)


def test_a_damaged_later_page_spoils_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    data = bytearray(animation("TIFF"))
    with Image.open(io.BytesIO(data)) as image:
        image.seek(1)
        second = image._frame_pos[1]  # type: ignore[attr-defined]
    data[second : second + 200] = b"\xff" * len(data[second : second + 200])
    path.write_bytes(data)
    assert abs(int(load_photo(path).pixels[5, 5]) - 200) <= 3


@pytest.mark.parametrize(
    ("of", "problem"),
    [
        (size_of, "its header cannot be read"),
        (frames_of, "its frames cannot be counted"),
    ],
)
def test_what_pillow_raises_becomes_one_line_with_the_name(
    of: Any, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise IndexError("a bug of Pillow")

    monkeypatch.setattr(image_files, "open_header", fail)
    with pytest.raises(ImageError) as caught:
        of(encoded(Image.fromarray(GREY), "PNG"), name="a.png")
    assert str(caught.value).startswith(f"a.png: damaged: {problem}")


def two_pages(second: Image.Image) -> bytes:
    return encoded(Image.fromarray(GREY), "TIFF", save_all=True, append_images=[second])


@pytest.mark.parametrize(
    ("limits", "memory", "problem"),
    [
        ({"max_pixels": 10_000}, None, "1 million pixels, the limit is 0.01 million"),
        ({}, 2_000_000, "pixels of this TIFF take"),
    ],
)
def test_each_page_is_checked_before_it_is_decoded(
    limits: dict[str, int], memory: int | None, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if memory is not None:
        monkeypatch.setattr(image_files, "MAX_DECODED_BYTES", memory)
    pages = load_frames(two_pages(Image.new("RGB", (1000, 1000))), name="a.tif", **limits)
    assert next(pages).name == "a.tif#1"
    with pytest.raises(ImageTooLargeError) as caught:
        next(pages)
    assert str(caught.value).startswith("a.tif#2: too large: 1000 x 1000")
    assert problem in str(caught.value)


def test_the_limit_of_pixels_holds_for_a_single_frame() -> None:
    data = encoded(Image.fromarray(GREY), "PNG")
    assert len(list(load_frames(data, max_pixels=GREY.size))) == 1
    with pytest.raises(ImageTooLargeError):
        next(load_frames(data, max_pixels=GREY.size - 1))


def test_one_frame_keeps_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(GREY).save(path)
    (frame,) = load_frames(path)
    assert (frame.name, frames_of(path)) == (str(path), 1)


def cut_pages(kind: str, share: float, **options: Any) -> tuple[list[Image.Image], bytes]:
    """Three frames of noise, and a share of the file that has them."""
    noise = np.random.default_rng(0).integers(0, 256, (3, 120, 160), dtype=np.uint8)
    frames = [Image.fromarray(one) for one in noise]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    return frames, data[: int(len(data) * share)]


@pytest.mark.parametrize("kind", ["GIF", "PNG", "TIFF"])
@pytest.mark.parametrize(("share", "whole"), [(0.2, 0), (0.55, 1), (0.8, 2)])
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_a_file_that_is_cut_off_gives_the_frames_that_are_there(
    kind: str, share: float, whole: int
) -> None:
    frames, data = cut_pages(kind, share)
    with pytest.raises(ImageError):
        list(load_frames(data))
    read = list(load_frames(data, lenient=True))
    assert len(read) == whole + 1
    for photo, frame in zip(read[:whole], frames[:whole], strict=True):
        np.testing.assert_array_equal(photo.pixels, np.asarray(frame))
        assert photo.notes == ()
    last = read[-1]
    assert "only a part of its pixels could be decoded" in last.notes[0]
    np.testing.assert_array_equal(last.pixels[:10], np.asarray(frames[whole])[:10])
    assert frames_of(data, lenient=True) >= len(read)
    if kind == "TIFF" and whole:  # nothing of the page before it
        assert (last.pixels[-1] == last.pixels[-1, 0]).all()


def test_a_frame_that_is_cut_off_is_drawn_on_the_one_before() -> None:
    """Only a part of an animation changes from frame to frame."""
    noise = np.random.default_rng(0).integers(0, 256, (3, 120, 160), dtype=np.uint8)
    noise[1:, :, :80] = noise[0, :, :80]
    frames = [Image.fromarray(one) for one in noise]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    whole = list(load_frames(data))
    cut = list(load_frames(data[:-2000], lenient=True))
    assert [photo.notes for photo in cut[:2]] == [(), ()]
    assert "only a part" in cut[2].notes[0]
    np.testing.assert_array_equal(cut[2].pixels[:60], whole[2].pixels[:60])
    np.testing.assert_array_equal(cut[2].pixels[:, :80], whole[2].pixels[:, :80])


def test_a_tiff_that_is_cut_off_is_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    noise = np.random.default_rng(0).integers(0, 256, (120, 160), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), "TIFF", exif=exif)
    photo = load_photo(data[:-5000], lenient=True)
    assert (photo.width, photo.height, photo.pixels.shape) == (120, 160, (160, 120))
    np.testing.assert_array_equal(photo.pixels[:, -80:], load_photo(data).pixels[:, -80:])


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no descriptors with names here")
def test_frames_of_a_pipe() -> None:
    out, into = os.pipe()
    os.write(into, animation("GIF"))
    os.close(into)
    assert len(list(load_frames(f"/dev/fd/{out}"))) == 3
    os.close(out)


def test_a_photo_is_a_source_too() -> None:
    photo = load_photo(GREY)
    assert load_photo(photo) is photo
    assert name_of(photo) == "<array>"
    assert load_color(photo).shape == (64, 96, 3)
    bare = Photo("a", GREY, 96, 64, 1.0)
    assert bare.in_color() is None
    with pytest.raises(ImageError, match="without its source"):
        load_color(bare)


def test_settings_of_pillow_are_left_alone() -> None:
    before = Image.MAX_IMAGE_PIXELS
    load_photo(encoded(Image.fromarray(GREY), "PNG"))
    assert before == Image.MAX_IMAGE_PIXELS
    tall = encoded(
        Image.new("1", (10_000, 10_000), 1), "PNG"
    )  # above the limit at which Pillow warns
    assert load_photo(tall).width == 10_000
