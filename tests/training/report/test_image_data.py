"""Data sets are the published ones, or the error is one line."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from training.report import image_data, turned_clocks
from training.report.clock_images import (
    TURNED,
    UPRIGHT,
    ClockSet,
    Rendering,
    clock_folder,
    data_name,
    given,
    load_clocks,
)
from training.report.image_data import (
    PARTS,
    DataDamagedError,
    DataMissingError,
    from_idx,
    load,
    synthetic_digits,
    to_idx,
)


@pytest.fixture
def idx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with small idx files that pass for MNIST in this test."""
    rng = np.random.default_rng(0)
    arrays = [
        rng.integers(256, size=s, dtype=np.uint8)
        for s in ((60, 28, 28), (60,), (20, 28, 28), (20,))
    ]
    for part, array in zip(PARTS, arrays, strict=True):
        (tmp_path / part).write_bytes(to_idx(array))
    digests = tuple(hashlib.sha256(to_idx(a)).hexdigest() for a in arrays)
    monkeypatch.setattr(image_data, "CHECKSUMS", {"mnist": digests})
    monkeypatch.setattr(image_data, "VALIDATION", 10)
    return tmp_path


def test_idx_files_round_trip() -> None:
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


def test_missing_data_names_folder_and_command(tmp_path: Path) -> None:
    with pytest.raises(DataMissingError) as caught:
        load("fashion-mnist", tmp_path)
    text = str(caught.value)
    assert "\n" not in text
    assert all(
        word in text
        for word in ("fashion-mnist", str(tmp_path), "--data", "training.report.image_data fetch")
    )


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


@pytest.mark.parametrize("name", [TURNED, UPRIGHT])
def test_clock_images_are_seeded(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOCKREAD_DATA", str(tmp_path))
    what = Rendering(name, 75, per_time=2, every=120)
    clocks = load_clocks(what)
    assert clocks.source == name
    assert clocks.images.shape == (12, 75, 75)
    assert clocks.images.dtype == np.uint8
    assert clocks.minutes.tolist() == [m for m in (0, 120, 240, 360, 480, 600) for _ in range(2)]
    np.testing.assert_array_equal(clocks.images[3], what.image(3, int(clocks.minutes[3])))
    assert [folder.name for folder in (tmp_path / "clock-images").iterdir()] == [what.folder]
    training, test = clocks.split()
    assert (len(training.minutes), len(test.minutes)) == (9, 3)


def test_an_interrupt_leaves_no_part_of_clock_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOCKREAD_DATA", str(tmp_path))

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load_clocks(Rendering(UPRIGHT, 75, per_time=1, every=360))
    assert list((tmp_path / "clock-images").iterdir()) == []


def test_clock_images_are_rendered_by_processes_on_every_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOCKREAD_DATA", str(tmp_path))
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)  # as on Windows and macOS
    what = Rendering(UPRIGHT, 24, per_time=251, every=360)  # more than one part
    clocks = load_clocks(what)
    assert clocks.images.shape == (502, 24, 24)
    np.testing.assert_array_equal(clocks.images[501], what.image(501, 360))


def test_every_rendered_set_has_a_folder_of_its_own() -> None:
    sets = [
        Rendering(),
        Rendering(side=75),
        Rendering(places=7),
        Rendering(UPRIGHT),
        Rendering(per_time=2),
        Rendering(every=2),
    ]
    assert len({s.folder for s in sets}) == len(sets)


def test_the_report_s_split_is_scikit_learn_s() -> None:
    """As train_test_split(range(18000), test_size=0.2, random_state=55)."""
    numbers = np.arange(18_000)
    training, test = ClockSet(numbers.astype(np.uint8), numbers, TURNED).split()
    order = np.random.RandomState(55).permutation(18_000)
    assert (len(training.minutes), len(test.minutes)) == (14_400, 3_600)
    np.testing.assert_array_equal(test.minutes, order[:3_600])
    np.testing.assert_array_equal(training.minutes, order[3_600:])
    upright = ClockSet(numbers.astype(np.uint8), numbers, UPRIGHT).split()[
        1
    ]  # of the finished fits
    np.testing.assert_array_equal(
        upright.minutes, np.random.default_rng(55).permutation(18_000)[:3_600]
    )


def test_turned_clocks_are_turned_by_any_angle_from_few_places() -> None:
    cameras = np.stack([turned_clocks._camera(place) for place in range(40)])
    twelve = cameras @ [0.0, -1.0, 1.0] / (cameras @ [0.0, -1.0, 1.0])[:, 2:] - cameras[:, :, 2]
    angles = np.sort(np.degrees(np.arctan2(twelve[:, 0], -twelve[:, 1])) % 360)
    assert np.diff(np.append(angles, angles[0] + 360)).max() < 60  # 12 points anywhere
    middle = [
        c[:2, :2] - c[:2, 2:] @ c[2:, :2] for c in cameras
    ]  # how the middle of the dial is drawn out and turned
    squash = np.array([np.linalg.svd(m)[1] for m in middle])
    ratios = squash[:, 1] / squash[:, 0]
    assert ratios.min() == pytest.approx(np.cos(np.radians(50)), abs=0.05)
    assert ratios.max() > 0.98
    across = np.array([np.linalg.svd(m)[0][:, 0] for m in middle])
    assert np.abs(across[ratios < 0.9]) @ [1, 0] == pytest.approx(
        1, abs=1e-6
    )  # from top to bottom: the long axis lies flat


