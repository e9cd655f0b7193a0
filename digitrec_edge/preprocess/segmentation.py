"""Finding digits: which components belong together, which are noise, and in which order they are read."""

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.errors import PictureError
from digitrec_edge.frozen import Frozen
from digitrec_edge.preprocess.components import Box, Component, bounds_of, find_components
from digitrec_edge.preprocess.filters import box_max
from digitrec_edge.preprocess.foreground import Foreground

MIN_HEIGHT_PX = 5
MAX_ASPECT = 2.5
"""Width by height; a wider group is a line or several digits that touch."""

MAX_TOUCHING_ASPECT, MIN_TOUCHING_PX = 5.0, 16
"""Width by height and height of digits that touch; a lower group is a line."""

SEED_STRENGTH = 0.5
"""Of full strength; a component must reach it somewhere."""

MAX_SOLIDITY = 0.92
"""Mean strength within the box, of groups that are not slender: a filled box is no digit."""

MIN_SOLID_PX = 16
"""Lower groups may be digits too coarse to have holes."""

SLENDER = 0.5
"""Width by height of a group that may be a 1."""

MIN_RELATIVE_AREA = 0.01
"""Of the largest component's area; smaller ones are noise."""

MIN_RELATIVE_HEIGHT = 0.35
MIN_RELATIVE_MASS = 0.12
"""Of the tallest group's height and of the heaviest one's mass; less is noise, a point or a comma."""

MAX_DIGITS = 64
"""More than this are a texture or a page of text."""


class Region(Frozen):
    """One digit in a picture at working size.

    Attributes:
        strength: ``(height, width) float32``, its own foreground alone, cut at ``box``.
    """

    box: Box
    strength: NDArray[np.float32]

    @property
    def wide(self) -> bool:
        """Whether it is too wide to be one digit; it may be several that touch."""
        return self.box.width > MAX_ASPECT * self.box.height


def find_digits(foreground: Foreground, parts: tuple[NDArray[np.int32], list[Component]] | None = None) -> list[Region]:
    """Find every digit, and what may be several that touch, in reading order: line by line, left to right.

    Args:
        foreground: of the picture.
        parts: labels and components of its mask, if they are known.

    Raises:
        PictureError: there is nothing like a digit.
    """
    labels, components = parts or find_components(foreground.mask)
    groups = _without_small(_joined(_without_noise(labels, components, foreground)))
    groups = [group for group in groups if _is_digit_like(group, foreground)]
    if not groups:
        raise PictureError("no digit found: nothing has a digit's shape")
    if len(groups) > MAX_DIGITS:
        raise PictureError(
            f"no digit found: {len(groups)} shapes are a texture or a text, not up to {MAX_DIGITS} digits"
        )
    return [_cut(group, labels, foreground) for group in _in_reading_order(groups)]


class _Group(Frozen):
    """Components that belong together; ``mass`` is the sum of their strength."""

    box: Box
    labels: tuple[int, ...]
    mass: float

    def join(self, other: "_Group") -> "_Group":
        return _Group(self.box.union(other.box), self.labels + other.labels, self.mass + other.mass)


def _without_noise(labels: NDArray[np.int32], components: list[Component], foreground: Foreground) -> list[_Group]:
    """Drop components that are faint all over or tiny and, on an uneven background, those that touch the border."""
    mask, strength = foreground.mask, foreground.strength
    places = np.flatnonzero(mask)
    inked, weights = labels.ravel()[places], strength.ravel()[places]
    mass = np.bincount(inked, weights, len(components) + 1)
    strongest = np.zeros(len(components) + 1, np.float32)
    np.maximum.at(strongest, inked, weights)
    kept = [c for c in components if strongest[c.label] >= SEED_STRENGTH]
    if not foreground.even:
        height, width = mask.shape
        inside = [c for c in kept if c.box.top > 0 and c.box.left > 0 and c.box.bottom < height and c.box.right < width]
        kept = inside if any(c.box.height >= MIN_HEIGHT_PX for c in inside) else kept
    min_area = MIN_RELATIVE_AREA * max((c.area for c in kept), default=0)
    groups = [_Group(c.box, (c.label,), float(mass[c.label])) for c in kept if c.area >= min_area]
    return groups[: 8 * MAX_DIGITS]


def _joined(parts: list[_Group]) -> list[_Group]:
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
    stroke = max(smaller.height, smaller.width) >= 0.3 * taller  # else a point or noise
    reach = max(2.0, (0.2 if stroke else 0.1) * taller)
    return fragment and across <= reach and down <= reach


def _without_small(groups: list[_Group]) -> list[_Group]:
    tallest = max((group.box.height for group in groups if group.box.width <= MAX_ASPECT * group.box.height), default=0)
    heaviest = max((group.mass for group in groups), default=0.0)
    return [
        group
        for group in groups
        if group.box.height >= MIN_RELATIVE_HEIGHT * tallest and group.mass >= MIN_RELATIVE_MASS * heaviest
    ]


def _is_digit_like(group: _Group, foreground: Foreground) -> bool:
    box = group.box
    if box.height < MIN_HEIGHT_PX or box.width > MAX_TOUCHING_ASPECT * box.height:
        return False
    if box.width > MAX_ASPECT * box.height and box.height < MIN_TOUCHING_PX:
        return False
    if box.width <= SLENDER * box.height or box.height < MIN_SOLID_PX:
        return True
    inside = foreground.strength[box.top : box.bottom, box.left : box.right]
    return float(inside.ravel().mean()) <= MAX_SOLIDITY


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


def _cut(group: _Group, labels: NDArray[np.int32], foreground: Foreground) -> Region:
    """Cut a digit out, without its neighbours; the soft edge of its strokes stays."""
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
    own = near == group.labels[0] if len(group.labels) == 1 else np.isin(near, group.labels)
    if foreground.clean:
        others = (near > 0) & ~own
        strength = np.where(others, 0, foreground.strength[window]).astype(np.float32)
    else:
        reach = box_max(own.astype(np.float32), margin) > 0
        strength = np.where(reach, foreground.strength[window], 0).astype(np.float32)
    tight = bounds_of(strength > foreground.threshold)
    tight_box = Box(box.top + tight.top, box.left + tight.left, box.top + tight.bottom, box.left + tight.right)
    return Region(tight_box, strength[tight.top : tight.bottom, tight.left : tight.right])
