"""digitrec_edge.report: true for whatever folder it is given, whole, and readable in a real browser."""

import dataclasses
import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("matplotlib", reason="report needs the extra 'report'")

from benchmarks import document
from benchmarks.measure.logits import runtime_logits
from benchmarks.results.document import Result, Run
from digitrec_edge import artifact, mnist, pretrained
from digitrec_edge.artifact import golden
from digitrec_edge.artifact.golden import Golden
from digitrec_edge.errors import BenchmarkError
from digitrec_edge.files import sha256
from digitrec_edge.report import ReportData, collect, write
from digitrec_edge.report.predictions import confusion
from digitrec_edge.report.summary import summarise_model
from digitrec_edge.report.tradeoff import MeasuredCase, efficient

if TYPE_CHECKING:
    from tests.browser import Browser

MakeResult = Callable[..., Result]
MakeRun = Callable[..., Run]
Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, make_result: MakeResult, make_run: MakeRun) -> Path:
    """The pretrained artifact, golden logits that differ from it on a few images, and results of two devices."""
    folder = tmp_path_factory.mktemp("report")
    artifacts = folder / "artifacts"
    artifacts.mkdir()
    shutil.copy(pretrained.DEFAULT, artifacts / "digitrec-int8.tflite")
    found = artifact.read(artifacts / "digitrec-int8.tflite")
    assert found.card
    test = mnist.load("test")
    logits = runtime_logits(found.path, "auto").logits
    logits[:3] = np.roll(logits[:3], 1, axis=1)
    golden.write(artifacts / "golden.npz", Golden(logits, found.card.source_sha256, test.digest()))
    mine = make_result(artifact="digitrec-int8.tflite", artifact_sha256=sha256(found.data))
    stale = make_result("float32", p50=30.0, artifact_sha256="1" * 64)
    noisy = dataclasses.replace(mine, runtime="tflite-runtime", status="invalid", reasons=("noise: <much> & more",))
    for name, run in (
        ("benchmark.json", make_run(mine, noisy, stale, device="board <one>")),
        ("benchmark-pi.json", make_run(mine, device="Pi 5", board="Raspberry Pi 5")),
    ):
        (folder / name).write_bytes(document(run).to_json())
    return folder


@pytest.fixture(scope="session")
def data(folder: Path) -> ReportData:
    return collect(folder)


@pytest.fixture(scope="session")
def page(data: ReportData, folder: Path) -> Path:
    return write(data, folder / "report.html")[0]


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
    labels = data.test.labels
    wrong = (data.reference.digits != labels).nonzero()[0]
    changed = (data.reference.digits != data.predictions[0].digits).nonzero()[0]
    assert {0, 1, 2} >= set(changed.tolist())
    assert len(changed) >= 2
    for k in wrong:
        assert f'alt="test image {k}: {labels[k]} read as {data.reference.digits[k]}"' in text
    for k in changed:
        before, after = data.reference.digits[k], data.predictions[0].digits[k]
        assert f"test image {k}: Keras {before}, digitrec-int8.tflite {after}, truth {labels[k]}" in text
    assert text.count('<img class="digit"') == len(wrong) + len(changed)
    assert f"All {len(wrong)} of 10,000 test images that Keras misclassifies" in text


def test_figures_of_files_that_are_no_longer_there_are_left_out_and_named(page: Path, data: ReportData) -> None:
    assert any("digitrec-float32.tflite are left out" in note for note in data.notes)
    assert data.benchmark
    assert all(r.variant == "int8" for run in data.benchmark.runs for r in run.results)
    assert "measured on other files than those here" in page.read_text()


def test_what_is_missing_is_said(page: Path) -> None:
    assert "model.keras: the training and the model summary are not shown" in page.read_text()


def test_words_of_others_are_escaped(page: Path) -> None:
    text = page.read_text()
    assert "board &lt;one&gt;" in text
    assert "noise: &lt;much&gt; &amp; more" in text
    assert "<one>" not in text


def test_several_devices_get_a_table_with_a_column_each(page: Path) -> None:
    text = page.read_text()
    assert "All devices: end to end" in text
    assert "Raspberry Pi 5" in text


def test_every_figure_is_also_a_png_and_an_svg(page: Path) -> None:
    figures = page.with_name("report-figures")
    names = {path.stem for path in figures.glob("*.svg")}
    assert {path.stem for path in figures.glob("*.png")} == names
    assert {"confusion-matrix", "class-accuracy", "sample-predictions", "size-by-layer", "misclassified"} <= names
    assert sum(name.startswith("latency-") for name in names) == 2
    for path in figures.iterdir():
        if path.suffix == ".svg":
            ElementTree.parse(path)
        else:
            with Image.open(path) as picture:
                assert picture.width >= 1000
                assert np.asarray(picture.convert("L")).std() > 1


def test_the_same_material_gives_the_same_page(page: Path, data: ReportData, tmp_path: Path) -> None:
    again = write(data, tmp_path / "again.html")[0]
    assert again.read_text() == page.read_text()


