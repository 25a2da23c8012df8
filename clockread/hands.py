"""Poses → hands: each posed dial unwrapped to polar coordinates and read by the circular network."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from clockread.geometry import Floats
from clockread.polar import unwrap
from clockread.pose import Posed
from clockread.timecode import Decoded, decode

Polars = NDArray[np.uint8]
HandsNetwork = Callable[[Polars], tuple[Floats, Floats, Floats]]  # (n, ANGLES, RADII) -> logits (n, bins): hour, minute, 12


def unwrap_posed(dials: Sequence[Posed]) -> Polars:
    """Polar images (n, ANGLES, RADII) of posed dials, each sampled from its patch."""
    return np.stack([unwrap(dial.patch, dial.in_patch) for dial in dials])


def read_hands(polar: Polars, network: HandsNetwork) -> Decoded:
    """Times of polar images by both hands and the place of 12 together."""
    return decode(*network(polar))
