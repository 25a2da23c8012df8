"""Poses → hands: a network with circular convolutions reads polar images of dials.

It also refines the pose of each dial.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clockread.clock import Pair, disagreement
from clockread.decoding import (
    TWELVE_HOURS,
    Hours,
    decode,
    modal_angle,
    resultant,
    sigmoid,
    turned_back,
)
from clockread.evidence import Evidence
from clockread.geometry import Floats, compose, project, rim
from clockread.pose import PosedDial
from clockread.sampling import unwrap

if TYPE_CHECKING:
    from clockread.runtime.network import Network

MAX_PASSES = 3  # of the reading network, each with the pose that the previous pass refined
CONVERGED = 0.012  # dial radii; refinement stops once the rim moved less than this, on average
MAX_SHIFT = 0.5  # dial radii by which one pass may move the center
SIZE_RANGE = (0.55, 1.8)  # factors by which one pass may change the size
MOVEMENT_RIM = rim(8)

Polars = NDArray[np.uint8]


@dataclass(frozen=True)
class HandsOutput:
    """Outputs of the reading network for n polar images."""

    hour: Floats  # (n, bins) logits over the angle against the pose's up
    minute: Floats
    twelve: Floats
    second: Floats
    has_second: Floats  # (n, 1) logit of there being a second hand
    change: Floats  # (n, 7) pose correction: the dial's pose relative to that of the polar image


HandsNetwork = Callable[[Polars], HandsOutput]  # of (n, ANGLES, RADII)


def hands_network(network: Network) -> HandsNetwork:
    """Return the reading network of a session."""
    return lambda polar: HandsOutput(*network(polar, *(f.name for f in fields(HandsOutput))))


def unwrap_posed(dials: Sequence[PosedDial]) -> Polars:
    """Return the polar images (n, ANGLES, RADII) of posed dials, each sampled from its patch."""
    return np.stack([unwrap(dial.patch, dial.in_patch) for dial in dials])


def refine(dials: Sequence[PosedDial], changes: Floats) -> list[tuple[PosedDial, float]]:
    """Apply pose corrections (n, 7); return each dial with its new pose, and how far its rim moved.

    That distance is the mean over the rim, in radii. An implausibly large correction leaves the
    dial unchanged, with distance 0.0.
    """
    h = compose(changes)
    cx, cy, s11, s12, s22, v1, v2 = np.asarray(changes, np.float64).T
    size = s11 * s22 - s12**2
    wild = (
        (np.hypot(cx, cy) > MAX_SHIFT)
        | (np.hypot(v1, v2) > MAX_SHIFT)
        | ~((SIZE_RANGE[0] ** 2 < size) & (size < SIZE_RANGE[1] ** 2))
    )
    moved = np.linalg.norm(project(h, MOVEMENT_RIM) - MOVEMENT_RIM, axis=-1).mean(axis=-1)
    homographies = np.stack([dial.homography for dial in dials]) @ h
    homographies /= homographies[:, 2:, 2:]
    return [
        (dial, 0.0)
        if wild[i]
        else (PosedDial(homographies[i], dial.dial_logit, dial.patch, dial.window), float(moved[i]))
        for i, dial in enumerate(dials)
    ]


def read_refined(
    dials: Sequence[PosedDial], network: HandsNetwork, passes: int = MAX_PASSES
) -> tuple[list[PosedDial], HandsOutput]:
    """Read dials and refine their poses until these converge.

    Args:
        dials: the dials with their estimated poses.
        network: the reading network.
        passes: maximum number of passes per dial.

    Returns:
        The dials with their final poses, and the network's outputs for them.

    """
    posed = list(dials)
    seen = network(unwrap_posed(posed))
    last = {f.name: np.array(getattr(seen, f.name)) for f in fields(HandsOutput)}
    moving = list(range(len(posed)))
    for _ in range(passes - 1):
        refined = refine([posed[i] for i in moving], last["change"][moving])
        still = {
            i: dial for i, (dial, moved) in zip(moving, refined, strict=True) if moved > CONVERGED
        }
        if not still:
            break
        moving = list(still)
        for i, dial in still.items():
            posed[i] = dial
        again = network(unwrap_posed([posed[i] for i in moving]))
        for name, values in last.items():
            values[moving] = getattr(again, name)
    return posed, HandsOutput(**last)


@dataclass(frozen=True)
class Hands:
    """The hands of one dial, relative to its 12."""

    minutes: int  # time shown, whole minutes past twelve, 0..719; 0..1439 with 24 hours
    confidence: float  # raw probability, 0..1, that it is right within one minute
    rotation: float  # degrees clockwise of 12 against the pose's up, -180..180
    hour_sincos: Pair  # mean resultant (sin, cos) of each hand's distribution; length <= 1
    minute_sincos: Pair
    second_sincos: Pair
    second_presence: float  # probability, 0..1, that there is a second hand
    disagreement: float  # degrees, -15..15, hour hand ahead of the minute hand's hour; or nan
    log_likelihood: float = 0.0  # how well the hands fit any time; see `decoding.Decoded`
    dial_hours: int = 12  # hours on the dial, 12 or 24
    mirrored: bool = False  # whether the hands run counterclockwise
    clock_logit: float = math.nan  # of the context network, for being a clock; nan without one
    whole_logit: float = math.nan  # the same, for the whole face being in the photo
    evidence: Evidence | None = None  # the distributions behind it


def read_hands(
    seen: HandsOutput, twelve: Floats | None = None, hours: Hours = TWELVE_HOURS
) -> list[Hands]:
    """Decode the time of each dial from both hands and the place of 12 together.

    Args:
        seen: the outputs of the reading network for n dials.
        twelve: logits (n, bins) of the context network over the place of 12, if there is one.
        hours: the hours on the dials.

    """
    times = decode(seen.hour, seen.minute, seen.twelve, twelve, hours=hours)
    hour, minute = (modal_angle(logits) - times.rotation for logits in (seen.hour, seen.minute))
    columns = {
        **vars(times),
        "second_sincos": turned_back(resultant(seen.second), times.rotation),
        "second_presence": probability(seen.has_second),
        "disagreement": disagreement(hour, minute, hours.count),
        "dial_hours": np.full(len(hour), hours.count),
    }
    by_time = columns.pop("by_time")
    read = []
    rows = zip(*columns.values(), strict=True)
    for row, p, minute, second in zip(rows, by_time, seen.minute, seen.second, strict=True):
        plain = {name: _plain(value) for name, value in zip(columns, row, strict=True)}
        evidence = Evidence(p, minute, second, plain["rotation"], plain["second_presence"])
        read.append(Hands(**plain, evidence=evidence))
    return read


def probability(logits: Floats) -> Floats:
    """Return the probabilities (n,) of logits (n, 1)."""
    return sigmoid(logits[:, 0])


def _plain(value: Any) -> Any:
    """Return one value of an array as a number, or a row of it as a tuple of numbers."""
    return tuple(value.tolist()) if value.ndim else value.item()
