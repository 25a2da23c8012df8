"""RESULTS.md from made-up fits: every figure and verdict comes from them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from conftest import run_python

pytest.importorskip("matplotlib", reason="the report draws plots: needs the train extra")
pytest.importorskip("keras", reason="the report draws Keras models: needs the train extra")

from training.report.__main__ import claims_table, collect, write_report
from training.report.claims import CLAIMS
from training.report.classification import plan
from training.report.classifier_rules import learns_fast
from training.report.contradictions import contradictions, coordinate_error_of, minutes_of
from training.report.figures import write_figures
from training.report.results import entries, read_fits
from training.report.runs import write_result
from training.report.tables import settings_tables
from training.report.verdicts import FAILS, HOLDS, INCOMPARABLE, MISSING, OPEN, Claim


def fit(
    entry: str,
    variant: str,
    accuracy: float = 0.9,
    *,
    data: str = "mnist",
    number: int = 0,
    profile: str = "full",
    **more: Any,
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
        "history": {
            "loss": falling,
            "val_loss": falling,
            "accuracy": [accuracy] * epochs,
            "val_accuracy": [accuracy] * epochs,
            **history,
        },
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


def test_an_accuracy_is_compared_with_the_reports() -> None:
    right = [
        fit("mlp/vanilla", "vanilla", a, number=i) for i, a in enumerate((0.970, 0.9731, 0.969))
    ]
    assert verdict(right, "97.33").status == HOLDS
    assert (
        verdict([fit("mlp/vanilla", "vanilla", 0.9790)], "97.33").status == HOLDS
    )  # better is no failure
    assert "97.31 %" in verdict(right, "97.33").numbers
    assert verdict([fit("mlp/vanilla", "vanilla", 0.95)], "97.33").status == FAILS
    assert (
        verdict([fit("mlp/vanilla", "vanilla", 0.9733, profile="reduced")], "97.33").status == OPEN
    )
    assert verdict([], "97.33").status == MISSING


def crossing_at(epoch: int) -> dict[str, list[float]]:
    return {
        "accuracy": [0.8 if i + 1 < epoch else 0.95 for i in range(30)],
        "val_accuracy": [0.9] * 30,
    }


def test_over_fitting_is_where_the_training_accuracy_rises_above_validation_for_good() -> None:
    late, early = (fit("mlp/vanilla", "vanilla", history=crossing_at(epoch)) for epoch in (24, 10))
    assert verdict([late], "after about 24 epochs").status == HOLDS
    assert verdict([early], "after about 24 epochs").status == FAILS
    assert "from epoch 10 of 30" in verdict([early], "after about 24 epochs").numbers
    back = crossing_at(5)
    back["accuracy"][22] = 0.85  # below once more in epoch 23
    assert (
        "from epoch 24 of 30"
        in verdict([fit("mlp/vanilla", "vanilla", history=back)], "after about 24 epochs").numbers
    )


def test_a_single_epoch_above_breaks_always() -> None:
    below = [0.9 / (i + 1) for i in range(30)]
    broken = [*below[:7], 1.0, *below[8:]]
    says = "always lower"
    assert (
        verdict([fit("mlp/regularization", "dropout", history={"val_loss": below})], says).status
        == HOLDS
    )
    found = verdict([fit("mlp/regularization", "dropout", history={"val_loss": broken})], says)
    assert found.status == FAILS
    assert "29 of 30" in found.numbers


def test_penalties_prevent_over_fitting_in_fits_that_learned() -> None:
    fits = [
        fit("mlp/regularization", v, history={"accuracy": [0.92], "val_accuracy": [0.93]})
        for v in ("l1", "l2")
    ]
    dead = fit(
        "mlp/regularization",
        "l1",
        0.11,
        number=1,
        history={"accuracy": [0.114], "val_accuracy": [0.1]},
    )
    assert verdict([*fits, dead], "prevent over-fitting").status == HOLDS
    assert "1 of 2 fits did not learn" in verdict([*fits, dead], "prevent over-fitting").numbers
    far = fit(
        "mlp/regularization", "l2", number=1, history={"accuracy": [0.97], "val_accuracy": [0.93]}
    )
    assert verdict([*fits, far], "prevent over-fitting").status == FAILS


def test_he_leads_xavier_only_by_more_than_chance() -> None:
    def fits(lead: float, count: int) -> list[Any]:
        rows = [("he", 0.97 + lead), ("xavier", 0.97)]
        return [
            fit("mlp/init-distribution", v, a + 0.001 * (-1) ** n, number=n)
            for v, a in rows
            for n in range(count)
        ]

    assert verdict(fits(0.0005, 3), "He is best").status == OPEN
    assert verdict(fits(0.002, 10), "He is best").status == HOLDS
    assert verdict(fits(-0.002, 10), "He is best").status == FAILS


def test_a_cheaper_activation_takes_less_time_than_fits_differ() -> None:
    def fits(relu: float) -> list[Any]:
        seconds = {"relu": relu, "sigmoid": 3.0, "tanh": 3.2}
        return [
            fit("mlp/activation", v, number=n, history={"epoch_seconds": [s + 0.1 * n]})
            for v, s in seconds.items()
            for n in range(2)
        ]

    assert verdict(fits(2.0), "ReLU costs less").status == HOLDS
    assert verdict(fits(3.0), "ReLU costs less").status == OPEN
    assert verdict(fits(4.0), "ReLU costs less").status == FAILS


def test_a_lead_within_the_spread_of_fits_settles_nothing() -> None:
    close = [
        fit("mlp/activation", v, a + d, number=n)
        for v, a in (("relu", 0.97), ("sigmoid", 0.9699))
        for n, d in enumerate((0, 0.01))
    ]
    assert verdict(close, "ReLU is best").status == OPEN
    clear = [fit("mlp/activation", v, a) for v, a in (("relu", 0.98), ("sigmoid", 0.92))]
    assert verdict(clear, "ReLU is best").status == HOLDS
    assert verdict(clear, "differences are not great").status == FAILS


@pytest.mark.parametrize(
    ("fixed", "per_image", "profile", "status", "nearest"),
    [
        (0.57, 0.3, "full", HOLDS, "fixed"),
        (0.97, 0.58, "full", FAILS, "per-image"),
        (0.97, 0.58, "reduced", FAILS, "per-image"),
        (0.4, 0.2, "reduced", OPEN, "fixed"),
    ],
)
def test_the_closest_permutation_is_named(
    fixed: float, per_image: float, profile: str, status: str, nearest: str
) -> None:
    figures = {"original": 0.99, "fixed": fixed, "per-image": per_image}
    fits = [fit("permutation/cnn", v, a, profile=profile) for v, a in figures.items()]
    found = verdict(fits, "mnist: 99.24")
    assert found.status == status
    assert f"closest to the report: {nearest}" in found.numbers


def time_fit(kind: str, mean: float, **more: Any) -> Any:
    errors = {
        f"{how}_{k}": mean
        for how in ("error", "joint")
        for k in ("mean", "median", "exact", "within_1", "within_5")
    }
    images = {"train": 10, "test": 2, "source": "turned"}
    config = more.pop("config", {"kind": kind, "phases": [[30, 1e-4]], "batch": 32})
    return fit(
        f"time/{kind}",
        kind,
        data="turned",
        images=images,
        config=config,
        test={**errors, **more.pop("test", {})},
        **more,
    )


KINDS = ("multi-head", "regression", "classification-720", "sine-loss", "unit-circle")


def test_sin_cos_must_beat_all_five_at_one_profile() -> None:
    five = [time_fit(kind, 40.0) for kind in KINDS]
    assert verdict([*five, time_fit("sin-cos", 2.0)], "best of the six").status == HOLDS
    assert verdict([*five, time_fit("sin-cos", 50.0)], "best of the six").status == FAILS
    assert verdict([*five[1:], time_fit("sin-cos", 2.0)], "best of the six").status == MISSING
    shorter = [time_fit("multi-head", 40.0, profile="reduced"), *five[1:]]
    assert verdict([*shorter, time_fit("sin-cos", 2.0)], "best of the six").status == INCOMPARABLE


@pytest.mark.parametrize("mean", [2.0, 20.0])
def test_fewer_epochs_than_the_reports_settle_no_claim_on_clocks(mean: float) -> None:
    assert verdict([time_fit("sin-cos", mean, profile="reduced")], "about 3 minutes").status == OPEN
    assert verdict([time_fit("sin-cos", mean)], "about 3 minutes").status == (
        HOLDS if mean < 4 else FAILS
    )


def test_upright_clocks_decide_no_claim() -> None:
    upright = {**time_fit("sin-cos", 2.0), "entry": "upright/sin-cos", "data": "upright"}
    assert verdict([upright], "about 3 minutes").status == MISSING


def test_the_claim_that_chose_the_clocks_is_no_evidence() -> None:
    tested = {"test": {"mae": 0.46}}
    found = verdict([time_fit("regression", 30.0, **tested)], "MAE 0.46 hours")
    assert found.status == INCOMPARABLE
    assert "camera places" in found.numbers
    original = {
        **time_fit("regression", 30.0, **tested),
        "images": {"train": 8, "test": 2, "source": "given"},
    }
    assert verdict([original], "MAE 0.46 hours").status == HOLDS


def test_a_minute_error_far_below_the_limit_holds() -> None:
    assert (
        verdict([time_fit("multi-head", 30.0, test={"minute_mae": 0.186})], "less than 0.6").status
        == HOLDS
    )
    assert (
        verdict([time_fit("multi-head", 30.0, test={"minute_mae": 0.7})], "less than 0.6").status
        == FAILS
    )


def test_the_retrained_stage_has_a_verdict_of_its_own() -> None:
    again = {
        "retrained": {"history": {}, "test": {"hour_accuracy": 0.91}},
        "config": {"retrain": [800, 400, 1e-4]},
    }
    fits = [time_fit("multi-head", 30.0, test={"hour_accuracy": 0.85}, **again)]
    assert verdict(fits, "85 % right at epoch 1200").status == HOLDS
    found = verdict(fits, "retrained from epoch 800")
    assert found.status == HOLDS
    assert "91.0 % after 800 + 400 epochs" in found.numbers


def test_every_version_of_the_sine_loss_must_fail() -> None:
    readings = [
        {**time_fit("sine-loss", mean), "variant": v}
        for v, mean in (("as-printed", 180.0), ("undivided", 179.0))
    ]
    assert verdict(readings, "never converges").status == HOLDS
    assert (
        verdict(
            [*readings, {**time_fit("sine-loss", 16.0), "variant": "one-number"}], "never converges"
        ).status
        == FAILS
    )


@pytest.mark.parametrize(
    ("largest", "costs", "never"), [(350.0, HOLDS, FAILS), (40.0, FAILS, HOLDS)]
)
def test_hours_off_are_the_largest_errors(largest: float, costs: str, never: str) -> None:
    far = {"test": {"error_max": largest, "error_beyond_60": 0.1 if largest > 60 else 0.0}}
    fits = [time_fit(kind, 30.0, **far) for kind in ("multi-head", "unit-circle")]
    assert verdict(fits, "one wrong hour").status == costs
    assert verdict(fits, "never wrong by a few hours").status == never


def test_the_permuted_cnn_is_compared_with_the_mlp_in_every_epoch() -> None:
    mlp = fit("permutation/mlp", "fixed", history={"val_accuracy": [0.9] * 15})
    says = "always below the MLP"

    def cnn(curve: list[float], profile: str = "full") -> list[Any]:
        return [
            mlp,
            fit("permutation/cnn", "fixed", history={"val_accuracy": curve}, profile=profile),
        ]

    assert verdict(cnn([0.8] * 15), says).status == HOLDS
    assert verdict(cnn([0.8] * 14 + [0.95]), says).status == FAILS
    assert verdict(cnn([0.8] * 5, "reduced"), says).status == MISSING


def test_part_one_shows_the_cnns_after_its_own_epochs() -> None:
    tested = {"test": {"accuracy_after_14": 0.9924}}
    both = [
        fit(entry, v, 0.95, **tested)
        for entry, v in (("cnn/vanilla", "vanilla"), ("permutation/cnn", "original"))
    ]
    found = entries(both)
    assert found["cnn/vanilla"].accuracies("mnist", "vanilla") == [99.24]
    assert found["permutation/cnn"].accuracies("mnist", "original") == [95.0]


def test_each_data_set_is_shown_at_its_better_covered_profile() -> None:
    half = [fit("permutation/mlp", "original", profile="full")]
    whole = [
        fit("permutation/mlp", v, profile="reduced") for v in ("original", "fixed", "per-image")
    ]
    assert entries([*half, *whole])["permutation/mlp"].profile == "reduced"
    assert (
        entries([*half, *[{**f, "profile": "full"} for f in whole], *whole])[
            "permutation/mlp"
        ].profile
        == "full"
    )
    fixed = [*half, fit("permutation/mlp", "fixed", profile="full")]
    fashion = [
        fit("permutation/mlp", v, profile="reduced", data="fashion-mnist")
        for v in ("original", "fixed")
    ]
    found = entries([*fixed, *whole, *fashion])["permutation/mlp"]
    assert found.profiles == {"mnist": "full", "fashion-mnist": "reduced"}
    assert found.profile == "reduced"
    assert [f["profile"] for f in found.select("mnist", "per-image")] == [
        "reduced"
    ]  # ours, shown with its own profile


def test_a_missing_fit_is_named_and_a_diverged_one_settles_nothing() -> None:
    missing = verdict([time_fit("sin-cos", 2.0)], "best of the six")
    assert (missing.status, missing.numbers) == (MISSING, "time/multi-head has not run")
    diverged = {**fit("mlp/vanilla", "vanilla"), "test": {"accuracy": None}}
    judged = verdict([diverged], "97.33")
    assert (judged.status, judged.numbers) == (OPEN, "mnist: vanilla diverged")


def test_a_mistake_in_a_rule_is_no_missing_fit() -> None:
    def wrong(entry: Any, found: Any) -> Any:
        return {}["a mistake"]

    with pytest.raises(KeyError):
        Claim("mlp/vanilla", "", wrong).verdict(entries([fit("mlp/vanilla", "vanilla")]))


def test_a_claim_on_variants_needs_all_of_them() -> None:
    claim = Claim("mlp/optimizer", "", learns_fast(("rmsprop", "adam"), "sgd"))
    fits = [fit("mlp/optimizer", variant) for variant in ("sgd", "rmsprop")]
    judged = claim.verdict(entries(fits))
    assert (judged.status, judged.numbers) == (MISSING, "mlp/optimizer on mnist: adam has not run")


def test_a_profile_with_a_part_of_its_fits_is_not_shown_instead_of_a_complete_one() -> None:
    complete = [
        fit("mlp/vanilla", "vanilla", profile="reduced", number=planned.number)
        for planned in plan("mlp/vanilla", "reduced")
        if planned.data == "mnist"
    ]
    started = [fit("mlp/vanilla", "vanilla", profile="full")]
    assert entries([*complete, *started])["mlp/vanilla"].profile == "reduced"
    whole = [fit("mlp/vanilla", "vanilla", profile="full", number=n) for n in range(3)]
    assert entries([*complete, *whole])["mlp/vanilla"].profile == "full"


def test_every_figure_of_the_report_has_a_place_on_one_page(tmp_path: Path) -> None:
    history = {"mae": [0.5] * 30, "val_mae": [0.6] * 30}
    upright = {
        **time_fit("unit-circle", 5.0, history={"sin_mae": [0.1] * 3}),
        "entry": "upright/unit-circle",
        "data": "upright",
    }
    path = write_figures(
        tmp_path,
        entries(
            [fit("mlp/vanilla", "vanilla"), time_fit("regression", 30.0, history=history), upright]
        ),
    )
    text = path.read_text()
    assert [
        int(line.split()[2].rstrip("."))
        for line in text.splitlines()
        if line.startswith("## Figure")
    ] == list(range(1, 35))
    drawn = {p.name for p in (tmp_path / "plots").iterdir()}
    assert drawn == {f"figure-{n:02d}.png" for n in (1, 2, 3, 18, 21, 25, 29)}
    assert "`time/sin-cos` has not run yet." in text
    assert "`time/unit-circle` has not run yet. `upright/unit-circle` on upright" in text
    assert "It has fewer epochs." in text.split("## Figure 26")[1].split("## Figure 27")[0]


def test_hyperparameters_are_the_configurations(tmp_path: Path) -> None:
    lines = settings_tables(
        entries(
            [
                time_fit(
                    "unit-circle",
                    30.0,
                    config={"kind": "unit-circle", "phases": [[7, 5e-4]], "batch": 9},
                )
            ]
        )
    )
    table = "\n".join(lines).split("Table 5")[1].split("Table 6")[0]
    assert "| epochs | 200 | 200 | 7 |" in table
    assert "| batch | 64 | 64 | 9 |" in table
    assert "| learning rate | 0.0005 | 0.0005 | 0.0005 |" in table
    assert "| optimizer | Adam | Adam | Adam |" in table
    assert "has not run yet" in "\n".join(lines).split("Table 6")[1]
    multi = "\n".join(lines).split("Table 2")[1].split("Table 3")[0]
    assert "| 1200 | 1200; retrained from 800 for 400 |" in multi


def test_the_report_contradicts_itself_by_its_own_formulas() -> None:
    assert minutes_of(0.03) == pytest.approx(3.4, abs=0.1)
    assert coordinate_error_of(minutes_of(0.03)) == pytest.approx(0.03, abs=0.003)
    text = "\n".join(contradictions())
    assert "6:05" in text
    assert "-0.174" in text
    assert "0.044" in text


@pytest.mark.slow
def test_everything_is_written_and_only_from_fits(tmp_path: Path) -> None:
    fits = [
        fit("mlp/vanilla", "vanilla", 0.97531, number=n, data=d)
        for d in ("mnist", "fashion-mnist")
        for n in range(3)
    ]
    fits += [
        fit("mlp/optimizer", v, a)
        for v, a in (("sgd", 0.9), ("nesterov", 0.95), ("rmsprop", 0.94), ("adam", 0.94))
    ]
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
    assert "Not run yet: " in text
    plots = {p.name for p in (tmp_path / "plots").iterdir()}
    assert {
        "mlp-vanilla-mnist.png",
        "mlp-vanilla-fashion-mnist.png",
        "time-sin-cos-turned.png",
    } <= plots
    figures = (tmp_path / "FIGURES.md").read_text()
    assert all(
        f"plots/{name}" in (figures if name.startswith("figure-") else text) for name in plots
    )
    assert write_report(tmp_path, fits).read_text() == text
    rows, verdicts = claims_table(entries(fits))
    assert len(verdicts) == len(CLAIMS)
    assert {v.status for v in verdicts} <= {HOLDS, FAILS, OPEN, MISSING, INCOMPARABLE}
    assert all(row in text for row in rows)


def test_fits_are_kept_beside_the_report_and_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    command = ("-m", "training.report", "--to", tmp_path / "out")
    done = run_python(*command, CLOCKREAD_DATA=str(tmp_path))
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "training.run_all" in done.stderr


def test_missing_data_is_one_line_before_any_training(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    command = ("-m", "training.run_all", "--only", "mlp/vanilla", "--data", tmp_path)
    done = run_python(*command, CLOCKREAD_DATA=str(tmp_path), TF_CPP_MIN_LOG_LEVEL="3")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "training.report.image_data fetch" in done.stderr.strip().splitlines()[-1]
    assert json.loads(json.dumps(str(tmp_path)))[1:] in done.stderr


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "is not a folder"),
        pytest.param({}, "holds no images.npy", marks=pytest.mark.slow),
        pytest.param({"images.npy": b"x"}, "labels.npy", marks=pytest.mark.slow),
    ],
)
def test_missing_clock_images_are_one_line_and_no_training(
    tmp_path: Path, content: dict[str, bytes] | None, problem: str
) -> None:
    given, cache = tmp_path / "given", tmp_path / "cache"
    if content is not None:
        given.mkdir()
        for name, data in content.items():
            (given / name).write_bytes(data)
    command = ("training.run_all", "--profile", "smoke", "--only", "time/unit-circle")
    variables = {"CLOCKREAD_DATA": str(cache), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = run_python("-m", *command, "--data", given, **variables)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert problem in done.stderr.strip().splitlines()[-1]
    assert not cache.exists()  # nothing was rendered, nothing learned
