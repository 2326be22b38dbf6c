// The gate's service worker: the page and its files, so that it opens without a network. Tickets are the page's business.
"use strict";
const KEPT = "gate-{version}";
const FILES = {files};

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(caches.open(KEPT).then((cache) => cache.addAll(FILES)));
});
addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name.startsWith("gate-") && name !== KEPT) await caches.delete(name);
    await clients.claim();
  })());
});
addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  const isPage = url.pathname === "/gate";
  if (!isPage && !FILES.includes(url.pathname)) return;
  event.respondWith((async () => {
    const cache = await caches.open(KEPT);
    const kept = await cache.match(isPage ? "/gate" : url.pathname);
    if (!isPage) return kept ?? fetch(event.request);
    try {
      const fresh = await fetch(event.request, { signal: AbortSignal.timeout(3000) });
      if (fresh.ok) await cache.put("/gate", fresh.clone());
      return fresh.ok || !kept ? fresh : kept;
    } catch (error) {
      if (kept) return kept;
      throw error;
    }
  })());
});
