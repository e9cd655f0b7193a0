"""Finding digits: which marks belong together, which are dirt, and in which order they are read."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.errors import PictureError
from digitrec_edge.preprocess.components import Box, Component, find_components
from digitrec_edge.preprocess.filters import box_max
from digitrec_edge.preprocess.ink import Ink

MIN_HEIGHT_PX = 5
MAX_ASPECT = 2.5
"""Width by height; a wider mark is a line or several digits that touch."""

SEED_STRENGTH = 0.5
"""Of full ink; a mark must reach it somewhere."""

MAX_SOLIDITY = 0.92
"""Ink by box, of marks that are not slender: a filled box is no digit."""

MIN_SOLID_PX = 16
"""Lower marks may be digits too coarse to have holes."""

SLENDER = 0.5
"""Width by height of a mark that may be a 1."""

DIRT_HEIGHT = 0.35
DIRT_INK = 0.12
"""Of the tallest mark's height and of the fullest one's ink; less is dirt, a point or a comma."""

MAX_DIGITS = 64
"""More marks than this are a texture or a page of text."""


@dataclass(frozen=True)
class Found:
    """One digit in a picture at working size.

    Attributes:
        strength: ``(height, width) float32``, its own ink alone, cut at ``box``.
    """

    box: Box
    strength: NDArray[np.float32]


def find_digits(ink: Ink) -> list[Found]:
    """Find every digit, in reading order: line by line, left to right.

    Raises:
        PictureError: there is nothing like a digit.
    """
    labels, components = find_components(ink.mask)
    groups = _without_dirt(_group(_without_specks(labels, components, ink)))
    groups = [group for group in groups if _is_digit_like(group, ink)]
    if not groups:
        raise PictureError("no digit found: no mark has a digit's shape")
    if len(groups) > MAX_DIGITS:
        raise PictureError(
            f"no digit found: {len(groups)} marks are a texture or a text, not up to {MAX_DIGITS} digits"
        )
    return [_cut(group, labels, ink) for group in _in_reading_order(groups)]


@dataclass(frozen=True)
class _Group:
    box: Box
    labels: tuple[int, ...]
    ink: float

    def join(self, other: "_Group") -> "_Group":
        return _Group(self.box.union(other.box), self.labels + other.labels, self.ink + other.ink)


def _without_specks(labels: NDArray[np.int32], components: list[Component], ink: Ink) -> list[_Group]:
    """Drop marks that are faint all over or specks; and, on uneven paper, what comes in over the rim."""
    amounts = np.bincount(labels[ink.mask], ink.strength[ink.mask], len(components) + 1)
    strongest = np.zeros(len(components) + 1, np.float32)
    np.maximum.at(strongest, labels[ink.mask], ink.strength[ink.mask])
    kept = [c for c in components if strongest[c.label] >= SEED_STRENGTH]
    height, width = ink.mask.shape
    if not ink.even:
        inside = [c for c in kept if c.box.top > 0 and c.box.left > 0 and c.box.bottom < height and c.box.right < width]
        kept = inside if any(c.box.height >= MIN_HEIGHT_PX for c in inside) else kept
    largest = max((c.area for c in kept), default=0)
    return [_Group(c.box, (c.label,), float(amounts[c.label])) for c in kept if c.area >= 0.01 * largest][
        : 8 * MAX_DIGITS
    ]


def _group(parts: list[_Group]) -> list[_Group]:
    """Join the strokes of one digit: one above the other and near, or a fragment beside its digit."""
    groups: list[_Group] = []
    for part in parts:
        merged = part
        while True:
            near = next((group for group in groups if _belong_together(group, merged)), None)
            if near is None:
                break
            groups.remove(near)
            merged = near.join(merged)
        groups.append(merged)
    return groups


def _belong_together(one: _Group, other: _Group) -> bool:
    a, b = one.box, other.box
    overlap = min(a.right, b.right) - max(a.left, b.left)
    across, down = max(0, -overlap), max(0, max(a.top, b.top) - min(a.bottom, b.bottom))
    taller = max(a.height, b.height)
    fragment = min(a.height, b.height) <= 0.5 * taller
    if overlap >= 0.25 * min(a.width, b.width) and down == 0 and min(a.height, b.height) <= 0.7 * taller:
        return True  # one box reaches into the other, as the parts of a broken 6 do
    if overlap >= (0.4 if fragment else 0.7) * min(a.width, b.width):
        return down <= max(2.0, 0.2 * taller)
    smaller = min(a, b, key=lambda box: box.height)
    stroke = max(smaller.height, smaller.width) >= 0.3 * taller  # else a point or dirt
    reach = max(2.0, (0.2 if stroke else 0.1) * taller)
    return fragment and across <= reach and down <= reach


def _without_dirt(groups: list[_Group]) -> list[_Group]:
    tallest = max((group.box.height for group in groups if group.box.width <= MAX_ASPECT * group.box.height), default=0)
    fullest = max((group.ink for group in groups), default=0.0)
    return [g for g in groups if g.box.height >= DIRT_HEIGHT * tallest and g.ink >= DIRT_INK * fullest]


def _is_digit_like(group: _Group, ink: Ink) -> bool:
    box = group.box
    if box.height < MIN_HEIGHT_PX or box.width > MAX_ASPECT * box.height:
        return False
    if box.width <= SLENDER * box.height or box.height < MIN_SOLID_PX:
        return True
    inside = ink.strength[box.top : box.bottom, box.left : box.right]
    return bool(inside.mean() <= MAX_SOLIDITY)


def _in_reading_order(groups: list[_Group]) -> list[_Group]:
    """Lines from top to bottom: a digit is on a line when its middle lies within the line's height."""
    lines: list[tuple[Box, list[_Group]]] = []
    for group in sorted(groups, key=lambda g: g.box.top + g.box.bottom):
        middle = (group.box.top + group.box.bottom) / 2
        if lines and lines[-1][0].top <= middle < lines[-1][0].bottom:
            lines[-1] = (lines[-1][0].union(group.box), [*lines[-1][1], group])
        else:
            lines.append((group.box, [group]))
    return [group for _, line in lines for group in sorted(line, key=lambda g: g.box.left)]


def _cut(group: _Group, labels: NDArray[np.int32], ink: Ink) -> Found:
    """Cut a digit out, without its neighbours; the soft rim of its strokes stays."""
    height, width = labels.shape
    margin = 1 if max(height, width) <= 64 else 2
    box = Box(
        max(0, group.box.top - margin),
        max(0, group.box.left - margin),
        min(height, group.box.bottom + margin),
        min(width, group.box.right + margin),
    )
    window = np.s_[box.top : box.bottom, box.left : box.right]
    near = labels[window]
    if ink.clean:
        others = (near > 0) & ~np.isin(near, group.labels)
        strength = np.where(others, 0, ink.strength[window]).astype(np.float32)
    else:
        reach = box_max(np.isin(near, group.labels).astype(np.float32), margin) > 0
        strength = np.where(reach, ink.strength[window], 0).astype(np.float32)
    strong = strength > ink.threshold
    rows, columns = np.flatnonzero(strong.any(axis=1)), np.flatnonzero(strong.any(axis=0))
    tight = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    tight_box = Box(
        box.top + int(rows[0]), box.left + int(columns[0]), box.top + int(rows[-1]) + 1, box.left + int(columns[-1]) + 1
    )
    return Found(tight_box, strength[tight])
