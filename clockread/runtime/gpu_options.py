"""Options of NVIDIA's GPUs, each with the reason for its default.

None of them has been measured by clockread; `python -m benchmarks.gpu` compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class GpuOptions:
    """Options of onnxruntime's CUDA provider, by its names, for CUDA and for TensorRT."""

    device_id: int = 0
    """Number of the GPU, from 0, as `nvidia-smi -L` lists them."""
    cudnn_conv_algo_search: str = "HEURISTIC"
    """The search for cuDNN's plans: "HEURISTIC", "EXHAUSTIVE" or "DEFAULT".

    With a fixed batch it happens once per session. "DEFAULT" plans fastest, but its plans can be
    50 times slower (onnxruntime#22705, PaddleOCR#17970).
    """
    prefer_nhwc: bool = True
    """Whether convolutions keep channels last, as tensor cores need them (onnxruntime#22648).

    Otherwise cuDNN transposes inputs and outputs of each of them.
    """
    fuse_conv_bias: bool = False
    """Whether cuDNN adds the bias within the convolution; may pay with `prefer_nhwc` only."""
    use_tf32: bool = True
    """Whether inputs of convolutions and products are rounded to 10 bits of mantissa.

    The weights have no more; False gives outputs closer to those of the CPU.
    """
    arena_extend_strategy: str = "kSameAsRequested"
    """How GPU memory grows: as requested, instead of doubling.

    A session of fixed batch reserves all of its memory in its first run.
    """

    engine_seconds: float = 600.0
    """Longest time to build an engine of TensorRT; not an option of onnxruntime."""

    def __post_init__(self) -> None:
        if not self.engine_seconds > 0:
            raise ValueError(f"engine_seconds must be above 0, not {self.engine_seconds}")
        number = self.device_id
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise ValueError(f"device_id is {number!r}: give the number of a GPU, from 0")

    def for_cuda(self) -> Mapping[str, str]:
        """Return the options as onnxruntime takes them."""
        values = asdict(self)
        del values["engine_seconds"]
        return {
            name: str(int(value) if isinstance(value, bool) else value)
            for name, value in values.items()
        }

    def for_tensorrt(self, engines: Path | None = None) -> Mapping[str, str]:
        """Return the options of TensorRT, which runs on the same GPU.

        A profile of shapes is not among them, because the batch of a session is fixed.

        Args:
            engines: the folder of engines and of the times of their kernels; None to store none.

        """
        options = {"device_id": str(self.device_id)}
        if engines is None:
            return options
        return options | {
            "trt_engine_cache_enable": "True",
            "trt_engine_cache_path": str(engines),
            "trt_timing_cache_enable": "True",
            "trt_timing_cache_path": str(engines),
        }
