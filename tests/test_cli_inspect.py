"""``digitrec-edge inspect``: card, tensors, operators, bytes, hashes and runtimes; with base dependencies alone."""

import dataclasses
import functools
import json
import re
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from digitrec_edge import artifact
from digitrec_edge.files import sha256
from digitrec_edge.formats import MARK
from digitrec_edge.verification.layers import layer_sizes
from runtimes import RUNTIMES
from runtimes.elsewhere import target_names

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
INSTALLED = {row.name for row in RUNTIMES if row.installed}

BASE_ALONE = """
import sys

class Only:
    '''A finder that finds nothing but Python itself and what the base installation brings.'''

    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        top = name.split(".")[0]
        known = top in BASE or top in sys.stdlib_module_names or top.startswith("_")
        return self.finder.find_spec(name, path, target) if known else None

    def find_distributions(self, *context):
        found = getattr(self.finder, "find_distributions", lambda *context: ())(*context)
        return (one for one in found if one.metadata["Name"].lower().replace("_", "-") in DISTRIBUTIONS)

sys.meta_path[:] = map(Only, sys.meta_path)
sys.argv[0] = "digitrec-edge"
from digitrec_edge.cli import main
main()
"""


@functools.cache
def base_distributions() -> set[str]:
    """Our base dependencies and theirs, as they declare them."""
    wanted, names = ["digitrec-edge"], set()
    while wanted:
        name = wanted.pop()
        try:
            requires = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # needed on another Python or platform only
        names.add(normal(name))
        needed = {re.split(r"[ <>=!~;(\[]", line)[0] for line in requires if "extra ==" not in line}
        wanted += [line for line in needed if normal(line) not in names]
    return names


