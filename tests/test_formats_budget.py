"""What a small file may ask for is bounded, sealed or foreign, before memory is taken; and good models still load."""

import functools
import importlib.util
import resource
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from digitrec_edge import artifact
from digitrec_edge.errors import ArtifactError
from digitrec_edge.formats import appended_zip, by_name
from digitrec_edge.formats.budget import BUDGET
from digitrec_edge.formats.graph import MalformedError


def import_models() -> Any:
    spec = importlib.util.spec_from_file_location("hostile_models", Path(__file__).with_name("hostile_models.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["hostile_models"] = module
    spec.loader.exec_module(module)
    return module


h = import_models()
DENSE = h.Operator(h.FULLY_CONNECTED, (0, 1, -1), (2,), (8, h.Node({})))
BIG = 1 << 30


def tflite_with(code: int, shape_data: bytes, first: Any = None) -> bytes:
    """A dense layer, and beside it an operator whose second input says how large its output is."""
    first = first or h.Tensor((1,), bytes(4))
    tensors = [*h.dense(), first, h.Tensor((len(shape_data) // 4,), shape_data, h.INT32), h.Tensor((1,))]
    inputs = (4, 3) if code == h.FILL else (3, 4)
    return h.tflite(tensors, [DENSE, h.Operator(code, inputs, (5,))], outputs=(2,))


def computed_fill() -> bytes:
    """FILL of a shape that an operator computes."""
    two = h.ints(1, 2)
    tensors = [
        *h.dense(), h.Tensor((2,), two, h.INT32), h.Tensor((2,), two, h.INT32), h.Tensor((2,), None, h.INT32),
        h.Tensor((1,), bytes(4)), h.Tensor((1,)),
    ]  # fmt: skip
    steps = [DENSE, h.Operator(h.MAXIMUM, (3, 4), (5,), (39, h.Node({}))), h.Operator(h.FILL, (5, 6), (7,))]
    return h.tflite(tensors, steps, outputs=(2,))


def outer_sum() -> bytes:
    """A column and a row of 60,000 numbers each, added."""
    zeros = bytes(4 * 60_000)
    tensors = [*h.dense(), h.Tensor((60_000, 1), zeros), h.Tensor((1, 60_000), zeros), h.Tensor((1,))]
    return h.tflite(tensors, [DENSE, h.Operator(h.ADD, (3, 4), (5,), (11, h.Node({})))], outputs=(2,))


def doubling() -> bytes:
    """A tensor behind itself, 30 times over; every shape says that it is small."""
    tensors = [*h.dense(), h.Tensor((1, 784), bytes(4 * 784)), *[h.Tensor((1,)) for _ in range(30)]]
    options = (10, h.Node({0: ("i", 1)}))
    steps = [h.Operator(h.CONCATENATION, (3 + k, 3 + k), (4 + k,), options) for k in range(30)]
    return h.tflite(tensors, [DENSE, *steps], outputs=(2,))


def one_code_often(count: int) -> bytes:
    """A list of operators that points at the same entry again and again: work for whoever compares all with all."""
    code = h.Node({0: ("b", h.FULLY_CONNECTED), 2: ("i", 1), 3: ("i", h.FULLY_CONNECTED)})
    return h.tflite(h.dense(), [DENSE], outputs=(2,), more={1: [code] * count})


def one_scale_often(count: int, numbers: int) -> bytes:
    """Tensors that share one long list of scales."""
    scales = h.Node({2: ("<f4", [1.0] * numbers)})
    tensors = [*h.dense(), *[h.Tensor((1,), None, h.FLOAT, {4: scales}) for _ in range(count)]]
    return h.tflite(tensors, [DENSE], outputs=(2,))


def two_sums() -> bytes:
    """An ADD that writes two tensors."""
    step = h.Operator(h.ADD, (1, 1), (3, 4), (11, h.Node({})))
    return h.tflite([*h.dense(), h.Tensor((1,)), h.Tensor((1,))], [DENSE, step], outputs=(2,))


def larger_slice() -> bytes:
    """A SLICE of one number, into a tensor that says it has 1,000."""
    one = h.Tensor((1,), h.ints(1), h.INT32)
    tensors = [*h.dense(), h.Tensor((8,), bytes(32)), h.Tensor((1,), h.ints(0), h.INT32), one, h.Tensor((1_000,))]
    return h.tflite(tensors, [DENSE, h.Operator(h.SLICE, (3, 4, 5), (6,))], outputs=(2,))


def many_tensors() -> bytes:
    """1,500 tensors of 255 MB each, and nothing stored."""
    tensors = [*h.dense(), *[h.Tensor((1, 255 << 20), None, h.INT8) for _ in range(1500)]]
    return h.tflite(tensors, [DENSE], outputs=(2,))


def onnx_with(*nodes: bytes, tensors: tuple[bytes, ...] = ()) -> bytes:
    return h.onnx(h.onnx_graph([h.ONNX_DENSE[0], *nodes], [h.ONNX_DENSE[1], *tensors]))


def int64(name: str, *values: int) -> bytes:
    raw = struct.pack(f"<{len(values)}q", *values)
    return h.onnx_tensor(name, (len(values),), 7, raw)


def ort_with(*nodes: Any, tensors: tuple[Any, ...] = ()) -> bytes:
    return h.ort([h.ORT_DENSE[0], *nodes], [h.ORT_DENSE[1], *tensors])


def ort_int64(name: str, *values: int) -> Any:
    return h.ort_tensor(name, (len(values),), 7, struct.pack(f"<{len(values)}q", *values))


OUTSIDE = h.number(14, 1) + h.encode_bytes(13, h.text(1, "location") + h.text(2, "../../etc/passwd"))
LOST = h.onnx_tensor("lost", (10,), 1, None, OUTSIDE)
INNER = h.onnx_graph([h.onnx_node("Identity", ["lost"], ["b"])], [LOST], [], [h.onnx_value("b", (10,))])
ENDLESS = h.onnx_graph(
    [h.onnx_node("Identity", ["go"], ["on"])], [], [h.onnx_value("k", (), 7), h.onnx_value("go", (), 9)],
    [h.onnx_value("on", (), 9)],
)  # fmt: skip
NO_SIZE = h.text(1, "image") + h.encode_bytes(  # an empty list where one number stands
    2, h.encode_bytes(1, h.number(1, 1) + h.encode_bytes(2, h.encode_bytes(1, h.encode_bytes(1, b""))))
)
FAR = h.onnx_tensor("far", (2,), 7, None, h.number(7, BIG) + h.number(7, BIG))

SIZES: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "tflite: operators that point at one entry": ("tflite", lambda: one_code_often(90_000), "tables or fields"),
    "tflite: scales that are shared": ("tflite", lambda: one_scale_often(1_000, 50_000), "bytes of names, shapes"),
    "tflite: tensors of nothing": ("tflite", many_tensors, "bytes of all tensors: "),
    "tflite: FILL": ("tflite", lambda: tflite_with(h.FILL, h.ints(1, BIG)), "bytes of activations for 1 pictures"),
    "tflite: FILL of a computed shape": ("tflite", computed_fill, "that input 0 decides, which is no constant"),
    "tflite: TILE": ("tflite", lambda: tflite_with(h.TILE, h.ints(BIG)), "bytes of activations"),
    "tflite: BROADCAST_TO": ("tflite", lambda: tflite_with(h.BROADCAST_TO, h.ints(BIG)), "bytes of activations"),
    "tflite: RANGE": ("tflite", lambda: tflite_with(h.RANGE, h.ints(BIG)), "'RANGE' (output 5) is of a kind whose"),
    "tflite: WHILE": ("tflite", lambda: tflite_with(h.WHILE, h.ints(1)), "'WHILE' (output 5) is of a kind whose"),
    "tflite: an outer sum": ("tflite", outer_sum, "bytes of activations"),
    "tflite: SLICE into another size": ("tflite", larger_slice, "tensor 't6' is (1000,), and becomes (1,)"),
    "tflite: doubling": ("tflite", doubling, "bytes of activations"),
    "onnx: ConstantOfShape": (
        "onnx", lambda: onnx_with(h.onnx_node("ConstantOfShape", ["n"], ["b"]), tensors=(int64("n", 2, BIG),)),
        "bytes of activations",
    ),
    "onnx: ConstantOfShape of numbers that are not raw": (
        "onnx", lambda: onnx_with(h.onnx_node("ConstantOfShape", ["far"], ["b"]), tensors=(FAR,)),
        "bytes of activations",
    ),
    "onnx: ConstantOfShape of a Constant": (
        "onnx", lambda: onnx_with(
            h.onnx_node("Constant", [], ["n"], h.attribute("value", 4, h.encode_bytes(5, int64("", BIG, 8)))),
            h.onnx_node("ConstantOfShape", ["n"], ["b"]),
        ), "bytes of activations",
    ),
    "onnx: Expand": (
        "onnx", lambda: onnx_with(h.onnx_node("Expand", ["w", "n"], ["b"]), tensors=(int64("n", BIG, 1, 1),)),
        "bytes of activations",
    ),
    "onnx: Tile of a computed number": (
        "onnx", lambda: onnx_with(
            h.onnx_node("Div", ["n", "n"], ["m"]), h.onnx_node("Tile", ["w", "m"], ["b"]), tensors=(int64("n", 9, 9),)
        ), "that input 1 decides, which is no constant",
    ),
    "onnx: Pad": (
        "onnx", lambda: onnx_with(h.onnx_node("Pad", ["w", "n"], ["b"]), tensors=(int64("n", 0, 0, 0, BIG),)),
        "bytes of activations",
    ),
    "onnx: a window's padding": (
        "onnx", lambda: onnx_with(
            h.onnx_node("AveragePool", ["x"], ["b"],
                        h.attribute("kernel_shape", 7, h.number(8, 1), h.number(8, 1)),
                        h.attribute("pads", 7, *[h.number(8, 1 << 15)] * 4)),
            tensors=(h.onnx_tensor("x", (1, 1, 2, 2), 1, bytes(16)),),
        ), "bytes of activations",
    ),
    "onnx: Loop": (
        "onnx", lambda: onnx_with(
            h.onnx_node("Loop", ["", ""], ["b"], h.attribute("body", 5, h.encode_bytes(6, ENDLESS)))
        ), "operator 'Loop' holds a graph",
    ),
    "onnx: Range": (
        "onnx", lambda: onnx_with(h.onnx_node("Range", ["n", "n", "n"], ["b"]), tensors=(int64("n", 1),)),
        "'Range' (output 'b') is of a kind whose",
    ),
    "onnx: a picture of 4 GB": (
        "onnx", lambda: h.onnx(h.onnx_graph([h.ONNX_DENSE[0]], [h.ONNX_DENSE[1]], [h.onnx_value("image", (1, BIG))])),
        "bytes of the input 'image' for 1 pictures",
    ),
    "onnx: a function of its own": (
        "onnx", lambda: onnx_with() + h.encode_bytes(25, h.text(1, "MatMul")), "has training steps, functions",
    ),
    "onnx: two graphs that protobuf makes one": (
        "onnx", lambda: h.onnx(h.onnx_graph([], [LOST])) + h.encode_bytes(7, h.onnx_graph([h.ONNX_DENSE[0]])),
        "field 7 stands there 2 times",
    ),
    "onnx: fields without end": ("onnx", lambda: onnx_with() + h.number(5, 1) * 200_000, "is not a "),
    "ort: ConstantOfShape": (
        "ort", lambda: ort_with(h.ort_node("ConstantOfShape", ["n"], ["b"]), tensors=(ort_int64("n", 2, BIG),)),
        "bytes of activations",
    ),
    "ort: Tile": (
        "ort", lambda: ort_with(h.ort_node("Tile", ["w", "n"], ["b"]), tensors=(ort_int64("n", BIG, 1),)),
        "bytes of activations",
    ),
    "ort: a graph in an operator": (
        "ort", lambda: ort_with(h.ort_node("Loop", ["", ""], ["b"], [h.Node({0: "body", 2: ("i", 5), 7: h.Node({})})])),
        "operator 'Loop' holds a graph",
    ),
    "ort: operators that point at one entry": (
        "ort", lambda: h.ort([h.ORT_DENSE[0]] * 90_000, [h.ORT_DENSE[1]]), "tables or fields",
    ),
}  # fmt: skip

ELSEWHERE: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "onnx: initializer": (
        "onnx", lambda: onnx_with(tensors=(LOST,)), "tensor 'lost' lies in another file",
    ),
    "onnx: Constant": (
        "onnx", lambda: onnx_with(
            h.onnx_node("Constant", [], ["b"], h.attribute("value", 4, h.encode_bytes(5, LOST)))
        ), "tensor 'lost' lies in another file",
    ),
    "onnx: list of tensors": (
        "onnx", lambda: onnx_with(
            h.onnx_node("Constant", [], ["b"], h.attribute("values", 9, h.encode_bytes(10, LOST)))
        ), "tensor 'lost' lies in another file",
    ),
    "onnx: subgraph": (
        "onnx", lambda: onnx_with(
            h.onnx_node("If", ["c"], ["b"], h.attribute("then_branch", 5, h.encode_bytes(6, INNER))),
            tensors=(h.onnx_tensor("c", (), 9, b"\1"),),
        ), "operator 'If' holds a graph",
    ),
    "onnx: sparse tensor": (
        "onnx", lambda: h.onnx(h.onnx_graph([h.ONNX_DENSE[0]], [h.ONNX_DENSE[1]],
                                            more=h.encode_bytes(15, h.encode_bytes(1, LOST)))),
        "sparse tensors",
    ),
    "ort: initializer": (
        "ort", lambda: ort_with(tensors=(h.ort_tensor("lost", (10,), 1, b"", {6: ("q", 0)}),)),
        "tensor 'lost' lies in another file",
    ),
    "ort: attribute": (
        "ort", lambda: ort_with(h.ort_node("Constant", [], ["b"], [
            h.Node({0: "value", 2: ("i", 4), 6: h.ort_tensor("lost", (10,), 1, b"", {6: ("q", 0)})})
        ])), "tensor 'lost' lies in another file",
    ),
    "tflite: external buffer": (
        "tflite", lambda: h.tflite(h.dense(), [DENSE], more={8: [h.Node({0: "../../etc/passwd"})]}),
        "lie in another file",
    ),
    "tflite: buffer behind the file": (
        "tflite", lambda: h.tflite(h.dense(), [DENSE], more={4: [h.Node({1: ("Q", 64), 2: ("Q", 1 << 62)})] * 4}),
        "an offset points outside the file",
    ),
    "tflite: buffer at an odd place": (
        "tflite", lambda: h.tflite(h.dense(), [DENSE], more={4: [h.Node({1: ("Q", 66), 2: ("Q", 100)})] * 4}),
        "multiples of 16 are needed",
    ),
}  # fmt: skip

ODD: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "tflite: two outputs of an operator that has one": (
        "tflite", two_sums, "operator 'ADD' (output 3) has 2 outputs, 1 is all",
    ),
    "onnx: two outputs of an operator that has one": (
        "onnx", lambda: onnx_with(h.onnx_node("Add", ["w", "w"], ["b", "c"])),
        "operator 'Add' (output 'b') has 2 outputs, 1 is all",
    ),
    "onnx: a number and a bit": (
        "onnx", lambda: onnx_with(tensors=(h.onnx_tensor("n", (2,), 7, bytes(9)),)),
        "tensor 'n' needs 16 bytes, 9 are stored",
    ),
    "ort: a number and a bit": (
        "ort", lambda: ort_with(tensors=(h.ort_tensor("n", (2,), 7, bytes(9)),)),
        "tensor 'n' needs 16 bytes, 9 are stored",
    ),
    "onnx: a size that is no number": (
        "onnx", lambda: h.onnx(h.onnx_graph([h.ONNX_DENSE[0]], [h.ONNX_DENSE[1]], [NO_SIZE])),
        "field 1 is not a number",
    ),
    "onnx: an option that is no number": (
        "onnx", lambda: onnx_with(
            h.onnx_node("Shape", ["w"], ["b"], h.attribute("start", 2, h.encode_bytes(3, b"\1")))
        ),
        "field 3 is not a number",
    ),
    "onnx: a second kind of an operator, which protobuf passes over": (
        "onnx", lambda: onnx_with(
            h.onnx_node("Expand", ["w", "far"], ["b"]) + b"\x25Relu", tensors=(FAR,)
        ), "field 4 has a fixed width",
    ),
    "onnx: strides that protobuf passes over": (
        "onnx", lambda: onnx_with(
            h.onnx_node("MaxPool", ["w"], ["b"], h.attribute("strides", 7, b"\x45\x80\x80\x80\x08"))
        ), "field 8 has a fixed width",
    ),
    "onnx: two names that would be one": (
        "onnx", lambda: onnx_with(h.onnx_node("Relu", ["w"], ["b"]).replace(b"\x12\1b", b"\x12\1\xff")), "is not UTF-8",
    ),
}  # fmt: skip
HOSTILE = {**SIZES, **ELSEWHERE, **ODD}


@functools.cache
def make(name: str) -> bytes:
    """Make one of them, once for all tests."""
    return HOSTILE[name][1]()


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


def bomb(folder: Path, *, count: int = 1, size: int = 1, said: int | None = None, name: str = "labels.txt") -> bytes:
    """A ZIP archive of zeros; ``said`` is what its directory says that they unpack to."""
    path = folder / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for k in range(count):
            archive.writestr(f"{k}{name}", bytes(size))
    data = path.read_bytes()
    if said is not None:
        directory = data.index(b"PK\x01\x02")
        data = data[: directory + 24] + struct.pack("<I", said) + data[directory + 28 :]
        data = data[:22] + struct.pack("<I", said) + data[26:]
    return data


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"count": 17}, "files: 17, at most 16 are allowed"),
        ({"count": 2000, "name": "a" * 200}, "bytes of its directory: "),
        ({"size": BUDGET.attached_bytes + 1}, "bytes unpacked: 4,194,305, at most 4,194,304 are allowed"),
        ({"size": 1 << 20}, "times that '0labels.txt' grows: "),
        ({"size": 64 << 20, "said": 100}, "Bad CRC-32"),
    ],
    ids=["count", "directory", "size", "ratio", "more than it says"],
)
@pytest.mark.parametrize("format_name", ["tflite", "ort"])
def test_attached_archives_are_bounded(tmp_path: Path, format_name: str, options: dict[str, Any], reason: str) -> None:
    data = b"\0" * 64 + bomb(tmp_path, **options)
    with pytest.raises(MalformedError, match="ZIP archive cannot be read") as raised:
        by_name(format_name).load().split(data)
    assert reason in str(raised.value)


