"""Poses → hands: each posed dial unwrapped to polar coordinates and read by the circular network.

A dial whose first reading is unsure is read again through poses around the found one; the pose whose hands agree best wins.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from clockread.geometry import Floats
from clockread.patches import FROM_UNIT
from clockread.polar import unwrap
from clockread.pose import Posed
from clockread.timecode import Decoded, decode

Polars = NDArray[np.uint8]
HandsNetwork = Callable[[Polars], tuple[Floats, Floats, Floats]]  # (n, ANGLES, RADII) -> logits (n, bins): hour, minute, 12


@dataclass(frozen=True)
class Effort:
    """When a dial is read again, and through which poses around the found one."""

    sure: float = 0.9  # confidence from which the first reading stands
    shift: float = 0.07  # of the centre, in face radii, in eight directions
    sizes: tuple[float, ...] = (0.9, 1.1)  # factors on the radius


def unwrap_posed(dials: Sequence[Posed]) -> Polars:
    """Polar images (n, ANGLES, RADII) of posed dials, each sampled from its patch."""
    to_patch = [FROM_UNIT @ np.linalg.inv(dial.window.from_unit()) @ dial.homography for dial in dials]
    return np.stack([unwrap(dial.patch, matrix) for dial, matrix in zip(dials, to_patch, strict=True)])


def read_hands(polar: Polars, network: HandsNetwork) -> Decoded:
    """Times of polar images by both hands and the place of 12 together."""
    return decode(*network(polar))


def variations(dial: Posed, effort: Effort) -> list[Posed]:
    """Poses around a dial's: its centre moved and its size changed on the dial plane."""
    moves = []
    for i in range(8):
        a = i * math.pi / 4
        moves.append(np.array([[1, 0, effort.shift * math.sin(a)], [0, 1, -effort.shift * math.cos(a)], [0, 0, 1.0]]))
    moves += [np.diag([size, size, 1.0]) for size in effort.sizes]
    return [replace(dial, homography=dial.homography @ move) for move in moves]


def read_again(dials: Sequence[Posed], first: Decoded, network: HandsNetwork, effort: Effort, batch: int) -> tuple[list[Posed], Decoded]:
    """Dials and readings with the unsure ones replaced by the variation of greatest evidence, where one beats the first."""
    kept, arrays = list(dials), {f.name: getattr(first, f.name).copy() for f in fields(Decoded)}
    unsure = [i for i in range(len(dials)) if first.confidence[i] < effort.sure]
    tried = [(i, variation) for i in unsure for variation in variations(dials[i], effort)]
    for start in range(0, len(tried), batch):
        some = tried[start : start + batch]
        again = read_hands(unwrap_posed([variation for _, variation in some]), network)
        for k, (i, variation) in enumerate(some):
            if again.evidence[k] > arrays["evidence"][i]:
                kept[i] = variation
                for name, values in arrays.items():
                    values[i] = getattr(again, name)[k]
    return kept, Decoded(**arrays)
