"""Export of the report's four-head network as clockread's model `sincos-cnn`."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from clockread.upright_reader import SINCOS
from training.experiment import NotTrainedError, Settings
from training.report.runs import run_fits
from training.report.telltime import load_images, plan, weights_path


def export_run(settings: Settings) -> dict[str, Any]:
    """Export the network of time/sin-cos; the smoke profile leaves the shipped models alone.

    Returns:
        Size of the exported file and the largest difference of its outputs to Keras'.

    Raises:
        NotTrainedError: the weights are missing, for example because only the result was copied.

    """
    from training.reader.export import export
    from training.reader.export_folder import export_folder
    from training.report.time_networks import build_time, with_pairs

    profile = settings.profile
    command = f"python -m training.run_all --profile {profile} --only time/sin-cos"
    fit = plan("time/sin-cos", profile, settings.data)[0]
    result = json.loads(run_fits([fit], Settings(profile, data=settings.data))[0].read_text())
    weights = weights_path(fit, profile)
    if not weights.exists():
        raise NotTrainedError(f"{weights} is missing: run `{command} --fresh` first")
    model = build_time(fit.config.kind, replace(fit.config.trunk, precision=None))
    model.load_weights(weights)
    data, description = export(
        with_pairs(model),
        SINCOS,
        load_images(fit, settings.data).images[::7][:16],
        {
            "command": f"{command},time/export",
            "seed": fit.seed,
            "config": result["config"],
            "schedule": {"samples": fit.config.epochs * result["images"]["train"]},
            "keras": result["versions"].get("keras"),
            "backend": result["backend"],
            "machine": f"{result['machine']['architecture']}, {result['machine']['cores']} cores",
            "seconds": result["seconds"],
            "metrics": result["test"],
        },
    )
    exports = export_folder(profile, "time/export")
    entry = exports.put("sincos-cnn", SINCOS, data, description)
    exports.save()
    difference = entry["metrics"]["largest_difference_to_keras"]
    return {"metrics": {"bytes": entry["bytes"], "difference": difference}}
