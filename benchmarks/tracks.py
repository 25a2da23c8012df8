"""Clocks over time: `python -m benchmarks.tracks`.

Rendered tracks of 20 frames, in which the camera moves, glare and people pass and the light
changes (`training/dials/tracks.py`), are read and decoded; a rendered 720p video is read from its
file; and pictures are watched for a long time, to compare the memory at the end with that at the
beginning.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.options import ModelOption, ThreadsOption
from benchmarks.tables import percent, print_table
from clockread import ClockReader
from clockread.cli.sample_photos import dial_picture
from clockread.clock import MINUTES_ON_DIAL, circular_difference
from clockread.finder import iou
from clockread.live import sources
from clockread.live.watcher import Watcher, events_of
from clockread.options import VIDEO as VIDEO_EFFORT
from clockread.tracking.observations import SECONDS_ON_DIAL
from clockread.tracking.track import Track
from clockread.tracking.tracker import read_frames
from clockread.video.files import Video, import_av
from training.dials.presets import PRESETS
from training.dials.tracks import CALM, Frame, TrackOptions, frames_of

FIRST_SEED = 700_000  # of training.splits.VALIDATION
# Rates, and seconds from frame to frame: in 20 seconds, a minute hand that runs moves by 2 degrees.
RUNS = ((0.0, 1.0), (1.0, 1.0), (60.0, 1.0), (0.0, 30.0), (1.0, 30.0))
SINGLE = (0.7, 0.9)  # share of single frames that are right, in the tracks of the first figure
MINUTE = 60.5  # seconds: one minute and half a step of the one-second grid
SAME = 0.02  # relative difference up to which a rate other than 0 and 1 is recognized
VIDEO = (1280, 720)  # pixels
VIDEO_FPS = 25
SMALL = (160, 160)  # pixels of a watched picture
EARLY = 1_000  # pictures after which the memory is measured first


@dataclass(frozen=True)
class Scored:
    """A rendered track, read and decoded."""

    single: float  # share of its frames that alone are right within a minute
    fused: float  # the same of the fused times
    rate_right: bool
    second_drawn: bool
    seconds_off: float | None  # largest error of a fused time, seconds; None without seconds


def score(frames: list[Frame], tracks: list[Track], rate: float) -> Scored:
    """Compare the track that shows the rendered dial in most frames with the truth."""
    times = {frame.time: frame for frame in frames}
    best: tuple[int, Track] | None = None
    for track in tracks:
        on = sum(iou(one.reading.box, times[one.time].box) > 0.3 for one in track.frames)
        if on and (best is None or on > best[0]):
            best = on, track
    drawn = bool(np.isfinite(frames[0].second_angle))
    if best is None:
        return Scored(0.0, 0.0, False, drawn, None)
    track = best[1]
    alone = [_off(60.0 * one.reading.minutes, times[one.time].shown) for one in track.frames]
    fused = np.array([_off(track.shown_at(one.time), one.shown) for one in frames])
    exact = rate in (0.0, 1.0)
    found = track.rate == rate if exact else abs(track.rate / rate - 1) <= SAME
    return Scored(
        sum(off <= MINUTE for off in alone) / len(frames),
        float((fused <= MINUTE).mean()),
        bool(found),
        drawn,
        float(fused.max()) if track.has_seconds else None,
    )


def _off(a: float, b: float) -> float:
    return abs(float(circular_difference(a, b, SECONDS_ON_DIAL)))


def scored_tracks(
    reader: ClockReader, seeds: range, options: TrackOptions, progress: str
) -> list[Scored]:
    """Render, read and decode the tracks of seeds."""
    out = []
    for seed in seeds:
        frames = list(frames_of(seed, options))
        tracks = reader.track((frame.time, frame.image) for frame in frames)
        out.append(score(frames, tracks, options.rate))
        if sys.stderr.isatty():
            print(f"\r{progress}: {len(out)} of {len(seeds)}", end="", file=sys.stderr)
    return out


def accuracy(reader: ClockReader, count: int) -> None:
    """Print how often times and rates are right."""
    rows = []
    for number, (rate, step) in enumerate(RUNS):
        first = FIRST_SEED + number * 10_000
        run = f"rate {rate:g}, {step:g} s apart"
        options = TrackOptions(rate=rate, step=step)
        scored = scored_tracks(reader, range(first, first + count), options, run)
        rows.append(_row(f"{run}, all", scored))
        low, high = SINGLE
        rows.append(
            _row(
                f"{run}, {low:.0%} to {high:.0%} of the frames right",
                [one for one in scored if low <= one.single <= high],
            )
        )
        rows.append(
            _row(
                f"{run}, second hand seen, half of the frames right",
                [one for one in scored if one.seconds_off is not None and one.single >= 0.5],
            )
        )
    columns = ("tracks", "number", "single frames right", "fused right", "rate right")
    print_table("20 frames; right: within one minute", columns, rows)


def _row(name: str, scored: list[Scored]) -> list[str]:
    def mean(values: list[float]) -> str:
        return percent(sum(values) / len(values) if values else None)

    return [
        name,
        str(len(scored)),
        mean([one.single for one in scored]),
        mean([one.fused for one in scored]),
        mean([float(one.rate_right) for one in scored]),
    ]


def seconds(reader: ClockReader, count: int) -> None:
    """Print how often the start is right to the second."""
    preset = replace(PRESETS["varied"], second_hand=1.0)
    options = TrackOptions(preset=preset, disturbances=CALM, radius=(90.0, 180.0))
    first = FIRST_SEED + 50_000
    scored = scored_tracks(reader, range(first, first + count), options, "seconds")
    seen = [one for one in scored if one.seconds_off is not None]
    rows = [
        _seconds_row(name, part)
        for name, part in (
            ("second hand seen", seen),
            ("the same, half of the frames right", [one for one in seen if one.single >= 0.5]),
        )
    ]
    columns = ("20 frames, 1 s apart", "tracks", "within 1 s", "within 2 s")
    print_table(
        f"Start to the second: {count} tracks with a second hand, calm camera", columns, rows
    )


def _seconds_row(name: str, scored: list[Scored]) -> list[str]:
    off = [one.seconds_off for one in scored if one.seconds_off is not None]
    within = [sum(one <= limit for one in off) / max(1, len(off)) for limit in (1, 2)]
    return [name, str(len(off)), *map(percent, within)]


def write_video(path: Path, frames: int) -> None:
    """Write a rendered 720p video."""
    av = import_av()
    options = TrackOptions(frames=frames, step=1 / VIDEO_FPS, disturbances=CALM, size=VIDEO)
    with av.open(os.fspath(path), "w") as out:
        stream = out.add_stream("libx264", rate=VIDEO_FPS)
        stream.width, stream.height = VIDEO
        stream.pix_fmt = "yuv420p"
        for frame in frames_of(FIRST_SEED, options):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame.image), format="gray")
            out.mux(stream.encode(picture.reformat(format="yuv420p")))
        out.mux(stream.encode(None))


def speed(model: str, threads: int, frames: int, rounds: int) -> None:
    """Print the frames per second of a 720p video, decoding included."""
    reader = ClockReader("cpu", model=model, threads=1, effort=VIDEO_EFFORT)
    rates, busy = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clock.mp4"
        write_video(path, frames)
        for _ in range(rounds + 1):
            began, used = time.perf_counter(), time.process_time()
            with Video(path.name, path) as video:
                photos = ((one.time, one.photo) for one in video.photos())
                count = sum(1 for _ in read_frames(reader, photos, workers=threads))
            rates.append(count / (time.perf_counter() - began))
            busy.append((time.process_time() - used) / count)
    measured = sorted(rates[1:])
    least = 1000 * min(busy[1:])
    print(
        f"720p video, every frame: {measured[len(measured) // 2]:.0f} frames/s on {threads} threads"
        f" (lowest {measured[0]:.0f}, highest {measured[-1]:.0f}, {frames} frames); "
        f"{least:.1f} ms of one core per frame"
    )


def memory() -> float:
    """Return the memory in use, or the highest so far if the system does not tell it, MB."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
        return pages * resource.getpagesize() / 1e6
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _jpeg(picture: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".jpg", picture)[1].tobytes()


