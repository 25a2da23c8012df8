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

from training.reader.batches import Batches
from training.reader.loop import ORIGIN_FILE, START_FILE, Schedule, fit, write_json

SCHEDULE = Schedule(samples=4 * 5 * 8, batch=8, steps_per_epoch=5)  # four epochs


class Line(Batches):
    """y = 3x, with a note of the epochs that were drawn; stops the run on demand."""

    def __init__(self, stop_at: int | None = None) -> None:
        super().__init__(SCHEDULE)
        self.stop_at = stop_at
        self.drawn: list[int] = []

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if self.epoch == self.stop_at:
            raise RuntimeError("pulled the plug")
        self.drawn.append(self.epoch)
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


def run(folder: Path, data: Line, *, resume: bool) -> tuple[Any, dict[str, Any]]:
    model = line_model()
    return model, fit(
        model,
        data,
        {"y": "mse"},
        SCHEDULE,
        folder,
        validate=lambda m: {"weight": float(m.get_weights()[0][0, 0])},
        resume=resume,
    )


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
    assert min(data.drawn) == 2  # nothing is trained twice
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
