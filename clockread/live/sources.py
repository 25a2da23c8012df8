"""Sources of frames: a camera, an address, or a folder into which photos are dropped.

Iterating over a camera or an address opens it and gives its newest frame each time, with the time
at which it arrived; a folder gives every new photo. A source that cannot be opened, or gives no
frames for some seconds, raises a VideoError.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias
from urllib.parse import urlsplit

import numpy as np

from clockread.errors import VideoError, one_line, reason_of
from clockread.images import ImageSource
from clockread.listing import OVERLAY_SUFFIX, PHOTO_SUFFIXES
from clockread.opencv import cv2
from clockread.video.files import import_av, photo_of

SCHEMES = ("rtsp://", "rtsps://", "rtmp://", "http://", "https://", "udp://", "tcp://", "srt://")
OPEN_TIMEOUT = 10.0  # seconds until an address must have answered
SILENT_TIMEOUT = 15.0  # seconds without a frame after which a source counts as gone
POLL = 0.5  # seconds between two looks into a folder


@dataclass(frozen=True)
class Frame:
    """A frame of a camera or an address, or a photo of a folder, and when it arrived."""

    at: float  # seconds since 1970
    image: ImageSource
    name: str


Frames: TypeAlias = Iterator[Frame]


class Source(Protocol):
    """An object that gives frames."""

    @property
    def name(self) -> str:
        """Its name in messages and results."""

    @property
    def single(self) -> bool:
        """Whether it ends after each frame, as the address of a photo does."""

    @property
    def queued(self) -> bool:
        """Whether every frame is read, in order; otherwise only the newest one is."""

    def frames(self) -> Frames:
        """Open the source and yield frames: all if it is `queued`, otherwise the newest ones."""


class SourceLostError(VideoError):
    """A source that was available before and no longer is."""


def source_of(text: str, *, wait: bool = False) -> Source:
    """Return the source that an argument names.

    Args:
        text: the argument.
        wait: whether a path that does not exist is a folder that may come.

    Raises:
        VideoError: if the argument is not a source.

    """
    if text.isdecimal():
        return Camera(int(text))
    if text.lower().startswith(SCHEMES):
        return Address(text)
    path, shown = Path(text), one_line(text)
    if path.is_dir():
        return Folder(path)
    if path.exists():
        raise VideoError(f"{shown}: a file; read it with `clockread video` or `clockread predict`")
    if wait and "://" not in text:  # an address with a scheme that is not known never comes
        return Folder(path)
    what = "a camera's number, an address such as rtsp://…, or a folder"
    raise VideoError(f"{shown}: no such folder; give {what}")


class _Newest:
    """Draws frames in a thread and keeps the newest, so that reading never falls behind."""

    def __init__(
        self, frames: Callable[[threading.Event], Frames], name: str, silent: float
    ) -> None:
        self._name, self._silent = name, silent
        self._stop, self._ready = threading.Event(), threading.Condition()
        self._frame: Frame | None = None
        self._error: VideoError | None = None
        self._ended = False
        self._thread = threading.Thread(
            target=self._run, args=(frames,), name="clockread-source", daemon=True
        )

    def _run(self, frames: Callable[[threading.Event], Frames]) -> None:
        error: VideoError | None = None
        try:
            for frame in frames(self._stop):
                with self._ready:
                    self._frame = frame
                    self._ready.notify()
                if self._stop.is_set():
                    break
        except VideoError as problem:
            error = problem
        except Exception as problem:  # such as too little memory, or an error of a decoder
            error = VideoError(f"{self._name}: it cannot be read ({reason_of(problem)})")
            error.__cause__ = problem
        finally:
            with self._ready:
                self._error, self._ended = error, True
                self._ready.notify()

    def frames(self) -> Frames:
        """Yield the newest frame; wait if there is none since the last."""
        self._thread.start()
        try:
            while True:
                with self._ready:
                    there = self._ready.wait_for(
                        lambda: self._frame is not None or self._ended, self._silent
                    )
                    frame, self._frame = self._frame, None
                if frame is not None:
                    yield frame
                elif not there:
                    raise VideoError(f"{self._name}: no frame for {self._silent:.0f} seconds")
                elif self._error is not None:
                    raise self._error
                else:
                    return
        finally:
            self._stop.set()


@dataclass
class Camera:
    """A camera of this machine, by its number."""

    index: int
    single: bool = False
    queued: bool = False

    @property
    def name(self) -> str:
        """Its name in messages and results."""
        return f"camera {self.index}"

    def frames(self) -> Frames:
        """Yield its newest frame, again and again."""
        capture = cv2.VideoCapture(self.index)
        if not capture.isOpened():
            capture.release()
            problem = "not there, or in use by another program"
            raise VideoError(f"{self.name}: {problem}; check its cable and its number")

        def drawn(stop: threading.Event) -> Frames:
            try:
                while not stop.is_set():
                    there, image = capture.read()
                    if not there:
                        raise VideoError(f"{self.name}: it gives no more frames")
                    rgb = np.ascontiguousarray(np.asarray(image, np.uint8)[..., ::-1])
                    yield Frame(time.time(), rgb, self.name)
            finally:
                capture.release()

        yield from _Newest(drawn, self.name, SILENT_TIMEOUT).frames()


@dataclass
class Address:
    """A stream, or a photo that is fetched again and again, at an address."""

    address: str
    open_timeout: float = OPEN_TIMEOUT
    silent_timeout: float = SILENT_TIMEOUT
    single: bool = False
    queued: bool = False

    @property
    def name(self) -> str:
        """The address without user name and password."""
        try:
            parts = urlsplit(self.address)
            _ = parts.port  # not a number if a password has a slash, which ends the host
        except ValueError:
            scheme, _, rest = self.address.partition("://")
            return one_line(f"{scheme}://{rest.rpartition('@')[2]}")
        host = parts.netloc.rpartition("@")[2]
        return one_line(parts._replace(netloc=host).geturl())

    def frames(self) -> Frames:
        """Yield its newest frame, again and again; of a photo, once."""
        av = import_av()

        def drawn(stop: threading.Event) -> Frames:
            count = 0
            options = {"rtsp_transport": "tcp"} if self.address.startswith("rtsp") else {}
            timeout = (self.open_timeout, self.silent_timeout)
            try:
                with av.open(self.address, options=options, timeout=timeout) as container:
                    for frame in _frames(container, self.name):
                        count += 1
                        self.single = False
                        yield Frame(time.time(), photo_of(frame, self.name), self.name)
                        if stop.is_set():
                            return
            except (av.error.FFmpegError, ValueError, OSError) as error:
                what = "it stopped" if count else "it cannot be opened"
                if isinstance(error, av.error.ExitError | av.error.TimeoutError):
                    what = "it stopped answering" if count else "it does not answer"
                problem = f"{what} ({reason_of(error)})"
                raise VideoError(f"{self.name}: {problem}; check address and network") from error
            self.single = count == 1
            if count > 1:
                raise VideoError(f"{self.name}: the stream ended")

        wait = self.open_timeout + self.silent_timeout
        yield from _Newest(drawn, self.name, wait).frames()


def _frames(container: Any, name: str) -> Iterator[Any]:
    av = import_av()
    if not container.streams.video:
        raise VideoError(f"{name}: no video stream; give an address that has one")
    stream = container.streams.video[0]
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:  # a packet that was lost on the way
            continue
        yield from frames


@dataclass
class Folder:
    """A folder into which photos are dropped.

    Those that are there at the start are passed over; in a folder that comes later, all are new.
    """

    path: Path
    poll: float = POLL
    sleep: Callable[[float], None] = time.sleep
    single: bool = False
    queued: bool = True
    _known: dict[str, tuple[int, int]] | None = field(default=None, repr=False)
    _was_there: bool = field(default=False, repr=False)

    @property
    def name(self) -> str:
        """Its path."""
        return one_line(os.fspath(self.path))

    def frames(self) -> Frames:
        """Yield each photo once it is complete: its size and time have stayed the same."""
        if self._known is None:
            self._known = self._listed()
        seen = self._known
        growing: dict[str, tuple[int, int]] = {}
        while True:
            there = self._listed()
            self._known = seen = {name: seen[name] for name in there if name in seen}
            for name in sorted(there, key=lambda one: there[one][0]):
                if seen.get(name) == there[name]:
                    continue
                if growing.get(name) == there[name] and there[name][1] > 0:
                    seen[name] = there[name]
                    path = self.path / name
                    yield Frame(there[name][0] / 1e9, path, os.fspath(path))
            growing = there
            self.sleep(self.poll)

    def _listed(self) -> dict[str, tuple[int, int]]:
        """Return time (ns) and size of each photo in the folder."""
        found = {}
        try:
            with os.scandir(self.path) as entries:
                for entry in entries:
                    name = entry.name
                    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122  # thousands of names
                    if suffix in PHOTO_SUFFIXES and not name.startswith("."):
                        if name.lower().endswith(OVERLAY_SUFFIX):
                            continue
                        try:
                            status = entry.stat()
                        except OSError:  # gone again
                            continue
                        found[name] = status.st_mtime_ns, status.st_size
        except FileNotFoundError as error:
            if self._was_there:
                raise SourceLostError(f"{self.name}: this folder is gone; make it again") from error
            self._known = {}
            raise VideoError(f"{self.name}: no such folder; make it") from error
        except OSError as error:
            kind = SourceLostError if self._was_there else VideoError
            problem = f"cannot list this folder ({reason_of(error)})"
            raise kind(f"{self.name}: {problem}; check its permissions") from error
        self._was_there = True
        return found
