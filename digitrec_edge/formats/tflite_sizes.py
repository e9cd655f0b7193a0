"""Rules for the sizes of what TFLite's operators compute, and where their options stand.

An operator that has no row here is refused; see :mod:`digitrec_edge.formats.sizes`. So is one with numbers by which a
kernel of LiteRT 2 or tflite-runtime 2.14 would read or write beyond a tensor: these kernels take them as they are.
"""

import math
import operator

from digitrec_edge.formats import size_rules as rules
from digitrec_edge.formats.flatbuffer import Table
from digitrec_edge.formats.sizes import Answer, Call, Option, Rule, Size

_POOL = {"padding": "b", "stride_w": "i", "stride_h": "i", "filter_w": "i", "filter_h": "i"}
_REDUCE = {"keep": "B"}
_FUSED = {"activation": "b"}
_OPTIONS: dict[str, tuple[int, dict[str, str]]] = {
    "CONV_2D": (1, {"padding": "b", "stride_w": "i", "stride_h": "i", "_": "b", "dilation_w": "i", "dilation_h": "i"}),
    "DEPTHWISE_CONV_2D": (2, {
        "padding": "b", "stride_w": "i", "stride_h": "i", "multiplier": "i", "_": "b", "dilation_w": "i",
        "dilation_h": "i",
    }),
    "AVERAGE_POOL_2D": (5, _POOL), "MAX_POOL_2D": (5, _POOL), "L2_POOL_2D": (5, _POOL),
    "FULLY_CONNECTED": (8, {"_": "b", "format": "b", "keep": "B"}),
    "ADD": (11, _FUSED), "SUB": (28, _FUSED), "MUL": (21, _FUSED),
    "CONCATENATION": (10, {"axis": "i"}), "RESHAPE": (17, {"shape": "<i4"}),
    "GATHER": (23, {"axis": "i", "batch": "i"}),
    "MEAN": (27, _REDUCE), "SUM": (27, _REDUCE), "REDUCE_MAX": (27, _REDUCE), "REDUCE_MIN": (27, _REDUCE),
    "REDUCE_PROD": (27, _REDUCE), "SQUEEZE": (30, {"axes": "<i4"}),
    "STRIDED_SLICE": (32, {"begin": "i", "end": "i", "ellipsis": "i", "new": "i", "shrink": "i", "offset": "B"}),
    "PACK": (59, {"count": "i", "axis": "i"}), "UNPACK": (64, {"count": "i", "axis": "i"}),
    "SPLIT": (35, {"count": "i"}), "MIRROR_PAD": (77, {"mode": "b"}),
    "BATCH_MATMUL": (101, {"flip_a": "B", "flip_b": "B"}),
}  # fmt: skip
"""Operator -> the type of its options in BuiltinOptions, and their names by slot."""

_DEFAULTS = {"dilation_w": 1, "dilation_h": 1}
_SAME_PADDING = 0
_SYMMETRIC = 1


def options_of(name: str, step: Table) -> dict[str, Option]:
    """Read those options of an operator that its sizes depend on; absent ones have their defaults, as in C++."""
    kind, names = _OPTIONS.get(name, (0, {}))
    table = step.table(4) if kind and step.number(3, "B") == kind else None
    found: dict[str, Option] = {}
    for slot, (option, dtype) in enumerate(names.items()):
        if dtype == "<i4":
            found[option] = tuple(table.vector(slot, dtype).tolist()) if table else ()
        else:
            default = _DEFAULTS.get(option, 0)
            found[option] = table.number(slot, dtype, default) if table else default
    return found


def _places(call: Call, height: int, width: int, kernel_height: int, kernel_width: int) -> tuple[int, int]:
    pad = None if call.option("padding") == _SAME_PADDING else 0
    return (
        rules.window(call, height, kernel_height, call.option("stride_h"), call.option("dilation_h", 1), pad),
        rules.window(call, width, kernel_width, call.option("stride_w"), call.option("dilation_w", 1), pad),
    )


def _check_bias(call: Call, channels: int) -> None:
    """One number per channel, for kernels read as many; without any, those of DEPTHWISE_CONV_2D crash."""
    needed = call.step.name == "DEPTHWISE_CONV_2D"
    if (needed or call.has(2)) and math.prod(call.shape(2)) != channels:
        raise call.malformed(f"has a bias of shape {call.shape(2)} for {channels} channels")


def _convolution(call: Call) -> Answer:
    (pictures, height, width, deep), weights = call.shape(0, 4)[:4], call.shape(1, 4)
    depthwise = call.step.name == "DEPTHWISE_CONV_2D"
    _, kernel_height, kernel_width, _ = weights
    channels, read = (weights[3], 1) if depthwise else (weights[0], weights[3])
    groups = deep // max(1, read)
    fits = channels == deep * call.option("multiplier") if depthwise else channels % max(1, groups) == 0
    if deep != groups * read or not fits:
        raise call.malformed(f"makes {channels} channels of {deep}, {read} at a time")
    _check_bias(call, channels)
    places = _places(call, height, width, kernel_height, kernel_width)
    return [Size.of((pictures, *places, channels))], kernel_height * kernel_width * read


