"""Photographs through the file input: read as ``predict --multi`` reads them, with boxes, stages and refusals."""

import base64
import io
import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from digitrec_edge import mnist
from digitrec_edge.errors import PictureError
from digitrec_edge.preprocess import decode, read_stages
from digitrec_edge.preprocess.touching import read_number
from runtimes import Model
from tests import photographs
from tests.web.visits import SETTLED, click, draw, state, visit

if TYPE_CHECKING:
    from tests.browser import Browser

pytestmark = pytest.mark.checkout
PHOTOGRAPHS, RIGHT = 30, 0.96
COUNTED = """(() => {
  globalThis.readings = (globalThis.readings ?? 0);
  new MutationObserver(() => { globalThis.readings += 1; })
    .observe(document.getElementById("words"), { childList: true });
})()"""
READ = """new Promise((done) => {
  const busy = () => document.getElementById("reading").ariaBusy === "true";
  const look = () => (readings && !busy() ? done(readings = 0) : setTimeout(look, 5));
  look();
})"""
HOLD = """(() => {
  const open = globalThis.createImageBitmap, gate = new Promise((done) => { globalThis.release = done; });
  globalThis.bitmaps = { opened: 0, closed: 0 };
  let calls = 0;
  globalThis.createImageBitmap = async (...given) => {
    if (calls++ === 0) await gate;
    const bitmap = await open(...given), close = bitmap.close;
    bitmaps.opened += 1;
    bitmap.close = () => { bitmaps.closed += 1; close.call(bitmap); };
    return bitmap;
  };
})()"""
"""The first picture is not opened until ``release()``, as if it were large."""
BUSY = """new Promise((done) => {
  const look = () =>
    document.getElementById("reading").ariaBusy === "true" ? done(true) : requestAnimationFrame(look);
  look();
})"""
RELEASED = f"(release(), new Promise((done) => setTimeout(done, 300)).then(() => {SETTLED}))"
ONE = [[(0.6, 0.2 + 0.05 * k) for k in range(13)]]
"""A stroke that is read as a 1."""


def choose(browser: "Browser", path: Path, selector: str = "#picture") -> dict[str, str]:
    """Choose a file and return what is read, once it is."""
    browser.evaluate("globalThis.readings = 0")
    browser.give_file(selector, path)
    browser.evaluate(READ)
    return state(browser)


GIVEN = {
    "drop": "new DragEvent('drop', { dataTransfer: given, bubbles: true, cancelable: true })",
    "paste": "new ClipboardEvent('paste', { clipboardData: given, bubbles: true, cancelable: true })",
}


def hand_over(browser: "Browser", how: str, item: str) -> bool:
    """Drop or paste what the script ``item`` is; returns whether the page took it from the browser."""
    return bool(
        browser.evaluate(f"""(() => {{
          const given = new DataTransfer();
          given.items.add({item});
          globalThis.readings = 0;
          return !document.body.dispatchEvent({GIVEN[how]});
        }})()""")
    )


def file_of(path: Path) -> str:
    content = base64.b64encode(path.read_bytes()).decode()
    return f"new File([Uint8Array.from(atob('{content}'), (one) => one.charCodeAt(0))], '{path.name}')"


def read_by_python(data: bytes, model: Model) -> str:
    """What the command line reads of the same file."""
    try:
        stages = read_stages(decode(data, "photograph"))
        found = read_number(stages, lambda images: (model.predict(images).probabilities, model.predict(images).scores))
    except PictureError:
        return ""
    answers = [model.predict(digit.image) for digit, _ in found]
    return "".join(str(one.digits) if one.accepted else "?" for one in answers)


def test_photographs_are_read_as_by_python(
    page: Path, browser: "Browser", pretrained_model: Model, mnist_test: mnist.Digits, tmp_path: Path
) -> None:
    visit(browser, page)
    browser.evaluate(COUNTED)
    right, other = 0, []
    for place, k in enumerate(mnist.sample_indices(PHOTOGRAPHS, len(mnist_test), photographs.SEED)):
        data = photographs.make(mnist_test.images, int(k), scale=0.5)
        path = tmp_path / f"{place}.jpg"
        path.write_bytes(data)
        shown = choose(browser, path, "#camera" if place % 2 else "#picture")["digit"]
        right += shown == str(mnist_test.labels[k])
        expected = read_by_python(data, pretrained_model)
        if shown != expected:
            other.append((int(k), expected, shown))
    assert right >= RIGHT * PHOTOGRAPHS
    assert len(other) <= 1, other  # browsers decode JPEG files a last bit apart from Pillow


