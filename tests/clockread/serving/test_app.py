"""The server's answers, with a fake reader: statuses, limits, options, token, logs and the page."""

from __future__ import annotations

import asyncio
import io
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import READING, encode, grey_png, result_of
from PIL import Image

pytest.importorskip("fastapi", reason="the server needs the serve extra")
pytest.importorskip("prometheus_client", reason="the server needs the serve extra")
pytest.importorskip("httpx", reason="needed by the test client")
from fastapi.testclient import TestClient

from clockread import __version__
from clockread.images import Photo
from clockread.parallel import PART_PHOTOS
from clockread.reading import PhotoResult
from clockread.serving.app import Service, Settings, make_app
from clockread.serving.batching import Batcher, Job, Options
from clockread.serving.limits import Limits, RefusedError
from clockread.serving.openapi import EXAMPLE

POISON = 13  # grey of a photo that breaks the reader
TOKEN = "a token of sixteen letters"


class GreyReader:
    """Reads the grey of each photo as its minutes, once the gate is open."""

    part_photos = PART_PHOTOS

    def __init__(self, min_confidence: float = 0.0, gate: threading.Event | None = None) -> None:
        self.gate = gate or threading.Event()
        self.min_confidence = min_confidence
        self.sizes: list[int] = []
        self.cropped: list[bool] = []
        if gate is None:
            self.gate.set()

    def with_limits(self, *, min_confidence: float, max_clocks: int) -> GreyReader:
        limited = GreyReader(min_confidence, self.gate)
        limited.sizes, limited.cropped = self.sizes, self.cropped
        return limited

    def read_photos(
        self,
        photos: Sequence[Photo],
        *,
        cropped: bool = False,
        timings: dict[str, float] | None = None,
    ) -> list[PhotoResult]:
        assert self.gate.wait(20)
        self.sizes.append(len(photos))
        self.cropped.append(cropped)
        greys = [int(photo.pixels[0, 0]) for photo in photos]
        if POISON in greys:
            raise ValueError("a broken network\nwith two lines")
        readings = [replace(READING, minutes=grey, second_presence=1.0) for grey in greys]
        least = self.min_confidence
        return [
            result_of(photo, *([reading] if reading.confidence >= least else []))
            for photo, reading in zip(photos, readings, strict=True)
        ]


class Server:
    """A client of the application, its service and its log."""

    def __init__(self, settings: Settings, *, gate: threading.Event | None = None) -> None:
        self.reader = GreyReader(gate=gate)
        self.service = Service(self.reader, self.reader, settings)
        self.log: list[dict[str, Any]] = []
        self.app = make_app(self.service, self.log.append)
        self.client = TestClient(self.app, raise_server_exceptions=False)

    def post(self, content: Any = None, **options: Any) -> Any:
        return self.client.post("/v1/read", content=content, **options)


