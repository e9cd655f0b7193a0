"""Model files of other tools run as they are, or are refused in words that are true."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitrec_edge import artifact, mnist
from digitrec_edge.errors import ArtifactError, InferenceError
from digitrec_edge.formats.graph import Graph, Operator, Tensor, ends_in_softmax
from digitrec_edge.quantization import softmax
from runtimes import load

pytestmark = pytest.mark.desktop
IMAGES = mnist.load("test").images[:20]


@pytest.fixture(scope="module")
def plain_tflite(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What TFLiteConverter writes of a Keras model with a batch of 1, untouched."""
    import keras
    import tensorflow as tf

    from digitrec_edge.training import network

    model = network.load(trained / "model.keras")
    static = keras.Sequential([keras.Input((28, 28), batch_size=1), *model.layers])
    path = tmp_path_factory.mktemp("foreign") / "plain.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(static).convert())
    return path


@pytest.fixture
def edit(artifacts: Path, tmp_path: Path) -> Callable[[Callable[[Any, Any], None]], Path]:
    """Writes the float32 ONNX model, without its card and changed."""
    import onnx

    def write(change: Callable[[Any, Any], None]) -> Path:
        payload = artifact.read(artifacts / "digitrec-float32.onnx").payload
        model = onnx.load_from_string(payload)
        model.graph.name = "foreign"
        change(model.graph, onnx)
        (tmp_path / "foreign.onnx").write_bytes(model.SerializeToString())
        return tmp_path / "foreign.onnx"

    return write


def expected(artifacts: Path) -> Any:
    with load(artifacts / "digitrec-float32.onnx") as model:
        return model.logits(IMAGES)


def check(path: Path, artifacts: Path, tolerance: float = 1e-3) -> None:
    """One picture, nine and twenty give what the artifact gives."""
    logits = expected(artifacts)
    with load(path) as model:
        assert model.classify(IMAGES[0]) == logits[0].argmax()
        for count in (1, 9, 20):
            assert model.logits(IMAGES[:count]) == pytest.approx(logits[:count], abs=tolerance)
            assert model.predict(IMAGES[:count]).digits.tolist() == logits[:count].argmax(axis=1).tolist()


def test_a_plain_file_of_the_tflite_converter_is_run_picture_by_picture(
    plain_tflite: Path, artifacts: Path, cli: Callable[..., Any], tmp_path: Path
) -> None:
    check(plain_tflite, artifacts)
    out = tmp_path / "out.json"
    cli("benchmark", plain_tflite, "--quick", "--batch", "9", "--runtime", "litert", "--json", out, brief=True)
    (result,) = json.loads(out.read_text())["runs"][0]["results"]
    assert result["status"] in ("ok", "invalid")
    assert result["quality"]["accuracy"] > 0.9


def test_an_onnx_model_with_a_batch_of_1_is_run_picture_by_picture(edit: Callable[..., Path], artifacts: Path) -> None:
    def fix(graph: Any, onnx: Any) -> None:
        for value in (*graph.input, *graph.output):
            value.type.tensor_type.shape.dim[0].dim_value = 1

    check(edit(fix), artifacts)


def test_an_onnx_model_with_another_batch_is_refused_by_name(edit: Callable[..., Path]) -> None:
    def fix(graph: Any, onnx: Any) -> None:
        for value in (*graph.input, *graph.output):
            value.type.tensor_type.shape.dim[0].dim_value = 32

    with pytest.raises(ArtifactError, match=r"takes 32 pictures at a time, a free batch or a batch of 1 is needed"):
        load(edit(fix))


def test_free_height_and_width_are_those_of_a_picture(edit: Callable[..., Path], artifacts: Path) -> None:
    def free(graph: Any, onnx: Any) -> None:
        for k, name in ((1, "height"), (2, "width")):
            graph.input[0].type.tensor_type.shape.dim[k].dim_param = name

    check(edit(free), artifacts)


def test_an_output_whose_size_the_graph_gives_is_taken(edit: Callable[..., Path], artifacts: Path) -> None:
    def free(graph: Any, onnx: Any) -> None:
        graph.output[0].type.tensor_type.shape.dim[1].dim_param = "classes"

    check(edit(free), artifacts)


