"""What the command line prints is what other programs can read."""

import io
import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from digitrec_edge import mnist
from digitrec_edge.cli import terminal


def test_numbers_that_json_does_not_have_become_null(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_json({"largest": math.nan, "rows": [(math.inf, 1.5), -math.inf], "name": "int8", "passed": False})
    printed = capsys.readouterr().out

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    found = json.loads(printed, parse_constant=refuse)
    assert found == {"largest": None, "rows": [[None, 1.5], None], "name": "int8", "passed": False}


PROGRAM = f"{sys.executable} -m digitrec_edge"


def shell(line: str, folder: Path, **variables: str) -> "subprocess.CompletedProcess[bytes]":
    environment = {**os.environ, **variables}
    environment.pop("PYTHONUNBUFFERED", None)  # what is buffered is what can be lost
    return subprocess.run(["bash", "-c", line], cwd=folder, env=environment, capture_output=True, timeout=60)


@pytest.fixture
def folder(artifacts: Path, tmp_path: Path) -> Path:
    shutil.copy(artifacts / "digitrec-int8.tflite", tmp_path / "a.tflite")
    return tmp_path


@pytest.mark.parametrize("command", ["inspect a.tflite", "verify a.tflite", "--help"])
@pytest.mark.parametrize(
    ("redirection", "status", "said"),
    [
        ("<&-", 0, ""),
        (">&-", 0, ""),
        ("2>&-", 0, ""),
        ("<&- >&- 2>&-", 0, ""),
        ("> /dev/full", 1, "digitrec-edge: cannot write to standard output: No space left on device\n"),
        ("| true", 0, ""),
    ],
)
def test_a_command_survives_whatever_its_streams_are(
    folder: Path, command: str, redirection: str, status: int, said: str
) -> None:
    done = shell(f"{PROGRAM} {command} {redirection}", folder)
    assert done.returncode == status
    assert done.stderr.decode() == said


def test_what_is_said_beside_an_answer_may_be_lost(folder: Path) -> None:
    Image.fromarray(255 - mnist.load("test").images[0]).save(folder / "7.png")
    done = shell(f"{PROGRAM} predict 7.png --runtime native 2> /dev/full", folder)
    assert done.returncode == 0
    assert done.stdout.startswith(b"7.png: 7 ")


def test_output_that_click_gave_up_is_dropped(folder: Path) -> None:
    """What is left of it must not fail again when the stream is destroyed: from Python 3.13 on that is shown."""
    code = (
        "import os, sys\nfrom digitrec_edge import cli\nfrom digitrec_edge.cli import program\n"
        "def app():\n"
        "    global given\n"
        "    given = sys.stdout\n"
        "    try: print('x', flush=True)\n"
        "    except OSError: sys.stdout = open(os.devnull, 'w'); sys.exit(1)\n"
        "program.program = lambda names: app\n"
        "try: cli.main()\n"
        "except SystemExit as end: print(end.code, os.path.samefile(1, os.devnull), file=sys.stderr)\n"
    )
    (folder / "program.py").write_text(code)
    done = shell(f"{{ sleep 0.3; {sys.executable} program.py; }} | true", folder)
    assert done.stderr.decode() == "1 True\n"


def test_it_needs_no_temporary_folder(folder: Path) -> None:
    done = shell(f"{PROGRAM} verify a.tflite", folder, TMPDIR="/no/such/folder", TMP="/no/such", TEMP="/no/such")
    assert done.returncode == 0, done.stderr


def test_closed_standard_input_is_an_empty_picture(folder: Path) -> None:
    done = shell(f"{PROGRAM} predict - <&-", folder)
    assert done.returncode == 1
    assert b"standard input is empty" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["z\u00fcrich.tflite", "\u5341.tflite"])
def test_a_name_that_the_locale_cannot_show_is_escaped(folder: Path, name: str) -> None:
    shutil.copy(folder / "a.tflite", folder / name)
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = shell(f"{PROGRAM} inspect {name}", folder, **ascii_only)
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    assert b"Traceback" not in done.stderr


def test_control_sequences_in_names_are_shown_and_not_obeyed(folder: Path) -> None:
    name = "\x1b[31mred\x9b5m\u202e\nline\r.tflite"
    shutil.copy(folder / "a.tflite", folder / name)
    for line in ("inspect *line*", "verify *line*", "predict *line*", "benchmark /no/*line*", "compare *line* *line*"):
        done = shell(f"{PROGRAM} {line}", folder)
        for output in (done.stdout.decode(), done.stderr.decode()):
            assert not {character for character in output if character in "\x1b\x9b\u202e\r"}
        assert b"Traceback" not in done.stderr


def test_a_name_with_a_line_break_is_one_line(folder: Path) -> None:
    shutil.copy(folder / "a.tflite", folder / "a\nb.tflite")
    Image.fromarray(255 - mnist.load("test").images[0]).save(folder / "a\nb.png")
    (folder / "c\nd.png").touch()
    done = shell(f"{PROGRAM} predict *.png --runtime native", folder)
    assert [line[:6] for line in done.stdout.splitlines()] == [b"a\\nb.p"]
    assert len(done.stderr.splitlines()) == 3
    for command, lines in (("inspect", None), ("verify", 2), ("strip", 1)):
        said = shell(f"{PROGRAM} {command} *b.tflite", folder).stdout.splitlines()
        assert said[0].startswith(b"a\\nb")
        assert len(said) == lines or lines is None


def test_an_error_stays_one_line_whatever_a_name_holds(folder: Path) -> None:
    done = shell(f"{PROGRAM} verify $'no\\nsuch\\x1b[2Jfile'", folder)
    assert done.returncode == 1
    assert done.stderr.decode() == "digitrec-edge: no such file: no\\nsuch\\x1b[2Jfile\n"


def test_a_json_list_is_printed_as_it_comes_and_as_print_json_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    values = [{"a": [1, math.nan]}, {}, "text\n]", 5]
    for some in (values, values[:1], []):
        terminal.print_json(some)
        whole = capsys.readouterr().out
        terminal.print_json_list(iter(some))
        assert capsys.readouterr().out == whole
    seen = []

    def watched() -> Iterator[object]:
        for value in values:
            yield value
            seen.append(capsys.readouterr().out)

    terminal.print_json_list(watched())
    assert len(seen) == 4
    assert all(seen)


def test_json_lines_are_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_json_lines([{"a": math.inf}, "two\nlines"])
    assert capsys.readouterr().out == '{"a": null}\n"two\\nlines"\n'


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_counter_is_a_line_of_a_terminal_that_goes_before_others_come(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = FakeTerminal()
    monkeypatch.setattr(sys, "stderr", stream)
    counter = terminal.Counter(200, "pictures")
    counter.show(0)
    counter.show(100)
    counter.clear()
    counter.clear()
    first, second, blank, end = stream.getvalue().split("\r")[1:]
    assert first == "0 of 200 pictures"
    assert second == "100 of 200 pictures, 0:00:00 left"
    assert (blank.strip(" "), len(blank), end) == ("", len(second), "")


@pytest.mark.parametrize(("total", "stream"), [(200, io.StringIO()), (1, FakeTerminal())])
def test_there_is_no_counter_off_a_terminal_or_for_one(
    monkeypatch: pytest.MonkeyPatch, total: int, stream: io.StringIO
) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    counter = terminal.Counter(total, "pictures")
    counter.show(1)
    counter.clear()
    assert stream.getvalue() == ""


def test_one_is_no_plural() -> None:
    assert [terminal.counted(k, "picture") for k in (0, 1, 1000)] == ["0 pictures", "1 picture", "1,000 pictures"]
