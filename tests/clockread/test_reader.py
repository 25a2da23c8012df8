"""The shipped models through the public API."""

from __future__ import annotations

import concurrent.futures
import copy
import json
import math
import multiprocessing
import pickle
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import pytest
from conftest import EXAMPLES, TIMES, minutes_of

pytest.importorskip("onnxruntime", reason="reading needs the cpu or gpu extra")

from clockread import ClockReader, ImageError, ModelError, Reading
from clockread.cli.bench_report import STAGES
from clockread.clock import angle_of, circular_difference, hand_angles
from clockread.confidence import Calibration
from clockread.context import ContextOutput
from clockread.finder import Detection, iou
from clockread.geometry import Window, enclosing, project
from clockread.hands import Hands
from clockread.hypotheses import ReadDial
from clockread.images import Photo, load_color, load_photo
from clockread.polar_reader import PolarReader
from clockread.pose import PosedDial
from clockread.reader import ONCE, Effort, Thresholds
from clockread.runtime import network
from clockread.runtime.fixed_batch import FixedBatch
from clockread.runtime.manifest import load_manifest
from clockread.sampling import crop_window
from clockread.stages import DECODE, DECODE_AGAIN, StageTimer
from clockread.upright_reader import MARGIN, OUTPUT, decode_rounding


@pytest.fixture(scope="module")
def reader(clock_reader: ClockReader) -> ClockReader:
    return clock_reader


@pytest.mark.parametrize("name", sorted(TIMES))
def test_example_photos_are_read(reader: ClockReader, name: str) -> None:
    readings = reader.read(EXAMPLES / name)
    assert len(readings) == len(TIMES[name])
    for dial in TIMES[name]:
        same = [r for r in readings if iou(r.box, dial["box"]) > 0.4]
        assert len(same) == 1
        assert abs(circular_difference(same[0].minutes, minutes_of(dial["time"]), 720)) <= 1
        assert same[0].confidence > 0.5


def test_a_reading_agrees_with_itself(reader: ClockReader) -> None:
    reading = reader.read(EXAMPLES / "wall.jpg")[0]
    hour, minute = hand_angles(reading.minutes)
    assert abs(circular_difference(angle_of(np.array(reading.hour_sincos)), hour, 360)) < 10
    assert abs(circular_difference(angle_of(np.array(reading.minute_sincos)), minute, 360)) < 10
    center = project(np.array(reading.homography), np.zeros((1, 2)))[0]
    np.testing.assert_allclose(center, reading.center, atol=1e-6)
    assert abs(reading.rotation) < 10
    assert reading.time == f"{reading.hour or 12}:{reading.minute:02d}"


def test_a_box_holds_the_face_and_lies_in_the_photo(reader: ClockReader) -> None:
    for name in TIMES:
        photo = load_photo(EXAMPLES / name)
        for reading in reader.read(EXAMPLES / name):
            x, y, w, h = reading.box
            assert x >= 0
            assert y >= 0
            assert x + w <= photo.width
            assert y + h <= photo.height
            assert w * h > 0.9 * reading.face[2] * reading.face[3]
            assert (
                iou(enclosing(reading.box, reading.face, photo.width, photo.height), reading.box)
                > 0.999
            )
    cropped = reader.read(EXAMPLES / "wall.jpg", cropped=True)[0]
    assert cropped.box == pytest.approx(cropped.face), "nothing was found, so there is no case"


@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_a_photo_turned_by_quarters_reads_the_same(reader: ClockReader, quarter: int) -> None:
    x, y, w, h = TIMES["wall.jpg"][0]["box"]
    crop = load_photo(EXAMPLES / "wall.jpg").pixels[y - 10 : y + h + 10, x - 10 : x + w + 10]
    upright = reader.read(np.ascontiguousarray(crop), cropped=True)[0]
    turned = reader.read(np.ascontiguousarray(np.rot90(crop, -quarter)), cropped=True)[0]
    assert abs(circular_difference(turned.minutes, upright.minutes, 720)) <= 1
    assert abs(circular_difference(turned.rotation, upright.rotation + 90 * quarter, 360)) < 8


