"""Local paths and addresses such as ``s3://bucket/photos`` → pyarrow's file systems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pyarrow as pa
from pyarrow import fs

from clockread.errors import ClockreadError, one_line, reason_of

SEPARATOR = "://"
WHOLE_OBJECTS = frozenset(("s3", "gcs"))  # they show an object only when all of it is written


@dataclass(frozen=True)
class Place:
    """A file or folder in a file system."""

    address: str
    """The absolute path, or the address without its options."""
    files: fs.FileSystem
    path: str
    """The path that the file system takes."""

    def inside(self, path: str) -> str:
        """Return the address of a file in this folder from its path in the file system."""
        return f"{self.address.rstrip('/')}/{path[len(self.path.rstrip('/')) :].lstrip('/')}"

    @property
    def is_local(self) -> bool:
        """Whether this is a place on this machine, or one that is mounted."""
        return isinstance(self.files, fs.LocalFileSystem)


@dataclass(frozen=True)
class Stores:
    """Opens addresses; keeps the options of each kind of store, such as its region."""

    options: Mapping[str, str] = field(default_factory=dict)
    """Query strings by scheme, such as ``region=eu-west-1`` for ``s3``."""

    def place(self, address: str) -> Place:
        """Return the place of a path or an address without options; raise ClockreadError."""
        scheme, separator, rest = address.partition(SEPARATOR)
        if not separator:
            path = str(Path(address).absolute())
            return Place(path, fs.LocalFileSystem(), path)
        if scheme == "file":
            path = unquote(urlsplit(address).path)
            return Place(path, fs.LocalFileSystem(), path)
        authority, _, inside = rest.partition("/")
        if ":" in authority.rpartition("@")[0]:
            problem = "a password in an address would be stored with the results"
            raise ClockreadError(
                f"{one_line(scheme)}://…: {problem}; put it into the environment, "
                "such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )
        files, base = _file_system(scheme, authority, self.options.get(scheme, ""))
        return Place(address, files, f"{base.rstrip('/')}/{inside}" if inside else base)


def opened(address: str) -> tuple[Place, Stores]:
    """Return the place of an address that a user gave, and the stores with its options.

    Raises:
        ClockreadError: if the address cannot be used.

    """
    scheme, separator, _ = address.partition(SEPARATOR)
    if not separator:
        stores = Stores()
        return stores.place(address), stores
    plain, _, options = address.partition("?")
    stores = Stores({scheme: options})
    return stores.place(plain), stores


@lru_cache(maxsize=64)
def _file_system(scheme: str, authority: str, options: str) -> tuple[fs.FileSystem, str]:
    """Return a store's file system, and the path in it that the authority stands for."""
    uri = f"{scheme}{SEPARATOR}{authority}/" + (f"?{options}" if options else "")
    try:
        files, base = fs.FileSystem.from_uri(uri)
    except (OSError, pa.ArrowException) as error:
        remedy = "pyarrow knows file, s3, gs, abfs and hdfs; check the address"
        problem = f"cannot be opened ({reason_of(error)})"
        raise ClockreadError(f"{one_line(uri)}: {problem}; {remedy}") from error
    return files, base
