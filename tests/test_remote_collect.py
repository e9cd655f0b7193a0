"""The collections of devices come home over ssh; a device is this machine, behind a program in the place of ssh."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from digitrec_edge.collection import Collection
from digitrec_edge.remote import collect as collecting
from digitrec_edge.remote.collect import REMOTE_PATH, Collected, collect
from digitrec_edge.remote.ssh import Connection
from tests import a_device
from tests.collected import kept
from tests.test_child import wait_for

NO_NAME = "ssh: Could not resolve hostname nowhere: Name or service not known"
UNKNOWN = f'case "$*" in *nowhere*) echo "{NO_NAME}" >&2; exit 255;; esac'


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the home of a device whose collection somebody has open."""
    folder = tmp_path / "device"
    a_device.make(folder)
    program = folder / "programs" / "ssh"
    first, rest = program.read_text().split("\n", 1)
    program.write_text(f"{first}\n{UNKNOWN}\n{rest}")
    for name, value in a_device.environment(folder).items():
        monkeypatch.setenv(name, value)
    return folder / "home"


def bring(path: str, into: Collection) -> Collected:
    return collect(Connection("pi@one", 60), path, into)


def left_over(home: Path) -> list[Path]:
    return [*(home / ".cache" / "digitrec-edge").glob("collect-*")]


def test_what_a_device_kept_comes_home_once_while_it_goes_on_keeping(device: Path, tmp_path: Path) -> None:
    with (
        Collection(device / "digitrec-edge" / "collection.sqlite") as there,
        Collection(tmp_path / "home.sqlite") as here,
    ):
        names = there.keep_all([kept(k) for k in range(5)])
        there.correct(names[0], 3, "ada")
        first = bring(REMOTE_PATH, here)
        assert first.error == ""
        assert first.merged
        assert (first.merged.items, first.merged.new, first.merged.corrections) == (5, 5, 1)
        there.keep(kept(5))
        second = bring(REMOTE_PATH, here)
        assert second.merged
        assert (second.merged.items, second.merged.new, second.merged.corrections) == (6, 1, 0)
        assert here.counts().items == there.counts().items == 6
        assert here.picture(names[4]) == b"picture 4"
    assert not left_over(device)


def test_a_device_without_a_collection_or_with_another_file_says_so(device: Path, tmp_path: Path) -> None:
    (device / "text").write_text("hello\n" * 1000)
    with Collection(tmp_path / "home.sqlite") as here:
        place = f"{device}/digitrec-edge/collection.sqlite; say where the device keeps it: --remote-path"
        for path in (REMOTE_PATH, "digitrec-edge/collection.sqlite", f"{device}/digitrec-edge/collection.sqlite"):
            assert bring(path, here).error == f"there is no {place}"
        assert "cannot be copied: file is not a database" in bring("~/text", here).error
        assert bring("/" + 300 * "a", here).error.startswith("this login cannot get at it (File name too long): /aaa")
        assert here.counts().items == 0
    assert not left_over(device)


def test_a_collection_that_is_too_large_to_come_is_told_with_what_to_type(
    device: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "COPY_BYTES", 100_000)
    with Collection(device / "digitrec-edge" / "collection.sqlite") as there:
        there.keep(kept(1, picture=bytes(200_000)))
        with Collection(tmp_path / "home.sqlite") as here:
            error = bring(REMOTE_PATH, here).error
    assert (
        "bytes, at most 100,000 are fetched; stop what keeps there, copy it with scp, and type: digitrec-edge" in error
    )
    assert not left_over(device)


def test_a_device_from_which_nothing_comes_leaves_no_empty_collection_and_no_tables(
    device: Path, tmp_path: Path, cli: Callable[..., Any]
) -> None:
    done = cli("collect", "home.sqlite", "--host", "pi@one", cwd=tmp_path, ok=False)
    assert done.returncode == 1
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["pi@one"]
    assert not [*tmp_path.glob("home.sqlite*")]


def test_one_device_that_fails_does_not_lose_the_others(device: Path, tmp_path: Path) -> None:
    with Collection(device / "digitrec-edge" / "collection.sqlite") as there:
        there.keep(kept(1))
    home = tmp_path / "home.sqlite"
    arguments = ["collect", str(home), "--host", "pi@nowhere", "--host", "pi@one"]
    done = subprocess.run(
        [sys.executable, "-m", "digitrec_edge", *arguments],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    assert done.returncode == 1, done.stderr
    assert "1 of 2 devices failed: pi@nowhere" in done.stderr
    assert "pi@nowhere: FAILED: " in done.stdout
    assert "pi@one: 1 item, 1 new, 0 corrections new" in done.stdout
    with Collection(home, create=False) as here:
        assert here.counts().items == 1


def test_ctrl_c_does_not_wait_for_a_device_that_says_nothing(device: Path, tmp_path: Path) -> None:
    (device.parent / "programs" / "ssh").write_text(a_device.client(f"touch {tmp_path}/asked; exec sleep 600"))
    arguments = ["collect", str(tmp_path / "home.sqlite"), "--host", "pi@one", "--host", "pi@two", "--timeout", "50"]
    running = subprocess.Popen(
        [sys.executable, "-m", "digitrec_edge", *arguments], stderr=subprocess.PIPE, cwd=Path(__file__).parents[1]
    )
    assert wait_for((tmp_path / "asked").exists)
    pressed = time.monotonic()
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=120)[1].decode()
    assert (running.returncode, "Traceback" in said) == (130, False), said
    assert time.monotonic() - pressed < 30
