"""The device's side of a connection, run as ssh would run it, on the Pythons that are here."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from digitrec_edge.installation import machine, pythons
from digitrec_edge.installation.machine import describe_machine
from digitrec_edge.records import parse
from digitrec_edge.remote import agent, ssh
from digitrec_edge.remote.device import Device
from digitrec_edge.remote.messages import MARK, Done, Refusal, listen

SENT = [agent, machine, pythons]


def ask(request: dict[str, Any], python: str, tmp_path: Path) -> "subprocess.CompletedProcess[bytes]":
    """Answer a request on a machine whose ``python3`` is this one."""
    programs, home = tmp_path / "programs", tmp_path / "home"
    programs.mkdir()
    home.mkdir()
    launcher = programs / "python3"
    launcher.write_text(f'#!/bin/sh\nexec {python} "$@"\n')
    launcher.chmod(0o755)
    environment = {"PATH": f"{programs}:{os.defpath}", "HOME": str(home)}
    line = json.dumps(request).encode() + b"\n"
    return subprocess.run(["sh", "-c", ssh._command_line()], input=line, env=environment, capture_output=True)


def last(done: "subprocess.CompletedProcess[bytes]", tmp_path: Path) -> Done | Refusal | None:
    path = tmp_path / "answer"
    path.write_bytes(done.stdout)
    with path.open("rb") as stream:
        return listen(stream, lambda line: None).last


def test_a_device_is_described_as_doctor_describes_it_there(tmp_path: Path) -> None:
    answer = last(ask({"what": "facts", "paths": ["~", "~/none"]}, sys.executable, tmp_path), tmp_path)
    assert isinstance(answer, Done)
    device = parse(Device, answer.done, "answer")
    here = describe_machine()
    same = ("system", "machine", "libc", "libc_version", "board", "cpu", "python", "python_tag", "numpy", "pillow")
    assert {name: getattr(device.machine, name) for name in same} == {name: getattr(here, name) for name in same}
    assert device.home == str(tmp_path / "home")
    assert device.there == ("~",)


@pytest.mark.parametrize("version", ["3.6", "3.8", "3.9", "3.10"])
def test_a_python_that_is_too_old_says_so(version: str, tmp_path: Path) -> None:
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = next(iter(sorted(pyenv.glob(f"{version}.*/bin/python"))), None)
    if found is None:
        pytest.skip(f"there is no Python {version} here")
    done = ask({"what": "facts", "paths": []}, str(found), tmp_path)
    answer = last(done, tmp_path)
    assert isinstance(answer, Refusal), done.stderr
    assert (answer.kind, answer.message.startswith(f"{version}.")) == ("python", True)


@pytest.mark.parametrize("module", SENT, ids=lambda module: module.__name__)
def test_what_is_sent_imports_the_standard_library_only(module: Any) -> None:
    names = set()
    for node in ast.walk(ast.parse(Path(module.__file__).read_text())):
        if isinstance(node, ast.Import):
            names |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    assert names <= set(sys.stdlib_module_names)


def test_what_is_sent_fits_into_one_argument() -> None:
    assert len(ssh._command_line()) < 100_000


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("{", "Expecting"),
        ("[]", "an object is needed"),
        ('{"line": 1}', "message.line is int"),
        ('{"line": "a", "more": 1}', "'more'"),
        ('{"file": "a", "sha256": "0"}', "'a' came damaged"),
        ('{"file": "a", "data": "*"}', "'a' came damaged"),
        ('{"file": "b", "data": ""}', "'b' was not asked for"),
        ('{"file": "a", "data": "' + "A" * 24 + '"}', "'a' has more than 16 bytes"),
        ('{"line": "a\\nb"}', "more than one line"),
        ('{"error": {"kind": "tea", "message": ""}}', "kind is 'tea', one of"),
        ('{"error": {"kind": "disk"}}', "'message'"),
    ],
)
def test_what_is_no_message_is_refused(sent: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "answer"
    path.write_text(f"Welcome\n{MARK}{sent}\n")
    with path.open("rb") as stream, pytest.raises(ValueError, match=reason):
        listen(stream, lambda line: None, ["a"], 16)


def test_a_file_comes_in_parts(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(content := bytes(range(256)) * 1000)
    code = "import sys; from digitrec_edge.remote import agent; from pathlib import Path; agent.os.dup2(1, 3)\n"
    code += "agent.send('a', Path(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], capture_output=True, check=True)
    lines = done.stdout.splitlines(keepends=True)
    assert len(lines) == 5
    answer = listen([*lines, MARK.encode() + b'{"done": {}}\n'], lambda line: None, ["a"])
    assert answer.files == {"a": content}
    with pytest.raises(ValueError, match="'a' came twice"):
        listen([*lines, *lines], lambda line: None, ["a"])


def test_half_a_line_is_no_answer(tmp_path: Path) -> None:
    path = tmp_path / "answer"
    path.write_text(f'{MARK}{{"line": "a"}}\n{MARK}{{"done": {{}}}}')
    lines: list[str] = []
    with path.open("rb") as stream:
        answer = listen(stream, lines.append)
    assert (answer.last, lines, [*answer.lines]) == (None, ["a"], ["a"])


@pytest.mark.skipif(shutil.which("ssh") is None, reason="no ssh here")
@pytest.mark.parametrize("change", [{"more": 1}, {"home": None}])
def test_an_answer_of_another_version_is_one_line(
    change: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from digitrec_edge.errors import RemoteError

    facts = {"machine": {}, "home": "/home/pi", "free_bytes": 1, "there": [], **change}
    client = tmp_path / "ssh"
    answer = MARK + json.dumps({"done": facts})
    client.write_text(f"#!/bin/sh\ncase \"$*\" in *check*|*' -N '*) exit 0;; esac\necho '{answer}'\n")
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    connection = ssh.Connection("pi", 60)
    try:
        with pytest.raises(RemoteError, match="^pi: its answer is none that this version knows: answer") as caught:
            connection.examine()
        assert "\n" not in str(caught.value)
    finally:
        connection.close()
