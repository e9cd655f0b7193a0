// The service worker of the folder web/: keeps the page, so that it opens when there is no network.
const OWN = `digitrec ${self.registration.scope} `; // caches are the origin's, which may serve other such folders, too
const SEAL = "@SEAL@"; // of the page that this worker came with
const CACHE = OWN + SEAL;
const PAGE = "./";
const OTHERS = ["manifest.webmanifest", "icon-192.png", "icon-512.png"];
const OTHER_NAME = new URL("index.html", self.registration.scope).pathname; // of the page: some links use it

const fresh = (file) => new Request(file, { cache: "reload" }); // and not what the browser has kept itself

/** The page. Another one, such as that of before or a login's, would be kept for ever: without it the browser tries again. */
async function freshPage() {
  const answer = await fetch(fresh(PAGE)),
    text = await answer.text();
  if (!text.includes(SEAL)) throw new Error(`${answer.url} is not the page that this worker came with`);
  return new Response(text, { headers: answer.headers }); // browsers open none that says that a server led to it
}

async function keep() {
  const page = await freshPage(),
    cache = await caches.open(CACHE);
  await cache.addAll(OTHERS.map(fresh));
  await cache.put(PAGE, page);
  await self.skipWaiting();
}

self.addEventListener("install", (event) => event.waitUntil(keep()));
self.addEventListener("activate", (event) => {
  const old = (names) => names.filter((name) => name.startsWith(OWN) && name !== CACHE);
  const clean = caches.keys().then((names) => Promise.all(old(names).map((name) => caches.delete(name))));
  event.waitUntil(clean.then(() => self.clients.claim()));
});
self.addEventListener("fetch", (event) => {
  const asked = new URL(event.request.url).pathname === OTHER_NAME ? PAGE : event.request;
  const kept = caches.open(CACHE).then((cache) => cache.match(asked, { ignoreSearch: true }));
  const found = kept.catch(() => undefined); // a browser's store may fail, and the network be there
  event.respondWith(found.then((one) => one ?? fetch(event.request)));
});
