"""Resampling of photos and polar images as ONNX nodes; see `clockread.sampling`.

A photo is uint8 (height, width, channels): grey, RGB or RGBA. Only the part that a window needs is
converted to floats. It shrinks by area averaging, as OpenCV does: first by a whole factor, then by
the rest, with the few weights that are not 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clockread.retry import BRIGHTNESS_BGR
from clockread.sampling import PATCH, PolarGrid
from training.edge.graph import Graph
from training.edge.tensor import FLOAT, INT, Tensor

GREY = (*BRIGHTNESS_BGR[::-1].tolist(), 0.0)  # weights of red, green, blue, alpha
ROWS_PER_BLOCK = 3  # rows that are averaged of each block that becomes a pixel; more change little
TAPS = 4  # source pixels of an output pixel, along an axis; the rest of the factor is below 2.5
_FAR = 1e6  # pixels by which the first and the last pixel of a part go on: the border is repeated


@dataclass(frozen=True)
class PhotoInput:
    """The graph's photo: what all windows have in common."""

    pixels: Tensor  # uint8 (height, width, channels)
    extent: Tensor  # (2,) width and height in pixels, float
    channels: Tensor  # (1,), whole
    weights: Tensor  # (1, channels) to grey


def photo_input(g: Graph, pixels: Tensor) -> PhotoInput:
    """Measure the photo. The weights of its channels are those of grey, RGB or RGBA."""
    height, width, channels = pixels.shape.split(1, 1, 1, axis=0)
    weights = _first(g, g.constant(np.array([GREY]), FLOAT), channels)
    extent = g.concat(width, height, axis=0, dtype=INT).to(FLOAT)
    return PhotoInput(pixels, extent, channels, weights / weights.sum(1, keep=True))


def _first(g: Graph, values: Tensor, count: Tensor) -> Tensor:
    """Return the first ``count`` (1,) columns of a matrix."""
    return g.op("Slice", values, g.constant([0], INT), count, g.constant([1], INT))


@dataclass(frozen=True)
class Parts:
    """Rectangles of a photo that are resampled to squares; all float, x before y."""

    begin: Tensor  # (n, 2) first pixel, whole, within the photo
    length: Tensor  # (n, 2) pixels, whole, at least 1, within the photo
    block: Tensor  # (n, 1) or (n, 2) pixels that are averaged before, whole, at least 1
    start: Tensor  # (n, 2) where the square begins, in pixels
    step: Tensor  # (n, 1) or (n, 2) photo pixels per pixel of the square


