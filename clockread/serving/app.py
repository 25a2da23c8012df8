"""The application: ``/v1/read``, health, metrics, the OpenAPI document and the page."""

from __future__ import annotations

import asyncio
import contextlib
import json
import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from clockread import __version__
from clockread.errors import one_line
from clockread.options import MAX_CLOCKS
from clockread.serving import openapi
from clockread.serving.access import RECORD, AccessLog, Log, Token, write_log
from clockread.serving.batching import READ, Batcher, BatchReader, Job, Options, Outcome
from clockread.serving.bodies import Body, Held, uploads_in
from clockread.serving.limits import (
    BATCH_SECONDS,
    GONE,
    INVALID,
    TOO_LARGE,
    UNAVAILABLE,
    Limits,
    RefusedError,
)
from clockread.serving.metrics import Metrics

READ_PATH = "/v1/read"
# Types of the page's files that a system's list may lack or have otherwise.
TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".onnx": "application/octet-stream",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
# They give the page threads in WebAssembly.
ISOLATION = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}


@dataclass(frozen=True)
class Settings:
    """Limits, threads and access of the server."""

    limits: Limits = field(default_factory=Limits)
    threads: int = 1
    """Threads that decode and read."""
    delay: float = BATCH_SECONDS
    """Seconds that a batch waits for requests that are arriving."""
    token: str | None = None
    """The bearer token that ``/v1/read`` and ``/metrics`` require."""
    page: Path | None = None
    """A folder that is served at ``/``."""
    max_clocks: int = MAX_CLOCKS
    """The ``max_clocks`` of requests that do not set it, and its highest value."""


class ReadQuery(BaseModel):
    """The options of a request: those of ``clockread predict``."""

    model_config = ConfigDict(extra="forbid")

    cropped: bool = Field(False, description="Each photo is one dial: do not search.")
    seconds: bool = Field(False, description="Write times as h:mm:ss if a second hand is seen.")
    min_confidence: float = Field(0.0, ge=0, le=1, description="Leave out readings below this.")
    max_clocks: int | None = Field(None, ge=1, description="Maximum number of clocks per photo.")
    frames: Literal["first", "all"] = Field("first", description="Frames or pages to read.")
    lenient: bool = Field(False, description="Read the intact part of photos that are cut off.")


