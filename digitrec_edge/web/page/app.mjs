/** The page: draw or photograph, see what is read. Started by boot.mjs once the file is found whole. */
import { openArtifact } from "../artifact/index.mjs";
import { openModel } from "../engine/index.mjs";
import { NOTHING, readDrawing, readPicture } from "../reading.mjs";
import { recogniser } from "../recogniser.mjs";
import { selfTest } from "../selftest.mjs";
import { offerFile, showCard, showSpeed, showTest } from "./about.mjs";
import { AnswerView } from "./answer.mjs";
import { offer } from "./api.mjs";
import { by } from "./elements.mjs";
import { installable } from "./install.mjs";
import { Pad } from "./pad.mjs";
import { onFileGiven, openPhotograph } from "./photograph.mjs";
import { share } from "./share.mjs";
import { showStages } from "./stages.mjs";
import { SIDE, enlarged } from "./strokes.mjs";
import { turned } from "./turn.mjs";
import { noun, shown } from "./words.mjs";

const PARTS = Symbol.for("digitrec");
const QUICK_MS = 12; // so long a reading may take at every frame
const SEEN_MS = 32; // two frames: after these, words are seen, whatever keeps the browser busy then

/** Take over from boot.mjs, and tell it the result of the self-test, or the error that ends it. */
export function main() {
  const parts = globalThis[PARTS];
  delete globalThis[PARTS];
  start(parts).then(parts.done, parts.done);
}

async function start({ artifact: bytes, kernel, served }) {
  const artifact = await openArtifact(bytes),
    model = openModel(bytes, kernel);
  const { answer, real, labels } = recogniser(model, artifact.card);
  if (!artifact.sample) throw new Error("no images travel with the model, so it cannot be tested");
  const result = selfTest(model, artifact.sample, real);
  if (!result.passed) throw new Error("the model does not give the answers that it gave at its export");
  new Page(artifact.sample, answer, labels).begin();
  showTest(result);
  showCard(artifact);
  offerFile(artifact);
  by("about").addEventListener("toggle", () => by("about").open && showSpeed(model, artifact.sample.image(0)));
  offer(model, answer);
  if (served) installable();
  return result;
}

/** What is on the paper, and what is read of it. */
class Page {
  constructor(sample, answer, labels) {
    Object.assign(this, { sample, answer, labels, reading: NOTHING, next: 0, ticket: 0, readMs: 0 });
    this.pending = this.finished = false; // a reading of what is drawn, and whether a stroke has ended since the last
    this.view = new AnswerView(labels);
    this.pad = new Pad(by("pad"), (finished) => this.drawn(finished));
  }

