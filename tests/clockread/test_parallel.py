"""Many photos through several workers: order, bounds, errors, same readings as one by one."""

from __future__ import annotations

import io
import pickle
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from conftest import EXAMPLES
from conftest import grey_png as photo_of

from clockread import ClockReader, parallel
from clockread.images import Photo
from clockread.parallel import Entry, Plan, load, read_in_order
from clockread.reading import PhotoResult


class Recorder:
    """Reads nothing; records its batches, and the highest number of threads in it at once."""

    part_photos = parallel.PART_PHOTOS

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.batches: list[list[str]] = []
        self.most_at_once = 0
        self._inside = 0
        self._lock = threading.Lock()

    def read_photos(
        self,
        photos: Sequence[Photo],
        *,
        cropped: bool = False,
        timings: dict[str, float] | None = None,
    ) -> list[PhotoResult]:
        with self._lock:
            self.batches.append([photo.name for photo in photos])
            self._inside += 1
            self.most_at_once = max(self.most_at_once, self._inside)
        time.sleep(
            self.seconds * (1 + 9 * (photos[0].name == "0"))
        )  # the first part is slow: the others overtake it
        with self._lock:
            self._inside -= 1
        return [
            PhotoResult(photo.name, photo.width, photo.height, (), None, photo.scale)
            for photo in photos
        ]


def entries(count: int) -> list[Entry]:
    return [Entry(str(i), photo_of(i % 256)) for i in range(count)]


@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_in_order_and_a_bad_photo_in_its_place(workers: int) -> None:
    given = entries(40)
    given[7] = Entry("7", b"no photo")
    given[8] = Entry("8", None, "8: nothing to read")
    results = list(read_in_order(given, Recorder(0.002), workers=workers))
    assert [result.path for result in results] == [entry.name for entry in given]
    assert [result.path for result in results if result.error] == ["7", "8"]
    assert (results[0].width, results[0].height, results[0].scale) == (60, 40, 1.0)
    assert (results[7].width, results[8].error) == (None, "8: nothing to read")


def test_workers_work_at_once() -> None:
    reader = Recorder(0.02)
    list(read_in_order(entries(30), reader, workers=3))
    assert reader.most_at_once == 3


@pytest.mark.parametrize("photos", [4, 33, 65, 100])
def test_no_worker_has_a_part_more_than_another(photos: int) -> None:
    reader = Recorder()
    list(read_in_order(entries(photos), reader, workers=2))
    assert len(reader.batches) % 2 == 0
    assert max(map(len, reader.batches)) <= parallel.PART_PHOTOS


def test_the_reader_says_how_large_a_part_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recorder, "part_photos", 40)
    reader = Recorder()
    list(read_in_order(entries(50), reader, batch_size=64))
    assert [len(batch) for batch in reader.batches] == [40, 10]


@pytest.mark.parametrize("workers", [1, 2])
def test_not_more_is_taken_than_can_be_given_soon(
    workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Recorder, "part_photos", 2)
    taken = 0

    def endless() -> Iterator[Entry]:
        nonlocal taken
        while True:
            taken += 1
            yield Entry(str(taken), photo_of(9))

    results = read_in_order(endless(), Recorder(), workers=workers)
    for given in range(1, 50):
        next(results)
        assert taken <= given + 2 * (workers * parallel.QUEUE_DEPTH + 1)
    results.close()


def test_a_batch_ends_early_where_photos_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "DECODED_PIXELS", 5000)
    reader = Recorder()
    list(read_in_order(entries(5), reader))
    assert [len(batch) for batch in reader.batches] == [3, 2]


def test_closing_stops_the_workers() -> None:
    reader = Recorder(0.01)
    results = read_in_order(entries(2000), reader, workers=2)
    next(results)
    results.close()
    before = len(reader.batches)
    time.sleep(0.1)
    assert len(reader.batches) == before < 50
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("clockread")]


