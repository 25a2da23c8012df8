"""Alternatives to clockread: two ResNet-50s, and a detector with classical hand finding."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from clockread.clock import MINUTES_ON_DIAL

RESNET_SIDE = 224  # pixels
DETECTOR_SIDE = 640
DETECTOR_CHANNELS = (16, 32, 64, 128, 256)  # at strides of 2 to 32, those of YOLOv8n
DETECTOR_DEPTHS = (0, 1, 2, 2, 1)


def resnet50(classes: int = MINUTES_ON_DIAL) -> keras.Model:
    """Return an untrained ResNet-50, (n, 224, 224, 3) floats to ``classes`` logits.

    "It's About Time: Analog Clock Reading in the Wild" (Yang et al., 2022) uses two of them: one
    straightens the dial, one reads it.
    """
    image = keras.Input((RESNET_SIDE, RESNET_SIDE, 3), name="image")
    trunk = keras.applications.ResNet50(
        weights=None, include_top=False, pooling="avg", input_tensor=image
    )
    return keras.Model(
        image, {"logits": layers.Dense(classes, name="logits")(trunk.output)}, name="resnet50"
    )


def _conv(x: keras.KerasTensor, channels: int, kernel: int, stride: int = 1) -> keras.KerasTensor:
    x = layers.Conv2D(channels, kernel, strides=stride, padding="same", use_bias=False)(x)
    return layers.Activation("silu")(layers.BatchNormalization()(x))


def _stage(x: keras.KerasTensor, channels: int, depth: int) -> keras.KerasTensor:
    """Apply residual blocks to half of the channels, keeping every result (YOLOv8's C2f)."""
    x = _conv(x, channels, 1)
    parts = [x[..., : channels // 2], x[..., channels // 2 :]]
    for _ in range(depth):
        y = _conv(_conv(parts[-1], channels // 2, 3), channels // 2, 3)
        parts.append(layers.Add()([parts[-1], y]))
    return _conv(layers.Concatenate()(parts), channels, 1)


def _pooled(x: keras.KerasTensor, channels: int) -> keras.KerasTensor:
    """Concatenate maxima over growing neighborhoods (YOLOv8's SPPF)."""
    parts = [_conv(x, channels // 2, 1)]
    for _ in range(3):
        parts.append(layers.MaxPooling2D(5, strides=1, padding="same")(parts[-1]))
    return _conv(layers.Concatenate()(parts), channels, 1)


def detector() -> keras.Model:
    """Return an untrained detector as large as YOLOv8n: 3.2 M weights, 4.4 G multiply-adds."""
    image = keras.Input((DETECTOR_SIDE, DETECTOR_SIDE, 3), name="image")
    x, maps = image, []
    for channels, depth in zip(DETECTOR_CHANNELS, DETECTOR_DEPTHS, strict=True):
        x = _conv(x, channels, 3, 2)
        if depth:
            x = _stage(x, channels, depth)
        maps.append(x)
    maps[4] = _pooled(maps[4], DETECTOR_CHANNELS[4])
    up = layers.UpSampling2D(2)
    middle = _stage(layers.Concatenate()([up(maps[4]), maps[3]]), 128, 1)
    fine = _stage(layers.Concatenate()([up(middle), maps[2]]), 64, 1)
    middle = _stage(layers.Concatenate()([_conv(fine, 64, 3, 2), middle]), 128, 1)
    coarse = _stage(layers.Concatenate()([_conv(middle, 128, 3, 2), maps[4]]), 256, 1)
    outputs = {}
    for i, level in enumerate((fine, middle, coarse)):
        boxes = layers.Conv2D(64, 1)(_conv(_conv(level, 64, 3), 64, 3))
        scores = layers.Conv2D(80, 1)(_conv(_conv(level, 80, 3), 80, 3))
        outputs[f"level{i}"] = layers.Concatenate()([boxes, scores])
    return keras.Model(image, outputs, name="detector")


HOUGH_SIDE = 320  # pixels that a dial is resized to
NEAR_CENTER = 0.12  # dial radii by which a hand's line may miss the center
STARTS_WITHIN = 0.45  # dial radii from the center within which a hand's line begins
SAME_HAND = 8.0  # degrees between lines of one hand


@dataclass(frozen=True)
class _Streak:
    angle: float  # degrees clockwise from up
    reach: float  # dial radii from the center to its far end
    weight: float  # summed length of its lines, dial radii


def hough_reading(dial: NDArray[np.uint8]) -> int | None:
    """Return the minutes past twelve of an upright dial that fills a grey picture (H, W).

    As a careful hobby pipeline does it: edges (Canny, thresholds from the median), segments
    (probabilistic Hough transform), those that point at the center joined into hands; of all pairs
    the one whose hour hand fits its minute hand best, preferably with the longer one as minute
    hand. None if no hand is found.
    """
    side = HOUGH_SIDE
    scale = side / max(dial.shape)
    size = (max(2, round(dial.shape[1] * scale)), max(2, round(dial.shape[0] * scale)))
    resized = cv2.resize(dial, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    grey: NDArray[np.uint8] = np.asarray(
        cv2.bilateralFilter(cv2.createCLAHE(2.0, (4, 4)).apply(resized), 7, 40, 5), dtype=np.uint8
    )
    x, y, radius = _circle(grey)
    middle = float(np.median(grey))
    edges = cv2.Canny(grey, max(10.0, 0.5 * middle), max(30.0, 1.1 * middle))
    lines = cv2.HoughLinesP(
        edges, 1, np.pi / 360, 18, minLineLength=0.2 * radius, maxLineGap=0.06 * radius
    )
    if lines is None:
        return None
    return _best_pair(_streaks(np.asarray(lines, np.float64).reshape(-1, 4), x, y, radius))


def _circle(grey: NDArray[np.uint8]) -> tuple[float, float, float]:
    """Return x, y, radius of the strongest circle near the middle, else the middle itself."""
    height, width = grey.shape
    half = min(height, width) / 2
    circles = cv2.HoughCircles(
        cv2.medianBlur(grey, 5),
        cv2.HOUGH_GRADIENT,
        1.5,
        half / 2,
        param1=120,
        param2=60,
        minRadius=int(0.55 * half),
        maxRadius=int(half),
    )
    if circles is not None:
        for cx, cy, radius in np.asarray(circles, np.float64).reshape(-1, 3)[:3]:
            if math.hypot(cx - width / 2, cy - height / 2) < 0.2 * half:
                return float(cx), float(cy), float(radius)
    return (width - 1) / 2, (height - 1) / 2, 0.85 * half


def _streaks(lines: NDArray[np.float64], x: float, y: float, radius: float) -> list[_Streak]:
    """Join segments (n, 4) that point at the center by angle, the heaviest first."""
    found: list[_Streak] = []
    for x1, y1, x2, y2 in (lines - [x, y, x, y]) / radius:
        length = math.hypot(x2 - x1, y2 - y1)
        away = abs(x1 * y2 - x2 * y1) / max(length, 1e-9)
        near, far = sorted((math.hypot(x1, y1), math.hypot(x2, y2)))
        if away > NEAR_CENTER or near > STARTS_WITHIN or far > 1.05:
            continue
        end = (x1, y1) if math.hypot(x1, y1) == far else (x2, y2)
        found.append(_Streak(math.degrees(math.atan2(end[0], -end[1])) % 360, far, length))
    joined: list[_Streak] = []
    for line in sorted(found, key=lambda s: -s.reach):
        for i, hand in enumerate(joined):
            turn = (line.angle - hand.angle + 180) % 360 - 180
            if abs(turn) < SAME_HAND:
                weight = hand.weight + line.weight
                joined[i] = _Streak(
                    (hand.angle + turn * line.weight / weight) % 360, hand.reach, weight
                )
                break
        else:
            joined.append(line)
    return sorted(joined, key=lambda s: -s.weight)[:5]


def _best_pair(hands: list[_Streak]) -> int | None:
    """Return the minutes of the pair of hands that fit each other best."""
    if not hands:
        return None
    best: tuple[float, int] | None = None
    for minute in hands:
        for hour in hands:
            m = round(minute.angle / 6) % 60
            h = round((hour.angle - m / 2) / 30) % 12
            misfit = abs((hour.angle - 30 * h - m / 2 + 180) % 360 - 180) / 15
            longer = minute.reach - hour.reach
            cost = misfit - 2.0 * longer - 0.3 * (minute.weight + hour.weight)
            cost += 0.6 if minute is hour else 0.0
            if best is None or cost < best[0]:
                best = cost, h * 60 + m
    return None if best is None else best[1]
