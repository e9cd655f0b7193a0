"""The report's figures: what they count, how they name and colour what this version does not know."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("matplotlib", reason="report needs the extra 'report'")
pytest.importorskip("jinja2", reason="report needs the extra 'report'")

from benchmarks.results.document import Result, Run
from digitrec_edge import artifact
from digitrec_edge.formats import by_name
from digitrec_edge.report import ReportData, runtime_style
from digitrec_edge.report.latency import draw_latency
from digitrec_edge.report.predictions import (
    confusion,
    draw_class_accuracy,
    draw_confusion,
    draw_gallery,
    draw_samples,
)
from digitrec_edge.report.sizes import draw_sizes, layer_names
from digitrec_edge.report.style import MUTED
from digitrec_edge.report.tradeoff import MeasuredCase, draw_tradeoff, efficient
from digitrec_edge.variants import VARIANTS
from digitrec_edge.verification.inspection import inspect
from digitrec_edge.verification.layers import LayerSize, layer_sizes
from runtimes import RUNTIMES

MakeResult = Callable[..., Result]
MakeRun = Callable[..., Run]


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


def test_a_runtime_has_the_colour_of_its_row_and_an_unknown_one_a_neutral_colour_and_a_mark() -> None:
    for row in RUNTIMES:
        assert runtime_style.colour(row.name) == row.colour
        assert runtime_style.label(row.name) == row.name
        assert runtime_style.is_usual_format(row.name, row.formats[0])
    assert runtime_style.colour("future-runtime") == MUTED
    assert runtime_style.label("future-runtime") == "future-runtime (unknown runtime)"
    assert not runtime_style.is_usual_format("future-runtime", "tflite")


def test_measurements_of_an_unknown_runtime_are_drawn_and_marked(make_run: MakeRun, make_result: MakeResult) -> None:
    run = make_run(make_result(), make_result("float32", "future-runtime", p50=5.0))
    tradeoff, latency = draw_tradeoff(run, "tradeoff"), draw_latency(run, "latency")
    assert tradeoff
    assert latency
    for figure in (tradeoff, latency):
        assert b"(unknown runtime)" in figure.svg
        assert "future-runtime" in figure.alternative
    assert b"float32 tflite" in tradeoff.svg


def test_an_invoke_that_is_noise_is_drawn_grey_and_alone(make_run: MakeRun, make_result: MakeResult) -> None:
    quiet, noisy = (draw_latency(make_run(make_result(unreliable=which)), "a") for which in ((), ("invoke",)))
    assert quiet
    assert noisy
    assert quiet.svg != noisy.svg
    assert b"INVALID" not in noisy.svg


@pytest.mark.parametrize("name", ["$x^2$ \\alpha_1", "a $\\frac{$ b"])
def test_a_name_is_shown_as_it_is_and_never_set_as_mathematics(
    name: str, make_run: MakeRun, make_result: MakeResult, data: ReportData
) -> None:
    run = make_run(make_result(name, artifact=f"{name}.tflite"), device=name)
    model = dataclasses.replace(data.models[0], name=name)
    renamed = [dataclasses.replace(one, path=one.path.with_name(name)) for one in data.artifacts]
    figures = [
        draw_tradeoff(run, "a"), draw_latency(run, "b"), draw_confusion(model, data.test.labels, data.labels),
        draw_class_accuracy([model], data.test.labels, data.labels), draw_samples(model, data.test, data.labels),
        draw_sizes(renamed),
        draw_gallery("c", name, data.test.images[:1], [name]),
    ]  # fmt: skip
    for figure in figures:
        assert figure
        texts = [
            text.text or "" for text in ElementTree.fromstring(figure.svg).iter("{http://www.w3.org/2000/svg}text")
        ]
        assert any(name in text for text in texts) or figure.name == "sample-predictions", texts


def test_the_efficient_cases_are_those_that_no_valid_case_beats(make_result: MakeResult) -> None:
    def case(p50: float, accuracy: float, status: str = "ok") -> MeasuredCase:
        result = make_result(p50=p50, status=status)
        assert result.end_to_end
        return MeasuredCase(result, result.end_to_end, accuracy, 1000)

    fast, good, beaten, invalid = case(5, 0.97), case(9, 0.98), case(9, 0.96), case(1, 0.99, "invalid")
    assert efficient([good, beaten, invalid, fast]) == [fast, good]
    assert efficient([invalid]) == []


def test_the_confusion_matrix_counts_every_image_once(data: ReportData) -> None:
    (model,), labels = data.predictions, data.test.labels
    counts = confusion(model, labels)
    assert counts.sum() == len(labels)
    assert np.array_equal(counts.sum(axis=1), np.bincount(labels, minlength=10))
    assert np.trace(counts) / len(labels) == pytest.approx(model.accuracy(labels))


def test_the_sizes_drawn_are_those_that_inspect_tells_and_each_layer_is_named_once(artifacts: Path) -> None:
    files = [artifact.read(artifacts / f"{row.stem}{by_name(row.format).suffix}") for row in VARIANTS]
    for found in files:
        result = inspect(found)
        assert result.layers == layer_sizes(found.graph)
        assert sum(layer.stored_bytes for layer in result.layers) + result.rest_bytes == len(found.data)
    names = layer_names([layer_sizes(found.graph) for found in files])
    assert names == ["layer 1 (784 x 256)", "layer 2 (256 x 128)", "layer 3 (128 x 128)", "layer 4 (128 x 10)"]
    svg = draw_sizes(files).svg.decode()
    assert [svg.count(f"<!-- {name}") + svg.count(f">{name}<") for name in names] == [
        svg.count(">rest of the file<")
    ] * 4


def test_layers_of_different_models_share_a_name_without_a_shape() -> None:
    def layers(*shapes: tuple[int, int]) -> list[LayerSize]:
        return [LayerSize("Gemm", ("out",), shape, 1) for shape in shapes]

    files = [layers((784, 256), (256, 10)), layers((784, 64), (64, 32), (32, 10))]
    assert layer_names(files) == ["layer 1", "layer 2", "layer 3 (32 x 10)"]
    assert layer_names([]) == []
