"""Videos that are whole, cut off or not videos, and the command that reads them."""

from __future__ import annotations

import csv
import io
import json
import re
import signal
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import Run, encode
from PIL import Image

av = pytest.importorskip("av", reason="videos need PyAV")

from clockread import ClockReader  # noqa: E402
from clockread.cli import signals  # noqa: E402
from clockread.cli.options import duration  # noqa: E402
from clockread.cli.sample_photos import dial_picture  # noqa: E402
from clockread.errors import VideoError  # noqa: E402
from clockread.images import load_photo  # noqa: E402
from clockread.reading import Reading  # noqa: E402
from clockread.tracking.fit import Fit  # noqa: E402
from clockread.tracking.track import Track, TrackFrame, time_text  # noqa: E402
from clockread.video import overlay, plot  # noqa: E402
from clockread.video.files import Video, is_photo, photo_of, upright_bgr  # noqa: E402
from clockread.video.overlay import reading_at  # noqa: E402
from clockread.video.plot import save_plot  # noqa: E402

FPS = 5
START = 4 * 3600 + 20 * 60 + 5.0  # 4:20:05


def write(
    path: Path, pictures: Iterator[np.ndarray], *, fps: int = FPS, gap: int = 10, **options: str
) -> Path:
    """Write a video; pictures are RGB."""
    with av.open(str(path), "w", options=options) as out:
        stream = None
        for picture in pictures:
            if stream is None:
                stream = out.add_stream("mpeg4", rate=fps)
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt, stream.gop_size = "yuv420p", gap
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode(None))
    return path


