"""The page of a recogniser whose answers are called otherwise than the ten digits: letters, words, markup."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from digitrec_edge import artifact, pretrained
from digitrec_edge.formats import SAMPLE_FILE
from tests.web.pen import written
from tests.web.visits import click, draw, state, visit

if TYPE_CHECKING:
    from tests.browser import Browser

pytestmark = pytest.mark.checkout
LETTERS = tuple("OABCDEFGHI")
WORDS = ("zero", "one", "two", "<b>three</b>", "four & more", "fünf", "six", "seven", "eight", "nine")
"""Some of which a page might take for markup."""
BARS = "[...document.querySelectorAll('#bars .label')].map((label) => label.textContent)"


def page_of(labels: tuple[str, ...], folder: Path) -> Path:
    """The pretrained recogniser, its answers called otherwise."""
    found = artifact.read(pretrained.DEFAULT)
    assert found.card
    card = dataclasses.replace(found.card, labels=labels)
    path = folder / "signs.html"
    artifact.write(path, found.payload, card, found.files[SAMPLE_FILE], envelope="html")
    return path


@pytest.mark.parametrize("labels", [LETTERS, WORDS], ids=["letters", "words"])
def test_every_label_is_shown_as_it_is_called(browser: "Browser", tmp_path: Path, labels: tuple[str, ...]) -> None:
    browser.complaints.clear()
    assert visit(browser, page_of(labels, tmp_path))["passed"]
    assert browser.evaluate(BARS) == [*labels]
    assert browser.evaluate("document.querySelector('h1').textContent") == "Draw a sign"
    assert browser.evaluate("document.title") == "A sign, read on this device"
    assert browser.evaluate("document.querySelectorAll('#bars b').length") == 0
    for number in (0, 3, 4, 5, 7):
        draw(browser, written(number, np.random.default_rng([1, number])))
        shown = state(browser)
        assert shown["digit"] == labels[number]
        assert shown["spoken"].startswith(f"Read: {labels[number]}, ")
        assert labels[number] in browser.evaluate("document.getElementById('bars').ariaLabel")
        click(browser, "clear")
    assert browser.complaints == []


def test_words_are_shown_apart(browser: "Browser", tmp_path: Path) -> None:
    visit(browser, page_of(WORDS, tmp_path))
    draw(browser, [[(x, 0.3 + 0.04 * k) for k in range(10)] for x in (0.2, 0.7)])
    assert state(browser)["digit"] == "one one"


def test_no_sign_is_an_answer_and_scripts_get_numbers(browser: "Browser", tmp_path: Path) -> None:
    visit(browser, page_of(LETTERS, tmp_path))
    draw(browser, [[(0.35 + 0.3 * (k % 2), 0.2 + 0.05 * k) for k in range(13)]])
    shown = state(browser)
    assert shown["digit"] == "?"
    assert "no sign" in shown["words"].lower()
    assert browser.evaluate("digitrec.classify(new Uint8Array(784))") == -1
