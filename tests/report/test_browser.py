"""The report in a real browser: readable on desktop and phone, in light and in dark, without network."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("matplotlib", reason="report needs the extra 'report'")
pytest.importorskip("jinja2", reason="report needs the extra 'report'")

if TYPE_CHECKING:
    from tests.browser import Browser

SHOWN = """[...document.images, ...document.querySelectorAll('svg')].map(one => {
    const box = one.getBoundingClientRect();
    return [one.tagName, one instanceof HTMLImageElement ? one.complete && one.naturalWidth > 0 : true,
            box.width > 10 && box.height > 10, box.left >= 0 && box.right <= innerWidth + 0.5];
}).filter(row => !(row[1] && row[2] && row[3]))"""


@pytest.fixture(scope="module")
def browser(open_browser: "Callable[[], Browser]") -> "Iterator[Browser]":
    with open_browser() as browser:
        yield browser


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_in_a_real_browser(page: Path, width: int, dark: bool, browser: "Browser") -> None:
    browser.open(page, width=width, dark=dark, mobile=width < 600)
    assert browser.evaluate(SHOWN) == []
    pictures = page.read_text().count("<img ")
    assert browser.evaluate("document.images.length") == pictures > 40
    assert browser.evaluate("document.querySelectorAll('svg').length") >= 8
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.evaluate("document.body.scrollWidth") <= width
    background = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, re.findall(r"\d+", background)[:3])) < 60) is dark
    assert [url for url in browser.requests if not url.startswith(("file:", "data:"))] == []
    assert browser.complaints == []


def test_text_in_figures_can_be_read_in_both_themes(page: Path, browser: "Browser") -> None:
    """Every word of a figure stands out from the page: at least 3 to 1 (WCAG 2.1, 1.4.3, large text and graphics)."""
    contrast = """(() => {
      const light = c => { const v = c.match(/[\\d.]+/g).slice(0, 3).map(x => x / 255)
          .map(x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
          return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]; };
      const page = light(getComputedStyle(document.body).backgroundColor);
      return Math.min(...[...document.querySelectorAll('svg text')].map(t => {
          const own = light(getComputedStyle(t).fill);
          return (Math.max(own, page) + 0.05) / (Math.min(own, page) + 0.05); })); })()"""
    for dark in (False, True):
        browser.open(page, width=390, dark=dark)
        assert browser.evaluate(contrast) >= 3


def test_the_browser_test_can_fail(tmp_path: Path, open_browser: "Callable[[], Browser]") -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<meta name=viewport content='width=device-width'><div style='width:900px'>wide</div>"
        "<img src='absent.png'><script>console.error('oh'); nothing()</script>"
    )
    with open_browser() as browser:
        browser.open(bad, width=390, mobile=True)
        assert browser.evaluate("document.documentElement.scrollWidth") > 390
        assert browser.evaluate(SHOWN)
        assert len(browser.complaints) >= 2
        assert any(url.endswith("absent.png") for url in browser.requests)
