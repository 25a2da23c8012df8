from __future__ import annotations

import math

import numpy as np
import pytest

from clockread.finder import (
    CELLS,
    PADDING,
    SCENE,
    SIZE_UNIT,
    STRIDE,
    Detection,
    FinderOptions,
    find,
    iou,
    ious,
    letterbox,
    peaks,
    tiles,
)


def empty_maps() -> tuple[np.ndarray, np.ndarray]:
    return np.full((CELLS, CELLS), -8.0, np.float32), np.zeros((CELLS, CELLS, 4), np.float32)


def put(
    heat: np.ndarray, box: np.ndarray, wanted: tuple[float, float, float, float], logit: float
) -> None:
    x, y, w, h = wanted
    cx, cy = (x + w / 2) / STRIDE, (y + h / 2) / STRIDE
    row, column = int(cy), int(cx)
    heat[row, column] = logit
    box[row, column] = cx - column, cy - row, math.log(w / SIZE_UNIT), math.log(h / SIZE_UNIT)


@pytest.mark.parametrize(
    "shape",
    [(480, 640), (640, 480), (320, 320), (1, 1), (7, 3000), (3000, 7), (100, 99), (1201, 1600)],
)
def test_letterbox_maps_there_and_back(shape: tuple[int, int]) -> None:
    image = np.full(shape, 200, np.uint8)
    scene, place = letterbox(image)
    assert scene.shape == (SCENE, SCENE)
    assert scene.dtype == np.uint8
    boxes = np.array([[0.0, 0.0, shape[1], shape[0]], [3.5, -2.0, 11.0, 17.25]])
    np.testing.assert_allclose(place.to_photo(place.to_scene(boxes)), boxes, atol=1e-9)
    x, y, w, h = np.rint(place.to_scene(boxes)[0]).astype(
        int
    )  # the whole photo is all that is not bars
    assert max(w, h) == SCENE
    assert abs(2 * x + w - SCENE) <= 1
    assert abs(2 * y + h - SCENE) <= 1
    expected = np.full_like(scene, PADDING)
    expected[y : y + h, x : x + w] = 200
    np.testing.assert_array_equal(scene, expected)


def test_letterbox_of_a_photo_of_the_right_size_changes_no_pixel() -> None:
    image = np.random.default_rng(0).integers(0, 256, (240, SCENE), dtype=np.uint8)
    scene, place = letterbox(image)
    np.testing.assert_array_equal(scene[place.top : place.top + 240], image)


def test_a_marked_spot_is_where_the_mapping_says() -> None:
    image = np.zeros((600, 900), np.uint8)
    image[90:120, 300:360] = 255
    scene, place = letterbox(image)
    x, y, w, h = place.to_scene(np.array([[300.0, 90.0, 60.0, 30.0]]))[0]
    rows, columns = np.nonzero(scene > PADDING)
    assert abs(columns.min() - x) <= 1
    assert abs(columns.max() + 1 - x - w) <= 1
    assert abs(rows.min() - y) <= 1
    assert abs(rows.max() + 1 - y - h) <= 1


def test_overlaps() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [5.0, 0, 10, 10], [20.0, 20, 5, 5], [0.0, 0, 0, 0]])
    np.testing.assert_allclose(ious(boxes[0], boxes), [1, 1 / 3, 0, 0])
    assert iou((0, 0, 10, 10), (5, 0, 10, 10)) == pytest.approx(1 / 3)


def test_peaks_of_several_dials_best_first() -> None:
    heat, box = empty_maps()
    wanted = [(10.0, 20.0, 40.0, 44.0), (200.0, 150.0, 90.0, 80.0), (-30.0, 250.0, 100.0, 120.0)]
    for dial, logit in zip(wanted, (1.0, 3.0, 2.0), strict=True):
        put(heat, box, dial, logit)
    boxes, scores = peaks(heat, box, 0.5)
    np.testing.assert_allclose(boxes, [wanted[1], wanted[2], wanted[0]], atol=1e-3)
    np.testing.assert_allclose(scores, 1 / (1 + np.exp(-np.array([3.0, 2.0, 1.0]))), rtol=1e-6)


def test_peaks_only_where_no_neighbor_is_higher() -> None:
    heat, box = empty_maps()
    heat[10, 10:13] = 2.0, 4.0, 3.0
    boxes, scores = peaks(heat, box, 0.5)
    assert len(boxes) == len(scores) == 1
    np.testing.assert_allclose(boxes[0, :2] + boxes[0, 2:] / 2, [11 * STRIDE, 10 * STRIDE])


