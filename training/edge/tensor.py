"""Values of an ONNX graph under construction, with arithmetic that adds nodes to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from onnx import helper

if TYPE_CHECKING:
    from training.edge.graph import Graph

FLOAT, INT, INT32, UINT8, BOOL = (
    np.dtype(t) for t in (np.float32, np.int64, np.int32, np.uint8, np.bool_)
)
Value: TypeAlias = "Tensor | NDArray[Any] | Sequence[int] | float | int"
DType: TypeAlias = np.dtype[Any]


@dataclass(frozen=True)
class Tensor:
    """A value of a graph. Numbers and arrays in arithmetic become constants of its type."""

    graph: Graph
    name: str
    dtype: DType
    __array_ufunc__ = None  # so that an array on the left of an operator leaves it to the tensor

    def _with(self, kind: str, other: Value, *, swapped: bool = False) -> Tensor:
        value = self.graph.constant(other, self.dtype)
        return self.graph.op(kind, *((value, self) if swapped else (self, value)))

    def _compared(self, kind: str, other: Value) -> Tensor:
        return self.graph.op(kind, self, self.graph.constant(other, self.dtype), dtype=BOOL)

    def __add__(self, other: Value) -> Tensor:
        return self._with("Add", other)

    def __sub__(self, other: Value) -> Tensor:
        return self._with("Sub", other)

    def __rsub__(self, other: Value) -> Tensor:
        return self._with("Sub", other, swapped=True)

    def __mul__(self, other: Value) -> Tensor:
        return self._with("Mul", other)

    def __truediv__(self, other: Value) -> Tensor:
        return self._with("Div", other)

    def __rtruediv__(self, other: Value) -> Tensor:
        return self._with("Div", other, swapped=True)

    def __floordiv__(self, other: Value) -> Tensor:
        assert self.dtype == INT, "ONNX divides integers towards zero; all here are positive"
        return self._with("Div", other)

    def __mod__(self, other: Value) -> Tensor:
        return self._with("Mod", other)

    def __matmul__(self, other: Value) -> Tensor:
        return self._with("MatMul", other)

    def __gt__(self, other: Value) -> Tensor:
        return self._compared("Greater", other)

    def __ge__(self, other: Value) -> Tensor:
        return self._compared("GreaterOrEqual", other)

    def __lt__(self, other: Value) -> Tensor:
        return self._compared("Less", other)

    def __le__(self, other: Value) -> Tensor:
        return self._compared("LessOrEqual", other)

    def __and__(self, other: Tensor) -> Tensor:
        return self.graph.op("And", self, other)

    def equals(self, other: Value) -> Tensor:
        """Compare element by element."""
        return self._compared("Equal", other)

    def maximum(self, other: Value) -> Tensor:
        """Return the larger of both, element by element."""
        return self._with("Max", other)

    def minimum(self, other: Value) -> Tensor:
        """Return the smaller of both, element by element."""
        return self._with("Min", other)

    def clip(self, low: Value, high: Value) -> Tensor:
        """Limit the values; where the limits contradict each other, ``high`` counts."""
        return self.maximum(low).minimum(high)

    def map(self, kind: str) -> Tensor:
        """Apply an operator without attributes, such as "Exp" or "Round" (half to even)."""
        return self.graph.op(kind, self)

    def to(self, dtype: DType) -> Tensor:
        """Cast."""
        return self.graph.op("Cast", self, dtype=dtype, to=helper.np_dtype_to_tensor_dtype(dtype))

    def reshape(self, *shape: Tensor | int) -> Tensor:
        """Reshape; a size may be a tensor of shape (1,)."""
        sizes: Value = np.array([s for s in shape if isinstance(s, int)], np.int64)
        if any(isinstance(s, Tensor) for s in shape):
            parts = [s if isinstance(s, Tensor) else np.array([s], np.int64) for s in shape]
            sizes = self.graph.concat(*parts, axis=0, dtype=INT)
        return self.reshape_to(sizes)

    def reshape_to(self, shape: Value) -> Tensor:
        """Reshape to a shape that is a tensor (k,) itself."""
        return self.graph.op("Reshape", self, self.graph.constant(shape, INT))

    def transpose(self, *axes: int) -> Tensor:
        """Reorder the axes."""
        return self.graph.op("Transpose", self, perm=list(axes))

    def unsqueeze(self, *axes: int) -> Tensor:
        """Insert axes of size 1."""
        return self.graph.op("Unsqueeze", self, self.graph.constant(np.array(axes), INT))

    def squeeze(self, *axes: int) -> Tensor:
        """Remove axes of size 1."""
        return self.graph.op("Squeeze", self, self.graph.constant(np.array(axes), INT))

    def split(self, *sizes: int, axis: int = -1) -> list[Tensor]:
        """Cut into parts of the given sizes along an axis."""
        lengths = self.graph.constant(np.array(sizes), INT)
        return self.graph.ops("Split", [self.dtype] * len(sizes), self, lengths, axis=axis)

    def part(self, start: int, stop: int, axis: int = -1) -> Tensor:
        """Return the elements ``start`` to ``stop`` (exclusive) of an axis."""
        limits = (self.graph.constant(np.array([i]), INT) for i in (start, stop, axis))
        return self.graph.op("Slice", self, *limits)

    def take(self, index: Value, axis: int = 0) -> Tensor:
        """Return the elements of an axis at indices of any shape."""
        return self.graph.op("Gather", self, self.graph.constant(index, INT), axis=axis)

    def take_along(self, index: Tensor, axis: int = 1) -> Tensor:
        """Return elements as `np.take_along_axis` does."""
        return self.graph.op("GatherElements", self, index, axis=axis)

    def compress(self, condition: Tensor) -> Tensor:
        """Return the rows whose condition (n,) is true."""
        return self.graph.op("Compress", self, condition, axis=0)

    def sum(self, axis: int, *, keep: bool = False) -> Tensor:
        """Sum over an axis."""
        axes = self.graph.constant(np.array([axis]), INT)
        return self.graph.op("ReduceSum", self, axes, keepdims=int(keep))

    def reduce(self, kind: str, axis: int, *, keep: bool = False) -> Tensor:
        """Reduce an axis by "Max", "Min" or "Mean"."""
        return self.graph.op(f"Reduce{kind}", self, axes=[axis], keepdims=int(keep))

    @property
    def shape(self) -> Tensor:
        """The sizes of the axes (rank,)."""
        return self.graph.op("Shape", self, dtype=INT)

    def size(self, axis: int = 0) -> Tensor:
        """Return the size of one axis (1,)."""
        return self.graph.op("Shape", self, dtype=INT, start=axis, end=axis + 1)
