"""The limits of the server, and the refusal that a client gets beyond them."""

from __future__ import annotations

from dataclasses import dataclass

BATCH_SECONDS = 0.003  # that a batch waits for requests that are arriving, by default
RETRY_SECONDS = 1  # that a client is told to wait after 429 and 503

BAD_TOKEN, SLOW_BODY, TOO_LARGE, NOT_A_PHOTO = 401, 408, 413, 415
INVALID, BUSY, GONE, FAILED, UNAVAILABLE = 422, 429, 499, 500, 503


@dataclass(frozen=True)
class Limits:
    """What the server accepts."""

    body_bytes: int = 32_000_000
    """Maximum number of bytes of a request's body."""
    pixels: int = 100_000_000
    """Maximum number of pixels of a photo, page or frame, as its header states them."""
    photos: int = 64
    """Maximum number of photos of a request, frames included."""
    queue: int = 256
    """Maximum number of queued photos."""
    held_bytes: int = 512_000_000
    """Maximum number of bytes of all bodies that are received or wait."""
    body_seconds: float = 30.0
    """Seconds in which a body must arrive."""
    read_seconds: float = 30.0
    """Seconds from the end of the body to the result."""

    @property
    def largest_body(self) -> int:
        """The bytes beyond which a body can never be received, whatever else is in memory."""
        return min(self.body_bytes, self.held_bytes)


class RefusedError(Exception):
    """A request that is not answered with readings."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers that go with the status."""
        if self.status in (BUSY, UNAVAILABLE):
            return {"Retry-After": str(RETRY_SECONDS)}
        if self.status == BAD_TOKEN:
            return {"WWW-Authenticate": "Bearer"}
        return {"Connection": "close"} if self.status in (SLOW_BODY, TOO_LARGE) else {}
