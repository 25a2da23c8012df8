"""The description of ``POST /v1/read`` in the OpenAPI document, with examples."""

from __future__ import annotations

from typing import Any

from clockread.reading import PhotoResult, Reading

SUMMARY = "Read the time of every clock in one or more photos"
DESCRIPTION = """Send one photo as the body, or several as the files of a multipart body.

The answer has a result per photo, in order, and per frame with `frames=all`. If the only photo of a
request cannot be read, the status says why; of several, the others are read and that one has an
`error`. Photos that are addresses are never fetched."""
EXAMPLE = PhotoResult(
    path="kitchen.jpg",
    width=640,
    height=480,
    readings=(
        Reading(
            minutes=308,
            confidence=0.9871,
            hour_sincos=(0.4325, -0.8988),
            minute_sincos=(0.7431, 0.6691),
            box=(212.4, 96.0, 231.5, 228.9),
            center=(327.8, 210.2),
            homography=((112.6, 1.4, 327.8), (-1.2, 111.9, 210.2), (0.0, 0.0, 1.0)),
            rotation=-0.6,
            dial_score=0.9993,
            disagreement=1.4,
        ),
    ),
    error=None,
)
ERRORS = {
    401: ("The token is missing or wrong.", "missing or wrong token; send the header …"),
    408: ("The body arrived too slowly.", "the body did not arrive within 30 s; send it faster"),
    413: ("Too many bytes, pixels or photos.", "<body>: too large: 20000 x 20000 = 400 million …"),
    415: ("Not a photo, or of a format that is not supported.", "<body>: a PDF, not a photo; …"),
    422: (
        "A damaged photo, or a wrong option.",
        "min_confidence: Input should be less than or equal to 1",
    ),
    429: ("The queue is full; see Retry-After.", "the queue has no room for 1 more of 256 photos"),
    503: ("Reading took too long, or the server is stopping; see Retry-After.", "not read within"),
}


def responses() -> dict[int | str, dict[str, Any]]:
    """Return the description of each answer, by status."""
    described: dict[int | str, dict[str, Any]] = {200: _json("A result per photo.", answer())}
    for status, (text, message) in ERRORS.items():
        described[status] = _json(text, {"error": message})
    return described


def answer() -> dict[str, Any]:
    """Return the answer of the example."""
    return {"photos": [EXAMPLE.to_dict()]}


def request_body() -> dict[str, Any]:
    """Return the description of the body."""
    binary = {"type": "string", "format": "binary"}
    files = {"type": "object", "properties": {"photo": {"type": "array", "items": binary}}}
    kinds = ("image/jpeg", "image/png", "image/webp", "application/octet-stream")
    content = {kind: {"schema": binary} for kind in kinds}
    return {
        "requestBody": {
            "required": True,
            "content": {**content, "multipart/form-data": {"schema": files}},
        }
    }


def _json(description: str, example: Any) -> dict[str, Any]:
    content = {"application/json": {"schema": schema_of(example), "example": example}}
    return {"description": description, "content": content}


def schema_of(value: Any) -> dict[str, Any]:
    """Return a JSON schema that a value and its like satisfy; null allows anything."""
    if isinstance(value, dict):
        properties = {name: schema_of(one) for name, one in value.items()}
        return {"type": "object", "properties": properties, "required": list(properties)}
    if isinstance(value, list):
        return {"type": "array", "items": schema_of(value[0]) if value else {}}
    for kind, name in ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string")):
        if isinstance(value, kind):
            return {"type": name}
    return {}
