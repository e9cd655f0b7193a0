"""The page in a real browser: what it computes, draws and reads, and that it asks nobody for anything."""

import base64
import dataclasses
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from digitrec_edge import artifact, pretrained
from digitrec_edge.artifact import sample
from digitrec_edge.formats import SAMPLE_FILE
from tests.web.visits import click, draw, state, visit

if TYPE_CHECKING:
    from tests.browser import Browser

pytestmark = pytest.mark.checkout
ROOT = Path(__file__).parents[2]
MOST_BYTES = 400_000
ALL_LOGITS = """(async (packed, kernel) => {
  const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const images = new Uint8Array(await new Response(stream).arrayBuffer());
  let text = "";
  for (let at = 0; at < images.length; at += 784) {
    text += String.fromCharCode(...new Uint8Array(digitrec.logits(images.subarray(at, at + 784), kernel).buffer));
  }
  return btoa(text);
})"""


def test_it_is_small_and_of_the_size_that_is_told(page: Path) -> None:
    size = page.stat().st_size
    assert size <= MOST_BYTES
    (told,) = re.findall(r"(\d+) KB with everything", (ROOT / "docs" / "mobile.md").read_text())
    assert size / 1024 == pytest.approx(int(told), rel=0.02)


def test_it_tests_itself_with_both_kernels(page: Path, browser: "Browser") -> None:
    result = visit(browser, page)
    assert result == {"passed": True, "images": 32, "different": {"simd": 0, "js": 0}, "agree": True}
    assert browser.evaluate("digitrec.kernel") == "simd"
    assert "32 images" in browser.evaluate("document.getElementById('test').textContent")


@pytest.mark.parametrize("images", [31, 1])
def test_it_tests_itself_with_as_many_images_as_travel(images: int, browser: "Browser", tmp_path: Path) -> None:
    found = artifact.read(pretrained.DEFAULT)
    assert found.card
    whole = sample.unpack(found.files[SAMPLE_FILE], 10)
    few = {field.name: getattr(whole, field.name)[:images] for field in dataclasses.fields(whole)}
    path = tmp_path / "few.html"
    artifact.write(path, found.payload, found.card, sample.pack(sample.Sample(**few)), envelope="html")
    assert visit(browser, path)["images"] == images


def test_numbers_that_differ_from_the_export_s_are_counted_as_numbers(browser: "Browser", tmp_path: Path) -> None:
    found = artifact.read(pretrained.DEFAULT)
    assert found.card
    whole = sample.unpack(found.files[SAMPLE_FILE], 10)
    expected = whole.expected.copy()
    expected[:2, :4] += np.diff(np.unique(expected)).min()
    files = sample.pack(dataclasses.replace(whole, expected=expected))
    path = tmp_path / "apart.html"
    artifact.write(path, found.payload, found.card, files, envelope="html")
    assert visit(browser, path)["different"] == {"simd": 8, "js": 8}
    assert "but for 8 of their numbers, " in browser.evaluate("document.getElementById('test').textContent")


@pytest.mark.parametrize("kernel", ["simd", "js"])
def test_all_logits_are_those_of_litert(
    kernel: str, page: Path, browser: "Browser", packed_images: str, logits: NDArray[np.int8]
) -> None:
    visit(browser, page)
    text = browser.evaluate(f"{ALL_LOGITS}({json.dumps(packed_images)}, {json.dumps(kernel)})")
    found = np.frombuffer(base64.b64decode(text), np.int8).reshape(-1, 10)
    assert int((found != logits).sum()) == 0


@pytest.mark.parametrize(
    "code",
    [
        "WebAssembly.Module = class { constructor() { throw new WebAssembly.CompileError('no SIMD'); } }",
        "WebAssembly.Memory = class { constructor() { throw new RangeError('could not allocate memory'); } }",
    ],
    ids=["no SIMD", "no memory"],
)
def test_without_simd_or_its_memory_plain_javascript_is_chosen(code: str, page: Path, browser: "Browser") -> None:
    script = browser.send("Page.addScriptToEvaluateOnNewDocument", source=code)
    try:
        assert visit(browser, page)["different"] == {"js": 0}
        assert browser.evaluate("digitrec.kernel") == "js"
    finally:
        browser.send("Page.removeScriptToEvaluateOnNewDocument", identifier=script["identifier"])


