"""Joint decoding on observations that are made up, so that each rule is seen alone."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from conftest import READING

from clockread.clock import angle_of
from clockread.evidence import Evidence
from clockread.tracking import tracker as tracker_module
from clockread.tracking.drift import drift_of
from clockread.tracking.fit import PRIOR, SECONDS_ON_DIAL, Fit, _log_prior, fit
from clockread.tracking.observations import STEP, STEPS, Observation
from clockread.tracking.rates import ROUND_RATES, likely_rates
from clockread.tracking.track import Track
from clockread.tracking.tracker import Tracker

BINS = 240


def logits(degrees: float, sharpness: float = 60.0) -> np.ndarray:
    """A distribution of a hand's angle, as logits."""
    angles = np.deg2rad(np.arange(BINS) * 360 / BINS - degrees)
    return sharpness * (np.cos(angles) - 1)


def evidence(
    shown: float, *, wrong: float | None = None, second: bool = False, rotation: float = 0.0
) -> Evidence:
    """Evidence of a dial at ``shown`` seconds, which may favor a ``wrong`` minute."""
    minutes = np.arange(720)
    apart = np.abs((minutes - shown / 60 + 360) % 720 - 360)
    p = np.exp(-0.5 * (apart / 0.6) ** 2) + 1e-4
    if wrong is not None:
        p = 0.2 * p / p.sum() + 0.8 * (np.arange(720) == round(wrong)) + 1e-5
    return Evidence(
        p / p.sum(),
        logits(shown / 10 + rotation, 400.0),
        logits(6 * (shown % 60) + rotation, 100.0),
        rotation,
        0.99 if second else 0.02,
    )


def observed(times: np.ndarray, start: float, rate: float, **options: object) -> list[Observation]:
    return [
        Observation.of(evidence((start + rate * t) % SECONDS_ON_DIAL, **options))  # type: ignore[arg-type]
        for t in times
    ]


def apart(a: float, b: float, period: float = SECONDS_ON_DIAL) -> float:
    return abs((a - b + period / 2) % period - period / 2)


class TestObservation:
    @pytest.mark.parametrize("shown", [600.0, 615.0, 630.0, 645.0])
    def test_a_minute_hand_between_two_marks_tells_the_time_to_a_few_seconds(
        self, shown: float
    ) -> None:
        one = Observation.of(evidence(shown))
        assert int(one.sharp.argmax()) * STEP == shown
        assert abs(int(one.by_time.argmax()) * STEP - shown) <= 10

    def test_sharp_modes_are_narrower(self) -> None:
        one = Observation.of(evidence(630.0))
        broad, sharp = (
            np.count_nonzero(x > x.max() - 0.5) * STEP for x in (one.by_time, one.sharp)
        )
        assert 10 <= sharp <= broad / 2

    def test_times_of_no_probability_stay_possible(self) -> None:
        one = Observation.of(replace(evidence(4000.0), by_time=np.eye(720)[66]))
        assert np.isfinite(one.by_time).all()
        assert np.isfinite(one.sharp).all()
        assert abs(int(one.by_time.argmax()) * STEP - 4000) <= 60

    def test_angles_are_taken_against_12(self) -> None:
        straight, turned = (
            Observation.of(evidence(4000.0, second=True, rotation=degrees)) for degrees in (0, 90)
        )
        assert straight.second == turned.second == 40.0
        assert np.allclose(straight.by_time, turned.by_time, atol=1e-3)

    def test_a_dial_of_24_hours_counts_modulo_12(self) -> None:
        half = evidence(4000.0).by_time
        assert Observation.of(Evidence(np.concatenate([half * 0.3, half * 0.7]))).minutes == 67

    def test_a_reading_without_distributions_still_counts(self) -> None:
        one = Observation.of(Evidence.of_time(100, 0.9))
        assert one.minutes == 100
        assert one.second is None
        assert int(one.by_time.argmax()) == 100 * 60 // STEP
        assert one.by_time.shape == (STEPS,)


