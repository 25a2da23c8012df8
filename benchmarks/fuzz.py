"""Damaged photos: `python -m benchmarks.fuzz N` reads N mutated files of every format.

Each must end as readings or as an error of one line: no crash, no hang, no other exception, and no
message of a decoder on standard error. Child processes read the photos, so that a crash costs one
photo and is reported with its number. The same number and seed give the same file; `--keep` saves
the files that failed.
"""

from __future__ import annotations

import importlib.util
import io
import json
import queue
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from threading import Thread
from typing import IO, Annotated, Any

import numpy as np
import typer
from PIL import Image

from clockread import ClockReader, ImageError
from clockread.cli.sample_photos import generated_photos
from clockread.image_files import silence_decoders
from clockread.images import load_color, load_frames, load_photo

CHILD = (sys.executable, "-m", "benchmarks.fuzz")
HANG_SECONDS = 20.0  # limit per photo
MAX_FRAMES_READ = 3  # of a mutated animation
EXTREMES = (
    *(0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF),
    *(16384, 65500, 5000),
)
SIDE = 160  # pixels of the photos that are mutated


@dataclass
class Report:
    """Counts of the mutated files by outcome."""

    files: int = 0
    read: int = 0  # with or without a clock
    refused: int = 0  # with an error of one line
    failures: dict[int, str] = field(default_factory=dict)  # number of the file -> what happened
    decoder_messages: int = 0  # lines that decoders wrote to standard error
    peak_memory_mb: float = 0.0
    by_format: dict[str, str] = field(default_factory=dict)  # share that was read


