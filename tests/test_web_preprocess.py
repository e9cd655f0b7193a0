"""digitrec_edge/web/preprocess: the picture pipeline in JavaScript is the Python one, to the byte; and its style."""

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from digitrec_edge import mnist
from digitrec_edge.preprocess import filters, lines
from digitrec_edge.preprocess.enclosures import RAYS
from runtimes import Model
from tests import web_equality, web_twins
from tests.pictures import recognise_with
from tests.web_equality import MODULES, Case
from tests.web_pictures import KINDS, campaign

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
FILES = sorted(MODULES.glob("*.mjs"))
ARITHMETIC = Path(__file__).parent / "web_arithmetic.mjs"
FEW, MANY = (0.0, 0.02), (0.06, 0.2)
"""Shares of a campaign, which has 1,900 pictures and at least one of each kind, and 4,000 small random ones."""


def ask(questions: Sequence[Any]) -> list[Any]:
    command = ["node", str(ARITHMETIC), str(MODULES)]
    text = json.dumps(questions)
    answers: list[Any] = json.loads(
        subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout
    )
    return answers


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(15)


@needs_node
@pytest.mark.parametrize("shares", [FEW, pytest.param(MANY, marks=pytest.mark.long)])
def test_pictures_of_every_kind_are_read_as_in_python(
    mnist_test: mnist.Digits, pretrained_model: Model, tmp_path: Path, shares: tuple[float, float]
) -> None:
    cases = [case for case in campaign(mnist_test, 60_000, shares[0]) if case.kind != "fuzz"]
    cases += campaign(mnist_test, 60_000, shares[1], ["fuzz"])
    result = web_equality.compare(cases, recognise_with(pretrained_model), tmp_path)
    assert {*result.read} == {*KINDS}
    assert not result.differences, json.dumps(result.differences[0])[:2_000]


@needs_node
def test_a_difference_of_one_pixel_is_told(mnist_test: mnist.Digits, pretrained_model: Model, tmp_path: Path) -> None:
    """The comparison itself: the picture that JavaScript reads is changed after Python has read it."""
    case = Case("scaled", "0", np.pad(mnist_test.images[0], 20))
    assert not web_equality.compare([case], recognise_with(pretrained_model), tmp_path).differences
    pixels = bytearray((tmp_path / "pictures.bin").read_bytes())
    pixels[pixels.index(max(pixels))] -= 60
    (tmp_path / "pictures.bin").write_bytes(pixels)
    command = ["node", str(web_equality.CHECK), str(tmp_path), str(MODULES)]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert [name for name, _, _ in told["details"]] == ["grey", "shapes", "single", "digits", "tiles", "number", "turn"]


@needs_node
def test_sums_and_roundings_are_those_of_numpy(random: np.random.Generator) -> None:
    counts = [*range(20), 120, 127, 128, 129, 136, 255, 256, 257, 1000, 3001]
    many = [random.normal(0, 10, count) for count in counts]
    sums = ask([["sum", "float64", values.tolist()] for values in many])
    assert sums == [float(values.sum()) for values in many]
    single = [values.astype(np.float32) for values in many]
    assert ask([["sum", "float32", values.tolist()] for values in single]) == [float(values.sum()) for values in single]
    halves = [*(np.arange(-9, 10) / 2).tolist(), 0.49999999999999994, 1e6 + 0.5]
    assert ask([["rint", halves]]) == [np.rint(halves).tolist()]


@needs_node
def test_medians_percentiles_and_lines_between_points_are_those_of_numpy(random: np.random.Generator) -> None:
    many = [random.normal(0, 10, count).astype(np.float32) for count in (1, 2, 3, 10, 101, 5000, 5001, 20_000)]
    many += [np.round(values) for values in many]
    assert ask([["median", values.tolist()] for values in many]) == [float(np.median(values)) for values in many]
    assert [filters.median(values) for values in many] == [float(np.median(values)) for values in many]
    shares = [0.1, 0.5, 25, 30, 75, 80, 99.5, 99.9]
    kinds = ("float32", "float64", "uint8")
    told = ask(
        [["percentiles", kind, np.abs(values).astype(kind).tolist(), shares] for values in many for kind in kinds]
    )
    assert told == [np.percentile(np.abs(values).astype(kind), shares).tolist() for values in many for kind in kinds]
    known = np.cumsum(random.integers(1, 4, 40)).astype(float)
    values, places = random.normal(0, 5, 40), np.sort(np.append(random.uniform(-3, 110, 200), known))
    given = [values.tolist() for values in (places, known, values)]
    assert ask([["interpolate", *given]]) == [np.interp(places, known, values).tolist()]


