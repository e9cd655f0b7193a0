"""benchmark --host and deploy, as a person types them, on two emulated boards behind a real ssh server."""

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from emulated_pi import network
from emulated_pi.boards import PI4, PI5, Board
from emulated_pi.machine import Machine
from emulated_pi.sshd import Server, session_end
from emulated_pi.userland import BOOKWORM, BUILD

from benchmarks.results.document import read

pytestmark = [pytest.mark.pi, pytest.mark.checkout]

ROOT = Path(__file__).parents[2]
ARTIFACT = "digitrec-int8.tflite"
CACHE = ".cache/digitrec-edge"
LIMIT_S = 900


@pytest.fixture(scope="module")
def homes() -> dict[str, Path]:
    """Home folders of two boards on which nobody has been: one without a package index, one with."""
    found = {}
    for name in ("pi4", "pi5"):
        found[name] = BUILD / "homes" / f"ssh-{name}"
        shutil.rmtree(found[name], ignore_errors=True)
        found[name].mkdir(parents=True)
    network.cut_off(found["pi4"])
    network.connect(found["pi5"])
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, homes: dict[str, Path]) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("sshd"))
    server.start()
    try:
        boards: dict[str, Board] = {"pi4": PI4, "pi5": PI5}
        for name, board in boards.items():
            server.add_host(name, Machine(BOOKWORM, board, homes[name]).login())
        server.add_host("switched-off", ["false"], port=1)
        yield server
    finally:
        server.stop()


