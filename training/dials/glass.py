"""What lies between the camera and the hands: glass, glare, the rim's shadow, things in front."""

from __future__ import annotations

import math
from random import Random

import cv2
import numpy as np

from training.dials.canvas import (
    CANVAS,
    RADIUS,
    Canvas,
    Grey,
    blend,
    disc_points,
    noise,
    photo_crop,
    turned,
)


def draw_glass(rng: Random, canvas: Canvas) -> None:
    """What the glass and the bezel do to the face: glare, reflections, the rim's shadow."""
    if rng.random() < 0.4:  # shadow of the rim
        ring: Grey = np.full((CANVAS, CANVAS), 255, np.uint8)
        depth = rng.uniform(0.01, 0.1)
        a = rng.uniform(0, 2 * math.pi)
        canvas.circle(
            1.0 - depth * 0.5, 0, center=(depth * math.sin(a), depth * math.cos(a)), target=ring
        )
        k = rng.choice((3, 7, 13))
        ring = cv2.blur(ring, (k, k))
        gain = 1 - ring.astype(np.float32) * (rng.uniform(0.2, 0.7) / 255)
        gain[RADIUS > 1.0] = 1
        canvas.shade(gain)
    if rng.random() < 0.3:  # glare
        for _ in range(rng.randrange(1, 4)):
            glare: Grey = np.zeros((CANVAS, CANVAS), np.uint8)
            x, y, size = rng.uniform(-0.7, 0.7), rng.uniform(-0.7, 0.7), rng.uniform(0.04, 0.32)
            if rng.random() < 0.5:
                shape = disc_points(24, size, (x, y), rng.uniform(0.4, 2.5))
            else:
                quad = (
                    np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
                    * size
                    * (rng.uniform(0.3, 1), rng.uniform(0.3, 2.0))
                )
                shape = turned(quad, rng.uniform(-40, 40)) + (x, y)
            canvas.fill([shape], rng.uniform(30, 150) if rng.random() < 0.8 else 255, glare)
            k = rng.choice((5, 15, 31, 61))
            glare = cv2.blur(glare, (k, k))
            glare[RADIUS > 1.0] = 0
            canvas.grey = cv2.add(canvas.grey, glare)
    if rng.random() < 0.12:  # a reflected scene
        scene = photo_crop(rng, CANVAS, CANVAS)
        if scene is not None:
            scene[RADIUS > 1.0] = 0
            canvas.grey = cv2.addWeighted(canvas.grey, 1.0, scene, rng.uniform(0.1, 0.4), 0)


def draw_occlusion(rng: Random, canvas: Canvas) -> None:
    """Now and then something stands in front: a cable, a leaf, an edge."""
    if rng.random() > 0.05:
        return
    alpha = np.zeros((CANVAS, CANVAS), np.uint8)
    if rng.random() < 0.5:
        half = rng.uniform(0.005, 0.03)
        bar = np.array([[-half, -1.7], [half, -1.7], [half, 1.7], [-half, 1.7]]) + (
            rng.uniform(-0.8, 0.8),
            0,
        )
        canvas.fill([turned(bar, rng.uniform(0, 180))], 255, alpha)
    else:
        size = rng.uniform(0.1, 0.5)
        a = rng.uniform(0, 2 * math.pi)
        reach = rng.uniform(0.8, 1.2)
        blob = disc_points(11, size) * (1 + 0.5 * noise(rng, 11, 1))
        canvas.fill([blob + (reach * math.sin(a), -reach * math.cos(a))], 255, alpha)
    blend(canvas.grey, alpha, rng.uniform(0, 255))
    np.maximum(canvas.mask, alpha, out=canvas.mask)
