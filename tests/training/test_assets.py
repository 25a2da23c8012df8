from __future__ import annotations

import json
import re
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("PIL")
pytest.importorskip("matplotlib")

from training import assets, packages


def encoded(image: np.ndarray, suffix: str = ".png") -> bytes:
    return cv2.imencode(suffix, image)[1].tobytes()


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_without_a_cache_there_are_no_photographs_but_there_are_typefaces(tmp_path: Path) -> None:
    assert assets.background_photos(tmp_path) == []
    found = assets.fonts(tmp_path)
    assert len(found) >= 4
    assert found == sorted(found)
    assert all(path.name.startswith("DejaVu") and assets.draws_numerals(path) for path in found)


def test_the_cache_folder_is_the_argument_then_the_variable_then_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOCKREAD_DATA", str(tmp_path / "named"))
    assert assets.data_folder(tmp_path) == tmp_path
    assert assets.data_folder() == tmp_path / "named"
    monkeypatch.delenv("CLOCKREAD_DATA")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    assert assets.data_folder() == tmp_path / "home" / ".cache" / "clockread"


def test_photographs_come_back_in_the_order_they_were_stored(tmp_path: Path) -> None:
    stored = {f"{index:04d}": np.full((4 + index, 5), index, np.uint8) for index in (2, 0, 1)}
    np.savez(tmp_path / "backgrounds.npz", **stored)
    assert assets.background_photos(tmp_path) == [], "the listing is written last"
    (tmp_path / assets.LISTING).write_text("{}")
    photos = assets.background_photos(tmp_path)
    assert [int(photo[0, 0]) for photo in photos] == [0, 1, 2]
    assert all(photo.dtype == np.uint8 and photo.ndim == 2 for photo in photos)


def test_collected_typefaces_come_before_the_bundled_ones(tmp_path: Path) -> None:
    (tmp_path / "fonts").mkdir()
    for name in ("b.otf", "a.TTF", "c.txt", "unlisted.ttf"):
        (tmp_path / "fonts" / name).touch()
    assert [path.name for path in assets.fonts(tmp_path)][:1] == ["DejaVuSans-Bold.ttf"]
    fonts = [{"file": name} for name in ("b.otf", "a.TTF", "gone.ttf")]
    (tmp_path / assets.LISTING).write_text(json.dumps({"fonts": fonts}))
    assert [path.name for path in assets.fonts(tmp_path)] == ["a.TTF", "b.otf"]
    (tmp_path / assets.LISTING).write_text(json.dumps({"fonts": []}))
    assert [path.name for path in assets.fonts(tmp_path)][:1] == ["DejaVuSans-Bold.ttf"]


def test_collecting_typefaces_deletes_no_other_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, package = tmp_path / "fonts", tmp_path / "package"
    for file in (folder / "mine.ttf", folder / "mine" / "letter.txt", package / "usr" / "A.ttf"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(file.name)
    monkeypatch.setattr(assets, "FONT_FILES", {"fonts-a": ("A.ttf",), "fonts-b": ("B.ttf",)})
    monkeypatch.setattr(
        assets, "_unpacked", lambda _, name, to: package if name[-1] == "a" else None
    )
    monkeypatch.setattr(assets, "draws_numerals", lambda path: True)
    entries = assets._collect_fonts(tmp_path, folder)
    assert [entry["file"] for entry in entries] == ["A.ttf"]
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == [
        "A.ttf",
        "letter.txt",
        "mine.ttf",
    ]


def test_the_version_is_that_of_the_listing(tmp_path: Path) -> None:
    assert assets.artwork_version(tmp_path) == "plain"
    (tmp_path / assets.LISTING).write_text("abc")
    assert assets.artwork_version(tmp_path) == "ba7816bf"  # sha256 of "abc", FIPS 180-2


def test_a_typeface_without_letters_or_no_typeface_at_all_is_refused(tmp_path: Path) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    symbols = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "STIXSizOneSymReg.ttf"
    assert symbols.is_file()
    assert not assets.draws_numerals(symbols)
    (tmp_path / "text.ttf").write_text("no typeface", encoding="utf-8")
    assert not assets.draws_numerals(tmp_path / "text.ttf")
    assert not assets.draws_numerals(tmp_path / "missing.ttf")


def test_photographs_become_grey_and_at_most_768_pixels_long() -> None:
    photo = assets._decode(
        encoded(cv2.resize(noise(30, 20), (1000, 1500), interpolation=cv2.INTER_NEAREST))
    )
    assert photo is not None
    assert photo.shape == (768, 512)
    assert photo.dtype == np.uint8
    small = assets._decode(encoded(noise(300, 250, 1)))
    assert small is not None
    assert small.shape == (300, 250), "nothing is enlarged"


def test_a_16_bit_photograph_keeps_its_tones() -> None:
    photo = assets._decode(encoded(noise(300, 300, 1).astype(np.uint16) * 257))
    assert photo is not None
    assert abs(float(photo.mean()) - 127.5) < 3


def cut_out(transparent: float) -> np.ndarray:
    image = noise(300, 300, 4)
    image[..., 3] = 255
    image[: int(300 * transparent), :, 3] = 0
    return image


@pytest.mark.parametrize(
    "blob",
    [
        encoded(noise(199, 600)),
        encoded(np.full((400, 400, 3), 90, np.uint8)),
        encoded(cut_out(0.3)),
        b"no image",
    ],
    ids=["small", "flat", "cut out", "text"],
)
def test_what_is_no_photograph_is_dropped(blob: bytes) -> None:
    assert assets._decode(blob) is None


def test_an_opaque_alpha_channel_is_no_reason_to_drop() -> None:
    assert assets._decode(encoded(cut_out(0.0))) is not None


def test_webp_files_are_carved_whole_out_of_an_archive() -> None:
    first, second = encoded(noise(20, 30, seed=1), ".webp"), encoded(noise(25, 20, seed=2), ".webp")
    decoys = b"RIFF" + struct.pack("<I", 4) + b"WAVE", b"RIFF" + struct.pack("<I", 10**6) + b"WEBP"
    data = b"qres" + first + decoys[0] + b"\x00\x01" + second + decoys[1]
    assert list(packages.carve_webp(data)) == [
        (4, first),
        (4 + len(first) + len(decoys[0]) + 2, second),
    ]
    assert list(packages.carve_webp(first[:-1])) == []


def test_a_machine_without_package_managers_collects_nothing_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages.shutil, "which", lambda name: None)
    (tmp_path / assets.LISTING).write_text("of an earlier collection")
    result = CliRunner().invoke(assets.app, ["collect", "--cache", str(tmp_path)])
    assert result.exit_code == 0
    assert result.output.endswith("version plain\n")
    assert assets.artwork_version(tmp_path) == assets.NOT_COLLECTED
    assert "skipped gcompris-qt-data: apt-get is not installed" in result.output
    assert assets.background_photos(tmp_path) == []
    assert assets.fonts(tmp_path), "the bundled typefaces still serve"


