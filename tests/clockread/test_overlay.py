from __future__ import annotations

import math
import warnings
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from clockread.cli.overlays import OverlayFolder
from clockread.images import load_photo
from clockread.overlay import draw, enlarged
from clockread.overlay.dial import (
    HOUR_COLOR,
    HOUR_HAND_LENGTH,
    MINUTE_COLOR,
    MINUTE_HAND_LENGTH,
    SECOND_COLOR,
    SECOND_HAND_LENGTH,
    dial_to_image,
    hand_tip,
)
from clockread.overlay.drawing import DIAL_COLOR, TWELVE_COLOR
from clockread.parallel import Entry
from clockread.reading import PhotoResult, Reading

# 3:00 on an upright dial of radius 100 about (200, 150).
READING = Reading(
    minutes=180,
    confidence=0.9,
    hour_sincos=(0.9, 0.0),
    minute_sincos=(0.0, 0.5),
    box=(100, 50, 200, 200),
    center=(200, 150),
    homography=((100.0, 0.0, 200.0), (0.0, 100.0, 150.0), (0.0, 0.0, 1.0)),
    rotation=0.0,
    dial_score=1.0,
)
QUARTER_TURN = ((0.0, -100.0, 200.0), (100.0, 0.0, 150.0), (0.0, 0.0, 1.0))


def blank(height: int = 300, width: int = 400) -> np.ndarray:
    return np.full((height, width, 3), 128, np.uint8)


def near(
    image: np.ndarray, x: float, y: float, color: tuple[int, int, int], reach: int = 3
) -> bool:
    part = image[
        max(0, round(y) - reach) : round(y) + reach + 1,
        max(0, round(x) - reach) : round(x) + reach + 1,
    ]
    return bool((np.abs(part.astype(int) - color).max(axis=2) < 40).any())


def test_hands_and_twelve_stand_where_the_reading_says() -> None:
    image = draw(blank(), [READING])
    assert near(image, 200 + 40, 150, HOUR_COLOR)
    assert near(image, 200, 150 - 70, MINUTE_COLOR)
    assert near(image, 200, 150 - 100, TWELVE_COLOR)
    assert not near(image, 200 - 40, 150, HOUR_COLOR)
    assert not near(image, 200, 150 + 70, MINUTE_COLOR)


def test_a_turned_dial_turns_its_hands() -> None:
    image = draw(blank(), [replace(READING, homography=QUARTER_TURN)])
    assert near(image, 200 + 100, 150, TWELVE_COLOR)
    assert near(image, 200 + 70, 150, MINUTE_COLOR)
    assert near(image, 200, 150 + 40, HOUR_COLOR)


def test_the_photo_itself_is_left_alone() -> None:
    photo = blank()
    image = draw(photo, [READING])
    assert (photo == 128).all()
    assert image.shape == photo.shape
    assert image.dtype == np.uint8
    assert np.array_equal(draw(photo, []), photo)


def test_scale_draws_on_a_reduced_photo() -> None:
    image = draw(blank(150, 200), [READING], scale=2.0)
    assert near(image, 100 + 20, 75, HOUR_COLOR)
    assert near(image, 100, 75 - 35, MINUTE_COLOR)


def test_lines_grow_with_the_photo() -> None:
    large = replace(
        READING, homography=((1000.0, 0.0, 2000.0), (0.0, 1000.0, 1500.0), (0.0, 0.0, 1.0))
    )
    thin = (draw(blank(), [READING])[:, 240] == HOUR_COLOR).all(axis=1).sum()
    thick = (draw(blank(3000, 4000), [large])[:, 2400] == HOUR_COLOR).all(axis=1).sum()
    assert thick > 4 * thin > 0


@pytest.mark.parametrize("background", [0, 128, 255])
def test_the_time_can_be_read_on_any_background(background: int) -> None:
    photo = np.full((300, 400, 3), background, np.uint8)
    image = draw(photo, [READING])
    plate = image[252:, 150:250]
    assert (plate == 255).all(axis=2).sum() > 20
    assert (plate < 40).all(axis=2).sum() > 50


def test_perspective_follows_the_homography() -> None:
    homography = ((90.0, 5.0, 200.0), (4.0, 95.0, 150.0), (0.1, -0.2, 1.0))
    points = np.array([[0.0, -1.0], [0.3, 0.4]])
    expected = cv2.perspectiveTransform(points[None], np.array(homography))[0]
    assert dial_to_image(homography, points) == pytest.approx(expected)


