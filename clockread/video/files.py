"""Video file → frames with exact times, decoded by PyAV; or one VideoError."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clockread.errors import ClockreadError, VideoError, one_line, reason_of
from clockread.file_access import open_photo
from clockread.image_formats import frame_count, open_header
from clockread.images import DECODE_MIN_SIDE, Photo
from clockread.pixels import reduction_for

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

Pixels = NDArray[np.uint8]

INSTALL = "pip install av"
PLANAR = frozenset(  # pixel formats of 8 bits whose first plane is the brightness
    ("yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "nv21", "gray")
)
FRAMES_PER_SECOND = 25  # of a video that does not state it
MOTION_JPEG = (".mjpeg", ".mjpg")  # suffixes of JPEGs that follow each other without a container
MOST_DAMAGED = 1000  # parts of a video that may be damaged before the rest is given up
TIME_ERROR = 1e-3  # seconds; Matroska and Flash round the times of frames to milliseconds
MISSING_SHARE, MISSING_SECONDS = 0.02, 1.0  # of the duration, beyond which an end is missing


def import_av() -> Any:
    """Return PyAV, or raise ClockreadError with the command that installs it."""
    try:
        import av
    except ImportError as error:
        raise ClockreadError(f"videos need PyAV ({reason_of(error)}): {INSTALL}") from error
    return av


def is_photo(path: Path) -> bool:
    """Return whether a file is a photo by its content, and neither an animation nor a video.

    Motion JPEG begins as a JPEG does; its suffix tells it.
    """
    if path.suffix.lower() in MOTION_JPEG:
        return False
    try:
        with open_photo(path, one_line(str(path))) as file:
            return frame_count(open_header(file, path.name)) == 1
    except Exception:  # no photo, or one that is damaged: libraries raise errors of many types
        return False


@dataclass(frozen=True)
class TimedPhoto:
    """A frame of a video."""

    time: float  # seconds since the first frame
    photo: Photo


class _Color:
    """The colors of a frame, converted only if they are asked for."""

    def __init__(self, frame: VideoFrame, turns: int) -> None:
        self._frame, self._turns = frame, turns

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return _turned(self._frame.to_ndarray(format="rgb24"), self._turns)


def photo_of(frame: VideoFrame, name: str, *, color: bool = True) -> Photo:
    """Return a decoded frame as a photo, upright, and reduced as `load_photo` does.

    Without ``color``, the photo cannot be decoded again in color, and the frame is not kept in
    memory.
    """
    width, height = frame.width, frame.height
    by = reduction_for((width, height), DECODE_MIN_SIDE)
    small = frame.reformat(width // by, height // by) if by > 1 else frame
    turns = _quarter_turns(frame)
    size = (height, width) if turns % 2 else (width, height)
    grey = _turned(_brightness(small), turns)
    source = _Color(small, turns) if color else None
    return Photo(name, grey, *size, float(by), source, min_side=None)


def upright_bgr(frame: VideoFrame) -> Pixels:
    """Return a decoded frame as BGR (H, W, 3) at full size, upright as `photo_of` gives it."""
    return _turned(frame.to_ndarray(format="bgr24"), _quarter_turns(frame))


def _turned(pixels: NDArray[Any], turns: int) -> Pixels:
    return np.ascontiguousarray(np.rot90(pixels, turns), np.uint8)


def _quarter_turns(frame: VideoFrame) -> int:
    """Return how many turns of 90 degrees counterclockwise make a frame upright.

    They are in its display matrix: phones store portrait videos on their side.
    """
    return round(frame.rotation / 90) % 4


def _brightness(frame: VideoFrame) -> Pixels:
    """Return the grey pixels (H, W) of a frame: its own plane of brightness, if it has one."""
    if frame.format.name not in PLANAR:
        return np.asarray(frame.to_ndarray(format="gray"), dtype=np.uint8)
    plane = frame.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8, plane.line_size * frame.height)
    grey = rows.reshape(frame.height, plane.line_size)[:, : frame.width]
    return np.array(grey, dtype=np.uint8)


@dataclass
class Video:
    """A video that is open for reading; use it in a ``with`` statement.

    Problems that leave frames to read are collected, one line each, while frames are drawn.
    """

    name: str
    path: Path
    problems: list[str] = field(default_factory=list)
    """Why not all frames could be read."""
    notes: list[str] = field(default_factory=list)
    """Remarks about a video that was read."""

    def __enter__(self) -> Video:
        av = import_av()
        shown = one_line(self.name)
        if not self.path.exists():
            raise VideoError(f"{shown}: no such file; check the path")
        if self.path.is_dir():
            raise VideoError(f"{shown}: a folder, not a video; give a video file")
        if self.path.stat().st_size == 0:
            raise VideoError(f"{shown}: empty file (0 bytes); copy it again")
        try:
            self._container: InputContainer = av.open(os.fspath(self.path))
        except (av.error.FFmpegError, ValueError, OSError) as error:
            problem = f"not a video, or cut off or damaged ({reason_of(error)})"
            raise VideoError(f"{shown}: {problem}; copy it again or convert it") from error
        if not self._container.streams.video:
            kinds = sorted({stream.type for stream in self._container.streams})
            self._container.close()
            there = f", only {' and '.join(kinds)}" if kinds else ""
            raise VideoError(f"{shown}: no video stream{there}; give a file that has one")
        self._stream: VideoStream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._container.close()

    @property
    def duration(self) -> float | None:
        """Seconds, as the file states it."""
        if self._stream.duration is not None and self._stream.time_base is not None:
            return float(self._stream.duration * self._stream.time_base)
        whole = self._container.duration
        return None if whole is None else whole / 1e6

    @property
    def rate(self) -> float:
        """Frames per second, on average; 0.0 if unknown."""
        return float(self._stream.average_rate or 0.0)

    def photos(self, every: float = 0.0) -> Iterator[TimedPhoto]:
        """Yield the first frame at or after each multiple of ``every`` seconds; all with 0.

        They stay grey: instead of retrying a dial in color, a video has further frames.
        """
        due = 0.0
        for time, frame in self.frames():
            if time >= due - TIME_ERROR:
                yield TimedPhoto(time, photo_of(frame, f"{self.name}@{time:.3f}", color=False))
                if every:
                    due = every * (math.floor((time + TIME_ERROR) / every) + 1)

    def frames(self) -> Iterator[tuple[float, VideoFrame]]:
        """Yield every frame with its time since the first one, seconds.

        Raises:
            VideoError: if there is none.

        """
        first: float | None = None
        last, size, index = -1.0, None, 0
        for frame in self._decoded():
            own = frame.time
            stamp = index / (self.rate or FRAMES_PER_SECOND) if own is None else float(own)
            first = stamp if first is None else first
            index += 1
            if stamp - first <= last:  # some files repeat a time
                continue
            last = stamp - first
            if size not in (None, (frame.width, frame.height)):
                new = f"{frame.width} x {frame.height}"
                self.notes.append(f"the size changes at {last:.1f} s to {new}")
            size = frame.width, frame.height
            yield last, frame
        shown = one_line(self.name)
        if first is None:
            why = self.problems.pop() if self.problems else f"{shown}: it holds no frames"
            raise VideoError(f"{why.split(';')[0]}; copy or convert it again")
        whole = self.duration
        if not self.problems and whole and last < whole * (1 - MISSING_SHARE) - MISSING_SECONDS:
            problem = f"it ends at {last:.1f} s of {whole:.1f} s"
            self.problems.append(f"{shown}: {problem}; the frames until there were read")

    def _decoded(self) -> Iterator[VideoFrame]:
        """Yield the frames that can be decoded; damaged parts become one problem."""
        av = import_av()
        damaged, reason = 0, ""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
                frames = packet.decode()
            except StopIteration:
                break
            except av.error.EOFError:
                break
            except (av.error.FFmpegError, ValueError) as error:
                damaged, reason = damaged + 1, reason_of(error)
                if not isinstance(error, av.error.InvalidDataError) or damaged > MOST_DAMAGED:
                    break
                continue
            yield from frames
        if damaged:
            problem = f"damaged ({reason}): {damaged} parts could not be decoded"
            self.problems.append(f"{one_line(self.name)}: {problem}; the other frames were read")
