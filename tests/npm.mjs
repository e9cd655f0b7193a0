// Loads models in runtimes of JavaScript and runs them; tests/npm.py serves this and asks.
const PIXELS = 784;
const ARRAYS = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array, int8: Int8Array };

const opened = {};
const once = (name, open) => (opened[name] ??= open());

const RUNTIMES = {
  "litert-web": async (bytes) => {
    const { Tensor, loadAndCompile, loadLiteRt } = await import("@litertjs/core");
    await once("litert-web", () => loadLiteRt("/node_modules/@litertjs/core/wasm/"));
    const model = await loadAndCompile(bytes, { accelerator: "wasm" });
    const run = async (numbers) => {
      const input = new Tensor(numbers, [1, 28, 28]),
        [output] = await model.run(input);
      const given = output.toTypedArray().slice();
      input.delete();
      output.delete();
      return given;
    };
    return { type: () => model.getInputDetails()[0].dtype, run, close: () => model.delete() };
  },
  "onnxruntime-web": async (bytes) => {
    const ort = await import("/node_modules/onnxruntime-web/dist/ort.wasm.min.mjs");
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = "/node_modules/onnxruntime-web/dist/";
    ort.env.logLevel = "fatal";
    const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
    const [input] = session.inputNames,
      [output] = session.outputNames,
      type = () => session.inputMetadata[0].type;
    const run = async (numbers) =>
      (await session.run({ [input]: new ort.Tensor(type(), numbers, [1, 28, 28]) }))[output].data;
    return { type, run, close: () => session.release() };
  },
};

const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

async function answered(ask) {
  try {
    return { given: await ask() };
  } catch (cause) {
    return { refused: String(cause.message ?? cause) };
  }
}

/** Whether a runtime loads a model. */
export const accepts = (name, model) =>
  answered(async () => {
    await (await RUNTIMES[name](bytesOf(model))).close();
    return null;
  });

/** What a model gives for gzipped pictures: pixels as they are for a uint8 input, divided by 255 for a float32 one. */
export const logits = (name, model, packed) =>
  answered(async () => {
    const unpacked = new Blob([bytesOf(packed)]).stream().pipeThrough(new DecompressionStream("gzip"));
    const pictures = new Uint8Array(await new Response(unpacked).arrayBuffer());
    const runtime = await RUNTIMES[name](bytesOf(model)),
      type = runtime.type(),
      rows = [];
    for (let start = 0; start < pictures.length; start += PIXELS) {
      const picture = pictures.subarray(start, start + PIXELS);
      const numbers = ARRAYS[type].from(picture, (pixel) => (type === "float32" ? pixel / 255 : pixel));
      rows.push(await runtime.run(numbers));
    }
    await runtime.close();
    const [kind] = Object.entries(ARRAYS).find(([, Kind]) => rows[0] instanceof Kind);
    const given = await new Blob(rows).arrayBuffer();
    let text = "";
    for (const byte of new Uint8Array(given)) text += String.fromCharCode(byte);
    return { type: kind, numbers: btoa(text) };
  });
