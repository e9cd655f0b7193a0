"""tables.h holds the whole network, reads back into the same one, and nothing else can be in it."""

import dataclasses
import re
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from digitrec_edge import artifact, mnist, pretrained
from digitrec_edge.dense.c_reading import read_tables
from digitrec_edge.dense.c_tables import Tables, answers, flash_bytes, prepare, table_bytes, write_tables
from digitrec_edge.dense.network import Dense, Network
from digitrec_edge.dense.packing import KERNELS, find_kernel
from digitrec_edge.dense.rounding import ROUNDINGS, Rounding
from digitrec_edge.dense.tflite import NotDenseError, read_network
from digitrec_edge.errors import InputError
from digitrec_edge.formats.graph import MalformedError
from digitrec_edge.variants import KERNEL_NAMES, ROUNDING_NAMES

IMAGES = mnist.load("test").images[:200]
LITERT, PORTABLE = ROUNDINGS[0], KERNELS[0]
CASES = [(bits, rounding, kernel) for rounding in ROUNDINGS for kernel in KERNELS for bits in kernel.bits]


def network(sizes: tuple[int, ...] = (784, 12, 5), bits: int = 8, seed: int = 0) -> Network:
    """A network of random weights."""
    random = np.random.default_rng(seed)
    most = 1 << (bits - 1)
    layers = []
    for inputs, outputs in pairwise(sizes):
        weights = random.integers(-most, most, (outputs, inputs)).astype(np.int8)
        bias = random.integers(-5000, 5000, outputs).astype(np.int32)
        factors = random.uniform(1e-4, 1e-2, outputs)
        relu = outputs != sizes[-1]
        zero = 0 if relu else 131
        layers.append(Dense(weights, bits, bias, factors, factors.astype(np.float32), zero, 0))
    return Network(tuple(layers), "uint8", 1 / 255, 0, "int8", 0.125, 3)


@pytest.fixture(scope="module")
def standard() -> Network:
    return read_network(artifact.read(pretrained.DEFAULT).payload)


@pytest.fixture(scope="module")
def text(standard: Network) -> str:
    return write_tables(prepare(standard, LITERT, PORTABLE, 123))


@pytest.mark.parametrize(("bits", "rounding", "kernel"), CASES, ids=lambda one: getattr(one, "name", str(one)))
def test_a_network_comes_back_and_answers_the_same(bits: int, rounding, kernel) -> None:  # type: ignore[no-untyped-def]
    before = prepare(network((784, 16, 16, 5), bits), rounding, kernel, 77)
    after = read_tables(write_tables(before))
    assert (after.rounding, after.kernel, after.threshold, after.bits) == (rounding, kernel, 77, bits)
    assert table_bytes(after) == table_bytes(before)
    assert np.array_equal(answers(after, IMAGES), answers(before, IMAGES))
    for one, other in zip(before.network.layers, after.network.layers, strict=True):
        assert np.array_equal(one.weights, other.weights)
    assert (after.network.output_scale, after.network.output_zero_point) == (0.125, 3)


def test_the_pretrained_network_comes_back(standard: Network, text: str) -> None:
    found = read_tables(text)
    assert (found.threshold, found.network.input_dtype) == (123, "uint8")
    assert np.array_equal(answers(found, IMAGES), answers(prepare(standard, LITERT, PORTABLE, 123), IMAGES))


def test_the_names_that_are_chosen_are_those_of_the_rows() -> None:
    assert tuple(row.name for row in ROUNDINGS) == ROUNDING_NAMES
    assert tuple(row.name for row in KERNELS) == KERNEL_NAMES
    assert [row.number for row in KERNELS] == [0, 1, 2]
    with pytest.raises(InputError, match="no kernel is called 'fast'; choose from portable, dsp, mve"):
        find_kernel("fast")


