"""Rules for the sizes of operators' outputs, shared by all formats; see :mod:`digitrec_edge.formats.sizes`.

Each takes a call and returns the sizes of its outputs and the multiplications per element of the first.
Where shapes do not fit each other the runtime refuses the model, so a rule may answer anything small then.
"""

import math
from collections.abc import Callable, Sequence

from digitrec_edge.formats.sizes import Answer, Call, Rule, Shape, Size

_EXACT = 1 << 24
"""Integers up to this one are themselves in every type that sizes are computed in, float32 among them."""


def exact(values: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """Return what was computed where it is what a runtime computes: not rounded, not cut; None elsewhere."""
    return values if values is not None and all(abs(value) <= _EXACT for value in values) else None


def same(call: Call) -> Answer:
    """The first output in the shape of the first input, others no larger."""
    size = call.size(0)
    return [Size(size.elements, size.shape)] + [Size(size.elements)] * (call.outputs - 1), 1


def kept(call: Call) -> Answer:
    """The first input as it is, values too."""
    return [call.size(0)] * call.outputs, 1


def broadcast(call: Call) -> Answer:
    """All inputs broadcast to each other, as numpy does."""
    sizes = [size for size in call.inputs if size]
    shapes = [size.shape for size in sizes if size.shape is not None]
    if len(shapes) < len(sizes):
        return [Size(math.prod(max(1, size.elements) for size in sizes))], 1
    return [Size.of(broadcast_shape(shapes))], 1


def computed(function: Callable[[int, int], int]) -> Rule:
    """Two inputs broadcast; where both are known integers, as in the making of a shape, so is the result."""

    def rule(call: Call) -> Answer:
        (size, *_), _ = broadcast(call)
        known = [part.values for part in call.inputs if part and part.values]
        plain = len(known) == len(call.inputs) == 2 and not call.option("activation")
        if not plain or size.shape is None or len(size.shape) > 1:
            return [size], 1
        longer = max(map(len, known))
        left, right = (values * longer if len(values) == 1 else values for values in known)
        return [Size(size.elements, size.shape, exact(tuple(map(function, left, right))))], 1

    return rule


def broadcast_shape(shapes: Sequence[Shape]) -> Shape:
    """Return the shape that shapes have together."""
    rank = max((len(shape) for shape in shapes), default=0)
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    return tuple(0 if 0 in column else max(column) for column in zip(*padded, strict=True))


def axis_of(call: Call, axis: int, rank: int) -> int:
    """Return an axis counted from the front."""
    if not -rank <= axis < rank:
        raise call.malformed(f"has axis {axis} of {rank} dimensions")
    return axis % rank


def window(
    call: Call, size: int, kernel: int, stride: int, dilation: int, pad: int | None, *, ceil: bool = False
) -> int:
    """How many places a window has along an axis.

    Args:
        call: for the error.
        size: of what it moves over.
        kernel: places that it covers.
        stride: from one place to the next.
        dilation: from one of its points to the next.
        pad: in front and behind, together; None for as many places as strides.
        ceil: whether a last window may reach over the end.
    """
    if min(kernel, stride, dilation) < 1 or (pad or 0) < 0:
        raise call.malformed(f"has the impossible window {kernel}, stride {stride}, dilation {dilation}, padding {pad}")
    if pad is None:
        return -(-size // stride)
    span = size + pad - dilation * (kernel - 1) - 1
    return 0 if span < 0 else (-(-span // stride) if ceil else span // stride) + 1


def reshape(call: Call, target: Sequence[int] | None, *, zero_copies: bool = False) -> Answer:
    """The same elements in another shape; ``target`` None when it is not known, with -1 for what is left."""
    size = call.size(0)
    if target is not None and zero_copies and 0 in target:
        old = size.shape
        target = None if old is None or len(old) < len(target) else [n or old[k] for k, n in enumerate(target)]
    if target is None or (-1 in target and size.shape is None):
        return [Size(size.elements, None, size.values)], 1
    rest = math.prod(n for n in target if n != -1)
    if min((n for n in target if n != -1), default=0) < 0 or list(target).count(-1) > 1:
        raise call.malformed(f"has the impossible shape {tuple(target)}")
    shape = tuple(size.elements // max(1, rest) if n == -1 else n for n in target)
    return [Size.of(shape, size.values)], 1


def transpose(call: Call, order: Sequence[int] | None) -> Answer:
    """Axes in another order; None turns them round."""
    size = call.size(0)
    if size.shape is None:
        return [Size(size.elements)], 1
    order = tuple(reversed(range(len(size.shape)))) if order is None else order
    if sorted(order) != list(range(len(size.shape))):
        raise call.malformed(f"has the impossible order {tuple(order)} of {len(size.shape)} axes")
    return [Size.of(size.shape[k] for k in order)], 1


def concatenate(call: Call, axis: int, inputs: Sequence[Size | None] | None = None) -> Answer:
    """Inputs behind each other along an axis."""
    sizes = [size for size in (call.inputs if inputs is None else inputs) if size]
    values = [size.values for size in sizes if size.values is not None]
    joined = tuple(v for part in values for v in part) if len(values) == len(sizes) else None
    shapes = [size.shape for size in sizes if size.shape]
    if len(shapes) < len(sizes) or len({len(shape) for shape in shapes}) != 1:
        return [Size(sum(size.elements for size in sizes), None, None if axis else joined)], 1
    axis = axis_of(call, axis, len(shapes[0]))
    columns = list(zip(*shapes, strict=True))
    shape = (sum(c) if k == axis else max(c) for k, c in enumerate(columns))
    return [Size.of(shape, None if axis else joined)], 1


def pad(call: Call, front: Sequence[int], behind: Sequence[int]) -> Answer:
    """The first input with so much more in front and behind, per axis."""
    shape = call.shape(0)
    if not len(shape) == len(front) == len(behind):
        raise call.malformed(f"has {len(front)} paddings for {len(shape)} dimensions")
    return [Size.of(max(0, n + before + after) for n, before, after in zip(shape, front, behind, strict=True))], 1


def reduce(call: Call, axes: Sequence[int] | None, *, keep: bool) -> Answer:
    """The first input with some axes, None for all, made one."""
    size = call.size(0)
    if size.shape is None:
        return [Size(size.elements)] * call.outputs, 1
    rank = len(size.shape)
    gone = set(range(rank)) if axes is None else {axis_of(call, axis, rank) for axis in axes}
    left = (1 if k in gone else n for k, n in enumerate(size.shape) if keep or k not in gone)
    return [Size.of(left)] * call.outputs, 1


def squeeze(call: Call, axes: Sequence[int] | None) -> Answer:
    """Axes of length one taken away; None for all such."""
    size = call.size(0)
    if size.shape is None:
        return [Size(size.elements, None, size.values)], 1
    rank = len(size.shape)
    gone = {axis_of(call, axis, rank) for axis in axes or ()} or {k for k, n in enumerate(size.shape) if n == 1}
    return [Size.of((n for k, n in enumerate(size.shape) if k not in gone or n != 1), size.values)], 1


def unsqueeze(call: Call, axes: Sequence[int]) -> Answer:
    """Axes of length one put in."""
    size = call.size(0)
    if size.shape is None:
        return [Size(size.elements, None, size.values)], 1
    rank = len(size.shape) + len(axes)
    new = {axis_of(call, axis, rank) for axis in axes}
    old = iter(size.shape)
    return [Size.of((1 if k in new else next(old, 1) for k in range(rank)), size.values)], 1


def part(call: Call, cuts: Sequence[slice] | None, drop: frozenset[int] = frozenset()) -> Answer:
    """A part of the first input: a slice per axis from the front, None when not known; axes in ``drop`` vanish."""
    size = call.size(0)
    if size.shape is None or cuts is None or len(cuts) > len(size.shape):
        return [Size(size.elements)], 1
    if any(cut.step == 0 for cut in cuts):
        raise call.malformed("has the step 0")
    values = size.values[cuts[0]] if size.values is not None and len(size.shape) == len(cuts) == 1 else None
    ranges = [range(n)[cut] for n, cut in zip(size.shape, cuts, strict=False)]
    shape = [len(r) for r in ranges] + list(size.shape[len(cuts) :])
    return [Size.of((n for k, n in enumerate(shape) if k not in drop), values)], 1


def split(call: Call, axis: int | None, data: int = 0) -> Answer:
    """An input in equal parts along an axis; each may be all of it when the axis is not known."""
    size = call.size(data)
    if size.shape is None or axis is None or not call.outputs:
        return [Size(size.elements)] * call.outputs, 1
    axis = axis_of(call, axis, len(size.shape))
    if size.shape[axis] % call.outputs:
        return [Size(size.elements)] * call.outputs, 1
    shape = (n // call.outputs if k == axis else n for k, n in enumerate(size.shape))
    return [Size.of(shape)] * call.outputs, 1


def gather(call: Call, axis: int) -> Answer:
    """Entries of input 0 along an axis, picked by input 1."""
    data, picked = call.size(0), call.size(1)
    if data.shape is None or picked.shape is None:
        return [Size(data.elements * picked.elements)], 1
    axis = axis_of(call, axis, len(data.shape))
    values = None
    if data.values is not None and picked.values is not None and len(data.shape) == 1:
        count = len(data.values)
        values = tuple(data.values[k] for k in picked.values if -count <= k < count)
    return [Size.of(data.shape[:axis] + picked.shape + data.shape[axis + 1 :], values)], 1


def matmul(call: Call, b: int = 1, *, flip_a: bool = False, flip_b: bool = False) -> Answer:
    """Products of the matrices in the last two axes of input 0 and input ``b``; the axes before are broadcast."""
    right = call.shape(b, 2)
    k, n = (right[-1], right[-2]) if flip_b else (right[-2], right[-1])
    left = call.size(0)
    if left.shape is None or len(left.shape) < 2:
        if len(right) > 2 or flip_a:
            raise call.malformed("reads input 0 of a shape that is known only while it runs")
        return [Size(left.elements // max(1, k) * n)], k
    m = left.shape[-1] if flip_a else left.shape[-2]
    return [Size.of((*broadcast_shape([left.shape[:-2], right[:-2]]), m, n))], k


def filled(call: Call) -> Answer:
    """A tensor of the shape that input 0 says."""
    return [Size.of(max(0, n) for n in call.values(0))], 1


def expand(call: Call) -> Answer:
    """Input 0, broadcast to the shape that input 1 says."""
    return [Size.of(broadcast_shape([call.shape(0), call.values(1)]))], 1


def tile(call: Call) -> Answer:
    """Input 0, repeated along each axis as often as input 1 says."""
    shape, times = call.shape(0), call.values(1)
    if len(shape) != len(times):
        raise call.malformed(f"repeats {len(shape)} dimensions by {len(times)} numbers")
    return [Size.of(n * max(0, m) for n, m in zip(shape, times, strict=True))], 1


def shape_of(call: Call) -> Answer:
    """The shape of input 0, or a part of it, as a tensor."""
    shape = call.size(0).shape
    if shape is None:
        return [Size(8)], 1
    shape = shape[call.option("start") : call.option("end", len(shape))]
    return [Size.of((len(shape),), shape)], 1


def named(rule: Rule, names: str) -> dict[str, Rule]:
    """Give one rule to several operators."""
    return dict.fromkeys(names.split(), rule)


def option_axis(rule: Callable[[Call, int], Answer]) -> Rule:
    """Make a rule of one that takes an axis: from the option ``axis``."""
    return lambda call: rule(call, call.option("axis"))
