"""A line drawn around a digit, such as a circle, is taken out of the foreground.

A 0 encloses, too, as do 4, 6, 8 and 9; so what is inside must be ink of its own, apart from the line around it, and as
large as a digit would be there.
"""

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.frozen import replace
from digitrec_edge.preprocess.components import Component
from digitrec_edge.preprocess.filters import box_max
from digitrec_edge.preprocess.foreground import Foreground
from digitrec_edge.preprocess.normalise import stroke_width

MIN_SIDE_PX = 24

MIN_INSIDE = 0.33
"""Of the enclosing line's height; lower things inside are noise in the hole of a 0, or a part of a broken digit."""

MAX_STROKE = 0.14
"""Of the enclosing line's shorter side; a thicker line leaves no room for a digit."""

STROKES = (0.5, 8.0)
"""How thick the strokes inside may be, of the enclosing line's."""

MAX_PAIRS = 128
"""Twice as many as digits may lie within something; more are a texture."""

RAYS = 24
MIN_MET = 20
"""So many of the rays from what is inside must meet the line; a pen leaves a gap where it began."""


def without_enclosures(
    foreground: Foreground, labels: NDArray[np.int32], components: list[Component]
) -> Foreground | None:
    """Take lines around digits out of a foreground.

    Args:
        foreground: of a picture.
        labels: ``(H, W) int32``, its components, as :func:`find_components` gives them.
        components: the same, one by one.

    Returns:
        The foreground without them; None when there are none.
    """
    around = [one.label for one, inside in _nested(components) if _encloses(one, inside, labels)]
    if not around:
        return None
    taken = np.isin(labels, around)
    edge = taken if foreground.clean else box_max(taken.astype(np.float32), 2) > 0
    strength = np.where(edge & (taken | (labels == 0)), 0, foreground.strength).astype(np.float32)
    return replace(foreground, strength=strength, mask=foreground.mask & ~taken)


def _nested(components: list[Component]) -> list[tuple[Component, list[Component]]]:
    """Return the components that others lie in, each with those; none where there are too many."""
    high = [c for c in components if c.box.height >= MIN_INSIDE * MIN_SIDE_PX]
    bounds = np.array([(c.box.top, c.box.left, -c.box.bottom, -c.box.right) for c in high]).T
    heights = np.array([c.box.height for c in high])
    nested, pairs = [], 0
    for k, one in enumerate(high):
        shorter = min(one.box.height, one.box.width)
        if shorter < MIN_SIDE_PX:
            continue
        inside = (bounds > bounds[:, k : k + 1]).all(axis=0) & (heights >= MIN_INSIDE * shorter)
        if inside.any():
            nested.append((one, [high[place] for place in np.flatnonzero(inside)]))
            pairs += len(nested[-1][1])
            if pairs > MAX_PAIRS:
                return []
    return nested


def _encloses(one: Component, inside: list[Component], labels: NDArray[np.int32]) -> bool:
    around = one.cut(labels)
    stroke = stroke_width(around.astype(np.float32))
    if stroke > MAX_STROKE * min(around.shape):
        return False
    thick = box_max(around.astype(np.float32), 1) > 0
    low, high = STROKES
    return any(
        low * stroke <= stroke_width(c.cut(labels).astype(np.float32)) <= high * stroke
        and _is_surrounded(c, one, thick)
        for c in inside
    )


def _is_surrounded(inner: Component, outer: Component, thick: NDArray[np.bool_]) -> bool:
    """Whether rays from the middle of what is inside meet the line, nearly all of them."""
    height, width = thick.shape
    row = (inner.box.top + inner.box.bottom) / 2 - outer.box.top
    column = (inner.box.left + inner.box.right) / 2 - outer.box.left
    steps = np.arange(0, np.hypot(height, width))
    angles = np.arange(RAYS)[:, None] * (2 * np.pi / RAYS)
    rows = np.rint(row + np.sin(angles) * steps).astype(int)
    columns = np.rint(column + np.cos(angles) * steps).astype(int)
    valid = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    met = thick[np.where(valid, rows, 0), np.where(valid, columns, 0)] & valid
    return int(met.any(axis=1).sum()) >= MIN_MET
