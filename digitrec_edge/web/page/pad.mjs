/** The drawing field: finger, pen, mouse or keyboard give strokes; a photograph may lie on it. */
import { SIDE, RADIUS, blank, draw, drawn, place, point } from "./strokes.mjs";

const KEY_STEP = 14; // pixels of the field that an arrow key moves the pen
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Pad {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {(finished: boolean) => void} changed told of every change, and of the end of a stroke
   */
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.changed = changed;
    this.strokes = [];
    this.field = blank();
    this.pointer = null;
    this.pen = point(SIDE / 2, SIDE / 2);
    this.penShown = this.penDown = false;
    this.under = null; // a picture to draw on, or none
    this.boxes = [];
    for (const kind of ["down", "move", "up", "cancel"])
      canvas.addEventListener(`pointer${kind}`, (event) => this[kind](event));
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => {
      this.lift();
      this.showPen(false);
    });
    new ResizeObserver(() => this.paint()).observe(canvas);
  }

  get empty() {
    return this.strokes.length === 0;
  }

  /** Show a picture in place of strokes, and boxes, `{left, top, right, bottom, label}` in its pixels. */
  show(picture, boxes) {
    this.forget();
    this.under = picture;
    this.boxes = boxes;
    this.paint();
  }

  clear() {
    this.forget();
    this.paint();
    this.changed(true);
  }

  undo() {
    this.strokes.pop();
    this.field = drawn(this.strokes);
    this.pointer = null;
    this.penDown = false;
    this.paint();
    this.changed(true);
  }

  forget() {
    this.strokes = [];
    this.field = blank();
    this.under = null;
    this.boxes = [];
    this.pointer = null;
    this.penDown = false;
  }

  down(event) {
    if (this.pointer !== null || event.button > 0) return;
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.lift();
    this.showPen(false);
    this.begin(this.at(event));
    this.pointer = event.pointerId;
  }

  move(event) {
    if (event.pointerId !== this.pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length ? events : [event]) this.extend(this.at(one));
  }

  up(event) {
    if (event.pointerId !== this.pointer) return;
    this.pointer = null;
    this.changed(true);
  }

  cancel(event) {
    this.up(event);
  }

  begin(start) {
    if (this.under) this.forget();
    this.strokes.push([start]);
    draw(this.field, start, start);
    this.paint();
    this.changed(false);
  }

  extend(next) {
    const stroke = this.strokes.at(-1),
      last = stroke.at(-1);
    if (next[0] === last[0] && next[1] === last[1]) return;
    stroke.push(next);
    draw(this.field, last, next);
    this.paint();
    this.changed(false);
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return; // the browser's own
    const way = KEYS[event.key];
    if (way) {
      const [x, y] = place(this.pen);
      this.pen = point(x + KEY_STEP * way[0], y + KEY_STEP * way[1]);
      if (this.penDown) this.extend(this.pen);
    } else if (event.key === " ") {
      if (!event.repeat) this.press();
    } else return;
    event.preventDefault();
    this.showPen(true);
  }

  press() {
    if (this.penDown) return this.lift();
    this.begin(this.pen);
    this.penDown = true;
  }

  /** End the keyboard's stroke: by its key, for a finger or a mouse, or when the keyboard goes elsewhere. */
  lift() {
    if (!this.penDown) return;
    this.penDown = false;
    this.changed(true);
  }

  showPen(shown) {
    if (this.penShown === shown && !shown) return;
    this.penShown = shown;
    this.paint();
  }

  at(event) {
    const edge = this.canvas.getBoundingClientRect(),
      { clientLeft: border } = this.canvas;
    const inside = edge.width - 2 * border;
    return point(
      ((event.clientX - edge.left - border) / inside) * SIDE,
      ((event.clientY - edge.top - border) / inside) * SIDE,
    );
  }

  /** What is seen is drawn by the canvas, as sharp as the screen is; what is read is `field`. */
  paint() {
    const { canvas } = this,
      side = Math.max(1, Math.round(canvas.clientWidth * devicePixelRatio));
    if (canvas.width !== side) canvas.width = canvas.height = side;
    const context = canvas.getContext("2d"),
      scale = side / SIDE,
      style = getComputedStyle(canvas);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, side, side);
    if (this.under) paintPicture(context, side, this, style);
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = 2 * RADIUS;
    context.strokeStyle = style.getPropertyValue("--pen");
    for (const stroke of this.strokes) {
      context.beginPath();
      stroke.forEach((one) => context.lineTo(...place(one)));
      context.lineTo(...place(stroke.at(-1)));
      context.stroke();
    }
    if (this.penShown) paintPen(context, place(this.pen), style.getPropertyValue("--accent"));
  }
}

function paintPen(context, [x, y], colour) {
  context.beginPath();
  context.arc(x, y, RADIUS, 0, 2 * Math.PI);
  context.lineWidth = 2;
  context.strokeStyle = colour;
  context.stroke();
}

/** A picture, and over it a box and a label for each digit; labels are smaller where digits are, to stay apart. */
function paintPicture(context, side, { under: picture, boxes }, style) {
  const [colour, letters] = ["--box", "--on-accent"].map((name) => style.getPropertyValue(name));
  const scale = side / Math.max(picture.width, picture.height);
  const left = (side - picture.width * scale) / 2,
    top = (side - picture.height * scale) / 2;
  context.drawImage(picture, left, top, picture.width * scale, picture.height * scale);
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = Math.max(2, side / 180);
  const fitting = boxes.map((box) => ((box.right - box.left) * scale) / Math.max(1, 0.6 * box.label.length));
  const text = Math.round(Math.max(side / 32, Math.min(side / 16, ...fitting)));
  context.font = `700 ${text}px system-ui, sans-serif`;
  for (const box of boxes) {
    const x = left + box.left * scale,
      y = top + box.top * scale;
    context.strokeRect(x, y, (box.right - box.left) * scale, (box.bottom - box.top) * scale);
    const width = context.measureText(box.label).width + 0.6 * text,
      above = y > 1.3 * text ? y - 1.25 * text : y,
      start = Math.max(0, Math.min(x - context.lineWidth / 2, side - width));
    context.fillRect(start, above, width, 1.25 * text);
    context.fillStyle = letters;
    context.fillText(box.label, start + 0.3 * text, above + text);
    context.fillStyle = colour;
  }
}
