"""The training loop: what an interruption leaves, and where a resumed run goes on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("keras", reason="training needs the train extra")

import keras

from training.experiment import NotTrainedError
from training.history import append_row, columns_of, read_rows
from training.reader.batches import Batches
from training.reader.loop import (
    ORIGIN_FILE,
    RESULT_FILE,
    START_FILE,
    WEIGHTS_FILE,
    Schedule,
    Validation,
    finished,
    fit,
    run_folder,
    write_json,
)

SCHEDULE = Schedule(samples=4 * 5 * 8, batch=8, steps_per_epoch=5)  # four epochs


class Line(Batches):
    """y = 3x, with a note of the samples that were drawn; stops the run on demand."""

    def __init__(self, stop_at: int | None = None) -> None:
        super().__init__(SCHEDULE)
        self.stop_at = stop_at
        self.drawn: list[tuple[int, int]] = []  # epoch and index

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if self.epoch == self.stop_at:
            raise RuntimeError("pulled the plug")
        self.drawn.append((self.epoch, index))
        x = (
            np.random.default_rng((self.epoch, index))
            .normal(size=(self.batch, 1))
            .astype(np.float32)
        )
        return x, {"y": 3 * x}


def line_model() -> Any:
    keras.utils.set_random_seed(0)
    x = keras.Input((1,))
    return keras.Model(x, {"y": keras.layers.Dense(1, use_bias=False)(x)})


def weight_of(model: Any) -> dict[str, float]:
    return {"weight": float(model.get_weights()[0][0, 0])}


def run(
    folder: Path, data: Line, *, resume: bool, validate: Validation = weight_of, every: int = 10
) -> tuple[Any, dict[str, Any]]:
    model = line_model()
    loss = {"y": "mse"}
    result = fit(
        model,
        data,
        loss,
        SCHEDULE,
        folder,
        validate=validate,
        validate_every=every,
        resume=resume,
    )
    return model, result


class Unplugged:
    """A validation that stops the run at its nth call."""

    def __init__(self, call: int) -> None:
        self.left = call

    def __call__(self, model: Any) -> dict[str, float]:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt
        return weight_of(model)


def epochs(folder: Path) -> list[int]:
    return [
        json.loads(line)["epoch"] for line in (folder / "history.jsonl").read_text().splitlines()
    ]


@pytest.mark.slow
def test_an_interrupted_run_goes_on_at_its_last_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="pulled the plug"):
        run(tmp_path, Line(stop_at=2), resume=True)
    assert epochs(tmp_path) == [0, 1]
    assert not (tmp_path / "result.json").exists()
    log = tmp_path / "history.jsonl"
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    log.write_text(
        "".join(json.dumps({**row, "seconds": 1000.0 + row["epoch"]}) + "\n" for row in rows)
    )
    data = Line()
    _, result = run(tmp_path, data, resume=True)
    assert epochs(tmp_path) == [0, 1, 2, 3]
    # nothing is trained twice; Keras draws a few samples more before it begins
    assert data.drawn[-2 * 5 :] == [(epoch, index) for epoch in (2, 3) for index in range(5)]
    assert len(result["history"]["loss"]) == 4
    assert (
        1001 <= result["history"]["seconds"][2] <= result["seconds"] < 1100
    )  # with those before the interruption


@pytest.mark.slow
def test_a_resumed_run_ends_where_an_uninterrupted_one_does(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="pulled the plug"):
        run(tmp_path / "broken", Line(stop_at=1), resume=True)
    _, resumed = run(tmp_path / "broken", Line(), resume=True)
    _, whole = run(tmp_path / "whole", Line(), resume=False)
    assert resumed["metrics"]["weight"] == pytest.approx(whole["metrics"]["weight"], rel=1e-4)


@pytest.mark.slow
def test_every_sample_is_trained_on_once(tmp_path: Path) -> None:
    data = Line()
    run(tmp_path, data, resume=False)
    assert data.drawn[-4 * 5 :] == [(epoch, index) for epoch in range(4) for index in range(5)]


@pytest.mark.slow
def test_a_run_interrupted_in_its_last_validation_is_only_validated(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, Line(), resume=True, validate=Unplugged(1))
    data = Line()
    _, result = run(tmp_path, data, resume=True)
    assert data.drawn == []
    assert result["history"]["epoch"] == [0, 1, 2, 3]
    _, whole = run(tmp_path / "whole", Line(), resume=False)
    assert result["metrics"] == whole["metrics"]
    assert not (tmp_path / "backup").exists()


@pytest.mark.slow
def test_a_run_killed_before_its_weights_are_written_is_not_trained_again(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, Line(), resume=True, validate=Unplugged(1))
    (tmp_path / WEIGHTS_FILE).unlink()
    _, result = run(tmp_path, Line(), resume=True)
    assert epochs(tmp_path) == [0, 1, 2, 3]
    _, whole = run(tmp_path / "whole", Line(), resume=False)
    assert result["metrics"]["weight"] == pytest.approx(whole["metrics"]["weight"], rel=1e-6)


@pytest.mark.slow
def test_an_interruption_between_epochs_loses_no_row_of_the_history(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):  # in the validation after epoch 2
        run(tmp_path, Line(), resume=True, validate=Unplugged(3), every=1)
    with (tmp_path / "history.jsonl").open("a") as out:
        out.write('{"epoch": 2, "lo')  # a line that was cut off
    _, result = run(tmp_path, Line(), resume=True, every=1)
    assert result["history"]["epoch"] == [0, 1, 2, 3]
    assert len(result["history"]["weight"]) == 3  # the last figures are in the metrics


def test_an_epoch_that_ran_twice_counts_once(tmp_path: Path) -> None:
    log = tmp_path / "history.jsonl"
    for epoch, loss in ((0, 3.0), (1, 2.0), (1, 1.0)):
        append_row(log, {"epoch": epoch, "loss": loss})
    assert columns_of(read_rows(log)) == {"epoch": [0, 1], "loss": [3.0, 1.0]}


@pytest.mark.parametrize("missing", [WEIGHTS_FILE, RESULT_FILE])
def test_a_run_without_weights_or_result_is_not_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setenv("CLOCKREAD_DATA", str(tmp_path))
    folder = run_folder("smoke", "reader/pose")
    line_model().save_weights(folder / WEIGHTS_FILE)
    write_json(folder / RESULT_FILE, {})
    finished(line_model(), "smoke", "reader/pose")
    (folder / missing).unlink()
    with pytest.raises(NotTrainedError, match=f"{missing} is missing: run .*--only reader/pose"):
        finished(line_model(), "smoke", "reader/pose")


@pytest.mark.slow
def test_a_finished_run_is_only_loaded_and_a_fresh_one_starts_anew(tmp_path: Path) -> None:
    model, first = run(tmp_path, Line(), resume=False)
    data = Line()
    again, loaded = run(tmp_path, data, resume=True)
    assert data.drawn == []
    assert loaded == json.loads(json.dumps(first))
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])
    fresh = Line()
    run(tmp_path, fresh, resume=False)
    assert len(fresh.drawn) >= 4 * 5
    assert epochs(tmp_path) == [0, 1, 2, 3]


@pytest.mark.slow
def test_a_run_that_begins_with_trained_weights_is_as_long_as_the_schedule_says(
    tmp_path: Path,
) -> None:
    folder, model = tmp_path, line_model()
    model.set_weights([np.array([[3.0]])])  # what there is to learn
    model.save_weights(folder / START_FILE)
    write_json(folder / ORIGIN_FILE, {"sha256": "abc"})
    schedule = replace(SCHEDULE, continued=2 * 5 * 8)
    result = fit(line_model(), Line(), {"y": "mse"}, schedule, folder, resume=True)
    assert epochs(folder) == [0, 1]
    assert result["history"]["loss"][0] < 0.01
    assert (result["schedule"]["samples"], result["begun_with"]) == (2 * 5 * 8, {"sha256": "abc"})


@pytest.mark.slow
def test_a_diverging_run_is_stopped(tmp_path: Path) -> None:
    class Broken(Line):
        def __getitem__(self, index: int) -> tuple[Any, Any]:
            x, y = super().__getitem__(index)
            return x, {"y": y["y"] * np.nan}

    with pytest.raises(FloatingPointError, match="epoch 0"):
        run(tmp_path, Broken(), resume=False)


def test_json_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "result.json"
    write_json(target, {"a": 1})
    with pytest.raises(TypeError):
        write_json(target, {"a": object()})
    assert json.loads(target.read_text()) == {"a": 1}
