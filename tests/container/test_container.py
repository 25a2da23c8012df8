"""The Dockerfile, the compose file, and the unit and manifest on the page about containers."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from conftest import ROOT

from clockread.cli.app import app
from clockread.page.site import EXAMPLES

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The code block of the page in a language."""
    found = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def options_of(arguments: list[str]) -> dict[str, Any]:
    """The options of a serve command; an unknown one raises."""
    assert arguments[0] == "serve"
    command: Any = typer.main.get_command(app)
    parameters = command.commands["serve"].make_context("serve", arguments[1:]).params
    return dict(parameters)


def instruction(name: str) -> list[str]:
    """The arguments of the last instruction of a name, in its JSON form."""
    line = re.findall(rf"^\s*{name} (\[.*\])$", DOCKERFILE, re.MULTILINE)[-1]
    return list(json.loads(line))


def test_the_linter_has_no_remark_on_the_dockerfile() -> None:
    hadolint = shutil.which("hadolint") or shutil.which(
        "hadolint", path=Path(sys.executable).parent
    )
    if hadolint is None:
        pytest.skip("hadolint comes with the lint extra")
    done = subprocess.run(
        [hadolint, "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout + done.stderr == ""


def test_the_image_serves_on_all_addresses_as_a_user_without_rights() -> None:
    assert instruction("ENTRYPOINT") == ["clockread"]
    assert options_of(instruction("CMD"))["host"] == "0.0.0.0"
    assert re.findall(r"^USER (\d+):\d+$", DOCKERFILE, re.MULTILINE) == ["10001"]
    (check,) = re.findall(r'^    CMD \["python", "-c", "(.*)"\]$', DOCKERFILE, re.MULTILINE)
    assert "/healthz" in check
    compile(check, "health check", "exec")


def test_the_build_gets_all_files_that_the_wheel_needs() -> None:
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {line[1:] for line in kept if line.startswith("!")}
    needed = {"clockread", "pyproject.toml", "README.md", "LICENSE", "hatch_build.py"}
    assert needed | {"exported/*.onnx", "exported/manifest.json"} <= allowed
    assert {f"examples/*{Path(name).suffix}" for name in EXAMPLES} <= allowed
    assert kept[1] == "*"


def test_the_image_builds_an_opencv_that_the_extra_allows() -> None:
    requirements = pytest.importorskip("packaging.requirements", reason="compares versions")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (text,) = re.findall(r'^cpu = \[.*"(opencv-python-headless.*?)"\]$', project, re.MULTILINE)
    (version,) = re.findall(r"^ARG OPENCV=(.*)$", DOCKERFILE, re.MULTILINE)
    assert requirements.Requirement(text).specifier.contains(version)


def test_the_compose_file_limits_the_container() -> None:
    yaml = pytest.importorskip("yaml", reason="reads the compose file")
    service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["clockread"]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["ports"] == ["127.0.0.1:8000:8000"]
    assert options_of(service["command"])["token_file"] == Path("/run/secrets/token")


def test_the_manifest_for_kubernetes_has_options_and_probes_that_exist() -> None:
    yaml = pytest.importorskip("yaml", reason="reads the manifest")
    pod = yaml.safe_load(block("yaml"))["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    options = options_of(container["args"])
    assert options["drain_delay"] + 60 < pod["terminationGracePeriodSeconds"]
    paths = {container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness")}
    assert paths == {"/readyz", "/healthz"}
    assert container["securityContext"]["readOnlyRootFilesystem"]


def test_the_systemd_unit_starts_a_command_that_exists(tmp_path: Path) -> None:
    unit = block("ini")
    (command,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    assert options_of(shlex.split(command)[1:])["token_file"].name == "token"
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("the rest needs systemd-analyze")
    path = tmp_path / "clockread.service"
    path.write_text(re.sub("^ExecStart=.*$", "ExecStart=/bin/true", unit, flags=re.MULTILINE))
    done = subprocess.run([analyze, "verify", path], capture_output=True, text=True, check=False)
    assert "clockread.service" not in done.stderr
