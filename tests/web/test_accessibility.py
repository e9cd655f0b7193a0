"""The page for everybody: axe finds nothing wrong, in both themes, on a phone and on a desk; motion can be stopped."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from digitrec_edge import mnist
from tests.serving import wait_for
from tests.web.visits import click, draw, state, visit

if TYPE_CHECKING:
    from tests.browser import Browser

pytestmark = pytest.mark.checkout
HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build" / "npm"


@pytest.fixture(scope="module")
def axe() -> str:
    """The script of axe-core, in the version of package.json; fetched once, into build/npm."""
    script = BUILD / "node_modules" / "axe-core" / "axe.min.js"
    wanted = (HERE / "package.json").read_bytes()
    if not script.exists() or (BUILD / "package.json").read_bytes() != wanted:
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("axe-core is not there: apt-get install npm")
        BUILD.mkdir(parents=True, exist_ok=True)
        (BUILD / "package.json").write_bytes(wanted)
        command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
        done = subprocess.run(command, cwd=BUILD, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode:
            pytest.skip(f"axe-core cannot be fetched: {done.stderr.strip()[:200]}")
    return script.read_text(encoding="utf-8")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing(width: int, dark: bool, axe: str, page: Path, browser: "Browser") -> None:
    visit(browser, page, dark=dark, width=width)
    browser.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    found = []
    browser.evaluate(axe + "; 0")
    for step in ("empty", "several", "example"):
        if step == "several":
            draw_two(browser)
        if step == "example":
            click(browser, "clear")
            click(browser, "example")
        result = browser.evaluate(
            "axe.run().then((all) => JSON.stringify(all.violations.map((one) => "
            "[one.id, one.nodes.map((node) => node.html.slice(0, 120))])))"
        )
        found += [(step, *one) for one in json.loads(result)]
    assert found == []


def draw_two(browser: "Browser") -> None:
    """Two digits on the field, so that there are buttons to choose one; a desk may have a touch screen, too."""
    browser.send("Emulation.setTouchEmulationEnabled", enabled=True)
    draw(browser, [[(x, 0.3 + 0.04 * k) for k in range(10)] for x in (0.2, 0.7)])
    assert browser.evaluate("document.querySelectorAll('#several button').length") == 2, state(browser)


def contrast(one: str, other: str) -> float:
    """Of two colours, #rrggbb, as WCAG 2 defines it."""

    def brightness(colour: str) -> float:
        shares = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((brightness(one), brightness(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_bars_and_the_hint_stand_out_which_axe_does_not_look_at(dark: bool, page: Path, browser: "Browser") -> None:
    visit(browser, page, dark=dark)
    names = ("bar", "accent", "surface", "muted", "paper")
    style = "getComputedStyle(document.documentElement)"
    bar, accent, surface, muted, paper = (browser.evaluate(f"{style}.getPropertyValue('--{name}')") for name in names)
    assert contrast(bar, surface) >= 3
    assert contrast(accent, surface) >= 3
    assert contrast(muted, paper) >= 4.5
    assert browser.evaluate("getComputedStyle(document.getElementById('hint')).opacity") == "1"


def test_motion_stops_when_asked(page: Path, browser: "Browser") -> None:
    visit(browser, page)
    moving = "getComputedStyle(document.querySelector('#bars .fill')).transitionDuration"
    assert browser.evaluate(moving) != "0s"
    browser.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    assert browser.evaluate(moving) == "0s"


def test_which_of_several_digits_is_shown_is_seen_in_the_colours_of_the_system(
    page: Path, browser: "Browser", tmp_path: Path
) -> None:
    visit(browser, page)
    picture = Image.new("L", (200, 100), 255)
    for place, image in enumerate(mnist.load("test").images[:2]):
        picture.paste(Image.fromarray(255 - image).resize((84, 84)), (8 + 92 * place, 8))
    picture.save(tmp_path / "two.png")
    browser.give_file("#picture", tmp_path / "two.png")
    wait_for(lambda: browser.evaluate("document.querySelectorAll('#several button').length === 2"), "two are read")
    browser.send("Emulation.setEmulatedMedia", features=[{"name": "forced-colors", "value": "active"}])
    shown, other = browser.evaluate(
        "[true, false].map((pressed) => getComputedStyle(document.querySelector("
        '`#several button[aria-pressed="${pressed}"]`)).backgroundColor)'
    )
    assert shown != other


def test_everything_can_be_reached_by_the_keyboard_in_order(page: Path, browser: "Browser") -> None:
    visit(browser, page, width=1280)
    click(browser, "example")
    browser.evaluate("document.activeElement.blur()")
    seen = []
    for _ in range(8):
        browser.send("Input.dispatchKeyEvent", type="keyDown", key="Tab", code="Tab", windowsVirtualKeyCode=9)
        seen.append(browser.evaluate("document.activeElement.id || document.activeElement.localName"))
    assert seen == ["pad", "clear", "example", "camera", "picture", "share", "summary", "summary"]
