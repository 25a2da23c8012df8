"""Events of watched clocks, and sources that are lost and come back."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import READING, BlindReader, save_png

from clockread.errors import VideoError
from clockread.live import sources
from clockread.live.sources import Address, Camera, Folder, Frame, SourceLostError, source_of
from clockread.live.watcher import Event, Watcher, events_of, frames_forever
from clockread.reading import Reading

NOON = 1_700_000_000.0


def shows(minutes: int, confidence: float = 0.99, x: float = 0.0) -> Reading:
    matrix = ((150.0, 1.5, 160.4 + x), (-1.25, 155.0, 175.1), (0.0, 0.0, 1.0))
    return replace(
        READING, minutes=minutes, confidence=confidence, homography=matrix, center=(160.4 + x, 175)
    )


def told(watcher: Watcher, at: float, *readings: Reading) -> list[tuple[str, int, str | None]]:
    events = watcher.add(NOON + at, list(readings))
    return [(one.kind, one.clock, one.reading and one.reading.time) for one in events]


class TestWatcher:
    def test_a_line_per_minute(self) -> None:
        watcher = Watcher("s")
        assert told(watcher, 0, shows(9)) == [("change", 1, "12:09")]
        assert told(watcher, 30, shows(9)) == []
        assert told(watcher, 60, shows(10)) == [("change", 1, "12:10")]

    def test_one_wrong_reading_is_not_told_and_a_clock_that_is_set_is(self) -> None:
        watcher = Watcher("s")
        told(watcher, 0, shows(9))
        assert told(watcher, 1, shows(400)) == []
        assert told(watcher, 2, shows(9)) == []
        assert told(watcher, 3, shows(200)) == []
        assert told(watcher, 4, shows(200)) == [("change", 1, "3:20")]

    def test_a_24_hour_dial_that_is_twelve_hours_off_contradicts_itself(self) -> None:
        morning, evening = (replace(shows(at), dial_hours=24) for at in (390, 1110))
        watcher = Watcher("s")
        assert told(watcher, 0, morning) == [("change", 1, "6:30")]
        assert told(watcher, 1, evening) == []
        assert told(watcher, 2, morning) == []
        assert told(watcher, 3, evening) == []
        assert told(watcher, 4, evening) == [("change", 1, "18:30")]

    @pytest.mark.parametrize(
        ("minutes", "told_of"), [(9, []), (10, ["12:10"]), (11, []), (37, []), (38, ["12:38"]),
                                 (40, ["12:40"]), (41, [])],
    )  # fmt: skip
    def test_after_half_an_hour_a_clock_ran_or_stood_still(
        self, minutes: int, told_of: list[str]
    ) -> None:
        watcher = Watcher("s")
        told(watcher, 0, shows(9))
        assert [time for _, _, time in told(watcher, 1800, shows(minutes))] == told_of

    def test_frames_without_the_clock_may_lie_between_two_readings_that_agree(self) -> None:
        watcher = Watcher("s")
        told(watcher, 0, shows(9))
        assert told(watcher, 1, shows(400)) == []
        assert told(watcher, 2) == told(watcher, 3, shows(400, 0.2)) == []
        assert told(watcher, 4, shows(400)) == [("change", 1, "6:40")]

    def test_doubtful_readings_are_ignored(self) -> None:
        assert told(Watcher("s"), 0, shows(9, 0.49)) == []
        assert told(Watcher("s"), 0, shows(9, 0.5)) == [("change", 1, "12:09")]
        assert told(Watcher("s", min_confidence=0.9), 0, shows(9, 0.8)) == []

    def test_every_tells_without_a_change(self) -> None:
        watcher = Watcher("s", every=10)
        assert told(watcher, 0, shows(9)) == [("change", 1, "12:09")]
        assert told(watcher, 5, shows(9)) == []
        assert told(watcher, 10, shows(9)) == [("every", 1, "12:09")]

    def test_a_clock_out_of_sight_is_gone(self) -> None:
        watcher = Watcher("s", gone_after=20)
        told(watcher, 0, shows(9), shows(30, x=500))
        assert told(watcher, 20, shows(9)) == []
        assert told(watcher, 21, shows(9)) == [("gone", 2, None)]

    def test_gone_is_a_minute_out_of_sight_and_forgotten_an_hour(self) -> None:
        watcher = Watcher("s")
        told(watcher, 0, shows(9))
        assert told(watcher, 60) == []
        assert told(watcher, 61) == [("gone", 1, None)]
        assert told(watcher, 3600, shows(69)) == [("change", 1, "1:09")]
        assert told(watcher, 3661) == [("gone", 1, None)]
        assert told(watcher, 7201, shows(129)) == [("change", 2, "2:09")]

    def test_events_as_json(self) -> None:
        event = Event("change", NOON, "camera 0", 1, READING).to_dict()
        assert (event["time"], event["hour"], event["minute"]) == ("12:09", 0, 9)
        assert event["event"] == "change"
        assert event["at"].startswith("2023-11-14T") or event["at"].startswith("2023-11-15T")
        seconds = {"second_presence": 1.0, "second_sincos": (-0.866, 0.5)}  # 50
        for minutes, more, text in ((1110, {}, "18:30"), (1111, seconds, "18:30:50")):
            reading = replace(READING, minutes=minutes, dial_hours=24, **more)
            event = Event("change", NOON, "camera 0", 1, reading).to_dict()
            assert (event["time"], event["hour"], event["minute"]) == (text, 18, 30)
        gone = Event("gone", NOON, "camera 0", 1, None).to_dict()
        assert gone.keys() == event.keys()
        assert gone["time"] is None


class Flaky:
    """A source that gives some frames, fails, and comes back."""

    name, single = "flaky", False

    def __init__(self, *rounds: int, queued: bool = False) -> None:
        self._rounds, self.queued = iter(rounds), queued

    def frames(self) -> Iterator[Frame]:
        for number in range(next(self._rounds)):
            yield Frame(NOON + number, b"", "flaky")
        raise VideoError("flaky: gone")


def forever(
    source: object, interval: float = 0.0, **options: object
) -> tuple[Iterator[Frame], list[str], list[float]]:
    lines: list[str] = []
    slept: list[float] = []
    drawn = frames_forever(
        source,  # type: ignore[arg-type]
        interval=interval,
        lost=lines.append,
        sleep=slept.append,
        **options,  # type: ignore[arg-type]
    )
    return drawn, lines, slept


class TestFramesForever:
    def test_a_source_that_is_not_there_is_an_error(self) -> None:
        with pytest.raises(VideoError, match="flaky: gone"):
            next(forever(Flaky(0))[0])

    def test_it_is_waited_for_if_that_is_wanted(self) -> None:
        drawn, lines, _ = forever(Flaky(0, 0, 1), wait=True)
        assert next(drawn).name == "flaky"
        assert lines == ["flaky: gone; trying again, at first after 1 s", "flaky: it is back"]

    def test_a_lost_source_is_opened_again_with_growing_delays(self) -> None:
        drawn, lines, slept = forever(Flaky(1, 0, 0, 0, 0, 0, 0, 0, 1, 1))
        assert [next(drawn).name for _ in range(3)] == ["flaky"] * 3
        delays = [delay for delay in slept if delay]
        assert delays == [1, 2, 4, 8, 16, 32, 60, 60, 1]
        assert lines.count("flaky: it is back") == 2  # and one line per loss, not per attempt
        assert len(lines) == 4

    @pytest.mark.parametrize(("queued", "pauses"), [(False, 2), (True, 0)])
    def test_there_is_no_interval_between_photos_that_wait(self, queued: bool, pauses: int) -> None:
        drawn, _, slept = forever(Flaky(3, queued=queued), interval=60.0)
        for _ in range(3):
            next(drawn)
        assert len(slept) == pauses
        assert all(pause > 50 for pause in slept)


class TestSources:
    def test_arguments(self, tmp_path: Path) -> None:
        assert isinstance(source_of("0"), Camera)
        for scheme in ("rtsp", "rtsps", "rtmp", "http", "https", "udp", "tcp", "srt", "RTSP"):
            assert isinstance(source_of(f"{scheme}://camera/stream"), Address)
        assert isinstance(source_of(str(tmp_path)), Folder)
        with pytest.raises(VideoError, match="no such folder"):
            source_of(str(tmp_path / "missing"))
        with pytest.raises(VideoError, match="clockread video"):
            source_of(str(save_png(tmp_path / "a.png", 3)))

    def test_a_path_that_does_not_exist_is_waited_for_as_a_folder(self, tmp_path: Path) -> None:
        assert isinstance(source_of(str(tmp_path / "missing"), wait=True), Folder)
        with pytest.raises(VideoError, match="no such folder"):
            source_of("rtps://camera/stream", wait=True)
        with pytest.raises(VideoError, match="clockread video"):
            source_of(str(save_png(tmp_path / "a.png", 3)), wait=True)

    def test_a_camera_that_is_not_there(self) -> None:
        with pytest.raises(VideoError, match="camera 99: not there"):
            next(Camera(99).frames())

    def test_a_camera_gives_frames_in_rgb_until_it_is_lost(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        blue = np.full((2, 3, 3), (255, 0, 0), np.uint8)  # in OpenCV's order
        shots = iter([(True, blue), (False, None)])
        shown, released = threading.Event(), threading.Event()

        def read() -> tuple[bool, np.ndarray | None]:
            shot = next(shots)
            assert shot[0] or shown.wait(20)
            return shot

        capture = SimpleNamespace(isOpened=lambda: True, read=read, release=released.set)
        monkeypatch.setattr(sources.cv2, "VideoCapture", lambda _: capture)
        frames = Camera(3).frames()
        frame = next(frames)
        assert frame.name == "camera 3"
        assert np.array_equal(frame.image, np.full((2, 3, 3), (0, 0, 255)))
        assert abs(frame.at - time.time()) < 60
        shown.set()
        with pytest.raises(VideoError, match="camera 3: it gives no more frames"):
            next(frames)
        assert released.wait(20)

    def test_a_password_is_not_shown(self) -> None:
        for address, name in (
            ("rtsp://me:secret@host:554/live", "rtsp://host:554/live"),
            ("rtsp://me:s@cret@host/live", "rtsp://host/live"),
            ("http://me:sec/ret@host/live", "http://host/live"),
            ("http://host/live@2x.jpg?size=a@b", "http://host/live@2x.jpg?size=a@b"),
            ("http://me:secret@host/live@2x.jpg", "http://host/live@2x.jpg"),
            ("rtsp://me:secret@[::1]:554/live", "rtsp://[::1]:554/live"),
        ):
            assert Address(address).name == name

    def test_new_photos_are_given_once_they_are_complete(self, tmp_path: Path) -> None:
        save_png(tmp_path / "old.png", 1)
        steps: list[Callable[[], object]] = [
            lambda: (tmp_path / "new.png").write_bytes(b""),
            lambda: (tmp_path / "new.png").write_bytes(b"half"),
            lambda: save_png(tmp_path / "new.png", 2, (80, 80)),
            lambda: (tmp_path / "notes.txt").write_text("no photo"),
            lambda: None,
            lambda: save_png(tmp_path / "later.png", 2),
        ]

        def sleep(_: float) -> None:
            if steps:
                steps.pop(0)()

        drawn = Folder(tmp_path, sleep=sleep).frames()
        for name in ("new.png", "later.png"):
            photo, frame = tmp_path / name, next(drawn)
            assert (frame.name, frame.image) == (str(photo), photo)
            assert frame.at == pytest.approx(photo.stat().st_mtime, abs=0.01)

    def test_a_folder_that_disappears(self, tmp_path: Path) -> None:
        folder = tmp_path / "in"
        folder.mkdir()
        drawn = Folder(folder, sleep=lambda _: folder.rmdir()).frames()
        with pytest.raises(SourceLostError, match="this folder is gone; make it again"):
            next(drawn)

    def test_a_folder_that_comes_later_and_disappears_before_its_first_photo(
        self, tmp_path: Path
    ) -> None:
        folder = tmp_path / "in"
        polls: list[Callable[[], object]] = [folder.rmdir]
        source = Folder(folder, sleep=lambda _: polls.pop()() if polls else None)
        steps: list[Callable[[], object]] = [
            folder.mkdir,
            lambda: (folder.mkdir(), save_png(folder / "new.png", 2)),
        ]
        lines: list[str] = []
        drawn = frames_forever(
            source, interval=0, lost=lines.append, wait=True, sleep=lambda _: steps.pop(0)()
        )
        assert Path(next(drawn).name).name == "new.png"
        assert [line.removeprefix(f"{folder}: ") for line in lines] == [
            "no such folder; make it; trying again, at first after 1 s",
            "this folder is gone; make it again; trying again, at first after 2 s",
            "it is back",
        ]

    def test_a_folder_that_was_there_is_waited_for_without_being_asked(
        self, tmp_path: Path
    ) -> None:
        folder = tmp_path / "in"
        folder.mkdir()
        polls: list[Callable[[], object]] = [folder.rmdir]
        source = Folder(folder, sleep=lambda _: polls.pop()() if polls else None)

        def back(_: float) -> None:
            folder.mkdir()
            save_png(folder / "new.png", 2)

        drawn = frames_forever(source, interval=0, lost=lambda _: None, sleep=back)
        assert Path(next(drawn).name).name == "new.png"


def test_a_frame_that_cannot_be_read_ends_nothing(tmp_path: Path) -> None:
    good = save_png(tmp_path / "a.png", 3)
    frames = iter([Frame(NOON, b"rubbish", "r"), Frame(NOON, os.fspath(good), "g")])
    failed: list[str] = []
    events = list(events_of(frames, BlindReader(), Watcher("s"), failed=failed.append))
    assert events == []
    assert len(failed) == 1
    assert failed[0].startswith("r: ")


def test_a_source_that_fails_says_why_at_once() -> None:
    def broken(_: threading.Event) -> Iterator[Frame]:
        yield Frame(NOON, b"", "camera 0")
        raise RuntimeError("no space left")

    began = time.monotonic()
    drawn = sources._Newest(broken, "camera 0", 20.0).frames()
    with pytest.raises(VideoError, match=r"camera 0: it cannot be read \(no space left") as caught:
        list(drawn)
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert time.monotonic() - began < 5


def test_a_silent_source_is_an_error() -> None:

    def silent(stop: threading.Event) -> Iterator[Frame]:
        stop.wait(5)
        yield from ()

    drawn = sources._Newest(silent, "camera 0", 0.05).frames()
    with pytest.raises(VideoError, match="camera 0: no frame for 0 seconds"):
        next(drawn)
