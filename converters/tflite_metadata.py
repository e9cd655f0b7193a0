"""TFLite's standard metadata: what the usual tools show of a model.

Slots are those of metadata_schema.fbs (https://github.com/tensorflow/tflite-support, file identifier
M001). No library that writes it installs beside today's TensorFlow, so it is built field by field.
"""

from typing import Any

from digitrec_edge.formats import LABELS_FILE
from digitrec_edge.quantization import PIXEL_MAX, SIDE

METADATA_NAME = "TFLITE_METADATA"
_IDENTIFIER = b"M001"
_NORMALIZATION, _FEATURE = 1, 1
_TENSOR_AXIS_LABELS = 2

Table = dict[int, tuple[str, Any]]
"""Slot -> (kind, value); kinds: text, table, tables, floats, and numbers named as flatbuffers names them."""


def build_metadata() -> bytes:
    """Return the metadata flatbuffer: a 28 x 28 grey image scaled by 1/255 in, labelled logits out.

    The image is described as a feature: the task library takes none for an image that has no dimension of channels.
    """
    import flatbuffers

    normalisation: Table = {
        0: ("Uint8", _NORMALIZATION),
        1: ("table", {0: ("floats", [0.0]), 1: ("floats", [float(PIXEL_MAX)])}),
    }
    image: Table = {
        0: ("text", "image"),
        1: ("text", f"hand-written digit, {SIDE} x {SIDE} grey; 0 is background, {PIXEL_MAX} is foreground"),
        3: ("table", {0: ("Uint8", _FEATURE), 1: ("table", {})}),
        4: ("tables", [normalisation]),
        5: ("table", {0: ("floats", [1.0]), 1: ("floats", [0.0])}),
    }
    labels: Table = {0: ("text", LABELS_FILE), 1: ("text", "digits"), 2: ("Int8", _TENSOR_AXIS_LABELS)}
    logits: Table = {
        0: ("text", "logits"),
        1: ("text", "one logit per label; the largest names it"),
        3: ("table", {0: ("Uint8", _FEATURE), 1: ("table", {})}),
        6: ("tables", [labels]),
    }
    model: Table = {
        0: ("text", "digitrec"),
        1: ("text", "Reads a hand-written digit."),
        3: ("tables", [{2: ("tables", [image]), 3: ("tables", [logits])}]),
        4: ("text", "digitrec_edge"),
        5: ("text", "MIT"),
        7: ("text", "1.0.0"),
    }
    builder = flatbuffers.Builder(1024)
    builder.Finish(_write(builder, "table", model), _IDENTIFIER)
    return bytes(builder.Output())


def _write(builder: Any, kind: str, value: Any) -> int:
    """Write what a field points to and return its offset."""
    if kind == "text":
        offset = builder.CreateString(value)
    elif kind == "floats":
        builder.StartVector(4, len(value), 4)
        for number in reversed(value):
            builder.PrependFloat32(number)
        offset = builder.EndVector()
    elif kind == "tables":
        offsets = [_write(builder, "table", item) for item in value]
        builder.StartVector(4, len(offsets), 4)
        for item in reversed(offsets):
            builder.PrependUOffsetTRelative(item)
        offset = builder.EndVector()
    else:
        offset = _write_table(builder, value)
    return int(offset)


def _write_table(builder: Any, fields: Table) -> int:
    pointed = {
        slot: _write(builder, kind, value)
        for slot, (kind, value) in fields.items()
        if kind in ("text", "floats", "table", "tables")
    }
    builder.StartObject(max(fields, default=-1) + 1)
    for slot, (kind, value) in fields.items():
        if slot in pointed:
            builder.PrependUOffsetTRelativeSlot(slot, pointed[slot], 0)
        else:
            getattr(builder, f"Prepend{kind}Slot")(slot, value, 0)
    return int(builder.EndObject())
