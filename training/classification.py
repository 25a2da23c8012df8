"""Part 1 of the report: MLPs and CNNs on MNIST and Fashion-MNIST, one thing varied in each entry."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from training.fits import Fit, Settings, log_folder

DATA_SETS = ("mnist", "fashion-mnist")
TRAINER = "training.classification:train"
SMALL_STDDEV, LARGE_STDDEV = 0.001, 1.0  # of init-values; the report does not say which it took


def _variants() -> dict[str, dict[str, Any]]:
    """Entry -> variant -> configuration at the report's setting."""
    from training.classifiers import CnnConfig, MlpConfig

    mlp, cnn = MlpConfig(), CnnConfig()
    normal = replace(mlp, init="random_normal")
    return {
        "mlp/vanilla": {"vanilla": mlp},
        "mlp/init-values": {
            "stddev-small": replace(normal, init_stddev=SMALL_STDDEV),
            "stddev-default": normal,
            "stddev-large": replace(normal, init_stddev=LARGE_STDDEV),
        },
        "mlp/init-distribution": {
            "normal": normal,
            "xavier": replace(mlp, init="glorot_normal"),
            "he": replace(mlp, init="he_normal"),
        },
        "mlp/activation": {a: replace(mlp, activation=a) for a in ("relu", "sigmoid", "tanh")},
        "mlp/optimizer": {
            "sgd": mlp,
            "nesterov": replace(mlp, optimizer="nesterov"),
            "rmsprop": replace(mlp, optimizer="rmsprop", rate=0.001),
            "adam": replace(mlp, optimizer="adam", rate=0.001),
        },
        "mlp/regularization": {r: replace(mlp, regularization=r) for r in ("none", "l1", "l2", "dropout")},
        "cnn/vanilla": {"vanilla": cnn},
        "cnn/init-distribution": {"normal": replace(cnn, init="random_normal"), "he": replace(cnn, init="he_normal")},
        "cnn/activation": {a: replace(cnn, activation=a) for a in ("relu", "sigmoid", "tanh")},
        "cnn/regularization": {r: replace(cnn, regularization=r) for r in ("dropout", "l1", "l2", "none")},
    }


def at_profile(config: Any, profile: str) -> Any:
    """A configuration cut down to a profile: fewer images and epochs, and for smoke a narrow CNN."""
    from training.classifiers import CnnConfig

    cnn = isinstance(config, CnnConfig)
    if profile == "smoke":
        return replace(config, epochs=1, images=128, **({"channels": (8, 8, 8, 8, 8)} if cnn else {}))
    if profile == "reduced":
        # bfloat16: 1.8 times the images a second on CPUs that multiply it (AVX-512 BF16)
        return replace(config, epochs=5, images=15_000, precision="mixed_bfloat16") if cnn else replace(config, epochs=15)
    return config


def fits_each(entry: str, profile: str) -> int:
    """Fits of a variant that differ in their seed."""
    return 3 if profile == "full" else 2 if profile == "reduced" and entry.startswith(("mlp", "cnn/vanilla")) else 1


def data_sets(profile: str) -> tuple[str, ...]:
    """Data sets of a profile: drawn digits stand in for both in smoke, under a name of their own."""
    from training.image_data import SYNTHETIC

    return (SYNTHETIC,) if profile == "smoke" else DATA_SETS


def plan(entry: str, profile: str) -> list[Fit]:
    """All fits of an entry."""
    return [
        Fit(entry, data, variant, number, at_profile(config, profile), TRAINER)
        for data in data_sets(profile)
        for variant, config in _variants()[entry].items()
        for number in range(fits_each(entry, profile))
    ]


def train(fit: Fit, settings: Settings, work: Path) -> dict[str, Any]:
    """Train one classifier; the test figures are those after the last epoch."""
    from training.image_data import load

    images = load(fit.data, settings.data).cut(fit.config.images)
    return train_on(images, fit, settings, work)


def train_on(images: Any, fit: Fit, settings: Settings, work: Path) -> dict[str, Any]:
    """Train one classifier on an `ImageSet`."""
    import keras

    from training.classifiers import build, make_optimizer
    from training.learning import learn

    keras.backend.clear_session()
    keras.utils.set_random_seed(fit.seed)
    model = build(fit.config, images.train[0], fit.seed)
    # XLA is slower than the plain graph on CPUs; jax knows nothing else
    jit = "auto" if keras.backend.backend() == "jax" else False
    model.compile(make_optimizer(fit.config), "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=jit)
    history = learn(
        model,
        images.train,
        images.validation,
        epochs=fit.config.epochs,
        batch=fit.config.batch,
        work=work,
        logs=log_folder(fit, settings.profile),
        seed=fit.seed,
    )
    loss, accuracy = model.evaluate(*images.test, batch_size=500, verbose=0)
    return {
        "history": history,
        "test": {"loss": float(loss), "accuracy": float(accuracy)},
        "parameters": model.count_params(),
        "images": {"train": len(images.train[0]), "validation": len(images.validation[0]), "test": len(images.test[0])},
    }
