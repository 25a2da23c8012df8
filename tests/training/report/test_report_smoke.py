"""All experiments of the report at the smoke profile, from data to RESULTS.md."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from conftest import run_python

from training.run_all import EXPERIMENTS

GENEROUS = 360  # seconds: twice what the profile may take, for slow machines


def module(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = {"CLOCKREAD_DATA": str(data), "TF_CPP_MIN_LOG_LEVEL": "3"}
    return run_python("-m", *arguments, timeout=2 * GENEROUS, **variables)


@pytest.mark.slow
def test_the_smoke_profile_runs_all_entries_and_reports_them(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="training needs the train extra")
    command = (
        "training.run_all",
        "--profile",
        "smoke",
        "--only",
        "mlp,cnn,permutation,time,upright",
        "--jobs",
        "2",
    )
    began = time.monotonic()
    done = module(tmp_path, *command)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert time.monotonic() - began < GENEROUS
    report = module(
        tmp_path, "training.report", "--profiles", "smoke", "--to", str(tmp_path / "results")
    )
    assert report.returncode == 0, report.stderr[-4000:]
    text = (tmp_path / "results" / "RESULTS.md").read_text()
    assert all(f"### {e.name}" in text for e in EXPERIMENTS if e.fits)
    assert "**holds**" not in text  # smoke settles nothing
    assert "| synthetic-digits |" in text
    assert "Not run yet" not in text
    again = module(tmp_path, *command)
    assert again.returncode == 0
    assert " fit 1: " not in again.stdout  # every fit was found finished
