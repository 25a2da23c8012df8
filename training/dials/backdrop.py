"""What is behind a dial: photographs, plain walls, and clutter that a finder must not take for a clock."""

from __future__ import annotations

import math
from random import Random

import cv2
import numpy as np

from training.dials.canvas import Grey, font_files, glyphs, noise, photo_crop, soft_noise


def _clutter(rng: Random, image: Grey, count: int) -> None:
    h, w = image.shape
    size = max(h, w)
    for _ in range(count):
        tone = rng.uniform(0, 255)
        x, y, r = (
            rng.randrange(w),
            rng.randrange(h),
            int(size * math.exp(rng.uniform(math.log(0.02), math.log(0.3)))),
        )
        kind = rng.random()
        width = rng.choice((-1, 1, 2, max(1, r // 6)))
        if kind < 0.25:
            cv2.circle(image, (x, y), max(1, r), tone, width, cv2.LINE_AA)
        elif kind < 0.45:
            cv2.rectangle(
                image,
                (x, y),
                (x + rng.randrange(r * 2 + 1), y + rng.randrange(r * 2 + 1)),
                tone,
                width,
            )
        elif kind < 0.7:
            cv2.line(
                image,
                (x, y),
                (rng.randrange(w), rng.randrange(h)),
                tone,
                rng.randrange(1, 5),
                cv2.LINE_AA,
            )
        elif kind < 0.85:
            n = rng.randrange(3, 7)
            points = np.array(
                [[x + r * rng.uniform(-1, 1), y + r * rng.uniform(-1, 1)] for _ in range(n)]
            )
            cv2.fillPoly(image, [points.astype(np.int32)], tone, cv2.LINE_AA)
        else:
            text = glyphs(
                rng.randrange(len(font_files())),
                "".join(rng.choices("ABCDEFGHIKLMNOPRSTUVXYZ0123456789", k=rng.randrange(1, 6))),
            )
            th = max(4, min(h - 1, r // 2))
            tw = max(3, min(w - 1, int(text.shape[1] * th / text.shape[0])))
            alpha = cv2.resize(text, (tw, th), interpolation=cv2.INTER_AREA)
            tx, ty = rng.randrange(w - tw), rng.randrange(h - th)
            roi = image[ty : ty + th, tx : tx + tw]
            roi[alpha > 127] = tone


def _masonry(rng: Random, image: Grey) -> None:
    h, w = image.shape
    tone = rng.uniform(0, 255)
    course, brick = rng.randrange(6, max(8, h // 4)), rng.randrange(10, max(12, w // 2))
    for row, y in enumerate(range(-rng.randrange(course), h, course)):
        cv2.line(image, (0, y), (w, y), tone, 1)
        for x in range(-rng.randrange(brick) + (row % 2) * brick // 2, w, brick):
            cv2.line(image, (x, y), (x, y + course), tone, 1)


def flat_backdrop(rng: Random, width: int, height: int) -> Grey:
    """A background of one tone, white in most, now and then with a few shapes on it."""
    image: Grey = np.full(
        (height, width), 255 if rng.random() < 0.6 else rng.randrange(256), np.uint8
    )
    if rng.random() < 0.2:
        _clutter(rng, image, rng.randrange(1, 6))
    return image


def make_backdrop(rng: Random, width: int, height: int) -> Grey:
    """A background of (height, width) uint8 grey."""
    kind = rng.random()
    if kind < 0.5:
        crop = photo_crop(rng, width, height)
        if crop is not None:
            return crop
    base = rng.uniform(0, 255) if rng.random() < 0.8 else 255.0
    image = np.full((height, width), base, np.float32)
    if kind < 0.85:
        ramp = np.linspace(-1, 1, width, dtype=np.float32)[None, :] * rng.uniform(-50, 50)
        image += ramp + np.linspace(-1, 1, height, dtype=np.float32)[:, None] * rng.uniform(-50, 50)
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
