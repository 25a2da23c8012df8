"""Many photos → results, in order: each worker decodes and reads a part, so that no stage waits.

Workers are threads, because decoding, OpenCV and onnxruntime release the GIL. On a CPU, each runs
the networks single-threaded: independent parts keep all cores busy, one network on all cores does
not. Memory is bounded by what the workers have decoded, however many photos there are.
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

PART_PHOTOS = 16  # maximum that a worker decodes before it reads them
DECODED_PIXELS = 128_000_000  # of all workers together; grey, one byte each
QUEUE_DEPTH = 2  # parts per worker that may be read ahead of the next part in order
MIN_PHOTOS_PER_THREAD = 2  # with fewer, one worker reads them with all threads

Results: TypeAlias = Generator[PhotoResult, None, None]


class PhotoReader(Protocol):
    """The part of `clockread.reader.ClockReader` that reading many photos needs."""

    @property
    def part_photos(self) -> int:
        """The maximum number of photos that a worker reads together; more on a GPU."""

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


# Run by the worker on each photo that was read.
Finish: TypeAlias = Callable[[Entry, Photo, PhotoResult], PhotoResult]


@dataclass(frozen=True)
class Plan:
    """The division of threads between workers and onnxruntime."""

    workers: int  # threads that each decode and read
    threads: int  # of onnxruntime in each

    @classmethod
    def of(cls, photos: int | None, threads: int) -> Plan:
        """Return the plan for a number of photos (None: unknown, assumed to be large).

        Many photos get one worker per thread. Few get one worker, whose networks use all
        ``threads``.
        """
        many = photos is None or photos >= MIN_PHOTOS_PER_THREAD * threads
        return cls(threads, 1) if many and threads > 1 else cls(1, threads)


def read_each(entries: Iterable[Entry], reader: PhotoReader, *, cropped: bool = False) -> Results:
    """Read entries from a live source: each result is yielded before the next entry is drawn."""
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
    """Read entries ahead, and yield the result of each, in order.

    A photo that cannot be read is a result with an error. If drawing an entry raises, the results
    of those before it are yielded first. Closing the iterator, or an interrupt, stops each worker
    after its present photo or batch.

    Args:
        entries: the photos.
        reader: reads decoded photos; used by all workers.
        count: the number of entries, if it is known and ``entries`` has no length; the work is
            then divided evenly.
        cropped: whether each photo is one dial.
        workers: threads that decode and read.
        batch_size: maximum number of photos that are decoded before they are read together.
        finish: makes the final result of each photo that was read.

    Returns:
        An iterator over the results.

    """
    workers = _startable(workers) if workers > 1 else 1
    if count is None and isinstance(entries, Sized):
        count = len(entries)
    most = reader.part_photos
    part_size = most if count is None or workers == 1 else _part_size(count, workers, most)
    stop, pixels = threading.Event(), DECODED_PIXELS // workers
    parts = _Parts(entries, max(1, min(part_size, batch_size)))

    def read(part: Sequence[Entry]) -> list[PhotoResult]:
        return list(_read_part(part, reader, pixels, stop, cropped=cropped, finish=finish))

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


def _part_size(photos: int, workers: int, most: int) -> int:
    """Return the photos per part, chosen so that every worker gets the same number of parts."""
    rounds = max(MIN_PHOTOS_PER_THREAD, math.ceil(photos / (most * workers)))
    return max(1, math.ceil(photos / (rounds * workers)))


def _startable(workers: int) -> int:
    """Return how many threads, from 1 to ``workers``, the system allows to start."""
    done = threading.Event()
    threads = [threading.Thread(target=done.wait, daemon=True) for _ in range(workers)]
    started = []
    try:
        for thread in threads:
            thread.start()
            started.append(thread)
    except RuntimeError:  # a limit of the user, the container or the system
        started = started[:-1]  # leave one for whatever else the process needs
    finally:
        done.set()
    return max(1, len(started))


class _Parts:
    """Lists of up to ``size`` entries. An error of the source ends them and is kept."""

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
    """Yield the results of a part, reading whenever ``pixels`` are decoded."""
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
        result = next(results) if isinstance(photo, Photo) else photo
        yield finish(entry, photo, result) if finish and isinstance(photo, Photo) else result


def load(entry: Entry) -> Photo | PhotoResult:
    """Return the decoded photo, or a result that says why there is none."""
    error, source = entry.error, entry.source
    if error is None:
        try:
            return load_photo(source, name=entry.name, lenient=entry.lenient)  # type: ignore[arg-type]
        except ImageError as problem:  # also if the source is None
            error = str(problem)
        except MemoryError:
            error = f"{one_line(entry.name)}: not enough memory to decode it; save it smaller"
    return PhotoResult(entry.name, None, None, (), error)
