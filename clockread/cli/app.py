"""The command line: its commands, of which some have modules of their own.

Heavy modules are imported where they are needed, so that ``--help`` and ``--version`` answer at
once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option
from typer.core import TyperGroup

from clockread import __version__
from clockread.cli import bulk, offset, readers, serve, video, watch
from clockread.cli.exits import EXIT_OK, EXIT_PHOTO_ERROR, EXIT_USAGE, exit_code, run_and_exit
from clockread.cli.options import (
    CroppedOption,
    DeviceOption,
    FilesFromOption,
    FormatOption,
    FramesOption,
    LenientOption,
    MaxClocksOption,
    MinConfidenceOption,
    ModelOption,
    NullOption,
    OverlayOption,
    PathsArgument,
    ProviderOption,
    QuietOption,
    ReportFormatOption,
    SecondsOption,
    ThreadsOption,
)
from clockread.errors import one_line

if TYPE_CHECKING:
    from clockread.reader import ClockReader


class _Commands(TyperGroup):
    """Suggests the right command if a photo, or an option of a command, is given instead."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        option = args[0].partition("=")[0] if args else ""
        if option.startswith("--") and not (ctx.resilient_parsing or _has_option(self, option)):
            for name in self.commands:
                if _has_option(self.commands[name], option):
                    meant = f"clockread {name} … {option}"
                    ctx.fail(f"{option} goes after the command. Did you mean `{meant}`?")
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        word = args[0]
        is_path = word == "-" or any(c in word for c in "./\\*") or os.path.lexists(word)
        if is_path and word not in self.commands and not ctx.resilient_parsing:
            import shlex

            meant = f"clockread predict {one_line(shlex.quote(word))}"
            ctx.fail(f"No such command. Did you mean `{meant}`?")
        return super().resolve_command(ctx, args)


def _has_option(command: Any, option: str) -> bool:
    return any(option in parameter.opts for parameter in command.params) or option == "--help"


app = typer.Typer(
    name="clockread",
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help needs no import of rich
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"clockread {__version__}")
        raise typer.Exit


VersionOption = Annotated[
    bool,
    Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version),
]


@app.callback()
def _global_options(*, version: VersionOption = False) -> None:
    """Read the time from photos of analog clocks."""


@app.command()
def predict(
    paths: PathsArgument = None,
    *,
    output: FormatOption = "table",
    cropped: CroppedOption = False,
    provider: ProviderOption = "auto",
    device: DeviceOption = None,
    model: ModelOption = "auto",
    batch_size: Annotated[int, Option(min=1, help="Dials per call of a network.")] = 32,
    threads: ThreadsOption = None,
    min_confidence: MinConfidenceOption = 0.0,
    max_clocks: MaxClocksOption = None,
    seconds: SecondsOption = False,
    frames: FramesOption = "first",
    lenient: LenientOption = False,
    save_overlay: OverlayOption = None,
    files_from: FilesFromOption = None,
    null: NullOption = False,
    quiet: QuietOption = False,
) -> None:
    """Read the time of every clock in photos."""
    if not paths and files_from is None:
        raise typer.BadParameter("name at least one photo, folder or pattern.", param_hint="PATHS")

    def action() -> int:
        from clockread.cli.inputs import find_photos
        from clockread.cli.predict import predict_photos
        from clockread.image_files import silence_decoders
        from clockread.parallel import Plan
        from clockread.runtime.cpus import bounded_threads

        silence_decoders()
        stdin = getattr(sys.stdin, "buffer", None)  # None if it is closed
        photos = find_photos(paths or [], stdin, files_from=files_from, null=null)
        count = None if frames == "all" else len(photos.entries)
        plan = Plan.of(count, bounded_threads(threads))
        reader = readers.make_reader(
            provider,
            device=device,
            model=model,
            batch_size=batch_size,
            threads=plan.threads,
            min_confidence=min_confidence,
            max_clocks=max_clocks,
        )
        failed = predict_photos(
            photos,
            reader,
            sys.stdout,
            output,
            cropped=cropped,
            overlay_folder=save_overlay,
            quiet=quiet,
            seconds=seconds,
            workers=plan.workers,
            batch_size=batch_size,
            lenient=lenient,
            all_frames=frames == "all",
        )
        return EXIT_PHOTO_ERROR if failed else EXIT_OK

    run_and_exit(action, quiet=quiet)


