"""What onnxruntime's session options are worth on this machine: `python -m benchmarks.session_options`.

Every setting in turn, several rounds: the networks on one dial or photo with all threads (a camera), and in bulk as `clockread predict`
runs them, a worker a thread with one-threaded sessions. `clockread.runtime.providers` has what this chose.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from clockread.runtime.cpus import usable_threads
from clockread.runtime.manifest import ModelEntry, load_manifest, model_bytes
from clockread.runtime.providers import require_runtime, session_options

BULK_BATCH = 16
CALLS = 12  # of all networks, a round

Settings = Callable[[Any], None]  # changes SessionOptions


def _nothing(options: Any) -> None:
    del options


def _spinning(options: Any) -> None:
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")


def _without_arena(options: Any) -> None:
    options.enable_cpu_mem_arena = False


def _without_pattern(options: Any) -> None:
    options.enable_mem_pattern = False


def _extended(options: Any) -> None:
    options.graph_optimization_level = require_runtime().GraphOptimizationLevel.ORT_ENABLE_EXTENDED


def _basic(options: Any) -> None:
    options.graph_optimization_level = require_runtime().GraphOptimizationLevel.ORT_ENABLE_BASIC


SETTINGS: dict[str, Settings] = {
    "as clockread has it": _nothing,
    "threads that wait spin": _spinning,
    "no memory arena": _without_arena,
    "no memory pattern": _without_pattern,
    "optimization level extended": _extended,
    "optimization level basic": _basic,
}


def sessions(
    entries: list[ModelEntry], threads: int, change: Settings
) -> list[tuple[Any, dict[str, Any]]]:
    """A session for each network and its one input's shape."""
    runtime = require_runtime()
    out = []
    for entry in entries:
        options = session_options(runtime, threads)
        change(options)
        session = runtime.InferenceSession(
            model_bytes(entry), options, providers=["CPUExecutionProvider"]
        )
        ((name, spec),) = entry.inputs.items()
        out.append((session, {name: [int(side) for side in spec.shape[1:]]}))
    return out


def _run(opened: list[tuple[Any, dict[str, Any]]], batch: int, calls: int) -> None:
    for session, shapes in opened:
        feed = {name: np.zeros((batch, *shape), np.uint8) for name, shape in shapes.items()}
        for _ in range(calls):
            session.run(None, feed)


def main(
    model: Annotated[str, typer.Option(help="Model of the manifest.")] = "auto",
    rounds: Annotated[int, typer.Option(min=1, help="Measured rounds, after one that is not.")] = 7,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads; by default those this process may use.")
    ] = None,
) -> None:
    """Measure every setting."""
    count = threads or usable_threads()
    manifest = load_manifest()
    entries = list(manifest.models[manifest.name(model, "cpu")].values())
    single = {name: sessions(entries, count, change) for name, change in SETTINGS.items()}
    bulk = {name: sessions(entries, 1, change) for name, change in SETTINGS.items()}
    latency: dict[str, list[float]] = {name: [] for name in SETTINGS}
    rate: dict[str, list[float]] = {name: [] for name in SETTINGS}
    with ThreadPoolExecutor(count) as pool:
        for turn in range(rounds + 1):
            for name in SETTINGS:
                before = time.perf_counter()
                _run(single[name], 1, CALLS)
                between = time.perf_counter()
                list(pool.map(_run, [bulk[name]] * count, [BULK_BATCH] * count, [CALLS] * count))
                after = time.perf_counter()
                if turn:
                    latency[name].append(1000 * (between - before) / CALLS)
                    rate[name].append(count * CALLS * BULK_BATCH / (after - between))
    table = Table(
        title=f"finder, pose and hands once each; {count} threads; median (lowest-highest) of {rounds} rounds"
    )
    for column in ("", "one at a time, ms", f"in bulk by {BULK_BATCH}, a second"):
        table.add_column(column, justify="left" if not column else "right")
    for name in SETTINGS:
        cells = [
            f"{median(v):.{d}f} ({min(v):.{d}f}-{max(v):.{d}f})"
            for v, d in ((latency[name], 2), (rate[name], 0))
        ]
        table.add_row(name, *cells)
    Console(width=120).print(table)


if __name__ == "__main__":
    typer.run(main)
