"""What a test does on the page: open it as a phone does, wait, draw, and see what is read."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.browser import Browser
    from tests.web.pen import Stroke

PHONE = (390, 844)
TRIES = 3  # where touches do not reach the page; what the page makes of those that do is not tried again
SETTLED = """new Promise((done) => {
  const look = () => {
    if (document.getElementById("reading").ariaBusy === "true") requestAnimationFrame(look);
    else done();
  };
  requestAnimationFrame(look);
})"""
STATE = """(() => {
  const text = (id) => document.getElementById(id).textContent;
  return { digit: text("digit"), words: text("words"), spoken: text("spoken") };
})()"""


def visit(browser: "Browser", page: Path | str, *, dark: bool = False, width: int = PHONE[0]) -> Any:
    """Open the page and return the result of its self-test."""
    browser.open(page, width=width, height=PHONE[1], dark=dark, mobile=width < 600)
    browser.send("Emulation.setTouchEmulationEnabled", enabled=width < 600)
    return browser.evaluate("digitrec.ready")


def draw(browser: "Browser", strokes: "Sequence[Stroke]", margin: float = 0.0) -> None:
    """Draw strokes with a finger on the whole drawing field, or within a margin, a share of its side."""
    left, top, side = browser.evaluate(
        "(() => { const box = document.getElementById('pad').getBoundingClientRect();"
        " return [box.left, box.top, box.width]; })()"
    )
    scale = side * (1 - 2 * margin)
    start = side * margin
    places = [[(left + start + x * scale, top + start + y * scale) for x, y in stroke] for stroke in strokes]
    for _ in range(TRIES):
        heard = browser.touch(places)
        browser.evaluate(SETTLED)
        if heard == ["pointerdown", "pointerup"] * len(strokes):
            return
        for _ in range(heard.count("pointerdown")):
            click(browser, "undo")
    raise AssertionError(f"of {len(strokes)} strokes the page got only {heard}")


def state(browser: "Browser") -> dict[str, str]:
    """Return the digit that is shown, the words beside it, and what a screen reader was told."""
    found: dict[str, str] = browser.evaluate(STATE)
    return found


def click(browser: "Browser", element: str) -> None:
    """Press a button and let the page show what comes of it."""
    browser.evaluate(f"document.getElementById('{element}').click()")
    browser.evaluate(SETTLED)
