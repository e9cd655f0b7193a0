"""Converters: the graphs are the ones that devices take, the same bytes each time."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters import Source, convert, open_source, tflite_file
from converters.conversion import tool_versions
from converters.tflite_file import CONV_2D, FULLY_CONNECTED
from digitrec_edge import artifact, mnist
from digitrec_edge.errors import ConversionError, DataError
from digitrec_edge.files import sha256
from digitrec_edge.formats import by_name, ort, tflite
from digitrec_edge.formats.flatbuffer import Table
from digitrec_edge.variants import VARIANTS, Variant
from runtimes import RUNTIMES, RuntimeRow, load
from runtimes.elsewhere import find_target
from runtimes.support import fits
from runtimes.table import find

pytestmark = pytest.mark.desktop
TFLITE = ("digitrec-float32.tflite", "digitrec-int8.tflite")
ONNX = ("digitrec-float32.onnx", "digitrec-int8.onnx")


@pytest.fixture(scope="module")
def source(trained: Path) -> Source:
    return open_source(trained / "model.keras", None, 500, 0)


def onnx_model(artifacts: Path, name: str) -> Any:
    import onnx

    return onnx.load_model_from_string((artifacts / name).read_bytes())


def test_int8_is_full_integer_from_input_to_output(artifacts: Path) -> None:
    graph = artifact.read(artifacts / "digitrec-int8.tflite").graph
    (image,), (logits,) = graph.inputs, graph.outputs
    assert (image.name, image.shape) == ("image", (1, 28, 28))
    assert image.dtype in ("uint8", "int8")
    assert image.scale == (float(np.float32(1 / 255)),)
    assert image.zero_point == ((0,) if image.dtype == "uint8" else (-128,))
    assert (logits.name, logits.shape, logits.dtype) == ("logits", (1, 10), "int8")
    assert len(logits.scale) == 1
    assert {tensor.dtype for tensor in graph.tensors} <= {"int8", "uint8", "int32"}
    assert "DEQUANTIZE" not in {operator.name for operator in graph.operators}
    assert [operator.name for operator in graph.operators].count("FULLY_CONNECTED") == 4


@pytest.mark.parametrize("name", TFLITE)
def test_the_weights_are_those_of_the_keras_model(trained: Path, artifacts: Path, name: str) -> None:
    from digitrec_edge.training import network as model

    kernels = [layer.kernel.numpy().T for layer in model.load(trained / "model.keras").layers if layer.weights]
    payload = artifact.read(artifacts / name).payload
    root = Table.root(payload)
    buffers = root.tables(4)
    weights = [
        (tensor, table)
        for table, tensor in zip(root.tables(2)[0].tables(0), tflite.describe(payload).tensors, strict=True)
        if tensor.stored_bytes and len(tensor.shape) == 2
    ]
    for kernel in kernels:
        candidates = [pair for pair in weights if pair[0].shape == kernel.shape]
        distances = []
        for tensor, table in candidates:
            stored = buffers[table.number(2, "I")].vector(0, "u1").view(tensor.dtype)
            scale = np.array(tensor.scale or [1.0], np.float64).reshape(-1, 1)
            distances.append(np.abs(stored.reshape(kernel.shape) * scale - kernel).max() / scale.max())
        assert min(distances) <= (0.51 if "int8" in name else 1e-9)


@pytest.mark.parametrize("name", ONNX)
def test_onnx_is_valid_states_its_opset_and_leaves_the_batch_free(artifacts: Path, name: str) -> None:
    import onnx

    from converters.onnx import OPSET

    model = onnx_model(artifacts, name)
    onnx.checker.check_model(model, full_check=True)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", OPSET)]
    for value, expected in ((model.graph.input, ["batch", 28, 28]), (model.graph.output, ["batch", 10])):
        (port,) = value
        dimensions = port.type.tensor_type.shape.dim
        assert [dimension.dim_param or dimension.dim_value for dimension in dimensions] == expected
        assert port.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert model.graph.input[0].name == "image"
    assert model.graph.output[0].name == "logits"


def test_int8_onnx_is_quantised_in_weights_and_activations(artifacts: Path) -> None:
    model = onnx_model(artifacts, "digitrec-int8.onnx")
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("QuantizeLinear") >= 4
    assert kinds.count("DequantizeLinear") >= 8
    graph = artifact.read(artifacts / "digitrec-int8.onnx").graph
    assert not [t for t in graph.tensors if t.dtype == "float32" and t.stored_bytes and len(t.shape) > 1]


CASES = [
    (variant, target)
    for variant in VARIANTS
    for target in RUNTIMES
    if fits(target, variant) and variant.format != "ort"  # ONNX Runtime writes other bytes each time
]


@pytest.mark.parametrize(
    ("variant", "target"), CASES, ids=[f"{variant.option} for {target.name}" for variant, target in CASES]
)
def test_the_same_model_gives_the_same_bytes(
    source: Source, artifacts: Path, old_artifacts: Path, variant: Variant, target: RuntimeRow
) -> None:
    suffix = by_name(variant.format).suffix
    own = old_artifacts / f"{variant.stem}{target.suffix}{suffix}"
    path = own if own.exists() else artifacts / f"{variant.stem}{suffix}"  # as that of the format's usual runtime
    assert convert(source, variant, target) == artifact.read(path).payload


@pytest.mark.parametrize("option", ["ort", "ort-int8"])
def test_onnx_runtime_s_own_format_gives_the_same_graph(source: Source, artifacts: Path, option: str) -> None:
    (variant,) = [row for row in VARIANTS if row.option == option]
    path = artifacts / f"{variant.name}.ort"
    again, before = ort.describe(convert(source, variant, find("onnxruntime"))), artifact.read(path).graph
    assert [operator.name for operator in again.operators] == [operator.name for operator in before.operators]
    shapes = [sorted(str(tensor.shape) for tensor in graph.tensors) for graph in (again, before)]
    assert shapes[0] == shapes[1]
    assert again.needs == before.needs


def test_int4_is_not_made_for_a_target_that_would_run_it_wrongly(source: Source) -> None:
    (variant,) = [row for row in VARIANTS if row.option == "int4"]
    target = find("tflite-runtime")
    assert not fits(target, variant)
    with pytest.raises(ConversionError, match="^int4 needs FULLY_CONNECTED 12, which tflite-runtime does not have$"):
        convert(source, variant, target)


@pytest.mark.parametrize(
    ("name", "fitting"),
    [
        ("litert", ["float32", "float16", "int8-dynamic", "int8", "int16x8", "int4", "web"]),
        ("tflite-runtime", ["float32", "float16", "int8-dynamic", "int8", "int16x8", "web"]),
        ("native", ["int8", "int4", "c", "c-int4", "java", "web"]),
        ("onnxruntime", ["onnx", "onnx-int8", "ort", "ort-int8"]),
        ("litert-web", ["float32", "float16", "int8-dynamic", "int8", "int4"]),
        ("onnxruntime-web", ["onnx", "onnx-int8", "ort", "ort-int8"]),
        ("tflite-micro", ["float32", "int8", "int16x8"]),
    ],
)
def test_a_target_is_given_what_it_runs(name: str, fitting: list[str]) -> None:
    target = find_target(name)
    assert [variant.option for variant in VARIANTS if fits(target, variant)] == fitting


def test_every_variant_has_an_option_a_file_and_tools_of_its_own() -> None:
    assert len({variant.option for variant in VARIANTS}) == len(VARIANTS)
    assert len({(variant.name, variant.format) for variant in VARIANTS}) == len(VARIANTS)
    for variant in VARIANTS:
        assert set(tool_versions(variant)) >= {"tensorflow", "keras", "numpy"}


def test_calibration_is_a_seeded_sample_of_training_images(trained: Path, source: Source) -> None:
    train = mnist.load("train")
    indices = mnist.sample_indices(500, len(train), 0)
    assert np.array_equal(source.calibration_images, train.images[indices])
    assert source.calibration.indices_sha256 == sha256(indices.astype("<i8").tobytes())
    assert (source.calibration.images, source.calibration.seed) == (500, 0)
    other = open_source(trained / "model.keras", None, 500, 1)
    assert other.calibration.indices_sha256 != source.calibration.indices_sha256
    scaled = source.representative_dataset()
    assert scaled.dtype == np.float32
    assert (scaled.min(), scaled.max()) == (0.0, 1.0)


def test_calibration_is_never_on_test_images(trained: Path, tmp_path: Path) -> None:
    """By construction: whatever the count, seed and data set, the test part is not even opened."""
    pictures = mnist.load("train").images[:40]
    for number, digits in enumerate((pictures, pictures // 2)):
        path = tmp_path / f"{number}.npz"
        labels = np.zeros(40, np.uint8)
        np.savez(path, x_train=digits, y_train=labels, x_test=np.full((9, 28, 28), 77, np.uint8), y_test=labels[:9])
        for count, seed in ((1, 0), (40, 3)):
            drawn = open_source(trained / "model.keras", path, count, seed).calibration_images
            assert len(drawn) == count
            assert {image.tobytes() for image in drawn} <= {image.tobytes() for image in digits}


@pytest.mark.parametrize(("images", "drawn"), [(8, 8), (501, 500)])
def test_of_a_small_set_all_images_are_drawn_where_nobody_says_how_many(
    trained: Path, tmp_path: Path, images: int, drawn: int
) -> None:
    digits = mnist.load("train")
    train = {"x_train": digits.images[:images], "y_train": digits.labels[:images]}
    np.savez(tmp_path / "few.npz", **train, x_test=digits.images[:9], y_test=digits.labels[:9])
    source = open_source(trained / "model.keras", tmp_path / "few.npz", None, 0)
    assert len(source.calibration_images) == source.calibration.images == drawn


def test_the_test_part_of_the_data_is_not_read_for_calibration(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = []
    load = mnist.load

    def spy(part: Any, *arguments: Any) -> mnist.Digits:
        parts.append(part)
        return load(part, *arguments)

    monkeypatch.setattr(mnist, "load", spy)
    open_source(trained / "model.keras", None, 10, 0)
    assert parts == ["train"]


def test_more_calibration_images_than_there_are_cannot_be_drawn(trained: Path) -> None:
    with pytest.raises(DataError, match="the set has 60000, give 1 to 60000"):
        open_source(trained / "model.keras", None, 60_001, 0)


def test_what_a_converter_raises_becomes_one_line(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    import converters.tflite

    def fail(source: Source, target: object) -> bytes:
        raise RuntimeError("loc(unknown):\n error: op is neither\n")

    monkeypatch.setattr(converters.tflite, "float32", fail)
    with pytest.raises(ConversionError, match=r"cannot be converted to float32 \.tflite: loc.*neither") as raised:
        convert(source, VARIANTS[0], find("litert"))
    assert "\n" not in str(raised.value)


def test_a_missing_converter_names_the_extra(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    (variant,) = [row for row in VARIANTS if row.option == "onnx"]
    with pytest.raises(ConversionError, match=r"--onnx needs tf2onnx.*-m pip install 'tensorflow>="):
        convert(source, variant, find("onnxruntime"))


def test_the_order_of_initialisers_does_not_reach_the_file(artifacts: Path) -> None:
    import onnx

    from converters.onnx import _serialize

    payload = artifact.read(artifacts / "digitrec-int8.onnx").payload
    turned = onnx.load_from_string(payload)
    initialisers = list(turned.graph.initializer)[::-1]
    del turned.graph.initializer[:]
    turned.graph.initializer.extend(initialisers)
    assert turned.SerializeToString(deterministic=True) != payload
    assert _serialize(turned) == payload


def test_weights_are_named_after_their_own_layers_or_not_at_all() -> None:
    names = tflite_file._names([CONV_2D, CONV_2D, FULLY_CONNECTED], [("Conv2D", "a"), ("Dense", "c"), ("Conv2D", "b")])
    assert names[CONV_2D] == ["a", "b"]
    assert names[FULLY_CONNECTED] == ["c"]
    fused = tflite_file._names([CONV_2D, FULLY_CONNECTED], [("Conv2D", "a"), ("Conv2D", "b"), ("Dense", "c")])
    assert CONV_2D not in fused


def test_int4_of_a_wide_network_whose_weights_lie_behind_the_flatbuffer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ai-edge-quantizer writes so from 256 KiB on; as it wrote it and as it is exported, it gives the same logits."""
    import keras

    from converters import tflite as converter

    keras.utils.set_random_seed(0)
    dense = [keras.layers.Dense(units, activation="relu") for units in (512, 256, 64, 32)]
    keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), *dense, keras.layers.Dense(10)]).save(
        tmp_path / "wide.keras"
    )
    written: list[bytes] = []

    def finish(payload: bytes, *arguments: Any, **options: Any) -> bytes:
        written.append(payload)
        return tflite_file.finish(payload, *arguments, **options)

    monkeypatch.setattr(converter, "finish", finish)
    finished = converter.int4(open_source(tmp_path / "wide.keras", None, 10, 0), find("litert"))
    images = mnist.load("test").images[:20]
    with load(written[0]) as foreign, load(finished, sealed=False) as ours:
        assert foreign.card is None
        assert np.array_equal(foreign.logits(images), ours.logits(images))
        assert np.ptp(ours.logits(images)) > 0
