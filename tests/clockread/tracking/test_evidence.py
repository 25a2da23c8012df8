"""The distributions that readings keep on request."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from clockread import ClockReader
from clockread.cli.sample_photos import dial_picture
from clockread.evidence import Evidence, density_of
from clockread.images import Photo, load_photo


@pytest.fixture(scope="module")
def reader() -> ClockReader:
    return ClockReader("cpu")


@pytest.fixture(scope="module")
def photo() -> Photo:
    return load_photo(dial_picture(3 * 3600 + 47 * 60 + 20))


def test_readings_keep_no_evidence_by_default(reader: ClockReader, photo: Photo) -> None:
    [reading] = reader.read_photos([photo])[0].readings
    assert reading.evidence is None
    assert reader.read(photo) == [reading]


def test_evidence_is_that_of_the_reading(reader: ClockReader, photo: Photo) -> None:
    [plain] = reader.read_photos([photo])[0].readings
    [reading] = reader.read_photos([photo], evidence=True)[0].readings
    assert reading == plain  # evidence does not count in comparisons
    assert "evidence" not in repr(reading)
    evidence = reading.evidence
    assert evidence is not None
    assert evidence.by_time.shape == (720,)
    assert evidence.by_time.sum() == pytest.approx(1.0)
    assert int(evidence.by_time.argmax()) == reading.minutes == 227
    second, minute = evidence.second(240), evidence.minute(720)
    assert second is not None
    assert minute is not None
    assert [second.mean(), minute.mean()] == pytest.approx([1.0, 1.0])
    assert round(second.argmax() / 4) == reading.second == 20
    assert abs(minute.argmax() / 12 - 47.33) < 0.25


def test_a_rotated_dial_has_the_same_evidence(reader: ClockReader, photo: Photo) -> None:
    turned = load_photo(np.ascontiguousarray(np.rot90(photo.pixels, 2)))
    evidence = [
        reader.read_photos([one], evidence=True)[0].readings[0].evidence for one in (photo, turned)
    ]
    seconds = [one.second(240) for one in evidence if one is not None]
    assert len(seconds) == 2
    modes = [one.argmax() / 4 for one in seconds if one is not None]
    upside_down = (modes[1] - modes[0] + 30) % 60 - 30
    # Without numerals it may be mistaken for upright; its hands are then half a turn further.
    assert min(abs(upside_down), abs(abs(upside_down) - 30)) < 1.5


def test_a_reader_of_evidence_can_be_pickled(reader: ClockReader) -> None:
    assert pickle.loads(pickle.dumps(reader)).model == reader.model


def test_a_time_alone_is_likely_to_a_minute() -> None:
    by_time = Evidence.of_time(0, 0.9).by_time
    assert by_time.sum() == pytest.approx(1.0)
    assert by_time[[719, 0, 1]] == pytest.approx([0.18, 0.54, 0.18], abs=0.001)
    assert by_time[2:719] == pytest.approx(0.1 / 720)


@pytest.mark.parametrize("degrees", [0.0, 0.8, 1.5, 2.4, 359.0])
def test_the_mode_of_a_density_may_lie_between_bins(degrees: float) -> None:
    bins = np.arange(120) * 3.0
    away = (bins - degrees + 180.0) % 360.0 - 180.0
    density = density_of(-0.5 * (away / 2.6) ** 2, 90.0, 3600)
    assert density.mean() == pytest.approx(1.0)
    assert density.argmax() / 10 == pytest.approx((degrees - 90.0) % 360.0, abs=0.05)
