"""Many photos → results, in order: each worker decodes and reads a part of them, so that no stage waits for another.

Decoding, OpenCV and onnxruntime let go of Python's lock, so workers are threads. On a CPU each runs the networks on its own thread:
parts of the work that cannot be split further keep all cores busy, which one network on all cores does not. Memory is bounded by what
the workers have decoded, however many photos there are.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, TypeAlias

from clockread.errors import ImageError, one_line
from clockread.images import ImageSource, Photo, load_photo
from clockread.reading import PhotoResult

PART_PHOTOS = 16  # most photos that a worker decodes before it reads them
DECODED_PIXELS = 128_000_000  # of all workers together; grey, a byte each
AHEAD = 2  # parts for each worker that may be read before the one whose turn it is
FEW = 2  # photos for each thread, below which all threads work on one photo at a time


Results: TypeAlias = Generator[PhotoResult, None, None]


class PhotoReader(Protocol):
    """What reading many photos needs of clockread.reader.ClockReader."""

    @property
    def provider(self) -> str:
        """The provider really in use."""

    def read_photos(self, photos: Sequence[Photo], *, cropped: bool = False, timings: dict[str, float] | None = None) -> list[PhotoResult]:
        """Return the result of each photo."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A photo to read, or the reason why there is none."""

    name: str
    source: ImageSource | None
    error: str | None = None


@dataclass(frozen=True)
class Plan:
    """How a number of photos is shared out."""

    workers: int  # threads that each decode and read
    threads: int  # of onnxruntime in each

    @classmethod
    def of(cls, photos: int, threads: int) -> Plan:
        """All ``threads`` on one photo at a time where there are few photos, else a worker a thread."""
        return cls(threads, 1) if threads > 1 and photos >= FEW * threads else cls(1, threads)


def read_in_order(entries: Iterable[Entry], reader: PhotoReader, *, cropped: bool = False, workers: int = 1) -> Results:
    """The result of each entry, in order; a photo that cannot be read is a result with an error.

    Closing the iterator, or an interrupt, ends the workers after the photo or batch that each is at.
    """
    share = _share(len(entries), workers) if workers > 1 and isinstance(entries, Sized) else PART_PHOTOS
    stop = threading.Event()

    def read(part: Sequence[Entry]) -> list[PhotoResult]:
        return list(_read_part(part, reader, DECODED_PIXELS // workers, stop, cropped=cropped))

    if workers == 1:
        for part in _parts(entries, share):
            yield from read(part)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="clockread") as pool:
        waiting: deque[Future[list[PhotoResult]]] = deque()
        try:
            for part in _parts(entries, share):
                if len(waiting) >= AHEAD * workers:
                    yield from waiting.popleft().result()
                waiting.append(pool.submit(read, part))
            while waiting:
                yield from waiting.popleft().result()
        finally:
            stop.set()
            for future in waiting:
                future.cancel()


def _share(photos: int, workers: int) -> int:
    """Photos a part: as many parts for each worker as for the others, so that all end together."""
    rounds = max(FEW, math.ceil(photos / (PART_PHOTOS * workers)))
    return max(1, math.ceil(photos / (rounds * workers)))


def _parts(entries: Iterable[Entry], size: int) -> Iterator[list[Entry]]:
    rest = iter(entries)
    while part := list(islice(rest, size)):
        yield part


def _read_part(
    entries: Sequence[Entry], reader: PhotoReader, pixels: int, stop: threading.Event, *, cropped: bool
) -> Iterator[PhotoResult]:
    """Results of a part, read whenever more than ``pixels`` are decoded."""
    loaded: list[Photo | PhotoResult] = []
    decoded = 0
    for entry in entries:
        if stop.is_set():
            return
        loaded.append(load(entry))
        decoded += loaded[-1].pixels.size if isinstance(loaded[-1], Photo) else 0
        if decoded >= pixels:
            yield from _read_loaded(loaded, reader, cropped=cropped)
            loaded, decoded = [], 0
    yield from _read_loaded(loaded, reader, cropped=cropped)


def _read_loaded(loaded: Sequence[Photo | PhotoResult], reader: PhotoReader, *, cropped: bool) -> Iterator[PhotoResult]:
    photos = [one for one in loaded if isinstance(one, Photo)]
    results = iter(reader.read_photos(photos, cropped=cropped) if photos else [])
    for one in loaded:
        yield next(results) if isinstance(one, Photo) else one


def load(entry: Entry) -> Photo | PhotoResult:
    """The decoded photo, or a result that says why there is none."""
    error = entry.error or ""
    if entry.source is not None:
        try:
            return load_photo(entry.source, name=entry.name)
        except ImageError as problem:
            error = str(problem)
        except MemoryError:
            error = f"{one_line(entry.name)}: not enough memory to decode it; save it smaller"
    return PhotoResult(entry.name, None, None, (), error)
