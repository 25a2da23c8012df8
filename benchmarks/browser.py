"""The page in Chromium: `python -m benchmarks.browser`, as Markdown.

Measures the first load, the first frame, steady frames, the live camera with its drawing, and the
growth of memory. Needs the extra `browser`, Chromium, and npm for onnxruntime-web.
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy as np
import typer
from PIL import Image

from clockread.page.site import write_site
from training.markdown import table

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
ONE_DIAL, TWO_DIALS = EXAMPLES / "wall.jpg", EXAMPLES / "two.jpg"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
STEADY = 200  # frames, after as many that let the browser compile
SIZES = ((640, 480), (1280, 960), (1920, 1440), (4000, 3000))
LIVE_SECONDS = 10
FPS = 30  # of the camera
MEGABYTE = 1e6
BROTLI = """const { brotliCompressSync } = require("zlib"), { readFileSync } = require("fs");
const sizes = process.argv.slice(1).map((file) => brotliCompressSync(readFileSync(file)).length);
console.log(sizes.reduce((sum, size) => sum + size, 0));"""
# Reads one picture again and again, as the camera does with its frames, and draws the readings.
READ = """async ({ model, url, size, frames }) => {
  const { Reader } = await import("./reader.js");
  const { draw } = await import("./overlay.js");
  const { live, still, hands } = document.documentElement.dataset;
  globalThis.measured ??= new Reader({ live, still, hands });
  const reader = globalThis.measured;
  if (!reader.loaded.size) await reader.start();
  await reader.load(`reader-${model}`);
  const [resizeWidth, resizeHeight] = size;
  const blob = await (await fetch(url)).blob();
  const picture = await createImageBitmap(blob, { resizeWidth, resizeHeight });
  const overlay = document.getElementById("live-overlay");
  const times = [], runs = [];
  for (let i = 0; i < frames; i++) {
    const before = performance.now();
    const image = await createImageBitmap(picture);
    const result = await reader.read(image, { model, purpose: "frame" });
    draw(overlay, result.readings, { width: resizeWidth, height: resizeHeight });
    times.push(performance.now() - before);
    runs.push(result.milliseconds);
  }
  return { times, runs };
}"""


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine, and give its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def write_video(path: Path, picture: Path, frames: int = 4) -> Path:
    """Write a video (YUV4MPEG2) of one picture, as Chromium's fake camera plays it."""
    image = Image.open(picture).convert("YCbCr")
    luma, *chroma = image.split()
    half = (image.width // 2, image.height // 2)
    planes = [luma, *(plane.resize(half, Image.Resampling.BOX) for plane in chroma)]
    frame = b"FRAME\n" + b"".join(np.asarray(plane).tobytes() for plane in planes)
    header = f"YUV4MPEG2 W{image.width} H{image.height} F{FPS}:1 Ip A1:1 C420jpeg\n"
    path.write_bytes(header.encode() + frame * frames)
    return path


@contextmanager
def chromium(camera: Path, *options: str) -> Iterator[Any]:
    """Start Chromium headless, with a video as its camera; raise Playwright's Error if it fails."""
    from playwright.sync_api import sync_playwright

    installed = next(filter(None, map(shutil.which, CHROMIUM)), None)
    arguments = [
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={camera}",
        *options,
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


def opened(browser: Any, url: str, state: str = "offline") -> tuple[Any, float]:
    """Open the page in a new profile; return it, and the seconds until it is in a state."""
    page = browser.new_context(permissions=["camera"]).new_page()
    before = time.perf_counter()
    page.goto(url)
    page.wait_for_selector(f"#status[data-state={state}]", timeout=60_000)
    return page, time.perf_counter() - before


def read_frames(
    page: Any, model: str, photo: Path, size: tuple[int, int], frames: int
) -> dict[str, list[float]]:
    """Read a photo of `examples/` many times; return milliseconds per frame and per run."""
    url = f"examples/{photo.name}"
    arguments = {"model": model, "url": url, "size": list(size), "frames": frames}
    measured: dict[str, list[float]] = page.evaluate(READ, arguments)
    return measured


def compressed(folder: Path, without: Sequence[str]) -> dict[str, int]:
    """Return the size of a site's files by compression, in bytes; Brotli's if Node is there."""
    files = [p for p in folder.rglob("*") if p.is_file() and p.name not in without]
    sizes = {"gzip": sum(len(gzip.compress(path.read_bytes(), 9)) for path in files)}
    if shutil.which("node") is not None:
        command = ["node", "-e", BROTLI, *map(str, files)]
        sizes["Brotli"] = int(subprocess.run(command, capture_output=True, check=True).stdout)
    return sizes


def renderers(browser: Any) -> list[dict[str, Any]]:
    """Return Chromium's processes that run pages: "id", and "cpuTime" in seconds."""
    told = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
    return [process for process in told["processInfo"] if process["type"] == "renderer"]


def speed(browser: Any, url: str, frames: int) -> list[list[str]]:
    """Return rows of times by model, size and photo."""
    rows = []
    for model in ("small", "int8"):
        page, _ = opened(browser, url)
        for photo, size in (*((ONE_DIAL, size) for size in SIZES), (TWO_DIALS, SIZES[0])):
            count = frames if size == SIZES[0] else max(5, frames // 4)
            first = read_frames(page, model, photo, size, count)["times"][0]
            before = sum(process["cpuTime"] for process in renderers(browser))
            measured = read_frames(page, model, photo, size, count)
            after = sum(process["cpuTime"] for process in renderers(browser))
            run, whole = (sorted(measured[key]) for key in ("runs", "times"))
            dials = "2 dials" if photo == TWO_DIALS else "1 dial"
            name = f"{size[0]}×{size[1]}, {dials}"
            cells = [f"{median(times):.1f} ({times[count // 10]:.1f})" for times in (run, whole)]
            rows.append(
                [model, name, f"{first:.0f}", *cells, f"{1000 * (after - before) / count:.1f}"]
            )
        page.context.close()
    return rows


def live(browser: Any, url: str) -> str:
    """Return the rate of the camera that the page shows, after some seconds."""
    page, _ = opened(browser, url)
    page.click("#camera-on")
    page.wait_for_selector("#live-overlay .tag")
    page.wait_for_timeout(1000 * LIVE_SECONDS)
    rate = str(page.inner_text("#rate"))
    page.context.close()
    return rate


def resident(browser: Any) -> int:
    """Return the resident size of Chromium's largest renderer, bytes; 0 if unknown."""
    sizes = [0]
    for process in renderers(browser):
        try:
            status = Path(f"/proc/{process['id']}/status").read_text(encoding="utf-8")
        except OSError:
            continue
        line = next((x for x in status.splitlines() if x.startswith("VmRSS")), "VmRSS: 0 kB")
        sizes.append(1024 * int(line.split()[1]))
    return max(sizes)


def memory(browser: Any, url: str, frames: int) -> list[str]:
    """Return lines on the memory of `small` after each tenth of the frames."""
    page, _ = opened(browser, url)
    session = page.context.new_cdp_session(page)
    heaps, processes = [], []
    for _ in range(10):
        read_frames(page, "small", ONE_DIAL, SIZES[0], frames // 10)
        session.send("HeapProfiler.collectGarbage")
        heaps.append(session.send("Runtime.getHeapUsage")["usedSize"] / MEGABYTE)
        processes.append(resident(browser) / MEGABYTE)
    page.context.close()
    return [
        f"- MB after each tenth of {frames:,} frames: the page's heap "
        f"{', '.join(f'{size:.1f}' for size in heaps)}; "
        f"its process with the networks {', '.join(f'{size:.0f}' for size in processes)}"
    ]


def main(
    frames: Annotated[int, typer.Option(min=20, help="Measured frames of each size.")] = STEADY,
    memory_frames: Annotated[
        int, typer.Option(min=0, help="Frames of the measurement of memory; 0: none.")
    ] = 10_000,
    runtime: Annotated[
        Path | None, typer.Option(help="onnxruntime-web; see `clockread page --help`.")
    ] = None,
) -> None:
    """Measure the page of this checkout on this machine."""
    from benchmarks.edge import processor

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "site"
        write_site(folder, runtime)
        camera = write_video(Path(name) / "camera.y4m", ONE_DIAL)
        later = ("reader-int8.onnx", "hands-int8.onnx", *(p.name for p in EXAMPLES.glob("*.jpg")))
        with served(folder) as url, chromium(camera) as browser:
            print(f"{processor()}, Chromium {browser.version}, one thread\n")
            for method, size in compressed(folder, later).items():
                print(f"- first load without `int8`, {method}: {size / MEGABYTE:.2f} MB")
            seconds = [opened(browser, url, "ready")[1] for _ in range(5)]
            print(f"- until ready in a new profile: {median(seconds):.2f} s (median of 5)")
            print(f"- live camera, 640×480, drawn: {live(browser, url)}", flush=True)
            if memory_frames:
                print(*memory(browser, url, memory_frames), sep="\n", flush=True)
            print("\nMilliseconds per frame: median (the fastest tenth takes at most)")
            head = ("model", "picture", "first frame", "networks", "drawn", "CPU time, drawn")
            print("", *table(head, speed(browser, url, frames)), sep="\n")


if __name__ == "__main__":
    typer.run(main)
