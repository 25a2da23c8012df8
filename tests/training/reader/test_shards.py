"""Rendered pictures on disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("keras", reason="training needs the train extra")

from training.assets import LISTING
from training.reader import shards
from training.reader.loop import RESULT_FILE, WEIGHTS_FILE, run_folder


def test_pictures_are_rendered_once_per_artwork(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLOCKREAD_DATA", str(tmp_path))
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)  # as on Windows and macOS
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


def test_found_poses_are_those_of_these_crops_and_this_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.reader import hands

    monkeypatch.setenv("CLOCKREAD_DATA", str(tmp_path))
    folder = run_folder("smoke", hands.POSE_RUN)
    (folder / RESULT_FILE).write_text("{}")
    (folder / WEIGHTS_FILE).write_bytes(b"one")
    made: list[str] = []

    def poses_of(model: Any, shard: shards.Shards, rng: Any) -> np.ndarray:
        made.append(shard.name)
        return np.full((len(shard), 1, 7), len(made), np.float32)

    monkeypatch.setattr(hands, "finished", lambda *_: object())
    monkeypatch.setattr(hands, "build_pose", lambda: None)
    monkeypatch.setattr(hands, "_poses_of", poses_of)
    crops = shards.rendered("varied", 0, 2)
    assert crops.name == f"varied-v{shards.RENDERER_VERSION}-plain-0-2"
    assert crops.name in {f.name for f in (tmp_path / "shards").iterdir()}
    assert hands.found_poses("smoke", [crops])[0].max() == 1
    assert hands.found_poses("smoke", [crops])[0].max() == 1  # kept
    (tmp_path / LISTING).write_text("{}")  # other artwork, other pictures
    assert hands.found_poses("smoke", [shards.rendered("varied", 0, 2)])[0].max() == 2
    (folder / WEIGHTS_FILE).write_bytes(b"two")
    assert hands.found_poses("smoke", [crops])[0].max() == 3