def _pool(call: Call) -> Answer:
    pictures, height, width, channels = call.shape(0, 4)[:4]
    kernel = call.option("filter_h"), call.option("filter_w")
    return [Size.of((pictures, *_places(call, height, width, *kernel), channels))], math.prod(kernel)


def _fully_connected(call: Call) -> Answer:
    units, depth = call.shape(1, 2)[:2]
    size = call.size(0)
    if depth < 1 or call.option("format"):
        raise call.malformed(f"has weights of shape {call.shape(1)} in format {call.option('format')}")
    _check_bias(call, units)
    if size.shape is None:
        return [Size(size.elements // depth * units)], depth
    if call.option("keep") and size.shape:
        return [Size.of((*size.shape[:-1], units))], depth
    return [Size.of((size.elements // depth, units))], depth


def _reshape(call: Call) -> Answer:
    if not call.has(1):
        return rules.reshape(call, call.options("shape"))
    wanted = call.size(1)
    return rules.reshape(call, wanted.values if wanted.shape and len(wanted.shape) == 1 else None)


def _pad(call: Call) -> Answer:
    amounts = call.values(1)
    if min(amounts, default=0) < 0:
        raise call.malformed(f"has the impossible padding {amounts}")
    return rules.pad(call, amounts[::2], amounts[1::2])


def _mirror_pad(call: Call) -> Answer:
    """No more than there is to be mirrored; only one of the modes repeats the ends of an axis."""
    shape, amounts = call.shape(0), call.values(1)
    once = call.option("mode") != _SYMMETRIC
    if any(amount > shape[k // 2] - once for k, amount in enumerate(amounts[: 2 * len(shape)])):
        raise call.malformed(f"mirrors {amounts} of shape {shape}")
    return _pad(call)


def _space_to_batch(call: Call) -> Answer:
    shape, block, pads = call.shape(0, 3), call.values(1), call.values(2)
    space = shape[1 : 1 + len(block)]
    if len(space) != len(block) or len(pads) != 2 * len(block) or min((*pads, 0)) < 0 or min((*block, 1)) < 1:
        raise call.malformed(f"has the impossible blocks {block} and paddings {pads}")
    places = [-(-(n + pads[2 * k] + pads[2 * k + 1]) // block[k]) for k, n in enumerate(space)]
    return [Size.of((shape[0] * math.prod(block), *places, *shape[1 + len(block) :]))], 1


def _batch_to_space(call: Call) -> Answer:
    shape, block, crops = call.shape(0, 3), call.values(1), call.values(2)
    space = shape[1 : 1 + len(block)]
    if len(space) != len(block) or len(crops) != 2 * len(block) or min((*crops, 0)) < 0 or min((*block, 1)) < 1:
        raise call.malformed(f"has the impossible blocks {block} and crops {crops}")
    places = [max(0, n * block[k] - crops[2 * k] - crops[2 * k + 1]) for k, n in enumerate(space)]
    return [Size.of((shape[0] // math.prod(block), *places, *shape[1 + len(block) :]))], 1


def _strided_slice(call: Call) -> Answer:
    """A part; kernels take an index that is outside its axis for the place behind."""
    begin, end, strides = (call.values(k) for k in (1, 2, 3))
    if any(call.option(name) for name in ("ellipsis", "new", "offset")):
        raise call.malformed("has an ellipsis, a new axis or an offset, which the converter writes as other operators")
    if not len(begin) == len(end) == len(strides):
        raise call.malformed(f"has {len(begin)} begins, {len(end)} ends and {len(strides)} strides")
    shrink = frozenset(k for k in range(len(begin)) if call.option("shrink") >> k & 1)
    shape = call.shape(0, len(begin)) if shrink else ()
    cuts = []
    for k, (b, e, stride) in enumerate(zip(begin, end, strides, strict=True)):
        if k in shrink:
            if not -shape[k] <= b < shape[k] or stride < 1:
                raise call.malformed(f"picks {b} of {shape[k]} in steps of {stride}")
            cuts.append(slice(b, b + 1 or None))
            continue
        cuts.append(slice(
            None if call.option("begin") >> k & 1 else b, None if call.option("end") >> k & 1 else e, stride
        ))  # fmt: skip
    return rules.part(call, cuts, shrink)


def _slice(call: Call) -> Answer:
    shape, begin, size = call.shape(0), call.values(1), call.values(2)
    if not len(shape) == len(begin) == len(size) or any(
        b < 0 or n < -1 or b + max(n, 0) > whole for b, n, whole in zip(begin, size, shape, strict=True)
    ):
        raise call.malformed(f"takes {size} from {begin} of shape {shape}")
    return rules.part(call, [slice(b, None if n < 0 else b + n) for b, n in zip(begin, size, strict=True)])


def _resize(call: Call) -> Answer:
    pictures, _, _, channels = call.shape(0, 4)[:4]
    return [Size.of((pictures, *(max(0, n) for n in call.values(1)), channels))], 4


def _split(call: Call) -> Answer:
    if call.option("count") != call.outputs:
        raise call.malformed(f"makes {call.option('count')} parts for {call.outputs} outputs")
    return rules.split(call, next(iter(call.size(0).values or ()), None), data=1)


def _unpack(call: Call) -> Answer:
    answer, _ = rules.split(call, call.option("axis"))
    return [Size(size.elements) for size in answer], 1


def _pack(call: Call) -> Answer:
    shapes = [call.shape(k) for k in range(len(call.inputs))] if all(s and s.shape for s in call.inputs) else []
    (joined, *_), _ = rules.concatenate(call, 0)
    if not shapes:  # numbers, or of shapes that are not known
        numbers = joined.values is not None and len(joined.values) == len(call.inputs)
        return [Size.of((len(call.inputs),), joined.values) if numbers else Size(joined.elements)], 1
    axis = rules.axis_of(call, call.option("axis"), len(shapes[0]) + 1)
    return [Size.of((*shapes[0][:axis], len(shapes), *shapes[0][axis:]))], 1


def _gather(call: Call) -> Answer:
    return rules.gather(call, call.option("axis")) if not call.option("batch") else ([Size(
        call.size(0).elements * call.size(1).elements)], 1)  # fmt: skip


def _with_content(rule: Rule) -> Rule:
    """Let no tensor be empty: kernels divide by its size, or read what is not there."""

    def checked(call: Call) -> Answer:
        sizes, work = rule(call)
        if any(size.shape and 0 in size.shape for size in sizes):
            raise call.malformed(f"makes an empty tensor: {next(size.shape for size in sizes)}")
        return sizes, work

    return checked


_RULES: dict[str, Rule] = {
    **rules.named(rules.same, """
        RELU RELU6 RELU_N1_TO_1 RELU_0_TO_1 LEAKY_RELU ELU LOGISTIC TANH HARD_SWISH GELU SOFTMAX LOG_SOFTMAX
        L2_NORMALIZATION LOCAL_RESPONSE_NORMALIZATION QUANTIZE DEQUANTIZE FAKE_QUANT ABS NEG EXP LOG SQRT RSQRT SQUARE
        FLOOR CEIL ROUND SIN COS SIGN LOGICAL_NOT ZEROS_LIKE CAST
    """),
    **rules.named(rules.broadcast, """
        DIV POW MAXIMUM MINIMUM SQUARED_DIFFERENCE ADD_N EQUAL NOT_EQUAL LESS LESS_EQUAL GREATER
        GREATER_EQUAL LOGICAL_AND LOGICAL_OR SELECT SELECT_V2 PRELU
    """),
    "ADD": rules.computed(operator.add),
    "SUB": rules.computed(operator.sub),
    "MUL": rules.computed(operator.mul),
    **rules.named(_convolution, "CONV_2D DEPTHWISE_CONV_2D"),
    **rules.named(_pool, "AVERAGE_POOL_2D MAX_POOL_2D L2_POOL_2D"),
    **rules.named(_pad, "PAD PADV2"),
    "MIRROR_PAD": _mirror_pad,
    **rules.named(_resize, "RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR"),
    **rules.named(
        lambda call: rules.reduce(call, call.values(1), keep=bool(call.option("keep"))),
        "MEAN SUM REDUCE_MAX REDUCE_MIN REDUCE_PROD",
    ),
    **rules.named(lambda call: rules.reduce(call, call.values(1), keep=False), "ARG_MAX ARG_MIN"),
    "FULLY_CONNECTED": _fully_connected,
    "BATCH_MATMUL": lambda call: rules.matmul(
        call, flip_a=bool(call.option("flip_a")), flip_b=bool(call.option("flip_b"))
    ),
    "RESHAPE": _reshape,
    "SQUEEZE": lambda call: rules.squeeze(call, call.options("axes") or None),
    "EXPAND_DIMS": lambda call: rules.unsqueeze(call, call.values(1)[:1]),
    "TRANSPOSE": lambda call: rules.transpose(call, call.values(1)),
    "CONCATENATION": rules.option_axis(rules.concatenate),
    "PACK": _pack,
    "UNPACK": _unpack,
    "SPLIT": _split,
    "GATHER": _gather,
    "SHAPE": rules.shape_of,
    "SLICE": _slice,
    "STRIDED_SLICE": _strided_slice,
    "SPACE_TO_BATCH_ND": _space_to_batch,
    "BATCH_TO_SPACE_ND": _batch_to_space,
    "FILL": rules.filled,
    "BROADCAST_TO": rules.expand,
    "TILE": rules.tile,
}  # fmt: skip

RULES = {name: _with_content(rule) for name, rule in _RULES.items()}
