"""`clockread page`: its files, onnxruntime-web, and errors of one line."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from pathlib import Path

import pytest
from conftest import EXAMPLES, ROOT
from typer.testing import CliRunner

from clockread.cli import app as cli
from clockread.errors import OutputError, PageError
from clockread.page import one_file, runtime
from clockread.page.site import write_site

WEB = ROOT / "web"
FAKE = {
    "ort.wasm.bundle.min.mjs": b"var a=import.meta.url;export{a as env};\n",
    "ort-wasm-simd-threaded.wasm": b"\0asm fake",
}


@pytest.fixture
def fake_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files whose hashes are expected instead of onnxruntime-web's."""
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in FAKE.items()}
    monkeypatch.setattr(runtime, "SHA256", hashes)
    monkeypatch.setenv("CLOCKREAD_DATA", str(tmp_path / "data"))
    folder = tmp_path / "dist"
    folder.mkdir()
    for name, data in FAKE.items():
        (folder / name).write_bytes(data)
    return folder


def package(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(f"package/dist/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def fake_npm(folder: Path, script: str) -> Path:
    folder.mkdir()
    npm = folder / "npm"
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(0o755)
    return folder


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, ["page", *map(str, arguments)])
    return result.exit_code, result.output


def test_a_site_has_the_page_the_models_and_the_runtime(fake_runtime: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "site"
    code, output = run(folder, "--runtime", fake_runtime)
    assert (code, output.count("\n")) == (0, 1)
    for name in ("reader-small.onnx", "reader-int8.onnx", "hands-int8.onnx"):
        copy = folder / "models" / name
        assert copy.read_bytes() == (ROOT / "exported" / name).read_bytes()
    assert (folder / "examples" / "wall.jpg").read_bytes() == (EXAMPLES / "wall.jpg").read_bytes()
    assert (folder / "index.html").read_bytes() == (WEB / "index.html").read_bytes()
    worker = (folder / "service-worker.js").read_text(encoding="utf-8")
    listed = json.loads(worker.partition("FILES = ")[2].partition(";")[0])
    files = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert set(listed) - {"./"} == files - {"service-worker.js"}


def test_the_version_of_a_site_changes_with_its_files(
    fake_runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "site"

    def version() -> str:
        write_site(folder, fake_runtime)
        return (folder / "service-worker.js").read_text(encoding="utf-8").split('"')[1]

    before = version()
    assert version() == before
    name = "ort-wasm-simd-threaded.wasm"
    (fake_runtime / name).write_bytes(b"newer")
    newer = runtime.SHA256 | {name: hashlib.sha256(b"newer").hexdigest()}
    monkeypatch.setattr(runtime, "SHA256", newer)
    assert version() != before


def test_other_files_of_the_folder_stay(fake_runtime: Path, tmp_path: Path) -> None:
    (tmp_path / "CNAME").write_text("clocks")
    write_site(tmp_path, fake_runtime)
    assert (tmp_path / "CNAME").read_text() == "clocks"


def test_one_file_has_everything_and_its_policy_fits(fake_runtime: Path, tmp_path: Path) -> None:
    path = tmp_path / "clockread.html"
    code, _ = run(path, "--one-file", "--runtime", fake_runtime)
    html = path.read_text(encoding="utf-8")
    assert code == 0
    assert re.search(r"<(?:link|script)[^>]* (?:src|href)=", html) is None
    assert 'data-still="small"' in html
    assert 'data-file="worker.js" data-type="text/javascript"' in html
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    for kind, tag in (("script", '<script type="module">'), ("style", "<style>")):
        text = html.partition(tag)[2].partition(f"</{kind}>")[0]
        digest = one_file.base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy[1]
    assert "'self'" not in policy[1]


@pytest.mark.parametrize("main", ["main.js", "worker.js"])
def test_bundled_modules_have_different_names(main: str) -> None:
    files = {path.name: path.read_bytes() for path in WEB.iterdir()}
    script = one_file.bundled(files, main)
    assert re.search(r"^(?:import|export)\b", script, re.MULTILINE) is None
    pattern = r"^(?:async )?(?:const|let|function|class) (\w+|\{[^}]*\}|\$)"
    names = re.findall(pattern, script, re.MULTILINE)
    assert len(names) > 10
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_the_page_names_no_other_host() -> None:
    for path in sorted(WEB.iterdir()):
        hosts = set(re.findall(r"https?://[\w.]+", path.read_text(encoding="utf-8")))
        assert hosts <= {"http://www.w3.org"}, path.name  # the names of SVG and its like


def test_a_package_file_serves_as_runtime(fake_runtime: Path, tmp_path: Path) -> None:
    assert runtime.runtime_files(package(tmp_path / "x.tgz", FAKE)) == FAKE


def test_npm_is_asked_once(
    fake_runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = package(tmp_path / "package", FAKE)
    monkeypatch.setenv("PATH", str(fake_npm(tmp_path / "bin", f'/bin/cp "{archive}" ./p.tgz')))
    assert runtime.runtime_files() == FAKE
    monkeypatch.setenv("PATH", str(tmp_path))
    assert runtime.runtime_files() == FAKE
    kept = tmp_path / "data" / f"onnxruntime-web-{runtime.VERSION}" / "ort-wasm-simd-threaded.wasm"
    kept.write_bytes(b"damaged")
    with pytest.raises(PageError, match="npm is not installed"):
        runtime.runtime_files()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 'npm error ENOTFOUND' >&2; exit 1", "npm error ENOTFOUND"),
        ("exit 0", "it gave no reason"),
        ("echo text > p.tgz", "is not the package"),
    ],
)
def test_a_failing_npm_is_one_line_with_a_remedy(
    fake_runtime: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    script: str,
    message: str,
) -> None:
    monkeypatch.setenv("PATH", str(fake_npm(tmp_path / "bin", script)))
    code, _ = run(tmp_path / "site")
    assert code == 2
    assert not (tmp_path / "site").exists()
    with pytest.raises(PageError, match=message) as error:
        runtime.runtime_files()
    assert "--runtime" in str(error.value)
    assert "\n" not in str(error.value)


def test_files_of_another_version_are_refused(fake_runtime: Path) -> None:
    (fake_runtime / "ort-wasm-simd-threaded.wasm").write_bytes(b"older")
    with pytest.raises(PageError, match=r"damaged or not of onnxruntime-web@\d"):
        runtime.runtime_files(fake_runtime)
    with pytest.raises(PageError, match=r"has no ort\.wasm\.bundle"):
        runtime.runtime_files(EXAMPLES)


def test_a_folder_that_cannot_be_written_is_an_error(fake_runtime: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        write_site(tmp_path / "file" / "site", fake_runtime)
    code, _ = run(tmp_path / "file" / "site", "--runtime", fake_runtime)
    assert code == 1


@pytest.mark.parametrize("one", [True, False])
def test_a_page_of_another_origin_is_not_replaced(
    one: bool, fake_runtime: Path, tmp_path: Path
) -> None:
    page = tmp_path / ("my.html" if one else "index.html")
    page.write_text("<title>mine</title>")
    place = [page, "--one-file"] if one else [tmp_path]
    code, output = run(*place, "--runtime", fake_runtime)
    assert code != 0
    assert (
        output
        == f"clockread: {page}: not written by clockread; remove it, or choose another place\n"
    )
    assert page.read_text() == "<title>mine</title>"
    page.unlink()
    for _ in range(2):  # the second replaces the first
        assert run(*place, "--runtime", fake_runtime)[0] == 0


def test_a_file_for_a_folder_and_a_folder_for_a_file(fake_runtime: Path, tmp_path: Path) -> None:
    file = tmp_path / "file.html"
    file.write_text("")
    for place, problem in (
        ([file], f"{file}: a file, not a folder; choose another path"),
        ([tmp_path, "--one-file"], f"{tmp_path}: a folder; name an HTML file"),
    ):
        code, output = run(*place, "--runtime", fake_runtime)
        assert (code != 0, output) == (True, f"clockread: {problem}\n")


def test_a_wrong_path_is_wrong_usage_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "runtime_files", None)
    (tmp_path / "file").write_text("in the way")
    assert run(tmp_path / "file")[0] == 2
    assert run(tmp_path, "--one-file")[0] == 2
    with pytest.raises(PageError, match="a file, not a folder; choose another"):
        write_site(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "in the way"
