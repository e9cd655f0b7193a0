"""The format html: a page is an envelope of an artifact, and an artifact itself."""

import dataclasses
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitrec_edge import artifact, formats, pretrained
from digitrec_edge.artifact import Artifact
from digitrec_edge.dense import in_page
from digitrec_edge.dense.tflite import read_network
from digitrec_edge.errors import ArtifactError, ChangedError, ConversionError, DamagedError
from digitrec_edge.formats import SAMPLE_FILE, SEAL_BYTES, html, sealed
from digitrec_edge.formats.graph import MalformedError
from digitrec_edge.reissue import reissue
from digitrec_edge.variants import VARIANTS, Variant
from digitrec_edge.verification.selftest import self_test
from digitrec_edge.web import page as web_page
from digitrec_edge.web.bundle import bundle
from runtimes import RUNTIMES, Model, load

WEB = next(row for row in VARIANTS if row.option == "web")


@pytest.fixture(scope="module")
def found(page: Path) -> Artifact:
    return artifact.read(page)


def test_card_model_and_files_are_those_of_the_artifact_inside(found: Artifact) -> None:
    inside = artifact.read(pretrained.DEFAULT)
    assert found.format.name == "html"
    assert (found.payload, found.card, dict(found.files)) == (inside.payload, inside.card, dict(inside.files))
    assert web_page.artifact_of(found.data) == inside.data


def test_an_export_s_page_holds_the_very_artifact_of_int8_and_is_small(artifacts: Path) -> None:
    page = (artifacts / "digitrec.html").read_bytes()
    assert web_page.artifact_of(page) == (artifacts / "digitrec-int8.tflite").read_bytes()
    assert len(page) <= 400_000
    assert web_page.artifact_of((artifacts / "web" / "index.html").read_bytes()) == web_page.artifact_of(page)


def test_the_same_artifact_gives_the_same_page(found: Artifact) -> None:
    assert found.card
    again = artifact.seal(found.payload, found.card, found.files[SAMPLE_FILE], "html")
    assert again == found.data


def test_every_runtime_of_tflite_runs_it(page: Path) -> None:
    for row in RUNTIMES:
        if row.installed and row.runs("html"):
            with load(page, row.name) as model:
                assert self_test(model.artifact, model).passed, row.name


def test_what_runs_tflite_runs_pages() -> None:
    assert all(row.runs("html") == row.runs("tflite") for row in RUNTIMES)


def test_a_page_without_a_whole_artifact_is_refused(found: Artifact, tmp_path: Path) -> None:
    inner = web_page.artifact_of(found.data)
    changed = bytearray(inner)
    changed[5000] ^= 1
    path = tmp_path / "page.html"
    path.write_bytes(sealed(web_page.assemble(bytes(changed)) + bytes(SEAL_BYTES)))
    with pytest.raises(ArtifactError, match="the artifact in it is damaged"):
        artifact.read(path)
    with pytest.raises(MalformedError, match="holds no artifact"):
        html.split(found.data.replace(b'id="artifact"', b'id="another"'))
    with pytest.raises(MalformedError, match="cannot be unpacked"):
        html.split(found.data.replace(b'id="artifact" type="text/plain">', b'id="artifact" type="text/plain">AAAA'))


def test_a_block_that_is_larger_than_any_artifact_is_not_decoded() -> None:
    """Base 85 would take 30 times its size in memory."""
    page = b'<script id="artifact" type="text/plain">' + b"0" * (8 << 20) + b"</script>"
    tracemalloc.start()
    try:
        with pytest.raises(MalformedError, match="the artifact in it has more than 4,194,304 bytes"):
            html.split(page)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_the_largest_artifact_that_cannot_be_deflated_comes_out_of_its_page() -> None:
    noise = np.random.default_rng(0).bytes(web_page.MOST_BYTES)
    assert web_page.artifact_of(web_page.assemble(noise)) == noise


def test_a_changed_page_around_a_whole_artifact_can_be_stripped(
    found: Artifact, tmp_path: Path, cli: Callable[..., Any]
) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(found.data.replace(b"This page is checking", b"That page is checking"))
    with pytest.raises((ChangedError, DamagedError)):
        artifact.read(path)
    done = cli("strip", path)
    stripped = artifact.read(tmp_path / "page-stripped.tflite")
    assert str(stripped.path) in done.stdout
    assert stripped.format.name == "tflite"
    with load(stripped.path) as model:
        assert model.logits(np.zeros((28, 28), np.uint8)).shape == (10,)


