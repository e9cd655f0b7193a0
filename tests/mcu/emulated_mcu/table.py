"""The table of figures: measured, compared byte for byte, held against the accepted one, written into package and docs.

``python -m emulated_mcu.table`` measures and prints; with ``--accept`` the figures become those that the package
publishes and that later ones are held against, and the tables in the docs are written anew.
"""

import argparse
import dataclasses
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.dense.boards import fit_boards
from digitrec_edge.dense.c_readme import board_lines, figure_lines
from digitrec_edge.dense.c_tables import answers as numpy_answers
from digitrec_edge.dense.footprint import FIGURES, Figure, Figures, Instructions, footprints, measured_figures
from digitrec_edge.dense.packing import KERNELS, find_kernel
from digitrec_edge.dense.rounding import ROUNDINGS, Rounding, find_rounding
from digitrec_edge.files import write_file
from digitrec_edge.records import parse
from emulated_mcu import needs, networks
from emulated_mcu.cores import CORES, Core
from emulated_mcu.running import answers, build, run
from emulated_mcu.sketches import RAM_BYTES, SAYS, run_on_uno

ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT / "docs" / "microcontrollers.md"
README = ROOT / "README.md"
SHORT = (
    ("Cortex-M0", "int8"),
    ("Cortex-M4", "int8"),
    ("Cortex-M55 mve", "int8"),
    ("RV32IMC", "int8"),
    ("Cortex-M4", "int4"),
    ("Cortex-M4", "tiny"),
    ("ATmega328P", "tiny"),
)
"""Cores and networks of the rows in README.md."""
MOST_GROWTH = 0.02
AT_A_TIME = 2
OTHERS = 500
"""Test images for each of the roundings that are not LiteRT's, on each core."""
GOALS = {"Cortex-M4": 190_000, "Cortex-M0": 460_000, "Cortex-M55 mve": 70_000}
"""Mean instructions, int8."""
MOST_RAM, MOST_FLASH = 2_355, {"int8": 260_000, "int4": 133 << 10, "tiny": 16 << 10}
"""Static RAM and stack together, 2.3 KB; and flash by network."""


@dataclass(frozen=True)
class Case:
    """What is run: a network with a rounding on a core, over so many test images; None is all of them.

    Attributes:
        network: its name in the table.
        other: the file of a network that is in no table.
    """

    core: Core
    network: str
    rounding: Rounding
    test: int | None
    other: Path | None = None

    @property
    def model(self) -> Path:
        """The file of the network."""
        return self.other or networks.MODELS[self.network]

    @property
    def name(self) -> str:
        """Tells it from the others."""
        return f"{self.core.name} / {self.network} / {self.rounding.name}"


def cases() -> list[Case]:
    """Return all of them, the long ones first: each core over all images with LiteRT's rounding, then the others."""
    long = sorted(CORES, key=lambda core: core.kernel != "mve")
    full = [Case(core, name, ROUNDINGS[0], None) for name in networks.MODELS for core in long if name in core.networks]
    others = [Case(core, core.networks[0], rounding, OTHERS) for rounding in ROUNDINGS[1:] for core in CORES]
    return full + others


class Oracles:
    """Who is right: LiteRT where it is its rounding, numpy for the others; each asked once."""

    def __init__(self, models: Iterable[Path]) -> None:
        self.pictures = networks.pictures()
        self._litert = {model: networks.litert_answers(model, self.pictures.images) for model in models}

    def expected(self, case: Case, images: NDArray[np.uint8]) -> NDArray[np.int8]:
        """Return the logits of a case, int8."""
        if case.rounding is ROUNDINGS[0] and case.test is None:
            return self._litert[case.model]
        return numpy_answers(networks.tables(case.model, case.rounding, find_kernel(case.core.kernel)), images)


def against_tflite_micro(shown: networks.Pictures) -> list[str]:
    """Compare numpy, the oracle of TFLite Micro's rounding, with TFLite Micro's interpreter; a line if they differ."""
    try:
        told = networks.tflite_micro_answers(networks.MODELS["int8"], shown.images)
    except ImportError:
        print(
            "tflite-micro is not installed (its wheel is for CPython 3.11 alone): numpy alone says what its bytes are"
        )
        return []
    expected = numpy_answers(
        networks.tables(networks.MODELS["int8"], find_rounding("tflite-micro"), KERNELS[0]), shown.images
    )
    wrong = int((told != expected).sum())
    print(f"TFLite Micro's interpreter and numpy: {wrong} logits of {told.size:,} differ", flush=True)
    return [f"TFLite Micro's interpreter and numpy differ in {wrong} logits"] if wrong else []


