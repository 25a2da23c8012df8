"""Backgrounds: photographs, plain walls, and clutter that a finder must not mistake for a clock."""

from __future__ import annotations

from random import Random

import cv2
import numpy as np

from training.dials.canvas import Grey, glyphs, noise, photo_crop, pick_font, soft_noise
from training.dials.randomness import log_uniform

_CHARACTERS = "ABCDEFGHIKLMNOPRSTUVXYZ0123456789"


def _clutter(rng: Random, image: Grey, count: int) -> None:
    h, w = image.shape
    for _ in range(count):
        tone = rng.uniform(0, 255)
        at = x, y = rng.randrange(w), rng.randrange(h)
        r = int(max(h, w) * log_uniform(rng, 0.02, 0.3))
        kind = rng.random()
        width = rng.choice((-1, 1, 2, max(1, r // 6)))
        if kind < 0.25:
            cv2.circle(image, at, max(1, r), tone, width, cv2.LINE_AA)
        elif kind < 0.45:
            corner = (x + rng.randrange(r * 2 + 1), y + rng.randrange(r * 2 + 1))
            cv2.rectangle(image, at, corner, tone, width)
        elif kind < 0.7:
            end = (rng.randrange(w), rng.randrange(h))
            cv2.line(image, at, end, tone, rng.randrange(1, 5), cv2.LINE_AA)
        elif kind < 0.85:
            n = rng.randrange(3, 7)
            points = [[x + r * rng.uniform(-1, 1), y + r * rng.uniform(-1, 1)] for _ in range(n)]
            cv2.fillPoly(image, [np.array(points).astype(np.int32)], tone, cv2.LINE_AA)
        else:
            _scribble(rng, image, r, tone)


def _scribble(rng: Random, image: Grey, r: int, tone: float) -> None:
    h, w = image.shape
    font = pick_font(rng)
    text = glyphs(font, "".join(rng.choices(_CHARACTERS, k=rng.randrange(1, 6))))
    th = max(4, min(h - 1, r // 2))
    tw = max(3, min(w - 1, int(text.shape[1] * th / text.shape[0])))
    alpha = cv2.resize(text, (tw, th), interpolation=cv2.INTER_AREA)
    x, y = rng.randrange(w - tw), rng.randrange(h - th)
    image[y : y + th, x : x + tw][alpha > 127] = tone


def _masonry(rng: Random, image: Grey) -> None:
    h, w = image.shape
    tone = rng.uniform(0, 255)
    course, brick = rng.randrange(6, max(8, h // 4)), rng.randrange(10, max(12, w // 2))
    for row, y in enumerate(range(-rng.randrange(course), h, course)):
        cv2.line(image, (0, y), (w, y), tone, 1)
        for x in range(-rng.randrange(brick) + (row % 2) * brick // 2, w, brick):
            cv2.line(image, (x, y), (x, y + course), tone, 1)


def flat_backdrop(rng: Random, width: int, height: int) -> Grey:
    """Return a background of one tone, mostly white; one in five has a few shapes on it."""
    tone = 255 if rng.random() < 0.6 else rng.randrange(256)
    image: Grey = np.full((height, width), tone, np.uint8)
    if rng.random() < 0.2:
        _clutter(rng, image, rng.randrange(1, 6))
    return image


def make_backdrop(rng: Random, width: int, height: int) -> Grey:
    """Return a photograph or a wall, perhaps with clutter, (height, width) uint8 grey."""
    kind = rng.random()
    if kind < 0.5:
        crop = photo_crop(rng, width, height)
        if crop is not None:
            return crop
    base = rng.uniform(0, 255) if rng.random() < 0.8 else 255.0
    image = np.full((height, width), base, np.float32)
    if kind < 0.85:
        across, down = (np.linspace(-1, 1, n, dtype=np.float32) for n in (width, height))
        ramp = across[None, :] * rng.uniform(-50, 50)
        image += ramp + down[:, None] * rng.uniform(-50, 50)
        if rng.random() < 0.5:
            image += soft_noise(rng, height, width, rng.choice((3, 8, 24))) * rng.uniform(2, 30)
    if rng.random() < 0.4:
        image += noise(rng, height, width) * rng.uniform(1, 14)
    out = np.clip(image, 0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        _masonry(rng, out)
    if rng.random() < 0.5:
        _clutter(rng, out, rng.randrange(1, 12))
    return out
