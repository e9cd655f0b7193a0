"""Common boards and what of them a network leaves: their makers' figures for flash, RAM and clock.

How much of the flash is a program's own is from the files that Arduino's cores build with: FLASH in linker scripts
(flash_with_bootloader.ld of the Zero, memory_regions.ld of the Uno R4, imxrt1062_t41.ld of the Teensy),
upload.maximum_size in boards.txt (of the Nano 33 BLE, Due, Black Pills, Nucleos and of AVR, the least of both where a
row has two), and on ESP32 app0 in default.csv and default_8MB.csv: the rest is for updates over the air, and for files.
"""

from dataclasses import dataclass
from typing import Literal

from digitrec_edge.dense.footprint import AVR, Footprint
from digitrec_edge.dense.packing import KernelRow

ROOM_KB = 64
"""What else a program needs at the most as a rule: Arduino's core, USB, what reads a camera or panel."""
CORE_KB = 8
"""Less than any of Arduino's cores for 32 bits needs: a sketch that blinks a light has 10 KB and more with them."""

Fit = Literal["yes", "tight", "bare", "no"]
"""``bare``: on the chip by itself, without a bootloader and without Arduino."""


@dataclass(frozen=True)
class Board:
    """A row of the table.

    Attributes:
        core: as the table of figures calls it; None where none was measured that is like it.
        flash_kb, ram_kb: that it has.
        mhz: of its core.
        taken_kb: of the flash, by its bootloader and whatever else a program cannot have.
    """

    name: str
    chip: str
    core: str | None
    flash_kb: int
    ram_kb: int
    mhz: int
    taken_kb: int = 0


BOARDS = (
    Board("micro:bit v1", "nRF51822", "Cortex-M0", 256, 16, 16),
    Board("micro:bit v2", "nRF52833", "Cortex-M4", 512, 128, 64),
    Board("Raspberry Pi Pico", "RP2040", "Cortex-M0", 2048, 264, 125),
    Board("Raspberry Pi Pico 2", "RP2350", "Cortex-M33", 4096, 520, 150),
    Board("Arduino Zero, MKR", "SAMD21", "Cortex-M0", 256, 32, 48, 8),
    Board("Arduino Uno R4", "RA4M1", "Cortex-M4", 256, 32, 48, 16),
    Board("Arduino Nano 33 BLE", "nRF52840", "Cortex-M4", 1024, 256, 64, 64),
    Board("Arduino Due", "SAM3X8E", "Cortex-M3", 512, 96, 84),
    Board("Black Pill F401", "STM32F401CC", "Cortex-M4", 256, 64, 84),
    Board("Black Pill F411", "STM32F411CE", "Cortex-M4", 512, 128, 100),
    Board("Nucleo F767ZI", "STM32F767ZI", "Cortex-M7", 2048, 512, 216),
    Board("Nucleo H743ZI", "STM32H743ZI", "Cortex-M7", 2048, 1024, 480),
    Board("Teensy 4.1", "i.MX RT1062", "Cortex-M7", 7936, 1024, 600),
    Board("nRF52840 DK", "nRF52840", "Cortex-M4", 1024, 256, 64),
    Board("nRF54L15 DK", "nRF54L15", "Cortex-M33", 1524, 256, 128),
    Board("ESP32", "ESP32, Xtensa", None, 4096, 520, 240, 4096 - 1280),
    Board("ESP32-C3", "ESP32-C3", "RV32IMC", 4096, 400, 160, 4096 - 1280),
    Board("ESP32-S3", "ESP32-S3, Xtensa", None, 8192, 512, 240, 8192 - 3264),
    Board("Arduino Uno R3, Nano", "ATmega328P", "ATmega328P", 32, 2, 16, 2),
    Board("Arduino Mega 2560", "ATmega2560", "ATmega328P", 256, 8, 16, 8),
)


@dataclass(frozen=True)
class BoardFit:
    """Whether a network fits a board.

    Attributes:
        left_kb: of flash, for all else; beside the bootloader where it fits beside one.
        measured: whether the code was measured on a core like the board's.
        least_ms: of one picture, if every instruction took one clock: a mean that the board does not go below.
    """

    board: Board
    fit: Fit
    left_kb: int
    measured: bool
    least_ms: float | None


def fit_boards(rows: tuple[Footprint, ...], kernel: KernelRow) -> tuple[BoardFit, ...]:
    """Say of every board whether a network fits; where no core like its own was measured, by the largest footprint.

    Args:
        rows: of the network, on the cores on which the kernel was measured.
        kernel: boards with a core that does not run it are left out.
    """
    by_core = {row.core.removesuffix(f" {kernel.name}"): row for row in rows}
    largest = max(rows, key=lambda row: row.flash_bytes, default=None)
    found = []
    for board in BOARDS:
        own = by_core.get(board.core or "")
        row = own or largest
        if row is None or (kernel.cores and board.core not in kernel.cores):
            continue
        used_kb = -(-row.flash_bytes // 1024)
        left_kb = board.flash_kb - board.taken_kb - used_kb
        holds = used_kb <= board.flash_kb and (board.ram_kb << 10) > row.ram_bytes + row.stack_bytes + 784
        if own is None and board.core and holds and not kernel.cores:
            continue  # code that this board's core does not run
        least_kb = 0 if board.core == AVR else CORE_KB
        fit: Fit = "no" if not holds else "bare" if left_kb < least_kb else "tight" if left_kb < ROOM_KB else "yes"
        steps = own.instructions if own else None
        found.append(BoardFit(board, fit, left_kb, own is not None, steps.mean / board.mhz / 1000 if steps else None))
    return tuple(found)
