"""Photos of many clients → shared batches: a queue, and threads that decode and read.

A thread takes the queued photos, at most its share of them. If other requests are just arriving, it
waits for them for a few milliseconds; a photo that is alone is read at once, on all CPU threads.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

from clockread.errors import ImageError, ImageTooLargeError, UnsupportedImageError, one_line
from clockread.images import Photo, frames_of, load_frames, load_photo, size_of
from clockread.options import MAX_CLOCKS
from clockread.parallel import DECODED_PIXELS, PART_PHOTOS, Entry, PhotoReader, read_in_order
from clockread.pixels import check_size
from clockread.reading import PhotoResult
from clockread.serving.limits import (
    BATCH_SECONDS,
    BUSY,
    INVALID,
    NOT_A_PHOTO,
    TOO_LARGE,
    UNAVAILABLE,
    Limits,
    RefusedError,
)

READ = 200  # status of a photo that was read


class BatchReader(PhotoReader, Protocol):
    """The part of `clockread.reader.ClockReader` that the server needs."""

    def with_limits(self, *, min_confidence: float, max_clocks: int) -> PhotoReader:
        """Return a reader with other limits that shares this reader's networks."""


@dataclass(frozen=True)
class Options:
    """The options of a request that decide how its photos are read."""

    cropped: bool = False
    min_confidence: float = 0.0
    max_clocks: int = MAX_CLOCKS
    lenient: bool = False
    all_frames: bool = False


@dataclass(frozen=True)
class Outcome:
    """The results of one uploaded photo: one, or one per frame."""

    results: tuple[PhotoResult, ...]
    status: int = READ  # HTTP status if this photo is the only one of its request


@dataclass
class FrameBudget:
    """The frames that a request may have in addition to one per photo; its jobs share them."""

    left: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, frames: int) -> bool:
        """Take frames, all or none; return whether there were enough."""
        with self.lock:
            enough = frames <= self.left
            self.left -= frames if enough else 0
            return enough


@dataclass(eq=False)
class Job:
    """An uploaded photo that waits for its outcome."""

    data: bytes
    name: str
    options: Options = field(default_factory=Options)
    future: Future[Outcome] = field(default_factory=Future)
    queued: float = field(default_factory=time.monotonic)
    frames: FrameBudget = field(default_factory=FrameBudget)  # of its request


# Called with the jobs that a thread takes together.
Observer = Callable[[Sequence[Job]], None]


