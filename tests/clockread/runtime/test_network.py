"""Batches of one network, with a session that only records its inputs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from clockread.runtime import network as module
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


def opened(monkeypatch: pytest.MonkeyPatch, provider: str) -> tuple[Network, Session]:
    session = Session(provider)
    monkeypatch.setattr(module, "model_bytes", lambda entry: b"")
    monkeypatch.setitem(
        __import__("sys").modules, "clockread.runtime.providers", _providers(session)
    )
    return Network(load_manifest(), "hands", "int8", "auto", 1), session


def _providers(session: Session) -> Any:
    from clockread.runtime import providers

    return SimpleNamespace(open_session=lambda *_: session, ORT_NAMES=providers.ORT_NAMES)


@pytest.mark.parametrize(
    ("provider", "sizes"),
    [("CPUExecutionProvider", [1, 2, 3, 5, 8, 31]), ("CUDAExecutionProvider", [1, 2, 4, 8, 8, 32])],
)
def test_only_accelerators_are_given_powers_of_two(
    provider: str, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    network, session = opened(monkeypatch, provider)
    for count in (1, 2, 3, 5, 8, 31):
        batch = np.arange(1, count + 1, dtype=np.uint8)[:, None, None] * np.ones(
            (1, 240, 64), np.uint8
        )
        (values,) = network(batch, "any")
        np.testing.assert_array_equal(values[:, 0], np.arange(1, count + 1))
    assert [len(batch) for batch in session.batches] == sizes
    assert network.calls == {size: sizes.count(size) for size in sizes}
    assert network.provider == provider


def test_an_idle_call_has_the_shape_of_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    network, session = opened(monkeypatch, "CPUExecutionProvider")
    network.idle_call(5)
    assert [(batch.shape, batch.dtype) for batch in session.batches] == [((5, 240, 64), np.uint8)]
    assert not network.calls


def test_a_closed_network_opens_another_session(monkeypatch: pytest.MonkeyPatch) -> None:
    network, session = opened(monkeypatch, "CPUExecutionProvider")
    network.open()
    network.close()
    network.idle_call(1)
    network.idle_call(2)
    assert [len(batch) for batch in session.batches] == [1, 2]
