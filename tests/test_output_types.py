"""``export --output-type``: the same logits in another type, through every command; nonsense is wrong usage."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.measure.logits import runtime_logits
from digitrec_edge import artifact, mnist
from digitrec_edge.artifact import golden
from digitrec_edge.dense.tflite import NotDenseError, read_network
from digitrec_edge.errors import RuntimeUnavailableError
from runtimes import load
from runtimes.table import find

pytestmark = pytest.mark.desktop
Cli = Callable[..., Any]
IMAGES = mnist.load("test").images
LAST = {"int8": "logits", "uint8": "logits/int8", "float32": "logits/int8"}
"""What the last layer's numbers are called where a type is given."""
ADDED = {"int8": [], "uint8": ["QUANTIZE"], "float32": ["DEQUANTIZE"]}


@pytest.fixture(scope="module")
def exported(cli: Cli, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The int8 artifact with each type of logits."""
    folder = tmp_path_factory.mktemp("types")
    for name in LAST:
        cli("export", trained / "model.keras", "--int8", "--output-type", name, "-o", folder / name)
    return {name: folder / name / "digitrec-int8.tflite" for name in LAST}


def test_the_usual_type_is_the_usual_artifact(exported: dict[str, Path], artifacts: Path) -> None:
    assert exported["int8"].read_bytes() == (artifacts / "digitrec-int8.tflite").read_bytes()


@pytest.mark.parametrize("name", LAST)
def test_model_card_and_golden_say_the_type(exported: dict[str, Path], name: str) -> None:
    found = artifact.read(exported[name])
    assert found.card
    (logits,), (told,) = found.graph.outputs, found.card.outputs
    assert logits.dtype == told.dtype == name
    assert (told.scale is None) == (name == "float32")
    assert found.card.variant == "int8"
    operators = [operator.name for operator in found.graph.operators]
    assert operators == ["QUANTIZE", "RESHAPE", *["FULLY_CONNECTED"] * 4, *ADDED[name]]
    before = {tensor.name: tensor for tensor in found.graph.tensors}[LAST[name]]
    assert before.dtype == "int8"
    if name == "uint8":
        assert (logits.scale, logits.zero_point) == (before.scale, (before.zero_point[0] + 128,))
    assert golden.read(exported[name].with_name(golden.FILE_NAME)).logits.shape == (10_000, 10)


@pytest.mark.parametrize("runtime", ["litert", "tflite-runtime"])
def test_all_100_000_logits_are_the_same(exported: dict[str, Path], runtime: str) -> None:
    """In processes of their own, since TensorFlow may be in this one."""
    if not find(runtime).installed:
        pytest.skip(f"{runtime} is not installed here")
    usual = runtime_logits(exported["int8"], runtime, None).logits
    for name in ("uint8", "float32"):
        assert np.array_equal(runtime_logits(exported[name], runtime, None).logits, usual)


def test_native_reads_uint8_to_the_byte_and_refuses_float32_by_name(exported: dict[str, Path]) -> None:
    with load(exported["int8"], "native") as one, load(exported["uint8"], "native") as two:
        assert np.array_equal(one.logits(IMAGES), two.logits(IMAGES))
        assert two.output.dtype == "uint8"
        assert [one.classify(image) for image in IMAGES[:100]] == [two.classify(image) for image in IMAGES[:100]]
    with pytest.raises(RuntimeUnavailableError, match=r"needs DEQUANTIZE 1 \(native 1.0 does not have it\)"):
        load(exported["float32"], "native")
    with pytest.raises(NotDenseError, match="it has DEQUANTIZE"):
        read_network(artifact.read(exported["float32"]).payload)


@pytest.mark.parametrize("name", LAST)
def test_verify_inspect_and_strip_take_it(cli: Cli, exported: dict[str, Path], tmp_path: Path, name: str) -> None:
    assert "32 of 32 images as at export" in cli("verify", exported[name], "--runtime", "litert").stdout
    said = json.loads(cli("inspect", exported[name], "--json").stdout)
    assert said["outputs"][0]["dtype"] == name
    assert {row["runtime"]: row["runs"] for row in said["runtimes"]}["litert-web"] == (name != "int8")
    cli("strip", exported[name], "-o", tmp_path / "model.tflite")
    assert artifact.read(tmp_path / "model.tflite").card is None


def test_the_page_takes_int8_alone(cli: Cli, exported: dict[str, Path], tmp_path: Path) -> None:
    for name, reason in (("uint8", "the page takes int8 logits, these are uint8"), ("float32", "it has DEQUANTIZE")):
        done = cli("export", exported[name], "--web", "-o", tmp_path, ok=False)
        assert done.returncode == 1
        assert reason in done.stderr
        assert not list(tmp_path.glob("*.html"))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--int8", "--output-type", "int16"], "'int16'; choose from int8, uint8, float32"),
        (["--float32", "--output-type", "uint8"], "--float32 has no such choice; --int8, --int4 have"),
        (["--c", "--output-type", "uint8"], "--c has no such choice; --int8, --int4 have"),
        (["--int16x8", "--output-type", "int8"], "--int16x8 has no such choice; --int8, --int4 have"),
        (["--int8", "--output-type", "int8", "--target", "litert-web"],
         "int8 logits are nothing for litert-web; it takes float32, int32 or uint8"),
        (["--int8", "--output-type", "float32", "--target", "native"],
         "float32 logits are nothing for native; it takes int8 or uint8"),
        (["--int16x8", "--target", "litert-web"], "litert-web does not run --int16x8"),
        (["--onnx", "--target", "litert-web"], "litert-web does not run --onnx"),
        (["--int8", "--target", "onnxruntime-web"], "onnxruntime-web does not run --int8"),
        (["--float16", "--target", "tflite-micro"], "tflite-micro does not run --float16"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_wrong_usage(cli: Cli, tmp_path: Path, arguments: list[str], reason: str) -> None:
    done = cli("export", "absent.keras", *arguments, ok=False, cwd=tmp_path)
    assert done.returncode == 2
    assert reason in " ".join(done.stderr.replace("│", " ").split())
    assert list(tmp_path.iterdir()) == []
