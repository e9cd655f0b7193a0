"""The page to correct what was kept: by a finger, by keys, by pages; axe finds nothing wrong."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from digitrec_edge import artifact, mnist, pretrained
from digitrec_edge.collection import Collection
from digitrec_edge.formats import SAMPLE_FILE
from tests.serving import Serving, png, serving, wait_for
from tests.web.served import serving as folder
from tests.web.test_accessibility import axe

if TYPE_CHECKING:
    from tests.browser import Browser

pytestmark = pytest.mark.checkout
__all__ = ["axe"]  # a fixture

KEPT = 64
READY = """new Promise((done) => {
  const look = () => (document.documentElement.dataset.ready === "true" ? done(true) : setTimeout(look, 20));
  look();
})"""
TODO = "document.querySelectorAll('.item[data-corrected=false]').length"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("review")


@pytest.fixture(scope="module")
def service(place: Path) -> Iterator[Serving]:
    keeping = ("--keep", "all", "--collection", place / "c.sqlite", "--token-file", place / "token")
    with serving(*keeping, "--runtime", "native", "--workers", "1") as found:
        token = (place / "token").read_text().strip()
        for image in mnist.load("test").images[:KEPT]:
            reply = found.read(png(image), Authorization=f"Bearer {token}")
            assert len(reply.json["kept"]) == 1
        yield found


@pytest.fixture
def page(service: Serving, place: Path, browser: "Browser") -> "Browser":
    visit(service, place, browser)
    return browser


def visit(service: Serving, place: Path, browser: "Browser", *, dark: bool = False, width: int = 390) -> None:
    browser.complaints.clear()
    token = (place / "token").read_text().strip()
    browser.open(f"{service.address}review?token={token}", width=width, dark=dark, mobile=width < 600)
    browser.evaluate(READY)
    assert browser.evaluate("location.search") == ""


def test_the_link_opens_from_another_page(service: Serving, place: Path, browser: "Browser", tmp_path: Path) -> None:
    link = f"{service.address}review?token={(place / 'token').read_text().strip()}"
    (tmp_path / "index.html").write_text(f'<!doctype html><a href="{link}">The meter</a>')
    browser.send("Network.clearBrowserCookies")
    with folder(tmp_path) as address:
        browser.open(address.replace("127.0.0.1", "localhost"), width=390)
        browser.evaluate("document.querySelector('a').click()")
        wait_for(lambda: browser.evaluate("location.pathname + location.search") == "/review", "it is followed")
    assert browser.evaluate("document.contentType") == "text/html"


def press(browser: "Browser", key: str) -> None:
    browser.send("Input.dispatchKeyEvent", type="keyDown", key=key, text=key if len(key) == 1 else "")
    browser.send("Input.dispatchKeyEvent", type="keyUp", key=key)


def until(browser: "Browser", condition: str) -> None:
    """Wait until something is so on the page."""
    script = f"""new Promise((done, failed) => {{
      const end = Date.now() + 60000;
      const look = () => {{
        if ({condition}) done(true);
        else if (Date.now() > end) failed(new Error("never"));
        else setTimeout(look, 20);
      }};
      look();
    }})"""
    assert browser.evaluate(script)


def corrections(place: Path) -> list[int | None]:
    with Collection(place / "c.sqlite") as collection:
        return [item.correction.digit for item in collection.items(corrected=True) if item.correction]


def test_a_tap_corrects_and_undo_takes_it_back(page: "Browser", place: Path) -> None:
    before = page.evaluate(TODO)
    page.evaluate("document.querySelector('.item .choice button:nth-child(4)').click()")
    until(page, f"{TODO} === {before - 1}")
    assert corrections(place) == [3]
    pressed = "document.querySelector('.item .choice button:nth-child(4)').ariaPressed"
    assert page.evaluate(pressed) == "true"
    page.evaluate("document.getElementById('undo').click()")
    until(page, f"{TODO} === {before}")
    assert corrections(place) == []
    assert page.complaints == []


def test_keys_correct_one_after_another(page: "Browser", place: Path) -> None:
    before = page.evaluate(TODO)
    press(page, "ArrowRight")
    for k, key in enumerate(["5", "n", "0"], 1):
        press(page, key)
        until(page, f"{TODO} === {before - k} && document.activeElement === document.querySelectorAll('.item')[{k}]")
    assert sorted(corrections(place), key=str) == [0, 5, None]
    said = page.evaluate("document.getElementById('spoken').textContent")
    assert said.startswith("It is a 0.")
    for k in range(1, 4):
        press(page, "u")
        until(page, f"{TODO} === {before - 3 + k}")
    assert corrections(place) == []


def test_a_key_that_is_a_label_stands_for_it(browser: "Browser", tmp_path: Path) -> None:
    found = artifact.read(pretrained.DEFAULT)
    assert found.card
    card = dataclasses.replace(found.card, labels=("n", "u", *"NU456789"))
    artifact.write(tmp_path / "signs.tflite", found.payload, card, found.files[SAMPLE_FILE])
    keeping = ("--keep", "all", "--collection", tmp_path / "c.sqlite", "--token-file", tmp_path / "token")
    with serving(tmp_path / "signs.tflite", *keeping, "--runtime", "native", "--workers", "1") as service:
        token = (tmp_path / "token").read_text().strip()
        for image in mnist.load("test").images[:4]:
            service.read(png(image), Authorization=f"Bearer {token}")
        visit(service, tmp_path, browser)
        press(browser, "ArrowRight")
        for k, key in enumerate("unNU", 1):
            press(browser, key)
            until(browser, f"{TODO} === {4 - k}")
        assert sorted(corrections(tmp_path), key=str) == [0, 1, 2, 3]
        browser.evaluate("document.activeElement.blur()")
        press(browser, "u")
        until(browser, f"{TODO} === 1")


def test_pages_follow_each_other_and_skip_nothing(page: "Browser", place: Path) -> None:
    assert page.evaluate("document.getElementById('place').textContent") == f"1 to 60 of {KEPT}"
    page.evaluate("document.querySelector('.item .none').click()")
    until(page, f"{TODO} === 59")
    page.evaluate("document.getElementById('after').click()")
    until(page, "document.getElementById('place').textContent === '60 to 63 of 63'")
    page.evaluate("document.getElementById('done').click()")
    until(page, "document.querySelectorAll('.item').length === 1")
    page.evaluate("document.getElementById('undo').click()")
    until(page, f"{TODO} === 1")
    assert corrections(place) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing(width: int, dark: bool, service: Serving, place: Path, axe: str, browser: "Browser") -> None:
    visit(service, place, browser, dark=dark, width=width)
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")
    browser.evaluate("document.querySelector('.item .none').click()")
    until(browser, "document.getElementById('spoken').textContent")
    browser.evaluate(axe + "; 0")
    result = browser.evaluate(
        "axe.run().then((all) => JSON.stringify(all.violations.map((one) => "
        "[one.id, one.nodes.slice(0, 3).map((node) => node.html.slice(0, 120))])))"
    )
    assert json.loads(result) == []
    press(browser, "u")
    until(browser, "document.getElementById('spoken').textContent === 'Taken back.'")


def test_without_the_token_there_is_no_page(service: Serving) -> None:
    reply = service.get("/review")
    assert reply.status == 401
    assert "token" in reply.json["error"]


def test_nothing_but_its_own_script_and_style_may_run(service: Serving, place: Path) -> None:
    token = (place / "token").read_text().strip()
    reply = service.get("/review", Authorization=f"Bearer {token}")
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert b" on" + b"click=" not in reply.body
