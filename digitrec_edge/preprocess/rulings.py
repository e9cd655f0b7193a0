"""Printed lines around and under digits: boxes, combs, table grids and underlines are taken out of the foreground.

A ruling is straight, thin, nearly level or upright, and part of something larger than a digit: a level line that is
longer than the digit is high, or that others meet at its ends. Nothing is taken where no digit would be left.
"""

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.frozen import replace
from digitrec_edge.preprocess.components import Component, find_components
from digitrec_edge.preprocess.dashes import find_dashed_lines
from digitrec_edge.preprocess.edges import find_edges, meet
from digitrec_edge.preprocess.filters import box_max, box_mean
from digitrec_edge.preprocess.foreground import Foreground
from digitrec_edge.preprocess.lines import Line, find_lines
from digitrec_edge.preprocess.normalise import stroke_width

THIN = 0.1
"""Stroke width by the longer side; handwriting is mostly thicker, a frame and a digit that touches one are thinner."""

MIN_SHARE = 0.25
"""Of the picture's foreground's longest side; shorter components are no frames."""

MIN_SIDE_PX = 24

MAX_SUSPECTS, MAX_COVERED = 128, 16
"""Twice as many as digits may be thin, and their bounds may cover so many times the picture; more are a texture."""

FAINT = 0.5
"""Of the threshold of the foreground; a thin line is weaker than a pen's stroke, and must not fall to pieces."""

EDGE_PX = 2
"""So far from a stroke faint ink may be its edge."""

LONG = 1.15
"""Of the digit's height; no level stroke of a digit is so long."""

WHOLE_ROW = 2.5
"""Of the digit's height; a level line that is so long is print, as thick as it may be."""

WHOLE = 0.7
"""Of the row's width; a level line that is pieced together is as long, and what is left of a row of them."""

LEVEL_GAP, UPRIGHT_GAP = 0.4, 0.1
"""Of the height of what may be lines: between the pieces of a level or an upright line that is too faint."""

ROW = 3.0
"""Of the same; what is higher is more than one row."""

FRAMING = 0.85
"""Of the digit's height; a line that others meet at both ends is as long, or one of those is."""

PRINT = 0.8
"""Of the pen's stroke."""

SQUARED = 4
"""So many lines either way are squared paper, of which a digit is a small part."""

MIN_REST = 0.05
"""Of a frame's longer side; what is left must be as high to be a digit."""

_LEVEL, _TOOTH = 0.45, 0.2
"""Of a component's width and height; shorter lines are no edges, and no teeth of a comb."""


def without_rulings(
    foreground: Foreground, labels: NDArray[np.int32], components: list[Component]
) -> Foreground | None:
    """Take rulings out of a foreground.

    Args:
        foreground: of a picture.
        labels: ``(H, W) int32``, its components, as :func:`find_components` gives them.
        components: the same, one by one.

    Returns:
        The foreground without them; None when there are none.
    """
    thin = _any_thin(labels, components)
    if not foreground.clean:
        least = FAINT * foreground.threshold
        if not thin and not _is_more(foreground.strength > least, labels):
            return None
        faint = box_mean(foreground.strength, 1) > least
        labels, components = find_components(faint)
        thin = thin or _any_thin(labels, components)
    if not thin:
        return None
    suspects = _suspects(labels, components)
    taken = np.zeros(labels.shape, bool)
    if len(suspects) > 1:
        rows = _around(suspects)[0]
        window = _around([c for c in components if c.box.top < rows.stop and c.box.bottom > rows.start])
        taken[window] = _dashed_rulings(labels[window] > 0, max(c.box.height for c in suspects))
    if taken.any():  # a line that the pen runs over is whole, and left
        labels, components = find_components((labels > 0) & ~taken)
        least = WHOLE * (window[1].stop - window[1].start)
        suspects = [c for c in _suspects(labels, components) if c.box.width >= least]
    highest, second = [*sorted((c.box.height for c in components), reverse=True), 0, 0][:2]
    for suspect in suspects:
        others = second if suspect.box.height == highest else highest
        taken[_around([suspect])] |= _rulings(suspect.cut(labels), others)
    return _taken_out(foreground, taken) if taken.any() else None


