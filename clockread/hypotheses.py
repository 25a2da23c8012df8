"""Hands and context → the time on the most probable kind of dial.

A dial has 12 or 24 hours, and its hands run clockwise or, as in a mirror, counterclockwise. By
Bayes' rule, the probability of a kind is proportional to its probability by the context network,
times the likelihood of the hands: how well they fit any time on such a dial. The confidence of a
reading is multiplied by the probability of its kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from clockread.context import ContextNetwork, ContextOutput, joined, unwrap_context
from clockread.decoding import Hours
from clockread.geometry import Floats
from clockread.hands import Hands, HandsNetwork, HandsOutput, probability, read_hands, read_refined
from clockread.pose import PosedDial
from clockread.stages import CHOOSE, StageTimer

# Added to the logits of mirrored and of 24-hour dials, because 9 % of the dials in training are of
# either kind, and few of those in photographs: -1.2 takes 9 % to 3 %.
RARE = -1.2
MIN_PROBABILITY = 0.1  # of a kind of dial, from which it is tried


@dataclass(frozen=True)
class ReadDial:
    """A dial that was read."""

    posed: PosedDial  # the final pose; that of a mirrored dial is mirrored
    hands: Hands
    context: ContextOutput  # of this dial alone, n = 1

    @property
    def unmirrored(self) -> PosedDial:
        """The final pose as that of a dial which is not mirrored."""
        return self.posed.in_mirror() if self.hands.mirrored else self.posed


def read_posed(
    images: Sequence[NDArray[np.uint8]],
    dials: Sequence[PosedDial],
    hands: HandsNetwork,
    context: ContextNetwork,
    passes: int,
    timer: StageTimer | None = None,
) -> list[ReadDial]:
    """Read dials, refining their poses.

    Args:
        images: the grey photo (H, W) of each dial.
        dials: the dials with their estimated poses.
        hands: the reading network.
        context: the context network.
        passes: maximum number of passes of the reading network per dial.
        timer: times the choice as a stage of its own.

    """
    refined, seen = read_refined(dials, hands, passes)
    around = context(unwrap_context(images, refined))
    return _read(refined, seen, around, hands, passes, timer or StageTimer(None))


def read_again(
    dials: Sequence[PosedDial],
    known: Sequence[ContextOutput],
    hands: HandsNetwork,
    passes: int,
    timer: StageTimer | None = None,
) -> list[ReadDial]:
    """Read dials whose context is known from an earlier reading.

    Args:
        dials: the dials with other poses, or in other greys.
        known: the context of each dial.
        hands: the reading network.
        passes: maximum number of passes of the reading network per dial.
        timer: times the choice as a stage of its own.

    """
    refined, seen = read_refined(dials, hands, passes)
    return _read(refined, seen, joined(known), hands, passes, timer or StageTimer(None))


def _read(
    refined: Sequence[PosedDial],
    seen: HandsOutput,
    around: ContextOutput,
    hands: HandsNetwork,
    passes: int,
    timer: StageTimer,
) -> list[ReadDial]:
    """Decode refined dials; those that may be mirrored are also read as such."""
    mirrored = probability(around.mirrored + RARE)
    rows = np.flatnonzero(mirrored >= MIN_PROBABILITY)
    flipped: list[PosedDial] = []
    if len(rows):
        flipped, in_mirror = read_refined(
            [refined[i].in_mirror() for i in rows.tolist()], hands, passes
        )
    with timer(CHOOSE):
        read = _by_hours(seen, around)
        others: dict[int, tuple[PosedDial, Hands]] = {}
        if len(rows):
            again = _by_hours(in_mirror, around.take(rows).in_mirror())
            for i, dial, one in zip(rows.tolist(), flipped, again, strict=True):
                others[i] = dial, replace(one, mirrored=True)
        return _chosen(refined, read, others, around, mirrored)


def _chosen(
    refined: Sequence[PosedDial],
    read: Sequence[Hands],
    others: Mapping[int, tuple[PosedDial, Hands]],
    around: ContextOutput,
    mirrored: Floats,
) -> list[ReadDial]:
    """Choose between readings as usual dials and, of some, as mirrored ones by probability."""
    out = []
    for i, (dial, one, p) in enumerate(zip(refined, read, mirrored.tolist(), strict=True)):
        kinds = [(one, 1 - p)]
        if i in others:
            kinds.append((others[i][1], p))
        best = _most_probable(kinds)
        posed = others[i][0] if best.mirrored else dial
        out.append(ReadDial(posed, best, around.take(np.array([i]))))
    return out


def _by_hours(seen: HandsOutput, context: ContextOutput) -> list[Hands]:
    """Decode each dial, with 12 or with 24 hours."""
    day, noon_up = probability(context.day + RARE), probability(context.noon_up)
    kinds = [[(one, 1 - p)] for one, p in zip(read_hands(seen, context.twelve), day, strict=True)]
    rows = np.flatnonzero(day >= MIN_PROBABILITY)
    if len(rows):
        part = HandsOutput(*(getattr(seen, field.name)[rows] for field in fields(seen)))
        for hours, p in (
            (Hours(24), day * (1 - noon_up)),
            (Hours(24, noon_up=True), day * noon_up),
        ):
            for i, one in zip(rows, read_hands(part, context.twelve[rows], hours), strict=True):
                kinds[i].append((one, p[i]))
    clock, whole = context.clock[:, 0].tolist(), context.whole[:, 0].tolist()
    return [
        replace(_most_probable(of_dial), clock_logit=c, whole_logit=w)
        for of_dial, c, w in zip(kinds, clock, whole, strict=True)
    ]


def _most_probable(kinds: Sequence[tuple[Hands, float]]) -> Hands:
    """Return the most probable reading of a dial, given readings by kind with prior probabilities.

    Its likelihood is that of all kinds together.
    """
    likelihood = np.array([hands.log_likelihood for hands, _ in kinds])
    priors = np.array([prior for _, prior in kinds])
    joint = priors * np.exp(likelihood - likelihood.max())
    confidence = np.array([hands.confidence for hands, _ in kinds])
    confidence *= joint / joint.sum() * priors.sum()  # kinds that were not tried keep their prior
    best = int(confidence.argmax())
    return replace(
        kinds[best][0],
        confidence=float(confidence[best]),
        log_likelihood=float(likelihood.max() + np.log(joint.sum())),
    )
