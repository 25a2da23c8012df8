"""The worker: an actor that reads the photos of one part after the other, on one core."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import pyarrow as pa

from clockread import __version__
from clockread.cluster.parts import commit, exists, rows_of
from clockread.cluster.places import SEPARATOR, Place, Stores
from clockread.cluster.tries import Tries
from clockread.errors import ClockreadError, ImageError, OutputError, one_line, reason_of
from clockread.file_access import read_all
from clockread.options import MAX_CLOCKS
from clockread.parallel import Entry, read_in_order
from clockread.reader import ClockReader
from clockread.reading import PhotoResult

_Photo: TypeAlias = tuple[str, str | None]  # its path, and why it cannot be read

FETCHES = 8  # photos that a worker fetches from a store at a time


@dataclass(frozen=True)
class ReadOptions:
    """How photos are read: the options of ``clockread predict``."""

    provider: str = "cpu"
    model: str = "auto"
    batch_size: int = 32
    min_confidence: float = 0.0
    max_clocks: int = MAX_CLOCKS
    cropped: bool = False
    seconds: bool = False
    lenient: bool = False

    @property
    def stored(self) -> dict[str, Any]:
        """The options that change results, which parts have in their metadata."""
        options = asdict(self)
        del options["batch_size"]
        return {"version": __version__, **options}


class Worker:
    """Reads parts, and writes the results of each as one file.

    Args:
        options: how photos are read.
        stores: open the photos' addresses.
        output: the folder of results.

    """

    def __init__(self, options: ReadOptions, stores: Stores, output: Place) -> None:
        self._options, self._stores, self._output = options, stores, output

    @cached_property
    def _reader(self) -> ClockReader:
        """The reader, opened by the first part, so that an error is an answer and not a crash."""
        return ClockReader(
            self._options.provider,
            model=self._options.model,
            batch_size=self._options.batch_size,
            threads=1,
            min_confidence=self._options.min_confidence,
            max_clocks=self._options.max_clocks,
        )

    def __call__(self, part: dict[str, Any]) -> dict[str, Any]:
        """Read a part unless it is done; return the counts, or the reason to stop everything.

        A part may come again if its first worker was killed after writing it.
        """
        name, count = part["name"], len(part["paths"])
        try:
            if exists(self._output, name):
                return _answer(name, count)
            photos = list(zip(part["paths"], part["problems"], strict=True))
            tries = Tries.begin(self._output, name)
            results = list(self._one_by_one(photos, tries) if tries.careful else self._read(photos))
            rows = [result.to_dict(seconds=self._options.seconds) for result in results]
            commit(self._output, name, rows_of(rows, self._options.stored))
            tries.end()
        except ClockreadError as error:
            return _answer(name, stop=str(error), unwritten=isinstance(error, OutputError))
        except OSError as error:
            problem = f"the folder of results cannot be used ({reason_of(error)})"
            stop = f"{one_line(self._output.address)}: {problem}; check the space and permissions"
            return _answer(name, stop=stop, unwritten=True)
        return _answer(name, count, sum(result.error is not None for result in results))

    def _one_by_one(self, photos: Sequence[_Photo], tries: Tries) -> Iterator[PhotoResult]:
        """Read photos one at a time, except those that killed other workers."""
        for path, problem in photos:
            if tries.allows(path):
                tries.note(path)
                yield from self._read([(path, problem)])
            else:
                killed = f"{one_line(path)}: it killed the process that read it; convert it"
                yield PhotoResult(path, None, None, (), killed)
        tries.note(None)

    def _read(self, photos: Sequence[_Photo]) -> Iterator[PhotoResult]:
        return read_in_order(
            (replace(entry, lenient=self._options.lenient) for entry in self._entries(photos)),
            self._reader,
            count=len(photos),
            cropped=self._options.cropped,
            batch_size=self._options.batch_size,
        )

    def _entries(self, photos: Sequence[_Photo]) -> Iterator[Entry]:
        """Yield an entry per photo; those in stores are fetched ahead."""
        if not any(SEPARATOR in path for path, _ in photos):
            yield from (self._entry(*photo) for photo in photos)
            return
        with ThreadPoolExecutor(FETCHES) as pool:
            fetched: deque[Future[Entry]] = deque()
            for photo in photos:
                fetched.append(pool.submit(self._entry, *photo))
                if len(fetched) > FETCHES:
                    yield fetched.popleft().result()
            while fetched:
                yield fetched.popleft().result()

    def _entry(self, path: str, problem: str | None) -> Entry:
        if problem is not None:
            return Entry(path, None, problem)
        if SEPARATOR not in path:
            return Entry(path, path)
        try:
            return Entry(path, fetch(self._stores, path))
        except ClockreadError as error:
            return Entry(path, None, str(error))


def _answer(
    name: str,
    photos: int = 0,
    failed: int = 0,
    *,
    stop: str | None = None,
    unwritten: bool = False,
) -> dict[str, Any]:
    """Return what the driver learns of a part.

    Args:
        name: the part's.
        photos: the photos whose results are written.
        failed: those of them that could not be read.
        stop: the reason to stop everything.
        unwritten: whether that is that results cannot be written.

    """
    return {
        "name": name,
        "photos": photos,
        "failed": failed,
        "stop": stop,
        "unwritten": unwritten,
    }


def fetch(stores: Stores, address: str) -> bytes:
    """Return the bytes of a photo in a store; raise ClockreadError if there are none."""
    name = one_line(address)
    try:
        place = stores.place(address)
        with place.files.open_input_stream(place.path) as file:
            data = read_all(file, name)
    except FileNotFoundError as error:
        raise ImageError(f"{name}: no such photo in this store; check the address") from error
    except (OSError, pa.ArrowException) as error:
        problem = f"cannot be fetched ({reason_of(error)})"
        raise ImageError(f"{name}: {problem}; check the address and permissions") from error
    if not data:
        raise ImageError(f"{name}: empty (0 bytes); copy it again")
    return data
