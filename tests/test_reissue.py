"""An artifact that there is becomes code: the same answers, the same card, and no TensorFlow."""

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitrec_edge import artifact, mnist, pretrained
from digitrec_edge.artifact import strip
from digitrec_edge.dense import c_archive
from digitrec_edge.dense.rounding import ROUNDINGS, Rounding
from digitrec_edge.errors import ArtifactError, ConversionError
from digitrec_edge.formats import FORMATS, SAMPLE_FILE, Format
from digitrec_edge.reissue import holds_artifacts, reissue
from digitrec_edge.variants import VARIANTS, ExportChoice, Variant
from runtimes import load
from runtimes.table import find

pytestmark = pytest.mark.skipif(not find("native").installed, reason="native is not installed here")
IMAGES = mnist.load("test").images[:300]
INT4 = Path(__file__).parent / "mcu" / "digitrec-int4.tflite"
CODE = {row.option: row for row in VARIANTS if row.takes and row.format != "html"}
TAKEN = {"int8": pretrained.DEFAULT, "int4": pretrained.TINY}


def test_every_kind_of_code_can_be_made_of_an_artifact() -> None:
    assert set(CODE) == {"c", "c-int4", "java"}


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.name)
def test_every_format_is_known_as_that_of_artifacts_by_the_name_of_its_files(row: Format) -> None:
    assert holds_artifacts(Path(f"digitrec-int8{row.suffix}"))
    assert holds_artifacts(Path(f"DIGITREC{row.suffix}".upper()))  # as FAT has names
    assert not holds_artifacts(Path("model.keras"))
    assert not holds_artifacts(Path("some.zip"))


@pytest.mark.parametrize("variant", CODE.values(), ids=list(CODE))
def test_code_of_an_artifact_answers_as_the_artifact_and_says_so_on_its_card(variant: Variant, tmp_path: Path) -> None:
    source = TAKEN[variant.precision.name]
    path = reissue(source, variant, tmp_path)
    before, after = artifact.read(source).card, artifact.read(path).card
    assert before
    assert after
    assert path.name.startswith(variant.name)
    assert list(tmp_path.iterdir()) == [path]
    assert (after.name, after.format) == (variant.name, variant.format)
    for field in ("source_sha256", "no_digit", "parity", "temperature", "training", "calibration"):
        assert getattr(after, field) == getattr(before, field)
    with load(source, "native") as one, load(path, "native") as other:
        assert np.array_equal(one.logits(IMAGES), other.logits(IMAGES))


def test_what_is_chosen_for_c_is_kept(tmp_path: Path) -> None:
    choice = ExportChoice(rounding="tflite-micro", kernel="dsp")
    found = artifact.read(reissue(pretrained.DEFAULT, CODE["c"], tmp_path, choice=choice))
    tables = c_archive.tables_of(found.payload)
    assert (tables.rounding.name, tables.kernel.name) == ("tflite-micro", "dsp")


@pytest.mark.parametrize("rounding", ROUNDINGS, ids=lambda row: row.name)
def test_parity_is_told_of_the_answers_that_were_measured_alone(rounding: Rounding, tmp_path: Path) -> None:
    choice = ExportChoice(rounding=rounding.name, kernel="dsp")
    card = artifact.read(reissue(pretrained.DEFAULT, CODE["c"], tmp_path, choice=choice)).card
    assert card
    assert (card.parity is not None) is (rounding.name == "litert")


@pytest.mark.parametrize("option", ["c", "java"])
def test_no_more_is_said_than_was_tried(option: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(reissue(pretrained.DEFAULT, CODE[option], tmp_path)) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("README.md")]
        text = " ".join(archive.read(name).decode().split())
    assert "whole test set" not in text


