/** The model: its card, its test on this device, and the file itself. */
import { by, download, make } from "./elements.mjs";
import { percent } from "./words.mjs";

const KERNELS = { simd: "WebAssembly", js: "JavaScript" };
const CALLS = { simd: 4000, js: 400 };

const grouped = (number) => number.toLocaleString("en");

/** @param {import("../selftest.mjs").Result} result */
export function showTest({ images, different }) {
  const ways = Object.keys(different),
    most = Math.max(...Object.values(different));
  const equal =
    most === 0
      ? "to the last bit"
      : `but for ${most} of their numbers, which differ by a step or two, as other kernels round,`;
  const names = ways.map((name) => KERNELS[name]).join(" and ");
  by("test").textContent =
    `Tested just now on this device: the ${images} images that travel with the model give the answers of its export ` +
    `${equal}, by ${names}. The file is whole.`;
}

/** @param {import("../artifact/index.mjs").Artifact} artifact */
export function showCard({ bytes, card, seal }) {
  const { parity, preprocessing, requirements } = card;
  const entries = [
    ["Model", `${card.name}, ${card.variant}, ${grouped(bytes.length)} bytes`],
    ["Takes", `${preprocessing.size.join(" × ")} pixels, ${preprocessing.channels}`],
    [
      "Gives",
      `${card.labels.length} numbers: ${card.labels.slice(0, 12).join(" ")}${card.labels.length > 12 ? " …" : ""}`,
    ],
    parity && ["Right", `${percent(parity.accuracy)} of ${grouped(parity.images)} test images (${parity.runtime})`],
    parity && ["As Keras", `${percent(parity.agreement)} of them read alike`],
    card.training && [
      "Training",
      `recipe ${card.training.name ?? "of its own"}, seed ${card.training.seed ?? "unknown"}`,
    ],
    card.no_digit && [
      "No digit",
      `score below ${card.no_digit.threshold}; ${percent(card.no_digit.kept)} of digits reach it`,
    ],
    ["Made for", requirements.target],
    [
      "Made with",
      Object.entries(card.tools)
        .map((tool) => tool.join(" "))
        .join(", "),
    ],
    ["Model's hash", card.payload_sha256],
    ["Seal", seal],
  ];
  by("card").replaceChildren(
    ...entries
      .filter(Boolean)
      .flatMap(([term, text]) => [make("dt", { textContent: term }), make("dd", { textContent: text })]),
  );
}

/** Measure each kernel for some milliseconds. */
export function showSpeed(model, image) {
  const measured = Object.entries(model.kernels).map(([name, run]) => {
    const start = performance.now();
    for (let k = 0; k < CALLS[name]; k++) run(image);
    return `${((1000 * (performance.now() - start)) / CALLS[name]).toFixed(1)} µs by ${KERNELS[name]}`;
  });
  by("speed").textContent = `A digit takes ${measured.join(", ")}, on this device.`;
}

/** @param {import("../artifact/index.mjs").Artifact} artifact */
export function offerFile({ bytes, card }) {
  by("save").append(` (${Math.round(bytes.length / 1000)} KB)`);
  by("save").addEventListener("click", () =>
    download(new Blob([bytes], { type: "application/octet-stream" }), `${card.name}.tflite`),
  );
}
