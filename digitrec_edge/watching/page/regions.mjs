// Boxes on a picture: drawn, named, moved, and written as a line to type. The rules of names and sizes are those of regions.py.
const still = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const NAME = /^[A-Za-z0-9_-]{1,32}$/;
const SIDES = ["x", "y", "w", "h"];
const LABELS = { x: "left", y: "top", w: "width", h: "height" };
const boxes = [];
let serial = 0;

const within = (value, low, high) => Math.min(Math.max(Math.round(value) || 0, low), high);

function fit(box) {
  box.w = within(box.w, still.least, still.width);
  box.h = within(box.h, still.least, still.height);
  box.x = within(box.x, 0, still.width - box.w);
  box.y = within(box.y, 0, still.height - box.h);
}

function problem(box) {
  if (!NAME.test(box.name)) return "A name has 1 to 32 letters, digits, - and _.";
  const same = boxes.filter((one) => one.name.toLowerCase() === box.name.toLowerCase());
  if (same.length > 1) return "Another box has this name.";
  if (Math.max(box.w, box.h) > still.aspect * Math.min(box.w, box.h)) return `No side may be ${still.aspect} times the other.`;
  return "";
}

function svg(name, attributes, parent) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent.append(made);
  return made;
}

function html(name, properties, parent) {
  const made = Object.assign(document.createElement(name), properties);
  parent.append(made);
  return made;
}

function freeName() {
  let number = boxes.length + 1;
  while (boxes.some((one) => one.name === `number${number}`)) number += 1;
  return `number${number}`;
}

function add(x, y, w, h) {
  if (boxes.length >= still.most) {
    say(`There may be ${still.most} boxes.`);
    return null;
  }
  serial += 1;
  const box = { name: freeName(), x, y, w, h };
  box.group = svg("g", { class: "box", tabindex: "0", role: "button" }, byId("boxes"));
  box.halo = svg("rect", { class: "halo" }, box.group);
  box.own = svg("rect", { class: "own" }, box.group);
  box.text = svg("text", { "font-size": still.width / 40 }, box.group);
  box.group.addEventListener("keydown", (event) => key(box, event));
  box.group.addEventListener("focus", () => choose(box));
  row(box);
  boxes.push(box);
  show();
  return box;
}

function row(box) {
  box.row = html("li", {}, byId("list"));
  const field = (label, properties) => html("input", properties, html("label", { textContent: label }, box.row));
  box.input = field("name", { className: "name", value: box.name, maxLength: 32, autocomplete: "off" });
  box.wrong = html("p", { className: "wrong", id: `wrong${serial}` }, box.row);
  box.input.setAttribute("aria-describedby", box.wrong.id);
  box.input.addEventListener("input", () => { box.name = box.input.value; show(); });
  box.input.addEventListener("focus", () => choose(box));
  box.fields = {};
  for (const side of SIDES) {
    const input = field(LABELS[side], { className: "number", type: "number", min: 0, step: 1 });
    input.addEventListener("change", () => { box[side] = input.valueAsNumber; show(); });
    box.fields[side] = input;
  }
  box.remove = html("button", { type: "button" }, box.row);
  box.remove.addEventListener("click", () => drop(box));
  box.row.append(box.wrong);
}

function drop(box) {
  boxes.splice(boxes.indexOf(box), 1);
  box.group.remove();
  box.row.remove();
  show();
  say(`${box.name} is removed.`);
  byId("add").focus();
}

function choose(box) {
  for (const one of boxes) one.group.classList.toggle("chosen", one === box);
}

function key(box, event) {
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (event.key === "Delete" || event.key === "Backspace") {
    event.preventDefault();
    drop(box);
  } else if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    box.input.focus();
  } else if (steps[event.key]) {
    event.preventDefault();
    const [across, down] = steps[event.key].map((step) => step * (event.altKey ? 10 : 1));
    if (event.shiftKey) Object.assign(box, { w: Math.min(box.w + across, still.width - box.x), h: Math.min(box.h + down, still.height - box.y) });
    else Object.assign(box, { x: box.x + across, y: box.y + down });
    show();
  }
}