def test_large_photographs_are_read_at_the_size_at_which_python_reads_them(
    page: Path, browser: "Browser", pretrained_model: Model, mnist_test: mnist.Digits, tmp_path: Path
) -> None:
    visit(browser, page)
    browser.evaluate(COUNTED)
    for k in (17, 33, 82):
        with Image.open(io.BytesIO(photographs.make(mnist_test.images, k))) as small:
            small.resize((5 * small.width, 5 * small.height), Image.Resampling.BICUBIC).save(tmp_path / "large.jpg")
        read = read_by_python((tmp_path / "large.jpg").read_bytes(), pretrained_model)
        assert choose(browser, tmp_path / "large.jpg")["digit"] == read == str(mnist_test.labels[k])


def test_several_digits_are_read_in_order_and_can_be_chosen(
    page: Path, browser: "Browser", pretrained_model: Model, mnist_test: mnist.Digits, tmp_path: Path
) -> None:
    scores = pretrained_model.predict(mnist_test.images[:500]).scores
    chosen = [int(np.where(mnist_test.labels[:500] == digit, scores, 0).argmax()) for digit in (4, 2, 7)]
    row = np.full((200, 500), 255, np.uint8)
    for place, k in enumerate(chosen):
        digit = np.asarray(Image.fromarray(mnist_test.images[k]).resize((140, 140)))
        row[30:170, 20 + 160 * place : 160 + 160 * place] -= digit
    Image.fromarray(row).save(tmp_path / "row.png")
    visit(browser, page)
    browser.evaluate(COUNTED)
    assert choose(browser, tmp_path / "row.png")["digit"] == "427"
    assert state(browser)["spoken"] == "Read: 4 2 7."
    names = browser.evaluate("[...document.querySelectorAll('#several button')].map((one) => one.ariaLabel)")
    assert [name.split(",")[0] for name in names] == ["1: 4", "2: 2", "3: 7"]
    browser.evaluate("document.querySelectorAll('#several button')[2].click()")
    assert browser.evaluate("document.querySelector('#bars .best .label').textContent") == "7"
    grey = ",".join(map(str, row.ravel().tolist()))
    found: list[dict[str, Any]] = browser.evaluate(f"digitrec.read(Uint8Array.from([{grey}]), 500, 200)")
    assert [one["digit"] for one in found] == [4, 2, 7]
    for place, one in enumerate(found):
        assert 20 + 160 * place <= one["box"]["left"] < one["box"]["right"] <= 160 + 160 * place
        assert one["probability"] > 0.9
    browser.evaluate("document.getElementById('stages').open = true")
    browser.evaluate("new Promise((done) => setTimeout(done, 100))")
    captions = browser.evaluate("[...document.querySelectorAll('.strip figcaption')].map((one) => one.textContent)")
    assert captions[:4] == ["picture", "background", "foreground", "components"]
    assert len(captions) == 7
    for degrees in (90, 180, 270):  # a picture that lies on its side is turned when one says so
        Image.fromarray(np.rot90(row, degrees // 90)).save(tmp_path / "turned.png")
        if choose(browser, tmp_path / "turned.png")["digit"] != "427":
            assert not browser.evaluate("document.getElementById('turn').hidden"), degrees
            click(browser, "turn")
            assert state(browser)["digit"] == "427", degrees


CHOSEN = "[...document.querySelectorAll('#several button')].findIndex((one) => one.ariaPressed === 'true')"
TAGS = """(() => {
  globalThis.tags = [];
  const fill = CanvasRenderingContext2D.prototype.fillRect;
  CanvasRenderingContext2D.prototype.fillRect = function (x, y, width, height) {
    if (this.canvas.id === "pad") tags.push([x, y, x + width, y + height]);
    fill.call(this, x, y, width, height);
  };
})()"""


def test_the_least_sure_of_several_digits_is_shown_first(page: Path, browser: "Browser") -> None:
    visit(browser, page)
    lines = [[(x, 0.3 + 0.04 * k) for k in range(10)] for x in (0.15, 0.85)]
    draw(browser, [*lines, [(0.42 + 0.16 * (k % 2), 0.3 + 0.033 * k) for k in range(13)]])
    assert state(browser)["digit"] == "1?1"
    assert state(browser)["words"].startswith("2nd of 3: no digit")
    assert browser.evaluate(CHOSEN) == 1
    browser.evaluate("document.querySelectorAll('#several button')[2].click()")
    assert state(browser)["words"].startswith("3rd of 3: 9")


def test_eight_digits_leave_room_for_the_words_and_for_each_label(
    page: Path, browser: "Browser", mnist_test: mnist.Digits, tmp_path: Path
) -> None:
    """Digits of different sureness, the first of the test set, from edge to edge of the picture."""
    row = np.full((90, 8 * 66), 255, np.uint8)
    for place, image in enumerate(mnist_test.images[:8]):
        row[15:75, 3 + 66 * place : 63 + 66 * place] -= np.asarray(Image.fromarray(image).resize((60, 60)))
    Image.fromarray(row).save(tmp_path / "row.png")
    visit(browser, page)
    browser.evaluate(COUNTED)
    browser.evaluate(TAGS)
    assert choose(browser, tmp_path / "row.png")["digit"] == "72104149"
    names = browser.evaluate("[...document.querySelectorAll('#several button')].map((one) => one.ariaLabel)")
    sureness = [float(name.split(", ")[1].split()[0]) for name in names]
    assert sureness[browser.evaluate(CHOSEN)] == min(sureness)
    assert browser.evaluate("document.getElementById('words').getBoundingClientRect().width") > 180
    side, tags = browser.evaluate("[document.getElementById('pad').width, tags.slice(-8)]")
    assert len(tags) == 8
    assert all(0 <= left < right <= side for left, _, right, _ in tags)
    assert all(before[2] <= after[0] for before, after in itertools.pairwise(tags))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0)], ids=["black ink", "white ink"])
