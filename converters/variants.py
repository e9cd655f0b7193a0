"""The variants: one row each."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module, metadata
from typing import cast

from converters.source import Source
from converters.tflite_file import INT4_DENSE_VERSION
from digitrec_edge.errors import ConversionError, DigitrecError
from runtimes import support
from runtimes.targets import Target

Convert = Callable[[Source, Target], bytes]


@dataclass(frozen=True)
class Variant:
    """A row of the table.

    Attributes:
        option: the command line's ``--option`` without dashes.
        name: precision, as the card has it.
        format: of the file.
        function: takes a Source and a Target, returns the payload; in ``converters.FORMAT``.
        calibrated: whether activation ranges are measured on training images.
        tools: distributions that take part.
        needs: an operator and its version without which this variant cannot be, whatever the target.
    """

    option: str
    name: str
    format: str
    function: str
    calibrated: bool
    tools: tuple[str, ...]
    help: str
    needs: tuple[str, int] | None = None

    def artifact_name(self, target: Target) -> str:
        """Name of the artifact, and of its file without suffix."""
        return f"digitrec-{self.name}{target.suffix}"

    def fits(self, target: Target) -> bool:
        """Whether the target can run this variant at all."""
        return self.format in target.formats and not (
            self.needs and support.lacks(target.name, target.release, *self.needs)
        )

    def tool_versions(self) -> dict[str, str]:
        """Return the installed version of each tool."""
        return {tool: metadata.version(tool) for tool in (*self.tools, "numpy", "digitrec-edge")}


_TFLITE = ("tensorflow", "keras")
_ONNX = (*_TFLITE, "tf2onnx", "onnx")
_ORT = (*_ONNX, "onnxruntime")

VARIANTS = (
    Variant("float32", "float32", "tflite", "float32", False, _TFLITE, "TFLite, float32"),
    Variant("float16", "float16", "tflite", "float16", False, _TFLITE, "TFLite, float16 weights, float32 arithmetic"),
    Variant(
        "int8-dynamic", "int8-dynamic", "tflite", "int8_dynamic", False, _TFLITE,
        "TFLite, int8 weights, activations quantised while it runs",
    ),
    Variant(
        "int8", "int8", "tflite", "int8", True, _TFLITE,
        "TFLite, full integer: weights, activations, input and output",
    ),
    Variant("int16x8", "int16x8", "tflite", "int16x8", True, _TFLITE, "TFLite, int8 weights, int16 activations"),
    Variant(
        "int4", "int4", "tflite", "int4", True, (*_TFLITE, "ai-edge-quantizer"),
        "TFLite, int4 weights, int8 activations", ("FULLY_CONNECTED", INT4_DENSE_VERSION),
    ),
    Variant("onnx", "float32", "onnx", "float32", False, _ONNX, "ONNX, float32"),
    Variant("onnx-int8", "int8", "onnx", "int8", True, _ORT, "ONNX, int8 weights and activations (QDQ)"),
    Variant("ort", "float32", "ort", "float32", False, _ORT, "ONNX Runtime format, float32"),
    Variant("ort-int8", "int8", "ort", "int8", True, _ORT, "ONNX Runtime format, int8 weights and activations"),
)  # fmt: skip


def convert(source: Source, variant: Variant, target: Target) -> bytes:
    """Convert to one variant for one target.

    Returns:
        The payload: the model without its card.

    Raises:
        ConversionError: a tool is missing or refuses the model.
    """
    try:
        module = import_module(f"converters.{variant.format}")
        return cast(Convert, getattr(module, variant.function))(source, target)
    except DigitrecError:
        raise
    except ImportError as cause:
        raise ConversionError(
            f"--{variant.option} needs {cause.name}, which is not installed: pip install 'digitrec-edge[convert]'"
        ) from cause
    except Exception as cause:  # the converters raise whatever their compilers raise
        text = " ".join(str(cause).split())[:300]
        raise ConversionError(
            f"{source.path} cannot be converted to {variant.name} .{variant.format}: {text}"
        ) from cause
