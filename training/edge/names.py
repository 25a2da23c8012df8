"""Short names for all that a file computes: names of words would be a tenth of `small`'s bytes."""

from __future__ import annotations

import string
from typing import Any

_DIGITS = string.digits + string.ascii_lowercase + string.ascii_uppercase


def shorten(graph: Any) -> None:
    """Rename all nodes and values of a graph and its subgraphs, but not its inputs and outputs.

    Every node keeps a name of its own, that of its first output.
    """
    interface = [value.name for value in (*graph.input, *graph.output)]
    names = {"": "", **{name: name for name in interface}}

    def rename(part: Any) -> None:
        for value in (*part.initializer, *part.input, *part.output):
            value.name = short(value.name)
        for node in part.node:
            node.input[:] = [short(name) for name in node.input]
            node.output[:] = [short(name) for name in node.output]
            node.name = node.output[0]
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    rename(attribute.g)
                    attribute.g.name = node.name

    def short(name: str) -> str:
        return names.setdefault(name, _number(len(names)))

    rename(graph)


def _number(value: int) -> str:
    """Return a positive number in base 62."""
    digits = ""
    while value:
        value, digit = divmod(value, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits
