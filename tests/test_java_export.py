"""``export --java``: an artifact like any other, tried before it is written; every command takes it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from digitrec_edge import artifact, formats, mnist
from digitrec_edge.dense import c_archive, java_archive
from digitrec_edge.dense.reading import network_of
from digitrec_edge.dense.tflite import read_network
from digitrec_edge.errors import DamagedError
from digitrec_edge.formats import CARD_FILE, LABELS_FILE, SAMPLE_FILE, SEAL_BYTES
from digitrec_edge.formats.graph import MalformedError
from runtimes import load
from runtimes.table import find

Cli = Callable[..., Any]
IMAGES = mnist.load("test").images
needs_native = pytest.mark.skipif(not find("native").installed, reason="there are no native kernels here")


@pytest.fixture(scope="module")
def path(artifacts: Path) -> Path:
    return artifacts / "digitrec-int8-java.zip"


def test_it_is_the_network_of_the_tflite_artifact(path: Path, artifacts: Path) -> None:
    written, rounding = network_of(path.read_bytes())
    read = read_network(artifact.read(artifacts / "digitrec-int8.tflite").payload)
    assert rounding.name == "litert"
    for one, other in zip(written.layers, read.layers, strict=True):
        assert (one.weights == other.weights).all()
        assert (one.bias == other.bias).all()
        assert one.factors32.tobytes() == other.factors32.tobytes()


def test_it_is_an_artifact_with_a_card_that_is_told_from_c(path: Path, artifacts: Path) -> None:
    found = artifact.read(path)
    assert found.card
    assert (found.format.name, found.card.name, found.card.format) == ("java", "digitrec-int8", "java")
    assert found.card.requirements.target == "native"
    assert found.card.requirements.needs == {"DENSE": 1, "rounding litert": 1}
    assert found.card.parity
    assert found.card.parity.runtime.startswith("native ")
    assert {*found.files} == {CARD_FILE, LABELS_FILE, SAMPLE_FILE}
    in_c = (artifacts / "digitrec-int8-c.zip").read_bytes()
    assert not java_archive.recognise(in_c)
    assert not c_archive.recognise(found.data)
    assert formats.of_file_name(path.name) == found.format
    again = java_archive.attach(*java_archive.split(found.data))
    assert again[:-SEAL_BYTES] == found.data[:-SEAL_BYTES]


@needs_native
def test_native_runs_it_with_the_bytes_of_the_tflite_artifact(path: Path, artifacts: Path) -> None:
    with load(path) as one, load(artifacts / "digitrec-int8.tflite", "native") as other:
        assert one.runtime == "native"
        assert np.array_equal(one.logits(IMAGES), other.logits(IMAGES))


@needs_native
def test_every_command_takes_it(cli: Cli, path: Path, tmp_path: Path) -> None:
    Image.fromarray(255 - IMAGES[0]).resize((200, 200)).save(tmp_path / "seven.png")
    assert "seven.png: 7" in cli("predict", tmp_path / "seven.png", "--model", path).stdout
    assert "32 of 32 images as at export" in cli("verify", path).stdout
    said = json.loads(cli("inspect", path, "--json").stdout)
    assert said["format"] == "java"
    assert ["java", "8 and later, Android; no library"] in said["remarks"]
    cli("strip", path, "-o", tmp_path / "model-java.zip")
    assert artifact.read(tmp_path / "model-java.zip").payload == artifact.read(path).payload
    measured = cli("benchmark", path, "--quick", "--json", tmp_path / "b.json", brief=True).stdout
    assert "digitrec-int8-java.zip" in measured


def test_a_damaged_one_is_never_run(path: Path, tmp_path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "a-java.zip").write_bytes(data)
    with pytest.raises(DamagedError, match="is damaged"):
        load(tmp_path / "a-java.zip")
    whole = java_archive.pack({java_archive.CLASS_FILE: b"", java_archive.RESOURCE_FILE: bytes(200)})
    with pytest.raises(MalformedError, match=r"digitrec\.bin is none"):
        java_archive.describe(whole)
    with pytest.raises(MalformedError, match="cannot be read"):
        java_archive.describe(java_archive.pack({java_archive.CLASS_FILE: b""}))
