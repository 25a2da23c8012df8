"""Where the reader errs on rendered dials that no training saw: `python -m benchmarks.subsets`.

By how a dial lies: how far the pose is off (its centre and rim as shares of the radius, its 12 in degrees) after one look of the pose
network and after the reading network mended it, and how many times are right. Then what the wrong times have in common.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.accuracy import RIGHT
from clockread.clock import MINUTES_ON_DIAL, circular_difference
from clockread.geometry import Floats, Window, project
from clockread.hands import Hands, HandsOutput, hands_network, read_hands, read_refined
from clockread.pose import PosedDial, estimate, pose_network
from clockread.reader import ClockReader
from clockread.sampling import PATCH
from training import splits
from training.reader.shards import Shards, rendered

TURNED = 15.0  # degrees from upright
OBLIQUE = 0.8  # of the seen dial's shorter axis to its longer one
SAME = 9.0  # degrees within which a hand is read for another
BATCH = 32
_FINE = np.arange(360) * np.pi / 180
_EDGE: Floats = np.stack([np.sin(_FINE), -np.cos(_FINE)], axis=1)
_RIM: Floats = np.array([[0.0, 0.0], *([np.sin(a), -np.cos(a)] for a in np.arange(16) * np.pi / 8)])
COUNTS = {"varied": 2000, "hard": 1000, "watch": 1000, "tower": 1000, "film": 1000, "drawn": 1000}
SPLIT = ("varied", "hard")  # told apart by how the dials lie


def seen_of(reader: ClockReader, images: Sequence[NDArray[np.uint8]]) -> HandsOutput:
    """What the reading network sees of dials in crops (PATCH, PATCH), by one window and at most as many looks as usual."""
    parts = [seen for _, _, seen in _looked(reader, images)]
    return HandsOutput(
        *(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(HandsOutput))
    )


def read(
    reader: ClockReader, images: Sequence[NDArray[np.uint8]]
) -> tuple[list[PosedDial], list[PosedDial], list[Hands]]:
    """Poses by the pose network, poses that were mended, and hands, likewise."""
    first: list[PosedDial] = []
    refine: list[PosedDial] = []
    hands: list[Hands] = []
    for posed, better, seen in _looked(reader, images):
        first += posed
        refine += better
        hands += read_hands(seen)
    return first, refine, hands


def _looked(
    reader: ClockReader, images: Sequence[NDArray[np.uint8]]
) -> Iterator[tuple[list[PosedDial], list[PosedDial], HandsOutput]]:
    whole = Window((PATCH - 1) / 2, (PATCH - 1) / 2, PATCH)
    for start in range(0, len(images), BATCH):
        part = list(images[start : start + BATCH])
        posed = estimate(part, [whole] * len(part), pose_network(reader.networks["pose"]))
        yield (
            posed,
            *read_refined(posed, hands_network(reader.networks["hands"]), reader.effort.passes),
        )


def lie(homography: Floats) -> tuple[Floats, Floats]:
    """Degrees (n,) by which dials of homographies (n, 3, 3) are turned, and their seen axes' ratios (n,)."""
    points = project(homography, _RIM)
    centre, rim = points[:, 0], points[:, 1:]
    up = rim[:, 0] - centre
    turned = np.degrees(np.arctan2(up[:, 0], -up[:, 1]))
    spread = rim - rim.mean(axis=1, keepdims=True)
    axes = np.sqrt(np.linalg.eigvalsh(np.einsum("nki,nkj->nij", spread, spread)))
    return np.asarray(turned), np.asarray(axes[:, 0] / axes[:, 1])


def away(found: Floats, true: Floats) -> tuple[Floats, Floats]:
    """How far centre (n,) and rim (n,) of homographies (n, 3, 3) are off, in true radii: the rim from the nearest of the true one."""
    right = project(true, _RIM)
    radius = np.linalg.norm(right[:, 1:] - right[:, :1], axis=-1).mean(axis=1)
    points = project(found, _RIM)
    centre = np.linalg.norm(points[:, 0] - right[:, 0], axis=-1)
    edge = project(true, _EDGE)
    between = np.array(
        [
            np.linalg.norm(p[:, None] - e[None], axis=-1).min(axis=1).mean()
            for p, e in zip(points[:, 1:], edge, strict=True)
        ]
    )
    return centre / radius, between / radius


