"""Errors of the reader on rendered dials that no training saw: `python -m benchmarks.subsets`.

By orientation of the dial: the error of the pose (center and rim as shares of the radius, 12 in
degrees) after the pose network and after refinement, and the share of right times. Then the causes
of wrong times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import fields

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.options import DialsOption, ModelOption
from benchmarks.tables import percent, print_table
from clockread.clock import circular_difference, minutes_apart, right_within
from clockread.context import ContextOutput, context_network, joined, unwrap_context
from clockread.geometry import Floats, Window, project, rim
from clockread.hands import Hands, HandsOutput, hands_network, read_refined
from clockread.hypotheses import ReadDial, read_posed
from clockread.pose import PosedDial, estimate, pose_network
from clockread.reader import ClockReader
from clockread.sampling import PATCH
from training import splits
from training.reader.shards import Shards, rendered

TURNED = 15.0  # degrees between 12 and up
OBLIQUE = 0.8  # the face's shorter axis over its longer one
SAME = 9.0  # degrees within which one hand is mistaken for another
BATCH = 32
COUNTS = {
    "varied": 2000,
    "hard": 1000,
    "watch": 1000,
    "worn": 1000,
    "chronograph": 1000,
    "tower": 1000,
    "film": 1000,
    "drawn": 1000,
}
BY_ORIENTATION = ("varied", "hard")
_POINTS: Floats = np.concatenate([np.zeros((1, 2)), rim(16)])  # center and rim
_EDGE = rim(360)
_COLUMNS = (
    *("", "dials", "center, first pass", "center", "rim, first pass", "rim"),
    *("12", f"12 off > {TURNED:.0f}°", "right"),
)


def all_rendered(dials: int | None) -> dict[str, Shards]:
    """Return rendered dials by preset, ``dials`` of each at most."""
    return {
        preset: rendered(preset, splits.VALIDATION.start, min(count, dials or count))
        for preset, count in COUNTS.items()
    }


def outputs_of(
    reader: ClockReader, images: Sequence[NDArray[np.uint8]]
) -> tuple[HandsOutput, ContextOutput]:
    """Return the outputs of both networks for crops (PATCH, PATCH), after refinement."""
    hands, context = (reader.networks[role] for role in ("hands", "context"))
    seen, around = [], []
    for part, posed in _estimated(reader, images):
        refined, output = read_refined(posed, hands_network(hands), reader.effort.passes)
        seen.append(output)
        around.append(context_network(context)(unwrap_context(part, refined)))
    names = [field.name for field in fields(HandsOutput)]
    every = (np.concatenate([getattr(part, name) for part in seen]) for name in names)
    return HandsOutput(*every), joined(around)


def read(
    reader: ClockReader, images: Sequence[NDArray[np.uint8]]
) -> tuple[list[PosedDial], list[PosedDial], list[Hands]]:
    """Return poses by the pose network, refined poses, and hands of crops (PATCH, PATCH)."""
    hands, context = (reader.networks[role] for role in ("hands", "context"))
    networks = hands_network(hands), context_network(context)
    first: list[PosedDial] = []
    read: list[ReadDial] = []
    for part, posed in _estimated(reader, images):
        first += posed
        read += read_posed(part, posed, *networks, reader.effort.passes)
    return first, [one.posed for one in read], [one.hands for one in read]


def _estimated(
    reader: ClockReader, images: Sequence[NDArray[np.uint8]]
) -> Iterator[tuple[list[NDArray[np.uint8]], list[PosedDial]]]:
    network = pose_network(reader.networks["pose"])
    for start in range(0, len(images), BATCH):
        part = list(images[start : start + BATCH])
        yield part, estimate(part, [Window.whole(PATCH)] * len(part), network)


def orientation(homographies: Floats) -> tuple[Floats, Floats]:
    """Return dials' rotations (n,) in degrees and axis ratios (n,), from (n, 3, 3)."""
    points = project(homographies, _POINTS)
    center, edge = points[:, 0], points[:, 1:]
    up = edge[:, 0] - center
    turned = np.degrees(np.arctan2(up[:, 0], -up[:, 1]))
    spread = edge - edge.mean(axis=1, keepdims=True)
    axes = np.sqrt(np.linalg.eigvalsh(np.einsum("nki,nkj->nij", spread, spread)))
    return np.asarray(turned), np.asarray(axes[:, 0] / axes[:, 1])


