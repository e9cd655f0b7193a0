"""tables.h: the network as C's constants. :mod:`digitrec_edge.dense.c_reading` has it out of there again."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.dense.network import UNSIGNED, Dense, Network, largest_sum
from digitrec_edge.dense.packing import KernelRow
from digitrec_edge.dense.rounding import Rounding, multipliers
from digitrec_edge.dense.tflite import NotDenseError
from digitrec_edge.quantization import PIXEL_MAX, SIDE, pixel_table

TABLES_FILE = "src/digitrec/tables.h"
"""In the library's folder."""

VERSION, POOLED_VERSION = 1, 2
"""Of the tables, and of those of a network that takes sums of pixels; a newer one is refused by name."""

SQUARES = SIDE * SIDE // 4
"""Of 2 x 2 pixels in a picture."""

BY_FLOAT = 0
"""The number of the rounding whose factors are float32."""

NARROW = 4
"""Bits of weights, two of which share a byte. XNNPACK takes no rows of them that end within a byte: LiteRT computes
that layer by its built-in kernels, which round in another way."""

LARGEST_FIXED = (1 << 31) - (1 << 29) - 256
"""The largest sum that is rounded with whole numbers: up to 2**29 and a zero point are added to it, in 32 bits."""
_COLUMNS = 12


@dataclass(frozen=True)
class Tables:
    """A network on its way into C, or out of it.

    Attributes:
        network: its input is a picture's pixels, its output int8. Read out of C it holds the factors of its own
            rounding only.
        threshold: what ``labels * max - sum`` of the last numbers must reach for a label.
        pooled: whether the first layer weighs the four pixels of each square of 2 x 2 alike, so that C adds them up
            before it: the same sums, of a quarter of the weights.
    """

    network: Network
    rounding: Rounding
    kernel: KernelRow
    threshold: int
    pooled: bool = False

    @property
    def bits(self) -> int:
        """Of each weight in C: the most that any layer has."""
        return max(layer.bits for layer in self.network.layers)

    @property
    def layers(self) -> tuple[Dense, ...]:
        """The layers as C has them."""
        first, *others = self.network.layers
        return (replace(first, weights=one_of_four(first.weights)) if self.pooled else first, *others)

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many numbers there are between the layers as C has them, inputs first."""
        return (self.layers[0].inputs, *(layer.outputs for layer in self.network.layers))


def one_of_four(weights: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return ``(outputs, 196)``, those of the first pixel of each square of 2 x 2, of ``(outputs, 784)`` weights."""
    return weights.reshape(-1, SIDE, SIDE)[:, ::2, ::2].reshape(len(weights), -1)


