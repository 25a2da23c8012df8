"""The one-file readers of the page, in a checkout and in a wheel."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from conftest import ROOT

from clockread.errors import ModelError
from clockread.page.delta import encode
from clockread.page.models import ROLES, SUFFIX, network_bytes, reader_bytes
from clockread.runtime.manifest import Manifest, load_manifest

READER = ROOT / "exported" / "reader-small.onnx"


@pytest.fixture
def wheel(tmp_path: Path) -> Manifest:
    """A folder with the networks of `small`, and only the difference of its one-file reader."""
    ours = load_manifest()
    for entry in ours.models["small"].values():
        shutil.copy(entry.path, tmp_path)
    shutil.copy(ours.path, tmp_path)
    manifest = load_manifest(tmp_path)
    reader = READER.read_bytes()
    difference = hashlib.sha256(reader).digest() + encode(reader, network_bytes(ours, "small"))
    (tmp_path / READER.name).with_suffix(SUFFIX).write_bytes(difference)
    return manifest


def test_a_checkout_has_the_file() -> None:
    assert reader_bytes(load_manifest(), "small") == READER.read_bytes()


def test_a_damaged_file_is_an_error(tmp_path: Path) -> None:
    shutil.copy(load_manifest().path, tmp_path)
    manifest, whole = load_manifest(tmp_path), READER.read_bytes()
    copy = tmp_path / READER.name
    copy.write_bytes(whole)
    assert reader_bytes(manifest, "small") == whole
    for damaged in (b"", whole[:1000], whole[:-1] + bytes([whole[-1] ^ 1])):
        copy.write_bytes(damaged)
        with pytest.raises(ModelError, match=r"reader-small.onnx is damaged .*: reinstall"):
            reader_bytes(manifest, "small")


def test_a_wheel_makes_the_file_from_its_networks(wheel: Manifest) -> None:
    difference = wheel.path.parent / f"reader-small{SUFFIX}"
    assert difference.stat().st_size < 0.1 * READER.stat().st_size
    assert reader_bytes(wheel, "small") == READER.read_bytes()


def test_a_damaged_difference_is_an_error(wheel: Manifest) -> None:
    difference = wheel.path.parent / f"reader-small{SUFFIX}"
    for damaged in (b"", difference.read_bytes()[:-9], bytes(32) + difference.read_bytes()[32:]):
        difference.write_bytes(damaged)
        with pytest.raises(ModelError, match=r"reader-small.delta is damaged: reinstall"):
            reader_bytes(wheel, "small")


def test_a_missing_reader_is_an_error(wheel: Manifest) -> None:
    with pytest.raises(ModelError, match=r"reader-int8.onnx is missing: reinstall"):
        reader_bytes(wheel, "int8")


def test_the_wheel_stores_differences_to_the_same_networks() -> None:
    source = (ROOT / "hatch_build.py").read_text(encoding="utf-8")
    assert repr(ROLES).replace("'", '"') in source
