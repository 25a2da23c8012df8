"""Which reading belongs to which dial."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from clockread.tracking.follow import Follower


@dataclass(frozen=True)
class Spot:
    x: float
    y: float = 100.0
    side: float = 50.0
    name: str = ""

    @property
    def center(self) -> tuple[float, float]:
        return self.x, self.y

    @property
    def face(self) -> tuple[float, float, float, float]:
        return self.x - self.side / 2, self.y - self.side / 2, self.side, self.side


def numbers(follower: Follower[Spot], time: float, *spots: Spot) -> list[int]:
    return [trail.number for trail, _ in follower.add(time, spots)]


def test_dials_keep_their_numbers_whatever_their_order() -> None:
    follower: Follower[Spot] = Follower()
    assert numbers(follower, 0, Spot(100), Spot(300)) == [1, 2]
    assert numbers(follower, 1, Spot(305), Spot(102)) == [2, 1]


def test_close_dials_that_move_take_the_nearest_trail() -> None:
    follower: Follower[Spot] = Follower()
    assert numbers(follower, 0, Spot(100), Spot(125)) == [1, 2]
    assert numbers(follower, 1, Spot(122), Spot(97)) == [2, 1]


def test_a_dial_that_moves_steadily_is_followed_faster_than_its_size() -> None:
    follower: Follower[Spot] = Follower()
    far = Spot(900.0)  # a second dial, so that no dial is alone
    places = [100.0, 130.0, 170.0, 215.0, 260.0]
    assert {numbers(follower, i, Spot(x), far)[0] for i, x in enumerate(places)} == {1}


def test_a_dial_alone_is_followed_through_a_jump_of_the_camera() -> None:
    follower: Follower[Spot] = Follower()
    numbers(follower, 0, Spot(100))
    assert numbers(follower, 1, Spot(250)) == [1]
    assert numbers(follower, 2, Spot(250, side=200.0)) == [2]  # much larger: another one


@pytest.mark.parametrize(("sides", "same"), [(3.9, True), (4.1, False)])
def test_a_dial_alone_jumps_four_sides_at_most(sides: float, same: bool) -> None:
    follower: Follower[Spot] = Follower()
    numbers(follower, 0, Spot(100))
    assert numbers(follower, 1, Spot(100 + 50 * sides)) == [1 if same else 2]


@pytest.mark.parametrize(("sides", "same"), [(0.65, True), (0.75, False)])
def test_a_dial_among_others_moves_less_than_its_size(sides: float, same: bool) -> None:
    follower: Follower[Spot] = Follower()
    far = Spot(900.0)
    numbers(follower, 0, Spot(100), far)
    assert numbers(follower, 1, Spot(100 + 50 * sides), far) == [1 if same else 3, 2]


@pytest.mark.parametrize(("growth", "same"), [(1.6, True), (1 / 1.6, True), (1.7, False)])
def test_a_dial_grows_by_less_than_two_thirds(growth: float, same: bool) -> None:
    follower: Follower[Spot] = Follower()
    numbers(follower, 0, Spot(100))
    assert numbers(follower, 1, Spot(100, side=50 * growth)) == [1 if same else 2]


def test_a_dial_that_was_covered_comes_back_as_the_same() -> None:
    follower: Follower[Spot] = Follower()
    numbers(follower, 0, Spot(100), Spot(300))
    assert numbers(follower, 1, Spot(300)) == [2]
    assert numbers(follower, 9, Spot(100), Spot(300)) == [1, 2]


def test_trails_are_forgotten() -> None:
    follower: Follower[Spot] = Follower(forget_after=10)
    numbers(follower, 0, Spot(100))
    numbers(follower, 20, Spot(300))
    assert len(follower.trails) == 1
    assert numbers(follower, 21, Spot(100), Spot(300)) == [3, 2]
