"""The report's networks: their sizes, losses and pixels, and a fit that resumes when killed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("keras", reason="training needs the train extra")

import keras

from training.experiment import Settings
from training.report.classification import at_profile, plan, train, variants
from training.report.classifiers import build, build_cnn, build_mlp, make_optimizer
from training.report.configs import CnnConfig, MlpConfig, Trunk
from training.report.image_data import synthetic_digits
from training.report.loop import Shuffled, read_history, train_model
from training.report.permutation import permuted
from training.report.runs import run_fit
from training.report.time_networks import (
    HEADS,
    build_time,
    compile_time,
    sine_loss,
    undivided_sine_loss,
)
from training.run_all import EXPERIMENTS


def test_parameter_counts_are_the_textbooks() -> None:
    assert (
        build_mlp(MlpConfig()).count_params()
        == 784 * 300 + 300 + 300 * 100 + 100 + 100 * 10 + 10
        == 266_610
    )
    assert build_cnn(CnnConfig()).count_params() == 1_413_834


def test_one_trunk_for_all_six() -> None:
    trunk = Trunk(75)
    bodies = set()
    for kind, heads in HEADS.items():
        model = build_time(kind, trunk)
        assert {n: tuple(o.shape) for n, o in model.output.items()} == {
            n: (None, h.units) for n, h in heads.items()
        }
        bodies.add(model.count_params() - sum((trunk.dense + 1) * h.units for h in heads.values()))
    assert len(bodies) == 1


@pytest.mark.parametrize(("entry", "variant"), [(e, v) for e, vs in variants().items() for v in vs])
def test_every_variant_builds_and_has_its_regularization(entry: str, variant: str) -> None:
    config = at_profile(variants()[entry][variant], "smoke")
    images = synthetic_digits(16, 4).train[0]
    model = build(config, images, seed=1)
    make_optimizer(config)
    kinds = [type(layer).__name__ for layer in model.layers]
    assert ("Dropout" in kinds) == (config.regularization == "dropout")
    penalties = [
        layer.kernel_regularizer
        for layer in model.layers
        if getattr(layer, "kernel_regularizer", None)
    ]
    assert bool(penalties) == (config.regularization in ("l1", "l2"))
    p = keras.ops.convert_to_numpy(model(images, training=False))
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)
    again = keras.ops.convert_to_numpy(build(config, images, seed=1)(images, training=False))
    np.testing.assert_array_equal(p, again)


def test_initial_weights_have_the_deviation_asked_for() -> None:
    for stddev in (0.001, 1.0):
        kernel = (
            build_mlp(replace(MlpConfig(), init="random_normal", init_stddev=stddev))
            .get_layer("dense0")
            .get_weights()[0]
        )
        assert kernel.std() == pytest.approx(stddev, rel=0.02)


def test_mixed_precision_keeps_weights_and_probabilities_in_float32() -> None:
    model = build_cnn(replace(CnnConfig(), channels=(8, 8, 8, 8, 8), precision="mixed_bfloat16"))
    assert {layer.compute_dtype for layer in model.layers if layer.name.startswith("conv")} == {
        "bfloat16"
    }
    assert {w.dtype for w in model.trainable_weights} == {"float32"}
    assert model.output.dtype == "float32"


def test_permutations() -> None:
    images = np.arange(3 * 784, dtype=np.int64).reshape(3, 28, 28) % 251
    fixed, each = permuted(images, "fixed", 1), permuted(images, "per-image", 1)
    np.testing.assert_array_equal(permuted(images, "original", 1), images)
    for out in (fixed, each):
        np.testing.assert_array_equal(np.sort(out.reshape(3, -1)), np.sort(images.reshape(3, -1)))
    order = np.random.default_rng(1).permutation(784)
    np.testing.assert_array_equal(fixed.reshape(3, -1), images.reshape(3, -1)[:, order])
    same = permuted(np.stack([images[0]] * 2), "per-image", 1)
    assert (same[0] != same[1]).any()


def test_sine_loss_is_zero_all_round_the_dial_and_one_opposite() -> None:
    at = np.eye(720, dtype=np.float32)[[10, 10, 370, 100]]
    loss = keras.ops.convert_to_numpy(sine_loss(np.array([10, 370, 10, 10], np.float32), at))
    np.testing.assert_allclose(loss, [0, 1, 1, np.sin(np.deg2rad(90 / 4)) ** 2], atol=1e-5)


def test_undivided_the_sine_loss_is_zero_every_three_hours() -> None:
    at = np.eye(720, dtype=np.float32)[[10, 190, 370, 100]]
    loss = keras.ops.convert_to_numpy(
        undivided_sine_loss(np.array([10, 10, 10, 10], np.float32), at)
    )
    np.testing.assert_allclose(loss, [0, 0, 0, 1], atol=1e-5)


def test_one_number_is_the_sine_loss_s_prediction_itself() -> None:
    number = np.array([[10.0], [370.0], [730.0]], np.float32)
    loss = keras.ops.convert_to_numpy(sine_loss(np.array([10, 10, 10], np.float32), number))
    np.testing.assert_allclose(loss, [0, 1, 0], atol=1e-5)


def test_only_hidden_weights_take_the_distribution_asked_for() -> None:
    config = replace(
        MlpConfig(), init="random_normal", init_stddev=0.5, output_init="glorot_uniform"
    )
    model = build_mlp(config)
    assert model.get_layer("dense1").get_weights()[0].std() == pytest.approx(0.5, rel=0.02)
    assert np.abs(model.get_layer("dense2").get_weights()[0]).max() <= np.sqrt(6 / 110)
    plain, hidden = MlpConfig(), replace(MlpConfig(), output_init="glorot_uniform")
    for a, b in zip(
        build_mlp(plain, 3).get_weights(), build_mlp(hidden, 3).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_a_trunk_in_bfloat16_has_float32_heads() -> None:
    model = build_time("multi-head", Trunk(75, (4, 4, 4, 4), 8, "mixed_bfloat16"))
    assert {layer.compute_dtype for layer in model.layers if layer.name.startswith("conv")} == {
        "bfloat16"
    }
    assert {w.dtype for w in model.weights} == {"float32"}
    assert {o.dtype for o in model.output.values()} == {"float32"}


@pytest.mark.slow
def test_actions_run_after_their_epoch(tmp_path: Path) -> None:
    data = synthetic_digits(64, 16)
    config = MlpConfig(hidden=(8,))
    model = build_mlp(config, 3)
    model.compile(make_optimizer(config), "sparse_categorical_crossentropy", metrics=["accuracy"])
    steps: list[int] = []
    after = {2: lambda: steps.append(int(model.optimizer.iterations))}
    train_model(
        model,
        data.train,
        data.validation,
        epochs=3,
        batch=32,
        work=tmp_path,
        logs=tmp_path,
        after_epoch=after,
    )
    assert steps == [4]


@pytest.mark.slow
def test_the_test_images_are_evaluated_after_an_earlier_epoch_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOCKREAD_DATA", str(tmp_path))
    fit = plan("cnn/vanilla", "smoke")[0]
    fit = replace(fit, config=replace(fit.config, epochs=2, tested_after=1))
    test = train(fit, Settings("smoke"), tmp_path)["test"]
    assert set(test) == {"loss", "accuracy", "loss_after_1", "accuracy_after_1"}
    assert test["loss"] != test["loss_after_1"]


@pytest.mark.slow
def test_retraining_starts_from_the_saved_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the report: from the model saved after 800 epochs, not from that after 1200."""
    from training.report import loop, telltime

    monkeypatch.setenv("CLOCKREAD_DATA", str(tmp_path))
    fit = telltime.plan("time/multi-head", "smoke")[0]
    fit = replace(fit, config=replace(fit.config, phases=((3, 1e-3),), retrain=(1, 2, 1e-4)))
    learned, began = loop.train_model, {}

    def watched(model: Any, *arguments: Any, **options: Any) -> Any:
        if options["work"].name == "again":
            began["weights"] = model.get_layer("dense").get_weights()[0]
            began["steps"] = int(model.optimizer.iterations)
        history = learned(model, *arguments, **options)
        began.setdefault("rates", []).append(float(model.optimizer.learning_rate))
        return history

    monkeypatch.setattr(loop, "train_model", watched)
    (tmp_path / "work").mkdir()
    outcome = telltime.train(fit, Settings("smoke"), tmp_path / "work")
    assert (len(outcome["history"]["loss"]), len(outcome["retrained"]["history"]["loss"])) == (3, 2)
    assert began["rates"] == pytest.approx([1e-3, 1e-4])
    steps = -(-outcome["images"]["train"] // fit.config.batch)
    assert began["steps"] == steps  # of one epoch: the optimizer is the saved model's, too
    model = build_time("multi-head", fit.config.trunk)
    compile_time(model, "multi-head", 1e-3)
    model.load_weights(tmp_path / "work" / "saved.weights.h5")
    np.testing.assert_array_equal(model.get_layer("dense").get_weights()[0], began["weights"])
    model.load_weights(tmp_path / "work" / "trained.weights.h5")
    assert (model.get_layer("dense").get_weights()[0] != began["weights"]).any()


@pytest.mark.slow
def test_a_fit_killed_during_its_retraining_keeps_its_first_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.report import loop, telltime

    monkeypatch.setenv("CLOCKREAD_DATA", str(tmp_path))
    fit = telltime.plan("time/multi-head", "smoke")[0]
    learned, calls, starts = loop.train_model, [], []

    def killed(model: Any, *arguments: Any, **options: Any) -> Any:
        calls.append(options["work"].name)
        if options["work"].name == "again":
            starts.append([keras.ops.convert_to_numpy(v) for v in model.optimizer.variables])
            if len(starts) == 1:
                raise KeyboardInterrupt
        return learned(model, *arguments, **options)

    monkeypatch.setattr(loop, "train_model", killed)
    (tmp_path / "work").mkdir()
    with pytest.raises(KeyboardInterrupt):
        telltime.train(fit, Settings("smoke"), tmp_path / "work")
    outcome = telltime.train(fit, Settings("smoke"), tmp_path / "work")
    assert calls == ["work", "again", "again"]
    for before, after in zip(*starts, strict=True):  # also Adam's state
        np.testing.assert_array_equal(before, after)
    assert len(outcome["history"]["loss"]) == 1
    assert "hour_accuracy" in outcome["retrained"]["test"]


def test_the_exported_network_is_trained_on_the_given_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.report import export

    seen: list[str] = []

    def run_fits(fits: Any, settings: Settings) -> Any:
        seen.append(fits[0].data)
        raise KeyboardInterrupt

    monkeypatch.setattr(export, "run_fits", run_fits)
    np.save(tmp_path / "images.npy", np.zeros((10, 75, 75), np.uint8))
    np.save(tmp_path / "labels.npy", np.zeros((10, 2), np.int64))
    for data in (None, tmp_path):
        with pytest.raises(KeyboardInterrupt):
            next(e for e in EXPERIMENTS if e.name == "time/export").run(
                Settings("smoke", data=data)
            )
    assert seen[0] == "turned"
    assert seen[1].startswith("given-")


def test_every_epoch_has_an_order_of_its_own_and_every_image_once() -> None:
    data = Shuffled(np.arange(10), np.arange(10), 4, seed=1)
    orders = []
    for epoch in (0, 1, 0):
        data.epoch = epoch
        orders.append(np.concatenate([data[i][0] for i in range(len(data))]).tolist())
    assert orders[0] == orders[2] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(10))


