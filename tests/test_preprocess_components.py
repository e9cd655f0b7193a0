"""Connected components are those of a plain flood fill."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitrec_edge.preprocess.components import Box, bounds_of, find_components


def plain_components(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    labels = np.zeros(mask.shape, np.int32)
    for row, column in np.argwhere(mask):
        if labels[row, column]:
            continue
        stack, label = [(row, column)], labels.max() + 1
        labels[row, column] = label
        while stack:
            r, c = stack.pop()
            for y in range(max(0, r - 1), min(mask.shape[0], r + 2)):
                for x in range(max(0, c - 1), min(mask.shape[1], c + 2)):
                    if mask[y, x] and not labels[y, x]:
                        labels[y, x] = label
                        stack.append((y, x))
    return labels


@given(st.integers(0, 2**32 - 1), st.integers(1, 14), st.integers(1, 14), st.floats(0.1, 0.9))
def test_components_are_those_of_a_plain_flood_fill(seed: int, height: int, width: int, share: float) -> None:
    mask = np.random.default_rng(seed).random((height, width)) < share
    labels, components = find_components(mask)
    plain = plain_components(mask)
    assert len(components) == plain.max()
    assert np.array_equal(labels > 0, mask)
    pairs = {(int(a), int(b)) for a, b in zip(labels[mask], plain[mask], strict=True)}
    assert len(pairs) == len(components)
    for component in components:
        rows, columns = np.nonzero(labels == component.label)
        box = component.box
        assert (box.top, box.left, box.bottom, box.right) == (
            rows.min(), columns.min(), rows.max() + 1, columns.max() + 1,
        )  # fmt: skip
        assert component.area == len(rows)
    assert [c.area for c in components] == sorted((c.area for c in components), reverse=True)


@given(st.integers(0, 6), st.integers(0, 5), st.integers(1, 4), st.integers(1, 3))
def test_bounds_are_half_open_and_empty_where_nothing_is(top: int, left: int, height: int, width: int) -> None:
    mask = np.zeros((10, 8), bool)
    assert bounds_of(mask) == Box(0, 0, 0, 0)
    mask[top, left + width - 1] = mask[top + height - 1, left] = True
    assert bounds_of(mask) == Box(top, left, top + height, left + width)
