"""RESULTS.md from made-up fits: every figure and verdict comes from them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("matplotlib", reason="the report draws plots: needs the train extra")

from training.claims import FAILS, HOLDS, MISSING, OPEN
from training.fit_results import entries, read_fits
from training.fits import write_result
from training.report import claims_table, collect, write_report
from training.reported import CLAIMS

REPOSITORY = Path(__file__).resolve().parent.parent


def fit(
    entry: str, variant: str, accuracy: float = 0.9, *, data: str = "mnist", number: int = 0, profile: str = "full", **more: Any
) -> Any:
    epochs = more.pop("epochs", 30)
    falling = [1 / (i + 1) for i in range(epochs)]
    history = more.pop("history", {})
    return {
        "entry": entry,
        "data": data,
        "variant": variant,
        "fit": number,
        "profile": profile,
        "seconds": 60.0,
        "backend": "tensorflow",
        "history": {"loss": falling, "val_loss": falling, "accuracy": [accuracy] * epochs, "val_accuracy": [accuracy] * epochs, **history},
        "test": {"loss": 0.1, "accuracy": accuracy, **more.pop("test", {})},
        "images": {"train": 55_000, "test": 10_000},
        "config": {},
        "machine": {"architecture": "x86_64", "cores": 2},
        "versions": {"keras": "3", "tensorflow": "2"},
        **more,
    }


def verdict(fits: list[Any], says: str) -> Any:
    found = entries(fits)
    return next(c.verdict(found) for c in CLAIMS if says in c.says)


def test_an_accuracy_is_held_against_the_reports() -> None:
    right = [fit("mlp/vanilla", "vanilla", a, number=i) for i, a in enumerate((0.970, 0.9731, 0.969))]
    assert verdict(right, "97.33").status == HOLDS
    assert verdict([fit("mlp/vanilla", "vanilla", 0.9790)], "97.33").status == HOLDS  # better is no failure
    assert "97.31 %" in verdict(right, "97.33").numbers
    assert verdict([fit("mlp/vanilla", "vanilla", 0.95)], "97.33").status == FAILS
    assert verdict([fit("mlp/vanilla", "vanilla", 0.9733, profile="reduced")], "97.33").status == OPEN
    assert verdict([], "97.33").status == MISSING


def test_over_fitting_is_where_the_validation_loss_is_lowest() -> None:
    valley = [1 + abs(i - 23) / 10 for i in range(30)]
    assert verdict([fit("mlp/vanilla", "vanilla", history={"val_loss": valley})], "epoch 24").status == HOLDS
    assert verdict([fit("mlp/vanilla", "vanilla")], "epoch 24").status == FAILS


def test_a_lead_within_the_spread_of_fits_settles_nothing() -> None:
    close = [fit("mlp/activation", v, a + d, number=n) for v, a in (("relu", 0.97), ("sigmoid", 0.9699)) for n, d in enumerate((0, 0.01))]
    assert verdict(close, "ReLU is best").status == OPEN
    clear = [fit("mlp/activation", v, a) for v, a in (("relu", 0.98), ("sigmoid", 0.92))]
    assert verdict(clear, "ReLU is best").status == HOLDS
    assert verdict(clear, "differences are small").status == FAILS


@pytest.mark.parametrize(
    ("fixed", "per_image", "profile", "status", "nearest"),
    [
        (0.57, 0.3, "full", HOLDS, "fixed"),
        (0.97, 0.58, "full", FAILS, "per-image"),
        (0.97, 0.58, "reduced", FAILS, "per-image"),
        (0.4, 0.2, "reduced", OPEN, "fixed"),
    ],
)
def test_permutations_are_told_apart(fixed: float, per_image: float, profile: str, status: str, nearest: str) -> None:
    figures = {"original": 0.99, "fixed": fixed, "per-image": per_image}
    fits = [fit("permutation/cnn", v, a, profile=profile) for v, a in figures.items()]
    found = verdict(fits, "mnist: 99.24")
    assert found.status == status
    assert f"nearer to the report's: {nearest}" in found.numbers


def time_fit(kind: str, mean: float, **more: Any) -> Any:
    errors = {f"{how}_{k}": mean for how in ("error", "joint") for k in ("mean", "median", "exact", "within_1", "within_5")}
    images = {"train": 10, "test": 2, "source": "rendered"}
    return fit(f"time/{kind}", kind, data="clocks", images=images, test={**errors, **more.pop("test", {})}, **more)


KINDS = ("multi-head", "regression", "classification-720", "sine-loss", "unit-circle")


def test_sin_cos_must_beat_all_five() -> None:
    five = [time_fit(kind, 40.0) for kind in KINDS]
    assert verdict([*five, time_fit("sin-cos", 2.0)], "best of the six").status == HOLDS
    assert verdict([*five, time_fit("sin-cos", 50.0)], "best of the six").status == FAILS
    assert verdict([*five[1:], time_fit("sin-cos", 2.0)], "best of the six").status == MISSING
    assert verdict([time_fit("sin-cos", 2.0, profile="reduced")], "about 3 minutes").status == HOLDS
    assert verdict([time_fit("sin-cos", 20.0, profile="reduced")], "about 3 minutes").status == OPEN


def test_the_better_covered_profile_is_shown() -> None:
    half = [fit("permutation/mlp", "original", profile="full")]
    whole = [fit("permutation/mlp", v, profile="reduced") for v in ("original", "fixed", "per-image")]
    assert entries([*half, *whole])["permutation/mlp"].profile == "reduced"
    assert entries([*half, *[{**f, "profile": "full"} for f in whole], *whole])["permutation/mlp"].profile == "full"


def test_everything_is_written_and_only_from_fits(tmp_path: Path) -> None:
    fits = [fit("mlp/vanilla", "vanilla", 0.97531, number=n, data=d) for d in ("mnist", "fashion-mnist") for n in range(3)]
    fits += [fit("mlp/optimizer", v, a) for v, a in (("sgd", 0.9), ("nesterov", 0.95), ("rmsprop", 0.94), ("adam", 0.94))]
    fits += [fit("permutation/mlp", v, 0.9) for v in ("original", "fixed", "per-image")]
    fits += [time_fit("sin-cos", 2.345, profile="reduced")]
    fits[0]["history"]["val_loss"][3] = None  # a diverged epoch
    gone = fit("mlp/init-values", "stddev-large", history={"loss": [None], "val_loss": [None]})
    fits += [{**gone, "test": {"loss": None, "accuracy": None}}]
    text = write_report(tmp_path, fits).read_text()
    assert "97.53" in text
    assert "2.35" in text or "2.34" in text
    assert "| MLP | mnist | full | 96.94 | 93.82 |" in text
    assert "profile reduced" in text
    assert "diverged" in text
    assert "Not run: " in text
    plots = {p.name for p in (tmp_path / "plots").iterdir()}
    assert {"mlp-vanilla-mnist.png", "mlp-vanilla-fashion-mnist.png", "time-sin-cos-clocks.png"} <= plots
    assert all(f"plots/{name}" in text for name in plots)
    assert write_report(tmp_path, fits).read_text() == text
    rows, verdicts = claims_table(entries(fits))
    assert len(verdicts) == len(CLAIMS)
    assert {v.status for v in verdicts} <= {HOLDS, FAILS, OPEN, MISSING}
    assert all(row in text for row in rows)


def test_fits_are_kept_beside_the_report_and_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOCKREAD_DATA", str(tmp_path / "cache"))
    source = tmp_path / "cache" / "runs" / "report" / "full" / "mlp-vanilla"
    write_result(source / "mnist-vanilla-0.aaaaaaaaaa.json", fit("mlp/vanilla", "vanilla", 0.9))
    collect(["full"], tmp_path / "out")
    os.utime(source / "mnist-vanilla-0.aaaaaaaaaa.json", (1, 1))
    write_result(source / "mnist-vanilla-0.bbbbbbbbbb.json", fit("mlp/vanilla", "vanilla", 0.8))
    collect(["full"], tmp_path / "out")
    kept = read_fits(tmp_path / "out" / "fits")
    assert [f["test"]["accuracy"] for f in kept] == [0.8]


def test_nothing_to_report_is_one_line(tmp_path: Path) -> None:
    environment = {**os.environ, "CLOCKREAD_DATA": str(tmp_path)}
    command = [sys.executable, "-m", "training.report", "--to", str(tmp_path / "out")]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "training.run_all" in done.stderr


def test_missing_data_is_one_line_before_any_training(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    command = [sys.executable, "-m", "training.run_all", "--only", "mlp/vanilla", "--data", str(tmp_path)]
    environment = {**os.environ, "CLOCKREAD_DATA": str(tmp_path), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "training.image_data fetch" in done.stderr.strip().splitlines()[-1]
    assert json.loads(json.dumps(str(tmp_path)))[1:] in done.stderr
