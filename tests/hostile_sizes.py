"""Small models that ask for too much, point elsewhere, or are odd, by name: format, maker, and what is said of each."""

import functools
import struct
from collections.abc import Callable
from typing import Any

from digitrec_edge.formats.protobuf import encode_bytes
from tests import hostile_models as h

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


OUTSIDE = h.number(14, 1) + encode_bytes(13, h.text(1, "location") + h.text(2, "../../etc/passwd"))
LOST = h.onnx_tensor("lost", (10,), 1, None, OUTSIDE)
INNER = h.onnx_graph([h.onnx_node("Identity", ["lost"], ["b"])], [LOST], [], [h.onnx_value("b", (10,))])
ENDLESS = h.onnx_graph(
    [h.onnx_node("Identity", ["go"], ["on"])], [], [h.onnx_value("k", (), 7), h.onnx_value("go", (), 9)],
    [h.onnx_value("on", (), 9)],
)  # fmt: skip
NO_SIZE = h.text(1, "image") + encode_bytes(  # an empty list where one number stands
    2, encode_bytes(1, h.number(1, 1) + encode_bytes(2, encode_bytes(1, encode_bytes(1, b""))))
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
            h.onnx_node("Constant", [], ["n"], h.attribute("value", 4, encode_bytes(5, int64("", BIG, 8)))),
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
            h.onnx_node("Loop", ["", ""], ["b"], h.attribute("body", 5, encode_bytes(6, ENDLESS)))
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
        "onnx", lambda: onnx_with() + encode_bytes(25, h.text(1, "MatMul")), "has training steps, functions",
    ),
    "onnx: two graphs that protobuf makes one": (
        "onnx", lambda: h.onnx(h.onnx_graph([], [LOST])) + encode_bytes(7, h.onnx_graph([h.ONNX_DENSE[0]])),
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
            h.onnx_node("Constant", [], ["b"], h.attribute("value", 4, encode_bytes(5, LOST)))
        ), "tensor 'lost' lies in another file",
    ),
    "onnx: list of tensors": (
        "onnx", lambda: onnx_with(
            h.onnx_node("Constant", [], ["b"], h.attribute("values", 9, encode_bytes(10, LOST)))
        ), "tensor 'lost' lies in another file",
    ),
    "onnx: subgraph": (
        "onnx", lambda: onnx_with(
            h.onnx_node("If", ["c"], ["b"], h.attribute("then_branch", 5, encode_bytes(6, INNER))),
            tensors=(h.onnx_tensor("c", (), 9, b"\1"),),
        ), "operator 'If' holds a graph",
    ),
    "onnx: sparse tensor": (
        "onnx", lambda: h.onnx(h.onnx_graph([h.ONNX_DENSE[0]], [h.ONNX_DENSE[1]],
                                            more=encode_bytes(15, encode_bytes(1, LOST)))),
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
            h.onnx_node("Shape", ["w"], ["b"], h.attribute("start", 2, encode_bytes(3, b"\1")))
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
