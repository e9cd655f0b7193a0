"""Rules for the sizes of what ONNX's operators compute, with those that ONNX Runtime fuses and quantises.

An operator that has no row here is refused; see :mod:`digitrec_edge.formats.sizes`.
"""

import math
import operator
from collections.abc import Sequence
from functools import partial

from digitrec_edge.formats import size_rules as rules
from digitrec_edge.formats.sizes import Answer, Call, Rule, Shape, Size

_OF_SIZES = (1, 6, 7, 11)
"""Types in which sizes are computed: float32, int32, int64, float64."""


def _places(call: Call, space: Shape, kernel: Shape) -> list[int]:
    """How many places a window has along each axis of space."""
    rank = len(space)
    strides, dilations = call.options("strides") or (1,) * rank, call.options("dilations") or (1,) * rank
    auto_pad = call.step.options.get("auto_pad") or "NOTSET"
    pads = call.options("pads") if auto_pad == "NOTSET" else None
    pads = pads or (0,) * 2 * rank
    if not len(kernel) == len(strides) == len(dilations) == len(pads) // 2 == rank or min(pads, default=0) < 0:
        raise call.malformed(f"has a window of {len(kernel)} dimensions over {rank}, or its paddings are {pads}")
    same = isinstance(auto_pad, str) and auto_pad.startswith("SAME")
    return [
        rules.window(call, space[k], kernel[k], strides[k], dilations[k], None if same else pads[k] + pads[rank + k],
                     ceil=bool(call.option("ceil_mode")))
        for k in range(rank)
    ]  # fmt: skip


def _channels_last(call: Call) -> bool:
    return call.step.name.startswith("Nhwc") or bool(call.option("channels_last"))


def _apart(call: Call, shape: Shape) -> tuple[int, int, Shape]:
    """Pictures, channels and space of a shape."""
    last = _channels_last(call)
    return shape[0], shape[-1] if last else shape[1], shape[1:-1] if last else shape[2:]


def _together(call: Call, pictures: int, channels: int, space: Sequence[int]) -> Size:
    return Size.of((pictures, *space, channels) if _channels_last(call) else (pictures, channels, *space))


def _convolution(call: Call, w: int = 1) -> Answer:
    pictures, _, space = _apart(call, call.shape(0, 3))
    weights = call.shape(w, 3)
    places = _places(call, space, weights[2:])
    return [_together(call, pictures, weights[0], places)], math.prod(weights[1:])


def _pool(call: Call) -> Answer:
    pictures, channels, space = _apart(call, call.shape(0, 3))
    kernel = call.options("kernel_shape") or ()
    places = _together(call, pictures, channels, _places(call, space, kernel))
    return [places] * call.outputs, math.prod(kernel)


def _global_pool(call: Call) -> Answer:
    size = call.size(0)
    if size.shape is None or len(size.shape) < 3:
        return [Size(size.elements)], 1
    pictures, channels, space = _apart(call, size.shape)
    return [_together(call, pictures, channels, [1] * len(space))], math.prod(space)


def _gemm(call: Call, b: int = 1) -> Answer:
    if call.option("transBatchA") or call.option("transBatchB"):
        raise call.malformed("turns more axes than the last two")
    return rules.matmul(call, b, flip_a=bool(call.option("transA")), flip_b=bool(call.option("transB")))


def _axes(call: Call) -> tuple[int, ...] | None:
    """Axes from input 1, or where older opsets have them, from the option."""
    return call.values(1) if call.has(1) else call.options("axes")


def _reduce(call: Call) -> Answer:
    axes = _axes(call)
    if not axes and call.option("noop_with_empty_axes"):
        return rules.same(call)
    return rules.reduce(call, axes or None, keep=bool(call.option("keepdims", 1)))


def _product(call: Call) -> Answer:
    """The product of all sizes of a shape is a size itself."""
    (size, *_), work = _reduce(call)
    values = call.size(0).values
    if values is None or size.elements != 1 or len(call.size(0).shape or ()) != 1:
        return [size], work
    return [Size(1, size.shape, rules.exact((math.prod(values),)))], work


def _arg(call: Call) -> Answer:
    return rules.reduce(call, [call.option("axis")], keep=bool(call.option("keepdims", 1)))


def _reshape(call: Call) -> Answer:
    if not call.has(1):
        return rules.reshape(call, call.options("shape"), zero_copies=True)
    return rules.reshape(call, call.size(1).values, zero_copies=not call.option("allowzero"))


def _flatten(call: Call) -> Answer:
    size = call.size(0)
    if size.shape is None:
        return [Size(size.elements)], 1
    axis = call.option("axis", 1)
    axis = axis if axis == len(size.shape) else rules.axis_of(call, axis, max(1, len(size.shape)))
    return [Size.of((math.prod(size.shape[:axis]), math.prod(size.shape[axis:])))], 1


def _unsqueeze(call: Call) -> Answer:
    return rules.unsqueeze(call, _axes(call) or ())


