"""Everything between the camera and the hands: glass, glare, the rim's shadow, things in front."""

from __future__ import annotations

import math
from random import Random

import cv2
import numpy as np

from training.dials.canvas import (
    CANVAS,
    RADIUS,
    SQUARE,
    Canvas,
    Grey,
    at_angle,
    bar,
    blend,
    disc_points,
    noise,
    photo_crop,
    turned,
)


def _rim_shadow(rng: Random, canvas: Canvas) -> None:
    ring: Grey = np.full((CANVAS, CANVAS), 255, np.uint8)
    depth = rng.uniform(0.01, 0.1)
    a = rng.uniform(0, 2 * math.pi)
    canvas.circle(
        1.0 - depth * 0.5, 0, center=(depth * math.sin(a), depth * math.cos(a)), target=ring
    )
    k = rng.choice((3, 7, 13))
    gain = 1 - cv2.blur(ring, (k, k)).astype(np.float32) * (rng.uniform(0.2, 0.7) / 255)
    gain[RADIUS > 1.0] = 1
    canvas.shade(gain)


def _glare(rng: Random, canvas: Canvas) -> None:
    glare: Grey = np.zeros((CANVAS, CANVAS), np.uint8)
    x, y, size = rng.uniform(-0.7, 0.7), rng.uniform(-0.7, 0.7), rng.uniform(0.04, 0.32)
    if rng.random() < 0.5:
        shape = disc_points(24, size, (x, y), rng.uniform(0.4, 2.5))
    else:
        quad = SQUARE * size * (rng.uniform(0.3, 1), rng.uniform(0.3, 2.0))
        shape = turned(quad, rng.uniform(-40, 40)) + (x, y)
    canvas.fill([shape], rng.uniform(30, 150) if rng.random() < 0.8 else 255, glare)
    k = rng.choice((5, 15, 31, 61))
    glare = cv2.blur(glare, (k, k))
    glare[RADIUS > 1.0] = 0
    canvas.grey = cv2.add(canvas.grey, glare)


def draw_reflection(rng: Random, canvas: Canvas) -> None:
    """Cover a large part of the face with the bright reflection of a window or of the sky."""
    light: Grey = np.zeros((CANVAS, CANVAS), np.uint8)
    bright, angle = rng.uniform(50, 230), rng.uniform(0, 360)
    kind = rng.random()
    if kind < 0.45:  # a window, with or without bars
        half = rng.uniform(0.3, 0.9), rng.uniform(0.25, 0.7)
        place = rng.uniform(-0.5, 0.5), rng.uniform(-0.5, 0.5)
        canvas.fill([turned(SQUARE * half, angle) + place], bright, light)
        for _ in range(rng.randrange(0, 3)):
            frame = bar(rng.uniform(0.02, 0.05), -1.5, 1.5) + (rng.uniform(-half[0], half[0]), 0)
            canvas.fill([turned(frame, angle) + place], 0, light)
    elif kind < 0.8:  # all beyond a line
        edge = bar(2.5, -3.5, rng.uniform(-0.4, 0.5))
        canvas.fill([turned(edge, angle)], bright, light)
    else:  # a bright haze
        light[:] = int(bright * 0.7)
    k = rng.choice((1, 3, 9, 25))
    light = cv2.blur(light, (k, k))
    light[RADIUS > 1.0] = 0
    canvas.grey = cv2.add(canvas.grey, light)


def draw_glass(rng: Random, canvas: Canvas) -> None:
    """Draw the rim's shadow, glare and a reflected scene, each on a share of the dials."""
    if rng.random() < 0.4:
        _rim_shadow(rng, canvas)
    if rng.random() < 0.3:
        for _ in range(rng.randrange(1, 4)):
            _glare(rng, canvas)
    if rng.random() < 0.12:
        scene = photo_crop(rng, CANVAS, CANVAS)
        if scene is not None:
            scene[RADIUS > 1.0] = 0
            canvas.grey = cv2.addWeighted(canvas.grey, 1.0, scene, rng.uniform(0.1, 0.4), 0)


def draw_occlusion(rng: Random, canvas: Canvas) -> None:
    """Draw something in front of one dial in twenty: a cable, a leaf, an edge."""
    if rng.random() > 0.05:
        return
    alpha = np.zeros((CANVAS, CANVAS), np.uint8)
    if rng.random() < 0.5:
        cable = bar(rng.uniform(0.005, 0.03), -1.7, 1.7) + (rng.uniform(-0.8, 0.8), 0)
        canvas.fill([turned(cable, rng.uniform(0, 180))], 255, alpha)
    else:
        size = rng.uniform(0.1, 0.5)
        a = rng.uniform(0, 2 * math.pi)
        place = at_angle(rng.uniform(0.8, 1.2), a)
        blob = disc_points(11, size) * (1 + 0.5 * noise(rng, 11, 1))
        canvas.fill([blob + place], 255, alpha)
    blend(canvas.grey, alpha, rng.uniform(0, 255))
    np.maximum(canvas.mask, alpha, out=canvas.mask)
