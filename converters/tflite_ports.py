"""What a TFLite model takes and gives: operators at its borders that change the type, and no number.

The graph is the schema's own object form, which is changed in place.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from digitrec_edge.dense.network import UNSIGNED
from digitrec_edge.formats.tflite_operators import BUILTIN_OPERATORS
from digitrec_edge.quantization import PIXEL_MAX

DEQUANTIZE, QUANTIZE = (BUILTIN_OPERATORS.index(name) for name in ("DEQUANTIZE", "QUANTIZE"))
"""Codes of BuiltinOperator in TFLite's schema."""


def take_pixels(schema: Any, model: Any, graph: Any) -> None:
    """Let the model take the picture's own bytes: uint8 with scale 1/255 and zero point 0.

    A float32 input becomes a DEQUANTIZE of them. An int8 input must have these steps already.

    Raises:
        ValueError: an int8 input has other steps.
    """
    before = graph.inputs[0]
    was = graph.tensors[before]
    scale = np.float32(1 / PIXEL_MAX)
    if was.type == schema.TensorType.INT8:
        given = was.quantization
        if np.float32(given.scale[0]) != scale or given.zeroPoint[0] != -UNSIGNED:
            raise ValueError("the int8 input is not a picture's own bytes, but other steps")
    pixels = _tensor(schema, was, schema.TensorType.UINT8, [float(scale)], [0])
    operator = _operator(schema, model, was.type, [len(graph.tensors)], [before])
    graph.tensors.append(pixels)
    graph.operators.insert(0, operator)
    graph.inputs = operator.inputs
    for signature in model.signatureDefs or []:
        signature.inputs[0].tensorIndex = operator.inputs[0]


def give(schema: Any, model: Any, graph: Any, output_type: str) -> None:
    """Let the model give its int8 logits as uint8 of the same scale, or as the float32 that they stand for."""
    last = graph.outputs[0]
    was = graph.tensors[last]
    kind = getattr(schema.TensorType, output_type.upper())
    if kind == was.type:
        return
    if kind == schema.TensorType.UINT8:
        zero = [int(was.quantization.zeroPoint[0]) + UNSIGNED]
        logits = _tensor(schema, was, kind, [float(was.quantization.scale[0])], zero)
    else:
        logits = _tensor(schema, was, kind, [], [])
    operator = _operator(schema, model, kind, [last], [len(graph.tensors)])
    graph.tensors.append(logits)
    graph.operators.append(operator)
    graph.outputs = operator.outputs
    for signature in model.signatureDefs or []:
        signature.outputs[0].tensorIndex = operator.outputs[0]


def _tensor(schema: Any, like: Any, kind: int, scale: list[float], zero_point: list[int]) -> Any:
    tensor = schema.TensorT()
    tensor.type, tensor.shape, tensor.shapeSignature = kind, like.shape, like.shapeSignature
    if scale:
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale, tensor.quantization.zeroPoint = scale, zero_point
    return tensor


def _operator(schema: Any, model: Any, kind: int, inputs: Sequence[int], outputs: Sequence[int]) -> Any:
    """Make the operator between a narrow type and ``kind`` or from it: DEQUANTIZE where that is float32."""
    floats = kind == schema.TensorType.FLOAT32
    operator = schema.OperatorT()
    operator.opcodeIndex = _code(schema, model, DEQUANTIZE if floats else QUANTIZE)
    operator.inputs, operator.outputs = [*inputs], [*outputs]
    name = "Dequantize" if floats else "Quantize"
    operator.builtinOptionsType = getattr(schema.BuiltinOptions, f"{name}Options")
    operator.builtinOptions = getattr(schema, f"{name}OptionsT")()
    return operator


def _code(schema: Any, model: Any, builtin: int) -> int:
    """Return the number of an operator's code in the model; it is added where there is none."""
    codes = [code.builtinCode for code in model.operatorCodes]
    if builtin not in codes:
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = builtin
        code.version = 1
        model.operatorCodes.append(code)
        codes.append(builtin)
    return codes.index(builtin)
