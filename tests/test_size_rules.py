"""The rule of every operator gives the size that the runtime really computes: ONNX Runtime's, and TFLite's."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from digitrec_edge import formats
from digitrec_edge.formats import onnx_sizes, sizes, tflite_checks, tflite_sizes
from digitrec_edge.formats.graph import Graph
from digitrec_edge.formats.sizes import Call, Size, SizedOperator

pytestmark = pytest.mark.desktop
X = np.linspace(0.1, 1.0, 2 * 3 * 6 * 8, dtype=np.float32).reshape(2, 3, 6, 8)
MATRIX, OTHER = X[0, 0], X[0, 1].T.copy()
ONE, ZERO = np.array(0.1, np.float32), np.array(0, np.uint8)
BYTES = (X * 100).astype(np.uint8)
TRUE = X > 0.5


def ints(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


Sample = tuple[Sequence[NDArray[Any]], Mapping[str, Any]]
KERNEL = np.ones((5, 3, 3, 2), np.float32)
ONNX: Mapping[str, Sequence[Sample]] = {
    **{name: [((X,), {})] for name in (
        "Relu", "LeakyRelu", "Elu", "Selu", "Celu", "ThresholdedRelu", "Sigmoid", "HardSigmoid", "HardSwish",
        "Tanh", "Softplus", "Softsign", "Softmax", "LogSoftmax", "Hardmax", "Erf", "Exp", "Log", "Sqrt",
        "Abs", "Neg", "Reciprocal", "Floor", "Ceil", "Round", "Sign", "Clip", "Dropout", "LpNormalization",
        "MeanVarianceNormalization", "Identity", "GlobalAveragePool", "GlobalMaxPool", "DynamicQuantizeLinear", "Shape",
    )},
    "PRelu": [((X, X[0, :, :1, :1]), {})],
    "Not": [((TRUE,), {})],
    "LRN": [((X,), {"size": 3})],
    "BatchNormalization": [((X, *[np.ones(3, np.float32)] * 4), {})],
    "InstanceNormalization": [((X, *[np.ones(3, np.float32)] * 2), {})],
    "LayerNormalization": [((X, np.ones(8, np.float32)), {})],
    "QuantizeLinear": [((X, ONE, ZERO), {})],
    "DequantizeLinear": [((BYTES, ONE, ZERO), {})],
    "Cast": [((X,), {"to": 7}), ((X,), {"to": 9})],
    **{name: [((X, X[:1, :, :1]), {}), ((X[0, 0], ONE), {})] for name in (
        "Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Sum", "Mean", "Equal", "Less", "LessOrEqual", "Greater",
        "GreaterOrEqual",
    )},
    **{name: [((TRUE, TRUE[:1]), {})] for name in ("And", "Or")},
    "Where": [((TRUE, X[:1], ONE), {})],
    "Conv": [
        ((X, KERNEL), {}),
        ((X, KERNEL), {"strides": [2, 3], "pads": [1, 0, 2, 1], "dilations": [2, 1]}),
        ((X, KERNEL), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
        ((X, np.ones((6, 1, 3, 3), np.float32)), {"group": 3}),
    ],
    "ConvInteger": [((BYTES, KERNEL.astype(np.uint8)), {"pads": [1, 1, 1, 1]})],
    "MaxPool": [((X,), {"kernel_shape": [2, 3], "strides": [2, 2], "ceil_mode": 1}), ((X,), {"kernel_shape": [3, 3]})],
    "AveragePool": [((X,), {"kernel_shape": [2, 2], "strides": [2, 1], "pads": [1, 0, 1, 0]})],
    "LpPool": [((X,), {"kernel_shape": [2, 2]})],
    "MatMul": [((MATRIX, OTHER), {}), ((X, OTHER), {}), ((X[0, 0, 0], OTHER), {})],
    "MatMulInteger": [((BYTES[0, 0], BYTES[0, 0].T.copy()), {})],
    "Gemm": [((MATRIX, OTHER), {}), ((MATRIX, MATRIX), {"transB": 1}), ((MATRIX, MATRIX), {"transA": 1})],
    **{name: [((X,), {}), ((X,), {"axes": [1, -1], "keepdims": 0})] for name in (
        "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp",
        "ReduceProd",
    )},
    "ReduceSum": [((X, ints(2)), {}), ((X, ints(0, 3)), {"keepdims": 0}), ((X,), {"noop_with_empty_axes": 1})],
    **{name: [((X,), {"axis": 2}), ((X,), {"axis": -1, "keepdims": 0})] for name in ("ArgMax", "ArgMin")},
    "QLinearConv": [((BYTES, ONE, ZERO, KERNEL.astype(np.uint8), ONE, ZERO, ONE, ZERO), {"strides": [2, 2]})],
    "QLinearMatMul": [((BYTES[0, 0], ONE, ZERO, BYTES[0, 0].T.copy(), ONE, ZERO, ONE, ZERO), {})],
    "Reshape": [((X, ints(0, -1, 4)), {}), ((X, ints(288)), {})],
    "Flatten": [((X,), {}), ((X,), {"axis": 0}), ((X,), {"axis": -1}), ((X,), {"axis": 4})],
    "Squeeze": [((X[:1, :1], ints(0)), {}), ((X[:1, :1],), {})],
    "Unsqueeze": [((X, ints(0, -1)), {})],
    "Transpose": [((X,), {"perm": [2, 0, 3, 1]}), ((MATRIX,), {})],
    "Concat": [((X, X[:, :1], X), {"axis": 1})],
    "Gather": [((X, ints(1, 0, 1)), {"axis": 2}), ((X, np.array(1)), {})],
    "Slice": [
        ((X, ints(1, -4), ints(3, 9), ints(1, 3), ints(1, 2)), {}), ((X, ints(5), ints(-9), ints(3), ints(-2)), {}),
    ],
    "Split": [((X, ints(1, 2)), {"axis": 1})],
    "Pad": [((X, ints(0, 1, 2, 3, 0, 0, 1, 2)), {})],
    "ConstantOfShape": [((ints(3, 4),), {})],
    "Expand": [((X[:, :1], ints(2, 3, 6, 8)), {})],
    "Tile": [((MATRIX, ints(2, 3)), {})],
}  # fmt: skip
OF_THE_RUNTIME = frozenset(
    "Gelu Mish GroupNormalization BiasGelu FastGelu QuickGelu QLinearSigmoid QLinearLeakyRelu QLinearSoftmax "
    "QLinearAdd QLinearMul FusedConv NhwcMaxPool QLinearAveragePool QLinearGlobalAveragePool MatMulIntegerToFloat "
    "DynamicQuantizeMatMul FusedGemm FusedMatMul QGemm QLinearConcat".split()
)
"""What ONNX Runtime makes of other operators, and what is newer than opset 17: their rules are those of a row above."""


def run_onnx(name: str, inputs: Sequence[NDArray[Any]], attributes: Mapping[str, Any], outputs: int) -> Sequence[Any]:
    import onnx
    import onnxruntime
    from onnx import helper, numpy_helper

    names = [f"in_{k}" for k in range(len(inputs))]
    node = helper.make_node(name, names, [f"out_{k}" for k in range(outputs)], **attributes)
    stored = [numpy_helper.from_array(value, key) for key, value in zip(names, inputs, strict=True)]
    graph = helper.make_graph(
        [node], "one", [], [helper.make_empty_tensor_value_info(out) for out in node.output], stored
    )
    opset = 13 if name in ("ReduceMean",) else 17
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    inferred = onnx.shape_inference.infer_shapes(model)
    types = {info.name: info for info in inferred.graph.output}
    del model.graph.output[:]
    model.graph.output.extend(types[out] for out in node.output)
    return list(onnxruntime.InferenceSession(model.SerializeToString()).run(None, {}))


def size_of(value: NDArray[Any]) -> Size:
    integers = value.dtype.kind == "i" and value.size <= 64
    return Size.of(value.shape, tuple(int(v) for v in value.ravel()) if integers else None)


CASES = [(name, inputs, options) for name, samples in ONNX.items() for inputs, options in samples]


@pytest.mark.parametrize(
    ("name", "inputs", "attributes"), CASES, ids=[f"{k}-{case[0]}-{case[2]}" for k, case in enumerate(CASES)]
)
def test_an_onnx_rule_gives_what_the_runtime_computes(
    name: str, inputs: Sequence[NDArray[Any]], attributes: Mapping[str, Any]
) -> None:
    outputs = {"Split": 2, "DynamicQuantizeLinear": 3}.get(name, 1)
    real = run_onnx(name, inputs, attributes, outputs)
    options = {key: tuple(value) if isinstance(value, list) else value for key, value in attributes.items()}
    step = SizedOperator(name, tuple(range(len(inputs))), tuple(range(outputs)), options)
    told, _ = onnx_sizes.RULES[name](Call(step, tuple(size_of(value) for value in inputs)))
    for size, value in zip(told, real, strict=False):
        assert size.elements >= value.size
        assert size.shape in (None, value.shape)
        assert size.values is None or size.values == tuple(value.ravel())
    assert name == "Split" or all(size.elements == value.size for size, value in zip(told, real, strict=False))


def test_every_rule_has_a_sample_or_is_the_runtimes_own() -> None:
    assert set(onnx_sizes.RULES) == set(ONNX) | OF_THE_RUNTIME


def networks() -> Mapping[str, Callable[[Any], Any]]:
    """Functions of a picture ``(1, 6, 8, 3) float32`` that the converter writes with many operators."""
    import tensorflow as tf

    nn, kernel = tf.nn, tf.ones((3, 2, 3, 5))
    return {
        "convolutions": lambda x: [
            nn.conv2d(x, kernel, 1, "SAME"),
            nn.conv2d(x, kernel, 2, "VALID"),
            nn.conv2d(x, kernel, 1, "VALID", dilations=2),
            nn.depthwise_conv2d(x, tf.ones((3, 3, 3, 2)), [1, 2, 2, 1], "SAME"),
        ],
        "pools": lambda x: [nn.max_pool2d(x, 2, 2, "SAME"), nn.avg_pool2d(x, (3, 2), (1, 2), "VALID")],
        "elements": lambda x: [
            nn.relu(x),
            nn.relu6(x),
            nn.leaky_relu(x),
            nn.elu(x),
            nn.sigmoid(x),
            tf.tanh(x),
            nn.softmax(x),
            nn.log_softmax(x),
            tf.abs(x),
            -x,
            tf.exp(x),
            tf.math.log(x),
            tf.sqrt(x),
            tf.math.rsqrt(x),
            tf.square(x),
            tf.floor(x),
            tf.sin(x),
            tf.cos(x),
            tf.cast(x, tf.int32),
            tf.round(x),
            tf.math.ceil(x),
            tf.sign(x),
            nn.gelu(x),
            tf.nn.l2_normalize(x, 3),
            nn.local_response_normalization(x),
            x * nn.relu6(x + 3.0) / 6.0,
            tf.zeros_like(x),
            nn.relu(x) - 0.2 * nn.relu(-x),
            tf.clip_by_value(x, -1.0, 1.0),
            tf.clip_by_value(x, 0.0, 1.0),
            tf.quantization.fake_quant_with_min_max_args(x),
        ],
        "pairs": lambda x: [
            x + x[:, :1],
            x - 1.5,
            x * x[:, :, :1],
            x / x[:, :1],
            x**2.5,
            tf.maximum(x, x[:, :1]),
            tf.minimum(x, 0.3),
            tf.math.squared_difference(x, x[:, :1]),
            tf.where(x > 0.5, x, 2 * x),
            tf.where(x > 0.5, x, 0.1),
            tf.logical_and(x > 0.2, x < 0.8),
            tf.logical_or(x >= 0.2, x <= 0.8),
            tf.logical_not(tf.equal(x, 0.5)),
            tf.not_equal(x, 0.5),
            tf.add_n([x, x, x]),
        ],
        "reductions": lambda x: [
            tf.reduce_mean(x, [1, 2]),
            tf.reduce_sum(x, 3, keepdims=True),
            tf.reduce_max(x, 1),
            tf.reduce_min(x, [2, 3]),
            tf.reduce_prod(x, 1),
            tf.argmax(x, 3),
            tf.argmin(x, 1),
        ],
        "products": lambda x: [
            tf.reshape(x, (6, 24)) @ tf.ones((24, 7)),
            tf.matmul(tf.reshape(x, (3, 6, 8)), tf.reshape(x, (3, 8, 6))),
        ],
        "shapes": lambda x: [
            tf.reshape(x, (4, -1)),
            tf.squeeze(x),
            tf.expand_dims(x, 2),
            tf.transpose(x, (0, 3, 1, 2)),
            tf.concat([x, x], 2),
            tf.stack([x, x], 1),
            tf.unstack(x, axis=3)[1],
            tf.split(x, 2, axis=1)[0],
            tf.gather(x, [1, 0, 1], axis=2),
            tf.slice(x, (0, 1, 2, 0), (1, 3, -1, 2)),
            x[:, 1:5:2, ::3],
            x[0, ..., 1],
            tf.pad(x, [[0, 0], [1, 2], [0, 3], [0, 0]]),
            tf.tile(x, (1, 2, 1, 2)),
            tf.broadcast_to(x[:, :1], (1, 6, 8, 3)),
            tf.space_to_batch(x, (2, 2), [[0, 0], [0, 0]]),
            tf.batch_to_space(tf.tile(x, (4, 1, 1, 1)), (2, 2), [[0, 1], [1, 0]]),
            tf.pad(x, [[0, 0], [1, 1], [2, 0], [0, 0]], "REFLECT"),
            tf.pad(x, [[0, 0], [1, 1], [2, 0], [0, 0]], constant_values=0.5),
        ],
        "pictures": lambda x: [tf.image.resize(x, (9, 4)), tf.image.resize(x, (3, 16), "nearest")],
    }


@pytest.fixture(scope="module")
def converted() -> Sequence[tuple[Graph, Sequence[SizedOperator], Mapping[Any, Size]]]:
    """For each network what was read of it: the graph, its steps, and the sizes of inputs and constants."""
    import tensorflow as tf

    found = []
    for network in networks().values():
        function = tf.function(lambda x, network=network: [tf.identity(out) for out in network(x)])
        concrete = function.get_concrete_function(tf.TensorSpec((1, 6, 8, 3), tf.float32))
        payload = tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()
        checked: list[Any] = []

        def check(*given: Any, seen: list[Any] = checked) -> Mapping[Any, Size]:
            seen.append((*given[:1], {**given[1]}))
            return sizes.check(*given)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tflite_checks, "check_sizes", check)
            graph = formats.by_name("tflite").load().describe(payload)
        steps, known = checked[0]  # for one picture
        found.append((graph, steps, known))
    return found


def test_a_tflite_rule_gives_what_the_converter_wrote(
    converted: Sequence[tuple[Graph, Sequence[SizedOperator], Mapping[Any, Size]]],
) -> None:
    seen = set()
    for graph, steps, known in converted:
        found: dict[Any, Size] = {**known}
        for step in steps:
            seen.add(step.name)
            call = Call(step, tuple(None if k is None else found[k] for k in step.inputs))
            told, _ = tflite_sizes.RULES[step.name](call)
            for k, size in zip(step.outputs, told, strict=False):
                found[k], shape = size, tuple(int(n) for n in graph.tensors[int(str(k))].shape)
                assert size.elements >= np.prod(shape), step
                assert size.shape in (None, shape), (step, size.shape, shape)
    assert " ".join(sorted(set(tflite_sizes.RULES) - seen)) == NOT_WRITTEN_HERE


NOT_WRITTEN_HERE = "EQUAL EXPAND_DIMS FAKE_QUANT FILL L2_POOL_2D LOGICAL_NOT PRELU RELU_0_TO_1 SHAPE SQUEEZE ZEROS_LIKE"
"""What the converter makes of other functions, or of none."""
