"""The variants: one row each."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module, metadata
from typing import cast

from converters.source import Source
from digitrec_edge.errors import ConversionError, DigitrecError


@dataclass(frozen=True)
class Variant:
    """A row of the table.

    Attributes:
        option: the command line's ``--option`` without dashes.
        name: precision, as the card has it.
        artifact: name of the artifact, and of its file without suffix.
        target: ``module:function`` that takes a Source and returns the payload.
        calibrated: whether activation ranges are measured on training images.
        tools: distributions that take part.
    """

    option: str
    name: str
    artifact: str
    format: str
    target: str
    calibrated: bool
    tools: tuple[str, ...]
    help: str

    def tool_versions(self) -> dict[str, str]:
        """Return the installed version of each tool."""
        return {tool: metadata.version(tool) for tool in (*self.tools, "numpy", "digitrec-edge")}


_TFLITE_TOOLS = ("tensorflow", "keras")
_ONNX_TOOLS = ("tensorflow", "keras", "tf2onnx", "onnx")

VARIANTS = (
    Variant(
        "float32", "float32", "digitrec-float32", "tflite", "converters.tflite:float32", False, _TFLITE_TOOLS,
        "TFLite, float32",
    ),
    Variant(
        "int8", "int8", "digitrec-int8", "tflite", "converters.tflite:int8", True, _TFLITE_TOOLS,
        "TFLite, full integer: weights, activations, input and output",
    ),
    Variant(
        "onnx", "float32", "digitrec-float32", "onnx", "converters.onnx:float32", False, _ONNX_TOOLS,
        "ONNX, float32",
    ),
    Variant(
        "onnx-int8", "int8", "digitrec-int8", "onnx", "converters.onnx:int8", True, (*_ONNX_TOOLS, "onnxruntime"),
        "ONNX, int8 weights and activations (QDQ)",
    ),
)  # fmt: skip


def convert(source: Source, variant: Variant) -> bytes:
    """Convert to one variant.

    Returns:
        The payload: the model without its card.

    Raises:
        ConversionError: a tool is missing or refuses the model.
    """
    module_name, function_name = variant.target.split(":")
    try:
        function = cast(Callable[[Source], bytes], getattr(import_module(module_name), function_name))
        return function(source)
    except DigitrecError:
        raise
    except ImportError as cause:
        raise ConversionError(
            f"--{variant.option} needs {cause.name}, which is not installed: pip install 'digitrec-edge[convert]'"
        ) from cause
    except Exception as cause:  # the converters raise whatever their compilers raise
        text = " ".join(str(cause).split())[:300]
        raise ConversionError(
            f"{source.path} cannot be converted to {variant.artifact}.{variant.format}: {text}"
        ) from cause
