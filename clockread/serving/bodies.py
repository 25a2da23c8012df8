"""Bodies of requests → uploaded photos, in memory and within the limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from fastapi import Request
from python_multipart.exceptions import FormParserError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from clockread.errors import one_line
from clockread.serving.limits import BUSY, INVALID, SLOW_BODY, TOO_LARGE, Limits, RefusedError

ARRIVAL_SECONDS = 0.03  # in which a body arrives; one that takes longer is of a slow client
BODY_NAME = "<body>"  # of a photo that is sent without a file name


@dataclass
class Held:
    """The bodies that are being received, and the bytes of all bodies in memory."""

    began: dict[int, float] = field(default_factory=dict)
    """When each body began to arrive, by its id; monotonic, seconds."""
    bytes: int = 0

    @property
    def arriving(self) -> int:
        """Bodies that should be complete soon; a batch does not wait for slow clients."""
        latest = time.monotonic() - ARRIVAL_SECONDS
        return sum(began >= latest for began in list(self.began.values()))


@dataclass
class Body:
    """The body of one request."""

    held: Held
    limits: Limits
    chunks: list[bytes] = field(default_factory=list)
    size: int = 0
    too_large: bool = False

    async def receive(self, request: Request) -> bytes:
        """Return the whole body; raise RefusedError if it is too large or too slow."""
        announced = request.headers.get("content-length", "")
        self.too_large = announced.isdigit() and int(announced) > self.limits.largest_body
        self.held.began[id(self)] = time.monotonic()
        try:
            if not (self.too_large and _waits_for_consent(request)):
                await asyncio.wait_for(self._receive(request), self.limits.body_seconds)
        except (asyncio.TimeoutError, TimeoutError):
            if not self.too_large:
                problem = f"the body did not arrive within {self.limits.body_seconds:g} s"
                raise RefusedError(SLOW_BODY, f"{problem}; send it faster") from None
        finally:
            del self.held.began[id(self)]
        if self.too_large:
            limit = f"the limit is {self.limits.largest_body / 1e6:,g} MB"
            raise RefusedError(TOO_LARGE, f"the body is too large: {limit}; send a smaller photo")
        body = b"".join(self.chunks)
        self.chunks.clear()
        return body

    def release(self) -> None:
        """Count the bytes of this body as no longer held."""
        self.held.bytes -= self.size
        self.size = 0

    async def _receive(self, request: Request) -> None:
        """Keep the chunks of a body, or discard them if it is too large.

        It is received to its end even so, because some clients read no answer before that.
        """
        async for chunk in request.stream():
            if self.too_large:
                continue
            self.size += len(chunk)
            self.held.bytes += len(chunk)
            self.chunks.append(chunk)
            if self.size > self.limits.largest_body:
                self.too_large = True
                self.chunks.clear()
                self.release()
            elif self.held.bytes > self.limits.held_bytes:
                problem = f"requests of {self.limits.held_bytes / 1e6:,.0f} MB are being received"
                raise RefusedError(BUSY, f"{problem}; send the request again later")


def _waits_for_consent(request: Request) -> bool:
    """Return whether the client sends the body only after the server has agreed."""
    return request.headers.get("expect", "").lower() == "100-continue"


async def uploads_in(request: Request, body: bytes, limits: Limits) -> list[tuple[str, bytes]]:
    """Return the names and the bytes of the photos in a body: of a multipart body its files."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/"):
        if not body:
            raise RefusedError(INVALID, "empty body; send a photo in it")
        return [(BODY_NAME, body)]

    async def whole() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(request.headers, whole(), max_files=limits.photos)
    parser.spool_max_size = limits.body_bytes + 1  # in memory: the file system may be read-only
    try:
        form = await parser.parse()
    except MultiPartException as error:
        too_many = error.message.startswith("Too many files")
        problem = f"multipart body: {error.message}"
        raise RefusedError(TOO_LARGE if too_many else INVALID, problem) from error
    except FormParserError as error:  # which older versions of Starlette let through
        raise RefusedError(INVALID, f"multipart body: {one_line(str(error))}") from error
    files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    if not files:
        problem = "the multipart body has no file; send each photo as a file"
        raise RefusedError(INVALID, f"{problem}, as with curl -F photo=@photo.jpg")
    return [(file.filename or BODY_NAME, await file.read()) for file in files]