def test_an_artifact_that_there_is_is_wrapped(tmp_path: Path) -> None:
    path = reissue(pretrained.DEFAULT, WEB, tmp_path)
    assert path == tmp_path / "digitrec.html"
    assert web_page.artifact_of(path.read_bytes()) == pretrained.DEFAULT.read_bytes()
    assert (tmp_path / "web" / "index.html").exists()
    assert {one.name for one in tmp_path.iterdir()} == {"digitrec.html", "web"}


@pytest.mark.parametrize(
    ("path", "variant", "words"),
    [
        (pretrained.FLOAT32, WEB, "float32 .tflite file: give a Keras model (--c takes int8 .tflite artifacts, too, "),
        (pretrained.DEFAULT, VARIANTS[0], "--float32 does not take"),
    ],
    ids=["float32", "another format"],
)
def test_what_cannot_be_wrapped_is_refused(path: Path, variant: Variant, words: str, tmp_path: Path) -> None:
    with pytest.raises(ConversionError) as raised:
        reissue(path, variant, tmp_path)
    assert words in str(raised.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--calibration-images", "100"], "--calibration-images"),
        (["--seed", "1"], "--seed"),
        (["--target", "tflite-runtime"], "--target"),
        (["--labels", "labels.txt"], "--labels"),
        (["--output-type", "int8"], "--output-type"),
        (["--max-changed", "1%"], "--max-changed"),
        (["--allow-inaccurate"], "--allow-inaccurate"),
        (["--all"], "--all"),
    ],
)
def test_an_option_of_a_conversion_is_wrong_usage_where_nothing_is_converted(
    cli: Callable[..., Any], tmp_path: Path, arguments: list[str], named: str
) -> None:
    done = cli("export", pretrained.DEFAULT, "--web", *arguments, "--output", tmp_path, ok=False)
    assert done.returncode == 2
    words = " ".join(done.stderr.replace("│", " ").split())
    assert f"Invalid value for {named}: " in words
    assert "is an artifact, which is not converted again" in words
    assert not list(tmp_path.iterdir())


def test_the_command_wraps_without_tensorflow(cli: Callable[..., Any], tmp_path: Path) -> None:
    done = cli("export", pretrained.DEFAULT, "--web", "--output", tmp_path)
    assert f"of {pretrained.DEFAULT}, tested by its own images" in done.stdout
    assert cli("verify", tmp_path / "digitrec.html").returncode == 0
    refused = cli("export", pretrained.DEFAULT, "--output", tmp_path, ok=False)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr


def test_models_that_the_page_does_not_compute_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    payload = artifact.read(pretrained.FLOAT32).payload
    with pytest.raises(ConversionError, match="the page runs Dense layers only"):
        in_page.check(payload)
    network = read_network(artifact.read(pretrained.DEFAULT).payload)
    for change in ({"input_dtype": "int8"}, {"input_scale": 0.0034}, {"input_zero_point": 1}):
        monkeypatch.setattr(in_page, "read_network", lambda payload, c=change: dataclasses.replace(network, **c))
        with pytest.raises(ConversionError, match="uint8"):
            in_page.check(payload)


def test_modules_become_one_script(tmp_path: Path) -> None:
    (tmp_path / "a.mjs").write_text(
        'import { one as first, two } from "./b.mjs";\nimport * as all from "./b.mjs";\n/** Says. */\n'
        "export function main() {\n  // quiet\n  return [first, two, all.one];\n}\nexport { two };\n"
    )
    (tmp_path / "b.mjs").write_text("export const one = 1;\nconst three = 3;\nexport { three as two };\n")
    text = bundle(tmp_path / "a.mjs", "globalThis.result = entry.main()")
    assert "import" not in text
    assert "export" not in text
    assert "quiet" not in text
    assert text.index("$_0 =") < text.index("$_1 =")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('import thing from "./b.mjs";\n', "cannot be put into one script"),
        ("export default 3;\n", "cannot be put into one script"),
        ('import { a } from "./a.mjs";\nexport const b = a;\n', "imports itself"),
    ],
)
def test_other_imports_and_circles_are_refused(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.mjs").write_text(text)
    with pytest.raises(ValueError, match=words):
        bundle(tmp_path / "a.mjs", "")


def test_formats_name_the_models_that_they_hold() -> None:
    assert {row.name: row.model for row in formats.FORMATS} | {"html": "tflite"} == {
        row.name: row.model for row in formats.FORMATS
    }
    assert isinstance(load(pretrained.DEFAULT), Model)
