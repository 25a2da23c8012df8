"""Sessions of fixed batch, which accelerators get, tried on the CPU."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clockread.runtime import network as module
from clockread.runtime import providers
from clockread.runtime.fixed_batch import (
    FIXED_BATCH,
    NVIDIA_BATCH,
    OTHER_BATCH,
    FixedBatch,
    padded,
    pieces,
)
from clockread.runtime.manifest import load_manifest, model_bytes
from clockread.runtime.network import Network

ROLES = ("finder", "pose", "hands", "context")
SMALL = FixedBatch((2, 5), call_cost=1)  # cheap to run on a CPU


def inputs(network: Network, count: int) -> np.ndarray:
    shape = (count, *(int(side) for side in network.shape[1:]))
    return np.random.default_rng(count).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize(
    ("count", "calls"),
    [
        (0, (8,)),
        (1, (8,)),
        (8, (8,)),
        (9, (32,)),
        (32, (32,)),
        (33, (32, 8)),
        (65, (32, 32, 8)),
        (100, (128,)),
        (129, (128, 8)),
        (300, (128, 128, 32, 32)),
    ],
)
def test_a_batch_is_cut_into_the_cheapest_calls(count: int, calls: tuple[int, ...]) -> None:
    assert pieces(count, NVIDIA_BATCH) == calls


@pytest.mark.parametrize("batch", [NVIDIA_BATCH, OTHER_BATCH, SMALL])
def test_calls_take_all_inputs_and_no_cheaper_ones_do(batch: FixedBatch) -> None:
    def cost(calls: tuple[int, ...]) -> int:
        return sum(calls) + len(calls) * batch.call_cost

    for count in range(1, 41):
        calls = pieces(count, batch)
        assert sum(calls) >= count
        assert sum(calls[:-1]) < count, "only the last call is padded"
        others = (
            other
            for number in range(1, 4)
            for other in itertools.combinations_with_replacement(batch.sizes, number)
            if sum(other) >= count
        )
        assert cost(calls) <= min(map(cost, others), default=cost(calls))


def test_the_cpu_and_openvino_take_batches_of_any_size() -> None:
    assert set(FIXED_BATCH) == set(providers.ORT_NAMES) - {"cpu", "openvino"}


def test_padding_is_zero() -> None:
    batch = np.full((2, 3, 4), 7, np.uint8)
    assert padded(batch, 2) is batch
    filled = padded(batch, 5)
    assert filled.shape == (5, 3, 4)
    assert filled[:2].min() == 7
    assert filled[2:].max() == 0


@pytest.fixture
def shapes(monkeypatch: pytest.MonkeyPatch) -> dict[int, list[tuple[int, ...]]]:
    """Give the CPU sessions of fixed batch; the shapes that each session is given."""
    given: dict[int, list[tuple[int, ...]]] = defaultdict(list)
    real = providers.open_session

    class Recorded:
        def __init__(self, session: Any, number: int) -> None:
            self._session, self._number = session, number
            self.get_providers = session.get_providers

        def run(self, outputs: Any, feed: dict[str, np.ndarray]) -> Any:
            ((_, batch),) = feed.items()
            given[self._number].append(batch.shape)
            return self._session.run(outputs, feed)

    numbers = itertools.count()
    monkeypatch.setattr(
        providers,
        "open_session",
        lambda *args, **kwargs: Recorded(real(*args, **kwargs), next(numbers)),
    )
    monkeypatch.setattr(module, "FIXED_BATCH", {"cpu": SMALL})
    return given


@pytest.mark.parametrize("role", ROLES)
def test_outputs_are_those_of_a_free_batch_and_each_session_sees_one_shape(
    role: str, shapes: dict[int, list[tuple[int, ...]]]
) -> None:
    fixed = Network(load_manifest(), role, "default", "cpu", 1)
    entry = load_manifest().entry(role)
    free = providers.open_session(model_bytes(entry), "cpu", 1)
    names = tuple(entry.outputs)
    for count in (1, 2, 3, 7, 12):
        batch = inputs(fixed, count)
        expected = free.run(names, {fixed.input: batch})
        for name, found, wanted in zip(names, fixed(batch, *names), expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4, err_msg=name)
    del shapes[0]  # of the free batch
    assert {size for of_session in shapes.values() for size, *_ in of_session} == {2, 5}
    assert [len(set(of_session)) for of_session in shapes.values()] == [1, 1]


def test_a_session_opens_when_its_size_is_needed_and_is_warmed_up(
    shapes: dict[int, list[tuple[int, ...]]],
) -> None:
    network = Network(load_manifest(), "hands", "default", "cpu", 1)
    assert not shapes
    network.recorded = calls = []
    network.open()
    assert [len(of_session) for of_session in shapes.values()] == [1]
    assert not calls, "warming up is not a call"
    network(inputs(network, 5), "hour")
    assert [[size for size, *_ in of_session] for of_session in shapes.values()] == [[2], [5, 5]]
    assert [call.size for call in calls] == [5]


@pytest.mark.parametrize("role", ROLES)
def test_no_arithmetic_on_shapes_is_left_in_a_fixed_batch(role: str, tmp_path: Path) -> None:
    """Such nodes run on the CPU, and CUDA graphs cannot contain them."""
    network = Network(load_manifest(), role, "default", "cpu", 1)
    data = model_bytes(load_manifest().entry(role))

    def kinds(dimensions: dict[str, int] | None) -> set[str]:
        options = providers.session_options(providers.require_runtime(), 1)
        options.enable_profiling, options.profile_file_prefix = True, str(tmp_path / "nodes")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(providers, "session_options", lambda *_: options)
            session = providers.open_session(data, "cpu", 1, dimensions=dimensions)
        session.run(None, {network.input: inputs(network, 3)})
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
        return {event["args"]["op_name"] for event in events if "op_name" in event.get("args", {})}

    assert ("Shape" in kinds(None)) == (role in ("finder", "pose")), "the others have none at all"
    assert not kinds({"batch": 3}) & {"Shape", "ConstantOfShape"}