@functools.cache
def base_modules() -> set[str]:
    """Top-level modules of these distributions, and ours."""
    names, owners = base_distributions(), metadata.packages_distributions()
    ours = {"digitrec_edge", "runtimes", "converters", "benchmarks"}
    return ours | {module for module, owner in owners.items() if names & set(map(normal, owner))}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def with_base_alone(*arguments: str | Path, code: str = BASE_ALONE) -> "subprocess.CompletedProcess[str]":
    known = f"BASE, DISTRIBUTIONS = {base_modules()!r}, {base_distributions()!r}\n"
    command = [sys.executable, "-c", known + code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def table(text: str, title: str) -> list[list[str]]:
    """The rows of one of the printed tables, cells parted by two spaces or more."""
    lines = text[text.index(title) :].splitlines()[1:]
    rows = []
    for line in lines[3:]:
        if not line.strip():
            break
        rows.append(re.split(r" {2,}", line.strip()))
    return rows


def test_it_shows_all_there_is(cli: Cli, artifacts: Path) -> None:
    path = artifacts / "digitrec-int8.tflite"
    found = artifact.read(path)
    assert found.card is not None
    assert found.card.calibration is not None
    text = cli("inspect", path).stdout
    assert f"{path}: tflite, {len(found.data):,} bytes, of these {len(found.payload):,} the model" in text
    assert f"file sha256   {sha256(found.data)}" in text
    assert f"model sha256  {sha256(found.payload)}" in text
    assert "card          digitrec-int8, variant int8, for litert" in text
    assert f"source        Keras model {found.card.source_sha256}" in text
    indices = found.card.calibration.indices_sha256[:16]
    assert f"500 training images, 0 of them blemished, seed 0, indices sha256 {indices}..." in text
    assert re.search(r"parity        \d\d\.\d\d% of 10,000 test images \(Keras \d\d\.\d\d%\), agreement \d", text)
    assert "input         28 x 28 grey, 0 background to 255 foreground, divided by 255" in text
    assert f"tensorflow {found.card.tools['tensorflow']}" in text
    tensors = {row[0].removesuffix(" *"): row[1:] for row in table(text, "tensors (* input or output)")}
    assert tensors.keys() == {tensor.name for tensor in found.graph.tensors}
    assert tensors["image"] == ["1 x 28 x 28", "uint8", "0.00392157", "0", "-"]
    (logits,) = found.graph.outputs
    assert tensors["logits"] == ["1 x 10", "int8", f"{logits.scale[0]:.6g}", str(logits.zero_point[0]), "-"]
    assert "image *" in text
    operators = table(text, "operators")
    assert [(row[0], int(row[1])) for row in operators] == [(o.name, o.version) for o in found.graph.operators]
    *layers, rest = table(text, "bytes per layer")
    assert [row[1] for row in layers] == ["784 x 256", "256 x 128", "128 x 128", "128 x 10"]
    assert sum(int(row[-2].replace(",", "")) for row in (*layers, rest)) == len(found.data)
    assert sum(float(row[-1].rstrip("%")) for row in (*layers, rest)) == pytest.approx(100, abs=0.3)


def test_there_is_a_yes_or_no_and_a_why_for_each_runtime(cli: Cli, artifacts: Path) -> None:
    rows = table(cli("inspect", artifacts / "digitrec-int4.tflite").stdout, "runtimes")
    answers = [["litert", "yes"], ["tflite-runtime", "no"], ["onnxruntime", "no"], ["native", "yes"]]
    answers += [["litert-web", "no"], ["onnxruntime-web", "no"], ["tflite-micro", "no"]]
    assert [row[:2] for row in rows] == answers
    assert re.search(r"1\.0\.1 and later run it", rows[0][2])
    assert rows[1][2] == "needs FULLY_CONNECTED 12 (tflite-runtime 2.14.0 has 10 at the most)"
    assert rows[2][2] == "runs .onnx and .ort files"
    rows = table(cli("inspect", artifacts / "digitrec-float32.ort").stdout, "runtimes")
    assert [row[1] for row in rows] == ["no", "no", "yes", "no", "no", "yes", "no"]


@pytest.mark.parametrize("name", ["digitrec-int8.tflite", "digitrec-int8.onnx", "digitrec-int8.ort"])
def test_json_is_one_object_with_the_same(cli: Cli, artifacts: Path, name: str) -> None:
    found = artifact.read(artifacts / name)
    result = json.loads(cli("inspect", artifacts / name, "--json").stdout)
    assert found.card is not None
    assert result["card"] == json.loads(found.card.to_json())
    assert result["format"] == found.format.name
    assert (result["file_bytes"], result["payload_bytes"]) == (len(found.data), len(found.payload))
    assert [tensor["name"] for tensor in result["tensors"]] == [tensor.name for tensor in found.graph.tensors]
    assert [[o["name"], o["version"]] for o in result["operators"]] == [
        [o.name, o.version] for o in found.graph.operators
    ]
    layers = [dataclasses.asdict(layer) for layer in layer_sizes(found.graph)]
    assert result["layers"] == json.loads(json.dumps(layers))
    assert [layer["shape"] for layer in result["layers"]] == [[784, 256], [256, 128], [128, 128], [128, 10]]
    assert sum(layer["stored_bytes"] for layer in result["layers"]) + result["rest_bytes"] == len(found.data)
    answers = {row["runtime"]: row for row in result["runtimes"]}
    assert answers.keys() == {*target_names()}
    for row in RUNTIMES:
        expected = row.version if row.name in INSTALLED else None
        assert answers[row.name]["installed"] == expected
        assert answers[row.name]["runs"] == (found.format.name in row.formats)


@pytest.mark.parametrize("suffix", [".tflite", ".onnx", ".ort"])
def test_a_foreign_file_is_shown_without_a_card(cli: Cli, artifacts: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"foreign{suffix}"
    path.write_bytes(artifact.read(artifacts / f"digitrec-float32{suffix}").payload.replace(MARK, b"somebody_else"))
    text = cli("inspect", path).stdout
    assert "card          none: " in text
    assert "image *" in text
    assert json.loads(cli("inspect", path, "--json").stdout)["card"] is None


@pytest.mark.parametrize("suffix", [".tflite", ".onnx", ".ort"])
def test_it_works_with_base_dependencies_alone(artifacts: Path, suffix: str) -> None:
    done = with_base_alone("inspect", artifacts / f"digitrec-int8{suffix}")
    assert done.returncode == 0, done.stderr
    assert len(table(done.stdout, "runtimes")) == len(target_names())


def test_the_blocker_blocks() -> None:
    assert {"numpy", "PIL", "typer"} <= base_modules()
    for module in ("onnxruntime", "flatbuffers"):
        code = BASE_ALONE.split("sys.argv")[0] + f"import {module}"
        done = with_base_alone(code=code)
        assert f"No module named {module!r}" in done.stderr


def test_without_any_runtime_each_row_says_that_it_is_not_installed(artifacts: Path) -> None:
    done = with_base_alone("inspect", artifacts / "digitrec-float32.tflite")
    assert done.returncode == 0, done.stderr
    rows = table(done.stdout, "runtimes")
    assert [row[1] for row in rows] == ["yes", "yes", "no", "no", "yes", "no", "yes"]
    assert rows[0][2].startswith("not installed; ")


def test_a_damaged_artifact_ends_with_1(cli: Cli, artifacts: Path, tmp_path: Path) -> None:
    data = bytearray((artifacts / "digitrec-int8.onnx").read_bytes())
    data[50_000] ^= 1
    (tmp_path / "a.onnx").write_bytes(data)
    done = cli("inspect", tmp_path / "a.onnx", ok=False)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"digitrec-edge: {tmp_path / 'a.onnx'} is damaged")
