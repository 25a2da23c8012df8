"""Figure of the page "How it works", one photo through all stages.

`python -m benchmarks.how_it_works PHOTO OUT.png`
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cv2
import matplotlib as mpl
import numpy as np
import typer

from clockread.geometry import Window, project, rim
from clockread.hands import hands_network, read_refined, unwrap_posed
from clockread.images import load_color, load_photo
from clockread.overlay import draw
from clockread.pose import BOX_MARGIN, estimate, pose_network
from clockread.reader import ClockReader

mpl.use("Agg")
from matplotlib import pyplot as plt

_RIM = rim(59)[np.arange(60) % 59]  # closed


def main(
    photo: Annotated[Path, typer.Argument(help="A photo with a clock.")],
    out: Annotated[Path, typer.Argument(help="Picture to write.")],
) -> None:
    """Draw photo, patch with pose, polar image with distributions, and the reading."""
    reader = ClockReader("cpu")
    image = load_photo(photo)
    readings = reader.read_photos([image])[0].readings
    if not readings:
        raise typer.BadParameter(f"{photo}: no clock was found")
    found = reader.find([image.pixels])[0][0]
    window = Window.around(found.box, BOX_MARGIN)
    (posed,) = estimate([image.pixels], [window], pose_network(reader.networks["pose"]))
    (refined,), seen = read_refined([posed], hands_network(reader.networks["hands"]))
    polar = unwrap_posed([refined])

    figure, axes = plt.subplots(
        1, 4, figsize=(13, 3.6), width_ratios=(1.3, 1, 1.2, 1.3), layout="constrained"
    )
    color = load_color(photo)
    boxed = color.copy()
    x, y, w, h = (round(v * image.scale) for v in found.box)
    cv2.rectangle(boxed, (x, y), (x + w, y + h), (0, 200, 0), max(2, color.shape[1] // 200))
    axes[0].imshow(boxed[:, :, ::-1])
    axes[0].set_title("1 detection")
    axes[1].imshow(posed.patch, cmap="gray")
    for pose, color_of in ((posed, "orange"), (refined, "lime")):
        axes[1].plot(*project(pose.in_patch, _RIM).T, color_of)
        center = project(pose.in_patch, np.zeros((1, 2)))[0]
        axes[1].plot(*center, "+", color=color_of, markersize=12)
    axes[1].set_title("2 pose, and refined (green)")
    axes[2].imshow(polar[0].T[::-1], cmap="gray", extent=(0, 360, 0, 1.12), aspect="auto")
    for name, values, style in (
        ("hour", seen.hour, "red"),
        ("minute", seen.minute, "deepskyblue"),
        ("12", seen.twelve, "lime"),
    ):
        p = np.exp(values[0] - values[0].max())
        axes[2].plot(np.arange(len(p)) * 360 / len(p), p / p.max() * 0.9, color=style, label=name)
    axes[2].set_title("3 polar image, 4 distributions")
    axes[2].legend(loc="upper right", fontsize=7)
    axes[3].imshow(draw(color, readings)[:, :, ::-1])
    axes[3].set_title(f"reading: {readings[0].time}, confidence {readings[0].confidence:.2f}")
    for axis in (axes[0], axes[1], axes[3]):
        axis.axis("off")
    figure.savefig(out, dpi=80)


if __name__ == "__main__":
    typer.run(main)
