"""What a runtime computes a size from is known only where it is exactly that, and no output is told too small."""

import pytest

from digitrec_edge.formats.graph import MalformedError, Tensor, fixed_shape
from digitrec_edge.formats.onnx_checks import Node, check_graph
from digitrec_edge.formats.onnx_sizes import RULES as ONNX
from digitrec_edge.formats.sizes import Call, Option, Size, SizedOperator
from digitrec_edge.formats.tflite_sizes import RULES as TFLITE

INT32, INT64, FLOAT32 = 6, 7, 1
FROM_THE_PICTURE = Size.of((1,))
EXACT = 1 << 24


def ints(*values: int) -> Size:
    return Size.of((len(values),), values)


def column(*values: int) -> Size:
    return Size.of((len(values), 1), values)


def told(name: str, *inputs: Size, **options: Option) -> Size:
    """The size of the one output."""
    step = SizedOperator(name, tuple(range(len(inputs))), ("out",), options)
    (size, *_), _ = {**ONNX, **TFLITE}[name](Call(step, inputs))
    return size


@pytest.mark.parametrize("name", ["Max", "Min"])
def test_of_three_inputs_none_is_left_out(name: str) -> None:
    assert told(name, ints(1), ints(1), FROM_THE_PICTURE).values is None
    assert told(name, ints(1), ints(1)).values == (1,)


def test_values_are_joined_along_the_first_axis_alone() -> None:
    assert told("Concat", column(1, 2), column(3, 4), axis=1).values is None
    assert told("Concat", Size(2, None, (1, 2)), Size(2, None, (3, 4)), axis=1).values is None
    assert told("Concat", column(1, 2), column(3, 4), axis=0).values == (1, 2, 3, 4)
    assert told("Concat", ints(1, 2), ints(3), axis=-1).values == (1, 2, 3)


@pytest.mark.parametrize(("start", "end", "values"), [
    (0, None, (2, 3, 4)), (1, None, (3, 4)), (-1, None, (4,)), (0, -1, (2, 3)), (1, 2, (3,)), (-9, 9, (2, 3, 4)),
    (2, 1, ()),
])  # fmt: skip
def test_a_part_of_a_shape_is_that_part(start: int, end: int | None, values: tuple[int, ...]) -> None:
    options: dict[str, Option] = {"start": start} if end is None else {"start": start, "end": end}
    size = told("Shape", Size.of((2, 3, 4)), **options)
    assert (size.shape, size.values) == ((len(values),), values)


@pytest.mark.parametrize("kind", [INT32, INT64, FLOAT32])
def test_a_cast_keeps_what_every_type_holds(kind: int) -> None:
    """float32 rounds what is larger, int32 cuts it; the difference of two such numbers is another."""
    assert told("Cast", ints(EXACT, -EXACT), to=kind).values == (EXACT, -EXACT)
    assert told("Cast", ints(1, EXACT + 1), to=kind).values is None
    assert told("Cast", ints((1 << 32) + 1), to=kind).values is None


def test_what_was_computed_is_known_where_every_type_holds_it() -> None:
    assert told("Add", ints(EXACT - 1), ints(1)).values == (EXACT,)
    assert told("Add", ints(EXACT), ints(1)).values is None
    assert told("ReduceProd", ints(1 << 12, 1 << 12)).values == (EXACT,)
    assert told("ReduceProd", ints(1 << 32, 1 << 32)).values is None


def test_a_padding_beside_an_empty_word_for_it_counts() -> None:
    """ONNX Runtime takes "" for NOTSET."""
    picture, kernel = Size.of((1, 1, 28, 28)), Size.of((1, 1, 1, 1))
    assert told("Conv", picture, kernel, auto_pad="", pads=(500,) * 4).shape == (1, 1, 1028, 1028)


def test_a_slope_may_be_larger_than_what_it_is_of() -> None:
    assert told("PRelu", Size.of((1, 784)), Size.of((3, 784))).shape == (3, 784)


def test_a_pool_whose_name_says_so_has_its_channels_last() -> None:
    size = told("NhwcMaxPool", Size.of((1, 1, 28, 280)), kernel_shape=(1, 1), strides=(1, 28))
    assert size.shape == (1, 1, 1, 280)


@pytest.mark.parametrize("option", ["transBatchA", "transBatchB"])
def test_a_product_that_turns_more_axes_than_two_is_refused(option: str) -> None:
    with pytest.raises(MalformedError, match="turns more axes than the last two"):
        told("FusedMatMul", Size.of((300, 1, 1)), Size.of((300, 1, 300)), **{option: 1})


def test_free_height_and_width_count_as_a_picture_has_them() -> None:
    """600 maps of 28 x 28 for 256 pictures are 481 MB."""
    nodes = [
        Node("Unsqueeze", "", ("image", "one"), ("map",), {}, {}),
        Node("Conv", "", ("map", "kernel"), ("maps",), {}, {}),
    ]
    known = {"one": ints(1), "kernel": Size.of((600, 1, 1, 1))}
    for shape in (("batch", 28, 28), ("batch", "height", "width")):
        image = Tensor("image", shape, "float32")
        with pytest.raises(MalformedError, match="bytes of activations for 256 pictures"):
            check_graph(nodes, known, [image], [Tensor("maps", (), "float32")])


@pytest.mark.parametrize(("free", "shape"), [
    ((0, 0), (28, 28)), ((28, 0), (28, 28)), ((0, 28, 28), (1, 28, 28)), ((0, 0, 1), (28, 28, 1)), ((0,), (784,)),
    ((0, 30), (0, 30)), ((0,) * 4, (0,) * 4),
])  # fmt: skip
def test_free_sizes_are_those_of_a_picture(free: tuple[int, ...], shape: tuple[int, ...]) -> None:
    assert fixed_shape(free) == shape


@pytest.mark.parametrize("name", ["ADD", "SUB", "MUL"])
def test_what_an_activation_cuts_off_is_not_known(name: str) -> None:
    """RELU6 makes 6 of 100."""
    assert told(name, ints(100), ints(1), activation=3).values is None
    assert told(name, ints(100), ints(1), activation=0).values is not None


def test_only_single_numbers_are_packed_in_their_order() -> None:
    parts = Size(2, None, (1, 2)), Size(2, None, (3, 4))
    assert told("PACK", *parts, axis=1).values is None
    assert told("PACK", Size.of((), (1,)), Size.of((), (3,))).values == (1, 3)
