"""Part 1 of the report: MLPs and CNNs on MNIST and Fashion-MNIST, one thing varied in each entry."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.data import write_whole
from training.experiment import Settings
from training.report.runs import Fit, log_folder

DATA_SETS = ("mnist", "fashion-mnist")
TRAINER = "classifier"
SMALL_STDDEV, LARGE_STDDEV = (
    0.01,
    0.5,
)  # of init-values, "slightly smaller and larger" than 0.05; the report gives no numbers
CNN_EPOCHS = 14  # of part 1; part 2 has 15
HE_OR_XAVIER = 10  # fits of each on MNIST: three cannot tell them apart


def _variants() -> dict[str, dict[str, Any]]:
    """Entry -> variant -> configuration at the report's setting."""
    from training.report.classifiers import CnnConfig, MlpConfig

    mlp, cnn = MlpConfig(), CnnConfig()
    hidden: dict[str, Any] = {
        "output_init": "glorot_uniform"
    }  # the report initializes the hidden weights
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
        "mlp/activation": {a: replace(mlp, activation=a) for a in ("relu", "sigmoid", "tanh")},
        "mlp/optimizer": {
            "sgd": mlp,
            "nesterov": replace(mlp, optimizer="nesterov"),
            "rmsprop": replace(mlp, optimizer="rmsprop", rate=0.001),
            "adam": replace(mlp, optimizer="adam", rate=0.001),
        },
        "mlp/regularization": {
            r: replace(mlp, regularization=r) for r in ("none", "l1", "l2", "dropout")
        },
        "cnn/vanilla": {"vanilla": cnn},
        "cnn/init-distribution": {
            "normal": replace(cnn, init="random_normal", **hidden),
            "he": replace(cnn, init="he_normal", **hidden),
        },
        "cnn/activation": {a: replace(cnn, activation=a) for a in ("relu", "sigmoid", "tanh")},
        "cnn/regularization": {
            r: replace(cnn, regularization=r) for r in ("dropout", "l1", "l2", "none")
        },
    }


def at_profile(config: Any, profile: str) -> Any:
    """A configuration at a profile: fewer images and epochs, for smoke a narrow CNN; CNNs compute in bfloat16.

    bfloat16: 1.5 times the images a second on CPUs that multiply it (AVX-512 BF16).
    """
    from training.report.classifiers import CnnConfig

    cnn = isinstance(config, CnnConfig)
    if profile == "smoke":
        return replace(
            config, epochs=1, images=128, **({"channels": (8, 8, 8, 8, 8)} if cnn else {})
        )
    if profile == "reduced":
        return (
            replace(config, epochs=5, images=15_000, precision="mixed_bfloat16")
            if cnn
            else replace(config, epochs=15)
        )
    # one epoch more than part 1 has: part 2's "original" is then the same fit
    return (
        replace(config, epochs=CNN_EPOCHS + 1, tested_after=CNN_EPOCHS, precision="mixed_bfloat16")
        if cnn
        else config
    )


def fits_each(entry: str, profile: str, data: str = "mnist", variant: str = "") -> int:
    """Fits of a variant that differ in their seed: three of the MLPs, as the report says, and of the vanilla CNN on MNIST."""
    if profile == "smoke":
        return 1
    if profile == "reduced":
        return 2 if entry.startswith(("mlp", "cnn/vanilla")) else 1
    if entry == "mlp/init-distribution" and data == "mnist" and variant in ("xavier", "he"):
        return HE_OR_XAVIER
    return 3 if entry.startswith("mlp") or (entry == "cnn/vanilla" and data == "mnist") else 1


def data_sets(profile: str) -> tuple[str, ...]:
    """Data sets of a profile: drawn digits stand in for both in smoke, under a name of their own."""
    from training.report.image_data import SYNTHETIC

    return (SYNTHETIC,) if profile == "smoke" else DATA_SETS


def plan(entry: str, profile: str, data: Path | None = None) -> list[Fit]:
    """All fits of an entry; idx files in ``data`` change none, for their sha256 is checked."""
    del data
    return [
        Fit(entry, images, variant, number, at_profile(config, profile), TRAINER)
        for images in data_sets(profile)
        for variant, config in _variants()[entry].items()
        for number in range(fits_each(entry, profile, images, variant))
    ]


def train(fit: Fit, settings: Settings, work: Path) -> dict[str, Any]:
    """Train one classifier; the test figures are those after the last epoch."""
    from training.report.image_data import load

    images = load(fit.data, settings.data).cut(fit.config.images)
    return train_on(images, fit, settings, work)


def train_on(images: Any, fit: Fit, settings: Settings, work: Path) -> dict[str, Any]:
    """Train one classifier on an `ImageSet`."""
    import keras

    from training.report.classifiers import build, make_optimizer
    from training.report.loop import learn

    keras.backend.clear_session()
    keras.utils.set_random_seed(fit.seed)
    model = build(fit.config, images.train[0], fit.seed)
    # XLA is slower than the plain graph on CPUs; jax knows nothing else
    jit = "auto" if keras.backend.backend() == "jax" else False
    model.compile(
        make_optimizer(fit.config),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=jit,
    )

    def figures(suffix: str = "") -> dict[str, float]:
        loss, accuracy = model.evaluate(*images.test, batch_size=500, verbose=0)
        return {f"loss{suffix}": float(loss), f"accuracy{suffix}": float(accuracy)}

    earlier, epoch = work / "earlier.json", getattr(fit.config, "tested_after", None)
    history = learn(
        model,
        images.train,
        images.validation,
        epochs=fit.config.epochs,
        batch=fit.config.batch,
        work=work,
        logs=log_folder(fit, settings.profile),
        seed=fit.seed,
        after={epoch: lambda: write_whole(earlier, json.dumps(figures(f"_after_{epoch}")))}
        if epoch
        else {},
    )
    return {
        "history": history,
        "test": {**figures(), **(json.loads(earlier.read_text()) if earlier.exists() else {})},
        "parameters": model.count_params(),
        "images": {
            "train": len(images.train[0]),
            "validation": len(images.validation[0]),
            "test": len(images.test[0]),
        },
    }
