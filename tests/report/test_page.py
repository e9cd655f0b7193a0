"""The report's page: one well-formed file that shows everything and escapes all words of others."""

import dataclasses
import html
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="report needs the extra 'report'")
pytest.importorskip("jinja2", reason="report needs the extra 'report'")

from benchmarks.quality.significance import wilson
from digitrec_edge.report import ReportData
from digitrec_edge.report.figures import ReportFigures
from digitrec_edge.report.page import render
from digitrec_edge.report.sections import lead

NO_FIGURES = ReportFigures((), None, None, None, (), (), None)


class _Checker(HTMLParser):
    """Keeps what is open, every address and every id."""

    VOID = frozenset({"meta", "link", "img", "br", "path", "use", "image", "rect", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attributes:
            if name in ("src", "href", "xlink:href"):
                self.addresses.append(value or "")
            if name == "id":
                self.ids.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()


def test_the_page_is_one_well_formed_file_that_needs_nothing_else(page: Path) -> None:
    checker = _Checker()
    text = page.read_text()
    checker.feed(text)
    assert checker.wrong == []
    assert checker.open == []
    assert len(checker.ids) == len(set(checker.ids))
    targets = {address[1:] for address in checker.addresses if address.startswith("#")}
    assert targets <= set(checker.ids)
    assert all(address.startswith(("#", "data:")) for address in checker.addresses)
    assert not re.search(r"@import|url\((?!#)|<script", text)


def test_every_mistake_and_every_changed_digit_is_there(page: Path, data: ReportData) -> None:
    text = page.read_text()
    assert data.reference
    (model,), reference, labels = data.predictions, data.reference, data.test.labels
    wrong, changed = reference.misclassified(labels), model.changed(reference)
    assert len(wrong) >= 20
    assert 20 <= len(changed) <= 25
    for k in wrong:
        assert f'alt="test image {k}: {labels[k]} read as {reference.digits[k]}"' in text
    for k in changed:
        assert f"test image {k}: Keras {reference.digits[k]}, {model.name} {model.digits[k]}, truth {labels[k]}" in text
    assert text.count('<img class="digit"') == len(wrong) + len(changed)
    assert f"All {len(wrong)} of {len(labels)} test images that Keras " in text


def test_every_note_is_there(page: Path, data: ReportData) -> None:
    assert data.notes
    text = html.unescape(page.read_text())
    assert all(f"<li>{note}</li>" in text for note in data.notes)


def test_words_of_others_are_escaped(page: Path, data: ReportData) -> None:
    text = page.read_text()
    assert "board &lt;one&gt;" in text
    assert "noise: &lt;much&gt; &amp; more" in text
    assert "<one>" not in text
    hostile = dataclasses.replace(data, benchmark=None, notes=("<script>alert('x')</script>",), folder=Path('"><b>'))
    text = render(hostile, NO_FIGURES)
    assert "<script" not in text
    assert '"><b>' not in text
    assert "&lt;script&gt;" in text


def test_several_devices_get_a_table_with_a_column_each(page: Path) -> None:
    text = page.read_text()
    assert "All devices: end to end" in text
    assert "Raspberry Pi 5" in text


def test_sections_with_nothing_to_show_are_left_out(data: ReportData) -> None:
    bare = dataclasses.replace(data, artifacts=(), reference=None, predictions=(), benchmark=None)
    text = render(bare, NO_FIGURES)
    assert re.findall('<section id="([^"]*)"', text) == ["verdict"]
    assert re.findall('<a href="#([^"]*)"', text) == ["verdict"]


def test_a_file_without_a_card_is_named_as_such(data: ReportData) -> None:
    foreign = dataclasses.replace(data.artifacts[0], card=None)
    text = render(dataclasses.replace(data, artifacts=(foreign,), benchmark=None), NO_FIGURES)
    assert "No card: " in text
    assert "<pre" not in text


def test_the_lead_says_how_surely_the_accuracy_is_known(data: ReportData) -> None:
    assert data.reference
    right = len(data.test) - len(data.reference.misclassified(data.test.labels))
    low, high = wilson(right, len(data.test))
    assert f"accurate (95 % interval: {100 * low:.2f} to {100 * high:.2f})" in lead(data)