function line() {
  const regions = boxes.map((box) => ` --region ${box.name}=${SIDES.map((side) => box[side]).join(",")}`);
  return `digitrec-edge watch ${still.source}${regions.join("")}`;
}

function show() {
  for (const box of boxes) {
    fit(box);
    for (const rect of [box.halo, box.own]) {
      for (const [name, side] of [["x", "x"], ["y", "y"], ["width", "w"], ["height", "h"]]) rect.setAttribute(name, box[side]);
    }
    box.text.setAttribute("x", box.x + 4);
    box.text.setAttribute("y", box.y > still.width / 30 ? box.y - 6 : box.y + box.h + still.width / 35);
    box.text.textContent = box.name;
    box.group.setAttribute("aria-label", `${box.name}: left ${box.x}, top ${box.y}, width ${box.w}, height ${box.h}`);
    for (const side of SIDES) box.fields[side].value = box[side];
    box.remove.textContent = "Remove";
    box.remove.setAttribute("aria-label", `Remove ${box.name}`);
    box.wrong.textContent = problem(box);
    box.wrong.hidden = !box.wrong.textContent;
    box.input.setAttribute("aria-invalid", String(!box.wrong.hidden));
  }
  const wrong = boxes.some((box) => problem(box));
  byId("none").hidden = boxes.length > 0;
  byId("line").value = wrong ? "" : line();
  byId("copy").disabled = wrong;
}

function say(text) {
  byId("said").textContent = text;
}

function place(event) {
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(byId("still").getScreenCTM().inverse());
  return [within(point.x, 0, still.width), within(point.y, 0, still.height)];
}

let drag = null;

function begin(event) {
  if (event.button !== 0) return;
  event.preventDefault();
  const [x, y] = place(event);
  const hit = boxes.find((box) => box.group.contains(event.target));
  drag = hit ? { box: hit, dx: x - hit.x, dy: y - hit.y } : { from: [x, y] };
  hit?.group.focus();
  byId("still").setPointerCapture(event.pointerId);
}

function move(event) {
  if (!drag) return;
  const [x, y] = place(event);
  if (drag.from) {
    const [left, top] = [Math.min(x, drag.from[0]), Math.min(y, drag.from[1])];
    const [w, h] = [Math.abs(x - drag.from[0]), Math.abs(y - drag.from[1])];
    if (!drag.box && Math.max(w, h) > still.least) drag.box = add(left, top, w, h);
    if (drag.box) Object.assign(drag.box, { x: left, y: top, w, h });
  } else Object.assign(drag.box, { x: x - drag.dx, y: y - drag.dy });
  show();
}

function end() {
  if (drag?.from && drag.box) {
    drag.box.input.focus();
    drag.box.input.select();
  }
  drag = null;
}

async function copy() {
  const area = byId("line");
  area.select();
  try {
    await navigator.clipboard.writeText(area.value);
    say("It is copied.");
  } catch {
    say(document.execCommand("copy") ? "It is copied." : "The line is selected: copy it by Ctrl-C.");
  }
}

byId("still").setAttribute("viewBox", `0 0 ${still.width} ${still.height}`);
for (const [name, value] of [["href", still.picture], ["width", still.width], ["height", still.height]]) byId("picture").setAttribute(name, value);
byId("still").addEventListener("pointerdown", begin);
byId("still").addEventListener("pointermove", move);
byId("still").addEventListener("pointerup", end);
byId("still").addEventListener("pointercancel", end);
byId("add").addEventListener("click", () => {
  add(still.width * 0.35, still.height * 0.4, still.width * 0.3, still.height * 0.2)?.group.focus();
});
byId("copy").addEventListener("click", copy);
show();
