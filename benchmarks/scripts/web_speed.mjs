// Speed in a browser: the page's engine, LiteRT.js and ONNX Runtime Web take turns with LiteRT on the desktop.
// Run by web_speed.py, which serves this, the models and the pictures, and answers /desktop with its microseconds.
import { openModel } from "/web/engine/index.mjs";

const ROUNDS = 9,
  PICTURES = 500;

const bytesOf = async (address) => new Uint8Array(await (await fetch(address)).arrayBuffer());

async function own() {
  const model = openModel(await bytesOf("/models/int8.tflite"), await bytesOf("/web/dense.wasm"));
  return Object.entries(model.kernels).map(([name, run]) => ({
    name: `digitrec.html, ${name}`,
    run: async (picture) => run(picture) && null,
    direct: run,
  }));
}

async function liteRt(file) {
  const { Tensor, loadAndCompile, loadLiteRt } = await import("@litertjs/core");
  globalThis.liteRt ??= loadLiteRt("/npm/@litertjs/core/wasm/");
  await globalThis.liteRt;
  const model = await loadAndCompile(`/models/${file}`, { accelerator: "wasm" });
  const [{ dtype, shape: sizes }] = model.getInputDetails();
  const shape = [...sizes].map((size) => Math.max(1, size));
  const prepare =
    dtype === "float32" ? (picture) => Float32Array.from(picture, (pixel) => pixel / 255) : (picture) => picture.slice();
  const run = async (picture) => {
    const input = new Tensor(prepare(picture), shape);
    const [output] = await model.run(input);
    const numbers = output.toTypedArray().slice();
    input.delete();
    output.delete();
    return numbers;
  };
  await run(new Uint8Array(784));
  return [{ name: `LiteRT.js, ${file}`, run }];
}

async function onnxRuntime(file) {
  const ort = await import("/npm/onnxruntime-web/dist/ort.wasm.min.mjs");
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = "/npm/onnxruntime-web/dist/";
  const session = await ort.InferenceSession.create(await bytesOf(`/models/${file}`), { executionProviders: ["wasm"] });
  const [name] = session.inputNames,
    { type, shape } = session.inputMetadata[0];
  const sizes = shape.map((size) => (typeof size === "number" && size > 0 ? size : 1));
  const prepare =
    type === "float32" ? (picture) => Float32Array.from(picture, (pixel) => pixel / 255) : (picture) => picture.slice();
  const run = async (picture) =>
    (await session.run({ [name]: new ort.Tensor(type, prepare(picture), sizes) }))[session.outputNames[0]].data;
  await run(new Uint8Array(784));
  return [{ name: `ONNX Runtime Web, ${file}`, run }];
}

const ways = [],
  refused = {};
const attempts = {
  own,
  "LiteRT.js, int8.tflite": () => liteRt("int8.tflite"),
  "LiteRT.js, int8-litert-web.tflite": () => liteRt("int8-litert-web.tflite"),
  "LiteRT.js, float32.tflite": () => liteRt("float32.tflite"),
  "ONNX Runtime Web, int8.onnx": () => onnxRuntime("int8.onnx"),
};
for (const [name, open] of Object.entries(attempts)) {
  try {
    ways.push(...(await open()));
  } catch (cause) {
    refused[name] = String(cause.message ?? cause).slice(0, 200);
  }
}
const images = await bytesOf("/images"),
  picture = (k) => images.subarray(784 * k, 784 * (k + 1));
const times = Object.fromEntries([...ways.map(({ name }) => [name, []]), ["LiteRT on the desktop, invoke alone", []]]);
for (let round = 0; round < ROUNDS; round++) {
  for (const { name, run, direct } of ways) {
    const start = performance.now();
    if (direct) for (let k = 0; k < PICTURES; k++) direct(picture(k));
    else for (let k = 0; k < PICTURES; k++) await run(picture(k));
    times[name].push((1000 * (performance.now() - start)) / PICTURES);
  }
  times["LiteRT on the desktop, invoke alone"].push(Number(await (await fetch("/desktop")).text()));
}
await fetch("/done", { method: "POST", body: JSON.stringify({ times, refused, browser: navigator.userAgent }) });
