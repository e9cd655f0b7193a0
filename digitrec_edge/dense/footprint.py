"""What a network takes of a microcontroller: flash, RAM, stack and instructions, per core.

The figures of some networks are measured under emulation, by ``make mcu``, and stand in microcontrollers.json. Another
network's flash and RAM follow from its sizes and the measured code; how long it takes is not known.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from digitrec_edge.dense.c_tables import SQUARES, Tables, flash_bytes, weight_bytes
from digitrec_edge.dense.packing import find_kernel
from digitrec_edge.dense.rounding import ROUNDINGS
from digitrec_edge.records import parse

PLACES = 256
"""So many inputs are told apart by a byte."""
AVR = "ATmega328P"
AVR_TABLE_BYTES, AVR_FLASH_BYTES = 32_767, 64 << 10
"""The most that its compiler takes as one table, and how far its 16-bit addresses reach, on an AVR with more, too."""
CLOCKED = (AVR,)
"""Cores of which clock cycles were counted and not instructions."""
FIGURES = Path(__file__).with_name("microcontrollers.json")


@dataclass(frozen=True)
class Instructions:
    """Of one picture.

    Attributes:
        mean, least, most: over the 10,000 test images; the emulator's clock tells them to about 60. Of AVR these are
            clock cycles.
        slowest: of noise without a pixel of 0, which leaves nothing out: the most that a picture can take.
    """

    mean: int
    least: int
    most: int
    slowest: int


@dataclass(frozen=True)
class Figure:
    """A measured row: one network on one core.

    Attributes:
        network: its name in the documents.
        sizes: numbers between its layers as C has them, inputs first.
        flash_bytes: of the least program that reads a picture, tables and start code with it.
        self_test_bytes: more, with the self-test.
        ram_bytes: static, without the picture.
        stack_bytes: of a call, at its deepest.
    """

    core: str
    network: str
    bits: int
    kernel: str
    sizes: tuple[int, ...]
    flash_bytes: int
    self_test_bytes: int
    ram_bytes: int
    stack_bytes: int
    instructions: Instructions


@dataclass(frozen=True)
class Figures:
    """The file of figures; ``tools`` are names and versions of compilers and emulators."""

    tools: dict[str, str]
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Footprint:
    """What one network takes on one core.

    Attributes:
        measured: whether just this network's size and rounding were measured; else flash and RAM are computed.
        instructions: None where they were not measured.
    """

    core: str
    flash_bytes: int
    self_test_bytes: int
    ram_bytes: int
    stack_bytes: int
    measured: bool
    instructions: Instructions | None


@cache
def measured_figures() -> Figures:
    """Read the committed figures."""
    return parse(Figures, json.loads(FIGURES.read_text(encoding="utf-8")))


def footprints(tables: Tables) -> tuple[Footprint, ...]:
    """Return a row per core that takes the network, on which its kernel was measured with weights of so many bits."""
    sizes, rows = tables.sizes, []
    alike = [f for f in measured_figures().figures if (f.bits, f.kernel) == (tables.bits, tables.kernel.name)]
    for figure in [f for f in alike if f.sizes[0] == sizes[0]] or alike:
        same = figure.sizes == sizes
        more = flash_bytes(figure.bits, sizes) - flash_bytes(figure.bits, figure.sizes)
        ram = _buffers(sizes, figure.kernel) - _buffers(figure.sizes, figure.kernel)
        if figure.core == AVR and not _fits_avr(figure.bits, sizes, figure.flash_bytes + more):
            continue
        measured = same and tables.rounding is ROUNDINGS[0]
        rows.append(
            Footprint(
                figure.core, figure.flash_bytes + more, figure.self_test_bytes, figure.ram_bytes + ram,
                figure.stack_bytes, measured, figure.instructions if same else None,
            )
        )  # fmt: skip
    return tuple(rows)


def _fits_avr(bits: int, sizes: tuple[int, ...], flash: int) -> bool:
    """Whether AVR's compiler takes the tables: one of more bytes is an error, and what lies further is read wrong."""
    return max(weight_bytes(bits, sizes)) <= AVR_TABLE_BYTES and flash <= AVR_FLASH_BYTES


def _buffers(sizes: tuple[int, ...], kernel: str) -> int:
    """Bytes of the static buffers: the list of inputs that are not 0, and two of the numbers between layers."""
    widest, inputs = max(-(-size // 4) * 4 for size in sizes[1:]), max(sizes[:-1])
    if sizes[0] == SQUARES:  # numbers of 16 bits, in a list of places of 8 where these suffice
        return inputs * (1 if inputs <= PLACES else 2) + 2 * (widest + max(widest, inputs))
    return int(inputs * find_kernel(kernel).ram_per_input) + 2 * widest
