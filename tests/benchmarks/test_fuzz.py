"""Mutated photos of every format, by the program of long runs: `python -m benchmarks.fuzz N`."""

from __future__ import annotations

import sys

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="reading needs onnxruntime")
pytest.importorskip("benchmarks", reason="benchmarks/ is not here")

from benchmarks import fuzz
from clockread.errors import ImageError
from clockread.images import load_photo

MAX_MEMORY_MB = 300


@pytest.fixture(scope="module")
def photos() -> dict[str, bytes]:
    return fuzz.seeds()


def test_the_photos_that_are_mutated_are_whole(photos: dict[str, bytes]) -> None:
    assert len(photos) >= 27
    for data in photos.values():
        assert load_photo(data).width in (fuzz.SIDE, fuzz.SIDE * 3 // 4)


def test_the_same_number_gives_the_same_file(photos: dict[str, bytes]) -> None:
    for number in range(60):
        name, data = fuzz.mutated(number, 5, photos)
        assert fuzz.mutated(number, 5, photos) == (name, data)
        assert fuzz.mutated(number, 6, photos)[1] != data or data == photos[name]


@pytest.mark.slow
def test_500_mutated_files_are_readings_or_errors_of_one_line() -> None:
    report = fuzz.run(500, seed=2026)
    assert report.failures == {}
    assert report.decoder_messages == 0
    assert report.files == report.read + report.refused == 500
    assert 100 < report.read < 400, (
        "mutations are neither too rough nor too gentle to test decoding"
    )
    assert report.peak_memory_mb < MAX_MEMORY_MB


CHILD = """
import json, sys, time
stop, _, start, *_ = sys.argv[1:]

def say(*lines):
    sys.stdout.write("".join(json.dumps(line) + "\\n" for line in lines))
    sys.stdout.flush()

for number in range(int(start), int(stop)):
    end = {"end": number, "format": "png", "outcome": "read"}
    say({"begin": number})
    if number == 1:
        say(end, {"begin": 2})
        time.sleep(600)
    say(end)
"""


def test_a_file_that_hangs_costs_that_file_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "CHILD", (sys.executable, "-c", CHILD))
    monkeypatch.setattr(fuzz, "HANG_SECONDS", 5.0)
    report = fuzz.run(4)
    assert report.failures == {2: "hangs for more than 5 s"}
    assert (report.files, report.read) == (4, 3)


def test_another_exception_is_not_taken_for_a_refusal() -> None:
    class Broken:
        def read_photos(self, photos: object) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fuzz.attempt(fuzz.seeds()["png"], 1, Broken())


def test_random_bytes_behind_every_beginning(photos: dict[str, bytes]) -> None:
    rng = np.random.default_rng(7)
    starts = [photo[:12] for photo in photos.values()] + [
        b"",
        b"II+\0",
        b"P6\n",
        b"\0\0\0\x20ftypmif1",
    ]
    refusals = []
    for i in range(600):
        try:
            load_photo(starts[i % len(starts)] + rng.bytes(int(rng.integers(1, 400))))
        except ImageError as error:
            refusals.append(str(error))
    assert len(refusals) > 300
    assert {len(refusal.splitlines()) for refusal in refusals} == {1}
