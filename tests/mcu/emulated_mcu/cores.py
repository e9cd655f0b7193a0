"""The processors that are emulated: how to compile for each, and what QEMU calls a board that has one."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Core:
    """A row of the table.

    Attributes:
        name: in the table of figures.
        flags: of the compiler.
        machine: of QEMU.
        flash, ram: where each begins, and how many KB it has.
        mhz: of the clock that counts; 0 where instructions, or on AVR cycles, are counted themselves.
        kernel: that the figures are of.
        toolchain: prefix of the compiler's name.
        networks: that fit.
    """

    name: str
    flags: str
    machine: str
    flash: tuple[int, int]
    ram: tuple[int, int]
    mhz: int
    kernel: str = "portable"
    toolchain: str = "arm-none-eabi"
    networks: tuple[str, ...] = ("int8", "int4", "tiny")

    @property
    def system(self) -> str:
        """The program that emulates it."""
        return {"avr": "simavr", "riscv64-unknown-elf": "qemu-system-riscv32"}.get(self.toolchain, "qemu-system-arm")


_MPS2 = ((0, 4096), (0x20000000, 1024), 25)
_M55 = ((0x10000000, 512), (0x30000000, 512), 32)
_THUMB = "-mthumb -mcpu=cortex-"
_HARD = " -mfloat-abi=hard"

CORES = (
    Core("Cortex-M0", f"{_THUMB}m0", "microbit", (0, 256), (0x20000000, 16), 16),
    Core("Cortex-M3", f"{_THUMB}m3", "mps2-an385", *_MPS2),
    Core("Cortex-M4", f"{_THUMB}m4{_HARD}", "mps2-an386", *_MPS2),
    Core("Cortex-M4 dsp", f"{_THUMB}m4{_HARD}", "mps2-an386", *_MPS2, kernel="dsp", networks=("int8",)),
    Core("Cortex-M7", f"{_THUMB}m7{_HARD}", "mps2-an500", *_MPS2),
    Core("Cortex-M33", f"{_THUMB}m33{_HARD}", "mps2-an505", (0x10000000, 2048), (0x38000000, 1024), 20),
    Core("Cortex-M55", f"{_THUMB}m55{_HARD}", "mps3-an547", *_M55),
    Core("Cortex-M55 mve", f"{_THUMB}m55{_HARD}", "mps3-an547", *_M55, kernel="mve", networks=("int8",)),
    Core(
        "RV32IMC", "-march=rv32imc -misa-spec=2.2 -mabi=ilp32", "virt", (0x80000000, 4096), (0x80800000, 1024), 0,
        toolchain="riscv64-unknown-elf",
    ),
    Core("ATmega328P", "-mmcu=atmega328p", "uno", (0, 32), (0, 2), 0, toolchain="avr", networks=("tiny",)),
)  # fmt: skip
