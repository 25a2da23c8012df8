"""The course report's reader: four heads read an upright crop, as two (sin, cos) pairs.

    03:00 → hour (1, 0), minute (0, 1)      06:10 → hour (0, -1), minute (0.866, 0.5)

The angles are the whole hour × 30 degrees (not that of the hour hand) and the minute × 6 degrees.
It is an alternative to `polar_reader`, available if the manifest has the role "sincos"; see
docs/report.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clockread.clock import MINUTES_ON_DIAL, angle_of, pair_of, sincos
from clockread.decoding import likeliest
from clockread.geometry import Floats
from clockread.hands import Hands
from clockread.pose import PosedDial
from clockread.sampling import crop_window
from clockread.stages import READ

if TYPE_CHECKING:
    from clockread.runtime.network import Network
    from clockread.stages import Dial, StageTimer

SINCOS = "sincos"  # role of the network in the manifest
OUTPUT = "pairs"  # (n, 4): hour sin, hour cos, minute sin, minute cos
ASSUMED_LOGIT = 3.0  # replaces the pose network's logit; typical of doubtful clocks
MARGIN = 1.2  # side of the crop relative to the dial's box, as in the training images
SPREADS = (0.0, 1.0, 2.0)  # minutes within which the network may confuse times: see `expected`
NOISE = 0.15  # standard deviation of each output

Crops = NDArray[np.uint8]
PairsNetwork = Callable[[Crops], Floats]  # (n, side, side) -> (n, 4)


def encode(minutes: Floats | NDArray[np.integer]) -> Floats:
    """Convert minutes past twelve (n,) to pairs (n, 4): sin and cos of the hour, of the minute."""
    hour, minute = np.divmod(np.asarray(minutes) % MINUTES_ON_DIAL, 60)
    return np.concatenate([sincos(hour * 30.0), sincos(minute * 6.0)], axis=-1)


def decode_rounding(pairs: Floats) -> NDArray[np.int64]:
    """Convert pairs (n, 4) to minutes past twelve (n,) as the report does.

    Hour and minute are angles by atan2, + 360 if negative, rounded independently.
    """
    hour = np.rint(angle_of(pairs[:, :2]) / 30).astype(np.int64) % 12
    minute = np.rint(angle_of(pairs[:, 2:]) / 6).astype(np.int64) % 60
    return np.asarray(hour * 60 + minute)


def expected(codes: Floats, spread: float) -> Floats:
    """Return the means (720, k) of codes (720, k) over times that a network cannot distinguish.

    The times are weighted by a normal distribution of ``spread`` minutes (0: the codes themselves).
    A network trained on squared error predicts the mean of the labels that one image may have. Near
    a full hour, where the whole hour jumps, that mean lies between two labels, at a distance that
    depends on the minute.
    """
    if spread == 0:
        return np.asarray(codes, np.float64)
    away = np.arange(MINUTES_ON_DIAL)
    weights = np.exp(-0.5 * (np.minimum(away, MINUTES_ON_DIAL - away) / spread) ** 2)
    spectrum = np.fft.rfft(weights / weights.sum())[:, None]
    return np.fft.irfft(np.fft.rfft(codes, axis=0) * spectrum, n=MINUTES_ON_DIAL, axis=0)


def joint_log_likelihood(outputs: Floats, codes: Floats, noise: Floats | float) -> Floats:
    """Compute the log likelihood of every time, up to a constant, jointly over all outputs.

    Args:
        outputs: (n, k).
        codes: what an ideal network predicts for each time, (720, k).
        noise: standard deviation of the outputs, assumed to be normal; a number or (k,).

    Returns:
        (n, 720), each for the most likely of the SPREADS.

    """
    x = np.asarray(outputs, np.float64) / noise
    scores = []
    for spread in SPREADS:
        mean = expected(codes, spread) / noise
        # the square written out: (n, 720, k) would be large
        square = (x**2).sum(axis=1)[:, None] - 2 * x @ mean.T + (mean**2).sum(axis=1)
        scores.append(-0.5 * square)
    return np.asarray(np.max(scores, axis=0))


def decode_jointly(pairs: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Convert pairs (n, 4) to the jointly most likely times (n,) and their confidence (n,)."""
    score = joint_log_likelihood(pairs, encode(np.arange(MINUTES_ON_DIAL)), NOISE)
    p = np.exp(score - score.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return likeliest(p)


def read_windows(
    dials: Sequence[Dial], network: PairsNetwork, side: int
) -> list[tuple[PosedDial, Hands]]:
    """Read dials, assumed to be upright and seen from the front.

    Args:
        dials: the dials.
        network: the report's network.
        side: of the network's input, pixels.

    Returns:
        The pose of each dial, which is the ellipse in its box, and its hands.

    """
    posed, crops = [], []
    for dial in dials:
        window = dial.window(MARGIN)
        crops.append(crop_window(dial.photo.pixels, window, side)[0])
        _, _, w, h = dial.box
        homography = np.array([[w / 2, 0, window.x], [0, h / 2, window.y], [0, 0, 1.0]])
        posed.append(PosedDial(homography, ASSUMED_LOGIT, crops[-1], window))
    pairs = np.asarray(network(np.stack(crops)), np.float64)
    minutes = decode_rounding(pairs)
    _, confidence = decode_jointly(pairs)
    no_second = (0.0, 0.0), 0.0, math.nan
    hands = [
        Hands(int(m), float(c), 0.0, pair_of(pair[:2]), pair_of(pair[2:]), *no_second)
        for m, c, pair in zip(minutes, confidence, pairs, strict=True)
    ]
    return list(zip(posed, hands, strict=True))


class UprightReader:
    """Reads dials by the report's network, which assumes that they are upright."""

    def __init__(self, network: Network) -> None:
        network.open()
        self.networks: Mapping[str, Network] = {SINCOS: network}
        self._network, self._side = network, int(network.shape[1])

    def read(self, dials: Sequence[Dial], timer: StageTimer) -> None:
        """Fill in poses and hands."""
        with timer(READ):
            read = read_windows(dials, self._run, self._side)
            for dial, (posed, hands) in zip(dials, read, strict=True):
                dial.posed, dial.hands = posed, hands

    def _run(self, crops: Crops) -> Floats:
        return self._network(crops, OUTPUT)[0]