def test_no_digit_is_an_answer(page: Path, browser: "Browser") -> None:
    visit(browser, page)
    zigzag = [(0.35 + 0.3 * (k % 2), 0.2 + 0.05 * k) for k in range(13)]
    draw(browser, [zigzag])
    assert state(browser)["digit"] == "?"
    assert state(browser)["words"].startswith("No digit")
    assert state(browser)["spoken"] == "No digit."


def test_an_example_is_an_image_that_travels(page: Path, browser: "Browser") -> None:
    visit(browser, page)
    labels, shown = [str(label) for label in artifact_labels()], []
    for _ in range(8):
        click(browser, "example")
        shown.append(state(browser)["digit"])
    assert "?" not in shown
    following = iter(labels[:10])
    assert all(digit in following for digit in shown), "in their order; what is no digit to the model is left out"


def artifact_labels() -> NDArray[np.uint8]:
    labels: NDArray[np.uint8] = sample.unpack(artifact.read(pretrained.DEFAULT).files[SAMPLE_FILE], 10).labels.astype(
        np.uint8
    )
    return labels


def test_the_model_is_given_back_to_the_byte(page: Path, browser: "Browser") -> None:
    visit(browser, page)
    kept = """(() => new Promise((done) => {
      const make = URL.createObjectURL;
      HTMLAnchorElement.prototype.click = function () {};
      URL.createObjectURL = (blob) => {
        blob.arrayBuffer().then((all) => {
          let text = "";
          for (const byte of new Uint8Array(all)) text += String.fromCharCode(byte);
          done(btoa(text));
        });
        return make(blob);
      };
      document.getElementById("save").click();
    }))()"""
    assert base64.b64decode(browser.evaluate(kept)) == pretrained.DEFAULT.read_bytes()


def test_what_scripts_are_offered(page: Path, browser: "Browser") -> None:
    visit(browser, page)
    assert browser.evaluate("digitrec.logits(new Uint8Array(784)) instanceof Int8Array")
    assert browser.evaluate("digitrec.logits(new Uint8Array(784)).length") == 10
    assert browser.evaluate("digitrec.classify(new Uint8Array(784))") == -1
    assert browser.evaluate("digitrec.read(new Uint8Array(10000).fill(255), 100, 100)") == []
    for wrong in (
        "digitrec.logits([1])",
        "digitrec.read(new Uint8Array(5), 2, 2)",
        "digitrec.read(new Uint8Array(784), -28, -28)",
        "digitrec.logits(new Uint8Array(784), 'x')",
        "digitrec.logits(new Uint8Array(784), 'toString')",
    ):
        with pytest.raises(RuntimeError, match=r"TypeError: (a picture is|no kernel is called)"):
            browser.evaluate(wrong)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_and_asks_for_nothing(width: int, dark: bool, page: Path, browser: "Browser") -> None:
    browser.complaints.clear()
    browser.requests.clear()
    visit(browser, page, dark=dark, width=width)
    click(browser, "example")
    browser.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    small = """[...document.querySelectorAll('button, label.tool, summary')].map((one) => one.getBoundingClientRect())
        .filter((box) => box.width && (box.width < 44 || box.height < 44)).length"""
    assert browser.evaluate(small) == 0
    background = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (int(background[4:].split(",")[0]) < 60) is dark
    assert [url for url in browser.requests if not url.startswith("data:")] == [page.resolve().as_uri()]
    assert browser.complaints == []


@pytest.mark.parametrize(("width", "height"), [(568, 320), (667, 375), (740, 360), (844, 390), (1280, 400)])
def test_on_a_low_window_the_field_the_tools_and_the_answer_are_seen_at_once(
    width: int, height: int, page: Path, browser: "Browser"
) -> None:
    browser.open(page, width=width, height=height, mobile=width < 1000)
    browser.evaluate("digitrec.ready")
    click(browser, "example")
    edges = """(id) => {
      const { left, top, right, bottom } = document.getElementById(id).getBoundingClientRect();
      return [left, top, right, bottom];
    }"""
    pad, tools, digit = (browser.evaluate(f"({edges})('{one}')") for one in ("pad", "tools", "digit"))
    assert pad[3] - pad[1] == pytest.approx(pad[2] - pad[0])
    assert pad[3] - pad[1] >= 200
    assert tools[3] <= height + 8
    assert digit[3] <= height
    assert digit[0] >= pad[2]
    assert browser.evaluate("document.documentElement.scrollWidth") <= width


