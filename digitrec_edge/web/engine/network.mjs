/**
 * From a TFLite file of static int8 Dense layers to these layers; anything else is refused.
 *
 * The twin of digitrec_edge/dense/tflite.py, and of what digitrec_edge/formats/tflite_checks.py says of scales and zero
 * points: numbers q are taken as x = q + 128, 0 to 255, so that background is 0.
 * Slots are those of https://github.com/google-ai-edge/LiteRT/blob/main/tflite/converter/schema/schema.fbs.
 */
import { Table } from "./flatbuffer.mjs";

const INT32 = 2,
  UINT8 = 3,
  INT8 = 9; // TensorType
const FULLY_CONNECTED = 9,
  RESHAPE = 22,
  QUANTIZE = 114; // BuiltinOperator
const NO_ACTIVATION = 0,
  RELU = 1;
const MOST_LAYERS = 8;
const MOST_NUMBERS = 1024;
const IDENTIFIER = 0x334c4654; // "TFL3"

/**
 * A layer: sum = bias + weights x, then x' = clip(round(sum * factor) + zero, low, 255).
 *
 * @typedef {Object} Dense
 * @property {number} outputs
 * @property {number} inputs
 * @property {Int8Array} weights outputs by inputs
 * @property {Int32Array} bias with what remains of the input's zero point
 * @property {Float32Array} factors per output
 * @property {number} zero stands for 0.0 in the output, 0 to 255
 * @property {number} low the least output
 */

/**
 * @typedef {Object} Network
 * @property {Dense[]} layers
 * @property {number} scale of the logits: scale * (q - zeroPoint)
 * @property {number} zeroPoint
 */

const need = (holds, what) => {
  if (!holds) throw new Error(`the model is no network of int8 Dense layers: ${what}`);
};

/**
 * @param {Uint8Array} bytes a TFLite file; what stands behind the model does not matter
 * @returns {Network}
 */
export function networkOf(bytes) {
  try {
    return read(bytes);
  } catch (cause) {
    if (cause instanceof RangeError || cause instanceof TypeError)
      throw new Error("the model is damaged or cut off", { cause });
    throw cause;
  }
}

function read(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  need(bytes.length > 8 && view.getUint32(4, true) === IDENTIFIER, "it is no TFLite file");
  const model = Table.root(view);
  const graphs = model.tables(2);
  need(graphs.length === 1, `it has ${graphs.length} graphs`);
  const tensors = new Tensors(graphs[0].tables(0), model.tables(4));
  const codes = model.tables(1).map((code) => Math.max(code.number(0, "Int8"), code.number(3, "Int32")));
  const [given] = graphs[0].vector(1, Int32Array),
    [result] = graphs[0].vector(2, Int32Array);
  need(tensors.kind(given) === UINT8, "its input is not a picture's own bytes");
  const layers = [];
  let now = given;
  for (const operator of graphs[0].tables(3)) {
    const inputs = operator.vector(1, Int32Array),
      [sink] = operator.vector(2, Int32Array);
    const code = codes[operator.number(0, "Uint32")];
    need(inputs[0] === now, "its layers do not follow one another");
    if (code === QUANTIZE) need(tensors.sameNumbers(now, sink), "a QUANTIZE changes the numbers");
    else if (code !== RESHAPE) {
      need(code === FULLY_CONNECTED, `it has operator ${code}`);
      layers.push(layerOf(operator, tensors, inputs, sink));
    }
    now = sink;
  }
  need(
    now === result && layers.length > 0 && layers.length <= MOST_LAYERS,
    `it has ${layers.length} layers, 1 to ${MOST_LAYERS} fit`,
  );
  layers.forEach((layer, k) => need(!k || layer.inputs === layers[k - 1].outputs, "its layers do not fit one another"));
  need(tensors.kind(result) === INT8 && tensors.isScaled(result), "its output is not int8");
  return { layers, scale: tensors.scales(result)[0], zeroPoint: tensors.zeroPoint(result) };
}

/** The tensors of a graph by their numbers, and what is stored for them. */
class Tensors {
  constructor(tables, buffers) {
    this.tables = tables;
    this.buffers = buffers;
  }

