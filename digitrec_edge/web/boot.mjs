/**
 * The page's own check, before anything of it is shown: its seal, as Python writes and checks it.
 *
 * The seal is the SHA-256 of all bytes of the file before it. A page cannot read its own file, so these bytes are
 * written again from what the browser has made of them; digitrec_edge/web/page.py writes them the same way. A change of
 * this script itself is refused by the browser: the page's Content-Security-Policy names the hash of every script. So
 * the two watch each other, and the sentence that the page is damaged is in the page until this script takes it away.
 */
import { fromBase85, inflated } from "./encoding.mjs";
import { sha256 } from "./sha256.mjs";

const HEAD = ["charset", "maker", "policy", "view", "scheme", "icon"];
const BODY = ["said", "artifact", "app", "boot"];
const ATTRIBUTES = ["id", "charset", "name", "http-equiv", "rel", "href", "type", "content"];
const MARK = " digitrec_edge ";
const REFUSED = "This page is damaged or was changed, and reads nothing. Copy it again, or ask for it again.";
const TOO_OLD = "This browser is too old for this page, which reads nothing in it. Open it in a newer browser.";

const by = (id) => document.getElementById(id);

/** An element as it stands in the file; what a browser's extension added to it is left out. */
function written(id, parent) {
  const element = by(id);
  if (element?.parentNode !== parent) throw new Error(`${id} is not in its place`);
  const name = element.localName;
  const given = ATTRIBUTES.filter((attribute) => element.hasAttribute(attribute));
  const start = `<${name}${given.map((attribute) => ` ${attribute}="${element.getAttribute(attribute)}"`).join("")}>`;
  return parent === document.head ? start : `${start}${element.textContent}</${name}>`;
}

/** Everything before the seal, and the seal. */
function contents() {
  const { documentElement: html, head, body } = document;
  const end = document.lastChild.data;
  if (!end.startsWith(MARK) || document.compatMode !== "CSS1Compat")
    throw new Error("the file's end or start is missing");
  const text =
    `<!DOCTYPE html><html lang="${html.lang}"><head>${HEAD.map((id) => written(id, head)).join("")}</head>` +
    `<body>${BODY.map((id) => written(id, body)).join("")}</body></html><!--${MARK}`;
  return { text, seal: end.slice(MARK.length) };
}

async function start(done) {
  const { text, seal } = contents();
  if (`sha256:${sha256(new TextEncoder().encode(text))}` !== seal) throw new Error("the seal is broken");
  const [artifact, app] = await Promise.all(["artifact", "app"].map((id) => inflated(fromBase85(by(id).textContent))));
  const { style, markup, script, kernel, served } = JSON.parse(new TextDecoder().decode(app));
  globalThis[Symbol.for("digitrec")] = { artifact, kernel: fromBase85(kernel), served, seal, done };
  const [sheet, code] = ["style", "script"].map((name) => document.createElement(name));
  sheet.textContent = style;
  code.textContent = script;
  document.head.append(sheet);
  by("said").insertAdjacentHTML("afterend", markup);
  document.body.append(code); // runs at once, if its hash is the one of the page's policy
  if (globalThis[Symbol.for("digitrec")]) throw new Error("the browser refuses the page's script");
  await globalThis.digitrec.ready;
  by("said").remove();
}

/** Whether the browser cannot unpack what is in the page; those that can have all else that the page needs, too. */
function isTooOld() {
  try {
    return !new DecompressionStream("deflate-raw");
  } catch {
    return true;
  }
}

globalThis.digitrec = {};
globalThis.digitrec.ready = new Promise((done, failed) => {
  const refuse = (cause) => {
    const said = isTooOld() ? TOO_OLD : `${REFUSED} What was found: ${cause.message}.`;
    failed(new Error(said, { cause }));
    document.body.replaceChildren(Object.assign(document.createElement("p"), { textContent: said }));
  };
  start((answer) => (answer instanceof Error ? refuse(answer) : done(answer))).catch(refuse);
});
globalThis.digitrec.ready.catch(() => {}); // it is said on the page
