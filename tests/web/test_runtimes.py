"""LiteRT.js and ONNX Runtime Web in a browser: every artifact runs there as the table says, with the same logits.

Their packages come from ``make web-runtimes``, 185 MB; without them this is skipped by name.
"""

from collections.abc import Iterator
from pathlib import Path

import elsewhere_facts
import numpy as np
import pytest
import support_facts
from numpy.typing import NDArray

from digitrec_edge import artifact, formats, mnist
from digitrec_edge.quantization import dequantize
from digitrec_edge.variants import VARIANTS, Variant
from runtimes import load, support
from runtimes.elsewhere import Elsewhere, find_target
from tests import npm

pytestmark = [pytest.mark.checkout, pytest.mark.skipif(bool(npm.missing()), reason=npm.missing() or "all is here")]
IMAGES = mnist.load("test").images
LITERT_WEB, ONNX_WEB = npm.ROWS
CASES = [(row, variant) for row in npm.ROWS for variant in VARIANTS if row.runs(variant.format)]
WHOLE = "int8", "int4"
"""Precisions whose logits are the same everywhere."""
NEAR = 1e-4
"""Of a float32 logit: the same sums in another order; of ONNX Runtime's int8 on another CPU's kernels, none."""


@pytest.fixture(scope="module")
def page() -> Iterator[npm.Page]:
    with npm.runtimes_page() as page:
        yield page


def real(path: Path, numbers: NDArray[np.generic]) -> NDArray[np.float32]:
    """Logits of the numbers that an artifact gave."""
    (output,) = artifact.read(path).graph.outputs
    assert numbers.dtype == output.dtype
    if output.scale:
        return dequantize(numbers, output.scale[0], output.zero_point[0])
    return np.asarray(numbers, np.float32)


def test_the_versions_are_those_of_the_rows() -> None:
    assert {row.name: npm.installed(row) for row in npm.ROWS} == {row.name: row.release for row in npm.ROWS}


@pytest.mark.parametrize(("row", "variant"), CASES, ids=[f"{row.name} {variant.option}" for row, variant in CASES])
def test_each_variant_runs_or_is_refused_as_the_table_says(
    page: npm.Page, artifacts: Path, row: Elsewhere, variant: Variant
) -> None:
    path = artifacts / f"{variant.stem}{formats.by_name(variant.format).suffix}"
    found = artifact.read(path)
    lacking = support.lacking(row, row.release, found.graph)
    if lacking:
        with pytest.raises(npm.RefusedError) as raised:
            page.logits(row, found.data, IMAGES[:1])
        kind, *_ = lacking.split()
        assert str(raised.value) == f"Element type {kind} is not supported."
        return
    numbers = page.logits(row, found.data, IMAGES[:1000])
    with load(path) as model:
        assert np.abs(real(path, numbers) - model.logits(IMAGES[:1000])).max() <= bound(variant)


def bound(variant: Variant) -> float:
    """How far a logit may be off."""
    return 0.5 if variant.precision.integer and variant.precision.name not in WHOLE else NEAR


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_made_for_litert_js_has_litert_s_100_000_logits_there(
    page: npm.Page, artifacts: Path, web_artifacts: Path, name: str
) -> None:
    path = web_artifacts / f"digitrec-{name}-litert-web.tflite"
    numbers = page.logits(LITERT_WEB, path.read_bytes(), IMAGES)
    assert numbers.dtype == np.uint8
    with load(artifacts / f"digitrec-{name}.tflite", "litert") as model:
        assert np.array_equal(real(path, numbers), model.logits(IMAGES))


@pytest.mark.parametrize("name", ["FULLY_CONNECTED", "RESHAPE", "QUANTIZE", "DEQUANTIZE", "TOPK_V2", "STABLEHLO_ABS"])
def test_litert_js_has_the_operators_that_are_written_down(page: npm.Page, name: str) -> None:
    known = support.releases(LITERT_WEB.name)[LITERT_WEB.release]
    found = elsewhere_facts.upward(LITERT_WEB, page, support_facts.CODES[name], support_facts.HIGHEST)
    assert found == list(range(1, known.get(name, 0) + 1))


def test_onnx_runtime_web_has_the_opsets_that_are_written_down() -> None:
    found = elsewhere_facts.offer_web(ONNX_WEB, {}, 0)
    assert support_facts.highest(ONNX_WEB, found) == support.releases(ONNX_WEB.name)[ONNX_WEB.release]


def test_each_row_is_one_that_can_be_asked() -> None:
    for row in npm.ROWS:
        assert find_target(row.name) is row
        assert elsewhere_facts.version(row) == row.release