def test_a_fault_of_the_reader_is_raised_and_not_lost() -> None:
    class Broken(Recorder):
        def read_photos(self, photos: Sequence[Photo], **options: object) -> list[PhotoResult]:
            raise RuntimeError("a fault")

    with pytest.raises(RuntimeError, match="a fault"):
        list(read_in_order(entries(30), Broken(), workers=2))


def test_an_entry_without_memory_is_an_error_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> Photo:
        raise MemoryError

    monkeypatch.setattr(parallel, "load_photo", fail)
    loaded = load(Entry("a\nb.png", photo_of(9)))
    assert isinstance(loaded, PhotoResult)
    assert loaded.error is not None
    assert "not enough memory" in loaded.error
    assert "\n" not in loaded.error


@pytest.mark.parametrize(
    ("photos", "threads", "plan"),
    [(1, 8, Plan(1, 8)), (15, 8, Plan(1, 8)), (16, 8, Plan(8, 1)), (1000, 1, Plan(1, 1))],
)
def test_many_photos_have_a_worker_a_thread(photos: int, threads: int, plan: Plan) -> None:
    assert Plan.of(photos, threads) == plan


def test_a_stream_reads_what_reading_one_by_one_reads() -> None:
    paths = [str(path) for path in sorted(EXAMPLES.glob("*.jpg"))]
    reader = ClockReader("cpu", threads=2)
    lone = [reader.read(path) for path in paths]
    assert any(lone)
    for streamed in (reader.stream(paths * 3), reader.stream(iter(paths * 3))):
        results = list(streamed)
        assert [result.path for result in results] == paths * 3
        assert [[r.time for r in result.readings] for result in results] == [
            [r.time for r in one] for one in lone
        ] * 3
        for result, one in zip(results, lone * 3, strict=True):
            for got, wanted in zip(result.readings, one, strict=True):
                assert got.box == pytest.approx(wanted.box, abs=0.01)
                assert got.confidence == pytest.approx(wanted.confidence, abs=1e-3)