def _learn(epochs: int, folder: Path) -> tuple[Any, dict[str, list[float]]]:
    data = synthetic_digits(64, 16)
    keras.utils.set_random_seed(3)
    config = MlpConfig(hidden=(8,), epochs=epochs)
    model = build_mlp(config, 3)
    model.compile(make_optimizer(config), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = train_model(
        model,
        data.train,
        data.validation,
        epochs=epochs,
        batch=32,
        work=folder,
        logs=folder / "logs",
        rate=lambda e: 0.1 / (e + 1),
    )
    return model, history


@pytest.mark.slow
def test_a_killed_fit_resumes_at_its_last_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.report import loop

    class Killed(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 2:
                raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(loop, "tensorboard_logs", lambda logs: [Killed()])
        with pytest.raises(KeyboardInterrupt):
            _learn(5, tmp_path)
    assert len(read_history(tmp_path / "history.jsonl")["loss"]) == 3
    with (tmp_path / "history.jsonl").open("a") as out:
        out.write('{"epoch": 3, "lo')  # a line that was cut off
    model, history = _learn(5, tmp_path)
    assert len(history["loss"]) == 5
    # five epochs of two steps: the optimizer went on counting, too
    assert int(model.optimizer.iterations) in (8, 10)
    assert len((tmp_path / "history.jsonl").read_text().splitlines()) >= 5


@pytest.mark.slow
def test_a_fit_writes_history_logs_and_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOCKREAD_DATA", str(tmp_path))
    fit = plan("mlp/vanilla", "smoke")[0]
    path = run_fit(fit, Settings("smoke"))
    assert path.is_file()
    assert list((tmp_path / "runs" / "report" / "smoke" / "tensorboard").rglob("events.*"))
    assert fit.data == "synthetic-digits"


@pytest.mark.slow
def test_equal_seeds_give_equal_trainings(tmp_path: Path) -> None:
    fit = plan("mlp/vanilla", "smoke")[0]
    results = []
    for name in "ab":
        (tmp_path / name).mkdir()
        results.append(train(fit, Settings("smoke"), tmp_path / name))
    assert results[0]["test"] == results[1]["test"]
    assert results[0]["history"]["loss"] == results[1]["history"]["loss"]


@pytest.mark.slow
def test_every_time_network_trains_a_step() -> None:
    from training.report.time_networks import CODECS

    minutes = np.arange(0, 720, 90)
    images = np.random.default_rng(0).integers(256, size=(8, 75, 75), dtype=np.uint8)
    for kind in HEADS:
        model = build_time(kind, Trunk(75, (4, 4, 4, 4), 8))
        compile_time(model, kind, 1e-3)
        before = model.get_layer("dense").get_weights()[0]
        logs = model.train_on_batch(images, CODECS[kind].encode(minutes), return_dict=True)
        assert np.isfinite(logs["loss"])
        assert (model.get_layer("dense").get_weights()[0] != before).any()
