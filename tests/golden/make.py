"""`python tests/golden/make.py`: render the golden dials again and record their present readings.

Run it from the repository's root, with CLOCKREAD_DATA naming an empty folder, so that nothing
collected is in the pictures. It needs the train extra. `--readings` keeps the pictures and renews
the expected readings only, after a change of the models.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import cv2
import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from clockread import ClockReader  # noqa: E402
from clockread.clock import clock_text, hand_angles  # noqa: E402
from clockread.reading import Reading  # noqa: E402
from training.dials import dial as dials  # noqa: E402
from training.dials.backdrop import make_backdrop  # noqa: E402
from training.dials.camera import Optics  # noqa: E402
from training.dials.canvas import CANVAS, UNIT, photos  # noqa: E402
from training.dials.dial import Dial, draw_dial  # noqa: E402
from training.dials.presets import PRESETS  # noqa: E402
from training.dials.render import paste, render  # noqa: E402

QUALITY = 92  # of JPEG
SIDE = 176  # pixels, of a picture of one dial
SINGLE = (  # name, preset, seed
    ("tilted", "varied", 7007),
    ("tilted-turned", "varied", 7008),
    ("turned-quarter", "varied", 7017),
    ("turned-half", "varied", 7023),
    ("turned-more", "hard", 7008),
    ("seconds-tilted", "varied", 7012),
    ("seconds-turned", "varied", 7014),
    ("seconds-watch", "watch", 7016),
    ("seconds-hard", "hard", 7005),
    ("near-camera", "tower", 7006),
    ("numerals", "varied", 7009),
    ("upright", "varied", 7006),
    ("turned-upside-down", "watch", 7013),
    ("dark", "film", 7004),
    ("dark-tilted", "film", 7009),
    ("drawn", "drawn", 7005),
    ("drawn-bare", "drawn", 7011),
    ("retried", "film", 7011),
    ("tower", "tower", 7007),
    ("doubtful", "varied", 7020),
)
PLAIN = replace(
    PRESETS["plain"],
    optics=Optics(clean=1.0),
    second_hand=0.0,
    careless=0.0,
    textured=0.0,
    marker=0.0,
    alarm=0.0,
)
Truth = dict[str, Any]


def truth_of(dial: Dial, homography: np.ndarray) -> Truth:
    """What a reading should say: the time, the second or None, and the dial plane in pixels."""
    second = None if np.isnan(dial.second_angle) else round(dial.second_angle / 6, 1)
    rounded = (homography / homography[2, 2]).tolist()
    return {
        "time": clock_text(dial.minutes),
        "second": second,
        "homography": [[float(f"{v:.6g}") for v in row] for row in rounded],
    }


def single(preset: str, seed: int) -> tuple[np.ndarray, list[Truth]]:
    """One dial of a preset in a square picture."""
    picture = render(seed, PRESETS[preset], SIDE)
    return picture.image, [truth_of(picture.dial, picture.homography)]


def backdrop(rng: Random, width: int, height: int) -> np.ndarray:
    """A smooth wall, which takes few bytes as JPEG."""
    return np.asarray(
        cv2.GaussianBlur(make_backdrop(rng, width, height), (0, 0), 6.0), dtype=np.uint8
    )


def scene(
    seed: int, size: tuple[int, int], places: tuple[tuple[float, float, float, float], ...]
) -> tuple[np.ndarray, list[Truth]]:
    """Several plain dials at (center x, center y, case radius, tilt)."""
    rng = Random(seed)
    image, shown = backdrop(rng, *size), []
    for x, y, radius, tilt in places:
        dial = draw_dial(rng, PLAIN)
        face = radius / dial.outer
        homography = np.array([[face * tilt, 0, x], [0, face, y], [0, 0, 1.0]])
        image = paste(dial, image, homography)
        shown.append(truth_of(dial, homography))
    return image, shown


def red_on_blue(seed: int) -> tuple[np.ndarray, list[Truth]]:
    """Red hands on a blue face of equal brightness: a grey photo shows no hands at all."""
    rng = Random(seed)
    with mock.patch.object(dials, "draw_hands"):
        dial = draw_dial(rng, replace(PLAIN, numerals=1.0, roman=0.0, shaped=0.0))
    hands = np.zeros((CANVAS, CANVAS), np.uint8)
    middle = (CANVAS / 2 - 0.5) * 16
    for degrees, length, width in zip(hand_angles(dial.minutes), (0.5, 0.8), (9, 5), strict=True):
        angle = np.deg2rad(degrees)
        tip = (
            middle + 16 * UNIT * length * np.sin(angle),
            middle - 16 * UNIT * length * np.cos(angle),
        )
        cv2.line(
            hands,
            (round(middle), round(middle)),
            (round(tip[0]), round(tip[1])),
            255,
            width,
            cv2.LINE_AA,
            4,
        )
    blue, red = (
        np.array([90.0, -8.0, -18.6]),
        np.array([-60.0, -35.0, 91.6]),
    )  # BGR without any brightness
    face = 80 + 0.35 * dial.canvas.grey.astype(np.float64)
    share = hands[..., None] / 255.0
    color = np.clip(face[..., None] + (1 - share) * blue + share * red, 0, 255).astype(np.uint8)
    homography = np.array([[62.0, 0, 88], [0, 60.0, 86], [0, 0, 1.0]])
    wall = backdrop(rng, SIDE, SIDE)
    channels = [
        paste(replace(dial, canvas=_with_grey(dial, color[..., i])), wall, homography)
        for i in range(3)
    ]
    return np.dstack(channels), [truth_of(dial, homography)]


def _with_grey(dial: Dial, grey: np.ndarray) -> Any:
    canvas = type(dial.canvas)()
    canvas.grey, canvas.mask = np.ascontiguousarray(grey), dial.canvas.mask
    return canvas


def pictures() -> dict[str, tuple[np.ndarray, list[Truth]]]:
    """All golden pictures and their truth, by name."""
    made = {name: single(preset, seed) for name, preset, seed in SINGLE}
    made["red-on-blue"] = red_on_blue(3)
    made["touching"] = scene(7, (300, 180), ((82, 92, 68, 1.0), (218, 92, 68, 1.0)))
    made["small"] = scene(11, (200, 150), ((128, 70, 21, 1.0),))
    made["far"] = scene(22, (480, 640), ((70, 540, 15, 0.95),))
    return made


def expected_of(reading: Reading) -> dict[str, Any]:
    """What the test compares of a reading."""
    kept = (
        "time",
        "confidence",
        "box",
        "rotation",
        "homography",
        "dial_score",
        "second",
        "second_presence",
        "disagreement",
    )
    values = reading.to_dict()
    return {name: values[name] for name in kept}


def main() -> None:
    """Write the pictures and golden.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readings", action="store_true", help="renew the expected readings only")
    file = HERE / "golden.json"
    if parser.parse_args().readings:
        golden = json.loads(file.read_text(encoding="utf-8"))
    else:
        if photos():
            raise SystemExit(
                "golden dials must not hold collected photographs: "
                "set CLOCKREAD_DATA to an empty folder"
            )
        golden = {}
        for name, (image, truth) in pictures().items():
            options = [
                cv2.IMWRITE_JPEG_QUALITY,
                QUALITY,
                cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
                cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
            ]
            cv2.imwrite(str(HERE / f"{name}.jpg"), image, options)
            golden[name] = {"truth": truth}
    reader = ClockReader("cpu", model="default")
    for name, entry in golden.items():
        entry["readings"] = [expected_of(reading) for reading in reader.read(HERE / f"{name}.jpg")]
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in golden.items())
    file.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    os.environ.setdefault("CLOCKREAD_DATA", "none")
    main()
