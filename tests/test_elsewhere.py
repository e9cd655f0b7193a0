"""Runtimes elsewhere: their table, what it says of every artifact, and TFLite Micro, which is asked here."""

import dataclasses
from pathlib import Path
from typing import Any

import elsewhere_facts
import numpy as np
import pytest
import support_facts
from numpy.typing import NDArray

from digitrec_edge import artifact, mnist
from digitrec_edge.errors import InputError
from digitrec_edge.formats import FORMATS, tflite
from digitrec_edge.quantization import pixel_table
from digitrec_edge.variants import VARIANTS, Variant
from digitrec_edge.verification.inspection import RuntimeAnswer, inspect
from runtimes import RUNTIMES, load, support
from runtimes.elsewhere import ELSEWHERE, TARGETS, find_target, target_names
from runtimes.table import find

MICRO_SAYS = "is not supported by TFLite Micro 0.dev20261023182759"
IMAGES = mnist.load("test").images[:200]
LITERT_WEB, ONNX_WEB, MICRO = ELSEWHERE
TFLITE = [row for row in VARIANTS if row.format == "tflite"]

pytestmark = pytest.mark.checkout


def answers(path: Path) -> dict[str, RuntimeAnswer]:
    return {row.runtime: row for row in inspect(artifact.read(path)).runtimes}


def test_each_row_is_whole_and_found_by_its_name() -> None:
    assert target_names() == [row.name for row in TARGETS]
    assert len({row.name for row in TARGETS}) == len(TARGETS) == len(RUNTIMES) + len(ELSEWHERE)
    for row in ELSEWHERE:
        assert find_target(row.name) is row
        assert row.suffix == f"-{row.name}"
        assert {*row.formats} <= {one.name for one in FORMATS}
        assert list(support.releases(row.name)) == [row.release]
        assert not row.installed
        assert row.called == row.title
    with pytest.raises(InputError, match=r"choose from litert, .*, litert-web, onnxruntime-web, tflite-micro$"):
        find_target("tensorrt")
    with pytest.raises(InputError, match="no runtime is called 'litert-web'"):
        find("litert-web")


@pytest.mark.parametrize(
    ("name", "runtime", "why"),
    [
        ("int8.tflite", "litert-web", "INT8 is not supported by LiteRT.js 2.5: export --target litert-web"),
        ("int4.tflite", "litert-web", "INT8 is not supported by LiteRT.js 2.5: export --target litert-web"),
        ("int16x8.tflite", "litert-web", "INT16 is not supported by LiteRT.js 2.5"),
        ("float32.tflite", "litert-web", "LiteRT.js, elsewhere; 2.5.3 and later run it"),
        ("int8.onnx", "litert-web", "runs .tflite files"),
        ("int8.onnx", "onnxruntime-web", "ONNX Runtime Web, elsewhere; 1.30.0 and later run it"),
        ("int8.ort", "onnxruntime-web", "ONNX Runtime Web, elsewhere; 1.30.0 and later run it"),
        (
            "float16.tflite",
            "tflite-micro",
            f"float32 times FLOAT16 {MICRO_SAYS}",
        ),
        ("int4.tflite", "tflite-micro", f"int8 times INT4 {MICRO_SAYS}"),
    ],
)
def test_inspect_says_who_runs_it_elsewhere_and_which_export_would(
    artifacts: Path, name: str, runtime: str, why: str
) -> None:
    found = answers(artifacts / f"digitrec-{name}")[runtime]
    assert found.why == why
    assert found.runs == ("later run it" in why)
    assert found.installed is None


def test_what_is_made_for_a_target_is_what_it_runs(web_artifacts: Path) -> None:
    for name in ("int8", "int4"):
        path = web_artifacts / f"digitrec-{name}-litert-web.tflite"
        found = artifact.read(path)
        (image,), (logits,) = found.graph.inputs, found.graph.outputs
        assert (image.dtype, image.scale, image.zero_point) == ("uint8", (float(np.float32(1 / 255)),), (0,))
        assert logits.dtype == "uint8"
        assert answers(path)["litert-web"].runs
        assert found.card
        assert found.card.requirements.target == "litert-web"
        assert found.card.outputs[0].dtype == "uint8"