def test_a_larger_photo_gives_the_same_reading_in_its_own_pixels(reader: ClockReader) -> None:
    small = reader.read(EXAMPLES / "wall.jpg")[0]
    image = cv2.resize(
        cv2.imread(str(EXAMPLES / "wall.jpg")), None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC
    )
    data = cv2.imencode(".jpg", image)[1].tobytes()
    assert load_photo(data).scale > 1  # decoded reduced
    large = reader.read(data)[0]
    assert abs(circular_difference(large.minutes, small.minutes, 720)) <= 1
    assert iou(tuple(v * 8 for v in small.box), large.box) > 0.9


def test_paths_bytes_and_arrays_are_the_same(reader: ClockReader) -> None:
    path = EXAMPLES / "wall.jpg"
    of_array = reader.read(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
    assert reader.read(path) == reader.read(str(path)) == reader.read(path.read_bytes()) == of_array


def close(a: list[Reading], b: list[Reading]) -> bool:
    return len(a) == len(b) and all(
        x.minutes == y.minutes
        and abs(x.confidence - y.confidence) < 1e-3
        and np.allclose(x.box, y.box, atol=0.05)
        for x, y in zip(a, b, strict=True)
    )


def test_batches_change_nothing(reader: ClockReader) -> None:
    photos = [EXAMPLES / name for name in sorted(TIMES)] * 3
    single = ClockReader("cpu", batch_size=1)
    for a, b in zip(reader.read(photos), single.read(photos), strict=True):
        assert close(a, b)


def test_one_reader_serves_many_threads(reader: ClockReader) -> None:
    photos = [EXAMPLES / name for name in sorted(TIMES)] * 8
    expected = {photo: reader.read(photo) for photo in set(photos)}
    with ThreadPoolExecutor(4) as pool:
        for photo, readings in zip(photos, pool.map(reader.read, photos), strict=True):
            assert close(readings, expected[photo])


@pytest.mark.parametrize("tone", [0, 90, 255])
def test_a_photo_without_a_clock_gives_none(reader: ClockReader, tone: int) -> None:
    rng = np.random.default_rng(tone)
    plain = np.full((240, 320), tone, np.uint8)
    assert reader.read(plain) == []
    assert (
        reader.read(np.clip(plain + rng.normal(0, 12, plain.shape), 0, 255).astype(np.uint8)) == []
    )


def test_min_confidence_leaves_readings_out() -> None:
    assert ClockReader("cpu", min_confidence=1.0).read(EXAMPLES / "wall.jpg") == []


def test_thresholds_decide_what_a_dial_is() -> None:
    wall = EXAMPLES / "wall.jpg"
    for least in (
        Thresholds(finder_score=1.0),
        Thresholds(dial_logit=50.0),
        Thresholds(dial_score=1.0),
    ):
        reader = ClockReader("cpu", thresholds=least)
        assert reader.read(wall) == []
        assert [result.readings for result in reader.stream([wall] * 4)] == [()] * 4, (
            "the workers' readers as well"
        )
        assert len(reader.read(wall, cropped=True)) == 1, "what is cropped is a dial"


def test_a_broken_finder_shows_at_the_first_search(tmp_path: Path) -> None:
    models = shutil.copytree(load_manifest().path.parent, tmp_path / "models")
    finder = load_manifest(models).entry("finder", "int8").path
    finder.write_bytes(finder.read_bytes()[:-1])
    reader = ClockReader("cpu", model="int8", models=models)
    assert len(reader.read(EXAMPLES / "wall.jpg", cropped=True)) == 1
    with pytest.raises(ModelError, match=finder.name):
        reader.read(EXAMPLES / "wall.jpg")


def test_no_photos_give_no_readings(reader: ClockReader) -> None:
    assert reader.read([]) == []


def test_a_bad_array_is_refused(reader: ClockReader) -> None:
    with pytest.raises(ImageError):
        reader.read(np.full((50, 50), np.nan))


def test_batch_size_must_be_positive() -> None:
    with pytest.raises(ValueError, match="batch_size"):
        ClockReader("cpu", batch_size=0)


def test_timings_name_every_stage(reader: ClockReader) -> None:
    timings: dict[str, float] = {}
    reader.read_photos([load_photo(EXAMPLES / "wall.jpg")], timings=timings)
    assert set(timings) == set(STAGES) - {DECODE, DECODE_AGAIN}
    assert all(seconds > 0 for seconds in timings.values())


def test_sessions_of_fixed_batch_read_the_same_times(
    reader: ClockReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "FIXED_BATCH", {"cpu": FixedBatch((2, 8), call_cost=2)})
    fixed = ClockReader("cpu")
    photos = [EXAMPLES / name for name in sorted(TIMES)] * 3
    for of_role in fixed.networks.values():
        of_role.recorded = []
    found, expected = fixed.read(photos), reader.read(photos)
    assert [[r.time for r in of_photo] for of_photo in found] == [
        [r.time for r in of_photo] for of_photo in expected
    ]
    for of_role in fixed.networks.values():
        assert of_role.recorded
        assert {call.size for call in of_role.recorded} <= {2, 8}


def test_a_reader_can_be_handed_to_other_processes_and_copied(reader: ClockReader) -> None:
    once = ClockReader(
        "cpu",
        model="small",
        threads=1,
        min_confidence=0.25,
        thresholds=Thresholds(dial_score=0.4),
        max_clocks=7,
    )
    for other in (pickle.loads(pickle.dumps(once)), copy.copy(once), copy.deepcopy(once)):
        assert isinstance(other, ClockReader)
        assert (other.model, other.threads, other.min_confidence, other.max_clocks) == (
            "small",
            1,
            0.25,
            7,
        )
        assert other.thresholds == Thresholds(dial_score=0.4)
        assert [r.time for r in other.read(EXAMPLES / "wall.jpg")] == [
            r.time for r in once.read(EXAMPLES / "wall.jpg")
        ]


def test_a_reader_works_in_a_child_process(reader: ClockReader) -> None:  # forks: test_forks.py
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, spawn) as pool:
        readings = pool.submit(reader.read, EXAMPLES / "wall.jpg").result(timeout=60)
    assert [r.time for r in readings] == [r.time for r in reader.read(EXAMPLES / "wall.jpg")]


