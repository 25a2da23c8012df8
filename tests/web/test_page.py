"""The page in Chromium: photos, camera, offline, errors, privacy and accessibility."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from conftest import EXAMPLES, GOLDEN, encode
from PIL import Image

from benchmarks.browser import chromium, served, write_video
from clockread import ClockReader
from clockread.errors import PageError
from clockread.finder import iou
from clockread.page.one_file import write_one_file
from clockread.page.site import write_site
from training.packages import PackageError, unpack

AXE = "axe-core@4.11.1"
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)
WALL = EXAMPLES / "wall.jpg"
TIMEOUT = 60_000  # milliseconds; far more than anything takes on an idle machine

pytestmark = pytest.mark.slow
REQUESTED: list[str] = []  # all URLs that the page has requested
UNREADABLE = {
    "cut.jpg": (WALL.read_bytes()[:300], "damaged or cut off"),
    "half.jpg": (WALL.read_bytes()[:9000], "damaged or cut off"),
    "empty.jpg": (b"", "empty"),
    "photo.heic": (HEIC, "cannot open HEIC"),
    "scan.tif": (b"II*\0" + bytes(60), "TIFF"),
    "paper.pdf": (b"%PDF-1.7\n" + bytes(60), "PDF"),
    "notes.txt": (b"10 past 5", "not a photo"),
}


@pytest.fixture(scope="module")
def site_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    try:
        write_site(folder)
    except PageError as error:
        pytest.skip(f"onnxruntime-web cannot be had: {error}")
    return folder


@pytest.fixture(scope="module")
def site(site_folder: Path) -> Iterator[str]:
    with served(site_folder) as url:
        yield url


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Chromium, whose camera shows examples/wall.jpg."""
    api = pytest.importorskip("playwright.sync_api", reason="needs the extra browser")
    camera = write_video(tmp_path_factory.mktemp("camera") / "wall.y4m", WALL)
    try:
        with chromium(camera) as started:
            yield started
    except api.Error as error:
        pytest.skip(f"Chromium cannot be started: {error.message.splitlines()[0]}")


@pytest.fixture(scope="module")
def opened(browser: Any, site: str) -> Iterator[Any]:
    """The page in a new profile, with all models loaded; no error may happen in it."""
    context = browser.new_context()
    context.set_default_timeout(TIMEOUT)
    errors: list[str] = []
    context.on("weberror", lambda event: errors.append(str(event.error)))
    context.on("request", lambda request: REQUESTED.append(request.url))
    page = context.new_page()
    page.goto(site)
    page.wait_for_selector("#status[data-state=offline]")
    yield page
    context.close()
    assert errors == []


@pytest.fixture
def page(opened: Any) -> Any:
    """The page without photos."""
    if opened.is_visible("#clear"):
        opened.click("#clear")
    opened.set_viewport_size({"width": 1100, "height": 800})
    opened.context.clear_permissions()
    return opened


def choose(page: Any, *files: Path | tuple[str, bytes]) -> None:
    """Choose photos, and wait until all are read or refused."""
    before = page.locator(".card").count()
    page.set_input_files("#files", [as_upload(file) for file in files])
    page.wait_for_selector(f".card >> nth={before + len(files) - 1}")
    expect(page, "#summary").not_to_contain_text("to read")


def as_upload(file: Path | tuple[str, bytes]) -> dict[str, Any]:
    name, data = file if isinstance(file, tuple) else (file.name, file.read_bytes())
    return {"name": name, "mimeType": "", "buffer": data}


def expect(page: Any, selector: str) -> Any:
    from playwright.sync_api import expect as assertion

    assertion.set_options(timeout=TIMEOUT)
    return assertion(page.locator(selector))


