"""Dials of 12 and of 24 hours, running clockwise or in a mirror."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from clockread.context import CONTEXT_GRID, ContextOutput, context_window, unwrap_context
from clockread.geometry import MIRROR, Floats, Window, compose
from clockread.hands import HandsOutput
from clockread.hypotheses import read_again, read_posed
from clockread.pose import PosedDial

BINS = 120
UPRIGHT = compose(np.array([80, 80, 50, 0, 50, 0, 0.0]))
STAY = np.array([0, 0, 1, 0, 1, 0, 0.0])  # the pose correction of a pose that holds


def posed(homography: Floats = UPRIGHT, side: float = 145.0) -> PosedDial:
    return PosedDial(homography, 0.0, np.zeros((160, 160), np.uint8), Window(80, 80, side))


def bump(degrees: float) -> Floats:
    away = (np.arange(BINS) * 3.0 - degrees + 180) % 360 - 180
    return -0.5 * (away / 2.5) ** 2


def hands_of(*angles: tuple[float, float]) -> HandsOutput:
    """What the reading network says of upright dials with these angles of hour and minute hand."""
    hour, minute = (np.stack([bump(of[i]) for of in angles]) for i in (0, 1))
    n = len(angles)
    twelve = np.tile(bump(0.0), (n, 1))
    return HandsOutput(hour, minute, twelve, twelve, np.full((n, 1), -9.0), np.tile(STAY, (n, 1)))


def context_of(n: int, **logits: float) -> ContextOutput:
    usual = {"clock": 4.0, "whole": 3.0, "mirrored": -9.0, "day": -9.0, "noon_up": -9.0} | logits
    columns = {name: np.full((n, 1), value) for name, value in usual.items()}
    return ContextOutput(np.tile(bump(0.0), (n, 1)), **columns)


def read(angles: tuple[float, float], context: ContextOutput, mirrored: bool = False):  # type: ignore[no-untyped-def]
    """The reading of a dial; a mirrored one shows the network its angles only if unwrapped so."""

    def network(polar: np.ndarray) -> HandsOutput:
        back = mirrored and calls == 0
        return hands_of((-angles[0], -angles[1]) if back else angles)

    calls = 0

    def counting(polar: np.ndarray) -> HandsOutput:
        nonlocal calls
        out = network(polar)
        calls += 1
        return out

    image = np.zeros((160, 160), np.uint8)
    (one,) = read_posed([image], [posed()], counting, lambda polar: context, 1)
    return one.posed, one.hands, calls


AT_2_40 = (80.0, 240.0)


def test_a_usual_dial_is_read_once() -> None:
    _, hands, calls = read(AT_2_40, context_of(1))
    assert (hands.minutes, hands.dial_hours, hands.mirrored, calls) == (160, 12, False, 1)
    assert (hands.clock_logit, hands.whole_logit) == (4.0, 3.0)
    assert hands.confidence > 0.9


def test_a_mirrored_dial_is_read_in_a_mirror() -> None:
    dial, hands, calls = read(AT_2_40, context_of(1, mirrored=4.0), mirrored=True)
    assert (hands.minutes, hands.mirrored, calls) == (160, True, 2)
    np.testing.assert_allclose(dial.homography, UPRIGHT @ MIRROR)
    assert hands.confidence > 0.9


@pytest.mark.parametrize(("logit", "calls"), [(-1.05, 1), (-0.95, 2)])
def test_a_mirror_is_tried_from_a_probability_of_ten_percent(logit: float, calls: int) -> None:
    assert read(AT_2_40, context_of(1, mirrored=logit))[2] == calls


def test_doubt_about_the_kind_of_dial_lowers_the_confidence() -> None:
    sure = read(AT_2_40, context_of(1))[1].confidence
    for flag in ("mirrored", "day"):
        doubtful = read(AT_2_40, context_of(1, **{flag: 0.2}))[1]
        assert doubtful.minutes == 160
        assert 0.5 * sure < doubtful.confidence < sure
    unlikely = read(AT_2_40, context_of(1, mirrored=-2.5))[1]
    assert unlikely.confidence == pytest.approx(sure / (1 + np.exp(-3.7)), rel=1e-3)


@pytest.mark.parametrize(("noon_up", "minutes"), [(-5.0, 320), (5.0, 320 + 720)])
def test_a_24_hour_dial(noon_up: float, minutes: int) -> None:
    """The hour hand a third of the way from 5 to 6 of 24 hours, or from 17 to 18."""
    hands = read((80.0, 120.0), context_of(1, day=5.0, noon_up=noon_up))[1]
    assert (hands.minutes, hands.dial_hours) == (minutes, 24)
    assert (hands.clock_logit, hands.whole_logit) == (4.0, 3.0)
    assert hands.confidence > 0.9


def test_hands_that_fit_no_24_hours_are_those_of_12() -> None:
    """At 2:40 the hour hand would stand at 5:20 of 24 hours, where the minute hand is not."""
    assert read(AT_2_40, context_of(1, day=1.0))[1].dial_hours == 12


def test_each_dial_of_a_batch_is_of_its_own_kind() -> None:
    def network(polar: np.ndarray) -> HandsOutput:
        every = hands_of(AT_2_40, (80.0, 120.0), AT_2_40)
        rows = slice(0, 3) if len(polar) == 3 else slice(2, 3)
        return HandsOutput(*(getattr(every, field.name)[rows] for field in fields(every)))

    context = context_of(3)
    context.day[1] = 5.0
    context.mirrored[2] = 5.0
    images = [np.zeros((160, 160), np.uint8)] * 3
    read = read_posed(images, [posed()] * 3, network, lambda polar: context, 1)
    kinds = [(of.hands.minutes, of.hands.dial_hours, of.hands.mirrored) for of in read]
    assert kinds == [(160, 12, False), (320, 24, False), (160, 12, True)]


def test_a_dial_is_read_again_with_the_context_that_is_known() -> None:
    def network(polar: np.ndarray) -> HandsOutput:
        return hands_of(*[AT_2_40] * len(polar))

    known = [context_of(1, day=5.0), context_of(1)]
    first, second = read_again([posed(), posed()], known, network, 1)
    for again, day in ((second, -9.0), (first, 5.0)):
        at_first = read(AT_2_40, context_of(1, day=day))[1]
        assert again.hands.minutes == at_first.minutes
        assert again.hands.confidence == pytest.approx(at_first.confidence)
    assert first.context.day == [[5.0]]


def test_a_mirrored_dial_is_read_in_a_mirror_again() -> None:
    batches: list[int] = []

    def network(polar: np.ndarray) -> HandsOutput:
        batches.append(len(polar))
        return hands_of(*[AT_2_40 if len(batches) > 1 else (280.0, 120.0)] * len(polar))

    known = [context_of(1), context_of(1, mirrored=5.0)]
    usual, mirrored = read_again([posed(), posed()], known, network, 1)
    assert batches == [2, 1]
    assert (usual.hands.mirrored, mirrored.hands.mirrored) == (False, True)
    assert mirrored.hands.minutes == 160


def test_the_pose_of_a_mirrored_dial_can_be_told_from_the_pose_it_had() -> None:
    image = np.zeros((160, 160), np.uint8)
    calls: list[int] = []

    def network(polar: np.ndarray) -> HandsOutput:
        calls.append(1)
        return hands_of(AT_2_40 if len(calls) == 2 else (280.0, 120.0))

    context = context_of(1, mirrored=5.0)
    (one,) = read_posed([image], [posed()], network, lambda polar: context, 1)
    assert one.hands.mirrored
    np.testing.assert_allclose(one.unmirrored.homography, UPRIGHT)


def test_context_reaches_past_the_face() -> None:
    """A bright strap above and below a dark dial is in the rows of 12 and of 6, past the rim."""
    image = np.zeros((400, 400), np.uint8)
    image[:140, 180:220] = image[260:, 180:220] = 200
    dial = posed(compose(np.array([200, 200, 50, 0, 50, 0, 0.0])))
    (polar,) = unwrap_context([image], [dial])
    assert polar.shape == (CONTEXT_GRID.angles, CONTEXT_GRID.radii)
    bright = polar[:, 60:].mean(axis=1)
    quarters = [bright[at] for at in (0, 60, 120, 180)]
    assert min(quarters[0], quarters[2]) > 150
    assert max(quarters[1], quarters[3]) < 50
    assert polar[:, :50].max() < 50


def test_a_wrong_pose_gives_a_window_of_bounded_size() -> None:
    wild = posed(np.diag([1e5, 1e5, 1.0]), side=100.0)
    assert context_window(wild).side == 300.0
    assert unwrap_context([np.zeros((50, 50), np.uint8)], [wild]).shape == (1, 240, 80)


def test_outputs_in_a_mirror_are_those_of_negative_angles() -> None:
    context = context_of(1)
    context.twelve[0] = bump(30.0)
    assert context.in_mirror().twelve[0].argmax() == BINS - 10
    twice = context.in_mirror().in_mirror()
    np.testing.assert_array_equal(twice.twelve, context.twelve)
