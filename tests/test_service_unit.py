"""The unit for systemd: what it starts, what it may see, and what systemd itself says of its sandbox."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from digitrec_edge.cli.serve import UNIT

Cli = Callable[..., "subprocess.CompletedProcess[str]"]

MOST_EXPOSED = 2.0
"""On systemd's scale of 0 to 10."""


def unit_of(cli: Cli, *arguments: str | Path) -> str:
    return cli("serve", "--print-unit", *arguments).stdout


def words_of(unit: str) -> list[str]:
    found = re.search(r"^ExecStart=(.*)$", unit, re.M)
    assert found
    return shlex.split(found[1].replace("%%", "%").replace("$$", "$"))


def test_it_starts_what_was_asked_with_paths_that_hold_there(cli: Cli, tmp_path: Path) -> None:
    model = tmp_path / "100% $mine" / "model.tflite"
    asked = ("--lan", "--name", "meter.local", "--keep", "unsure", "--keep-mb", "10", "--port", "8080")
    words = words_of(unit_of(cli, model, *asked))
    assert words[1:4] == ["-m", "digitrec_edge", "serve"]
    assert words[4] == str(model)
    assert words[words.index("--token-file") + 1].startswith("/var/lib/")
    assert words[words.index("--collection") + 1].startswith("/var/lib/")
    assert words[words.index("--keep-mb") + 1] == "10"
    assert "--lan" in words


def test_a_collection_is_corrected_where_the_service_may_write(cli: Cli, tmp_path: Path) -> None:
    words = words_of(unit_of(cli, "--collection", tmp_path / "home.sqlite"))
    assert words[words.index("--collection") + 1] == "/var/lib/digitrec-edge/home.sqlite"
    assert "--keep" not in words


def test_the_folder_of_the_artifact_is_seen_and_may_not_be_written(cli: Cli, tmp_path: Path) -> None:
    unit = unit_of(cli, tmp_path / "model.tflite")
    assert f"BindReadOnlyPaths={tmp_path}\n" in unit
    assert "ProtectHome=tmpfs" in unit
    assert "IPAddressAllow=localhost\n" in unit


@pytest.mark.parametrize("arguments", [(), ("--lan", "--keep", "all")], ids=["loopback", "lan"])
def test_systemd_finds_little_exposed(cli: Cli, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed: apt-get install systemd")
    place = tmp_path / UNIT
    place.write_text(unit_of(cli, *arguments))
    command = [analyze, "security", "--offline=yes", "--no-pager", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found, done.stderr
    assert float(found[1]) <= MOST_EXPOSED
    verified = subprocess.run([analyze, "verify", str(place)], capture_output=True, text=True, check=False)
    assert "Unknown" not in verified.stderr
