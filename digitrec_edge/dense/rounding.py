"""How a sum is brought to the next layer's scale: four ways, a row each.

The sums are the same everywhere: int8 weights times int8 inputs plus an int32 bias. The kernels differ in what they do
with them, by one step in the least significant bit:

- XNNPACK multiplies a sum by a float32 and rounds half to even.
- The others multiply it by a 31-bit fixed-point number and shift it right: once, halves rounded up, or twice, rounded
  each time (Jacob et al., CVPR 2018, section 2.2); the second time halves go away from zero, or up.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.errors import InputError
from digitrec_edge.frozen import Frozen

Integers = NDArray[np.int64]
Steps = Callable[[Integers, NDArray[np.float64], NDArray[np.float32]], Integers]
"""From sums ``(N, outputs)`` and their factors, exact and in float32, to whole steps of the output."""


class Rounding(Frozen):
    """A row of the table.

    Attributes:
        name: what people type.
        number: of ``DIGITREC_ROUNDING`` in c/requantize.h.
        steps: the arithmetic.
        kernels: whose it is.
    """

    name: str
    number: int
    steps: Steps
    kernels: str


def multipliers(factors: NDArray[np.float64]) -> tuple[Integers, Integers]:
    """Write factors below 1 as ``m * 2**-(31 + shift)`` with 31-bit numbers m, as TFLite's QuantizeMultiplier does.

    Returns:
        The numbers m, and the shifts, 0 to 30.

    Raises:
        ValueError: a factor is 1 or more, or too small for 30 shifts.
    """
    fraction, exponent = np.frexp(factors)
    numbers = np.floor(fraction * 2.0**31 + 0.5).astype(np.int64)
    full = numbers == 1 << 31
    numbers, shifts = np.where(full, numbers // 2, numbers), -(exponent.astype(np.int64) + full)
    if shifts.min() < 0 or shifts.max() > 30:
        raise ValueError("a layer's scales are too far apart for whole-number arithmetic")
    return numbers, shifts


def _by_float(sums: Integers, factors: NDArray[np.float64], factors32: NDArray[np.float32]) -> Integers:
    return np.rint(sums.astype(np.float32) * factors32).astype(np.int64)


def _once(sums: Integers, factors: NDArray[np.float64], factors32: NDArray[np.float32]) -> Integers:
    numbers, shifts = multipliers(factors)
    return (sums * numbers + (np.int64(1) << (30 + shifts))) >> (31 + shifts)


def _twice_away(sums: Integers, factors: NDArray[np.float64], factors32: NDArray[np.float32]) -> Integers:
    high, shifts = _high_halves(sums, factors)
    return np.sign(high) * ((np.abs(high) + ((np.int64(1) << shifts) >> 1)) >> shifts)


def _twice_up(sums: Integers, factors: NDArray[np.float64], factors32: NDArray[np.float32]) -> Integers:
    high, shifts = _high_halves(sums, factors)
    return (high + ((np.int64(1) << shifts) >> 1)) >> shifts


def _high_halves(sums: Integers, factors: NDArray[np.float64]) -> tuple[Integers, Integers]:
    """Return the rounded upper halves of sums times 31-bit numbers, and the shift that is left to do."""
    numbers, shifts = multipliers(factors)
    return (sums * numbers + (1 << 30)) >> 31, shifts


ROUNDINGS = (
    Rounding(
        "litert", 0, _by_float, "LiteRT and tflite-runtime with XNNPACK, their default for int8 where it is built in"
    ),
    Rounding("litert-reference", 1, _once, "LiteRT's reference kernels"),
    Rounding("tflite-micro", 2, _twice_away, "TFLite Micro, and tflite-runtime's built-in kernels on ARM"),
    Rounding("tflite-runtime-x86", 3, _twice_up, "tflite-runtime's built-in kernels on x86"),
)
"""The first is the default."""


def find_rounding(name: str) -> Rounding:
    """Return the row called ``name``.

    Raises:
        InputError: there is none; names those there are.
    """
    for row in ROUNDINGS:
        if row.name == name:
            return row
    raise InputError(f"no rounding is called {name!r}; choose from {', '.join(row.name for row in ROUNDINGS)}")
