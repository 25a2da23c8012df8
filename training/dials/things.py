"""Objects other than clocks, cut out of photographs, to lay into a picture."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray

from training.assets import cut_out_objects
from training.dials.canvas import Grey, blend
from training.dials.randomness import log_uniform


@functools.cache
def things() -> tuple[Grey, ...]:
    """Return the collected objects, (height, width, 2) uint8: grey and alpha; perhaps none."""
    return tuple(cut_out_objects(None))


@dataclass(frozen=True)
class Thing:
    """An object with its rotation and size."""

    pixels: Grey  # (height, width, 2)
    linear: NDArray[np.float64]  # (2, 2), from its pixels to those of the picture
    scale: float

    @property
    def reach(self) -> tuple[float, float]:
        """Half its width and half its height in the picture."""
        h, w = self.pixels.shape[:2]
        x, y = np.abs(self.linear) @ (w / 2, h / 2)
        return float(x), float(y)

    def lay(self, image: Grey, x: float, y: float) -> None:
        """Blend it into ``image`` (uint8, in place) with its middle at (x, y)."""
        h, w = self.pixels.shape[:2]
        matrix = np.hstack([self.linear, [[x], [y]] - self.linear @ [[w / 2], [h / 2]]])
        pixels = antialiased(self.pixels, self.scale)
        seen = cv2.warpAffine(
            pixels,
            matrix,
            image.shape[::-1],
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
        )
        blend(image, np.ascontiguousarray(seen[..., 1]), np.ascontiguousarray(seen[..., 0]))


def antialiased(pixels: Grey, scale: float) -> Grey:
    """Return a picture blurred so that its thin parts survive being scaled by ``scale``."""
    if scale >= 0.6:
        return pixels
    k = max(2, round(0.7 / scale))
    return np.asarray(cv2.blur(pixels, (k, k)), dtype=np.uint8)


def pick_thing(rng: Random, shortest: float, longest: float) -> Thing:
    """Pick an object, mostly upright, half of them mirrored.

    Args:
        rng: Source of all random numbers.
        shortest: Least length of its longer side, pixels.
        longest: The greatest; the length is log-uniform.

    Returns:
        The object.
    """
    pixels = rng.choice(things())
    scale = log_uniform(rng, shortest, longest) / max(pixels.shape[:2])
    angle = math.radians(rng.gauss(0, 12) if rng.random() < 0.7 else rng.uniform(-180, 180))
    c, s = math.cos(angle) * scale, math.sin(angle) * scale
    flip = rng.choice((-1, 1))
    return Thing(pixels, np.array([[c * flip, -s], [s * flip, c]]), scale)