def _is_more(faint: NDArray[np.bool_], labels: NDArray[np.int32]) -> bool:
    """Whether faint ink lies not only beside the other, as the edges of strokes do."""
    near = box_max((labels > 0).astype(np.float32), EDGE_PX) > 0
    return bool((faint & ~near).any())


def _around(components: list[Component]) -> tuple[slice, slice]:
    boxes = [c.box for c in components]
    return (
        slice(min(box.top for box in boxes), max(box.bottom for box in boxes)),
        slice(min(box.left for box in boxes), max(box.right for box in boxes)),
    )


def _large(components: list[Component]) -> list[Component]:
    sides = [max(c.box.height, c.box.width) for c in components]
    least = max(MIN_SIDE_PX, MIN_SHARE * max(sides, default=0))
    return [c for c, side in zip(components, sides, strict=True) if side >= least]


def _suspects(labels: NDArray[np.int32], components: list[Component]) -> list[Component]:
    """Return the components that may be rulings; none where there is too much of them."""
    suspects, covered = [], 0
    for component in _large(components):
        if _is_thin(component, labels, 1.3 * THIN):
            suspects.append(component)
            covered += component.box.height * component.box.width
            if len(suspects) > MAX_SUSPECTS or covered > MAX_COVERED * labels.size:
                return []
    return suspects


def _any_thin(labels: NDArray[np.int32], components: list[Component]) -> bool:
    return any(_is_thin(component, labels) for component in _large(components))


def _is_thin(component: Component, labels: NDArray[np.int32], thin: float = THIN) -> bool:
    box = component.box
    return stroke_width(component.cut(labels).astype(np.float32)) <= thin * max(box.height, box.width)


def _rulings(own: NDArray[np.bool_], others_px: int) -> NDArray[np.bool_]:
    """Return the pixels of one component that are rulings.

    Args:
        own: ``(height, width) bool``, the component, cut at its bounds.
        others_px: the height of the highest component beside it.
    """
    level = find_lines(own, _LEVEL * own.shape[1])
    upright = find_lines(np.ascontiguousarray(own.T), _TOOTH * own.shape[0]) if level else []
    level, edges = find_edges(own, level, upright)
    rest, rest_px = _rest(own, level, edges)
    left_px = max(others_px, rest_px)
    mixed = min(len(level), len(edges)) >= SQUARED or (rest_px > 0.25 * min(own.shape) and rest.sum() > 0.1 * own.sum())
    if left_px < MIN_REST * max(own.shape) or not (others_px or mixed):
        return np.zeros(own.shape, bool)
    if mixed and not _is_print(level, edges, left_px, stroke_width(rest.astype(np.float32))):
        return np.zeros(own.shape, bool)
    alone = len(level) == 1 and rest.sum() <= 0.1 * own.sum()
    level = [line for line in level if _is_ruling(line, edges, left_px, alone)]
    edges = [line for line in edges if any(meet(line, other) for other in level)]
    return _without_pen(own, level, edges)


def _dashed_rulings(own: NDArray[np.bool_], high_px: int) -> NDArray[np.bool_]:
    """Return the pixels that are rulings of a row whose level lines are so faint that they fell to pieces.

    Args:
        own: ``(height, width) bool``, the row and all that is in it.
        high_px: the height of the highest part that may be lines.
    """
    one_row = len(own) <= ROW * high_px
    level = find_dashed_lines(own, LEVEL_GAP, high_px, WHOLE * own.shape[1]) if one_row else []
    if not level:
        return np.zeros(own.shape, bool)
    upright = find_dashed_lines(np.ascontiguousarray(own.T), UPRIGHT_GAP, high_px, _TOOTH * own.shape[0])
    level, edges = find_edges(own, level, upright)
    _, rest_px = _rest(own, level, edges)
    level = [line for line in level if line.length >= WHOLE_ROW * rest_px]
    if rest_px < MIN_REST * max(own.shape) or not level:
        return np.zeros(own.shape, bool)
    return _without_pen(own, level, [line for line in edges if any(meet(line, other) for other in level)])


