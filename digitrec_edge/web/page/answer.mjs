/** The answer: what was read, how sure, and the probability of every label. */
import { NO_DIGIT } from "../recogniser.mjs";
import { by, greyCanvas, make } from "./elements.mjs";
import { noun, ordinal, percent, sentence, shown, shownAll, told } from "./words.mjs";

const COLUMNS = 10;
const LONG = 5; // from so many letters on they are shown smaller

export class AnswerView {
  /** @param {string[]} labels */
  constructor(labels) {
    this.labels = labels;
    this.columns = Array.from({ length: Math.min(COLUMNS, labels.length) }, () => {
      const fill = make("div", { className: "fill" }),
        label = make("div", { className: "label" });
      const column = make("div", { className: "column" }, make("div", { className: "track" }, fill), label);
      by("bars").append(column);
      return { column, fill, label };
    });
  }

  /**
   * @param {import("../reading.mjs").Reading} reading
   * @param {string} invitation what stands there as long as nothing is on the paper
   */
  show(reading, invitation) {
    this.reading = reading;
    const { digits } = reading,
      big = by("digit");
    big.textContent = shownAll(digits, this.labels);
    big.className = [
      big.textContent.length >= LONG ? "long" : "",
      digits.every((one) => one.answer.digit === NO_DIGIT) ? "none" : "",
    ]
      .join(" ")
      .trim();
    by("several").hidden = digits.length < 2;
    by("several").replaceChildren(...(digits.length < 2 ? [] : digits.map((one, k) => this.chip(one, k))));
    this.choose(leastSure(digits), invitation);
  }

  /** One of several digits: its pixels and label, to be chosen. */
  chip({ image, answer }, k) {
    const label = shown(answer, this.labels),
      picture = greyCanvas(image, 28, 28, { className: "pixels" });
    const name = `${k + 1}: ${label === "?" ? `no ${noun(this.labels)}` : label}, ${percent(answer.probability)}`;
    const button = make("button", { type: "button", ariaLabel: name, ariaPressed: "false" }, picture, label);
    button.addEventListener("click", () => this.choose(k));
    return make("li", {}, button);
  }

  /** Show the probabilities of one of the digits. */
  choose(k, invitation = "") {
    const { digits, refusal } = this.reading,
      one = digits[k];
    [...by("several").querySelectorAll("button")].forEach((button, j) => {
      button.ariaPressed = String(j === k);
    });
    const [said, rest] = one
      ? told(one.answer, this.labels)
      : refusal
        ? ["Nothing is read", refusal]
        : ["", invitation];
    const heading = digits.length > 1 ? `${ordinal(k + 1)} of ${digits.length}: ${said.toLowerCase()}` : said;
    by("words").replaceChildren(...(heading ? [make("strong", { textContent: heading })] : []), rest);
    this.bars(one?.answer);
  }

  bars(answer) {
    const places = answer ? likeliest(answer.probabilities, this.columns.length) : this.columns.map((_, k) => k);
    this.columns.forEach(({ column, fill, label }, k) => {
      const place = places[k],
        share = answer?.probabilities[place] ?? 0;
      column.className = answer && answer.digit === place ? "column best" : "column";
      fill.style.transform = `translateY(${100 - 100 * share}%)`;
      label.textContent = this.labels[place];
    });
    const shares = places.map((place) => answer && `${this.labels[place]} ${percent(answer.probabilities[place])}`);
    by("bars").ariaLabel = `Probabilities: ${answer ? shares.join(", ") : "nothing is read yet"}`;
  }

  /** What is to be known of something else than a reading. */
  tell(heading, rest) {
    by("words").replaceChildren(make("strong", { textContent: heading }), rest);
    by("spoken").textContent = `${heading}: ${rest}.`;
  }

  /** Tell those who listen, once a stroke or a picture is complete. */
  say() {
    by("spoken").textContent = sentence(this.reading, this.labels);
  }
}

/** The place of the answer that most needs a look: one that is none, else the least probable. */
function leastSure(digits) {
  const sureness = digits.map(({ answer }) => answer.probability - (answer.digit === NO_DIGIT ? 1 : 0));
  return Math.max(0, sureness.indexOf(Math.min(...sureness)));
}

/** The places of the likeliest labels, in the labels' order where they are all. */
function likeliest(probabilities, count) {
  const places = Array.from(probabilities.keys());
  if (places.length <= count) return places;
  return places.sort((a, b) => probabilities[b] - probabilities[a] || a - b).slice(0, count);
}