class TestFit:
    @pytest.mark.parametrize("rate", [0.0, 1.0, 60.0, -1.0, 25.0, 600.0])
    def test_start_and_rate_are_found(self, rate: float) -> None:
        times = np.arange(20.0)
        found = fit(times, observed(times, 40_000.0, rate, second=True))
        assert found.rate == rate
        assert apart(found.start, 40_000.0) <= 1
        assert found.confidence > 0.9
        assert found.has_seconds

    @pytest.mark.parametrize("rate", [0.0, 1.0])
    def test_twenty_seconds_tell_a_stopped_clock_without_a_second_hand(self, rate: float) -> None:
        times = np.arange(20.0)
        jitter = np.random.default_rng(0).normal(0.0, 5.0, 20)  # of half a degree
        shown = 9_000.0 + rate * times + jitter
        frames = [Observation.of(replace(evidence(t), second_logits=None)) for t in shown]
        found = fit(times, frames)
        assert (found.rate, found.has_seconds) == (rate, False)
        assert found.rate_confidence > 0.8

    @pytest.mark.parametrize("rate", [437.3, -77.7])
    @pytest.mark.parametrize("second", [False, True])
    def test_a_rate_that_is_not_round_is_found_at_uneven_times(
        self, rate: float, second: bool
    ) -> None:
        times = np.cumsum([0.0, *np.random.default_rng(1).uniform(0.5, 2.0, 30)])
        found = fit(times, observed(times, 5_000.0, rate, second=second))
        assert found.kind == "free"
        assert found.rate == pytest.approx(rate, abs=0.02 if second else 0.2)
        assert all(apart(found.at(t), 5_000 + rate * t) < 5 for t in times)

    def test_a_few_wrong_frames_are_outvoted(self) -> None:
        times = np.arange(20.0)
        frames = observed(times, 7_000.0, 1.0)
        for i in (3, 4, 9, 15):  # hands swapped, or glare
            frames[i] = Observation.of(evidence(7_000.0 + i, wrong=500 + i))
        found = fit(times, frames)
        assert all(apart(found.at(t), 7_000 + t) < 60 for t in times)

    def test_a_stopped_second_hand_is_told_from_something_that_stands_still(self) -> None:
        times = np.arange(20.0)
        hand = fit(times, observed(times, 7_000.0, 0.0, second=True))
        assert (hand.kind, hand.has_seconds) == ("stopped", True)
        running = [
            Observation.of(
                Evidence(
                    (e := evidence(7_000.0 + t)).by_time, e.minute_logits, logits(77.0), 0.0, 0.05
                )
            )
            for t in times
        ]
        found = fit(times, running)
        assert (found.kind, found.has_seconds) == ("real time", False)

    def test_one_frame_runs_in_real_time_by_default(self) -> None:
        found = fit(np.zeros(1), observed(np.zeros(1), 3_600.0, 1.0))
        assert (found.rate, found.kind) == (1.0, "real time")
        assert apart(found.start, 3_600) <= 30

    def test_frames_that_say_the_same_count_as_two(self) -> None:
        one = Observation.of(Evidence.of_time(100, 0.7))
        single, two, many = (
            fit(np.arange(float(n)), [one] * n, rate=0.0).confidence for n in (1, 2, 40)
        )
        assert 0.5 < single < two - 0.05 < 0.95
        assert many == pytest.approx(two, abs=0.01)

    def test_the_confidence_of_many_frames_that_contradict_each_other_is_low(self) -> None:
        times = np.arange(0.0, 4_000.0, 10.0)
        shown = np.random.default_rng(0).uniform(0, SECONDS_ON_DIAL, len(times))
        frames = [Observation.of(evidence(float(seconds))) for seconds in shown]
        assert 0.0 <= fit(times, frames, rate=1.0).confidence < 0.5

    def test_a_known_rate_is_kept(self) -> None:
        times = np.arange(5.0)
        assert fit(times, observed(times, 3_600.0, 1.0), rate=60.0).rate == 60.0

    def test_frames_at_one_time_are_decoded(self) -> None:
        found = fit(np.zeros(4), observed(np.zeros(4), 100.0, 1.0))
        assert apart(found.start, 100.0) <= 60

    def test_likely_rates_do_not_depend_on_when_a_track_starts(self) -> None:
        times = np.arange(0.0, 1200.0, 60.0)
        frames = observed(times, 3_000.0, 12.0)
        rates = likely_rates(times, frames)
        assert 12.0 in rates
        assert likely_rates(times + 1e6, frames) == pytest.approx(rates)

    def test_likely_rates_come_from_the_frames_that_are_clear(self) -> None:
        times = np.arange(0.0, 80 * 60.0, 60.0)
        frames = observed(times, 3_000.0, 12.0)
        unclear = Observation.of(Evidence.of_time(0, 1 / 720))
        frames[:40] = [unclear] * 40
        frames[60:] = [unclear] * 20
        assert 12.0 in likely_rates(times, frames)

    def test_the_start_passes_12_o_clock(self) -> None:
        times = np.arange(30.0)
        found = fit(times, observed(times, SECONDS_ON_DIAL - 10.0, 1.0, second=True))
        assert apart(found.start, SECONDS_ON_DIAL - 10) <= 1
        assert apart(found.at(20.0), 10.0) <= 1


