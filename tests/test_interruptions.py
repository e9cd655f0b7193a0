"""Ctrl-C in export, at a few moments: always 130, one line at the most, and nothing half-written."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from digitrec_edge.cli import interrupts
from tests.interruptions import interrupt, session_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


@pytest.mark.desktop
@pytest.mark.parametrize(
    ("moment_s", "after", "group"),
    [(1.5, "", True), (0.0, ".export-*", False)],
)
def test_ctrl_c_in_export_is_130(trained: Path, tmp_path: Path, moment_s: float, after: str, group: bool) -> None:
    met = interrupt(trained / "model.keras", tmp_path / "out", moment_s, group=group, after=after)
    assert met.problem == ""
    assert met.status == 130


CODE = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from digitrec_edge import cli
from digitrec_edge.cli import program
from digitrec_edge.errors import DigitrecError
def app():
    {body}
program.program = lambda names: app
cli.main()
"""
PRESS = "os.kill(os.getpid(), signal.SIGINT)"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (PRESS, 130),
        (f"try: {PRESS}\n    except KeyboardInterrupt: raise ImportError('half imported') from None", 130),
        (f"try: {PRESS}\n    except KeyboardInterrupt: raise DigitrecError('a child died of SIGINT') from None", 130),
        (f"try: {PRESS}\n    except KeyboardInterrupt: pass", 130),
        (f"try: {PRESS}\n    except KeyboardInterrupt: sys.exit(1)", 130),
        ("sys.exit(3)", 3),
        ("raise DigitrecError('no')", 1),
        ("pass", 0),
        (f"import atexit; atexit.register(lambda: {PRESS})", 0),
    ],
)
def test_the_exit_status_is_that_of_ctrl_c_whatever_became_of_it(body: str, status: int) -> None:
    done = subprocess.run([sys.executable, "-c", CODE.format(body=body)], capture_output=True, text=True, timeout=90)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_that_python_can_only_ignore_comes_again() -> None:
    body = "import time, weakref\n    class A: pass\n    def gone(ref): os.kill(os.getpid(), signal.SIGINT)\n"
    body += "    a = A(); ref = weakref.ref(a, gone); del a\n    time.sleep(600); print('went on')"
    done = subprocess.run([sys.executable, "-c", CODE.format(body=body)], capture_output=True, text=True, timeout=90)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_an_error_of_the_program_is_no_interruption() -> None:
    done = subprocess.run([sys.executable, "-c", CODE.format(body="1 / 0")], capture_output=True, text=True, timeout=90)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def test_ctrl_c_while_the_command_line_is_imported_is_130() -> None:
    code = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Finder:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'typer': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "from digitrec_edge.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=90)
    assert (done.returncode, done.stderr) == (130, "")


def test_ctrl_c_within_exec_is_130_and_no_death_by_the_signal(tmp_path: Path) -> None:
    (tmp_path / "pressed.py").write_text(
        "from digitrec_edge import __main__ as program, cli\n"
        "cli.main = lambda: exec('import os, signal; os.kill(os.getpid(), signal.SIGINT)')\n"
        "program.main()"
    )
    done = subprocess.run([sys.executable, "-m", "pressed"], cwd=tmp_path, capture_output=True, text=True, timeout=90)
    assert (done.returncode, done.stderr) == (130, "")


def test_a_program_that_was_started_deaf_stays_deaf() -> None:
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        found = interrupts.Interrupts()
        os.kill(os.getpid(), signal.SIGINT)
        assert not found.seen
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_session_has_the_processes_that_were_started_in_it() -> None:
    with subprocess.Popen(["sh", "-c", "sleep 600 & sleep 600"], start_new_session=True) as process:
        try:
            while len(session_of(process.pid)) < 3:
                time.sleep(0.01)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    end = time.monotonic() + 60
    while session_of(process.pid):
        assert time.monotonic() < end, "killed processes are still there"
