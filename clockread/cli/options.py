"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from typer import Argument, Option

from clockread.cli.output import Format
from clockread.runtime.providers import Provider

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
    int | None, Option(min=1, help="Most clocks per photo; by default 1,000.")
]
QuietOption = Annotated[
    bool, Option("--quiet", "-q", help="Print results only: no progress, summary or warnings.")
]