Start = Callable[..., Server]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start servers; all are stopped at the end."""
    servers: list[Server] = []

    def started(gate: threading.Event | None = None, **settings: Any) -> Server:
        servers.append(Server(Settings(**settings), gate=gate))
        return servers[-1]

    yield started
    for server in servers:
        server.reader.gate.set()
        server.service.batcher.close()


def minutes_in(response: Any) -> list[list[int]]:
    """The minutes of all readings of all photos of an answer."""
    assert response.status_code == 200, response.text
    photos = response.json()["photos"]
    return [[60 * (r["hour"] % 12) + r["minute"] for r in photo["readings"]] for photo in photos]


def error_of(response: Any, status: int) -> str:
    """The error of an answer, which has nothing else."""
    assert response.status_code == status, response.text
    answer = response.json()
    assert set(answer) == {"error"}
    assert "\n" not in answer["error"]
    return str(answer["error"])


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (401, {"WWW-Authenticate": "Bearer"}),
        (408, {"Connection": "close"}),
        (413, {"Connection": "close"}),
        (415, {}),
        (422, {}),
        (429, {"Retry-After": "1"}),
        (500, {}),
        (503, {"Retry-After": "1"}),
    ],
)
def test_headers_of_a_refusal(status: int, headers: dict[str, str]) -> None:
    assert RefusedError(status, "no").headers == headers


def test_a_body_is_read_as_the_library_reads_it(start: Start) -> None:
    answer = start().post(grey_png(77)).json()
    expected = PhotoResult(
        "<body>", 60, 40, (replace(READING, minutes=77, second_presence=1),), None
    )
    assert answer == {"photos": [json.loads(json.dumps(expected.to_dict()))]}


def test_photos_of_a_form_are_read_in_order_and_a_bad_one_spoils_none(start: Start) -> None:
    files = [("photo", (f"{g}.png", grey_png(g))) for g in (5, 6)]
    files.insert(1, ("photo", ("notes.txt", b"not a photo")))
    photos = start().client.post("/v1/read", files=files).json()["photos"]
    assert [photo["path"] for photo in photos] == ["5.png", "notes.txt", "6.png"]
    assert [len(photo["readings"]) for photo in photos] == [1, 0, 1]
    assert photos[1]["error"].startswith("notes.txt: its content is not a photo")


def test_options_are_those_of_the_command_line(start: Start) -> None:
    server = start()
    photo = grey_png(9)
    plain = server.post(photo).json()["photos"][0]["readings"][0]["time"]
    with_seconds = server.post(photo, params={"seconds": True}).json()["photos"][0]
    assert (plain, with_seconds["readings"][0]["time"].count(":")) == ("12:09", 1)
    assert minutes_in(server.post(photo, params={"min_confidence": 0.99})) == [[]]
    server.post(photo, params={"cropped": 1})
    assert server.reader.cropped == [False, False, False, True]
    cut = encode(".jpg", np.full((400, 400), 90, np.uint8))[:-200]
    refused = error_of(server.post(cut), 422)
    assert "cut off" in refused
    assert "--" not in refused, "clients have no command line"
    assert server.post(cut, params={"lenient": 1}).status_code == 200


def test_all_frames_give_a_result_each(start: Start) -> None:
    pages, file = [Image.new("L", (40, 40), grey) for grey in (1, 2, 3)], io.BytesIO()
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:])
    pages[0].save(two := io.BytesIO(), "TIFF", save_all=True, append_images=pages[2:])
    server = start(limits=Limits(photos=3))
    assert minutes_in(server.post(two.getvalue(), params={"frames": "all"})) == [[1], [3]]
    assert minutes_in(server.post(file.getvalue(), params={"frames": "all"})) == [[1], [2], [3]]
    assert minutes_in(server.post(file.getvalue())) == [[1]]
    few = start(limits=Limits(photos=2))
    assert "3 frames, the limit is 2" in error_of(
        few.post(file.getvalue(), params={"frames": "all"}), 413
    )


def test_the_frames_of_a_cut_file_are_read_on_request(start: Start) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (3, 40, 40), dtype=np.uint8)
    first, *others = map(Image.fromarray, noise)
    first.save(file := io.BytesIO(), "GIF", save_all=True, append_images=others)
    cut, server = file.getvalue()[:-500], start()
    strict, lenient = (
        server.post(cut, params={"frames": "all", "lenient": lenient}).json()["photos"]
        for lenient in (0, 1)
    )
    assert [photo["error"] is None for photo in strict] == [True, True, False]
    assert [photo["error"] is None for photo in lenient] == [True, True, True]
    first.save(file := io.BytesIO(), "TIFF", save_all=True, append_images=others)
    answer = server.post(file.getvalue()[:1000], params={"frames": "all", "lenient": 1})
    assert len(answer.json()["photos"]) == 1, "pages that cannot be counted"


def test_the_limits_are_those_that_the_documentation_lists() -> None:
    assert asdict(Limits()) == {
        "body_bytes": 32_000_000,
        "pixels": 100_000_000,
        "photos": 64,
        "queue": 256,
        "held_bytes": 512_000_000,
        "body_seconds": 30.0,
        "read_seconds": 30.0,
    }


def test_the_photos_of_a_request_share_the_limit_of_frames(start: Start) -> None:
    pages, file = [Image.new("L", (40, 40), grey) for grey in (1, 2, 3)], io.BytesIO()
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:])

    def post(*photos: bytes, limit: int) -> Any:
        client = start(limits=Limits(photos=limit)).client
        files = [("photo", (f"{i}.tif", photo)) for i, photo in enumerate(photos)]
        return client.post("/v1/read", files=files, params={"frames": "all"})

    three = file.getvalue()
    of_all = [[1], [2], [3], [9], [1], [2], [3]]
    assert minutes_in(post(three, grey_png(9), three, limit=7)) == of_all
    for limit in (3, 6):
        refused = error_of(post(three, grey_png(9), three, limit=limit), 413)
        assert refused == f"more than {limit} photos in a request, frames included; send fewer"


def test_a_photo_that_refuses_its_request_cancels_the_others(start: Start) -> None:
    pages, file = [Image.new("L", (40, 40), grey) for grey in (1, 2)], io.BytesIO()
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:])
    gate = threading.Event()
    server = start(gate, limits=Limits(photos=2 * PART_PHOTOS))
    photos = [file.getvalue()] + [grey_png(5)] * (2 * PART_PHOTOS - 1)
    files = [("photo", (f"{i}", photo)) for i, photo in enumerate(photos)]
    refused = server.client.post("/v1/read", files=files, params={"frames": "all"})
    assert "frames included" in error_of(refused, 413)
    assert server.service.batcher.queued == 0
    gate.set()
    server.service.batcher.close()
    assert server.reader.sizes == [PART_PHOTOS - 1]
    assert server.service.held.bytes == 0


def test_each_page_is_within_the_limit_of_pixels(start: Start) -> None:
    pages, file = [Image.new("L", (64, 64), 5), Image.new("L", (1000, 1000), 6)], io.BytesIO()
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:])
    server = start(limits=Limits(pixels=10_000))
    first, second = server.post(file.getvalue(), params={"frames": "all"}).json()["photos"]
    assert (len(first["readings"]), first["error"]) == (1, None)
    assert (second["readings"], second["width"]) == ([], None)
    assert "<body>#2: too large: 1000 x 1000 = 1 million pixels" in second["error"]
    assert server.reader.sizes == [1]


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"min_confidence": "nan"}, "min_confidence: "),
        ({"min_confidence": 2}, "min_confidence: "),
        ({"max_clocks": 0}, "max_clocks: "),
        ({"frames": "some"}, "frames: "),
        ({"croped": 1}, "croped: no such option; there are cropped, "),
    ],
)
def test_wrong_options_are_named(start: Start, params: dict[str, Any], problem: str) -> None:
    assert error_of(start().post(grey_png(1), params=params), 422).startswith(problem)


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        (b"", 422, "empty body"),
        (b"http://127.0.0.1/photo.jpg", 415, "not a photo"),
        (b'{"url": "http://127.0.0.1/photo.jpg"}', 415, "not a photo"),
        (b"%PDF-1.7", 415, "a PDF"),
        (grey_png(1)[:30], 422, "damaged"),
        (grey_png(1)[:60], 422, "damaged"),
        (grey_png(1, (2, 2)), 422, "too small"),
        (grey_png(1, (100, 101)), 413, "0.01 million pixels, the limit is 0.01 million"),
        (bytes(2001), 413, "the limit is 0.002 MB"),
    ],
)
def test_bodies_that_are_no_photo_within_the_limits_are_refused(
    start: Start, body: bytes, status: int, problem: str
) -> None:
    server = start(limits=Limits(body_bytes=2000, pixels=10_000))
    assert problem in error_of(server.post(body), status)


def test_a_body_of_just_the_limit_is_read(start: Start) -> None:
    photo = grey_png(7)
    server = start(limits=Limits(body_bytes=len(photo), held_bytes=len(photo)))
    assert minutes_in(server.post(photo)) == [[7]]
    assert minutes_in(server.post(iter([photo[:50], photo[50:]]))) == [[7]], "of unknown length"


def test_chunks_beyond_the_limit_are_refused_without_keeping_them(start: Start) -> None:
    server = start(limits=Limits(body_bytes=2000))
    assert "too large" in error_of(server.post(bytes(1000) for _ in range(5)), 413)
    assert server.service.held.bytes == 0


def test_what_is_discarded_of_a_large_body_is_not_held(start: Start) -> None:
    server = start(limits=Limits(body_bytes=2000))
    held: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def next_kilobyte() -> dict[str, Any]:
            held.append(server.service.held.bytes)
            return {"type": "http.request", "body": bytes(1000), "more_body": len(held) < 5}

        headers = [pair for pair in scope["headers"] if pair[0] != b"content-length"]
        await server.app({**scope, "headers": headers}, next_kilobyte, send)

    assert "too large" in error_of(TestClient(app).post("/v1/read", content=b"x"), 413)
    assert held == [0, 1000, 2000, 0, 0]


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("multipart/form-data", b"x", 422),
        ("multipart/form-data; boundary=b", b"garbage", 422),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\nx\r\n--b--", 422),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="a"',
            422,
        ),
    ],
)
def test_broken_forms_are_refused(start: Start, kind: str, body: bytes, status: int) -> None:
    error_of(start().post(body, headers={"content-type": kind}), status)


def test_more_photos_than_the_limit_are_refused(start: Start) -> None:
    files = [("photo", (f"{g}.png", grey_png(g))) for g in (1, 2, 3)]
    response = start(limits=Limits(photos=2)).client.post("/v1/read", files=files)
    assert "Too many files" in error_of(response, 413)


def test_requests_that_could_never_be_queued_or_held_are_not_told_to_try_again(
    start: Start,
) -> None:
    files = [("photo", (f"{g}.png", grey_png(g))) for g in (1, 2, 3)]
    client = start(limits=Limits(queue=2)).client
    response = client.post("/v1/read", files=files)
    assert error_of(response, 413) == "3 photos in a request, the queue takes 2; send fewer"
    assert "retry-after" not in response.headers
    assert minutes_in(client.post("/v1/read", files=files[:2])) == [[1], [2]]
    response = start(limits=Limits(held_bytes=1000)).post(bytes(1001))
    assert "the body is too large: the limit is 0.001 MB" in error_of(response, 413)


def test_a_full_queue_and_a_full_memory_answer_429(start: Start) -> None:
    gate = threading.Event()
    server = start(gate, limits=Limits(queue=1, held_bytes=1000))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(server.post, grey_png(1))  # is being read
        wait_for(lambda: server.service.held.bytes > 0 and server.service.batcher.queued == 0)
        second = pool.submit(server.post, grey_png(2))  # waits
        wait_for(lambda: server.service.batcher.queued == 1)
        third, large = server.post(grey_png(3)), server.post(bytes(1000))
        assert server.client.get("/readyz").status_code == 503
        gate.set()
        assert (minutes_in(first.result()), minutes_in(second.result())) == ([[1]], [[2]])
    assert "no room for 1 more of 1" in error_of(third, 429)
    assert third.headers["retry-after"] == "1"
    assert "being received" in error_of(large, 429)
    assert server.service.held.bytes == 0


def test_photos_that_take_too_long_answer_503_and_leave_the_queue(start: Start) -> None:
    gate = threading.Event()
    server = start(gate, limits=Limits(read_seconds=0.1))
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(server.post, [grey_png(1), grey_png(2)]))
    assert all("not read within 0.1 s" in error_of(answer, 503) for answer in answers)
    assert server.service.batcher.queued == 0
    gate.set()
    wait_for(lambda: len(server.reader.sizes) > 0)
    assert sum(server.reader.sizes) <= 2


def test_a_body_that_arrives_slowly_answers_408(start: Start) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await server.app(scope, lambda: asyncio.sleep(5), send)

    server = start(limits=Limits(body_seconds=0.1))
    response = TestClient(app).post("/v1/read", content=b"x")
    assert "did not arrive within 0.1 s" in error_of(response, 408)
    assert server.service.held.began == {}


def test_a_slow_client_delays_no_other(start: Start) -> None:
    delay = 3.0  # seconds that a batch would wait for the slow client

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await server.app(scope, lambda: asyncio.sleep(2 * delay), send)

    server = start(delay=delay, limits=Limits(body_seconds=delay / 2))
    with ThreadPoolExecutor(1) as pool:
        refused = pool.submit(TestClient(slow).post, "/v1/read", content=b"x")
        wait_for(lambda: len(server.service.held.began) == 1)
        assert server.service.held.arriving == 1
        wait_for(lambda: server.service.held.arriving == 0)
        began = time.monotonic()
        assert minutes_in(server.post(grey_png(7))) == [[7]]
        assert time.monotonic() - began < delay / 3
        assert len(server.service.held.began) == 1
        assert refused.result().status_code == 408


def test_a_batch_waits_its_delay_at_most_for_what_is_arriving() -> None:
    reader = GreyReader()
    batcher = Batcher(reader, reader, delay=0.05, arriving=lambda: 1)
    job = Job(grey_png(7), "x")
    batcher.submit([job])
    assert job.future.result(10).results[0].readings[0].minutes == 7
    batcher.close()


def test_photos_that_arrive_within_the_delay_are_read_together() -> None:
    reader, arriving = GreyReader(), [True]
    batcher = Batcher(reader, reader, delay=20, arriving=lambda: sum(arriving))
    jobs = [Job(grey_png(grey), "x") for grey in (7, 8)]
    batcher.submit(jobs[:1])
    time.sleep(0.05)
    assert not jobs[0].future.done()
    arriving.clear()
    batcher.submit(jobs[1:])
    assert [job.future.result(10).results[0].readings[0].minutes for job in jobs] == [7, 8]
    assert reader.sizes == [2]
    batcher.close()


def test_a_server_that_stops_answers_503(start: Start) -> None:
    server = start()
    assert server.client.get("/readyz").json() == {"status": "ok"}
    server.service.draining = True
    assert "stopping" in error_of(server.client.get("/readyz"), 503)
    assert server.client.get("/healthz").headers["connection"] == "close"
    server.service.batcher.close()
    assert "stopping" in error_of(server.post(grey_png(1)), 503)


def test_many_clients_share_batches_and_each_gets_its_own_result(start: Start) -> None:
    server = start(threads=2, delay=0.02)
    greys = [grey for grey in range(20, 100) if grey != POISON]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(server.post, map(grey_png, greys)))
    assert [minutes_in(answer) for answer in answers] == [[[grey]] for grey in greys]
    assert len(server.reader.sizes) < len(greys)


def test_a_photo_that_breaks_the_reader_fails_alone(start: Start) -> None:
    gate = threading.Event()
    server = start(gate)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(server.post, grey_png(1))
        wait_for(lambda: server.service.held.bytes > 0 and server.service.batcher.queued == 0)
        rest = [pool.submit(server.post, grey_png(grey)) for grey in (2, POISON, 3)]
        wait_for(lambda: server.service.batcher.queued == 3)
        gate.set()
        assert minutes_in(first.result()) == [[1]]
        good, bad, fine = (future.result() for future in rest)
    assert (minutes_in(good), minutes_in(fine)) == ([[2]], [[3]])
    assert error_of(bad, 500) == "internal error; see the server's log"
    (line,) = [line for line in server.log if line["status"] == 500]
    assert line["error"] == "ValueError: a broken network\\nwith two lines"
    assert server.client.get("/healthz").status_code == 200


def test_cancelled_jobs_are_not_read(start: Start) -> None:
    gate = threading.Event()
    server = start(gate)
    jobs = [Job(grey_png(grey), "x", Options()) for grey in (1, 2, 3)]
    server.service.batcher.submit(jobs[:1])
    wait_for(lambda: server.service.batcher.queued == 0)
    server.service.batcher.submit(jobs[1:])
    server.service.batcher.cancel(jobs[1:2])
    gate.set()
    assert jobs[2].future.result(10).results[0].readings[0].minutes == 3
    assert jobs[1].future.cancelled()
    assert sum(server.reader.sizes) == 2


def test_a_closed_batcher_reads_what_was_queued_and_refuses_the_rest(start: Start) -> None:
    batcher = start(threads=2).service.batcher
    jobs = [Job(grey_png(grey), "x") for grey in range(20, 40)]
    batcher.submit(jobs)
    batcher.close()
    assert [job.future.result(0).results[0].readings[0].minutes for job in jobs] == [*range(20, 40)]
    with pytest.raises(RefusedError, match="stopping"):
        batcher.submit(jobs)


def test_a_token_is_required_for_photos_and_metrics_only(start: Start) -> None:
    server = start(token=TOKEN)
    upper = f"Bearer {TOKEN.upper()}"
    for header in (None, "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, upper, "Bearer é"):
        headers = None if header is None else {"authorization": header.encode()}
        answer = server.post(grey_png(1), headers=headers)
        assert "missing or wrong token" in error_of(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"
    for scheme in ("bearer", "BEARER", "Bearer "):
        headers = {"authorization": f"{scheme} {TOKEN}"}
        assert minutes_in(server.post(grey_png(1), headers=headers)) == [[1]]
    right = {"authorization": f"Bearer {TOKEN}"}
    assert minutes_in(server.post(grey_png(1), headers=right)) == [[1]]
    assert server.client.get("/metrics").status_code == 401
    assert server.client.get("/metrics", headers=right).status_code == 200
    assert server.client.get("/healthz").status_code == 200


def test_each_request_is_one_record_without_names_or_pixels(start: Start) -> None:
    server = start()
    server.client.post("/v1/read", files={"photo": ("secret.png", grey_png(1))})
    server.client.get("/nothing")
    read, missing = server.log
    assert read.keys() == {
        "event", "client", "method", "path", "status", "ms", "bytes", "photos", "readings",
    }  # fmt: skip
    assert (read["photos"], read["readings"], read["status"]) == (1, 1, 200)
    assert (missing["status"], missing["error"]) == (404, "Not Found")
    assert "secret" not in json.dumps(server.log)


def test_metrics_count_requests_photos_and_readings(start: Start) -> None:
    server = start()
    server.post(grey_png(1))
    server.post(b"garbage")
    text = server.client.get("/metrics").text
    for line in (
        'clockread_requests_total{status="200"} 1.0',
        'clockread_requests_total{status="415"} 1.0',
        'clockread_photos_total{outcome="error"} 1.0',
        "clockread_readings_total 1.0",
        "clockread_batch_photos_count 2.0",
        "clockread_queued_photos 0.0",
        f'clockread_info{{version="{__version__}"}} 1.0',
    ):
        assert f"{line}\n" in text


def test_the_openapi_document_has_examples_of_answers_and_errors(start: Start) -> None:
    document = start().client.get("/openapi.json").json()
    read = document["paths"]["/v1/read"]["post"]
    answers = read["responses"]
    example = answers["200"]["content"]["application/json"]["example"]
    assert example == json.loads(json.dumps({"photos": [EXAMPLE.to_dict()]}))
    assert answers.keys() == {"200", "401", "408", "413", "415", "422", "429", "503"}
    schemas = {
        status: answer["content"]["application/json"]["schema"]["properties"].keys()
        for status, answer in answers.items()
    }
    assert schemas.pop("200") == {"photos"}
    assert all(keys == {"error"} for keys in schemas.values())
    assert "multipart/form-data" in read["requestBody"]["content"]
    options = {parameter["name"] for parameter in read["parameters"]}
    assert options == {"cropped", "seconds", "min_confidence", "max_clocks", "frames", "lenient"}


def test_the_page_is_served_with_the_right_types(start: Start, tmp_path: Path) -> None:
    for name in ("index.html", "main.js", "ort.wasm", "site.webmanifest", "reader.onnx"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path.parent / "outside").write_bytes(b"secret")
    client = start(page=tmp_path).client
    for path, kind in (
        ("/", "text/html"),
        ("/main.js", "text/javascript"),
        ("/ort.wasm", "application/wasm"),
        ("/site.webmanifest", "application/manifest+json"),
        ("/reader.onnx", "application/octet-stream"),
    ):
        response = client.get(path)
        assert response.headers["content-type"].partition(";")[0] == kind
        assert response.headers["cross-origin-opener-policy"] == "same-origin"
        assert response.headers["x-content-type-options"] == "nosniff"
    assert error_of(client.get("/%2e%2e/outside"), 404) == "Not Found"
    assert client.get("/healthz").json() == {"status": "ok"}
