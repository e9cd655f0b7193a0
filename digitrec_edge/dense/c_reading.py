"""The network out of tables.h again. The file may be anybody's: it is read as text, and never compiled.

It is read just as it is written and in no other way, so that nothing else can stand in it.
"""

import re
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.dense import foreign
from digitrec_edge.dense.c_tables import BY_FLOAT, POOLED_VERSION, SQUARES, VERSION, Tables, four_of_one, write_tables
from digitrec_edge.dense.foreign import need
from digitrec_edge.dense.network import SUM_BITS
from digitrec_edge.dense.packing import KERNELS
from digitrec_edge.dense.rounding import ROUNDINGS
from digitrec_edge.formats.graph import MalformedError

MOST_BYTES = 32 << 20
"""Of the text: the largest network that is computed here has 23 MiB."""

_DEFINE = re.compile(r"#define DIGITREC_(\w{4,12}) (-?[0-9.e+-]{1,20}f?)\n")
_ARRAY = re.compile(
    r"static (?:const|DIGITREC_FLASH) (\w{5,15}) digitrec_(\w{5,12})\[(\d{1,7})\] = \{\n([0-9a-fx.e,\n-]*)\};\n"
)
_ROW = re.compile(
    r" {4}\{(\d{1,4}), (\d{1,4}), (\d{1,3}), (\d{1,3}), "
    r"digitrec_weights_(\d), digitrec_bias_\5, digitrec_factors_\5, (0|digitrec_shifts_\5)\},\n"
)
_NUMBER = {
    "weights8": re.compile(r"(?:0x[0-9a-f]{8},\n?)+"),
    "weights4": re.compile(r"(?:0x[0-9a-f]{4},\n?)+"),
    "whole": re.compile(r"(?:-?[0-9]{1,10},\n?)+"),
    "real": re.compile(r"(?:[0-9]\.?[0-9]{0,12}(?:e-[0-9]{2})?f,\n?)+"),
}


def read_tables(text: str) -> Tables:
    """Read the text of tables.h.

    Raises:
        MalformedError: it is not what digitrec-edge writes, is of a newer version, or its numbers fit no network.
    """
    try:
        found = _read(text)
    except MalformedError:
        raise
    except (ValueError, KeyError, IndexError, OverflowError) as cause:
        raise MalformedError(f"its tables cannot be read: {' '.join(str(cause).split())[:200]}") from cause
    if write_tables(found) != text:
        raise MalformedError("its tables are not written as digitrec-edge writes them")
    return found


def _read(text: str) -> Tables:
    defines = dict(_DEFINE.findall(text[:2000]))
    if int(defines["TABLES"]) not in (VERSION, POOLED_VERSION):
        raise MalformedError(
            f"its tables are of version {defines['TABLES'][:9]}, {POOLED_VERSION} is known: update digitrec-edge"
        )
    pooled = int(defines["TABLES"]) == POOLED_VERSION
    rounding = {str(row.number): row for row in ROUNDINGS}[defines["ROUNDING"]]
    kernel = {str(row.number): row for row in KERNELS}[defines["KERNEL"]]
    bits = int(defines["BITS"])
    need(bits in kernel.bits, f"the kernel {kernel.name} takes no weights of {bits} bits")
    need(kernel.pools or not pooled, f"the kernel {kernel.name} takes no sums of pixels")
    arrays = {name: (kind, int(size), body) for kind, name, size, body in _ARRAY.findall(text)}
    rows = _ROW.findall(text)
    foreign.check_count(len(rows))
    layers = []
    for k, (inputs, outputs, zero, low, *_) in enumerate(rows, 1):
        sizes = int(outputs), int(inputs)
        foreign.check_sizes(*sizes)
        need(sizes[1] % kernel.multiple == 0, f"the kernel {kernel.name} takes no {sizes[1]} inputs")
        words = _numbers(arrays, f"weights_{k}", f"weights{bits}", -(-sizes[0] // 4) * sizes[1])
        bias = _numbers(arrays, f"bias_{k}", "whole", sizes[0])
        need(bool((np.abs(bias) < 1 << 31).all()), f"a sum may leave {SUM_BITS} bits")
        weights = kernel.unpack(words.astype(np.uint32), bits, *sizes)
        if pooled and k == 1:
            need(sizes[1] == SQUARES, f"it takes {sizes[1]} sums of pixels, there are {SQUARES}")
            weights = four_of_one(weights)
        factors = _factors(arrays, k, sizes[0], rounding.number == BY_FLOAT)
        layers.append(foreign.layer(k, weights, bits, bias.astype(np.int32), factors, int(zero), int(low)))
    scale, zero_point = float(np.float32(float(defines["LOGIT_SCALE"].rstrip("f")))), int(defines["LOGIT_ZERO"])
    found = foreign.tables(layers, rounding, kernel, scale, zero_point, int(defines["THRESHOLD"]))
    return replace(found, pooled=pooled)


def _numbers(arrays: dict[str, tuple[str, int, str]], name: str, kind: str, size: int) -> NDArray[Any]:
    """Read the numbers of an array: int64 of words and whole numbers, float64 of real ones."""
    _, stated, body = arrays[name]
    if stated != size:
        raise MalformedError(f"digitrec_{name} has {stated} numbers, {size} are needed")
    if not _NUMBER[kind].fullmatch(body):
        raise MalformedError(f"digitrec_{name} has numbers of another form")
    text = body.replace("\n", "").rstrip(",")
    if kind.startswith("weights"):
        digits = bytes.fromhex(text.replace("0x", "").replace(",", ""))
        return _exactly(np.frombuffer(digits, f">u{int(kind[-1]) // 2}"), name, size)
    words = text.split(",")
    if kind == "real":
        return _exactly(np.array([float(word[:-1]) for word in words]), name, size)
    return _exactly(np.array([int(word) for word in words], np.int64), name, size)


def _exactly(numbers: NDArray[Any], name: str, size: int) -> NDArray[Any]:
    if len(numbers) != size:
        raise MalformedError(f"digitrec_{name} has {len(numbers)} numbers, {size} are needed")
    return numbers


def _factors(arrays: dict[str, tuple[str, int, str]], k: int, size: int, by_float: bool) -> NDArray[np.float64]:
    if by_float:
        factors = _numbers(arrays, f"factors_{k}", "real", size).astype(np.float32).astype(np.float64)
    else:
        numbers, shifts = (_numbers(arrays, f"{name}_{k}", "whole", size) for name in ("factors", "shifts"))
        need(bool(((shifts >= 0) & (shifts <= 30)).all()), f"layer {k} is shifted by more than 30 bits")
        factors = numbers * 2.0 ** -(31.0 + shifts)
    return factors
