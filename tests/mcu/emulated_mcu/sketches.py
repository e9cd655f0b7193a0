"""The library's Arduino sketches on an Uno: compiled with Arduino's own core, run in simavr, read from its port."""

import re
import subprocess
import threading
from pathlib import Path

from emulated_mcu.needs import ARDUINO
from emulated_mcu.running import run_tool

LEFT_OUT = ("WString.cpp",)
"""Of Arduino's core: no sketch here needs it, and gcc 5.4 does not compile it."""
RAM_BYTES = 2048
LEAST_STACK = 200
"""Bytes that must be left for it: a call takes half of them, and an interrupt may come at any time."""
TIMEOUT_S = 60
SAYS = {"SelfTest": r"good, after us: (\d+)", "ReadDigit": r"number \d, us: (\d+)"}


def run_on_uno(library: Path, sketch: str, folder: Path) -> tuple[int, int]:
    """Compile a sketch and run it until it has said what it should.

    Args:
        library: folder of the unpacked library.
        sketch: name of one of its examples.
        folder: for what is compiled.

    Returns:
        Microseconds that it told, and bytes of static RAM.

    Raises:
        RuntimeError: it does not compile, leaves too little RAM, or says something else.
    """
    program = _compile(library, sketch, folder)
    _, data, bss, *_ = run_tool(["avr-size", str(program)]).splitlines()[1].split()
    if (ram := int(data) + int(bss)) > RAM_BYTES - LEAST_STACK:
        raise RuntimeError(f"{sketch} takes {ram:,} bytes of RAM, {RAM_BYTES - LEAST_STACK:,} are left by the stack")
    line = _first_line(["simavr", "-m", "atmega328p", "-f", "16000000", str(program)])
    told = re.search(SAYS[sketch], line)
    if not told:
        raise RuntimeError(f"{sketch} says {line!r}, expected was {SAYS[sketch]!r}")
    return int(told[1]), ram


def _compile(library: Path, sketch: str, folder: Path) -> Path:
    folder.mkdir(parents=True)
    shared = ["-mmcu=atmega328p", "-DF_CPU=16000000L", "-DARDUINO=10819", "-DARDUINO_AVR_UNO", "-DARDUINO_ARCH_AVR"]
    shared += ["-Os", "-w", "-flto", "-ffunction-sections", "-fdata-sections"]
    shared += [f"-I{ARDUINO / place}" for place in ("cores/arduino", "variants/standard")] + [f"-I{library / 'src'}"]
    example = library / "examples" / sketch / f"{sketch}.ino"
    whole = folder / f"{sketch}.cpp"
    whole.write_text("#include <Arduino.h>\n" + example.read_text())
    core = [path for path in (ARDUINO / "cores" / "arduino").iterdir() if path.name not in LEFT_OUT]
    compilers = {
        ".c": ["avr-gcc", "-std=gnu11"],
        ".cpp": ["avr-g++", "-std=gnu++11", "-fpermissive", "-fno-exceptions"],
    }
    objects = []
    for source in [*core, *(library / "src").glob("*.c"), whole]:
        if source.suffix in compilers:
            objects.append(str(folder / f"{source.name}.o"))
            run_tool([*compilers[source.suffix], *shared, "-c", str(source), "-o", objects[-1]])
    program = folder / f"{sketch}.elf"
    run_tool(["avr-gcc", *shared, "-fuse-linker-plugin", "-Wl,--gc-sections", *objects, "-lm", "-o", str(program)])
    return program


def _first_line(command: list[str]) -> str:
    """Return what a program that never ends says first."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        assert running.stdout
        watch = threading.Timer(TIMEOUT_S, running.kill)
        watch.start()
        try:
            return next((line for line in running.stdout if line.strip() and not line.startswith("Loaded")), "")
        finally:
            watch.cancel()
            running.kill()
