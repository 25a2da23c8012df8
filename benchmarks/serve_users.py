"""The clients of `benchmarks.serve_load`, for Locust: those that behave, and those that do not.

The file that the environment variable PLAN names has the photos' paths and what the library reads
in them. An answer other than that is a failure.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import socket
import zlib
from collections.abc import Callable
from pathlib import Path
from struct import pack
from typing import Any
from urllib.parse import urlsplit

import gevent
from locust import FastHttpUser, User, task

PLAN: dict[str, Any] = json.loads(Path(os.environ["PLAN"]).read_text(encoding="utf-8"))
PHOTOS = [(Path(path).read_bytes(), times) for path, times in PLAN["photos"]]
BOMB_SIDE = 20_000  # pixels: 400 million
SLOW_SECONDS, SLOW_PARTS = 3.0, 10  # of a body that is sent in parts
SOCKET_SECONDS = 60.0
SEED = 2026  # of each user's own numbers, with the user's class and number
random.seed(SEED)  # for Locust, which chooses the tasks
_numbers = itertools.count()


def _generator(user: User) -> random.Random:
    return random.Random(f"{SEED} {type(user).__name__} {next(_numbers)}")


def bomb() -> bytes:
    """Return a grey PNG of 400 million pixels, all black."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    header = pack(">IIBBBBB", BOMB_SIDE, BOMB_SIDE, 8, 0, 0, 0, 0)
    packer, row = zlib.compressobj(), bytes(BOMB_SIDE + 1)
    packed = b"".join(packer.compress(row) for _ in range(BOMB_SIDE)) + packer.flush()
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


class Reader(FastHttpUser):
    """Sends photos one after the other, or at the plan's rate, and checks every answer."""

    fixed_count = PLAN["readers"]
    network_timeout = SOCKET_SECONDS
    connection_timeout = SOCKET_SECONDS

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.random = _generator(self)

    def on_start(self) -> None:
        """Begin independently of the other readers."""
        gevent.sleep(self.wait_time())

    def wait_time(self) -> float:
        """Return the seconds to the next request: exponential, so that arrivals are random."""
        return self.random.expovariate(PLAN["rate"] / PLAN["readers"]) if PLAN["rate"] else 0.0

    @task
    def read(self) -> None:
        """Send one photo."""
        photo, times = self.random.choice(PHOTOS)
        body: Any = photo  # bytes are sent as they are, which the annotation does not say
        with self.client.post("/v1/read", data=body, catch_response=True) as response:
            if response.status_code != 200:
                response.failure(f"status {response.status_code}")
                return
            (result,) = response.json()["photos"]
            got = [reading["time"] for reading in result["readings"]]
            if got != times:
                response.failure(f"wrong: {got} instead of {times}")


class Faulty(User):
    """Vanishes, sends garbage, sends slowly, or sends bombs; checks the answers that there are."""

    bomb = bomb() if PLAN["faults"] else b""

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.random = _generator(self)

    def wait_time(self) -> float:
        """Return the seconds to the next fault."""
        return self.random.expovariate(PLAN["faults"] / PLAN["faulty"])

    @task(4)
    def vanish_while_sending(self) -> None:
        """Close the connection in the middle of a photo."""
        photo = self.random.choice(PHOTOS)[0]
        self._measured(
            "vanish while sending", lambda: self._send([photo[: len(photo) // 2]], photo)
        )

    @task(4)
    def vanish_while_waiting(self) -> None:
        """Close the connection after the whole photo."""
        photo = self.random.choice(PHOTOS)[0]
        self._measured("vanish while waiting", lambda: self._send([photo], photo))

    @task(4)
    def garbage(self) -> None:
        """Send random bytes as a photo."""
        data = self.random.randbytes(self.random.randint(1, 100_000))
        self._measured("garbage", lambda: self._send([data], data, status=415))

    @task(2)
    def no_http(self) -> None:
        """Send random bytes instead of a request."""
        self._measured("no HTTP", lambda: self._exchange([self.random.randbytes(1000)], None))

    @task(2)
    def slow(self) -> None:
        """Send a photo in parts, over seconds."""
        photo = self.random.choice(PHOTOS)[0]
        size = -(-len(photo) // SLOW_PARTS)
        parts = [photo[i : i + size] for i in range(0, len(photo), size)]
        pause = SLOW_SECONDS / SLOW_PARTS
        self._measured("slow", lambda: self._send(parts, photo, status=200, pause=pause))

    @task(2)
    def bomb_of_pixels(self) -> None:
        """Send a small file of 400 million pixels."""
        self._measured("bomb", lambda: self._send([self.bomb], self.bomb, status=413))

    def _measured(self, name: str, action: Callable[[], None]) -> None:
        error: Exception | None = None
        try:
            action()
        except Exception as problem:
            error = problem
        self.environment.events.request.fire(
            request_type="FAULT", name=name, response_time=0, response_length=0, exception=error
        )

    def _send(
        self, parts: list[bytes], body: bytes, *, status: int | None = None, pause: float = 0.0
    ) -> None:
        """Send the head of a request for a body, then the parts; check the status if given."""
        head = f"POST /v1/read HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        self._exchange([head.encode(), *parts], status, pause)

    def _exchange(self, parts: list[bytes], status: int | None, pause: float = 0.0) -> None:
        url = urlsplit(str(self.host))
        address = (url.hostname, url.port or 80)
        with socket.create_connection(address, SOCKET_SECONDS) as link:
            for part in parts:
                link.sendall(part)
                gevent.sleep(pause)
            if status is not None:
                line = link.recv(100).split(b"\r\n")[0].decode()
                if f" {status} " not in line:
                    raise ValueError(f"{line!r} instead of {status}")
