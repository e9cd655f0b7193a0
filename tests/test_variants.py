"""The exported variants: operators and versions per target, cards that tell the truth, and refusals before loading."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from digitrec_edge import artifact, mnist
from digitrec_edge.errors import RuntimeUnavailableError
from digitrec_edge.files import sha256
from digitrec_edge.formats import MARK, of_file_name
from digitrec_edge.formats.flatbuffer import Table
from digitrec_edge.pip_lines import install, install_extra
from runtimes import RUNTIMES, Model, load, support
from runtimes.table import IndexPackage, find

Loaded = Callable[[str, str], Model]
FLOAT = ["RESHAPE 1", *["FULLY_CONNECTED 1"] * 4]
TFLITE = {
    "float32": FLOAT,
    "float16": ["DEQUANTIZE 3"] * 8 + FLOAT,
    "int8-dynamic": ["RESHAPE 1", *["FULLY_CONNECTED 12"] * 4],
    "int8": ["QUANTIZE 1", "RESHAPE 1", *["FULLY_CONNECTED 4"] * 4],
    "int16x8": ["RESHAPE 1", *["FULLY_CONNECTED 4"] * 4],
    "int4": ["RESHAPE 1", *["FULLY_CONNECTED 12"] * 4],
    "float32-tflite-runtime": ["DEQUANTIZE 1", *FLOAT],
    "float16-tflite-runtime": ["DEQUANTIZE 3"] * 9 + FLOAT,
    "int8-dynamic-tflite-runtime": ["DEQUANTIZE 1", "RESHAPE 1", *["FULLY_CONNECTED 9"] * 4],
    "int8-tflite-runtime": ["QUANTIZE 1", "RESHAPE 1", *["FULLY_CONNECTED 4"] * 4],
    "int16x8-tflite-runtime": ["RESHAPE 1", *["FULLY_CONNECTED 4"] * 4],
}
"""Operators and versions of each TFLite artifact, by its name without ``digitrec-``."""

REFUSED = ("int8-dynamic", "int4")
"""What tflite-runtime 2.14 does not have: FULLY_CONNECTED 12."""

PORTS = {
    "float32": ("float32", "float32"), "float16": ("float32", "float32"), "int8-dynamic": ("float32", "float32"),
    "int8": ("uint8", "int8"), "int16x8": ("int16", "int16"), "int4": ("int8", "int8"),
}  # fmt: skip
WEIGHTS = {
    "float32": "float32", "float16": "float16", "int8-dynamic": "int8", "int8": "int8", "int16x8": "int8",
    "int4": "int4",
}  # fmt: skip
IMAGES = mnist.load("test").images[:300]


@pytest.fixture(scope="module")
def place(artifacts: Path, old_artifacts: Path) -> Callable[[str], Path]:
    """Where the artifact with a name lies."""

    def find(name: str) -> Path:
        return (old_artifacts if name.endswith("tflite-runtime.tflite") else artifacts) / name

    return find


def variant_of(name: str) -> str:
    return name.removesuffix("-tflite-runtime")


needs_tflite_runtime = pytest.mark.skipif(
    not find("tflite-runtime").installed, reason="tflite-runtime is not installed here"
)


def test_all_is_every_variant_with_report_and_golden_logits(artifacts: Path, old_artifacts: Path) -> None:
    newest = {f"digitrec-{name}.tflite" for name in PORTS}
    newest |= {f"digitrec-{name}.{suffix}" for name in ("float32", "int8") for suffix in ("onnx", "ort")}
    newest |= {"digitrec-int8-c.zip", "digitrec-int4-c.zip", "digitrec-int8-java.zip", "digitrec.html"}
    oldest = {f"digitrec-{name}.tflite" for name in TFLITE if name.endswith("-tflite-runtime")}
    oldest |= {"digitrec-tflite-runtime.html"}
    for folder, names, web in ((artifacts, newest, "web"), (old_artifacts, oldest, "web-tflite-runtime")):
        reports = {f"{name}.parity.json" for name in names}
        assert {path.name for path in folder.iterdir()} == names | reports | {"golden.npz", web}


@pytest.mark.parametrize("name", TFLITE)
def test_operators_and_versions_are_those_of_variant_and_target(place: Callable[[str], Path], name: str) -> None:
    found = artifact.read(place(f"digitrec-{name}.tflite"))
    assert [f"{operator.name} {operator.version}" for operator in found.graph.operators] == TFLITE[name]
    assert found.card is not None
    assert found.card.name == f"digitrec-{name}"
    assert found.card.variant == variant_of(name)
    assert found.card.requirements.target == ("tflite-runtime" if name.endswith("tflite-runtime") else "litert")
    assert {f"{operator} {version}" for operator, version in found.card.requirements.needs.items()} == set(TFLITE[name])


@pytest.mark.parametrize("name", TFLITE)
def test_inputs_outputs_and_weights_have_the_variant_s_types(place: Callable[[str], Path], name: str) -> None:
    graph = artifact.read(place(f"digitrec-{name}.tflite")).graph
    (image,), (logits,) = graph.inputs, graph.outputs
    assert (image.name, image.shape, logits.name, logits.shape) == ("image", (1, 28, 28), "logits", (1, 10))
    taken, given = PORTS[variant_of(name)]
    if name.endswith("-tflite-runtime") and taken == "float32":
        taken = "uint8"  # scaled by its first operator
    assert (image.dtype, logits.dtype) == (taken, given)
    kernels = [tensor for tensor in graph.tensors if tensor.name.endswith("/kernel")]
    assert {tensor.dtype for tensor in kernels} == {WEIGHTS[variant_of(name)]}
    assert sum(int(np.prod([int(n) for n in tensor.shape])) for tensor in kernels) == 251_658 - (256 + 128 + 128 + 10)
    biases = [tensor for tensor in graph.tensors if tensor.name.endswith("/bias")]
    assert sorted(tensor.shape[-1] for tensor in biases) == [10, 128, 128, 256]


@pytest.mark.parametrize(
    ("name", "smallest", "largest"),
    [("float32", 985, 1_030), ("float16", 500, 530), ("int8", 255, 290), ("int8-dynamic", 255, 290),
     ("int16x8", 255, 295), ("int4", 128, 165)],
)  # fmt: skip
def test_a_variant_is_as_small_as_its_weights(artifacts: Path, name: str, smallest: int, largest: int) -> None:
    assert smallest * 1024 <= (artifacts / f"digitrec-{name}.tflite").stat().st_size <= largest * 1024


@pytest.mark.parametrize("name", TFLITE)
def test_every_buffer_is_aligned_to_16_bytes_in_the_file(place: Callable[[str], Path], name: str) -> None:
    data = place(f"digitrec-{name}.tflite").read_bytes()
    start_of_file = np.frombuffer(data, np.uint8).ctypes.data
    filled = [buffer.vector(0, "u1") for buffer in Table.root(data).tables(4)]
    offsets = [buffer.ctypes.data - start_of_file for buffer in filled if len(buffer)]
    assert len(offsets) >= 9  # weights and biases of four layers, and the metadata
    assert [offset % 16 for offset in offsets] == [0] * len(offsets)


@pytest.mark.parametrize("name", TFLITE)
def test_there_is_nothing_that_accelerators_refuse(place: Callable[[str], Path], name: str) -> None:
    found = artifact.read(place(f"digitrec-{name}.tflite"))
    names = {operator.name for operator in found.graph.operators}
    assert not names & {"SHAPE", "STRIDED_SLICE", "PACK"}
    assert all(isinstance(n, int) and n > 0 for tensor in found.graph.tensors for n in tensor.shape)


def test_every_card_says_what_the_model_itself_says(artifacts: Path, old_artifacts: Path) -> None:
    for folder in (artifacts, old_artifacts):
        for path in (p for p in folder.iterdir() if of_file_name(p.name)):
            found = artifact.read(path)
            assert found.card is not None
            requirements = found.card.requirements
            assert requirements.needs == dict(found.graph.needs)
            able = [row for row in RUNTIMES if row.runs(found.format.name)]
            assert requirements.oldest == {row.name: support.oldest(row, found.graph) for row in able}
            target = find(requirements.target)
            assert support.lacking(target, target.release, found.graph) is None


@needs_tflite_runtime
@pytest.mark.parametrize("name", TFLITE)
def test_what_the_card_says_of_tflite_runtime_is_true(place: Callable[[str], Path], loaded: Loaded, name: str) -> None:
    """The oldest runtime of all is installed: what a card promises runs there, with the same digits."""
    path = place(f"digitrec-{name}.tflite")
    card = artifact.read(path).card
    assert card is not None
    if name in REFUSED:
        assert card.requirements.oldest["tflite-runtime"] is None
        with pytest.raises(RuntimeUnavailableError):
            load(path, "tflite-runtime")
        return
    assert card.requirements.oldest["tflite-runtime"] == "2.14.0" == find("tflite-runtime").version
    newest = loaded(path.name, "litert").logits(IMAGES)
    oldest = loaded(path.name, "tflite-runtime").logits(IMAGES)
    assert (newest.argmax(axis=1) == oldest.argmax(axis=1)).mean() >= (1.0 if "float" in name else 0.99)


@needs_tflite_runtime
@pytest.mark.parametrize("name", REFUSED)
def test_what_the_installed_runtime_lacks_is_said_before_the_interpreter_sees_the_model(
    artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def fail(data: bytes, threads: int) -> object:
        raise AssertionError("the interpreter saw the model")

    monkeypatch.setattr(find("tflite-runtime").load(), "open_session", fail)
    reason = f"needs FULLY_CONNECTED 12 (tflite-runtime 2.14.0 has 10 at the most): {install_extra('litert')}"
    again = ", or export with --target tflite-runtime" if name == "int8-dynamic" else ""
    path = artifacts / f"digitrec-{name}.tflite"
    foreign = tmp_path / "foreign.tflite"
    foreign.write_bytes(artifact.read(path).payload.replace(MARK, b"x" * len(MARK)))
    for file, said in ((path, f"{path} {reason}{again}"), (foreign, f"{foreign} {reason}")):
        with pytest.raises(RuntimeUnavailableError) as raised:
            load(file, "tflite-runtime")
        assert str(raised.value) == said
    with pytest.raises(AssertionError, match="the interpreter saw the model"):
        load(artifacts / "digitrec-int8.tflite", "tflite-runtime")


def test_a_runtime_that_is_too_old_names_the_release_that_is_needed(
    artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = {"20.0": {}, "30.0": {"RESHAPE": 9, "FULLY_CONNECTED": 12}}
    monkeypatch.setattr(support, "releases", lambda name: facts)
    monkeypatch.setattr(IndexPackage, "version", lambda self: "25.0")
    path = artifacts / "digitrec-int8-dynamic.tflite"
    with pytest.raises(RuntimeUnavailableError) as raised:
        load(path, "litert")
    newer = install("ai-edge-litert>=30.0", upgrade=True)
    assert str(raised.value) == (
        f"{path} needs RESHAPE 1 (litert 25.0 does not have it): {newer}, or "
        f"{install_extra('tflite')}, or export with --target litert"
    )


@needs_tflite_runtime
def test_auto_passes_over_a_runtime_that_lacks_an_operator(artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order = tuple(reversed([row for row in RUNTIMES if row.distribution]))
    monkeypatch.setattr("runtimes.loading.RUNTIMES", order)
    monkeypatch.setattr("runtimes.table.RUNTIMES", order)
    for name, expected in (("digitrec-int8.tflite", "tflite-runtime"), ("digitrec-int4.tflite", "litert")):
        with load(artifacts / name) as model:
            assert model.runtime == expected


def test_only_what_is_calibrated_says_on_what(artifacts: Path) -> None:
    indices = mnist.sample_indices(500, 60_000, 0)
    for path in (p for p in artifacts.iterdir() if of_file_name(p.name)):
        card = artifact.read(path).card
        assert card is not None
        if card.variant in ("int8", "int16x8", "int4"):
            assert card.calibration is not None
            assert (card.calibration.images, card.calibration.seed) == (500, 0)
            assert card.calibration.indices_sha256 == sha256(indices.astype("<i8").tobytes())
        else:
            assert card.calibration is None


def test_onnx_runtime_files_are_of_the_fixed_style(artifacts: Path) -> None:
    """The graph is final: matrix product, bias and activation are already one operator."""
    for name in ("float32", "int8"):
        graph = artifact.read(artifacts / f"digitrec-{name}.ort").graph
        kinds = [operator.name for operator in graph.operators]
        assert sum(bool(re.search("Gemm", kind)) for kind in kinds) == 4
        assert not {"MatMul", "Add", "Relu"} & set(kinds)
        assert [tensor.shape for tensor in graph.inputs + graph.outputs] == [("batch", 28, 28), ("batch", 10)]
