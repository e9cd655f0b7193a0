"""Counts instructions: runs a Python script of a board under QEMU with the counting plugin."""

import json
import os
import re
import statistics
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from emulated_pi import needs
from emulated_pi.installation import Installation
from emulated_pi.machine import faces
from emulated_pi.userland import BUILD

SOURCE = Path(__file__).with_name("icount.c")
SCRIPT = Path(__file__).parents[1] / "on_board" / "count_calls.py"
COLD_START = SCRIPT.with_name("cold_start.py")


@dataclass(frozen=True)
class Count:
    """Instructions of one call, the interquartile mean of many: calls may come in two kinds, half of them each.

    Attributes:
        call: ``invoke``, ``classify``, ``public idiom`` or ``noise``.
        spread: (largest - smallest) / middle over all counted calls.
    """

    board: str
    runtime: str
    artifact: str
    call: str
    instructions: int
    spread: float

    @property
    def key(self) -> str:
        """What tells this figure from all others."""
        return f"{self.board} / {self.runtime} / {self.artifact} / {self.call}"


def count(installation: Installation, artifacts: Path, runtime: str) -> tuple[list[Count], dict[str, str]]:
    """Count every artifact in one runtime.

    Returns:
        The figures, and for each artifact that the runtime refuses the reason.
    """
    with tempfile.TemporaryDirectory() as scratch:
        marks = Path(scratch) / "marks"
        lines = _run(installation, [str(SCRIPT), str(artifacts), runtime], marks)
        return evaluate(installation.machine.board.name, runtime, lines, marks.read_text())


def cold_start(installation: Installation, picture: Path, runtime: str) -> int:
    """Count a whole ``predict``, from the start of Python to the answer; bytecode is at hand, as after a first use."""
    with tempfile.TemporaryDirectory() as scratch:
        marks, bytecode = Path(scratch) / "marks", {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": scratch}
        for _ in range(2):
            _run(installation, [str(COLD_START), str(picture), runtime], marks, bytecode)
        (line,) = marks.read_text().splitlines()
        return int(line.split()[1])


def _run(
    installation: Installation, arguments: list[str], marks: Path, more: Mapping[str, str] = MappingProxyType({})
) -> list[dict[str, str | int]]:
    """Run the board's Python in the dynamic QEMU, the only one that takes plugins; ``more`` are variables.

    It needs no namespace: absolute paths are looked for in the userland first, then on this machine.
    """
    machine = installation.machine
    root = _root_with_faces(installation)
    emulator = needs.program(machine.userland.emulator)
    python = machine.userland.root() / "usr/bin" / f"python{machine.userland.python}"
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(machine.home), "PYTHONHOME": str(machine.userland.root() / "usr"),
        "PYTHONPATH": str(installation.packages), "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": "/nonexistent", **more,
    }  # fmt: skip
    """No bytecode, neither read nor written: with it or without, the heap is laid out otherwise, and allocations of
    ONNX Runtime differ by half a percent."""
    plugin = ["-plugin", f"{_plugin(emulator)},out={marks}"]
    fixed = [needs.program("setarch"), "--addr-no-randomize", emulator, "-seed", "0"]
    """Addresses, and the random bytes that a kernel hands to a new process, decide how long some searches take."""
    board = ["-cpu", machine.board.cpu, *plugin, "-L", str(root)]
    command = [*fixed, *board, str(python), "-s", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=root)
    if done.returncode:
        raise RuntimeError(f"counting on {machine.board.name} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def _root_with_faces(installation: Installation) -> Path:
    machine = installation.machine
    root = BUILD / "counting" / f"{machine.userland.name}-{machine.board.name}"
    root.mkdir(parents=True, exist_ok=True)
    places = {name: machine.userland.root() / name for name in ("usr", "bin", "sbin", "lib", "etc")}
    places |= {name: faces(machine.board) / name for name in ("proc", "sys")}
    for name, target in places.items():
        link = root / name
        if not link.is_symlink() or link.readlink() != target:
            link.unlink(missing_ok=True)
            link.symlink_to(target)
    return root


def _plugin(emulator: str) -> Path:
    version = subprocess.run([emulator, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"version (\d+)\.", version)
    if not found:
        raise RuntimeError(f"{emulator} does not say its version: {version!r}")
    plugin = BUILD / "counting" / f"icount-qemu{found[1]}.so"
    if not plugin.exists() or plugin.stat().st_mtime < SOURCE.stat().st_mtime:
        plugin.parent.mkdir(parents=True, exist_ok=True)
        api = 1 if int(found[1]) < 9 else 2
        flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", f"-DAPI_VERSION={api}"]
        subprocess.run([needs.program("cc"), *flags, "-o", str(plugin), str(SOURCE)], check=True)
    return plugin


def evaluate(
    board: str, runtime: str, lines: list[dict[str, str | int]], marks: str
) -> tuple[list[Count], dict[str, str]]:
    """Turn the script's series and the plugin's marks into figures, less what marking itself costs."""
    values: dict[int, list[int]] = {}
    for text in marks.splitlines():
        number, instructions = (int(part) for part in text.split())
        values.setdefault(number, []).append(instructions)

    def calls(series: int) -> list[int]:
        before, after = values[2 * series], values[2 * series + 1]
        return [b - a for a, b in zip(before, after, strict=True)]

    nothing = interquartile_mean(calls(0))
    counts = []
    for line in lines:
        if line.get("series"):
            counted = [value - nothing for value in calls(int(line["series"]))]
            middle = interquartile_mean(counted)
            spread = (max(counted) - min(counted)) / middle
            counts.append(Count(board, runtime, str(line["artifact"]), str(line["call"]), round(middle), spread))
    return counts, {str(line["artifact"]): str(line["refused"]) for line in lines if "refused" in line}


def interquartile_mean(values: Sequence[float]) -> float:
    """Return the mean of the middle half; where two kinds of values meet there, it does not jump as a median does."""
    quarter = len(values) // 4
    return statistics.fmean(sorted(values)[quarter : len(values) - quarter])
