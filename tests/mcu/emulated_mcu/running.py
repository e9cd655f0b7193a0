"""Building a program for a core and running it under QEMU, or one for an AVR in simavr."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emulated_mcu.cores import Core

BOARD = Path(__file__).with_name("board")
WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")
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
        instructions: ``(N,)``, of each picture; to about 60, the tick of the clock. Of AVR cycles.
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
    objects = ["-O2", "-ffunction-sections", "-fdata-sections", *core.flags.split()]
    objects += ["-std=gnu99"] if core.toolchain == "avr" else ["-std=c99", "-ffreestanding"]
    pedantic = () if core.toolchain == "avr" else ("-Wpedantic",)  # flash has a name of its own there
    link = ["-Wl,--gc-sections", *_places(core)]
    sources = [str(path) for path in sorted((library / "src").glob("*.c"))]
    compiler = f"{core.toolchain}-gcc"
    for k, source in enumerate(sources):
        run_tool([compiler, *objects, *WARNINGS, *pedantic, "-c", source, "-o", str(output.with_suffix(f".{k}.o"))])
    compiled = [str(output.with_suffix(f".{k}.o")) for k in range(len(sources))]
    own = [str(BOARD / ("start_avr.c" if core.toolchain == "avr" else "start.c")), str(BOARD / f"{program}.c")]
    run_tool([compiler, *objects, *more, f"-I{library / 'src'}", *own, *compiled, *link, "-o", str(output)])
    text, data, bss = map(int, run_tool([f"{core.toolchain}-size", str(output)]).splitlines()[1].split()[:3])
    return Size(text + data, data + bss)


def _places(core: Core) -> list[str]:
    """Say to the linker where flash and RAM are; for AVR the compiler knows."""
    if core.toolchain == "avr":
        return []
    places = {
        "FLASH": core.flash[0],
        "FLASH_BYTES": core.flash[1] << 10,
        "RAM": core.ram[0],
        "RAM_BYTES": core.ram[1] << 10,
    }
    script = [f"-Wl,--defsym={name}={value}" for name, value in places.items()]
    return ["-nostdlib", f"-T{BOARD / 'link.ld'}", *script, "-lgcc"]


def run(core: Core, program: Path) -> None:
    """Run a program until it ends; its files are those beside it.

    Raises:
        RuntimeError: it ends with another status than 0.
    """
    if core.toolchain == "avr":
        simulator = program.with_name("simulator")
        run_tool(["gcc", "-O2", str(BOARD / "simulator.c"), "-o", str(simulator), "-lsimavr", "-lelf"])
        command = [str(simulator), str(program)]
    else:
        command = [
            core.system, "-M", core.machine, "-display", "none", "-monitor", "none", "-serial", "none", "-bios", "none",
            "-semihosting-config", "enable=on,target=native", "-icount", "shift=0", "-kernel", str(program),
        ]  # fmt: skip
    run_tool(command, program.parent)


def answers(core: Core, folder: Path, pictures: int, labels: int) -> Answers:
    """Read what bench.c has written."""
    *ticks, stack = np.fromfile(folder / "figures.bin", "<u4").tolist()
    logits = np.fromfile(folder / "logits.bin", np.int8).reshape(-1, labels)
    if not len(logits) == len(ticks) == pictures:
        raise RuntimeError(f"{core.name} answered {len(logits)} of {pictures} pictures")
    return Answers(logits, np.array(ticks) * (1000 / core.mhz if core.mhz else 1.0), stack)


def run_tool(command: list[str], folder: Path | None = None) -> str:
    """Run a command and return what it says.

    Raises:
        RuntimeError: it ends with another status than 0; says how.
    """
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if done.returncode:
        raise RuntimeError(
            f"{Path(command[0]).name} ended with {done.returncode}: {(done.stderr + done.stdout)[-1500:]}"
        )
    return done.stdout
