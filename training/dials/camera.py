"""The camera: perspective, light, blur, noise, low resolution and compression."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray

from training.dials.canvas import Grey, noise, soft_noise
from training.dials.randomness import log_uniform

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Optics:
    """Strength of the camera's effects, one set for each of `presets.PRESETS`."""

    max_tilt: float = 62.0  # degrees between the dial's normal and the line of sight
    frontal: float = 0.45  # share of dials seen (nearly) straight on
    turned: float = 0.3  # share rotated by any angle; the others are upright within a few degrees
    clean: float = 0.12  # share of pictures without any degradation
    blur: float = 1.0  # strength of blur and low resolution
    noise: float = 1.0  # strength of noise and compression
    dark: float = 0.15  # share with little contrast: dark rooms, haze, films


def view(rng: Random, optics: Optics, *, oriented: bool = True) -> tuple[Matrix, float]:
    """Place the camera.

    Args:
        rng: Source of all random numbers.
        optics: Shares of tilted and rotated dials.
        oriented: Whether the dial shows where its 12 is. Other dials stay upright: rotated, they
            would have no defined time.

    Returns:
        A homography from the dial plane to a camera plane where the dial has about radius 1, and
        its rotation in degrees.
    """
    upright = rng.random() > optics.turned or not oriented
    rotation = rng.gauss(0, 4) if upright else rng.uniform(-180, 180)
    frontal = rng.random() < optics.frontal
    tilt = abs(rng.gauss(0, 8)) if frontal else rng.uniform(5, optics.max_tilt)
    tilt = math.radians(min(tilt, optics.max_tilt))
    azimuth = rng.uniform(0, 2 * math.pi)
    distance = log_uniform(rng, 2.2, 15)  # of the camera, dial radii; less is more perspective
    rot = math.radians(rotation)
    spin = np.array([[math.cos(rot), -math.sin(rot)], [math.sin(rot), math.cos(rot)]])
    axis = np.array([math.cos(azimuth), math.sin(azimuth)])  # direction that recedes
    squeeze = np.eye(2) + (math.cos(tilt) - 1) * np.outer(axis, axis)
    h = np.eye(3)
    h[:2, :2] = squeeze @ spin
    h[2, :2] = (math.sin(tilt) / distance) * axis @ spin
    if rng.random() < 0.04:  # scans and stretched pictures
        h = np.diag([math.exp(rng.gauss(0, 0.12)), math.exp(rng.gauss(0, 0.12)), 1]) @ h
    return h, rotation


def _uneven_light(rng: Random, image: Grey) -> Grey:
    h, w = image.shape
    gx, gy = rng.gauss(0, 0.25), rng.gauss(0, 0.25)
    across, down = (np.linspace(-1, 1, n, dtype=np.float32) for n in (w, h))
    gain = 1 + across[None, :] * gx + down[:, None] * gy
    if rng.random() < 0.3:
        gain = gain * (1 + soft_noise(rng, h, w, 4) * rng.uniform(0.02, 0.2))
    return cv2.multiply(image, np.maximum(gain, 0.05).astype(np.float32), dtype=cv2.CV_8U)


def _exposure(rng: Random, image: Grey, dark: float) -> tuple[Grey, float]:
    """Return the picture with another contrast, gamma and mean, and the contrast's factor."""
    contrast, gamma = math.exp(rng.gauss(0, 0.25)), math.exp(rng.gauss(0, 0.25))
    if rng.random() < dark:
        contrast *= rng.uniform(0.25, 0.6)
    curve = (np.arange(256, dtype=np.float32) / 255) ** gamma * 255
    middle = float(curve[int(image.mean())])
    target = min(205.0, max(45.0, middle + rng.gauss(0, 25)))
    if contrast < 0.5 and rng.random() < 0.6:  # dark all over, as in a film's night
        target = rng.uniform(25, 70)
    table = np.clip((curve - middle) * contrast + target, 0, 255).astype(np.uint8)
    return cv2.LUT(image, table), contrast


def _motion_blur(rng: Random, image: Grey, radius: float) -> Grey:
    n = max(2, int(rng.uniform(0.02, 0.06) * radius))
    kernel = np.zeros((2 * n + 1, 2 * n + 1), np.float32)
    a, reach = rng.uniform(0, math.pi), n * rng.uniform(0.4, 0.9)
    start, end = (
        (int(n + s * reach * math.cos(a)), int(n + s * reach * math.sin(a))) for s in (-1, 1)
    )
    cv2.line(kernel, start, end, 1.0, 1, cv2.LINE_AA)
    return cv2.filter2D(image, -1, kernel / kernel.sum())


def _enlarged(rng: Random, image: Grey, radius: float) -> Grey:
    """Return the picture of a small dial, enlarged."""
    h, w = image.shape
    small = max(0.2, min(1.0, rng.uniform(15, 48) / radius))
    size = (max(8, int(w * small)), max(8, int(h * small)))
    tiny = cv2.resize(image, size, interpolation=rng.choice((cv2.INTER_AREA, cv2.INTER_LINEAR)))
    return cv2.resize(tiny, (w, h), interpolation=rng.choice((cv2.INTER_LINEAR, cv2.INTER_CUBIC)))


def degrade(rng: Random, image: Grey, optics: Optics, radius: float) -> Grey:
    """Degrade a picture as cameras and files do.

    Args:
        rng: Source of all random numbers.
        image: The scene, uint8 grey.
        optics: Shares and strengths of the effects.
        radius: Of the dial, pixels.

    Returns:
        The photo, uint8 grey of the same size.
    """
    if rng.random() < optics.clean:
        return image
    h, w = image.shape
    if rng.random() < 0.55:
        image = _uneven_light(rng, image)
    contrast = 1.0
    if rng.random() < 0.75:
        image, contrast = _exposure(rng, image, optics.dark)
    soft = rng.random()
    if soft < 0.3 * optics.blur:
        sigma = min(rng.expovariate(1.0) * 0.01, 0.032) * radius + 0.3
        image = cv2.GaussianBlur(image, (0, 0), sigma)
    elif soft < 0.4 * optics.blur:
        image = _motion_blur(rng, image, radius)
    if rng.random() < 0.25 * optics.blur:
        image = _enlarged(rng, image, radius)
    if rng.random() < 0.5:
        sigma = min(rng.expovariate(1.0) * 5 * optics.noise, 20) * min(1.0, contrast)
        grain = noise(rng, h, w) * sigma
        if rng.random() < 0.3:
            grain = cv2.blur(grain, (2, 2)) * 1.6
        image = cv2.add(image, grain, dtype=cv2.CV_8U)
    if rng.random() < 0.12:  # sharpened, as phones do
        image = cv2.addWeighted(image, 1.8, cv2.blur(image, (3, 3)), -0.8, 0)
    if rng.random() < 0.35 * optics.noise:
        _, data = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, rng.randrange(18, 90)))
        image = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE))
    return np.asarray(image, dtype=np.uint8)
