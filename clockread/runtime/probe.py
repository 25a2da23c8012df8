"""A small network that proves that a provider works: its outputs are known.

It has the kinds of operators of clockread's networks, so that a missing cuDNN or cuBLAS, or a GPU
for which the installed onnxruntime has no code, is found before the first photo.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import numpy as np

from clockread.errors import ProviderError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

# ReduceMean(Softmax(MatMul(Relu(Conv(Unsqueeze(Cast(x))))))) of uint8 (2, 8, 8) is float32 (2, 4);
# opset 17, IR version 8. tests/clockread/runtime/test_probe.py makes the same bytes.
PROBE_MODEL = base64.b64decode(
    "CAg6hwYKFwoBeBIBZiIEQ2FzdCoJCgJ0bxgBoAECChQKAWYKAWESAXUiCVVuc3F1ZWV6ZQolCgF1CgF3CgFiEgFjIgRD"
    "b252KhEKBHBhZHNAAUABQAFAAaABBwoMCgFjEgFyIgRSZWx1ChEKAXIKAW0SAWwiBk1hdE11bAolCgFsEgFzIgdTb2Z0"
    "bWF4KhQKBGF4aXMY////////////AaABAgoyCgFzEgF5IgpSZWR1Y2VNZWFuKg0KBGF4ZXNAAUACoAEHKg8KCGtlZXBk"
    "aW1zGACgAQISBXByb2JlKrACCAgIAQgDCAMQAUIBd0qgAgAAILwAAIA7AACAuwAAIDwAAAA7AADAuwAAADwAAAAAAAAA"
    "vAAAwDsAAAC7AAAgvAAAgDsAAIC7AAAgPAAAADsAAMC7AAAAPAAAAAAAAAC8AADAOwAAALsAACC8AACAOwAAgLsAACA8"
    "AAAAOwAAwLsAAAA8AAAAAAAAALwAAMA7AAAAuwAAILwAAIA7AACAuwAAIDwAAAA7AADAuwAAADwAAAAAAAAAvAAAwDsA"
    "AAC7AAAgvAAAgDsAAIC7AAAgPAAAADsAAMC7AAAAPAAAAAAAAAC8AADAOwAAALsAACC8AACAOwAAgLsAACA8AAAAOwAA"
    "wLsAAAA8AAAAAAAAALwAAMA7AAAAuwAAILwAAIA7AACAuwAAIDwAAAA7AADAuyopCAgQAUIBYkogAABAvwAAAD8AAAAA"
    "AAAAvwAAQD8AAIA+AACAvgAAQL8qjAEICAgEEAFCAW1KgAEAAEC/AADAvgAAAAAAAMA+AABAPwAAAL8AAAC+AACAPgAA"
    "ID8AACC/AACAvgAAAD4AAAA/AABAvwAAwL4AAAAAAADAPgAAQD8AAAC/AAAAvgAAgD4AACA/AAAgvwAAgL4AAAA+AAAA"
    "PwAAQL8AAMC+AAAAAAAAwD4AAEA/AAAAvyoRCAEQB0IBYUoIAQAAAAAAAABaFwoBeBISChAIAhIMCgIIAgoCCAgKAggI"
    "YhMKAXkSDgoMCAESCAoCCAIKAggEQgQKABAR"
)
PROBE_INPUT = (np.arange(128) * 37 % 256).astype(np.uint8).reshape(2, 8, 8)
PROBE_OUTPUT = np.array(  # on the CPU
    [[0.4674, 0.2253, 0.1384, 0.1689], [0.4552, 0.2489, 0.1305, 0.1653]], np.float32
)
TOLERANCE = 5e-3  # of a GPU, whose TF32 has 10 bits of mantissa


def check(session: InferenceSession) -> None:
    """Run the probe in a session of it; raise ProviderError if its outputs are wrong."""
    (output,) = session.run(None, {"x": PROBE_INPUT})
    error = float(np.abs(output - PROBE_OUTPUT).max())
    if not error <= TOLERANCE:  # also if it is nan
        raise ProviderError(f"it computes wrong results, {error:.2g} off: update its driver")
