"""The one-file readers: from a checkout or, in a wheel, from the networks and a difference."""

from __future__ import annotations

import hashlib
import zlib

from clockread.errors import ModelError
from clockread.page import delta
from clockread.runtime.manifest import REINSTALL, Manifest, model_bytes

ROLES = ("finder", "pose", "hands", "context")  # whose files, in this order, a difference refers to
SUFFIX = ".delta"  # of the difference of a reader to its networks; `hatch_build.py` writes it


def network_bytes(manifest: Manifest, model: str) -> bytes:
    """Return the files of a model's networks, one after the other."""
    return b"".join(model_bytes(manifest.entry(role, model)) for role in ROLES)


def reader_bytes(manifest: Manifest, model: str) -> bytes:
    """Return `reader-MODEL.onnx`; raise ModelError if it is missing or damaged."""
    name = f"reader-{model}"
    path = manifest.path.parent / f"{name}.onnx"
    if path.is_file() and name in manifest.edge:
        return model_bytes(manifest.edge[name])
    try:
        if path.is_file():
            return path.read_bytes()
        difference = path.with_suffix(SUFFIX).read_bytes()
    except FileNotFoundError:
        raise ModelError(f"{path} is missing: {REINSTALL}") from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    digest, packed = difference[:32], difference[32:]
    try:
        data = delta.decode(packed, network_bytes(manifest, model))
    except (zlib.error, ValueError) as error:
        raise ModelError(f"{path.with_suffix(SUFFIX)} is damaged: {REINSTALL}") from error
    if hashlib.sha256(data).digest() != digest:
        raise ModelError(f"{path.with_suffix(SUFFIX)} is damaged: {REINSTALL}")
    return data