def command_line(
    server: Server, *arguments: str | Path, cwd: Path, watch: "threading.Event | None" = None, until: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Run ``digitrec-edge``; ``watch`` is set when a line of standard error has ``until`` in it."""
    environment = {**server.environment(), "PIP_CONSTRAINT": str(ROOT / "constraints.txt")}
    command = [sys.executable, "-m", "digitrec_edge", *map(str, arguments)]
    with subprocess.Popen(
        command, env=environment, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if watch and until in line:
                watch.set()
        output = process.stdout.read()
    return subprocess.CompletedProcess(command, process.returncode, output, "".join(lines))


@pytest.fixture(scope="module")
def first(
    server: Server, pi_artifacts: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple["subprocess.CompletedProcess[str]", Path]:
    """The first benchmark on both boards, and on one that is switched off."""
    folder = tmp_path_factory.mktemp("first")
    hosts = ["--host", "pi4", "--host", "switched-off", "--host", "pi5"]
    files = ["--json", "result.json", "--markdown", "result.md"]
    limits = ["--quick", "--runtime", "tflite-runtime", "--timeout", str(LIMIT_S)]
    return command_line(server, "benchmark", pi_artifacts / ARTIFACT, *limits, *hosts, *files, cwd=folder), folder


def test_the_figures_of_both_boards_come_home_into_one_document(
    first: tuple["subprocess.CompletedProcess[str]", Path],
) -> None:
    done, folder = first
    document = read(folder / "result.json")
    assert [run.device for run in document.runs] == [PI4.model, PI5.model], done.stderr
    for run in document.runs:
        (result,) = run.results
        assert result.artifact == ARTIFACT
        assert result.quality is not None
        assert result.quality.agreement is not None
        assert result.quality.agreement > 0.99
        assert result.end_to_end is not None
        assert run.environment.machine == "aarch64"
    table = (folder / "result.md").read_text()
    assert f"| case | {PI4.model} | {PI5.model} |" in table


def test_a_device_that_fails_is_a_row_that_says_why_and_exit_status_1(
    first: tuple["subprocess.CompletedProcess[str]", Path],
) -> None:
    done, _ = first
    assert done.returncode == 1
    (row,) = (line for line in done.stdout.splitlines() if line.strip().startswith("switched-off"))
    assert "FAILED: it is there, but has no ssh server running" in row
    assert "1 of 3 devices failed: switched-off" in done.stderr


def test_a_board_without_a_package_index_is_sent_its_wheels(
    first: tuple["subprocess.CompletedProcess[str]", Path],
) -> None:
    done, _ = first
    assert "pi4: its package index cannot be used: fetching wheels here" in done.stderr
    assert "pi5: its package index cannot be used" not in done.stderr
    for line in ("connecting", "connected: Raspberry Pi 5", "measuring", "done"):
        assert f"pi5: {line}" in done.stderr


def test_the_runs_files_are_gone_and_only_the_environment_stays(
    first: tuple["subprocess.CompletedProcess[str]", Path], homes: dict[str, Path]
) -> None:
    for home in homes.values():
        assert _runs(home) == []
        left = sorted(path.name for path in (home / CACHE).iterdir())
        assert [name for name in left if not name.startswith("env-")] == ["lock"]
        (environment,) = (home / CACHE).glob("env-*")
        assert sorted(path.name for path in environment.iterdir()) == ["env", "ready"]


def test_a_connection_that_is_killed_halfway_leaves_no_result_and_no_process(
    first: tuple["subprocess.CompletedProcess[str]", Path],
    server: Server,
    homes: dict[str, Path],
    pi_artifacts: Path,
    tmp_path: Path,
) -> None:
    measuring = threading.Event()

    def cut() -> None:
        measuring.wait(LIMIT_S)
        time.sleep(5)
        for session in server.sessions():
            session_end(session)

    thread = threading.Thread(target=cut)
    thread.start()
    options = ["--quick", "--host", "pi4", "--json", "result.json"]
    file = pi_artifacts / ARTIFACT
    done = command_line(server, "benchmark", file, *options, cwd=tmp_path, watch=measuring, until="measuring")
    thread.join()
    assert done.returncode == 1
    assert "the connection broke halfway" in done.stdout
    assert not (tmp_path / "result.json").exists()
    assert "making the environment" not in done.stderr, "the environment of the first run was not used again"
    end = time.monotonic() + 30
    while (_emulated(homes["pi4"]) or _runs(homes["pi4"])) and time.monotonic() < end:
        time.sleep(0.2)
    assert _emulated(homes["pi4"]) == []
    assert _runs(homes["pi4"]) == []


def _runs(home: Path) -> list[Path]:
    """Return the folders of runs on a board."""
    return list((home / CACHE).glob("run-*"))


def _emulated(home: Path) -> list[str]:
    """Return command lines of emulated programs whose /home/pi is this folder."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if f"/{home.name} /home/pi " in (folder / "mountinfo").read_text():
                    found.append((folder / "cmdline").read_text().replace("\0", " "))
            except OSError:
                continue
    return found


def test_deploy_leaves_a_verified_artifact_and_the_line_that_it_prints_works(
    first: tuple["subprocess.CompletedProcess[str]", Path], server: Server, homes: dict[str, Path], pi_artifacts: Path
) -> None:
    done = command_line(
        server, "deploy", pi_artifacts / ARTIFACT, "--host", "pi5", "--timeout", str(LIMIT_S), cwd=homes["pi5"]
    )
    assert done.returncode == 0, done.stderr
    assert "whole; not signed" in done.stdout
    (line,) = (line for line in done.stdout.splitlines() if "type there:" in line)
    from PIL import Image

    from digitrec_edge import mnist

    digits = mnist.load("test")
    Image.fromarray(255 - digits.images[0]).resize((140, 140)).save(homes["pi5"] / "seven.png")
    typed = line.partition("type there: ")[2].replace("PICTURE", "~/seven.png")
    ssh = ["ssh", "-o", "BatchMode=yes", "pi5", typed]
    answer = subprocess.run(ssh, env=server.environment(), capture_output=True, text=True, check=True)
    assert answer.stdout.startswith(f"/home/pi/seven.png: {digits.labels[0]} ")


def test_the_artifact_before_comes_back_and_the_board_tells_its_history(
    first: tuple["subprocess.CompletedProcess[str]", Path], server: Server, homes: dict[str, Path], pi_artifacts: Path
) -> None:
    def deploy(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        return command_line(
            server, "deploy", *arguments, "--host", "pi5", "--timeout", str(LIMIT_S), cwd=homes["pi5"]
        )  # fmt: skip

    for name in (ARTIFACT, "digitrec-float32.tflite"):
        assert deploy(pi_artifacts / name).returncode == 0
    back = deploy("--rollback", "--json")
    (device,) = json.loads(back.stdout)["devices"]
    assert (device["placed"]["artifact"], device["placed"]["before"]) == (ARTIFACT, "digitrec-float32.tflite")
    events = json.loads(deploy("--history", "--json").stdout)["pi5"]
    assert [one["event"] for one in events][-3:] == ["deployed", "deployed", "rolled back"]
    assert [one["variant"] for one in events][-3:] == ["int8", "float32", "int8"]


def test_deploy_sends_no_file_without_a_card(server: Server, pi_artifacts: Path, tmp_path: Path) -> None:
    data = bytearray((pi_artifacts / ARTIFACT).read_bytes())
    data[1000] ^= 1
    (tmp_path / "changed.tflite").write_bytes(data)
    done = command_line(server, "deploy", "changed.tflite", "--host", "pi5", cwd=tmp_path)
    assert done.returncode == 1
    assert "is not as it was exported" in done.stderr
    assert "connecting" not in done.stderr


def test_clean_leaves_nothing_of_ours(
    first: tuple["subprocess.CompletedProcess[str]", Path],
    server: Server,
    homes: dict[str, Path],
    pi_artifacts: Path,
    tmp_path: Path,
) -> None:
    limits = ["--quick", "--runtime", "tflite-runtime", "--clean", "--host", "pi5", "--json", "result.json"]
    done = command_line(server, "benchmark", pi_artifacts / ARTIFACT, *limits, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "result.json").read_text())["runs"]
    assert "making the environment" not in done.stderr
    assert not (homes["pi5"] / CACHE).exists()
