"""A file as its difference to other files: shared parts are copied, the rest is stored.

Nothing but the standard library is imported: `hatch_build.py` runs this without clockread.
"""

from __future__ import annotations

import struct
import zlib

BLOCK = 64  # bytes; shorter equal parts are stored
_STEP = struct.Struct("<III")  # bytes to store, then offset and length of a part to copy


def encode(target: bytes, source: bytes) -> bytes:
    """Return the difference from which `decode` makes ``target`` again, given ``source``."""
    blocks: dict[bytes, int] = {}
    for at in range(0, len(source) - BLOCK + 1, BLOCK):
        blocks.setdefault(source[at : at + BLOCK], at)
    steps, stored = [], []
    begin = at = 0  # of what is not yet written
    while at + BLOCK <= len(target):
        offset = blocks.get(target[at : at + BLOCK])
        if offset is None:
            at += 1
            continue
        while at > begin and offset > 0 and target[at - 1] == source[offset - 1]:
            at, offset = at - 1, offset - 1
        length = _equal(target, at, source, offset)
        steps.append(_STEP.pack(at - begin, offset, length))
        stored.append(target[begin:at])
        begin = at = at + length
    steps.append(_STEP.pack(len(target) - begin, 0, 0))
    stored.append(target[begin:])
    content = struct.pack("<I", len(steps)) + b"".join(steps) + b"".join(stored)
    return zlib.compress(content, 9)


def decode(difference: bytes, source: bytes) -> bytes:
    """Return the file whose difference to ``source`` is given."""
    content = zlib.decompress(difference)
    (count,) = struct.unpack_from("<I", content)
    at = 4 + count * _STEP.size
    parts = []
    for to_store, offset, length in _STEP.iter_unpack(content[4:at]):
        parts += [content[at : at + to_store], source[offset : offset + length]]
        at += to_store
    return b"".join(parts)


def _equal(a: bytes, at: int, b: bytes, offset: int) -> int:
    """Return how many bytes are equal from two places on."""
    low, high = 0, min(len(a) - at, len(b) - offset)
    while low < high:  # bisection: the equal part is a prefix
        middle = (low + high + 1) // 2
        if a[at + low : at + middle] == b[offset + low : offset + middle]:
            low = middle
        else:
            high = middle - 1
    return low