def test_a_folder_of_artifacts_alone_is_enough(tmp_path: Path) -> None:
    payload = artifact.read(pretrained.DEFAULT).payload
    (tmp_path / "foreign.tflite").write_bytes(payload.replace(b"digitrec_edge", b"another_model"))
    (tmp_path / "broken.tflite").write_bytes(b"no model at all")
    data = collect(tmp_path)
    assert data.reference is None
    assert data.benchmark is None
    assert [one.name for one in data.predictions] == ["foreign.tflite"]
    page, _ = write(data, tmp_path / "report.html")
    text = page.read_text()
    assert "broken.tflite could not be run" in text
    assert "No card: " in text
    assert "that foreign.tflite misclassifies" in text
    assert "Changed by conversion" not in text


def test_golden_logits_of_another_model_are_not_used(tmp_path: Path) -> None:
    shutil.copy(pretrained.DEFAULT, tmp_path)
    test = mnist.load("test")
    golden.write(tmp_path / "golden.npz", Golden(np.zeros((10_000, 10), np.float32), "0" * 64, test.digest()))
    data = collect(tmp_path)
    assert data.reference is None
    assert any("belongs to another Keras model" in note for note in data.notes)


def test_a_folder_without_artifacts_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="no artifacts in"):
        collect(tmp_path)


def test_the_confusion_matrix_counts_every_image_once(data: ReportData) -> None:
    counts = confusion(data.predictions[0], data.test.labels)
    assert counts.sum() == 10_000
    assert np.array_equal(counts.sum(axis=1), np.bincount(data.test.labels, minlength=10))
    assert np.trace(counts) / 10_000 == pytest.approx(data.predictions[0].accuracy(data.test.labels))


def test_the_efficient_cases_are_those_that_no_valid_case_beats(make_result: MakeResult) -> None:
    def point(p50: float, accuracy: float, status: str = "ok") -> MeasuredCase:
        result = make_result(p50=p50, status=status)
        assert result.end_to_end
        return MeasuredCase(result, result.end_to_end, accuracy, 1000)

    fast, good, beaten, invalid = point(5, 0.97), point(9, 0.98), point(9, 0.96), point(1, 0.99, "invalid")
    assert efficient([good, beaten, invalid, fast]) == [fast, good]
    assert efficient([invalid]) == []


def test_a_model_summary_is_read_without_keras(tmp_path: Path) -> None:
    config = {
        "config": {
            "layers": [
                {"class_name": "InputLayer", "config": {"name": "image", "batch_shape": [None, 28, 28]}},
                {"class_name": "Flatten", "config": {"name": "flatten"}},
                {"class_name": "Dense", "config": {"name": "hidden", "units": 256, "activation": "relu"}},
                {"class_name": "Magic", "config": {"name": "new"}},
            ]
        }
    }
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.writestr("config.json", json.dumps(config))
    layers = summarise_model(tmp_path / "model.keras")
    assert [layer.parameters for layer in layers] == [0, 0, 200_960, None]
    assert [layer.shape for layer in layers] == [(28, 28), (784,), (256,), None]
    (tmp_path / "other.keras").write_bytes(b"no zip")
    assert summarise_model(tmp_path / "other.keras") == ()


def test_the_command_writes_the_page_and_notes_what_is_missing(cli: Cli, folder: Path, tmp_path: Path) -> None:
    done = cli("report", folder, "--output", tmp_path / "page.html")
    assert (tmp_path / "page.html").exists()
    assert (tmp_path / "page-figures").is_dir()
    assert "figures, PNG and SVG" in done.stdout
    assert "note: no " in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [(("absent",), 1, "no such folder: absent"), ((".", "--output", "report.pdf"), 2, "must end in .html")],
)
def test_wrong_usage(arguments: tuple[str, ...], code: int, words: str, cli: Cli) -> None:
    done = cli("report", *arguments, ok=False)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr


SHOWN = """[...document.images, ...document.querySelectorAll('svg')].map(one => {
    const box = one.getBoundingClientRect();
    return [one.tagName, one instanceof HTMLImageElement ? one.complete && one.naturalWidth > 0 : true,
            box.width > 10 && box.height > 10, box.left >= 0 && box.right <= innerWidth + 0.5];
}).filter(row => !(row[1] && row[2] && row[3]))"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_in_a_real_browser(page: Path, width: int, dark: bool, open_browser: "Callable[[], Browser]") -> None:
    with open_browser() as browser:
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


def test_text_in_figures_can_be_read_in_both_themes(page: Path, open_browser: "Callable[[], Browser]") -> None:
    """Every word of a figure stands out from the page: at least 3 to 1 (WCAG 2.1, 1.4.3, large text and graphics)."""
    contrast = """(() => {
      const light = c => { const v = c.match(/[\\d.]+/g).slice(0, 3).map(x => x / 255)
          .map(x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
          return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]; };
      const page = light(getComputedStyle(document.body).backgroundColor);
      return Math.min(...[...document.querySelectorAll('svg text')].map(t => {
          const own = light(getComputedStyle(t).fill);
          return (Math.max(own, page) + 0.05) / (Math.min(own, page) + 0.05); })); })()"""
    with open_browser() as browser:
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
