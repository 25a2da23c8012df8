"""The public reader: photos in, readings out."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence, Sized
from contextlib import contextmanager
from dataclasses import fields, replace
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, overload

import numpy as np
from numpy.typing import NDArray

from clockread import sincos
from clockread.calibration import Calibration, Presence
from clockread.finder import FinderOptions, Found, find, overlap
from clockread.geometry import Floats, Window
from clockread.hands import Hands, Seen, look, read_hands
from clockread.hypotheses import in_other_greys, through_other_windows
from clockread.images import ImageSource, Photo, is_one_image, load_photo, name_of
from clockread.models import AUTO, load_manifest
from clockread.network import Network
from clockread.options import EFFORTS, MAX_CLOCKS, ONCE, Effort, Thresholds, check_options
from clockread.pipeline import Entry, Plan, Results, read_each, read_in_order
from clockread.pose import BOX_MARGIN, Posed, estimate
from clockread.providers import bounded_threads, resolved
from clockread.reading import PhotoResult, Reading, reading_of

if TYPE_CHECKING:
    from clockread.providers import Provider

Grey = NDArray[np.uint8]
Read = tuple[Posed, Hands]

__all__ = ["ONCE", "ClockReader", "Effort", "Reading", "Thresholds"]

SAME_DIAL_OVERLAP = 0.5  # IoU of two posed dials above which they are one


class ClockReader:
    """Reads analog clocks in photos.

    A reader may be used from several threads, pickled and copied (as its options; sessions are opened anew), used after a fork, and as a
    context manager, which closes it.

    Args:
        provider: the execution provider: "auto" (CUDA if it works, else the CPU), or one of "cpu", "cuda", "tensorrt", "openvino", "coreml"
            and "dml", which is used or refused.
        model: a name of the manifest, or "auto": "int8" on the CPU, else "default".
        batch_size: the most photos or dials that go through a network at once.
        threads: CPU threads, by default as many as this process may use; many more than that are not started.
        min_confidence: 0..1, below which readings are left out.
        models: a folder with a manifest.json, by default the models that come with the package.
        effort: what is spent on a dial, by default the model's; "small" reads each dial once.
        thresholds: the scores above which something is a clock in a whole photo.
        max_clocks: the most dials that are read in a photo, those with the highest scores; a result that meets it has a note.

    Raises:
        ValueError, TypeError: for an option that makes no sense.
        ProviderError, ModelError, RuntimeMissingError: if the networks cannot be run; if only the finder's file is broken, then at the
            first search.

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
    ) -> None:
        check_options(
            batch_size=batch_size,
            threads=threads,
            max_clocks=max_clocks,
            min_confidence=min_confidence,
            effort=effort,
            thresholds=thresholds,
        )
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
        }
        manifest = load_manifest(None if models is None else Path(models))
        on = resolved(cast("Provider", provider))
        self.model = model = manifest.name(model, on)
        self.threads = bounded_threads(threads)
        self.batch_size = batch_size
        self.min_confidence = min_confidence
        self.max_clocks = max_clocks
        self.effort = effort or EFFORTS.get(model, Effort())
        self.thresholds = thresholds or Thresholds()
        self._calibration, self._presence = Calibration(), Presence()
        self._sincos: Network | None = None
        if sincos.ROLE in manifest.models.get(model, {}):  # the report's reader: one network after the default finder
            self._sincos = Network(manifest, sincos.ROLE, model, provider, self.threads)
            self._finder = Network(manifest, "finder", manifest.name(AUTO, on), provider, self.threads)
            self._sincos.open()
            return
        self._finder, self._pose, self._hands = (Network(manifest, r, model, provider, self.threads) for r in ("finder", "pose", "hands"))
        self._pose.open()
        self._hands.open()  # the finder not yet: with cropped=True there is nothing to find
        fit = manifest.entry("hands", model).calibration
        self._calibration = Calibration(float(fit.get("slope", 1.0)), float(fit.get("offset", 0.0)))
        self._presence = Presence(**fit.get("presence", {}))

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

    @property
    def provider(self) -> str:
        """The execution provider really in use, as onnxruntime names it."""
        return (self._sincos or self._hands).provider

    @property
    def networks(self) -> dict[str, Network]:
        """The networks in use, by role."""
        if self._sincos is not None:
            return {"finder": self._finder, sincos.ROLE: self._sincos}
        return {"finder": self._finder, "pose": self._pose, "hands": self._hands}

    @overload
    def read(self, images: list[ImageSource] | tuple[ImageSource, ...], *, cropped: bool = False) -> list[list[Reading]]: ...
    @overload
    def read(self, images: ImageSource, *, cropped: bool = False) -> list[Reading]: ...

    def read(
        self, images: ImageSource | list[ImageSource] | tuple[ImageSource, ...], *, cropped: bool = False
    ) -> list[Reading] | list[list[Reading]]:
        """Return the readings of one image (see `images.load_photo`), best first, or a list of them for each of several.

        Args:
            images: one image, or several: a list, a tuple, or an array (n, H, W, 1), (n, H, W, 3) or (n, H, W, 4).
            cropped: whether each image is one dial that fills it, which is not searched for.

        Raises:
            ImageError: for an image that cannot be read.

        """
        if isinstance(images, list | tuple) or len(getattr(images, "shape", ())) == 4:
            photos = [load_photo(image) for image in cast("Iterable[ImageSource]", images)]
            return [list(result.readings) for result in self.read_photos(photos, cropped=cropped)]
        return list(self.read_photos([load_photo(images)], cropped=cropped)[0].readings)

    def stream(self, images: Iterable[ImageSource], *, cropped: bool = False, read_ahead: bool | None = None) -> Results:
        """Give a result for each of any number of images, in order, with bounded memory.

        Images of a list, or of anything else that has a length, are read ahead on all threads, in parts of up to `batch_size`; the
        results of a part are given together. Images of an iterator, such as a camera, are live: each result is given as soon as it exists,
        and the next image is drawn only when the next result is asked for. So a source may wait for the answer to its last image.

        An image that cannot be read is a result with an ``error``; none is raised. Close the iterator to stop early.

        Args:
            images: the images, see `images.load_photo`.
            cropped: whether each image is one dial.
            read_ahead: True reads an iterator ahead like a list, which is faster for one that is not live, such as `Path.rglob`;
                False draws one image at a time also from a list.

        Raises:
            TypeError: at once, for a single image in place of several. What ``images`` raises is raised after the results before it.

        """
        if is_one_image(images):
            raise TypeError(f"stream() takes several images, not one {type(images).__name__}: give a list of them, or use read()")
        ahead = isinstance(images, Sized) if read_ahead is None else read_ahead
        entries = (Entry(name_of(image), image) for image in images)
        if not ahead:
            return read_each(entries, self, cropped=cropped)
        count = len(images) if isinstance(images, Sized) else None
        plan = Plan.of(count, self.threads)
        reader = self if plan.threads == self.threads else self._on_one_thread
        return read_in_order(entries, reader, count=count, cropped=cropped, workers=plan.workers, batch_size=self.batch_size)

    @cached_property
    def _on_one_thread(self) -> ClockReader:
        """The reader that the workers of a stream share."""
        return type(self)(**{**self._options, "threads": 1})

    def read_photos(self, photos: Sequence[Photo], *, cropped: bool = False, timings: dict[str, float] | None = None) -> list[PhotoResult]:
        """Read decoded photos and return the result of each; the dials of all photos share batches.

        ``timings`` gains the seconds spent in "find", "pose", "unwrap" and "read".
        """
        clock = _StageClock(timings)
        grey = [photo.pixels for photo in photos]
        if cropped:
            found = [[Found((0.0, 0.0, float(g.shape[1]), float(g.shape[0])), 1.0)] for g in grey]
        else:
            with clock("find"):
                found = self.find(grey)
        owners = [i for i, dials in enumerate(found) for _ in dials]
        dials = [dial for of_photo in found for dial in of_photo]
        read: list[Read | None] = []
        read_part = self._read_posed if self._sincos is None else self._read_upright
        for start in range(0, len(dials), self.batch_size):
            part = slice(start, start + self.batch_size)
            read += read_part([photos[i] for i in owners[part]], dials[part], cropped, clock)
        readings: list[list[Reading]] = [[] for _ in photos]
        for owner, dial, one in zip(owners, dials, read, strict=True):
            if one is None:
                continue
            posed, hands = one
            found_as = None if cropped else dial
            readings[owner].append(reading_of(photos[owner], found_as, posed, hands, self._calibration(hands.confidence), self._presence))
        least = 0.0 if cropped else self.thresholds.dial_score
        candidates = [0 if cropped else len(of_photo) for of_photo in found]
        return [self._result(*of_photo, least) for of_photo in zip(photos, readings, candidates, strict=True)]

    def _read_posed(self, photos: list[Photo], dials: list[Found], cropped: bool, clock: _StageClock) -> Sequence[Read | None]:
        """The reader proper: pose, unwrap and read; None for what is no dial after all.

        What stays unsure is looked at in other ways, and the surest reading counts.
        """
        images = [photo.pixels for photo in photos]
        windows = [Window.around(dial.box, 1.0 if cropped else BOX_MARGIN) for dial in dials]
        with clock("pose"):
            posed = estimate(images, windows, self.run_pose)
        real = [i for i, dial in enumerate(posed) if cropped or dial.dial_logit >= self.thresholds.dial_logit]
        read = self._read_dials([photos[i] for i in real], [windows[i] for i in real], [posed[i] for i in real], clock)
        by_place = dict(zip(real, read, strict=True))
        return [by_place.get(i) for i in range(len(posed))]

    def _read_dials(self, photos: list[Photo], windows: list[Window], posed: list[Posed], clock: _StageClock) -> list[Read]:
        read = self._look(posed, clock)
        unsure = [i for i, (_, hands) in enumerate(read) if hands.confidence < self.effort.sure]
        if not unsure:
            return read
        others: list[list[Posed]] = [[] for _ in unsure]
        if self.effort.windows:
            with clock("pose"):
                others = through_other_windows([photos[i].pixels for i in unsure], [windows[i] for i in unsure], self.run_pose)
        if self.effort.greys:
            with clock("decode again"):
                self._add_other_greys([photos[i] for i in unsure], [read[i][0] for i in unsure], others)
        tried = iter(self._look([dial for tries in others for dial in tries], clock))
        for i, tries in zip(unsure, others, strict=True):
            read[i] = max([read[i], *islice(tried, len(tries))], key=lambda one: one[1].confidence)
        return read

    def _add_other_greys(self, photos: list[Photo], posed: list[Posed], others: list[list[Posed]]) -> None:
        of: Photo | None = None
        color: Grey | None = None
        for photo, dial, tries in zip(photos, posed, others, strict=True):
            if photo is not of:  # dials come photo by photo: one in color at a time is enough
                of, color = photo, photo.in_color()
            if color is not None:
                tries.extend(in_other_greys(dial, color))

    def _look(self, posed: list[Posed], clock: _StageClock) -> list[Read]:
        def network(polar: Grey) -> Seen:
            with clock("read"):
                return self.run_hands(polar)

        out: list[Read] = []
        with clock("unwrap"):
            for start in range(0, len(posed), self.batch_size):
                better, seen = look(posed[start : start + self.batch_size], network, self.effort.looks)
                out += zip(better, read_hands(seen), strict=True)
        return out

    def _read_upright(self, photos: list[Photo], dials: list[Found], cropped: bool, clock: _StageClock) -> list[Read]:
        """The report's reader: one look at the upright box."""
        assert self._sincos is not None
        with clock("read"):
            margin = 1.0 if cropped else sincos.MARGIN
            images = [photo.pixels for photo in photos]
            return sincos.read_boxes(images, dials, self.run_sincos, int(self._sincos.shape[1]), margin=margin)

    def find(self, grey: Sequence[Grey]) -> list[list[Found]]:
        """Dials of grey photos (H, W) uint8, the surest first; boxes in their pixels."""
        options = FinderOptions(batch=self.batch_size, most=self.max_clocks)
        return find(grey, self.run_finder, self.thresholds.finder_score, options if self.effort.tiles else replace(options, sure=0.0))

    def run_finder(self, scenes: Grey) -> tuple[Floats, Floats]:
        """The finder network on scenes (n, 320, 320) uint8: heat and box maps."""
        heat, box = self._finder(scenes, "heat", "box")
        return heat, box

    def run_pose(self, patches: Grey) -> tuple[Floats, Floats]:
        """The pose network on patches (n, 160, 160) uint8: poses (n, 7) and dial logits (n, 1)."""
        pose, dial = self._pose(patches, "pose", "dial")
        return pose, dial

    def run_hands(self, polar: Grey) -> Seen:
        """The reading network on polar images (n, 240, 64) uint8."""
        return Seen(*self._hands(polar, *(f.name for f in fields(Seen))))

    def run_sincos(self, crops: Grey) -> Floats:
        """The report's four-head network on upright crops (n, side, side) uint8: pairs (n, 4), see `clockread.sincos`."""
        assert self._sincos is not None
        return self._sincos(crops, sincos.OUTPUT)[0]

    def _result(self, photo: Photo, readings: list[Reading], candidates: int, min_score: float) -> PhotoResult:
        """Select the readings of a photo, best first, one per dial: two boxes can lead to the same pose."""
        chosen: list[Reading] = []
        hidden: list[Reading] = []
        for reading in sorted(readings, key=lambda r: (-r.dial_score, -r.confidence)):
            group = chosen if reading.confidence >= self.min_confidence else hidden
            if reading.dial_score >= min_score and not _overlaps_one_of(reading, group):
                group.append(reading)
        notes = photo.notes
        if candidates >= self.max_clocks:
            notes = (*notes, f"only the {self.max_clocks} most likely dials were read; --max-clocks raises the limit")
        below = sum(not _overlaps_one_of(reading, chosen) for reading in hidden)
        return PhotoResult(photo.name, photo.width, photo.height, tuple(chosen), None, photo.scale, notes, below)


def _overlaps_one_of(reading: Reading, others: Iterable[Reading]) -> bool:
    return any(overlap(reading.face, other.face) >= SAME_DIAL_OVERLAP for other in others)


class _StageClock:
    """Adds the seconds of each named stage to a dictionary, where there is one; a stage within another stops that one's clock."""

    def __init__(self, timings: dict[str, float] | None) -> None:
        self.timings = timings
        self._inner = 0.0  # seconds that inner stages took of the one that runs

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        outer, self._inner = self._inner, 0.0
        began = time.perf_counter()
        yield
        took = time.perf_counter() - began
        if self.timings is not None:
            self.timings[stage] = self.timings.get(stage, 0.0) + took - self._inner
        self._inner = outer + took
