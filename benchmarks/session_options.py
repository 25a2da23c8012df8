"""Effect of onnxruntime's session options: `python -m benchmarks.session_options`.

All settings take turns for several rounds: the networks on one dial or photo with all threads (as
with a camera), and in bulk as in `clockread predict`, one worker per thread with one-threaded
sessions. `clockread.runtime.providers` uses the best setting.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

import numpy as np
import typer

from benchmarks.options import ModelOption, RoundsOption, ThreadsOption
from benchmarks.tables import print_table
from clockread.runtime.cpus import usable_threads
from clockread.runtime.manifest import ModelEntry, load_manifest, model_bytes
from clockread.runtime.providers import require_runtime, session_options

BULK_BATCH = 16
CALLS = 12  # of all networks, per round

Settings = Callable[[Any], None]  # changes SessionOptions


def _unchanged(options: Any) -> None:
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
    "clockread's setting": _unchanged,
    "waiting threads spin": _spinning,
    "no memory arena": _without_arena,
    "no memory pattern": _without_pattern,
    "optimization level extended": _extended,
    "optimization level basic": _basic,
}


def sessions(
    entries: list[ModelEntry], threads: int, change: Settings
) -> list[tuple[Any, dict[str, Any]]]:
    """Return a session for each network with its one input's shape by name.

    Args:
        entries: networks of a model
        threads: per session
        change: changes clockread's session options

    """
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
    model: ModelOption = "auto",
    rounds: RoundsOption = 7,
    threads: ThreadsOption = None,
) -> None:
    """Measure every setting."""
    count = threads or usable_threads()
    manifest = load_manifest()
    networks = manifest.models[manifest.name(model, "cpu")]
    entries = list(networks.values())
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
    print_table(
        f"{', '.join(networks)} once each; {count} threads; median (range) of {rounds} rounds",
        ("", "one at a time, ms", f"in bulk by {BULK_BATCH}, per second"),
        [(name, _spread(latency[name], 2), _spread(rate[name], 0)) for name in SETTINGS],
    )


def _spread(values: list[float], digits: int) -> str:
    low, middle, high = (f"{v:.{digits}f}" for v in (min(values), median(values), max(values)))
    return f"{middle} ({low}-{high})"


if __name__ == "__main__":
    typer.run(main)