def soak(model: str, pictures: int) -> None:
    """Print the memory after many watched frames, against that after a thousand.

    The frames are a second apart and show one running clock that fills them, so that the search
    takes no time.
    """
    photos = [_jpeg(dial_picture(60.0 * minute, SMALL)) for minute in range(MINUTES_ON_DIAL)]
    reader = ClockReader("cpu", model=model, threads=1)
    measured: list[float] = []

    def source() -> Iterator[sources.Frame]:
        for i in range(pictures):
            if i in (EARLY, pictures - 1):
                measured.append(memory())
            yield sources.Frame(1.7e9 + i, photos[i // 60 % len(photos)], "soak")

    began = time.perf_counter()
    watcher = Watcher("soak", every=60.0)
    events = sum(1 for _ in events_of(source(), reader, watcher, cropped=True))
    early, late = measured
    print(
        f"watched {pictures:,} frames, {events:,} events: {early:.0f} MB after {EARLY:,}, "
        f"{late:.0f} MB at the end ({late / early - 1:+.1%}), {time.perf_counter() - began:.0f} s"
    )


def main(
    tracks: Annotated[int, typer.Option(min=0, help="Rendered tracks per rate.")] = 200,
    timed: Annotated[int, typer.Option(min=0, help="Tracks measured to the second.")] = 200,
    frames: Annotated[int, typer.Option(min=0, help="Frames of the video.")] = 500,
    pictures: Annotated[int, typer.Option(min=0, help="Pictures of the soak test.")] = 100_000,
    rounds: Annotated[int, typer.Option(min=1, help="Measured passes over the video.")] = 3,
    model: ModelOption = "auto",
    threads: ThreadsOption = None,
) -> None:
    """Measure tracks, the rate of a video, and memory; 0 leaves a part out."""
    if 0 < pictures < EARLY + 2:
        raise SystemExit(
            f"--pictures {pictures}: use 0 or at least {EARLY + 2}, "
            f"since memory is compared with that after {EARLY}"
        )
    reader = ClockReader("cpu", model=model, threads=threads, effort=VIDEO_EFFORT)
    if tracks:
        accuracy(reader, tracks)
    if timed:
        seconds(reader, timed)
    if frames:
        speed(model, reader.threads, frames, rounds)
    if pictures:
        soak(model, pictures)


if __name__ == "__main__":
    typer.run(main)
