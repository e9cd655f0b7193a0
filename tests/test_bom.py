"""The bill of materials: valid by the official schema, the same bytes for the same file, and only what is known."""

import dataclasses
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from digitrec_edge import artifact, pretrained
from digitrec_edge.artifact import sample
from digitrec_edge.errors import ArtifactError
from digitrec_edge.files import sha256
from digitrec_edge.formats import SAMPLE_FILE
from digitrec_edge.formats.graph import Operator
from digitrec_edge.verification.bom import write_bom

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
INT8 = pretrained.FOLDER / "digitrec-int8.tflite"


def document(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(write_bom(artifact.read(path)))
    return found


def changed(target: Path, own_sample: bytes | None = None, **fields: Any) -> Path:
    """Write the pretrained artifact anew with another card, or another sample."""
    found = artifact.read(INT8)
    assert found.card
    kept = found.files[SAMPLE_FILE] if own_sample is None else own_sample
    artifact.write(target, found.payload, dataclasses.replace(found.card, **fields), kept)
    return target


def check_by_schema(data: bytes) -> None:
    validation = pytest.importorskip("cyclonedx.validation.json", reason="needs cyclonedx-python-lib")
    from cyclonedx.schema import SchemaVersion

    error = validation.JsonStrictValidator(SchemaVersion.V1_6).validate_str(data.decode())
    assert error is None, error


@pytest.mark.parametrize("path", sorted(pretrained.FOLDER.iterdir()), ids=lambda path: path.name)
def test_it_is_valid_by_the_official_schema(path: Path) -> None:
    check_by_schema(write_bom(artifact.read(path)))


def test_the_schema_would_see_a_mistake() -> None:
    pytest.importorskip("cyclonedx.validation.json", reason="needs cyclonedx-python-lib")
    with pytest.raises(AssertionError, match="supervise"):
        check_by_schema(write_bom(artifact.read(INT8)).replace(b'"supervised"', b'"supervise"'))


def test_it_is_valid_whatever_a_card_says(tmp_path: Path) -> None:
    odd = "a \x1b[31m <b>&\"'\\/ %@#?"
    path = changed(
        tmp_path / "a.tflite", name=odd, tools={odd: odd, "": ""}, training=None, calibration=None, parity=None
    )
    check_by_schema(write_bom(artifact.read(path)).replace(b"\\ud800", b"?"))
    assert document(path)["metadata"]["component"]["modelCard"]["quantitativeAnalysis"] == {"performanceMetrics": []}


def test_the_same_file_gives_the_same_bytes_wherever_it_lies(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    copy = tmp_path / "copy" / "other-name.tflite"
    copy.write_bytes(INT8.read_bytes())
    cli("inspect", INT8, "--bom", tmp_path / "a.json")
    assert "operators" in cli("inspect", copy, "--bom", tmp_path / "b.json").stdout
    data = (tmp_path / "a.json").read_bytes()
    assert data == (tmp_path / "b.json").read_bytes() == write_bom(artifact.read(INT8))
    assert str(INT8.parent).encode() not in data
    assert not {"serialNumber", "timestamp"} & {*json.loads(data), *json.loads(data)["metadata"]}


def test_it_says_what_the_card_says() -> None:
    card = artifact.read(INT8).card
    assert card
    assert card.parity
    made = document(INT8)
    model = made["metadata"]["component"]
    assert (model["type"], model["name"]) == ("machine-learning-model", card.name)
    assert model["hashes"] == [{"alg": "SHA-256", "content": sha256(INT8.read_bytes())}]
    assert model["pedigree"]["ancestors"][0]["hashes"][0]["content"] == card.source_sha256
    metrics = {
        row["type"]: float(row["value"]) for row in model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    }
    assert metrics == {
        "accuracy": card.parity.accuracy,
        "accuracy of the Keras model": card.parity.reference_accuracy,
        "agreement with the Keras model": card.parity.agreement,
        "largest logit difference": card.parity.max_logit_difference,
    }
    recipe = {row["name"].split(":")[1]: row["value"] for row in model["modelCard"]["properties"]}
    assert recipe["training.name"] == "robust"
    assert recipe["training.epochs"] == recipe["training.finished_epochs"] == "340"
    assert len(model["modelCard"]["considerations"]["technicalLimitations"]) >= 3


@pytest.mark.parametrize(("operator", "family"), [
    ("FULLY_CONNECTED", "multilayer perceptron"),
    ("DEPTHWISE_CONV_2D", "convolutional neural network"),
    ("QLinearConv", "convolutional neural network"),
])  # fmt: skip
def test_the_kind_of_network_is_told_by_its_operators(operator: str, family: str) -> None:
    found = artifact.read(INT8)
    graph = dataclasses.replace(found.graph, operators=(Operator(operator, 1, (), ()),))
    made = json.loads(write_bom(dataclasses.replace(found, graph=graph)))
    parameters = made["metadata"]["component"]["modelCard"]["modelParameters"]
    assert (parameters["architectureFamily"], parameters["modelArchitecture"]) == (family, operator)


def test_tools_are_components_that_the_model_depends_on() -> None:
    made = document(INT8)
    card = artifact.read(INT8).card
    assert card
    tools = {part["name"]: part for part in made["components"] if part["type"] == "library"}
    assert {name: part["version"] for name, part in tools.items()} == card.tools
    assert tools["keras"]["purl"] == f"pkg:pypi/keras@{card.tools['keras']}"
    references = [part["bom-ref"] for part in made["components"]]
    assert made["dependencies"][0] == {"ref": "model", "dependsOn": references}
    assert sorted(row["ref"] for row in made["dependencies"]) == sorted(["model", *references])


def test_mnist_and_its_licence_are_named_only_where_the_sample_is_of_mnist(tmp_path: Path) -> None:
    (mnist_set,) = (part for part in document(INT8)["components"] if part["type"] == "data")
    assert (mnist_set["name"], mnist_set["licenses"][0]["license"]["id"]) == ("MNIST", "CC-BY-SA-3.0")
    images = sample.unpack(artifact.read(INT8).files[SAMPLE_FILE], 10)
    other = sample.pack(dataclasses.replace(images, images=~images.images))
    outside = sample.pack(dataclasses.replace(images, indices=images.indices - 100_000))
    for own in (other, outside, b"no sample"):
        path = changed(tmp_path / "own.tflite", own)
        (own_set,) = (part for part in document(path)["components"] if part["type"] == "data")
        assert "MNIST" not in own_set["name"]
        assert "licenses" not in own_set
        check_by_schema(write_bom(artifact.read(path)))


def test_a_foreign_file_has_none(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "foreign.tflite"
    path.write_bytes(artifact.read(INT8).payload.replace(b"digitrec_edge", b"somebody_else"))
    with pytest.raises(ArtifactError, match=re.escape(f"{path} carries no card")):
        write_bom(artifact.read(path))
    done = cli("inspect", path, "--bom", tmp_path / "a.json", ok=False)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert not (tmp_path / "a.json").exists()
