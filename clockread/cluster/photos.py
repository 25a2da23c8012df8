"""What to read: a folder, or a list of paths and addresses, on this machine or in a store."""

from __future__ import annotations

import codecs
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from pyarrow import fs

from clockread.cluster import PATH_COLUMN
from clockread.cluster.places import SEPARATOR, Place, Stores, opened
from clockread.errors import ClockreadError, one_line, reason_of
from clockread.listing import no_photos_in, passed_over_as, search

LISTS = (".parquet", ".csv", ".txt")
REPEATED, EMPTY = "named twice", "empty"


@dataclass
class Wanted:
    """The photos to read, each once, in order, and the entries that are left out."""

    paths: list[str] = field(default_factory=list)
    """Absolute paths and addresses."""
    problems: dict[str, str] = field(default_factory=dict)
    """Why some of the paths cannot be read, one line each."""
    passed_over: Counter[str] = field(default_factory=Counter)
    """Other files in folders and unusable entries of lists, by kind."""
    stores: Stores = field(default_factory=Stores)


def find_photos(source: str, column: str = PATH_COLUMN) -> Wanted:
    """Return the photos of a folder, or those that a list names.

    Args:
        source: the path or address of a folder, or of a list: a Parquet or CSV file with a column
            of paths and addresses, or a text file with one per line. Relative paths in a list start
            at the current folder.
        column: the column of a Parquet or CSV list.

    Raises:
        ClockreadError: if there is no such folder or list, or it cannot be read or is empty.

    """
    place, stores = opened(source)
    name = one_line(source)
    try:
        (info,) = place.files.get_file_info([place.path])
    except (OSError, pa.ArrowException) as error:
        problem = f"cannot be reached ({reason_of(error)})"
        raise ClockreadError(f"{name}: {problem}; check the address and the permissions") from error
    wanted = Wanted(stores=stores)
    if info.type == fs.FileType.Directory:
        _add_folder(place, wanted)
        if not wanted.paths:
            raise ClockreadError(no_photos_in(source, wanted.passed_over))
    elif info.type == fs.FileType.NotFound:
        raise ClockreadError(f"{name}: no such folder or list; check the path")
    elif not source.partition("?")[0].lower().endswith(LISTS):
        kinds = "a folder nor a list of photos (.parquet, .csv or .txt)"
        raise ClockreadError(f"{name}: neither {kinds}; for a photo use `clockread predict`")
    else:
        _add(_listed(place, name, column), wanted)
        if not wanted.paths:
            raise ClockreadError(f"{name}: this list names no photo; check its contents")
    return wanted


def _add_folder(place: Place, wanted: Wanted) -> None:
    if place.is_local:
        found = search(Path(place.path))
        wanted.passed_over += found.passed_over
        wanted.problems |= {_safe(str(folder))[0]: why for folder, why in found.problems}
        _add([*map(str, found.photos), *(str(folder) for folder, _ in found.problems)], wanted)
        return
    try:
        infos = place.files.get_file_info(fs.FileSelector(place.path, recursive=True))
    except (OSError, pa.ArrowException) as error:
        problem = f"cannot list this folder ({reason_of(error)}); check its permissions"
        raise ClockreadError(f"{one_line(place.address)}: {problem}") from error
    addresses = []
    for info in infos:
        address = place.inside(info.path)
        hidden = any(part.startswith(".") for part in info.path[len(place.path) :].split("/"))
        if info.type != fs.FileType.File or hidden:
            continue
        if kind := passed_over_as(info.base_name):
            wanted.passed_over[kind] += 1
        else:
            addresses.append(address)
    _add(sorted(addresses), wanted)


def _add(paths: Iterable[Any], wanted: Wanted) -> None:
    """Add paths that are not yet there; count those that are, and entries that are no path."""
    seen = set(wanted.paths)
    for given in paths:
        if not isinstance(given, str) or not given:
            wanted.passed_over[EMPTY] += 1
            continue
        path, problem = _safe(given if SEPARATOR in given else os.path.abspath(given))  # noqa: PTH100  # without "..", too
        if path in seen:
            wanted.passed_over[REPEATED] += 1
            continue
        seen.add(path)
        wanted.paths.append(path)
        if problem is not None:
            wanted.problems[path] = problem


def _safe(path: str) -> tuple[str, str | None]:
    """Return a path that Parquet can store, and the problem if it is not the path itself."""
    try:
        path.encode()
    except UnicodeEncodeError:
        safe = one_line(path, len(path) * 4)
        return safe, f"{safe}: the path is not in UTF-8, which Parquet requires; rename the file"
    return path, None


def _listed(place: Place, name: str, column: str) -> Iterator[Any]:
    """Yield the entries of a list."""
    try:
        with place.files.open_input_file(place.path) as file:
            if place.path.lower().endswith(".txt"):
                data = file.read().removeprefix(codecs.BOM_UTF8)  # which Windows' programs write
                yield from map(os.fsdecode, data.splitlines())
                return
            table = _table(file, place.path, column)
    except pa.ArrowKeyError as error:
        problem = f"this list has no column {column!r}"
        raise ClockreadError(f"{name}: {problem}; name its column with --column") from error
    except (OSError, pa.ArrowException) as error:
        problem = f"this list cannot be read ({reason_of(error)})"
        raise ClockreadError(f"{name}: {problem}; check the file") from error
    kind = table.schema.field(column).type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        problem = f"the column {column!r} has {kind} instead of paths"
        raise ClockreadError(f"{name}: {problem}; name another with --column")
    for chunk in table[column].chunks:
        yield from chunk.to_pylist()


def _table(file: pa.NativeFile, path: str, column: str) -> pa.Table:
    """Return the column of paths of a Parquet or CSV file; raise ArrowKeyError if it has none."""
    if path.lower().endswith(".csv"):
        options = pa.csv.ConvertOptions(
            include_columns=[column], column_types={column: pa.string()}, strings_can_be_null=True
        )
        return pa.csv.read_csv(file, convert_options=options)
    parquet = pq.ParquetFile(file)
    if column not in parquet.schema_arrow.names:
        raise pa.ArrowKeyError(column)
    table = parquet.read(columns=[column])
    if pa.types.is_dictionary(table.schema.field(column).type):
        return pa.table({column: table[column].cast(pa.string())})
    return table
