"""TFLite files: the graph, and the card in a ZIP archive appended at the end.

Slots are those of https://github.com/google-ai-edge/LiteRT/blob/main/tflite/converter/schema/schema.fbs.
A ZIP is found from its end and a flatbuffer from its start, so one file is both: every TFLite runtime
loads it, and every unzip tool lists labels.txt and the card.
"""

import io
import zipfile

from digitrec_edge.formats import CARD_NAME, SEAL_BYTES
from digitrec_edge.formats.flatbuffer import Table
from digitrec_edge.formats.graph import Graph, MalformedError, Operator, Tensor
from digitrec_edge.formats.tflite_operators import BUILTIN_OPERATORS

MAGIC = b"TFL3"
_CARD_FILE = f"{CARD_NAME}.json"
_LABELS_FILE = "labels.txt"
_DTYPES = (
    "float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16", "complex64", "int8", "float64",
    "complex128", "uint64", "resource", "variant", "uint32", "uint16", "int4", "bfloat16", "int2", "uint4",
)  # fmt: skip


def recognise(data: bytes) -> bool:
    """Whether the file starts as a TFLite flatbuffer does."""
    return data[4:8] == MAGIC


def describe(payload: bytes) -> Graph:
    """Read inputs, outputs, tensors and operators of the first subgraph.

    Raises:
        MalformedError: an offset or index points outside, or there is no subgraph.
    """
    model = Table.root(payload)
    subgraphs = model.tables(2)
    if not subgraphs:
        raise MalformedError("no subgraph")
    graph, buffers = subgraphs[0], model.tables(4)
    tensors = [_tensor(table, buffers, len(payload)) for table in graph.tables(0)]
    codes = [_operator_code(table) for table in model.tables(1)]

    def pick(indices: list[int]) -> tuple[Tensor, ...]:
        if any(not 0 <= k < len(tensors) for k in indices):
            raise MalformedError("a tensor index points outside the list of tensors")
        return tuple(tensors[k] for k in indices)

    operators = []
    for table in graph.tables(3):
        code = table.number(0, "I")
        if code >= len(codes):
            raise MalformedError("an operator index points outside the list of operators")
        inputs = [k for k in table.vector(1, "<i4").tolist() if k != -1]  # -1: an optional input left out
        names = [tuple(t.name for t in pick(k)) for k in (inputs, table.vector(2, "<i4").tolist())]
        operators.append(Operator(*codes[code], *names))
    return Graph(
        pick(graph.vector(1, "<i4").tolist()),
        pick(graph.vector(2, "<i4").tolist()),
        tuple(tensors),
        tuple(operators),
    )


def _operator_code(table: Table) -> tuple[str, int]:
    code = max(table.number(0, "b"), table.number(3, "i"))
    name = BUILTIN_OPERATORS[code] if 0 <= code < len(BUILTIN_OPERATORS) else f"operator {code}"
    return table.text(1) or name if name == "CUSTOM" else name, table.number(2, "i", 1)


def _tensor(table: Table, buffers: list[Table], file_bytes: int) -> Tensor:
    kind, buffer = table.number(1, "b"), table.number(2, "I")
    if buffer >= len(buffers):
        raise MalformedError("a buffer index points outside the list of buffers")
    stored_bytes = len(buffers[buffer].vector(0, "u1")) or buffers[buffer].number(2, "Q")
    if stored_bytes > file_bytes:
        raise MalformedError("a buffer is larger than the file")
    quantisation = table.table(4)
    return Tensor(
        name=table.text(3),
        shape=tuple(table.vector(0, "<i4").tolist()),
        dtype=_DTYPES[kind] if 0 <= kind < len(_DTYPES) else f"type {kind}",
        scale=tuple(quantisation.vector(2, "<f4").tolist()) if quantisation else (),
        zero_point=tuple(quantisation.vector(3, "<i8").tolist()) if quantisation else (),
        stored_bytes=stored_bytes,
    )


def split(data: bytes) -> tuple[bytes, bytes | None]:
    """Part the payload from the ZIP archive that ``attach`` appended."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if _CARD_FILE not in archive.namelist():
                return data, None
            start = min(entry.header_offset for entry in archive.infolist())
            return data[:start], archive.read(_CARD_FILE)
    except zipfile.BadZipFile:
        return data, None


def attach(payload: bytes, card: bytes, labels: tuple[str, ...]) -> bytes:
    """Append a ZIP archive with labels and card; its comment is room for the seal."""
    stream = io.BytesIO(payload)
    stream.seek(0, io.SEEK_END)
    with zipfile.ZipFile(stream, "a") as archive:
        for name, content in (
            (_LABELS_FILE, "".join(f"{label}\n" for label in labels).encode()),
            (_CARD_FILE, card),
        ):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
        archive.comment = bytes(SEAL_BYTES)
    return stream.getvalue()