def four_of_one(weights: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return ``(outputs, 784)`` weights of ``(outputs, 196)``: :func:`one_of_four` the other way round."""
    squares = weights.reshape(-1, SIDE // 2, SIDE // 2)
    return squares.repeat(2, axis=1).repeat(2, axis=2).reshape(len(weights), -1)


def prepare(network: Network, rounding: Rounding, kernel: KernelRow, threshold: int) -> Tables:
    """Bring a network into the form that C computes.

    Raises:
        ValueError: it takes something else than pixels, gives something else than 8 bits, or does not fit the kernel.
        NotDenseError: no rounding of C is that of the oracle for a layer of it.
    """
    offset = UNSIGNED if network.input_dtype == "int8" else 0
    taken = pixel_table(np.dtype(network.input_dtype), network.input_scale, network.input_zero_point)
    if not np.array_equal(taken.astype(np.int64) + offset, np.arange(PIXEL_MAX + 1)):
        raise ValueError("its input is not a picture's own bytes, but other steps")
    zero = network.output_zero_point - (0 if network.output_dtype == "int8" else UNSIGNED)
    found = Tables(
        replace(
            network, input_dtype="uint8", input_scale=1 / PIXEL_MAX, input_zero_point=0,
            output_dtype="int8", output_zero_point=zero,
        ),
        rounding, kernel, threshold, kernel.pools and _weighs_squares(network.layers[0].weights),
    )  # fmt: skip
    if found.bits not in kernel.bits:
        raise ValueError(
            f"the kernel {kernel.name} takes weights of {kernel.bits[0]} bits, these have {found.bits}; use portable"
        )
    for layer in network.layers:
        if layer.inputs % kernel.multiple:
            raise ValueError(
                f"the kernel {kernel.name} takes layers of a multiple of {kernel.multiple} inputs, one has "
                f"{layer.inputs}; use portable"
            )
        if rounding.number == BY_FLOAT and layer.bits == NARROW and layer.inputs % 2:
            raise NotDenseError(
                f"LiteRT rounds a layer of an odd number of inputs, here {layer.inputs}, in another way where weights "
                f"have {NARROW} bits; give the one before it an even number of neurons, or use "
                "--rounding litert-reference"
            )
        if rounding.number != BY_FLOAT:
            multipliers(layer.factors)
            if largest_sum(layer.weights, layer.bias) > LARGEST_FIXED:
                raise ValueError(
                    f"a sum may be larger than {LARGEST_FIXED:,}, the most for the rounding {rounding.name}"
                )
    return found


def _weighs_squares(weights: NDArray[np.int8]) -> bool:
    return weights.shape[1] == SIDE * SIDE and np.array_equal(four_of_one(one_of_four(weights)), weights)


def write_tables(tables: Tables) -> str:
    """Return the text of tables.h."""
    network, bits = tables.network, tables.bits
    constant = "DIGITREC_FLASH" if tables.pooled else "const"
    parts = [_HEAD.format(**_sizes(tables), scale=_real(network.output_scale), zero=network.output_zero_point)]
    rows = []
    for k, layer in enumerate(tables.layers, 1):
        words = tables.kernel.pack(layer.weights, bits)
        digits = words.astype(f">u{bits // 2}").tobytes().hex()
        split = (f"0x{digits[k : k + bits]}" for k in range(0, len(digits), bits))
        parts.append(_array(f"{constant} digitrec_word", f"weights_{k}", split))
        parts.append(_array(f"{constant} int32_t", f"bias_{k}", map(str, layer.bias.tolist())))
        if tables.rounding.number == BY_FLOAT:
            parts.append(_array(f"{constant} digitrec_factor", f"factors_{k}", map(_real, layer.factors32.tolist())))
            shifts = "0"
        else:
            numbers, places = multipliers(layer.factors)
            parts.append(_array(f"{constant} digitrec_factor", f"factors_{k}", map(str, numbers.tolist())))
            parts.append(_array(f"{constant} uint8_t", f"shifts_{k}", map(str, places.tolist())))
            shifts = f"digitrec_shifts_{k}"
        rows.append(_ROW.format(layer=layer, k=k, shifts=shifts))
    return "".join([*parts, _LAYERS_START, *rows, _END])


def answers(tables: Tables, images: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Compute what ``digitrec_logits`` gives for pictures ``(N, 28, 28)``: ``(N, labels)``."""
    return (tables.network.run(images, tables.rounding) ^ np.uint8(UNSIGNED)).view(np.int8)


def table_bytes(tables: Tables) -> bytes:
    """Return the numbers of the tables in the order and the form in which C's checksum takes them."""
    parts = []
    for layer in tables.layers:
        sizes = np.array([layer.inputs, layer.outputs, layer.zero | layer.low << 8], "<u2").tobytes()
        words = tables.kernel.pack(layer.weights, tables.bits).astype("<u4" if tables.bits == 8 else "<u2").tobytes()
        fields: list[tuple[str, Any]] = [("bias", "<i4")]
        columns: list[NDArray[Any]] = [layer.bias]
        if tables.rounding.number == BY_FLOAT:
            fields, columns = [*fields, ("factor", "<f4")], [*columns, layer.factors32]
        else:
            fields, columns = [*fields, ("factor", "<i4"), ("shift", "u1")], [*columns, *multipliers(layer.factors)]
        rows = np.empty(layer.outputs, fields)
        for (name, _), column in zip(fields, columns, strict=True):
            rows[name] = column
        parts += [sizes, words, rows.tobytes()]
    return b"".join([*parts, tables.threshold.to_bytes(4, "little")])


def flash_bytes(bits: int, sizes: Sequence[int]) -> int:
    """Return how much flash the tables of a network take, without the code.

    Args:
        bits: of a weight.
        sizes: numbers between the layers, inputs first.
    """
    return sum(weight_bytes(bits, sizes)) + 8 * sum(sizes[1:]) + 24 * (len(sizes) - 1)


def weight_bytes(bits: int, sizes: Sequence[int]) -> tuple[int, ...]:
    """Return how much of that each layer's weights are, a table each."""
    return tuple(-(-outputs // 4) * inputs * bits // 2 for inputs, outputs in pairwise(sizes))


def _sizes(tables: Tables) -> dict[str, int]:
    layers = tables.layers
    return {
        "version": POOLED_VERSION if tables.pooled else VERSION,
        "rounding": tables.rounding.number,
        "kernel": tables.kernel.number,
        "bits": tables.bits,
        "layers": len(layers),
        "most": max(layer.inputs for layer in layers),
        "widest": max(-(-layer.outputs // 4) * 4 for layer in layers),
        "labels": layers[-1].outputs,
        "threshold": tables.threshold,
    }


def _real(value: float) -> str:
    """Write a float32 so that every compiler reads the same one."""
    text = f"{np.float32(value):.9g}"
    return f"{text}f" if re.search(r"[.e]", text) else f"{text}.0f"


def _array(kind: str, name: str, numbers: Iterable[str]) -> str:
    values = list(numbers)
    lines = ("".join(f"{value}," for value in values[k : k + _COLUMNS]) for k in range(0, len(values), _COLUMNS))
    return f"static {kind} digitrec_{name}[{len(values)}] = {{\n" + "\n".join(lines) + "\n};\n"


_HEAD = """\
/* The network. digitrec_self_test() tells whether a bit of it has changed; digitrec-edge reads it back from here. */
#ifndef DIGITREC_TABLES_H
#define DIGITREC_TABLES_H

#define DIGITREC_TABLES {version}
#define DIGITREC_ROUNDING {rounding}
#define DIGITREC_KERNEL {kernel}
#define DIGITREC_BITS {bits}
#define DIGITREC_LAYERS {layers}
#define DIGITREC_MOST_INPUTS {most}
#define DIGITREC_WIDEST {widest}
#define DIGITREC_LABELS {labels}
#define DIGITREC_THRESHOLD {threshold}
#define DIGITREC_LOGIT_SCALE {scale}
#define DIGITREC_LOGIT_ZERO {zero}

#include "layer.h"

"""
_LAYERS_START = "static const struct digitrec_layer digitrec_layers[DIGITREC_LAYERS] = {\n"
_ROW = (
    "    {{{layer.inputs}, {layer.outputs}, {layer.zero}, {layer.low}, "
    "digitrec_weights_{k}, digitrec_bias_{k}, digitrec_factors_{k}, {shifts}}},\n"
)
_END = "};\n\n#endif\n"
