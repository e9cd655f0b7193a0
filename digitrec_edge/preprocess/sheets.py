"""A sheet of paper on a table, or a note on a wall: its digit is read within its edges.

A sheet is a large, even patch with four straight sides that differs from what is around it, and that has ink of its
own.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge.frozen import Frozen
from digitrec_edge.preprocess.components import Component, bounds_of, find_components
from digitrec_edge.preprocess.filters import box_max, box_mean
from digitrec_edge.quantization import PIXEL_MAX

COARSE_PX = 160
MIN_PICTURE_PX = 120
"""Smaller pictures are no views of a table."""

MIN_STEP = 14.0
"""Of 255; how much a sheet differs from its surroundings at least."""

SHARES = (0.03, 0.92)
"""Of the picture; how large a sheet is."""

FILLED = 0.94
"""Of its four-cornered outline; what a sheet fills, its ink included."""

INK = (0.01, 0.75)
"""Of the sheet; how much of it is ink or shadow."""

EDGE = 0.04
"""Of the sheet's side; so much is cut off along its edges."""

LEVELS = 8

BAND_COLUMNS = 64
"""Columns that are filled at once: as float32 a whole picture is four times as large."""

PATCH = 0.03
SOLID = 0.58
COVERED = 0.2
"""Of the picture, of a component's box and of the picture: so large a foreground is no pen's."""


class Sheet(Frozen):
    """A sheet in a picture.

    Attributes:
        grey: ``(H, W) uint8``, cut at the sheet's bounds, its own tone where something else would be seen.
        corner: top and left of the cut, in pixels of the picture.
    """

    grey: NDArray[np.uint8]
    corner: tuple[int, int]


def suggests_sheet(mask: NDArray[np.bool_], components: list[Component]) -> bool:
    """Whether a foreground is more than a pen writes: patches, or parts that the picture's border cuts."""
    if np.count_nonzero(mask) / mask.size > COVERED:
        return True
    height, width = mask.shape
    return any(
        c.area >= PATCH * mask.size * (SOLID if _at_border(c, height, width) else 1)
        and (_at_border(c, height, width) or c.area >= SOLID * c.box.height * c.box.width)
        for c in components[:3]
    )


def _at_border(part: Component, height: int, width: int) -> bool:
    box = part.box
    return box.top == 0 or box.left == 0 or box.bottom == height or box.right == width