def test_the_weaker_of_two_boxes_of_one_dial_goes() -> None:
    heat, box = empty_maps()
    put(heat, box, (100, 100, 80, 80), 3.0)
    put(heat, box, (117, 100, 80, 80), 2.0)  # two cells on, so that both are peaks
    put(heat, box, (100, 200, 80, 80), 1.0)
    boxes, _ = peaks(heat, box, 0.5)
    np.testing.assert_allclose(boxes[:, :2], [[100, 100], [100, 200]], atol=1e-3)
    boxes, _ = peaks(heat, box, 0.5, FinderOptions(nms_iou=0.9))
    assert len(boxes) == 3
    boxes, _ = peaks(heat, box, 0.5, FinderOptions(max_detections=1))
    assert len(boxes) == 1


def test_extreme_logits_stay_finite() -> None:
    heat, box = (
        np.full((CELLS, CELLS), 1e30, np.float32),
        np.full((CELLS, CELLS, 4), 1e30, np.float32),
    )
    boxes, scores = peaks(heat, box, 0.5)
    assert np.isfinite(boxes).all()
    assert np.isfinite(scores).all()


def test_no_photos_and_photos_without_dials() -> None:
    def never(scenes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raise AssertionError("the network is not asked")

    def nothing(scenes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.full((len(scenes), CELLS, CELLS), -8.0, np.float32), np.zeros(
            (len(scenes), CELLS, CELLS, 4), np.float32
        )

    assert find([], never, 0.5) == []
    assert find([np.zeros((50, 60), np.uint8), np.zeros((1, 1), np.uint8)], nothing, 0.5) == [
        [],
        [],
    ]


def test_find_gives_each_photo_its_dials_in_its_own_pixels() -> None:
    """The stub finds a bright square: every photo has its own answer, whatever the batch."""
    calls: list[int] = []

    def network(scenes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        assert scenes.dtype == np.uint8
        calls.append(len(scenes))
        heat = np.full((len(scenes), CELLS, CELLS), -8.0, np.float32)
        box = np.zeros((len(scenes), CELLS, CELLS, 4), np.float32)
        for i, scene in enumerate(scenes):
            rows, columns = np.nonzero(scene > 180)
            if len(rows):
                x, y, right, bottom = (
                    float(v) for v in (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
                )
                put(heat[i], box[i], (x, y, right - x, bottom - y), 2.0)
        return heat, box

    photos, truth = [], []
    for k in range(5):
        photo = np.zeros((400 + 40 * k, 640), np.uint8)
        if k != 2:
            photo[100 : 180 + 8 * k, 200 + 16 * k : 360] = 255
        photos.append(photo)
        truth.append((200 + 16 * k, 100, 160 - 16 * k, 80 + 8 * k))
    answers = find(photos, network, 0.5, FinderOptions(batch_size=2))
    assert calls == [2, 2, 1, 2, 2]  # the four tiles of the photo without a dial
    assert [len(answer) for answer in answers] == [1, 1, 0, 1, 1]
    for answer, expected in zip(answers, truth, strict=True):
        for found in answer:
            assert isinstance(found, Detection)
            np.testing.assert_allclose(found.box, expected, atol=4)
            assert found.score == pytest.approx(1 / (1 + math.exp(-2)))


@pytest.mark.parametrize(
    ("width", "height", "count"),
    [(640, 480, 4), (1000, 400, 2), (300, 2000, 2), (320, 200, 0), (1, 1, 0), (641, 641, 4)],
)
def test_tiles_cover_the_photo(width: int, height: int, count: int) -> None:
    seen = np.zeros((height, width), bool)
    parts = tiles(width, height)
    for left, top, right, bottom in parts:
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        seen[top:bottom, left:right] = True
    assert len(parts) == count
    assert not parts or seen.all()


def test_a_dial_too_small_for_the_first_look_is_found_in_a_tile_once() -> None:
    """The stub sees bright squares of at least 30 pixels; this one has 20 in the whole photo."""

    def network(scenes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        heat = np.full((len(scenes), CELLS, CELLS), -8.0, np.float32)
        box = np.zeros((len(scenes), CELLS, CELLS, 4), np.float32)
        for i, scene in enumerate(scenes):
            rows, columns = np.nonzero(scene > 180)
            if len(rows) and np.ptp(rows) >= 30:
                x, y, right, bottom = (
                    float(v) for v in (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
                )
                put(heat[i], box[i], (x, y, right - x, bottom - y), 2.0)
        return heat, box

    photo = np.zeros((960, 1280), np.uint8)
    photo[440:520, 600:680] = 255  # in the overlap of all four tiles
    answers = find([photo], network, 0.5)[0]
    assert len(answers) == 1
    np.testing.assert_allclose(answers[0].box, (600, 440, 80, 80), atol=4)


def squares(logit: float = 2.0, least: int = 0):  # type: ignore[no-untyped-def]
    """A stub that finds bright squares of ``least`` scene pixels, and its calls' scene counts."""
    calls: list[int] = []

    def network(scenes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        calls.append(len(scenes))
        heat = np.full((len(scenes), CELLS, CELLS), -8.0, np.float32)
        box = np.zeros((len(scenes), CELLS, CELLS, 4), np.float32)
        for i, scene in enumerate(scenes):
            rows, columns = np.nonzero(scene > 180)
            if len(rows) and np.ptp(rows) >= least:
                x, y, right, bottom = (
                    float(v) for v in (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
                )
                put(heat[i], box[i], (x, y, right - x, bottom - y), logit)
        return heat, box

    return network, calls


@pytest.mark.parametrize(
    ("score", "looks"), [(0.3, [1, 4]), (0.49, [1, 4]), (0.51, [1]), (0.9, [1])]
)
def test_a_photo_without_a_sure_dial_is_looked_at_in_tiles(score: float, looks: list[int]) -> None:
    network, calls = squares(math.log(score / (1 - score)))
    photo = np.zeros((600, 640), np.uint8)
    photo[250:350, 280:380] = 255
    assert len(find([photo], network, 0.12)[0]) == 1
    assert calls == looks


def test_tiles_can_be_left_out() -> None:
    network, calls = squares(-1.0)
    find([np.zeros((600, 640), np.uint8)], network, 0.12, FinderOptions(tile_below=0.0))
    assert calls == [1]


@pytest.mark.parametrize(("x", "y"), [(30, 40), (780, 60), (50, 1100), (790, 1120)])
def test_a_small_dial_in_a_corner_of_a_portrait_is_found_in_its_tile(x: int, y: int) -> None:
    network, _ = squares(least=30)
    photo = np.zeros((1280, 960), np.uint8)
    photo[y : y + 90, x : x + 96] = 255
    (found,) = find([photo], network, 0.5)[0]
    np.testing.assert_allclose(found.box, (x, y, 96, 90), atol=4)


def test_dials_side_by_side_stay_two() -> None:
    heat, box = empty_maps()
    put(heat, box, (100, 100, 80, 80), 3.0)
    put(heat, box, (140, 100, 80, 80), 2.0)  # 1/3 of both
    assert iou((100, 100, 80, 80), (140, 100, 80, 80)) == pytest.approx(1 / 3)
    assert len(peaks(heat, box, 0.5)[0]) == 2


def test_a_cell_at_the_threshold_counts() -> None:
    heat, box = empty_maps()
    put(heat, box, (100, 100, 80, 80), 0.0)
    assert len(peaks(heat, box, 0.5)[0]) == 1
    assert len(peaks(heat, box, 0.5001)[0]) == 0


def test_a_cell_beside_a_higher_one_is_no_detection_of_its_own() -> None:
    heat, box = empty_maps()
    put(heat, box, (100, 100, 80, 80), 3.0)
    row, column = np.argwhere(heat == 3.0)[0]
    heat[row, column + 1] = 2.0
    box[row, column + 1] = (0.5, 0.5, -3.0, -3.0)  # small, so that the boxes hardly overlap
    boxes, scores = peaks(heat, box, 0.5)
    assert boxes[0] == pytest.approx((100, 100, 80, 80), abs=0.01)
    assert len(scores) == 1


def test_letterboxed_stripes_are_averaged() -> None:
    stripes = np.tile(np.array([[0, 255]], np.uint8), (500, 250))
    scene, _ = letterbox(stripes)
    assert scene[10:-10, 10:-10].std() < 60
    assert abs(float(scene.mean()) - 127) < 4
