"""How large every tensor of a graph becomes and how much work that is, told before anything runs.

Each operator has a rule that computes the sizes of its outputs from those of its inputs. Sizes that
depend on data are known only where that data is constant; an operator without a rule, or whose output
could become any size, is refused. So control flow, which has no rule, cannot run for ever either.
"""

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

from digitrec_edge.formats.budget import BUDGET, refuse
from digitrec_edge.formats.graph import MalformedError
from digitrec_edge.frozen import Frozen

_ITEM_BYTES = 4
"""Of an activation: float32 is the widest that networks compute with."""

Shape = tuple[int, ...]
Option = int | tuple[int, ...] | str


class Size(Frozen):
    """What is known of a tensor before the graph runs.

    Attributes:
        elements: at most so many.
        shape: exactly; None when it is not known.
        values: of a small tensor of integers; None when they are not known.
    """

    elements: int
    shape: Shape | None = None
    values: tuple[int, ...] | None = None

    @classmethod
    def of(cls, shape: Iterable[int], values: tuple[int, ...] | None = None) -> "Size":
        """Return the size of a tensor of this shape."""
        shape = tuple(shape)
        return cls(math.prod(shape), shape, values)


class SizedOperator(Frozen):
    """An operator: which tensors it reads and writes, by name or number; None for an input left out."""

    name: str
    inputs: tuple[Hashable, ...]
    outputs: tuple[Hashable, ...]
    options: Mapping[str, Option]


class Call(Frozen):
    """A step whose inputs' sizes are known; what a rule sees."""

    step: SizedOperator
    inputs: tuple[Size | None, ...]

    @property
    def outputs(self) -> int:
        """How many outputs there are."""
        return len(self.step.outputs)

    def has(self, k: int) -> bool:
        """Whether there is an input ``k``."""
        return k < len(self.inputs) and self.inputs[k] is not None

    def size(self, k: int) -> Size:
        """Return the size of input ``k``."""
        size = self.inputs[k] if k < len(self.inputs) else None
        if size is None:
            raise self.malformed(f"has no input {k}")
        return size

    def shape(self, k: int, lowest_rank: int = 0) -> Shape:
        """Return the shape of input ``k``, which must be known."""
        shape = self.size(k).shape
        if shape is None:
            raise self.malformed(f"reads input {k} of a shape that is known only while it runs")
        if len(shape) < lowest_rank:
            raise self.malformed(f"reads input {k} of shape {shape}, {lowest_rank} dimensions are needed")
        return shape

    def values(self, k: int) -> tuple[int, ...]:
        """Return the integers of input ``k``, which must be constant."""
        values = self.size(k).values
        if values is None:
            raise self.malformed(f"makes an output of a size that input {k} decides, which is no constant")
        return values

    def option(self, name: str, default: int = 0) -> int:
        """Return an option that is a number."""
        value = self.step.options.get(name, default)
        if not isinstance(value, int):
            raise self.malformed(f"has the option {name} {value!r}, a number is needed")
        return value

    def options(self, name: str) -> tuple[int, ...] | None:
        """Return an option that is a list of numbers; None when absent."""
        value = self.step.options.get(name)
        if value is not None and not isinstance(value, tuple):
            raise self.malformed(f"has the option {name} {value!r}, numbers are needed")
        return value

    def malformed(self, reason: str) -> MalformedError:
        """Return the error that names this operator."""
        output = next(iter(self.step.outputs), None)
        return MalformedError(f"operator {self.step.name!r} (output {output!r}) {reason}")


Answer = tuple[Sequence[Size], int]
"""Sizes of the outputs; multiplications per element of the first."""

Rule = Callable[[Call], Answer]


def check(
    steps: Sequence[SizedOperator],
    known: Mapping[Hashable, Size],
    outputs: Iterable[Hashable],
    rules: Mapping[str, Rule],
    pictures: int,
) -> Mapping[Hashable, Size]:
    """Compute all sizes for so many pictures at a time, and hold them against the budget.

    Args:
        steps: in any order.
        known: sizes of inputs and constants.
        outputs: of the graph.
        rules: by operator.
        pictures: of which the sizes in ``known`` are.

    Returns:
        The sizes of all tensors.

    Raises:
        MalformedError: an operator without a rule, whose output could be of any size, that reads what nothing
            has written or writes what is there; too much memory or work.
    """
    if len(steps) > BUDGET.operators:
        refuse("operators", len(steps), BUDGET.operators)
    ordered = list(in_order(steps, known))
    last_use = {name: k for k, step in enumerate(ordered) for name in (*step.inputs, *step.outputs)}
    last_use.update(dict.fromkeys(outputs, len(ordered)))
    sizes = dict(known)
    alive, work = 0, 0
    for k, step in enumerate(ordered):
        call = Call(step, tuple(None if name is None else sizes[name] for name in step.inputs))
        found, multiplications = _told(call, rules.get(step.name))
        sizes.update(zip(step.outputs, found, strict=False))
        made = sum(size.elements for size in found[: len(step.outputs)])
        alive += made
        if alive * _ITEM_BYTES > BUDGET.arena_bytes:
            refuse(f"bytes of activations for {pictures} pictures at operator {step.name!r}", alive * _ITEM_BYTES,
                   BUDGET.arena_bytes)  # fmt: skip
        read = sum(size.elements for size in call.inputs if size)
        work += made + read + (found[0].elements * multiplications if found else 0)
        if work > BUDGET.multiplications * pictures:
            refuse(f"operations for {pictures} pictures", work, BUDGET.multiplications * pictures)
        for name in {*step.inputs, *step.outputs}:
            if name is not None and last_use[name] == k and name not in known:
                alive -= sizes[name].elements
    return sizes


def _told(call: Call, rule: Rule | None) -> Answer:
    if rule is None:
        raise call.malformed("is of a kind whose output size or running time cannot be told before it runs")
    found, multiplications = rule(call)
    if len(found) < call.outputs:
        raise call.malformed(f"has {call.outputs} outputs, {len(found)} is all that it makes")
    return found, multiplications


def in_order(steps: Sequence[SizedOperator], known: Iterable[Hashable]) -> Iterator[SizedOperator]:
    """Yield each step after those whose outputs it reads.

    Raises:
        MalformedError: a step reads what nothing writes, or writes what is there already.
    """
    there: set[Hashable] = {None, *known}
    waiting: dict[Hashable, list[SizedOperator]] = {}
    ready = list(reversed(steps))
    done = 0
    while ready:
        step = ready.pop()
        missing = next((name for name in step.inputs if name not in there), None)
        if missing is not None:
            waiting.setdefault(missing, []).append(step)
            continue
        for name in step.outputs:
            if name in there:
                raise MalformedError(f"operator {step.name!r} writes {name!r}, which is there already")
            there.add(name)
        for name in step.outputs:
            ready.extend(reversed(waiting.pop(name, [])))
        done += 1
        yield step
    if waiting:
        name, (step, *_) = next(iter(waiting.items()))
        raise MalformedError(f"operator {step.name!r} reads {name!r}, which nothing has written")
