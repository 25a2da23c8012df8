"""OpenCV, imported in one place, so that a missing or broken installation is one clear error everywhere."""

from __future__ import annotations

from clockread.errors import RuntimeMissingError, one_line

INSTALL_OPENCV = "pip install opencv-python-headless"

__all__ = ["cv2"]

try:
    import cv2
except ModuleNotFoundError as error:
    if error.name != "cv2":
        raise RuntimeMissingError(f"OpenCV is installed but needs {error.name}, which is not: {INSTALL_OPENCV}", name="cv2") from error
    raise RuntimeMissingError(f"OpenCV is not installed: {INSTALL_OPENCV}", name="cv2") from None
except ImportError as error:  # such as libGL.so.1 or libxcb.so.1, which only opencv-python needs
    raise RuntimeMissingError(
        f"OpenCV is installed but cannot be imported ({one_line(str(error))}): "
        f"pip uninstall -y opencv-python opencv-contrib-python && {INSTALL_OPENCV} --force-reinstall",
        name="cv2",
    ) from error
if not hasattr(cv2, "resize"):
    # What is left after one of two distributions that share a folder was uninstalled.
    raise RuntimeMissingError(f"OpenCV is installed but incomplete: {INSTALL_OPENCV} --force-reinstall", name="cv2")
