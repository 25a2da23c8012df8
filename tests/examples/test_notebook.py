"""The notebook runs from top to bottom, and its cells print the expected results."""

from __future__ import annotations

import os

import pytest
from conftest import EXAMPLES, ROOT

nbformat = pytest.importorskip("nbformat", reason="needs the test extra")
nbclient = pytest.importorskip("nbclient", reason="needs the test extra")
pytest.importorskip("ipykernel", reason="needs the test extra")

NOTEBOOK = EXAMPLES / "tour.ipynb"


def test_the_notebook_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    where = {"metadata": {"path": str(EXAMPLES)}}
    nbclient.NotebookClient(notebook, timeout=300, resources=where).execute()
    printed = "".join(
        output.get("text", "")
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )
    assert "5:08" in printed
    assert "missing.jpg: no such file" in printed
    assert "free: 600 seconds per second, from 4:00" in printed
    assert "outvoted" in printed
    assert "+0:03:12" in printed
    assert "AllDates+=0:03:12" in printed


def test_it_is_committed_without_outputs() -> None:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert not any(cell.get("outputs") for cell in cells)
