"""Numbers that README and docstrings promise, or that the networks were trained with."""

from __future__ import annotations

import json
from dataclasses import asdict, astuple
from typing import Any

import pytest

from clockread import (
    confidence,
    decoding,
    file_access,
    finder,
    geometry,
    hands,
    image_files,
    images,
    listing,
    options,
    parallel,
    pixels,
    pose,
    reading,
    retry,
    sampling,
    upright_reader,
)
from clockread.cli import bench, output
from clockread.overlay import dial
from clockread.runtime import manifest
from clockread.runtime.manifest import load_manifest


@pytest.mark.parametrize(
    "values",
    [{"passes": 0}, {"passes": 1.5}, {"passes": True}, {"retry_below": 1.1},
     {"retry_below": -0.1}, {"retry_below": float("nan")}],
)  # fmt: skip
def test_an_effort_out_of_range_is_refused(values: dict[str, Any]) -> None:
    (name,) = values
    with pytest.raises(ValueError, match=f"^{name} is .*: give a"):
        options.Effort(**values)


def test_thresholds_and_effort() -> None:
    assert asdict(options.Thresholds()) == {
        "finder_score": 0.12,
        "dial_logit": -1.0,
        "dial_score": 0.65,
    }
    assert asdict(options.Effort()) == {
        "passes": 3,
        "retry_below": 0.9,
        "windows": False,
        "colors": True,
        "tiles": True,
    }
    assert options.Effort(passes=2, retry_below=0.0) == options.VIDEO
    assert options.Effort(passes=1, retry_below=0.0, tiles=False) == options.ONCE
    assert options.MAX_CLOCKS == 1000
    assert (hands.MAX_PASSES, hands.CONVERGED, hands.MAX_SHIFT, hands.SIZE_RANGE) == (
        3,
        0.012,
        0.5,
        (0.55, 1.8),
    )
    assert (retry.RETRY_BELOW, retry.MIN_CLOCK_LOGIT) == (0.9, -2.0)
    assert retry.WINDOW_SCALES == (0.9, 1.12)


def test_finder_options() -> None:
    assert asdict(finder.FinderOptions()) == {
        "nms_iou": 0.5,
        "max_detections": 32,
        "tile_below": 0.5,
        "batch_size": 16,
    }
    assert (
        finder.SCENE,
        finder.STRIDE,
        finder.CELLS,
        finder.SIZE_UNIT,
        finder.TILE,
        finder.PADDING,
    ) == (320, 8, 40, 32.0, 0.6, 128)


def test_decoding_weights() -> None:
    assert asdict(decoding.DecodingWeights()) == {
        "hour": 1.0, "minute": 0.85, "twelve": 0.9, "context": 0.7,
        "full_hour_share": 0.02, "hour_deviation": 2.5, "rotations": 8,
    }  # fmt: skip


def test_limits_of_readings() -> None:
    assert (reading.MIN_SECOND, reading.MAX_DISAGREEMENT) == (0.5, 18.0)
    assert (output.DOUBTFUL_BELOW, dial.DASHED_BELOW) == (0.5, 0.9)


def test_what_the_networks_were_trained_with() -> None:
    assert (sampling.ANGLES, sampling.RADII, sampling.OUTER_RADIUS) == (240, 64, 1.12)
    assert (pose.BOX_MARGIN, pose.PATCH_MARGIN, geometry.POSE_SIZE) == (1.15, 1.45, 7)
    assert (
        upright_reader.MARGIN,
        upright_reader.NOISE,
        upright_reader.SPREADS,
        upright_reader.ASSUMED_LOGIT,
    ) == (
        1.2,
        0.15,
        (0.0, 1.0, 2.0),
        3.0,
    )


def test_calibration_without_a_fit() -> None:
    assert astuple(confidence.Calibration()) == (1.0, 0.0, 0.0, 0.0)
    assert astuple(confidence.DialScore()) == (0.84, 0.6, 0.52, -0.75, 0.0)
    assert confidence.EDGE == 1e-4


def test_limits_of_photos() -> None:
    assert (images.DECODE_MIN_SIDE, file_access.MAX_FILE_BYTES, file_access.PIPE_WAIT) == (
        2048,
        500_000_000,
        30.0,
    )
    assert (image_files.MAX_DECODED_BYTES, pixels.MAX_PIXELS, pixels.MIN_SIDE) == (
        400_000_000,
        400_000_000,
        16,
    )
    assert pixels.REDUCTIONS == (8, 4, 2)


def test_parts_of_many_photos() -> None:
    assert (
        parallel.PART_PHOTOS,
        parallel.DECODED_PIXELS,
        parallel.QUEUE_DEPTH,
        parallel.MIN_PHOTOS_PER_THREAD,
    ) == (16, 128_000_000, 2, 2)


SUFFIXES = {
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp",
    ".heic", ".heif", ".hif", ".avif", ".avifs",
    ".jp2", ".j2k", ".jpf", ".jpx", ".tif", ".tiff", ".bmp", ".dib", ".gif",
    ".pgm", ".ppm", ".pbm", ".pnm",
}  # fmt: skip


def test_suffixes_of_photos() -> None:
    assert listing.PHOTO_SUFFIXES == SUFFIXES


def test_the_shipped_manifest_gives_what_it_says() -> None:
    shipped = load_manifest()
    content = json.loads(shipped.path.read_text(encoding="utf-8"))
    assert content["format"] == manifest.MANIFEST_FORMAT == 2
    for name, roles in content["models"].items():
        for role, entry in roles.items():
            assert shipped.entry(role, name).calibration == entry.get("calibration", {})
            assert shipped.entry(role, name).preprocessing == entry["preprocessing"]
    assert shipped.entry("hands", "int8").calibration["slope"] != 1.0


@pytest.mark.parametrize(
    ("asked", "provider", "meant"),
    [
        ("auto", "cpu", "int8"),
        ("auto", "cuda", "default"),
        ("auto", "tensorrt", "default"),
        ("default", "cpu", "default"),
        ("small", "cpu", "small"),
        ("int8", "openvino", "int8"),
    ],
)
def test_auto_is_int8_on_the_cpu_only(asked: str, provider: str, meant: str) -> None:
    assert load_manifest().name(asked, provider) == meant
    without = manifest.Manifest(load_manifest().path, {"default": {}})
    assert without.name(asked, provider) == ("default" if asked == "auto" else asked)


def test_bench() -> None:
    assert bench.CPU_BATCHES == (1, 8, 32)
    assert bench.ACCELERATOR_BATCHES == (8, 32, 128, 512)
    assert bench.PERCENTILES == (50, 90, 99)
