"""The arithmetic between pixels, quantised numbers and probabilities, against exact references."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitrec_edge.quantization import dequantize, pixel_table, quantize, softmax

DTYPES = ("int8", "uint8", "int16")


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20),
    st.integers(-20, 5).map(lambda power: 2.0**power),
    st.sampled_from(DTYPES),
    st.data(),
)
def test_quantize_is_round_half_even_then_clip(real: list[float], scale: float, dtype: str, data: Any) -> None:
    limits = np.iinfo(dtype)
    zero_point = data.draw(st.integers(int(limits.min), int(limits.max)))
    expected = []
    for value in real:  # a power of two divides exactly, so decimals are an exact reference
        step = int((Decimal(value) / Decimal(scale)).quantize(Decimal(1), ROUND_HALF_EVEN)) + zero_point
        expected.append(min(max(step, int(limits.min)), int(limits.max)))
    result = quantize(np.array(real), scale, zero_point, dtype)
    assert result.dtype == np.dtype(dtype)
    assert result.tolist() == expected


def test_halves_are_rounded_to_even_and_not_cut_off() -> None:
    real = np.array([-2.5, -1.5, -0.6, -0.5, 0.4, 0.5, 0.6, 1.5, 2.5])
    assert quantize(real, 1.0, 0, "int8").tolist() == [-2, -2, -1, 0, 0, 0, 1, 2, 2]


def test_what_lies_outside_is_clipped_and_never_wraps() -> None:
    assert quantize(np.array([-1e9, -129.0, 128.0, 1e9]), 1.0, 0, "int8").tolist() == [-128, -128, 127, 127]
    assert quantize(np.array([-1.0, 256.0]), 1.0, 0, "uint8").tolist() == [0, 255]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1 / 255, 0.1, 0.00392156885936856])
def test_dequantize_then_quantize_gives_the_same_number(dtype: str, scale: float) -> None:
    limits = np.iinfo(dtype)
    everything = np.arange(limits.min, limits.max + 1, dtype=dtype)
    zero_point = int(limits.min) + 3
    assert np.array_equal(quantize(dequantize(everything, scale, zero_point), scale, zero_point, dtype), everything)


def test_dequantize_does_not_overflow_small_integers() -> None:
    result = dequantize(np.array([-128, 127], np.int8), 0.5, 127)
    assert result.dtype == np.float32
    assert result.tolist() == [-127.5, 0.0]


def test_a_uint8_input_of_scale_1_255_holds_the_pixels_themselves() -> None:
    assert np.array_equal(pixel_table("uint8", 1 / 255, 0), np.arange(256))
    assert np.array_equal(pixel_table("uint8", float(np.float32(1 / 255)), 0), np.arange(256))


def test_an_int8_input_of_scale_1_255_holds_the_pixels_with_the_top_bit_flipped() -> None:
    pixels = np.arange(256, dtype=np.uint8)
    assert np.array_equal(pixel_table("int8", 1 / 255, -128), (pixels ^ 0x80).view(np.int8))


def test_a_float_input_holds_pixels_divided_by_255_in_float32() -> None:
    table = pixel_table("float32", None, None)
    assert table.dtype == np.float32
    assert np.array_equal(table, np.arange(256, dtype=np.float32) / np.float32(255))


def test_softmax_of_equal_logits_is_uniform() -> None:
    assert np.allclose(softmax(np.full((3, 10), 7, np.float32)), 0.1)


def test_softmax_matches_its_definition_and_sums_to_one() -> None:
    logits = np.random.default_rng(0).normal(0, 5, (100, 10)).astype(np.float32)
    expected = np.exp(logits.astype(np.float64))
    expected /= expected.sum(axis=1, keepdims=True)
    result = softmax(logits)
    assert result.dtype == np.float32
    assert np.allclose(result, expected, atol=1e-6)
    assert np.allclose(result.sum(axis=1), 1, atol=1e-6)


def test_softmax_of_huge_logits_does_not_overflow() -> None:
    result = softmax(np.array([1e4, 0, -1e4, 0, 0, 0, 0, 0, 0, 0], np.float32))
    assert result.tolist() == [1.0] + [0.0] * 9


def test_softmax_of_one_picture_has_one_dimension() -> None:
    assert softmax(np.zeros(10, np.float32)).shape == (10,)
