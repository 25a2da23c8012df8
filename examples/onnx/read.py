"""Read the clocks in a photo with onnxruntime, NumPy and Pillow alone, without clockread.

pip install onnxruntime pillow
python read.py reader-int8.onnx PHOTO
"""

from __future__ import annotations

import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


def main(model: str, photo: str) -> None:
    """Print a line per clock: its time and how likely that is right."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    image = ImageOps.exif_transpose(Image.open(photo)).convert("RGB")
    minutes, confidence = session.run(["minutes", "confidence"], {"photo": np.asarray(image)})
    for time, certain in zip(minutes, confidence, strict=True):
        print(f"{time // 60 or 12}:{time % 60:02} {certain:.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