def test_a_reader_is_a_context_manager_and_can_be_used_again() -> None:
    with ClockReader("cpu", threads=1) as reader:
        times = [r.time for r in reader.read(EXAMPLES / "wall.jpg")]
        sessions = [network.session for network in reader.networks.values()]
    assert times
    assert [r.time for r in reader.read(EXAMPLES / "wall.jpg")] == times
    assert all(
        network.session is not session
        for network, session in zip(reader.networks.values(), sessions, strict=True)
    )


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"thresholds": 0.4}, TypeError),
        ({"effort": 2}, TypeError),
        ({"min_confidence": 50}, ValueError),
        ({"min_confidence": float("nan")}, ValueError),
        ({"min_confidence": "0.5"}, TypeError),
        ({"batch_size": 0}, ValueError),
        ({"batch_size": 2.5}, TypeError),
        ({"threads": 0}, ValueError),
        ({"threads": True}, TypeError),
        ({"max_clocks": 0}, ValueError),
        ({"provider": "tpu"}, ValueError),
    ],
)
def test_options_that_make_no_sense_are_refused(
    options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error, match=str(next(iter(options.values()))).replace(".", r"\.")):
        ClockReader(**{"provider": "cpu", **options})


def test_models_may_be_a_string() -> None:
    folder = EXAMPLES.parent / "exported"
    assert ClockReader("cpu", models=str(folder)).read(EXAMPLES / "wall.jpg")


def test_the_limit_of_clocks_is_said_when_it_is_met() -> None:
    two = load_photo(EXAMPLES / "two.jpg")
    (limited,) = ClockReader("cpu", max_clocks=1).read_photos([two])
    (free,) = ClockReader("cpu").read_photos([two])
    assert (len(limited.readings), len(free.readings)) == (1, 2)
    assert "max_clocks" in limited.notes[0]
    assert free.notes == ()


def test_more_than_32_clocks_are_read() -> None:
    wall = load_color(EXAMPLES / "wall.jpg")
    x, y, w, h = (round(v) for v in ClockReader("cpu").read(EXAMPLES / "wall.jpg")[0].box)
    dial = cv2.resize(
        wall[y - 10 : y + h + 10, x - 10 : x + w + 10, ::-1],
        (150, 150),
        interpolation=cv2.INTER_AREA,
    )
    (result,) = ClockReader("cpu").read_photos([load_photo(np.tile(dial, (6, 8, 1)))])
    assert len(result.readings) > 32
    assert result.notes == ()


