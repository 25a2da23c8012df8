"""OpenCV, imported in one place, so that a broken installation always gives the same error."""

from __future__ import annotations

from clockread.errors import RuntimeMissingError, one_line
from clockread.streams import silenced

DISTRIBUTIONS = (
    "opencv-python-headless",
    "opencv-python",
    "opencv-contrib-python-headless",
    "opencv-contrib-python",
)

__all__ = ["cv2"]


def _error(problem: str) -> RuntimeMissingError:
    from clockread.packages import install_command  # takes 20 ms

    install = install_command(DISTRIBUTIONS, f"pip install {DISTRIBUTIONS[0]}")
    return RuntimeMissingError(f"{problem}: {install}", name="cv2")


try:
    with silenced():
        import cv2
except Exception as error:  # such as a missing libGL.so.1, or another version of NumPy
    if isinstance(error, ModuleNotFoundError) and error.name == "cv2":
        raise _error("OpenCV is not installed, or its files are gone") from None
    raise _error(f"OpenCV is installed but cannot be imported ({one_line(str(error))})") from error
if not hasattr(cv2, "resize"):  # one of two distributions was uninstalled
    raise _error("OpenCV is installed but incomplete")
