"""`python -m training.dials.examples FOLDER`: the example photos that ship with the project.

They are rendered without collected artwork (matplotlib's fonts, procedural backgrounds), so that
they contain nobody else's work: set CLOCKREAD_DATA to an empty folder.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Annotated

import cv2
import numpy as np
import typer

from clockread.clock import clock_text
from training.dials.backdrop import make_backdrop
from training.dials.camera import Optics, degrade
from training.dials.canvas import photos
from training.dials.dial import draw_dial
from training.dials.presets import PRESETS, Preset
from training.dials.render import extent, paste

SIZE = (640, 480)  # width, height, pixels
QUALITY = 90  # of the JPEG files
GENTLE = Optics(clean=0.0, blur=0.3, noise=0.4)
EXAMPLES = (  # file, seed, (center x, center y, face radius, tilt 0..1) of each dial
    ("wall.jpg", 10, ((250, 220, 110, 0.95),)),
    ("two.jpg", 29, ((180, 250, 95, 0.85), (460, 220, 80, 0.92))),
)


def main(
    folder: Annotated[Path, typer.Argument(help="Where to write the photos and times.json.")],
) -> None:
    """Write the example photos and their times."""
    if photos():
        problem = "examples must not hold collected photographs"
        raise typer.BadParameter(f"{problem}: set CLOCKREAD_DATA to an empty folder")
    preset: Preset = replace(PRESETS["plain"], optics=GENTLE)
    folder.mkdir(parents=True, exist_ok=True)
    times = {}
    for name, seed, places in EXAMPLES:
        rng = Random(seed)
        image = cv2.GaussianBlur(make_backdrop(rng, *SIZE), (0, 0), 2.0)
        shown = []
        for x, y, radius, tilt in places:
            dial = draw_dial(rng, preset)
            homography = np.array([[radius * tilt, 0, x], [0, radius, y], [0, 0, 1.0]])
            image = paste(dial, image, homography)
            left, top, right, bottom = extent(homography, dial.outer)
            box = [round(v) for v in (left, top, right - left, bottom - top)]
            shown.append({"time": clock_text(dial.minutes), "box": box})
        image = degrade(rng, image, preset.optics, 80.0)
        cv2.imwrite(str(folder / name), image, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))
        times[name] = shown
    (folder / "times.json").write_text(json.dumps(times, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
