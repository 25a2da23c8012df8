"""Shared by test modules: folders, photos, a reading, a fake reader and encoders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from clockread.cli import app as cli
from clockread.images import Photo
from clockread.parallel import PART_PHOTOS
from clockread.reading import PhotoResult, Reading

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
GOLDEN = ROOT / "tests" / "golden"
TIMES: dict[str, list[dict[str, Any]]] = json.loads(
    (EXAMPLES / "times.json").read_text(encoding="utf-8")
)

# Every field differs from every other, so that no two can be swapped unnoticed.
READING = Reading(
    minutes=9,
    confidence=0.98765,
    hour_sincos=(0.0785, 0.9969),
    minute_sincos=(0.80902, 0.58779),
    box=(10.123, 20.0, 300.5, 310.25),
    center=(160.4, 175.1),
    homography=((150.0, 1.5, 160.4), (-1.25, 155.0, 175.1), (1.23456789e-4, -2e-5, 1.0)),
    rotation=-1.25,
    dial_score=0.75,
)


Run = Callable[..., tuple[int, str, str]]


def minutes_of(text: str) -> int:
    """Minutes past twelve of "h:mm"."""
    hour, minute = text.split(":")[:2]
    return int(hour) % 12 * 60 + int(minute)


def run_python(
    *arguments: object, cwd: Path = ROOT, timeout: float = 60, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run this Python in a new process, such as `run_python("-m", "clockread", "info")`.

    Args:
        arguments: Of the interpreter.
        cwd: The folder to start in.
        timeout: Seconds.
        environment: Variables beside the inherited ones.
    """
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files of slow tests, so that none of them is still running alone at the end.

    Those with the largest share of slow tests come first: they train.
    """
    tests = Counter(item.path for item in items)
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path] / tests[item.path])


def encode(suffix: str, pixels: np.ndarray, *options: int) -> bytes:
    """The bytes of an image file: grey (H, W), BGR or BGRA."""
    done, data = cv2.imencode(suffix, pixels, list(options))
    assert done
    return data.tobytes()


def grey_png(grey: int, size: tuple[int, int] = (40, 60)) -> bytes:
    """A PNG of one grey; size is (height, width)."""
    return encode(".png", np.full(size, grey, np.uint8))


def save_png(path: Path, grey: int, size: tuple[int, int] = (40, 60)) -> Path:
    """Save a PNG of one grey, its folder too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(grey_png(grey, size))
    return path


def result_of(photo: Photo, *readings: Reading) -> PhotoResult:
    """The result of a photo that was read."""
    return PhotoResult(
        photo.name, photo.width, photo.height, readings, None, photo.scale, photo.notes
    )


class BlindReader:
    """Finds no clock in any photo."""

    part_photos = PART_PHOTOS

    def read_photos(
        self,
        photos: Sequence[Photo],
        *,
        cropped: bool = False,
        timings: dict[str, float] | None = None,
    ) -> list[PhotoResult]:
        return [result_of(photo) for photo in photos]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line in this process: arguments to exit code, standard output and error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as caught:
            cli.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return int(caught.value.code or 0), out, err

    return call


@pytest.fixture(scope="session")
def clock_reader() -> Any:
    """The shipped int8 model on the CPU."""
    pytest.importorskip("onnxruntime", reason="reading needs the cpu or gpu extra")
    from clockread import ClockReader

    return ClockReader("cpu")
