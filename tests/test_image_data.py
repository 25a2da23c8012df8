"""Data sets are the real ones or an error of one line."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from training import image_data
from training.clock_images import given, load_clocks, render_clock
from training.image_data import PARTS, DataDamagedError, DataMissingError, from_idx, load, synthetic_digits, to_idx


@pytest.fixture
def idx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with small idx files that pass for MNIST in this test."""
    rng = np.random.default_rng(0)
    arrays = [rng.integers(256, size=s, dtype=np.uint8) for s in ((60, 28, 28), (60,), (20, 28, 28), (20,))]
    for part, array in zip(PARTS, arrays, strict=True):
        (tmp_path / part).write_bytes(to_idx(array))
    digests = tuple(hashlib.sha256(to_idx(a)).hexdigest() for a in arrays)
    monkeypatch.setattr(image_data, "CHECKSUMS", {"mnist": digests})
    monkeypatch.setattr(image_data, "VALIDATION", 10)
    return tmp_path


def test_idx_files_come_back() -> None:
    array = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    np.testing.assert_array_equal(from_idx(to_idx(array)), array)


def test_the_first_images_are_for_validation(idx: Path) -> None:
    found = load("mnist", idx)
    assert [len(part[0]) for part in (found.train, found.validation, found.test)] == [50, 10, 20]
    assert found.train[0].dtype == np.uint8
    np.testing.assert_array_equal(found.validation[0], from_idx((idx / PARTS[0]).read_bytes())[:10])
    assert len(found.cut(7).train[0]) == 7
    assert len(found.cut(7).test[0]) == 20


def test_compressed_files_are_checked_uncompressed(idx: Path) -> None:
    for part in PARTS:
        (idx / f"{part}.gz").write_bytes(gzip.compress((idx / part).read_bytes()))
        (idx / part).unlink()
    assert len(load("mnist", idx).test[0]) == 20


def test_one_flipped_bit_is_noticed(idx: Path) -> None:
    data = bytearray((idx / PARTS[2]).read_bytes())
    data[-1] ^= 1
    (idx / PARTS[2]).write_bytes(data)
    with pytest.raises(DataDamagedError, match="is not mnist's") as caught:
        load("mnist", idx)
    assert "\n" not in str(caught.value)


def test_a_broken_gzip_is_noticed(idx: Path) -> None:
    (idx / PARTS[0]).unlink()
    (idx / f"{PARTS[0]}.gz").write_bytes(b"\x1f\x8b not gzip")
    with pytest.raises(DataDamagedError, match="is damaged"):
        load("mnist", idx)


def test_missing_data_says_what_where_and_which_command(tmp_path: Path) -> None:
    with pytest.raises(DataMissingError) as caught:
        load("fashion-mnist", tmp_path)
    text = str(caught.value)
    assert "\n" not in text
    assert all(word in text for word in ("fashion-mnist", str(tmp_path), "--data", "training.image_data fetch"))


def test_a_folder_of_clock_images_hides_no_digits(
    idx: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, clocks = tmp_path_factory.mktemp("cache"), tmp_path_factory.mktemp("clocks")
    monkeypatch.setenv("CLOCKREAD_DATA", str(cache))
    (cache / "images").mkdir()
    idx.rename(cache / "images" / "mnist")
    (clocks / "images.npy").write_bytes(b"")
    assert len(load("mnist", clocks).test[0]) == 20


def test_synthetic_digits_are_seeded_and_named_as_such() -> None:
    a, b = synthetic_digits(40, 10), load("synthetic-digits")
    assert a.name == b.name == "synthetic-digits"
    np.testing.assert_array_equal(a.train[0], synthetic_digits(40, 10).train[0])
    assert a.train[0].shape == (40, 28, 28)


def test_clock_images_are_seeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOCKREAD_DATA", str(tmp_path))
    clocks = load_clocks(75, per_time=2, every=120)
    assert clocks.images.shape == (12, 75, 75)
    assert clocks.images.dtype == np.uint8
    assert sorted(set(clocks.minutes)) == [0, 120, 240, 360, 480, 600]
    np.testing.assert_array_equal(clocks.images[3], render_clock(3, int(clocks.minutes[3]), 75))
    folder = next((tmp_path / "clock-images").iterdir())
    assert not folder.name.endswith(".part")
    training, test = clocks.split()
    assert (len(training.minutes), len(test.minutes)) == (10, 2)
    assert training.split()[0].images.shape[0] == 8


def test_original_files_are_taken_as_they_are(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(256, size=(4, 150, 150), dtype=np.uint8)
    np.save(tmp_path / "images.npy", images)
    np.save(tmp_path / "labels.npy", np.array([[0, 0], [3, 15], [11, 59], [6, 30]]))
    clocks = load_clocks(150, tmp_path)
    assert clocks.source == "given"
    np.testing.assert_array_equal(clocks.images, images)
    assert clocks.minutes.tolist() == [0, 195, 719, 390]
    assert given(tmp_path, 75).images.shape == (4, 75, 75)


@pytest.mark.parametrize(
    ("images", "labels", "problem"),
    [
        (np.zeros((2, 75, 75), np.uint8), np.zeros((2, 2), int), "75 pixels"),
        (np.zeros((2, 150, 150), np.float32), np.zeros((2, 2), int), "float32"),
        (np.zeros((2, 150, 150), np.uint8), np.zeros((3, 2), int), r"\(3, 2\)"),
        (np.zeros((2, 150, 150), np.uint8), np.array([[12, 0], [0, 0]]), "out of range"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, images: np.ndarray, labels: np.ndarray, problem: str) -> None:
    np.save(tmp_path / "images.npy", images)
    np.save(tmp_path / "labels.npy", labels)
    with pytest.raises(DataDamagedError, match=problem):
        load_clocks(150, tmp_path)