  begin() {
    document.title = `A ${noun(this.labels)}, read on this device`;
    document.querySelector("h1").textContent = `Draw a ${noun(this.labels)}`;
    by("hint").textContent = `Draw a ${noun(this.labels)} here`;
    by("undo").addEventListener("click", () => this.pad.undo());
    by("clear").addEventListener("click", () => this.pad.clear());
    by("example").addEventListener("click", () => this.example());
    by("share").addEventListener("click", () => share(by("pad"), this.reading, this.labels));
    by("turn").addEventListener("click", () => this.turn());
    by("stages").addEventListener("toggle", () => this.stages());
    for (const id of ["camera", "picture"]) by(id).addEventListener("change", () => this.chosen(by(id)));
    onFileGiven((file) => this.photograph(file));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.themed());
    this.show(NOTHING, true);
  }

  /** Read what is drawn: once for all that happens before the next frame, and no more often than it takes. */
  drawn(finished) {
    this.ticket++;
    this.finished ||= finished;
    if (this.pending && !finished) return;
    this.cancel();
    this.pending = true;
    this.setBusy(true);
    const soon = () => {
      this.frame = requestAnimationFrame(() => this.readDrawn());
    };
    if (finished || this.readMs < QUICK_MS) soon();
    else this.timer = setTimeout(soon, this.readMs);
  }

  readDrawn() {
    const start = performance.now(),
      complete = this.finished;
    this.cancel();
    this.finished = false;
    this.show(this.pad.empty ? NOTHING : readDrawing(this.pad.field, SIDE, SIDE, this.answer), complete);
    this.readMs = performance.now() - start;
  }

  cancel() {
    clearTimeout(this.timer);
    cancelAnimationFrame(this.frame);
    this.pending = false;
  }

  setBusy(busy) {
    by("reading").ariaBusy = String(busy);
  }

  show(reading, complete) {
    this.reading = reading;
    this.setBusy(false);
    this.view.show(reading, "Use a finger, a pen or the mouse; or let a picture be read.");
    const empty = this.pad.empty && !this.pad.under,
      held = document.activeElement;
    by("hint").hidden = !empty;
    by("undo").disabled = this.pad.empty;
    by("clear").disabled = empty && !reading.refusal;
    by("share").disabled = !reading.digits.length;
    by("turn").hidden = !reading.turn;
    if (held?.disabled || held?.hidden) by("pad").focus({ preventScroll: true }); // a button that goes must not take it
    if (!complete) return;
    this.view.say();
    this.stages();
  }

  stages() {
    if (by("stages").open) showStages(by("stages").querySelector(".strip"), this.reading, this.labels);
  }

  /** The next of the images that travel with the model, as a picture like any other; one in a hundred is no digit to it. */
  example() {
    this.ticket++;
    let image;
    for (let tries = 0; tries < this.sample.count; tries++) {
      image = this.sample.image(this.next);
      this.next = (this.next + 1) % this.sample.count;
      const { digits } = readPicture(enlarged(image), SIDE, SIDE, this.answer);
      if (digits.length && digits.every(({ answer }) => answer.accepted)) break;
    }
    this.picture({ grey: enlarged(image), width: SIDE, height: SIDE, picture: inkOf(image), image });
  }

  /** Another theme has another pen; what it has drawn changes with it. */
  themed() {
    if (this.pad.under && this.photo.image) this.pad.under = this.photo.picture = inkOf(this.photo.image);
    this.pad.paint();
  }

  turn() {
    this.ticket++;
    this.picture(turned(this.photo, this.reading.turn));
  }

  async chosen(input) {
    if (input.files.length) await this.photograph(input.files[0]);
    input.value = "";
  }

  /** Opening takes time; where anything else is done meanwhile, that is what was wanted, and the file is forgotten. */
  async photograph(file) {
    const mine = ++this.ticket;
    if (this.pending) this.readDrawn();
    this.setBusy(true);
    this.view.tell("One moment", "the picture is being read");
    await new Promise((done) => setTimeout(done, SEEN_MS));
    try {
      const photograph = await openPhotograph(file);
      if (mine === this.ticket) this.picture(photograph);
    } catch (cause) {
      if (mine === this.ticket) this.refuse(cause.message);
    }
  }

  /** A file that is no picture is told; what is on the paper stays, with what was read of it. */
  refuse(why) {
    this.setBusy(false);
    this.view.tell("The file is not read", why);
    by("clear").disabled = false;
  }

  picture(photograph) {
    this.cancel();
    this.finished = false;
    const { grey, width, height, picture } = photograph;
    const reading = readPicture(grey, width, height, this.answer),
      scale = picture.width / width;
    const boxes = reading.digits.map(({ box, answer }) => ({
      left: box.left * scale,
      top: box.top * scale,
      right: box.right * scale,
      bottom: box.bottom * scale,
      label: shown(answer, this.labels),
    }));
    this.photo = photograph;
    this.pad.show(picture, boxes);
    this.show(reading, true);
  }
}

/** An image in the pen's colour, smooth, to be looked at. */
function inkOf(image) {
  const small = Object.assign(document.createElement("canvas"), { width: 28, height: 28 });
  const context = small.getContext("2d"),
    pixels = context.createImageData(28, 28);
  image.forEach((ink, k) => {
    pixels.data[4 * k + 3] = ink;
  });
  context.putImageData(pixels, 0, 0);
  context.globalCompositeOperation = "source-in";
  context.fillStyle = getComputedStyle(by("pad")).getPropertyValue("--pen");
  context.fillRect(0, 0, 28, 28);
  const large = Object.assign(document.createElement("canvas"), { width: 4 * SIDE, height: 4 * SIDE });
  large.getContext("2d").drawImage(small, 0, 0, large.width, large.height);
  return large;
}
