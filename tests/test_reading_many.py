"""Many pictures on many cores: the same answers in the same order, in bounded memory, and whatever happens no process
is left."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge import mnist
from digitrec_edge.cli import reading_many
from digitrec_edge.cli.pictures import Named
from digitrec_edge.cli.reading_many import AHEAD, Readers
from digitrec_edge.errors import ArtifactError, DigitrecError
from tests.interruptions import session_of

STUB = """
import os, signal, time
from contextlib import contextmanager
from pathlib import Path
from digitrec_edge.errors import ArtifactError

@contextmanager
def opener(argument):
    if argument == "no model":
        raise ArtifactError("no such model")
    yield lambda one: read(one.name)

def read(name):
    if name == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "bug":
        raise KeyError(name)
    if name.startswith("wait for "):
        while not Path(name.removeprefix("wait for ")).exists():
            time.sleep(0.01)
    if name.startswith("make "):
        Path(name.removeprefix("make ")).touch()
    return {"picture": name, "process": os.getpid()}
"""


@pytest.fixture
def open_readers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Readers]:
    (tmp_path / "stub_of_reading_many.py").write_text(STUB)
    monkeypatch.syspath_prepend(tmp_path)
    opener = import_module("stub_of_reading_many").opener
    return lambda jobs=2, argument="": Readers(jobs, opener, (argument,), lambda one: {"picture": "here"})


def names(results: Iterator[dict[str, Any]]) -> list[str]:
    return [result["picture"] for result in results]


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def test_results_come_in_the_order_of_the_pictures_whichever_is_read_first(
    open_readers: Callable[..., Readers], tmp_path: Path
) -> None:
    given = [f"wait for {tmp_path / 'flag'}", *"abc", f"make {tmp_path / 'flag'}", "-", *"def"]
    with open_readers() as readers:
        results = list(readers.read([*map(Named, given)]))
    assert names(iter(results)) == [*given[:5], "here", *"def"]
    assert len({result["process"] for result in results if "process" in result}) == 2


def test_no_more_is_read_ahead_of_a_slow_picture_than_may_wait(
    open_readers: Callable[..., Readers], tmp_path: Path
) -> None:
    given = [f"wait for {tmp_path / 'flag'}", *(f"make {tmp_path / str(k)}.read" for k in range(3 * AHEAD))]
    most, seen = 2 * AHEAD - 1, []

    def let_go() -> None:
        wait_for(lambda: len([*tmp_path.glob("*.read")]) >= most)
        time.sleep(0.2)  # time for too many
        seen.append(len([*tmp_path.glob("*.read")]))
        (tmp_path / "flag").touch()

    with open_readers() as readers:
        watcher = threading.Thread(target=let_go)
        watcher.start()
        assert names(readers.read([*map(Named, given)])) == given
        watcher.join()
    assert seen == [most]


def test_a_process_that_is_killed_is_one_line_and_no_hang(open_readers: Callable[..., Readers]) -> None:
    with open_readers() as readers:
        results = readers.read([*map(Named, ["a", "killed", *"bcdefghij"])])
        with pytest.raises(DigitrecError, match="^the process died of SIGKILL, .*, while it read killed; not all"):
            list(results)
    assert all(reader.process.exitcode is not None for reader in readers._readers)


def test_an_error_of_the_program_ends_a_process_and_the_line_says_how_to_see_it(
    open_readers: Callable[..., Readers],
) -> None:
    with open_readers() as readers, pytest.raises(DigitrecError, match="ended with 1: DIGITREC_DEBUG=1 shows why"):
        list(readers.read([Named("bug"), Named("a")]))


def test_a_model_that_cannot_be_loaded_is_its_line(open_readers: Callable[..., Readers]) -> None:
    with open_readers(argument="no model") as readers, pytest.raises(ArtifactError, match="^no such model$"):
        list(readers.read([Named("a"), Named("b")]))


def test_what_fails_while_processes_are_started_leaves_none(
    open_readers: Callable[..., Readers], monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = open_readers()
    started, make = [], reading_many._Reader

    def second_fails(process: Any, pipe: Any) -> Any:
        started.append(process)
        if len(started) == 2:
            readers._readers.append(make(process, pipe))
            raise KeyboardInterrupt
        return make(process, pipe)

    monkeypatch.setattr(reading_many, "_Reader", second_fails)
    with pytest.raises(KeyboardInterrupt), readers:
        pass
    assert [process.exitcode for process in started] == [-signal.SIGKILL] * 2


Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, draw_page: Callable[..., NDArray[np.uint8]]) -> Path:
    """400 pictures, of which the first 40 are in a folder of their own; every tenth is no picture."""
    folder, digits = tmp_path_factory.mktemp("many"), mnist.load("test")
    for name in ("few", "many"):
        (folder / name).mkdir()
    for k in range(400):
        path = folder / "many" / f"{k:03}.png"
        Image.fromarray(draw_page(digits.images[k % 7], 50)).save(path)
        if k % 10 == 3:
            path.write_text("words")
        if k < 40:
            os.link(path, folder / "few" / path.name)
    return folder


def without_times(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in one.items() if not key.endswith(("_us", "_ms"))} for one in results]


def test_two_processes_read_what_one_reads(cli: Cli, folder: Path) -> None:
    done = [cli("predict", folder / "few", "--json", "--jobs", jobs, ok=False) for jobs in (1, 2)]
    alone, together = (without_times(json.loads(one.stdout)) for one in done)
    assert alone == together
    assert [one["picture"] for one in together] == [str(path) for path in sorted((folder / "few").iterdir())]
    assert sum("error" in one for one in together) == 4
    assert [one.returncode for one in done] == [1, 1]
    lines = cli("predict", folder / "few", "--jsonl", "--jobs", 2, ok=False)
    assert without_times([json.loads(line) for line in lines.stdout.splitlines()]) == alone
    assert lines.stderr.splitlines()[-1].startswith("40 pictures: 36 digits read, 4 refused, ")


def test_text_and_errors_are_those_of_one_process(cli: Cli, folder: Path) -> None:
    done = [cli("predict", folder / "few", "--jobs", jobs, ok=False) for jobs in (1, 2)]
    alone, together = ([line.split("  latency")[0] for line in one.stdout.splitlines()] for one in done)
    assert alone == together
    assert len(alone) == 36
    assert done[0].stderr.splitlines()[:-1] == done[1].stderr.splitlines()[:-1]


PEAK = """
import sys
from digitrec_edge.cli import main
from digitrec_edge.cli.reading_many import Readers
peaks, end = [], Readers.__exit__
def note(process):
    with open(f"/proc/{process}/status") as status:
        peaks.append(int(status.read().partition("VmHWM:")[2].split()[0]))
