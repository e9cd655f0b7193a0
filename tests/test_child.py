"""Child processes: each question answered by itself, and whatever ends the child is one line."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from digitrec_edge import child
from digitrec_edge.child import ask, ask_each, describe_end
from digitrec_edge.errors import BenchmarkError

STUB = """
import os, signal, sys, time
from digitrec_edge.errors import DataError

def echo(request): return request
def die(request): os.kill(os.getpid(), getattr(signal, request) if isinstance(request, str) else request)
def leave(request): os._exit(request)
def hang(request): time.sleep(600)
def refuse(request): raise DataError("no such thing")
def fail(request): raise RuntimeError("out of luck")
def huge(request): return "x" * request
def where(request): return os.path.abspath(sys.modules["json"].__file__)
def chatty(request):
    print("words"); os.write(1, b"INFO: native words\\n"); os.write(2, bytes(range(256)))
    return request
def third(request): return request if request < 3 else die("SIGSEGV")
"""


@pytest.fixture(autouse=True)
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stub_of_child.py").write_text(STUB)
    monkeypatch.syspath_prepend(tmp_path)


def call(name: str, request: Any = None, timeout_s: float = 120) -> Any:
    return ask(f"stub_of_child:{name}", request, timeout_s, BenchmarkError)


@pytest.mark.parametrize("value", [None, 5, "text \u00fc\n", [1.5, True], {"a": {"b": []}}, "y" * 3_000_000])
def test_a_question_is_answered(value: object) -> None:
    assert call("echo", value) == value


def test_what_the_child_prints_does_not_mix_with_the_answer() -> None:
    assert call("chatty", 7) == 7


def test_several_questions_are_answered_in_their_order_by_one_child() -> None:
    replies, end = ask_each("stub_of_child:echo", [1, 2, 3], 120)
    assert (replies, end) == ([{"answer": 1}, {"answer": 2}, {"answer": 3}], "")


def test_answers_before_a_death_stay() -> None:
    replies, end = ask_each("stub_of_child:third", [1, 2, 3, 4], 120)
    assert replies == [{"answer": 1}, {"answer": 2}]
    assert end == "the process died of SIGSEGV"


def test_an_error_raised_on_purpose_is_its_line() -> None:
    with pytest.raises(BenchmarkError, match="^no such thing$"):
        call("refuse")


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGABRT", "SIGILL", "SIGBUS"])
def test_a_death_by_a_signal_names_it(name: str) -> None:
    with pytest.raises(BenchmarkError, match=f"^the process died of {name}(, .*)?$"):
        call("die", name)


@pytest.mark.parametrize(
    ("status", "stderr", "said"),
    [
        (-int(signal.SIGSEGV), "", "the process died of SIGSEGV"),
        (-int(signal.SIGKILL), "", "the process died of SIGKILL, stopped from outside, perhaps because memory ran out"),
        (-250, "", "the process died of signal 250"),
        (1, "", "the process ended with 1: no message"),
        (3, "first\nlast words\n\n", "the process ended with 3: last words"),
    ],
)
def test_an_end_is_described(status: int, stderr: str, said: str) -> None:
    assert describe_end(status, stderr) == said


def test_other_ends_are_one_line_each() -> None:
    for name, request, said in (
        ("leave", 3, "the process ended with 3: no message"),
        ("leave", 0, "the process ended with 0: no message"),
        ("fail", None, "the process ended with 1: RuntimeError: out of luck"),
        ("no_such_function", None, "the process ended with 1: AttributeError"),
    ):
        with pytest.raises(BenchmarkError) as raised:
            call(name, request)
        assert str(raised.value).startswith(said)
        assert "\n" not in str(raised.value)


def test_a_child_that_hangs_is_ended_in_time() -> None:
    start = time.monotonic()
    with pytest.raises(BenchmarkError, match="^no answer within 1 s$"):
        call("hang", timeout_s=1)
    assert time.monotonic() - start < 120


def test_an_endless_answer_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "ANSWER_LIMIT_BYTES", 10_000)
    with pytest.raises(BenchmarkError, match="answered more than 10,000 bytes"):
        call("huge", 5_000_000)


@pytest.mark.parametrize(
    "printed", ["hello", "5", "null", "[]", "{}", '{"answer": 1, "error": 2}', '{"answer": NaN}', '{"error": "half an']
)
def test_rubbish_is_no_answer(monkeypatch: pytest.MonkeyPatch, printed: str) -> None:
    monkeypatch.setattr(child, "_START", f"print({printed!r})")
    with pytest.raises(BenchmarkError, match="the process gave no readable answer"):
        call("echo")


def test_bytes_that_are_no_text_and_half_a_line_are_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "_START", "import sys; sys.stdout.buffer.write(bytes(range(256)))")
    with pytest.raises(BenchmarkError, match="the process gave no readable answer"):
        call("echo")
    monkeypatch.setattr(child, "_START", "import sys; sys.stdout.write('{\"answer\": 1}')")
    with pytest.raises(BenchmarkError, match="the process ended with 0"):
        call("echo")


def test_files_of_the_working_directory_are_not_taken_for_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("json", "digitrec_edge", "runtimes"):
        (elsewhere / f"{name}.py").write_text("raise SystemExit('not ours')")
    monkeypatch.chdir(elsewhere)
    assert not call("where").startswith(str(elsewhere))


def test_the_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    (tmp_path / "stub_of_parent.py").write_text(
        "import os, time\ndef stay(request):\n    open(request, 'w').write(str(os.getpid()))\n    time.sleep(600)\n"
    )
    note = tmp_path / "pid"
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from digitrec_edge.child import ask_each; "
        f"ask_each('stub_of_parent:stay', [{str(note)!r}], 600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    assert wait_for(lambda: note.exists() and note.read_text() != "")
    process = int(note.read_text())
    parent.kill()
    parent.wait()
    assert wait_for(lambda: not running(process)), "the child outlives its parent"


@pytest.mark.skipif(child._setpriv() == (), reason="no setpriv here")
def test_a_program_that_does_not_watch_its_parent_ends_with_it_too(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys; from digitrec_edge.child import ending_with_parent; "
        "subprocess.run(ending_with_parent(['sh', '-c', 'echo $$ > pid; exec sleep 600']))"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path)
    note = tmp_path / "pid"
    assert wait_for(lambda: note.exists() and note.read_text() != "")
    parent.kill()
    parent.wait()
    assert wait_for(lambda: not running(int(note.read_text()))), "the program outlives its parent"


def running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_ctrl_c_ends_the_child_and_says_nothing(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    (tmp_path / "stub_of_parent.py").write_text(
        "import os, time\ndef stay(request):\n    open(request, 'w').write(str(os.getpid()))\n    time.sleep(600)\n"
    )
    code = (
        f"import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"sys.path.insert(0, {str(tmp_path)!r}); from digitrec_edge.child import ask_each\n"
        f"try: ask_each('stub_of_parent:stay', [{str(note)!r}], 600)\n"
        "except KeyboardInterrupt: sys.exit(130)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) as parent:
        assert wait_for(lambda: note.exists() and note.read_text() != "")
        parent.send_signal(signal.SIGINT)
        _, stderr = parent.communicate(timeout=120)
    assert (parent.returncode, stderr) == (130, b"")
    assert wait_for(lambda: not running(int(note.read_text())))


def test_ctrl_c_before_anything_is_asked_does_not_wait_for_the_child_that_waits_for_a_question() -> None:
    code = (
        "import sys; from digitrec_edge.child import _Reader, ask_each\n"
        "def interrupted(self): raise KeyboardInterrupt\n"
        "_Reader.__enter__ = interrupted\n"
        "try: ask_each('json:dumps', [1], 600)\n"
        "except KeyboardInterrupt: sys.exit(130)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=120, check=False).returncode == 130


def test_no_child_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def kept(*arguments: Any, **options: Any) -> "subprocess.Popen[bytes]":
        started.append(start(*arguments, **options))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", kept)
    with pytest.raises(BenchmarkError):
        call("hang", timeout_s=0.5)
    (one,) = started
    with pytest.raises(ChildProcessError):
        os.waitpid(one.pid, os.WNOHANG)
