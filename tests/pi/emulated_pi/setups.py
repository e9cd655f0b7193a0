"""The boards that are tested: which Raspberry Pi, or other board, with which userland, extras and runtimes."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from emulated_pi.boards import PI2, PI4, PI5, RISCV, Board
from emulated_pi.installation import Installation, build_wheel, install
from emulated_pi.userland import BOOKWORM, BOOKWORM_32, FORKY, TRIXIE, TRIXIE_RISCV, Userland


@dataclass(frozen=True)
class Setup:
    """A board as it is tested.

    Attributes:
        runtimes: what the extras put there.
        benchmarks: artifacts that are verified and benchmarked there in each of its runtimes, a minute of emulation
            for each.
        answers: artifacts whose answers to the whole test set are compared; empty for all that there are.
    """

    name: str
    board: Board
    userland: Userland
    extras: tuple[str, ...]
    runtimes: tuple[str, ...]
    benchmarks: tuple[str, ...] = ("digitrec-int8.tflite",)
    answers: tuple[str, ...] = ()


_ONE_OF_EACH_KERNEL = ("digitrec-float32.tflite", "digitrec-int4.tflite", "digitrec-int8.tflite", "golden.npz")
"""For a board whose processor and kernels are those of another; with what a benchmark holds them against."""

SETUPS = (
    Setup("Pi 4, Bookworm, tflite", PI4, BOOKWORM, ("tflite",), ("tflite-runtime", "native")),
    Setup(
        "Pi 5, Bookworm, litert and onnx",
        PI5,
        BOOKWORM,
        ("litert", "onnx"),
        ("litert", "onnxruntime", "native"),
        ("digitrec-int8.tflite", "digitrec-int8.onnx"),
    ),
    Setup("Pi 5, Trixie, litert", PI5, TRIXIE, ("litert",), ("litert", "native"), answers=_ONE_OF_EACH_KERNEL),
    Setup("Pi 5, Forky, litert and onnx", PI5, FORKY, ("litert", "onnx"), ("litert", "onnxruntime", "native")),
    Setup("RISC-V, Trixie, no extra", RISCV, TRIXIE_RISCV, (), ("native",)),
    Setup("Pi 2, Bookworm of 32 bits, tflite", PI2, BOOKWORM_32, ("tflite",), ("tflite-runtime", "native")),
)
COUNTED = (
    SETUPS[0],
    Setup("Pi 4, Bookworm, litert and onnx", PI4, BOOKWORM, ("litert", "onnx"), ("litert", "onnxruntime")),
    Setup("Pi 5, Bookworm, tflite", PI5, BOOKWORM, ("tflite",), ("tflite-runtime",)),
    Setup("Pi 2, Bookworm of 32 bits, native", PI2, BOOKWORM_32, ("tflite",), ("native",)),
    SETUPS[1],
)
"""Those whose instructions are counted: every runtime on Pi 4 and Pi 5, and in 32 bits our own kernels."""

STARTED = (SETUPS[0], SETUPS[1], Setup("Pi 5, Bookworm, no extra", PI5, BOOKWORM, (), ("native",)))
"""Where a whole ``predict`` is counted, each with its first runtime, which ``auto`` takes."""


@cache
def wheel() -> Path:
    """Return the project's wheel, built once a process."""
    return build_wheel()


@cache
def installed(setup: Setup) -> Installation:
    """Return the board with the project on it."""
    return install(setup.userland, setup.board, setup.extras, wheel())