def turned(path: Path) -> Path:
    """Write a display matrix into an MP4: players turn it clockwise by 90 degrees."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44  # ISO 14496-12, 8.3.2
    matrix = (0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    data[at : at + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in matrix)
    path.write_bytes(data)
    return path


def clock(rate: float, frames: int) -> Iterator[np.ndarray]:
    return (dial_picture((START + rate * i / FPS) % 43_200) for i in range(frames))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("video") / "clock.mp4", clock(1.0, 30))


class TestFiles:
    def test_times_and_sizes(self, running: Path) -> None:
        with Video("v", running) as video:
            frames = list(video.photos())
            assert [round(one.time * FPS) for one in frames] == list(range(30))
            assert (frames[0].photo.width, frames[0].photo.height) == (320, 240)
            assert frames[0].photo.source is None  # which would keep the frame in memory
            assert video.problems == video.notes == []
            assert video.duration == 6.0

    def test_frames_are_taken_at_even_times(self, running: Path) -> None:
        with Video("v", running) as video:
            assert [one.time for one in video.photos(1.0)] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]

    @pytest.mark.parametrize(
        ("times", "every", "taken"),
        [
            ([0, 0.52, 1.04, 1.56, 2, 5, 5.04, 5.96, 6], 1.0, [0, 1.04, 2, 5, 6]),
            ([0, 0.033, 0.067, 0.1, 0.133, 0.167], 1 / 30, [0, 0.033, 0.067, 0.1, 0.133, 0.167]),
            ([0, 0.1, 0.2], 0.0, [0, 0.1, 0.2]),
        ],
    )
    def test_after_a_gap_frames_are_taken_at_the_same_multiples(
        self, monkeypatch: pytest.MonkeyPatch, times: list[float], every: float, taken: list[float]
    ) -> None:
        frame = av.VideoFrame.from_ndarray(dial_picture(0), format="rgb24")
        video = Video("v", Path("v"))
        monkeypatch.setattr(video, "frames", lambda: ((time, frame) for time in times))
        assert [one.time for one in video.photos(every)] == taken

    def test_large_frames_are_reduced(self) -> None:
        frame = av.VideoFrame.from_ndarray(np.zeros((2400, 4200, 3), np.uint8), format="rgb24")
        photo = photo_of(frame.reformat(format="yuv420p"), "f")
        assert (photo.width, photo.scale, photo.pixels.shape) == (4200, 2.0, (1200, 2100))

    def test_frames_of_a_camera_keep_their_colors(self, tmp_path: Path) -> None:
        red = np.zeros((60, 80, 3), np.uint8)
        red[:20] = (200, 0, 0)
        path = turned(write(tmp_path / "red.mp4", iter([red])))
        with Video("v", path) as video:
            [(_, frame)] = video.frames()
        color = photo_of(frame, "f").in_color()
        assert color is not None
        assert color.shape == (80, 60, 3)
        assert np.abs(color - upright_bgr(frame).astype(int)).max() < 4
        assert color[40, 50, 2] > 150  # the top is at the right
        assert color[40, 10].max() < 40

    def test_a_change_of_size_is_noted(self, tmp_path: Path) -> None:
        joined = tmp_path / "joined.mjpeg"
        sizes = [(320, 240)] * 6 + [(160, 120)] * 6
        joined.write_bytes(b"".join(encode(".jpg", dial_picture(0, size)) for size in sizes))
        with Video("v", joined) as video:
            found = [(one.photo.width, one.photo.height) for one in video.photos()]
        assert found == sizes
        assert len(video.notes) == 1
        assert "the size changes at" in video.notes[0]

    def test_a_video_that_ends_in_the_middle_is_read_until_there(self, tmp_path: Path) -> None:
        whole = write(tmp_path / "a.mp4", clock(1.0, 60), movflags="faststart")
        cut = tmp_path / "cut.mp4"
        data = whole.read_bytes()
        cut.write_bytes(data[: len(data) * 6 // 10])
        with Video("cut.mp4", cut) as video:
            frames = list(video.frames())
        assert 5 < len(frames) < 60
        assert len(video.problems) == 1
        assert video.problems[0].startswith("cut.mp4: ")
        assert "until there were read" in video.problems[0] or "were read" in video.problems[0]

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            (None, "no such file"),
            (b"", "empty file"),
            (b"no video " * 100, "not a video, or cut off or damaged"),
        ],
    )
    def test_what_is_no_video(self, tmp_path: Path, content: bytes | None, problem: str) -> None:
        path = tmp_path / "x.mp4"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(VideoError, match=problem), Video("x.mp4", path):
            pass

    def test_the_rate_is_zero_if_the_stream_states_none(
        self, running: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with Video("running", running) as video:
            assert video.rate == FPS
            monkeypatch.setattr(video, "_stream", SimpleNamespace(average_rate=None))
            assert video.rate == 0.0

    def test_sound_without_pictures(self, tmp_path: Path) -> None:
        path = tmp_path / "sound.wav"
        with av.open(str(path), "w") as out:
            stream = out.add_stream("pcm_s16le", rate=8000)
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
            frame.sample_rate = 8000
            out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
        with pytest.raises(VideoError, match="no video stream, only audio"), Video("s", path):
            pass


class TestCommand:
    def test_a_table(self, run: Run, running: Path) -> None:
        code, out, err = run("video", running, "--quiet")
        assert (code, err) == (0, "")
        row = out.splitlines()[2]
        assert "4:20:05" in row
        assert "4:20:10" in row
        assert "real time" in row

    def test_every_frame_as_jsonl(self, run: Run, running: Path) -> None:
        _, out, _ = run("video", running, "--all", "--format", "jsonl", "-q")
        [track] = [json.loads(line) for line in out.splitlines()]
        assert (track["kind"], track["rate"], track["frames_used"]) == ("real time", 1.0, 30)
        assert track["frames"][5]["at"] == pytest.approx(1.0)
        assert all(frame["agrees"] for frame in track["frames"])

    def test_rows_as_csv(self, run: Run, running: Path) -> None:
        _, out, _ = run("video", running, "--fps", "2", "--format", "csv", "-q")
        rows = list(csv.DictReader(io.StringIO(out)))
        assert len(rows) == 12
        assert rows[0]["fused"] == "4:20:05"
        assert rows[0]["agrees"] == "true"

    def test_overlay_and_plot(self, run: Run, tmp_path: Path) -> None:
        pytest.importorskip("matplotlib")
        lapse = write(tmp_path / "lapse.mp4", clock(300.0, 20))
        plot = tmp_path / "plot.png"
        code, out, err = run(
            "video", lapse, "--all", "-q", "--save-overlay", tmp_path / "seen", "--plot", plot
        )
        assert (code, err) == (0, "")
        assert "× 300" in out
        assert load_photo(plot).width > 500
        with Video("o", tmp_path / "seen" / "lapse.overlay.mp4") as video:
            drawn = [upright_bgr(frame) for _, frame in video.frames()]
        assert len(drawn) == 20
        plain = dial_picture(START)[..., ::-1].astype(int)
        assert np.abs(drawn[0].astype(int) - plain).max() > 100  # a colored outline

    def test_the_overlay_of_a_portrait_video_is_upright(self, run: Run, tmp_path: Path) -> None:
        upright = [dial_picture(START + i / FPS, (320, 480)) for i in range(10)]
        on_side = (np.ascontiguousarray(np.rot90(one)) for one in upright)
        turned(write(tmp_path / "phone.mp4", on_side))
        code, _, err = run("video", tmp_path / "phone.mp4", "--save-overlay", tmp_path, "-q")
        assert (code, err) == (0, "")
        with Video("o", tmp_path / "phone.overlay.mp4") as video:
            drawn = [upright_bgr(frame) for _, frame in video.frames()]
        assert [one.shape for one in drawn] == [(480, 320, 3)] * 10
        changed = np.abs(drawn[0].astype(int) - upright[0][..., ::-1]).max(axis=2) > 90
        minute_hand = changed[270:290, 200:270]  # at 20 minutes, right of the center and below it
        assert minute_hand.any()
        assert changed.mean() < 0.1

    @pytest.mark.parametrize(
        ("name", "code", "message"),
        [("missing.mp4", 1, "no such file"), ("grey.mp4", 0, "no clock found")],
    )
    def test_no_clock(self, run: Run, tmp_path: Path, name: str, code: int, message: str) -> None:
        write(tmp_path / "grey.mp4", (np.full((120, 160, 3), 90, np.uint8) for _ in range(3)))
        got, out, err = run("video", tmp_path / name)
        assert (got, out) == (code, "")
        assert message in err
        assert len(err.splitlines()) == 1

    def test_what_was_read_of_a_cut_video_is_written(self, run: Run, tmp_path: Path) -> None:
        whole = write(tmp_path / "a.mp4", clock(1.0, 60), movflags="faststart").read_bytes()
        (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) * 6 // 10])
        code, out, err = run("video", tmp_path / "cut.mp4", "-q")
        assert code == 1
        assert "4:20:05" in out
        assert len(err.splitlines()) == 1

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("--every", "soon"),
            ("--rate", "fast"),
            ("--rate", "nan"),
            ("--rate", "inf"),
            ("--every", ""),
        ],
    )
    def test_wrong_options(self, run: Run, running: Path, option: str, value: str) -> None:
        code, _, err = run("video", running, option, value)
        assert code == 2
        assert "is not" in err
        assert f"Invalid value for {option}: " in err.replace("'--rate'", "--rate")

    @pytest.mark.parametrize(
        "options",
        [("--every", "1s", "--all"), ("--fps", "2", "--every", "5s"), ("--fps", "2", "--all")],
    )
    def test_options_that_exclude_each_other(
        self, run: Run, running: Path, options: tuple[str, ...]
    ) -> None:
        code, out, err = run("video", running, *options)
        assert (code, out) == (2, "")
        assert "--every, --fps and --all exclude each other" in err

    @pytest.mark.parametrize(
        ("options", "advice"),
        [
            ((), "read more frames with --all, or add --min-frames 1"),
            (("--all",), "add --min-frames 1"),
        ],
    )
    def test_a_clock_in_too_few_frames_is_told(
        self, run: Run, tmp_path: Path, options: tuple[str, ...], advice: str
    ) -> None:
        short = write(tmp_path / "short.mp4", clock(1.0, 1))
        told = f"clockread: {short}: 1 clock was read in fewer than 2 frames; {advice}\n"
        assert run("video", short, *options) == (0, "", told)
        assert "4:20:05" in run("video", short, "--min-frames", "1", "-q")[1]

    def test_a_photo_is_not_a_video(self, run: Run, tmp_path: Path) -> None:
        for name in ("photo.jpg", "photo.mp4", "photo.gif"):
            path = tmp_path / name
            with path.open("wb") as file:
                kind = "GIF" if name.endswith("gif") else "JPEG"
                Image.fromarray(dial_picture(START)).save(file, kind)
            told = f"clockread: {path}: a photo; read it with `clockread predict`\n"
            assert run("video", path) == (2, "", told)

    def test_an_animation_and_motion_jpeg_are_videos(self, tmp_path: Path, running: Path) -> None:
        first, *rest = [Image.fromarray(one) for one in clock(60.0, 3)]
        first.save(tmp_path / "a.gif", save_all=True, append_images=rest)
        (tmp_path / "a.mjpeg").write_bytes(encode(".jpg", dial_picture(0)) * 3)
        for path in (tmp_path / "a.gif", tmp_path / "a.mjpeg", running, tmp_path / "missing.mp4"):
            assert not is_photo(path)

    @pytest.mark.parametrize(
        ("option", "path", "problem"),
        [
            ("--plot", "p.xyz", "p.xyz: no format of plots; choose one of ."),
            ("--plot", "nodir/p.png", "nodir: no such folder; make it, or choose another"),
            ("--plot", "file/p.png", "file: a file, not a folder; choose another"),
            ("--plot", ".", "a folder; name a file such as plot.png"),
            ("--save-overlay", "file", "file: cannot make this folder for overlays"),
        ],
    )
    def test_wrong_paths_are_told_before_reading(
        self, run: Run, running: Path, tmp_path: Path, option: str, path: str, problem: str
    ) -> None:
        pytest.importorskip("matplotlib")
        (tmp_path / "file").touch()
        code, out, err = run("video", running, option, tmp_path / path)
        assert (code, out) == (2, "")
        assert problem in err
        assert len(err.splitlines()) == 1

    @pytest.mark.parametrize("during", ["frames", "overlay"])
    def test_a_signal_leaves_the_plot_and_says_that_there_is_no_overlay(
        self,
        run: Run,
        running: Path,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        during: str,
    ) -> None:
        pytest.importorskip("matplotlib")
        stop = signals.Stop(signal.SIGINT)
        if during == "frames":
            between = signals.between

            def some(items: Iterator[object]) -> Iterator[object]:
                yield from islice(between(items), 3)
                raise stop

            monkeypatch.setattr(signals, "between", some)
        else:

            def stopped(frame: np.ndarray, *_: object, **__: object) -> None:
                raise stop

            monkeypatch.setattr(overlay, "draw", stopped)
        plot, seen = tmp_path / "p.png", tmp_path / "seen"
        with pytest.raises(signals.Stop):  # which ends a process of its own
            run("video", running, "--plot", plot, "--save-overlay", seen)
        out, err = capsys.readouterr()
        assert "4:20:05" in out
        assert err == f"clockread: {running}: interrupted; no overlay was written\n"
        assert load_photo(plot).width > 500
        assert list(seen.iterdir()) == []

    def test_durations(self) -> None:
        assert [duration(text, "--every") for text in ("1", "0.5s", "200ms", "2m", "1h")] == [
            1.0, 0.5, 0.2, 120.0, 3600.0,
        ]  # fmt: skip


def track_of(minutes: int, *times: float) -> Track:
    """A clock of 12:10 that moves by 10 pixels per second, and is read as ``minutes``."""

    def at(x: float) -> Reading:
        matrix = ((100.0, 0.0, x), (0.0, 100.0, 100.0), (0.0, 0.0, 1.0))
        return Reading(minutes, 0.5, (0, 1), (0, 1), (0, 0, 9, 9), (x, 100), matrix, 0.0, 1.0)

    fit = Fit(600.8, 1.0, "real time", 0.9, 0.9, has_seconds=True)
    return Track(1, fit, tuple(TrackFrame(t, at(10 * t), fit.at(t)) for t in times), None)


@pytest.mark.parametrize(("minutes", "disagree"), [(10, False), (90, True)])
def test_a_plot_names_frames_that_disagree(tmp_path: Path, minutes: int, disagree: bool) -> None:
    pytest.importorskip("matplotlib")
    save_plot(tmp_path / "plot.svg", [track_of(minutes, 0.0, 1.0)], "a title")
    drawn = (tmp_path / "plot.svg").read_text()  # its comments are the texts
    for text in ("a title", "video time, s", "shown time", "clock 1: 12:10:00, real time, × 1"):
        assert f"<!-- {text} -->" in drawn
    assert ("<!-- frames that disagree: 2 -->" in drawn) == disagree
    hours = {int(hour) for hour in re.findall(r"<!-- (\d+):\d\d -->", drawn)}  # of the axis
    assert hours == ({12, 1} if disagree else {12})


def test_a_plot_of_24_hour_dials_has_24_hours(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    track = track_of(10, 0.0, 60.0)
    fit = replace(track.fit, start=18.5 * 3600, dial_hours=24)
    frames = [TrackFrame(one.time, one.reading, fit.at(one.time)) for one in track.frames]
    save_plot(tmp_path / "plot.svg", [replace(track, fit=fit, frames=tuple(frames))], "a title")
    drawn = (tmp_path / "plot.svg").read_text()
    assert "<!-- clock 1: 18:30:00, real time, × 1 -->" in drawn
    hours = {int(hour) for hour in re.findall(r"<!-- (\d+):\d\d -->", drawn)}  # of the axis
    assert max(hours) > 12


def test_a_plot_shows_the_fit_and_what_each_frame_shows() -> None:
    figure = pytest.importorskip("matplotlib.figure").Figure()
    track = track_of(10, 100.0, 3700.0)
    fit = replace(track.fit, start=11.5 * 3600)  # passes twelve after half an hour
    read = (11 * 60 + 31, 33)  # minutes, where 11:31:40 and 12:31:40 are shown
    frames = tuple(
        TrackFrame(one.time, replace(one.reading, minutes=minutes), fit.at(one.time))
        for one, minutes in zip(track.frames, read, strict=True)
    )
    axes = figure.subplots()
    plot._draw(axes, replace(track, fit=fit, frames=frames))
    drawn = [[hours for _, hours in one.get_xydata()] for one in axes.lines]
    assert drawn == [
        pytest.approx([11 + 31 / 60 + 40 / 3600, 12 + 31 / 60 + 40 / 3600]),
        pytest.approx([11 + 31 / 60, 12 + 33 / 60]),
    ]


class TestOverlay:
    @pytest.mark.parametrize(
        ("time", "x"), [(-2.0, 0), (0.0, 0), (0.25, 2.5), (3.5, 10), (6.5, 90), (11.5, 90)]
    )
    def test_in_a_gap_the_dial_is_where_it_was_seen_nearest(self, time: float, x: float) -> None:
        shown = reading_at(track_of(10, 0.0, 1.0, 9.0), time, gap=3.0)
        assert shown is not None
        assert shown.homography[0][2] == pytest.approx(x)

    @pytest.mark.parametrize("time", [-3.5, 4.5, 5.5, 12.5])
    def test_far_from_all_frames_there_is_no_dial(self, time: float) -> None:
        assert reading_at(track_of(10, 0.0, 1.0, 9.0), time, gap=3.0) is None

    def test_between_frames_the_dial_is_interpolated_and_the_time_fused(self) -> None:
        track = track_of(1, 0.0, 1.0, 9.0)
        half = reading_at(track, 0.5, gap=3.0)
        assert half is not None
        assert half.homography[0][2] == pytest.approx(5.0)
        assert half.time_text(seconds=True) == "12:10:01"
        late = reading_at(track, 59.1, gap=100.0)
        assert late is not None
        assert late.time_text(seconds=True) == "12:10:59"  # not yet 12:11


class TestReaderTrack:
    def test_frames_from_anywhere(self) -> None:
        frames = [(i * 10.0, dial_picture(START + i * 600)) for i in range(8)]
        frames[3] = (30.0, np.full((240, 320, 3), 255, np.uint8))  # overexposed
        [track] = ClockReader("cpu").track(frames)
        assert (track.kind, track.rate) == ("free", 60.0)
        assert len(track.frames) == 7
        assert track.text_at(0.0) == "4:20:05"
        assert track.text_at(30.0) == "4:50:05"
        assert track.frames[0].reading.evidence is None

    @pytest.mark.parametrize("rate", [np.nan, np.inf, -np.inf])
    def test_a_rate_that_is_not_finite_is_refused(self, rate: float) -> None:
        with pytest.raises(ValueError, match="give a finite number"):
            ClockReader("cpu").track([(0.0, dial_picture(START))], rate=rate)

    def test_no_frames(self) -> None:
        assert ClockReader("cpu").track([]) == []

    def test_texts(self) -> None:
        assert time_text(0.0, seconds=True) == "12:00:00"
        assert time_text(43_199.0, seconds=False) == "11:59"