def resample(photo: PhotoInput, parts: Parts, side: int, *, colors: bool = False) -> Tensor:
    """Return squares (n, side, side, 1), float, 0..255 and not rounded, of n > 0 parts.

    With ``colors`` they keep red, green and blue: (n, side, side, 3).
    """
    g = photo.pixels.graph
    block = parts.block.minimum(parts.length)
    block_x, block_y = block.split(1, 1, axis=1)
    skip = (block_y * (1 / ROWS_PER_BLOCK)).map("Floor").maximum(1.0)  # every such row is used …
    rows = (block_y / skip).map("Floor")  # … so many of them per block
    block = g.concat(block_x, rows * skip, axis=1)
    count = (parts.length / block).map("Floor").maximum(1.0)  # (n, 2) blocks
    index, weight = _weights(
        g, (parts.start - parts.begin) / block, parts.step / block, count, side
    )
    weight = weight / g.concat(block_x, rows, axis=1).unsqueeze(2, 3)  # sums become means

    # What the rows of the scan need, so that little is left to do for each of them
    whole = g.concat(parts.begin, block, count, skip, rows, axis=1).to(INT)
    x, y, block_x, block_y, columns, lines, skip, rows = whole.split(*[1] * 8, axis=1)
    first = g.concat(y + (skip - 1) // 2, x, axis=1)
    last = g.concat(y + lines * block_y, x + columns * block_x, axis=1)
    one = skip * 0 + 1
    shape = g.concat(one * -1, block_x * photo.channels, axis=1)
    kinds = photo.weights
    depth = 3 if colors else 1
    if colors:  # of a grey photo three times the same
        kinds = _first(g, g.constant(np.eye(3, 4), FLOAT), photo.channels)
        kinds = kinds + (photo.channels < 3).to(FLOAT) * np.array([[0], [1], [1]])
    blocks = g.concat(lines, rows, columns * depth, axis=1)
    index_x, index_y = (i.squeeze(1) for i in index.split(1, 1, axis=1))
    weight_x, weight_y = (w.squeeze(1).unsqueeze(2) for w in weight.split(1, 1, axis=1))

    def square(
        first: Tensor,
        last: Tensor,
        steps: Tensor,
        shape: Tensor,
        lines: Tensor,
        summed: Tensor,
        repeats: Tensor,
        *tables: Tensor,
    ) -> Tensor:
        index_x, weight_x, index_y, weight_y = tables
        axes = g.constant(np.array([0, 1]), INT)
        # A step along columns would copy three bytes at a time, slowly: columns are averaged by the
        # product that makes grey, which in this order takes a third of the time.
        part = g.op("Slice", photo.pixels, first, last, axes, steps).to(FLOAT)
        grey = g.op("Gemm", g.op("Tile", kinds, repeats), part.reshape_to(shape), transB=1)
        grey = grey.transpose(1, 0) if colors else grey
        axes = g.op("Slice", g.constant([1], INT), g.constant([0], INT), summed)
        grey = g.op("ReduceSum", grey.reshape_to(lines), axes, noop_with_empty_axes=1)
        grey = grey.reshape(0, -1)
        down = (weight_y @ grey.take(index_y)).reshape(side, -1, depth).transpose(1, 0, 2)
        across = weight_x @ down.reshape(0, side * depth).take(index_x)
        return across.reshape(side, side, depth)

    tables = (index_x, weight_x, index_y, weight_y)
    sequences = (
        first,
        last,
        g.concat(skip, one, axis=1),
        shape,
        blocks,
        (rows - 1).minimum(1),  # a single row needs no sum: that would only copy, slowly
        g.concat(one, block_x, axis=1),
    )
    squares = g.scan(square, *sequences, *tables, shape=(side, side, depth))
    return squares.transpose(0, 2, 1, 3)


def _weights(
    g: Graph, start: Tensor, step: Tensor, count: Tensor, side: int
) -> tuple[Tensor, Tensor]:
    """Return the sources (n, 2, side, TAPS) of each output pixel, and their weights.

    Output i covers start + i·step to start + (i + 1)·step, source j covers j to j + 1. A weight is
    the share of the output that the source covers, or, where the photo is enlarged (step ≤ 1),
    linear in the distance of the centers.
    """
    start, step, count = (t.unsqueeze(2, 3) for t in (start, step, count))
    last = count - 1.0
    low = start + step * np.arange(side)[:, None]
    center = (low + step * 0.5 - 0.5).maximum(0.0).minimum(last)
    shrinks = step > 1.0
    first = g.where(shrinks, low, center).map("Floor").maximum(0.0).minimum(last)
    source = first + np.arange(TAPS)
    begin = g.where(source < 0.5, -_FAR, source)
    end = g.where(source >= last, _FAR, source + 1.0)
    covered = ((low + step).minimum(end) - low.maximum(begin)).maximum(0.0) / step
    near = (1.0 - (source - center).map("Abs")).maximum(0.0)
    weight = g.where(source > last, 0.0, g.where(shrinks, covered, near))
    return source.minimum(last).to(INT), weight


def whole_window(window: Tensor) -> Tensor:
    """Return windows (n, 3) in whole pixels, as `clockread.sampling.crop_window` rounds them."""
    center, side = window.split(2, 1)
    block = (side * (1 / PATCH)).map("Floor").maximum(1.0)
    size = ((side / block).map("Round") * block).maximum(2.0)
    corner = (center - size * 0.5 + 0.5).map("Round")
    return window.graph.concat(corner + size * 0.5 - 0.5, size, axis=1)


def crop_window(photo: PhotoInput, window: Tensor, *, colors: bool = False) -> Tensor:
    """Return patches (n, PATCH, PATCH, 1 or 3), float but whole, of n > 0 whole windows (n, 3)."""
    center, size = window.split(2, 1)
    corner = center - size * 0.5 + 0.5
    begin = corner.clip(0.0, photo.extent - 1.0)
    end = (corner + size).minimum(photo.extent).maximum(begin + 1.0)
    block = (size * (1 / PATCH)).map("Floor").maximum(1.0)
    parts = Parts(begin, end - begin, block, corner, size * (1 / PATCH))
    return resample(photo, parts, PATCH, colors=colors).map("Round")


def polar_points(g: Graph, grid: PolarGrid) -> Tensor:
    """Return the points (3, angles·radii) of the dial that a polar image shows.

    They are a product of two small tables, which onnxruntime computes when it loads the model.
    """
    angle = np.deg2rad(np.arange(grid.angles) * (360 / grid.angles))[None, :, None]
    ways = np.concatenate([np.sin(angle), -np.cos(angle), 0 * angle])
    radius = (np.arange(grid.radii) + 0.5) * (grid.outer_radius / grid.radii)
    points = g.constant(ways, FLOAT) * radius + np.array([0, 0, 1])[:, None, None]
    return points.reshape(3, grid.angles * grid.radii)


def unwrap(patch: Tensor, homography: Tensor, points: Tensor, grid: PolarGrid) -> Tensor:
    """Return polar images uint8 (n, angles, radii) of patches (n, 1, PATCH, PATCH), float.

    The homographies (n, 3, 3) map the dial to the patches' [-1, 1] squares: GridSample's own
    coordinates. ``points`` are those of `polar_points`.
    """
    xy, w = (homography @ points).split(2, 1, axis=1)
    places = (xy * (1.0 / w.maximum(1e-3))).transpose(0, 2, 1)
    places = places.reshape(-1, grid.angles, grid.radii, 2)
    polar = patch.graph.op(
        "GridSample", patch, places, mode="bilinear", padding_mode="border", align_corners=0
    )
    return polar.squeeze(1).map("Round").to(np.dtype(np.uint8))
