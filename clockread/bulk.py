"""Many photos → results, in order: each worker decodes and reads a part of them, so that no stage waits for another.

Decoding, OpenCV and onnxruntime release Python's lock, so workers are threads. On a CPU each runs the networks on its own thread:
parts of the work that cannot be split further keep all cores busy, which one network on all cores does not. Memory is bounded by what
the workers have decoded, however many photos there are.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from clockread.errors import ImageError, one_line
from clockread.images import ImageSource, Photo, load_photo
from clockread.reading import PhotoResult

PART_PHOTOS = 16  # most photos that a worker decodes before it reads them
DECODED_PIXELS = 128_000_000  # of all workers together; grey, a byte each
QUEUE_DEPTH = 2  # parts per worker that may be read before the one whose turn it is
MIN_PHOTOS_PER_THREAD = 2  # photos per thread, below which all threads work on one photo at a time

Results: TypeAlias = Generator[PhotoResult, None, None]


class PhotoReader(Protocol):
    """What reading many photos needs of clockread.reader.ClockReader."""

    @property
    def provider(self) -> str:
        """The provider really in use."""

    def read_photos(
        self,
        photos: Sequence[Photo],
        *,
        cropped: bool = False,
        timings: dict[str, float] | None = None,
    ) -> list[PhotoResult]:
        """Return the result of each photo."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A photo to read, or the reason why it cannot be read."""

    name: str
    source: ImageSource | None
    error: str | None = None
    lenient: bool = False  # see images.load_photo
    overlay: Path | None = None  # where its readings are to be drawn


Finish: TypeAlias = Callable[
    [Entry, Photo, PhotoResult], PhotoResult
]  # run by the worker on each photo that was read


@dataclass(frozen=True)
class Plan:
    """How a number of photos is divided among threads."""

    workers: int  # threads that each decode and read
    threads: int  # of onnxruntime in each

    @classmethod
    def of(cls, photos: int | None, threads: int) -> Plan:
        """Return the plan: all ``threads`` on one photo at a time if there are few photos, else (None: not known) one worker per thread."""
        return (
            cls(threads, 1)
            if threads > 1 and (photos is None or photos >= MIN_PHOTOS_PER_THREAD * threads)
            else cls(1, threads)
        )


def read_each(entries: Iterable[Entry], reader: PhotoReader, *, cropped: bool = False) -> Results:
    """Read entries from a live source: each is read, and its result given, before the next one is drawn."""
    stop = threading.Event()
    for entry in entries:
        yield from _read_part([entry], reader, DECODED_PIXELS, stop, cropped=cropped, finish=None)


def read_in_order(
    entries: Iterable[Entry],
    reader: PhotoReader,
    *,
    count: int | None = None,
    cropped: bool = False,
    workers: int = 1,
    batch_size: int = PART_PHOTOS,
    finish: Finish | None = None,
) -> Results:
    """Read entries that are all there, and give the result of each, in order; a photo that cannot be read is a result with an error.

    Entries are drawn some way ahead, to keep all workers busy. If drawing one raises, the results of those before it are given first.
    Closing the iterator, or an interrupt, ends the workers after the photo or batch that each is at.

    Args:
        entries: the photos.
        count: how many there are, if that is known and ``entries`` has no length; the work is then divided evenly.
        reader: reads decoded photos; used by all workers.
        cropped: whether each photo is one dial.
        workers: threads that decode and read.
        batch_size: most photos that are decoded before they are read together.
        finish: makes the final result of each photo that was read.

    """
    workers = _startable(workers) if workers > 1 else 1
    if count is None and isinstance(entries, Sized):
        count = len(entries)
    part_size = PART_PHOTOS if count is None or workers == 1 else _part_size(count, workers)
    stop = threading.Event()
    parts = _Parts(entries, max(1, min(part_size, batch_size)))

    def read(part: Sequence[Entry]) -> list[PhotoResult]:
        return list(
            _read_part(
                part, reader, DECODED_PIXELS // workers, stop, cropped=cropped, finish=finish
            )
        )

    if workers == 1:
        for part in parts:
            yield from read(part)
    else:
        with ThreadPoolExecutor(workers, thread_name_prefix="clockread") as pool:
            waiting: deque[Future[list[PhotoResult]]] = deque()
            try:
                for part in parts:
                    if len(waiting) >= QUEUE_DEPTH * workers:
                        yield from waiting.popleft().result()
                    waiting.append(pool.submit(read, part))
                while waiting:
                    yield from waiting.popleft().result()
            finally:
                stop.set()
                for future in waiting:
                    future.cancel()
    if parts.error is not None:
        raise parts.error


