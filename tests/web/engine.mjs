// All logits of many images by every kernel, all answers, and what damaged models are refused with:
// engine.mjs MODEL KERNEL IMAGES LOGITS ANSWERS
import { readFileSync, writeFileSync } from "node:fs";
import { logitsOf, openModel } from "../../digitrec_edge/web/engine/index.mjs";
import { openArtifact } from "../../digitrec_edge/web/artifact/index.mjs";
import { recogniser } from "../../digitrec_edge/web/recogniser.mjs";
import { sha256 } from "../../digitrec_edge/web/sha256.mjs";

const [modelPath, kernelPath, imagesPath, logitsPath, answersPath] = process.argv.slice(2);
const bytes = (path) => new Uint8Array(readFileSync(path));
const file = bytes(modelPath),
  kernel = bytes(kernelPath),
  images = bytes(imagesPath);
const model = openModel(file, kernel);
const names = Object.keys(model.kernels),
  all = [];
for (const name of names) {
  for (let at = 0; at < images.length; at += 784) all.push(...logitsOf(model, images.subarray(at, at + 784), name));
}
writeFileSync(logitsPath, Int8Array.from(all));
const { card } = await openArtifact(file),
  { answer } = recogniser(model, card),
  answers = [];
for (let at = 0; at < images.length; at += 784) {
  const { digit, probability, score } = answer(images.subarray(at, at + 784));
  answers.push(digit, probability, score);
}
writeFileSync(answersPath, Float64Array.from(answers));

const refused = {};
const attempt = (name, work) => {
  try {
    work();
    refused[name] = null;
  } catch (cause) {
    refused[name] = cause.message;
  }
};
attempt("nothing", () => openModel(new Uint8Array(0), kernel));
attempt("no model", () => openModel(new Uint8Array(1000), kernel));
attempt("half a model", () => openModel(file.slice(0, file.length >> 1), kernel));
attempt("short picture", () => logitsOf(model, new Uint8Array(783)));
attempt("numbers", () => logitsOf(model, Array(784).fill(0)));
const lengths = [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 1000];
console.log(
  JSON.stringify({
    kernel: model.kernel,
    names,
    without: openModel(file, new Uint8Array(8)).kernel,
    refused,
    hashes: lengths.map((length) => [length, sha256(images.subarray(0, length))]),
  }),
);
