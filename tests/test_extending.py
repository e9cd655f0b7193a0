"""docs/extending.md does what it says: its files and rows, in a copy of the packages, go through every command."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from digitrec_edge import mnist

ROOT = Path(__file__).parents[1]
PACKAGES = ("digitrec_edge", "converters", "runtimes", "benchmarks")
BLOCK = re.compile(r"<!-- (?P<kind>file|row): (?P<what>[^>]+) -->\n```python\n(?P<body>.*?)```", re.S)

pytestmark = [pytest.mark.desktop, pytest.mark.checkout]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def page() -> str:
    return (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")


def add_row(path: Path, table: str, row: str) -> None:
    """Put a row into a table; a format's with a magic number stands first, any other row last."""
    text = path.read_text(encoding="utf-8")
    found = re.search(rf"^{table}\b[^\n]*= [({{]\n(?P<rows>.*?)^[)}}]", text, re.S | re.M)
    assert found, f"{path} has no table {table}"
    at = found.start("rows") if table == "FORMATS" else found.end("rows")
    path.write_text(text[:at] + row.rstrip() + ",\n" + text[at:], encoding="utf-8")


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages with everything that the page adds."""
    place = tmp_path_factory.mktemp("extended")

    def copy(source: str, target: str) -> None:
        (os.link if source.endswith(".gz") else shutil.copyfile)(source, target)

    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, place / package, copy_function=copy, ignore=shutil.ignore_patterns("__pycache__")
        )
    added = list(BLOCK.finditer(page()))
    assert [match["kind"] for match in added] == ["file", "row", "file", "row", "file", "row", "row"]
    for match in added:
        if match["kind"] == "file":
            path = place / match["what"]
            assert not path.exists()
            path.write_text(match["body"], encoding="utf-8")
        else:
            table, _, name = match["what"].partition(" in ")
            add_row(place / name, table, match["body"])
    return place


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the commands are run in."""
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def run(extended: Path, work: Path, fork_server: Any) -> Run:
    """Runs a command of the extended package."""
    server = fork_server(True, PYTHONPATH=str(extended))

    def command(*arguments: str | Path, status: int = 0) -> "subprocess.CompletedProcess[str]":
        done = server.run([*map(str, arguments)], work, brief=True)
        assert done.returncode == status, f"{arguments}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    return command


@pytest.fixture(scope="module")
def said(run: Run, work: Path) -> dict[str, str]:
    """What each command of the page prints, by its name; all of them are run, in their order."""
    (block,) = re.findall(r"```sh\n(.*?)```", page(), re.S)
    lines = [line.split() for line in block.splitlines()]
    assert {line[0] for line in lines} == {"digitrec-edge"}
    printed = {}
    for _, command, *arguments in lines:
        printed[command] = run(command, *arguments).stdout
        if command == "benchmark":
            call_valid(work / "build" / "benchmark.json")
    return printed


def call_valid(results: Path) -> None:
    """A busy machine may make the case INVALID, which ``compare`` leaves out; noise is not what is tested here."""
    raw = json.loads(results.read_text())
    for result in raw["runs"][0]["results"]:
        assert result["status"] in ("ok", "invalid")
        result.update(status="ok", unreliable=[], reasons=[])
    results.write_text(json.dumps(raw))


def test_every_command_takes_the_new_rows(said: dict[str, str]) -> None:
    assert list(said) == ["train", "export", "inspect", "verify", "benchmark", "compare", "report", "doctor"]
    assert "epoch   1/1" in said["train"]
    assert re.search(r"digitrec-float32\.mtrx .*accuracy 9\d\.\d+%.*agreement 100\.00%.*\(plain-numpy ", said["export"])
    assert re.search(r"plain-numpy +yes", said["inspect"])
    assert "32 of 32 images" in said["verify"]
    assert re.search(r"digitrec-float32\.mtrx .*plain-numpy .* (ok|INVALID)", said["benchmark"])
    assert "digitrec-float32.mtrx on plain-numpy" in said["compare"]
    assert "report.html" in said["report"]
    assert re.search(r"plain-numpy .*works", said["doctor"])


def test_options_and_help_follow_from_the_rows(run: Run) -> None:
    assert "--matrices" in run("export", "--help").stdout
    for command in ("predict", "verify", "benchmark", "robustness"):
        text = " ".join(run(command, "--help").stdout.split())
        assert "plain-numpy" in text.replace("- ", "-")  # a line may end behind the hyphen
    refused = run("train", "--recipe", "no-such", status=2).stderr
    assert "brief" in refused


@pytest.mark.usefixtures("said")
def test_a_picture_is_read_by_the_new_runtime(run: Run, tmp_path: Path) -> None:
    digits = mnist.load("test")
    Image.fromarray(255 - digits.images[0]).resize((200, 200)).save(tmp_path / "digit.png")
    done = run("predict", tmp_path / "digit.png", "--model", "build/artifacts/digitrec-float32.mtrx", "--json")
    (answer,) = json.loads(done.stdout)
    assert (answer["digit"], answer["runtime"]) == (digits.labels[0], "plain-numpy")


@pytest.mark.usefixtures("said")
def test_a_version_without_the_rows_says_in_one_line_that_it_does_not_know_them(cli: Run, work: Path) -> None:
    """The file, the runtime's name and the results, taken to a digitrec-edge that lacks the rows."""
    results = work / "build" / "benchmark.json"
    for arguments, status, fact in (
        (["inspect", work / "build/artifacts/digitrec-float32.mtrx"], 1, "is not a model file"),
        (["predict", "x.png", "--runtime", "plain-numpy"], 2, "no runtime is called 'plain-numpy'"),
        (["export", "--target", "plain-numpy"], 2, "no runtime is called 'plain-numpy'"),
        (["train", "--recipe", "brief"], 2, "'brief' is no recipe"),
    ):
        done = cli(*arguments, ok=False)
        assert done.returncode == status
        assert "Traceback" not in done.stderr
        assert fact in " ".join(done.stderr.replace("│", " ").split())
    assert "plain-numpy" in cli("compare", results, results).stdout
