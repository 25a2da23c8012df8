"""What the command line names, through the whole command with a reader that finds nothing."""

from __future__ import annotations

import codecs
import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import BlindReader
from PIL import Image

from clockread import file_access
from clockread.cli import app as cli
from clockread.cli import readers
from clockread.cli.inputs import find_photos, frames_in
from clockread.cli.overlays import OverlayFolder
from clockread.parallel import Entry

Run = Callable[..., tuple[int, list[dict[str, object]], str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setattr(readers, "make_reader", lambda *_, **__: BlindReader())

    def call(*arguments: object) -> tuple[int, list[dict[str, object]], str]:
        with pytest.raises(SystemExit) as caught:
            cli.main(["predict", *(str(argument) for argument in arguments), "--format", "jsonl"])
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), [json.loads(line) for line in out.splitlines()], err

    return call


def save(path: Path, *greys: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = [Image.fromarray(np.full((40, 60), grey, np.uint8)) for grey in greys or (120,)]
    frames[0].save(
        path, **({"save_all": True, "append_images": frames[1:]} if len(frames) > 1 else {})
    )
    return path


def names(results: list[dict[str, object]]) -> list[str]:
    return [Path(str(result["path"])).name for result in results]


def test_what_is_passed_over_in_a_folder_is_said(tmp_path: Path, run: Run) -> None:
    save(tmp_path / "a.jpg")
    for name in ("b.mov", "c.MOV", "notes"):
        (tmp_path / name).write_bytes(b"x")
    code, results, err = run(tmp_path)
    assert (code, names(results)) == (0, ["a.jpg"])
    assert err == "clockread: skipped files: 2 .mov, 1 without a suffix\n"
    assert run(tmp_path, "--quiet")[2] == ""


def test_a_subfolder_that_cannot_be_listed_is_one_error(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "a.png")
    save(tmp_path / "lost+found" / "b.png")
    listed = Path.iterdir

    def refuse(path: Path) -> object:
        if path.name == "lost+found":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    code, results, _ = run(tmp_path)
    assert (code, names(results)) == (1, ["a.png", "lost+found"])
    assert "Permission denied" in str(results[1]["error"])


def test_patterns_that_a_shell_left_alone_are_expanded(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("b.png", "a.png", "sub/c.png", "[x].png"):
        save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert names(run("*.png")[1]) == ["[x].png", "a.png", "b.png"]
    assert names(run("**/c.png")[1]) == ["c.png"]
    assert names(run("[x].png")[1]) == ["[x].png"], "a file of this very name counts first"
    code, results, _ = run("*.tif")
    assert (code, names(results)) == (1, ["*.tif"])
    assert results[0]["error"] == "*.tif: no file matches this pattern; check it"


def test_a_pattern_that_matches_folders_reads_each_photo_once(tmp_path: Path, run: Run) -> None:
    for name in ("a.png", "sub/b.png", "sub/below/c.png"):
        save(tmp_path / name)
    (tmp_path / "sub" / "notes.txt").touch()
    code, results, err = run(f"{tmp_path}/**")
    assert (code, names(results)) == (0, ["a.png", "b.png", "c.png"])
    assert err == "clockread: skipped files: 1 .txt\n"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\0"])
def test_a_list_of_paths(tmp_path: Path, run: Run, end: bytes) -> None:
    paths = [save(tmp_path / name) for name in ("b.png", "a b.png", "sub/c.png")]
    listed = tmp_path / "list.txt"
    listed.write_bytes(end.join(os.fsencode(path) for path in [*paths[:2], tmp_path / "sub"]) + end)
    code, results, _ = run("--files-from", listed, *(["-0"] if end == b"\0" else []))
    assert (code, names(results)) == (0, ["b.png", "a b.png", "c.png"])
    assert (
        names(run(paths[1], "--files-from", listed, *(["--null"] if end == b"\0" else []))[1])[0]
        == "a b.png"
    )


def test_a_byte_order_mark_is_no_part_of_the_first_path(tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_bytes(codecs.BOM_UTF8 + b"a.png\n\xff.png\n")
    photos = find_photos([], None, files_from=str(listed))
    assert [entry.name for entry in photos.entries] == ["a.png", os.fsdecode(b"\xff.png")]
    nothing = find_photos([], io.BytesIO(codecs.BOM_UTF8), files_from="-")
    assert nothing.entries == []


def test_a_list_on_standard_input(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png")
    photos = find_photos(["-"], io.BytesIO(os.fsencode(path)), files_from="-")
    assert [(entry.name, bool(entry.error)) for entry in photos.entries] == [
        ("-", True),
        (str(path), False),
    ]


def test_a_list_that_is_not_there_is_wrong_usage(tmp_path: Path, run: Run) -> None:
    code, results, err = run("--files-from", tmp_path / "none.txt")
    assert (code, results) == (2, [])
    assert "cannot be read" in err
    assert run()[0] == 2, "neither paths nor a list"


def test_closed_standard_input() -> None:
    (entry,) = find_photos(["-"], None).entries
    assert "standard input is closed" in str(entry.error)


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no descriptors with names here")
def test_a_pipe_of_the_shell_is_read(tmp_path: Path, run: Run) -> None:
    data = save(tmp_path / "a.png").read_bytes()
    out, into = os.pipe()
    os.write(into, data)
    os.close(into)
    code, results, _ = run(f"/dev/fd/{out}")
    os.close(out)
    assert (code, results[0]["width"]) == (0, 60)


def test_frames(tmp_path: Path, run: Run) -> None:
    path, still = save(tmp_path / "a.gif", 200, 120, 40), save(tmp_path / "b.png")
    code, results, _ = run(path, still)
    assert (code, names(results)) == (0, ["a.gif", "b.png"])
    assert results[0]["notes"] == ["the first of 3 frames; the option frames=all reads each"]
    code, results, _ = run(path, still, tmp_path / "none.gif", "--frames", "all")
    assert (code, names(results)) == (1, ["a.gif#1", "a.gif#2", "a.gif#3", "b.png", "none.gif"])
    assert [result["notes"] for result in results[:4]] == [[]] * 4


def test_frames_have_overlays_of_their_own(tmp_path: Path, run: Run) -> None:
    path = save(tmp_path / "a.gif", 200, 120, 40)
    assert run(path, "--frames", "all", "--save-overlay", tmp_path / "out")[0] == 0
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_the_names_of_many_overlays_are_found_in_one_step_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = [str(tmp_path / "a-3.overlay.jpg")]
    overlays = OverlayFolder(tmp_path, inputs)
    resolve, calls = os.path.realpath, []

    def counted(path: str) -> str:
        calls.append(path)
        return resolve(path)

    monkeypatch.setattr(os.path, "realpath", counted)
    paths = [overlays.path_for(f"{'aA'[i % 2]}.gif#{i}") for i in range(500)]
    assert [path.name for path in paths[:4]] == [
        f"{stem}.overlay.jpg" for stem in ("a", "A-2", "a-4", "A-5")
    ]
    assert overlays.path_for("a-2.png").name == "a-2-2.overlay.jpg"
    assert len({path.name.casefold() for path in paths}) == 500
    assert len(calls) < 510


def cut_animation(path: Path) -> Path:
    """A file whose third and last frame is cut off."""
    noise = np.random.default_rng(0).integers(0, 256, (3, 120, 160), dtype=np.uint8)
    first, *others = map(Image.fromarray, noise)
    first.save(path, save_all=True, append_images=others)
    path.write_bytes(path.read_bytes()[:-5000])
    return path


def test_the_frames_of_a_cut_file_are_read_on_request(tmp_path: Path, run: Run) -> None:
    path = cut_animation(tmp_path / "a.gif")
    assert run(path, "--lenient")[0] == 0
    code, results, _ = run(path, "--frames", "all")
    assert (code, names(results)) == (1, ["a.gif#1", "a.gif#2", "a.gif"])
    assert "with the option lenient" in str(results[2]["error"])
    code, results, _ = run(path, "--frames", "all", "--lenient")
    assert (code, names(results)) == (0, ["a.gif#1", "a.gif#2", "a.gif#3"])
    assert [bool(result["notes"]) for result in results] == [False, False, True]
    assert "only a part" in str(results[2]["notes"])


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no descriptors with names here")
def test_all_frames_of_a_pipe_are_read(tmp_path: Path, run: Run) -> None:
    data = save(tmp_path / "a.gif", 200, 120, 40).read_bytes()
    out, into = os.pipe()
    os.write(into, data)
    os.close(into)
    pipe = f"/dev/fd/{out}"
    code, results, _ = run(pipe, "--frames", "all")
    os.close(out)
    assert (code, [result["path"] for result in results]) == (0, [f"{pipe}#{i}" for i in (1, 2, 3)])
    assert [result["notes"] for result in results] == [[]] * 3


def test_a_silent_pipe_is_one_error_with_all_frames_too(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_access, "PIPE_WAIT", 0.05)
    out, into = os.pipe()
    still = save(tmp_path / "a.png")
    code, results, _ = run(f"/dev/fd/{out}", still, "--frames", "all")
    os.close(into)
    os.close(out)
    assert (code, results[1]["error"]) == (1, None)
    assert "nothing was written" in str(results[0]["error"])


def test_a_photo_that_is_cut_off_is_read_on_request(tmp_path: Path, run: Run) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (120, 160), dtype=np.uint8)
    path = tmp_path / "a.jpg"
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:-3000])
    code, results, _ = run(path)
    assert code == 1
    assert "with the option lenient" in str(results[0]["error"])
    code, results, _ = run(path, "--lenient")
    assert (code, results[0]["error"]) == (0, None)
    assert "only a part" in str(results[0]["notes"])


def test_own_overlays_are_never_read(tmp_path: Path, run: Run) -> None:
    photo = save(tmp_path / "a.png")
    for _ in range(3):
        assert names(run(tmp_path, "--save-overlay", tmp_path)[1]) == ["a.png"]
    overlay = tmp_path / "a.overlay.jpg"
    code, results, err = run(photo, overlay)  # as a shell expands *
    assert (code, names(results)) == (0, ["a.png"])
    assert "1 drawn by clockread" in err
    save(tmp_path / "b.overlay.jpg")  # a photo that happens to be called so
    assert names(run(tmp_path / "b.overlay.jpg")[1]) == ["b.overlay.jpg"]


def test_an_overlay_of_a_pipe_is_drawn(tmp_path: Path, run: Run) -> None:
    """What a pipe gave is kept: it cannot be read twice."""
    data = save(tmp_path / "a.png").read_bytes()
    out, into = os.pipe()
    os.write(into, data)
    os.close(into)
    assert run(f"/dev/fd/{out}", "--save-overlay", tmp_path / "out")[0] == 0
    os.close(out)
    assert len(list((tmp_path / "out").iterdir())) == 1


@pytest.mark.parametrize(
    "name",
    [
        "a\u202fb.png",
        "a\u00a0b.png",
        "\u3000.png",
        "a\u200db.png",
        "\N{SMILING FACE WITH SUNGLASSES}.png",
        " a .png",
    ],
)
def test_names_are_given_back_as_they_are(
    tmp_path: Path, name: str, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save(tmp_path / name)
    (result,) = run(tmp_path)[1]
    assert result["path"] == str(path)
    with pytest.raises(SystemExit):
        cli.main(["predict", str(path), "--format", "csv"])
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert row["path"] == str(path)
    with pytest.raises(SystemExit):
        cli.main(["predict", str(path)])
    assert str(path) in capsys.readouterr().out


class Keyboard(io.BytesIO):
    def isatty(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        raise AssertionError("a person is waited for")


def test_a_terminal_as_standard_input_is_not_waited_for() -> None:
    (entry,) = find_photos(["-"], Keyboard()).entries
    assert (
        entry.error
        == "-: standard input is a terminal; send a photo into it: clockread predict - < photo.jpg"
    )


def test_names_stay_as_given(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "a.png")
    save(tmp_path / "sub" / "b.png")
    monkeypatch.chdir(tmp_path)
    _, results, _ = run("./a.png", "sub/../a.png", "sub")
    assert [result["path"] for result in results] == [
        "./a.png",
        "sub/../a.png",
        f"sub{os.sep}b.png",
    ]


def test_an_entry_that_cannot_be_read_counts_as_one() -> None:
    assert frames_in(Entry("a.png", None, "a.png: no such file")) == 1
    assert frames_in(Entry("a.png", b"not a photo")) == 1