def copied(page: Any, what: str) -> str:
    """What a button of the results copies."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click(f"#copy-{what}")
    expect(page, "#copied").not_to_be_empty()
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_photos_show_the_same_times_as_python(page: Any, clock_reader: ClockReader) -> None:
    photos = [WALL, EXAMPLES / "two.jpg", *sorted(GOLDEN.glob("*.jpg"))]
    choose(page, *photos)
    results = json.loads(copied(page, "json"))
    assert [result["path"] for result in results] == [photo.name for photo in photos]
    same = apart = 0
    for photo, result in zip(photos, results, strict=True):
        ours = {r.time: r for r in clock_reader.read(photo)}
        for reading in result["readings"]:
            found = ours.pop(reading["time"], None)
            same, apart = same + (found is not None), apart + (found is None)
            if found is not None:
                assert iou(tuple(reading["box"]), found.box) > 0.9
        assert photo.parent == GOLDEN or not ours, f"{photo.name}: {ours} not on the page"
    assert apart <= 0.1 * same  # of the golden photos, some are doubtful on purpose


def test_results_are_copied_as_json_and_csv(page: Any) -> None:
    choose(page, EXAMPLES / "two.jpg", ('od,d".jpg', b"\xff\xd8nothing"))
    photos = json.loads(copied(page, "json"))
    rows = list(csv.DictReader(io.StringIO(copied(page, "csv"))))
    two, damaged = photos
    assert [row["time"] for row in rows] == [*(r["time"] for r in two["readings"]), ""]
    assert [row["path"] for row in rows] == ["two.jpg", "two.jpg", 'od,d".jpg']
    assert float(rows[0]["x"]) == two["readings"][0]["box"][0]
    assert (two["width"], two["height"], two["error"]) == (640, 480, None)
    assert "damaged" in damaged["error"]
    assert rows[2]["error"] == damaged["error"]


def test_a_dial_is_explained_by_its_strip_and_chances_by_keyboard_alone(page: Any) -> None:
    choose(page, WALL)
    page.focus("#cards .tag")
    page.keyboard.press("Enter")
    page.wait_for_selector("#detail[open] .curves .curve.minute")
    text = page.inner_text("#detail")
    assert "5:08" in text
    hand = re.search(r"Minute hand at ([\d.]+) minutes", text)
    assert hand is not None
    assert float(hand[1]) == pytest.approx(8, abs=1)
    # the curve of the minute hand is highest where the hand is: at 8 of 60 minutes
    path = page.get_attribute(".curves .curve.minute", "d")
    points = [tuple(map(float, point.split())) for point in re.findall(r"[\d.]+ [\d.]+", path)]
    highest = min(points, key=lambda point: point[1])
    assert highest[0] / 720 * 60 == pytest.approx(8, abs=1)
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.className").startswith("tag")


def test_a_doubtful_time_is_shown_as_such(page: Any) -> None:
    choose(page, GOLDEN / "doubtful.jpg", WALL)
    doubtful, certain = page.locator(".card").all()
    assert doubtful.locator(".clock.unsure, .clock.guess").count() == 1
    assert "%" in doubtful.locator(".tag").inner_text()
    assert certain.locator(".clock.sure").count() == 1
    assert "%" not in certain.locator(".tag").inner_text()


def test_the_camera_shows_the_time_over_the_video(page: Any) -> None:
    page.context.grant_permissions(["camera"])
    page.click("#camera-on")
    expect(page, "#live-overlay .tag").to_have_text("5:08")
    expect(page, "#rate").to_contain_text("frames/s")
    expect(page, "#live-spoken").to_contain_text("5:08")
    page.click("#keep")
    expect(page, ".card .time").to_contain_text("5:08")
    page.click("#camera-off")
    assert page.evaluate("document.getElementById('video').srcObject") is None
    assert not page.is_visible("#live")


def test_a_denied_camera_says_what_to_do(page: Any) -> None:
    page.click("#camera-on")  # a headless browser denies what is not granted
    expect(page, "#problem").to_contain_text("not allowed")
    expect(page, "#problem").to_contain_text("choose a photo")
    assert not page.is_visible("#live")


def test_files_that_cannot_be_read_say_why(page: Any) -> None:
    choose(page, *((name, data) for name, (data, _) in UNREADABLE.items()))
    for card, (name, (_, message)) in zip(
        page.locator(".card").all(), UNREADABLE.items(), strict=True
    ):
        assert name in card.inner_text()
        assert message in card.locator(".problem").inner_text()


def on_its_side(picture: np.ndarray) -> bytes:
    """A JPEG whose pixels lie on their side, and whose EXIF orientation says so."""
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    turned = cv2.cvtColor(cv2.rotate(picture, cv2.ROTATE_90_COUNTERCLOCKWISE), cv2.COLOR_BGR2RGB)
    data = io.BytesIO()
    Image.fromarray(turned).save(data, "JPEG", exif=exif)
    return data.getvalue()


def test_photos_are_read_upright(page: Any) -> None:
    choose(page, ("side.jpg", on_its_side(cv2.imread(str(WALL)))))
    (photo,) = json.loads(copied(page, "json"))
    assert (photo["width"], photo["height"]) == (640, 480)
    assert [reading["time"] for reading in photo["readings"]] == ["5:08"]


def test_very_large_photos_are_reduced_or_refused(page: Any) -> None:
    wall = cv2.imread(str(WALL))
    large = on_its_side(cv2.resize(wall, (11_600, 8_700), interpolation=cv2.INTER_NEAREST))
    refused = encode(".png", np.zeros((12_000, 12_000), np.uint8))
    choose(page, ("hundred.jpg", large), ("more.png", refused))
    first, second = page.locator(".card").all()
    assert "reduced from 101 to 16 megapixels" in first.inner_text()
    assert "5:08" in first.locator(".time").inner_text()
    assert "too large (12000 × 12000, 144 megapixels)" in str(
        second.locator(".problem").text_content()
    )
    box = json.loads(copied(page, "json"))[0]["readings"][0]["box"]
    assert box[2] > 2500  # in pixels of the full photo


def test_the_page_works_offline_after_the_first_visit(page: Any) -> None:
    page.context.set_offline(True)
    page.reload()
    page.wait_for_selector("#status[data-state=offline]")
    page.click("#example")
    expect(page, "#summary").to_have_text("3 clocks in 2 photos")
    expect(page, "#cards").not_to_contain_text("more exact")
    page.context.set_offline(False)


def test_no_request_leaves_the_origin(page: Any, site: str) -> None:
    choose(page, WALL)
    page.click(".how")
    page.wait_for_selector(".curves")
    page.keyboard.press("Escape")
    assert f"{site}models/reader-int8.onnx" in REQUESTED  # of all tests so far
    assert [url for url in REQUESTED if not url.startswith((site, f"blob:{site}"))] == []
    away = "http://127.0.0.2:9/"
    sent = f"fetch('{away}', {{mode: 'no-cors'}}).then(() => 'sent', () => 'blocked')"
    assert page.evaluate(sent) == "blocked"
    assert away not in REQUESTED  # the security policy forbids it


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    try:
        folder = unpack("npm", AXE, tmp_path_factory.mktemp("axe"))
    except PackageError as error:
        pytest.skip(f"{AXE}: {error}")
    return (folder / "package" / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible(page: Any, axe: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": 390, "height": 800})
    page.evaluate(axe)
    choose(page, WALL, GOLDEN / "doubtful.jpg", ("cut.jpg", WALL.read_bytes()[:300]))
    found = page.evaluate("axe.run()")["violations"]
    page.click(".how")
    page.wait_for_selector(".curves")
    found += page.evaluate("axe.run()")["violations"]
    page.keyboard.press("Escape")
    told = [f"{v['id']}: {v['help']}, {[n['html'][:90] for n in v['nodes']]}" for v in found]
    assert told == []


def test_the_page_in_one_file_reads_from_a_folder_offline(
    browser: Any, site_folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "clockread.html"
    assert write_one_file(path) == path.stat().st_size < 7_000_000
    context = browser.new_context(offline=True)
    page = context.new_page()
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector("#status[data-state=ready]")
    choose(page, WALL)
    expect(page, ".card .time").to_contain_text("5:08")
    page.click(".how")
    page.wait_for_selector(".curves .curve.hour")
    assert [url for url in requested if not url.startswith(("blob:null/", path.as_uri()))] == []
    context.close()


OUTPUTS = """{
  minutes: new Int32Array([9]), confidence: new Float32Array([0.96]), second: new Int32Array([-1]),
  dial_score: new Float32Array([0.99]), box: new Float32Array([1, 2, 30, 40]),
  homography: new Float32Array([10, 0, 15, 0, 10, 20, 0, 0, 1]), rotation: new Float32Array([0]),
  hour_sincos: new Float32Array([0, 1]), minute_sincos: new Float32Array([0.8, 0.6])"""


def test_outputs_of_reduced_photos_are_scaled_and_later_outputs_are_kept(page: Any) -> None:
    read = f"""async () => {{
      const {{ photosJson, readingsOf }} = await import("./readings.js");
      const json = (readings) => photosJson([{{ readings }}])[0].readings[0];
      const of = (outputs, scale) => json(readingsOf(outputs, scale));
      const more = {{ mirrored: new Uint8Array([1]), hours: new Int32Array([24]) }};
      return [of({OUTPUTS} }}, 2), of({{ ...{OUTPUTS} }}, ...more }}, 1)];
    }}"""
    doubled, later = page.evaluate(read)
    assert (doubled["time"], doubled["second"], doubled["box"]) == ("12:09", None, [2, 4, 60, 80])
    assert doubled["center"] == [30.5, 40.5]  # as clockread maps reduced pixels to full ones
    assert "mirrored" not in doubled
    assert (later["mirrored"], later["dial_hours"], later["center"]) == (True, 24, [15, 20])


def test_a_second_belongs_to_the_minute_that_has_begun(page: Any) -> None:
    texts = page.evaluate("""async () => {
      const { timeText, timeTextWithSecond: text } = await import("./readings.js");
      return [
        text({ minutes: 610, second: 50, hours: null }), text({ minutes: 609, second: 50 }),
        text({ minutes: 610, second: 5, hours: 12 }), text({ minutes: 0, second: 45, hours: 12 }),
        text({ minutes: 0, second: 45, hours: 24 }), timeText(5), timeText(5, 24),
      ];
    }""")
    assert texts == ["10:09:50", "10:08:50", "10:10:05", "11:59:45", "23:59:45", "12:05", "0:05"]


def test_single_wrong_frames_do_not_change_the_live_time(page: Any) -> None:
    times = page.evaluate("""async () => {
      const { Steady } = await import("./steady.js");
      const steady = new Steady();
      const seen = [300, 300, 300, 41, 300, 301, 300, 700, 42, 42, 42, 42, 42, 42, 42, 42];
      return seen.map((minutes, i) => {
        const reading = { minutes, confidence: 0.9, box: [i, 0, 100, 100] };
        return steady.update([reading], 33 * i, String)[0].time;
      });
    }""")
    assert times[:9] == ["300"] * 9
    assert times[-1] == "42"


def test_a_reader_that_cannot_be_loaded_says_why(browser: Any, site: str) -> None:
    context = browser.new_context(service_workers="block")
    page = context.new_page()
    page.route("**/reader-small.onnx", lambda route: route.fulfill(status=404))
    page.goto(site)
    page.wait_for_selector("#status[data-state=failed]")
    expect(page, "#problem").to_contain_text("reader-small.onnx cannot be loaded (status 404)")
    context.close()


def test_nothing_on_a_narrow_page_is_wider_than_it(page: Any) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    choose(page, EXAMPLES / "two.jpg")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
