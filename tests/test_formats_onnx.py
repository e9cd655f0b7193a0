"""ONNX files: read without any runtime as ONNX Runtime itself sees them, and never trusted."""

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digitrec_edge import artifact, formats
from digitrec_edge.formats import onnx
from digitrec_edge.formats.graph import Graph, MalformedError

NAMES = ("digitrec-float32.onnx", "digitrec-int8.onnx")


def session(data: bytes) -> Any:
    runtime = pytest.importorskip("onnxruntime")
    return runtime.InferenceSession(data, providers=["CPUExecutionProvider"])


@functools.cache
def payload_of(path: Path) -> bytes:
    return artifact.read(path).payload


def described(artifacts: Path, name: str) -> Graph:
    return onnx.describe(artifact.read(artifacts / name).payload)


@pytest.mark.parametrize("name", NAMES)
def test_inputs_and_outputs_are_as_onnx_runtime_sees_them(artifacts: Path, name: str) -> None:
    graph = described(artifacts, name)
    loaded = session((artifacts / name).read_bytes())
    for tensors, ports in ((graph.inputs, loaded.get_inputs()), (graph.outputs, loaded.get_outputs())):
        (tensor,), (port,) = tensors, ports
        assert tensor.name == port.name
        assert tensor.shape == tuple(port.shape)
        assert tensor.dtype == "float32"
        assert port.type == "tensor(float)"


@pytest.mark.parametrize("name", NAMES)
def test_the_batch_is_free_and_the_names_are_ours(artifacts: Path, name: str) -> None:
    graph = described(artifacts, name)
    assert [(tensor.name, tensor.shape) for tensor in graph.inputs] == [("image", ("batch", 28, 28))]
    assert [(tensor.name, tensor.shape) for tensor in graph.outputs] == [("logits", ("batch", 10))]


@pytest.mark.parametrize("name", NAMES)
def test_the_weights_are_all_there(artifacts: Path, name: str) -> None:
    size, dtype = (1, "int8") if "int8" in name else (4, "float32")
    weights = [
        tensor
        for tensor in described(artifacts, name).tensors
        if tensor.stored_bytes and len(tensor.shape) == 2 and tensor.dtype == dtype
    ]
    shapes = sorted(tuple(sorted(int(n) for n in tensor.shape)) for tensor in weights)
    assert shapes == [(10, 128), (128, 128), (128, 256), (256, 784)]
    assert all(tensor.stored_bytes == np.prod([int(n) for n in tensor.shape]) * size for tensor in weights)
    assert all(bool(tensor.scale) == ("int8" in name) for tensor in weights)


@pytest.mark.parametrize("name", NAMES)
def test_operators_carry_the_opset_and_are_in_order(artifacts: Path, name: str) -> None:
    graph = described(artifacts, name)
    assert {operator.version for operator in graph.operators} == {17}
    assert sum(operator.name in ("MatMul", "Gemm") for operator in graph.operators) == 4
    known = {tensor.name for tensor in graph.tensors}
    for operator in graph.operators:
        assert set(operator.inputs) <= known
        known.update(operator.outputs)
    assert "logits" in known


@pytest.mark.parametrize("name", NAMES)
def test_the_card_comes_off_and_goes_on_again(artifacts: Path, name: str) -> None:
    data = (artifacts / name).read_bytes()
    payload, files = onnx.split(data)
    assert set(files) >= {formats.CARD_FILE}
    assert data.startswith(payload)
    again = onnx.attach(payload, files)
    assert again[: -formats.SEAL_BYTES] == data[: -formats.SEAL_BYTES]
    assert onnx.split(payload) == (payload, {})


@pytest.mark.parametrize("name", NAMES)
def test_onnx_runtime_reads_the_card_as_metadata(artifacts: Path, name: str) -> None:
    _, files = onnx.split((artifacts / name).read_bytes())
    metadata = session((artifacts / name).read_bytes()).get_modelmeta().custom_metadata_map
    assert files[formats.CARD_FILE].decode() in metadata.values()


@pytest.mark.parametrize("data", [b"", b"\x08\x07", b"hello", b"PK\x03\x04" + bytes(100), b"\x3a\x00", bytes(64)])
def test_what_is_no_onnx_model_is_not_taken_for_one(data: bytes) -> None:
    assert not onnx.recognise(data)


@pytest.mark.parametrize("name", NAMES)
def test_a_payload_cut_anywhere_is_malformed_or_described_but_never_a_crash(artifacts: Path, name: str) -> None:
    payload = artifact.read(artifacts / name).payload
    malformed = 0
    lengths = [*range(1, 100), *range(100, len(payload), len(payload) // 100)]
    for length in lengths:
        try:
            onnx.describe(payload[:length])
        except MalformedError:
            malformed += 1
    assert malformed >= len(lengths) * 0.9


@settings(
    deadline=None, derandomize=True, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(position=st.integers(0, 2**31), value=st.integers(0, 255))
def test_a_payload_with_any_wrong_byte_is_malformed_or_described_but_never_a_crash(
    artifacts: Path, position: int, value: int
) -> None:
    payload = bytearray(payload_of(artifacts / "digitrec-int8.onnx"))
    structure = [*range(min(3000, len(payload))), *range(max(0, len(payload) - 3000), len(payload))]
    payload[structure[position % len(structure)]] = value
    data = bytes(payload)
    onnx.recognise(data)
    try:
        graph = onnx.describe(data)
    except MalformedError as error:
        assert "\n" not in str(error)
    else:
        assert isinstance(graph, Graph)