def _part_size(photos: int, workers: int) -> int:
    """Return the photos per part, chosen so that every worker gets the same number of parts."""
    rounds = max(MIN_PHOTOS_PER_THREAD, math.ceil(photos / (PART_PHOTOS * workers)))
    return max(1, math.ceil(photos / (rounds * workers)))


def _startable(workers: int) -> int:
    """Return how many threads, at least 1 and at most ``workers``, the system allows to start."""
    done = threading.Event()
    threads = [threading.Thread(target=done.wait, daemon=True) for _ in range(workers)]
    started = []
    try:
        for thread in threads:
            thread.start()
            started.append(thread)
    except RuntimeError:  # a limit of the user, the container or the system is reached
        started = started[:-1]  # leave one for whatever else the process needs
    finally:
        done.set()
    return max(1, len(started))


class _Parts:
    """Lists of up to ``size`` entries; an error of the source ends them and is kept."""

    def __init__(self, entries: Iterable[Entry], size: int) -> None:
        self.error: Exception | None = None
        self._entries, self._size = entries, size

    def __iter__(self) -> Iterator[list[Entry]]:
        part: list[Entry] = []
        try:
            for entry in self._entries:
                part.append(entry)
                if len(part) == self._size:
                    yield part
                    part = []
        except Exception as error:
            self.error = error
        if part:
            yield part


def _read_part(
    entries: Sequence[Entry],
    reader: PhotoReader,
    pixels: int,
    stop: threading.Event,
    *,
    cropped: bool,
    finish: Finish | None,
) -> Iterator[PhotoResult]:
    """Give the results of a part, reading whenever more than ``pixels`` are decoded."""
    loaded: list[tuple[Entry, Photo | PhotoResult]] = []
    decoded = 0
    for entry in entries:
        if stop.is_set():
            return
        photo = load(entry)
        loaded.append((entry, photo))
        decoded += photo.pixels.size if isinstance(photo, Photo) else 0
        if decoded >= pixels:
            yield from _read_loaded(loaded, reader, cropped=cropped, finish=finish)
            loaded, decoded = [], 0
    yield from _read_loaded(loaded, reader, cropped=cropped, finish=finish)


def _read_loaded(
    loaded: Sequence[tuple[Entry, Photo | PhotoResult]],
    reader: PhotoReader,
    *,
    cropped: bool,
    finish: Finish | None,
) -> Iterator[PhotoResult]:
    photos = [photo for _, photo in loaded if isinstance(photo, Photo)]
    results = iter(reader.read_photos(photos, cropped=cropped) if photos else [])
    for entry, photo in loaded:
        if not isinstance(photo, Photo):
            yield photo
        elif finish is None:
            yield next(results)
        else:
            yield finish(entry, photo, next(results))


def load(entry: Entry) -> Photo | PhotoResult:
    """Return the decoded photo, or a result that says why there is none."""
    error = entry.error
    if error is None:
        try:
            return load_photo(entry.source, name=entry.name, lenient=entry.lenient)  # type: ignore[arg-type]  # None is an ImageError
        except ImageError as problem:
            error = str(problem)
        except MemoryError:
            error = f"{one_line(entry.name)}: not enough memory to decode it; save it smaller"
    return PhotoResult(entry.name, None, None, (), error)