def sketches_on_uno() -> list[str]:
    """Run the Arduino sketches of the tiny network on an Uno; a line for each that does not do what it should."""
    found, lines = networks.tables(networks.MODELS["tiny"], ROUNDINGS[0], KERNELS[0]), []
    with tempfile.TemporaryDirectory() as name:
        networks.write_library(found, Path(name) / "library")
        for sketch in SAYS:
            try:
                us, ram = run_on_uno(Path(name) / "library", sketch, Path(name) / sketch)
            except RuntimeError as error:
                lines.append(f"Arduino Uno: {error}")
            else:
                print(f"Arduino Uno / {sketch}: {us:,} microseconds, {ram:,} of {RAM_BYTES:,} bytes of RAM", flush=True)
    return lines


def measure(case: Case, oracles: Oracles) -> tuple[Figure, int]:
    """Build and run a case; returns its figures, and how many logits are not the oracle's.

    Raises:
        RuntimeError: it does not compile, fit or end; or its self-test finds something.
    """
    shown = oracles.pictures if case.test is None else networks.pictures(case.test)
    found = networks.tables(case.model, case.rounding, find_kernel(case.core.kernel))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        networks.write_library(found, folder / "library")
        least = build(case.core, folder / "library", "least", folder / "least.elf")
        tested = build(case.core, folder / "library", "least", folder / "tested.elf", "-DWITH_SELF_TEST")
        run(case.core, folder / "tested.elf")
        build(case.core, folder / "library", "bench", folder / "bench.elf")
        shown.images.tofile(folder / "images.bin")
        run(case.core, folder / "bench.elf")
        told = answers(case.core, folder, len(shown.images), len(networks.LABELS))
    wrong = int((told.logits != oracles.expected(case, shown.images)).sum())
    digits, noise = told.instructions[: shown.test], told.instructions[shown.test :]
    steps = Instructions(*(round(float(each)) for each in (digits.mean(), digits.min(), digits.max(), noise.max())))
    picture, core = 784, case.core
    return Figure(
        core.name, case.network, found.bits, core.kernel, found.sizes, least.flash, tested.flash - least.flash,
        least.ram - picture, told.stack_bytes, steps,
    ), wrong  # fmt: skip


def measure_all() -> tuple[Figures, list[str]]:
    """Measure every case, two at a time; returns the published figures, and a line for each case that is wrong."""
    oracles = Oracles(networks.MODELS.values())

    def one(case: Case) -> tuple[Figure, int]:
        figure, wrong = measure(case, oracles)
        print(f"{case.name}: {wrong} logits differ, {figure.instructions.mean:,} instructions", flush=True)
        return figure, wrong

    lines, plan = [*against_tflite_micro(oracles.pictures), *sketches_on_uno()], cases()
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        results = list(pool.map(one, plan))
    lines += [
        f"{case.name}: {wrong} logits are not the oracle's"
        for case, (_, wrong) in zip(plan, results, strict=True)
        if wrong
    ]
    kept = {case.name: figure for case, (figure, _) in zip(plan, results, strict=True) if case.test is None}
    order = [f"{core.name} / {name} / {ROUNDINGS[0].name}" for name in networks.MODELS for core in CORES]
    return Figures(tools(), tuple(kept[name] for name in order if name in kept)), lines


def tools() -> dict[str, str]:
    """Return the versions of compilers and emulator."""
    found = {}
    for program, name in (
        ("arm-none-eabi-gcc", "gcc for Arm"),
        ("riscv64-unknown-elf-gcc", "gcc for RISC-V"),
        ("avr-gcc", "gcc for AVR"),
        ("qemu-system-arm", "QEMU"),
    ):
        text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        found[name] = re.search(r"\d+\.\d+\.\d+", text.partition("\n")[0].rpartition(")")[2] or text).group()  # type: ignore[union-attr]
    return found


