"""The fields of a reading in JSON and CSV, in their order, and the text of a confidence."""

from __future__ import annotations

import math
from typing import NamedTuple


class Field(NamedTuple):
    """A field of a reading in JSON and CSV."""

    name: str
    rounded: str = ""  # format of its numbers; "" keeps them
    columns: tuple[str, ...] | None = None  # in CSV, by default the name

    @property
    def csv_columns(self) -> tuple[str, ...]:
        """The names of its columns in CSV."""
        return (self.name,) if self.columns is None else self.columns


FIELDS = (
    Field("time"),
    Field("hour"),
    Field("minute"),
    Field("confidence", ".4f"),
    Field("box", ".2f", ("x", "y", "w", "h")),
    Field("center", ".2f", ("center_x", "center_y")),
    Field("hour_sincos", ".4f", ("hour_sin", "hour_cos")),
    Field("minute_sincos", ".4f", ("minute_sin", "minute_cos")),
    Field("rotation", ".2f"),
    # Significant digits, because the last row is orders of magnitude smaller than the last column.
    Field("homography", ".8g", ()),
    Field("dial_score", ".4f"),
    Field("second"),
    Field("second_sincos", ".4f", ("second_sin", "second_cos")),
    Field("second_presence", ".4f"),
    Field("disagreement", ".2f"),
    Field("consistent"),
    Field("dial_hours"),
    Field("mirrored"),
)


def percent(confidence: float) -> str:
    """Return a confidence, 0..1, in whole percent, such as "87 %"; "?" if it is nan."""
    return f"{100 * confidence:.0f} %" if math.isfinite(confidence) else "?"
