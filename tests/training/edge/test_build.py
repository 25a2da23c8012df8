"""The one-file readers read as clockread does, whatever the photo."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import EXAMPLES, ROOT, TIMES, minutes_of, run_python
from PIL import Image

from clockread import ClockReader
from clockread.runtime.manifest import DEFAULT, QUANTIZED, SMALL, load_manifest

pytest.importorskip("onnx", reason="writing ONNX needs the train extra")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs an onnxruntime")

from training.edge import build as edge_build  # noqa: E402
from training.edge.build import EFFORTS, MODELS, put, serialized  # noqa: E402
from training.edge.parity import DIALS, Parity, ParityError, compare, edge_reader  # noqa: E402
from training.edge.reader import DIAL, OUTPUTS, PHOTO  # noqa: E402
from training.experiment import Settings  # noqa: E402

KINDS = (PHOTO, DIAL)


@cache
def data(model: str, kind: str) -> bytes:
    return serialized(load_manifest(), model, kind)


@cache
def session(model: str, kind: str) -> Any:
    return onnxruntime.InferenceSession(data(model, kind), providers=["CPUExecutionProvider"])


def outputs(pixels: np.ndarray, model: str = SMALL, kind: str = PHOTO) -> dict[str, np.ndarray]:
    names = [o.name for o in session(model, kind).get_outputs()]
    return dict(zip(names, session(model, kind).run(None, {kind: pixels}), strict=True))


def example(name: str) -> np.ndarray:
    return np.asarray(Image.open(EXAMPLES / name).convert("RGB"))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", TIMES)
def test_the_examples_are_read(name: str, model: str) -> None:
    read = outputs(example(name), model)
    times = sorted(minutes_of(clock["time"]) for clock in TIMES[name])
    assert read["minutes"].dtype == np.int32
    assert len(read["minutes"]) == len(times)
    apart = np.abs(np.sort(read["minutes"]) - times)
    assert apart.max() <= 1
    reader = ClockReader("cpu", model=model, effort=EFFORTS.get(model))
    for row, reading in enumerate(reader.read(example(name))):
        assert read["minutes"][row] == pytest.approx(reading.minutes, abs=1)
        assert read["dial_score"][row] == pytest.approx(reading.dial_score, abs=0.02)
        size = max(reading.box[2:])
        assert read["box"][row] == pytest.approx(reading.box, abs=0.03 * size)
        center = read["homography"][row, :2, 2]
        assert center == pytest.approx(reading.center, abs=0.02 * size)
        assert read["rotation"][row] == pytest.approx(reading.rotation, abs=2)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("model", MODELS)
def test_rendered_dials_are_read_as_by_clockread(model: str, kind: str) -> None:
    reader = ClockReader("cpu", model=model, effort=EFFORTS.get(model), threads=1)
    parity = compare(edge_reader(data(model, kind)), reader, kind, dials=20, scenes=5)
    assert parity.same_minute >= (0.9 if model == DEFAULT else 0.7)
    assert parity.right >= parity.clockread_right - 0.1
    assert abs(parity.readings - parity.clockread_readings) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("model", MODELS)
def test_many_rendered_dials_are_read_as_by_clockread(model: str, kind: str) -> None:
    reader = ClockReader("cpu", model=model, effort=EFFORTS.get(model), threads=1)
    dials = DIALS[model == DEFAULT] // 3  # of those that an export reads, which takes minutes
    parity = compare(edge_reader(data(model, kind)), reader, kind, dials)
    assert parity.problem(model) is None


@pytest.mark.parametrize("model", MODELS)
def test_a_photo_without_a_clock_gives_no_rows(model: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    for pixels in (np.zeros((480, 640, 3), np.uint8), noise, example("wall.jpg")[:60, :60]):
        for name, values in outputs(np.ascontiguousarray(pixels), model).items():
            assert values.shape == (0, *OUTPUTS[name][1][1:])


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 2), (2, 700), (17, 5000), (3000, 2), (319, 321), (1200, 1600)]
)
def test_any_size_is_read(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (*shape, 3), dtype=np.uint8)
    outputs(pixels)
    read = outputs(pixels, kind=DIAL)
    assert read["minutes"].shape == (1,)
    assert 0 <= read["minutes"][0] < 720
    assert 0 <= read["confidence"][0] <= 1


@pytest.mark.parametrize("grey", [0, 255])
def test_an_empty_dial_is_read_with_no_confidence(grey: int) -> None:
    pixels = np.full((100, 100, 3), grey, np.uint8)
    (reading,) = ClockReader("cpu", model=SMALL, effort=EFFORTS[SMALL]).read(pixels, cropped=True)
    read = outputs(pixels, kind=DIAL)
    assert reading.confidence < 0.3
    assert read["confidence"][0] == pytest.approx(reading.confidence, abs=0.1)


@pytest.mark.slow
def test_eight_thousand_pixels_per_side_take_less_than_a_gigabyte_more_than_the_photo(
    tmp_path: Path,
) -> None:
    file = tmp_path / "reader.onnx"
    file.write_bytes(data(QUANTIZED, PHOTO))
    code = f"""
import numpy, onnxruntime, resource
session = onnxruntime.InferenceSession({str(file)!r}, providers=["CPUExecutionProvider"])
photo = numpy.random.default_rng(0).integers(0, 255, (8000, 8000, 3), dtype=numpy.uint8)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
session.run(None, {{"photo": photo}})
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    done = run_python("-c", code)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 1000  # MB