def test_points_behind_the_camera_are_not_finite() -> None:
    homography = ((90.0, 0.0, 200.0), (0.0, 90.0, 150.0), (2.0, 0.0, 1.0))
    inside, behind = dial_to_image(homography, np.array([[0.5, 0.0], [-0.9, 0.0]]))
    assert np.isfinite(inside).all()
    assert np.isnan(behind).all()


@pytest.mark.parametrize(
    "change",
    [
        {"homography": ((math.nan,) * 3,) * 3},
        {"homography": ((0.0,) * 3,) * 3},
        {"homography": ((90.0, 0.0, 200.0), (0.0, 90.0, 150.0), (2.0, 0.0, 1.0))},
    ],
)
def test_a_pose_that_cannot_be_drawn_is_left_out(
    change: dict[str, tuple[tuple[float, ...], ...]],
) -> None:
    assert np.array_equal(draw(blank(), [replace(READING, **change)]), blank())  # type: ignore[arg-type]


def test_odd_readings_are_drawn_without_an_error() -> None:
    far = ((1e9, 0.0, -1e9), (0.0, 1e9, 1e9), (0.0, 0.0, 1.0))
    for change in (
        {"homography": far},
        {"hour_sincos": (0.0, 0.0)},
        {"minute_sincos": (math.nan, 1.0)},
    ):
        assert draw(blank(16, 16), [replace(READING, **change)]).shape == (16, 16, 3)


def test_a_hand_that_points_nowhere_has_no_tip() -> None:
    assert np.isnan(hand_tip((0.0, 0.0), 0.5)).all()
    assert hand_tip((0.0, 0.1), 0.5) == pytest.approx([0.0, -0.5])
    assert hand_tip((0.2, 0.0), 0.5) == pytest.approx([0.5, 0.0])


def at(
    x: float,
    y: float,
    radius: float,
    minutes: int = 609,
    confidence: float = 0.95,
    second: int | None = None,
) -> Reading:
    def direction(turns: float) -> tuple[float, float]:
        return math.sin(2 * math.pi * turns), math.cos(2 * math.pi * turns)

    return replace(
        READING,
        minutes=minutes,
        confidence=confidence,
        hour_sincos=direction(minutes / 720),
        minute_sincos=direction(minutes / 60),
        second_sincos=(0.0, 0.0) if second is None else direction(second / 60),
        second_presence=0.0 if second is None else 0.97,
        center=(x, y),
        homography=((radius, 0.0, x), (0.0, radius, y), (0.0, 0.0, 1.0)),
    )


def saved(file: Path, reading: Reading, folder: Path, *, seconds: bool = False) -> Path:
    """The overlay of a photo, in a folder."""
    overlays = OverlayFolder(folder, [], seconds=seconds)
    photo, entry = (
        load_photo(file),
        Entry(str(file), str(file), overlay=overlays.path_for(str(file))),
    )
    result = PhotoResult(str(file), photo.width, photo.height, (reading,), None)
    assert overlays.save(entry, photo, result) == result
    assert entry.overlay is not None
    return entry.overlay


