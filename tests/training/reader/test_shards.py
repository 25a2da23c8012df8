"""Rendered pictures on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from training.assets import LISTING
from training.reader import shards


def test_pictures_are_rendered_once_per_artwork(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLOCKREAD_DATA", str(tmp_path))
    shards._say_not_collected.cache_clear()
    first = shards.rendered_without(0, 2)
    assert first.shape == (2, shards.PATCH, shards.PATCH)
    assert "training.assets collect" in capfd.readouterr().err
    (folder,) = (tmp_path / "shards").iterdir()
    assert folder.name == f"without-v{shards.WITHOUT_VERSION}-plain-0-2"
    (folder / "images.npy").touch()
    before = (folder / "images.npy").stat().st_mtime_ns
    np.testing.assert_array_equal(shards.rendered_without(0, 2), first)
    assert (folder / "images.npy").stat().st_mtime_ns == before

    (tmp_path / LISTING).write_text("{}")
    assert shards.rendered_without(0, 2).shape == first.shape
    assert len(list((tmp_path / "shards").iterdir())) == 2
    assert "training.assets" not in capfd.readouterr().err
