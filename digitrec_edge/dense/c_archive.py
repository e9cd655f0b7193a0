"""C libraries in ZIP archives: a format whose payload is a whole archive, to which card, labels and sample are added.

Arduino takes archives with one folder at the top, so that all is in ``digitrec/``, and what travels with the model in
``digitrec/extras/``. The payload comes back byte for byte, without packing anything again: what zlib makes of a
text differs from version to version, and hashes must not.
Files of other formats are looked at here, too: what those do not need is imported in functions.
"""

import io
import struct
import zipfile
from collections.abc import Mapping
from typing import TYPE_CHECKING

from digitrec_edge import archives
from digitrec_edge.formats import SEAL_BYTES
from digitrec_edge.formats.budget import BUDGET
from digitrec_edge.formats.graph import Graph, MalformedError, Operator, Tensor

if TYPE_CHECKING:
    from digitrec_edge.dense.c_tables import Tables

TOP = "digitrec/"
EXTRAS = f"{TOP}extras/"
FIRST_FILE = "library.properties"
"""Stands first in every archive, by which the format is told from other archives."""

_DATE = (1980, 1, 1, 0, 0, 0)
_LIMITS = archives.Limits(files=32, ratio=BUDGET.attached_ratio)
_LOCAL, _ENTRY, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_LOCAL_BYTES, _ENTRY_BYTES = 30, 46


def recognise(data: bytes) -> bool:
    """Whether the first file of an archive is the one of these."""
    first = f"{TOP}{FIRST_FILE}".encode()
    return data[:4] == _LOCAL and data[_LOCAL_BYTES : _LOCAL_BYTES + len(first)] == first


def pack(files: Mapping[str, bytes]) -> bytes:
    """Make a payload of a library's files."""
    ordered = {FIRST_FILE: files[FIRST_FILE], **files}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in ordered.items():
            _add(archive, TOP + name, content)
    return stream.getvalue()


def tables_of(payload: bytes) -> "Tables":
    """Read the network out of a payload; its C is not run and not compiled.

    Raises:
        MalformedError: it is no such archive, holds more than the budget allows, or no network that is computed here.
    """
    from digitrec_edge.dense.c_reading import MOST_BYTES, read_tables
    from digitrec_edge.dense.c_tables import TABLES_FILE

    name = TOP + TABLES_FILE
    try:
        with archives.opened(payload, _LIMITS) as archive:
            text = archives.read(archive, [name], MOST_BYTES, _LIMITS)[name].decode("ascii")
    except archives.WRONG as cause:
        raise MalformedError(f"its {TABLES_FILE} cannot be read: {' '.join(str(cause).split())}") from cause
    return read_tables(text)


def describe(payload: bytes) -> Graph:
    """Say what the network computes: a layer per operator; rounding and kernel are among what it needs."""
    from digitrec_edge.dense.c_readme import remarks
    from digitrec_edge.dense.c_tables import VERSION

    tables = tables_of(payload)
    network = tables.network
    image = Tensor("image", (1, 28, 28), network.input_dtype, (network.input_scale,), (0,))
    if network.layers[0].inputs != 28 * 28:
        raise MalformedError(f"it takes {network.layers[0].inputs} numbers, a picture has {28 * 28}")
    tensors, operators, before = [image], [], image.name
    for k, layer in enumerate(network.layers, 1):
        last = layer is network.layers[-1]
        weights = Tensor(
            f"layer_{k}/weights",
            layer.weights.shape,
            f"int{tables.bits}",
            stored_bytes=layer.weights.size * tables.bits // 8,
        )
        bias = Tensor(f"layer_{k}/bias", (layer.outputs,), "int32", stored_bytes=4 * layer.outputs)
        factors = Tensor(f"layer_{k}/factors", (layer.outputs,), "float32", stored_bytes=4 * layer.outputs)
        scale = ((network.output_scale,), (network.output_zero_point,)) if last else ((), ())
        sink = Tensor(
            "logits" if last else f"layer_{k}", (1, layer.outputs), network.output_dtype if last else "uint8", *scale
        )
        operators.append(Operator("DENSE", VERSION, (before, weights.name, bias.name, factors.name), (sink.name,)))
        tensors += [weights, bias, factors, sink]
        before = sink.name
    needs = (("DENSE", VERSION), (f"rounding {tables.rounding.name}", 1), (f"kernel {tables.kernel.name}", 1))
    return Graph((image,), (tensors[-1],), tuple(tensors), tuple(operators), needs, remarks(tables))


def attach(payload: bytes, files: Mapping[str, bytes]) -> bytes:
    """Add files to the archive; its comment is room for the seal."""
    stream = io.BytesIO(payload)
    with zipfile.ZipFile(stream, "a") as archive:
        for name, content in files.items():
            _add(archive, EXTRAS + name, content)
        archive.comment = bytes(SEAL_BYTES)
    return stream.getvalue()


def split(data: bytes) -> tuple[bytes, dict[str, bytes]]:
    """Part the library's archive from the files that were added.

    Raises:
        MalformedError: it is no archive, has more than the budget allows, or nothing was added where it should be.
    """
    try:
        with archives.opened(data, _LIMITS) as archive:
            names = archive.namelist()
            added = [name for name in names if name.startswith(EXTRAS)]
            kept = len(names) - len(added)
            if names[kept:] != added:
                raise ValueError("files were added between those of the model")
            files = archives.read(archive, added, BUDGET.attached_bytes, _LIMITS)
            start = archive.getinfo(added[0]).header_offset if added else archive.start_dir
            return _cut(data, start, archive.start_dir, kept), {name[len(EXTRAS) :]: files[name] for name in added}
    except archives.WRONG as cause:
        raise MalformedError(f"its ZIP archive cannot be read: {' '.join(str(cause).split())}") from cause


def _cut(data: bytes, files_end: int, directory: int, kept: int) -> bytes:
    """Return an archive of the first files alone: their bytes, their part of the directory, and an end of its own."""
    at = directory
    for _ in range(kept):
        if data[at : at + 4] != _ENTRY:
            raise ValueError("its directory is cut short")
        at += _ENTRY_BYTES + sum(struct.unpack_from("<3H", data, at + 28))
    entries = data[directory:at]
    end = struct.pack("<4s4H2LH", _END, 0, 0, kept, kept, len(entries), files_end, 0)
    return data[:files_end] + entries + end


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content, compresslevel=9)
