// The service worker of the folder web/: keeps the page, so that it opens when there is no network.
const OWN = `digitrec ${self.registration.scope} `; // caches are the origin's, which may serve other such folders, too
const CACHE = `${OWN}@VERSION@`;
const FILES = ["./", "manifest.webmanifest", "icon-192.png", "icon-512.png"];
const OTHER_NAME = new URL("index.html", self.registration.scope).pathname; // of the page: some links use it

self.addEventListener("install", (event) => {
  const fresh = FILES.map((file) => new Request(file, { cache: "reload" })); // and not what the browser has kept itself
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(fresh))
      .then(() => self.skipWaiting()),
  );
});
self.addEventListener("activate", (event) => {
  const old = (names) => names.filter((name) => name.startsWith(OWN) && name !== CACHE);
  const clean = caches.keys().then((names) => Promise.all(old(names).map((name) => caches.delete(name))));
  event.waitUntil(clean.then(() => self.clients.claim()));
});
self.addEventListener("fetch", (event) => {
  const asked = new URL(event.request.url).pathname === OTHER_NAME ? "./" : event.request;
  const kept = caches.open(CACHE).then((cache) => cache.match(asked, { ignoreSearch: true }));
  const found = kept.catch(() => undefined); // a browser's store may fail, and the network be there
  event.respondWith(found.then((one) => one ?? fetch(event.request)));
});
