"""The command line itself: help that one can work from, exit statuses, one line per error."""

import errno
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import digitrec_edge
from digitrec_edge import cli as cli_module
from digitrec_edge import pretrained
from digitrec_edge.cli import terminal
from digitrec_edge.cli.program import program

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
COMMANDS = ("train", "export", "benchmark", "predict")


def test_the_version_is_the_package_s(cli: Cli) -> None:
    assert cli("--version").stdout == f"digitrec-edge {digitrec_edge.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["inspect", str(pretrained.DEFAULT)], 0), (["verify", "absent"], 1), (["benchmark", "--runtime", "tpu"], 2)],
)
def test_the_forks_that_tests_run_are_what_a_user_starts(cli: Cli, arguments: list[str], status: int) -> None:
    command = [sys.executable, "-m", "digitrec_edge", *arguments]
    started = subprocess.run(command, capture_output=True, text=True, check=False)
    forked = cli(*arguments, ok=False)
    assert started.returncode == forked.returncode == status
    assert started.stdout == forked.stdout
    assert started.stderr.replace("python -m digitrec_edge", "digitrec-edge") == forked.stderr


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_names_every_command(cli: Cli, flag: str) -> None:
    text = cli(flag).stdout
    for command in COMMANDS:
        assert f"  {command} " in text


@pytest.mark.parametrize("width", ["60", "80"])
def test_help_shows_every_summary_whole(cli: Cli, monkeypatch: pytest.MonkeyPatch, width: str) -> None:
    monkeypatch.setenv("COLUMNS", width)
    lines = cli("--help").stdout.splitlines()
    assert max(map(len, lines)) <= int(width)
    listed = " ".join(" ".join(lines[lines.index("Commands:") + 1 :]).split())
    assert len(program().registered_commands) > 10
    for command in program().registered_commands:
        assert command.callback is not None
        first = re.split(r"\.(?:\s|$)", " ".join((command.callback.__doc__ or "").split()))[0]
        assert f"{command.callback.__name__} {first}." in listed


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_every_option(cli: Cli, command: str) -> None:
    lines = cli(command, "--help").stdout.splitlines()
    assert lines[0].startswith("Usage: ")
    assert f" {command} [OPTIONS]" in lines[0]
    options = [line for line in lines if line.startswith("  -") and "--help" not in line]
    assert options
    text = "\n".join(lines)
    for k, line in enumerate(lines):
        if line in options:
            following = lines[k + 1] if k + 1 < len(lines) else ""
            assert "  " in line.strip() or following.startswith("      "), f"{line!r} of {command} has no explanation"
    assert "[default: " in text or "Default: " in text


