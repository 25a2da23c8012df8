"""``clockread bulk``: its options, progress, and summary."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from clockread.cli.exits import EXIT_OK, EXIT_PHOTO_ERROR, run_and_exit
from clockread.cli.options import (
    CroppedOption,
    LenientOption,
    MaxClocksOption,
    MinConfidenceOption,
    ModelOption,
    QuietOption,
    SecondsOption,
)
from clockread.cluster import PART_PHOTOS, PATH_COLUMN
from clockread.errors import ClockreadError
from clockread.runtime.providers import Provider
from clockread.streams import complain

if TYPE_CHECKING:
    from clockread.cluster.run import Plan, RunOptions
    from clockread.cluster.worker import ReadOptions

INSTALL = "pip install 'ray[data]'"
EXTRA = frozenset(("ray", "pyarrow", "pandas"))
REPORT_SECONDS = 60.0  # between two lines of progress


def bulk(
    source: Annotated[
        str,
        Argument(
            metavar="INPUT",
            help="Folder of photos, or list of paths (.parquet, .csv, .txt); a path or an address "
            "such as s3://bucket/photos.",
        ),
    ],
    output: Annotated[
        str, Argument(metavar="OUTPUT", help="Folder for Parquet files; a path or an address.")
    ],
    *,
    address: Annotated[
        str | None, Option(help="A Ray cluster, such as HOST:6379; by default this machine.")
    ] = None,
    workers: Annotated[
        int | None, Option(min=1, help="Workers, each on one core; by default all cores.")
    ] = None,
    column: Annotated[str, Option(help="Column of a Parquet or CSV list.")] = PATH_COLUMN,
    part_size: Annotated[int, Option(min=1, help="Photos per file of results.")] = PART_PHOTOS,
    cropped: CroppedOption = False,
    provider: Annotated[Provider, Option(help="As in `clockread predict`.")] = "cpu",
    model: ModelOption = "auto",
    batch_size: Annotated[int, Option(min=1, help="Dials per call of a network.")] = 32,
    min_confidence: MinConfidenceOption = 0.0,
    max_clocks: MaxClocksOption = None,
    seconds: SecondsOption = False,
    lenient: LenientOption = False,
    quiet: QuietOption = False,
) -> None:
    """Read millions of photos with Ray Data; photos whose results are in OUTPUT are skipped."""

    def action() -> int:
        run, options_of = _libraries()
        read = options_of(
            provider=provider,
            model=model,
            batch_size=batch_size,
            min_confidence=min_confidence,
            cropped=cropped,
            seconds=seconds,
            lenient=lenient,
            **({"max_clocks": max_clocks} if max_clocks else {}),
        )
        plan = run.make_plan(source, output, read, column=column, part_size=part_size)
        where = run.RunOptions(address=address, workers=workers)
        failed = _carry_out(run.carry_out, plan, read, where, quiet=quiet)
        return EXIT_PHOTO_ERROR if failed else EXIT_OK

    run_and_exit(action, quiet=quiet)


def _carry_out(
    carry_out: Callable[..., Any], plan: Plan, read: ReadOptions, where: RunOptions, *, quiet: bool
) -> int:
    """Carry out a plan, with progress; return the number of photos with errors."""
    import contextlib

    from clockread.cli.progress import progress_bar
    from clockread.listing import skipped

    say = (lambda _: None) if quiet else complain
    if plan.wanted.passed_over:
        say(skipped(plan.wanted.passed_over))
    for name in plan.damaged:
        say(f"{name}: damaged results were removed; their photos are read again")
    noun = "photo" if plan.photos == 1 else "photos"
    say(f"{plan.photos:,} {noun} to read, {plan.done:,} read before")
    began = reported = time.monotonic()
    photos = failed = 0
    with (
        contextlib.closing(carry_out(plan, read, where)) as counts,
        progress_bar(plan.photos, hidden=quiet) as advance,
    ):
        for count in counts:
            for _ in range(count.photos - photos):
                advance()
            photos, failed = count.photos, count.failed
            now = time.monotonic()
            if now - reported >= REPORT_SECONDS:
                reported = now
                say(
                    f"{photos:,} of {plan.photos:,} photos, {photos / (now - began):.0f} per second"
                )
    if failed:
        several = f"{failed:,} of {photos:,} photos could not be read; their rows have the reasons"
        say("1 photo could not be read; its row has the reason" if photos == 1 else several)
    return failed


def _libraries() -> tuple[Any, Any]:
    """Return the module and the options that need the extra, or raise one line that names it."""
    try:
        from clockread.cluster import run, worker
    except ImportError as error:
        if (error.name or "").partition(".")[0] in EXTRA:
            raise ClockreadError(f"{error.name} is missing: {INSTALL}") from error
        raise
    return run, worker.ReadOptions
