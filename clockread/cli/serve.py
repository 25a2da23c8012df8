"""``clockread serve``: its options, and the start of the server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from clockread.cli import readers
from clockread.cli.exits import EXIT_OK, EXIT_USAGE, run_and_exit
from clockread.cli.options import (
    DeviceOption,
    MaxClocksOption,
    ModelOption,
    ProviderOption,
    ThreadsOption,
    finite,
)
from clockread.errors import ClockreadError, one_line
from clockread.serving.limits import BATCH_SECONDS, Limits

if TYPE_CHECKING:
    from clockread.reader import ClockReader

LIMITS = Limits()
TOKEN_VARIABLE = "CLOCKREAD_TOKEN"
INSTALL = "pip install fastapi httptools prometheus-client python-multipart uvicorn"
MAX_MB = 1e6  # of any limit: more than memories have
MIN_TOKEN = 16  # characters: shorter ones can be guessed
EXTRA = frozenset(("fastapi", "starlette", "pydantic", "uvicorn", "prometheus_client", "anyio"))
LOCAL = frozenset(("127.0.0.1", "::1", "localhost"))


def serve(
    *,
    host: Annotated[str, Option(help="Address to listen on; 0.0.0.0 is all.")] = "127.0.0.1",
    port: Annotated[int, Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
    page: Annotated[
        Path | None, Option(metavar="DIR", help="Serve the files of this folder at /.")
    ] = None,
    token_file: Annotated[
        Path | None,
        Option(
            metavar="FILE", help=f"Require the bearer token in this file, or in {TOKEN_VARIABLE}."
        ),
    ] = None,
    provider: ProviderOption = "auto",
    device: DeviceOption = None,
    model: ModelOption = "auto",
    threads: ThreadsOption = None,
    max_clocks: MaxClocksOption = None,
    max_mb: Annotated[
        float,
        Option(
            min=0.001, max=MAX_MB, callback=finite, help="Maximum size of a request, megabytes."
        ),
    ] = LIMITS.body_bytes / 1e6,
    max_megapixels: Annotated[
        float,
        Option(min=0.01, max=MAX_MB, callback=finite, help="Maximum size of a photo, megapixels."),
    ] = LIMITS.pixels / 1e6,
    max_photos: Annotated[
        int, Option(min=1, help="Maximum number of photos of a request, frames included.")
    ] = LIMITS.photos,
    max_queue: Annotated[
        int, Option(min=1, help="Maximum number of queued photos.")
    ] = LIMITS.queue,
    max_held_mb: Annotated[
        float,
        Option(min=1, max=MAX_MB, callback=finite, help="Maximum size of all requests, megabytes."),
    ] = LIMITS.held_bytes / 1e6,
    timeout: Annotated[
        float,
        Option(min=0.001, callback=finite, help="Seconds to receive a request, and to read it."),
    ] = LIMITS.body_seconds,
    batch_delay_ms: Annotated[
        float,
        Option(
            min=0,
            max=1000,
            callback=finite,
            help="Milliseconds that a batch waits for more photos.",
        ),
    ] = BATCH_SECONDS * 1000,
    drain_delay: Annotated[
        float,
        Option(
            min=0,
            callback=finite,
            help="Seconds after SIGTERM that connections are still accepted.",
        ),
    ] = 0.0,
) -> None:
    """Read photos that HTTP clients send: POST /v1/read."""

    def action() -> int:
        token = token_of(token_file)
        if page is not None and not page.is_dir():
            raise ClockreadError(f"--page {one_line(str(page))}: no such folder; check the path")
        server, settings_of = _libraries()
        address = server.Address(host, port, drain_delay)
        server.check_free(address)
        limits = settings_of.Limits(
            body_bytes=int(max_mb * 1e6),
            pixels=int(max_megapixels * 1e6),
            photos=max_photos,
            queue=max_queue,
            held_bytes=int(max_held_mb * 1e6),
            body_seconds=timeout,
            read_seconds=timeout,
        )
        alone, shared, workers = open_readers(provider, device=device, model=model, threads=threads)
        default = settings_of.Settings()
        settings = settings_of.Settings(
            limits,
            threads=workers,
            delay=batch_delay_ms / 1000,
            token=token,
            page=page,
            max_clocks=max_clocks or default.max_clocks,
        )
        service = settings_of.Service(alone, shared, settings)
        if host not in LOCAL and token is None:
            problem = "other machines can send photos without a token"
            server.write_log({"event": "log", "level": "warning", "message": problem})
        return EXIT_OK if server.serve(service, address) else EXIT_USAGE

    run_and_exit(action)


def token_of(file: Path | None) -> str | None:
    """Return the token from a file or the environment; raise ClockreadError if it is unusable."""
    source, token = TOKEN_VARIABLE, os.environ.get(TOKEN_VARIABLE)
    if file is not None:
        source = f"--token-file {one_line(str(file))}"
        try:
            token = file.read_text(encoding="utf-8-sig").strip()
        except (OSError, ValueError) as error:
            raise ClockreadError(f"{source}: cannot be read ({error}); check the path") from error
    if token is None:
        return None
    if len(token) < MIN_TOKEN or not token.isascii() or not token.isprintable():
        need = f"a token needs at least {MIN_TOKEN} printable ASCII characters"
        raise ClockreadError(f"{source}: {need}; make one with: openssl rand -hex 32")
    return token


def open_readers(
    provider: str, *, device: int | None = None, model: str, threads: int | None
) -> tuple[Any, Any, int]:
    """Return the reader for a photo that is alone, that for batches, and the number of threads.

    Args:
        provider: see ClockReader.
        device: the number of the GPU, if one is named.
        model: see ClockReader.
        threads: CPU threads; None for all usable ones.

    """
    from clockread.image_files import silence_decoders
    from clockread.runtime.cpus import bounded_threads

    silence_decoders()
    count = bounded_threads(threads)
    alone = readers.make_reader(provider, device=device, model=model, threads=count)
    shared = alone
    if count > 1 and not alone.on_accelerator:
        shared = readers.make_reader(provider, device=device, model=model, threads=1)
    for reader in {id(one): one for one in (alone, shared)}.values():
        warm(reader)
    return alone, shared, count


def warm(reader: ClockReader) -> None:
    """Open the networks: the first request is as fast as the next, and errors appear at once."""
    from clockread.cli.sample_photos import generated_photos

    reader.read(generated_photos(1)[0])


def _libraries() -> tuple[Any, Any]:
    """Return the modules that need the extra, or raise one line that says how to install it."""
    try:
        import python_multipart  # noqa: F401 - starlette asks for it only with the first request

        from clockread.serving import app as application
        from clockread.serving import server
    except ImportError as error:
        if (error.name or "").partition(".")[0] in EXTRA | {"python_multipart"}:
            raise ClockreadError(f"{error.name} is missing: {INSTALL}") from error
        raise
    return server, application