@needs_node
def test_filters_are_those_of_python(random: np.random.Generator) -> None:
    planes = [random.normal(0, 9, random.integers(1, 50, 2)).astype(np.float32) for _ in range(40)]
    questions, expected = [], []
    for plane in planes:
        radius = int(random.integers(1, 9))
        given = (plane.shape[1], plane.ravel().tolist(), radius)
        for name, filter_ in (("mean", filters.box_mean), ("max", filters.box_max), ("close", filters.close)):
            questions.append([name, *given])
            expected.append(filter_(plane, radius).ravel().tolist())
    assert ask(questions) == expected


@needs_node
def test_resizing_and_reducing_are_those_of_pillow(random: np.random.Generator) -> None:
    questions: list[Any] = []
    expected = []
    for _ in range(120):
        plane = random.normal(0, 9, random.integers(1, 70, 2)).astype(np.float32)
        size = [int(side) for side in random.integers(1, 70, 2)]
        name = ("box", "bilinear", "lanczos")[random.integers(3)]
        kind = {"box": Image.Resampling.BOX, "bilinear": Image.Resampling.BILINEAR, "lanczos": Image.Resampling.LANCZOS}
        questions.append(["resize", plane.shape[1], plane.ravel().tolist(), size, name])
        expected.append(np.asarray(Image.fromarray(plane).resize((size[0], size[1]), kind[name])).ravel().tolist())
        grey, factor = random.integers(0, 256, plane.shape).astype(np.uint8), int(random.integers(1, 12))
        for dtype in ("uint8", "float32"):
            questions.append(["reduce", grey.shape[1], dtype, grey.ravel().tolist(), factor])
            expected.append(np.asarray(Image.fromarray(grey.astype(dtype)).reduce(factor)).ravel().tolist())
    assert ask(questions) == expected


@needs_node
def test_polygons_are_those_of_pillow(random: np.random.Generator) -> None:
    questions, expected = [], []
    for k in range(600):
        width, height = (int(side) for side in random.integers(3, 60, 2))
        corners = random.uniform(-0.2, 1.2, (4, 2)) * [width, height]
        if k % 3 == 0:  # as sheets have them, with level and upright sides
            corners = np.round(corners)
            corners[1, 1], corners[2, 0] = corners[0, 1], corners[1, 0]
        drawn = Image.new("1", (width, height))
        ImageDraw.Draw(drawn).polygon([(float(x), float(y)) for x, y in corners], fill=1)
        questions.append(["polygon", corners.tolist(), width, height])
        expected.append(np.asarray(drawn, np.uint8).ravel().tolist())
    assert ask(questions) == expected


@needs_node
def test_tables_are_those_of_python_and_the_sine_is_one() -> None:
    rays, hull = np.arange(RAYS) * (2 * np.pi / RAYS), np.linspace(0, 2 * np.pi, 64, endpoint=False)
    names = ("RAY_SINES", "RAY_COSINES", "HULL_SINES", "HULL_COSINES", "SLOPES")
    expected: list[NDArray[np.float64]] = [np.sin(rays), np.cos(rays), np.sin(hull), np.cos(hull), lines.SLOPES]
    for told, values in zip(ask([["table", name] for name in names]), expected, strict=True):
        np.testing.assert_allclose(told, values, rtol=3e-16, atol=0)
    angles = np.linspace(-3 * np.pi, 3 * np.pi, 2_001)
    (sines,) = ask([["sine", angles.tolist()]])
    np.testing.assert_allclose(sines, np.sin(angles), rtol=4e-16, atol=1e-22)