def test_ink_on_nothing_is_seen_on_the_paper_that_it_is_read_on(
    ink: int, paper: int, dark: bool, page: Path, browser: "Browser", tmp_path: Path
) -> None:
    drawn = Image.new("LA", (280, 280), (ink, 0))
    ImageDraw.Draw(drawn).line([(80, 60), (200, 60), (130, 220)], fill=(ink, 255), width=20, joint="curve")
    drawn.save(tmp_path / "seven.png")
    visit(browser, page, dark=dark)
    browser.evaluate(COUNTED)
    assert choose(browser, tmp_path / "seven.png")["digit"] == "7"
    corner = """(() => {
      const pad = document.getElementById("pad");
      return [...pad.getContext("2d").getImageData(10, 10, 1, 1).data];
    })()"""
    assert browser.evaluate(corner) == [paper, paper, paper, 255]


@pytest.mark.parametrize("how", GIVEN)
def test_a_picture_that_is_dropped_or_pasted_is_read(
    how: str, page: Path, browser: "Browser", mnist_test: mnist.Digits, tmp_path: Path
) -> None:
    Image.fromarray(255 - mnist_test.images[0]).resize((140, 140)).save(tmp_path / "seven.png")
    (tmp_path / "text.txt").write_text("no picture")
    visit(browser, page)
    browser.evaluate(COUNTED)
    draw(browser, ONE)
    assert not hand_over(browser, how, "'words', 'text/plain'")  # stays the browser's
    assert state(browser)["digit"] == "1"
    assert hand_over(browser, how, file_of(tmp_path / "text.txt"))
    browser.evaluate(READ)
    assert "is no picture that this browser can open" in state(browser)["words"]
    assert hand_over(browser, how, file_of(tmp_path / "seven.png"))
    browser.evaluate(READ)
    assert state(browser)["digit"] == "7"