def _rest(own: NDArray[np.bool_], level: list[Line], edges: list[Line]) -> tuple[NDArray[np.bool_], int]:
    """Return what is left without lines, and the height of the highest part of it."""
    rest = own & ~_band(own.shape, level) & ~_band(own.T.shape, edges).T
    return rest, max((c.box.height for c in find_components(rest)[1]), default=0)


def _is_print(level: list[Line], edges: list[Line], left_px: int, pen_px: float) -> bool:
    """Tell lines that a digit touches from its own strokes: thinner, longer than a digit, or a whole box or grid."""
    if any(line.length >= WHOLE_ROW * left_px for line in level):
        return True
    thickness = [line.thickness for line in level + edges]
    if not thickness or float(np.median(thickness)) <= PRINT * pen_px:
        return True
    return sum(sum(meet(edge, line) for edge in edges) >= 2 for line in level) >= 2


def _is_ruling(line: Line, edges: list[Line], left_px: int, alone: bool) -> bool:
    if line.length >= LONG * left_px:
        return True
    meeting = [edge for edge in edges if meet(edge, line)]
    if len(meeting) >= 2 and max(line.length, *(edge.length for edge in meeting)) >= FRAMING * left_px:
        return True
    return alone and line.length >= 0.4 * left_px


def _band(shape: tuple[int, ...], lines: list[Line], more: float = 0.0) -> NDArray[np.bool_]:
    """Return all that lies within half a thickness, and ``more`` pixels, of the lines' middles."""
    band = np.zeros(shape, bool)
    rows = np.arange(shape[0])[:, None]
    for line in lines:
        half = 0.5 * line.thickness + 1 + more
        band[:, line.start : line.end] |= np.abs(rows - line.centre) <= half
    return band


def _without_pen(own: NDArray[np.bool_], level: list[Line], upright: list[Line]) -> NDArray[np.bool_]:
    """Return the rulings but where the pen crosses them: where ink goes on beside them."""
    bands = (_band(own.shape, level), _band(own.T.shape, upright).T)
    across = own & ~_band(own.T.shape, upright, 2).T
    along = own & ~_band(own.shape, level, 2)
    pen = _pen(across, level) | _pen(np.ascontiguousarray(along.T), upright).T
    return (bands[0] | bands[1]) & ~pen


def _pen(ink: NDArray[np.bool_], lines: list[Line]) -> NDArray[np.bool_]:
    """Return the parts of level lines above or below which there is ink."""
    pen = np.zeros(ink.shape, bool)
    height = ink.shape[0]
    rows = np.arange(height)[:, None]
    for line in lines:
        columns = np.arange(line.start, line.end)
        beside = 0.5 * line.thickness + 2.0
        above, below = np.rint(line.centre - beside).astype(int), np.rint(line.centre + beside).astype(int)
        here = np.zeros(len(columns), bool)
        for row in (above, below):
            here |= ink[np.clip(row, 0, height - 1), columns] & (row >= 0) & (row < height)
        pen[:, columns] |= (np.abs(rows - line.centre) <= beside) & here
    return pen & ink


def _taken_out(foreground: Foreground, taken: NDArray[np.bool_]) -> Foreground:
    """Return the foreground without ``taken``."""
    strength = np.where(taken, 0, foreground.strength).astype(np.float32)
    mask = foreground.mask & ~taken
    return replace(foreground, strength=strength, mask=mask)
