"""Clocks that others drew: `python -m benchmarks.emoji TARBALLS`.

Unicode has 24 clock faces, one for every half hour, and their code points are their labels. The
tarballs are packages of the npm registry that hold them as pictures:

    npm pack emoji-datasource-google emoji-datasource-twitter
    npm pack emoji-datasource-facebook @lobehub/fluent-emoji-3d

Most of these dials are bare or nearly so, and at half past, many have the hour hand on the full
hour. None is used in training.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.options import FormatOption, ModelOption, ModelsOption
from benchmarks.tables import percent, print_table
from clockread.clock import right_within
from clockread.images import load_color
from clockread.reader import ClockReader
from clockread.reading import Reading

FIRST, COUNT = 0x1F550, 24  # one o'clock; the full hours, then the half ones
CODES = {f"{code:x}": code for code in range(FIRST, FIRST + COUNT)}  # by the names of files
SUFFIXES = (".png", ".webp")
# pixels: pictures up to SMALL are enlarged to SIDE, and all are placed on a white PICTURE
SMALL, SIDE, PICTURE = 160, 192, 260


def minutes_of(code: int) -> int:
    """Return the minutes past twelve, 0..719, of a code point."""
    half, hour = divmod(code - FIRST, 12)
    return (hour + 1) % 12 * 60 + 30 * half


def on_white(data: bytes) -> NDArray[np.uint8]:
    """Return an encoded picture in the middle of a white RGB square (PICTURE, PICTURE, 3)."""
    picture = load_color(data)
    side = max(picture.shape[:2]) if max(picture.shape[:2]) > SMALL else SIDE
    side = min(side, PICTURE - 2)
    how = cv2.INTER_AREA if side < picture.shape[0] else cv2.INTER_CUBIC
    picture = np.asarray(cv2.resize(picture, (side, side), interpolation=how))
    out = np.full((PICTURE, PICTURE, 3), 255, np.uint8)
    at = (PICTURE - side) // 2
    out[at : at + side, at : at + side] = picture[..., ::-1]
    return out


def clocks_in(tarball: Path) -> dict[int, NDArray[np.uint8]]:
    """Return the clock faces of a package by code point; of several sizes, the largest file."""
    found: dict[int, bytes] = {}
    with tarfile.open(tarball) as archive:
        for member in archive:
            path = PurePosixPath(member.name)
            code = CODES.get(path.stem) if path.suffix in SUFFIXES else None
            if code is not None and member.size > len(found.get(code, b"")):
                data = archive.extractfile(member)
                assert data is not None
                found[code] = data.read()
    if len(found) != COUNT:
        raise typer.BadParameter(
            f"{tarball}: has {len(found)} of the {COUNT} clock faces; see `npm pack` in emoji.py"
        )
    return {code: on_white(found[code]) for code in sorted(found)}


def _right(readings: list[Reading], code: int) -> bool:
    """Return whether the best reading is right."""
    return bool(readings) and bool(right_within(readings[0].minutes, minutes_of(code)))


def main(
    tarballs: Annotated[
        list[Path],
        typer.Argument(help="Packages that `npm pack` wrote.", exists=True, dir_okay=False),
    ],
    model: ModelOption = "auto",
    models: ModelsOption = None,
    output: FormatOption = "table",
) -> None:
    """Read every clock face as a whole picture and as a dial that fills it."""
    reader = ClockReader("cpu", model=model, models=models)
    report: dict[str, dict[str, Any]] = {}
    for tarball in tarballs:
        faces = clocks_in(tarball)
        given = [_right(reader.read(face, cropped=True), code) for code, face in faces.items()]
        seen = [reader.read(face) for face in faces.values()]
        found = [_right(readings, code) for readings, code in zip(seen, faces, strict=True)]
        full = np.array([minutes_of(code) % 60 == 0 for code in faces])
        report[tarball.name.removesuffix(".tgz")] = {
            "given_full_hours": float(np.mean(np.array(given)[full])),
            "given_half_hours": float(np.mean(np.array(given)[~full])),
            "with_a_reading": float(np.mean([bool(readings) for readings in seen])),
            "found": float(np.mean(found)),
        }
    if output == "json":
        print(json.dumps(report, indent=1))
        return
    print_table(
        f"{COUNT} clock faces per package, right within one minute; model {reader.model}",
        ("", "given: full hours", "given: half hours", "whole: with a reading", "whole: right"),
        [(name, *(percent(share, 0) for share in of.values())) for name, of in report.items()],
    )


if __name__ == "__main__":
    typer.run(main)
