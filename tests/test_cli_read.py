"""``read``: from pictures to a folder of answers, what it says, its exit status, and that it goes on where it ended."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitrec_edge import mnist
from tests.interruptions import session_of

pa = pytest.importorskip("pyarrow", reason="the extra dask is not installed")

import pyarrow.parquet as pq  # noqa: E402

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
LIMIT_S = 60.0


def start(*arguments: str | Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "digitrec_edge", "read", *map(str, arguments)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_folder_of_pictures_with_a_bad_one(cli: Cli, mnist_test: mnist.Digits, tmp_path: Path) -> None:
    pictures, output = tmp_path / "in", tmp_path / "out"
    (pictures / "below").mkdir(parents=True)
    for name, digit in (("a.png", 0), ("below/b.png", 1)):
        Image.fromarray(255 - mnist_test.images[digit]).resize((112, 112)).save(pictures / name)
    (pictures / "c.jpg").write_bytes(b"no picture")
    done = cli("read", pictures, "--output", output, "--runtime", "native", ok=False)
    assert done.returncode == 1
    first, last = done.stderr.splitlines()
    assert first.startswith("digitrec-int8 on native ")
    assert first.endswith(": 3 pictures, parts: 1")
    assert last.startswith("3 pictures: 2 digits read, 0 no digit, 1 refused, ")
    assert done.stdout == ""
    rows = {row["file"]: row for row in pq.read_table(output).to_pylist()}
    assert {name: row["digit"] for name, row in rows.items()} == {"a.png": 7, "below/b.png": 2, "c.jpg": None}
    assert "c.jpg is not a picture" in rows["c.jpg"]["error"]
    again = cli("read", pictures, "--output", output, "--runtime", "native", ok=False)
    assert again.returncode == 1
    assert "of which 1 are there already" in again.stderr
    other = cli("read", pictures, "--output", output, "--runtime", "native", "--min-confidence", "0.5", ok=False)
    assert other.returncode == 1
    assert "holds answers with another min confidence" in other.stderr


def test_names_that_are_no_utf_8_are_read_and_made_readable(cli: Cli, mnist_test: mnist.Digits, tmp_path: Path) -> None:
    pictures, output = tmp_path / "in", tmp_path / os.fsdecode(b"out-\xe9")
    pictures.mkdir()
    Image.fromarray(255 - mnist_test.images[0]).resize((112, 112)).save(pictures / os.fsdecode(b"caf\xe9.png"))
    for _ in range(2):
        done = cli("read", pictures, "--output", output, "--runtime", "native")
    assert "of which 1 are there already" in done.stderr
    (part,) = output.glob("part-*")
    with part.open("rb") as stream:
        assert pq.read_table(stream).to_pylist()[0]["file"] == r"caf\xe9.png"


@pytest.mark.long
@pytest.mark.parametrize("group", [True, False], ids=["terminal", "alone"])
def test_ctrl_c_ends_all_and_the_same_command_goes_on(mnist_test: mnist.Digits, tmp_path: Path, group: bool) -> None:
    pictures, output = tmp_path / "in", tmp_path / "out"
    pictures.mkdir()
    for number in range(120):
        np.save(pictures / f"{number:03}.npy", mnist_test.images[number * 20 : number * 20 + 20])
    command = (pictures, "--output", output, "--runtime", "native", "--jobs", "2")
    process = start(*command)
    wait_for(lambda: process.poll() is not None or [*output.glob("part-*")])
    (os.killpg if group else os.kill)(process.pid, signal.SIGINT)
    said = process.communicate(timeout=LIMIT_S)[1].splitlines()
    assert process.returncode == 130, said
    assert len(said) == 2, said
    assert said[1].startswith("interrupted: ")
    assert said[1].endswith("; the same command goes on")
    wait_for(lambda: not session_of(process.pid))
    before = {path: path.stat().st_mtime_ns for path in output.glob("part-*")}
    assert 0 < len(before) < 120
    assert not (output / "_SUCCESS").exists()
    process = start(*command)
    said = process.communicate(timeout=LIMIT_S)[1].splitlines()
    assert process.returncode == 0, said
    assert f"of which {len(before)} are there already" in said[0]
    assert said[1].startswith("2,400 pictures: ")
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert (output / "_SUCCESS").exists()
    rows = pq.read_table(output, columns=["file", "row"]).to_pylist()
    assert [(row["file"], row["row"]) for row in rows] == [(f"{n:03}.npy", k) for n in range(120) for k in range(20)]


def test_what_cannot_begin_is_one_line(cli: Cli, mnist_test: mnist.Digits, tmp_path: Path) -> None:
    np.save(tmp_path / "digits.npy", mnist_test.images[:10])
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    shutil.copytree(tmp_path / "empty", tmp_path / "mine")
    (tmp_path / "mine" / "notes.txt").touch()
    for arguments, said in (
        (("digits.npy", "--output", "file"), "cannot write "),
        (("digits.npy", "--output", "mine"), "mine holds other files than answers (notes.txt)"),
        (("none", "--output", "out"), "cannot read none: No such file or directory"),
        (("none.parquet", "--output", "out"), "none.parquet cannot be read: "),
        (("broken.parquet", "--output", "out"), "broken.parquet cannot be read: "),
        (("empty", "--output", "out"), "empty holds no pictures"),
        (("digits.npy", "--output", "out", "--keep-columns", "id"), "digits.npy: no single column is called 'id'"),
        (("digits.npy", "--output", "out", "--model", "file"), "file is empty"),
        ((".", "--output", "out"), "out is in ., where answers would count as pictures"),
        (("digits.npy", "--output", "out", "--scheduler", "nonsense"), "no Dask scheduler answers at nonsense: "),
    ):
        done = cli("read", *arguments, cwd=tmp_path, ok=False)
        assert done.returncode == 1, (arguments, done.stderr)
        assert said in done.stderr.splitlines()[-1], (arguments, done.stderr)
        assert len(done.stderr.splitlines()) <= 2
    assert cli("read", "digits.npy", cwd=tmp_path, ok=False).returncode == 2


def test_a_part_that_cannot_be_read_is_told_and_the_others_are_read(
    cli: Cli, mnist_test: mnist.Digits, tmp_path: Path
) -> None:
    pictures, output = tmp_path / "in", tmp_path / "out"
    pictures.mkdir()
    for name in "abc":
        rows = [image.tobytes() for image in mnist_test.images[:10]]
        pq.write_table(pa.table({"image": pa.array(rows, pa.binary(784))}), pictures / f"{name}.parquet")
    whole = (pictures / "b.parquet").read_bytes()
    (pictures / "b.parquet").write_bytes(bytes(200) + whole[200:])
    command = ("read", pictures, "--output", output, "--runtime", "native")
    done = cli(*command, ok=False)
    assert done.returncode == 1
    assert "b.parquet cannot be read: " in done.stderr.splitlines()[1]
    assert "20 pictures: " in done.stderr.splitlines()[2]
    assert "1 part not read" in done.stderr.splitlines()[2]
    assert {path.name for path in output.glob("[!_]*")} == {"part-000000.parquet", "part-000002.parquet"}
    assert not (output / "_SUCCESS").exists()
    (pictures / "b.parquet").write_bytes(whole)
    assert "holds answers with another fingerprint" in cli(*command, ok=False).stderr
    assert cli(*command, "--restart").stderr.splitlines()[-1].startswith("30 pictures: ")
    assert (output / "_SUCCESS").exists()


def test_a_missing_extra_is_named(mnist_test: mnist.Digits, tmp_path: Path) -> None:
    np.save(tmp_path / "digits.npy", mnist_test.images[:10])
    for module in ("pyarrow", "distributed"):
        code = (
            f"import sys; sys.modules[{module!r}] = None; sys.argv[1:] = ['read', 'digits.npy', '--output', 'out']\n"
            "from digitrec_edge.cli import main; main()"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 1, done.stderr
        assert f"read needs {module}: " in done.stderr.splitlines()[-1]
        assert "pip install" in done.stderr.splitlines()[-1]
