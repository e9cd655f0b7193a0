"""Data augmentation: training images distorted, moved, faded, noisy and blemished, differently in every epoch.

Smooth random fields after Simard, Steinkraus, Platt, "Best Practices for Convolutional Neural
Networks Applied to Visual Document Analysis" (ICDAR 2003); here white noise on a coarse 11 x 11 grid is
smoothed with a Gaussian of 5 px, which gives the same field for a fraction of the work.

The pixel loop is plain Python, compiled by numba at its first call (seconds; kept for later runs).
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.quantization import PIXEL_MAX, SIDE
from digitrec_edge.training.blemishes import add_blemishes
from digitrec_edge.training.compiled import compile_loop
from digitrec_edge.training.recipes import Distortion

_GRID = 11
_SIGMA_PX = 5.0
_NOISE_BANK = 1 << 22
_CHUNK = 2000
"""Images at a time: their displacement fields take 12 MB."""


def distort(
    images: NDArray[np.uint8], distortion: Distortion, progress: float, random: np.random.Generator
) -> NDArray[np.uint8]:
    """Distort every image at random.

    Args:
        images: ``(N, 28, 28) uint8``, 0 is background, 255 is foreground.
        distortion: how far.
        progress: 0 in the first epoch, 1 in the last.
        random: the same state gives the same images.

    Returns:
        ``(N, 28, 28) uint8``.

    Raises:
        NotInstalledError: numba is missing.
    """
    kernel = _compiled()
    strengths = distortion.at(progress)
    bank = random.standard_normal(_NOISE_BANK, np.float32)
    out = np.empty_like(images)
    fields = np.empty((min(_CHUNK, len(images)), 2, SIDE, SIDE), np.float32)
    for start in range(0, len(images), _CHUNK):
        part = images[start : start + _CHUNK]
        count = len(part)
        kernel(
            part,
            _affine(count, strengths, random),
            _fields(strengths["elastic_px"], random, fields[:count]),
            _tones(count, strengths, random),
            _thickness(count, strengths["thickness"], random),
            bank,
            random.integers(0, _NOISE_BANK - SIDE * SIDE, count),
            out[start : start + _CHUNK],
        )
    return add_blemishes(out, strengths["blemish"], random) if strengths["blemish"] else out


def _affine(count: int, strengths: dict[str, float], random: np.random.Generator) -> NDArray[np.float32]:
    """Return ``(N, 6)``: from a pixel's offset from the centre to the offset that it is sampled at."""
    angle = np.radians(strengths["rotation_degrees"]) * random.uniform(-1, 1, count)
    shear = strengths["shear"] * random.uniform(-1, 1, count)
    across, down = np.exp(strengths["log_scale"] * random.uniform(-1, 1, (2, count)))
    move_x, move_y = strengths["shift_px"] * random.uniform(-1, 1, (2, count))
    cos, sin = np.cos(angle), np.sin(angle)
    xx, xy, yx, yy = cos * across, (cos * shear - sin) * down, sin * across, (sin * shear + cos) * down
    return np.stack([xx, xy, move_x, yx, yy, move_y], axis=1).astype(np.float32)


@functools.cache
def _smoothing() -> NDArray[np.float32]:
    """Return ``(28, 11)`` Gaussian weights that make white noise on the grid a field of variance 1."""
    nodes = np.linspace(-_SIGMA_PX, SIDE - 1 + _SIGMA_PX, _GRID)
    weights = np.exp(-((np.arange(SIDE)[:, None] - nodes) ** 2) / (2 * _SIGMA_PX**2))
    weights /= np.sqrt((weights**2).sum(axis=1, keepdims=True))
    return weights.astype(np.float32)


def _fields(elastic_px: float, random: np.random.Generator, out: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fill ``(N, 2, 28, 28)`` with displacements along x and y, and return it.

    Many small products, each on its own: of one large one BLAS would make work for threads, which then wait by
    spinning, on the cores that train.
    """
    count = 2 * len(out)
    grid = random.standard_normal((count, _GRID, _GRID), np.float32) * np.float32(elastic_px)
    np.matmul(_smoothing(), grid @ np.ascontiguousarray(_smoothing().T), out=out.reshape(count, SIDE, SIDE))
    return out


def _tones(count: int, strengths: dict[str, float], random: np.random.Generator) -> NDArray[np.float32]:
    """Return ``(N, 3)``: contrast factor, added background and noise, both of 255."""
    noise = PIXEL_MAX * strengths["noise"] * random.uniform(0, 1, count) ** 2
    contrast = 1 - strengths["contrast"] * random.uniform(0, 1, count)
    background = PIXEL_MAX * strengths["background"] * random.uniform(0, 1, count) * (random.uniform(0, 1, count) < 0.5)
    return np.stack([contrast, background, noise], axis=1).astype(np.float32)


def _thickness(count: int, probability: float, random: np.random.Generator) -> NDArray[np.int8]:
    """Return ``(N,)``: 1 thickens, -1 thins, 0 leaves."""
    drawn = random.uniform(0, 1, count)
    return np.where(drawn < probability, 1, np.where(drawn < 2 * probability, -1, 0)).astype(np.int8)


@functools.cache
def _compiled() -> Callable[..., None]:
    return compile_loop(_distort_all)


def _distort_all(
    images: Any, affine: Any, fields: Any, tones: Any, thickness: Any, bank: Any, offsets: Any, out: Any
) -> None:
    """Distort image by image: sample, thicken or thin, fade, lighten, add noise, round."""
    side = images.shape[1]
    centre = np.float32((side - 1) / 2)
    bent = np.zeros((side + 2, side + 2), np.float32)  # a border of background, so that the cross needs no bounds
    for n in range(images.shape[0]):
        image = images[n]
        xx, xy, x0, yx, yy, y0 = affine[n]
        for row in range(side):
            for column in range(side):
                dx, dy = np.float32(column) - centre, np.float32(row) - centre
                x = xx * dx + xy * dy + x0 + centre + fields[n, 0, row, column]
                y = yx * dx + yy * dy + y0 + centre + fields[n, 1, row, column]
                left, top = math.floor(x), math.floor(y)
                value = np.float32(0)
                if -1 <= left < side and -1 <= top < side:
                    across, down = x - np.float32(left), y - np.float32(top)
                    one = np.float32(1)
                    if top >= 0:
                        if left >= 0:
                            value += (one - across) * (one - down) * image[top, left]
                        if left + 1 < side:
                            value += across * (one - down) * image[top, left + 1]
                    if top + 1 < side:
                        if left >= 0:
                            value += (one - across) * down * image[top + 1, left]
                        if left + 1 < side:
                            value += across * down * image[top + 1, left + 1]
                bent[row + 1, column + 1] = value
        contrast, background, noise = tones[n]
        grow, start = thickness[n], offsets[n]
        for row in range(side):
            for column in range(side):
                value = bent[row + 1, column + 1]
                if grow > 0:
                    value = max(
                        value,
                        max(
                            max(bent[row, column + 1], bent[row + 2, column + 1]),
                            max(bent[row + 1, column], bent[row + 1, column + 2]),
                        ),
                    )
                elif grow < 0:
                    value = min(
                        value,
                        min(
                            min(bent[row, column + 1], bent[row + 2, column + 1]),
                            min(bent[row + 1, column], bent[row + 1, column + 2]),
                        ),
                    )
                value = value * contrast + background + noise * bank[start + row * side + column]
                out[n, row, column] = np.uint8(min(max(value + np.float32(0.5), np.float32(0)), np.float32(PIXEL_MAX)))