def test_what_cannot_be_read_is_refused_in_words(page: Path, browser: "Browser", tmp_path: Path) -> None:
    visit(browser, page)
    browser.evaluate(COUNTED)
    blank = io.BytesIO()
    Image.new("L", (300, 300), 240).save(blank, "PNG")
    (tmp_path / "blank.png").write_bytes(blank.getvalue())
    (tmp_path / "text.png").write_bytes(b"no picture at all")
    for name, words in (("text.png", "is no picture that this browser can open"), ("blank.png", "blank")):
        shown = choose(browser, tmp_path / name)
        assert shown["digit"] == ""
        assert words in shown["words"]
        assert words in shown["spoken"]
        click(browser, "clear")
        assert state(browser)["words"].startswith("Use a finger")


def test_a_file_that_is_no_picture_leaves_the_drawing_as_it_is(page: Path, browser: "Browser", tmp_path: Path) -> None:
    visit(browser, page)
    browser.evaluate(COUNTED)
    draw(browser, ONE)
    (tmp_path / "text.png").write_bytes(b"no picture at all")
    shown = choose(browser, tmp_path / "text.png")
    assert shown["digit"] == "1"
    assert "is no picture that this browser can open" in shown["words"]
    assert not browser.evaluate("document.getElementById('undo').disabled")
    click(browser, "undo")
    assert state(browser)["digit"] == ""


@pytest.fixture
def slow(page: Path, browser: "Browser", tmp_path: Path) -> Path:
    """A picture of a 7 that is chosen on the page, and is not open yet."""
    drawn = Image.new("L", (280, 280), 255)
    ImageDraw.Draw(drawn).line([(80, 60), (200, 60), (130, 220)], fill=0, width=20, joint="curve")
    drawn.save(tmp_path / "seven.png")
    visit(browser, page)
    browser.evaluate(HOLD)
    browser.give_file("#picture", tmp_path / "seven.png")
    browser.evaluate(BUSY)
    return tmp_path / "seven.png"


@pytest.mark.usefixtures("slow")
def test_it_is_said_that_a_picture_is_being_read(browser: "Browser") -> None:
    assert state(browser)["words"] == "One momentthe picture is being read"
    assert state(browser)["spoken"] == "One moment: the picture is being read."
    browser.evaluate(RELEASED)
    assert state(browser)["digit"] == "7"
    assert browser.evaluate("document.getElementById('reading').ariaBusy") == "false"
    assert browser.evaluate("bitmaps") == {"opened": 1, "closed": 1}


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("done", ["draw", "clear", "example", "turn"])
def test_what_is_done_while_a_picture_is_opened_stays(browser: "Browser", done: str) -> None:
    if done == "draw":
        draw(browser, ONE)
    else:
        click(browser, "example")
        browser.evaluate("document.getElementById('turn').hidden = false")
        if done != "example":
            click(browser, done)
    before = state(browser)
    assert "being read" not in before["words"]
    browser.evaluate(RELEASED)
    assert state(browser) == before


def test_of_two_pictures_the_later_one_is_read_whichever_is_opened_first(
    slow: Path, browser: "Browser", tmp_path: Path
) -> None:
    with Image.open(slow) as seven:
        ImageOps.flip(seven).save(tmp_path / "other.png")
    browser.evaluate(COUNTED)
    before = choose(browser, tmp_path / "other.png", "#camera")
    assert before["digit"] not in ("", "7")
    browser.evaluate(RELEASED)
    assert state(browser) == before


def test_a_picture_too_large_is_refused_and_takes_no_memory_any_more(
    slow: Path, browser: "Browser", page: Path
) -> None:
    visit(browser, page)
    browser.evaluate(HOLD)
    browser.evaluate(
        "(() => { const open = createImageBitmap; globalThis.createImageBitmap = async (...given) =>"
        " Object.defineProperty(await open(...given), 'width', { value: 1e6 }); })()"
    )
    browser.give_file("#picture", slow)
    browser.evaluate(BUSY)
    browser.evaluate(RELEASED)
    assert "100 million fit" in state(browser)["words"]
    assert browser.evaluate("bitmaps") == {"opened": 1, "closed": 1}
