"""The command line with a fake reader, so that neither models nor onnxruntime are needed."""

from __future__ import annotations

import functools
import io
import json
import os
import platform
import re
import shlex
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints

import cv2
import numpy as np
import pytest
from conftest import ROOT, Run, result_of, run_python
from conftest import save_png as save

from clockread import ClockReader, __version__, parallel
from clockread.cli import app as cli
from clockread.cli import bench, exits, info, inputs, predict, readers, sample_photos
from clockread.errors import (
    ClockreadError,
    ModelError,
    OutputError,
    ProviderError,
    RuntimeMissingError,
)
from clockread.images import Photo, load_color, load_photo
from clockread.options import VIDEO
from clockread.overlay.drawing import DIAL_COLOR
from clockread.reading import PhotoResult, Reading
from clockread.runtime import cpus
from clockread.runtime.gpu_options import GpuOptions
from clockread.runtime.manifest import Manifest, ModelEntry

KEYS = [
    "time", "hour", "minute", "confidence", "box", "center", "hour_sincos", "minute_sincos",
    "rotation", "homography", "dial_score", "second", "second_sincos", "second_presence",
    "disagreement", "consistent", "dial_hours", "mirrored",
]  # fmt: skip


def a_reading(photo: Photo, confidence: float = 0.9) -> Reading:
    """A reading whose minutes are the grey of the photo's middle, so that results differ."""
    w, h = photo.width, photo.height
    return Reading(
        minutes=int(photo.pixels[photo.pixels.shape[0] // 2, photo.pixels.shape[1] // 2]),
        confidence=confidence,
        hour_sincos=(0.0, 1.0),
        minute_sincos=(1.0, 0.0),
        box=(0.0, 0.0, float(w), float(h)),
        center=(w / 2, h / 2),
        homography=((h / 3, 0.0, w / 2), (0.0, h / 3, h / 2), (0.0, 0.0, 1.0)),
        rotation=0.0,
        dial_score=1.0,
        second_sincos=(1.0, 0.0),
        second_presence=1.0,
    )


def slow(*cases: object) -> list[Any]:
    """Cases that are unlikely to fail where the others do not; each starts processes."""
    return [
        pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.slow)
        for case in cases
    ]


class FakeNetwork:
    def __init__(self) -> None:
        self.recorded: list[Any] | None = None
        self.repeated: list[int] = []

    def __call__(self, count: int) -> None:
        if self.recorded is not None:
            self.recorded.append(partial(self.repeat, count))

    def repeat(self, count: int) -> None:
        self.repeated.append(count)
        time.sleep(0.001)


class FakeReader:
    """Finds one clock in every photo that is not black."""

    provider = "cpu"
    part_photos = parallel.PART_PHOTOS
    on_accelerator = False

    def __init__(self) -> None:
        self.options: dict[str, object] = {}
        self.calls: list[tuple[int, bool]] = []
        self.model = "fake"
        self.networks = {"pose": FakeNetwork()}

    def read_photos(
        self,
        photos: Sequence[Photo],
        *,
        cropped: bool = False,
        timings: dict[str, float] | None = None,
    ) -> list[PhotoResult]:
        self.calls.append((len(photos), cropped))
        self.networks["pose"](len(photos))
        if timings is not None:
            for stage in ("find", "pose", "unwrap", "read", "context", "choose"):
                timings[stage] = timings.get(stage, 0.0) + 0.001
        return [
            result_of(photo, a_reading(photo)) if photo.pixels.max() else result_of(photo)
            for photo in photos
        ]


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> FakeReader:
    fake = FakeReader()

    def make(provider: str, **options: object) -> FakeReader:
        fake.options = {"provider": provider, **options}
        return fake

    monkeypatch.setattr(readers, "make_reader", make)
    return fake


def paths_of(out: str) -> list[str]:
    return [json.loads(line)["path"] for line in out.splitlines()]


class TestPredict:
    def test_jsonl(self, tmp_path: Path, reader: FakeReader, run: Run) -> None:
        photo = save(tmp_path / "a.png", 129)
        code, out, err = run("predict", photo, "--format", "jsonl")
        assert (code, err) == (0, "")
        result = json.loads(out)
        assert list(result) == ["path", "width", "height", "readings", "error", "notes"]
        assert (result["path"], result["width"], result["height"], result["error"]) == (
            str(photo),
            60,
            40,
            None,
        )
        assert list(result["readings"][0]) == KEYS
        assert result["readings"][0]["time"] == "2:09"

    def test_seconds_are_asked_for(self, tmp_path: Path, reader: FakeReader, run: Run) -> None:
        path = save(tmp_path / "a.png", 129)
        assert run("predict", path, "--format", "csv")[1].splitlines()[1].split(",")[3] == "2:09"
        assert (
            run("predict", path, "--format", "csv", "--seconds")[1].splitlines()[1].split(",")[3]
            == "2:09:15"
        )

    def test_default_is_a_table(self, tmp_path: Path, reader: FakeReader, run: Run) -> None:
        code, out, _ = run("predict", save(tmp_path / "a.png", 129))
        assert code == 0
        assert "2:09" in out
        assert "a.png" in out

    def test_a_photo_without_a_clock_is_no_error(
        self, tmp_path: Path, reader: FakeReader, run: Run
    ) -> None:
        code, out, err = run("predict", save(tmp_path / "black.png", 0), "--format", "jsonl")
        assert (code, err) == (0, "")
        assert (json.loads(out)["readings"], json.loads(out)["error"]) == ([], None)

    def test_bad_photos_leave_the_others_readable_and_in_order(
        self, tmp_path: Path, reader: FakeReader, run: Run
    ) -> None:
        first, last = save(tmp_path / "1.png", 10), save(tmp_path / "9.png", 20)
        text = tmp_path / "text.png"
        text.write_text("no picture, only words")
        cut = tmp_path / "cut.png"
        cut.write_bytes(first.read_bytes()[:60])
        link = tmp_path / "link.png"
        link.symlink_to("gone.png")
        empty = tmp_path / "folder"
        empty.mkdir()
        given = [first, text, cut, tmp_path / "none.png", link, empty, last]
        code, out, err = run("predict", *given, "--format", "jsonl")
        results = [json.loads(line) for line in out.splitlines()]
        assert code == 1
        assert [result["path"] for result in results] == [str(path) for path in given]
        assert [result["error"] is None for result in results] == [
            True,
            False,
            False,
            False,
            False,
            False,
            True,
        ]
        assert [len(result["readings"]) for result in results] == [1, 0, 0, 0, 0, 0, 1]
        assert results[-1]["readings"][0]["time"] == "12:20"
        assert err == "clockread: 5 of 7 photos could not be processed\n"

    @pytest.mark.parametrize("output", ["table", "csv", "json"])
    def test_errors_show_in_every_format(
        self, output: str, tmp_path: Path, reader: FakeReader, run: Run
    ) -> None:
        code, out, _ = run("predict", tmp_path / "none.png", "--format", output)
        assert code == 1
        assert "no such file" in out

    def test_quiet(self, tmp_path: Path, reader: FakeReader, run: Run) -> None:
        code, out, err = run("predict", tmp_path / "none.png", "--quiet", "--format", "jsonl")
        assert (code, err) == (1, "")
        assert json.loads(out)["error"]

    def test_folders(self, tmp_path: Path, reader: FakeReader, run: Run) -> None:
        names = [save(tmp_path / f"{i}.png", i) for i in range(1, 8)]
        code, out, err = run("predict", tmp_path, "--format", "jsonl", "--cropped", "--threads", 1)
        assert (code, err) == (0, "")
        assert paths_of(out) == [str(name) for name in names]
        assert reader.calls == [(7, True)]

    def test_many_photos_have_a_worker_a_thread(
        self, tmp_path: Path, reader: FakeReader, run: Run
    ) -> None:
        names = [save(tmp_path / f"{i}.png", i) for i in range(1, 8)]
        code, out, err = run("predict", tmp_path, "--format", "jsonl", "--threads", 3)
        assert (code, err) == (0, "")
        assert paths_of(out) == [str(name) for name in names]
        assert reader.options["threads"] == 1
        assert len(reader.calls) >= 3

    def test_results_are_written_before_later_photos_are_read(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stream = io.StringIO()
        lines: list[int] = []

        class Watching(FakeReader):
            part_photos = 1

            def read_photos(self, photos: Sequence[Photo], **options: object) -> list[PhotoResult]:
                lines.append(stream.getvalue().count("\n"))
                return [result_of(photo) for photo in photos]

        names = [str(save(tmp_path / f"{i}.png", 9)) for i in range(3)]
        predict.predict_photos(inputs.find_photos(names, io.BytesIO()), Watching(), stream, "jsonl")
        assert lines == [0, 1, 2]

    def test_standard_input(self, tmp_path: Path, reader: FakeReader) -> None:
        data = save(tmp_path / "a.png", 129).read_bytes()
        stream = io.StringIO()
        failed = predict.predict_photos(
            inputs.find_photos(["-", "-"], io.BytesIO(data)), reader, stream, "jsonl", quiet=True
        )
        first, second = (json.loads(line) for line in stream.getvalue().splitlines())
        assert failed == 1
        assert (first["path"], first["width"], first["readings"][0]["time"]) == ("-", 60, "2:09")
        assert "read already" in second["error"]

    def test_empty_standard_input(self, reader: FakeReader) -> None:
        stream = io.StringIO()
        assert (
            predict.predict_photos(
                inputs.find_photos(["-"], io.BytesIO()), reader, stream, "jsonl", quiet=True
            )
            == 1
        )
        assert "empty" in json.loads(stream.getvalue())["error"]

    def test_options_reach_the_reader(self, tmp_path: Path, reader: FakeReader, run: Run) -> None:
        arguments = [
            "--provider",
            "cuda",
            "--batch-size",
            8,
            "--min-confidence",
            0.25,
            "--threads",
            3,
            "--model",
            "small",
        ]
        assert run("predict", save(tmp_path / "a.png", 5), *arguments)[0] == 0
        assert reader.options == {
            "provider": "cuda", "device": None, "model": "small", "batch_size": 8, "threads": 3,
            "min_confidence": 0.25, "max_clocks": None,
        }  # fmt: skip

    def test_not_enough_memory_is_an_error_of_one_photo(
        self, tmp_path: Path, reader: FakeReader, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise MemoryError

        monkeypatch.setattr(parallel, "load_photo", fail)
        code, out, _ = run("predict", save(tmp_path / "a.png", 5), "--format", "jsonl")
        assert code == 1
        assert "not enough memory" in json.loads(out)["error"]

    def test_warnings_are_one_line_and_quiet_silences_them(
        self, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:  # fmt: skip
        def make(provider: str, **options: object) -> FakeReader:
            warnings.warn("two runtimes\nare installed", UserWarning, stacklevel=2)
            return FakeReader()

        monkeypatch.setattr(readers, "make_reader", make)
        photo = save(tmp_path / "a.png", 5)
        assert run("predict", photo)[2] == "clockread: warning: two runtimes are installed\n"
        assert run("predict", photo, "--quiet")[2] == ""


def test_a_bug_shows_a_plain_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of rich would show the values of variables, such as a token."""
    monkeypatch.setattr(readers, "make_reader", lambda *_, **__: 1 // 0)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # Typer replaces it
    with pytest.raises(ZeroDivisionError) as caught:
        cli.main(["predict", str(save(tmp_path / "a.png", 5))])
    sys.excepthook(caught.type, caught.value, caught.tb)
    assert capsys.readouterr().err.startswith("Traceback (most recent call last):\n")


class TestMakeReader:
    """The real `readers.make_reader`, with a ClockReader that only records its arguments."""

    @pytest.fixture
    def made(self, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
        made: list[dict[str, object]] = []

        class Noting(FakeReader):
            def __init__(self, provider: str = "auto", **options: object) -> None:
                super().__init__()
                made.append({"provider": provider, **options})

        monkeypatch.setattr("clockread.reader.ClockReader", Noting)
        return made

    def test_defaults(
        self,
        tmp_path: Path,
        made: list[dict[str, object]],
        run: Run,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(cpus, "usable_threads", lambda: 3)
        assert run("predict", save(tmp_path / "a.png", 5))[0] == 0
        assert made == [
            {
                "provider": "auto",
                "model": "auto",
                "batch_size": 32,
                "threads": 3,
                "min_confidence": 0.0,
                "max_clocks": 1000,
            }
        ]

    @pytest.mark.parametrize(
        ("arguments", "given"),
        [
            (["--provider", "openvino"], {"provider": "openvino"}),
            (["--model", "small"], {"model": "small"}),
            (["--batch-size", 7], {"batch_size": 7}),
            (["--threads", 2], {"threads": 2}),
            (["--min-confidence", 0.25], {"min_confidence": 0.25}),
            (["--max-clocks", 9], {"max_clocks": 9}),
        ],
    )
    def test_each_option(
        self,
        arguments: list[object],
        given: dict[str, object],
        tmp_path: Path,
        made: list[dict[str, object]],
        run: Run,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(cpus, "usable_threads", lambda: 3)
        assert run("predict", save(tmp_path / "a.png", 5), *arguments)[0] == 0
        usual = {
            "provider": "auto",
            "model": "auto",
            "batch_size": 32,
            "threads": 3,
            "min_confidence": 0.0,
            "max_clocks": 1000,
        }
        assert made == [{**usual, **given}]

    @pytest.mark.parametrize(
        ("command", "given"),
        [
            ("predict", {"batch_size": 32, "min_confidence": 0.0}),
            ("bench", {"batch_size": 1}),  # latencies are measured first
            ("offset", {}),
            ("watch", {}),
            ("video", {"threads": 1, "effort": VIDEO}),  # its frames are read by workers
        ],
    )
    def test_every_command_passes_the_options_on(
        self,
        command: str,
        given: dict[str, object],
        tmp_path: Path,
        run: Run,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        made: list[dict[str, object]] = []

        def refuse(provider: str, **options: object) -> FakeReader:
            made.append({"provider": provider, **options})
            raise ProviderError("enough was seen")

        monkeypatch.setattr("clockread.reader.ClockReader", refuse)
        photo = save(tmp_path / "a.png", 5)
        what = ["--repeat", 1] if command == "bench" else [photo]
        options = ["--provider", "cuda", "--device", 4, "--model", "small", "--threads", 2]
        assert run(command, *what, *options)[0] == 2
        usual = {"provider": "cuda", "model": "small", "threads": 2, "max_clocks": 1000}
        assert made == [{**usual, "gpu": GpuOptions(device_id=4), **given}]

    def test_the_limits_of_confidence_are_allowed(
        self, tmp_path: Path, made: list[dict[str, object]], run: Run
    ) -> None:
        for limit in (0.0, 1.0):
            assert run("predict", save(tmp_path / "a.png", 5), "--min-confidence", limit)[0] == 0
        assert [options["min_confidence"] for options in made] == [0.0, 1.0]

    def test_bench_reads_everything(self, made: list[dict[str, object]]) -> None:
        readers.make_reader("cpu", model="int8", batch_size=4, threads=None)
        assert made == [
            {
                "provider": "cpu",
                "model": "int8",
                "batch_size": 4,
                "threads": None,
                "max_clocks": 1000,
            }
        ]

    def test_options_of_reading_reach_predict(
        self, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given: list[dict[str, object]] = []

        def noting(
            photos: inputs.Photos, reader: object, stream: object, output: str, **options: object
        ) -> int:
            given.append({"photos": len(photos.entries), "output": output, **options})
            return 0

        monkeypatch.setattr(predict, "predict_photos", noting)
        monkeypatch.setattr(readers, "make_reader", lambda *_, **__: FakeReader())
        monkeypatch.setattr(cpus, "usable_threads", lambda: 3)
        photo = save(tmp_path / "a.png", 5)
        assert run("predict", photo)[0] == 0
        usual = {
            "photos": 1, "output": "table", "cropped": False, "overlay_folder": None,
            "quiet": False, "seconds": False, "workers": 1, "batch_size": 32,
            "lenient": False, "all_frames": False,
        }  # fmt: skip
        assert given == [usual]
        options = [
            "--cropped",
            "--save-overlay",
            tmp_path,
            "-q",
            "--seconds",
            "--batch-size",
            3,
            "--lenient",
            "--frames",
            "all",
        ]
        assert run("predict", photo, *options, "--format", "csv")[0] == 0
        assert given[1] == {
            "photos": 1, "output": "csv", "cropped": True, "overlay_folder": tmp_path,
            "quiet": True, "seconds": True, "workers": 3, "batch_size": 3,
            "lenient": True, "all_frames": True,
        }  # fmt: skip


class TestOverlays:
    def test_equal_stems_do_not_overwrite_each_other(
        self, tmp_path: Path, reader: FakeReader, run: Run
    ) -> None:
        photos = [save(tmp_path / folder / "a.png", 99) for folder in ("x", "y", "z")]
        out = tmp_path / "made" / "overlays"
        assert run("predict", *photos, "--save-overlay", out, "--quiet")[0] == 0
        assert sorted(path.name for path in out.iterdir()) == [
            "a-2.overlay.jpg",
            "a-3.overlay.jpg",
            "a.overlay.jpg",
        ]
        drawn = load_color(out / "a.overlay.jpg")
        assert drawn.shape == (40, 60, 3)
        assert np.ptp(drawn) > 100

    def test_a_second_run_replaces_its_overlays(
        self, tmp_path: Path, reader: FakeReader, run: Run
    ) -> None:
        photo = save(tmp_path / "a.png", 99)
        for _ in range(2):
            assert run("predict", photo, "--save-overlay", tmp_path / "out")[0] == 0
        assert len(list((tmp_path / "out").iterdir())) == 1

    def test_an_input_photo_is_never_overwritten(
        self, tmp_path: Path, reader: FakeReader, run: Run
    ) -> None:
        photos = [save(tmp_path / "a.png", 99), save(tmp_path / "a.overlay.jpg", 50)]
        before = photos[1].read_bytes()
        assert run("predict", *photos, "--save-overlay", tmp_path)[0] == 0
        assert photos[1].read_bytes() == before
        assert (tmp_path / "a-2.overlay.jpg").exists()

    def test_a_folder_that_cannot_be_made_is_wrong_usage(
        self, tmp_path: Path, reader: FakeReader, run: Run
    ) -> None:
        photo = save(tmp_path / "a.png", 99)
        code, out, err = run("predict", photo, "--save-overlay", photo)
        assert (code, out) == (2, "")
        assert err.startswith("clockread: ")
        assert err.count("\n") == 1

    def test_an_overlay_that_cannot_be_saved_keeps_the_reading(
        self, tmp_path: Path, reader: FakeReader, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "write_bytes", full)
        photo = tmp_path / "a.png"
        cv2.imwrite(str(photo), np.full((40, 60), 129, np.uint8))
        code, out, _ = run(
            "predict", photo, "--save-overlay", tmp_path / "out", "--format", "jsonl"
        )
        assert code == 1
        assert "No space left" in json.loads(out)["error"]
        assert json.loads(out)["readings"][0]["time"] == "2:09"

    def test_a_photo_too_long_for_a_jpeg_does_not_end_the_batch(
        self, tmp_path: Path, reader: FakeReader, run: Run
    ) -> None:
        photos = [save(tmp_path / "a.png", 99, (20, 70_000)), save(tmp_path / "b.png", 99)]
        code, out, _ = run(
            "predict", *photos, "--save-overlay", tmp_path / "out", "--format", "jsonl"
        )
        long, usual = map(json.loads, out.splitlines())
        assert code == 1
        assert long["error"].startswith(f"{photos[0]}: its overlay would be ")
        assert long["readings"]
        assert usual["error"] is None
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.overlay.jpg"]

    def test_of_a_reduced_photo(self, tmp_path: Path, reader: FakeReader, run: Run) -> None:
        photo = save(tmp_path / "wide.png", 99, (200, 5000))
        assert run("predict", photo, "--save-overlay", tmp_path / "out")[0] == 0
        drawn = load_color(tmp_path / "out" / "wide.overlay.jpg")
        assert drawn.shape == (100, 2500, 3)
        # The fake's dial is in the middle, with a radius of a third of the height.
        green = (np.abs(drawn.astype(int) - DIAL_COLOR).max(axis=2) < 60).nonzero()
        assert [green[1].min(), green[1].max()] == pytest.approx([1250 - 33, 1250 + 33], abs=3)
        assert green[0].max() == pytest.approx(50 + 33, abs=3)

    def test_a_photo_that_cannot_be_decoded_in_color_is_the_error_of_one(
        self, tmp_path: Path, reader: FakeReader, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        photos = [save(tmp_path / "a.png", 129), save(tmp_path / "b.png", 130)]
        decode = Photo.in_color
        monkeypatch.setattr(
            Photo, "in_color", lambda photo: None if photo.name.endswith("a.png") else decode(photo)
        )
        code, out, _ = run(
            "predict", *photos, "--save-overlay", tmp_path / "out", "--format", "jsonl"
        )
        first, second = (json.loads(line) for line in out.splitlines())
        assert code == 1
        assert (
            first["error"]
            == f"{photos[0]}: it cannot be decoded again for its overlay; was it moved or changed?"
        )
        assert first["readings"][0]["time"] == "2:09"
        assert second["error"] is None
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.overlay.jpg"]


def float_options() -> list[tuple[str, str]]:
    """Each option that takes a float, after its command."""
    commands = [one.callback for one in cli.app.registered_commands if one.callback]
    return [
        (command.__name__, f"--{name.replace('_', '-')}")
        for command in commands
        for name, hint in get_type_hints(command).items()
        if hint in (float, float | None)
    ]


class TestUsage:
    @pytest.mark.parametrize(
        "arguments",
        [
            ["predict"],
            ["predict", "a.png", "--format", "xml"],
            ["predict", "a.png", "--provider", "tpu"],
            ["predict", "a.png", "--batch-size", "0"],
            ["predict", "a.png", "--threads", "0"],
            ["predict", "a.png", "--min-confidence", "1.5"],
            ["predict", "a.png", "--min-confidence", "nan"],
            ["predict", "a.png", "--nonsense"],
            ["bench", "--batch-size", "1,x"],
            ["bench", "--batch-size", "0"],
            ["bench", "--repeat", "0"],
            ["sing"],
            ["photo.jpg"],
            ["--format", "json", "photo.jpg"],
            [],
        ],
    )
    def test_wrong_usage_is_2(self, arguments: list[str], reader: FakeReader, run: Run) -> None:
        code, _, err = run(*arguments)
        assert code == 2
        assert "Usage:" in err or arguments == []
        assert reader.calls == []

    @pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
    @pytest.mark.parametrize(("command", "option"), [*float_options(), ("video", "--rate")])
    def test_numbers_are_finite(self, command: str, option: str, value: str, run: Run) -> None:
        arguments = {"serve": [], "bulk": ["none", "none"]}.get(command, ["none"])
        code, _, err = run(command, *arguments, f"{option}={value}")
        assert code == 2
        assert f"Invalid value for '{option}'" in err

    @pytest.mark.parametrize(
        ("arguments", "meant"),
        [
            (["photo.jpg"], "clockread predict photo.jpg"),
            (["my photo.HEIC", "--seconds"], "clockread predict 'my photo.HEIC'"),
            (["photos/"], "clockread predict photos/"),
            (["*.jpg"], "clockread predict '*.jpg'"),
            (["-"], "clockread predict -"),
            (["two\nlines.jpg"], "clockread predict 'two\\nlines.jpg'"),
            (["--format", "json", "photo.jpg"], "clockread predict … --format"),
            (["--threads=2", "predict", "photo.jpg"], "clockread predict … --threads"),
            (["--repeat", "2"], "clockread bench … --repeat"),
            (["predcit", "photo.jpg"], "'predict'"),
            (["predict", "--fromat", "json", "photo.jpg"], "--format"),
        ],
    )
    def test_what_was_meant_is_said(
        self, arguments: list[str], meant: str, reader: FakeReader, run: Run
    ) -> None:
        code, out, err = run(*arguments)
        assert (code, out) == (2, "")
        assert meant in err.splitlines()[-1]

    def test_usage_of_options_without_values(self, run: Run) -> None:
        assert run("--version") == (0, f"clockread {__version__}\n", "")
        project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        assert f'\nversion = "{__version__}"\n' in project
        assert run("predict", "-h")[0] == 0

    def test_an_interrupt_anywhere_is_one_line(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(cli, "app", interrupt)
        assert run("predict") == (130, "", "clockread: interrupted\n")

    def test_a_folder_without_dots_is_a_path_as_well(
        self, tmp_path: Path, reader: FakeReader, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "photos").mkdir()
        monkeypatch.chdir(tmp_path)
        assert "clockread predict photos" in run("photos")[2]

    def test_threads_beyond_any_use_are_not_started(
        self, tmp_path: Path, reader: FakeReader, run: Run
    ) -> None:
        code, _, err = run(
            "predict", save(tmp_path / "a.png", 5), "--threads", 100_000, "--format", "csv"
        )
        limit = cpus.THREADS_PER_CPU * cpus.usable_threads()
        assert (code, reader.options["threads"]) == (0, limit)
        assert (
            err == f"clockread: warning: {limit} threads run instead of 100000: 4 per usable CPU\n"
        )

    @pytest.mark.parametrize(
        ("error", "line"),
        [
            (MemoryError(), "not enough memory"),
            (RecursionError("maximum recursion depth exceeded"), "nested too deeply"),
            (RuntimeError("can't start new thread"), "no more threads"),
        ],
    )
    def test_the_limits_of_the_machine_are_one_line(
        self, error: Exception, line: str, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def make(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr(readers, "make_reader", make)
        code, _, err = run("predict", save(tmp_path / "a.png", 5))
        assert (code, err.count("\n")) == (1, 1)
        assert err.startswith("clockread: ")
        assert line in err

    @pytest.mark.parametrize("command", [["predict", "a.png"], ["bench"]])
    @pytest.mark.parametrize(
        "error", [ProviderError, ModelError, RuntimeMissingError, ClockreadError]
    )
    def test_expected_errors_are_one_line_and_2(
        self,
        error: type[ClockreadError],
        command: list[str],
        run: Run,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def make(*_: object, **__: object) -> None:
            raise error("no CUDA here;\nuse --provider cpu")

        monkeypatch.setattr(readers, "make_reader", make)
        assert run(*command) == (2, "", "clockread: no CUDA here; use --provider cpu\n")

    def test_output_that_cannot_be_written_is_1(
        self, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def make(*_: object, **__: object) -> None:
            raise OutputError("out: cannot be written; check the space")

        monkeypatch.setattr(readers, "make_reader", make)
        photo = save(tmp_path / "a.png", 5)
        assert run("predict", photo) == (
            1,
            "",
            "clockread: out: cannot be written; check the space\n",
        )

    def test_a_broken_model_while_reading_is_2(
        self, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Broken(FakeReader):
            def read_photos(self, *_: object, **__: object) -> list[PhotoResult]:
                raise ModelError("read.onnx: damaged; reinstall clockread")

        monkeypatch.setattr(readers, "make_reader", lambda *_, **__: Broken())
        code, out, err = run("predict", save(tmp_path / "a.png", 5), "--format", "json")
        assert (code, json.loads(out)) == (2, [])
        assert err == "clockread: read.onnx: damaged; reinstall clockread\n"

    def test_version_and_help_import_nothing_heavy(self) -> None:
        code = (
            "import sys; from clockread.cli import app as cli\n"
            "for arguments in (['--version'], ['--help'], ['predict', '--help']):\n"
            "    try: cli.main(arguments)\n"
            "    except SystemExit as end: assert not end.code, end.code\n"
            "heavy = {'cv2', 'numpy', 'onnxruntime', 'tensorflow', 'keras', 'rich.console'}\n"
            "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
        )
        done = run_python("-c", code)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("clockread")
        assert "predict" in done.stdout


# Runs the real main() in a new process, from the null device or a closed descriptor on. The fake
# finds no clock, slowly if SLOW is set. Signals are handled as in a terminal, even if the tests run
# in the background, where Ctrl-C is ignored.
PROGRAM = """
import os, signal, sys, time
for name in ("SIGINT", "SIGTERM", "SIGHUP"):
    ignored = name in os.environ.get("IGNORED", "")
    signal.signal(getattr(signal, name), signal.SIG_IGN if ignored else signal.SIG_DFL)
from clockread.__main__ import main
def use_the_fake():
    from clockread.cli import app as cli, readers
    from clockread.reading import PhotoResult
    class Fake:
        part_photos = 1
        def read_photos(self, photos, *, cropped=False, timings=None):
            open(os.environ.get("STARTED", os.devnull), "w").close()
            time.sleep(float(os.environ.get("SLOW", "0")))
            return [PhotoResult(p.name, p.width, p.height, (), None, p.scale) for p in photos]
    readers.make_reader = lambda *_, **__: Fake()
    return cli
from clockread import streams
prepared = streams.prepare
streams.prepare = lambda: (prepared(), use_the_fake())
main()
"""


def wait_for(path: Path, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.02)


NAMES = {
    "SIGINT": (130, b"interrupted"),
    "SIGTERM": (143, b"terminated"),
    "SIGHUP": (129, b"hung up"),
}


def shell(redirections: str, *arguments: object) -> subprocess.CompletedProcess[bytes]:
    """Run the program from a shell, which can close descriptors."""
    command = shlex.join(
        [sys.executable, "-c", PROGRAM, *(str(argument) for argument in arguments)]
    )
    return subprocess.run(
        ["sh", "-c", f"{command} {redirections}"],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=60,
    )


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("streams") / "a.png", 1)


@pytest.fixture(scope="module")
def predict_with(photo: Path) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Read a photo and a missing one, with the same redirections once."""

    @functools.cache
    def run(redirections: str, output: str) -> subprocess.CompletedProcess[bytes]:
        missing = photo.with_name("none.png")
        return shell(redirections, "predict", photo, missing, "--format", output)

    return run


@pytest.mark.skipif(os.name == "nt", reason="signals and pipes of another kind")
class TestProcess:
    def start(self, *arguments: object, **environment: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *(str(argument) for argument in arguments)],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def test_standard_input_through_a_pipe(self, tmp_path: Path) -> None:
        data = save(tmp_path / "a.png", 129).read_bytes()
        process = self.start("predict", "-", "--format", "jsonl")
        out, err = process.communicate(data, timeout=60)
        assert (process.returncode, err) == (0, b"")
        assert (json.loads(out)["path"], json.loads(out)["width"]) == ("-", 60)

    @pytest.mark.parametrize("output", ["jsonl", *slow("table", "json", "csv")])
    def test_a_closed_pipe_is_quiet(self, output: str, tmp_path: Path) -> None:
        for i in range(5):
            save(tmp_path / f"{i}.png", 1)
        process = self.start("predict", tmp_path, "--format", output)
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == exits.EXIT_BROKEN_PIPE

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
    def test_a_full_disk_is_one_line(self, tmp_path: Path) -> None:
        photo = save(tmp_path / "a.png", 1)
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run(
                [sys.executable, "-c", PROGRAM, "predict", str(photo)],
                cwd=ROOT,
                stdout=full,
                stderr=subprocess.PIPE,
                check=False,
                timeout=60,
            )
        assert done.returncode == 1
        assert done.stderr.startswith(b"clockread: cannot write")
        assert done.stderr.count(b"\n") == 1

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
    @pytest.mark.parametrize(
        "arguments", [["--version"], *slow(["--help"], ["predict", "--help"], ["info"])]
    )
    def test_nothing_else_fails_on_a_full_disk(self, arguments: list[str]) -> None:
        done = shell(">/dev/full", *arguments)
        assert done.returncode == 1
        assert (
            done.stderr
            == b"clockread: cannot write the results: no space left on device; free some\n"
        )

    # Each stream alone, and all of them: descriptors are taken one by one.
    @pytest.mark.parametrize(
        ("closed", "output"),
        [("<&-", "table"), (">&-", "json"), ("2>&-", "table"), ("<&- >&- 2>&-", "json")]
        + slow(("<&- >&-", "table"), ("<&- 2>&-", "json"), (">&- 2>&-", "table")),
    )
    def test_closed_streams(
        self,
        closed: str,
        output: str,
        photo: Path,
        predict_with: Callable[..., subprocess.CompletedProcess[bytes]],
    ) -> None:
        before = photo.read_bytes()
        done, usual = predict_with(closed, output), predict_with("", output)
        assert usual.returncode == done.returncode == 1
        seconds = re.compile(rb"[\d.]+ s$", re.MULTILINE)  # of the summary
        assert seconds.sub(b"", done.stdout) == (
            b"" if ">&-" in closed.replace("2>&-", "") else seconds.sub(b"", usual.stdout)
        )
        assert done.stderr == (b"" if "2>&-" in closed else usual.stderr)
        assert photo.read_bytes() == before, (
            "results or messages were written into a photo that took the number of a closed stream"
        )

    def test_standard_input_that_is_closed_is_the_error_of_one_entry(self, tmp_path: Path) -> None:
        done = shell("<&-", "predict", "-", save(tmp_path / "a.png", 1), "--format", "json")
        assert done.returncode == 1
        assert [bool(result["error"]) for result in json.loads(done.stdout)] == [True, False]

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
    @pytest.mark.slow
    def test_messages_that_nobody_can_receive_change_nothing(self, tmp_path: Path) -> None:
        arguments = [
            "predict",
            save(tmp_path / "a.png", 1),
            "--threads",
            100_000,
            "--format",
            "csv",
        ]
        done, usual = shell("2>/dev/full", *arguments), shell("", *arguments)
        assert usual.stderr
        assert (done.returncode, done.stdout) == (0, usual.stdout)

    # Signals and formats are independent: each of them once, and JSON, which must be closed, with a
    # signal that comes twice.
    @pytest.mark.parametrize(
        ("name", "times", "output"),
        [("SIGINT", 1, "jsonl"), ("SIGTERM", 2, "json")]
        + slow(
            ("SIGHUP", 1, "table"),
            ("SIGTERM", 1, "csv"),
            ("SIGHUP", 2, "json"),
            ("SIGINT", 1, "json"),
            ("SIGTERM", 2, "table"),
        ),
    )
    def test_a_signal_keeps_what_was_read(
        self, name: str, output: str, times: int, tmp_path: Path
    ) -> None:
        photos = [save(tmp_path / f"{i}.png", 1) for i in range(50)]
        process = self.start(
            "predict",
            *photos,
            "--format",
            output,
            "--threads",
            1,
            SLOW="0.2",
            STARTED=str(tmp_path / "started"),
        )
        assert process.stdout is not None
        assert process.stderr is not None
        first = b"".join(
            process.stdout.readline() for _ in range({"jsonl": 1, "csv": 2}.get(output, 0))
        )
        wait_for(tmp_path / "started")
        time.sleep(1)
        for _ in range(times):  # twice at once, as `timeout` and a terminal that is closed do
            process.send_signal(getattr(signal, name))
        out, err = process.stdout.read(), process.stderr.read()
        code, word = NAMES[name]
        assert process.wait(timeout=60) == code
        assert err == b"clockread: " + word + b"\n"
        text = (first + out).decode()
        if output == "json":
            assert 1 <= len(json.loads(text)) < 50
        assert 1 <= text.count(str(tmp_path)) < 50

    @pytest.mark.slow
    def test_a_signal_while_standard_output_is_full_leaves_a_whole_document(
        self, tmp_path: Path
    ) -> None:
        photos = [
            save(tmp_path / f"{'x' * 200}{i}.png", 1) for i in range(400)
        ]  # more text than a pipe holds
        process = self.start(
            "predict",
            *photos,
            "--format",
            "json",
            "--threads",
            1,
            STARTED=str(tmp_path / "started"),
        )
        wait_for(tmp_path / "started")
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 143
        assert 1 <= len(json.loads(out)) < 400

    def test_who_insists_need_not_wait(self, tmp_path: Path) -> None:
        photos = [save(tmp_path / f"{i}.png", 1) for i in range(4)]
        process = self.start(
            "predict",
            *photos,
            "--format",
            "jsonl",
            "--threads",
            2,
            SLOW="60",
            STARTED=str(tmp_path / "started"),
        )
        wait_for(tmp_path / "started")
        process.send_signal(signal.SIGTERM)
        time.sleep(1.2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == -signal.SIGTERM

    def test_signals_that_are_to_be_ignored_stay_so(self, tmp_path: Path) -> None:
        photos = [save(tmp_path / f"{i}.png", 1) for i in range(3)]
        process = self.start(
            "predict",
            *photos,
            "--format",
            "jsonl",
            "--threads",
            1,
            SLOW="0.3",
            IGNORED="SIGHUP SIGINT",
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, b"")
        assert len(paths_of((first + out).decode())) == 3

    def test_a_signal_while_modules_are_imported_is_one_line(self, tmp_path: Path) -> None:
        # As an extension module does with what a handler raises.
        fails = "except BaseException as error:\n    raise ImportError(error)\n"
        waits = "import time\ntry:\n    open('started', 'w').close(); time.sleep(1)\n"
        (tmp_path / "cv2.py").write_text(f"{waits}{fails}resize = 0\n")
        command = [sys.executable, "-m", "clockread", "predict", "a.png"]
        environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE)
        wait_for(tmp_path / "started")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (143, b"clockread: terminated\n")

    def test_numerical_libraries_are_told_to_start_no_threads_and_print_nothing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
        code = (
            "import os\nfrom clockread.__main__ import main\ntry: main()\nexcept SystemExit: pass\n"
            "print(os.environ['OPENBLAS_NUM_THREADS'], os.environ['OPENCV_LOG_LEVEL'])"
        )
        done = run_python("-c", code, "--version", OPENCV_LOG_LEVEL="ERROR")
        assert done.stdout.splitlines()[-1] == "1 ERROR", "a value that is set before stays"

    @pytest.mark.parametrize("output", ["table", *slow("csv")])
    def test_names_outside_of_the_encoding_are_escaped(self, output: str, tmp_path: Path) -> None:
        photos = [save(tmp_path / "caf\u00e9\u2603.png", 1), tmp_path / "n\u00e9ant.png"]
        ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
        done = self.start("predict", *photos, "--format", output, **ascii_only)
        out, err = done.communicate(timeout=60)
        assert done.returncode == 1, err
        assert b"caf\\xe9\\u2603.png" in out
        assert b"n\\xe9ant.png" in out
        assert err.isascii()

    def test_python_m(self) -> None:
        done = run_python("-m", "clockread", "sing")
        assert done.returncode == 2
        assert done.stderr.startswith("Usage: clockread ")

    @pytest.mark.slow
    def test_completion(self, tmp_path: Path) -> None:
        def completed(*words: str) -> list[str]:
            asked = {
                "_CLOCKREAD_COMPLETE": "complete_bash",
                "COMP_WORDS": " ".join(["clockread", *words]),
                "COMP_CWORD": str(len(words)),
            }
            out, _ = self.start(**asked).communicate(timeout=60)
            return out.decode().split()

        assert completed("pre") == ["predict"]
        assert completed("predict", "--form") == ["--format"]
        assert completed("predict", "--format", "js") == ["jsonl", "json"]
        assert completed("photo.jpg", "--th") == []
        script, _ = self.start(
            "--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1"
        ).communicate(timeout=60)
        assert b"_CLOCKREAD_COMPLETE=complete_bash" in script

    @pytest.mark.slow
    def test_no_progress_bar_without_a_terminal(self, tmp_path: Path) -> None:
        process = self.start("predict", *[save(tmp_path / f"{i}.png", 1) for i in range(3)])
        _, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, b"")


class TestEndings:
    """Where a process of its own is not needed: what the command does when writing fails."""

    @pytest.mark.parametrize(
        ("error", "code", "message"),
        [
            (BrokenPipeError(), 141, ""),
            (
                OSError(28, "No space left on device"),
                1,
                "clockread: cannot write the results: no space left on device; free some\n",
            ),
            (KeyboardInterrupt(), 130, "clockread: interrupted\n"),
            (
                ImportError("no libz", name="zlib"),
                2,
                "clockread: zlib cannot be imported (no libz); install clockread again\n",
            ),
        ],
    )
    def test_errors_while_writing(
        self,
        error: BaseException,
        code: int,
        message: str,
        tmp_path: Path,
        reader: FakeReader,
        run: Run,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def fail(*_: object, **__: object) -> int:
            raise error

        monkeypatch.setattr(predict, "predict_photos", fail)
        monkeypatch.setattr(
            exits, "abandon", lambda _: None
        )  # it would close the descriptor that pytest uses
        found, _, err = run("predict", save(tmp_path / "a.png", 5))
        assert (found, err) == (code, message)

    def test_other_runtime_errors_are_raised(
        self, tmp_path: Path, reader: FakeReader, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> int:
            raise RuntimeError("a fault of the program")

        monkeypatch.setattr(predict, "predict_photos", fail)
        with pytest.raises(RuntimeError, match="a fault"):
            cli.main(["predict", str(save(tmp_path / "a.png", 5))])


class TestBench:
    def test_generated_photos_are_deterministic_and_differ(self) -> None:
        photos = sample_photos.generated_photos(3)
        assert photos == sample_photos.generated_photos(3)
        assert len(set(photos)) == 3
        assert load_color(photos[0]).shape == (480, 640, 3)

    def test_generated_photos_hold_dials_that_are_read(self, clock_reader: ClockReader) -> None:
        for photo in sample_photos.generated_photos(2):
            assert len(clock_reader.read(photo)) == sample_photos.GENERATED_DIALS
            assert (load_photo(photo).pixels > 235).mean() > 0.05  # their light faces

    @pytest.fixture(autouse=True)
    def _no_processes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            bench, "STARTS", 1
        )  # they would use the real reader; one shows that it works
        monkeypatch.setattr(bench, "MIN_LATENCIES", 10)
        monkeypatch.setattr(bench, "MIN_BULK", 40)  # of three photos: 42, in three parts

    def test_json(self, tmp_path: Path, reader: FakeReader, run: Run) -> None:
        for i in range(3):
            save(tmp_path / f"{i}.png", 9)
        code, out, err = run(
            "bench",
            "--photos",
            tmp_path,
            "--batch-size",
            "1,8",
            "--repeat",
            "2",
            "--threads",
            "1",
            "--format",
            "json",
            "--provider",
            "cpu",
        )
        assert (code, err) == (0, "")
        report = json.loads(out)
        assert (report["provider"], report["photos"], report["repeats"], report["workers"]) == (
            "cpu",
            3,
            2,
            1,
        )
        assert [batch["batch_size"] for batch in report["batches"]] == [1, 8]
        first = report["batches"][0]
        stages = {stage["stage"]: stage["milliseconds"] for stage in first["stages"]}
        assert list(stages) == [
            "decode",
            "find",
            "pose",
            "unwrap",
            "read",
            "context",
            "choose",
            "decode again",
        ]
        assert stages["find"]["median"] == pytest.approx(1 / 3)
        for spread in (
            stages["decode"],
            first["photos_per_second"],
            first["decoding_only"],
            first["networks_only"],
        ):
            assert 0 < spread["lowest"] <= spread["median"] <= spread["highest"]
        assert first["dials"] == 3
        assert 0 < first["of_slowest_stage"] < first["of_shared_cores"]
        assert (first["one_worker"], first["of_one_worker"]) == (None, None), (
            "one thread has no other to be compared with"
        )
        assert list(report["latency_ms"]) == ["p50", "p90", "p99"]
        assert report["latency_photos"] == 12
        assert report["latency_ms"]["p50"] <= report["latency_ms"]["p99"]
        assert report["start_seconds"]["lowest"] > 0.05
        if sys.platform == "win32":  # which does not tell
            assert report["peak_memory_mb"] is None
        else:
            assert 30 < report["peak_memory_mb"] < 20_000
        assert len(reader.networks["pose"].repeated) == 2 * (42 + 6), (
            "the same calls again, for each batch size and pass"
        )

    @pytest.mark.slow
    def test_table_of_generated_photos(self, reader: FakeReader, run: Run) -> None:
        code, out, _ = run("bench", "--batch-size", "4", "--repeat", "1")
        assert code == 0
        for part in (
            "provider cpu",
            "model fake",
            "16 photos",
            "decode",
            "dials/s",
            "photos/s",
            "p99",
            "peak memory",
            "networks alone",
        ):
            assert part in out

    @pytest.mark.slow
    def test_workers_are_compared_with_one(self, reader: FakeReader, run: Run) -> None:
        code, out, _ = run(
            "bench", "--batch-size", "4", "--repeat", "2", "--threads", "2", "--format", "json"
        )
        assert code == 0
        report = json.loads(out)
        first = report["batches"][0]
        assert report["workers"] == 2
        assert first["of_one_worker"] == pytest.approx(
            first["photos_per_second"]["median"] / first["one_worker"]["median"]
        )

    def test_without_dials_nothing_is_counted_by_them(
        self, tmp_path: Path, reader: FakeReader, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bench, "_start", lambda *_: bench.Spread(0.3, 0.3, 0.3))
        save(tmp_path / "black.png", 0)
        code, out, _ = run(
            "bench", "--photos", tmp_path, "--batch-size", "1", "--repeat", "1", "--format", "json"
        )
        assert code == 0
        stages = json.loads(out)["batches"][0]["stages"]
        assert [stage["milliseconds"] is None for stage in stages] == [
            False,
            False,
            True,
            True,
            True,
            True,
            True,
            True,
        ]

    def test_tables_have_a_row_per_batch_size(
        self, tmp_path: Path, reader: FakeReader, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bench, "_start", lambda *_: bench.Spread(0.3, 0.2, 0.4))
        save(tmp_path / "a.png", 9)
        code, out, _ = run("bench", "--photos", tmp_path, "--batch-size", "3,7", "--repeat", "1")
        assert code == 0
        assert "a process that reads one photo: 0.30 (0.20-0.40) s (1 processes)" in out
        bulk, stages = out.split("per stage, ")
        for table in (bulk, stages):
            assert [int(size) for size in re.findall(r"^ +(\d+) ", table, re.MULTILINE)] == [3, 7]

    def test_a_cpu_figure_never_stands_for_cuda(self, reader: FakeReader, run: Run) -> None:
        code, out, err = run("bench", "--provider", "cuda")
        assert (code, out) == (2, "")
        assert "asked for provider cuda" in err
        assert reader.calls == []

    def test_bad_photos_end_it(self, tmp_path: Path, reader: FakeReader, run: Run) -> None:
        code, out, err = run("bench", "--photos", tmp_path)
        assert (code, out) == (2, "")
        assert "no photos in this folder" in err
        save(tmp_path / "a.png", 5)
        (tmp_path / "b.png").write_bytes(b"cut off")
        code, out, err = run("bench", "--photos", tmp_path)
        assert (code, out) == (2, "")
        assert "b.png: its content is not a photo" in err


class TestInfo:
    @pytest.fixture(autouse=True)
    def _surroundings(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "pose.onnx"
        path.write_bytes(b"abc")
        # Of "abc", FIPS 180-2.
        digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        entry = ModelEntry("pose", path, digest, 3, 17, {}, {}, {}, {}, {})
        monkeypatch.setattr(
            info,
            "load_manifest",
            lambda: Manifest(tmp_path / "manifest.json", {"default": {"pose": entry}}),
        )
        monkeypatch.setattr(info, "usable_providers", lambda: ["cuda", "cpu"])
        monkeypatch.setattr(info, "usable_threads", lambda: 7)

    def test_table(self, run: Run) -> None:
        code, out, err = run("info")
        assert (code, err) == (0, "")
        for part in (
            "numpy",
            "opencv",
            "pillow",
            "-heif",
            "onnxruntime",
            "cuda, cpu",
            "default/pose",
            "3 bytes",
            " ok",
        ):
            assert part in out

    def test_json(self, run: Run) -> None:
        code, out, _ = run("info", "--format", "json")
        report = json.loads(out)
        assert code == 0
        assert (report["providers"], report["threads"], report["problems"]) == (
            ["cuda", "cpu"],
            7,
            [],
        )
        assert report["models"][0]["error"] is None
        found = {name: report["versions"][name] for name in ("opencv", "numpy", "python")}
        python = platform.python_version()
        assert found == {"opencv": cv2.__version__, "numpy": np.__version__, "python": python}

    def test_a_damaged_model_is_said(self, tmp_path: Path, run: Run) -> None:
        (tmp_path / "pose.onnx").write_bytes(b"abd")
        code, out, _ = run("info")
        assert code == 2
        assert "NOT OK" in out
        assert "damaged" in out

    def test_a_damaged_manifest_is_said(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        def damaged() -> Manifest:
            raise ModelError("manifest.json: damaged")

        monkeypatch.setattr(info, "load_manifest", damaged)
        code, out, _ = run("info", "--format", "json")
        report = json.loads(out)
        assert (code, report["problems"], report["models"]) == (2, ["manifest.json: damaged"], [])

    def test_without_a_runtime(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        def missing() -> list[str]:
            raise RuntimeMissingError("no onnxruntime is installed")

        monkeypatch.setattr(info, "usable_providers", missing)
        code, out, _ = run("info")
        assert code == 2
        assert "no onnxruntime is installed" in out
        assert "none" in out

    @pytest.mark.parametrize(
        ("module", "output"),
        [
            ("cv2", "table"),
            *slow(
                ("cv2", "json"),
                ("numpy", "table"),
                ("numpy", "json"),
                ("PIL", "table"),
                ("PIL", "json"),
            ),
        ],
    )
    def test_answers_without_a_library(self, module: str, output: str, tmp_path: Path) -> None:
        (tmp_path / f"{module}.py").write_text(
            "raise ImportError('libGL.so.1: cannot open shared object file')"
        )
        path = f"{tmp_path}{os.pathsep}{ROOT}"
        done = run_python("-m", "clockread", "info", "--format", output, PYTHONPATH=path)
        assert "Traceback" not in done.stdout + done.stderr
        assert "threads" in done.stdout
        if module == "cv2":
            assert (done.returncode, done.stderr) == (2, "")
            assert "libGL.so.1" in done.stdout
            assert "pip install opencv-python-headless" in done.stdout