def test_what_unpacks_to_more_than_it_says_is_not_unpacked(tmp_path: Path) -> None:
    """64 MB in 64 kB, declared as 100 bytes: no more than a piece is ever in memory."""
    (tmp_path / "a").write_bytes(bomb(tmp_path, size=64 << 20, said=100))
    code = (
        "import resource, sys\n"
        "from digitrec_edge.formats import appended_zip, graph\n"
        "data = open(sys.argv[1], 'rb').read()\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n    appended_zip.split(data)\nexcept graph.MalformedError:\n    pass\n"
        "grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before\n"
        "assert grown < 8 << 10, f'{grown} KiB'\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_archive_of_another_kind_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("labels.txt", "0\n" * 100)
    with pytest.raises(MalformedError, match="is packed by method 14, 0 or 8 are allowed"):
        appended_zip.split((tmp_path / "a").read_bytes())


def test_nothing_may_stand_behind_the_card_of_an_onnx_artifact(artifacts: Path, tmp_path: Path) -> None:
    """A runtime reads the whole file: a second graph behind the card would become part of the model."""
    data = (artifacts / "digitrec-int8.onnx").read_bytes()
    payload, files = by_name("onnx").load().split(data)
    whole = by_name("onnx").load().attach(payload, files)
    hostile = whole[: len(payload)] + whole[len(payload) :] + h.encode_bytes(7, h.onnx_graph([], [LOST]))
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
