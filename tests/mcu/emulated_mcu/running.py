"""Building a program for a core and running it under QEMU."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emulated_mcu.cores import Core

BOARD = Path(__file__).with_name("board")
WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Wshadow", "-Werror")
TIMEOUT_S = 600


@dataclass(frozen=True)
class Size:
    """Of a linked program, in bytes."""

    flash: int
    ram: int


@dataclass(frozen=True)
class Answers:
    """What a core answered.

    Attributes:
        logits: ``(N, 10) int8``.
        instructions: ``(N,)``, of each picture; to about 60, the tick of the clock.
        stack_bytes: of a call, at its deepest.
    """

    logits: NDArray[np.int8]
    instructions: NDArray[np.float64]
    stack_bytes: int


def build(core: Core, library: Path, program: str, output: Path, *more: str) -> Size:
    """Compile a library and a program of board/ for a core, and link them.

    Raises:
        RuntimeError: the compiler has something to say, or the program does not fit the core's flash.
    """
    objects = ["-std=c99", "-O2", "-ffreestanding", "-ffunction-sections", "-fdata-sections", *core.flags.split()]
    places = {
        "FLASH": core.flash[0],
        "FLASH_BYTES": core.flash[1] << 10,
        "RAM": core.ram[0],
        "RAM_BYTES": core.ram[1] << 10,
    }
    link = ["-nostdlib", "-Wl,--gc-sections", f"-T{BOARD / 'link.ld'}"]
    link += [f"-Wl,--defsym={name}={value}" for name, value in places.items()]
    sources = [str(path) for path in sorted((library / "src").glob("*.c"))]
    compiler = f"{core.toolchain}-gcc"
    for k, source in enumerate(sources):
        _run([compiler, *objects, *WARNINGS, "-c", source, "-o", str(output.with_suffix(f".{k}.o"))])
    compiled = [str(output.with_suffix(f".{k}.o")) for k in range(len(sources))]
    own = [str(BOARD / "start.c"), str(BOARD / f"{program}.c")]
    _run([compiler, *objects, *more, f"-I{library / 'src'}", *own, *compiled, *link, "-lgcc", "-o", str(output)])
    text, data, bss = map(int, _run([f"{core.toolchain}-size", str(output)]).splitlines()[1].split()[:3])
    return Size(text + data, data + bss)


def run(core: Core, program: Path) -> None:
    """Run a program until it ends; its files are those beside it.

    Raises:
        RuntimeError: it ends with another status than 0.
    """
    _run(
        [
            core.system, "-M", core.machine, "-display", "none", "-monitor", "none", "-serial", "none", "-bios", "none",
            "-semihosting-config", "enable=on,target=native", "-icount", "shift=0", "-kernel", str(program),
        ],
        program.parent,
    )  # fmt: skip


def answers(core: Core, folder: Path, pictures: int, labels: int) -> Answers:
    """Read what bench.c has written."""
    *ticks, stack = np.fromfile(folder / "figures.bin", "<u4").tolist()
    logits = np.fromfile(folder / "logits.bin", np.int8).reshape(-1, labels)
    if not len(logits) == len(ticks) == pictures:
        raise RuntimeError(f"{core.name} answered {len(logits)} of {pictures} pictures")
    return Answers(logits, np.array(ticks) * (1000 / core.mhz if core.mhz else 1.0), stack)


def _run(command: list[str], folder: Path | None = None) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if done.returncode:
        raise RuntimeError(
            f"{Path(command[0]).name} ended with {done.returncode}: {(done.stderr + done.stdout)[-1500:]}"
        )
    return done.stdout
