"""Photos that kill their worker: found by reading one photo at a time, and then left out.

A worker notes in the folder of results that it begins a part. A worker that finds such notes of
others, which have died, reads the part carefully: it notes each photo before it reads it.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from clockread.cluster.parts import HIDDEN, TRIES
from clockread.cluster.places import Place

CAREFUL_AFTER = 2  # workers that died with a part; one may be an accident
MAX_DEATHS = 2  # of workers while they read a photo, after which it is left out


@dataclass
class Tries:
    """The workers that began a part and did not finish it."""

    folder: Place
    name: str
    count: int = 0
    reading: str | None = None
    """The photo that is read, if one at a time."""
    deaths: Counter[str] = field(default_factory=Counter)
    """Workers that died while they read a photo, by path."""

    @classmethod
    def begin(cls, folder: Place, name: str) -> Tries:
        """Return the notes on a part, and note that it begins again."""
        tries = cls(folder, name)
        try:
            with folder.files.open_input_stream(tries._path) as file:
                noted = json.loads(file.read())
            tries.count, tries.deaths = noted["count"] + 1, Counter(noted["deaths"])
            if noted["reading"] is not None:
                tries.deaths[noted["reading"]] += 1
        except (OSError, ValueError, KeyError):  # none, or one that was half written
            pass
        tries._write()
        return tries

    @property
    def careful(self) -> bool:
        """Whether photos are to be read one at a time."""
        return self.count >= CAREFUL_AFTER

    def allows(self, path: str) -> bool:
        """Return whether a photo may be read."""
        return self.deaths[path] < MAX_DEATHS

    def note(self, path: str | None) -> None:
        """Note which photo is read from now on; None if all were."""
        self.reading = path
        self._write()

    def end(self) -> None:
        """Forget a part that is finished."""
        with suppress(FileNotFoundError):  # another run has begun in this folder
            self.folder.files.delete_file(self._path)

    @property
    def _path(self) -> str:
        return f"{self.folder.path.rstrip('/')}/{HIDDEN}{self.name}{TRIES}"

    def _write(self) -> None:
        noted = {"count": self.count, "reading": self.reading, "deaths": self.deaths}
        with self.folder.files.open_output_stream(self._path) as file:
            file.write(json.dumps(noted).encode())
