"""The picture of the page in the README: `python -m benchmarks.page_picture`.

The page in a wide window in light colors, with the example photos, and on a phone in dark colors,
with one dial unrolled. Needs the extra `browser`, Chromium, and npm for onnxruntime-web.
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from PIL import Image

from benchmarks.browser import ONE_DIAL, TWO_DIALS, chromium, opened, served, write_video
from clockread.page.site import write_site

WIDE, PHONE = (1180, 930), (390, 930)  # windows, pixels
MARGIN = 40
HEIGHT = 620  # of the picture, pixels
GROUND = (206, 210, 216)
COLORS = 256  # of the PNG
STRONG = 60  # difference between the channels of a strongly colored pixel
TIME = "2026-01-05T10:09:00"  # that the drawing at the top of the page shows


def picture_of(page: Any) -> Image.Image:
    """Return what a window shows."""
    page.wait_for_timeout(500)
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def window(browser: Any, url: str, size: tuple[int, int], scheme: str) -> Any:
    """Open the page in a window of a size, and let it read the example photos."""
    page, _ = opened(browser, url)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.clock.set_fixed_time(TIME)
    page.reload()
    page.wait_for_selector("#status[data-state=offline]")
    page.set_input_files("#files", [ONE_DIAL, TWO_DIALS])
    page.wait_for_selector(".card:nth-child(2) .time")
    return page


def _palette(picture: Image.Image) -> Image.Image:
    """Return a palette in which the few strongly colored pixels, such as hands, count as well."""
    pixels = np.asarray(picture).reshape(-1, 3)
    colored = pixels[np.ptp(pixels, axis=1) > STRONG]
    often = np.repeat(colored, max(1, len(pixels) // max(1, len(colored))), axis=0)
    both = np.concatenate([pixels, often])
    return Image.fromarray(both[None]).quantize(COLORS, kmeans=2)


def main(
    path: Annotated[Path, typer.Argument(help="PNG to write.")] = Path("docs/page.png"),
) -> None:
    """Write the picture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "site"
        write_site(folder)
        camera = write_video(Path(name) / "camera.y4m", ONE_DIAL)
        with served(folder) as url, chromium(camera) as browser:
            wide = window(browser, url, WIDE, "light")
            wide.evaluate("scrollTo(0, 70)")
            phone = window(browser, url, PHONE, "dark")
            phone.click(".how")
            phone.wait_for_selector(".curves")
            pictures = [picture_of(wide), picture_of(phone)]
    height = max(size[1] for size in (WIDE, PHONE)) + 2 * MARGIN
    joined = Image.new("RGB", (WIDE[0] + PHONE[0] + 3 * MARGIN, height), GROUND)
    left = MARGIN
    for picture in pictures:
        joined.paste(picture, (left, (height - picture.height) // 2))
        left += picture.width + MARGIN
    small = joined.resize((joined.width * HEIGHT // height, HEIGHT), Image.Resampling.LANCZOS)
    small.quantize(COLORS, palette=_palette(small), dither=Image.Dither.NONE).save(
        path, optimize=True
    )
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    typer.run(main)
