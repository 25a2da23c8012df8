"""Batches of one network, with a session that only records its inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from clockread.errors import ProviderError
from clockread.runtime import network as module
from clockread.runtime import providers
from clockread.runtime.manifest import load_manifest
from clockread.runtime.network import Network


class Session:
    def __init__(self, provider: str) -> None:
        self.provider, self.batches = provider, []  # type: ignore[var-annotated]

    def get_providers(self) -> list[str]:
        return [self.provider, "CPUExecutionProvider"]

    def run(self, outputs: Any, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        ((_, batch),) = inputs.items()
        self.batches.append(batch)
        return [batch.astype(float).reshape(len(batch), -1)[:, :1]]


def opened(monkeypatch: pytest.MonkeyPatch, provider: str) -> tuple[Network, dict[Any, Session]]:
    """A network, and the sessions that it opened by their fixed batch size, or None."""
    sessions: dict[Any, Session] = {}

    def open_session(
        data: bytes,
        provider: str,
        threads: int,
        dimensions: dict[str, int] | None = None,
        **_: Any,
    ) -> Session:
        size = None if dimensions is None else dimensions["batch"]
        sessions[size] = Session(providers.ORT_NAMES[provider])
        return sessions[size]

    monkeypatch.setattr(module, "model_bytes", lambda entry: b"")
    monkeypatch.setattr(providers, "open_session", open_session)
    return Network(load_manifest(), "hands", "default", provider, 1), sessions


@pytest.mark.parametrize(
    ("provider", "sizes"),
    [
        ("cpu", {None: [1, 2, 33]}),
        ("cuda", {8: [8, 8, 8, 8], 32: [32, 32]}),  # the first of each is the warm-up
        ("dml", {1: [1, 1, 1], 2: [2, 2], 32: [32, 32]}),
        ("openvino", {None: [1, 2, 33]}),
    ],
)
def test_each_session_of_an_accelerator_sees_one_batch_size(
    provider: str, sizes: dict[Any, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    network, sessions = opened(monkeypatch, provider)
    for count in (1, 2, 33):
        batch = np.arange(1, count + 1, dtype=np.uint8)[:, None, None] * np.ones(
            (1, 240, 64), np.uint8
        )
        (values,) = network(batch, "any")
        np.testing.assert_array_equal(values[:, 0], np.arange(1, count + 1))
    seen = {size: [len(batch) for batch in sessions[size].batches] for size in sessions}
    assert seen == sizes
    assert network.provider == providers.ORT_NAMES[provider]


def test_recorded_calls_are_repeated_in_order_on_random_inputs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network, sessions = opened(monkeypatch, "cuda")
    network.recorded = calls = []
    network(np.zeros((33, 240, 64), np.uint8), "hour")
    network(np.zeros((3, 240, 64), np.uint8), "minute")
    network.recorded = None
    network(np.zeros((3, 240, 64), np.uint8), "minute")
    assert [(call.size, call.outputs) for call in calls] == [
        (32, ("hour",)),
        (8, ("hour",)),
        (8, ("minute",)),
    ]
    for session in sessions.values():
        session.batches.clear()
    network.recorded = calls
    for call in tuple(calls):
        call()
    assert [batch.shape for batch in sessions[32].batches] == [(32, 240, 64)]
    assert [batch.shape for batch in sessions[8].batches] == [(8, 240, 64)] * 2
    assert 100 < sessions[32].batches[0].mean() < 155, "random bytes, not zeros"
    assert len(calls) == 3, "repeated calls are not recorded"


def test_a_closed_network_opens_another_session(monkeypatch: pytest.MonkeyPatch) -> None:
    network, sessions = opened(monkeypatch, "cpu")
    network.open()
    first = sessions[None]
    network.close()
    network(np.zeros((1, 240, 64), np.uint8), "hour")
    network(np.zeros((2, 240, 64), np.uint8), "hour")
    assert sessions[None] is not first
    assert [len(batch) for batch in sessions[None].batches] == [1, 2]


@pytest.mark.parametrize(("provider", "error"), [("cpu", ValueError), ("cuda", ProviderError)])
def test_only_a_failure_on_an_accelerator_is_one_of_its_provider(
    monkeypatch: pytest.MonkeyPatch, provider: str, error: type[Exception]
) -> None:
    network, _ = opened(monkeypatch, provider)

    def fail(*_: object) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(Session, "run", fail)
    with pytest.raises(error, match="a bug"):
        network(np.zeros((1, 240, 64), np.uint8), "hour")
