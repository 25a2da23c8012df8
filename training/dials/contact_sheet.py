"""`python -m training.dials.contact_sheet OUT.png`: many rendered dials in one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer

from clockread.geometry import project
from training.dials.canvas import Grey, disc_points
from training.dials.presets import PRESETS
from training.dials.render import Picture, render
from training.dials.scenes import EVERYTHING, render_scene

SCENES = "scenes"  # instead of the name of a preset


def _label(tile: Grey, picture: Picture) -> None:
    """Draw rim, 12, and time or kind."""
    dial, green, red = picture.dial, (0, 200, 0), (0, 0, 255)
    rim = project(picture.homography, disc_points(36))
    color = green if dial.is_clock else red
    cv2.polylines(tile, [(rim * 16).astype(np.int32)], True, color, 1, cv2.LINE_AA, 4)
    cv2.circle(tile, tuple(int(v) for v in rim[0]), 3, red, -1)
    text = f"{dial.minutes // 60}:{dial.minutes % 60:02d}" if dial.is_clock else "no clock"
    text += " mirrored" * dial.mirrored + " of 24" * (dial.hours == 24)
    text += f" {picture.visible:.0%}" if picture.visible < 0.95 else ""
    cv2.putText(tile, text, (3, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 200, 255), 1, cv2.LINE_AA)


def _dial(preset: str, seed: int, size: int, labels: bool) -> Grey:
    picture = render(seed, PRESETS[preset], size)
    tile = cv2.cvtColor(picture.image, cv2.COLOR_GRAY2BGR)
    if labels:
        _label(tile, picture)
    return tile


def _scene(seed: int, size: int, labels: bool) -> Grey:
    scene = render_scene(seed, size, EVERYTHING)
    tile = cv2.cvtColor(scene.image, cv2.COLOR_GRAY2BGR)
    for box in scene.boxes.round().astype(int) if labels else ():
        cv2.rectangle(tile, [int(v) for v in box], (0, 200, 0))
    return tile


def main(
    out: Annotated[Path, typer.Argument(help="Picture to write.")],
    preset: Annotated[
        str, typer.Option(help=f"{', '.join(PRESETS)}, or {SCENES}: whole scenes with all of them.")
    ] = "varied",
    seed: Annotated[int, typer.Option(help="Seed of the first dial.")] = 0,
    rows: int = 8,
    columns: int = 12,
    size: Annotated[int, typer.Option(help="Pixels per dial.")] = 160,
    labels: Annotated[bool, typer.Option(help="Draw rim, 12 and time, or the boxes.")] = True,
) -> None:
    """Write a contact sheet of rendered dials or scenes."""
    if preset not in (*PRESETS, SCENES):
        raise typer.BadParameter(f"{preset!r}: use one of {', '.join((*PRESETS, SCENES))}")
    tiles = [
        _scene(number, size, labels) if preset == SCENES else _dial(preset, number, size, labels)
        for number in range(seed, seed + rows * columns)
    ]
    sheet = np.vstack([np.hstack(tiles[i * columns : (i + 1) * columns]) for i in range(rows)])
    if not cv2.imwrite(str(out), sheet):
        raise typer.BadParameter(f"{out}: cannot be written")


if __name__ == "__main__":
    typer.run(main)