def test_collecting_drops_clocks_and_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Coarse blocks, so that two pictures differ in their thumbnails as photographs do.
    pictures = [
        encoded(cv2.resize(noise(8, 8, seed=s), (300, 300), interpolation=cv2.INTER_NEAREST))
        for s in range(3)
    ]
    named = [
        ("x/a.png", pictures[0]),
        ("x/alarm-Clock.png", pictures[1]),
        ("x/b.png", pictures[0]),
        ("x/c.png", pictures[2]),
    ]
    monkeypatch.setattr(assets, "PHOTO_SOURCES", (assets.PhotoSource("package", ("*",)),))
    monkeypatch.setattr(assets, "_image_blobs", lambda source, scratch: iter(named))
    photos, entries = assets._collect_photos(tmp_path)
    assert [entry["file"] for entry in entries] == ["x/a.png", "x/c.png"]
    assert len(photos) == 2
    monkeypatch.setattr(assets, "CLOCK_IMAGES", frozenset({entries[0]["sha256"][:12]}))
    assert [entry["file"] for entry in assets._collect_photos(tmp_path)[1]] == ["x/c.png"]


def test_what_is_kept_for_testing_is_never_a_source() -> None:
    packages = {source.package for source in assets.PHOTO_SOURCES} | set(assets.FONT_FILES)
    assert not packages & {
        "openclipart",
        "openclipart-png",
        "openclipart-svg",
        "fonts-noto-color-emoji",
    }
    assert all(
        re.fullmatch(r"[0-9a-f]{12}", digest)
        for digest in assets.CLOCK_IMAGES | assets.NOT_PHOTO_IMAGES
    )


def of_half(seed: int, *, training: bool) -> bytes:
    """Return an encoded object, 60 x 80 pixels in a larger transparent picture, of either half."""
    for shade in range(256):
        picture = np.zeros((200, 220, 4), np.uint8)
        picture[30:90, 50:130] = (seed, shade, 200, 255)
        blob = encoded(picture)
        if assets.kept_for_testing(blob) != training:
            return blob
    raise AssertionError("every one is of the same half")


def test_things_are_trimmed_and_half_of_them_kept_for_testing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = [
        ("a/coin.png", of_half(1, training=True)),
        ("a/coin_mirror.png", of_half(2, training=True)),
        ("a/clock.png", of_half(3, training=True)),
        ("a/plate.png", of_half(4, training=False)),
        ("a/photo.png", encoded(noise(200, 200))),
        ("a/tiny.png", encoded(np.pad(noise(20, 20, 4), ((5, 5), (5, 5), (0, 0))))),
    ]
    monkeypatch.setattr(assets, "_image_blobs", lambda source, scratch: iter(named))
    things, entries = assets._collect_objects(tmp_path)
    assert [entry["file"] for entry in entries] == ["a/coin.png"]
    assert things[0].shape == (60, 80, 2)
    assert (things[0][..., 1] == 255).all()
    np.savez(tmp_path / "objects.npz", **{"0000": things[0]})
    (tmp_path / assets.LISTING).write_text("{}")
    assert [thing.shape for thing in assets.cut_out_objects(tmp_path)] == [(60, 80, 2)]
    assert assets.cut_out_objects(tmp_path / "elsewhere") == []


def test_things_for_testing_lie_on_white(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = [("a/coin.png", of_half(1, training=True)), ("a/plate.png", of_half(2, training=False))]
    monkeypatch.setattr(assets, "_image_blobs", lambda source, scratch: iter(named))
    assert CliRunner().invoke(assets.app, ["things", str(tmp_path)]).exit_code == 0
    written = sorted(tmp_path.iterdir())
    assert [path.name for path in written] == ["000-plate.png"]
    picture = cv2.imread(str(written[0]))
    edge = round(assets.THING_MARGIN * 80)
    assert picture.shape == (60 + 2 * edge, 80 + 2 * edge, 3)
    assert (picture[:edge] == 255).all()
    assert tuple(picture[edge + 30, edge + 40][[0, 2]]) == (2, 200)