class Service:
    """Receives requests, and gives their photos to the batcher.

    Args:
        alone: see `Batcher`.
        shared: see `Batcher`.
        settings: the limits and defaults.

    """

    def __init__(self, alone: BatchReader, shared: BatchReader, settings: Settings) -> None:
        self.settings, self.held, self.draining = settings, Held(), False
        self.metrics = Metrics(lambda: self.batcher.queued, lambda: self.held.bytes)
        self.batcher = Batcher(
            alone,
            shared,
            threads=settings.threads,
            delay=settings.delay,
            limits=settings.limits,
            arriving=lambda: self.held.arriving,
            observe=self.metrics.count_batch,
        )

    async def read(self, request: Request, query: Annotated[ReadQuery, Query()]) -> Response:
        """Answer ``POST /v1/read``."""
        record = request.scope[RECORD]
        body = Body(self.held, self.settings.limits)
        try:
            data = await body.receive(request)
            record["bytes"] = len(data)
            uploads = await uploads_in(request, data, self.settings.limits)
            options = self._options(query)
            jobs = [Job(photo, name, options) for name, photo in uploads]
            del data, uploads
            outcomes = await self._outcomes(request, jobs)
        except ClientDisconnect:
            record["status"] = GONE
            return Response(status_code=GONE)
        finally:
            body.release()
        return self._answer(outcomes, record, seconds=query.seconds)

    def _options(self, query: ReadQuery) -> Options:
        most = self.settings.max_clocks
        return Options(
            cropped=query.cropped,
            min_confidence=query.min_confidence,
            max_clocks=min(query.max_clocks or most, most),
            lenient=query.lenient,
            all_frames=query.frames == "all",
        )

    async def _outcomes(self, request: Request, jobs: Sequence[Job]) -> list[Outcome]:
        """Return the outcome of each job; drop them if the client goes away or time runs out."""
        self.batcher.submit(jobs)
        reading = asyncio.gather(*(asyncio.wrap_future(job.future) for job in jobs))
        gone = asyncio.ensure_future(_disconnect(request))
        seconds = self.settings.limits.read_seconds
        try:
            await asyncio.wait(
                (reading, gone), timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if reading.done():
                return reading.result()
            if gone.done():
                raise ClientDisconnect
            problem = f"not read within {seconds:g} s; send the request again later"
            raise RefusedError(UNAVAILABLE, problem)
        finally:
            gone.cancel()
            self.batcher.cancel(jobs)  # if one was refused, the others still wait
            if not reading.done():
                reading.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await reading

    def _answer(
        self, outcomes: Sequence[Outcome], record: dict[str, Any], *, seconds: bool
    ) -> Response:
        results = [result for outcome in outcomes for result in outcome.results]
        self.metrics.count_results(results)
        record["photos"] = len(results)
        record["readings"] = sum(len(result.readings) for result in results)
        if len(outcomes) == 1 and outcomes[0].status != READ:
            raise RefusedError(outcomes[0].status, results[0].error or "")
        photos = [result.to_dict(seconds=seconds) for result in results]
        text = json.dumps({"photos": photos}, allow_nan=False)
        return Response(text, media_type="application/json")

    async def health(self) -> Response:
        """Answer ``GET /healthz``: whether the process works."""
        if self.batcher.alive:
            return JSONResponse({"status": "ok"})
        return JSONResponse({"error": "a reading thread has ended"}, UNAVAILABLE)

    async def ready(self) -> Response:
        """Answer ``GET /readyz``: whether requests should be sent here."""
        if self.draining:
            return JSONResponse({"error": "the server is stopping"}, UNAVAILABLE)
        if self.batcher.queued >= self.settings.limits.queue:
            return JSONResponse({"error": "the queue is full"}, UNAVAILABLE)
        return await self.health()

    async def show_metrics(self) -> Response:
        """Answer ``GET /metrics``."""
        return Response(self.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    def count(self, path: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        if path == READ_PATH:
            self.metrics.count_request(status, seconds)


async def _disconnect(request: Request) -> None:
    """Return when the client has gone away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


class Application(FastAPI):
    """An application whose OpenAPI document keeps the nulls of the example."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        document: dict[str, Any] = super().openapi()
        read = document["paths"][READ_PATH]["post"]["responses"]["200"]
        read["content"]["application/json"]["example"] = openapi.answer()
        return document


def make_app(service: Service, log: Log = write_log) -> FastAPI:
    """Return the application of a service."""
    app = Application(
        title="clockread",
        version=__version__,
        summary="Reads the time from analog clocks in photos",
        docs_url=None,  # its page would load scripts from another host
        redoc_url=None,
    )
    token = [Depends(Token(service.settings.token).check)]
    app.add_api_route(
        READ_PATH,
        service.read,
        methods=["POST"],
        dependencies=token,
        summary=openapi.SUMMARY,
        description=openapi.DESCRIPTION,
        responses=openapi.responses(),
        openapi_extra=openapi.request_body(),
        response_model=None,
    )
    app.add_api_route("/metrics", service.show_metrics, dependencies=token, response_model=None)
    app.add_api_route("/healthz", service.health, response_model=None)
    app.add_api_route("/readyz", service.ready, response_model=None)
    if service.settings.page is not None:
        app.mount("/", _page(service.settings.page))
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_middleware(AccessLog, log=log, done=service.count, closing=lambda: service.draining)
    return app


def _page(folder: Path) -> StaticFiles:
    for suffix, kind in TYPES.items():
        mimetypes.add_type(kind, suffix)

    class Page(StaticFiles):
        def file_response(self, *args: Any, **options: Any) -> Response:
            response: Response = super().file_response(*args, **options)
            response.headers.update(ISOLATION)
            return response

    return Page(directory=folder, html=True)


def _error(request: Request, status: int, message: str, headers: Any = None) -> Response:
    message = one_line(message)
    request.scope[RECORD]["error"] = message
    return JSONResponse({"error": message}, status, headers)


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, RefusedError) else TOO_LARGE
    return _error(request, status, str(error), getattr(error, "headers", None))


async def _invalid(request: Request, error: Exception) -> Response:
    """Answer a wrong option with one line instead of FastAPI's list."""
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    return _error(request, INVALID, "; ".join(map(_problem, problems)))


def _problem(error: Mapping[str, Any]) -> str:
    option = ".".join(map(str, error["loc"][1:]))
    if error["type"] == "extra_forbidden":
        return f"{option}: no such option; there are {', '.join(ReadQuery.model_fields)}"
    return f"{option}: {error['msg']}"


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else INVALID
    return _error(request, status, str(getattr(error, "detail", "")), getattr(error, "headers", {}))
