"""The command line: ``clockread predict``, ``clockread bench`` and ``clockread info``.

Exit codes: 0 all photos processed, 1 at least one could not be, 2 wrong usage (also a provider, model or runtime that is not
there), 129 hung up, 130 interrupted, 141 the reader of a pipe went away, 143 terminated. Heavy modules are imported where they are
needed, so that ``--help`` and ``--version`` answer at once.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from clockread.cli import signals
from clockread.errors import ClockreadError, one_line
from clockread.streams import abandon, complain

if TYPE_CHECKING:
    from clockread.cli.bench import MeasuredReader

EXIT_OK = 0
EXIT_PHOTO_ERROR = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141  # what a shell reports for other tools whose reader went away


class _Commands(TyperGroup):
    """Suggests the command that was meant if a photo, or an option of a command, is given instead."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        option = args[0].partition("=")[0] if args else ""
        if option.startswith("--") and not (ctx.resilient_parsing or _has_option(self, option)):
            for name in self.commands:
                if _has_option(self.commands[name], option):
                    ctx.fail(
                        f"{option} goes after the command. Did you mean `clockread {name} … {option}`?"
                    )
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        word = args[0]
        is_path = word == "-" or any(c in word for c in "./\\*") or os.path.lexists(word)
        if is_path and word not in self.commands and not ctx.resilient_parsing:
            import shlex

            ctx.fail(
                f"No such command. Did you mean `clockread predict {one_line(shlex.quote(word))}`?"
            )
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


class Format(str, Enum):
    """Output of predict."""

    table = "table"
    jsonl = "jsonl"
    json = "json"
    csv = "csv"


class Frames(str, Enum):
    """Frames of animations, and pages of files with several, that are read."""

    first = "first"
    all = "all"


class ReportFormat(str, Enum):
    """Output of bench and info."""

    table = "table"
    json = "json"


