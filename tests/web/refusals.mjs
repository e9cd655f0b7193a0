// What the engine refuses models with, null where it takes one: refusals.mjs KERNEL MODEL...
import { readFileSync } from "node:fs";
import { openModel } from "../../digitrec_edge/web/engine/index.mjs";

const [kernel, ...models] = process.argv.slice(2).map((path) => new Uint8Array(readFileSync(path)));
const refusal = (model) => {
  try {
    openModel(model, kernel);
    return null;
  } catch (cause) {
    return cause.message;
  }
};
console.log(JSON.stringify(models.map(refusal)));