def test_they_have_the_logits_of_the_usual_artifact_in_every_runtime(artifacts: Path, web_artifacts: Path) -> None:
    images = mnist.load("test").images
    for name in ("int8", "int4"):
        for runtime in (row for row in RUNTIMES if row.installed and row.runs("tflite")):
            usual, other = artifacts / f"digitrec-{name}.tflite", web_artifacts / f"digitrec-{name}-litert-web.tflite"
            if support.lacking(runtime, runtime.version, artifact.read(usual).graph):
                continue
            with load(usual, runtime.name) as one, load(other, runtime.name) as two:
                assert np.array_equal(one.logits(images), two.logits(images)), f"{name} on {runtime.name}"
                assert [two.classify(image) for image in images[:50]] == [one.classify(image) for image in images[:50]]


def test_a_type_at_a_border_and_one_between_layers_are_told_apart(artifacts: Path) -> None:
    graph = artifact.read(artifacts / "digitrec-int8.tflite").graph
    assert support.layer_types(graph) == [("int8", "int8")] * 4
    assert (
        support.layer_types(artifact.read(artifacts / "digitrec-float16.tflite").graph) == [("float32", "float16")] * 4
    )
    narrow = dataclasses.replace(LITERT_WEB, borders=("uint8",))
    assert support.lacking(narrow, "2.5.3", graph) == "INT8 is not supported by LiteRT.js 2.5"
    assert support.lacking(dataclasses.replace(narrow, borders=("uint8", "int8")), "2.5.3", graph) is None


@pytest.fixture(scope="module")
def micro() -> Any:
    """TFLite Micro's own interpreter."""
    return pytest.importorskip("tflite_micro.python.tflite_micro.runtime", reason="tflite-micro: CPython 3.11 alone")


def micro_numbers(micro: Any, payload: bytes, images: NDArray[np.uint8]) -> NDArray[Any]:
    """What TFLite Micro gives for pictures; ValueError where it refuses the model."""
    (taken,) = tflite.describe(payload).inputs
    try:
        interpreter = micro.Interpreter.from_bytes(payload)
    except RuntimeError as cause:
        raise ValueError(str(cause)) from cause
    scale, zero_point = (taken.scale[0], taken.zero_point[0]) if taken.scale else (None, None)
    table = pixel_table(np.dtype(taken.dtype), scale, zero_point)
    rows = []
    for image in images:
        interpreter.set_input(table[image][None], 0)
        interpreter.invoke()
        rows.append(interpreter.get_output(0)[0].copy())
    return np.array(rows)


@pytest.mark.parametrize("variant", TFLITE, ids=lambda row: row.option)
def test_tflite_micro_runs_what_the_table_says_and_refuses_the_rest(
    micro: Any, artifacts: Path, variant: Variant
) -> None:
    path = artifacts / f"{variant.stem}.tflite"
    found = artifact.read(path)
    runs = support.lacking(MICRO, MICRO.release, found.graph) is None
    assert runs == support.fits(MICRO, variant) == answers(path)["tflite-micro"].runs
    if not runs:
        with pytest.raises(ValueError, match="allocate"):
            micro_numbers(micro, found.payload, IMAGES[:1])
        return
    numbers = micro_numbers(micro, found.payload, IMAGES)
    with load(path, "litert") as model:
        assert (numbers.argmax(axis=1) == model.predict(IMAGES).digits).mean() >= 0.99


def test_tflite_micro_runs_what_is_made_for_litert_web_too(micro: Any, web_artifacts: Path) -> None:
    path = web_artifacts / "digitrec-int8-litert-web.tflite"
    numbers = micro_numbers(micro, artifact.read(path).payload, IMAGES)
    assert numbers.dtype == np.uint8
    with load(path, "litert") as model:
        assert (numbers.argmax(axis=1) == model.predict(IMAGES).digits).mean() >= 0.99


@pytest.mark.parametrize("name", ["FULLY_CONNECTED", "RESHAPE", "QUANTIZE", "DEQUANTIZE", "GELU", "TOPK_V2"])
def test_tflite_micro_has_the_operators_that_are_written_down(micro: Any, name: str) -> None:
    assert elsewhere_facts.has_micro(support_facts.CODES[name]) == (
        name in support.releases("tflite-micro")[MICRO.release]
    )