def test_a_picture_of_more_or_less_than_its_bytes_is_refused() -> None:
    odd = dataclasses.replace(network(), input_scale=1 / 128)
    with pytest.raises(ValueError, match="its input is not a picture's own bytes"):
        prepare(odd, LITERT, PORTABLE, 0)
    shifted = dataclasses.replace(network(), input_dtype="int8", input_zero_point=-128)
    assert prepare(shifted, LITERT, PORTABLE, 0).network.input_dtype == "uint8"


@pytest.mark.parametrize(
    ("sizes", "bits", "kernel", "reason"),
    [
        ((784, 12, 5), 4, "dsp", "the kernel dsp takes weights of 8 bits, these have 4; use portable"),
        ((784, 20, 5), 8, "mve", "the kernel mve takes layers of a multiple of 16 inputs, one has 20; use portable"),
        ((784, 21, 5), 8, "dsp", "the kernel dsp takes layers of a multiple of 2 inputs, one has 21; use portable"),
    ],
)
def test_what_a_kernel_cannot_compute_is_refused(sizes: tuple[int, ...], bits: int, kernel: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        prepare(network(sizes, bits), LITERT, find_kernel(kernel), 0)


def test_an_odd_number_of_inputs_with_narrow_weights_is_nothing_that_litert_rounds_so() -> None:
    reason = "an odd number of inputs, here 13, .* 4 bits; .* or use --rounding litert-reference"
    with pytest.raises(NotDenseError, match=reason):
        prepare(network((784, 13, 5), 4), LITERT, PORTABLE, 0)
    assert prepare(network((784, 13, 5), 8), LITERT, PORTABLE, 0).bits == 8
    for rounding in ROUNDINGS[1:]:
        assert prepare(network((784, 13, 5), 4), rounding, PORTABLE, 0).bits == 4


def pooled(bits: int = 8) -> Network:
    """A network whose first layer weighs the four pixels of each square of 2 x 2 alike."""
    first, *others = network((784, 12, 5), bits).layers
    squares = first.weights.reshape(-1, 28, 28)[:, ::2, ::2]
    alike = squares.repeat(2, axis=1).repeat(2, axis=2).reshape(first.weights.shape)
    return dataclasses.replace(network(), layers=(dataclasses.replace(first, weights=alike), *others))


@pytest.mark.parametrize("rounding", ROUNDINGS, ids=lambda row: row.name)
@pytest.mark.parametrize("bits", [8, 4])
def test_pixels_that_are_weighed_alike_have_one_weight_in_c(bits: int, rounding: Rounding) -> None:
    before = prepare(pooled(bits), rounding, PORTABLE, 77)
    text = write_tables(before)
    after = read_tables(text)
    assert (before.pooled, after.pooled, before.sizes) == (True, True, (196, 12, 5))
    assert "    {196, 12, " in text
    assert "digitrec_weights_1[588]" in text
    assert after.network.layers[0].inputs == 784
    assert np.array_equal(answers(after, IMAGES), answers(before, IMAGES))
    assert table_bytes(after) == table_bytes(before)


def test_one_weight_that_differs_and_all_have_their_own() -> None:
    whole = pooled()
    weights = whole.layers[0].weights.copy()
    weights[3, 29] ^= 1
    other = dataclasses.replace(whole, layers=(dataclasses.replace(whole.layers[0], weights=weights), whole.layers[1]))
    assert prepare(other, LITERT, PORTABLE, 0).sizes == (784, 12, 5)


def test_kernels_that_take_bytes_alone_have_every_weight() -> None:
    for kernel in KERNELS[1:]:
        weights = np.zeros((16, 784), np.int8)
        alike = dataclasses.replace(network((784, 16, 5)).layers[0], weights=weights)
        found = prepare(dataclasses.replace(network(), layers=(alike, *network((16, 5)).layers)), LITERT, kernel, 0)
        assert found.sizes[0] == 784
        with pytest.raises(MalformedError, match=f"the kernel {kernel.name} takes no sums of pixels"):
            read_tables(write_tables(found).replace("TABLES 1", "TABLES 2"))


def test_what_flash_the_tables_take_follows_from_the_sizes() -> None:
    assert flash_bytes(8, (784, 256, 128, 128, 10)) == 784 * 256 + 256 * 128 + 128 * 128 + 128 * 12 + 8 * 522 + 96
    assert flash_bytes(4, (784, 4)) == 784 * 2 + 32 + 24


def edits() -> list[tuple[str, Callable[[str], str], str]]:
    def swap(old: str, new: str, count: int = 1) -> Callable[[str], str]:
        return lambda text: text.replace(old, new, count)

    def first(array: str, number: str) -> Callable[[str], str]:
        return lambda text: re.sub(rf"({array}_1\[256\] = \{{\n)[^,]*", rf"\g<1>{number}", text)

    return [
        ("code behind it", lambda text: text + "int main(void) { return 0; }\n", "not written as"),
        ("code inside", swap("#include \"layer.h\"", '#include "layer.h"\n#include "/etc/passwd"'), "not written as"),
        ("a comment", swap("0x", "/* */0x"), "of another form|cannot be read"),
        ("a number less", lambda text: re.sub(r"0x[0-9a-f]{8},", "", text, count=1), "50175 numbers|not written"),
        ("a number more", swap("{\n0x", "{\n0x00000000,0x"), "50177 numbers"),
        ("a word too long", swap("{\n0x", "{\n0x0"), "of another form"),
        ("upper case", lambda text: re.sub(r"0x([0-9a-f]{8})", lambda m: m[0].upper().replace("X", "x"), text), "."),
        ("a newer version", swap("TABLES 1", "TABLES 3"), "of version 3, 2 is known: update digitrec-edge"),
        ("sums of pixels", swap("TABLES 1", "TABLES 2"), "takes 784 sums of pixels, there are 196"),
        ("no rounding of ours", swap("ROUNDING 0", "ROUNDING 9"), "cannot be read"),
        ("no kernel of ours", swap("KERNEL 0", "KERNEL 7"), "cannot be read"),
        ("other bits", swap("BITS 8", "BITS 3"), "takes no weights of 3 bits"),
        ("4 bits", swap("BITS 8", "BITS 4"), "of another form"),
        ("a size that does not fit", swap("{784, 256,", "{783, 256,"), "numbers"),
        ("layers that do not fit", swap("{256, 128,", "{128, 256,"), "has 128 numbers, 256 are needed"),
        ("a huge layer", swap("{784, 256,", "{9999, 9999,"), "1024 numbers fit"),
        ("no layer", lambda text: re.sub(r" {4}\{\d.*\n", "", text), "0 layers, 1 to 8 fit"),
        ("a factor of infinity", first("factors", "inf"), "."),
        ("a factor of 2", first("factors", "2.0f"), "between 0"),
        ("a bias that overflows", first("bias", "2147483000"), "leave 32"),
        ("a scale of 0", lambda text: re.sub(r"LOGIT_SCALE \S+", "LOGIT_SCALE 0.0f", text), "logits have scale"),
        ("a threshold below 0", lambda text: re.sub(r"THRESHOLD \S+", "THRESHOLD -5", text), "its threshold is -5"),
        ("nothing", lambda text: "", "cannot be read"),
        ("half", lambda text: text[: len(text) // 2], "."),
    ]  # fmt: skip


@pytest.mark.parametrize(("edit", "reason"), [one[1:] for one in edits()], ids=[one[0] for one in edits()])
def test_any_other_text_is_refused(text: str, edit: Callable[[str], str], reason: str) -> None:
    changed = edit(text)
    assert changed != text
    with pytest.raises(MalformedError, match=reason):
        read_tables(changed)


def test_every_character_counts() -> None:
    """A text changed at one place is refused, or is another network's: no byte of it goes unread."""
    small: Tables = prepare(network((784, 1, 2)), LITERT, PORTABLE, 5)
    text = write_tables(small)
    random = np.random.default_rng(3)
    for at in random.integers(0, len(text), 300).tolist():
        changed = text[:at] + ("7" if text[at] != "7" else "8") + text[at + 1 :]
        try:
            found = read_tables(changed)
        except MalformedError:
            continue
        assert write_tables(found) == changed