@needs_node
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_node_finds_no_fault_in_a_module(path: Path) -> None:
    done = subprocess.run(["node", "--check", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_modules_are_small_plain_and_say_whose_twin_they_are(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    rows = text.splitlines()
    assert len(rows) < 300
    assert max(map(len, rows)) <= 120
    assert all(length < 40 for length in function_lengths(rows))
    assert rows[0].startswith("// ")
    if path.stem in web_twins.read_table()["twins"]:
        assert f"// Twin of digitrec_edge/preprocess/{path.stem}.py" in rows[0]
    imports = re.findall(r"^import .* from \"(.*)\";$", text, re.MULTILINE)
    assert len(imports) == len(re.findall(r"^import\b", text, re.MULTILINE))
    assert all(re.fullmatch(r"\./\w+\.mjs", name) for name in imports)
    assert not re.search(r"\b(document|window|navigator|fetch|require|process|eval)\b\s*[.(]", text)
    code = web_twins.plain_javascript(text)
    assert not re.search(r"Math\.(sin|cos|tan|pow|hypot)\b", code)  # engines differ in their last bits
    assert not re.search(r"Math\.(log|exp)\b", code) or path.stem in ("colour", "touching")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_exported_is_documented(path: Path) -> None:
    rows = path.read_text(encoding="utf-8").splitlines()
    for k, row in enumerate(rows):
        if re.match(r"export (function|class|const)", row) and not row.startswith("export {"):
            assert rows[k - 1].endswith("*/"), row


def function_lengths(rows: Sequence[str]) -> list[int]:
    """Return how many lines each function and method has."""
    lengths, start = [], {}
    for k, row in enumerate(rows):
        indent = len(row) - len(row.lstrip())
        if re.match(r"\s*((export )?function \w+|constructor|get \w+|\w+)\(.*\) \{$", row):
            start[indent] = k
        if row.strip() == "}" and indent in start:
            lengths.append(k - start.pop(indent) + 1)
    return lengths


@pytest.mark.checkout
def test_no_module_changed_without_its_twin() -> None:
    assert not web_twins.complaints(web_twins.read_table())


@pytest.mark.checkout
def test_a_module_that_changes_alone_is_told_and_a_comment_is_no_change(tmp_path: Path) -> None:
    for folder in web_twins.FOLDERS.values():
        shutil.copytree(web_twins.ROOT / folder, tmp_path / folder)
    table = web_twins.read_table()
    python, javascript = (web_twins.path_of(side, "noise", tmp_path) for side in web_twins.FOLDERS)
    python.write_text('"""Another docstring."""\n# and a comment\n' + python.read_text())
    javascript.write_text("// a comment\n\n" + javascript.read_text())
    assert not web_twins.complaints(table, tmp_path)
    python.write_text(python.read_text().replace("NOISY = 8.0", "NOISY = 9.0"))
    (told,) = web_twins.complaints(table, tmp_path)
    assert told.startswith(
        "digitrec_edge/preprocess/noise.py changed, and its twin digitrec_edge/web/preprocess/noise.mjs"
    )
    assert told.endswith("then type: python tests/web_twins.py --accept")
    python.unlink()
    (tmp_path / "digitrec_edge/web/preprocess/more.mjs").write_text("")
    assert len(web_twins.complaints(table, tmp_path)) == 3


@needs_node
def test_the_entry_takes_any_bytes_and_refuses_too_few() -> None:
    script = f"""
        const entry = await import({json.dumps((MODULES / "index.mjs").as_uri())});
        const page = new Uint8Array(60 * 40).fill(250);
        for (let row = 8; row < 32; row++) page.fill(10, row * 60 + 28, row * 60 + 33);
        const read = [page, new Uint8ClampedArray(page), Buffer.from(page), [...page]].map((bytes) =>
            entry.readNumber(bytes, 60, 40, (image) => ({{ probability: image[14 * 28 + 14] / 255, score: 9 }})));
        let refused;
        try {{ entry.readDigit(page.subarray(1), 60, 40); }} catch (error) {{ refused = String(error); }}
        console.log(JSON.stringify({{ refused, read: read.map(([found]) => [found.box, found.answer]) }}));
    """
    command = ["node", "--input-type=module", "-e", script]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    expected = [{"top": 8, "left": 28, "bottom": 32, "right": 33}, {"probability": 1, "score": 9}]
    assert told["read"] == [expected] * 4
    assert told["refused"] == "RangeError: 60 x 40 pixels need 2400 bytes, 2399 are given"


def test_no_module_imports_itself_through_others() -> None:
    """One script is made of them: each after those that it imports."""
    imports = {path.stem: re.findall(r'from "\./(\w+)\.mjs"', path.read_text(encoding="utf-8")) for path in FILES}
    done: set[str] = set()
    while ready := [name for name, needed in imports.items() if name not in done and {*needed} <= done]:
        done.update(ready)
    assert done == {*imports}