def test_pictures_from_one_place_differ_in_light_only() -> None:
    def alike(places: int) -> float:
        first, *others = (
            turned_clocks.render_turned(seed, 100, 75, places).ravel() for seed in range(8)
        )
        return float(min(np.corrcoef(first, other)[0, 1] for other in others))

    assert alike(1) > 0.85 > alike(40)


def test_a_highlight_may_lie_on_the_hands() -> None:
    bright = [
        np.argwhere(turned_clocks.render_turned(seed, 0, 75) >= 250).mean(axis=0)
        for seed in range(40)
        if (turned_clocks.render_turned(seed, 0, 75) >= 250).sum() > 3
    ]
    places = np.array(bright)
    assert len(places) > 10
    assert (places.std(axis=0) > 5).all()


def test_original_files_are_loaded_unchanged(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(256, size=(10, 150, 150), dtype=np.uint8)
    np.save(tmp_path / "images.npy", images)
    np.save(
        tmp_path / "labels.npy", np.array([[0, 0], [3, 15], [11, 59.0], [6, 30]] + [[0, 1]] * 6)
    )  # whole numbers as floats are fine
    clocks = given(tmp_path, 150)
    assert clocks.source == "given"
    np.testing.assert_array_equal(clocks.images, images)
    assert clocks.minutes.tolist() == [0, 195, 719, 390] + [1] * 6
    assert given(tmp_path, 75).images.shape == (10, 75, 75)
    assert data_name(tmp_path).startswith("given-")


def test_only_fits_named_after_given_images_use_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.report.telltime import load_images, plan

    monkeypatch.setenv("CLOCKREAD_DATA", str(tmp_path))
    np.save(tmp_path / "images.npy", np.zeros((10, 75, 75), np.uint8))
    np.save(tmp_path / "labels.npy", np.zeros((10, 2), int))
    sources = {
        e: load_images(plan(e, "smoke", tmp_path)[0], tmp_path).source
        for e in ("time/sin-cos", "upright/sin-cos", "time/places")
    }
    assert sources == {"time/sin-cos": "given", "upright/sin-cos": UPRIGHT, "time/places": TURNED}


@pytest.mark.parametrize(
    ("images", "labels", "problem"),
    [
        (np.zeros((10, 75, 75), np.uint8), np.zeros((10, 2), int), "75 pixels"),
        (np.zeros((10, 150, 150), np.float32), np.zeros((10, 2), int), "float32"),
        (np.zeros((10, 150, 150), np.uint8), np.zeros((3, 2), int), r"\(3, 2\)"),
        (np.zeros((10, 150, 150), np.uint8), np.array([[12, 0]] * 10), "out of range"),
        (np.zeros((10, 150, 150), np.uint8), np.array([[np.nan, 0]] * 10), "whole numbers"),
        (np.zeros((10, 150, 150), np.uint8), np.array([[3, 0.5]] * 10), "whole numbers"),
        (np.zeros((10, 150, 150), np.uint8), np.array([["3", "5"]] * 10), "whole numbers"),
        (np.zeros((9, 150, 150), np.uint8), np.zeros((9, 2), int), "too few"),
    ],
)
def test_other_files_are_refused(
    tmp_path: Path, images: np.ndarray, labels: np.ndarray, problem: str
) -> None:
    np.save(tmp_path / "images.npy", images)
    np.save(tmp_path / "labels.npy", labels)
    with pytest.raises(DataDamagedError, match=problem):
        given(tmp_path, 150)


@pytest.mark.parametrize("content", [b"", b"not an array", b"PK\x03\x04 a zip"])
def test_files_that_are_not_arrays_are_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "images.npy").write_bytes(content)
    np.save(tmp_path / "labels.npy", np.zeros((10, 2), int))
    with pytest.raises(DataDamagedError, match=r"images\.npy") as caught:
        given(tmp_path, 150)
    assert "\n" not in str(caught.value)
    assert "pickle" not in str(caught.value)


def test_images_without_labels_are_missing_data(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", np.zeros((10, 150, 150), np.uint8))
    for ask in (data_name, lambda folder: given(folder, 150)):
        with pytest.raises(DataMissingError, match=r"labels\.npy"):
            ask(tmp_path)


def test_a_folder_without_images_is_refused(tmp_path: Path, idx: Path) -> None:
    for folder in (tmp_path / "none", tmp_path / "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(DataMissingError, match="--data"):
            data_name(folder)
    assert clock_folder(idx) is None  # digits: the clocks are rendered as ever
    assert data_name(None) == TURNED