def test_readings_without_distributions_are_tracked_by_their_times() -> None:
    tracker = Tracker()
    for minute in range(5):
        tracker.add(60.0 * minute, [replace(READING, minutes=100 + minute)])
    [track] = tracker.tracks()
    assert (track.kind, track.text_at(0.0), track.text_at(240.0)) == ("real time", "1:40", "1:44")
    assert (track.number, track.disagreeing) == (1, 0)


def test_a_track_that_begins_later_shows_what_its_frames_show() -> None:
    tracker = Tracker()
    for minute in range(5):
        tracker.add(5000.0 + 60 * minute, [replace(READING, minutes=100 + minute)])
    [track] = tracker.tracks()
    assert [round(frame.shown / 60) for frame in track.frames] == [100, 101, 102, 103, 104]
    assert (track.text_at(5000.0), track.text_at(5240.0)) == ("1:40", "1:44")


@pytest.mark.parametrize(("hours", "shown"), [(12, 1800.0), (24, 45_000.0)])
def test_times_wrap_at_the_end_of_the_dial(hours: int, shown: float) -> None:
    fit = Fit(42_000.0, 1.0, "real time", 0.9, 0.9, has_seconds=False, dial_hours=hours)
    assert fit.at(3000.0) == shown
    assert fit.at(3000.0 + 3600 * hours) == shown


def test_every_frame_of_a_short_track_counts() -> None:
    tracker = Tracker()
    for time in (0.0, 1200.0):
        tracker.add(time, [replace(READING, minutes=100)])
    assert tracker.tracks()[0].kind == "stopped"


