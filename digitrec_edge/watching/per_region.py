"""Values that are given for one region or for all: ``VALUE``, or ``NAME=VALUE``."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from digitrec_edge.watching.regions import WatchedRegion

Value = TypeVar("Value")


def per_region(
    texts: Sequence[str], regions: Sequence[WatchedRegion], parse: Callable[[str], Value], allowed: str
) -> Mapping[str, Value]:
    """Return the value of each region that has one; one that is given by name comes before that of all.

    Args:
        texts: ``VALUE`` or ``NAME=VALUE``.
        regions: that there are.
        parse: one value; raises ValueError or ArithmeticError.
        allowed: what the message says is allowed.

    Raises:
        ValueError: says in one line which text is wrong.
    """
    names = {region.name for region in regions}
    common: dict[str, Value] = {}
    own: dict[str, Value] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if equals and name not in names:
            raise ValueError(f"{text!r} names no region; there are {', '.join(sorted(names))}")
        try:
            parsed = parse(value if equals else text)
        except (ValueError, ArithmeticError):
            raise ValueError(f"{text!r}; give {allowed}, or NAME={allowed} for one region") from None
        if equals:
            own[name] = parsed
        else:
            common = dict.fromkeys(names, parsed)
    return {**common, **own}
