"""Steps at the desk: corrections on the page, the collection over ssh, and what is learnt from it."""

import functools
from typing import Any

from digitrec_edge.collection import Collection, corrected
from tests.browser import Browser, find_browser
from whole_loop.loop import HOST, Loop, demand, until


def review(loop: Loop) -> str:
    """Correct what was kept on the page, in Chromium, by the keyboard; one slip is taken back."""
    truth = dict(loop.truth)
    executable = find_browser()
    assert executable
    with Browser(executable) as browser:
        browser.open(f"http://127.0.0.1:{loop.port}/review", width=1200)
        until("the page", lambda: browser.evaluate("document.documentElement.dataset.ready") == "true")
        while not (known := [item for item in _items(browser) if item in truth]):
            _turn(browser)
        slip = known[0]
        _type(browser, slip, str((truth[slip] + 1) % 10))
        _press(browser, "u")
        until("what u does", functools.partial(_is_corrected, browser, slip, "false"))
        while truth:
            _correct_page(browser, truth)
        demand(not browser.complaints, f"the page complains: {browser.complaints}")
    said = {item["id"]: item["correction"] for item in _corrected(loop)}
    demand(said == loop.truth, "the collection does not say what was typed")
    return f"{len(said)} corrected by their keys, a slip taken back by u"


def _correct_page(browser: Browser, truth: dict[str, int]) -> None:
    """Correct what is known on the page that is shown, and turn to the next."""
    for item in _items(browser):
        if item in truth:
            _type(browser, item, str(truth.pop(item)))
    if truth:
        _turn(browser)


def _turn(browser: Browser) -> None:
    """Show the next page."""
    shown = _items(browser)
    browser.evaluate("document.getElementById('after').click()")
    until("the next page", lambda: _items(browser) != shown)


def _items(browser: Browser) -> list[str]:
    found: list[str] = browser.evaluate("[...document.querySelectorAll('.item')].map((one) => one.dataset.id)")
    return found


def _type(browser: Browser, item: str, key: str) -> None:
    browser.evaluate(f"document.querySelector('[data-id=\"{item}\"]').focus()")
    _press(browser, key)
    until("a correction", functools.partial(_is_corrected, browser, item, "true"))


def _press(browser: Browser, key: str) -> None:
    for kind in ("keyDown", "keyUp"):
        browser.send("Input.dispatchKeyEvent", type=kind, key=key)


def _is_corrected(browser: Browser, item: str, said: str) -> bool:
    return bool(browser.evaluate(f"document.querySelector('[data-id=\"{item}\"]').dataset.corrected") == said)


def _corrected(loop: Loop) -> list[Any]:
    items: list[Any] = []
    while True:
        found = loop.over_http(f"/v1/collection?corrected=yes&limit=200&offset={len(items)}")
        items += found["items"]
        if not found["items"]:
            return items


def collect(loop: Loop) -> str:
    """Bring the Pi's collection home, twice: nothing comes twice."""
    for _ in range(2):
        loop.command_line("collect", loop.collection, "--host", HOST)
    with Collection(loop.collection) as home:
        found, items = home.counts(), corrected(home)
    demand(set(items.ids) == loop.truth.keys(), f"{found.corrected} corrected items came home")
    loop.command_line("collect", loop.collection, "--export", loop.folder / "digits.npz")
    return f"{found.items} items came over ssh, {found.corrected} of them corrected; nothing twice"


def train(loop: Loop) -> str:
    """Go on training from the base's weights, with the corrections; the gate lets the model pass."""
    model = loop.folder / "model.keras"
    told = loop.command_line("train", "--base", loop.model, "--data", loop.collection, "--output", model)
    demand(model.exists(), "no model was written")
    (row,) = (line for line in told.splitlines() if "held-out corrections" in line and "better" in line)
    return " ".join(row.split())


def export(loop: Loop) -> str:
    """Make the artifact."""
    loop.command_line("export", loop.folder / "model.keras", "--int8", "--output", loop.folder / "artifacts")
    return f"{loop.new.name}, {loop.new.stat().st_size:,} bytes"