def pose_errors(found: Floats, true: Floats) -> tuple[Floats, Floats]:
    """Return the errors of center (n,) and rim (n,) of homographies (n, 3, 3), in true radii.

    The rim's is the mean distance of its points from the nearest points of the true rim.
    """
    right = project(true, _POINTS)
    radius = np.linalg.norm(right[:, 1:] - right[:, :1], axis=-1).mean(axis=1)
    points = project(found, _POINTS)
    center = np.linalg.norm(points[:, 0] - right[:, 0], axis=-1)
    nearest = [
        np.linalg.norm(p[:, None] - e[None], axis=-1).min(axis=1).mean()
        for p, e in zip(points[:, 1:], project(true, _EDGE), strict=True)
    ]
    return center / radius, np.array(nearest) / radius


def cause(minutes: int, true: int, second: float) -> str:
    """Return the cause of a wrong time.

    Args:
        minutes: the time read
        true: the right time
        second: angle of the second hand in degrees, nan without one

    """
    found_angle, angle, hour = minutes % 60 * 6.0, true % 60 * 6.0, true / 2.0

    def near(to: float) -> bool:
        return bool(abs(circular_difference(found_angle, to, 360.0)) <= SAME)

    if minutes_apart(minutes, true) <= 3:
        return "two or three minutes off"
    if near(angle):
        return "wrong hour, right minute"
    if not np.isnan(second) and near(second):
        return "second hand mistaken for the minute hand"
    if near(hour):
        return "hour hand mistaken for the minute hand"
    if near(angle + 180):
        return "minute hand's tail mistaken for its tip"
    return "other, mostly a wrong place of 12"


def measure(reader: ClockReader, name: str, shard: Shards) -> tuple[list[list[str]], Counter[str]]:
    """Measure the rendered dials of a preset.

    Args:
        reader: the reader to measure
        name: of the preset
        shard: its dials

    Returns:
        rows of subsets, and the number of wrong times by cause

    """
    true = shard.homography.astype(np.float64)
    first, refined, hands = read(reader, [np.asarray(image) for image in shard.images])
    posed = [np.stack([dial.homography for dial in dials]) for dials in (first, refined)]
    before, after = (pose_errors(found, true) for found in posed)
    turned, ratio = orientation(true)
    found_turned = orientation(posed[1])[0] + [hand.rotation for hand in hands]
    twelve = np.abs(circular_difference(found_turned, turned, 360.0))
    minutes = np.array([hand.minutes for hand in hands])
    right = right_within(minutes, shard.minutes)
    upright, oblique = np.abs(turned) < TURNED, ratio < OBLIQUE
    subsets = {"all": np.ones(len(true), bool)}
    if name in BY_ORIENTATION:
        subsets |= {
            "upright, not oblique": upright & ~oblique,
            "turned, not oblique": ~upright & ~oblique,
            "upright, oblique": upright & oblique,
            "turned and oblique": ~upright & oblique,
        }
    rows = [
        [
            f"{name}: {subset}",
            str(of.sum()),
            *(_spread(100 * e[of], "%") for pair in zip(before, after, strict=True) for e in pair),
            _spread(twelve[of], "°"),
            percent((twelve[of] > TURNED).mean()),
            percent(right[of].mean()),
        ]
        for subset, of in subsets.items()
        if of.any()
    ]
    causes = Counter(
        cause(int(minutes[i]), int(shard.minutes[i]), float(shard.second_angle[i]))
        for i in np.nonzero(~right)[0]
    )
    return rows, causes


def _spread(values: Floats, unit: str) -> str:
    return f"{np.median(values):.1f} / {np.quantile(values, 0.9):.1f} {unit}"


def main(model: ModelOption = "auto", dials: DialsOption = None) -> None:
    """Measure all presets."""
    reader, shards = ClockReader("cpu", model=model), all_rendered(dials)
    rows: list[list[str]] = []
    causes = {}
    for name, shard in shards.items():
        more, causes[name] = measure(reader, name, shard)
        rows += more
    title = "pose errors as shares of the radius and 12 in degrees; median / 90th percentile"
    print_table(title, _COLUMNS, rows)
    print_table(
        "wrong times, as shares of all dials",
        ("", *causes),
        [
            (why, *(percent(of[why] / len(shards[name])) for name, of in causes.items()))
            for why, _ in sum(causes.values(), Counter[str]()).most_common()
        ],
    )


if __name__ == "__main__":
    typer.run(main)
