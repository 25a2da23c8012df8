"""Where the report contradicts itself: each sentence beside what follows from another of its own."""

from __future__ import annotations

import numpy as np

from training.report.time_labels import SinCos, UnitCircle, common_sense_error

_NOISE_SEED, _SAMPLES = 0, 20_000


def minutes_of(coordinate_error: float) -> float:
    """Return the mean error in minutes of points on the unit circle whose coordinates err by ``coordinate_error`` on average."""
    rng = np.random.default_rng(_NOISE_SEED)
    minutes = rng.integers(720, size=_SAMPLES)
    codec, deviation = (
        UnitCircle(),
        coordinate_error * np.sqrt(np.pi / 2),
    )  # a normal error of that mean size
    outputs = {
        head: values + rng.normal(0, deviation, _SAMPLES)
        for head, values in codec.encode(minutes).items()
    }
    return float(common_sense_error(codec.decode(outputs), minutes).mean())


def coordinate_error_of(minutes: float) -> float:
    """Invert `minutes_of`, to two digits."""
    steps = np.arange(0.01, 0.6, 0.005)
    return float(steps[np.argmin([abs(minutes_of(s) - minutes) for s in steps])])


def contradictions() -> list[str]:
    """Return the list items of RESULTS.md."""
    printed = {
        head: np.array([v])
        for head, v in zip(
            ("hour_sin", "hour_cos", "minute_sin", "minute_cos"), (0, -1, 0.5, 0.866), strict=True
        )
    }
    hour, minute = divmod(int(SinCos().decode(printed)[0]), 60)
    undivided, divided = (float(np.sin(np.deg2rad(d))) for d in (710.0, 710.0 / 4))
    return [
        f'- Unit circle: "MAE … around 0.03" and "a difference of about 50 minutes" exclude each other. Coordinates that are 0.03 off mean '
        f"{minutes_of(0.03):.1f} minutes; 50 minutes mean coordinates that are {coordinate_error_of(50):.2f} off.",
        f"- Pairs: its example of 06:10, (0, -1), (0.5, 0.866), has the minute's coordinates swapped: its own decoding makes "
        f"{hour}:{minute:02d} of it. By its formula it is (0, -1), (0.866, 0.5).",
        f"- Sine loss: the formula divides the difference by 4, the worked example does not. For 11:50 in place of 0:00 the example has "
        f"sin 710° = {undivided:.3f}, the formula sin {710 / 4}° = {divided:.3f}; undivided, the loss is zero every three hours.",
        '- Permutation: "the accuracy drops to 90.96 % from 38.35 %" has the two figures of its Table 1 the wrong way round.',
        '- Table 1 is "after 15 epochs", but gives the CNN on MNIST the 99.24 % that section 1.2.1 reports after 14.',
        '- Optimizers: "accuracy starts increasing after 10 epochs which means the nets are overfitting" can only mean the loss.',
    ]