def cause(minutes: int, true: int, second: float) -> str:
    """What a wrong time has in common with others; ``second`` is the second hand's angle in degrees, nan without one."""
    found_angle, angle, hour = minutes % 60 * 6.0, true % 60 * 6.0, true / 2.0

    def near(to: float) -> bool:
        return bool(abs(circular_difference(found_angle, to, 360.0)) <= SAME)

    if abs(circular_difference(minutes, true, MINUTES_ON_DIAL)) <= 3:
        return "two or three minutes off"
    if near(angle):
        return "the hour is wrong, the minute is not"
    if not np.isnan(second) and near(second):
        return "the second hand is taken for the minute hand"
    if near(hour):
        return "the hour hand is taken for the minute hand"
    if near(angle + 180):
        return "the minute hand's tail is taken for its tip"
    return "other: mostly the place of 12"


def measure(reader: ClockReader, shards: dict[str, Shards]) -> tuple[Table, Table]:
    """The table of subsets and that of causes."""
    subsets = Table(title="pose errors as shares of the radius; median / 90th percentile")
    for column in (
        "",
        "dials",
        "centre, first look",
        "centre",
        "rim, first look",
        "rim",
        "12, degrees",
        "12 off > 15°",
        "right",
    ):
        subsets.add_column(column, justify="left" if not column else "right")
    causes: dict[str, dict[str, int]] = {}
    for name, shard in shards.items():
        true = shard.homography.astype(np.float64)
        first, refine, hands = read(reader, [np.asarray(image) for image in shard.images])
        before, after = (
            away(np.stack([dial.homography for dial in posed]), true) for posed in (first, refine)
        )
        turned, ratio = lie(true)
        found_turned = lie(np.stack([dial.homography for dial in refine]))[0] + [
            hand.rotation for hand in hands
        ]
        twelve = np.abs(circular_difference(found_turned, turned, 360.0))
        minutes = np.array([hand.minutes for hand in hands])
        right = (
            np.abs(circular_difference(minutes, shard.minutes.astype(np.int64), MINUTES_ON_DIAL))
            <= RIGHT
        )
        upright, oblique = np.abs(turned) < TURNED, ratio < OBLIQUE
        parts = {
            "all": np.ones(len(true), bool),
            "upright, not oblique": upright & ~oblique,
            "turned, not oblique": ~upright & ~oblique,
            "upright, oblique": upright & oblique,
            "turned and oblique": ~upright & oblique,
        }
        for part, of in parts.items():
            if not of.any() or (name not in SPLIT and part != "all"):
                continue
            errors = [
                _two(100 * values[of], "%")
                for pair in zip(before, after, strict=True)
                for values in pair
            ]
            late = [
                _two(twelve[of], "°"),
                f"{(twelve[of] > 15).mean():.1%}",
                f"{right[of].mean():.1%}",
            ]
            subsets.add_row(f"{name}: {part}", str(of.sum()), *errors, *late)
        counted: dict[str, int] = {}
        for i in np.nonzero(~right)[0]:
            why = cause(int(minutes[i]), int(shard.minutes[i]), float(shard.second_angle[i]))
            counted[why] = counted.get(why, 0) + 1
        causes[name] = counted
    return subsets, _causes(causes, {name: len(shard) for name, shard in shards.items()})


def _two(values: Floats, unit: str) -> str:
    return f"{np.median(values):.1f} / {np.quantile(values, 0.9):.1f} {unit}"


def _causes(causes: dict[str, dict[str, int]], sizes: dict[str, int]) -> Table:
    table = Table(title="wrong times, as shares of all dials")
    table.add_column("")
    for name in causes:
        table.add_column(name, justify="right")
    total = {
        why: sum(counted.get(why, 0) for counted in causes.values())
        for counted in causes.values()
        for why in counted
    }
    for why in sorted(total, key=lambda w: -total[w]):
        table.add_row(
            why, *(f"{counted.get(why, 0) / sizes[name]:.1%}" for name, counted in causes.items())
        )
    return table


def main(
    model: Annotated[str, typer.Option(help="Model of the manifest.")] = "auto",
    dials: Annotated[
        int | None, typer.Option(min=1, help="At most so many of each preset.")
    ] = None,
) -> None:
    """Measure all presets."""
    shards = {
        preset: rendered(preset, splits.VALIDATION.start, min(count, dials or count))
        for preset, count in COUNTS.items()
    }
    for table in measure(ClockReader("cpu", model=model), shards):
        Console(width=170).print(table)


if __name__ == "__main__":
    typer.run(main)
