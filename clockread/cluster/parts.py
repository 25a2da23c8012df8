"""Parts of the work: up to some hundred photos whose results are one Parquet file.

A file appears under its name only when it is whole. So the files in the folder of results say what
is done, and nothing else has to be kept: whatever is killed, the next run reads the rest.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
import uuid
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from clockread.cluster import PATH_COLUMN
from clockread.cluster.places import WHOLE_OBJECTS, Place
from clockread.errors import ClockreadError, OutputError, one_line, reason_of
from clockread.fields import FIELDS

PREFIX, SUFFIX = "part-", ".parquet"
TRIES = ".tries"  # ends the names of notes, see `clockread.cluster.tries`
HIDDEN = "."  # starts the names of files that are being written; readers of Parquet ignore them
ABANDONED_SECONDS = 3600.0  # since a file was last written, after which its writer is gone
OPTIONS_KEY = b"clockread"  # in the metadata of a part: how its photos were read
FETCHES = 16  # files of results that are opened at a time
POSITION_LENGTH = 10  # decimal digits, at least
DIGEST_LENGTH = 16  # hexadecimal digits: 64 bits
UNIQUE_LENGTH = 8  # hexadecimal digits in the hidden name of a file that is being written
_NAME = rf"{PREFIX}\d{{{POSITION_LENGTH},}}-[0-9a-f]{{{DIGEST_LENGTH}}}{re.escape(SUFFIX)}"
# Only files of these names are ever removed: Spark, for one, also writes part-*.parquet.
OWN_NAME = re.compile(_NAME)
OWN_HIDDEN_NAME = re.compile(
    rf"{re.escape(HIDDEN)}{_NAME}(?:\.[0-9a-f]{{{UNIQUE_LENGTH}}}|{re.escape(TRIES)})"
)

PAIR = pa.list_(pa.float64(), 2)
# Arrow's types of the fields that are not single numbers.
TYPES = {
    "time": pa.string(),
    "hour": pa.int8(),
    "minute": pa.int8(),
    "box": pa.list_(pa.float64(), 4),
    "center": PAIR,
    "hour_sincos": PAIR,
    "minute_sincos": PAIR,
    "second_sincos": PAIR,
    "homography": pa.list_(pa.list_(pa.float64(), 3), 3),
    "second": pa.int8(),
    "consistent": pa.bool_(),
    "dial_hours": pa.int8(),
    "mirrored": pa.bool_(),
}
READING = pa.struct([(field.name, TYPES.get(field.name, pa.float64())) for field in FIELDS])
ROW = pa.schema(
    [
        (PATH_COLUMN, pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("readings", pa.list_(READING)),
        ("error", pa.string()),
        ("notes", pa.list_(pa.string())),
    ]
)


@dataclass(frozen=True)
class Part:
    """Photos that are read together, and the name of the file with their results."""

    name: str
    paths: tuple[str, ...]

    @classmethod
    def of(cls, position: int, paths: Sequence[str]) -> Part:
        """Return the part of some paths, the first of which has a position among all.

        The name is determined by both, so that a part that is read again replaces itself.
        """
        digest = hashlib.sha256("\0".join(paths).encode()).hexdigest()[:DIGEST_LENGTH]
        return cls(f"{PREFIX}{position:0{POSITION_LENGTH}}-{digest}{SUFFIX}", tuple(paths))


@dataclass(frozen=True)
class Done:
    """The results that exist."""

    paths: frozenset[str]
    damaged: tuple[str, ...] = ()
    """Names of files that clockread wrote, that are not whole, and that were removed."""


def split(paths: Sequence[str], done: Iterable[str], size: int) -> list[Part]:
    """Return the parts, of up to ``size`` photos, that are left.

    If whole parts of the same paths are done, the rest is divided as the first time.
    """
    without = frozenset(done)
    left = [(i, path) for i, path in enumerate(paths) if path not in without]
    blocks = [left[start : start + size] for start in range(0, len(left), size)]
    return [Part.of(block[0][0], [path for _, path in block]) for block in blocks]


def rows_of(results: Iterable[dict[str, Any]], options: dict[str, Any]) -> pa.Table:
    """Return the JSON objects of photos as a table that has the options in its metadata."""
    metadata = {OPTIONS_KEY: json.dumps(options, sort_keys=True)}
    return pa.Table.from_pylist(list(results), schema=ROW.with_metadata(metadata))


def exists(folder: Place, name: str) -> bool:
    """Return whether a part is done."""
    (info,) = folder.files.get_file_info([_join(folder, name)])
    return bool(info.type == fs.FileType.File)


def commit(folder: Place, name: str, table: pa.Table) -> None:
    """Write a part so that it appears whole or not at all.

    Raises:
        OutputError: if it cannot be written.

    """
    path = _join(folder, name)
    whole = folder.files.type_name in WHOLE_OBJECTS
    written = path if whole else _join(folder, _hidden(name))
    try:
        pq.write_table(table, written, filesystem=folder.files)
        if not whole:
            folder.files.move(written, path)
    except (OSError, pa.ArrowException) as error:
        problem = f"the results cannot be written ({reason_of(error)})"
        remedy = "check the space and the permissions, and start again"
        raise OutputError(f"{one_line(folder.address)}: {problem}; {remedy}") from error


def prepare(folder: Place) -> None:
    """Create the folder of results, and remove hidden files that earlier runs left.

    Raises:
        ClockreadError: if the folder cannot be used.

    """
    name = one_line(folder.address)
    try:
        (info,) = folder.files.get_file_info([folder.path])
        if info.type == fs.FileType.File:
            raise ClockreadError(f"{name}: a file, not a folder for results; choose another")
        if info.type == fs.FileType.NotFound:
            folder.files.create_dir(folder.path, recursive=True)
        for file in folder.files.get_file_info(fs.FileSelector(folder.path)):
            hidden = OWN_HIDDEN_NAME.fullmatch(file.base_name)
            old = time.time() - (file.mtime_ns or 0) / 1e9 > ABANDONED_SECONDS
            if hidden and (old or file.base_name.endswith(TRIES)):
                folder.files.delete_file(file.path)
    except (OSError, pa.ArrowException) as error:
        problem = f"this folder for results cannot be used ({reason_of(error)})"
        raise ClockreadError(f"{name}: {problem}; choose another") from error


def find_done(folder: Place, options: dict[str, Any]) -> Done:
    """Return the paths whose results are in the folder; remove files that are damaged.

    Args:
        folder: the folder of results.
        options: how photos are read now.

    Raises:
        ClockreadError: if results were read with other options, or cannot be read, or the folder
            has parts that clockread did not write.

    """
    paths: set[str] = set()
    damaged = []
    try:
        infos = folder.files.get_file_info(fs.FileSelector(folder.path))
        names = [i.base_name for i in infos if i.base_name.startswith(PREFIX)]
        names = sorted(name for name in names if name.endswith(SUFFIX))
        for name in names:
            if not OWN_NAME.fullmatch(name):
                raise _foreign(folder, name)
        with ThreadPoolExecutor(FETCHES) as pool:
            for name, table in zip(names, pool.map(partial(_paths, folder), names), strict=True):
                if table is None:
                    folder.files.delete_file(_join(folder, name))
                    damaged.append(name)
                    continue
                _check_options(folder, name, table.schema.metadata or {}, options)
                paths.update(table[PATH_COLUMN].to_pylist())
    except (OSError, pa.ArrowException) as error:
        problem = f"the results so far cannot be read ({reason_of(error)})"
        raise ClockreadError(f"{one_line(folder.address)}: {problem}; check the folder") from error
    return Done(frozenset(paths), tuple(damaged))


def _paths(folder: Place, name: str) -> pa.Table | None:
    """Return the paths in a part, or None if the file has no footer: it is not whole."""
    with folder.files.open_input_file(_join(folder, name)) as file:
        try:
            parquet = pq.ParquetFile(file)
        except pa.ArrowInvalid:
            return None
        schema = parquet.schema_arrow
        if PATH_COLUMN not in schema.names or OPTIONS_KEY not in (schema.metadata or {}):
            raise _foreign(folder, name)
        return parquet.read(columns=[PATH_COLUMN])


def _foreign(folder: Place, name: str) -> ClockreadError:
    problem = f"holds files that clockread did not write, such as {one_line(name)}"
    return ClockreadError(f"{one_line(folder.address)}: {problem}; choose another folder")


def _check_options(
    folder: Place, name: str, metadata: dict[bytes, bytes], options: dict[str, Any]
) -> None:
    """Raise ClockreadError if a part was read with other options than the present ones."""
    before = json.loads(metadata[OPTIONS_KEY])
    for key, value in options.items():
        if before.get(key) != value:
            problem = f"{name} was read with {key} {before.get(key)!r}, not {value!r}"
            remedy = "use the same, or choose another folder"
            raise ClockreadError(f"{one_line(folder.address)}: {problem}; {remedy}")


def _hidden(name: str) -> str:
    """Return a name that no other writer of the same part uses."""
    return f"{HIDDEN}{name}.{uuid.uuid4().hex[:UNIQUE_LENGTH]}"


def _join(folder: Place, name: str) -> str:
    return f"{folder.path.rstrip('/')}/{name}"
