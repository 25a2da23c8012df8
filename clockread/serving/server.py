"""Runs the application with uvicorn, until a signal drains it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

import uvicorn

from clockread import __version__
from clockread.errors import ClockreadError, one_line, reason_of
from clockread.serving.access import JsonHandler, Log, write_log
from clockread.serving.app import Service, make_app

KEEP_ALIVE = 65  # seconds that an idle connection stays open; longer than most proxies keep theirs
# Seconds after which a thread that reads lets the thread that answers run; Python's 5 ms delay each
# step of a request.
SWITCH_SECONDS = 0.001
SIGNALS = ("SIGINT", "SIGTERM", "SIGBREAK")


@dataclass(frozen=True)
class Address:
    """Where the server listens, and how it stops."""

    host: str = "127.0.0.1"
    port: int = 8000
    drain_delay: float = 0.0
    """Seconds after SIGTERM in which new connections are still accepted."""
    drain_seconds: float = 60.0
    """Seconds after that in which open requests are answered."""


def check_free(address: Address) -> None:
    """Raise ClockreadError if the server cannot listen at an address."""
    wanted = (address.host, address.port)
    try:
        places = socket.getaddrinfo(*wanted, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, place in places:
            with socket.socket(family, kind, protocol) as tried:
                if sys.platform != "win32":  # where the option lets two programs share a port
                    tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                tried.bind(place)
    except OSError as error:
        problem = f"cannot listen there ({reason_of(error)}); choose another --host or --port"
        raise ClockreadError(f"{one_line(address.host)}:{address.port}: {problem}") from error


class _Server(uvicorn.Server):
    """A server whose signals are handled by `serve`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(service: Service, address: Address, log: Log = write_log) -> bool:
    """Serve until SIGTERM or SIGINT; then answer open requests, and return.

    Returns:
        Whether the server could start.

    """
    handler = JsonHandler(log)
    for name in ("uvicorn", "uvicorn.error", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
    logging.getLogger("uvicorn.error").handlers = []  # its parent writes them
    logging.getLogger("uvicorn.error").propagate = True
    sys.setswitchinterval(SWITCH_SECONDS)
    config = uvicorn.Config(
        make_app(service, log),
        host=address.host,
        port=address.port,
        access_log=False,
        log_config=None,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=int(address.drain_seconds),
        ws="none",
    )
    server = _Server(config)
    asyncio.run(_serve(server, service, address, log))
    service.batcher.close()
    return server.started


async def _serve(server: _Server, service: Service, address: Address, log: Log) -> None:
    loop = asyncio.get_running_loop()

    def stop(number: int, _: FrameType | None) -> None:
        loop.call_soon_threadsafe(drain, number)

    def drain(number: int) -> None:
        if service.draining:  # somebody insists
            server.should_exit = server.force_exit = True
            return
        service.draining = True
        log({"event": "drain", "signal": signal.Signals(number).name})
        loop.call_later(address.drain_delay, setattr, server, "should_exit", True)

    async def announce() -> None:
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        log({"event": "start", "version": __version__, "host": address.host, "port": port})

    before = {name: signal.signal(getattr(signal, name), stop) for name in _handled()}
    announcing = asyncio.ensure_future(announce())
    try:
        await server.serve()
    except SystemExit:  # uvicorn cannot bind the address; it has logged why
        server.started = False
    finally:
        announcing.cancel()
        restore(before)
    log({"event": "stop"})


def _handled() -> list[str]:
    return [name for name in SIGNALS if hasattr(signal, name)]


def restore(handlers: dict[str, Any]) -> None:
    """Install the signal handlers that were there before."""
    for name, handler in handlers.items():
        signal.signal(getattr(signal, name), handler)
