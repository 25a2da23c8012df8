"""A video with the times of its tracks drawn on it."""

from __future__ import annotations

import bisect
import math
import os
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clockread.clock import SECOND_HAND_DEGREES_PER_SECOND, hand_angles, pair_of, sincos
from clockread.overlay import draw
from clockread.tracking.track import Track, TrackFrame
from clockread.video.files import (
    FRAMES_PER_SECOND,
    Pixels,
    Video,
    import_av,
    upright_bgr,
)

if TYPE_CHECKING:
    from clockread.reading import Reading

CODECS = ("libx264", "mpeg4")  # the first that this PyAV has
TIME_BASE = Fraction(1, 90_000)  # seconds per unit of a frame's time
LONGEST_GAP = 3.0  # of the time between frames, over which a dial is still drawn


def save_overlay(source: Path, target: Path, tracks: Sequence[Track], every: float) -> None:
    """Write a video again, with the dials, hands and times of its tracks drawn on it.

    Args:
        source: the video.
        target: the video to write, an MP4.
        tracks: its tracks.
        every: seconds between the frames that were read; between them, dials are interpolated.

    """
    av = import_av()
    with Video(str(source), source) as video, av.open(os.fspath(target), "w") as out:
        codec = next(name for name in CODECS if name in av.codecs_available)
        rate = Fraction(video.rate or FRAMES_PER_SECOND).limit_denominator(1001)
        stream: Any = None
        gap = LONGEST_GAP * (every or 1 / float(rate))
        for time, frame in video.frames():
            drawn = _drawn(upright_bgr(frame), time, tracks, gap)
            if stream is None:
                height, width = drawn.shape[:2]
                stream = out.add_stream(codec, rate=rate)
                stream.width, stream.height = width // 2 * 2, height // 2 * 2
                stream.pix_fmt, stream.time_base = "yuv420p", TIME_BASE
                stream.codec_context.time_base = TIME_BASE
            encoded = av.VideoFrame.from_ndarray(drawn, format="bgr24").reformat(
                stream.width, stream.height, format="yuv420p"
            )
            encoded.pts, encoded.time_base = round(time / TIME_BASE), TIME_BASE
            out.mux(stream.encode(encoded))
        if stream is not None:
            out.mux(stream.encode(None))


def _drawn(image: Pixels, time: float, tracks: Sequence[Track], gap: float) -> Pixels:
    seen = [one for track in tracks if (one := reading_at(track, time, gap)) is not None]
    seconds = any(track.has_seconds for track in tracks)
    return draw(image, seen, seconds=seconds) if seen else image


def reading_at(track: Track, time: float, gap: float) -> Reading | None:
    """Return a track's dial at a time, its place interpolated, its time fused; None if not seen.

    Args:
        track: the track.
        time: of the video, seconds.
        gap: seconds between two frames beyond which the dial counts as not seen between them.

    """
    frames = track.frames
    after = bisect.bisect_left(frames, time, key=lambda frame: frame.time)
    before = frames[max(0, after - 1)]
    later = frames[min(after, len(frames) - 1)]
    if min(abs(time - before.time), abs(later.time - time)) > gap:
        return None
    if later.time - before.time > gap:
        before = later = min(before, later, key=lambda frame: abs(frame.time - time))
    return _shown(track, before, later, time)


def _shown(track: Track, before: TrackFrame, later: TrackFrame, time: float) -> Reading:
    span = later.time - before.time
    share = min(1.0, max(0.0, (time - before.time) / span)) if span > 0 else 0.0
    places = (np.array(one.reading.homography) for one in (before, later))
    place = sum(part * weight for part, weight in zip(places, (1 - share, share), strict=True))
    shown = math.floor(track.shown_at(time) + 1e-6)  # so that minute and second fit together
    hour, minute = map(float, hand_angles(shown / 60, track.dial_hours))
    hour += 180 if track.noon_up else 0
    return replace(
        before.reading,
        # With a second hand, the minutes of a reading are rounded to the nearest.
        minutes=round(shown / 60) if track.has_seconds else shown // 60,
        dial_hours=track.dial_hours,
        confidence=track.confidence,
        hour_sincos=pair_of(sincos(hour)),
        minute_sincos=pair_of(sincos(minute)),
        second_sincos=pair_of(sincos(SECOND_HAND_DEGREES_PER_SECOND * (shown % 60))),
        second_presence=1.0 if track.has_seconds else 0.0,
        homography=tuple((float(a), float(b), float(c)) for a, b, c in np.asarray(place)),
    )