class Provider(str, Enum):
    """Where the networks run."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    tensorrt = "tensorrt"
    openvino = "openvino"
    coreml = "coreml"
    dml = "dml"


ProviderOption = Annotated[
    Provider,
    typer.Option(
        "--provider",
        help="Where the networks run: auto takes CUDA where it is usable; one that is named is used or refused.",
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option("--threads", min=1, help="CPU threads; by default those this process may use."),
]
ModelOption = Annotated[
    str,
    typer.Option(
        "--model",
        help="Name of a set of models, as `clockread info` lists them; auto takes int8 on the CPU.",
    ),
]


def make_reader(
    provider: str,
    *,
    model: str,
    batch_size: int,
    threads: int | None,
    min_confidence: float = 0.0,
    max_clocks: int | None = None,
) -> MeasuredReader:
    """The reader that the commands use."""
    from clockread.options import MAX_CLOCKS
    from clockread.reader import ClockReader

    return ClockReader(
        provider,
        model=model,
        batch_size=batch_size,
        threads=threads,
        min_confidence=min_confidence,
        max_clocks=max_clocks or MAX_CLOCKS,
    )


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata  # which takes 20 ms

        try:
            typer.echo(f"clockread {metadata.version('clockread')}")
        except metadata.PackageNotFoundError:  # a copy that was never installed
            typer.echo("clockread, version unknown")
        raise typer.Exit


@app.callback()
def _global_options(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """Read the time from photos of analog clocks."""


@app.command()
def predict(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATHS",
            help="Photos, folders of photos, patterns such as '*.jpg', or - for standard input.",
        ),
    ] = None,
    *,
    output: Annotated[Format, typer.Option("--format", help="What to print.")] = Format.table,
    cropped: Annotated[
        bool, typer.Option("--cropped", help="Each photo is one dial: do not search for dials.")
    ] = False,
    provider: ProviderOption = Provider.auto,
    batch_size: Annotated[
        int, typer.Option("--batch-size", min=1, help="Dials that go through a network at once.")
    ] = 32,
    min_confidence: Annotated[
        float, typer.Option("--min-confidence", help="Leave out readings below this, 0..1.")
    ] = 0.0,
    seconds: Annotated[
        bool,
        typer.Option("--seconds", help="Print times with seconds, where a second hand is seen."),
    ] = False,
    save_overlay: Annotated[
        Path | None,
        typer.Option(
            "--save-overlay",
            metavar="DIR",
            help="Save each photo with its readings drawn on it to this folder.",
        ),
    ] = None,
    files_from: Annotated[
        str | None,
        typer.Option(
            "--files-from",
            metavar="FILE",
            help="Read further paths from this file, one per line; - is standard input.",
        ),
    ] = None,
    null: Annotated[
        bool,
        typer.Option(
            "--null", "-0", help="Paths of --files-from end in NUL, as find -print0 writes them."
        ),
    ] = False,
    frames: Annotated[
        Frames,
        typer.Option(
            "--frames",
            help="Which frames of animations and pages of files to read; all are named FILE#1, FILE#2, …",
        ),
    ] = Frames.first,
    lenient: Annotated[
        bool, typer.Option("--lenient", help="Read what is there of photos that are cut off.")
    ] = False,
    max_clocks: Annotated[
        int | None,
        typer.Option(
            "--max-clocks",
            min=1,
            help="Most clocks per photo; by default 1,000, which hardly any photo reaches.",
        ),
    ] = None,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="Print results only: no progress, summary or warnings."),
    ] = False,
    threads: ThreadsOption = None,
    model: ModelOption = "auto",
) -> None:
    """Read the time of every clock in photos."""
    if (
        not 0.0 <= min_confidence <= 1.0
    ):  # also refuses nan, which typer's own range check lets through
        raise typer.BadParameter(
            f"{min_confidence} is not in the range 0..1.", param_hint="--min-confidence"
        )

    if not paths and files_from is None:
        raise typer.BadParameter("name at least one photo, folder or pattern.", param_hint="PATHS")

    def action() -> int:
        from clockread.bulk import Plan
        from clockread.cli.inputs import find_photos
        from clockread.cli.predict import predict_photos
        from clockread.image_files import silence_decoders
        from clockread.runtime.cpus import bounded_threads

        silence_decoders()
        stdin = getattr(sys.stdin, "buffer", None)  # None if it is closed
        photos = find_photos(paths or [], stdin, files_from=files_from, null=null)
        plan = Plan.of(
            None if frames is Frames.all else len(photos.entries), bounded_threads(threads)
        )
        reader = make_reader(
            provider.value,
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
            output.value,
            cropped=cropped,
            overlay_folder=save_overlay,
            quiet=quiet,
            seconds=seconds,
            workers=plan.workers,
            batch_size=batch_size,
            lenient=lenient,
            frames=frames.value,
        )
        return EXIT_PHOTO_ERROR if failed else EXIT_OK

    _run(action, quiet=quiet)


@app.command()
def bench(
    *,
    provider: ProviderOption = Provider.auto,
    batch_size: Annotated[
        str, typer.Option("--batch-size", help="Batch sizes to measure, with commas between.")
    ] = "1,8,32",
    photos: Annotated[
        Path | None,
        typer.Option("--photos", metavar="DIR", help="Photos to read; by default generated ones."),
    ] = None,
    repeat: Annotated[
        int,
        typer.Option(
            "--repeat", min=1, help="Measured passes over all photos, after one that is not."
        ),
    ] = 3,
    output: Annotated[
        ReportFormat, typer.Option("--format", help="What to print.")
    ] = ReportFormat.table,
    threads: ThreadsOption = None,
    model: ModelOption = "auto",
) -> None:
    """Measure latency, bulk rates beside their limits, the time of each stage, start-up and memory."""
    sizes = _batch_sizes(batch_size)

    def action() -> int:
        from clockread.cli import bench as benchmark
        from clockread.runtime.cpus import bounded_threads

        def reader_of(size: int, count: int) -> MeasuredReader:
            return make_reader(provider.value, model=model, batch_size=size, threads=count)

        count = bounded_threads(threads)
        options = ["--provider", provider.value, "--model", model, "--threads", str(count)]
        report = benchmark.measure(reader_of, provider.value, sizes, photos, repeat, count, options)
        benchmark.write(report, sys.stdout, output.value)
        return EXIT_OK

    _run(action)


@app.command()
def info(
    output: Annotated[
        ReportFormat, typer.Option("--format", help="What to print.")
    ] = ReportFormat.table,
) -> None:
    """Print versions, usable providers, threads and models."""

    def action() -> int:
        from clockread.cli import info as information

        report = information.collect()
        information.write(report, sys.stdout, output.value)
        return EXIT_OK if report.healthy else EXIT_USAGE

    _run(action)


def _batch_sizes(text: str) -> list[int]:
    try:
        sizes = [int(word) for word in text.split(",")]
    except ValueError:
        sizes = [0]
    if min(sizes) < 1:
        raise typer.BadParameter(
            f"{text!r} is not a list of whole numbers from 1, such as 1,8,32.",
            param_hint="--batch-size",
        )
    return sizes


def _run(action: Callable[[], int], *, quiet: bool = False) -> None:
    """Run a command's body and exit with its code; what a user can act on becomes one line on standard error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if quiet else "default")
        warnings.simplefilter(
            "ignore", ResourceWarning
        )  # a signal may leave a file open that is being read
        warnings.showwarning = _show_warning
        code = _exit_code(action)
    raise typer.Exit(code)


def _exit_code(action: Callable[[], int]) -> int:
    try:
        code = action()
        sys.stdout.flush()
    except ClockreadError as error:
        return _failed(str(error), EXIT_USAGE)
    except KeyboardInterrupt:
        return _failed("interrupted", EXIT_INTERRUPTED)
    except BrokenPipeError:
        abandon(sys.stdout)
        signals.resume()
        return EXIT_BROKEN_PIPE
    except OSError as error:  # reading is guarded photo by photo, so what remains is writing, such as to a full disk
        abandon(sys.stdout)
        signals.resume()
        return _failed(f"cannot write: {error}")
    except MemoryError:
        return _failed("not enough memory; use fewer --threads")
    except RecursionError:
        return _failed("folders or data are nested too deeply")
    except ImportError as error:
        return _failed(
            f"{error.name or 'a library'} cannot be imported ({error}); install clockread again",
            EXIT_USAGE,
        )
    except RuntimeError as error:
        if "new thread" not in str(error):
            raise
        return _failed("the system allows no more threads; use fewer --threads")
    return code


def _failed(message: str, code: int = EXIT_PHOTO_ERROR) -> int:
    complain(message)
    return code


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    complain(f"warning: {message}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; ``arguments`` default to those of the process."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A file name may hold what the encoding does not. Results in UTF-8 give back its very bytes (PEP 383).
            bytes_again = (
                stream is sys.stdout and stream.encoding.lower().replace("-", "") == "utf8"
            )
            stream.reconfigure(errors="surrogateescape" if bytes_again else "backslashreplace")
    sys.exit(
        _exit_code(
            partial(app, args=None if arguments is None else list(arguments), prog_name="clockread")
        )
    )
