"""The doctor: parts that crash, hang or lie are rows; the command line prints them all and exits by them."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from digitrec_edge.cli.doctor import show
from digitrec_edge.cli.program import program
from digitrec_edge.installation import doctor
from digitrec_edge.installation.advice import advise
from digitrec_edge.installation.doctor import BASE, CONVERT, Examination, Part, Report, examine
from digitrec_edge.installation.machine import Cpu, describe_machine
from digitrec_edge.installation.wheels import EXTRAS
from digitrec_edge.pip_lines import install_extra

HERE = describe_machine()
PI = replace(
    HERE, system="linux", os="Debian GNU/Linux 13 (trixie)", kernel="6.12", machine="armv7l",
    kernel_machine="aarch64", bits=32, libc="glibc", libc_version="2.41", board="Raspberry Pi 4 Model B Rev 1.4",
    in_venv=False, externally_managed=True, cpu=Cpu("Cortex-A72", 4, ()), python="3.13.5", python_tag="cp313",
    has_venv=True, os_family=("raspbian", "debian"), python_command="python3", memory_bytes=1 << 30,
)  # fmt: skip
CONTENT = {
    "fine": "",
    "crashing": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "illegal": "import os, signal; os.kill(os.getpid(), signal.SIGILL)",
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "leaving": "import os, sys; print('no licence', file=sys.stderr, flush=True); os._exit(3)",
    "hanging": "import time; time.sleep(600)",
    "failing": "raise ImportError('libatlas.so.3: cannot open shared object file')",
}


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Part]:
    """Installed distributions that behave as their names say."""
    for name, source in CONTENT.items():
        (tmp_path / f"part_{name}.py").write_text(source)
        folder = tmp_path / f"part_{name}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: part-{name}\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    return {name: Part(name, f"part-{name}", f"part_{name}", "convert") for name in CONTENT}


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("crashing", "the process died of SIGSEGV"),
        (
            "illegal",
            "the process died of SIGILL, because the processor lacks an instruction",
        ),
        ("killed", "the process died of SIGKILL, stopped from outside, perhaps because memory ran out"),
        ("leaving", "the process ended with 3: no licence"),
    ],
)
def test_a_part_that_takes_its_process_down_is_a_row_and_the_rest_is_tried(
    parts: dict[str, Part], name: str, detail: str
) -> None:
    found = examine([parts["fine"], parts[name], parts["fine"]], HERE)
    assert [row.status for row in found] == ["works", "broken", "works"]
    assert (found[1].name, found[1].version) == (name, None)
    assert found[1].detail.startswith(detail)
    assert found[2].version == "1.0"


def test_a_part_that_hangs_is_a_row(parts: dict[str, Part]) -> None:
    found = examine([parts["fine"], parts["hanging"], parts["fine"]], HERE, timeout_s=10.0)
    assert [row.status for row in found] == ["works", "broken", "works"]
    assert found[1].detail == "no answer within 10 s"


def test_a_part_that_cannot_be_imported_says_why(parts: dict[str, Part]) -> None:
    (found,) = examine([parts["failing"]], HERE)
    assert found == Examination(
        "failing", "broken", "1.0", "ImportError: libatlas.so.3: cannot open shared object file"
    )


def test_modules_in_the_working_directory_are_not_mistaken_for_installed_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("raise ImportError('a file of the user')")
    monkeypatch.chdir(tmp_path)
    assert examine(BASE, HERE)[0].status == "works"


def test_what_is_missing_names_its_extra_or_why_it_cannot_be_had() -> None:
    part = Part("none", "no-such-distribution", "no_such_module", "onnx")
    assert examine([part], HERE)[0].detail == f"not installed: {install_extra('onnx')}"
    tensorflow = Part("none", "no-such-distribution", "no_such_module", "")
    assert examine([tensorflow], HERE)[0].detail == "not installed; the package needs it"
    litert = Part("litert", "ai-edge-litert", "runtime:litert", "litert")
    assert doctor._where_to_get(litert, PI) == "cannot be installed here: no wheels for glibc Linux on armv7l"


@pytest.mark.checkout
def test_all_that_the_convert_extra_installs_is_examined() -> None:
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    declared = re.search(r"^convert = \[(.*?)\]", text, re.MULTILINE | re.DOTALL)
    assert declared
    runtimes = {distribution for _, distribution in EXTRAS}
    examined = {part.distribution for part in CONVERT} | {part.distribution for part in BASE} | runtimes
    assert set(re.findall(r'"([\w-]+)', declared[1])) <= examined


def report(*statuses: str) -> Report:
    runtimes = tuple(Examination(f"runtime-{k}", status, "1.0", "why " * 30) for k, status in enumerate(statuses))
    return Report("0.1.0", PI, (Examination("numpy", "works", "1.24.2", ""),), runtimes, (), advise(PI))


def test_one_working_runtime_is_enough() -> None:
    assert report("broken", "works", "missing").ready
    assert not report("broken", "missing", "not tried").ready
    assert not report().ready


def test_a_machine_without_a_working_runtime_is_told_what_to_type(capsys: pytest.CaptureFixture[str]) -> None:
    found = report("broken")
    show(found)
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("Not ready") for line in lines)
    for line in (*found.advice.before, found.advice.pip_line):
        assert f"  {line}" in lines
    assert "  machine    armv7l, aarch64 kernel, Python in 32 bits, 1.0 GiB of memory" in lines
    assert "  features   none that matter" in lines


def test_a_ready_device_is_told_what_to_do_next_and_nothing_of_installing(capsys: pytest.CaptureFixture[str]) -> None:
    missing = tuple(Examination(part.name, "missing", None, "not installed") for part in CONVERT)
    runtime = Examination("onnxruntime", "works", "1.30.0", "reads 99 of 100")
    found = Report("0.1.0", PI, (), (runtime,), missing, advise(PI))
    show(found)
    text = capsys.readouterr().out
    assert all(f"  {line}\n" in text for line in doctor.NEXT)
    assert "install" not in text
    for name, command, *_ in map(str.split, doctor.NEXT):
        assert name == "digitrec-edge"
        assert command in [one.callback.__name__ for one in program().registered_commands if one.callback]
    assert not {part.name for part in CONVERT} & set(text.split())  # a device needs none of them
    trained = replace(found, convert=(Examination("tensorflow", "broken", "2.20", "it died"), *missing[1:]))
    show(trained)
    assert "tensorflow" in capsys.readouterr().out


def run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    code = [sys.executable, "-m", "digitrec_edge", "doctor", *arguments]
    return subprocess.run(code, capture_output=True, text=True, env={**os.environ, **variables}, timeout=300)


def test_json_has_the_machine_every_part_and_the_advice() -> None:
    done = run("--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert set(found) == {"version", "machine", "base", "runtimes", "convert", "advice", "ready"}
    assert set(found["advice"]) == {"extra", "before", "pip_line", "notes"}
    assert found["ready"] is True
    assert found["machine"]["python"] == HERE.python
    assert {row["name"]: row["status"] for row in found["base"]} == {"numpy": "works", "Pillow": "works"}
    statuses = {row["name"]: row["status"] for row in found["runtimes"]}
    assert list(statuses) == ["litert", "tflite-runtime", "onnxruntime", "native"]
    assert statuses["litert"] == statuses["onnxruntime"] == statuses["native"] == "works"
    assert [row["name"] for row in found["convert"]] == [part.name for part in CONVERT]
    assert found["advice"] == json.loads(json.dumps(dataclasses.asdict(advise(HERE))))


def test_without_a_working_numpy_there_is_a_report_and_exit_status_1(tmp_path: Path) -> None:
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy" / "__init__.py").write_text("raise ImportError('libopenblas.so.0: cannot open')")
    (tmp_path / "tensorflow.py").write_text("raise ImportError('not for this test')")
    done = run(PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "ImportError: libopenblas.so.0: cannot open" in " ".join(done.stdout.split())
    assert "numpy must work first" in done.stdout
    assert "Not ready: no runtime works." in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_when_every_runtime_is_broken_the_exit_status_is_1(tmp_path: Path) -> None:
    (tmp_path / "_ctypes.py").write_text("raise ImportError('not for this test')")  # our own kernels need it
    for part in CONVERT:  # seconds of imports that have nothing to do with runtimes
        (tmp_path / f"{part.distribution.replace('-', '_')}.py").write_text("raise ImportError('not for this test')")
    for name in ("ai_edge_litert", "tflite_runtime", "onnxruntime"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGILL)\n")
    done = run("--json", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["ready"] is False
    assert {row["status"] for row in found["runtimes"]} <= {"broken", "missing"}
    assert "SIGILL" in found["runtimes"][0]["detail"]


def test_wrong_usage_is_exit_status_2() -> None:
    assert run("--nonsense").returncode == 2
