"""Differences between files."""

from __future__ import annotations

import numpy as np
import pytest

from clockread.page.delta import BLOCK, decode, encode

RNG = np.random.default_rng(3)
SOURCE = RNG.bytes(20_000)


@pytest.mark.parametrize(
    "target",
    [
        b"",
        b"short",
        SOURCE,
        SOURCE[100:9000] + b"new" + SOURCE[:5000] + b"end",
        b"x" * 37 + SOURCE[4001 : 4001 + 2 * BLOCK],
        RNG.bytes(3000),
    ],
)
def test_a_file_is_made_again_from_its_difference(target: bytes) -> None:
    assert decode(encode(target, SOURCE), SOURCE) == target


def test_shared_parts_are_not_stored() -> None:
    target = b"head" + SOURCE[33:15_000] + b"between" + SOURCE[15_001:]
    assert len(encode(target, SOURCE)) < 200


def test_nothing_is_shared_with_an_empty_file() -> None:
    assert decode(encode(SOURCE, b""), b"") == SOURCE
