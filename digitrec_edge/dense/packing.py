"""How a layer's weights lie in C's tables: a kernel reads four outputs at a time, a row per kernel."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.dense.network import UNSIGNED
from digitrec_edge.errors import InputError

Weights = NDArray[np.int8]
"""``(outputs, inputs)``."""
Words = NDArray[np.uint32]
"""``(outputs / 4 * inputs,)``, outputs rounded up to 4; each has four weights, the first in the lowest bits."""

_OUTPUTS = 4


@dataclass(frozen=True)
class KernelRow:
    """A row of the table.

    Attributes:
        name: what people type.
        number: ``DIGITREC_KERNEL`` in C.
        bits: of the weights that it takes.
        multiple: of which each layer's inputs must be one.
        arrange: ``(outputs, inputs) int8`` to ``(words, 4)`` numbers in the order of the words.
        restore: from there back, with the sizes ``(outputs, inputs)``.
        ram_per_input: bytes of the list of inputs that are not 0, for each of the widest layer's.
        pools: whether it takes sums of pixels, of more than 8 bits.
        runs_on: processors.
        cores: that it runs on, as the table of figures calls them; none are named where it runs on all.
        architectures: of Arduino, as library.properties has them, with boards that it runs on; of a Teensy it is avr.
    """

    name: str
    number: int
    bits: tuple[int, ...]
    multiple: int
    arrange: Callable[[Weights], Weights]
    restore: Callable[[Weights, int, int], Weights]
    ram_per_input: float
    pools: bool
    runs_on: str
    cores: tuple[str, ...]
    architectures: str

    @property
    def file(self) -> str:
        """Its source in c/."""
        return f"kernel_{self.name}.h"

    def pack(self, weights: Weights, bits: int) -> Words:
        """Return the words of a layer."""
        places = bits * np.arange(_OUTPUTS, dtype=np.uint32)
        numbers = self.arrange(weights).astype(np.int64) & ((1 << bits) - 1)
        return (numbers << places).sum(axis=1).astype(np.uint32)

    def unpack(self, words: Words, bits: int, outputs: int, inputs: int) -> Weights:
        """Return the weights that :meth:`pack` made words of.

        Raises:
            ValueError: these are no such words: what fills up to four outputs is not 0.
        """
        low = np.arange(_OUTPUTS, dtype=np.uint32) * bits
        shifted = (words[:, None] >> low) << np.uint32(8 - bits)
        weights = self.restore((shifted.astype(np.uint8).view(np.int8) >> (8 - bits)).astype(np.int8), outputs, inputs)
        if not np.array_equal(self.pack(weights, bits), words):
            raise ValueError("there are weights of outputs that the layer does not have")
        return weights


def _filled(weights: Weights) -> Weights:
    """Add outputs of 0 up to a multiple of four."""
    return np.pad(weights, ((0, -len(weights) % _OUTPUTS), (0, 0)))


def _columns(weights: Weights) -> Weights:
    filled = _filled(weights)
    return filled.reshape(-1, _OUTPUTS, filled.shape[1]).transpose(0, 2, 1).reshape(-1, _OUTPUTS)


def _from_columns(numbers: Weights, outputs: int, inputs: int) -> Weights:
    return numbers.reshape(-1, inputs, _OUTPUTS).transpose(0, 2, 1).reshape(-1, inputs)[:outputs]


def _pairs(weights: Weights) -> Weights:
    """Outputs a b c d and inputs p q become ``ap bp aq bq``, ``cp dp cq dq``."""
    filled = _filled(weights)
    return filled.reshape(-1, 2, 2, filled.shape[1] // 2, 2).transpose(0, 3, 1, 4, 2).reshape(-1, _OUTPUTS)


def _from_pairs(numbers: Weights, outputs: int, inputs: int) -> Weights:
    return numbers.reshape(-1, inputs // 2, 2, 2, 2).transpose(0, 2, 4, 1, 3).reshape(-1, inputs)[:outputs]


def _rows(weights: Weights) -> Weights:
    """Rows one after the other, as ``w + 128``."""
    return (_filled(weights) ^ np.int8(-UNSIGNED)).reshape(-1, _OUTPUTS)


def _from_rows(numbers: Weights, outputs: int, inputs: int) -> Weights:
    return (numbers.reshape(-1, inputs) ^ np.int8(-UNSIGNED))[:outputs]


KERNELS = (
    KernelRow("portable", 0, (8, 4), 1, _columns, _from_columns, 2, True, "every processor", (), "*"),
    KernelRow(
        "dsp", 1, (8,), 2, _pairs, _from_pairs, 4, False, "ARM with the DSP extension: Cortex-M4, M7, M33",
        ("Cortex-M4", "Cortex-M7", "Cortex-M33"),
        "avr,mbed_edge,mbed_giga,mbed_nano,mbed_nicla,mbed_opta,mbed_portenta,nRF5,nrf52,renesas_portenta,renesas_uno,"
        "rp2040,samd,silabs,stm32,zephyr",
    ),
    KernelRow(
        "mve", 2, (8,), 16, _rows, _from_rows, 1 / 8, False, "ARM with Helium: Cortex-M52, M55, M85",
        ("Cortex-M52", "Cortex-M55", "Cortex-M85"), "zephyr",
    ),
)  # fmt: skip
"""The first is the default."""


def find_kernel(name: str) -> KernelRow:
    """Return the row called ``name``.

    Raises:
        InputError: there is none; names those there are.
    """
    for row in KERNELS:
        if row.name == name:
            return row
    raise InputError(f"no kernel is called {name!r}; choose from {', '.join(row.name for row in KERNELS)}")
