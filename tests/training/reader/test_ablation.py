"""The ablation of the reading network's training: its variants, and the table of results."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras", reason="training needs the train extra")
pytest.importorskip("tf2onnx", reason="exporting needs the train extra")

import keras

from clockread.hands import hands_network
from clockread.sampling import ANGLES, RADII
from training.reader import ablation
from training.reader.export import folded
from training.reader.networks import HandsConfig, build_hands, with_sincos
from training.reader.pose import MIX


def hour(model: keras.Model, polar: np.ndarray) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(model(polar, training=False)["hour"]))


@pytest.fixture(scope="module")
def tiny() -> keras.Model:
    keras.utils.set_random_seed(1)
    return build_hands(HandsConfig(stem=8, fold=8, local=0, width=16, dilations=(1, 4)))


@pytest.fixture(scope="module")
def polar() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (3, ANGLES, RADII)).astype(np.uint8)


@pytest.mark.parametrize("coarse", [(2, 1), (1, 2), (4, 4)])
def test_a_coarse_picture_is_averaged_and_keeps_its_place(
    tiny: keras.Model, polar: np.ndarray, coarse: tuple[int, int]
) -> None:
    a, r = coarse
    cells = polar.reshape(3, ANGLES // a, a, RADII // r, r).astype(np.float64).mean(axis=(2, 4))
    expected = np.repeat(np.repeat((cells + 0.5).astype(np.uint8), a, axis=1), r, axis=2)
    np.testing.assert_allclose(
        hour(ablation.coarsened(tiny, a, r), polar), hour(tiny, expected), atol=1e-4
    )
    assert np.abs(hour(tiny, expected) - hour(tiny, polar)).max() > 1e-3


def test_every_variant_changes_something_that_is_there() -> None:
    plain = ablation.Variant("")
    for name, variant in ablation.VARIANTS.items():
        changed = ablation.Variant(
            "",
            variant.config,
            variant.presets,
            variant.found,
            variant.lit,
            variant.coarse,
            variant.weights,
        )
        assert (changed == plain) == (name == "as-it-is"), name
        assert set(variant.presets) <= set(MIX)
        assert set(dict(variant.weights)) <= set(ablation.LOSS_WEIGHTS)


@pytest.mark.slow
def test_the_reader_reads_with_the_variants_network(
    tiny: keras.Model, polar: np.ndarray, tmp_path: Path
) -> None:
    reader = ablation.reader_with(folded(with_sincos(tiny)), tmp_path, passes=2)
    assert (reader.effort.passes, reader.threads) == (2, 1)
    np.testing.assert_allclose(
        hands_network(reader.networks["hands"])(polar).hour, hour(folded(tiny), polar), atol=1e-4
    )
    assert ablation.milliseconds(reader) > 0


def test_the_table_has_a_row_for_every_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ablation, "RESULTS", tmp_path)
    result = {
        "parameters": 1234567,
        "milliseconds": 1.5,
        "seconds": 60.0,
        "rendered": {"varied": 0.5, "hard": 0.25},
        "photographs": {
            "clocks, box given": {"photographs": 54, "within_1_min": 0.125},
            "clocks, found in the photo": {"photographs": 54, "within_1_min": 0.1},
            "time144, the photo is the dial": {"photographs": 144, "within_1_min": 0.75},
        },
    }
    (tmp_path / "as-it-is-96000.json").write_text(json.dumps(result))
    (tmp_path / "narrow-96000.json").write_text(json.dumps({**result, "photographs": {}}))
    (tmp_path / "wide-96500.json").write_text(json.dumps(result))
    rows = ablation.table(96_000).splitlines()[2:]
    assert rows == [
        "| unchanged | 50.0% | 25.0% | 12.5% | 75.0% | 1,234,567 | 1.50 |",
        "| width 96 instead of 128 | 50.0% | 25.0% | – | – | 1,234,567 | 1.50 |",
    ]
