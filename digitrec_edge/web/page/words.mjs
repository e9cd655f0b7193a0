/** What the page says of a reading. */
import { NO_DIGIT } from "../recogniser.mjs";

const DIGITS = "0123456789";

/** @returns {string} 99.8 %; never 100 % of what is not quite sure */
export function percent(share) {
  const rounded = Math.min(share, share < 1 ? 0.999 : 1);
  return `${(100 * rounded).toFixed(1)} %`;
}

/** "digit" for the ten digits, else "sign". */
export const noun = (labels) => (labels.join("") === DIGITS ? "digit" : "sign");

/** What stands for one answer: its label, or ? for none. */
export const shown = (answer, labels) => (answer.digit === NO_DIGIT ? "?" : labels[answer.digit]);

/** What stands for all answers, in their order; labels of several letters are kept apart. */
export const shownAll = (digits, labels) =>
  digits.map(({ answer }) => shown(answer, labels)).join(labels.some((label) => label.length > 1) ? " " : "");

/** @returns {string} 1st, 2nd, 3rd, 4th, 11th, 21st */
export function ordinal(number) {
  const teens = number % 100 > 10 && number % 100 < 14;
  return number + ((!teens && ["th", "st", "nd", "rd"][number % 10]) || "th");
}

/** @returns {[string, string]} a heading and the rest of what is said of one answer */
export function told(answer, labels) {
  const { candidate, digit, probability } = answer;
  if (digit === NO_DIGIT) return [`No ${noun(labels)}`, `It is most like ${labels[candidate]}.`];
  const next = answer.probabilities.map((p, k) => (k === candidate ? -1 : p));
  const second = next.indexOf(Math.max(...next));
  const rival = next[second] >= 0.01 ? `Or ${labels[second]}, ${percent(next[second])}.` : "Nothing else comes near.";
  return [`${percent(probability)} sure`, rival];
}

/** The whole reading in a sentence, for a screen reader and for a picture that is shared. */
export function sentence({ digits, refusal }, labels) {
  if (!digits.length) return refusal ? `Nothing is read: ${refusal}.` : "";
  if (digits.length === 1) {
    const [heading] = told(digits[0].answer, labels);
    return digits[0].answer.digit === NO_DIGIT
      ? `${heading}.`
      : `Read: ${shown(digits[0].answer, labels)}, ${heading}.`;
  }
  return `Read: ${digits.map(({ answer }) => shown(answer, labels)).join(" ")}.`;
}
