/** The page to correct what was kept: a grid of pictures, and what each is said to show. */
import { by, described, greyCanvas, make } from "../../web/page/elements.mjs";
import { ask, send } from "./api.mjs";

const SIDE = 28;
const PAGE = 60;
const NO_DIGIT = "no digit";

const shown = { items: [], labels: [], offset: 0, matching: 0, all: 0, done: 0, corrected: "no" };

const named = (digit) => (digit === null ? NO_DIGIT : shown.labels[digit]);
const say = (words) => {
  by("spoken").textContent = words;
};

function pixels(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** What the answer was, in words; for eyes and for a screen reader. */
function answer(item) {
  const sure = `${Math.round(100 * item.probability)} %`;
  if (item.digit === null) return ["No digit", `most like ${shown.labels[item.candidate]}`];
  return [`Read as ${shown.labels[item.digit]}`, `${sure} sure`];
}

function choices(item) {
  const holder = make("div", { className: "choice", role: "group", ariaLabel: "What it shows" });
  for (const digit of [...shown.labels.keys(), null]) {
    const chosen = item.corrected && item.correction === digit;
    const button = make("button", { type: "button", textContent: named(digit), ariaPressed: String(chosen) });
    if (digit === null) button.classList.add("none");
    if (!item.corrected && digit === item.digit) button.classList.add("likely");
    button.addEventListener("click", () => correct(item.id, digit));
    holder.append(button);
  }
  return holder;
}

function card(item) {
  const [first, second] = answer(item);
  const words = make("p", { className: "said" }, make("strong", { textContent: first }), second);
  const when = make("p", { className: "when", textContent: `${new Date(item.time).toLocaleString()}, ${item.source}` });
  const canvas = greyCanvas(pixels(item.image), SIDE, SIDE, { className: "pixels seen" });
  described(canvas, `Picture, ${first.toLowerCase()}, ${second}`);
  const element = make("li", { className: "item", tabIndex: 0 }, canvas, make("div", {}, words, when), choices(item));
  element.dataset.id = item.id;
  element.dataset.corrected = String(item.corrected);
  element.setAttribute("aria-label", `${first}, ${second}`);
  return element;
}

/** Show what is known of the page; `focus` is the id of the item that has the keyboard, or null. */
function show(focus) {
  by("grid").replaceChildren(...shown.items.map(card));
  for (const [id, corrected] of [["todo", "no"], ["done", "yes"]]) {
    by(id).ariaPressed = String(shown.corrected === corrected);
  }
  const { items, offset, matching } = shown;
  by("empty").hidden = items.length > 0;
  by("empty").textContent = shown.corrected === "no" ? "Nothing is left to look at." : "Nothing is corrected yet.";
  by("pages").hidden = matching <= PAGE;
  by("place").textContent = `${offset + 1} to ${offset + items.length} of ${matching}`;
  by("before").disabled = offset === 0;
  by("after").disabled = offset + items.length >= matching;
  if (focus) by("grid").querySelector(`[data-id="${focus}"]`)?.focus();
}

/** Tell how much is done, so many more than before. */
function count(more) {
  shown.done += more;
  by("counts").textContent = `${shown.all - shown.done} to do, ${shown.done} corrected`;
}

async function load(offset, focus = null) {
  const found = await ask(`v1/collection?corrected=${shown.corrected}&limit=${PAGE}&offset=${offset}`);
  if (!found) return;
  if (!found.items.length && offset > 0) {
    await load(Math.max(0, offset - PAGE), focus);
    return;
  }
  Object.assign(shown, { items: found.items, labels: found.labels, matching: found.matching, offset });
  Object.assign(shown, { all: found.all, done: found.corrected });
  count(0);
  show(focus === "first" ? (found.items[0]?.id ?? null) : focus);
}

/** Show an item as it is now, where it stood: nothing moves under a finger. */
function replace(item) {
  const place = shown.items.findIndex((one) => one.id === item.id);
  if (place < 0) return -1;
  count(Number(item.corrected) - Number(shown.items[place].corrected));
  shown.items[place] = item;
  by("grid").children[place].replaceWith(card(item));
  return place;
}

/** Say what an item shows; the next one has the keyboard. */
async function correct(id, digit) {
  const item = await send("v1/collection/correct", { id, digit });
  if (!item) return;
  const place = replace(item);
  const children = by("grid").children;
  (children[place + 1] ?? children[place])?.focus({ preventScroll: false });
  say(`It is ${digit === null ? NO_DIGIT : `a ${named(digit)}`}. Undo${labelled("u") < 0 ? ", or u," : ""} takes it back.`);
}

async function undo() {
  const item = await send("v1/collection/undo", null);
  if (item === undefined) return;
  if (item === null) {
    say("There is nothing to take back.");
    return;
  }
  const place = replace(item);
  if (place < 0) await load(shown.offset);
  else by("grid").children[place].focus();
  say("Taken back.");
}

/** How many of the items that are shown are still of the kind that is listed. */
function listed() {
  return shown.items.filter((item) => item.corrected === (shown.corrected === "yes")).length;
}

function choose(corrected) {
  shown.corrected = corrected;
  return load(0);
}

function focused() {
  return document.activeElement?.closest?.(".item") ?? null;
}

/** How many items stand in a row. */
function columns() {
  const items = [...by("grid").children];
  const below = items.findIndex((one) => one.offsetTop > items[0].offsetTop);
  return below < 0 ? items.length : below;
}

function move(by_) {
  const items = [...by("grid").children];
  const place = items.indexOf(focused());
  items[Math.min(items.length - 1, Math.max(0, place < 0 ? 0 : place + by_))]?.focus();
}

const MOVES = { ArrowLeft: () => -1, ArrowRight: () => 1, ArrowUp: () => -columns(), ArrowDown: columns };

/** The first of these keys that is a label, as its number; -1 where none is. */
function labelled(...keys) {
  return keys.map((key) => shown.labels.indexOf(key)).find((digit) => digit >= 0) ?? -1;
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const id = focused()?.dataset.id;
  const digit = id ? labelled(event.key, key) : -1;
  if (key in MOVES) move(MOVES[key]());
  else if (digit >= 0) correct(id, digit);
  else if (key === "u") undo();
  else if (id && key === "n") correct(id, null);
  else return;
  event.preventDefault();
}

export function main() {
  document.addEventListener("keydown", pressed);
  by("todo").addEventListener("click", () => choose("no"));
  by("done").addEventListener("click", () => choose("yes"));
  by("undo").addEventListener("click", undo);
  by("before").addEventListener("click", () => load(Math.max(0, shown.offset - PAGE), "first"));
  by("after").addEventListener("click", () => load(shown.offset + listed(), "first"));
  document.documentElement.dataset.ready = "false";
  load(0).then(() => {
    document.documentElement.dataset.ready = "true";
  });
}
