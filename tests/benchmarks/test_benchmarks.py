"""The scripts that the README's figures come from."""

from __future__ import annotations

import csv
import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import EXAMPLES

pytest.importorskip("onnxruntime", reason="reading needs the cpu or gpu extra")
pytest.importorskip("keras", reason="the rivals are built with the train extra")

import keras
import onnx
import typer

from benchmarks import emoji, memory, tracks
from benchmarks.accuracy import crop_beside, figures, measure, print_report, write_failures
from benchmarks.accuracy import main as accuracy
from benchmarks.compare import multiply_adds, onnx_of
from benchmarks.decoding import right
from benchmarks.rivals import detector, hough_reading, resnet50
from benchmarks.session_options import SETTINGS, sessions
from benchmarks.subsets import outputs_of
from benchmarks.thresholds import best_scores, precision_recall_f1
from clockread import ClockReader
from clockread.clock import clock_text, hand_angles, right_within
from clockread.decoding import DecodingWeights
from clockread.images import load_photo
from clockread.reading import PhotoResult, Reading
from clockread.runtime.manifest import load_manifest
from clockread.sampling import PATCH
from training.evaluation import (
    Label,
    Outcome,
    coverage,
    crop_given,
    in_scenes,
    labels,
    on_photographs,
    wilson,
)
from training.reader.scene_shards import SceneShards


