"""TFLite files: read without any runtime as the runtimes themselves see them, and never trusted."""

import functools
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digitrec_edge import artifact, formats
from digitrec_edge.formats import tflite
from digitrec_edge.formats.graph import Graph, MalformedError

NAMES = ("digitrec-float32.tflite", "digitrec-int8.tflite")


def interpreter(data: bytes) -> Any:
    module = pytest.importorskip("ai_edge_litert.interpreter")
    loaded = module.Interpreter(model_content=data)
    loaded.allocate_tensors()
    return loaded


@functools.cache
def payload_of(path: Path) -> bytes:
    return artifact.read(path).payload


def described(artifacts: Path, name: str) -> Graph:
    return tflite.describe(artifact.read(artifacts / name).payload)


@pytest.mark.parametrize("name", NAMES)
def test_inputs_and_outputs_are_as_litert_sees_them(artifacts: Path, name: str) -> None:
    graph = described(artifacts, name)
    loaded = interpreter((artifacts / name).read_bytes())
    for tensors, details in (
        (graph.inputs, loaded.get_input_details()),
        (graph.outputs, loaded.get_output_details()),
    ):
        (tensor,), (detail,) = tensors, details
        assert tensor.name == detail["name"]
        assert tensor.shape == tuple(detail["shape"])
        assert tensor.dtype == np.dtype(detail["dtype"]).name
        assert tensor.scale == tuple(detail["quantization_parameters"]["scales"].tolist())
        assert tensor.zero_point == tuple(detail["quantization_parameters"]["zero_points"].tolist())


@pytest.mark.parametrize("name", NAMES)
def test_all_tensors_are_as_litert_sees_them(artifacts: Path, name: str) -> None:
    tensors = described(artifacts, name).tensors
    for detail in interpreter((artifacts / name).read_bytes()).get_tensor_details():
        if detail["index"] >= len(tensors) or not detail["name"]:
            continue  # LiteRT adds temporaries of its own
        tensor = tensors[detail["index"]]
        assert tensor.name == detail["name"]
        assert tensor.shape == tuple(detail["shape"])
        assert tensor.dtype == np.dtype(detail["dtype"]).name
        assert np.array_equal(tensor.scale, detail["quantization_parameters"]["scales"])


@pytest.mark.parametrize("name", NAMES)
def test_the_weights_are_all_there(artifacts: Path, name: str) -> None:
    weights = [
        tensor
        for tensor in described(artifacts, name).tensors
        if tensor.stored_bytes and len(tensor.shape) == 2 and tensor.dtype in ("float32", "int8")
    ]
    assert sorted(tensor.shape for tensor in weights) == [(10, 128), (128, 128), (128, 256), (256, 784)]
    size = 4 if "float32" in name else 1
    assert all(tensor.stored_bytes == np.prod([int(n) for n in tensor.shape]) * size for tensor in weights)


@pytest.mark.parametrize("name", NAMES)
def test_operators_are_in_order_and_joined_by_their_tensors(artifacts: Path, name: str) -> None:
    graph = described(artifacts, name)
    names = [operator.name for operator in graph.operators if operator.name != "QUANTIZE"]
    assert names == ["RESHAPE"] + ["FULLY_CONNECTED"] * 4
    assert graph.operators[0].inputs[0] == graph.inputs[0].name == "image"
    assert graph.operators[-1].outputs == (graph.outputs[0].name,) == ("logits",)
    for earlier, later in zip(graph.operators, graph.operators[1:], strict=False):
        assert earlier.outputs[0] == later.inputs[0]


@pytest.mark.parametrize("name", NAMES)
def test_the_card_comes_off_and_goes_on_again(artifacts: Path, name: str) -> None:
    data = (artifacts / name).read_bytes()
    payload, files = tflite.split(data)
    assert set(files) >= {formats.CARD_FILE}
    assert data.startswith(payload)
    again = tflite.attach(payload, files)
    assert again[: -formats.SEAL_BYTES] == data[: -formats.SEAL_BYTES]
    with pytest.raises(MalformedError, match="ZIP archive cannot be read"):
        tflite.split(payload)


def test_a_tflite_file_is_known_by_its_magic() -> None:
    assert tflite.recognise(b"\x1c\0\0\0TFL3")
    for data in (b"", b"TFL3", b"\0\0\0\0TFL2", b"\0\0\0TFL3"):
        assert not tflite.recognise(data)


@pytest.mark.parametrize("name", NAMES)
def test_a_payload_cut_anywhere_is_malformed_or_described_but_never_a_crash(artifacts: Path, name: str) -> None:
    payload = artifact.read(artifacts / name).payload
    malformed = 0
    lengths = [*range(9, 200), *range(200, len(payload), len(payload) // 100)]
    for length in lengths:
        try:
            tflite.describe(payload[:length])
        except MalformedError:
            malformed += 1
    assert malformed >= len(lengths) * 0.9


@settings(
    deadline=None, derandomize=True, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(position=st.integers(0, 2**31), value=st.integers(0, 2**32 - 1))
def test_a_payload_with_any_wrong_number_is_malformed_or_described_but_never_a_crash(
    artifacts: Path, position: int, value: int
) -> None:
    payload = bytearray(payload_of(artifacts / "digitrec-int8.tflite"))
    structure = [k for k in range(0, len(payload) - 4, 4) if k < 600 or k > len(payload) - 6000]
    struct.pack_into("<I", payload, structure[position % len(structure)], value)
    try:
        graph = tflite.describe(bytes(payload))
    except MalformedError as error:
        assert "\n" not in str(error)
    else:
        assert isinstance(graph, Graph)
