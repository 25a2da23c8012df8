"""The report's reader: a network with four heads reads an upright crop, hour and minute each as (sin, cos).

    03:00 → hour (1, 0), minute (0, 1)      06:10 → hour (0, -1), minute (0.866, 0.5)

The hour is the whole hour × 30 degrees (not where the hour hand stands), the minute × 6 degrees. It is an alternative to
`polar_reader`, available if the manifest has the role "sincos".
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

if TYPE_CHECKING:
    from clockread.runtime.network import Network
    from clockread.stages import Dial, StageTimer

ROLE = "sincos"  # of the manifest
OUTPUT = "pairs"  # (n, 4): hour sin, hour cos, minute sin, minute cos
ASSUMED_LOGIT = 3.0  # stands for the pose network's logit, which this reader lacks: a typical value of doubtful clocks
MARGIN = 1.2  # side of the crop relative to the dial's box, as in the training images
SPREADS = (
    0.0,
    1.0,
    2.0,
)  # minutes; times closer than this may look alike to the network, which then predicts their mean
NOISE = 0.15  # standard deviation of each output

Crops = NDArray[np.uint8]
PairsNetwork = Callable[[Crops], Floats]  # (n, side, side) -> (n, 4)


def encode(minutes: Floats | NDArray[np.integer]) -> Floats:
    """Convert minutes past twelve (n,) to pairs (n, 4): sin and cos of whole hour × 30 degrees and of minute × 6 degrees."""
    hour, minute = np.divmod(np.asarray(minutes) % MINUTES_ON_DIAL, 60)
    return np.concatenate([sincos(hour * 30.0), sincos(minute * 6.0)], axis=-1)


def decode_rounding(pairs: Floats) -> NDArray[np.int64]:
    """Convert pairs (n, 4) to minutes past twelve (n,) as the report does: angles by atan2, + 360 if negative, rounded independently."""
    hour = np.rint(angle_of(pairs[:, :2]) / 30).astype(np.int64) % 12
    minute = np.rint(angle_of(pairs[:, 2:]) / 6).astype(np.int64) % 60
    return np.asarray(hour * 60 + minute)


def expected(codes: Floats, spread: float) -> Floats:
    """Return the means (720, k) of codes (720, k) over times that a network cannot distinguish (normal, ``spread`` minutes; 0: the codes).

    A network trained on squared error gives the mean of the labels that one image may have. Near a full hour, where the whole
    hour jumps, that mean lies between two labels, and how far between tells the minute.
    """
    if spread == 0:
        return np.asarray(codes, np.float64)
    away = np.arange(MINUTES_ON_DIAL)
    weights = np.exp(-0.5 * (np.minimum(away, MINUTES_ON_DIAL - away) / spread) ** 2)
    spectrum = np.fft.rfft(weights / weights.sum())[:, None]
    return np.fft.irfft(np.fft.rfft(codes, axis=0) * spectrum, n=MINUTES_ON_DIAL, axis=0)


def joint_log_likelihood(outputs: Floats, codes: Floats, noise: Floats | float) -> Floats:
    """(n, 720) log likelihood of every time for (n, k) outputs, by all of them together, up to a constant.

    Assumes normal ``noise`` around the network's output for that time, with the most likely of the SPREADS.
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
    """(n, 4) pairs to the most likely of the 720 times by both hands together, and the probability of being right within one."""
    score = joint_log_likelihood(pairs, encode(np.arange(MINUTES_ON_DIAL)), NOISE)
    p = np.exp(score - score.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return likeliest(p)


def read_windows(
    dials: Sequence[Dial], network: PairsNetwork, side: int
) -> list[tuple[PosedDial, Hands]]:
    """Return the pose and the hands of each dial, taken to be upright and seen straight on.

    ``side`` is the network's, in pixels. The pose is the box's own circle; times are decoded as the report decodes.
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
    hands = [
        Hands(
            int(m), float(c), 0.0, pair_of(pair[:2]), pair_of(pair[2:]), (0.0, 0.0), 0.0, math.nan
        )
        for m, c, pair in zip(minutes, confidence, pairs, strict=True)
    ]
    return list(zip(posed, hands, strict=True))


class UprightReader:
    """Reads dials by the report's network, which takes each to be upright and seen straight on."""

    def __init__(self, network: Network) -> None:
        network.open()
        self.networks: Mapping[str, Network] = {ROLE: network}
        self._network, self._side = network, int(network.shape[1])

    def read(self, dials: Sequence[Dial], timer: StageTimer) -> None:
        """Fill in poses and hands."""
        with timer("read"):
            for dial, (posed, hands) in zip(
                dials, read_windows(dials, self._run, self._side), strict=True
            ):
                dial.posed, dial.hands = posed, hands

    def _run(self, crops: Crops) -> Floats:
        return self._network(crops, OUTPUT)[0]
