"""`clockread serve`: its options reach the readers, the limits and the address."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import Run

pytest.importorskip("fastapi", reason="the server needs the serve extra")
pytest.importorskip("prometheus_client", reason="the server needs the serve extra")

from clockread.cli import readers
from clockread.runtime import cpus
from clockread.serving import server
from clockread.serving.app import Settings
from clockread.serving.limits import Limits

TOKEN = "0123456789abcdef"


class Started(SimpleNamespace):
    """What the command would have served, and the options of its readers."""

    made: list[dict[str, Any]]
    read: list[Any]  # the photos that its readers read before it serves
    settings: Settings
    address: server.Address


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    """The command without networks and without a socket."""
    seen = Started(made=[], read=[], on_accelerator=False, starts=True)

    def make(provider: str, **options: Any) -> Any:
        seen.made.append({"provider": provider, **options})
        return SimpleNamespace(on_accelerator=seen.on_accelerator, read=seen.read.append)

    def serve(service: Any, address: server.Address) -> bool:
        seen.settings, seen.address = service.settings, address
        service.batcher.close()
        return bool(seen.starts)

    monkeypatch.setattr(readers, "make_reader", make)
    monkeypatch.setattr(cpus, "usable_threads", lambda: 3)
    monkeypatch.setattr(server, "serve", serve)
    monkeypatch.setattr(server, "check_free", lambda _: None)
    monkeypatch.delenv("CLOCKREAD_TOKEN", raising=False)
    return seen


def test_defaults(started: Started, run: Run) -> None:
    assert run("serve") == (0, "", "")
    usual = {"provider": "auto", "device": None, "model": "auto"}
    assert started.made == [{**usual, "threads": 3}, {**usual, "threads": 1}], (
        "a photo that is alone has all cores, one of a batch has one"
    )
    assert len(started.read) == 2, "each opens its networks before the first request"
    assert started.settings == Settings(threads=3)
    assert started.address == server.Address()


def test_each_option_arrives(started: Started, run: Run, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n", encoding="utf-8-sig")
    options = {
        "host": "0.0.0.0", "port": 1234, "page": tmp_path, "token-file": tmp_path / "token",
        "provider": "openvino", "device": 4, "model": "small", "threads": 2, "max-clocks": 5,
        "max-mb": 6, "max-megapixels": 7, "max-photos": 8, "max-queue": 9, "max-held-mb": 10,
        "timeout": 11, "batch-delay-ms": 12, "drain-delay": 13,
    }  # fmt: skip
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    assert run("serve", *words) == (0, "", "")
    named = {"provider": "openvino", "device": 4, "model": "small"}
    assert started.made == [{**named, "threads": 2}, {**named, "threads": 1}]
    assert started.settings == Settings(
        Limits(6_000_000, 7_000_000, 8, 9, 10_000_000, 11.0, 11.0),
        threads=2,
        delay=0.012,
        token=TOKEN,
        page=tmp_path,
        max_clocks=5,
    )
    assert started.address == server.Address("0.0.0.0", 1234, 13.0)


@pytest.mark.parametrize(("on_accelerator", "threads"), [(True, 3), (False, 1)])
def test_one_reader_is_enough_on_an_accelerator_or_with_one_thread(
    started: Started, run: Run, on_accelerator: bool, threads: int
) -> None:
    started.on_accelerator = on_accelerator
    assert run("serve", "--threads", threads)[0] == 0
    assert [options["threads"] for options in started.made] == [threads]


@pytest.mark.parametrize(
    ("host", "token", "warned"),
    [("127.0.0.1", "", False), ("localhost", "", False), ("::1", "", False),
     ("0.0.0.0", "", True), ("0.0.0.0", TOKEN, False)],
)  # fmt: skip
def test_who_serves_other_machines_without_a_token_is_warned(
    started: Started, run: Run, monkeypatch: pytest.MonkeyPatch, host: str, token: str, warned: bool
) -> None:
    if token:
        monkeypatch.setenv("CLOCKREAD_TOKEN", token)
    code, out, _ = run("serve", "--host", host)
    assert code == 0
    assert ("without a token" in out) == warned
    assert started.settings.token == (token or None)


def test_a_server_that_cannot_start_is_2(started: Started, run: Run) -> None:
    started.starts = False
    assert run("serve")[0] == 2
