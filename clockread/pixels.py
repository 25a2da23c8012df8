"""Pixels of arrays and of Pillow's images → uint8: grey (H, W) or BGR (H, W, 3), reduced.

Transparent parts become white or black.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from clockread.errors import ImageError, ImageTooLargeError
from clockread.opencv import cv2

Pixels: TypeAlias = NDArray[np.uint8]
# Of rows from, to (exclusive): (rows, W) grey, (rows, W, 3) or (rows, W, 4).
StripOf: TypeAlias = Callable[[int, int], NDArray[Any]]

STRIP_PIXELS = 1 << 22  # pixels are converted in strips of about this many, to keep copies small
SAMPLE_SIDE = 512  # pixels per side, about, from which the ground of a transparent photo is chosen
FLOAT_OVERSHOOT = 0.1  # by which floats may leave 0..1, as after resampling; they are clipped
WHITE, BLACK = 1.0, 0.0  # backgrounds of transparent pictures
# 0..1, root mean square of the visible pixels' difference from white, below which the ground is
# black.
MIN_CONTRAST = 0.1
MIN_SIDE = 16  # pixels; no dial can be read in less
MAX_PIXELS = 400_000_000  # in a photo, by its header; larger ones are refused
REDUCTIONS = (8, 4, 2)  # what JPEG decoders can do on the way
EXIF_ORIENTATION = 0x0112


@dataclass(frozen=True)
class Scale:
    """The conversion of stored values to 0..255."""

    factor: float = 1.0  # from stored values to 0..255
    alpha_range: float | None = None  # stored alpha of an opaque pixel; None: no alpha to apply
    ground: float = WHITE  # 0..1, what transparent pixels show


def scale_of(array: NDArray[Any], name: str) -> Scale:
    """Return the scale of the values of an array (H, W), (H, W, 3) or (H, W, 4).

    Integers wider than 8 bits are scaled by the range they use (8, 10, 12, 14 or 16 bits), because
    cameras store 10 to 14 bits in 16; alpha has a range of its own. Raises ImageError, with
    ``name`` in its message, for values that are not pixels.
    """
    factor = _factor(array[..., :3] if array.ndim == 3 else array, name)
    # If a picture is transparent everywhere, its alpha was never filled in.
    if array.ndim < 3 or array.shape[2] != 4 or not array[..., 3].any():
        return Scale(factor)
    alpha_range = 255.0 / _factor(array[..., 3], name)
    step = max(1, min(array.shape[:2]) // SAMPLE_SIDE)
    sample = array[::step, ::step].astype(np.float32)
    ground = ground_for(sample[..., :3] * (factor / 255), sample[..., 3] / alpha_range)
    return Scale(factor, alpha_range, ground)


def ground_for(color: NDArray[np.floating[Any]], alpha: NDArray[np.floating[Any]]) -> float:
    """Return the background, WHITE or BLACK, for a transparent picture.

    It is white like paper, unless the visible part itself is nearly white, such as white lines.

    Args:
        color: (H, W, 3), 0..1.
        alpha: (H, W), 0..1.

    """
    visible = float(alpha.sum())
    if visible == 0:
        return WHITE
    contrast = float(np.sqrt((((1.0 - color.mean(axis=2)) ** 2) * alpha).sum() / visible))
    return BLACK if contrast < MIN_CONTRAST else WHITE


def to_uint8(
    strip_of: StripOf,
    size: tuple[int, int],
    scale: Scale,
    reduction: int,
    *,
    color: bool,
    bgr: bool = False,
) -> Pixels:
    """Assemble grey (H, W) or BGR (H, W, 3) pixels from strips.

    Args:
        strip_of: gives the rows of a range; RGB order, or BGR with ``bgr``.
        size: (width, height) to read; a multiple of ``reduction``.
        scale: of the stored values.
        reduction: 1, 2, 4 or 8; pixels of the result are means of squares of this side.
        color: whether the result is BGR.
        bgr: whether the strips are.

    Returns:
        The pixels, uint8.

    """
    width, height = size
    rows = max(reduction, STRIP_PIXELS // width // reduction * reduction)
    result = np.empty((height // reduction, width // reduction, *([3] if color else [])), np.uint8)
    for top in range(0, height, rows):
        scaled = _scaled(strip_of(top, min(top + rows, height))[:, :width], scale)
        strip = _channels(scaled, color=color, bgr=bgr)
        if strip.shape == result.shape:  # all of it
            return np.asarray(strip, np.uint8)
        if reduction > 1:
            small = (width // reduction, strip.shape[0] // reduction)
            strip = cv2.resize(strip, small, interpolation=cv2.INTER_AREA)
        result[top // reduction : top // reduction + strip.shape[0]] = strip
    return result


def _scaled(strip: NDArray[Any], scale: Scale) -> Pixels:
    if scale.alpha_range is not None:
        opacity = strip[..., 3:].astype(np.float32) / np.float32(scale.alpha_range)
        ground = np.float32(scale.ground * 255 / scale.factor)
        strip = strip[..., :3] * opacity + ground * (1 - opacity)
    if strip.dtype != np.uint8 or scale.factor != 1.0:
        strip = np.rint(strip * np.float32(scale.factor)).clip(0, 255).astype(np.uint8)
    return np.ascontiguousarray(strip)


def _channels(strip: Pixels, *, color: bool, bgr: bool) -> NDArray[Any]:
    if strip.ndim == 2:
        return cv2.cvtColor(strip, cv2.COLOR_GRAY2BGR) if color else strip
    if strip.shape[2] == 4:  # the fourth is not shown
        if color:
            return cv2.cvtColor(strip, cv2.COLOR_BGRA2BGR if bgr else cv2.COLOR_RGBA2BGR)
        return cv2.cvtColor(strip, cv2.COLOR_BGRA2GRAY if bgr else cv2.COLOR_RGBA2GRAY)
    if color:
        return strip if bgr else cv2.cvtColor(strip, cv2.COLOR_RGB2BGR)
    return cv2.cvtColor(strip, cv2.COLOR_BGR2GRAY if bgr else cv2.COLOR_RGB2GRAY)


def _factor(values: NDArray[Any], name: str) -> float:
    if values.dtype == np.uint8:
        return 1.0
    if values.dtype == np.bool_:
        return 255.0
    if values.dtype.kind in "ui":
        low, high = int(values.min()), int(values.max())
        if low < 0 or high > 65535:
            raise ImageError(
                f"{name}: whole-number pixels must be in 0..65535, these are in {low}..{high}; "
                "scale them to 0..255"
            )
        bits = max(8, high.bit_length())
        return 255.0 / ((1 << bits + bits % 2) - 1)
    if values.dtype.kind == "f":
        least, most = float(values.min()), float(values.max())  # NaN anywhere makes both NaN
        if not (np.isfinite(least) and np.isfinite(most)):
            raise ImageError(f"{name}: its pixels hold NaN or infinite values; replace them first")
        if least < -FLOAT_OVERSHOOT or most > 1 + FLOAT_OVERSHOOT:
            raise ImageError(
                f"{name}: float pixels must be in 0..1, these are in {least:g}..{most:g}; "
                "scale them, or convert to uint8"
            )
        return 255.0
    remedy = "convert them to uint8, uint16 or float in 0..1"
    raise ImageError(f"{name}: pixels of type {values.dtype} are not supported; {remedy}")


def check_size(width: int, height: int, name: str, max_pixels: int = MAX_PIXELS) -> None:
    """Raise ImageError for a photo that is too small to be read or has too many pixels."""
    if min(width, height) < MIN_SIDE:
        raise ImageError(
            f"{name}: too small: {width} x {height} pixels, "
            f"the minimum is {MIN_SIDE} on each side; use a larger photo"
        )
    if width * height > max_pixels:
        raise ImageTooLargeError(
            f"{name}: too large: {width} x {height} = {_million(width * height)} pixels, "
            f"the limit is {_million(max_pixels)}; save it smaller"
        )


def _million(pixels: int) -> str:
    return f"{round(pixels / 1e6, 2):,g} million"


def reduction_for(size: tuple[int, int], min_side: int | None) -> int:
    """Return the reduction, 1, 2, 4 or 8, at which the long side keeps ``min_side`` pixels."""
    if min_side is None:
        return 1
    long, short = max(size), min(size)
    return next((by for by in REDUCTIONS if long >= by * min_side and short >= by * MIN_SIDE), 1)


def orientation_of(image: Image.Image) -> int:
    """Return the EXIF orientation, 1..8 (EXIF 2.32, tag 0x0112), that is still to be applied.

    1 if there is none or it is damaged.
    """
    if image.format == "TIFF":  # Pillow has turned it upright
        return 1
    try:
        value = int(image.getexif().get(EXIF_ORIENTATION, 1))
    except Exception:  # damaged EXIF data never spoil a photo
        return 1
    return value if 1 <= value <= 8 else 1


def array_for(image: Image.Image) -> Pixels | None:
    """Return an array, (H, W) or (H, W, 4) RGBX, into which Pillow will decode an image.

    Copying the pixels from Pillow would hold the GIL, which costs two workers a tenth of their
    rate. None for an image of another mode than L and RGB.
    """
    mode, channels = {"L": ("L", ()), "RGB": ("RGBX", (4,))}.get(image.mode, ("", ()))
    if not mode:
        return None
    array = np.empty((image.height, image.width, *channels), np.uint8)
    shared = Image.frombuffer(mode, image.size, array, "raw", mode, 0, 1)  # the array's memory
    image.im = shared.im
    return array


def image_pixels(
    image: Image.Image,
    name: str,
    reduction: int,
    orientation: int,
    *,
    color: bool,
    array: Pixels | None = None,
) -> Pixels:
    """Convert a decoded image of any mode to grey or BGR pixels.

    Args:
        image: the image.
        name: of the photo, for messages.
        reduction: 1, 2, 4 or 8.
        orientation: EXIF orientation, which decides the rows and columns that fill no square.
        color: whether the result is BGR.
        array: the image's pixels, if `array_for` gave an array.

    Returns:
        uint8 pixels, reduced, not yet upright.

    """
    if array is not None:

        def rows(top: int, bottom: int) -> NDArray[Any]:
            return array[top:bottom]

        return reduced(rows, image.size, Scale(), reduction, orientation, color=color)
    if image.mode == "La":  # Pillow converts it to nothing else
        image = image.convert("LA")
    mode = _numpy_mode(image)
    if mode == image.mode == "L" and reduction == 1 and not color:
        return np.asarray(image)
    scale = Scale()
    if mode == "RGBA":
        step = max(1, min(image.size) // SAMPLE_SIDE)
        small = image.resize((image.width // step, image.height // step), Image.Resampling.NEAREST)
        scale = scale_of(np.asarray(small.convert("RGBA")), name)
        if scale.alpha_range is None and image.convert("RGBA").getbbox(alpha_only=True):
            scale = Scale(alpha_range=255.0)  # visible between the sampled pixels
    elif mode not in ("L", "RGB"):
        scale = scale_of(np.asarray(image), name)

    def strip(top: int, bottom: int) -> NDArray[Any]:
        whole = (top, bottom) == (0, image.height)
        part = image if whole else image.crop((0, top, image.width, bottom))
        return np.asarray(part if mode == image.mode else part.convert(mode))

    return reduced(strip, image.size, scale, reduction, orientation, color=color)


def _numpy_mode(image: Image.Image) -> str:
    """Return the mode that an image is converted to: L, RGB, RGBA, or its own if of over 8 bits."""
    if image.has_transparency_data:
        return "RGBA"
    if image.mode in ("1", "L"):
        return "L"
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return image.mode
    return "RGB"


def reduced(
    strip_of: Callable[[int, int], NDArray[Any]],
    size: tuple[int, int],
    scale: Scale,
    reduction: int,
    orientation: int,
    *,
    color: bool,
    bgr: bool = False,
) -> Pixels:
    """Reduce a picture that is not yet upright; arguments as in `to_uint8`.

    Left out are the rows and columns that fill no square at the bottom and right of the upright
    picture, whose place depends on the EXIF ``orientation``.
    """
    width, height = (side // reduction * reduction for side in size)
    left = size[0] - width if orientation in (2, 3, 7, 8) else 0
    top = size[1] - height if orientation in (3, 4, 6, 7) else 0

    def strip(first: int, last: int) -> NDArray[Any]:
        return strip_of(first + top, last + top)[:, left:]

    return to_uint8(strip, (width, height), scale, reduction, color=color, bgr=bgr)


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Turn pixels upright, by an EXIF orientation (EXIF 2.32, tag 0x0112)."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