def test_grey_rgb_and_rgba_give_the_same() -> None:
    photo = example("wall.jpg")
    grey = np.asarray(Image.fromarray(photo).convert("L"))[:, :, None]
    alpha = np.random.default_rng(0).integers(0, 255, (*photo.shape[:2], 1), dtype=np.uint8)
    of_rgb, of_rgba = outputs(photo), outputs(np.concatenate([photo, alpha], axis=2))
    of_grey, of_three = outputs(grey), outputs(np.repeat(grey, 3, axis=2))
    for other in (of_rgba, of_three, of_grey):
        assert other["minutes"] == pytest.approx(of_rgb["minutes"], abs=1)
        assert other["confidence"] == pytest.approx(of_rgb["confidence"], abs=0.02)


@pytest.mark.parametrize("model", MODELS)
def test_a_session_gives_the_same_again(model: str) -> None:
    first = outputs(example("two.jpg"), model)
    outputs(np.zeros((50, 70, 1), np.uint8), model)
    for name, values in outputs(example("two.jpg"), model).items():
        assert np.array_equal(values, first[name])


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_says_what_it_is(kind: str) -> None:
    told = session(SMALL, kind).get_modelmeta().custom_metadata_map
    manifest = load_manifest()
    assert told["model"] == SMALL
    networks = json.loads(told["networks_sha256"])
    assert networks["hands"] == manifest.entry("hands", SMALL).sha256
    assert set(networks) == {"pose", "hands", "context"} | ({"finder"} if kind == PHOTO else set())
    assert json.loads(told["thresholds"])["dial_score"] == 0.65
    names = {o.name for o in session(SMALL, kind).get_outputs()}
    assert names <= set(json.loads(told["outputs"]))


def test_building_is_repeatable() -> None:
    assert serialized(load_manifest(), SMALL, DIAL) == data(SMALL, DIAL)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("model", MODELS)
def test_onnxruntime_has_nothing_to_say_of_a_file(
    model: str, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    from onnxruntime import InferenceSession

    InferenceSession(data(model, kind), providers=["CPUExecutionProvider"])
    assert capfd.readouterr().err == ""


def test_small_is_small() -> None:
    assert len(data(SMALL, PHOTO)) <= 1_100_000


def folder_with_networks(folder: Path) -> Any:
    folders = pytest.importorskip("training.reader.export_folder", reason="needs the train extra")
    source = load_manifest().path
    for entry in load_manifest().models[SMALL].values():
        (folder / entry.path.name).write_bytes(entry.path.read_bytes())
    (folder / source.name).write_bytes(source.read_bytes())
    return folders.ExportFolder(folder)


def test_a_file_that_fails_parity_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = Parity(500, 0.9, 0.7, 0.8, 0.99, 0.001, 10, 10)
    monkeypatch.setattr(edge_build, "compare", lambda *_: bad)
    folder = folder_with_networks(tmp_path)
    with pytest.raises(ParityError, match=r"dial-small\.onnx is not written: .*70\.0%.*80\.0%"):
        put(folder, SMALL, DIAL)
    folder.save()
    assert not (tmp_path / "dial-small.onnx").exists()


def test_a_file_stands_in_the_manifest_and_in_the_model_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = Parity(500, 0.99, 0.8, 0.8, 0.999, 0.001, 0, 0)
    monkeypatch.setattr(edge_build, "compare", lambda *_: good)
    folder = folder_with_networks(tmp_path)
    entry = put(folder, SMALL, DIAL)
    folder.save()
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["edge"]["dial-small"] == entry
    assert (tmp_path / "dial-small.onnx").stat().st_size == entry["bytes"]
    assert "| `dial-small.onnx` |" in (tmp_path / "MODEL_CARD.md").read_text()
    assert load_manifest(tmp_path).models.keys() == load_manifest().models.keys()


@pytest.mark.slow
def test_the_smoke_profile_writes_files_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_with_networks(tmp_path)
    monkeypatch.setattr("training.reader.export_folder.export_folder", lambda _: folder)
    monkeypatch.setattr(edge_build, "MODELS", (SMALL,))
    metrics = edge_build.run(Settings(profile="smoke"))["metrics"]
    assert metrics["reader-small.onnx: bytes"] == (tmp_path / "reader-small.onnx").stat().st_size
    assert "## One file for other languages" in (tmp_path / "MODEL_CARD.md").read_text()


@pytest.mark.parametrize(
    ("parity", "model", "why"),
    [
        (Parity(500, 0.96, 0.8, 0.8, 0.999, 0.001, 0, 0), DEFAULT, "minute"),
        (Parity(500, 0.96, 0.8, 0.8, 0.999, 0.001, 0, 0), SMALL, None),
        (Parity(500, 0.99, 0.8, 0.8, 0.98, 0.001, 0, 0), DEFAULT, "IoU"),
        (Parity(500, 0.99, 0.8, 0.8, 0.999, 0.01, 0, 0), DEFAULT, "confidence"),
        (Parity(500, 0.99, 0.7, 0.8, 0.999, 0.01, 0, 0), QUANTIZED, "right"),
    ],
)
def test_what_a_file_is_refused_for(parity: Parity, model: str, why: str | None) -> None:
    problem = parity.problem(model)
    assert (problem is None) if why is None else (problem is not None and why in problem)


def test_the_shipped_files_are_made_of_the_shipped_networks() -> None:
    manifest = json.loads((ROOT / "exported" / "manifest.json").read_text())
    for entry in manifest.get("edge", {}).values():
        networks = manifest["models"][entry["model"]]
        assert {role: networks[role]["sha256"] for role in entry["networks"]} == entry["networks"]
        assert (ROOT / "exported" / entry["file"]).stat().st_size == entry["bytes"]