@app.command()
def bench(
    *,
    output: ReportFormatOption = "table",
    provider: ProviderOption = "auto",
    device: DeviceOption = None,
    model: ModelOption = "auto",
    batch_size: Annotated[
        str | None,
        Option(
            help="Batch sizes, separated by commas; by default 1,8,32 on the CPU, and up to 512 "
            "on accelerators."
        ),
    ] = None,
    threads: ThreadsOption = None,
    photos: Annotated[
        Path | None, Option(metavar="DIR", help="Photos to read; generated ones by default.")
    ] = None,
    repeat: Annotated[int, Option(min=1, help="Measured passes, after one for warm-up.")] = 3,
) -> None:
    """Measure latency, bulk rates, stages, start-up and memory."""
    sizes = None if batch_size is None else _batch_sizes(batch_size)

    def action() -> int:
        from clockread.cli import bench as benchmark
        from clockread.cli.bench_report import write
        from clockread.runtime.cpus import bounded_threads

        def reader_of(size: int, count: int) -> ClockReader:
            return readers.make_reader(
                provider, device=device, model=model, batch_size=size, threads=count
            )

        count = bounded_threads(threads)
        options = ["--provider", provider, "--model", model, "--threads", str(count)]
        options += [] if device is None else ["--device", str(device)]
        report = benchmark.measure(
            reader_of, provider, sizes, photos, repeat, count, options, device or 0
        )
        write(report, sys.stdout, output)
        return EXIT_OK

    run_and_exit(action)


@app.command()
def info(output: ReportFormatOption = "table") -> None:
    """Print versions, usable providers, threads and models."""

    def action() -> int:
        from clockread.cli import info as information

        report = information.collect()
        information.write(report, sys.stdout, output)
        return EXIT_OK if report.healthy else EXIT_USAGE

    run_and_exit(action)


for _command in (video.video, watch.watch, offset.offset, serve.serve, bulk.bulk):
    app.command()(_command)


@app.command()
def page(
    path: Annotated[
        Path, Argument(metavar="PATH", help="Folder, or with --one-file an HTML file.")
    ],
    *,
    one_file: Annotated[
        bool, Option("--one-file", help="Write one HTML file that opens without a server.")
    ] = False,
    runtime: Annotated[
        Path | None,
        Option(
            metavar="PATH",
            help="Folder or .tgz of the npm package onnxruntime-web; by default npm downloads it.",
        ),
    ] = None,
) -> None:
    """Write the page that reads clocks in a browser, for any static host."""

    def action() -> int:
        from clockread.page.one_file import write_one_file
        from clockread.page.site import write_site

        size = (write_one_file if one_file else write_site)(path, runtime)
        typer.echo(f"{path}: {size / 1e6:.1f} MB")
        return EXIT_OK

    run_and_exit(action)


def _batch_sizes(text: str) -> list[int]:
    try:
        sizes = [int(word) for word in text.split(",")]
    except ValueError:
        sizes = [0]
    if min(sizes) < 1:
        message = f"{text!r} is not a list of whole numbers from 1, such as 1,8,32."
        raise typer.BadParameter(message, param_hint="--batch-size")
    return sizes


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; ``arguments`` default to those of the process."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A file name may contain bytes that the encoding does not have. Results in UTF-8
            # reproduce these bytes (PEP 383); any other output escapes them.
            utf8 = stream.encoding.lower().replace("-", "") == "utf8"
            is_exact = stream is sys.stdout and utf8
            stream.reconfigure(errors="surrogateescape" if is_exact else "backslashreplace")
    args = None if arguments is None else list(arguments)
    sys.exit(exit_code(partial(app, args=args, prog_name="clockread")))
