"""The commands that write, as they are killed: command lines, the files that each finds and those that it removes."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from tests import a_device
from tests.crash import count_operations, killed_at


@dataclass(frozen=True)
class Command:
    """A command line that writes.

    Attributes:
        arguments: with names relative to the folder it runs in.
        inputs: of the template, that it finds.
        goes: names that it removes when it succeeds.
    """

    name: str
    arguments: tuple[str, ...]
    inputs: tuple[str, ...]
    goes: tuple[str, ...] = ()

    def run(self, folder: Path) -> None:
        """Run in this process, which is a forked child."""
        status = self.status(folder)
        assert status == 0, status

    def status(self, folder: Path) -> object:
        """Run in this process, and return the exit status."""
        from digitrec_edge.cli import main

        os.chdir(folder)
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        sys.argv = ["digitrec-edge", *self.arguments]
        try:
            main()
        except SystemExit as end:
            return end.code or 0
        return 0

    def kill(self, point: int, folder: Path) -> bool:
        """Run until operation ``point``, counted from 1; returns whether it came to that."""
        return killed_at(point, self.run, folder)

    def count(self, folder: Path) -> int:
        """Run to the end; returns at how many operations it can be killed."""
        return count_operations(self.run, folder)


@dataclass(frozen=True)
class Deploy(Command):
    """A deployment to the device of a folder, killed at the device's operations.

    Attributes:
        desktop: it is this side that is killed, and not the device that loses its power.
    """

    desktop: bool = False

    def run(self, folder: Path) -> None:
        """Run in this process; where the device loses its power, this side ends with 1."""
        from digitrec_edge.remote import resolve, venv

        def small(folder: Path) -> Path:
            folder.mkdir(exist_ok=True)
            path = folder / "digitrec_edge-0-py3-none-any.whl"
            path.write_bytes(bytes(100_000))
            return path

        device, venv.pack_wheel = folder / DEVICE, small  # type: ignore[attr-defined]
        resolve.fetch = lambda names, machine, to, *rest: [small(to)]
        os.environ.update(a_device.environment(device))
        if self.desktop:
            a_device.power_on(device, a_device.point(device), os.getpid())
        status = self.status(folder)
        assert status == int(a_device.lost_power(device)), status

    def kill(self, point: int, folder: Path) -> bool:
        """Run until the device's operation ``point``."""
        device = folder / DEVICE
        a_device.power_on(device, point)
        killed = killed_at(a_device.NEVER, self.run, folder)
        a_device.wait_until_quiet(device)
        return killed or a_device.lost_power(device)

    def count(self, folder: Path) -> int:
        """Run to the end; returns how many operations the device had."""
        assert not self.kill(a_device.NEVER, folder)
        return a_device.operations(folder / DEVICE)


MODEL = ("model.keras", "model.history.json")
DATA = ("--data", "data.npz")
ARTIFACTS = ("artifacts",)
DEVICE = "device"
DEPLOY, ROLLBACK = (("deploy", what, "--host", "pi") for what in ("artifacts/digitrec-int8.tflite", "--rollback"))
OLDEST = "device/home/digitrec-edge/artifacts/0123456789ab"
"""What a deployment removes from the device: the artifact from before the last."""

GONE = (OLDEST, f"{OLDEST}/digitrec-int8.tflite")
COMMANDS = (
    Command("train", ("train", "--epochs", "1", *DATA, "-o", "model.keras"), (*MODEL, "data.npz")),
    Command(
        "train --resume",
        ("train", "--resume", *DATA, "-o", "model.keras"),
        (*MODEL, "model.checkpoint.npz", "data.npz"),
        goes=("model.checkpoint.npz",),
    ),
    Command(
        "export",
        ("export", "model.keras", "--int8", "--onnx", *DATA, "-o", "artifacts"),
        (*MODEL, *ARTIFACTS, "data.npz"),
        goes=("artifacts/digitrec-int8.tflite.sig",),  # it is of the artifact before
    ),
    Command("sign", ("sign", "artifacts/digitrec-int8.tflite", "--key", "key.pem"), (*ARTIFACTS, "key.pem")),
    Command(
        "inspect --bom",
        ("inspect", "artifacts/digitrec-int8.tflite", "--bom", "bom.json"),
        (*ARTIFACTS, "bom.json"),
    ),
    Command(
        "benchmark",
        ("benchmark", "artifacts/digitrec-int8.tflite", "--quick", *DATA, "--json", "b.json", "--csv", "b.csv"),
        (*ARTIFACTS, "data.npz", "b.json", "b.csv"),
    ),
    Command("robustness", ("robustness", *DATA, "--json", "r.json"), ("data.npz", "r.json")),
    Command(
        "report",
        ("report", ".", "--output", "report.html", *DATA),
        (*MODEL, *ARTIFACTS, "b.json", "report.html", "data.npz"),
    ),
    Command("predict --explain", ("predict", "digit.png", "--explain", "strip.png"), ("digit.png", "strip.png")),
    Deploy("deploy, the device loses its power", DEPLOY, (*ARTIFACTS, DEVICE), GONE),
    Deploy("deploy, this side is killed", DEPLOY, (*ARTIFACTS, DEVICE), GONE, desktop=True),
    Deploy("deploy --rollback, the device loses its power", ROLLBACK, (DEVICE,)),
    Deploy("deploy --rollback, this side is killed", ROLLBACK, (DEVICE,), desktop=True),
)
