"""OpenCV, imported in one place, so that a missing or broken installation is one clear error everywhere."""

from __future__ import annotations

import contextlib
import io

from clockread.errors import RuntimeMissingError, one_line

INSTALL_OPENCV = "pip install opencv-python-headless"
# The distributions share a folder, and removing one takes files from the others: so remove all, then install one.
DISTRIBUTIONS = ("opencv-python-headless", "opencv-python", "opencv-contrib-python-headless", "opencv-contrib-python")
REPAIR_OPENCV = f"pip uninstall -y {' '.join(DISTRIBUTIONS)} && {INSTALL_OPENCV}"

__all__ = ["cv2"]

try:
    with contextlib.redirect_stderr(io.StringIO()):  # NumPy prints pages about an OpenCV that was built for another NumPy
        import cv2
except ModuleNotFoundError as error:
    if error.name == "cv2":
        raise RuntimeMissingError(f"OpenCV is not installed: {INSTALL_OPENCV}", name="cv2") from None
    raise RuntimeMissingError(f"OpenCV is installed but cannot be imported ({error}): {REPAIR_OPENCV}", name="cv2") from error
except Exception as error:  # such as libGL.so.1 or libxcb.so.1, which only opencv-python needs; or another NumPy
    raise RuntimeMissingError(
        f"OpenCV is installed but cannot be imported ({one_line(str(error))}): {REPAIR_OPENCV}", name="cv2"
    ) from error
if not hasattr(cv2, "resize"):
    # What is left after one of two distributions was uninstalled.
    raise RuntimeMissingError(f"OpenCV is installed but incomplete: {REPAIR_OPENCV}", name="cv2")
