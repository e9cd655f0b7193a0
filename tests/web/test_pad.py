"""The page's field for drawing: fingers, the mouse and the keyboard."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.browser import HEARD, LISTEN, TOUCHED_MS
from tests.web.pen import written
from tests.web.visits import PHONE, SETTLED, click, draw, state, visit

if TYPE_CHECKING:
    from tests.browser import Browser

pytestmark = pytest.mark.checkout
DRAWN, DRAWN_RIGHT = 100, 0.97


def test_digits_drawn_by_touch_are_read(page: Path, browser: "Browser") -> None:
    visit(browser, page)
    wrong = []
    for k in range(DRAWN):
        digit = k % 10
        draw(browser, written(digit, np.random.default_rng([k, digit])))
        shown = state(browser)
        if shown["digit"] != str(digit):
            wrong.append(f"{k}: {digit} read as {shown['digit']!r} ({shown['words']})")
        click(browser, "clear")
    assert len(wrong) <= (1 - DRAWN_RIGHT) * DRAWN, wrong


def test_probabilities_move_as_one_draws_and_undo_takes_a_stroke_back(page: Path, browser: "Browser") -> None:
    visit(browser, page)
    assert state(browser)["digit"] == ""
    draw(browser, [[(0.6, 0.2 + 0.05 * k) for k in range(13)]])
    one = browser.evaluate("document.getElementById('bars').ariaLabel")
    assert state(browser)["digit"] == "1"
    assert state(browser)["spoken"].startswith("Read: 1, ")
    draw(browser, [[(0.6 - 0.03 * k, 0.2) for k in range(12)]])
    both = browser.evaluate("document.getElementById('bars').ariaLabel")
    assert both != one
    click(browser, "undo")
    assert browser.evaluate("document.getElementById('bars').ariaLabel") == one
    click(browser, "clear")
    assert state(browser)["digit"] == ""
    assert browser.evaluate("document.getElementById('undo').disabled")


@pytest.mark.parametrize(("button", "left"), [("undo", True), ("clear", False)], ids=["undo", "clear"])
def test_a_finger_whose_stroke_was_taken_back_draws_on_nothing(
    button: str, left: bool, page: Path, browser: "Browser"
) -> None:
    browser.complaints.clear()
    visit(browser, page)
    draw(browser, [[(0.6, 0.2 + 0.05 * k) for k in range(13)]])
    one = browser.evaluate("document.getElementById('bars').ariaLabel")
    browser.evaluate(LISTEN)
    touch(browser, "touchStart", 0.3, 0.2)
    while not browser.evaluate("touched.kinds.length"):
        pass
    click(browser, button)
    for k in range(10):
        touch(browser, "touchMove", 0.3 - 0.02 * k, 0.8)
    browser.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    assert browser.evaluate(HEARD % (TOUCHED_MS, 2)) == ["pointerdown", "pointerup"]
    browser.evaluate(SETTLED)
    assert (browser.evaluate("document.getElementById('bars').ariaLabel") == one) is left
    assert (state(browser)["digit"] == "") is not left
    assert browser.complaints == []


def touch(browser: "Browser", kind: str, x: float, y: float) -> None:
    box = browser.evaluate("document.getElementById('pad').getBoundingClientRect().toJSON()")
    place = {"x": box["left"] + x * box["width"], "y": box["top"] + y * box["width"]}
    browser.send("Input.dispatchTouchEvent", type=kind, touchPoints=[place])


def test_a_stroke_on_an_example_takes_its_place(page: Path, browser: "Browser") -> None:
    visit(browser, page)
    click(browser, "example")
    draw(browser, [[(0.5, 0.2 + 0.05 * k) for k in range(13)]])
    assert state(browser)["digit"] == "1"


def test_equal_strokes_are_equal_pixels_however_the_page_is_zoomed(page: Path, browser: "Browser") -> None:
    strokes = written(7, np.random.default_rng(0))
    answers = set()
    for width in (PHONE[0], 500):
        visit(browser, page, width=width)
        draw(browser, strokes)
        answers.add((state(browser)["digit"], browser.evaluate("document.getElementById('bars').ariaLabel")))
    assert len(answers) <= 2
    assert {digit for digit, _ in answers} == {"7"}


def test_a_finger_that_draws_upwards_does_not_scroll_the_page(page: Path, browser: "Browser") -> None:
    visit(browser, page)
    assert browser.evaluate("document.documentElement.scrollHeight > innerHeight")
    draw(browser, [[(0.5, 0.85 - 0.05 * k) for k in range(15)]])
    assert browser.evaluate("scrollY") == 0
    assert state(browser)["digit"] == "1"


def test_the_keyboard_draws_too(page: Path, browser: "Browser") -> None:
    visit(browser, page, width=1000)
    browser.evaluate("document.getElementById('pad').focus()")
    press(browser, *["ArrowUp"] * 6, " ", *["ArrowDown"] * 12, " ")
    assert state(browser)["digit"] == "1"
    click(browser, "example")
    press(browser, *["ArrowUp"] * 12, " ", *["ArrowDown"] * 12, " ")
    assert state(browser)["digit"] == "1"


def press(browser: "Browser", *keys: str, held: int = 0) -> None:
    """Press keys one after another, each repeated as often as the keyboard does while one is held."""
    codes: dict[str, dict[str, Any]] = {
        " ": {"code": "Space"},
        "Tab": {"windowsVirtualKeyCode": 9},
        "Enter": {"windowsVirtualKeyCode": 13, "text": "\r"},
    }
    for key in keys:
        more: dict[str, Any] = {"key": key, "code": key, **codes.get(key, {})}
        for k in range(1 + held):
            browser.send("Input.dispatchKeyEvent", type="keyDown", autoRepeat=k > 0, **more)
        browser.send("Input.dispatchKeyEvent", type="keyUp", key=key, code=more["code"])
    browser.evaluate(SETTLED)


def test_a_space_bar_that_is_held_sets_the_pen_down_once(page: Path, browser: "Browser") -> None:
    visit(browser, page, width=1000)
    browser.evaluate("document.getElementById('pad').focus()")
    press(browser, *["ArrowUp"] * 6)
    press(browser, " ", held=4)
    press(browser, *["ArrowDown"] * 12)
    assert state(browser)["digit"] == "1"
    click(browser, "undo")
    assert browser.evaluate("document.getElementById('undo').disabled")


@pytest.mark.parametrize("by", ["Tab", "mouse"])
def test_the_keyboard_s_stroke_ends_where_something_else_begins(by: str, page: Path, browser: "Browser") -> None:
    visit(browser, page, width=1000)
    browser.evaluate("document.getElementById('pad').focus()")
    press(browser, *["ArrowUp"] * 6, " ", *["ArrowDown"] * 12)
    assert state(browser)["spoken"] == ""
    if by == "Tab":
        press(browser, "Tab")
        assert state(browser)["spoken"].startswith("Read: 1, ")
        browser.evaluate("document.getElementById('pad').focus()")
    else:
        box = browser.evaluate("document.getElementById('pad').getBoundingClientRect().toJSON()")
        place = {"x": box["left"] + 0.1 * box["width"], "y": box["top"] + 0.1 * box["width"], "button": "left"}
        browser.send("Input.dispatchMouseEvent", type="mousePressed", clickCount=1, **place)
        browser.send("Input.dispatchMouseEvent", type="mouseReleased", clickCount=1, **place)
    browser.evaluate(SETTLED)
    before = browser.evaluate("document.getElementById('bars').ariaLabel")
    press(browser, *["ArrowRight"] * 6)
    assert browser.evaluate("document.getElementById('bars').ariaLabel") == before


@pytest.mark.parametrize("modifier", [1, 2, 4], ids=["alt", "control", "meta"])
def test_arrow_keys_with_another_key_are_the_browser_s(modifier: int, page: Path, browser: "Browser") -> None:
    visit(browser, page, width=1000)
    browser.evaluate("document.getElementById('pad').focus()")
    browser.evaluate("addEventListener('keydown', (event) => { globalThis.taken = event.defaultPrevented; })")
    for modifiers, taken in ((0, True), (modifier, False)):
        browser.send("Input.dispatchKeyEvent", type="keyDown", key="ArrowDown", code="ArrowDown", modifiers=modifiers)
        assert browser.evaluate("taken") is taken
    browser.send("Input.dispatchKeyEvent", type="keyUp", key="ArrowDown", code="ArrowDown")


@pytest.mark.parametrize("button", ["undo", "clear"])
def test_the_keyboard_stays_on_the_page_when_its_button_goes(button: str, page: Path, browser: "Browser") -> None:
    visit(browser, page, width=1000)
    browser.evaluate("document.getElementById('pad').focus()")
    press(browser, " ", "ArrowDown", " ")
    browser.evaluate(f"document.getElementById('{button}').focus()")
    press(browser, "Enter")
    assert browser.evaluate(f"document.getElementById('{button}').disabled")
    assert browser.evaluate("document.activeElement.id") == "pad"
