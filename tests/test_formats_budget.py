"""What a small file may ask for is bounded, sealed or foreign, before memory is taken; and good models still load."""

import resource
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from digitrec_edge import artifact
from digitrec_edge.errors import ArtifactError
from digitrec_edge.formats import by_name
from digitrec_edge.formats.budget import BUDGET
from digitrec_edge.formats.graph import MalformedError
from digitrec_edge.formats.protobuf import encode_bytes
from tests import hostile_models as h
from tests.hostile_sizes import BIG, DENSE, HOSTILE, LOST, make, onnx_with, ort_with


def sealed(artifacts: Path, format_name: str, payload: bytes) -> bytes:
    """The payload as an artifact whose card and seal fit it: anybody can make one."""
    found = artifact.read(artifacts / f"digitrec-int8.{format_name}")
    assert found.card is not None
    return artifact.seal(payload, found.card)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("is_sealed", [False, True], ids=["foreign", "sealed"])
def test_what_asks_for_too_much_is_refused_in_one_line(
    artifacts: Path, tmp_path: Path, name: str, is_sealed: bool
) -> None:
    format_name, _, reason = HOSTILE[name]
    payload = make(name)
    assert len(payload) < 1 << 20
    path = tmp_path / f"model.{format_name}"
    path.write_bytes(sealed(artifacts, format_name, payload) if is_sealed else payload)
    with pytest.raises(ArtifactError) as raised:
        artifact.read(path)
    assert str(raised.value).startswith(f"{path} ")
    assert reason in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < len(str(path)) + 300


@pytest.mark.parametrize("format_name", ["tflite", "onnx", "ort"])
def test_the_builders_build_models_that_are_read(tmp_path: Path, format_name: str) -> None:
    """So it is what was added to them that is refused above."""
    payload = {
        "tflite": h.tflite(h.dense(), [DENSE], outputs=(2,)), "onnx": onnx_with(), "ort": ort_with()
    }[format_name]  # fmt: skip
    (tmp_path / "a").write_bytes(payload)
    found = artifact.read(tmp_path / "a")
    assert found.format.name == format_name
    assert [operator.name for operator in found.graph.operators] in (["FULLY_CONNECTED"], ["MatMul"])


@pytest.mark.parametrize(
    ("nodes", "tensors"),
    [
        ((h.onnx_node("DequantizeLinear", ["n"], ["b"]),), (h.onnx_tensor("n", (2,), 3, bytes(2)),)),
        (
            (h.onnx_node("DequantizeLinear", ["n", "s", "z"], ["b"]),),
            (
                h.onnx_tensor("n", (2,), 3, bytes(2)),
                h.onnx_tensor("s", (), 1, struct.pack("<f", 1)),
                h.onnx_tensor("z", (), 1, struct.pack("<f", float("nan"))),
            ),
        ),
    ],
    ids=["without a scale", "with a zero point that is no number"],
)
def test_what_the_runtime_refuses_by_itself_is_described(nodes: tuple[bytes], tensors: tuple[bytes, ...]) -> None:
    graph = by_name("onnx").load().describe(onnx_with(*nodes, tensors=tensors))
    assert [tensor.zero_point for tensor in graph.tensors if tensor.name == "n"] == [()]


def test_numbers_of_more_than_32_bits_are_cut_as_protobuf_cuts_them() -> None:
    tensor = h.onnx_tensor("n", (2,), 6, None, h.number(5, (1 << 40) + 3) + h.number(5, 784))
    fill = h.onnx_node("ConstantOfShape", ["n"], ["b"])
    by_name("onnx").load().describe(onnx_with(fill, tensors=(tensor,)))
    with pytest.raises(MalformedError, match="bytes of activations"):
        by_name("onnx").load().describe(onnx_with(fill, tensors=(tensor.replace(h.number(5, 784), h.number(5, BIG)),)))


def test_all_of_it_takes_a_second_and_little_memory(tmp_path: Path) -> None:
    """512 MB of address space, most of it taken by numpy's own threads, and 5 s for all of them."""
    for k, name in enumerate(HOSTILE):
        (tmp_path / f"{k}.{HOSTILE[name][0]}").write_bytes(make(name))
    code = (
        "import pathlib, resource, sys\n"
        "from digitrec_edge import artifact, errors\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):\n"
        "    start = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])\n"
        "    try:\n        artifact.read(path)\n"
        "    except errors.ArtifactError:\n        pass\n"
        "    else:\n        sys.exit(f'{path} was read')\n"
        "    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2]) - start\n"
        "    assert used < 2, (path, used)\n"
        "grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before\n"
        "assert grown < 100 << 10, f'{grown} KiB'\n"
    )
    limit = (4 << 30, 4 << 30)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, limit),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_may_stand_behind_the_card_of_an_onnx_artifact(artifacts: Path) -> None:
    """A runtime reads the whole file: a second graph behind the card would become part of the model."""
    data = (artifacts / "digitrec-int8.onnx").read_bytes()
    payload, files = by_name("onnx").load().split(data)
    whole = by_name("onnx").load().attach(payload, files)
    hostile = whole + encode_bytes(7, h.onnx_graph([], [LOST]))
    with pytest.raises(MalformedError, match="field 7 stands behind its card"):
        by_name("onnx").load().split(hostile)


def test_a_table_may_not_hold_itself() -> None:
    """A table that is its own child is walked as deep as the schema goes, and no further."""
    from digitrec_edge.formats.flatbuffer import Table
    from digitrec_edge.formats.flatbuffer_verifier import verify

    inner = h.Node({})
    for _ in range(40):
        inner = h.Node({0: inner})
    schema = {"tables": {"T": {"0": ["table", "T"]}}, "unions": {}}
    with pytest.raises(MalformedError, match="tables in tables: 17, at most 16 are allowed"):
        verify(Table.root(h.flatbuffer(inner, b"TEST")), "T", schema)


def test_the_runtimes_run_no_more_pictures_at_a_time_than_the_budget_counts() -> None:
    pytest.importorskip("onnxruntime")
    from runtimes import interpreter, onnxruntime

    assert interpreter.CHUNK == onnxruntime.CHUNK == BUDGET.pictures
