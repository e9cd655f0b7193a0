"""The int8 network as whole numbers: the runtimes' answers to the byte, and what is no such network refused by name."""

import platform
from pathlib import Path

import numpy as np
import pytest
from dense_logits import dense_logits, rounding_of

from digitrec_edge import artifact, mnist
from digitrec_edge.dense.rounding import ROUNDINGS, find_rounding, multipliers
from digitrec_edge.dense.tflite import NotDenseError, read_network
from digitrec_edge.errors import InputError
from digitrec_edge.formats.flatbuffer import Table
from digitrec_edge.pretrained import FOLDER as PRETRAINED
from runtimes import RUNTIMES, load

IMAGES = mnist.load("test").images[:2000]
KERNELS = {"litert": "XNNPACK", "tflite-runtime": "built-in"}
SUMS = np.array([-12, -4, -3, -2, 0, 2, 3, 4, 12], np.int64)
LITERT, ONCE, AWAY, UP = ROUNDINGS


@pytest.mark.parametrize(("name", "variant"), [("litert", "int8"), ("litert", "int4"), ("tflite-runtime", "int8")])
def test_a_runtime_computes_as_its_kernel_is_known_to(artifacts: Path, name: str, variant: str) -> None:
    (row,) = [row for row in RUNTIMES if row.name == name]
    if not row.installed:
        pytest.skip(f"{name} is not installed here")
    path = artifacts / f"digitrec-{variant}.tflite"
    expected = dense_logits(path, IMAGES, rounding_of(KERNELS[name], platform.machine()))
    with load(path, name) as model:
        assert model.logits(IMAGES).tobytes() == expected.tobytes()


def test_the_ways_of_rounding_differ_in_halves_alone() -> None:
    quarter = np.array([0.25])
    steps = {row: row.steps(SUMS, quarter, quarter.astype(np.float32)).tolist() for row in ROUNDINGS}
    assert steps[LITERT] == [-3, -1, -1, 0, 0, 0, 1, 1, 3]
    assert steps[ONCE] == [-3, -1, -1, 0, 0, 1, 1, 1, 3]
    assert steps[UP] == [-3, -1, 0, 0, 0, 1, 1, 1, 3]
    assert steps[AWAY] == [-3, -1, -1, -1, 0, 1, 1, 1, 3]


def test_which_way_is_taken_shows_in_the_answers(artifacts: Path) -> None:
    path = artifacts / "digitrec-int8.tflite"
    answers = {row: dense_logits(path, IMAGES, row) for row in ROUNDINGS}
    step = np.abs(answers[LITERT] - answers[UP]).max()
    assert step > 0
    assert 0 < (answers[UP] != answers[AWAY]).sum() < 200
    assert np.abs(answers[UP] - answers[AWAY]).max() <= step * 1.001


def test_one_rounding_and_a_float_differ_in_some_of_all_answers() -> None:
    images, path = mnist.load("test").images, PRETRAINED / "digitrec-int8.tflite"
    assert (dense_logits(path, images, ONCE) != dense_logits(path, images, LITERT)).sum() > 0


def test_a_factor_is_a_31_bit_number_and_a_shift() -> None:
    factors = np.array([0.5, 0.25, 0.99999, 2.0**-30])
    numbers, shifts = multipliers(factors)
    assert (numbers < 1 << 31).all()
    assert np.allclose(numbers * 2.0 ** -(31.0 + shifts), factors, rtol=2**-30)
    for wrong in (1.0, 2.0**-32):
        with pytest.raises(ValueError, match="too far apart"):
            multipliers(np.array([wrong]))


def test_an_unknown_rounding_names_those_there_are() -> None:
    with pytest.raises(InputError, match="no rounding is called 'half'; choose from litert, "):
        find_rounding("half")


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("digitrec-float32.tflite", "its activations are float32, not static int8"),
        ("digitrec-float16.tflite", "it has DEQUANTIZE|do not follow one another"),
        ("digitrec-int8-dynamic.tflite", "its activations are float32, not static int8"),
        ("digitrec-int16x8.tflite", "its activations are int16, not static int8"),
    ],
)
def test_what_is_no_network_of_int8_is_refused_by_what_it_has_instead(artifacts: Path, file: str, reason: str) -> None:
    with pytest.raises(NotDenseError, match=reason):
        read_network(artifact.read(artifacts / file).payload)


@pytest.mark.parametrize(("number", "name"), [(3, "ReLU6"), (4, "tanh"), (77, "77")])
def test_another_activation_is_refused_by_its_name(number: int, name: str) -> None:
    payload = bytearray(artifact.read(PRETRAINED / "digitrec-int8.tflite").payload)
    (subgraph,) = Table.root(bytes(payload)).tables(2)
    options = next(filter(None, (table.table(4) for table in subgraph.tables(3) if table.has(4))))
    place = options._field(0, 1)
    assert place
    assert payload[place] == 1
    payload[place] = number
    with pytest.raises(NotDenseError, match=f"a layer has activation {name}, ReLU alone is computed"):
        read_network(bytes(payload))


def test_the_background_and_what_a_relu_cuts_off_are_zero(artifacts: Path) -> None:
    network = read_network(artifact.read(artifacts / "digitrec-int8.tflite").payload)
    assert [(layer.inputs, layer.outputs) for layer in network.layers] == [
        (784, 256),
        (256, 128),
        (128, 128),
        (128, 10),
    ]
    assert (network.input_dtype, network.input_zero_point, network.output_dtype) == ("uint8", 0, "int8")
    assert [layer.low == layer.zero == 0 for layer in network.layers] == [True, True, True, False]
