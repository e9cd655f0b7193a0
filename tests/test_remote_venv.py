"""The environment on a device: what pip is asked for there, and whose it is while it is made."""

import dataclasses
import fcntl
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from digitrec_edge.errors import RemoteError
from digitrec_edge.installation.machine import describe_machine
from digitrec_edge.remote import resolve, venv
from digitrec_edge.remote.device import Device
from digitrec_edge.remote.pack import pack_wheel
from digitrec_edge.remote.ssh import Completed, Connection
from tests import a_device

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
    assert asked.partition(".whl")[2] == (f"[{','.join(extras)}]" if extras else "")  # older pips report no extras


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Home folder of a device that is this machine."""
    monkeypatch.setattr(venv, "pack_wheel", a_device.small_wheel)
    monkeypatch.setattr(resolve, "fetch", lambda names, machine, to, *rest: [a_device.small_wheel(to)])
    monkeypatch.setattr(resolve, "constraint_lines", list)
    a_device.make(tmp_path / "device")
    for name, value in a_device.environment(tmp_path / "device").items():
        monkeypatch.setenv(name, value)
    return tmp_path / "device" / "home"


def test_what_another_desk_is_at_is_left_alone(home: Path) -> None:
    with Connection("pi", 60) as connection:
        device = connection.examine()
        made = venv.prepare(connection, device, ())
        folder = home / made.folder.removeprefix("~/")
        (folder / "ready").rename(folder / "claim-of-another")
        left = sorted(folder.iterdir())
        with (home / ".cache" / "digitrec-edge" / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with pytest.raises(RemoteError, match="^pi: another digitrec-edge is at work there; wait for it$"):
                venv.prepare(connection, device, ())
        assert sorted(folder.iterdir()) == left
        steps: list[str] = []
        venv.prepare(connection, device, (), steps.append)
    assert "making the environment" in steps, "nobody is at it any more"


def test_of_two_desks_that_make_one_environment_the_last_to_begin_makes_it(home: Path) -> None:
    with Connection("pi", 60) as one, Connection("pi.local", 60) as other:
        device = one.examine()

        def cut_in(step: str) -> None:
            if step == "making the environment":
                venv.prepare(other, device, ())

        with pytest.raises(RemoteError, match="^pi: another digitrec-edge is at work there; wait for it$"):
            venv.prepare(one, device, (), cut_in)
        steps: list[str] = []
        made = venv.prepare(one, device, (), steps.append)
    assert not steps
    assert sorted(path.name for path in (home / made.folder.removeprefix("~/")).iterdir()) == ["env", "ready"]