class Batcher:
    """Reads jobs on its own threads.

    Args:
        alone: reads a photo while nothing else is to be done; it may use all CPU threads.
        shared: reads batches, on one CPU thread per thread of the batcher.
        threads: threads that decode and read.
        delay: seconds that a thread waits for arriving requests.
        limits: limits of the photos and of the queue.
        arriving: returns the number of requests whose bodies are being received.
        observe: called with the jobs of each batch.

    """

    def __init__(
        self,
        alone: BatchReader,
        shared: BatchReader,
        *,
        threads: int = 1,
        delay: float = BATCH_SECONDS,
        limits: Limits | None = None,
        arriving: Callable[[], int] = lambda: 0,
        observe: Observer = lambda _: None,
    ) -> None:
        self._alone, self._shared, self._delay = alone, shared, delay
        self._limits, self._arriving, self._observe = limits or Limits(), arriving, observe
        self._changed = threading.Condition()
        self._queue: deque[Job] = deque()
        self._closed, self._busy = False, 0
        self._max_pixels = DECODED_PIXELS // threads
        self._threads = [
            threading.Thread(target=self._work, name=f"clockread-{i}", daemon=True)
            for i in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def queued(self) -> int:
        """The number of photos that wait."""
        return len(self._queue)

    @property
    def alive(self) -> bool:
        """Whether all threads run."""
        return all(thread.is_alive() for thread in self._threads)

    def submit(self, jobs: Sequence[Job]) -> None:
        """Queue all jobs of a request, or none.

        Raises:
            RefusedError: if the queue has no room for all of them, or is closed.

        """
        if len(jobs) > self._limits.queue:
            problem = f"{len(jobs)} photos in a request, the queue takes {self._limits.queue}"
            raise RefusedError(TOO_LARGE, f"{problem}; send fewer")
        frames = FrameBudget(self._limits.photos - len(jobs))
        for job in jobs:
            job.frames = frames
        with self._changed:
            if self._closed:
                raise RefusedError(UNAVAILABLE, "the server is stopping; send the request again")
            if len(self._queue) + len(jobs) > self._limits.queue:
                limit = f"the queue has no room for {len(jobs)} more of {self._limits.queue}"
                raise RefusedError(BUSY, f"{limit} photos; send the request again later")
            self._queue.extend(jobs)
            self._changed.notify_all()

    def cancel(self, jobs: Iterable[Job]) -> None:
        """Drop jobs that still wait; of those that are being read, the results are dropped."""
        with self._changed:
            for job in jobs:
                if job.future.cancel() and job in self._queue:
                    self._queue.remove(job)

    def close(self) -> None:
        """Read the queued photos, then end the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while jobs := self._take():
            try:
                self._observe(jobs)
                is_alone = len(jobs) == 1 and self._busy == 1 and not self._queue
                self._read(jobs, self._alone if is_alone else self._shared)
            finally:
                with self._changed:
                    self._busy -= 1

    def _take(self) -> list[Job]:
        """Wait for jobs and return this thread's share; none if the batcher is closed."""
        with self._changed:
            while True:
                while not self._queue:
                    if self._closed:
                        return []
                    self._changed.wait()
                self._await_more()
                share = -(-len(self._queue) // max(1, len(self._threads) - self._busy))
                taken = [self._queue.popleft() for _ in range(min(share, PART_PHOTOS))]
                jobs = [job for job in taken if job.future.set_running_or_notify_cancel()]
                if jobs:
                    self._busy += 1
                    return jobs

    def _await_more(self) -> None:
        """Wait for requests that are arriving until the batch is full or the delay is over."""
        end = time.monotonic() + self._delay
        while 0 < len(self._queue) < PART_PHOTOS and self._arriving() and not self._closed:
            left = end - time.monotonic()
            if left <= 0 or not self._changed.wait(left):
                return

    def _read(self, jobs: Sequence[Job], reader: BatchReader) -> None:
        """Decode and read jobs, whenever as many pixels are decoded as memory allows."""
        decoded: list[tuple[Job, Photo]] = []
        pixels = 0
        for job in jobs:
            try:
                photo = self._loaded(job, reader)
            except ImageError as error:
                _fail(job, str(error), status_of(error))
            except MemoryError:
                _fail(job, f"{one_line(job.name)}: not enough memory to decode it", TOO_LARGE)
            except Exception as error:
                job.future.set_exception(error)
            else:
                if photo is not None:
                    decoded.append((job, photo))
                    pixels += photo.pixels.size
            if pixels >= self._max_pixels:
                _read_decoded(decoded, reader)
                decoded, pixels = [], 0
        _read_decoded(decoded, reader)

    def _loaded(self, job: Job, reader: BatchReader) -> Photo | None:
        """Return the decoded photo, or None if the frames of the job were read already."""
        name = one_line(job.name)
        check_size(*size_of(job.data, name=name), name, self._limits.pixels)
        lenient = job.options.lenient
        if job.options.all_frames:
            count = frames_of(job.data, name=name, lenient=lenient)
            if count > 1:
                self._read_frames(job, count, reader)
                return None
        return load_photo(job.data, name=job.name, lenient=lenient)

    def _read_frames(self, job: Job, count: int, reader: BatchReader) -> None:
        if not job.frames.take(count - 1):  # the first one is counted as a photo
            limit = self._limits.photos
            problem = f"more than {limit} photos in a request, frames included"
            if count > limit:
                problem = f"{one_line(job.name)}: {count:,} frames, the limit is {limit}"
            raise RefusedError(TOO_LARGE, f"{problem}; send fewer")
        frames = load_frames(
            job.data,
            name=job.name,
            max_pixels=self._limits.pixels,
            lenient=job.options.lenient,
        )
        entries = (Entry(photo.name, photo) for photo in frames)
        results: list[PhotoResult] = []
        view, cropped = _limited(reader, job.options), job.options.cropped
        try:
            results.extend(read_in_order(entries, view, count=count, cropped=cropped))
        except ImageError as error:  # a frame that is damaged or too large ends the file
            results.append(PhotoResult(job.name, None, None, (), str(error)))
        job.future.set_result(Outcome(tuple(results)))


def status_of(error: ImageError) -> int:
    """Return the HTTP status for a photo that cannot be read."""
    if isinstance(error, ImageTooLargeError):
        return TOO_LARGE
    return NOT_A_PHOTO if isinstance(error, UnsupportedImageError) else INVALID


def _fail(job: Job, message: str, status: int) -> None:
    job.future.set_result(Outcome((PhotoResult(job.name, None, None, (), message),), status))


def _limited(reader: BatchReader, options: Options) -> PhotoReader:
    return reader.with_limits(min_confidence=options.min_confidence, max_clocks=options.max_clocks)


def _read_decoded(decoded: Sequence[tuple[Job, Photo]], reader: BatchReader) -> None:
    """Read photos, those with the same options together."""
    groups: dict[Options, list[tuple[Job, Photo]]] = {}
    for job, photo in decoded:
        groups.setdefault(job.options, []).append((job, photo))
    for options, group in groups.items():
        _read_group(group, _limited(reader, options), cropped=options.cropped)


def _read_group(group: Sequence[tuple[Job, Photo]], reader: PhotoReader, *, cropped: bool) -> None:
    """Read a group; if that fails, each photo alone, so that one cannot fail the others."""
    try:
        results = reader.read_photos([photo for _, photo in group], cropped=cropped)
    except Exception as error:
        if len(group) == 1:
            group[0][0].future.set_exception(error)
        else:
            for pair in group:
                _read_group([pair], reader, cropped=cropped)
        return
    for (job, _), result in zip(group, results, strict=True):
        job.future.set_result(Outcome((result,)))
