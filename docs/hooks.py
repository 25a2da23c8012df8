"""MkDocs hook: add the repository's other documents to the site, and make links to them work there.

Pages link to files outside `docs/` as ``../training/results/RESULTS.md``, which is right in a
checkout. In the site these files have the same paths without ``../``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

REPOSITORY = Path(__file__).resolve().parents[1]
EXTRA = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "benchmarks/results/*.png",
    "examples/*.*",
    "examples/onnx/*",
    "exported/MODEL_CARD.md",
    "exported/*.png",
    "training/results/RESULTS.md",
    "training/results/FIGURES.md",
    "training/results/plots/*.png",
)


def on_files(files: Files, config: Any) -> Files:
    """Add the files of EXTRA to those of `docs/`."""
    for pattern in EXTRA:
        for path in sorted(REPOSITORY.glob(pattern)):
            name = path.relative_to(REPOSITORY).as_posix()
            files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Rewrite the links of a page: ``../`` leaves `docs/`, and `docs/` is the root of the site."""
    markdown = re.sub(r"(?<=\d) %", "\u00a0%", markdown)  # a number and its unit stay on one line
    if "/" not in page.file.src_uri and page.file.generated_by is None:
        return markdown.replace("](../", "](")
    return markdown.replace("](docs/", "](")
