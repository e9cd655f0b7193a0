/** The service's own addresses, asked one after another; what goes wrong is told on the page. */
import { by } from "../../web/page/elements.mjs";

let last = Promise.resolve();

async function answered(path, options) {
  try {
    const response = await fetch(path, { credentials: "same-origin", ...options });
    const content = await response.json();
    if (response.ok) return content;
    by("spoken").textContent = content.error;
  } catch {
    by("spoken").textContent = "The service does not answer; is it running, and in reach?";
  }
  return undefined;
}

function queued(path, options) {
  last = last.then(() => answered(path, options));
  return last;
}

/** What an address answers; undefined where it refused. */
export function ask(path) {
  return queued(path, {});
}

/** Sends a value, null for none. */
export function send(path, value) {
  const body = value === null ? {} : { body: JSON.stringify(value), headers: { "Content-Type": "application/json" } };
  return queued(path, { method: "POST", ...body });
}