def find_sheet(grey: NDArray[np.uint8]) -> Sheet | None:
    """Find the sheet that a picture shows with its surroundings.

    Args:
        grey: ``(H, W) uint8``.

    Returns:
        The largest; None when there is none, which is most often.
    """
    if min(grey.shape) < MIN_PICTURE_PX:
        return None
    factor = -(-max(grey.shape) // COARSE_PX)
    coarse = np.asarray(Image.fromarray(grey).reduce(factor), np.float32)
    found = [corners for patch in _patches(coarse) if (corners := _sheet(patch, coarse)) is not None]
    if not found:
        return None
    corners = max(found, key=_area)
    return Sheet(*_alone(grey, coarse, corners, factor))


def _patches(coarse: NDArray[np.float32]) -> list[NDArray[np.bool_]]:
    """Return patches that are brighter, or darker, than several levels, with their holes filled."""
    smooth = box_mean(coarse, 1)
    low, high = (float(bound) for bound in np.percentile(smooth, (1, 99)))
    if high - low < 2 * MIN_STEP:
        return []
    patches = []
    for level in np.linspace(low, high, LEVELS + 2)[1:-1].tolist():
        for mask in (smooth > level, smooth < level):
            labels, parts = find_components(mask)
            patches += [_filled(labels == part.label) for part in parts[:3] if _may_be_sheet(part, mask)]
    return patches


def _may_be_sheet(part: Component, mask: NDArray[np.bool_]) -> bool:
    low, high = SHARES
    area = part.box.height * part.box.width
    return part.area >= low * mask.size and part.area <= high * mask.size and part.area >= 0.4 * area


def _filled(patch: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Fill the holes; a hole at the border of the picture is none."""
    labels, parts = find_components(~patch)
    holes = [part.label for part in parts if not _at_border(part, *patch.shape)]
    return patch | np.isin(labels, holes)


def _sheet(patch: NDArray[np.bool_], coarse: NDArray[np.float32]) -> NDArray[np.float64] | None:
    """Return the corners, ``(4, 2)``, of a patch that is a sheet."""
    corners = _corners(patch)
    area = _area(corners)
    low, high = SHARES
    if not low * patch.size <= area <= high * patch.size:
        return None
    inside = _polygon(corners, patch.shape)
    if (inside & patch).sum() < FILLED * max(inside.sum(), patch.sum(), 1):
        return None
    core = ~(box_max((~inside).astype(np.float32), 2) > 0)
    around = (box_max(inside.astype(np.float32), 5) > 0) & ~(box_max(inside.astype(np.float32), 2) > 0)
    if core.sum() < 50 or around.sum() < 20:
        return None
    tone = float(np.median(coarse[core]))
    step = abs(tone - float(np.median(coarse[around])))
    ink = np.abs(coarse[core] - tone) > max(0.5 * MIN_STEP, 0.25 * step)
    share = float(ink.mean())
    return corners if step >= MIN_STEP and INK[0] <= share <= INK[1] else None


def _corners(patch: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the four-cornered outline of largest area: the farthest points, and the farthest from their diagonal."""
    rows, columns = np.nonzero(patch)
    points = np.stack([columns, rows], axis=1).astype(np.float64)
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    reach = np.outer(points[:, 0], np.cos(angles)) + np.outer(points[:, 1], np.sin(angles))  # BLAS rounds otherwise
    extremes = points[np.argmax(reach, axis=0)]
    hull = np.unique(extremes, axis=0)
    apart = ((hull[:, None] - hull[None]) ** 2).sum(axis=2)
    a, c = np.unravel_index(int(apart.argmax()), apart.shape)
    along = hull[c] - hull[a]
    side = along[0] * (hull[:, 1] - hull[a][1]) - along[1] * (hull[:, 0] - hull[a][0])
    return np.array([hull[a], hull[int(side.argmin())], hull[c], hull[int(side.argmax())]])


def _area(corners: NDArray[np.float64]) -> float:
    x, y = corners.T
    return 0.5 * abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1)))


def _polygon(corners: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    from PIL import ImageDraw  # takes longer than most pictures, of which few show a sheet

    drawn = Image.new("1", (shape[1], shape[0]))
    ImageDraw.Draw(drawn).polygon([(float(x), float(y)) for x, y in corners], fill=1)
    return np.asarray(drawn, bool)


def _alone(
    grey: NDArray[np.uint8], coarse: NDArray[np.float32], corners: NDArray[np.float64], factor: int
) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Cut the sheet out, in its corners its own tone as it is nearest; returns also the top and left of the cut."""
    middle = corners.mean(axis=0)
    inner = middle + (corners - middle) * (1 - 2 * EDGE)
    inside = _polygon(inner, coarse.shape)
    weight, tone = inside.astype(np.float32), np.where(inside, coarse, 0).astype(np.float32)
    filled = np.full(coarse.shape, float(np.median(coarse[inside])), np.float32)
    for radius in (32, 16, 8, 4):
        near = box_mean(weight, radius)
        filled = np.where(near > 0.05, box_mean(tone, radius) / np.maximum(near, 1e-6), filled).astype(np.float32)
    whole = _polygon((inner + 0.5) * factor - 0.5, grey.shape)
    bounds = bounds_of(whole)
    top, bottom, left, right = bounds.top, bounds.bottom, bounds.left, bounds.right
    alone = np.empty((bottom - top, right - left), np.uint8)
    wide = Image.fromarray(filled).resize((grey.shape[1], len(filled)), Image.Resampling.BILINEAR)
    for start in range(left, right, BAND_COLUMNS):
        end = min(start + BAND_COLUMNS, right)
        band = wide.crop((start, 0, end, len(filled))).resize((end - start, len(grey)), Image.Resampling.BILINEAR)
        outside = np.clip(np.rint(np.asarray(band)[top:bottom]), 0, PIXEL_MAX)
        window = np.s_[top:bottom, start:end]
        alone[:, start - left : end - left] = np.where(whole[window], grey[window], outside)
    return alone, (top, left)
