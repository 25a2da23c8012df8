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


def sheet(
    preset: str, first_seed: int, rows: int, columns: int, size: int, labels: bool
) -> np.ndarray:
    """Return a contact sheet.

    Args:
        preset: One of `PRESETS`.
        first_seed: Of the dial in the upper left corner.
        rows: Of dials.
        columns: Of dials.
        size: Side of each dial's picture, pixels.
        labels: Whether to draw the rim, 12 and the time.

    Returns:
        (rows · size, columns · size, 3) uint8 BGR.
    """
    tiles = []
    for seed in range(first_seed, first_seed + rows * columns):
        picture = render(seed, PRESETS[preset], size)
        tiles.append(cv2.cvtColor(picture.image, cv2.COLOR_GRAY2BGR))
        if labels:
            _label(tiles[-1], picture)
    return np.vstack([np.hstack(tiles[i * columns : (i + 1) * columns]) for i in range(rows)])


def main(
    out: Annotated[Path, typer.Argument(help="Picture to write.")],
    preset: Annotated[str, typer.Option(help=f"One of {', '.join(PRESETS)}.")] = "varied",
    seed: Annotated[int, typer.Option(help="Seed of the first dial.")] = 0,
    rows: int = 8,
    columns: int = 12,
    size: Annotated[int, typer.Option(help="Pixels per dial.")] = 160,
    labels: Annotated[bool, typer.Option(help="Draw rim, 12 and time.")] = True,
) -> None:
    """Write a contact sheet of rendered dials."""
    if preset not in PRESETS:
        raise typer.BadParameter(f"{preset!r}: use one of {', '.join(PRESETS)}")
    if not cv2.imwrite(str(out), sheet(preset, seed, rows, columns, size, labels)):
        raise typer.BadParameter(f"{out}: cannot be written")


if __name__ == "__main__":
    typer.run(main)