def test_readings_below_min_confidence_are_counted() -> None:
    (result,) = ClockReader("cpu", min_confidence=1.0).read_photos(
        [load_photo(EXAMPLES / "two.jpg")]
    )
    assert (result.readings, result.below_min_confidence) == ((), 2)


def test_a_reading_is_a_dictionary_on_request(reader: ClockReader) -> None:
    reading = reader.read(EXAMPLES / "wall.jpg")[0]
    one = reading.to_dict()
    assert (one["time"], one["box"]) == (reading.time, [round(value, 2) for value in reading.box])
    assert json.loads(json.dumps(one)) == one


def test_defaults_of_a_reader(reader: ClockReader) -> None:
    from clockread.options import MAX_CLOCKS

    assert (reader.model, reader.batch_size, reader.min_confidence, reader.max_clocks) == (
        "int8",
        32,
        0.0,
        MAX_CLOCKS,
    )
    assert (reader.thresholds, reader.effort) == (Thresholds(), Effort())
    assert ClockReader("cpu", model="small", threads=1).effort == Effort()
    once = ClockReader("cpu", model="small", threads=1, effort=ONCE)
    assert once.effort == Effort(passes=1, retry_below=0.0, tiles=False)
    assert set(reader.networks) == {"finder", "pose", "hands", "context"}
    assert reader.provider == "CPUExecutionProvider"


def test_confidence_is_calibrated_as_the_manifest_says(reader: ClockReader) -> None:
    fit = load_manifest().entry("hands", "int8").calibration
    raw = ClockReader("cpu")
    raw._calibration = Calibration()
    (before,), (reading,) = (one.read(EXAMPLES / "wall.jpg") for one in (raw, reader))
    logit = fit["slope"] * math.log(before.confidence / (1 - before.confidence)) + fit["offset"]
    for name, value in (("clock", reading.clock_logit), ("whole", reading.whole_logit)):
        logit += fit[name] * min(max(value, -8.0), 8.0)
    assert reading.confidence == pytest.approx(1 / (1 + math.exp(-logit)), abs=1e-6)


EVERY = Effort(windows=True)
KNOWN = ContextOutput(*[np.zeros((1, 1))] * 6)


