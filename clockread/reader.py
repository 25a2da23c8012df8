"""The public reader: photos in, readings out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence, Sized
from dataclasses import replace
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, overload

import numpy as np
from numpy.typing import NDArray

from clockread.confidence import Calibration, DialScore, stored_weights
from clockread.errors import ProviderError
from clockread.finder import Detection, FinderOptions, find, finder_network, iou
from clockread.images import ImageSource, Photo, is_one_image, load_photo, name_of
from clockread.options import MAX_CLOCKS, ONCE, Effort, Thresholds, check_options
from clockread.parallel import PART_PHOTOS, Entry, Plan, Results, read_each, read_in_order
from clockread.polar_reader import PolarReader
from clockread.reading import PhotoResult, Reading, reading_of
from clockread.runtime.cpus import bounded_threads
from clockread.runtime.manifest import AUTO, Manifest, load_manifest
from clockread.runtime.network import Network
from clockread.runtime.providers import named_with_gpu, resolved, warn_about_cpu
from clockread.stages import FIND, Dial, DialReader, StageTimer
from clockread.upright_reader import SINCOS, UprightReader

if TYPE_CHECKING:
    from clockread.runtime.gpu_options import GpuOptions
    from clockread.runtime.providers import Provider
    from clockread.tracking.track import Track

Grey = NDArray[np.uint8]

__all__ = ["ONCE", "ClockReader", "Effort", "Reading", "Thresholds"]

SAME_DIAL_IOU = 0.5  # IoU of two posed dials above which they are one


class ClockReader:
    """Reads analog clocks in photos.

    A reader may be used from several threads and after a fork. It can be pickled and copied: its
    options travel, and its sessions are opened anew. As a context manager it closes itself.

    Args:
        provider: the execution provider: "auto" (CUDA if it works, else the CPU), or one of "cpu",
            "cuda", "tensorrt", "openvino", "coreml" and "dml", which is used, or refused with an
            error.
        model: "default", "int8", "small", "sincos-cnn", or "auto": "int8" on the CPU, else
            "default". CUDA refuses "int8", which is "default" in integers, and computes "small" in
            floats; TensorRT refuses both. With the provider "auto", both run on the CPU.
        batch_size: the largest number of photos or dials that a thread gives to a network at once;
            on an accelerator, those of several threads share a call.
        threads: CPU threads, by default as many as this process may use; the number is limited to
            a few per usable CPU.
        min_confidence: confidence, 0..1, below which readings are left out.
        models: a folder with a manifest.json, by default the models of the package.
        effort: the effort per dial.
        thresholds: the scores that a dial in a whole photo must reach.
        max_clocks: the largest number of dials read per photo (1,000 by default), those with the
            highest scores; a result that reaches it has a note.
        gpu: the GPU and its options, such as ``GpuOptions(device_id=1)``; "auto" is then "cuda".

    Raises:
        ValueError: for an option out of range.
        TypeError: for an option of a wrong type.
        ProviderError: if the provider that was named is not usable.
        ModelError: if a model file is missing or damaged; for the finder, at the first search.
        RuntimeMissingError: if onnxruntime or OpenCV is missing or broken.

    """

    def __init__(
        self,
        provider: str = "auto",
        *,
        model: str = AUTO,
        batch_size: int = 32,
        threads: int | None = None,
        min_confidence: float = 0.0,
        models: str | os.PathLike[str] | None = None,
        effort: Effort | None = None,
        thresholds: Thresholds | None = None,
        max_clocks: int = MAX_CLOCKS,
        gpu: GpuOptions | None = None,
    ) -> None:
        self._options: dict[str, Any] = {
            "provider": provider,
            "model": model,
            "batch_size": batch_size,
            "threads": threads,
            "min_confidence": min_confidence,
            "models": models,
            "effort": effort,
            "thresholds": thresholds,
            "max_clocks": max_clocks,
            "gpu": gpu,
        }
        check_options(self._options)
        self.threads = bounded_threads(threads)
        self.batch_size = batch_size
        self.min_confidence = min_confidence
        self.max_clocks = max_clocks
        self.effort = effort or Effort()
        self.thresholds = thresholds or Thresholds()
        manifest = load_manifest(None if models is None else Path(models))
        provider = named_with_gpu(provider, gpu)
        on = resolved(cast("Provider", provider), quantized=manifest.is_quantized(model))
        try:
            self._open(manifest, on)
        except ProviderError as error:
            if provider != "auto":
                raise
            warn_about_cpu(str(error))
            self._open(manifest, "cpu")

    def _open(self, manifest: Manifest, provider: str) -> None:
        """Open the networks on a provider, not "auto"."""
        self.model = model = manifest.name(self._options["model"], provider)
        self._calibration, self._dial_score = Calibration(), DialScore()
        self._dial_reader: DialReader

        def network(role: str, model: str = model) -> Network:
            return Network(manifest, role, model, provider, self.threads, self._options["gpu"])

        if SINCOS in manifest.models.get(model, {}):  # after the default finder
            self._finder = network("finder", manifest.name(AUTO, provider))
            self._dial_reader = UprightReader(network(SINCOS))
            return
        self._finder = network("finder")  # opened by the first search: cropped=True needs none
        logit = self.thresholds.dial_logit
        networks = network("pose"), network("hands"), network("context")
        self._dial_reader = PolarReader(*networks, self.effort, logit, self.batch_size)
        fit = manifest.entry("hands", model).calibration
        self._calibration, self._dial_score = stored_weights(fit)

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), **self._options), ()

    def __enter__(self) -> ClockReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the networks' sessions; a reader that is used again opens them anew."""
        for network in self.networks.values():
            network.close()
        self.__dict__.pop("_on_one_thread", None)

    def with_limits(self, *, min_confidence: float, max_clocks: int) -> ClockReader:
        """Return a reader with other limits that shares this reader's networks."""
        limits = {"min_confidence": min_confidence, "max_clocks": max_clocks}
        options = {**self._options, **limits}
        check_options(options)
        reader = object.__new__(type(self))
        vars(reader).update({**vars(self), **limits, "_options": options})
        vars(reader).pop("_on_one_thread", None)
        return reader

    @property
    def provider(self) -> str:
        """The execution provider in use, as onnxruntime names it."""
        return [network.provider for network in self._dial_reader.networks.values()][-1]

    @property
    def on_accelerator(self) -> bool:
        """Whether the networks run on an accelerator, where they need no CPU threads."""
        return self._finder.on_accelerator

    @property
    def part_photos(self) -> int:
        """The maximum number of photos that a worker reads together in bulk."""
        return self.batch_size if self.on_accelerator else PART_PHOTOS

    @property
    def networks(self) -> dict[str, Network]:
        """The networks in use, by role."""
        return {"finder": self._finder, **self._dial_reader.networks}

    @overload
    def read(
        self, images: list[ImageSource] | tuple[ImageSource, ...], *, cropped: bool = False
    ) -> list[list[Reading]]: ...
    @overload
    def read(self, images: ImageSource, *, cropped: bool = False) -> list[Reading]: ...

    def read(
        self,
        images: ImageSource | list[ImageSource] | tuple[ImageSource, ...],
        *,
        cropped: bool = False,
    ) -> list[Reading] | list[list[Reading]]:
        """Read one image or several (see `load_photo`).

        Args:
            images: one image, or several: a list, a tuple, or an array (n, H, W, 1), (n, H, W, 3)
                or (n, H, W, 4).
            cropped: whether each image is one dial that fills it, so that no search is needed.

        Returns:
            The readings of one image, best first; of several images, a list of readings per image.

        Raises:
            ImageError: if an image cannot be read.

        """
        if isinstance(images, list | tuple) or len(getattr(images, "shape", ())) == 4:
            photos = [load_photo(image) for image in cast("Iterable[ImageSource]", images)]
            return [list(result.readings) for result in self.read_photos(photos, cropped=cropped)]
        return list(self.read_photos([load_photo(images)], cropped=cropped)[0].readings)

    def stream(
        self,
        images: Iterable[ImageSource],
        *,
        cropped: bool = False,
        read_ahead: bool | None = None,
    ) -> Results:
        """Read any number of images in order, with bounded memory.

        Images of a list, or of another object with a length, are read ahead on all threads, in
        parts of up to 16 (on an accelerator `batch_size`); the results of a part arrive together.
        Images of an iterator, such as a camera, are live: each result arrives as soon as it exists,
        and the next image is drawn only when the next result is requested, so a source may wait for
        the result of its last image.

        An image that cannot be read is a result with an ``error``; no exception is raised for it.
        Close the iterator to stop early.

        Args:
            images: the images, see `load_photo`.
            cropped: whether each image is one dial that fills it.
            read_ahead: True reads an iterator ahead like a list, which is faster if it is not live,
                such as `Path.rglob`; False draws one image at a time, even from a list.

        Returns:
            An iterator over a `PhotoResult` per image.

        Raises:
            TypeError: at once, for a single image instead of several. Errors raised by ``images``
                appear after the results before them.

        """
        if is_one_image(images):
            kind = type(images).__name__
            raise TypeError(
                f"stream() takes several images, not one {kind}: give a list of them, or use read()"
            )
        ahead = isinstance(images, Sized) if read_ahead is None else read_ahead
        entries = (Entry(name_of(image), image) for image in images)
        if not ahead:
            return read_each(entries, self, cropped=cropped)
        count = len(images) if isinstance(images, Sized) else None
        plan = Plan.of(count, self.threads)
        reader = self if plan.threads == self.threads else self._on_one_thread
        return read_in_order(
            entries,
            reader,
            count=count,
            cropped=cropped,
            workers=plan.workers,
            batch_size=self.batch_size,
        )

    @cached_property
    def _on_one_thread(self) -> ClockReader:
        """The reader that the workers of a stream share."""
        if self.on_accelerator:
            return self
        return type(self)(**{**self._options, "threads": 1})

    def track(
        self,
        frames: Iterable[tuple[float, ImageSource]],
        *,
        cropped: bool = False,
        rate: float | None = None,
        min_frames: int = 1,
    ) -> list[Track]:
        """Read frames of running clocks, and decode each clock's time and rate from all of them.

        Frames may come from anywhere, at any distances in time. They are read ahead on all threads;
        one that cannot be read is passed over.

        Args:
            frames: the time of each frame in seconds, ascending, and its image, see `load_photo`.
            cropped: whether each frame is one dial that fills it.
            rate: seconds that the dials advance per second, if it is known: 0 if they are stopped,
                1 in real time; by default it is found for each dial.
            min_frames: frames in which a dial must be read.

        Returns:
            A track per dial, in the order in which the dials appear.

        Raises:
            ValueError: for a rate that is not finite.

        """
        from clockread.tracking.tracker import track_frames

        reader = self if self.threads == 1 else self._on_one_thread
        return track_frames(
            reader, frames, workers=self.threads, cropped=cropped, rate=rate, min_frames=min_frames
        )

    def read_photos(
        self,
        photos: Sequence[Photo],
        *,
        cropped: bool = False,
        timings: dict[str, float] | None = None,
        evidence: bool = False,
    ) -> list[PhotoResult]:
        """Read decoded photos; the dials of all photos share batches.

        Args:
            photos: photos, see `load_photo`.
            cropped: whether each photo is one dial that fills it.
            timings: a dictionary to which the seconds of each stage, such as "find", are added.
            evidence: whether readings keep the distributions behind their times (6 kB each).

        Returns:
            A result per photo.

        """
        timer = StageTimer(timings)
        found: list[list[Detection | None]]
        if cropped:
            found = [[None] for _ in photos]
        else:
            with timer(FIND):
                found = [[*of_photo] for of_photo in self.find([photo.pixels for photo in photos])]
        dials = [
            Dial(photo, detection)
            for photo, of_photo in zip(photos, found, strict=True)
            for detection in of_photo
        ]
        for start in range(0, len(dials), self.batch_size):
            self._dial_reader.read(dials[start : start + self.batch_size], timer)
        for dial in dials:
            if dial.hands is not None and not evidence:
                dial.hands = replace(dial.hands, evidence=None)
        rest = iter(dials)
        return [
            self._result_of_dials(photo, list(islice(rest, len(of_photo))))
            for photo, of_photo in zip(photos, found, strict=True)
        ]

    def find(self, grey: Sequence[Grey]) -> list[list[Detection]]:
        """Return the detections of grey photos (H, W) uint8, best first; boxes in their pixels."""
        options = FinderOptions(batch_size=self.batch_size, max_detections=self.max_clocks)
        options = options if self.effort.tiles else replace(options, tile_below=0.0)
        return find(grey, finder_network(self._finder), self.thresholds.finder_score, options)

    def _result_of_dials(self, photo: Photo, dials: Sequence[Dial]) -> PhotoResult:
        """Return the result of a photo, given its dials, some of which may not be clocks."""
        readings = [
            reading_of(
                photo, dial.detection, dial.posed, dial.hands, self._calibration, self._dial_score
            )
            for dial in dials
            if dial.posed is not None and dial.hands is not None
        ]
        detections = sum(dial.detection is not None for dial in dials)
        min_score = self.thresholds.dial_score if detections else 0.0
        return self._result(photo, readings, detections, min_score)

    def _result(
        self, photo: Photo, readings: Sequence[Reading], detections: int, min_score: float
    ) -> PhotoResult:
        """Select the readings of a photo, best first, one per dial: two boxes can give one pose."""
        chosen: list[Reading] = []
        hidden: list[Reading] = []
        for reading in sorted(readings, key=lambda r: (-r.dial_score, -r.confidence)):
            group = chosen if reading.confidence >= self.min_confidence else hidden
            if reading.dial_score >= min_score and not _overlaps_one_of(reading, group):
                group.append(reading)
        notes = photo.notes
        if detections >= self.max_clocks:
            count = self.max_clocks
            dials = "most likely dial was" if count == 1 else f"{count} most likely dials were"
            notes = (*notes, f"only the {dials} read; the option max_clocks raises the limit")
        below = sum(not _overlaps_one_of(reading, chosen) for reading in hidden)
        return PhotoResult(
            photo.name, photo.width, photo.height, tuple(chosen), None, photo.scale, notes, below
        )


def _overlaps_one_of(reading: Reading, others: Iterable[Reading]) -> bool:
    return any(iou(reading.face, other.face) >= SAME_DIAL_IOU for other in others)
