/** A page that is served from its folder can be put on the home screen, and then needs no server. */
import { make } from "./elements.mjs";

export function installable() {
  document.head.append(
    make("link", { rel: "manifest", href: "manifest.webmanifest" }),
    make("link", { rel: "apple-touch-icon", href: "icon-192.png" }),
  );
  navigator.serviceWorker?.register("worker.js").catch(() => {}); // by plain http there is none, and none is needed
}
