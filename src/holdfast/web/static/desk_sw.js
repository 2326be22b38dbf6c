// The desk's service worker: the page and its files, so that it opens without a network and without a session.
"use strict";
const KEPT = "desk-{version}";
const FILES = {files};
const PAGE = FILES[0];

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(caches.open(KEPT).then((cache) => cache.addAll(FILES)));
});
addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name.startsWith("desk-") && name !== KEPT) await caches.delete(name);
    await clients.claim();
  })());
});
// A page of a newer release waits for that one's worker, which keeps its files with it.
const ours = async (page) => { const text = await page.text(); return FILES.slice(1).every((name) => text.includes(name)); };
addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin || !FILES.includes(url.pathname)) return;
  const isPage = url.pathname === PAGE;
  event.respondWith((async () => {
    const cache = await caches.open(KEPT);
    const kept = await cache.match(url.pathname);
    if (!isPage) return kept ?? fetch(event.request);
    try {
      const fresh = await fetch(PAGE, { credentials: "same-origin", redirect: "manual", signal: AbortSignal.timeout(3000), headers: { Accept: "text/html" } });
      if (fresh.ok && (await ours(fresh.clone()))) await cache.put(PAGE, fresh.clone());
      return fresh.ok || !kept ? fresh : kept; // signed out: what was taken is on this device, so its page opens
    } catch (error) {
      if (kept) return kept;
      throw error;
    }
  })());
});
