"""The part of `exported/` in the wheel: the models, without the report's network and plots."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ONLY_IN_REPOSITORY = ("sincos-cnn",)  # models that nothing but comparisons uses: 1.2 MB


class WheelModels(BuildHookInterface[Any]):
    """Put the models into `clockread/exported/`, with a manifest that lists only them."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add files to the wheel; an editable installation reads the checkout's `exported/`."""
        if version == "editable":
            return
        source = Path(self.root) / "exported"
        manifest = json.loads((source / "manifest.json").read_text(encoding="utf-8"))
        for model in ONLY_IN_REPOSITORY:
            manifest["models"].pop(model, None)
        manifest.pop("edge", None)  # the one-file readers are for other languages: 16 MB
        self.scratch = tempfile.TemporaryDirectory()
        reduced = Path(self.scratch.name) / "manifest.json"
        reduced.write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        files = {entry["file"] for roles in manifest["models"].values() for entry in roles.values()}
        included = {str(source / name): f"clockread/exported/{name}" for name in sorted(files)}
        included[str(source / "MODEL_CARD.md")] = "clockread/exported/MODEL_CARD.md"
        included[str(reduced)] = "clockread/exported/manifest.json"
        build_data["force_include"].update(included)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Delete the reduced manifest."""
        del build_data, artifact_path
        if version != "editable":
            self.scratch.cleanup()
