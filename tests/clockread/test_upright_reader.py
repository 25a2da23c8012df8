"""The report's reader: crops and decoding."""

from __future__ import annotations

import numpy as np
import pytest

from clockread.finder import Detection
from clockread.geometry import Window
from clockread.images import load_photo
from clockread.sampling import crop_window
from clockread.stages import Dial
from clockread.upright_reader import (
    SPREADS,
    decode_jointly,
    encode,
    expected,
    joint_log_likelihood,
    read_windows,
)


def test_a_crop_of_the_whole_image_is_the_image() -> None:
    image = np.random.default_rng(0).integers(256, size=(75, 75), dtype=np.uint8)
    np.testing.assert_array_equal(crop_window(image, Window(37.0, 37.0, 75.0), 75)[0], image)


def test_a_crop_is_centered_where_asked() -> None:
    image = np.zeros((400, 600), np.uint8)
    image[200:204, 300:304] = 255
    small = crop_window(image, Window(301.5, 201.5, 300.0), 75)[0].astype(float)
    ys, xs = np.mgrid[:75, :75]
    assert (small * xs).sum() / small.sum() == pytest.approx(37, abs=0.2)
    assert (small * ys).sum() / small.sum() == pytest.approx(37, abs=0.2)


def test_log_likelihoods_are_those_of_a_normal_distribution() -> None:
    codes, noise = encode(np.arange(720)), np.array([0.1, 0.2, 0.15, 0.3])
    outputs = np.random.default_rng(0).normal(0, 0.7, (3, 4))
    away = [(outputs[:, None] - expected(codes, spread)) / noise for spread in SPREADS]
    direct = np.max([-0.5 * (one**2).sum(axis=-1) for one in away], axis=0)
    np.testing.assert_allclose(joint_log_likelihood(outputs, codes, noise), direct)


def test_boxes_are_read_and_placed() -> None:
    times = np.array([370, 719])
    photo = load_photo(np.zeros((200, 300), np.uint8))
    boxes = ((100.0, 50.0, 80.0, 60.0), (0.0, 0.0, 40.0, 40.0))
    dials = [Dial(photo, Detection(box, 0.9)) for box in boxes]

    def network(crops: np.ndarray) -> np.ndarray:
        assert crops.shape == (2, 75, 75)
        assert crops.dtype == np.uint8
        return encode(times)

    read = read_windows(dials, network, 75)
    assert [hands.minutes for _, hands in read] == times.tolist()
    assert all(hands.confidence > 0.3 for _, hands in read)
    face = [[40.0, 0, 139.5], [0, 30.0, 79.5], [0, 0, 1]]  # the ellipse in the box
    np.testing.assert_allclose(read[0][0].homography, face)
    pairs = [[*hands.hour_sincos, *hands.minute_sincos] for _, hands in read]
    np.testing.assert_allclose(pairs, encode(times))
    for _, hands in read:
        assert (hands.rotation, hands.second_presence, hands.second_sincos) == (0, 0, (0, 0))
        assert np.isnan(hands.disagreement)


def test_unsure_pairs_have_low_confidence() -> None:
    pairs = np.array([encode(np.array([100]))[0], np.zeros(4)])
    _, confidence = decode_jointly(pairs)
    assert confidence[1] < 0.05 < confidence[0]


def test_only_the_crop_of_a_detection_has_a_margin() -> None:
    image = np.zeros((400, 400), np.uint8)
    image[100:300, 100:300] = 255
    shares = []

    def network(crops: np.ndarray) -> np.ndarray:
        shares.append(float((crops > 127).mean()))
        return encode(np.array([370]))

    read_windows(
        [Dial(load_photo(image), Detection((100.0, 100.0, 200.0, 200.0), 0.9))], network, 75
    )
    read_windows(
        [Dial(load_photo(image[100:300, 100:300]), None)], network, 75
    )  # the photo is one dial: no margin
    assert shares == pytest.approx([1 / 1.2**2, 1.0], abs=0.03)


def test_a_spread_is_the_standard_deviation_of_the_times() -> None:
    onehot = np.zeros((720, 1))
    onehot[0] = 1.0  # the mean over the times is then the weight of each
    weights = expected(onehot, 4.0)[:, 0]
    away = np.minimum(np.arange(720), 720 - np.arange(720))
    assert weights.sum() == pytest.approx(1.0)
    assert np.sqrt((weights * away**2).sum()) == pytest.approx(4.0, rel=1e-3)