ROOM_BESIDE_WORDS = """[...document.querySelectorAll('#tools > *')].map((one) => {
  const words = document.createRange(), box = one.getBoundingClientRect();
  words.selectNodeContents([...one.childNodes].find((node) => node.data?.trim()));
  const { left, right } = words.getBoundingClientRect();
  return Math.min(left - box.left, box.right - right);
})"""


@pytest.mark.parametrize("width", [280, 320])
def test_on_a_narrow_screen_the_tools_stay_in_their_row(width: int, page: Path, browser: "Browser") -> None:
    visit(browser, page, width=width)
    ends = browser.evaluate(
        "[document.getElementById('tools'), ...document.querySelectorAll('#tools > *')]"
        ".map((one) => one.getBoundingClientRect().right)"
    )
    assert max(ends) <= ends[0] + 0.5
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert min(browser.evaluate(ROOM_BESIDE_WORDS)) >= 0


def test_sharing_that_is_open_already_keeps_no_file(page: Path, browser: "Browser") -> None:
    visit(browser, page)
    click(browser, "example")
    tapped = """(async (failing) => {
      const seen = [];
      let open = false;
      navigator.canShare = () => true;
      navigator.share = () => {
        seen.push("share");
        const refused = failing || (open && "InvalidStateError");
        open = true;
        return refused ? Promise.reject(new DOMException("refused", refused)) : new Promise(() => {});
      };
      HTMLAnchorElement.prototype.click = function () { seen.push(this.download); };
      const button = document.getElementById("share"), end = performance.now() + 10_000, count = failing ? 1 : 2;
      for (let k = 0; k < count; k++) button.click();
      while (seen.length < 2 && performance.now() < end) await new Promise((done) => setTimeout(done, 10));
      await new Promise((done) => setTimeout(done, 100));
      return seen;
    })"""
    assert browser.evaluate(f"{tapped}()") == ["share", "share"]
    assert browser.evaluate(f"{tapped}('AbortError')".replace("< 2", "< 1")) == ["share"]
    assert browser.evaluate(f"{tapped}('NotAllowedError')") == ["share", "digits.png"]


def test_an_example_is_drawn_by_the_pen_of_the_theme(page: Path, browser: "Browser") -> None:
    visit(browser, page)
    click(browser, "example")
    drawn = """(() => {
      const pad = document.getElementById("pad"), pen = getComputedStyle(pad).getPropertyValue("--pen");
      const { data } = pad.getContext("2d").getImageData(0, 0, pad.width, pad.height);
      const wanted = [1, 3, 5].map((at) => parseInt(pen.slice(at, at + 2), 16));
      let count = 0;
      for (let k = 0; k < data.length; k += 4) {
        count += data[k + 3] > 250 && wanted.every((part, c) => Math.abs(part - data[k + c]) < 3);
      }
      return [pen, count];
    })()"""
    pen, count = browser.evaluate(drawn)
    assert count > 500
    browser.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    browser.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    other, again = browser.evaluate(drawn)
    assert other != pen
    assert again == count


def test_its_policy_lets_nothing_else_run_or_leave(page: Path, browser: "Browser") -> None:
    visit(browser, page)
    tried = """(async () => {
      const script = document.createElement("script");
      script.textContent = "globalThis.evil = true";
      document.body.append(script);
      const sent = await fetch("http://127.0.0.1:9/").then(() => true, () => false);
      const image = new Image();
      image.src = "http://127.0.0.1:9/x.png";
      return [Boolean(globalThis.evil), sent];
    })()"""
    assert browser.evaluate(tried) == [False, False]
    assert any("Content Security Policy" in words for words in browser.complaints)
    assert "onclick" not in page.read_text()
    browser.complaints.clear()