def test_the_evidence_of_a_long_track_is_kept_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[np.ndarray] = []

    def noting(times: np.ndarray, frames: list[Observation], rate: float | None) -> Fit:
        used.append(times)
        return fit(times, frames, rate)

    monkeypatch.setattr(tracker_module, "MOST_OBSERVED", 8)
    monkeypatch.setattr(tracker_module, "fit", noting)
    tracker = Tracker(rate=1.0)
    for second in range(100):
        tracker.add(5.0 + second, [replace(READING, minutes=100 + second // 60)])
    assert len(tracker.tracks()[0].frames) == 100
    assert used[0].tolist() == [0, 16, 32, 48, 64, 80, 96]


class TestDialsOf24Hours:
    """A dial of READING's place that shows 23:50 at first and runs for half an hour."""

    @staticmethod
    def track(*, noon_up: bool = False, misread: int = 0, hours: int = 24) -> Track:
        tracker = Tracker()
        for i in range(10):
            minutes = (23 * 60 + 50 + 3 * i) % 1440
            angle = np.deg2rad(minutes / 4 + 180 * noon_up)
            hands = {"hour_sincos": (np.sin(angle), np.cos(angle)), "minute_sincos": (0.0, 1.0)}
            one = replace(READING, minutes=minutes % (60 * hours), dial_hours=hours, **hands)
            if i < misread:
                one = replace(one, minutes=minutes % 720, dial_hours=12)
            tracker.add(180.0 * i, [one])
        [track] = tracker.tracks()
        return track

    @pytest.mark.parametrize("misread", [0, 3])
    def test_its_times_are_those_of_the_day(self, misread: int) -> None:
        track = self.track(misread=misread)
        assert (track.kind, track.dial_hours, track.disagreeing) == ("real time", 24, 0)
        assert (track.text_at(0.0), track.text_at(1200.0)) == ("23:50", "0:10")
        written = track.to_dict()
        assert (written["start"], written["end"]) == ("23:50", "0:17")
        assert written["start_seconds"] == pytest.approx(23 * 3600 + 50 * 60, abs=30)
        assert written["frames"][9]["fused"] == written["frames"][9]["time"] == "0:17"
        assert written["frames"][2]["time"] == ("11:56" if misread else "23:56")

    def test_few_frames_that_show_24_hours_do_not_count(self) -> None:
        track = self.track(misread=6)
        assert (track.dial_hours, track.text_at(0.0)) == (12, "11:50")
        assert not self.track(hours=12).noon_up

    @pytest.mark.parametrize("noon_up", [False, True])
    def test_its_hour_hand_tells_what_is_at_the_top(self, noon_up: bool) -> None:
        assert self.track(noon_up=noon_up).noon_up == noon_up

    @pytest.mark.parametrize(("noon_up", "degrees"), [(False, 2.5), (True, 182.5)])
    def test_its_hour_hand_is_drawn_for_24_hours(self, noon_up: bool, degrees: float) -> None:
        pytest.importorskip("av", reason="videos need PyAV")
        from clockread.video.overlay import reading_at

        shown = reading_at(self.track(noon_up=noon_up), 1200.0, gap=200.0)
        assert shown is not None
        assert shown.time == "0:10"
        assert float(angle_of(np.array(shown.hour_sincos))) == pytest.approx(degrees, abs=0.1)


class TestDrift:
    def test_a_gain_is_found(self) -> None:
        times = np.arange(0.0, 7200.0, 60.0)
        frames = observed(times, 1_000.0, 1 + 8 / 3600, second=True)
        nominal = Fit(1_000.0, 1.0, "real time", 1.0, 1.0, has_seconds=True)
        drift = drift_of(times, frames, nominal)
        assert drift is not None
        assert drift.per_hour == pytest.approx(8.0, abs=0.5)

    def test_a_few_wrong_frames_do_not_bend_it(self) -> None:
        times = np.arange(0.0, 7200.0, 600.0)
        frames = observed(times, 1_000.0, 1 - 5 / 3600, second=True)
        frames[2], frames[9] = observed(times[[2, 9]], 1_020.0, 1.0, second=True)
        nominal = Fit(1_000.0, 1.0, "real time", 1.0, 1.0, has_seconds=True)
        drift = drift_of(times, frames, nominal)
        assert drift is not None
        assert drift.per_hour == pytest.approx(-5.0, abs=0.5)
        assert 0 < drift.error < 0.5

    @pytest.mark.parametrize(("right", "known"), [(7, False), (8, True)])
    def test_it_needs_eight_frames_that_are_right(self, right: int, known: bool) -> None:
        times = 600.0 * np.arange(right + 1)
        frames = observed(times, 1_000.0, 1.0, second=True)
        frames[3:4] = observed(times[3:4], 1_020.0, 1.0, second=True)
        nominal = Fit(1_000.0, 1.0, "real time", 1.0, 1.0, has_seconds=True)
        assert (drift_of(times, frames, nominal) is not None) == known

    def test_a_rate_that_was_measured_has_none(self) -> None:
        times = np.arange(0.0, 7200.0, 60.0)
        measured = Fit(1_000.0, 1.0, "free", 1.0, 1.0, has_seconds=True)
        assert drift_of(times, observed(times, 1_000.0, 1.0, second=True), measured) is None

    def test_a_short_track_has_none(self) -> None:
        times = np.arange(20.0)
        frames = observed(times, 1_000.0, 1.0)
        nominal = Fit(1_000.0, 1.0, "real time", 1.0, 1.0, has_seconds=False)
        assert drift_of(times, frames, nominal) is None


def test_half_of_the_prior_of_other_rates_is_of_round_ones() -> None:
    kinds = [math.exp(_log_prior(rate, 10)) for rate in (0.0, 1.0)]
    assert kinds == pytest.approx([PRIOR["stopped"], PRIOR["real time"]])
    assert sum(math.exp(_log_prior(rate, 10)) for rate in ROUND_RATES) == pytest.approx(0.1)
    few, many = (math.exp(_log_prior(7.3, frames)) for frames in (10, 20))
    assert few == pytest.approx(2 * many)  # twice as many frames tell twice as many rates apart
    assert few < math.exp(_log_prior(ROUND_RATES[0], 10)) / 100
