"""The environment on a device: what pip is asked for there."""

import dataclasses
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from digitrec_edge.installation.machine import describe_machine
from digitrec_edge.remote import resolve, venv
from digitrec_edge.remote.device import Device
from digitrec_edge.remote.pack import pack_wheel
from digitrec_edge.remote.ssh import Completed

DEVICE = Device(dataclasses.replace(describe_machine(), numpy=None), "/home/pi", 1 << 33, ())


class Told:
    """In the place of a connection: everything goes well there, and nothing happens."""

    host = "pi"

    def __init__(self) -> None:
        self.programs: list[Sequence[str]] = []

    def examine(self, paths: Sequence[str]) -> Device:
        return DEVICE

    def send(self, files: Sequence[Path], folder: str) -> None:
        pass

    def remove(self, *paths: str) -> None:
        pass

    def run(self, argv: Sequence[str], *rest: Any, **options: Any) -> Completed:
        self.programs.append(argv)
        return Completed(0, {}, ())


@pytest.mark.parametrize("extras", [(), ("tflite",), ("tflite", "onnx")])
def test_pip_finds_the_wheel_that_it_is_asked_for(
    extras: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolve, "fetch", lambda *rest: [tmp_path / "pip.whl"])
    monkeypatch.setattr(resolve, "constraint_lines", list)
    connection: Any = Told()
    venv.prepare(connection, DEVICE, extras)
    (asked,) = (argv[-1] for argv in connection.programs if "install" in argv)
    pack_wheel(tmp_path / "wheels")
    options = ("--quiet", "--dry-run", "--report=-", "--no-deps", "--no-index", "--ignore-installed")
    command = [sys.executable, "-m", "pip", "install", *options, asked]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["install"]
    assert found["metadata"]["name"] == "digitrec-edge"
    assert {*found.get("requested_extras", [])} == {*extras}
