"""``export --c`` and ``--c-int4``: artifacts like any other, tried before they are written; choices of their own."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from digitrec_edge import artifact
from digitrec_edge.dense.c_archive import tables_of
from digitrec_edge.dense.reading import network_of
from digitrec_edge.dense.tflite import read_network
from digitrec_edge.variants import VARIANTS
from runtimes.table import find

pytestmark = pytest.mark.desktop
Cli = Callable[..., Any]


@pytest.fixture(scope="module")
def model(trained: Path) -> Path:
    return trained / "model.keras"


@pytest.mark.parametrize("name", ["int8", "int4"])
def test_the_c_of_a_model_is_its_tflite_network(artifacts: Path, name: str) -> None:
    written, _ = network_of((artifacts / f"digitrec-{name}-c.zip").read_bytes())
    read = read_network(artifact.read(artifacts / f"digitrec-{name}.tflite").payload)
    for one, other in zip(written.layers, read.layers, strict=True):
        assert (one.weights == other.weights).all()
        assert (one.bias == other.bias).all()
        assert one.factors32.tobytes() == other.factors32.tobytes()
        assert (one.zero, one.low, one.bits) == (other.zero, other.low, other.bits)


def test_the_card_tells_rounding_and_kernel_and_native_tried_it(artifacts: Path) -> None:
    for name in ("int8", "int4"):
        card = artifact.read(artifacts / f"digitrec-{name}-c.zip").card
        assert card
        assert card.requirements.target == "native"
        assert card.requirements.needs == {"DENSE": 1, "rounding litert": 1, "kernel portable": 1}
        assert card.parity
        assert card.parity.runtime.startswith("native ")
        assert card.name == f"digitrec-{name}"


def test_a_rounding_and_a_kernel_are_chosen_for_c_alone(cli: Cli, model: Path, tmp_path: Path) -> None:
    cli("export", model, "--c", "--rounding", "tflite-micro", "--kernel", "mve", "-o", tmp_path)
    found = artifact.read(tmp_path / "digitrec-int8-c.zip")
    tables = tables_of(found.payload)
    assert (tables.rounding.name, tables.kernel.name) == ("tflite-micro", "mve")
    assert found.card
    assert found.card.requirements.needs["rounding tflite-micro"] == 1
    with zipfile.ZipFile(io.BytesIO(found.payload)) as archive:
        assert b"arm_mve.h" in archive.read("digitrec/src/digitrec/kernel.h")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--int8", "--rounding", "litert"], "--int8 has no such choice; --c, --c-int4 have"),
        (["--c", "--onnx", "--kernel", "dsp"], "--onnx has no such choice; --c, --c-int4 have"),
        (["--c", "--kernel", "fast"], "'fast'; choose from portable, dsp, mve"),
        (["--c", "--rounding", "half"], "'half'; choose from litert, litert-reference, tflite-micro, "),
        (["--c", "--target", "litert"], "litert does not run --c"),
    ],
)
def test_a_choice_that_cannot_be_is_wrong_usage(cli: Cli, model: Path, arguments: list[str], reason: str) -> None:
    done = cli("export", model, *arguments, ok=False)
    assert done.returncode == 2
    assert reason in " ".join(done.stderr.replace("│", " ").split())


def test_int4_for_a_kernel_of_bytes_is_refused(cli: Cli, model: Path, tmp_path: Path) -> None:
    done = cli("export", model, "--c-int4", "--kernel", "dsp", "-o", tmp_path, ok=False)
    assert done.returncode == 1
    assert "the kernel dsp takes weights of 8 bits, these have 4" in done.stderr
    assert not list(tmp_path.glob("*.zip"))


def test_a_network_that_is_not_dense_is_refused_by_what_it_has(cli: Cli, tmp_path: Path) -> None:
    import keras

    layers = [keras.Input((28, 28)), keras.layers.Reshape((28, 28, 1)), keras.layers.Conv2D(2, 3, strides=3)]
    keras.Sequential([*layers, keras.layers.Flatten(), keras.layers.Dense(10)]).save(tmp_path / "cnn.keras")
    done = cli("export", tmp_path / "cnn.keras", "--c", "--allow-inaccurate", "-o", tmp_path, ok=False)
    assert done.returncode == 1
    assert "it has CONV_2D" in done.stderr or "no network of static int8" in done.stderr
    assert not list(tmp_path.glob("*.zip"))


def test_the_same_model_gives_the_same_bytes(cli: Cli, model: Path, artifacts: Path, tmp_path: Path) -> None:
    cli("export", model, "--c", "-o", tmp_path)
    assert (tmp_path / "digitrec-int8-c.zip").read_bytes() == (artifacts / "digitrec-int8-c.zip").read_bytes()


def test_choices_are_of_the_rows_that_know_them() -> None:
    assert {row.option for row in VARIANTS if "kernel" in row.choices} == {"c", "c-int4"}
    assert {row.option for row in VARIANTS if "output_type" in row.choices} == {"int8", "int4"}
    assert find("native").runs("c")