def _slice(call: Call) -> Answer:
    if not call.has(1):
        starts, ends, axes = call.options("starts"), call.options("ends"), call.options("axes")
        steps: Sequence[int] | None = None
    else:
        starts, ends = call.size(1).values, call.size(2).values
        axes = call.size(3).values if call.has(3) else None
        steps = call.size(4).values if call.has(4) else None
        if (call.has(3) and axes is None) or (call.has(4) and steps is None):
            return rules.part(call, None)
    shape = call.size(0).shape
    if starts is None or ends is None or shape is None:
        return rules.part(call, None)
    cuts = [slice(None)] * len(shape)
    for k, (start, end) in enumerate(zip(starts, ends, strict=False)):
        axis = rules.axis_of(call, axes[k] if axes and k < len(axes) else k, len(shape))
        cuts[axis] = slice(start, end, steps[k] if steps and k < len(steps) else 1)
    return rules.part(call, cuts)


def _split(call: Call) -> Answer:
    """In equal parts; where parts are said, any of them may be all."""
    said = call.has(1) or call.options("split") is not None
    return rules.split(call, None if said else call.option("axis"))


def _pad(call: Call) -> Answer:
    amounts = call.values(1) if call.has(1) else call.options("pads") or ()
    if call.has(3):
        raise call.malformed("pads some axes only; all must be named")
    half = len(amounts) // 2
    return rules.pad(call, amounts[:half], amounts[half:])


def _quantize(call: Call) -> Answer:
    size = call.size(0)
    return [Size(size.elements, size.shape), Size.of(()), Size.of(())], 1


def _broadcast_pair(call: Call) -> Answer:
    """Quantised: each of the two tensors is followed by its scale and zero point."""
    return rules.broadcast(Call(call.step, (call.size(0), call.size(3))))


def _cast(call: Call) -> Answer:
    size = call.size(0)
    values = rules.exact(size.values) if call.option("to") in _OF_SIZES else None
    return [Size(size.elements, size.shape, values)], 1


def _transpose(call: Call) -> Answer:
    return rules.transpose(call, call.options("perm"))


RULES: dict[str, Rule] = {
    **rules.named(rules.same, """
        Relu LeakyRelu Elu Selu Celu ThresholdedRelu Sigmoid HardSigmoid HardSwish Mish Gelu BiasGelu FastGelu
        QuickGelu Tanh Softplus Softsign Softmax LogSoftmax Hardmax Erf Exp Log Sqrt Abs Neg Reciprocal Floor Ceil
        Round Sign Not Clip Dropout QuantizeLinear DequantizeLinear BatchNormalization InstanceNormalization
        LayerNormalization GroupNormalization LpNormalization LRN MeanVarianceNormalization QLinearSigmoid
        QLinearLeakyRelu QLinearSoftmax
    """),
    "Identity": rules.kept,
    "Cast": _cast,
    **rules.named(rules.broadcast, """
        Div Pow Sum Mean Equal Less LessOrEqual Greater GreaterOrEqual And Or Where PRelu
    """),
    "Add": rules.computed(operator.add),
    "Sub": rules.computed(operator.sub),
    "Mul": rules.computed(operator.mul),
    "Max": rules.computed(max),
    "Min": rules.computed(min),
    **rules.named(_broadcast_pair, "QLinearAdd QLinearMul"),
    **rules.named(_convolution, "Conv FusedConv ConvInteger"),
    **rules.named(_pool, "MaxPool AveragePool LpPool NhwcMaxPool QLinearAveragePool"),
    **rules.named(_global_pool, "GlobalAveragePool GlobalMaxPool QLinearGlobalAveragePool"),
    **rules.named(rules.matmul, "MatMul MatMulInteger MatMulIntegerToFloat DynamicQuantizeMatMul"),
    **rules.named(_gemm, "Gemm FusedGemm FusedMatMul"),
    **rules.named(_reduce, """
        ReduceMean ReduceSum ReduceMax ReduceMin ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSumExp
    """),
    "ReduceProd": _product,
    **rules.named(_arg, "ArgMax ArgMin"),
    "QLinearConv": partial(_convolution, w=3),
    "QLinearMatMul": partial(rules.matmul, b=3),
    "QGemm": partial(_gemm, b=3),
    "DynamicQuantizeLinear": _quantize,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Squeeze": lambda call: rules.squeeze(call, _axes(call)),
    "Unsqueeze": _unsqueeze,
    "Transpose": _transpose,
    "Concat": rules.option_axis(rules.concatenate),
    "QLinearConcat": lambda call: rules.concatenate(call, call.option("axis"), call.inputs[2::3]),
    "Gather": rules.option_axis(rules.gather),
    "Slice": _slice,
    "Split": _split,
    "Pad": _pad,
    "Shape": rules.shape_of,
    "ConstantOfShape": rules.filled,
    "Expand": rules.expand,
    "Tile": rules.tile,
}  # fmt: skip
