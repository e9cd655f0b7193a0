// Computes from JavaScript what tests/test_web_preprocess.py has computed with numpy and Pillow.
// node tests/web_arithmetic.mjs MODULES < questions.json > answers.json; a question is [function, ...arguments].

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const load = (name) => import(pathToFileURL(join(process.argv[2], `${name}.mjs`)).href);
const [arrays, filters, pillow, polygons, tables] = await Promise.all(
  ["arrays", "filters", "pillow", "polygon", "tables"].map(load),
);
const kinds = { float32: Float32Array, float64: Float64Array, uint8: Uint8Array };
const plane = (width, kind, data) => ({ width, height: data.length / width, data: kinds[kind].from(data) });

const functions = {
  sum: (kind, values) =>
    kind === "float32" ? arrays.pairwiseSum32(Float32Array.from(values)) : arrays.pairwiseSum(values),
  rint: (values) => values.map(arrays.rint),
  median: (values) => filters.median(Float32Array.from(values)),
  percentiles: (kind, values, shares) => arrays.percentiles(kinds[kind].from(values), shares),
  interpolate: (places, known, values) => [...arrays.interpolate(places, known, values)],
  resize: (width, data, to, filter) => [...pillow.resize(plane(width, "float32", data), ...to, filter).data],
  reduce: (width, kind, data, factor) => [...pillow.reduce(plane(width, kind, data), factor).data],
  mean: (width, data, radius) => [...filters.boxMean(plane(width, "float32", data), radius).data],
  max: (width, data, radius) => [...filters.boxMax(plane(width, "float32", data), radius).data],
  close: (width, data, radius) => [...filters.close(plane(width, "float32", data), radius).data],
  polygon: (corners, width, height) => [...polygons.polygon(corners, width, height).data],
  sine: (values) => values.map(pillow.sine),
  table: (name) => tables[name],
};
const questions = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(questions.map(([name, ...given]) => functions[name](...given))));
