"""digitrec_edge.verification.layers: every file has the network's own layers, whatever operators it is written in."""

from pathlib import Path

import pytest

from digitrec_edge import artifact
from digitrec_edge.formats import by_name
from digitrec_edge.formats.graph import Graph, MalformedError, Operator, Tensor, in_order_of_computation
from digitrec_edge.variants import VARIANTS
from digitrec_edge.verification.layers import layer_sizes, rest_bytes

SHAPES = [(784, 256), (256, 128), (128, 128), (128, 10)]
FILES = sorted(f"{row.stem}{by_name(row.format).suffix}" for row in VARIANTS)


def graph(operators: tuple[Operator, ...], *constants: tuple[str, tuple[int, ...]]) -> Graph:
    """A float32 model of these operators and constants."""
    tensors = []
    for name, shape in constants:
        size = 4
        for extent in shape:
            size *= extent
        tensors.append(Tensor(name, shape, "float32", stored_bytes=size))
    return Graph((), (), tuple(tensors), operators, ())


def test_all_ten_variants_are_looked_at() -> None:
    assert len(FILES) == len(set(FILES)) >= 10


@pytest.mark.parametrize("name", FILES)
def test_every_artifact_has_the_same_four_layers_in_the_same_order(artifacts: Path, name: str) -> None:
    found = artifact.read(artifacts / name)
    layers = layer_sizes(found.graph)
    assert [layer.shape for layer in layers] == SHAPES
    rest = rest_bytes(len(found.data), layers)
    assert sum(layer.stored_bytes for layer in layers) + rest == len(found.data)
    program = found.format.name in ("html", "c", "java")  # which take room beside the model
    assert 0 < rest < (0.7 if program else 0.2) * len(found.data)


@pytest.mark.parametrize(
    ("name", "bits_per_weight", "bytes_per_bias", "most_extra"),
    [
        ("float32.tflite", 32, 4, 0), ("float32.onnx", 32, 4, 0), ("float32.ort", 32, 4, 0),
        ("float16.tflite", 16, 2, 0), ("int8.tflite", 8, 4, 0), ("int16x8.tflite", 8, 8, 0), ("int4.tflite", 4, 4, 0),
        ("int8.onnx", 8, 4, 13), ("int8.ort", 8, 4, 15),
    ],
)  # fmt: skip
def test_a_layer_is_its_weights_its_bias_and_its_own_quantisation_parameters(
    artifacts: Path, name: str, bits_per_weight: int, bytes_per_bias: int, most_extra: int
) -> None:
    layers = layer_sizes(artifact.read(artifacts / f"digitrec-{name}").graph)
    for layer, (inputs, outputs) in zip(layers, SHAPES, strict=True):
        least = inputs * outputs * bits_per_weight // 8 + outputs * bytes_per_bias
        assert least <= layer.stored_bytes <= least + most_extra


def test_bytes_count_for_the_operator_that_computes_not_for_the_one_that_passes_on() -> None:
    operators = (
        Operator("DequantizeLinear", 17, ("weights", "scale"), ("w",)),
        Operator("Identity", 17, ("w",), ("same",)),
        Operator("Gemm", 17, ("image", "same", "bias"), ("logits",)),
    )
    (layer,) = layer_sizes(graph(operators, ("weights", (6, 3)), ("scale", ()), ("bias", (3,))))
    assert (layer.operator, layer.outputs, layer.shape) == ("Gemm", ("logits",), (6, 3))
    assert layer.stored_bytes == 4 * (18 + 1 + 3)


def test_weights_that_two_operators_share_are_counted_once() -> None:
    operators = (
        Operator("MatMul", 17, ("image", "shared"), ("a",)),
        Operator("Add", 17, ("a", "bias"), ("b",)),
        Operator("MatMul", 17, ("b", "shared"), ("c",)),
    )
    (layer,) = layer_sizes(graph(operators, ("shared", (4, 4)), ("bias", (4,))))
    assert layer.stored_bytes == 4 * (16 + 4)


def test_constants_that_are_no_weights_are_no_layer() -> None:
    operators = (
        Operator("Add", 17, ("image", "offset"), ("a",)),
        Operator("Mul", 17, ("a", "factor"), ("b",)),
        Operator("Reshape", 17, ("b", "sizes"), ("c",)),
    )
    assert layer_sizes(graph(operators, ("offset", (28,)), ("factor", (1, 1)), ("sizes", (2,)))) == ()


@pytest.mark.parametrize("stored", [(10, 64), (64, 10)], ids=["inputs first", "outputs first"])
def test_the_bias_tells_which_way_round_the_weights_are_stored(stored: tuple[int, int]) -> None:
    operators = (Operator("Gemm", 17, ("image", "weights", "bias"), ("logits",)),)
    (layer,) = layer_sizes(graph(operators, ("weights", stored), ("bias", (64,))))
    assert layer.shape == (10, 64)


def test_operators_are_put_in_the_order_of_computation() -> None:
    last, first = Operator("Gemm", 13, ("a", "", "w"), ("b", "")), Operator("Relu", 13, ("image", ""), ("a",))
    assert in_order_of_computation([last, first]) == (first, last)
    assert in_order_of_computation([first, last]) == (first, last)
    with pytest.raises(MalformedError, match="its own output"):
        in_order_of_computation([Operator("Add", 13, ("b",), ("a",)), Operator("Add", 13, ("a",), ("b",))])


@pytest.mark.parametrize("name", ["digitrec-float32.ort", "digitrec-int8.ort"])
def test_no_operator_of_an_ort_file_reads_what_is_computed_later(artifacts: Path, name: str) -> None:
    found = artifact.read(artifacts / name).graph
    known = {tensor.name for tensor in found.inputs} | {tensor.name for tensor in found.tensors if tensor.stored_bytes}
    for operator in found.operators:
        assert known.issuperset(filter(None, operator.inputs))
        known.update(operator.outputs)
