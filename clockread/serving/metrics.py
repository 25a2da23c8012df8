"""The server's metrics, for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from clockread import __version__
from clockread.reading import PhotoResult
from clockread.serving.batching import Job

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)  # bounds of histograms
BATCH_PHOTOS = (1, 2, 4, 8, 16)


class Metrics:
    """Counts requests, photos and batches.

    Args:
        queued: returns the number of photos that wait.
        held_bytes: returns the bytes of the bodies in memory.

    """

    def __init__(self, queued: Callable[[], int], held_bytes: Callable[[], int]) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self._requests = Counter(
            "clockread_requests", "Requests of /v1/read by status.", ["status"], registry=registry
        )
        self._seconds = Histogram(
            "clockread_request_seconds",
            "Seconds from the first byte of a request of /v1/read to its answer.",
            buckets=SECONDS,
            registry=registry,
        )
        self._photos = Counter(
            "clockread_photos", "Photos by outcome: read or error.", ["outcome"], registry=registry
        )
        self._readings = Counter("clockread_readings", "Clocks that were read.", registry=registry)
        self._batches = Histogram(
            "clockread_batch_photos",
            "Photos that a thread took together.",
            buckets=BATCH_PHOTOS,
            registry=registry,
        )
        self._waits = Histogram(
            "clockread_queue_seconds",
            "Seconds that a photo waited in the queue.",
            buckets=SECONDS,
            registry=registry,
        )
        for name, text, value in (
            ("clockread_queued_photos", "Photos that wait.", queued),
            ("clockread_held_bytes", "Bytes of the bodies in memory.", held_bytes),
        ):
            Gauge(name, text, registry=registry).set_function(value)
        Gauge("clockread_info", "The version.", ["version"], registry=registry).labels(
            __version__
        ).set(1)

    def count_batch(self, jobs: Sequence[Job]) -> None:
        """Count the photos that a thread takes together."""
        now = time.monotonic()
        self._batches.observe(len(jobs))
        for job in jobs:
            self._waits.observe(now - job.queued)

    def count_results(self, results: Iterable[PhotoResult]) -> None:
        """Count the results of a request."""
        for result in results:
            self._photos.labels("read" if result.error is None else "error").inc()
            self._readings.inc(len(result.readings))

    def count_request(self, status: int, seconds: float) -> None:
        """Count a request of /v1/read."""
        self._requests.labels(str(status)).inc()
        self._seconds.observe(seconds)

    def text(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        return generate_latest(self._registry)