@pytest.mark.parametrize(
    ("path", "option", "words"),
    [
        (pretrained.FLOAT32, "c", "--c does not take .*, float32 .tflite file: give a Keras model"),
        (pretrained.DEFAULT, "c-int4", "--c-int4 does not take .*, int8 .tflite file: type --c or --java or --web"),
        (INT4, "java", "--java does not take .*, int4 .tflite file: type --c-int4$"),
        (pretrained.BY_FORMAT["onnx"], "c", "--c does not take .*, int8 .onnx file"),
    ],
    ids=["float32", "int8", "int4", "onnx"],
)
def test_what_code_is_not_made_of_is_refused(path: Path, option: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=words):
        reissue(path, CODE[option], tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("option", "other", "suffix"), [("c", "java", "-c.zip"), ("java", "c", "-java.zip")])
def test_code_that_is_given_is_called_as_its_file_is(option: str, other: str, suffix: str, tmp_path: Path) -> None:
    path = reissue(pretrained.DEFAULT, CODE[option], tmp_path)
    with pytest.raises(ConversionError, match=f"--{other} does not take .*, int8 {suffix} file: give a Keras model"):
        reissue(path, CODE[other], tmp_path / "out")


def test_a_model_without_card_and_one_that_answers_otherwise_are_refused(tmp_path: Path) -> None:
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(strip(pretrained.DEFAULT))
    with pytest.raises(ConversionError, match="a foreign .tflite file"):
        reissue(bare, CODE["c"], tmp_path / "out")
    found, other = artifact.read(pretrained.DEFAULT), tmp_path / "other.tflite"
    assert found.card
    wrong = artifact.read(INT4).files[SAMPLE_FILE]
    artifact.write(other, found.payload, found.card, wrong)
    with pytest.raises(ArtifactError, match="does not answer on native .* as at its export: digitrec-edge verify"):
        reissue(other, CODE["c"], tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_the_kernel_s_limits_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="takes weights of 8 bits, these have 4"):
        reissue(pretrained.TINY, CODE["c-int4"], tmp_path, choice=ExportChoice(kernel="dsp"))
    assert not list(tmp_path.iterdir())


def test_the_command_makes_code(cli: Callable[..., Any], tmp_path: Path) -> None:
    done = cli("export", pretrained.DEFAULT, "--c", "--rounding", "tflite-micro", "--output", tmp_path)
    assert done.stdout.startswith(f"{tmp_path / 'digitrec-int8-c.zip'}  ")
    assert cli("verify", tmp_path / "digitrec-int8-c.zip").returncode == 0
    for name, option, file in (
        ("pretrained", "--java", "digitrec-int8-java.zip"),
        ("tiny", "--c-int4", "digitrec-int4-c.zip"),
    ):
        assert str(pretrained.NAMED[name]) in cli("export", name, option, "--output", tmp_path).stdout
        assert (tmp_path / file).exists()
    refused = cli("export", pretrained.DEFAULT, "--c", "--java", "--rounding", "tflite-micro", ok=False)
    assert refused.returncode == 2
    assert "--java has no such choice" in " ".join(refused.stderr.replace("│", " ").split())


def test_no_tensorflow_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("tensorflow", "keras"):
        monkeypatch.setitem(sys.modules, name, None)
    assert reissue(pretrained.DEFAULT, CODE["c"], tmp_path).exists()


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed: apt-get install gcc")
def test_the_code_compiles_and_its_self_test_is_good(tmp_path: Path) -> None:
    shutil.unpack_archive(reissue(pretrained.TINY, CODE["c-int4"], tmp_path), tmp_path)
    (tmp_path / "main.c").write_text('#include "digitrec.h"\nint main(void) { return digitrec_self_test(); }\n')
    sources = [*sorted((tmp_path / "digitrec" / "src").glob("*.c")), tmp_path / "main.c"]
    subprocess.run(
        ["gcc", f"-I{tmp_path / 'digitrec' / 'src'}", *map(str, sources), "-o", str(tmp_path / "self-test")], check=True
    )
    assert subprocess.run([str(tmp_path / "self-test")], check=False).returncode == 0
