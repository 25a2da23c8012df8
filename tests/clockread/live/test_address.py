"""Addresses that answer, answer slowly, stop or are not there."""

from __future__ import annotations

import contextlib
import socketserver
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import encode

pytest.importorskip("av", reason="addresses need PyAV")

from clockread.cli.sample_photos import dial_picture
from clockread.errors import VideoError
from clockread.live.sources import Address

JPEG = encode(".jpg", dial_picture(600))
Answer = Callable[[Any, threading.Event], None]


@contextlib.contextmanager
def served(answer: Answer) -> Iterator[str]:
    """A local server that gives one answer to every request."""
    over = threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            with contextlib.suppress(OSError):
                answer(self.wfile, over)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/clock"
        finally:
            over.set()
            server.shutdown()


def photo(out: Any, _: threading.Event) -> None:
    head = f"HTTP/1.0 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: {len(JPEG)}\r\n\r\n"
    out.write(head.encode() + JPEG)


def stream(*parts: bytes, hang: bool) -> Answer:
    def answer(out: Any, over: threading.Event) -> None:
        kind = "multipart/x-mixed-replace; boundary=next"
        out.write(f"HTTP/1.0 200 OK\r\nContent-Type: {kind}\r\n\r\n".encode())
        for part in parts:
            head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(part)}\r\n\r\n"
            out.write(head.encode() + part + b"\r\n")
            out.flush()
        if hang:
            over.wait(20)

    return answer


def silence(_: Any, over: threading.Event) -> None:
    over.wait(20)


def test_a_photo_is_fetched_again_and_again() -> None:
    with served(photo) as address:
        source = Address(address)
        for _ in range(2):
            [one] = source.frames()
            assert one.name == address
            assert source.single


def test_a_stream_that_ends() -> None:
    with served(stream(*[JPEG] * 12, hang=False)) as address:
        drawn = Address(address).frames()
        next(drawn)
        with pytest.raises(VideoError, match=r"the stream ended|it stopped"):
            list(drawn)


def test_a_stream_goes_on_after_a_part_that_was_lost() -> None:
    lost = stream(*[JPEG] * 3, b"lost", *[JPEG] * 9, hang=True)
    with served(lost) as address, pytest.raises(VideoError, match="it stopped answering"):
        list(Address(address, silent_timeout=1.0).frames())


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (silence, "it does not answer|it cannot be opened"),
        (stream(*[JPEG] * 12, hang=True), "it stopped"),
    ],
)
def test_an_address_that_is_slow_or_stops(answer: Answer, problem: str) -> None:
    with served(answer) as address:
        drawn = Address(address, open_timeout=1.5, silent_timeout=1.0).frames()
        with pytest.raises(VideoError, match=problem) as caught:
            list(drawn)
        assert "\n" not in str(caught.value)


def test_an_address_where_nothing_is() -> None:
    with pytest.raises(VideoError, match="cannot be opened"):
        next(Address("http://127.0.0.1:9/clock").frames())