  kind(k) {
    return this.tables[k].number(1, "Int8");
  }

  shape(k) {
    return this.tables[k].vector(0, Int32Array);
  }

  stored(k, Kind) {
    return new Kind(this.buffers[this.tables[k].number(2, "Uint32")].vector(0, Uint8Array).buffer);
  }

  scales(k) {
    return this.tables[k].table(4).vector(2, Float32Array);
  }

  zeroPoints(k) {
    return Array.from(this.tables[k].table(4).vector(3, BigInt64Array), Number);
  }

  zeroPoint(k) {
    return this.zeroPoints(k)[0];
  }

  /** Whether the numbers of a tensor have one scale, above 0, and a zero point that is one of them. */
  isScaled(k) {
    const [scales, zeros, zero] = [this.scales(k), this.zeroPoints(k), this.zero(k)];
    const single = scales.length === 1 && zeros.length === 1;
    return single && scales[0] > 0 && scales[0] < Infinity && zero >= 0 && zero <= 255;
  }

  /** What stands for 0.0, in numbers from 0 to 255. */
  zero(k) {
    return this.zeroPoint(k) + (this.kind(k) === INT8 ? 128 : 0);
  }

  sameNumbers(a, b) {
    const narrow = [a, b].every((k) => this.kind(k) === INT8 || this.kind(k) === UINT8);
    return narrow && this.scales(a)[0] === this.scales(b)[0] && this.zero(a) === this.zero(b);
  }
}

/** @returns {Dense} */
function layerOf(operator, tensors, [source, weights, bias = -1], sink) {
  need(tensors.kind(weights) === INT8, "its weights are not int8");
  need(tensors.zeroPoints(weights).every((zero) => zero === 0), "its weights have a zero point");
  need(
    [source, sink].every((k) => tensors.kind(k) === INT8 && tensors.isScaled(k)),
    "its activations are not int8",
  );
  const options = operator.table(4),
    activation = options?.number(0, "Int8") ?? NO_ACTIVATION;
  need(activation === NO_ACTIVATION || activation === RELU, `a layer has activation ${activation}`);
  need(!options?.number(1, "Int8"), "its weights are shuffled");
  const [outputs, inputs] = tensors.shape(weights);
  need(
    outputs > 0 && inputs > 0 && Math.max(outputs, inputs) <= MOST_NUMBERS,
    `a layer has ${inputs} inputs and ${outputs} outputs`,
  );
  const matrix = tensors.stored(weights, Int8Array);
  need(matrix.length === outputs * inputs, "weights are missing");
  need(bias < 0 || tensors.kind(bias) === INT32, "a bias is not int32");
  const sums = bias < 0 ? new Int32Array(outputs) : tensors.stored(bias, Int32Array);
  need(sums.length === outputs, "a bias is missing");
  const zero = tensors.zero(sink);
  return {
    outputs,
    inputs,
    weights: matrix,
    bias: withoutZeroPoint(sums, matrix, tensors.zero(source), inputs),
    factors: factorsOf(tensors.scales(source)[0], tensors.scales(weights), tensors.scales(sink)[0], outputs),
    zero,
    low: activation === RELU ? zero : 0,
  };
}

function withoutZeroPoint(bias, weights, zero, inputs) {
  return bias.map((sum, o) => {
    let row = 0,
      reach = 0;
    for (let j = o * inputs; j < (o + 1) * inputs; j++) {
      row += weights[j];
      reach += Math.abs(weights[j]);
    }
    const folded = sum - zero * row;
    need(Math.abs(folded) + 255 * reach < 2 ** 31, "a sum may leave 32 bits");
    return folded;
  });
}

/** In float32 arithmetic, as XNNPACK computes them. */
function factorsOf(source, weights, sink, outputs) {
  need(weights.length === 1 || weights.length === outputs, "scales are missing");
  const factors = Float32Array.from({ length: outputs }, (_, o) => {
    return Math.fround(Math.fround(source * weights[weights.length > 1 ? o : 0]) / sink);
  });
  need(
    factors.every((factor) => factor > 0 && factor < 1),
    "a layer's scales are too far apart",
  );
  return factors;
}
