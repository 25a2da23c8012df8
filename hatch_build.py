"""The part of `exported/` in the wheel: the models, without the report's network and plots.

The page for browsers, too. Its one-file readers consist of the same networks, so the wheel has only
their differences to these.
"""

from __future__ import annotations

import hashlib
import json
import runpy
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGE_MODELS = ("small", "int8")  # of the page: live video and photos
PAGE_EXAMPLES = ("wall.jpg", "two.jpg")
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
        included |= self._page(source, manifest["models"])
        build_data["force_include"].update(included)

    def _page(self, exported: Path, models: dict[str, Any]) -> dict[str, str]:
        """Return the page's files by their path in the wheel, and write the differences."""
        root, scratch = Path(self.root), Path(self.scratch.name)
        page = root / "clockread" / "page"
        encode = runpy.run_path(str(page / "delta.py"))["encode"]
        files = {root / "web": "clockread/web"}
        files |= {
            root / "examples" / name: f"clockread/web/examples/{name}" for name in PAGE_EXAMPLES
        }
        for model in PAGE_MODELS:
            reader = (exported / f"reader-{model}.onnx").read_bytes()
            roles = ("finder", "pose", "hands", "context")  # as in clockread.page.models
            networks = b"".join((exported / models[model][r]["file"]).read_bytes() for r in roles)
            difference = scratch / f"reader-{model}.delta"
            difference.write_bytes(hashlib.sha256(reader).digest() + encode(reader, networks))
            files[difference] = f"clockread/exported/{difference.name}"
        return {str(path): name for path, name in files.items()}

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Delete the reduced manifest."""
        del build_data, artifact_path
        if version != "editable":
            self.scratch.cleanup()