def test_without_a_command_the_help_is_shown(cli: Cli) -> None:
    done = cli(ok=False)
    assert done.returncode == 2
    assert "predict" in done.stdout + done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["dance"],
        ["--dance"],
        ["predict"],
        ["predict", "a.png", "--dance"],
        ["predict", "a.png", "--threads", "0"],
        ["predict", "a.png", "--threads", "many"],
        ["predict", "a.png", "--runtime", "tpu"],
        ["benchmark", "--runtime", "tpu"],
        ["benchmark", "--runtime", "auto"],
        ["benchmark", "--threads", "-1"],
        ["export", "--calibration-images", "0"],
        ["train", "--epochs", "0"],
        ["train", "--epochs", "three"],
        ["train", "--batch-size", "0"],
        ["train", "--recipe", "secret"],
        ["train", "--output", "model.h5"],
        ["train", "--seed", "-1"],
        ["train", "--learning-rate", "-1"],
        ["train", "--learning-rate", "nan"],
        ["train", "--validation-split", "1"],
        ["predict", ""],
        ["predict", "a.png", "--min-confidence", "nan"],
        ["watch", "a.png", "--fps", "nan"],
        ["collect", "a.sqlite", "--host", "pi@one", "--timeout", "inf"],
        ["collect", "a.sqlite", "--timeout", "5"],
        ["collect", "a.sqlite", "--remote-path", "b.sqlite"],
        ["collect", "a.sqlite", "--keep-mb", "5"],
        ["benchmark", "--timeout", "5"],
        ["benchmark", "--keep-samples"],
        ["benchmark", "--host", "pi@one", "--extra", "nonsense"],
        ["deploy", "pretrained", "--host", "pi@one", "--extra", "serve,nonsense"],
        ["export", "--max-changed", "5"],
        ["serve", "--port", "80", "--print-unit"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(cli: Cli, tmp_path: Path, arguments: list[str]) -> None:
    done = cli(*arguments, ok=False, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "rror" in done.stderr
    assert done.stdout == ""
    assert not list(tmp_path.iterdir())


NO_NAME = "n" * 300
"""Longer than a file's name can be: what asks for it gets the same kind of error as below a folder that is closed."""


@pytest.mark.parametrize(
    "line",
    [
        "train --data NO_NAME",
        "train --base a.keras --data NO_NAME",
        "export NO_NAME --int8",
        "sign NO_NAME --key NO_NAME",
        "inspect NO_NAME",
        "verify NO_NAME",
        "strip NO_NAME",
        "benchmark NO_NAME",
        "robustness NO_NAME",
        "compare NO_NAME NO_NAME",
        "report NO_NAME",
        "predict NO_NAME",
        "predict 'NO_NAME*'",
        "predict NO_NAME.png --multi",
        "read NO_NAME --output out",
        "serve NO_NAME",
        "serve --collection NO_NAME --port 0",
        "watch NO_NAME",
        "collect NO_NAME",
        "collect a.sqlite --import NO_NAME",
        "deploy NO_NAME --host pi@one",
    ],
)
def test_a_path_that_the_system_refuses_is_one_line(cli: Cli, tmp_path: Path, line: str) -> None:
    done = cli(*shlex.split(line.replace("NO_NAME", NO_NAME)), ok=False, cwd=tmp_path)
    assert done.returncode == 1
    (said,) = (one for one in done.stderr.splitlines() if NO_NAME in one)
    assert said.startswith("digitrec-edge: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("strip tiny", "digitrec-tiny-stripped.tflite  "),
        ("benchmark tiny --variant float32", "there are int4"),
        ("robustness tiny --runtime onnxruntime", "digitrec-tiny.tflite: onnxruntime does not run"),
        ("deploy tiny --canary none.npz --host pi@one", "no such file: none.npz"),
        ("serve tiny --print-unit", "digitrec-tiny.tflite"),
    ],
)
def test_what_ships_is_known_by_its_name_wherever_an_artifact_is_taken(
    cli: Cli, tmp_path: Path, line: str, words: str
) -> None:
    done = cli(*line.split(), ok=False, cwd=tmp_path)
    assert words in done.stdout + done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["digitrec-tiny-stripped.tflite"] * line.startswith("strip")


def test_an_error_of_the_system_about_no_file_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(words: list[str]) -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(cli_module, "_run_command", fail)
    with pytest.raises(OSError, match="Bad file descriptor"):
        cli_module._run()


@pytest.mark.parametrize("line", ["inspect FILE", "serve FILE --tls FILE FILE --print-unit"])
def test_a_file_that_may_not_be_read_is_left_to_who_reads_it(monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """Root may read everything, so that the answer to the question is changed."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr(terminal, "hold_native_output", lambda: None)
    words = line.replace("FILE", str(pretrained.DEFAULT)).split()
    assert CliRunner().invoke(program(), words).exit_code == 0


@pytest.mark.parametrize(
    "line",
    [
        "predict a.png --explain a.png",
        "predict a.png --explain link.png",
        "predict b.png --model a.png --explain a.png",
        "inspect a.tflite --bom a.tflite",
        "strip a.tflite --output a.tflite",
        "benchmark a.tflite --json a.tflite",
        "benchmark . --csv a.tflite",
        "benchmark --json same --csv ./same",
        "robustness a.tflite --json a.tflite",
        "report . --results a.html --output a.html",
        "watch . --draw-regions a.png",
        "collect a.sqlite --export a.sqlite",
        "collect a.sqlite --export a.sqlite-wal",
        "train --base a.keras --data a.sqlite --output a.keras",
    ],
)
def test_what_is_read_is_never_written_over(cli: Cli, tmp_path: Path, line: str) -> None:
    for name in ("a.png", "a.tflite", "a.html", "a.sqlite", "a.sqlite-wal", "a.keras"):
        (tmp_path / name).write_bytes(b"SQLite format 3\0")
    (tmp_path / "link.png").symlink_to("a.png")
    done = cli(*line.split(), ok=False, cwd=tmp_path)
    assert done.returncode == 2
    assert " is also " in done.stderr
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"SQLite format 3\0"}


@pytest.mark.parametrize("arguments", [["predict", "a.png"], ["benchmark"]], ids=" ".join)
def test_an_unknown_runtime_is_answered_with_those_there_are(cli: Cli, arguments: list[str]) -> None:
    done = cli(*arguments, "--runtime", "tpu", ok=False)
    assert "litert, tflite-runtime, onnxruntime" in " ".join(done.stderr.split())
