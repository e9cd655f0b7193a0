"""Numbers by which TFLite's kernels would read or write beyond a tensor are refused; all that fits is let pass."""

from typing import Any

import pytest

from digitrec_edge.formats.graph import MalformedError
from digitrec_edge.formats.sizes import Call, Option, Size, SizedOperator
from digitrec_edge.formats.tflite_sizes import RULES

FLAT, MAP, DEEP = Size.of((1, 784)), Size.of((1, 28, 28, 1)), Size.of((1, 7, 7, 6))
UNKNOWN = Size(2)


def ints(*values: int) -> Size:
    return Size.of((len(values),), values)


def weights(*shape: int) -> Size:
    return Size.of(shape)


def sizes(name: str, inputs: tuple[Size, ...], options: dict[str, Option], outputs: int = 1) -> list[Any]:
    """The shapes that the rule of an operator tells."""
    step = SizedOperator(name, tuple(range(len(inputs))), tuple(range(outputs)), options)
    told, _ = RULES[name](Call(step, inputs))
    return [size.shape for size in told]


ONCE: dict[str, Option] = {"padding": 0, "stride_w": 1, "stride_h": 1}
TWICE: dict[str, Option] = {**ONCE, "multiplier": 2}
ONE: dict[str, Option] = {"shrink": 2}

BEYOND: dict[str, tuple[str, tuple[Size, ...], dict[str, Option]]] = {
    "SLICE before the first": ("SLICE", (FLAT, ints(0, -1), ints(1, 10)), {}),
    "SLICE far before the first": ("SLICE", (FLAT, ints(0, -1_000_000), ints(1, 1_000_000)), {}),
    "SLICE beyond the last": ("SLICE", (FLAT, ints(0, 780), ints(1, 5)), {}),
    "SLICE of the rest from beyond the last": ("SLICE", (FLAT, ints(0, 785), ints(1, -1)), {}),
    "SLICE of fewer than all": ("SLICE", (FLAT, ints(0, 0), ints(1, -2)), {}),
    "SLICE of an axis that there is not": ("SLICE", (FLAT, ints(0, 0, 0), ints(1, 1, 1)), {}),
    "SLICE that leaves an axis out": ("SLICE", (FLAT, ints(0), ints(1)), {}),
    "SLICE from a computed place": ("SLICE", (FLAT, UNKNOWN, ints(1, 10)), {}),
    "SLICE of a computed size": ("SLICE", (FLAT, ints(0, 0), UNKNOWN), {}),
    "SLICE of nothing": ("SLICE", (FLAT, ints(0, 0), ints(1, 0)), {}),
    "STRIDED_SLICE behind the last": ("STRIDED_SLICE", (FLAT, ints(0, 784), ints(1, 785), ints(1, 1)), ONE),
    "STRIDED_SLICE before the first": ("STRIDED_SLICE", (FLAT, ints(0, -785), ints(1, -784), ints(1, 1)), ONE),
    "STRIDED_SLICE back from an index": ("STRIDED_SLICE", (FLAT, ints(0, 0), ints(1, 1), ints(1, -1)), ONE),
    "STRIDED_SLICE at a computed index": ("STRIDED_SLICE", (FLAT, UNKNOWN, ints(1, 1), ints(1, 1)), ONE),
    "STRIDED_SLICE of too few strides": ("STRIDED_SLICE", (FLAT, ints(0, 0), ints(1, 1), ints(1)), {}),
    "STRIDED_SLICE by offset": ("STRIDED_SLICE", (FLAT, ints(0, 0), ints(1, 2_000_000_000), ints(1, 1)), {"offset": 1}),
    "STRIDED_SLICE of new axes": ("STRIDED_SLICE", (FLAT, ints(0, 0), ints(1, 1), ints(1, 1)), {"new": 3}),
    "STRIDED_SLICE with an ellipsis": ("STRIDED_SLICE", (FLAT, ints(0, 784), ints(0, 0), ints(1, 1)), {
        "ellipsis": 1, **ONE
    }),
    "MIRROR_PAD of more than there is": ("MIRROR_PAD", (FLAT, ints(0, 0, 785, 0)), {"mode": 1}),
    "MIRROR_PAD of the end itself": ("MIRROR_PAD", (FLAT, ints(0, 0, 0, 784)), {"mode": 0}),
    "CONV_2D with too short a bias": ("CONV_2D", (MAP, weights(50_000, 1, 1, 1), weights(1)), ONCE),
    "CONV_2D in groups without a filter": ("CONV_2D", (DEEP, weights(4, 1, 1, 1), weights(4)), ONCE),
    "CONV_2D of other channels": ("CONV_2D", (DEEP, weights(4, 1, 1, 4), weights(4)), ONCE),
    "DEPTHWISE_CONV_2D with too short a bias": ("DEPTHWISE_CONV_2D", (MAP, weights(1, 3, 3, 2), weights(1)), TWICE),
    "DEPTHWISE_CONV_2D without a bias": ("DEPTHWISE_CONV_2D", (MAP, weights(1, 3, 3, 2)), TWICE),
    "DEPTHWISE_CONV_2D of other channels": ("DEPTHWISE_CONV_2D", (DEEP, weights(1, 3, 3, 2), weights(2)), TWICE),
    "DEPTHWISE_CONV_2D by another number": ("DEPTHWISE_CONV_2D", (MAP, weights(1, 3, 3, 4), weights(4)), TWICE),
    "FULLY_CONNECTED with too short a bias": ("FULLY_CONNECTED", (FLAT, weights(10, 784), weights(3)), {}),
    "MAX_POOL_2D larger than the map": ("MAX_POOL_2D", (MAP,), {**ONCE, "padding": 1, "filter_w": 29, "filter_h": 1}),
    "RESIZE_BILINEAR to nothing": ("RESIZE_BILINEAR", (MAP, ints(0, 5)), {}),
    "RESHAPE to nothing": ("RESHAPE", (FLAT, ints(28, 0)), {}),
    "SPLIT in more parts than there are": ("SPLIT", (ints(1), FLAT), {"count": 2}),
}  # fmt: skip