class Tries:
    """The reader's own logic over stub networks: confidence is the mean grey of the patch."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        effort: Effort,
        windows: list[float],
        greys: list[float],
        first: float,
        clock: float = 5.0,
    ) -> None:
        from clockread import polar_reader as module

        self.clock = clock  # logit of every dial

        self.reader = ClockReader("cpu", effort=effort, batch_size=2)
        self.colors: list[str] = []
        self.looks: list[int] = []
        self.batches: list[int] = []

        def dial(grey: float) -> PosedDial:
            return PosedDial(
                np.eye(3), 9.0, np.full((4, 4), round(grey * 100), np.uint8), Window(0, 0, 9)
            )

        def estimate(images: list[Any], windows: list[Any], network: Any) -> list[PosedDial]:
            return [dial(first) for _ in windows]

        def other_windows(
            images: list[Any], given: list[Any], network: Any
        ) -> list[list[PosedDial]]:
            return [[dial(grey) for grey in windows] for _ in given]

        def other_greys(posed: PosedDial, color: str) -> list[PosedDial]:
            self.colors.append(color)
            return [dial(grey) for grey in greys]

        def read(posed: list[PosedDial], passes: int) -> list[ReadDial]:
            self.looks.append(passes)
            self.batches.append(len(posed))
            pairs = ((0.0, 1.0), (0.0, 1.0), (0.0, 0.0))
            sure = [one.patch.mean() / 100 for one in posed]
            hands = [Hands(0, c, 0.0, *pairs, 0.0, 0.0, clock_logit=self.clock) for c in sure]
            return [ReadDial(*pair, KNOWN) for pair in zip(posed, hands, strict=True)]

        def read_posed(
            images: list[Any],
            posed: list[PosedDial],
            hands: Any,
            context: Any,
            passes: int,
            timer: Any,
        ) -> list[ReadDial]:
            assert len(images) == len(posed)
            return read(posed, passes)

        def read_again(
            posed: list[PosedDial], known: list[Any], hands: Any, passes: int, timer: Any
        ) -> list[ReadDial]:
            assert known == [KNOWN] * len(posed)
            return read(posed, passes)

        for name, stub in (
            ("estimate", estimate),
            ("other_windows", other_windows),
            ("principal_greys", other_greys),
            ("read_posed", read_posed),
            ("read_again", read_again),
        ):
            monkeypatch.setattr(module, name, stub)
        self.reader._calibration = Calibration()

    def confidences(self, photos: int = 1) -> list[float]:
        given = [Colored(f"{i}", np.zeros((40, 40), np.uint8), 40, 40, 1.0) for i in range(photos)]
        return [
            round(result.readings[0].confidence, 2)
            for result in self.reader.read_photos(given, cropped=True)
        ]


class Colored(Photo):
    def in_color(self) -> Any:
        return f"color of {self.name}"


@pytest.mark.parametrize(
    ("effort", "windows", "greys", "first", "wanted"),
    [
        (EVERY, [0.3, 0.6], [0.5, 0.2], 0.4, 0.6),
        (EVERY, [0.3, 0.5], [0.7, 0.2], 0.4, 0.7),
        (EVERY, [0.3, 0.1], [0.2], 0.4, 0.4),
        (Effort(), [0.99], [0.5], 0.4, 0.5),
        (replace(EVERY, colors=False), [0.6], [0.99], 0.4, 0.6),
        (Effort(colors=False), [0.99], [0.99], 0.4, 0.4),
        (replace(EVERY, retry_below=0.4), [0.99], [0.99], 0.4, 0.4),
        (EVERY, [0.99], [0.99], 0.9, 0.9),
        (EVERY, [0.99], [0.95], 0.89, 0.99),
    ],
)
def test_the_surest_try_of_an_unsure_dial_counts(
    effort: Effort,
    windows: list[float],
    greys: list[float],
    first: float,
    wanted: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert Tries(monkeypatch, effort, windows, greys, first).confidences() == [wanted]


def test_what_is_no_clock_is_not_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Tries(monkeypatch, EVERY, [0.9], [0.9], 0.4, clock=-1.9).confidences() == [0.9]
    assert Tries(monkeypatch, EVERY, [0.9], [0.9], 0.4, clock=-2.1).confidences() == [0.4]


def test_each_unsure_dial_is_tried_in_the_colors_of_its_photo(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries = Tries(monkeypatch, Effort(passes=2, windows=True), [0.3], [0.5], 0.4)
    assert tries.confidences(3) == [0.5, 0.5, 0.5]
    assert tries.colors == ["color of 0", "color of 1", "color of 2"]
    assert set(tries.looks) == {2}
    assert tries.batches == [2, 2, 2, 1, 2], "two photos, their four tries, then the third"


def test_boxes_that_the_pose_network_takes_for_no_dial_are_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = ClockReader("cpu")
    (expected,) = reader.read(EXAMPLES / "wall.jpg")
    box = expected.box
    monkeypatch.setattr(
        reader,
        "find",
        lambda grey: [[Detection((5.0, 5.0, 60.0, 60.0), 0.9), Detection(box, 0.8)] for _ in grey],
    )
    polar = cast("PolarReader", reader._dial_reader)
    pose = polar._pose

    def doubting(patches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        poses, logits = pose(patches)
        return poses, np.array([[-1.001], [-1.0]])[: len(logits)]

    monkeypatch.setattr(polar, "_pose", doubting)
    calls: list[network.Call] = []
    monkeypatch.setattr(reader.networks["hands"], "recorded", calls)
    reader.thresholds = Thresholds(dial_score=0.0)
    (reading,) = reader.read(EXAMPLES / "wall.jpg")
    assert (reading.time, reading.finder_score, reading.dial_logit) == (expected.time, 0.8, -1.0)
    assert {call.size for call in calls} == {1}


def test_inner_stages_are_not_counted_twice(reader: ClockReader) -> None:
    timings: dict[str, float] = {"find": 100.0}
    photos = [load_photo(EXAMPLES / name) for name in sorted(TIMES)] * 2
    began = time.perf_counter()
    reader.read_photos(photos, timings=timings)
    took = time.perf_counter() - began
    assert timings["find"] > 100
    assert 0.2 * took < sum(timings.values()) - 100 <= took


def test_the_stage_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    timings: dict[str, float] = {}
    clock = StageTimer(timings)
    for _ in range(2):
        with clock("outer"):
            now += 2.0
            for _ in range(2):
                with clock("inner"):
                    now += 5.0
        with clock("next"):
            now += 0.5
    assert timings == {"outer": 4.0, "inner": 20.0, "next": 1.0}
    with StageTimer(None)("nothing is noted"):
        pass


def test_the_center_of_a_larger_photo_is_exact(reader: ClockReader) -> None:
    """Decoded reduced by 2, each pixel is the middle of four."""
    small = load_photo(EXAMPLES / "wall.jpg").pixels
    tall = np.vstack([small] * 5)[:2100]
    large = np.repeat(np.repeat(tall, 2, axis=0), 2, axis=1)
    photo = load_photo(np.ascontiguousarray(large))
    assert photo.scale == 2
    np.testing.assert_array_equal(photo.pixels, tall[: len(photo.pixels)])
    same, twice = (
        reader.read(np.ascontiguousarray(photo.pixels)),
        reader.read(np.ascontiguousarray(large)),
    )
    assert len(same) == len(twice) > 2
    for one, two in zip(same, twice, strict=True):
        assert one.time == two.time
        np.testing.assert_allclose(two.center, np.array(one.center) * 2 + 0.5, atol=0.01)
        np.testing.assert_allclose(two.box, np.array(one.box) * 2, atol=1.1)


def test_a_cropped_dial_is_all_of_its_image(
    reader: ClockReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows: list[Window] = []
    module = sys.modules["clockread.polar_reader"]
    estimate = module.estimate  # type: ignore[attr-defined]

    def noting(images: list[Any], given: list[Window], network: Any) -> list[PosedDial]:
        windows.extend(given)
        return list(estimate(images, given, network))

    monkeypatch.setattr(module, "estimate", noting)
    x, y, w, h = TIMES["wall.jpg"][0]["box"]
    crop = np.ascontiguousarray(load_photo(EXAMPLES / "wall.jpg").pixels[y : y + h, x : x + w])
    (reading,) = reader.read(crop, cropped=True)
    assert windows == [Window((w - 1) / 2, (h - 1) / 2, max(w, h))]
    assert (reading.dial_score, reading.finder_score) == (1.0, 1.0)
    windows.clear()
    found = reader.find([load_photo(EXAMPLES / "wall.jpg").pixels])[0][0].box
    reader.read(EXAMPLES / "wall.jpg")
    assert windows[0] == Window.around(found, 1.15)


def test_the_reports_network_reads_boxes_of_the_default_finder() -> None:
    reader = ClockReader("cpu", model="sincos-cnn", threads=1)
    assert (reader.model, set(reader.networks), reader.provider) == (
        "sincos-cnn",
        {"finder", "sincos"},
        "CPUExecutionProvider",
    )
    photo = load_photo(EXAMPLES / "wall.jpg").pixels
    (reading,) = reader.read(photo)
    detection = ClockReader("cpu").find([photo])[0][0]
    crop, _ = crop_window(photo, Window.around(detection.box, MARGIN), 75)
    (pairs,) = reader.networks["sincos"](crop[None], OUTPUT)
    assert [reading.minutes] == decode_rounding(pairs)
    assert (*reading.hour_sincos, *reading.minute_sincos) == pytest.approx(pairs[0])
    assert reading.box == pytest.approx(detection.box, abs=1)
    assert (reading.second, reading.rotation, reading.dial_logit) == (None, 0.0, 3.0)
    assert iou(reading.face, reading.box) == pytest.approx(1, abs=0.02)
    assert reader.networks["finder"]._entry == ClockReader("cpu").networks["finder"]._entry
    (cropped,) = reader.read(np.ascontiguousarray(photo[90:330, 120:360]), cropped=True)
    assert cropped.box == pytest.approx((0, 0, 240, 240), abs=1)
