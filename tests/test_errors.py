"""The tree that is drawn of the errors is the tree that they are."""

import re

from digitrec_edge import errors


def test_the_drawn_tree_has_every_error_below_its_own_parent() -> None:
    parents: dict[str, str] = {}
    above: dict[int, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r" {4}[ |`-]*(\w+Error)\b", line):
            depth = found.start(1) // 4
            above[depth] = found[1]
            parents[found[1]] = above.get(depth - 1, "Exception")
    classes = [one for one in vars(errors).values() if isinstance(one, type) and one.__module__ == errors.__name__]
    assert parents == {one.__name__: one.__bases__[0].__name__ for one in classes}