@pytest.mark.parametrize(("photos", "workers", "threads"), [(3, 1, 2), (8, 2, 1)])
def test_workers_of_a_stream_share_the_threads_of_its_reader(
    photos: int, workers: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = []

    def record(entries: object, reader: ClockReader, **options: int) -> Iterator[PhotoResult]:
        used.append((options["workers"], reader.threads))
        return iter(())

    monkeypatch.setattr("clockread.reader.read_in_order", record)
    list(ClockReader("cpu", threads=2).stream([photo_of(90)] * photos))
    assert used == [(workers, threads)]


def test_a_stream_gives_errors_as_results(tmp_path: Path) -> None:
    photos = ["nothing.jpg", b"", np.zeros((40, 40), np.uint8)]
    results = list(ClockReader("cpu").stream(photos))
    assert [result.path for result in results] == ["nothing.jpg", "<bytes>", "<array>"]
    assert [bool(result.error) for result in results] == [True, True, False]


class TestLiveSources:
    @pytest.fixture(scope="class")
    def reader(self) -> ClockReader:
        return ClockReader("cpu", threads=2)

    def test_the_next_image_is_drawn_when_the_next_result_is_asked_for(
        self, reader: ClockReader
    ) -> None:
        drawn = 0

        def source() -> Iterator[bytes]:
            nonlocal drawn
            for _ in range(5):
                drawn += 1
                yield photo_of(90)

        for given, _ in enumerate(reader.stream(source()), start=1):
            assert drawn == given
        assert drawn == 5

    def test_a_source_may_wait_for_the_answer_to_its_last_image(self, reader: ClockReader) -> None:
        answers: list[PhotoResult] = []

        def source() -> Iterator[bytes]:
            for asked in range(3):
                assert len(answers) == asked
                yield photo_of(90)

        for result in reader.stream(source()):
            answers += [result]  # before the source goes on
        assert len(answers) == 3

    def test_a_slow_source_gets_its_first_answer_at_once(self, reader: ClockReader) -> None:
        def source() -> Iterator[bytes]:
            for _ in range(3):
                time.sleep(0.5)
                yield (EXAMPLES / "wall.jpg").read_bytes()

        list(reader.stream([EXAMPLES / "wall.jpg"]))  # opens the finder
        began = time.monotonic()
        results = reader.stream(source())
        assert next(results).readings
        assert time.monotonic() - began < 1.4, "before the source gave its last image"
        results.close()

    def test_results_before_an_error_of_the_source_are_given(self, reader: ClockReader) -> None:
        def source() -> Iterator[bytes]:
            yield from [photo_of(90)] * 5
            raise OSError("the camera is gone")

        for read_ahead in (False, True):
            results = reader.stream(source(), read_ahead=read_ahead)
            assert [next(results).error for _ in range(5)] == [None] * 5
            with pytest.raises(OSError, match="camera"):
                next(results)

    def test_an_iterator_that_is_not_live_can_be_read_ahead(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reader = ClockReader("cpu", threads=2)
        drawn = 0

        def source() -> Iterator[bytes]:
            nonlocal drawn
            for _ in range(200):
                drawn += 1
                yield photo_of(90)

        results = reader.stream(source(), read_ahead=True)
        next(results)
        assert 2 <= drawn <= 5 * parallel.PART_PHOTOS
        results.close()

    def test_a_list_can_be_read_one_by_one(self, reader: ClockReader) -> None:
        class Watched(list[bytes]):
            drawn = 0

            def __iter__(self) -> Iterator[bytes]:
                for one in super().__iter__():
                    self.drawn += 1
                    yield one

        images = Watched([photo_of(90)] * 40)
        next(reader.stream(images, read_ahead=False))
        assert images.drawn == 1

    def test_a_batch_size_of_one_holds_no_result_back(self) -> None:
        recorder = Recorder()
        results = read_in_order(entries(40), recorder, workers=2, batch_size=1)
        next(results)
        results.close()
        assert {len(batch) for batch in recorder.batches} == {1}
        assert len(recorder.batches) <= 2 * parallel.QUEUE_DEPTH + 2

    @pytest.mark.parametrize(
        "one",
        [
            "a.jpg",
            b"\xff\xd8",
            Path("a.jpg"),
            np.zeros((40, 40, 3), np.uint8),
            bytearray(b"a"),
            io.BytesIO(),
        ],
    )
    def test_one_image_in_place_of_several_is_a_type_error(
        self, reader: ClockReader, one: object
    ) -> None:
        with pytest.raises(TypeError, match="several images"):
            reader.stream(one)  # type: ignore[arg-type]

    def test_a_batch_of_arrays_is_several(self, reader: ClockReader) -> None:
        batch = np.zeros((3, 40, 40, 3), np.uint8)
        assert len(list(reader.stream(batch))) == 3
        assert reader.read(batch) == [[], [], []]

    def test_what_is_no_image_is_an_error(self, reader: ClockReader) -> None:
        (result,) = reader.stream([None])  # type: ignore[list-item]
        assert result.error is not None
        assert "not a photo" in result.error


@pytest.mark.parametrize("startable", [0, 1, 3])
def test_where_no_more_threads_are_to_be_had_fewer_work(
    startable: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start
    tries = 0

    def limited(thread: threading.Thread) -> None:
        nonlocal tries
        tries += 1
        if tries > startable:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    workers = parallel._startable(8)
    monkeypatch.setattr(threading.Thread, "start", start)
    assert workers == max(1, startable - 1)


def test_a_stream_keeps_the_options_of_its_reader() -> None:
    """Also in the reader on one thread that many photos share."""
    paths = [EXAMPLES / "wall.jpg"] * 4
    strict = ClockReader("cpu", threads=2, min_confidence=1.0)
    assert [(result.readings, result.below_min_confidence) for result in strict.stream(paths)] == [
        ((), 1)
    ] * 4
    reader = ClockReader("cpu", threads=2)
    lone = reader.read(EXAMPLES / "two.jpg", cropped=True)
    assert len(lone) == 1
    assert len(reader.read(EXAMPLES / "two.jpg")) == 2
    for source in (
        [EXAMPLES / "two.jpg"] * 4,
        [EXAMPLES / "two.jpg"],
        iter([EXAMPLES / "two.jpg"]),
    ):
        for result in reader.stream(source, cropped=True):
            assert [r.dial_score for r in result.readings] == [1.0]
            assert result.readings[0].box == pytest.approx(lone[0].box, abs=0.05)


def test_a_reader_with_other_limits_keeps_them_everywhere() -> None:
    reader = ClockReader("cpu", threads=2)
    path = EXAMPLES / "two.jpg"
    list(reader.stream([path] * 4))  # with a reader of its own for the workers
    one = reader.with_limits(min_confidence=0.0, max_clocks=1)
    none = reader.with_limits(min_confidence=1.0, max_clocks=1000)
    for limited, count in ((reader, 2), (one, 1), (none, 0), (pickle.loads(pickle.dumps(one)), 1)):
        assert len(limited.read(path)) == count
        assert [len(r.readings) for r in limited.stream([path] * 4)] == [count] * 4
    with pytest.raises(ValueError, match="max_clocks"):
        reader.with_limits(min_confidence=0.0, max_clocks=0)


@pytest.mark.parametrize("workers", [1, 2])
def test_results_of_reduced_photos_have_their_scale(workers: int) -> None:
    given = [Entry("large", photo_of(90, (64, 4096))), Entry("small", photo_of(90, (64, 640)))] * 2
    results = list(read_in_order(given, ClockReader("cpu", threads=1), workers=workers))
    assert [(result.width, result.height, result.scale) for result in results] == [
        (4096, 64, 2.0),
        (640, 64, 1.0),
    ] * 2


def test_workers_share_the_bound_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "DECODED_PIXELS", 2 * 5000)  # of photos of 2400 pixels
    reader = Recorder()
    list(read_in_order(entries(32), reader, workers=2))
    assert max(map(len, reader.batches)) == 3


def test_parts_of_workers_that_are_ahead_are_few() -> None:
    drawn = 0

    def source() -> Iterator[Entry]:
        nonlocal drawn
        for entry in entries(300):
            drawn += 1
            yield entry

    results = read_in_order(source(), Recorder(), workers=2, batch_size=1)
    next(results)
    assert drawn <= 2 * 2 + 1, "two parts per worker, and the one that is waited for"
    results.close()


def test_closing_stops_workers_within_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = 0

    def slow(entry: Entry) -> PhotoResult:
        nonlocal loaded
        loaded += 1
        time.sleep(0.02)
        return PhotoResult(entry.name, None, None, (), "not read")

    monkeypatch.setattr(parallel, "load", slow)
    results = read_in_order([Entry(str(i), None, "") for i in range(400)], Recorder(), workers=2)
    next(results)
    results.close()
    before = loaded
    time.sleep(0.1)
    assert loaded == before
    assert before <= 2 * 16 + 6, "of each worker's next part hardly any"


def test_what_is_done_with_each_photo_that_was_read() -> None:
    given = [Entry("a", photo_of(9)), Entry("b", b"no photo"), Entry("c", photo_of(8))]
    finished: list[tuple[str, str, str]] = []

    def finish(entry: Entry, photo: Photo, result: PhotoResult) -> PhotoResult:
        finished.append((entry.name, photo.name, result.path))
        return PhotoResult(f"done {result.path}", 1, 1, (), None)

    results = list(read_in_order(given, Recorder(), finish=finish))
    assert [result.path for result in results] == ["done a", "b", "done c"]
    assert finished == [("a", "a", "a"), ("c", "c", "c")]