def note_and_end(self, *cause):
    for reader in self._readers:
        note(reader.process.pid)
    end(self, *cause)
Readers.__exit__ = note_and_end
try:
    main()
except SystemExit:
    note("self")
    print(max(peaks), len(peaks), file=sys.stderr)
"""
"""Runs the command line; then prints the peak of this process and of those that read, in KiB, and how many they are."""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_memory_does_not_grow_with_the_number_of_pictures(folder: Path, jobs: str) -> None:
    peaks = []
    for name in ("few", "many"):
        command = [sys.executable, "-c", PEAK, "predict", str(folder / name), "--jobs", jobs, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert len(json.loads(done.stdout)) == {"few": 40, "many": 400}[name]
        peak, processes = done.stderr.splitlines()[-1].split()
        assert processes == {"1": "1", "2": "3"}[jobs]
        peaks.append(int(peak) / 1024)
    assert peaks[1] - peaks[0] < 3, f"{peaks} MiB"  # 400 such pictures are 3.8 MiB of grey, and 15 of float32


@pytest.fixture
def running(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """A command of two processes in the middle of its work: it waits until somebody reads its second line."""
    pictures = [str(folder / "few" / "000.png")] * 2000
    command = [sys.executable, "-m", "digitrec_edge", "predict", *pictures, "--jsonl", "--jobs", "2"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout
        assert json.loads(process.stdout.readline())["digit"] == 7
        yield process
        process.kill()


def workers(process: "subprocess.Popen[str]") -> list[int]:
    lines = {one: Path(f"/proc/{one}/cmdline").read_bytes() for one in session_of(process.pid)}
    return [one for one, line in lines.items() if b"spawn_main" in line]


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_killed_process_of_the_command_is_one_line_and_status_1(running: "subprocess.Popen[str]") -> None:
    os.kill(workers(running)[0], signal.SIGKILL)
    _, stderr = running.communicate(timeout=120)
    assert running.returncode == 1
    _, line = stderr.splitlines()
    assert line.startswith("digitrec-edge: the process died of SIGKILL")
    assert wait_for(lambda: not session_of(running.pid))


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize("group", [True, False])
def test_ctrl_c_ends_all_processes_with_130(running: "subprocess.Popen[str]", group: bool) -> None:
    assert len(workers(running)) == 2
    (os.killpg if group else os.kill)(running.pid, signal.SIGINT)
    _, stderr = running.communicate(timeout=120)
    assert running.returncode == 130
    assert len(stderr.splitlines()) == 1, stderr
    assert wait_for(lambda: not session_of(running.pid))


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_the_processes_end_when_the_command_is_killed(running: "subprocess.Popen[str]") -> None:
    running.kill()
    assert wait_for(lambda: not session_of(running.pid))
