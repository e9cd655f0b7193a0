// Reads pictures from JavaScript as tests/web_equality.py has read them from Python, and prints what is not the same.
// node tests/web_equality.mjs FOLDER: pictures.bin and expected.json are there; prints a line of JSON per difference.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, modules] = process.argv.slice(2);
const { PictureError, explain, numberOf, readColour, readDigit, readDigits, stagesOf, turnOf } = await import(
  pathToFileURL(join(modules, "index.mjs")).href
);
const pixels = readFileSync(join(folder, "pictures.bin"));
const cases = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8"));

/** Pixels of pictures that are read again by each of the functions; what they return is in the stages of others. */
const SMALL = 20_000;

const digest = (data) => createHash("sha256").update(data).digest("hex").slice(0, 16);
const edges = ({ top, left, bottom, right }) => [top, left, bottom, right];
const digits = (found) => found.map(({ box, image }) => [edges(box), digest(image)]);

/** What a function returns, or the sentence with which it refuses. */
function outcome(read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof PictureError) return error.message;
    throw error;
  }
}

/** RGBA as a canvas gives it. */
function canvas(data, channels) {
  if (channels === 4) return data;
  const rgba = new Uint8ClampedArray((data.length / 3) * 4).fill(255);
  for (let k = 0, at = 0; at < data.length; k += 4, at += 3) rgba.set(data.subarray(at, at + 3), k);
  return rgba;
}

/** Read touching digits; the recogniser's answers are those that Python was given, in the same order. */
function number(stages, asked) {
  let next = 0;
  const read = numberOf(stages, (image) => {
    const [expected, probability, score, candidate] = asked[next++] ?? ["no more", 0, 0, 0];
    if (digest(image) !== expected) throw new PictureError(`another picture was asked about: number ${next}`);
    return { candidate, probability, score, place: next - 1 };
  });
  if (next !== asked.length) return `${next} pictures were asked about`;
  return read.map(({ box, image, answer }) => [edges(box), digest(image), answer.place]);
}

/** Turn the shapes; as above, and `accepted` is what Python was told. */
function turn(stages, asked) {
  let next = 0;
  const found = turnOf(stages, (image) => {
    const [expected, probability, score, digit, accepted] = asked[next++] ?? ["no more", 0, 0, 0, true];
    if (digest(image) !== expected) throw new PictureError(`another turned picture was asked about: number ${next}`);
    return { digit, probability, score, accepted };
  });
  if (next !== asked.length) return `${next} turned pictures were asked about`;
  return found && [found.degrees, found.digits];
}

function read({ start, width, height, channels, asked, askedTurned }) {
  const data = pixels.subarray(start, start + width * height * channels);
  const grey = channels === 1 ? data : readColour(canvas(data, channels), width, height);
  const found = { grey: digest(grey) };
  const small = grey.length < SMALL;
  const stages = outcome(() => stagesOf(grey, width, height));
  if (typeof stages === "string") return { ...found, refused: stages };
  return {
    ...found,
    failure: stages.failure && stages.failure.message,
    shapes: digits(stages.shapes),
    state: [stages.crowded, stages.reduced, ...stages.corner],
    single: outcome(() => digits([small ? readDigit(grey, width, height) : stages.single()])),
    digits: outcome(() => digits(small ? readDigits(grey, width, height) : stages.digits())),
    tiles: explain(stages).map((tile) => [tile.name, tile.width, tile.height, digest(tile.data)]),
    number: outcome(() => number(stages, asked)),
    turn: outcome(() => turn(stages, askedTurned)),
  };
}

for (const one of cases) {
  const start = performance.now();
  let found;
  try {
    found = read(one);
  } catch (error) {
    found = { error: error.stack };
  }
  const differences = Object.keys({ ...one.expected, ...found }).filter(
    (key) => JSON.stringify(found[key]) !== JSON.stringify(one.expected[key]),
  );
  if (differences.length) {
    const details = differences.map((key) => [key, one.expected[key], found[key]]);
    console.log(JSON.stringify({ kind: one.kind, name: one.name, details }));
  }
  one.ms = performance.now() - start;
}
console.error(`${cases.length} pictures in ${Math.round(cases.reduce((sum, one) => sum + one.ms, 0))} ms`);
