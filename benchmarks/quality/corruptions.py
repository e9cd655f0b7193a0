"""Fifteen corruptions of the test images, for tests only: training never uses them.

After Mu and Gilmer, "MNIST-C: A Robustness Benchmark for Computer Vision" (2019), made anew from the paper's
description; the strengths are this module's own, chosen so that a person still reads nearly every digit. Images are
``(N, 28, 28) uint8`` between rooms and ``(N, 28, 28) float32`` from 0 to 1 in here; lengths are pixels. numpy alone,
so that a device can measure them too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.quantization import PIXEL_MAX

Images = NDArray[np.uint8]
Floats = NDArray[np.float32]
Chance = np.random.Generator

SEED = 0
BLOCK = 500
"""Images that are changed at a time; each block has chance of its own, so that memory stays small."""

PHOTONS = 5
SPECKLED = 0.2
GLASS_BLUR_PX, GLASS_PX = 0.7, 1
MOTION_PX = 7
SHEAR = 0.5
SCALE = 0.6
ROTATION_DEGREES = 30
BRIGHTNESS = 0.4
TRANSLATION_PX = 3
STRIPE_PX = 4
FOG = 0.5
SPATTER = 0.03
SPATTER_PX = 1.5
DOT_PX, DOT_STEP_PX = 1, 3
ZIGZAG_WIDTH_PX, ZIGZAG_PX, ZIGZAG_TURNS = 1.2, 2.5, 6
EDGE_BLUR_PX = 1.0
EDGE_LOW, EDGE_HIGH = 0.1, 0.2


@dataclass(frozen=True)
class Corruption:
    """A way to spoil images.

    Attributes:
        rule: what is done to every image, in words.
        change: from ``(N, 28, 28) float32`` images of 0 to 1 and chance to as many; what leaves 0 to 1 is clipped.
    """

    name: str
    rule: str
    change: Callable[[Floats, Chance], Floats]

    def make(self, images: Images, seed: int = SEED) -> Images:
        """Return a changed copy of ``(N, 28, 28) uint8`` images, the same for the same seed."""
        changed = np.empty_like(images)
        for start in range(0, len(images), BLOCK):
            block = images[start : start + BLOCK].astype(np.float32) / np.float32(PIXEL_MAX)
            found = self.change(block, np.random.default_rng([seed, start]))
            changed[start : start + BLOCK] = np.rint(np.clip(found, 0, 1) * PIXEL_MAX)
        return changed


def _shot_noise(images: Floats, chance: Chance) -> Floats:
    counted: Floats = (chance.poisson(images * PHOTONS) / PHOTONS).astype(np.float32)
    return counted


def _impulse_noise(images: Floats, chance: Chance) -> Floats:
    drawn = chance.random(images.shape)
    speckled: Floats = np.where(drawn < SPECKLED, drawn < SPECKLED / 2, images).astype(np.float32)
    return speckled


def _glass_blur(images: Floats, chance: Chance) -> Floats:
    side = images.shape[1]
    offsets = chance.integers(-GLASS_PX, GLASS_PX + 1, (2, *images.shape))
    rows, columns = np.clip(offsets + np.mgrid[:side, :side][:, None], 0, side - 1)
    blurred = _blur(images, GLASS_BLUR_PX)
    return _blur(blurred[np.arange(len(images))[:, None, None], rows, columns], GLASS_BLUR_PX)


def _motion_blur(images: Floats, chance: Chance) -> Floats:
    """The mean of points a pixel apart on a line through each pixel, bilinear between pixels."""
    side, reach = images.shape[1], MOTION_PX // 2
    angles = _column(chance.uniform(0, np.pi, len(images)))
    steps = np.arange(-reach, reach + 1)
    down, right = (np.maximum(0, 1 - np.abs(way(angles) * steps[:, None] - steps)) for way in (np.sin, np.cos))
    weights = (down.transpose(0, 2, 1) @ right / len(steps)).astype(np.float32)
    padded = np.pad(images, ((0, 0), (reach, reach), (reach, reach)))
    blurred = np.zeros_like(images)
    for row, column in np.ndindex(weights.shape[1:]):
        blurred += _column(weights[:, row, column]) * padded[:, row : row + side, column : column + side]
    return blurred


def _shear(images: Floats, chance: Chance) -> Floats:
    slants = SHEAR * _signs(len(images), chance)
    return _warp(images, np.stack([_matrix(1, 0, slant, 1) for slant in slants]))


def _scale(images: Floats, chance: Chance) -> Floats:
    return _warp(images, np.stack([_matrix(1 / SCALE, 0, 0, 1 / SCALE)] * len(images)))


def _rotate(images: Floats, chance: Chance) -> Floats:
    angles = np.radians(ROTATION_DEGREES) * _signs(len(images), chance)
    turns = [_matrix(np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)) for angle in angles]
    return _warp(images, np.stack(turns))


def _brightness(images: Floats, chance: Chance) -> Floats:
    return images + np.float32(BRIGHTNESS)


def _translate(images: Floats, chance: Chance) -> Floats:
    side = images.shape[1]
    moves = TRANSLATION_PX * _signs((2, len(images)), chance)
    padded = np.pad(images, ((0, 0), (TRANSLATION_PX, TRANSLATION_PX), (TRANSLATION_PX, TRANSLATION_PX)))
    rows, columns = (TRANSLATION_PX + _column(move) for move in moves)
    numbers = np.arange(len(images))[:, None, None]
    return padded[numbers, rows + np.arange(side)[:, None], columns + np.arange(side)]


def _stripe(images: Floats, chance: Chance) -> Floats:
    start = (images.shape[2] - STRIPE_PX) // 2
    striped = images.copy()
    striped[:, :, start : start + STRIPE_PX] = 1 - striped[:, :, start : start + STRIPE_PX]
    return striped


def _fog(images: Floats, chance: Chance) -> Floats:
    """Clouds: grids of chance from coarse to fine, each half as strong as the one before, as plasma fractals are."""
    side = images.shape[1]
    clouds = np.zeros(images.shape, np.float32)
    for octave in range(5):
        grid = chance.random((len(images), 2**octave + 1, 2**octave + 1), np.float32)
        place = np.linspace(0, 2**octave, side, dtype=np.float32)
        weights = np.maximum(0, 1 - np.abs(place[:, None] - np.arange(2**octave + 1, dtype=np.float32)))
        clouds += (weights @ grid @ weights.T) / 2**octave
    clouds -= clouds.min(axis=(1, 2), keepdims=True)
    clouds /= clouds.max(axis=(1, 2), keepdims=True)
    return images + np.float32(FOG) * clouds


def _spatter(images: Floats, chance: Chance) -> Floats:
    noise = _blur(chance.standard_normal(images.shape, np.float32), SPATTER_PX)
    edge = np.quantile(noise, 1 - SPATTER, axis=(1, 2), keepdims=True)
    return np.where(noise > edge, np.float32(1), images)


def _dotted_line(images: Floats, chance: Chance) -> Floats:
    start, end = _ends(images, chance)
    count = images.shape[1] // DOT_STEP_PX + 1
    steps = np.linspace(0, 1, count)[:, None]
    dots = start[:, None] + (end - start)[:, None] * steps
    return _drawn(images, dots, dots, DOT_PX)


def _zigzag(images: Floats, chance: Chance) -> Floats:
    start, end = _ends(images, chance)
    way = end - start
    across = way[:, ::-1] * (1, -1) / np.hypot(*way.T)[:, None]
    swings = ZIGZAG_PX * (-1.0) ** np.arange(ZIGZAG_TURNS + 2)
    steps = np.linspace(0, 1, ZIGZAG_TURNS + 2)
    corners = start[:, None] + way[:, None] * steps[:, None] + across[:, None] * swings[:, None]
    return _drawn(images, corners[:, :-1], corners[:, 1:], ZIGZAG_WIDTH_PX)


def _canny_edges(images: Floats, chance: Chance) -> Floats:
    """Canny, "A Computational Approach to Edge Detection" (1986): ridges of the slope, if steep or joined to it."""
    smooth = np.pad(_blur(images, EDGE_BLUR_PX), ((0, 0), (1, 1), (1, 1)), mode="edge")
    down = (smooth[:, 2:, 1:-1] - smooth[:, :-2, 1:-1]) / 2
    right = (smooth[:, 1:-1, 2:] - smooth[:, 1:-1, :-2]) / 2
    slope = np.hypot(down, right)
    ridge = _is_ridge(slope, np.arctan2(down, right))
    weak, edges = ridge & (slope > EDGE_LOW), ridge & (slope > EDGE_HIGH)
    while True:
        grown = weak & _neighbourhood(edges).any(axis=0)
        if (grown == edges).all():
            return edges.astype(np.float32)
        edges = grown


def _is_ridge(slope: Floats, angle: Floats) -> NDArray[np.bool_]:
    """Where the slope is not less than at both neighbours in its direction, to the nearest 45 degrees."""
    direction = np.rint(angle / (np.pi / 4)).astype(int) % 4
    around = _neighbourhood(slope)
    pairs = ((3, 5), (0, 8), (1, 7), (2, 6))  # left and right, the falling diagonal, above and below, the rising one
    parts = [(slope > around[a]) & (slope >= around[b]) & (direction == k) for k, (a, b) in enumerate(pairs)]
    ridge: NDArray[np.bool_] = np.logical_or.reduce(parts)
    return ridge


def _neighbourhood(images: NDArray[Any]) -> NDArray[Any]:
    """Return ``(9, N, 28, 28)``, the 3 x 3 pixels around each, row by row, zero outside."""
    side = images.shape[1]
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    return np.stack([padded[:, row : row + side, column : column + side] for row in range(3) for column in range(3)])


def _blur(images: Floats, sigma: float) -> Floats:
    """Blur by a Gaussian of a standard deviation in pixels, background outside."""
    side = images.shape[1]
    distances = np.arange(side)[:, None] - np.arange(side)
    weights = np.exp(-0.5 * (distances / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    spread = weights.astype(np.float32)
    blurred: Floats = spread @ images @ spread
    return blurred


def _warp(images: Floats, matrices: NDArray[np.float64]) -> Floats:
    """Take every pixel from where its ``(N, 2, 2)`` matrix about the centre says (down, right), bilinear."""
    side = images.shape[1]
    grid = (np.mgrid[:side, :side] - (side - 1) / 2).reshape(2, -1)
    places = np.clip(matrices @ grid + (side - 1) / 2, -1, side) + 1
    corner = np.minimum(places.astype(int), side)
    below, across = (places - corner).astype(np.float32).transpose(1, 0, 2)
    row, column = corner.transpose(1, 0, 2)
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    numbers = np.arange(len(images))[:, None]
    upper, lower = (
        padded[numbers, row + dy, column] * (1 - across) + padded[numbers, row + dy, column + 1] * across
        for dy in (0, 1)
    )
    warped: Floats = (upper * (1 - below) + lower * below).reshape(images.shape)
    return warped


def _matrix(*values: float) -> NDArray[np.float64]:
    return np.array(values, np.float64).reshape(2, 2)


def _signs(shape: int | tuple[int, ...], chance: Chance) -> NDArray[np.int64]:
    return 2 * chance.integers(0, 2, shape) - 1


def _column(values: NDArray[Any]) -> NDArray[Any]:
    return values[:, None, None]


def _ends(images: Floats, chance: Chance) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw ``(N, 2)`` points (down, right) on the left and on the right edge."""
    last = images.shape[1] - 1
    heights = chance.uniform(0, last, (2, len(images)))
    return np.stack([heights[0], np.zeros(len(images))], 1), np.stack([heights[1], np.full(len(images), last)], 1)


