"""Each stage as ONNX gives what its namesake in clockread gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from clockread import confidence as runtime_confidence
from clockread import finder as runtime_finder
from clockread import geometry as runtime_geometry
from clockread import hands as runtime_hands
from clockread import retry as runtime_retry
from clockread import sampling as runtime_sampling
from clockread.context import CONTEXT_GRID, unwrap_context
from clockread.geometry import Window
from clockread.pose import PosedDial

pytest.importorskip("onnx", reason="writing ONNX needs the train extra")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs an onnxruntime")

from training.edge import (  # noqa: E402
    confidence,
    context,
    decoding,
    finder,
    geometry,
    hands,
    retry,
    sampling,
)
from training.edge.context import Context  # noqa: E402
from training.edge.graph import Graph  # noqa: E402
from training.edge.pose import Posed  # noqa: E402
from training.edge.tensor import FLOAT, Tensor  # noqa: E402

RNG = np.random.default_rng(0)
POSE = np.array([[0.05, -0.1, 0.7, 0.05, 0.6, 0.06, -0.04], [-0.2, 0.1, 0.5, -0.1, 0.8, 0.0, 0.1]])


def run(function: Callable[..., Any], ranks: str, *arrays: np.ndarray) -> list[np.ndarray]:
    """The results, of these ranks, of a function that writes nodes, given tensors."""
    g = Graph()
    inputs = [g.input(f"in{i}", a.dtype) for i, a in enumerate(arrays)]
    results = function(*inputs)
    results = [results] if isinstance(results, Tensor) else list(results)
    outputs = {
        f"out{i}": (t, [f"o{i}_{j}" for j in range(int(rank))])
        for i, (t, rank) in enumerate(zip(results, ranks, strict=True))
    }
    shapes = {
        t: [f"{t.name}_{j}" for j in range(a.ndim)] for t, a in zip(inputs, arrays, strict=True)
    }
    data = g.model("stage", shapes, outputs, {}).SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return list(session.run(None, {t.name: a for t, a in zip(inputs, arrays, strict=True)}))


def picture(height: int, width: int, channels: int = 3, cell: int = 9) -> np.ndarray:
    """A photo of soft spots, one about every ``cell`` pixels."""
    size = (max(2, height // cell), max(2, width // cell), channels)
    small = np.random.default_rng(height).integers(0, 255, size, dtype=np.uint8)
    large = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(large.reshape(height, width, channels))


def grey(photo: np.ndarray) -> np.ndarray:
    if photo.shape[2] == 1:
        return photo[:, :, 0]
    return cv2.cvtColor(photo[:, :, :3], cv2.COLOR_RGB2GRAY)


def assert_alike(levels: np.ndarray, expected: np.ndarray) -> None:
    """Within one grey level nearly everywhere: clockread rounds twice, the file skips some rows."""
    apart = np.abs(levels.astype(int) - expected)
    assert apart.max() <= 4
    assert apart.mean() < 0.5
    assert (apart <= 1).mean() > 0.9


@pytest.mark.parametrize(
    "shape",
    [(480, 640), (640, 480), (320, 320), (100, 200), (33, 2000), (1000, 1700), (1300, 960), (7, 5)],
)
def test_the_scene_is_the_finders(shape: tuple[int, int]) -> None:
    photo = picture(*shape, cell=9 if max(shape) < 1500 else 40)
    expected, place = runtime_finder.letterbox(grey(photo))

    def stage(pixels: Tensor) -> tuple[Tensor, ...]:
        part = pixels.graph.constant(np.array([[0, 0, shape[1], shape[0]]]), FLOAT)
        return finder.letterbox(sampling.photo_input(pixels.graph, pixels), part)

    scene, scale, offset = run(stage, "322", photo)
    assert_alike(scene[0], expected)
    assert scale[0] == pytest.approx([place.scale_x, place.scale_y], rel=1e-5)
    assert offset[0] == pytest.approx([place.left, place.top])


def test_a_scene_of_a_tile_maps_to_the_photo() -> None:
    photo = picture(600, 900)
    tile = (100, 50, 640, 590)
    left, top, right, bottom = tile
    expected, place = runtime_finder.letterbox(
        np.ascontiguousarray(grey(photo)[top:bottom, left:right])
    )

    def stage(pixels: Tensor) -> tuple[Tensor, ...]:
        part = pixels.graph.constant(np.array([tile, (0, 0, 900, 600)]), FLOAT)
        return finder.letterbox(sampling.photo_input(pixels.graph, pixels), part)

    scene, scale, offset = run(stage, "322", photo)
    assert_alike(scene[0], expected)
    box = place.to_photo(np.array([[100.0, 120.0, 10.0, 10.0]]))[0, :2] + (left, top)
    assert ((100.0, 120.0) - offset[0]) / scale[0] == pytest.approx(box, rel=1e-5)


@pytest.mark.parametrize("size", [(900, 600), (600, 900), (1000, 400), (700, 700)])
def test_tiles_are_those_of_the_finder(size: tuple[int, int]) -> None:
    def stage(pixels: Tensor) -> Tensor:
        return finder.tiles(sampling.photo_input(pixels.graph, pixels))

    (tiles,) = run(stage, "2", np.zeros((size[1], size[0], 1), np.uint8))
    assert sorted(map(tuple, tiles.astype(int).tolist())) == sorted(runtime_finder.tiles(*size))


def test_peaks_are_those_of_the_finder() -> None:
    heat = RNG.normal(-3, 2, (2, 40, 40)).astype(np.float32)
    box = RNG.normal(0.3, 0.3, (2, 40, 40, 4)).astype(np.float32)
    scenes, boxes, scores = run(lambda h, b: finder.peaks(h.graph, h, b, 0.12), "122", heat, box)
    boxes[:, :2] -= boxes[:, 2:] / 2
    for scene in range(2):
        expected_boxes, expected_scores = runtime_finder.peaks(heat[scene], box[scene], 0.12)
        assert scores[scenes == scene, 0] == pytest.approx(expected_scores, abs=1e-5)
        assert boxes[scenes == scene] == pytest.approx(expected_boxes, abs=1e-2)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(
    "window",
    [
        (300.2, 250.7, 141.3),
        (200, 200, 330),
        (400.5, 400, 799.6),
        (20, 30, 250),
        (980, 780, 300),
        (500, 400, 1400),
        (3, 3, 2),
    ],
)
def test_a_patch_is_that_of_crop_window(window: tuple[float, float, float], channels: int) -> None:
    photo = picture(800, 1000, channels, cell=9 if window[2] < 320 else 60)
    expected, rounded = runtime_sampling.crop_window(grey(photo), Window(*window))

    def stage(pixels: Tensor, window: Tensor) -> tuple[Tensor, ...]:
        whole = sampling.whole_window(window)
        photo = sampling.photo_input(pixels.graph, pixels)
        return sampling.crop_window(photo, whole), whole

    patch, whole = run(stage, "42", photo, np.array([window], np.float32))
    assert whole[0] == pytest.approx([rounded.x, rounded.y, rounded.side])
    assert_alike(patch[0, :, :, 0], expected)


@pytest.mark.parametrize("grid", [runtime_sampling.FACE_GRID, CONTEXT_GRID])
def test_a_polar_image_is_that_of_unwrap(grid: runtime_sampling.PolarGrid) -> None:
    patch = picture(160, 160, 1)[:, :, 0]
    homographies = runtime_geometry.compose(POSE)

    def stage(patch: Tensor, homography: Tensor) -> Tensor:
        points = sampling.polar_points(patch.graph, grid)
        return sampling.unwrap(patch, homography, points, grid)

    patches = np.stack([patch, patch])[:, None].astype(np.float32)
    (polar,) = run(stage, "3", patches, homographies.astype(np.float32))
    for image, homography in zip(polar, homographies, strict=True):
        expected = runtime_sampling.unwrap(patch, runtime_sampling.FROM_UNIT @ homography, grid)
        apart = np.abs(image.astype(int) - expected)
        assert apart.max() <= 2  # OpenCV rounds places to 1/32 pixel
        assert apart.mean() < 0.3


def test_homographies_are_those_of_geometry() -> None:
    window = np.array([[100.5, 80.0, 50.0], [7.0, 9.5, 161.0]], np.float32)
    composed, of_window, inverse, low, high = run(
        lambda pose, window: (
            geometry.compose(pose),
            geometry.from_unit(window),
            geometry.to_unit(window),
            *geometry.corners(geometry.compose(pose), runtime_geometry.BOX_RIM),
        ),
        "33322",
        POSE.astype(np.float32),
        window,
    )
    expected = runtime_geometry.compose(POSE)
    matrices = np.stack([Window(*w).from_unit() for w in window.tolist()])
    assert composed == pytest.approx(expected, abs=1e-5)
    assert of_window == pytest.approx(matrices, abs=1e-4)
    assert inverse == pytest.approx(np.linalg.inv(matrices), abs=1e-4)
    boxes = np.concatenate([low, high - low], axis=1)
    assert boxes == pytest.approx(runtime_geometry.bounding_boxes(expected), abs=1e-4)


def test_a_pose_is_refined_as_in_hands() -> None:
    unit = np.array([0, 0, 1, 0, 1, 0, 0.0])
    small, large, wild, huge = 0.001, 0.1, 0.6, 1.9
    changes = np.stack([unit, unit + small, unit + large * POSE[0], unit + wild, unit])
    changes[4, [2, 4]] = huge
    homographies = np.stack([runtime_geometry.compose(POSE[0])] * 5)
    dials = [PosedDial(h, 0.0, np.zeros((1, 1), np.uint8), Window(0, 0, 2)) for h in homographies]
    expected = runtime_hands.refine(dials, changes)
    refined, again = run(
        hands.refine, "31", homographies.astype(np.float32), changes.astype(np.float32)
    )
    moved = [away > runtime_hands.CONVERGED for _, away in expected]
    assert again.tolist() == moved == [False, False, True, False, False]
    assert refined[2] == pytest.approx(expected[2][0].homography, abs=1e-5)


def test_times_are_decoded_as_in_decoding() -> None:
    n = 64
    logits = RNG.normal(0, 1.5, (n, hands.LOGITS)).astype(np.float32)
    logits[np.arange(n), RNG.integers(0, 120, n)] += 6
    logits[np.arange(n), 360 + RNG.integers(0, 120, n)] += 9
    around = RNG.normal(0, 1.5, (n, 120)).astype(np.float32)
    unlikely = np.full((n, 1), -20, np.float32)  # neither mirrored nor with 24 hours

    def stage(logits: Tensor, around: Tensor, flag: Tensor) -> tuple[Tensor, ...]:
        d = decoding.decode(logits.graph, logits, Context(around, *[flag] * 5))
        sine, cosine = d.turn.split(1, 1)
        return d.minutes, d.confidence, geometry.angle_of(sine, cosine), d.hour, d.minute, d.second

    minutes, confidence, rotation, hour, minute, second = run(
        stage, "222222", logits, around, unlikely
    )
    h, m, t, s, has = np.split(logits, [120, 240, 360, 480], axis=1)
    output = runtime_hands.HandsOutput(h, m, t, s, has, np.zeros((n, 7)))
    expected = runtime_hands.read_hands(output, around)
    assert minutes[:, 0].tolist() == [e.minutes for e in expected]
    assert confidence[:, 0] == pytest.approx([e.confidence for e in expected], abs=1e-4)
    turned = (rotation[:, 0] - [e.rotation for e in expected] + 180) % 360 - 180
    assert np.abs(turned).max() < 0.05
    assert hour == pytest.approx(np.array([e.hour_sincos for e in expected]), abs=1e-3)
    assert minute == pytest.approx(np.array([e.minute_sincos for e in expected]), abs=1e-3)
    for number, e in zip(second[:, 0].tolist(), expected, strict=True):
        clear = e.second_presence >= 0.5 and np.hypot(*e.second_sincos) >= 0.5
        angle = np.rad2deg(np.arctan2(*e.second_sincos)) % 360
        assert number == (round(angle / 6) % 60 if clear else -1)


def test_retries_see_the_principal_colors_of_the_face() -> None:
    photo = picture(400, 400, 3)
    photo[:, :, 0] //= 3  # colors that are not grey, with three different variances
    homography = runtime_geometry.compose(POSE[0])
    window = Window(190.0, 210.0, 220.0)
    whole = runtime_sampling.crop_window(grey(photo), window)[1]
    dial = PosedDial(whole.from_unit() @ homography, 1.0, np.zeros((160, 160), np.uint8), whole)
    expected = runtime_retry.principal_greys(dial, np.ascontiguousarray(photo[:, :, ::-1]))

    def stage(pixels: Tensor, window: Tensor, homography: Tensor) -> tuple[Tensor, ...]:
        dials = Posed(window, window, homography, window)
        return retry.principal_greys(sampling.photo_input(pixels.graph, pixels), dials)

    row = np.array([[whole.x, whole.y, whole.side]], np.float32)
    patches, useful = run(stage, "41", photo, row, homography[None].astype(np.float32))
    assert useful.sum() == len(expected) > 0
    for patch, one in zip(patches[useful], expected, strict=True):
        assert np.abs(patch[0] - one.patch).mean() < 1.0


@pytest.mark.parametrize("channels", [1, 3])
def test_a_grey_face_has_no_colors_to_retry_with(channels: int) -> None:
    photo = np.repeat(picture(400, 400, 1), channels, axis=2)

    def stage(pixels: Tensor, window: Tensor, homography: Tensor) -> Tensor:
        dials = Posed(window, window, homography, window)
        return retry.principal_greys(sampling.photo_input(pixels.graph, pixels), dials)[1]

    row = np.array([[190, 200, 220]], np.float32)
    (useful,) = run(stage, "1", photo, row, np.eye(3, dtype=np.float32)[None])
    assert not useful.any()


def test_probabilities_are_calibrated_as_in_confidence() -> None:
    raw = np.array([[0.0], [0.2], [0.97], [1.0]], np.float32)
    logit = np.array([[-20.0], [-1.5], [2.5], [20.0]], np.float32)
    calibration = runtime_confidence.Calibration(1.3, -0.4, 0.3, 0.2)
    score = runtime_confidence.DialScore(clock_logit=0.6)
    calibrated, clock = run(
        lambda p, x: (
            confidence.calibrated(p, x, x * 0.5, calibration),
            confidence.dial_score(p, p, p, x, score),
        ),
        "22",
        raw,
        logit,
    )
    values = list(zip(raw[:, 0].tolist(), logit[:, 0].tolist(), strict=True))
    expected = [calibration(p, x, x / 2) for p, x in values]
    assert calibrated[:, 0] == pytest.approx(expected, abs=1e-5)
    assert clock[:, 0] == pytest.approx([score(p, p, p, x) for p, x in values], abs=1e-5)


def test_context_is_seen_as_in_context() -> None:
    """The window, the crop and the polar image are those of clockread; the network is left out."""
    photo = picture(500, 600, 1, cell=30)
    homography = Window(300.0, 260.0, 180.0).from_unit() @ runtime_geometry.compose(POSE[0])
    whole = runtime_sampling.crop_window(grey(photo), Window(300.0, 260.0, 180.0))[1]
    dial = PosedDial(homography, 0.0, np.zeros((160, 160), np.uint8), whole)
    (expected,) = unwrap_context([grey(photo)], [dial])

    def stage(pixels: Tensor, window: Tensor, unit: Tensor) -> Tensor:
        points = sampling.polar_points(pixels.graph, CONTEXT_GRID)
        posed = Posed(window, window, unit, window)
        return context.polar_image(sampling.photo_input(pixels.graph, pixels), posed, points)

    row = np.array([[whole.x, whole.y, whole.side]], np.float32)
    unit = np.linalg.inv(whole.from_unit()) @ homography
    (polar,) = run(stage, "3", photo, row, unit[None].astype(np.float32))
    assert np.abs(polar[0].astype(int) - expected).mean() < 1.5