@pytest.fixture(scope="module")
def labeled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example photos as a set: a right label, one half an hour off, one where no clock is."""
    folder = tmp_path_factory.mktemp("photos")
    (folder / "clocks").mkdir()
    times = json.loads((EXAMPLES / "times.json").read_text())
    dial = times["wall.jpg"][0]
    hour, minute = (int(part) for part in dial["time"].split(":"))
    rows = [
        ("right.jpg", dial["box"], hour, minute),
        ("wrong.jpg", dial["box"], hour if minute < 30 else hour % 12 + 1, (minute + 30) % 60),
        ("elsewhere.jpg", [0, 0, 40, 40], hour, minute),
    ]
    with (folder / "clocks.csv").open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["file", "x", "y", "w", "h", "hour", "minute"])
        for name, box, h, m in rows:
            shutil.copy(EXAMPLES / "wall.jpg", folder / "clocks" / name)
            writer.writerow([name, *box, h, m])
    return folder


def test_accuracy_counts_what_is_right_wrong_and_not_found(
    labeled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "clocks, found in the photo"
    measured = dict(measure(labeled, ClockReader("cpu")))
    found = figures(measured[name])
    write_failures(measured[name], tmp_path / "found")
    assert (found["photographs"], found["not_found"], found["readings_elsewhere"]) == (3, 1, 1)
    assert found["within_1_min"] == pytest.approx(1 / 3)
    assert found["coverage"]["0"] == (pytest.approx(2 / 3), pytest.approx(1 / 2))
    assert found["intervals_95"]["within_1_min"] == wilson(1, 3)
    assert {path.name for path in (tmp_path / "found").iterdir()} == {"wrong.jpg", "elsewhere.jpg"}
    print_report({of: figures(part) for of, part in measured.items()})
    assert "33.3% (6–79)" in capsys.readouterr().out


def test_only_named_photographs_are_measured(labeled: Path) -> None:
    reader = ClockReader("cpu")
    assert on_photographs(reader, None) == {}
    assert set(on_photographs(reader, labeled)) == {
        "clocks, box given",
        "clocks, found in the photo",
    }


def test_photos_without_clocks_that_give_a_reading_are_counted(tmp_path: Path) -> None:
    photos, failures = tmp_path / "without", tmp_path / "failures"
    photos.mkdir()
    rows = ["clock.jpg,round", *(f"{i}.png,plain" for i in range(3))]
    (tmp_path / "without.csv").write_text("\n".join(["file,what", *rows]))
    shutil.copy(EXAMPLES / "wall.jpg", photos / "clock.jpg")
    for i in range(3):
        cv2.imwrite(str(photos / f"{i}.png"), np.full((200, 300), 60 * i, np.uint8))
    measured = dict(measure(tmp_path, ClockReader("cpu"), without=photos))
    assert set(measured) == {"without, no time to read", "photographs without clocks"}
    for of in measured.values():
        counted = figures(of)
        assert (counted["photographs"], counted["with_a_reading"]) == (4, 0.25)
        assert counted["confidence_0.5"] == counted["by_confidence"]["0.5"] == 0.25
    write_failures(of, failures)
    assert [path.name for path in failures.iterdir()] == ["clock.jpg"]


def test_accuracy_says_in_one_line_that_a_folder_has_no_labels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        accuracy(tmp_path, "auto", "cpu")
    assert stop.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_given_box_is_cut_with_its_margin_and_within_the_photo() -> None:
    image = np.zeros((100, 200), np.uint8)
    assert crop_given(image, (50, 20, 40, 40)).shape == (46, 46)
    assert crop_given(image, (180, 80, 40, 40)).shape == (23, 23)
    assert crop_given(image, None) is image


def test_the_part_beside_a_clock_is_the_largest_without_it() -> None:
    image = np.arange(300 * 400).reshape(300, 400)
    assert crop_beside(image, (100, 100, 100, 100)).tolist() == image[:, 208:].tolist()
    assert crop_beside(image, (0, 180, 200, 100)).tolist() == image[:165].tolist()
    assert crop_beside(image, (10, 10, 380, 280)) is None


def test_a_label_without_a_reading_is_as_wrong_as_can_be() -> None:
    outcome = Outcome(Label(Path("x"), 5, None), None)
    assert outcome.away == 720
    assert coverage([outcome]) == dict.fromkeys(coverage([outcome]), (0.0, None))


def test_a_share_has_an_interval() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(124, 131) == pytest.approx((0.8939, 0.9739), abs=1e-4)
    assert wilson(0, 22) == pytest.approx((0.0, 0.1487), abs=1e-4)


def test_ambiguous_dials_are_left_out_and_boxes_may_be_missing(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text(
        "file,x,y,w,h,hour,minute,note\na_1.jpg,1,2,3,4,12,5,by eye\n"
        "a_2.jpg,,,,,3,0,\nb.jpg,,,,,3,0,ambiguous\n"
    )
    folder = tmp_path / "real"
    assert labels(tmp_path, "real") == [
        Label(folder / "a_1.jpg", 5, (1.0, 2.0, 3.0, 4.0), ("a_*",)),
        Label(folder / "a_2.jpg", 180, None, ("a_*",)),
    ]


def test_there_are_no_labels_where_there_is_no_table(tmp_path: Path) -> None:
    assert labels(tmp_path, "clocks") == []


def drawn(minutes: int) -> np.ndarray:
    """A plain upright dial, 300 pixels a side."""
    image = np.full((300, 300), 235, np.uint8)
    cv2.circle(image, (150, 150), 130, 20, 4, cv2.LINE_AA)
    for angle, reach, width in zip(hand_angles(minutes), (70, 115), (9, 5), strict=True):
        end = (
            round(150 + reach * np.sin(np.radians(angle))),
            round(150 - reach * np.cos(np.radians(angle))),
        )
        cv2.line(image, (150, 150), end, 10, width, cv2.LINE_AA)
    return image


def test_classical_hand_finding_is_no_straw_man() -> None:
    times = range(7, 720, 31)
    found = ((t, hough_reading(drawn(t))) for t in times)
    assert (
        np.mean([minutes is not None and right_within(minutes, t) for t, minutes in found]) > 0.75
    )


def test_classical_hand_finding_sees_nothing_on_an_empty_picture() -> None:
    assert hough_reading(np.full((200, 200), 128, np.uint8)) is None


@pytest.mark.slow
def test_the_rivals_have_their_published_sizes() -> None:
    assert detector().count_params() == pytest.approx(3.2e6, rel=0.05)
    resnet = resnet50(1000)
    assert resnet.count_params() == pytest.approx(25.6e6, rel=0.01)
    assert multiply_adds(onnx_of(resnet)) == pytest.approx(
        4.1e9, rel=0.07
    )  # He et al., 2015: 3.8e9, of the variant without biases


def test_multiply_adds_are_counted_by_output_size() -> None:
    image = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Conv2D(5, 3, padding="same")(image)
    model = keras.Model(
        image, {"out": keras.layers.Dense(7, name="out")(keras.layers.Flatten()(x))}
    )
    data = onnx_of(model)
    onnx.checker.check_model(onnx.load_from_string(data))
    assert multiply_adds(data) == 8 * 8 * 5 * 3 * 3 * 3 + 8 * 8 * 5 * 7


def test_large_photos_are_few_under_many_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "DIFFERENT", 2)
    memory.write_photos(tmp_path, 5)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 5
    assert len({file.stat().st_ino for file in files}) == 2
    photo = load_photo(files[-1])
    assert photo.width * photo.height == 12_000_000


def test_session_settings_change_how_and_not_what_is_computed() -> None:
    entries = [load_manifest().models["default"]["pose"]]
    crop = np.random.default_rng(0).integers(0, 256, (1, 160, 160), dtype=np.uint8)
    found = {
        name: sessions(entries, 1, change)[0][0].run(["pose"], {"patch": crop})[0]
        for name, change in SETTINGS.items()
    }
    assert len(found) == len(SETTINGS) > 4
    for name, pose in found.items():
        np.testing.assert_allclose(pose, found["clockread's setting"], atol=1e-4, err_msg=name)


def test_decoding_counts_what_is_right_with_its_weights() -> None:
    dial = load_photo(EXAMPLES / "wall.jpg").pixels
    time = json.loads((EXAMPLES / "times.json").read_text())["wall.jpg"][0]["time"]
    x, y, w, h = (
        round(v) for v in json.loads((EXAMPLES / "times.json").read_text())["wall.jpg"][0]["box"]
    )
    hour, minute = (int(part) for part in time.split(":"))
    side = round(1.2 * max(w, h))
    left, top = x + w // 2 - side // 2, y + h // 2 - side // 2
    crop = cv2.resize(
        dial[top : top + side, left : left + side], (PATCH, PATCH), interpolation=cv2.INTER_AREA
    )
    seen, context = outputs_of(ClockReader("cpu"), [np.asarray(crop, np.uint8)] * 2)
    outputs = seen, context.twelve
    true = hour % 12 * 60 + minute
    assert right(*outputs, np.array([true, true + 9]), DecodingWeights()).tolist() == [True, False]
    blind = DecodingWeights(minute=0.0, hour=0.0)
    assert right(*outputs, np.array([true, true]), blind).tolist() != [True, True]


def _package(path: Path, codes: range, size: int = 64) -> Path:
    """A tarball with a black square for every code point, and a smaller file of the same name."""
    picture = np.zeros((size, size, 4), np.uint8)
    picture[16:48, 16:48, 3] = 255
    with tarfile.open(path, "w:gz") as archive:
        for folder, shown in (("64", picture), ("8", picture[::8, ::8])):
            for code in codes:
                data = cv2.imencode(".png", shown)[1].tobytes()
                member = tarfile.TarInfo(f"package/{folder}/{code:x}.png")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    return path


def test_clock_emoji_are_labeled_by_their_code_points(tmp_path: Path) -> None:
    assert [
        clock_text(emoji.minutes_of(code)) for code in (0x1F550, 0x1F55B, 0x1F55C, 0x1F567)
    ] == ["1:00", "12:00", "1:30", "12:30"]
    faces = emoji.clocks_in(_package(tmp_path / "a.tgz", range(0x1F54E, 0x1F56A)))
    assert list(faces) == list(range(0x1F550, 0x1F568))
    face = faces[0x1F550]
    assert face.shape == (emoji.PICTURE, emoji.PICTURE, 3)
    assert (face[0] == 255).all()
    assert (face[100:160, 100:160] == 0).all()
    with pytest.raises(typer.BadParameter, match="12 of the 24"):
        emoji.clocks_in(_package(tmp_path / "b.tgz", range(0x1F55C, 0x1F570)))


def test_thresholds_count_what_is_kept() -> None:
    score, clock = np.array([0.9, 0.6, 0.4]), np.array([True, False, True])
    assert precision_recall_f1(score, clock, 4, 0.0) == pytest.approx((2 / 3, 2 / 4, 4 / 7))
    assert precision_recall_f1(score, clock, 4, 0.5) == pytest.approx((1 / 2, 1 / 4, 2 / 6))
    assert precision_recall_f1(score, clock, 4, 0.95) == (0.0, 0.0, 0.0)
    plane = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    some = [
        Reading(0, 0.5, (0.0, 1.0), (0.0, 1.0), (0, 0, 9, 9), (0.0, 0.0), plane, 0.0, score)
        for score in (0.3, 0.7)
    ]
    np.testing.assert_allclose(best_scores([some, some[:1], []]), [0.7, 0.3, 0.0])


def test_readings_of_scenes_are_matched_with_their_clocks() -> None:
    boxes = np.full((2, 4, 4), np.nan, np.float32)
    boxes[0, :2] = [[20, 60, 40, 40], [280, 100, 60, 60]]
    images = np.zeros((2, 320, 320), np.uint8)
    shard = SceneShards(images, boxes, np.array([[0, 40, 320, 240], [0, 0, 320, 320]], np.int16))
    picture, truth = shard.picture(0)
    assert picture.shape == (240, 320)
    np.testing.assert_allclose(truth, [[20, 20, 40, 40], [280, 60, 40, 60]])

    def reading(box: tuple[float, float, float, float]) -> Reading:
        plane = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
        return Reading(0, 0.5, (0.0, 1.0), (0.0, 1.0), box, (0.0, 0.0), plane, 0.0, 0.5)

    class Fake:
        def stream(self, pictures: object) -> Iterator[PhotoResult]:
            for readings in (
                (reading((20, 20, 40, 40)), reading((22, 20, 40, 40))),
                (reading((100, 100, 50, 50)),),
            ):
                yield PhotoResult("", 320, 320, readings, None)

    readings, clock, clocks = in_scenes(Fake(), shard)
    assert (len(readings), clock.tolist(), clocks) == (3, [True, False, False], 2)


@pytest.mark.parametrize("pictures", [1, 1001])
def test_too_few_pictures_to_compare_the_memory_are_refused(pictures: int) -> None:
    with pytest.raises(SystemExit, match=f"--pictures {pictures}: use 0 or at least 1002"):
        tracks.main(pictures=pictures)


def test_too_few_photos_for_a_rate_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("psutil", reason="needs the extra load")
    pytest.importorskip("pyarrow", reason="needs the extra ray")
    from benchmarks import bulk_rate

    with pytest.raises(SystemExit, match="--count 128: use more than 128 for 8 threads"):
        bulk_rate.main(tmp_path, count=128, threads=8)
