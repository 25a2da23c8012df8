"""The load and the faults of the server, in small: `python -m benchmarks.serve_load PHOTOS`."""

from __future__ import annotations

import json
from importlib.util import find_spec

import pytest
from conftest import EXAMPLES

pytest.importorskip("onnxruntime", reason="reading needs onnxruntime")
pytest.importorskip("fastapi", reason="the server needs the serve extra")
pytest.importorskip("psutil", reason="the benchmark needs the load extra")
pytest.importorskip("benchmarks", reason="benchmarks/ is not here")

from benchmarks import serve_load

REQUESTS = 100

# Only the clients' processes import it: gevent, which it imports, changes the standard library.
if find_spec("locust") is None:
    pytest.skip("the clients need the load extra", allow_module_level=True)


@pytest.mark.slow
def test_no_request_is_lost_or_answered_wrongly_beside_faults_and_at_sigterm(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(serve_load, "SLICE_SECONDS", 8.0)
    monkeypatch.setattr(serve_load, "ALONE_PHOTOS", 5)
    serve_load.main(EXAMPLES, requests=REQUESTS, clients=4, seconds=3.0, rounds=1, model="int8")
    report = json.loads(capsys.readouterr().out)
    assert report["requests_with_faults"] >= REQUESTS
    assert report["with_faults"]["faults"] > 10
    assert [report[name]["messages"] for name in ("half_load", "with_faults")] == [{}, {}]
    assert report["failures_at_full_load"] == [{}]
    assert report["server_log"]["internal_errors"] == 0
    at_sigterm = report["at_sigterm"]
    assert at_sigterm["status 200"] > 0
    assert (at_sigterm["lost"], at_sigterm["exit_code"]) == (0, 0)


def test_percentiles_count_every_request_of_a_time() -> None:
    times = [(10.0, 98), (20.0, 1), (500.0, 1)]
    assert serve_load.percentile(times, 0.5) == 10
    assert serve_load.percentile(times, 0.99) == 20
    assert serve_load.percentile(times, 1.0) == 500
    assert serve_load.percentile([], 0.99) == 0
