"""Fits run once, are saved whole or not at all, and equal ones are shared."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT

from clockread.runtime.cpus import usable_threads
from training import run_all
from training.experiment import Experiment, Settings, chosen
from training.report import runs
from training.report.runs import (
    Fit,
    log_folder,
    result_path,
    rounded,
    run_fit,
    run_fits,
    work_folder,
)
from training.run_all import EXPERIMENTS


@dataclass(frozen=True)
class Config:
    epochs: int = 2


CALLS: list[str] = []


def trainer(fit: Fit, settings: Settings, work: Path) -> dict[str, Any]:
    CALLS.append(fit.name)
    (work / "checkpoint").write_text("x")
    if fit.config.epochs == 13:
        raise RuntimeError("killed")
    return {"history": {"loss": [1.0, float("nan")]}, "test": {"accuracy": 0.123456789}}


runs.TRAINERS["test"] = f"{__name__}:trainer"  # on import: in processes of their own, too


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLOCKREAD_DATA", str(tmp_path))
    CALLS.clear()
    return tmp_path


def make(entry: str = "mlp/a", variant: str = "v", number: int = 0, **config: Any) -> Fit:
    return Fit(entry, "mnist", variant, number, Config(**config), "test")


SMOKE = Settings("smoke")
REPORT = [e for e in EXPERIMENTS if e.fits]


def test_a_finished_fit_is_skipped_and_a_fresh_run_repeats_it() -> None:
    some = [make(number=0), make(number=1)]
    paths = run_fits(some, SMOKE)
    assert len(CALLS) == 2
    assert run_fits(some, SMOKE) == paths
    assert len(CALLS) == 2
    run_fits(some, replace(SMOKE, resume=False))
    assert len(CALLS) == 4


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_fresh_run_keeps_what_it_has_just_trained(
    jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = replace(make(), data="drawn"), replace(make(entry="mlp/b"), data="drawn")
    fits = {"mlp/a": [a], "mlp/b": [b, replace(b, config=Config(3))]}
    some = [
        Experiment(
            name,
            "",
            {"smoke": "1 s"},
            lambda settings, own=own: {"files": run_fits(own, settings)},
            fits=lambda profile, data, own=own: own,
        )
        for name, own in fits.items()
    ]
    fresh = replace(SMOKE, resume=False, jobs=jobs)
    run_all._run(some, fresh)
    first = {p: p.stat().st_mtime_ns for own in fits.values() for p in results_of(own)}
    CALLS.clear()
    run_all._run(some, fresh)
    assert len(CALLS) == (2 if jobs == 1 else 0)  # several jobs run elsewhere
    assert all(p.stat().st_mtime_ns > before for p, before in first.items())


def results_of(fits: list[Fit]) -> list[Path]:
    return [result_path(fit, "smoke") for fit in fits]


def test_a_result_has_all_that_is_needed_to_repeat_it() -> None:
    result = json.loads(run_fit(make(), SMOKE).read_text())
    assert result["config"] == {"epochs": 2}
    assert result["machine"]["cores"] == usable_threads()
    assert {
        "seed",
        "versions",
        "machine",
        "history",
        "seconds",
        "test",
        "profile",
        "entry",
        "data",
        "variant",
        "fit",
    } <= set(result)
    assert result["history"]["loss"] == [1.0, None]
    assert result["test"]["accuracy"] == 0.123457
    assert not work_folder(make(), "smoke").exists()


def test_a_killed_run_leaves_the_results_of_finished_fits_only() -> None:
    some = [make(), make(variant="w", epochs=13), make(variant="x", epochs=3)]
    with pytest.raises(RuntimeError, match="killed"):
        run_fits(some, SMOKE)
    assert [result_path(f, "smoke").exists() for f in some] == [True, False, False]
    assert (work_folder(some[1], "smoke") / "checkpoint").exists()
    assert not list(result_path(some[1], "smoke").parent.glob("*.part"))


def test_a_write_that_is_cut_off_leaves_the_old_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "r.json"
    runs.write_result(path, {"a": 1})

    def cut(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", cut)
    with pytest.raises(KeyboardInterrupt):
        runs.write_result(path, {"a": 2})
    assert json.loads(path.read_text()) == {"a": 1}


def test_equal_fits_of_two_entries_are_trained_once() -> None:
    a, b = make(), make(entry="mlp/b", variant="other")
    assert a.digest() == b.digest()
    run_fits([a, b], SMOKE)
    assert len(CALLS) == 1
    result = json.loads(result_path(b, "smoke").read_text())
    assert (result["entry"], result["variant"], result["same_as"]) == ("mlp/b", "other", "mlp/a")


def clock_files(folder: Path, first: int) -> Path:
    folder.mkdir(exist_ok=True)
    images = np.zeros((10, 75, 75), np.uint8)
    images[0, 0, 0] = first
    np.save(folder / "images.npy", images)
    np.save(folder / "labels.npy", np.zeros((10, 2), np.int64))
    return folder


def test_other_images_make_another_fit(tmp_path: Path) -> None:
    from training.report.telltime import plan

    a, b = clock_files(tmp_path / "a", 1), clock_files(tmp_path / "b", 2)
    planned = [plan("time/sin-cos", "smoke", folder)[0] for folder in (None, a, b)]
    for place in (result_path, work_folder, log_folder):
        assert len({place(fit, "smoke") for fit in planned}) == 3
    assert (
        plan("time/sin-cos", "smoke", clock_files(tmp_path / "again", 1))[0].digest()
        == planned[1].digest()
    )
    clock_files(a, 3)  # the same folder with another picture
    assert plan("time/sin-cos", "smoke", a)[0].digest() not in {fit.digest() for fit in planned}


def test_a_result_of_other_images_is_never_returned(tmp_path: Path) -> None:
    from training.report.telltime import plan

    done = {}
    for folder in (None, clock_files(tmp_path / "a", 1), clock_files(tmp_path / "b", 2)):
        fit = replace(plan("time/sin-cos", "smoke", folder)[0], trainer="test")
        done[folder] = run_fits([fit], replace(SMOKE, data=folder))[0]
    assert len(CALLS) == 3
    assert len(set(done.values())) == 3
    assert all(path.exists() for path in done.values())  # none took another's place


def test_a_field_that_is_none_does_not_change_the_digest() -> None:
    @dataclass(frozen=True)
    class Grown(Config):
        more: int | None = None

    def description(config: Any) -> Any:
        return replace(make(), config=config).description()["config"]

    assert description(Grown()) == description(Config())
    assert description(Grown(more=1)) != description(Config())


def test_committed_fits_are_found_finished() -> None:
    """Except cnn/init-distribution at `reduced`, which initialized the output layer too."""
    paths = sorted((ROOT / "training" / "results" / "fits").glob("*/*/*.json"))
    assert paths
    planned = {
        p: {f.digest() for e in REPORT for f in e.fits(p, None)} for p in ("reduced", "full")
    }
    for path in paths:
        known = path.name.split(".")[1] in planned[path.parts[-3]]
        assert known or path.parts[-3:-1] == ("reduced", "cnn-init-distribution"), path.name


def test_a_changed_configuration_is_another_fit() -> None:
    assert make().digest() != make(epochs=3).digest()
    assert make().digest() != make(number=1).digest()


def test_several_processes_give_the_same_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)  # as on Windows and macOS
    some = [make(number=n) for n in range(3)]
    paths = run_fits(some, replace(SMOKE, jobs=2))
    assert not CALLS  # they ran elsewhere
    assert all(json.loads(p.read_text())["fit"] == n for n, p in enumerate(paths))


def test_rounding_goes_through_everything() -> None:
    assert rounded({"a": [1.23456789, (float("inf"),)], "b": 3}) == {"a": [1.23457, [None]], "b": 3}


def test_every_experiment_has_a_cost_and_its_fits_differ() -> None:
    assert all(set(e.cost) == {"smoke", "reduced", "full"} for e in EXPERIMENTS)
    for experiment in REPORT:
        for profile in experiment.cost:
            planned = experiment.fits(profile, None)
            assert planned
            assert len({fit.digest() for fit in planned}) == len(planned)


def test_prefixes_choose_entries() -> None:
    names = [e.name for e in chosen(EXPERIMENTS, ["permutation"])]
    assert names == ["permutation/mlp", "permutation/cnn"]
    assert len(chosen(EXPERIMENTS, ["time"])) == 9
    assert len(chosen(EXPERIMENTS, ["upright"])) == 7
    with pytest.raises(KeyError, match="no experiment"):
        chosen(EXPERIMENTS, ["time/nothing"])


def test_the_full_profile_is_the_reports_setting() -> None:
    plans = {e.name: e.fits("full", None) for e in REPORT}
    assert {n: len(f) for n, f in plans.items() if n.startswith("mlp")} == {
        "mlp/vanilla": 6,
        "mlp/init-values": 18,
        "mlp/init-distribution": 32,
        "mlp/activation": 18,
        "mlp/optimizer": 24,
        "mlp/regularization": 24,
    }
    mlp, cnn = plans["mlp/vanilla"][0].config, plans["cnn/vanilla"][0].config
    assert (mlp.epochs, mlp.batch, mlp.optimizer, mlp.rate, mlp.images) == (30, 32, "sgd", 0.01, 0)
    # one epoch more than the report's 14, after which it is tested: the fit of permutation/cnn
    assert (cnn.epochs, cnn.tested_after, cnn.dropout, cnn.images) == (15, 14, 0.5, 0)
    originals = {f.digest() for f in plans["permutation/cnn"] if f.variant == "original"}
    assert originals <= {f.digest() for f in plans["cnn/vanilla"]}
    assert {
        getattr(f.config, "network", f.config).epochs
        for n, f_ in plans.items()
        if n.startswith("permutation")
        for f in f_
    } == {15}
    assert [(f.data, f.number) for f in plans["cnn/vanilla"]] == [
        ("mnist", 0),
        ("mnist", 1),
        ("mnist", 2),
        ("fashion-mnist", 0),
    ]
    times = {
        n.split("/")[1]: f[0].config
        for n, f in plans.items()
        if n.startswith("time") and n != "time/places"
    }
    assert {
        k: (c.phases, c.batch) for k, c in times.items() if k not in ("sine-loss", "sin-cos-faster")
    } == {
        "multi-head": (((1200, 5e-4),), 32),
        "regression": (((600, 1e-4), (600, 1e-4)), 32),
        "classification-720": (((200, 5e-4),), 32),
        "unit-circle": (((200, 5e-4),), 64),
        "sin-cos": (((300, 1e-4),), 64),
    }
    assert {n: c.retrain for n, c in times.items() if c.retrain} == {"multi-head": (800, 400, 1e-4)}
    assert {c.trunk for c in times.values()} == {times["sin-cos"].trunk}
    assert times["sin-cos"].trunk.side == 75
    assert [times["sin-cos-faster"].rate(e) for e in (0, 239, 240, 299)] == [5e-4, 5e-4, 1e-4, 1e-4]
    assert [f.variant for f in plans["time/sine-loss"]] == ["as-printed", "undivided", "one-number"]