def regressions(accepted: Figures, measured: Figures) -> list[str]:
    """Return one line for each figure that grew by more than 2 %, is new, or is gone."""
    lines = []
    before, now = _numbers(accepted), _numbers(measured)
    for key in sorted(before.keys() | now.keys()):
        if key not in now:
            lines.append(f"{key}: was not measured; it was {before[key]:,}")
        elif key not in before:
            lines.append(f"{key}: {now[key]:,}, and no accepted figure; type: make mcu-accept")
        elif now[key] > before[key] * (1 + MOST_GROWTH):
            lines.append(f"{key}: {now[key]:,}, {now[key] / before[key] - 1:+.1%} over the accepted {before[key]:,}")
    return lines


def missed(figures: Figures) -> list[str]:
    """Return one line for each goal that is not met."""
    lines = []
    for figure in figures.figures:
        name = f"{figure.core} / {figure.network}"
        goal, ram = GOALS.get(figure.core), figure.ram_bytes + figure.stack_bytes
        if goal and figure.network == "int8" and figure.instructions.mean > goal:
            lines.append(f"{name}: {figure.instructions.mean:,} instructions, the goal is {goal:,}")
        if figure.flash_bytes > MOST_FLASH[figure.network]:
            lines.append(f"{name}: {figure.flash_bytes:,} bytes of flash, the goal is {MOST_FLASH[figure.network]:,}")
        if figure.kernel != "dsp" and ram > MOST_RAM:
            lines.append(f"{name}: {ram:,} bytes of RAM and stack, the goal is {MOST_RAM:,}")
    return lines


def _numbers(figures: Figures) -> dict[str, int]:
    found = {}
    for figure in figures.figures:
        raw = dataclasses.asdict(figure)
        for name, value in {**raw, **raw["instructions"]}.items():
            if type(value) is int and name not in ("bits", "stack_bytes"):
                found[f"{figure.core} / {figure.network} / {name}"] = value
    return found


def accepted() -> Figures:
    """Read the figures that the package publishes."""
    return parse(Figures, json.loads(FIGURES.read_text()))


def save(figures: Figures, path: Path) -> None:
    """Write figures as JSON."""
    write_file(path, (json.dumps(dataclasses.asdict(figures), indent=1) + "\n").encode())


def document_lines() -> dict[str, str]:
    """Return the tables of the document, by the name of their place, from the accepted figures."""
    found: dict[str, str] = {}
    for network, model in networks.MODELS.items():
        kernels = ("portable", "dsp", "mve") if network == "int8" else ("portable",)
        portable, *others = (footprints(networks.tables(model, ROUNDINGS[0], find_kernel(name))) for name in kernels)
        found[network] = "\n".join(figure_lines(tuple(chain(portable, *others))))
        found[f"boards-{network}"] = "\n".join(board_lines(fit_boards(portable, KERNELS[0])))
    return found


def readme_lines() -> dict[str, str]:
    """Return the short table of README.md."""
    lines = [
        "| core | network | flash | RAM and stack | instructions, mean | noise without a 0 |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for figure in accepted().figures:
        if (figure.core, figure.network) in SHORT:
            ram, taken = figure.ram_bytes + figure.stack_bytes, figure.instructions
            lines.append(
                f"| {figure.core} | {figure.network} | {figure.flash_bytes:,} | {ram:,} "
                f"| {taken.mean:,} | {taken.slowest:,} |"
            )
    return {"mcu": "\n".join(lines)}


def write_document(path: Path, places: dict[str, str]) -> None:
    """Put tables between their marks."""
    text = path.read_text()
    for name, body in places.items():
        before, start, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        if not end:
            raise RuntimeError(f"{path} has no marks to put {name} between")
        text = f"{before}{start}{body}\n{end}{after}"
    write_file(path, text.encode())


def main() -> int:
    """Measure, compare, save; fail when a byte differs, a figure grew or a goal is missed."""
    parser = argparse.ArgumentParser(prog="table")
    parser.add_argument("--accept", action="store_true", help="publish these figures, and hold later ones against them")
    options = parser.parse_args()
    if needs.absent():
        return needs.main()
    figures, wrong = measure_all()
    if options.accept and not wrong:
        save(figures, FIGURES)
        measured_figures.cache_clear()
        write_document(DOCUMENT, document_lines())
        write_document(README, readme_lines())
        print(f"accepted: {', '.join(str(path.relative_to(ROOT)) for path in (FIGURES, DOCUMENT, README))}")
    lines = [*wrong, *missed(figures), *([] if options.accept else regressions(accepted(), figures))]
    print(
        "\n".join(lines)
        or f"every byte is the oracle's, every goal is met, no figure grew by more than {MOST_GROWTH:.0%}"
    )
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
