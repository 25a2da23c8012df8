"""`clockread serve` as a real process: readings, clients that misbehave, and SIGTERM."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import EXAMPLES, ROOT

pytest.importorskip("fastapi", reason="the server needs the serve extra")
pytest.importorskip("prometheus_client", reason="the server needs the serve extra")
pytest.importorskip("onnxruntime", reason="reading needs the cpu or gpu extra")
httpx = pytest.importorskip("httpx", reason="sends the requests")

from clockread.cli import app as cli  # noqa: E402
from clockread.cli.serve import INSTALL  # noqa: E402
from clockread.errors import ClockreadError  # noqa: E402
from clockread.serving.server import Address, check_free  # noqa: E402

PHOTO = (EXAMPLES / "wall.jpg").read_bytes()
TOKEN = "0123456789abcdef"
COMMAND = [sys.executable, "-m", "clockread", "serve", "--port", "0", "--threads", "1"]


class Process:
    """A server process, its port and its log."""

    def __init__(self, log: Path, *options: str, **environment: str) -> None:
        self.log, self.errors = log, log.with_suffix(".stderr")
        with log.open("w") as out, self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                [*COMMAND, *options],
                cwd=ROOT,
                stdout=out,
                stderr=errors,
                env={**os.environ, **environment},
            )
        self.port = int(self.line("start")["port"])

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines(keepends=True)]

    def line(self, event: str, **values: Any) -> dict[str, Any]:
        """Wait for a line of the log."""
        end = time.monotonic() + 40
        while time.monotonic() < end:
            for line in self.lines():
                if line["event"] == event and all(line.get(k) == v for k, v in values.items()):
                    return line
            assert self.process.poll() is None, self.errors.read_text()
            time.sleep(0.02)
        raise AssertionError(f"no {event} {values} in {self.log.read_text()}")

    def connect(self, *parts: bytes, length: int = len(PHOTO)) -> socket.socket:
        """Send the head of a request and parts of its body."""
        link = socket.create_connection(("127.0.0.1", self.port), 20)
        head = f"POST /v1/read HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n"
        link.sendall(f"{head}Authorization: Bearer {TOKEN}\r\n\r\n".encode())
        for part in parts:
            link.sendall(part)
        return link

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(20)


def answer_of(link: socket.socket) -> tuple[int, dict[str, Any]]:
    """The status and the body of the answer on a connection, which the server then closes."""
    with link:
        data = b"".join(iter(lambda: link.recv(65536), b""))
    head, _, body = data.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A server that needs a token."""
    log = tmp_path_factory.mktemp("serve") / "log"
    process = Process(log, CLOCKREAD_TOKEN=TOKEN)
    yield process
    process.process.kill()
    process.process.wait(20)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_server_survives_its_clients_and_drains_at_sigterm(
    running: Process, clock_reader: Any
) -> None:
    expected = [json.loads(json.dumps(reading.to_dict())) for reading in clock_reader.read(PHOTO)]

    running.connect(PHOTO[:1000]).close()  # vanishes while sending
    running.line("request", status=499)
    running.connect(PHOTO).close()  # vanishes while waiting
    with socket.create_connection(("127.0.0.1", running.port), 20) as link:
        link.sendall(b"\x16\x03\x01 garbage \xff\r\n\r\n")
        assert link.recv(1000).startswith(b"HTTP/1.1 400 ")
    headers = {"authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{running.port}", timeout=20) as client:
        assert client.post("/v1/read", content=PHOTO).status_code == 401
        response = client.post("/v1/read", content=PHOTO, headers=headers)
        assert response.json()["photos"][0]["readings"] == expected
        assert client.get("/readyz").status_code == 200

    half = running.connect(PHOTO[:1000])  # is answered although SIGTERM comes in between
    time.sleep(0.2)
    running.process.send_signal(signal.SIGTERM)
    running.line("drain", signal="SIGTERM")
    half.sendall(PHOTO[1000:])
    status, answer = answer_of(half)
    assert (status, answer["photos"][0]["readings"]) == (200, expected)
    assert running.process.wait(20) == 0
    assert running.lines()[-1]["event"] == "stop"
    assert running.errors.read_text() == ""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", running.port), 5)


def failure_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line of a command that cannot start."""
    with pytest.raises(SystemExit) as stopped:
        cli.main(["serve", *arguments])
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1, error
    return error


def test_a_missing_extra_is_one_line_with_the_command_to_install_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("clockread.serving")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fastapi", None)
    assert failure_of(capsys) == f"clockread: fastapi is missing: {INSTALL}\n"


def test_unusable_tokens_and_folders_are_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "short").write_text("secret\n")
    needs = "a token needs at least 16 printable ASCII characters"
    assert needs in failure_of(capsys, "--token-file", str(tmp_path / "short"))
    assert "cannot be read" in failure_of(capsys, "--token-file", str(tmp_path / "none"))
    monkeypatch.setenv("CLOCKREAD_TOKEN", "")
    assert f"CLOCKREAD_TOKEN: {needs}" in failure_of(capsys)
    monkeypatch.delenv("CLOCKREAD_TOKEN")
    assert "no such folder" in failure_of(capsys, "--page", str(tmp_path / "none"))


@pytest.mark.skipif(sys.platform == "win32", reason="pipes")
def test_a_log_that_nobody_reads_stops_no_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from clockread.serving.access import write_log

    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        write_log({"event": "request"})
        write_log({"event": "request"})


def test_a_port_in_use_is_one_line_and_exit_code_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [*COMMAND[:4], "--port", str(port), "--threads", "1"]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=40, check=False
        )
    assert done.returncode == 2
    problem = "cannot listen there (Address already in use); choose another --host or --port"
    assert (done.stdout, done.stderr) == ("", f"clockread: 127.0.0.1:{port}: {problem}\n")


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_a_host_that_is_not_this_machine_is_one_line(host: str) -> None:
    with pytest.raises(ClockreadError, match=rf"^{re.escape(host)}:8000: cannot listen there \("):
        check_free(Address(host))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_a_free_address_stays_free(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    for _ in range(2):
        check_free(Address(host, port))
