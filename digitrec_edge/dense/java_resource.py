"""digitrec.bin: the network as the class Digitrec reads it, and out of there again.

Numbers begin with their lowest byte.

::

    char[8] DIGITREC, int version
    int layers, labels, threshold, float logit scale, int logit zero
    int checksum of the answers, pictures, noise, seed of the noise, bytes of the pictures
    each layer    int inputs, outputs, zero, low
    each layer    int[outputs] bias, float[outputs] factors, byte[inputs][outputs] weights
    the pictures of the self-test, packed
    int checksum of all before
"""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.dense import foreign
from digitrec_edge.dense.c_tables import Tables
from digitrec_edge.dense.foreign import need
from digitrec_edge.dense.known import NOISE, NOISE_SEED, answers_crc, choose_known, pack_pictures
from digitrec_edge.dense.network import Dense
from digitrec_edge.dense.packing import KERNELS
from digitrec_edge.dense.rounding import ROUNDINGS
from digitrec_edge.dense.tflite import MOST_LAYERS, MOST_NUMBERS
from digitrec_edge.formats.graph import MalformedError

VERSION = 1
"""Of the resource; a newer one is refused by name."""
MOST_BYTES = MOST_LAYERS * (MOST_NUMBERS + 8) * (MOST_NUMBERS + 1)

_MAGIC = b"DIGITREC"
_HEAD = struct.Struct("<8s4ifi5I")
_SIZES = struct.Struct("<4i")
_CRC_BYTES = 4


def write_resource(tables: Tables, images: NDArray[np.uint8]) -> bytes:
    """Write a network, and pictures for its self-test.

    Args:
        tables: the network.
        images: ``(N, 28, 28)``; some of them go into the self-test.
    """
    known = choose_known(tables, images)
    packed = pack_pictures(known)
    told = (answers_crc(tables, known), len(known), NOISE, NOISE_SEED, len(packed))
    body = _network(tables, told) + packed
    return body + zlib.crc32(body).to_bytes(_CRC_BYTES, "little")


def _network(tables: Tables, told: tuple[int, ...]) -> bytes:
    """Write all but the pictures, which are ``told`` of."""
    network = tables.network
    head = _HEAD.pack(
        _MAGIC, VERSION, len(network.layers), network.layers[-1].outputs, tables.threshold, network.output_scale,
        network.output_zero_point, *told,
    )  # fmt: skip
    sizes = [_SIZES.pack(one.inputs, one.outputs, one.zero, one.low) for one in network.layers]
    numbers = [
        one.bias.astype("<i4").tobytes() + one.factors32.astype("<f4").tobytes() + one.weights.T.tobytes()
        for one in network.layers
    ]
    return b"".join([head, *sizes, *numbers])


def read_resource(data: bytes) -> Tables:
    """Read the network; it is computed as LiteRT does.

    Raises:
        MalformedError: it is not what digitrec-edge writes, is of a newer version, or its numbers fit no network.
    """
    need(len(data) > _HEAD.size + _CRC_BYTES and data[:8] == _MAGIC, "its digitrec.bin is none")
    head = _HEAD.unpack_from(data)
    _, version, count, labels, threshold, scale, zero_point, *told = head
    if version != VERSION:
        raise MalformedError(f"its digitrec.bin is of version {version}, {VERSION} is known: update digitrec-edge")
    foreign.check_count(count)
    try:
        layers, end = _layers(data, count)
    except (struct.error, ValueError) as cause:
        raise MalformedError(f"its digitrec.bin is cut short: {cause}") from cause
    tables = foreign.tables(layers, ROUNDINGS[0], KERNELS[0], scale, zero_point, threshold)
    need(labels == layers[-1].outputs, f"it has {labels} labels, and {layers[-1].outputs} outputs")
    written = _network(tables, tuple(told)) == data[:end]
    need(written and len(data) == end + told[-1] + _CRC_BYTES, "its digitrec.bin is not as digitrec-edge writes it")
    whole = int.from_bytes(data[-_CRC_BYTES:], "little")
    need(whole == zlib.crc32(data[:-_CRC_BYTES]), "the checksum of its digitrec.bin does not fit")
    return tables


def _layers(data: bytes, count: int) -> tuple[list[Dense], int]:
    """Return the layers, and where the pictures begin."""
    at = _HEAD.size
    sizes = [_SIZES.unpack_from(data, at + k * _SIZES.size) for k in range(count)]
    at += count * _SIZES.size
    layers = []
    for k, (inputs, outputs, zero, low) in enumerate(sizes, 1):
        foreign.check_sizes(outputs, inputs)
        bias = np.frombuffer(data, "<i4", outputs, at).astype(np.int32)
        factors = np.frombuffer(data, "<f4", outputs, at + 4 * outputs)
        weights = np.frombuffer(data, np.int8, inputs * outputs, at + 8 * outputs).reshape(inputs, outputs).T
        layers.append(foreign.layer(k, np.ascontiguousarray(weights), 8, bias, factors.astype(np.float64), zero, low))
        at += outputs * (8 + inputs)
    return layers, at