def seeds() -> dict[str, bytes]:
    """Return a small photo of a clock in every supported format, by the format's name."""
    with Image.open(io.BytesIO(generated_photos(1)[0])) as photo:
        color = photo.convert("RGB").resize((SIDE, SIDE * 3 // 4))
    grey, other = color.convert("L"), color.transpose(Image.Transpose.ROTATE_180)
    exif = Image.Exif()
    exif[0x0112] = 6
    deep = Image.fromarray(np.asarray(grey, np.uint16) * 257)
    made: dict[str, tuple[Image.Image, str, dict[str, Any]]] = {
        "jpeg": (color, "JPEG", {"exif": exif}),
        "jpeg progressive": (color, "JPEG", {"progressive": True}),
        "jpeg grey": (grey, "JPEG", {}),
        "jpeg cmyk": (color.convert("CMYK"), "JPEG", {}),
        "png": (color, "PNG", {"exif": exif}),
        "png palette": (color.quantize(16), "PNG", {"transparency": 3}),
        "png 16 bit": (deep, "PNG", {}),
        "png rgba": (color.convert("RGBA"), "PNG", {}),
        "png animated": (color, "PNG", {"save_all": True, "append_images": [other]}),
        "gif": (color, "GIF", {"save_all": True, "append_images": [other]}),
        "webp": (color, "WEBP", {}),
        "webp lossless": (color, "WEBP", {"lossless": True, "exif": exif}),
        "webp animated": (color, "WEBP", {"save_all": True, "append_images": [other]}),
        "tiff": (color, "TIFF", {"exif": exif}),
        "tiff lzw": (color, "TIFF", {"compression": "tiff_lzw"}),
        "tiff deflate": (grey, "TIFF", {"compression": "tiff_adobe_deflate"}),
        "tiff jpeg": (color, "TIFF", {"compression": "jpeg"}),
        "tiff 16 bit": (deep, "TIFF", {}),
        "tiff pages": (color, "TIFF", {"save_all": True, "append_images": [other]}),
        "bmp": (color, "BMP", {}),
        "bmp palette": (grey, "BMP", {}),
        "ppm": (color, "PPM", {}),
        "pgm": (grey, "PPM", {}),
        "pbm": (grey.convert("1"), "PPM", {}),
        "jpeg 2000": (color, "JPEG2000", {}),
        "avif": (color, "AVIF", {"speed": 10}),
    }
    if importlib.util.find_spec("pillow_heif"):
        importlib.import_module("pillow_heif").register_heif_opener()
        made["heic"] = (color, "HEIF", {})
    out = {}
    for name, (image, kind, options) in made.items():
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        out[name] = buffer.getvalue()
    numbers = b" ".join(b"%d" % value for value in grey.tobytes())
    out["pgm text"] = b"P2\n%d %d\n255\n" % grey.size + numbers
    return out


def _flip_bits(data: bytearray, rng: np.random.Generator) -> None:
    for at in rng.integers(0, len(data), int(rng.integers(1, 20))):
        data[at] ^= 1 << int(rng.integers(8))


def _flip_header_bits(data: bytearray, rng: np.random.Generator) -> None:
    for at in rng.integers(0, min(len(data), 200), int(rng.integers(1, 6))):
        data[at] ^= 1 << int(rng.integers(8))


def _cut(data: bytearray, rng: np.random.Generator) -> None:
    del data[int(rng.integers(len(data))) :]
    if rng.random() < 0.3:
        data += bytes(int(rng.integers(1, 5000)))


def _remove(data: bytearray, rng: np.random.Generator) -> None:
    at = int(rng.integers(len(data)))
    del data[at : at + int(rng.integers(1, 200))]


def _insert(data: bytearray, rng: np.random.Generator) -> None:
    at = int(rng.integers(len(data)))
    data[at:at] = rng.bytes(int(rng.integers(1, 200)))


def _splice(others: list[bytes], data: bytearray, rng: np.random.Generator) -> None:
    other = others[int(rng.integers(len(others)))]
    at, start = int(rng.integers(len(data))), int(rng.integers(len(other)))
    length = int(rng.integers(1, 2000))
    data[at : at + (length if rng.random() < 0.5 else 0)] = other[start : start + length]


def _set_extreme(data: bytearray, rng: np.random.Generator) -> None:
    """Write an extreme number of 2 or 4 bytes where headers keep sizes, counts and offsets."""
    for _ in range(int(rng.integers(1, 4))):
        layout = ("<H", ">H", "<I", ">I")[int(rng.integers(4))]
        size = struct.calcsize(layout)
        value = EXTREMES[int(rng.integers(len(EXTREMES)))] & (0xFFFF if size == 2 else 0xFFFFFFFF)
        struct.pack_into(layout, data, int(rng.integers(max(1, min(len(data), 400) - size))), value)


Mutation = Callable[[bytearray, np.random.Generator], None]
MUTATIONS: tuple[Mutation, ...] = (
    *(_flip_bits, _flip_header_bits, _cut, _remove, _insert, _set_extreme, _set_extreme),
)


def mutated(number: int, seed: int, photos: dict[str, bytes]) -> tuple[str, bytes]:
    """Return the name of a format and the mutated file with a number."""
    rng = np.random.default_rng([seed, number])
    name = list(photos)[number % len(photos)]
    data = bytearray(photos[name])
    mutations: list[Mutation] = [*MUTATIONS, partial(_splice, list(photos.values()))]
    for _ in range(int(rng.integers(1, 4))):
        if len(data) > 8:
            mutations[int(rng.integers(len(mutations)))](data, rng)
    return name, bytes(data)


def attempt(data: bytes, number: int, reader: ClockReader) -> bool:
    """Read a file as the commands do; return whether it was read, or refused in one line."""
    try:
        lenient = number % 3 == 0
        photo = load_photo(data, lenient=lenient)
        reader.read_photos([photo])
        photo.in_color()
        if number % 4 == 0:
            for frame in islice(load_frames(data, lenient=lenient), MAX_FRAMES_READ):
                load_color(frame)
    except ImageError as error:
        if len(str(error).splitlines()) != 1:
            raise AssertionError(f"an error of more than one line: {error!r}") from error
        return False
    return True


def child(start: int, stop: int, seed: int) -> None:
    """Read files start to stop (exclusive), with a line of JSON before and after each."""
    silence_decoders()  # as the command line does
    photos, reader = seeds(), ClockReader("cpu", threads=1, model="small")
    for number in range(start, stop):
        print(json.dumps({"begin": number}), flush=True)
        name, data = mutated(number, seed, photos)
        try:
            outcome = "read" if attempt(data, number, reader) else "refused"
        except Exception as error:
            outcome = f"{type(error).__name__}: {error}"
        print(json.dumps({"end": number, "format": name, "outcome": outcome}), flush=True)
    print(json.dumps({"peak": _peak_memory_mb()}), flush=True)


def _peak_memory_mb() -> float:
    """Return this program's peak memory on Linux, 0 on other systems.

    `resource` would include the memory of the process that started this one.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    return next(
        (int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:")),
        0.0,
    )


def _forward(pipe: IO[bytes], put: Callable[[bytes], object]) -> None:
    """Hand on the lines of a pipe, and an empty one at its end."""
    for line in pipe:
        put(line)
    put(b"")


def run(count: int, seed: int = 0, start: int = 0) -> Report:
    """Read mutated files ``start`` to ``start + count`` in child processes, one at a time."""
    report, formats, read = Report(), Counter[str](), Counter[str]()
    at = start
    while at < start + count:
        options = (str(start + count), "--child", str(at), "--seed", str(seed))
        process = subprocess.Popen(
            [*CHILD, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=Path(__file__).resolve().parents[1],
        )
        assert process.stdout is not None
        assert process.stderr is not None
        first, killed = at, False
        begun: int | None = None
        lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        messages: list[bytes] = []
        pipes = ((process.stdout, lines.put), (process.stderr, messages.append))
        threads = [Thread(target=_forward, args=pipe, daemon=True) for pipe in pipes]
        for thread in threads:
            thread.start()
        while True:
            try:
                line = lines.get(timeout=HANG_SECONDS)
            except queue.Empty:
                killed = True
                process.kill()
                if begun is not None:
                    report.failures[begun] = f"hangs for more than {HANG_SECONDS:g} s"
                break
            if not line:
                break
            said = json.loads(line)
            begun = said.get("begin", begun)
            if "end" in said:
                at, begun = said["end"] + 1, None
                formats[said["format"]] += 1
                report.files += 1
                report.read += said["outcome"] == "read"
                read[said["format"]] += said["outcome"] == "read"
                report.refused += said["outcome"] == "refused"
                if said["outcome"] not in ("read", "refused"):
                    report.failures[said["end"]] = said["outcome"]
            report.peak_memory_mb = max(report.peak_memory_mb, said.get("peak", 0.0))
        code = process.wait()
        for thread in threads:
            thread.join()
        text = b"".join(messages)
        report.decoder_messages += len(text.splitlines())
        if text:
            print(text.decode(errors="replace")[:2000], file=sys.stderr)
        if begun is not None:
            report.files += 1
            report.failures.setdefault(begun, f"the process ended with {code}")
            at = begun + 1
        elif code and not (killed and first < at):
            raise SystemExit(f"the child process failed with {code} while it read no file")
    report.by_format = {name: f"{read[name]} of {formats[name]}" for name in sorted(formats)}
    return report


def main(
    count: Annotated[int, typer.Argument(min=1, help="Mutated files to read.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the mutations.")] = 0,
    start: Annotated[int, typer.Option(help="Number of the first file.")] = 0,
    keep: Annotated[Path | None, typer.Option(help="Folder for the files that failed.")] = None,
    child_start: Annotated[int | None, typer.Option("--child", hidden=True)] = None,
) -> None:
    """Read mutated photos of every format and print a report as JSON; exit 1 if any failed."""
    if child_start is not None:
        child(child_start, count, seed)
        return
    report = run(count, seed, start)
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        for number in report.failures:
            (keep / f"{number}.bin").write_bytes(mutated(number, seed, seeds())[1])
    print(json.dumps(asdict(report), indent=2))
    raise typer.Exit(1 if report.failures or report.decoder_messages else 0)


if __name__ == "__main__":
    typer.run(main)
