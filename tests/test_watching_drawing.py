"""The page on which regions are drawn, in a real browser: by mouse, finger and keys; its line is one that works."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from digitrec_edge.errors import SourceError
from digitrec_edge.watching.drawing import page, write_page
from digitrec_edge.watching.frames import Frame, Missing
from digitrec_edge.watching.regions import WatchedRegion, parse_regions

if TYPE_CHECKING:
    from tests.browser import Browser

pytestmark = pytest.mark.checkout

WIDTH, HEIGHT = 640, 360


def frame() -> Frame:
    pixels = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    pixels[100:200, 100:500] = (20, 60, 90)
    return Frame(pixels, "frame 1", 0.0)


@pytest.fixture(scope="module")
def browser(open_browser: "Callable[[], Browser]") -> "Iterator[Browser]":
    with open_browser() as opened:
        yield opened


@pytest.fixture
def drawn(browser: "Browser", tmp_path: Path) -> "Browser":
    (tmp_path / "regions.html").write_bytes(page(frame(), "rtsp://user:s3cret@cam/a b?x=s3cret"))
    browser.complaints.clear()
    browser.requests.clear()
    browser.open(tmp_path / "regions.html", width=900, height=1000)
    return browser


def place(browser: "Browser", x: float, y: float) -> tuple[float, float]:
    """Where a pixel of the picture is on the screen."""
    found: list[float] = browser.evaluate(
        f"(() => {{ const p = new DOMPoint({x}, {y}).matrixTransform(document.getElementById('still').getScreenCTM());"
        " return [p.x, p.y]; })()"
    )
    return found[0], found[1]


def drag(browser: "Browser", start: tuple[float, float], end: tuple[float, float]) -> None:
    (x, y), (to_x, to_y) = place(browser, *start), place(browser, *end)
    steps = [("mousePressed", x, y), ("mouseMoved", (x + to_x) / 2, (y + to_y) / 2), ("mouseMoved", to_x, to_y)]
    for kind, at_x, at_y in [*steps, ("mouseReleased", to_x, to_y)]:
        browser.send("Input.dispatchMouseEvent", type=kind, x=at_x, y=at_y, button="left", buttons=1, clickCount=1)


def press(browser: "Browser", key: str, modifiers: int = 0) -> None:
    for kind in ("keyDown", "keyUp"):
        browser.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, modifiers=modifiers)


def line(browser: "Browser") -> str:
    return str(browser.evaluate("document.getElementById('line').value"))


def region_of(browser: "Browser") -> WatchedRegion:
    (one,) = parse_regions([line(browser).rpartition(" --region ")[2]])
    return one


def numbers(one: WatchedRegion) -> tuple[int, int, int, int]:
    return one.left, one.top, one.width or 0, one.height or 0


def test_a_box_is_drawn_and_named_and_the_line_is_ready(drawn: "Browser") -> None:
    assert line(drawn) == "digitrec-edge watch 'rtsp://cam/a b'"
    drag(drawn, (100, 100), (500, 200))
    drawn.send("Input.insertText", text="water")  # the name is selected: what is typed takes its place
    one = region_of(drawn)
    assert one.name == "water"
    assert np.abs(np.subtract(numbers(one), (100, 100, 400, 100))).max() <= 1
    assert drawn.complaints == []
    assert [url for url in drawn.requests if not url.startswith(("file:", "data:"))] == []


def test_a_box_is_moved_by_the_mouse_and_stays_within_the_picture(drawn: "Browser") -> None:
    drag(drawn, (100, 100), (200, 150))
    drag(drawn, (150, 125), (160, 140))
    one = region_of(drawn)
    assert np.abs(np.subtract((one.left, one.top), (110, 115))).max() <= 1
    drag(drawn, (160, 140), (639, 359))
    one = region_of(drawn)
    assert (one.left + (one.width or 0), one.top + (one.height or 0)) == (WIDTH, HEIGHT)


def test_a_finger_draws_too(drawn: "Browser") -> None:
    drawn.send("Emulation.setTouchEmulationEnabled", enabled=True)
    drawn.touch([[place(drawn, *at) for at in ((300, 50), (350, 80), (400, 120))]])
    one = region_of(drawn)
    assert np.abs(np.subtract(numbers(one), (300, 50, 100, 70))).max() <= 1
    drawn.send("Emulation.setTouchEmulationEnabled", enabled=False)


def test_keys_do_all_that_the_mouse_does(drawn: "Browser") -> None:
    alt, shift = 1, 8
    drawn.evaluate("document.getElementById('add').focus()")
    drawn.evaluate("document.getElementById('add').click()")
    before = region_of(drawn)
    press(drawn, "ArrowRight")
    press(drawn, "ArrowDown", alt)
    press(drawn, "ArrowLeft", shift)
    press(drawn, "ArrowDown", alt | shift)
    after = region_of(drawn)
    assert after == WatchedRegion(
        "number1", before.left + 1, before.top + 10, (before.width or 0) - 1, (before.height or 0) + 10
    )
    press(drawn, "Delete")
    assert "--region" not in line(drawn)
    assert drawn.evaluate("document.activeElement.id") == "add"


def test_numbers_can_be_typed_and_wrong_names_give_no_line(drawn: "Browser") -> None:
    drawn.evaluate("document.getElementById('add').click()")
    drawn.evaluate(
        "(() => { const left = document.querySelectorAll('input.number')[0]; left.value = '7';"
        " left.dispatchEvent(new Event('change')); })()"
    )
    assert region_of(drawn).left == 7
    typed = "(() => {{ const name = document.querySelector('input.name'); name.value = '{}'; name.dispatchEvent(new Event('input')); }})()"  # noqa: E501
    for wrong in ("", "a b", "$(x)", "a=b"):
        drawn.evaluate(typed.format(wrong))
        assert line(drawn) == ""
        assert drawn.evaluate("document.querySelector('.wrong').textContent") != ""
        assert drawn.evaluate("document.getElementById('copy').disabled") is True
    drawn.evaluate(typed.format("gas"))
    assert region_of(drawn).name == "gas"


def test_the_line_is_copied(drawn: "Browser") -> None:
    button = "document.getElementById('copy').getBoundingClientRect()"
    x, y = drawn.evaluate(f"[{button}.x + 20, {button}.y + 20]")
    for kind in ("mousePressed", "mouseReleased"):
        drawn.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
    said = "document.getElementById('said')"
    drawn.evaluate(
        f"new Promise((done) => {{ const look = () => {said}.textContent ? done() : setTimeout(look, 10); look(); }})"
    )
    assert drawn.evaluate(f"{said}.textContent") == "It is copied."


def test_the_page_holds_no_password_and_forbids_everything_else() -> None:
    made = page(frame(), "rtsp://user:s3cret@cam/x</script><b>?x=s3cret").decode()
    assert "s3cret" not in made
    assert "default-src 'none'" in made
    assert "unsafe" not in made.partition("<title>")[0]
    assert made.count("</script>") == 2


def test_a_source_whose_name_is_no_utf_8_is_shown() -> None:
    assert rb"Regions of caf\xe9</title>" in page(frame(), os.fsdecode(b"caf\xe9"))


def test_the_first_frame_is_drawn_on_and_without_one_there_is_no_page(tmp_path: Path) -> None:
    def events(*shown: Any) -> Any:
        yield from shown

    write_page(tmp_path / "a.html", "x", events(Missing("picture unreadable", "it is damaged"), frame()))
    assert (tmp_path / "a.html").exists()
    with pytest.raises(SourceError, match="gives no frame to draw regions on"):
        write_page(tmp_path / "b.html", "x", events())


def test_the_command_writes_the_page(
    cli: "Callable[..., subprocess.CompletedProcess[str]]", tmp_path: Path, browser: "Browser"
) -> None:
    (tmp_path / "pictures").mkdir()
    Image.fromarray(frame().pixels).save(tmp_path / "pictures" / "a.png")
    done = cli("watch", "pictures", "--draw-regions", "regions.html", cwd=tmp_path)
    assert done.stdout.startswith("regions.html: open it")
    browser.open(tmp_path / "regions.html", width=390, height=800, dark=True, mobile=True)
    assert line(browser) == "digitrec-edge watch pictures"