@pytest.mark.parametrize("name", BEYOND)
def test_what_a_kernel_would_read_or_write_beyond_a_tensor_is_refused(name: str) -> None:
    operator, inputs, options = BEYOND[name]
    with pytest.raises(MalformedError) as raised:
        sizes(operator, inputs, options)
    assert str(raised.value).startswith(f"operator '{operator}' (output 0) ")


FITS: dict[str, tuple[str, tuple[Size, ...], dict[str, Option], tuple[int, ...]]] = {
    "SLICE to the last": ("SLICE", (FLAT, ints(0, 780), ints(1, 4)), {}, (1, 4)),
    "SLICE of the rest": ("SLICE", (FLAT, ints(0, 780), ints(-1, -1)), {}, (1, 4)),
    "STRIDED_SLICE at the last": ("STRIDED_SLICE", (FLAT, ints(0, 783), ints(1, 784), ints(1, 1)), ONE, (1,)),
    "STRIDED_SLICE at the first, from behind": (
        "STRIDED_SLICE", (FLAT, ints(0, -784), ints(1, -783), ints(1, 1)), ONE, (1,)
    ),
    "STRIDED_SLICE back": ("STRIDED_SLICE", (FLAT, ints(0, -1), ints(1, 0), ints(1, -2)), {}, (1, 392)),
    "MIRROR_PAD of all": ("MIRROR_PAD", (FLAT, ints(0, 0, 784, 784)), {"mode": 1}, (1, 3 * 784)),
    "MIRROR_PAD of all but the end": ("MIRROR_PAD", (FLAT, ints(0, 0, 783, 783)), {"mode": 0}, (1, 3 * 784 - 2)),
    "CONV_2D without a bias": ("CONV_2D", (MAP, weights(5, 3, 3, 1)), ONCE, (1, 28, 28, 5)),
    "CONV_2D in groups": ("CONV_2D", (DEEP, weights(9, 3, 3, 2), weights(9)), ONCE, (1, 7, 7, 9)),
    "DEPTHWISE_CONV_2D": ("DEPTHWISE_CONV_2D", (DEEP, weights(1, 3, 3, 12), weights(12)), TWICE, (1, 7, 7, 12)),
    "PRELU of many": ("PRELU", (FLAT, weights(3, 784)), {}, (3, 784)),
}  # fmt: skip


@pytest.mark.parametrize("name", FITS)
def test_what_fits_is_let_pass_in_its_real_size(name: str) -> None:
    operator, inputs, options, shape = FITS[name]
    assert sizes(operator, inputs, options) == [shape]


def test_as_many_parts_as_outputs_are_let_pass() -> None:
    assert sizes("SPLIT", (ints(1), FLAT), {"count": 2}, outputs=2) == [(1, 392), (1, 392)]
