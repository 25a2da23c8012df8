"""Where the report contradicts itself: each sentence beside a consequence of another of its own."""

from __future__ import annotations

import numpy as np

from training.report.time_labels import PAIR_HEADS, SinCos, UnitCircle, common_sense_error

_NOISE_SEED, _SAMPLES = 0, 20_000


def minutes_of(coordinate_error: float) -> float:
    """Return the mean error in minutes of points on the unit circle with noisy coordinates.

    The noise is normal, with a mean absolute value of ``coordinate_error``.
    """
    rng = np.random.default_rng(_NOISE_SEED)
    minutes = rng.integers(720, size=_SAMPLES)
    deviation = coordinate_error * np.sqrt(np.pi / 2)
    labels = UnitCircle().encode(minutes)
    outputs = {head: v + rng.normal(0, deviation, _SAMPLES) for head, v in labels.items()}
    return float(common_sense_error(UnitCircle().decode(outputs), minutes).mean())


def coordinate_error_of(minutes: float) -> float:
    """Invert `minutes_of`, to two digits."""
    steps = np.arange(0.01, 0.6, 0.005)
    return float(steps[np.argmin([abs(minutes_of(s) - minutes) for s in steps])])


def contradictions() -> list[str]:
    """Return the list items of RESULTS.md."""
    printed = {head: np.array([v]) for head, v in zip(PAIR_HEADS, (0, -1, 0.5, 0.866), strict=True)}
    hour, minute = divmod(int(SinCos().decode(printed)[0]), 60)
    undivided, divided = (np.sin(np.deg2rad(degrees)) for degrees in (710.0, 710.0 / 4))
    return [
        '- Unit circle: "MAE … around 0.03" and "a difference of about 50 minutes" exclude each '
        f"other. A coordinate error of 0.03 gives {minutes_of(0.03):.1f} minutes; 50 minutes need "
        f"a coordinate error of {coordinate_error_of(50):.2f}.",
        "- Pairs: the example of 06:10, (0, -1), (0.5, 0.866), has the minute's coordinates "
        f"swapped: the report's own decoding gives {hour}:{minute:02d}. By its formula, 06:10 is "
        "(0, -1), (0.866, 0.5).",
        "- Sine loss: the formula divides the difference by 4, the worked example does not. For "
        f"11:50 instead of 0:00 the example has sin 710° = {undivided:.3f}, the formula "
        f"sin {710 / 4}° = {divided:.3f}. Undivided, the loss is zero every three hours.",
        '- Permutation: "the accuracy drops to 90.96 % from 38.35 %" swaps two figures of Table 1.',
        '- Table 1 is "after 15 epochs", but its 99.24 % of the CNN on MNIST is the figure that '
        "section 1.2.1 gives after 14.",
        '- Optimizers: in "accuracy starts increasing after 10 epochs which means the nets are '
        'overfitting", only the loss can be meant.',
    ]
