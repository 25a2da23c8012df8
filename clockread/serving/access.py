"""What surrounds every request: one line of log, errors as JSON, and the bearer token."""

from __future__ import annotations

import hmac
import json
import logging
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clockread.errors import one_line
from clockread.serving.limits import BAD_TOKEN, FAILED, RefusedError
from clockread.streams import abandon

RECORD = "clockread.record"  # key of the request's log record in the ASGI scope
Log = Callable[[dict[str, Any]], None]


def write_log(record: dict[str, Any]) -> None:
    """Write a record as one JSON line to standard output, with the time.

    The server goes on if nobody can receive it.
    """
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    try:
        print(json.dumps({"time": now, **record}, ensure_ascii=True), file=sys.stdout, flush=True)
    except OSError:
        abandon(sys.stdout)


class JsonHandler(logging.Handler):
    """Writes the records of another library's logger as JSON lines, without tracebacks."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        message = record.getMessage().strip().splitlines() or [""]
        level = record.levelname.lower()
        self._log({"event": "log", "level": level, "message": one_line(message[-1])})


class AccessLog:
    """ASGI middleware that writes one record per request, and answers 500 to an exception.

    Args:
        app: the application.
        log: receives the records.
        done: called with the path, the status and the seconds of each request.
        closing: returns whether connections are to be closed after the present answer.

    """

    def __init__(
        self,
        app: ASGIApp,
        log: Log,
        done: Callable[[str, int, float], None],
        closing: Callable[[], bool],
    ) -> None:
        self._app, self._log, self._done, self._closing = app, log, done, closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        record: dict[str, Any] = {}
        scope[RECORD] = record
        status, began = 0, time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message.get("headers", ()), (b"x-content-type-options", b"nosniff")]
                if self._closing():
                    headers.append((b"connection", b"close"))
                message = {**message, "headers": headers}
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            record["error"] = one_line(f"{type(error).__name__}: {error}")
            if not status:
                failed = JSONResponse({"error": "internal error; see the server's log"}, FAILED)
                await failed(scope, receive, watched)
        seconds = time.perf_counter() - began
        client = scope.get("client")
        self._log(
            {
                "event": "request",
                "client": client[0] if client else None,
                "method": scope["method"],
                "path": one_line(scope["path"]),
                "status": record.pop("status", status),
                "ms": round(1000 * seconds, 1),
                **record,
            }
        )
        self._done(scope["path"], status, seconds)


class Token:
    """Refuses requests without the bearer token, if there is one."""

    def __init__(self, token: str | None) -> None:
        self._expected = None if token is None else token.encode()

    async def check(self, request: Request) -> None:
        """Raise RefusedError if the token is wrong; its comparison takes constant time.

        Upper and lower case of the scheme are the same (RFC 9110, 11.1).
        """
        if self._expected is None:
            return
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        right = hmac.compare_digest(given.strip().encode(), self._expected)
        if scheme.lower() != "bearer" or not right:
            problem = "missing or wrong token; send the header Authorization: Bearer TOKEN"
            raise RefusedError(BAD_TOKEN, problem)
