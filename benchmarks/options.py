"""Options that several benchmarks share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

ModelOption = Annotated[str, typer.Option("--model", help="Model of the manifest.")]
ModelsOption = Annotated[
    Path | None,
    typer.Option("--models", help="Folder with a manifest.json; default: the package's models."),
]
ThreadsOption = Annotated[
    int | None, typer.Option("--threads", min=1, help="CPU threads; default: all usable ones.")
]
RoundsOption = Annotated[
    int, typer.Option("--rounds", min=1, help="Measured rounds, after one for warming up.")
]
DialsOption = Annotated[
    int | None, typer.Option("--dials", min=1, help="Largest number of dials per preset.")
]
FormatOption = Annotated[Literal["table", "json"], typer.Option("--format", help="Output.")]
PhotosArgument = Annotated[
    Path, typer.Argument(help="Folder of labeled photos; see training/evaluation.py.")
]
