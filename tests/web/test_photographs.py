"""Photographs through the file input: read as ``predict --multi`` reads them, with boxes, stages and refusals."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from digitrec_edge import mnist
from digitrec_edge.errors import PictureError
from digitrec_edge.preprocess import decode, read_number, read_stages
from runtimes import Model
from tests import photographs
from tests.web.visits import click, state, visit

if TYPE_CHECKING:
    from tests.browser import Browser

pytestmark = pytest.mark.checkout
PHOTOGRAPHS, RIGHT = 30, 0.96
COUNTED = """(() => {
  globalThis.readings = (globalThis.readings ?? 0);
  new MutationObserver(() => { globalThis.readings += 1; })
    .observe(document.getElementById("words"), { childList: true });
})()"""
READ = "new Promise((done) => { const look = () => readings ? done(readings = 0) : setTimeout(look, 5); look(); })"


def choose(browser: "Browser", path: Path, selector: str = "#picture") -> dict[str, str]:
    """Choose a file and return what is read, once it is."""
    browser.evaluate("globalThis.readings = 0")
    browser.give_file(selector, path)
    browser.evaluate(READ)
    return state(browser)


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


def test_what_cannot_be_read_is_refused_in_words(page: Path, browser: "Browser", tmp_path: Path) -> None:
    visit(browser, page)
    browser.evaluate(COUNTED)
    blank = io.BytesIO()
    Image.new("L", (300, 300), 240).save(blank, "PNG")
    for name, data, words in (
        ("blank.png", blank.getvalue(), "blank"),
        ("text.png", b"no picture at all", "is no picture that this browser can open"),
    ):
        (tmp_path / name).write_bytes(data)
        shown = choose(browser, tmp_path / name)
        assert shown["digit"] == ""
        assert words in shown["words"]
    click(browser, "clear")
    assert state(browser)["words"].startswith("Use a finger")
