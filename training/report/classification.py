"""Part 1 of the report: MLPs and CNNs on MNIST and Fashion-MNIST, one setting varied per entry."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from clockread.data import write_whole
from training.experiment import Settings
from training.precision import MIXED, usable_precision
from training.report.configs import CnnConfig, MlpConfig
from training.report.image_data import SYNTHETIC, ImageSet, load
from training.report.runs import Fit, log_folder

DATA_SETS = ("mnist", "fashion-mnist")
TRAINER = "classifier"
# Standard deviations of init-values: "slightly smaller and larger" than 0.05, without numbers in
# the report.
SMALL_STDDEV, LARGE_STDDEV = 0.01, 0.5
CNN_EPOCHS = 14  # of part 1; part 2 has 15
HE_OR_XAVIER = 10  # fits of each on MNIST: three cannot separate them


def _vary(config: Any, field: str, *values: str) -> dict[str, Any]:
    return {value: replace(config, **{field: value}) for value in values}


def variants() -> dict[str, dict[str, Any]]:
    """Return entry -> variant -> configuration at the report's setting."""
    mlp, cnn = MlpConfig(), CnnConfig()
    hidden: Any = {"output_init": "glorot_uniform"}  # the report initializes the hidden weights
    normal = replace(mlp, init="random_normal", **hidden)
    return {
        "mlp/vanilla": {"vanilla": mlp},
        "mlp/init-values": {
            "stddev-small": replace(normal, init_stddev=SMALL_STDDEV),
            "stddev-default": normal,
            "stddev-large": replace(normal, init_stddev=LARGE_STDDEV),
        },
        "mlp/init-distribution": {
            "normal": normal,
            "xavier": replace(mlp, init="glorot_normal", **hidden),
            "he": replace(mlp, init="he_normal", **hidden),
        },
        "mlp/activation": _vary(mlp, "activation", "relu", "sigmoid", "tanh"),
        "mlp/optimizer": {
            "sgd": mlp,
            "nesterov": replace(mlp, optimizer="nesterov"),
            **_vary(replace(mlp, rate=0.001), "optimizer", "rmsprop", "adam"),
        },
        "mlp/regularization": _vary(mlp, "regularization", "none", "l1", "l2", "dropout"),
        "cnn/vanilla": {"vanilla": cnn},
        "cnn/init-distribution": {
            "normal": replace(cnn, init="random_normal", **hidden),
            "he": replace(cnn, init="he_normal", **hidden),
        },
        "cnn/activation": _vary(cnn, "activation", "relu", "sigmoid", "tanh"),
        "cnn/regularization": _vary(cnn, "regularization", "dropout", "l1", "l2", "none"),
    }


def at_profile(config: Any, profile: str) -> Any:
    """Return a configuration at a profile: fewer images and epochs, a narrow CNN for smoke.

    CNNs compute in bfloat16 on hardware that has it: 1.5 times as many images per second on CPUs
    with AVX-512 BF16. At `full` they run one epoch more than part 1 has, so that the "original"
    variant of part 2 is the same fit.
    """
    cnn = isinstance(config, CnnConfig)
    if profile == "smoke":
        narrow = {"channels": (8, 8, 8, 8, 8)} if cnn else {}
        return replace(config, epochs=1, images=128, **narrow)
    if not cnn:
        return replace(config, epochs=15) if profile == "reduced" else config
    config = replace(config, precision=MIXED)
    if profile == "reduced":
        return replace(config, epochs=5, images=15_000)
    return replace(config, epochs=CNN_EPOCHS + 1, tested_after=CNN_EPOCHS)


def fits_each(entry: str, profile: str, data: str = "mnist", variant: str = "") -> int:
    """Return the number of fits per variant, which differ in their seed.

    As in the report these are three for MLPs; the vanilla CNN has three on MNIST only.
    """
    mlp = entry.startswith("mlp")
    if profile == "smoke":
        return 1
    if profile == "reduced":
        return 2 if mlp or entry == "cnn/vanilla" else 1
    if entry == "mlp/init-distribution" and data == "mnist" and variant in ("xavier", "he"):
        return HE_OR_XAVIER
    return 3 if mlp or (entry == "cnn/vanilla" and data == "mnist") else 1


def data_sets(profile: str) -> tuple[str, ...]:
    """Return the data sets of a profile; smoke has synthetic digits instead of both."""
    return (SYNTHETIC,) if profile == "smoke" else DATA_SETS


def plan(entry: str, profile: str, _data: Path | None = None) -> list[Fit]:
    """Return all fits of an entry; the folder of `--data` changes none, its files are checked."""
    return [
        Fit(entry, images, variant, number, at_profile(config, profile), TRAINER)
        for images in data_sets(profile)
        for variant, config in variants()[entry].items()
        for number in range(fits_each(entry, profile, images, variant))
    ]


def train(fit: Fit, settings: Settings, work: Path) -> dict[str, Any]:
    """Train one classifier; the test figures are those after the last epoch."""
    return train_on(load(fit.data, settings.data).cut(fit.config.images), fit, settings, work)


def train_on(images: ImageSet, fit: Fit, settings: Settings, work: Path) -> dict[str, Any]:
    """Train one classifier on given images.

    Args:
        images: Training, validation and test images.
        fit: Configuration, seed and name.
        settings: Of the run.
        work: Folder of the checkpoints.

    Returns:
        History, precision computed in, test figures, number of parameters and of images.

    """
    import keras

    from training.report.classifiers import build, make_optimizer
    from training.report.loop import train_model

    config = fit.config
    if isinstance(config, CnnConfig):
        config = replace(config, precision=usable_precision(config.precision))
    keras.backend.clear_session()
    keras.utils.set_random_seed(fit.seed)
    model = build(config, images.train[0], fit.seed)
    model.compile(
        make_optimizer(config),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        # XLA is slower than the plain graph on CPUs; jax has no other mode
        jit_compile="auto" if keras.backend.backend() == "jax" else False,
    )

    def evaluate(suffix: str = "") -> dict[str, float]:
        loss, accuracy = model.evaluate(*images.test, batch_size=500, verbose=0)
        return {f"loss{suffix}": float(loss), f"accuracy{suffix}": float(accuracy)}

    earlier, epoch = work / "earlier.json", getattr(config, "tested_after", None)
    actions: dict[int, Callable[[], object]] = {}
    if epoch:
        actions[epoch] = lambda: write_whole(earlier, json.dumps(evaluate(f"_after_{epoch}")))
    history = train_model(
        model,
        images.train,
        images.validation,
        epochs=config.epochs,
        batch=config.batch,
        work=work,
        logs=log_folder(fit, settings.profile),
        seed=fit.seed,
        after_epoch=actions,
    )
    return {
        "history": history,
        "precision": getattr(config, "precision", "float32"),
        "test": {**evaluate(), **(json.loads(earlier.read_text()) if earlier.exists() else {})},
        "parameters": model.count_params(),
        "images": {part: len(getattr(images, part)[0]) for part in ("train", "validation", "test")},
    }
