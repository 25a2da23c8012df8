"""Things cut out of photographs that are no clocks, laid into a picture."""

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


@functools.cache
def things() -> tuple[Grey, ...]:
    """What was collected, (height, width, 2) uint8 each: grey and alpha; empty where nothing was."""
    return tuple(cut_out_objects(None))


@dataclass(frozen=True)
class Thing:
    """A thing as it is to be laid: its pixels, and its turn and size as a (2, 2) matrix from them to those of the picture."""

    pixels: Grey  # (height, width, 2)
    linear: NDArray[np.float64]
    scale: float

    @property
    def reach(self) -> tuple[float, float]:
        """How far it goes from its middle, along x and along y."""
        h, w = self.pixels.shape[:2]
        x, y = np.abs(self.linear) @ (w / 2, h / 2)
        return float(x), float(y)

    def lay(self, image: Grey, x: float, y: float) -> None:
        """Blend it into ``image`` (uint8, in place) with its middle at (x, y)."""
        h, w = self.pixels.shape[:2]
        matrix = np.hstack([self.linear, [[x], [y]] - self.linear @ [[w / 2], [h / 2]]])
        pixels = self.pixels
        if self.scale < 0.6:  # thin parts would alias
            k = max(2, round(0.7 / self.scale))
            pixels = np.asarray(cv2.blur(pixels, (k, k)), dtype=np.uint8)
        size = image.shape[1], image.shape[0]
        seen = cv2.warpAffine(
            pixels, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
        )
        blend(image, np.ascontiguousarray(seen[..., 1]), np.ascontiguousarray(seen[..., 0]))


def pick_thing(rng: Random, shortest: float, longest: float) -> Thing:
    """Any of `things`, its longer side log-uniform between both (pixels), mostly upright, half of them mirrored."""
    pixels = rng.choice(things())
    scale = math.exp(rng.uniform(math.log(shortest), math.log(longest))) / max(pixels.shape[:2])
    angle = math.radians(rng.gauss(0, 12) if rng.random() < 0.7 else rng.uniform(-180, 180))
    c, s = math.cos(angle) * scale, math.sin(angle) * scale
    flip = rng.choice((-1, 1))
    return Thing(pixels, np.array([[c * flip, -s], [s * flip, c]]), scale)