def _drawn(images: Floats, starts: NDArray[np.float64], ends: NDArray[np.float64], width_px: float) -> Floats:
    """Draw ``(N, K, 2)`` strokes in white, with edges that are soft over a pixel."""
    nearest = np.full(images.shape, np.inf, np.float32)
    grid = np.arange(images.shape[1], dtype=np.float32)
    for k in range(starts.shape[1]):
        top, left = (_column(edge) for edge in starts[:, k].astype(np.float32).T)
        way_down, way_right = (_column(edge) for edge in (ends - starts)[:, k].astype(np.float32).T)
        down, right = grid[:, None] - top, grid - left
        length = np.maximum(way_down**2 + way_right**2, np.float32(1e-9))
        share = np.clip((down * way_down + right * way_right) / length, 0, 1)
        nearest = np.minimum(nearest, (down - share * way_down) ** 2 + (right - share * way_right) ** 2)
    return np.maximum(images, np.clip(np.float32((width_px + 1) / 2) - np.sqrt(nearest), 0, 1))


CORRUPTIONS = (
    Corruption("shot noise", f"light of at most {PHOTONS} photons a pixel", _shot_noise),
    Corruption("impulse noise", f"{SPECKLED:.0%} of pixels black or white", _impulse_noise),
    Corruption(
        "glass blur", f"pixels mixed within {GLASS_PX} px, blurred by {GLASS_BLUR_PX} px before and after", _glass_blur
    ),
    Corruption("motion blur", f"the mean of {MOTION_PX} points, 1 px apart, in any direction", _motion_blur),
    Corruption("shear", f"slanted by {SHEAR:g} px a row either way", _shear),
    Corruption("scale", f"made smaller, x {SCALE:g}", _scale),
    Corruption("rotate", f"turned by {ROTATION_DEGREES} degrees either way", _rotate),
    Corruption("brightness", f"{BRIGHTNESS:g} of the range added", _brightness),
    Corruption("translate", f"moved by {TRANSLATION_PX} px along both axes", _translate),
    Corruption("stripe", f"the {STRIPE_PX} columns in the middle inverted", _stripe),
    Corruption("fog", f"clouds of up to {FOG:g} of the range added", _fog),
    Corruption("spatter", f"white blobs of some {2 * SPATTER_PX:g} px on {SPATTER:.0%} of the field", _spatter),
    Corruption("dotted line", f"dots of {DOT_PX} px, {DOT_STEP_PX} px apart, from left to right", _dotted_line),
    Corruption(
        "zigzag",
        f"a line of {ZIGZAG_WIDTH_PX:g} px that turns {ZIGZAG_TURNS} times, {ZIGZAG_PX:g} px to a side",
        _zigzag,
    ),
    Corruption("canny edges", f"outlines alone, where the range changes by {EDGE_HIGH:g} in a px", _canny_edges),
)
