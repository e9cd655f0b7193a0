"""Keras to TFLite: a static graph for one picture, RESHAPE and four FULLY_CONNECTED.

A static batch of 1 keeps out SHAPE, STRIDED_SLICE and PACK, which accelerators and browsers refuse;
the RESHAPE has a free first dimension, so that a runtime can still resize the input for batches.
"""

import contextlib
import io
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.ranges import Range, activation_ranges
from converters.source import Source
from converters.tflite_file import FULLY_CONNECTED, finish, read_model, write_model
from digitrec_edge.errors import ConversionError
from digitrec_edge.quantization import SIDE
from digitrec_edge.training.network import import_tensorflow
from digitrec_edge.variants import NARROW_DENSE, OUTPUT_TYPES
from runtimes import support
from runtimes.table import Target


def float32(source: Source, target: Target) -> bytes:
    """Convert without quantisation: float32 ``(1, 28, 28)`` in 0 to 1 in, float32 logits ``(1, 10)`` out.

    Where the target wants pixels, the input is uint8, as that of :func:`int8`.
    """
    return finish(_run(_converter(source)), source.layers, pixels_in=target.pixels_in)


def float16(source: Source, target: Target) -> bytes:
    """Store weights as float16; the runtime widens them when it loads and computes in float32."""
    tf = import_tensorflow()
    converter = _converter(source)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    return finish(_run(converter), source.layers, pixels_in=target.pixels_in)


def int8_dynamic(source: Source, target: Target) -> bytes:
    """Quantise weights to int8; activations stay float32 between layers and are quantised inside each."""
    tf = import_tensorflow()
    converter = _converter(source)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter._experimental_disable_per_channel_quantization_for_dense_layers = support.lacks(
        target, target.release, *NARROW_DENSE
    )
    return finish(_run(converter), source.layers, pixels_in=target.pixels_in)


def int8(source: Source, target: Target) -> bytes:
    """Quantise weights, activations, input and output to 8 bits, calibrated on training images.

    The input is uint8 with scale 1/255 and zero point 0: the picture's own bytes. The first operator
    turns them into int8; from there on all is int8 up to the logits, whose type is chosen.
    """
    tf = import_tensorflow()
    from tensorflow.lite.python.convert import mlir_quantize

    images, output_type = source.representative_dataset(), _output_type(source, target)
    converter = _full_integer(source, images[:1], tf.lite.OpsSet.TFLITE_BUILTINS_INT8, tf.uint8, tf.int8)
    converter._experimental_calibrate_only = True  # then quantised by itself, as TensorFlow's QuantizationDebugger does
    float_model = _run(converter)
    ranged = _with_ranges(float_model, activation_ranges(float_model, images))
    payload = mlir_quantize(ranged, input_data_type=tf.uint8, output_data_type=tf.int8)
    return finish(payload, source.layers, output_type=output_type)


def int16x8(source: Source, target: Target) -> bytes:
    """Quantise weights to int8 and activations, input and output to int16, calibrated on training images."""
    tf = import_tensorflow()
    operators = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    converter = _full_integer(source, source.representative_dataset(), operators, tf.int16, tf.int16)
    return finish(_run(converter), source.layers)


def _output_type(source: Source, target: Target) -> str:
    """Return what was chosen, or the first type that the target takes."""
    able = (name for name in OUTPUT_TYPES if not target.borders or name in target.borders)
    return source.choice.output_type or next(able)


def _full_integer(source: Source, images: NDArray[np.float32], operators: Any, taken: Any, given: Any) -> Any:
    tf = import_tensorflow()
    converter = _converter(source)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image[None]] for image in images)
    converter.target_spec.supported_ops = [operators]
    converter.inference_input_type, converter.inference_output_type = taken, given
    return converter


def _with_ranges(payload: bytes, ranges: Mapping[str, Range]) -> bytes:
    """Give the activations of a calibrated float model other ranges than the calibration found."""
    model = read_model(payload)
    for tensor in model.subgraphs[0].tensors:
        if tensor.quantization is not None and tensor.quantization.min is not None:
            low, high = ranges[tensor.name.decode()]
            tensor.quantization.min, tensor.quantization.max = [low], [high]
    return write_model(model, len(payload))


def int4(source: Source, target: Target) -> bytes:
    """Quantise weights to 4 bits, one scale per channel, and activations to 8, calibrated on training images.

    Input and output are int8, or the input is as that of :func:`int8` where the target takes no int8.

    Raises:
        ConversionError: the target does not know 4-bit weights with a scale per channel.
    """
    operator, version = NARROW_DENSE
    if support.lacks(target, target.release, operator, version):
        raise ConversionError(f"int4 needs {operator} {version}, which {target.name} does not have")
    from ai_edge_quantizer import quantizer, recipe_manager
    from ai_edge_quantizer.qtyping import TFLOperationName

    recipe = recipe_manager.RecipeManager()
    recipe.add_static_config(
        regex=".*", operation_name=TFLOperationName.ALL_SUPPORTED, activation_num_bits=8, weight_num_bits=8
    )
    recipe.add_static_config(
        regex=".*", operation_name=TFLOperationName.FULLY_CONNECTED, activation_num_bits=8, weight_num_bits=4
    )
    payload = _run(_converter(source))
    job = quantizer.Quantizer(payload, recipe.get_quantization_recipe())
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a progress bar, and what LiteRT says of keeping all tensors
        ranges = activation_ranges(payload, source.representative_dataset()).items()
        calibrated = {name: {"min": np.array([[low]]), "max": np.array([[high]])} for name, (low, high) in ranges}
        result = job.quantize(calibrated, enable_progress_bar=False, enable_progress_report=False)
    return finish(
        bytes(result.quantized_model), source.layers, lowest_versions={FULLY_CONNECTED: version},
        pixels_in=bool(target.borders) and "int8" not in target.borders, output_type=_output_type(source, target),
    )  # fmt: skip


def _converter(source: Source) -> Any:
    tf = import_tensorflow()
    import keras

    model, image = source.fresh_model(), keras.Input((SIDE, SIDE), batch_size=1, name="image")
    if isinstance(model, keras.Sequential):
        static = keras.Sequential([image, *model.layers], name="digitrec")
    else:
        static = keras.Model(image, model(image), name="digitrec")
    return tf.lite.TFLiteConverter.from_keras_model(static)


def _run(converter: Any) -> bytes:
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras prints the endpoints of a temporary export, TensorFlow its doubts
        payload: bytes = converter.convert()
    return payload