def take(graph: Any, onnx: Any, dtype: int, *, scaled: bool) -> None:
    """Let the input be of another type, cast by the model itself, and divided by 255 unless it is scaled."""
    old = graph.input[0].name
    graph.input[0].name = "pixels"
    graph.input[0].type.tensor_type.elem_type = dtype
    cast = onnx.helper.make_node("Cast", ["pixels"], [old if scaled else "cast"], to=onnx.TensorProto.FLOAT)
    nodes = [cast]
    if not scaled:
        graph.initializer.append(onnx.helper.make_tensor("most", onnx.TensorProto.FLOAT, [], [255.0]))
        nodes.append(onnx.helper.make_node("Div", ["cast", "most"], [old]))
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *rest])


def test_a_uint8_input_without_scale_takes_the_pixels_themselves(edit: Callable[..., Path], artifacts: Path) -> None:
    check(edit(lambda graph, onnx: take(graph, onnx, onnx.TensorProto.UINT8, scaled=False)), artifacts)


@pytest.mark.parametrize("kind", ["FLOAT16", "DOUBLE"])
def test_a_float_input_of_another_width_takes_pixels_up_to_1(
    kind: str, edit: Callable[..., Path], artifacts: Path
) -> None:
    def change(graph: Any, onnx: Any) -> None:
        take(graph, onnx, getattr(onnx.TensorProto, kind), scaled=True)

    check(edit(change), artifacts, tolerance=0.05)


def test_an_int8_input_without_scale_is_refused(edit: Callable[..., Path]) -> None:
    with pytest.raises(ArtifactError, match="its input is int8 without scale and zero point"):
        load(edit(lambda graph, onnx: take(graph, onnx, onnx.TensorProto.INT8, scaled=True)))


def test_what_a_runtime_raises_is_one_line_of_ours(artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with load(artifacts / "digitrec-int8.onnx") as model:
        assert model._session

        def fail(*arguments: object) -> None:
            raise RuntimeError("Node 3:\n  it broke")

        for name in ("run_one", "run_batch"):
            monkeypatch.setattr(model._session, name, fail)
        monkeypatch.setattr(model, "_classify", fail)
        for call in (model.classify, model.logits, model.predict, lambda image: model.logits(image[None])):
            with pytest.raises(InferenceError, match=r"onnxruntime .* cannot run .*\.onnx: Node 3: it broke$"):
                call(IMAGES[0])


def test_probabilities_of_a_softmax_at_the_end_are_given_as_they_are(
    edit: Callable[..., Path], artifacts: Path
) -> None:
    def add_softmax(graph: Any, onnx: Any) -> None:
        graph.node.append(onnx.helper.make_node("Softmax", [graph.output[0].name], ["raw"]))
        graph.node.append(onnx.helper.make_node("Reshape", ["raw", "shape"], ["probabilities"]))
        graph.initializer.append(onnx.helper.make_tensor("shape", onnx.TensorProto.INT64, [2], [-1, 10]))
        graph.output[0].name = "probabilities"

    with load(artifacts / "digitrec-float32.onnx") as ours:
        wanted = softmax(ours.logits(IMAGES))
    with load(edit(add_softmax)) as model:
        found = model.predict(IMAGES)
        assert found.probabilities == pytest.approx(wanted, abs=1e-5)
        assert (found.digits == wanted.argmax(axis=1)).all()
        assert model.predict(IMAGES[0]).probabilities == pytest.approx(wanted[0], abs=1e-5)
        assert np.isfinite(model.logits(IMAGES)).all()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("FULLY_CONNECTED", "SOFTMAX"), True),
        (("CONV_2D", "SOFTMAX", "RESHAPE", "DEQUANTIZE"), True),
        (("Gemm", "QuantizeLinear", "QLinearSoftmax", "DequantizeLinear"), True),
        (("SOFTMAX", "FULLY_CONNECTED", "DEQUANTIZE"), False),
        (("FULLY_CONNECTED", "LOG_SOFTMAX"), False),
        ((), False),
    ],
)
def test_a_softmax_at_the_end_is_seen_through_what_hands_it_on(names: tuple[str, ...], expected: bool) -> None:
    operators = tuple(Operator(name, 1, (str(k), "more"), (str(k + 1),)) for k, name in enumerate(names))
    output = Tensor(str(len(names)), (1, 10), "float32")
    assert ends_in_softmax(Graph((), (output,), (output,), operators, ())) is expected
