"""Options that several commands share."""

from __future__ import annotations

import contextlib
import math
import re
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from typer import Argument, BadParameter, Option

from clockread.cli.output import Format
from clockread.errors import one_line
from clockread.runtime.providers import Provider

UNITS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}  # seconds

_T = TypeVar("_T", float, str, None)


def finite(value: _T) -> _T:
    """Return the value of an option, the callback of every option that takes a float.

    Raises BadParameter for nan and infinity, also in a text, which range checks may let through.
    """
    number = 0.0
    with contextlib.suppress(ValueError):  # a text such as auto
        number = 0.0 if value is None else float(value)
    if not math.isfinite(number):
        raise BadParameter(f"{one_line(str(value))} is not a finite number.")
    return value


def duration(text: str, option: str) -> float:
    """Return the seconds of a duration such as ``0.5``, ``1s``, ``200ms``, ``2m`` or ``1h``.

    Raises BadParameter, which names the option, for another text.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)\s*", text.lower())
    if match is None or match[2] not in UNITS:
        message = f"{one_line(text)!r} is not a duration, such as 0.5s, 1s, 2m or 1h."
        raise BadParameter(message, param_hint=option)
    return float(match[1]) * UNITS[match[2]]


FormatOption = Annotated[Format, Option("--format", help="Output format.")]
ReportFormatOption = Annotated[Literal["table", "json"], Option("--format", help="Output format.")]
ProviderOption = Annotated[
    Provider,
    Option(
        help="Where the networks run: auto takes CUDA if it works, else the CPU. "
        "A provider that you name is used, or the command fails. tensorrt is experimental."
    ),
]
DeviceOption = Annotated[
    int | None,
    Option(metavar="N", min=0, help="Number of the GPU for CUDA and TensorRT; by default 0."),
]
ThreadsOption = Annotated[int | None, Option(min=1, help="CPU threads; by default all usable.")]
ModelOption = Annotated[
    str,
    Option(
        help="A model that `clockread info` lists; auto takes int8 on the CPU, else default. "
        "int8 is not for CUDA and TensorRT, small not for TensorRT."
    ),
]
FilesArgument = Annotated[
    list[str] | None,
    Argument(metavar="PATHS", help="Photos, folders, or patterns such as '*.jpg'."),
]
PathsArgument = Annotated[
    list[str] | None,
    Argument(
        metavar="PATHS", help="Photos, folders, patterns such as '*.jpg', or - for standard input."
    ),
]
CroppedOption = Annotated[bool, Option("--cropped", help="Each photo is one dial: do not search.")]
SecondsOption = Annotated[bool, Option("--seconds", help="Write seconds if a second hand is seen.")]
OverlayOption = Annotated[
    Path | None, Option(metavar="DIR", help="Save photos here with their readings drawn on them.")
]
FilesFromOption = Annotated[
    str | None,
    Option(
        metavar="FILE", help="Read more paths from this file, one per line; - is standard input."
    ),
]
NullOption = Annotated[
    bool, Option("--null", "-0", help="Paths in that list end in NUL, as find -print0 writes them.")
]
FramesOption = Annotated[
    Literal["first", "all"],
    Option(help="Frames of an animation, or pages of a file, to read; named FILE#1, FILE#2, …"),
]
LenientOption = Annotated[bool, Option("--lenient", help="Read the intact part of cut-off photos.")]
MaxClocksOption = Annotated[
    int | None, Option(min=1, help="Maximum number of clocks per photo; by default 1,000.")
]
MinConfidenceOption = Annotated[
    float,
    Option(min=0.0, max=1.0, callback=finite, help="Leave out readings below this, 0 to 1."),
]
QuietOption = Annotated[
    bool, Option("--quiet", "-q", help="Print results only: no progress, summary or warnings.")
]
