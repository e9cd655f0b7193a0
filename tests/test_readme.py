"""Every command and every piece of Python in the README is run, in the order in which it stands there."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import readme_pictures
from PIL import Image

from digitrec_edge import artifact, formats, mnist
from digitrec_edge.variants import VARIANTS
from runtimes import support
from runtimes.elsewhere import TARGETS
from tests.conftest import RUNS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text() if (ROOT / "README.md").exists() else ""
FENCE = re.compile(r"(?:<!-- run: (?P<where>\w+) -->\n)?```(?P<language>\w+)\n(?P<body>.*?)```", re.S)

pytestmark = pytest.mark.checkout


def blocks(where: str) -> list[str]:
    return [match["body"] for match in FENCE.finditer(README) if match["where"] == where]


def commands(where: str) -> list[str]:
    lines = [line.split("#")[0].strip() for block in blocks(where) for line in block.splitlines()]
    return [line for line in lines if line]


def run(line: str, folder: Path, programs: Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", line], cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    return done


def draw_digit(path: Path) -> int:
    digits = mnist.load("test")
    Image.fromarray(255 - digits.images[0]).resize((200, 200)).save(path)
    return int(digits.labels[0])


def test_no_block_of_code_escapes_these_tests() -> None:
    for match in FENCE.finditer(README):
        if match["language"] in ("sh", "python", "console", "bash"):
            assert match["where"] in ("make", "device", "desktop", "python"), match["body"]


def masked(text: str) -> str:
    """Without what differs between runs and machines: versions and times."""
    return re.sub(r"\d+(?:\.\d+)* (us|ms)|(?<=litert )[\d.]+", r"N \1", text)


def test_the_picture_is_read_as_shown(cli: "Callable[..., subprocess.CompletedProcess[str]]", tmp_path: Path) -> None:
    """The photograph is what the script makes; the lines and the strip are what the command shown makes of it."""
    command, printed = re.findall(r"<!-- output: predict -->\n```text\n\$ (.*)\n((?:.*\n)*?)```", README)[0]
    program, *arguments = shlex.split(command)
    assert program == "digitrec-edge"
    (tmp_path / readme_pictures.PHOTOGRAPH).write_bytes(readme_pictures.photograph())
    done = cli(*arguments, "--runtime", "litert", cwd=tmp_path)
    assert masked(done.stderr + done.stdout) == masked(printed)
    for name, made in ((readme_pictures.PHOTOGRAPH, "nine.jpg"), (readme_pictures.STRIP, "strip.png")):
        assert f"docs/images/{name}" in README
        with Image.open(tmp_path / made) as here, Image.open(readme_pictures.FOLDER / name) as shown:
            assert here.size == shown.size
            assert np.abs(np.asarray(here, float) - np.asarray(shown, float)).mean() < 1


def test_make_targets_exist() -> None:
    for line in commands("make"):
        program, target = line.split()
        assert program == "make"
        done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def variants_table(artifacts: Path) -> str:
    """The table of variants as its rows, and the artifacts themselves, have it."""
    lines = [
        f"| option | file | what it is | {' | '.join(row.called for row in TARGETS)} |",
        "|" + "---|" * (3 + len(TARGETS)),
    ]
    for variant in VARIANTS:
        suffix = formats.by_name(variant.format).suffix
        cells = [f"`--{variant.option}`", f"`{variant.stem}{suffix}`", variant.help]
        for row in TARGETS:
            if not row.runs(variant.format):
                cells.append("")
            elif support.oldest(row, artifact.read(artifacts / f"{variant.stem}{suffix}").graph):
                cells.append("yes")
            elif support.fits(row, variant):
                cells.append(f"with `--target {row.name}`")
            else:
                cells.append("no")
        lines.append(f"| {' | '.join(cells)} |".replace("  ", " "))
    return "\n".join(lines)


def test_the_table_of_variants_is_that_of_the_rows_and_of_the_artifacts(artifacts: Path) -> None:
    expected = variants_table(artifacts)
    found = README.partition("<!-- variants -->\n")[2].partition("\n<!-- /variants -->")[0]
    assert found.strip() == expected, f"put this between the marks of README.md:\n{expected}"


def test_files_that_the_readme_points_to_exist() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


@pytest.mark.long
def test_three_lines_work_in_an_empty_environment(tmp_path: Path, artifacts: Path, wheel_file: Path) -> None:
    """As on a Pi: a fresh virtual environment, the wheel, one artifact and one picture."""
    shutil.copy(wheel_file, tmp_path)
    shutil.copy(artifacts / "digitrec-int8.tflite", tmp_path)
    shutil.copy(ROOT / "constraints.txt", tmp_path)
    digit = draw_digit(tmp_path / "digit.png")
    subprocess.run([sys.executable, "-m", "virtualenv", "-q", str(tmp_path / "venv")], check=True)
    install, *others = commands("device")
    programs = tmp_path / "venv" / "bin"
    run(f"{install} -c constraints.txt", tmp_path, programs)
    predict, benchmark = others
    outputs = [run(predict, tmp_path, programs).stdout, run(f"{benchmark} --quick", tmp_path, programs).stdout]
    assert f"digit.png: {digit}" in outputs[0]
    assert "digitrec-int8.tflite" in outputs[1]
    installed = run("pip list --format=freeze", tmp_path, programs).stdout
    assert not re.search(r"^(tensorflow|keras|onnx|matplotlib)==", installed, re.M)


@pytest.mark.desktop
def test_commands_work_in_their_order(
    tmp_path: Path, cli: "Callable[..., subprocess.CompletedProcess[str]]", trained: Path
) -> None:
    """The training is that which the tests' own model was made by, by the same command."""
    trains = [arguments[: arguments.index("--output")] for arguments in RUNS["model"]]
    digit = draw_digit(tmp_path / "digit.png")
    programs = Path(sys.executable).parent
    for line in commands("desktop"):
        program, *arguments = shlex.split(line)
        assert program == "digitrec-edge"
        if arguments in trains:
            (tmp_path / "build").mkdir()
            for path in trained.glob("model.*"):
                shutil.copy(path, tmp_path / "build")
            continue
        done = cli(*arguments, cwd=tmp_path, brief=True)
        if "predict" in line:
            assert f"digit.png: {digit}" in done.stdout
    for block in blocks("python"):
        script = tmp_path / "readme.py"
        script.write_text(block)
        assert re.search(r"\b7$", run(f"{sys.executable} readme.py", tmp_path, programs).stdout.strip())
