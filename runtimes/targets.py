"""The targets of an export: one row per runtime that an artifact can be made for."""

from dataclasses import dataclass

from digitrec_edge.errors import ConversionError


@dataclass(frozen=True)
class Target:
    """A row of the table.

    What the release can run stands in data/support.json under the same name.

    Attributes:
        name: of the runtime.
        release: that the artifact must run on.
        formats: what it runs.
        per_channel_dense: whether dynamic-range Dense weights may have a scale per channel, which
            makes FULLY_CONNECTED version 12.
        pixels_in: whether float variants take the picture's uint8 bytes and scale them by a DEQUANTIZE of
            their own. On a Raspberry Pi 4 that costs tflite-runtime 2.14 2.4 k instructions, and numpy 11 k
            (docs/instructions.md). FULLY_CONNECTED and 1x1 CONV_2D cost it the same, 122 k.
        suffix: added to an artifact's name; empty for the newest runtime of a format.
    """

    name: str
    release: str
    formats: tuple[str, ...]
    per_channel_dense: bool = True
    pixels_in: bool = False
    suffix: str = ""


TARGETS = (
    Target("litert", "2.0.2", ("tflite",)),
    Target(
        "tflite-runtime",
        "2.14.0",
        ("tflite",),
        per_channel_dense=False,
        pixels_in=True,
        suffix="-tflite-runtime",
    ),
    Target("onnxruntime", "1.18.1", ("onnx", "ort")),
)


def target_for(format_name: str, name: str | None = None) -> Target:
    """Return the target called ``name``; without a name, the newest runtime of the format.

    Raises:
        ConversionError: no such target, or it does not run the format.
    """
    if name is None:
        return next(row for row in TARGETS if format_name in row.formats)
    rows = {row.name: row for row in TARGETS}
    if name not in rows:
        raise ConversionError(f"no target is called {name!r}; choose from {', '.join(rows)}")
    if format_name not in rows[name].formats:
        able = " or ".join(row.name for row in TARGETS if format_name in row.formats)
        raise ConversionError(f"{name} does not run .{format_name} files; {able} does")
    return rows[name]