class Labels:
    """Texts of the labels that are drawn, and their plates as x, y, width, height."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.texts: list[str] = []
        self.plates: list[tuple[int, int, int, int]] = []
        put_text, rectangle = cv2.putText, cv2.rectangle

        def seen_text(
            canvas: np.ndarray, text: str, *arguments: object, **options: object
        ) -> object:
            self.texts.append(text)
            return put_text(canvas, text, *arguments, **options)

        def seen_plate(
            canvas: np.ndarray, first: tuple[int, int], last: tuple[int, int], *arguments: object
        ) -> object:
            self.plates.append((first[0], first[1], last[0] - first[0] + 1, last[1] - first[1] + 1))
            return rectangle(canvas, first, last, *arguments)

        monkeypatch.setattr(cv2, "putText", seen_text)
        monkeypatch.setattr(cv2, "rectangle", seen_plate)

    def of(
        self, photo: np.ndarray, readings: list[Reading], *, seconds: bool = False
    ) -> list[tuple[int, int, int, int]]:
        self.texts, self.plates = [], []
        draw(photo, readings, seconds=seconds)
        assert len(self.plates) == len(self.texts) == len(readings)
        for x, y, width, height in self.plates:
            assert 0 <= x <= x + width <= photo.shape[1]
            assert 0 <= y <= y + height <= photo.shape[0]
        return self.plates


@pytest.fixture
def labels(monkeypatch: pytest.MonkeyPatch) -> Labels:
    return Labels(monkeypatch)


def from_dial(plate: tuple[int, int, int, int], reading: Reading) -> float:
    """Pixels between a plate and the disc of an upright dial; negative if they overlap."""
    x, y, width, height = plate
    radius, center = reading.homography[0][0], reading.center
    away = [
        max(start - middle, middle - start - length + 1, 0)
        for start, length, middle in ((x, width, center[0]), (y, height, center[1]))
    ]
    return math.hypot(*away) - radius


def overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return all(one[i] < other[i] + other[i + 2] and other[i] < one[i] + one[i + 2] for i in (0, 1))


def covers_a_hand(plate: tuple[int, int, int, int], reading: Reading) -> bool:
    x, y, width, height = plate
    pairs = [(reading.hour_sincos, HOUR_HAND_LENGTH), (reading.minute_sincos, MINUTE_HAND_LENGTH)]
    pairs += [] if reading.second is None else [(reading.second_sincos, SECOND_HAND_LENGTH)]
    for pair, length in pairs:
        points = dial_to_image(
            reading.homography, np.linspace(0, 1, 500)[:, None] * hand_tip(pair, length)
        )
        if ((points >= (x, y)) & (points < (x + width, y + height))).all(axis=1).any():
            return True
    return False


class TestDoubt:
    @staticmethod
    def outline(image: np.ndarray) -> list[bool]:
        angles = np.linspace(0, 2 * np.pi, 720, endpoint=False)
        shown = [
            near(image, 200 + 100 * np.sin(a), 150 - 100 * np.cos(a), DIAL_COLOR, reach=2)
            for a in angles
        ]
        return [
            seen for seen, a in zip(shown, angles, strict=True) if 0.3 < a < 6
        ]  # without the mark at 12

    @pytest.mark.parametrize("confidence", [0.9, 0.99, 1.0])
    def test_a_sure_dial_has_a_whole_outline_and_its_time_only(
        self, confidence: float, labels: Labels
    ) -> None:
        assert np.mean(self.outline(draw(blank(), [at(200, 150, 100, 609, confidence)]))) > 0.97
        assert labels.texts == ["10:09"]

    @pytest.mark.parametrize(
        ("confidence", "text"),
        [(0.89, "10:09 89 %"), (0.5, "10:09 50 %"), (0.0, "10:09 0 %"), (math.nan, "10:09 ?")],
    )
    def test_a_doubtful_dial_has_a_dashed_outline_and_a_percentage(
        self, confidence: float, text: str, labels: Labels
    ) -> None:
        shown = self.outline(draw(blank(), [at(200, 150, 100, 609, confidence)]))
        assert labels.texts == [text]
        assert 0.35 < np.mean(shown) < 0.8
        assert np.count_nonzero(np.diff(np.array(shown, int)) == 1) >= 7  # dashes

    @pytest.mark.parametrize("radius", [12, 20, 700])
    def test_dashes_are_told_apart_at_every_size(self, radius: int) -> None:
        photo = blank(4 * radius, 4 * radius)
        reading = at(2 * radius, 2 * radius, radius, 360, 0.5)
        drawn = [draw(photo, [replace(reading, confidence=c)]) != photo for c in (1.0, 0.5)]
        ring = (
            cv2.circle(np.zeros(photo.shape[:2], np.uint8), (2 * radius, 2 * radius), radius, 1, 1)
            == 1
        )
        whole, dashed = (image.any(axis=2)[ring].mean() for image in drawn)
        assert whole > 0.97
        assert dashed < 0.93


class TestSeconds:
    TIME = at(200, 150, 100, 609, second=45)

    def test_on_request_only(self, labels: Labels) -> None:
        plain = draw(blank(), [self.TIME])
        with_seconds = draw(blank(), [self.TIME], seconds=True)
        assert labels.texts == ["10:09", "10:08:45"]
        assert near(with_seconds, 200 - 80, 150, SECOND_COLOR)
        assert not near(plain, 200 - 80, 150, SECOND_COLOR)

    def test_only_where_a_second_hand_is_seen(self, labels: Labels) -> None:
        image = draw(blank(), [replace(self.TIME, second_presence=0.2)], seconds=True)
        assert labels.texts == ["10:09"]
        assert not near(image, 200 - 80, 150, SECOND_COLOR)

    def test_in_saved_overlays(self, labels: Labels, tmp_path: Path) -> None:
        photo = tmp_path / "a.png"
        cv2.imwrite(str(photo), blank())
        for seconds in (False, True):
            assert saved(photo, self.TIME, tmp_path / "out", seconds=seconds).is_file()
        assert labels.texts == ["10:09", "10:08:45"]


class TestLabelPlaces:
    @pytest.mark.parametrize(
        ("center", "side"),
        [
            ((300, 300), "below"),
            ((300, 499), "above"),
            ((110, 300), "below"),
            ((300, 100), "below"),
            ((499, 499), "above"),
        ],
    )
    def test_below_the_dial_or_above(
        self, labels: Labels, center: tuple[int, int], side: str
    ) -> None:
        ((x, y, width, height),) = labels.of(blank(600, 600), [at(*center, 100)])
        assert abs(x + width / 2 - center[0]) <= 20
        assert 0 < (y - center[1] - 100 if side == "below" else center[1] - 100 - y - height) <= 25

    def test_right_or_left_where_a_dial_is_as_high_as_the_photo(self, labels: Labels) -> None:
        right, left = at(150, 100, 99), at(450, 100, 99)
        assert 0 < labels.of(blank(200, 600), [right])[0][0] - 249 < 20
        x, _, width, _ = labels.of(blank(200, 600), [left])[0]
        assert 0 <= x - 549 < 20 or 0 <= 351 - x - width < 20

    @pytest.mark.parametrize("seed", range(12))
    def test_no_label_covers_a_dial_or_another_label(self, labels: Labels, seed: int) -> None:
        random = np.random.default_rng(seed)
        height, width = random.integers(300, 1500, 2)
        readings: list[Reading] = []
        for _ in range(300):
            radius = random.uniform(0.06, 0.16) * min(height, width)
            x, y = random.uniform(radius, width - radius), random.uniform(radius, height - radius)
            # with some room between them
            if (
                all(
                    math.dist((x, y), r.center) > 1.5 * (radius + r.homography[0][0])
                    for r in readings
                )
                and len(readings) < 6
            ):
                readings.append(
                    at(
                        x,
                        y,
                        radius,
                        int(random.integers(720)),
                        random.uniform(0, 1),
                        int(random.integers(60)),
                    )
                )
        plates = labels.of(blank(height, width), readings, seconds=True)
        assert min(from_dial(plate, reading) for plate in plates for reading in readings) > 0
        assert not any(overlap(one, other) for i, one in enumerate(plates) for other in plates[:i])
        for plate, reading in zip(plates, readings, strict=True):
            assert from_dial(plate, reading) < 2 * max(r.homography[0][0] for r in readings)

    @pytest.mark.parametrize("size", [300, 1000, 3000])
    def test_a_dial_that_touches_all_edges_leaves_room_in_a_corner(
        self, labels: Labels, size: int
    ) -> None:
        reading = at(size / 2, size / 2, size / 2, 609)
        (plate,) = labels.of(blank(size, size), [reading])
        assert from_dial(plate, reading) > 0
        assert (
            labels.of(blank(size, size), [at(size / 2, size / 2, 0.45 * size)])[0][3] > 0.07 * size
        )  # not the smallest, below it

    @pytest.mark.parametrize("minutes", range(0, 720, 71))
    @pytest.mark.parametrize("size", [150, 400, 2000])
    def test_a_dial_larger_than_the_photo_has_its_label_in_a_corner_off_its_hands(
        self, labels: Labels, minutes: int, size: int
    ) -> None:
        reading = at(0.5 * size, 0.48 * size, 0.8 * size, minutes, 0.5, second=(minutes * 7) % 60)
        (plate,) = labels.of(blank(size, size), [reading], seconds=True)
        x, y, width, height = plate
        assert not covers_a_hand(plate, reading)
        if size > 150:
            assert min(x, size - x - width) <= size / 100
            assert min(y, size - y - height) <= size / 100

    @pytest.mark.parametrize("readings", [24, pytest.param(54, marks=pytest.mark.slow)])
    def test_in_a_crowd_labels_stay_at_their_dials_and_off_hands_and_each_other(
        self, labels: Labels, readings: int
    ) -> None:
        columns = 6 if readings == 24 else 9
        step = 900 // columns
        crowd = [
            at(
                step * (i % columns + 0.5),
                step * (i // columns + 0.5),
                0.46 * step,
                67 * i % 720,
                0.3 + 0.1 * (i % 7),
            )
            for i in range(readings)
        ]
        plates = labels.of(blank(step * readings // columns, 900), crowd)
        assert not any(overlap(one, other) for i, one in enumerate(plates) for other in plates[:i])
        assert not any(covers_a_hand(plate, reading) for plate in plates for reading in crowd)
        assert (
            max(from_dial(plate, reading) for plate, reading in zip(plates, crowd, strict=True))
            < step
        )

    def test_the_label_of_a_dial_inside_another_covers_neither(self, labels: Labels) -> None:
        around, inside = at(300, 200, 190), at(300, 280, 60, 165)
        assert all(
            from_dial(plate, around) > 0 for plate in labels.of(blank(400, 600), [around, inside])
        )

    def test_a_label_that_is_not_beside_its_dial_is_joined_to_it(self) -> None:
        around = at(300, 200, 190)
        image = draw(blank(400, 600), [around, at(300, 280, 60, 165)])
        alone = draw(blank(400, 600), [at(300, 280, 60, 165)])
        outside = np.hypot(*(np.indices((400, 600)) - np.array([200, 300])[:, None, None])) > 195
        of_dial_color = (np.abs(image.astype(int) - DIAL_COLOR).max(axis=2) < 40) & outside
        assert of_dial_color.sum() > 5
        assert not ((np.abs(alone.astype(int) - DIAL_COLOR).max(axis=2) < 40) & outside).any()

    @pytest.mark.parametrize("radius", [0.3, 0.5, 0.8])
    @pytest.mark.parametrize("minutes", [23, 180, 401, 655])
    def test_every_pixel_of_the_hands_stays(
        self, minutes: int, radius: float, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        photo, size = blank(1200, 1200), 1200
        readings = [
            at(0.5 * size, 0.5 * size, radius * size, minutes, 0.5, second=20),
            at(0.5 * size, 0.7 * size, 0.1 * size, 600),
        ]
        with_labels = draw(photo, readings, seconds=True)
        with monkeypatch.context() as patch:
            patch.setattr("clockread.overlay.drawing._draw_label", lambda *_: None)
            without = draw(photo, readings, seconds=True)
        for color in (HOUR_COLOR, MINUTE_COLOR, SECOND_COLOR):
            pixels = (without == color).all(axis=2)
            assert pixels.sum() > 100
            assert (with_labels[pixels] == color).all()


class TestSizes:
    @pytest.mark.parametrize(
        ("height", "width", "factor"),
        [(16, 16, 3), (16, 200, 3), (39, 39, 2), (40, 40, 1), (300, 400, 1)],
    )
    def test_tiny_photos_are_enlarged_by_a_whole_number(
        self, height: int, width: int, factor: int
    ) -> None:
        photo = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
        image, by = enlarged(photo)
        assert by == factor
        assert image.shape == (height * factor, width * factor, 3)
        assert np.array_equal(image[::factor, ::factor], photo)
        assert np.array_equal(image[factor - 1 :: factor, factor - 1 :: factor], photo)

    def test_the_overlay_of_a_tiny_photo_shows_a_time_that_can_be_read(
        self, labels: Labels, tmp_path: Path
    ) -> None:
        photo = tmp_path / "a.png"
        cv2.imwrite(str(photo), np.full((16, 16, 3), 128, np.uint8))
        reading = at(7.5, 7.5, 7, 609)
        overlay = cv2.imread(str(saved(photo, reading, tmp_path / "out")))
        assert overlay is not None
        assert overlay.shape == (48, 48, 3)
        ((x, y, width, height),) = labels.plates
        text = (overlay[y : y + height, x : x + width].min(axis=2) > 140).any(axis=1)
        assert text.sum() >= 8  # rows of pixels
        assert not covers_a_hand((x, y, width, height), at(23.5, 23.5, 21, 609))

    @pytest.mark.parametrize("size", [200, 1000, 4000])
    def test_labels_are_readable_and_not_too_large(self, labels: Labels, size: int) -> None:
        for radius in (0.02 * size, 0.1 * size, 0.3 * size):
            ((_, _, _, height),) = labels.of(blank(size, size), [at(size / 2, size / 2, radius)])
            assert max(14, 0.03 * size) <= height <= max(20, 0.12 * size)

    @pytest.mark.parametrize("shape", [(16, 16), (16, 500), (500, 16), (1, 1)])
    def test_labels_stay_inside_of_photos_that_are_too_small(
        self, labels: Labels, shape: tuple[int, int]
    ) -> None:
        labels.of(
            blank(*shape),
            [at(shape[1] / 2, shape[0] / 2, min(shape) / 2, 609, 0.5, 45)],
            seconds=True,
        )


class TestWhatIsWritten:
    @pytest.mark.parametrize(("minutes", "text"), [(0, "12:00"), (61, "1:01"), (719, "11:59")])
    def test_the_time_of_each_reading(self, minutes: int, text: str, labels: Labels) -> None:
        draw(blank(), [at(200, 150, 100, minutes)])
        assert labels.texts == [text]

    def test_the_text_is_drawn(self) -> None:
        one, other = (
            draw(blank(), [replace(READING, minutes=minutes)])[252:, 100:300]
            for minutes in (180, 181)
        )
        assert not np.array_equal(one, other)


class TestEdges:
    @pytest.mark.parametrize(
        "center", [(380, 150), (20, 150), (200, 280), (200, 20), (385, 285), (390, 290)]
    )
    def test_the_whole_text_is_inside(self, center: tuple[int, int], labels: Labels) -> None:
        ((x, y, width, height),) = labels.of(blank(), [at(*center, 100, 719)])
        image = draw(blank(), [at(*center, 100, 719)])
        columns = (image[y : y + height, x : x + width] == 255).all(axis=2).any(axis=0).nonzero()[0]
        assert columns.max() - columns.min() > 0.5 * width
        assert x + width <= 400
        assert y + height <= 300

    def test_coordinates_far_outside_do_not_overflow(self) -> None:
        far = ((1e9, 0.0, -1e9), (0.0, 1e9, 1e9), (0.0, 0.0, 1.0))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            draw(blank(), [replace(READING, homography=far)])


class TestLengthsAndOrder:
    def test_hands_end_where_they_should(self) -> None:
        image = draw(blank(), [READING])
        hour = (image == HOUR_COLOR).all(axis=2).nonzero()
        minute = (image == MINUTE_COLOR).all(axis=2).nonzero()
        assert hour[1].max() == pytest.approx(200 + 55, abs=3)
        assert minute[0].min() == pytest.approx(150 - 85, abs=3)
        with_second = draw(blank(), [at(200, 150, 100, 609, second=45)], seconds=True).astype(int)
        second = (np.abs(with_second - SECOND_COLOR).max(axis=2) < 60).nonzero()
        assert second[1].min() == pytest.approx(200 - 90, abs=3)
        twelve = (image == TWELVE_COLOR).all(axis=2).nonzero()
        assert [twelve[0].min(), twelve[0].max()] == pytest.approx([150 - 108, 150 - 90], abs=4)

    def test_the_best_reading_is_on_top(self) -> None:
        best, other = at(180, 150, 80, 180), at(230, 150, 80, 540)  # whose hour hands meet
        together = draw(blank(), [best, other])
        alone = draw(blank(), [best])
        hands = (alone == HOUR_COLOR).all(axis=2) | (alone == MINUTE_COLOR).all(axis=2)
        assert (together[hands] == alone[hands]).all()

    def test_a_reduced_photo_is_drawn_to_the_pixel(self) -> None:
        homography = ((800.0, 0.0, 1603.5), (0.0, 800.0, 1203.5), (0.0, 0.0, 1.0))
        image = draw(blank(), [replace(READING, homography=homography)], scale=8.0)
        ys, _ = (image == HOUR_COLOR).all(axis=2).nonzero()
        assert (ys.min() + ys.max()) / 2 == pytest.approx((1203.5 + 0.5) / 8 - 0.5, abs=0.5)
        ring = (np.abs(image.astype(int) - DIAL_COLOR).max(axis=2) < 40).nonzero()
        assert [ring[1].min(), ring[1].max()] == pytest.approx([200 - 100, 200 + 100], abs=2)
        points = dial_to_image(homography, np.zeros((1, 2)), 8.0)
        np.testing.assert_allclose(points, [[200.0, 150.0]])


def test_a_hand_without_direction_leaves_the_other_drawn() -> None:
    image = draw(blank(), [replace(READING, hour_sincos=(0.0, 0.0))])
    assert (image == MINUTE_COLOR).all(axis=2).any()
    assert not (image == HOUR_COLOR).all(axis=2).any()


def test_sizes_of_labels_are_bounded(labels: Labels) -> None:
    heights = [
        labels.of(blank(1000, 1000), [at(500, 400, radius)])[0][3] for radius in (10, 100, 350)
    ]
    assert heights[0] == pytest.approx(25 * 5 / 3, abs=4)
    assert heights[2] == pytest.approx(60 * 5 / 3, abs=8)
    assert heights[0] <= heights[1] <= heights[2]
