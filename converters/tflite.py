"""Keras to TFLite: a static graph for one picture, RESHAPE and four FULLY_CONNECTED.

A static batch of 1 keeps out SHAPE, STRIDED_SLICE and PACK, which accelerators and browsers refuse;
the RESHAPE is to (-1, 784), so that a runtime can still resize the input for batches.
"""

import contextlib
import io
import warnings
from typing import Any

import numpy as np

from converters.source import Source
from digitrec_edge.model import import_tensorflow

DESCRIPTION = "digitrec_edge"
_ALIGNMENT_BYTES = 16
_PIXELS = 784


def float32(source: Source) -> bytes:
    """Convert without quantisation: float32 ``(1, 28, 28)`` in 0 to 1 in, float32 logits ``(1, 10)`` out."""
    return finish(_run(_converter(source)))


def int8(source: Source) -> bytes:
    """Quantise weights, activations, input and output to 8 bits, calibrated on training images.

    The input is uint8 with scale 1/255 and zero point 0: the picture's own bytes. The first operator
    turns them into int8; from there on all is int8 up to the logits.
    """
    tf = import_tensorflow()
    converter = _converter(source)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image[None]] for image in source.representative_dataset())
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.int8
    return finish(_run(converter))


def _converter(source: Source) -> Any:
    tf = import_tensorflow()
    import keras

    model = source.fresh_model()
    static = keras.Sequential([keras.Input((28, 28), batch_size=1, name="image"), *model.layers], name="digitrec")
    return tf.lite.TFLiteConverter.from_keras_model(static)


def _run(converter: Any) -> bytes:
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras prints the endpoints of a temporary export, TensorFlow its doubts
        payload: bytes = converter.convert()
    return payload


def finish(payload: bytes) -> bytes:
    """Name input and output, free the batch in RESHAPE, mark the file as ours and align its buffers.

    TensorFlow leaves buffers unaligned; microcontrollers and some delegates need 16 bytes.
    """
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(payload, 0))
    (graph,) = model.subgraphs
    model.description = DESCRIPTION
    graph.name = "main"
    graph.tensors[graph.inputs[0]].name = "image"
    graph.tensors[graph.outputs[0]].name = "logits"
    for signature in model.signatureDefs or []:
        signature.inputs[0].name, signature.outputs[0].name = "image", "logits"
    reshape = schema.BuiltinOperator.RESHAPE
    for operator in graph.operators:
        if model.operatorCodes[operator.opcodeIndex].builtinCode == reshape:
            shape = graph.tensors[operator.inputs[1]]
            model.buffers[shape.buffer].data = np.array([-1, _PIXELS], "<i4").view(np.uint8)
    model.buffers = [_AlignedBuffer(schema, buffer.data) for buffer in model.buffers]
    builder = flatbuffers.Builder(len(payload) + 4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


class _AlignedBuffer:
    """Stands in for the schema's BufferT, whose Pack does not align."""

    def __init__(self, schema: Any, data: Any) -> None:
        self._schema = schema
        self._data = b"" if data is None else np.asarray(data, np.uint8).tobytes()

    def Pack(self, builder: Any) -> int:  # noqa: N802  (the schema's name)
        vector = None
        if self._data:
            builder.StartVector(1, len(self._data), _ALIGNMENT_BYTES)
            start = builder.head - len(self._data)
            builder.head = start
            builder.Bytes[start : start + len(self._data)] = self._data
            vector = builder.EndVector()
        self._schema.BufferStart(builder)
        if vector is not None:
            self._schema.BufferAddData(builder, vector)
        end: int = self._schema.BufferEnd(builder)
        return end
